//! From what was configured to a client of the API server.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::options::{Access, bad_url};
use crate::failure::Failure;

/// A client for one reading. It is made anew each time, so that renewed credentials are taken up.
pub(super) async fn connect(access: &Access, time_limit: Duration) -> Result<Client, Failure> {
    let mut config = match access {
        Access::Kubeconfig { path, context, allow_exec } => kubeconfig(path, context.as_deref(), *allow_exec).await?,
        Access::InCluster => Config::incluster().map_err(|error| {
            Failure::rejected(format!(
                "the bot does not run in a cluster, or has no service account there: {error}. Name a kubeconfig, or a URL and \
                 a token."
            ))
        })?,
        Access::Explicit { url, token, ca } => {
            let url = url.parse().map_err(|error| Failure::rejected(format!("its address is no URL: {error}")))?;
            let mut config = Config::new(url);
            config.auth_info.token = Some(token.clone());
            config.root_cert = ca.as_deref().map(authorities).transpose()?;
            config
        }
    };
    config.connect_timeout = Some(time_limit.min(Duration::from_secs(5)));
    config.read_timeout = Some(time_limit);
    config.write_timeout = Some(time_limit);
    // Whoever called decides whether to try again.
    config.default_retry = false;
    // kube takes it from the environment, and was built without the means to use it.
    config.proxy_url = None;
    // kube has no way to be told in its configuration; the process may have been told already, with the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A program that logs in, where one is allowed, is run in here, and takes its time.
    let made = tokio::task::spawn_blocking(move || Client::try_from(config));
    match tokio::time::timeout(time_limit, made).await {
        Ok(Ok(Ok(client))) => Ok(client),
        Ok(Ok(Err(error))) => Err(Failure::rejected(format!("the cluster cannot be asked: {}", cause(&error)))),
        Ok(Err(_)) | Err(_) => Err(Failure::retry(format!("logging in to the cluster took more than {time_limit:?}"))),
    }
}

async fn kubeconfig(path: &Path, context: Option<&str>, allow_exec: bool) -> Result<Config, Failure> {
    let place = path.display();
    let refuse = |why: &str| Failure::rejected(format!("the kubeconfig {place} {why}"));
    let unread = |error: KubeconfigError| {
        let harmless = matches!(
            error,
            KubeconfigError::CurrentContextNotSet
                | KubeconfigError::LoadContext(_)
                | KubeconfigError::LoadClusterOfContext(_)
                | KubeconfigError::MissingClusterUrl
        );
        if let KubeconfigError::ReadConfig(error, _) = error {
            return refuse(&format!("cannot be read: {error}"));
        }
        if harmless {
            return refuse(&format!("cannot be used: {error}. Name another context."));
        }
        // What else is wrong is not repeated: it may quote the line, and with it a token.
        refuse("cannot be used. See what `kubectl get deployments` says with it.")
    };
    let config = Kubeconfig::read_from(path).map_err(unread)?;
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(config, &options).await.map_err(unread)?;
    let login = &config.auth_info;
    if (login.exec.is_some() || login.auth_provider.is_some()) && !allow_exec {
        return Err(refuse(
            "wants to run a program to log in, which is not allowed. Give the bot a service account's token, or allow it \
             in the configuration.",
        ));
    }
    if config.accept_invalid_certs {
        return Err(refuse(
            "says insecure-skip-tls-verify, so that anybody could answer. Put the cluster's certificate authority there.",
        ));
    }
    match bad_url(&config.cluster_url.to_string()) {
        Some(why) => Err(refuse(&format!("has an address of a cluster that cannot be used: {why}"))),
        None => Ok(config),
    }
}

fn authorities(pem: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).map(|found| found.map(|der| der.to_vec())).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Failure::rejected(
            "its certificate authority is not in PEM. Give it as it stands in the kubeconfig, decoded.",
        )),
    }
}

/// Why a call came to nothing, without what could hold a secret: a program that logs in prints tokens.
pub(super) fn cause(error: &kube::Error) -> String {
    if matches!(error, kube::Error::Auth(_)) {
        return "logging in fails. See what `kubectl get deployments` says with the same kubeconfig".to_owned();
    }
    root_cause(error)
}

/// The innermost cause, which is the one that says something: "connection refused".
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
