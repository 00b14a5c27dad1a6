//! Adapter for GitHub and GitHub Enterprise Server over the REST API: pull requests, reviews, labels, checks, accounts,
//! tokens and webhooks. Branches, history and files are left to git; see [`hosted`](super::hosted).
//!
//! ```text
//! client      HTTP client: authorized, counted, bounded in time and size, no retries, no redirects
//! cache       responses by ETag, which a poll revalidates for free (304)
//! route       paths with percent-encoded segments
//! refusal     error responses, converted to failures with advice
//! token, jwt  credentials: a fixed token, or one minted per repository
//! pull …      the port, one file per group of actions
//! webhook     verification and parsing of deliveries
//! manifest    permissions and events of the App
//! ```
//!
//! octocrab serves only as the transport: its models fail on fields that an older server omits, its retry repeats a
//! POST that may have succeeded, and it does not encode path segments.

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
pub use self::options::{GitHubAuth, GitHubOptions, GitHubOptionsError};
pub use self::webhook::GitHubWebhook;

pub(crate) use self::client::{Client, WriteOutcome};
pub(crate) use self::refusal::Attempt;
pub(crate) use self::route::Route;

/// A GitHub server, accessed as one account. Clones share one client.
#[derive(Clone)]
pub struct GitHub {
    client: Arc<Client>,
    git_url: String,
}

impl GitHub {
    /// Checks the options and creates the client. Sends no request, so the bot can start while GitHub is down. Must be
    /// called within a Tokio runtime.
    ///
    /// # Errors
    /// [`GitHubOptionsError`] names the wrong option and the expected value.
    pub fn new(options: GitHubOptions) -> Result<Self, GitHubOptionsError> {
        let git_url = options::base("git_url", &options.git_url)?;
        Ok(Self { client: Arc::new(Client::new(options)?), git_url })
    }

    /// Returns the number of API calls, split by the effect on the rate limit.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.client.calls()
    }

    /// Returns the URL of a repository for git.
    #[must_use]
    pub fn git_url(&self, repo: &Repo) -> String {
        format!("{}/{repo}.git", self.git_url)
    }

    /// Checks that GitHub answers and that the credentials can read a repository.
    ///
    /// # Errors
    /// `Retry` if GitHub cannot be reached; `Rejected` if it refuses.
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
    /// Returns the API token as a password for git; GitHub ignores the user name.
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
