//! Deploy mechanism: a Drone promotion (HOCS-24). The build of our commit is promoted to a target, and the *new* build
//! that Drone returns is polled to its end.
//!
//! Before promoting, the adapter records the parameters and the source build; afterwards, the new build. After a crash
//! in between, it searches the promotions newer than the source build for one that carries our key as a parameter. QA
//! is never deployed this way (HOCS-26).

mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use self::wire::Build;
use super::command::{RunFolder, blocking, prove_writable};
use super::deny_list::DenyList;
use super::template_values::{KEY, TemplateValues, ours, same};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running};
use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::ids::{DeployKey, Environment, Repo};
use crate::rest::{Rest, RestOptions, base_url};

/// The targets that HOCS-26 forbids: `release` also deploys QA, and runs the version bot.
pub const QA_TARGETS: [&str; 3] = ["release", "*-qa", "qax"];

const HOCS_26: &str = "HOCS-26: hotfixes are not deployed to QA by a Drone command";
const RECORD: &str = "promoted.json";
const PAGE: usize = 100;
/// The maximum number of pages of builds that are searched.
const MOST_PAGES: usize = 30;

/// The options of a [`Drone`]: one environment of one service.
#[derive(Clone)]
pub struct DroneOptions {
    /// Base URL of the Drone server.
    pub url: String,
    /// The egress policy: the private hosts that may be reached in addition to public ones.
    pub reach: EgressPolicy,
    /// Access token of an account with write access to the repository.
    pub token: SecretString,
    /// The repository, as `owner/name`, which is its name on Drone and on the forge.
    pub repo: Repo,
    /// The environment that is deployed to.
    pub environment: Environment,
    /// Drone's name of that environment.
    pub target: String,
    /// Parameters of the promotion: `VERSION = "{tag}"`. Their values may use `{commit}`, `{short}`, `{environment}`,
    /// `{repository}`, `{key}`, `{tag}`, `{digest}`, `{image}` and `{previous}`. The key is always added as
    /// `HOTFIX_KEY`.
    pub parameters: BTreeMap<String, String>,
    /// Deny list of targets, where `*` matches any text; [`QA_TARGETS`] if HOCS-26 applies.
    pub forbidden: Vec<String>,
    /// The folder that the promotion records are kept in.
    pub runs: PathBuf,
    /// The interval between two polls.
    pub pace: Duration,
}

/// The deploy mechanism that runs Drone promotions for one environment of one service.
pub struct Drone {
    rest: Rest,
    url: Url,
    owner: String,
    name: String,
    repo: Repo,
    environment: Environment,
    target: String,
    parameters: TemplateValues,
    forbidden: DenyList,
    runs: PathBuf,
    pace: Duration,
}

impl std::fmt::Debug for Drone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Drone({} to {} by {})", self.repo, self.target, self.url)
    }
}

/// The record of a promotion: the request, and the resulting build.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Promotion {
    request: DeployRequest,
    parameters: BTreeMap<String, String>,
    source: u64,
    build: Option<u64>,
}

impl Drone {
    /// Checks the options. Sends no request to Drone.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if a target is on the deny list, a pattern, a parameter name or the URL is invalid, or the
    /// repository is not of the form `owner/name`.
    pub fn new(options: DroneOptions) -> Result<Self, Failure> {
        let forbidden = DenyList::new(&options.forbidden);
        forbidden.check(&options.target, HOCS_26)?;
        forbidden.check(options.environment.as_str(), HOCS_26)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        if options.target.is_empty() || !options.target.chars().all(plain) {
            let target = &options.target;
            return Err(Failure::rejected(format!("{target:?} is no target: letters, digits and . _ - / are wanted.")));
        }
        let Some((owner, name)) = options.repo.as_str().split_once('/').filter(|(_, name)| !name.contains('/')) else {
            let repo = &options.repo;
            return Err(Failure::rejected(format!("Drone knows repositories as `owner/name`, and {repo} is none.")));
        };
        let (owner, name) = (owner.to_owned(), name.to_owned());
        let url = base_url("Drone", &options.url)?;
        let rest = Rest::new(RestOptions {
            name: "Drone",
            base: url.clone(),
            reach: options.reach,
            token: options.token,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            body_limit_bytes: 16 << 20,
        })?;
        Ok(Self {
            parameters: TemplateValues::new(&options.parameters, is_drones)?,
            rest,
            url,
            owner,
            name,
            repo: options.repo,
            environment: options.environment,
            target: options.target,
            forbidden,
            runs: options.runs,
            pace: options.pace,
        })
    }

    fn at(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut all = vec!["api", "repos", &self.owner, &self.name];
        all.extend(segments);
        self.rest.at(&all, query)
    }

    async fn record(&self, key: &DeployKey) -> Result<Option<Promotion>, Failure> {
        let run = RunFolder::of(&self.runs, key);
        blocking(move || run.read(RECORD)).await
    }

    async fn keep(&self, promotion: &Promotion) -> Result<(), Failure> {
        let (run, promotion) = (RunFolder::of(&self.runs, &promotion.request.key), promotion.clone());
        blocking(move || run.make().and_then(|()| run.write(RECORD, &promotion))).await
    }

