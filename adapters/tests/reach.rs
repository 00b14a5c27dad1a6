//! The egress policy: no configured name and no redirect leads the bot into the private network (security case 65).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::deploy::Deploy as _;
use hotfix_adapters::deploy::drone::{Drone, DroneOptions};
use hotfix_adapters::egress::{EgressPolicy, Resolver};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::credentials::Credentials;
use hotfix_adapters::forge::git::mirror::{Mirror, MirrorOptions};
use hotfix_adapters::forge::github::{GitHub, GitHubAuth, GitHubOptions};
use hotfix_adapters::forge::gitlab::{GitLab, GitLabOptions};
use hotfix_adapters::forge::{PullRequests as _, Refs as _, Signature};
use hotfix_adapters::ids::{BranchName, Environment, Repo};
use hotfix_adapters::registry::Registry as _;
use hotfix_adapters::registry::oci::{self, Oci, OciOptions};
use secrecy::SecretString;

/// A resolver that returns the same address for every name.
struct Everywhere(IpAddr);

#[async_trait]
impl Resolver for Everywhere {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![self.0])
    }
}

/// Listens, counts the connections and closes them.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (port, came) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counter = came.clone();
    tokio::spawn(async move {
        while let Ok((guest, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            drop(guest);
        }
    });
    (port, came)
}

struct Nobody;

#[async_trait]
impl Credentials for Nobody {
    async fn authorization(&self, _: &Repo) -> Result<Option<SecretString>, Failure> {
        Ok(None)
    }
}

const KINDS: [&str; 5] = ["GitHub", "GitLab", "Drone", "registry", "git"];

/// Makes one call to `forge.example` with one kind of client.
async fn call(kind: &str, port: u16, reach: EgressPolicy, folder: &Path) -> Failure {
    let (secret, repo) = (SecretString::from("token"), Repo::parse("team/payments").unwrap());
    let (url, branch) = (format!("https://forge.example:{port}"), BranchName::parse("fix").unwrap());
    match kind {
        "GitHub" => {
            let options = GitHubOptions { api_url: url, reach, ..GitHubOptions::new(GitHubAuth::Token(secret)) };
            GitHub::new(options).unwrap().find(&repo, &branch, &branch).await.unwrap_err()
        }
        "GitLab" => {
            let options = GitLabOptions { reach, ..GitLabOptions::new(url, secret) };
            GitLab::new(options).unwrap().find(&repo, &branch, &branch).await.unwrap_err()
        }
        "Drone" => {
            let drone = Drone::new(DroneOptions {
                url,
                reach,
                token: secret,
                repo,
                environment: Environment::parse("staging").unwrap(),
                target: "staging".to_owned(),
                parameters: BTreeMap::new(),
                forbidden: Vec::new(),
                runs: folder.to_owned(),
                pace: Duration::from_secs(5),
            });
            drone.unwrap().probe().await.unwrap_err()
        }
        "registry" => {
            let repository = format!("forge.example:{port}/team/payments");
            let options = OciOptions { reach, ..OciOptions::new(repository, oci::OciAuth::Anonymous) };
            Oci::new(options).unwrap().find("latest").await.unwrap_err()
        }
        _ => {
            let mirror = Mirror::open(MirrorOptions {
                folder: folder.to_owned(),
                base_url: url,
                reach,
                credentials: Arc::new(Nobody),
                committer: Signature { name: "hotfix".into(), email: "hotfix@localhost".into(), account: None },
                time_limit: Duration::from_secs(60),
                silence: Duration::from_secs(60),
            });
            mirror.unwrap().tip(&repo, &branch).await.unwrap_err()
        }
    }
}

/// Security case 65: a name that resolves to a private address is refused before any connection, by every client, with
/// the remedy; a listed name is connected to, at the resolved address.
#[tokio::test]
async fn a_name_that_leads_inside_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (port, came) = listener().await;
    for kind in KINDS {
        for inside in ["169.254.169.254", "127.0.0.1", "10.0.0.1", "fd00::1", "::ffff:169.254.169.254"] {
            let reach = EgressPolicy::default().with_resolver(Arc::new(Everywhere(inside.parse().unwrap())));
            let failure = call(kind, port, reach, folder.path()).await;
            assert!(matches!(failure, Failure::Rejected { .. }), "{kind}: {failure:?}");
            assert!(failure.reason().contains("add \"forge.example\" to private_hosts"), "{kind}: {failure}");
        }
        assert_eq!(came.swap(0, Ordering::SeqCst), 0, "{kind}");
        let listed = EgressPolicy::new(["forge.example".parse().unwrap()]);
        let listed = listed.with_resolver(Arc::new(Everywhere("127.0.0.1".parse().unwrap())));
        let failure = call(kind, port, listed, folder.path()).await;
        assert!(!failure.reason().contains("private_hosts"), "{kind}: {failure}");
        assert!(came.swap(0, Ordering::SeqCst) > 0, "{kind} did not come: {failure}");
    }
}

/// Security case 65: a literal address is checked when the client is created.
#[tokio::test]
async fn an_address_inside_is_refused_at_once() {
    let said = |error: String| assert!(error.contains("169.254.169.254 is a link-local address"), "{error}");
    let (url, secret) = ("https://169.254.169.254/latest".to_owned(), SecretString::from("token"));
    said(GitLab::new(GitLabOptions::new(url.clone(), secret.clone())).unwrap_err().to_string());
    let options = GitHubOptions { api_url: url, ..GitHubOptions::new(GitHubAuth::Token(secret)) };
    said(GitHub::new(options).unwrap_err().to_string());
    said(Oci::new(OciOptions::new("169.254.169.254/team/payments", oci::OciAuth::Anonymous)).unwrap_err().to_string());
}
