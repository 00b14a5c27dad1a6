//! Adapter for GitLab, at gitlab.com or self-managed. Merge requests are the pull requests, and a [`PullNumber`] is the
//! `iid`. A mirror does the git work with the [`Credentials`] of this adapter.
//!
//! ```text
//! pulls      the port: find, open, read, label, comment, close
//! merging    merging, once
//! reviews    approvals and requests for changes, assigned to heads by date
//! checks     jobs and external statuses of a commit
//! accounts   accounts behind the addresses of commits
//! webhook    verification and parsing of deliveries
//! wire       responses of the API
//! ```

mod accounts;
mod checks;
mod merging;
mod pulls;
mod reviews;
mod text;
mod webhook;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::PullNumber;
use super::credentials::Credentials;
use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::ids::{PersonRef, Platform, Repo};
use crate::rest::{Rest, RestOptions, base_url};

pub use self::webhook::GitLabWebhook;

/// Address, credentials and limits of a GitLab adapter.
#[derive(Clone)]
pub struct GitLabOptions {
    /// Base URL: `https://gitlab.com`, or a self-managed server, possibly below a path. Plain HTTP is accepted
    /// for loopback only.
    pub url: String,
    /// A personal, project or group access token with the scopes `api` and `write_repository`, and the role Developer,
    /// or Maintainer to merge into protected branches.
    pub token: SecretString,
    /// Egress policy: addresses besides the public internet that may be reached.
    pub reach: EgressPolicy,
    /// Time limit for establishing a connection.
    pub connect_timeout: Duration,
    /// Time limit for a whole call.
    pub timeout: Duration,
    /// Size in bytes of the largest response that is read.
    pub body_limit_bytes: usize,
}

impl GitLabOptions {
    /// Returns the default options: time-outs of 10 and 60 seconds, and responses of at most 8 MiB.
    pub fn new(url: impl Into<String>, token: SecretString) -> Self {
        let (connect_timeout, timeout) = (Duration::from_secs(10), Duration::from_secs(60));
        Self {
            url: url.into(),
            token,
            reach: EgressPolicy::default(),
            connect_timeout,
            timeout,
            body_limit_bytes: 8 << 20,
        }
    }
}

/// A GitLab server. Clones share one client.
#[derive(Clone)]
pub struct GitLab {
    rest: Arc<Rest>,
    token: SecretString,
    url: Url,
}

impl std::fmt::Debug for GitLab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GitLab({})", self.url)
    }
}

/// Maximum number of pages, of 100 entries each, that are read of one list.
const MOST_PAGES: u32 = 100;

impl GitLab {
    /// Creates the client. Sends no request, so the bot can start while GitLab is down.
    ///
    /// # Errors
    /// `Rejected` if the URL is not acceptable, or if TLS cannot be set up.
    pub fn new(options: GitLabOptions) -> Result<Self, Failure> {
        let url = base_url("GitLab", &options.url)?;
        let mut base = url.clone();
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v4"]);
        }
        let rest = Rest::new(RestOptions {
            name: "GitLab",
            base,
            reach: options.reach,
            token: options.token.clone(),
            connect_timeout: options.connect_timeout,
            timeout: options.timeout,
            body_limit_bytes: options.body_limit_bytes,
        })?;
        Ok(Self { rest: Arc::new(rest), token: options.token, url })
    }

    /// Returns the number of API calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.rest.calls()
    }

    /// Returns the base URL for a mirror: `team/payments` is at `{base_url}/team/payments.git`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    /// Checks that the token is valid, and that it can read the project and push to it.
    ///
    /// # Errors
    /// `Retry` if GitLab cannot be reached; `Rejected` if it refuses, if the project is archived, or if the
    /// token cannot push.
    pub async fn examine(&self, repo: &Repo) -> Result<(), Failure> {
        let act = format!("look at the project {repo}");
        let project: wire::Project = self.rest.get(&self.at(repo, &[], &[]), &act).await?;
        if project.archived {
            return Err(Failure::rejected(format!("{repo} is archived. Unarchive it, or take the service away.")));
        }
        match project.level() {
            // GitLab reports no access level for an administrator's token.
            None | Some(wire::DEVELOPER..) => Ok(()),
            Some(_) => Err(Failure::rejected(format!(
                "the token reads {repo} and may not push to it. Give it the role Developer, or Maintainer where main is protected."
            ))),
        }
    }

    pub(crate) fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Builds the URL of a resource in a project.
    pub(crate) fn at(&self, repo: &Repo, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut all = vec!["projects", repo.as_str()];
        all.extend(segments);
        self.rest.at(&all, query)
    }

    fn pull_at(&self, repo: &Repo, number: PullNumber, segments: &[&str]) -> Url {
        let number = number.0.to_string();
        let mut all = vec!["merge_requests", number.as_str()];
        all.extend(segments);
        self.at(repo, &all, &[])
    }

    /// Reads all pages of a list. A list that is too long is an error, not a partial result: entries missing from a
    /// list of checks or notes would count as absent (security case 51).
    pub(crate) async fn list<T: DeserializeOwned>(&self, url: Url, act: &str) -> Result<Vec<T>, Failure> {
        self.list_up_to(url, act, |_| false).await
    }

    /// Reads pages up to the one that contains the last entry of interest.
    async fn list_up_to<T: DeserializeOwned>(
        &self,
        url: Url,
        act: &str,
        is_last: impl Fn(&T) -> bool + Send,
    ) -> Result<Vec<T>, Failure> {
        let mut found = Vec::new();
        let mut page = String::from("1");
        for _ in 0..MOST_PAGES {
            let mut url = url.clone();
            url.query_pairs_mut().append_pair("per_page", "100").append_pair("page", &page);
            let answer = self.rest.get_raw(&url, act).await?;
            let entries = self.rest.parse::<Vec<T>>(&answer, act)?;
            let ends = entries.iter().any(&is_last);
            found.extend(entries);
            let next = answer.headers.get("x-next-page").and_then(|value| value.to_str().ok()).unwrap_or_default();
            if ends || next.is_empty() {
                return Ok(found);
            }
            next.clone_into(&mut page);
        }
        Err(Failure::rejected(format!("could not {act}: there is more than {} of it.", MOST_PAGES * 100)))
    }
}

#[async_trait]
impl Credentials for GitLab {
    async fn authorization(&self, _: &Repo) -> Result<Option<SecretString>, Failure> {
        let pair = format!("oauth2:{}", self.token.expose_secret());
        Ok(Some(format!("Basic {}", BASE64_STANDARD.encode(pair)).into()))
    }
}

fn person(id: u64) -> PersonRef {
    PersonRef::new(Platform::Gitlab, id.to_string())
}
