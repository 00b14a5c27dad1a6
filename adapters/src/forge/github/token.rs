//! Access tokens: a fixed one, or those of an App. A minted token is valid for one repository, has the least
//! permissions, and is cached until one minute before it expires.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::sync::Mutex;

use super::client::{Client, GitHubCall, GitHubResponse};
use super::jwt::Signer;
use super::manifest::permissions;
use super::model::{Installation, Minted, OwnApp};
use super::options::{GitHubAuth, GitHubOptionsError};
use super::refusal::{Attempt, refusal};
use super::route::{Route, parts};
use crate::failure::Failure;
use crate::ids::Repo;

/// Time before expiry at which a token is replaced.
const MARGIN: Duration = Duration::from_secs(60);

pub(super) enum Tokens {
    Fixed(SecretString),
    App(Box<App>),
}

pub(super) struct App {
    signer: Signer,
    installation: Option<u64>,
    deploys: bool,
    /// Minted tokens by repository. The lock is held while minting, so that no token is minted twice.
    kept: Mutex<BTreeMap<Repo, Live>>,
}

struct Live {
    token: SecretString,
    until: Timestamp,
}

impl Tokens {
    pub(super) fn new(auth: GitHubAuth, deploys: bool) -> Result<Self, GitHubOptionsError> {
        Ok(match auth {
            GitHubAuth::Token(token) => {
                let text = token.expose_secret();
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(GitHubOptionsError::Token);
                }
                Self::Fixed(token)
            }
            GitHubAuth::App { app_id, installation_id, private_key } => Self::App(Box::new(App {
                signer: Signer::new(app_id, &private_key)?,
                installation: installation_id,
                deploys,
                kept: Mutex::default(),
            })),
        })
    }

    pub(super) async fn of(&self, client: &Client, repo: &Repo) -> Result<SecretString, Failure> {
        let app = match self {
            Self::Fixed(token) => return Ok(token.clone()),
            Self::App(app) => app,
        };
        let mut kept = app.kept.lock().await;
        if let Some(live) = kept.get(repo).filter(|live| client.now() < live.until) {
            return Ok(live.token.clone());
        }
        let live = app.mint(client, repo).await?;
        let token = live.token.clone();
        kept.insert(repo.clone(), live);
        Ok(token)
    }

    /// Returns the login of the App's account; `None` for a fixed token, which belongs to a user.
    pub(super) async fn login(&self, client: &Client) -> Result<Option<String>, Failure> {
        let Self::App(app) = self else { return Ok(None) };
        let act = Attempt::new("ask which App the bot is", "the App's private key");
        let own: OwnApp = app.ask(client, Method::GET, &Route::own_app(), None, &act).await?.read(&act)?;
        Ok(Some(format!("{}[bot]", own.slug)))
    }

    /// Drops a token that GitHub rejected. Returns `true` if a new one can be minted.
    pub(super) async fn forget(&self, repo: &Repo) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::App(app) => app.kept.lock().await.remove(repo).is_some(),
        }
    }
}

impl App {
    async fn mint(&self, client: &Client, repo: &Repo) -> Result<Live, Failure> {
        let what = format!("get a token for {repo}");
        let act = Attempt::new(&what, "the repository in its installation");
        let (_, name) = parts(repo)?;
        let installation = match self.installation {
            Some(id) => id,
            None => {
                let route = Route::repo(repo)?.then("installation");
                let found: Installation = self.ask(client, Method::GET, &route, None, &act).await?.read(&act)?;
                found.id
            }
        };
        let body = json!({ "repositories": [name], "permissions": permissions(self.deploys) });
        let route = Route::tokens(installation);
        let minted: Minted = self.ask(client, Method::POST, &route, Some(body), &act).await?.read(&act)?;
        // An installation of another owner may have a repository of the same name.
        let foreign = |full: &String| !full.eq_ignore_ascii_case(repo.as_str());
        if let Some(other) =
            minted.repositories.iter().map(|repository| &repository.full_name).find(|full| foreign(full))
        {
            return Err(Failure::rejected(format!(
                "could not {what}: installation {installation} of the GitHub App is that of {other}. Give the right installation."
            )));
        }
        Ok(Live { token: minted.token, until: minted.expires_at - MARGIN })
    }

    /// Sends a call as the App itself. Minting twice is harmless, so a lost answer is retried.
    async fn ask(
        &self,
        client: &Client,
        method: Method,
        route: &Route,
        body: Option<serde_json::Value>,
        act: &Attempt<'_>,
    ) -> Result<GitHubResponse, Failure> {
        let word = self.signer.sign(client.now())?;
        let call = GitHubCall { method, route, body, tag: None };
        let retry = |how: String| Failure::retry(format!("could not {}: GitHub {how}. It is asked again.", act.what));
        let answer = client.exchange(&call, &word, act).await?.map_err(retry)?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(refusal(act, &answer, client.now()).unwrap_or_else(|status| retry(format!("answered {status}"))))
    }
}