    /// Returns the newest build with a number above `after` that matches `wanted`.
    async fn search(&self, after: u64, wanted: impl Fn(&Build) -> bool + Send) -> Result<Option<Build>, Failure> {
        let (size, act) = (PAGE.to_string(), format!("list the builds of {}", self.repo));
        for page in 1..=MOST_PAGES {
            let page = page.to_string();
            let url = self.at(&["builds"], &[("page", &page), ("per_page", &size)]);
            let builds: Vec<Build> = self.rest.get(&url, &act).await?;
            let last = builds.len() < PAGE || builds.iter().any(|build| build.number <= after);
            let found = builds.into_iter().filter(|build| build.number > after && wanted(build));
            if let Some(found) = found.max_by_key(|build| build.number) {
                return Ok(Some(found));
            }
            if last {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Searches the builds newer than the source build for the promotion that carries our key.
    async fn promoted(&self, key: &DeployKey, source: u64) -> Result<Option<Build>, Failure> {
        self.search(source, |build| build.is_promotion_to(&self.target) && build.parameter(KEY) == Some(key.as_str()))
            .await
    }

    async fn source(&self, request: &DeployRequest) -> Result<Build, Failure> {
        let made_it = |build: &Build| {
            ["push", "tag"].contains(&build.event.as_str())
                && build.status == "success"
                && build.after == request.commit.as_str()
        };
        self.search(0, made_it).await?.ok_or_else(|| {
            Failure::rejected(format!(
                "HOCS-24: Drone has no successful build of {} of {} that could be promoted. Wait for it, or restart it.",
                request.commit.short(),
                self.repo
            ))
        })
    }

    /// Promotes the source build and returns the new build.
    async fn promote(&self, promotion: &Promotion) -> Result<Build, Failure> {
        let mut query = vec![("target", self.target.as_str())];
        query.extend(promotion.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let source = promotion.source.to_string();
        let url = self.at(&["builds", &source, "promote"], &query);
        let act = format!("promote build {source} of {} to {}", self.repo, self.target);
        let failure = match self.rest.write(Method::POST, &url, None, &act).await {
            Ok(answer) => {
                let answer = self.rest.ensure_success(answer, &act)?;
                match self.rest.parse::<Option<Build>>(&answer, &act) {
                    Ok(Some(build)) if build.number > promotion.source => return Ok(build),
                    Ok(Some(_)) => Failure::uncertain(format!("Drone answered the same build when asked to {act}")),
                    Ok(None) => {
                        return Err(Failure::rejected(format!(
                            "Drone made no build when asked to {act}: no pipeline of its .drone.yml is for that target."
                        )));
                    }
                    Err(failure) => Failure::uncertain(failure.reason()),
                }
            }
            Err(failure) => failure,
        };
        if !matches!(failure, Failure::Uncertain { .. }) {
            return Err(failure);
        }
        match self.promoted(&promotion.request.key, promotion.source).await {
            Ok(Some(build)) => Ok(build),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    fn link(&self, number: u64) -> String {
        format!("{}/{}/{number}", self.url.as_str().trim_end_matches('/'), self.repo)
    }
}

/// Returns `true` for parameter names that set the target of a promotion or that Drone sets itself. Overriding them
/// could mislead a pipeline.
fn is_drones(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "target" || name == "access_token" || name.starts_with("drone") || name == "ci" || name.starts_with("ci_")
}

#[async_trait]
impl Deploy for Drone {
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        ours(request, &self.repo, &self.environment)?;
        self.forbidden.check(&self.target, HOCS_26)?;
        self.forbidden.check(request.environment.as_str(), HOCS_26)?;
        let parameters = self.parameters.fill(request)?;
        let mut promotion = match self.record(&request.key).await? {
            Some(known) => {
                same(&known.request, request)?;
                if known.build.is_some() {
                    return Ok(());
                }
                known
            }
            None => {
                let source = self.source(request).await?.number;
                Promotion { request: request.clone(), parameters, source, build: None }
            }
        };
        let build = match self.promoted(&request.key, promotion.source).await? {
            Some(there) => there,
            None => {
                self.keep(&promotion).await?;
                self.promote(&promotion).await?
            }
        };
        promotion.build = Some(build.number);
        self.keep(&promotion).await
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        let Some(mut promotion) = self.record(key).await? else { return Ok(None) };
        let number = match promotion.build {
            Some(number) => number,
            None => {
                let Some(found) = self.promoted(key, promotion.source).await? else { return Ok(None) };
                promotion.build = Some(found.number);
                self.keep(&promotion).await?;
                found.number
            }
        };
        let act = format!("read build {number} of {}", self.repo);
        let build: Build = self.rest.get(&self.at(&["builds", &number.to_string()], &[]), &act).await?;
        let link = self.link(number);
        let promised = (promotion.request.commit.as_str(), self.target.as_str(), &promotion.parameters);
        Ok(Some(build.differs(promised).map_or_else(
            || build.stands(&link),
            |what| DeployStatus::Failed { reason: format!("{link} is not what was asked for: {what}") },
        )))
    }

    async fn running(&self) -> Result<Option<Running>, Failure> {
        Ok(None)
    }

    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        let succeeded = |build: &Build| build.is_promotion_to(&self.target) && build.status == "success";
        Ok(self.search(0, succeeded).await?.and_then(|build| build.deployment()))
    }

    async fn probe(&self) -> Result<(), Failure> {
        let runs = self.runs.clone();
        blocking(move || prove_writable(&runs)).await?;
        let act = format!("read the repository {}", self.repo);
        let known: wire::Repository = self.rest.get(&self.at(&[], &[]), &act).await?;
        if !known.active {
            return Err(Failure::rejected(format!("{} is not active in Drone. Activate it.", self.repo)));
        }
        if !known.may_promote() {
            let why = "the token reads the repository and may not promote its builds";
            return Err(Failure::rejected(format!(
                "{why}. Take the token of somebody who may write to {}.",
                self.repo
            )));
        }
        Ok(())
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}
