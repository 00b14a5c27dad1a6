//! The forge from the users' side: the actions that users take on its pages. There is one implementation per supported
//! forge. GitHub and GitLab are fakes, which the bot reaches over HTTP and git like the real ones.

mod github;
mod gitlab;
mod local;

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hotfix_adapters::forge::{CheckState, Forge, MergeMethod, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{BranchName, CommitId, Repo};
use hotfix_fakes::pushes::keep_pushes;
use hotfix_fakes::server::Control;
use sha2::Sha256;

use crate::clock::{FakeClock, START};
use crate::git::git;
use crate::stage::Stage;

/// Name of the remote forge in `hotfix.toml`.
pub const NAME: &str = "code";
/// The users who have an account on the forge.
const PEOPLE: [&str; 5] = ["ana", "ben", "chi", "dee", "eli"];

/// A git hook that records every ref update, no matter who made it.
const MOVES: &str =
    "#!/bin/sh\n[ \"$1\" = committed ] || exit 0\nwhile read -r old new name; do echo \"$name\" >>moves; done\n";

/// The forge that hosts the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Host {
    /// The local forge: a folder of bare repositories, and a ledger of pull requests.
    #[default]
    Local,
    /// GitHub, with a personal access token.
    GitHub,
    /// GitHub, where the bot is an App with the permissions of its manifest.
    GitHubApp,
    /// GitLab, with an access token.
    GitLab,
}

/// A webhook request.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Signed headers of the request.
    pub headers: http::HeaderMap,
    /// JSON body of the request.
    pub body: String,
}

