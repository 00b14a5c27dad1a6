//! The site of the forge, as people use it: what they do on its pages. One implementation for each forge that the bot knows;
//! those of GitHub and GitLab stand before fakes, which the bot reaches as it would reach the real ones.

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

/// The name of the forge elsewhere in `hotfix.toml`.
pub const NAME: &str = "code";
/// Who has an account on the forge.
const PEOPLE: [&str; 5] = ["ana", "ben", "chi", "dee", "eli"];

/// Writes down every ref that moves, whoever moves it.
const MOVES: &str =
    "#!/bin/sh\n[ \"$1\" = committed ] || exit 0\nwhile read -r old new name; do echo \"$name\" >>moves; done\n";

/// Which forge the code is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Host {
    /// A folder of bare repositories, and a ledger of pull requests.
    #[default]
    Local,
    /// GitHub.
    GitHub,
    /// GitHub, where the bot is an App with the rights that its manifest asks for.
    GitHubApp,
    /// GitLab.
    GitLab,
}

/// What a webhook posts.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its headers.
    pub headers: http::HeaderMap,
    /// Its body.
    pub body: String,
}

impl Delivery {
    fn new(headers: &[(&'static str, String)], body: &serde_json::Value) -> Self {
        let value = |text: &str| http::HeaderValue::from_str(text).expect("a header");
        let headers = headers.iter().map(|(name, text)| (http::HeaderName::from_static(name), value(text))).collect();
        Self { headers, body: body.to_string() }
    }
}

/// The keyed digest by which a delivery is known to be genuine.
fn mac(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

/// Puts the site back to how it was.
pub type Back = Box<dyn Fn() -> anyhow::Result<Arc<dyn Site>> + Send + Sync>;

/// What people do on the forge, and what tests ask it.
#[async_trait]
pub trait Site: Send + Sync {
    /// Somebody reviews a pull request as it is.
    async fn review(&self, number: PullNumber, who: &str, verdict: ReviewVerdict) -> anyhow::Result<()>;

    /// The team's CI reports a check of a commit.
    async fn check(&self, commit: &CommitId, name: &str, state: CheckState) -> anyhow::Result<()>;

    /// Somebody opens a pull request from this branch to main.
    async fn open_pull(&self, who: &str, branch: &BranchName, title: &str) -> anyhow::Result<()>;

    /// Somebody merges a pull request as it is.
    async fn merge(&self, number: PullNumber, who: &str, method: MergeMethod) -> anyhow::Result<()>;

    /// Somebody closes a pull request.
    async fn close(&self, number: PullNumber, who: &str) -> anyhow::Result<()>;

    /// Somebody marks a pull request as a draft, or as ready.
    async fn draft(&self, number: PullNumber, on: bool) -> anyhow::Result<()>;

    /// Somebody puts a label on a pull request, or takes it off.
    async fn label(&self, number: PullNumber, who: &str, label: &str, on: bool) -> anyhow::Result<()>;

    /// The pull request from this branch to main, whatever its state.
    async fn pull_from(&self, branch: &BranchName) -> anyhow::Result<Option<PullNumber>>;

    /// The same forge, as people use it in another repository.
    fn beside(&self, repo: &Repo) -> Arc<dyn Site>;

    /// Somebody opens an issue that carries a label.
    async fn open_issue(&self, who: &str, title: &str, label: &str) -> anyhow::Result<()>;

    /// Somebody pushed: the site looks at its repository.
    fn pushed(&self);

    /// The port that stands in for the wired one, where that would go by the real clock.
    fn port(&self) -> Option<Arc<dyn Forge>>;

    /// The calls of the site's API, where it has one.
    fn calls(&self) -> Option<Arc<Control>>;

    /// The bot's token may read and not write any more, where there is a token.
    fn permit_reading_only(&self) {}

    /// The calls by which git reaches the repositories, where it does so over HTTP.
    fn git_calls(&self) -> Option<Arc<Control>>;

    /// The delivery by which the site tells of something: `push`, `review`, `check` or `pull`.
    fn delivery(&self, id: &str, about: &str, at: jiff::Timestamp) -> Option<Delivery>;

    /// Everything that only the bot and the forge may know, by what it is.
    fn secrets(&self) -> Vec<(&'static str, String)>;

    /// The rights that its calls took, each as `pull_requests=read`, or several one of which does; where it tells.
    fn rights_used(&self) -> BTreeSet<&'static str>;

    /// How many pull requests there are, whatever their state.
    async fn pulls(&self) -> anyhow::Result<usize>;

    /// The way back to how it is now. The repository itself lies on the stage.
    fn keep(&self) -> Back;
}

/// Opens the site on a stage; one elsewhere is written into the configuration.
///
/// # Errors
/// When the stage cannot be written.
pub async fn open(host: Host, stage: &Stage, clock: &Arc<FakeClock>) -> anyhow::Result<Arc<dyn Site>> {
    Ok(match host {
        Host::Local => Arc::new(local::OnDisk::open(stage, clock)?),
        Host::GitHub => Arc::new(github::OnGitHub::open(stage).await?),
        Host::GitHubApp => Arc::new(github::OnGitHub::open_as_app(stage).await?),
        Host::GitLab => Arc::new(gitlab::OnGitLab::open(stage).await?),
    })
}

/// For so many seconds the bot awaits an answer of the forge elsewhere.
///
/// # Errors
/// When the configuration cannot be written.
pub fn limit_waiting(stage: &Stage, seconds: u32) -> anyhow::Result<()> {
    let file = stage.config().join("hotfix.toml");
    let head = format!("[forges.{NAME}]\n");
    let own = std::fs::read_to_string(&file)?;
    Ok(std::fs::write(&file, own.replace(&head, &format!("{head}timeout_seconds = {seconds}\n")))?)
}

/// The checks that the CI of a service reports, where it has one.
pub const CHECKS: [&str; 2] = ["lint", "unit-tests"];

/// Gives the service a CI: its checks are expected, and main has passed them.
///
/// # Errors
/// When the configuration cannot be written, or the forge does not take the checks.
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

/// The name of the service's repository.
fn repository(stage: &Stage) -> anyhow::Result<Repo> {
    Repo::parse(&stage.repository()).map_err(Into::into)
}

/// The repositories of the stage take the places of those that the fake makes: people push to them, and the fake serves
/// them.
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

/// Speaks with a token.
const BY_TOKEN: &str = "token = { file = \"token\" }";

/// A forge elsewhere, in the words of the configuration.
struct Elsewhere<'a> {
    /// The lines of `[forges.code]`, without the secrets.
    lines: String,
    /// The bot's secret there.
    secret: &'a str,
    /// How it speaks there, with the secret in the file `token`.
    speaks: String,
    /// What deliveries are signed with.
    webhook_secret: &'a str,
    /// The key under which `people.toml` has the accounts.
    platform: &'a str,
}

impl Elsewhere<'_> {
    /// Configures the stage for it; `account` is somebody's number there.
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
