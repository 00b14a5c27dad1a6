//! GitHub and GitHub Enterprise Server: pull requests, reviews, labels, checks, accounts, tokens and webhooks, over the
//! REST API. What git can say better (branches, history, files) is asked of git by whoever holds this.
//!
//! ```text
//! client      one call: authorised, counted, bounded in time and size, never repeated and never redirected
//! cache       answers that a poll can have confirmed for nothing (304)
//! route       paths whose every segment is percent-encoded
//! refusal     what a status means, in words that say what to do
//! token, jwt  who speaks: a fixed token, or one minted for one repository
//! pull …      the port, one file an act
//! webhook     hints
//! manifest    what the App is allowed
//! ```
//!
//! octocrab is the transport and nothing else: its models fail on a field that an older server leaves out, its retry sends
//! a POST again that may have been done, and it does not encode path segments.

mod accounts;
mod cache;
mod checks;
mod client;
mod comments;
mod jwt;
mod labels;
mod manifest;
mod merge;
mod model;
mod options;
mod pull;
mod refusal;
mod route;
mod self_check;
mod token;
mod webhook;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::credentials::Credentials;
use super::{Bringing, Check, LabelEvent, Labelled, Merge, NewPullRequest, PullNumber, PullRequest, PullRequests};
use crate::failure::Failure;
use crate::ids::{BranchName, CommitId, Repo};

pub use self::client::Calls;
pub use self::manifest::app_manifest;
pub use self::options::{Auth, GitHubOptions, OptionsError};
pub use self::webhook::GitHubWebhook;

pub(crate) use self::client::{Client, WriteOutcome};
pub(crate) use self::refusal::Attempt;
pub(crate) use self::route::Route;

/// GitHub, as one account sees it. Clones share one client.
#[derive(Clone)]
pub struct GitHub {
    client: Arc<Client>,
    git_url: String,
}

impl GitHub {
    /// Checks the options and makes the client. Nothing is asked of GitHub yet: one that is down does not stop the bot from
    /// starting. It has to be called within a Tokio runtime.
    ///
    /// # Errors
    /// Says which option is wrong, and what is wanted.
    pub fn new(options: GitHubOptions) -> Result<Self, OptionsError> {
        let git_url = options::base("git_url", &options.git_url)?;
        Ok(Self { client: Arc::new(Client::new(options)?), git_url })
    }

    /// How many calls were made, and how many of them GitHub does not count.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.client.calls()
    }

    /// Where git finds a repository.
    #[must_use]
    pub fn git_url(&self, repo: &Repo) -> String {
        format!("{}/{repo}.git", self.git_url)
    }

    /// Whether GitHub answers and lets us read a repository.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub async fn probe(&self, repo: &Repo) -> Result<(), Failure> {
        let what = format!("look at {repo}");
        let act = Attempt::new(&what, "the permission Metadata: read");
        self.client.get::<serde::de::IgnoredAny>(repo, &Route::repo(repo)?, &act).await.map(drop)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("git_url", &self.git_url).finish_non_exhaustive()
    }
}

#[async_trait]
impl Credentials for GitHub {
    /// The same token serves git: it is the password of a user whose name GitHub does not look at.
    async fn authorization(&self, repo: &Repo) -> Result<Option<SecretString>, Failure> {
        let token = self.client.token(repo).await?;
        let pair = format!("x-access-token:{}", token.expose_secret());
        Ok(Some(SecretString::from(format!("Basic {}", STANDARD.encode(pair)))))
    }
}

#[async_trait]
impl PullRequests for GitHub {
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure> {
        self.find_pull(repo, head, base).await
    }

    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        self.open_pull(new).await
    }

    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        self.read_pull(repo, number).await
    }

    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        self.merge_pull(repo, number, merge).await
    }

    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        self.list_labelled(repo, label).await
    }

    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure> {
        self.list_titled(repo, title).await
    }

    async fn required_checks(&self, repo: &Repo, branch: &BranchName) -> Result<Vec<String>, Failure> {
        self.list_required_checks(repo, branch).await
    }

    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        self.list_checks(repo, commit).await
    }

    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure> {
        self.change_labels(repo, number, add, remove).await
    }

    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        self.list_labellings(repo, number).await
    }

    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure> {
        self.comment_once(repo, number, key, text).await
    }

    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        self.close_pull(repo, number).await
    }

    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure> {
        self.list_bringing(repo, commit).await
    }
}
