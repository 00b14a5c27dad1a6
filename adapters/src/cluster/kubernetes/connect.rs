//! Creates clients of an API server from the configured access.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::options::{Access, bad_url};
use crate::failure::Failure;

/// Creates a client for one read. It is not reused, so that renewed credentials take effect.
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
    // The caller decides about retries.
    config.default_retry = false;
    // kube reads the proxy from the environment, but is built without proxy support.
    config.proxy_url = None;
    // kube's configuration has no setting for the crypto provider. It may be installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Client creation may run a login program, if allowed, which blocks.
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
        // Other errors may quote a line of the file, and with it a token.
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

/// Describes the cause of a failed call, without details of a failed login: login programs may print tokens.
pub(super) fn cause(error: &kube::Error) -> String {
    if matches!(error, kube::Error::Auth(_)) {
        return "logging in fails. See what `kubectl get deployments` says with the same kubeconfig".to_owned();
    }
    root_cause(error)
}

/// Returns the innermost cause, which is the most informative: "connection refused".
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