impl Delivery {
    fn new(headers: &[(&'static str, String)], body: &serde_json::Value) -> Self {
        let value = |text: &str| http::HeaderValue::from_str(text).expect("a header");
        let headers = headers.iter().map(|(name, text)| (http::HeaderName::from_static(name), value(text))).collect();
        Self { headers, body: body.to_string() }
    }
}

/// Returns the HMAC-SHA256 that authenticates a delivery.
fn mac(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

/// Restores the site to the state it had when [`Site::keep`] was called.
pub type Back = Box<dyn Fn() -> anyhow::Result<Arc<dyn Site>> + Send + Sync>;

/// The actions that users take on a forge, and the queries that tests need.
#[async_trait]
pub trait Site: Send + Sync {
    /// Reviews a pull request at its current head, as user `who`.
    async fn review(&self, number: PullNumber, who: &str, verdict: ReviewVerdict) -> anyhow::Result<()>;

    /// Reports a check of a commit, as the team's CI.
    async fn check(&self, commit: &CommitId, name: &str, state: CheckState) -> anyhow::Result<()>;

    /// Opens a pull request from this branch to main.
    async fn open_pull(&self, who: &str, branch: &BranchName, title: &str) -> anyhow::Result<()>;

    /// Merges a pull request at its current head.
    async fn merge(&self, number: PullNumber, who: &str, method: MergeMethod) -> anyhow::Result<()>;

    /// Closes a pull request without merging it.
    async fn close(&self, number: PullNumber, who: &str) -> anyhow::Result<()>;

    /// Marks a pull request as a draft, or as ready for review.
    async fn draft(&self, number: PullNumber, on: bool) -> anyhow::Result<()>;

    /// Adds a label to a pull request, or removes it.
    async fn label(&self, number: PullNumber, who: &str, label: &str, on: bool) -> anyhow::Result<()>;

    /// Returns the pull request from this branch to main, in any state.
    async fn pull_from(&self, branch: &BranchName) -> anyhow::Result<Option<PullNumber>>;

    /// Returns the same forge, for another repository.
    fn beside(&self, repo: &Repo) -> Arc<dyn Site>;

    /// Opens an issue with a label.
    async fn open_issue(&self, who: &str, title: &str, label: &str) -> anyhow::Result<()>;

    /// Makes the forge reread its repository after a push.
    fn pushed(&self);

    /// The port that replaces the wired one. Needed where the wired one would use the real clock.
    fn port(&self) -> Option<Arc<dyn Forge>>;

    /// The calls of the forge's API. `None` for the local forge.
    fn calls(&self) -> Option<Arc<Control>>;

    /// Makes the bot's token read-only. Does nothing on the local forge.
    fn permit_reading_only(&self) {}

    /// The requests of git over HTTP. `None` for the local forge.
    fn git_calls(&self) -> Option<Arc<Control>>;

    /// Builds a signed webhook delivery about a `push`, `review`, `check` or `pull`. `None` for the local forge.
    fn delivery(&self, id: &str, about: &str, at: jiff::Timestamp) -> Option<Delivery>;

    /// All secrets shared by the bot and the forge, each with a description.
    fn secrets(&self) -> Vec<(&'static str, String)>;

    /// The permissions that the bot's calls needed, such as `pull_requests=read`. An entry may list alternatives. Empty
    /// on forges that do not report them.
    fn rights_used(&self) -> BTreeSet<&'static str>;

    /// Returns the number of pull requests, in any state.
    async fn pulls(&self) -> anyhow::Result<usize>;

    /// Saves the current state and returns a closure that restores it. The repository itself is part of the stage.
    fn keep(&self) -> Back;
}

/// Opens the forge of a stage. A remote forge is added to the configuration.
///
/// # Errors
/// Fails if the stage cannot be written.
pub async fn open(host: Host, stage: &Stage, clock: &Arc<FakeClock>) -> anyhow::Result<Arc<dyn Site>> {
    Ok(match host {
        Host::Local => Arc::new(local::OnDisk::open(stage, clock)?),
        Host::GitHub => Arc::new(github::OnGitHub::open(stage).await?),
        Host::GitHubApp => Arc::new(github::OnGitHub::open_as_app(stage).await?),
        Host::GitLab => Arc::new(gitlab::OnGitLab::open(stage).await?),
    })
}

/// Sets the request timeout of the remote forge in the configuration.
///
/// # Errors
/// Fails if the configuration cannot be written.
pub fn limit_waiting(stage: &Stage, seconds: u32) -> anyhow::Result<()> {
    let file = stage.config().join("hotfix.toml");
    let head = format!("[forges.{NAME}]\n");
    let own = std::fs::read_to_string(&file)?;
    Ok(std::fs::write(&file, own.replace(&head, &format!("{head}timeout_seconds = {seconds}\n")))?)
}

/// The checks that the CI reports, in worlds that have one.
pub const CHECKS: [&str; 2] = ["lint", "unit-tests"];

/// Gives the service a CI: its checks become required, and main has passed them.
///
/// # Errors
/// Fails if the configuration cannot be written, or if the forge refuses the checks.
pub async fn with_ci(site: &dyn Site, stage: &Stage) -> anyhow::Result<()> {
    let file = stage.config().join(format!("services/{}.toml", stage.service));
    let own = std::fs::read_to_string(&file)?;
    std::fs::write(
        &file,
        own.replace("required_checks = \"none\"\n", "").replace("required_checks  = \"none\"\n", ""),
    )?;
    let bare = stage.bare();
    let main = git(&bare, "dee", jiff::Timestamp::from_millisecond(START.0)?, &["rev-parse", "main"])?;
    for name in CHECKS {
        site.check(&CommitId::parse(&main)?, name, CheckState::Success).await?;
    }
    Ok(())
}

/// Returns the repository of the service.
fn repository(stage: &Stage) -> anyhow::Result<Repo> {
    Repo::parse(&stage.repository()).map_err(Into::into)
}

/// Replaces the repositories of the fake by links to those of the stage, so that users push to the repositories that
/// the fake serves.
fn take_places(stage: &Stage, make: impl Fn(&str) -> PathBuf) -> anyhow::Result<()> {
    for name in stage.repositories() {
        let (bare, made) = (stage.bare_of(&name), make(&name));
        std::fs::remove_dir_all(&made)?;
        let hook = bare.join("hooks/reference-transaction");
        std::fs::create_dir_all(bare.join("hooks"))?;
        std::fs::write(&hook, MOVES)?;
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755))?;
        keep_pushes(&bare);
        symlink(bare, made)?;
    }
    Ok(())
}

/// The configuration line for authentication by token.
const BY_TOKEN: &str = "token = { file = \"token\" }";

/// The configuration of a remote forge.
struct Elsewhere<'a> {
    /// The lines of `[forges.code]`, without secrets.
    lines: String,
    /// The bot's secret on the forge: a token or a private key.
    secret: &'a str,
    /// The configuration line for authentication, which refers to the secret in the file `token`.
    speaks: String,
    /// The secret that signs webhook deliveries.
    webhook_secret: &'a str,
    /// The key of the forge's accounts in `people.toml`.
    platform: &'a str,
}

impl Elsewhere<'_> {
    /// Writes the forge into the configuration of the stage. `account` returns a user's number on the forge.
    fn configure(&self, stage: &Stage, account: impl Fn(&str) -> u64) -> anyhow::Result<()> {
        let file = |name: &str| stage.config().join(name);
        let edit = |name: &str, change: &dyn Fn(String) -> String| {
            std::fs::write(file(name), change(std::fs::read_to_string(file(name))?))
        };
        for (name, secret) in [("token", self.secret), ("webhook-secret", self.webhook_secret)] {
            std::fs::write(file(name), secret)?;
            std::fs::set_permissions(file(name), std::fs::Permissions::from_mode(0o600))?;
        }
        edit("hotfix.toml", &|own| {
            let secrets = "webhook_secrets = [{ file = \"webhook-secret\" }]\n";
            format!("{own}\n[forges.{NAME}]\n{}{}\n{secrets}", self.lines, self.speaks)
        })?;
        edit(&format!("services/{}.toml", stage.service), &|own| {
            own.replace("kind = \"local\"", &format!("use = \"{NAME}\""))
        })?;
        edit("people.toml", &|own| {
            let add = |own: String, who: &&str| {
                let mail = format!("git     = \"{who}@example.org\"\n");
                own.replace(&mail, &format!("{mail}{} = \"{}\"\n", self.platform, account(who)))
            };
            PEOPLE.iter().fold(own, add)
        })?;
        Ok(())
    }
}
