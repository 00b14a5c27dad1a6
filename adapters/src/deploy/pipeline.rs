//! Deploy mechanism: runs a GitLab pipeline.
//!
//! A pipeline runs on a branch or a tag, never on a commit. So `reference` must name one whose tip is the commit, such
//! as the hotfix's own branch, or a tag `release-{short}` that was set before. The tip is checked before the pipeline
//! is created, and the commit of the created pipeline is checked again: a pipeline for another commit is canceled and
//! the deployment fails.
//!
//! Before creating the pipeline, the adapter records the request and the id of the newest existing pipeline;
//! afterwards, the id of the created one. After a crash in between, it searches the newer pipelines for one whose
//! variables carry the deployment key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::command::{Pattern, RunFolder, blocking, prove_writable};
use super::deny_list::DenyList;
use super::template_values::{KEY, TemplateValues, fill, ours, pattern, same};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running};
use crate::failure::Failure;
use crate::forge::gitlab::{GitLab, wire};
use crate::ids::{DeployKey, Environment, Repo};

const RECORD: &str = "pipeline.json";
const FORBIDDEN: &str = "hotfixes are not deployed there by a pipeline";

/// The options of a [`Pipeline`]: one environment of one service.
pub struct PipelineOptions {
    /// The GitLab server that runs the pipeline.
    pub gitlab: GitLab,
    /// The project that the pipeline runs in.
    pub repo: Repo,
    /// The environment that the pipeline deploys to.
    pub environment: Environment,
    /// GitLab's name of that environment, used to find the last deployment: `production`.
    pub gitlab_environment: String,
    /// Pattern of the branch or tag that the pipeline runs on; its tip must be the commit: `release-{short}`.
    pub reference: String,
    /// The pipeline's variables. Their values may use `{commit}`, `{short}`, `{environment}`, `{repository}`, `{key}`,
    /// `{tag}`, `{digest}`, `{image}` and `{previous}`. The key is always added as `HOTFIX_KEY`.
    pub variables: BTreeMap<String, String>,
    /// Deny list of environments, where `*` matches any text.
    pub forbidden: Vec<String>,
    /// The folder that the pipeline records are kept in.
    pub runs: PathBuf,
    /// The interval between two polls.
    pub pace: Duration,
}

/// The deploy mechanism that runs GitLab pipelines for one environment of one service.
pub struct Pipeline {
    gitlab: GitLab,
    repo: Repo,
    environment: Environment,
    gitlab_environment: String,
    reference: Pattern,
    variables: TemplateValues,
    forbidden: DenyList,
    runs: PathBuf,
    pace: Duration,
}

/// The record of an ordered pipeline: the request, and the resulting pipeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ordered {
    request: DeployRequest,
    reference: String,
    variables: BTreeMap<String, String>,
    newest: u64,
    pipeline: Option<u64>,
}

impl Pipeline {
    /// Checks the options. Sends no request to GitLab.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the environment is on the deny list, a pattern is invalid or a variable name is
    /// reserved.
    pub fn new(options: PipelineOptions) -> Result<Self, Failure> {
        let forbidden = DenyList::new(&options.forbidden);
        forbidden.check(options.environment.as_str(), FORBIDDEN)?;
        forbidden.check(&options.gitlab_environment, FORBIDDEN)?;
        Ok(Self {
            reference: pattern(&options.reference)?,
            variables: TemplateValues::new(&options.variables, is_gitlabs)?,
            gitlab: options.gitlab,
            repo: options.repo,
            environment: options.environment,
            gitlab_environment: options.gitlab_environment,
            forbidden,
            runs: options.runs,
            pace: options.pace,
        })
    }

    async fn record(&self, key: &DeployKey) -> Result<Option<Ordered>, Failure> {
        let run = RunFolder::of(&self.runs, key);
        blocking(move || run.read(RECORD)).await
    }

    async fn keep(&self, ordered: &Ordered) -> Result<(), Failure> {
        let (run, ordered) = (RunFolder::of(&self.runs, &ordered.request.key), ordered.clone());
        blocking(move || run.make().and_then(|()| run.write(RECORD, &ordered))).await
    }

    /// Returns the filled-in reference; rejects it if its tip is not the commit.
    async fn reference_of(&self, request: &DeployRequest) -> Result<String, Failure> {
        let reference = fill(&self.reference, request)?;
        let act = format!("see where {reference} of {} is", self.repo);
        let url = self.gitlab.at(&self.repo, &["repository", "commits", &reference], &[]);
        let there: Option<wire::Commit> = self.gitlab.rest().get_optional(&url, &act).await?;
        match there {
            Some(there) if there.id == request.commit => Ok(reference),
            Some(there) => Err(Failure::rejected(format!(
                "{reference} of {} is at {}, not at {}: a pipeline there would deploy something else. Name a branch or a tag that is \
                 at the commit.",
                self.repo,
                there.id.short(),
                request.commit.short()
            ))),
            None => Err(Failure::rejected(format!("there is no {reference} in {} to run a pipeline on.", self.repo))),
        }
    }

    async fn newest(&self, reference: &str) -> Result<u64, Failure> {
        let act = format!("list the pipelines on {reference} of {}", self.repo);
        let query = [("ref", reference), ("order_by", "id"), ("sort", "desc"), ("per_page", "1")];
        let url = self.gitlab.at(&self.repo, &["pipelines"], &query);
        let found: Vec<wire::Pipeline> = self.gitlab.rest().get(&url, &act).await?;
        Ok(found.first().map_or(0, |pipeline| pipeline.id))
    }

    /// Searches the pipelines created after the order for the one that carries our key.
    async fn found(&self, ordered: &Ordered) -> Result<Option<u64>, Failure> {
        let act = format!("look for the pipeline of {} on {}", ordered.request.key, ordered.reference);
        let query = [("ref", ordered.reference.as_str()), ("source", "api"), ("order_by", "id"), ("sort", "desc")];
        let url = self.gitlab.at(&self.repo, &["pipelines"], &query);
        let pipelines: Vec<wire::Pipeline> = self.gitlab.list(url, &act).await?;
        for pipeline in pipelines.iter().filter(|pipeline| pipeline.id > ordered.newest) {
            let id = pipeline.id.to_string();
            let url = self.gitlab.at(&self.repo, &["pipelines", &id, "variables"], &[]);
            let variables: Vec<wire::Variable> = self.gitlab.list(url, &act).await?;
            if variables.iter().any(|it| it.key == KEY && it.value == ordered.request.key.as_str()) {
                return Ok(Some(pipeline.id));
            }
        }
        Ok(None)
    }

    async fn order(&self, ordered: &Ordered) -> Result<u64, Failure> {
        let variable = |(key, value): (&String, &String)| json!({ "key": key, "value": value });
        let variables: Vec<Value> = ordered.variables.iter().map(variable).collect();
        let body = json!({ "ref": ordered.reference, "variables": variables });
        let act = format!("run a pipeline on {} of {}", ordered.reference, self.repo);
        let url = self.gitlab.at(&self.repo, &["pipeline"], &[]);
        let rest = self.gitlab.rest();
        let failure = match rest.write(Method::POST, &url, Some(&body), &act).await {
            Ok(answer) => match rest.parse::<wire::Pipeline>(&rest.ensure_success(answer, &act)?, &act) {
                Ok(pipeline) => return Ok(pipeline.id),
                Err(failure) => Failure::uncertain(failure.reason()),
            },
            Err(failure) => failure,
        };
        if !matches!(failure, Failure::Uncertain { .. }) {
            return Err(failure);
        }
        match self.found(ordered).await {
            Ok(Some(id)) => Ok(id),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    async fn read(&self, id: u64) -> Result<wire::Pipeline, Failure> {
        let act = format!("read pipeline {id} of {}", self.repo);
        self.gitlab.rest().get(&self.gitlab.at(&self.repo, &["pipelines", &id.to_string()], &[]), &act).await
    }

    /// Cancels a pipeline that runs the wrong commit. A failure is only logged: the deployment is reported as failed
    /// anyway.
    async fn cancel(&self, id: u64) {
        let act = format!("cancel pipeline {id} of {}", self.repo);
        let url = self.gitlab.at(&self.repo, &["pipelines", &id.to_string(), "cancel"], &[]);
        if let Err(failure) = self.gitlab.rest().write(Method::POST, &url, None, &act).await {
            tracing::warn!(
                pipeline.id = id,
                reason = failure.reason(),
                "a pipeline of another commit could not be cancelled"
            );
        }
    }

    async fn stands(&self, pipeline: &wire::Pipeline) -> Result<DeployStatus, Failure> {
        let link = pipeline.web_url.clone().unwrap_or_else(|| format!("pipeline {}", pipeline.id));
        let at = pipeline.finished_at.or(pipeline.updated_at).or(pipeline.created_at);
        Ok(match pipeline.status.as_str() {
            "success" => DeployStatus::Succeeded { at: at.unwrap_or_default() },
            "failed" | "canceled" | "skipped" => {
                let jobs = self.jobs(pipeline.id, &["failed", "canceled"]).await?;
                DeployStatus::Failed { reason: format!("{link} ended as {}{jobs}", pipeline.status) }
            }
            "manual" | "blocked" => {
                let jobs = self.jobs(pipeline.id, &["manual"]).await?;
                DeployStatus::InProgress { note: Some(format!("somebody has to go on by hand at {link}{jobs}")) }
            }
            _ => DeployStatus::InProgress { note: None },
        })
    }

    /// Formats the names of the jobs in one of these states, at most five.
    async fn jobs(&self, id: u64, states: &[&str]) -> Result<String, Failure> {
        let act = format!("read the jobs of pipeline {id} of {}", self.repo);
        let url = self.gitlab.at(&self.repo, &["pipelines", &id.to_string(), "jobs"], &[]);
        let jobs: Vec<wire::Job> = self.gitlab.list(url, &act).await?;
        let told: Vec<String> = jobs
            .into_iter()
            .filter(|job| states.contains(&job.status.as_str()) && !job.allow_failure)
            .map(|job| job.failure_reason.map_or(job.name.clone(), |reason| format!("{} ({reason})", job.name)))
            .take(5)
            .collect();
        Ok(if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) })
    }
}

/// Returns `true` for variable names that GitLab sets itself. Overriding them could mislead a job about its
/// environment.
fn is_gitlabs(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == "CI" || name.starts_with("CI_") || name.starts_with("GITLAB_")
}

#[async_trait]
impl Deploy for Pipeline {
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        ours(request, &self.repo, &self.environment)?;
        self.forbidden.check(request.environment.as_str(), FORBIDDEN)?;
        self.forbidden.check(&self.gitlab_environment, FORBIDDEN)?;
        let variables = self.variables.fill(request)?;
        let (mut ordered, before) = match self.record(&request.key).await? {
            Some(known) => {
                same(&known.request, request)?;
                if known.pipeline.is_some() {
                    return Ok(());
                }
                let there = self.found(&known).await?;
                (known, there)
            }
            None => {
                let reference = self.reference_of(request).await?;
                let newest = self.newest(&reference).await?;
                (Ordered { request: request.clone(), reference, variables, newest, pipeline: None }, None)
            }
        };
        let id = match before {
            Some(there) => there,
            None => {
                self.keep(&ordered).await?;
                self.reference_of(request).await?;
                self.order(&ordered).await?
            }
        };
        ordered.pipeline = Some(id);
        self.keep(&ordered).await
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        let Some(mut ordered) = self.record(key).await? else { return Ok(None) };
        let id = match ordered.pipeline {
            Some(id) => id,
            None => {
                let Some(found) = self.found(&ordered).await? else { return Ok(None) };
                ordered.pipeline = Some(found);
                self.keep(&ordered).await?;
                found
            }
        };
        let pipeline = self.read(id).await?;
        if pipeline.sha == ordered.request.commit {
            return self.stands(&pipeline).await.map(Some);
        }
        if !["success", "failed", "canceled", "skipped"].contains(&pipeline.status.as_str()) {
            self.cancel(id).await;
        }
        let (ran, wanted) = (pipeline.sha.short(), ordered.request.commit.short());
        let link = pipeline.web_url.unwrap_or_else(|| format!("pipeline {id}"));
        let reference = ordered.reference;
        Ok(Some(DeployStatus::Failed {
            reason: format!(
                "{link} runs {ran}, not {wanted}: {reference} moved in between. See what it did before it was cancelled."
            ),
        }))
    }

    async fn running(&self) -> Result<Option<Running>, Failure> {
        Ok(None)
    }

    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        let act = format!("list the deployments of {} to {}", self.repo, self.gitlab_environment);
        let environment = self.gitlab_environment.as_str();
        let query = [("environment", environment), ("status", "success"), ("order_by", "id"), ("sort", "desc")];
        let url = self.gitlab.at(&self.repo, &["deployments"], &query);
        // The newest id does not always have the latest end time: a deployment may start later and end earlier.
        let found: Vec<wire::Deployment> = self.gitlab.rest().get(&url, &act).await?;
        let dated = found.into_iter().map(|it| {
            let at = it.deployable.and_then(|deployable| deployable.finished_at).unwrap_or(it.updated_at);
            Deployment { commit: it.sha, at }
        });
        Ok(dated.max_by_key(|deployment| deployment.at))
    }

    async fn probe(&self) -> Result<(), Failure> {
        let runs = self.runs.clone();
        blocking(move || prove_writable(&runs)).await?;
        let act = format!("read the project {}", self.repo);
        self.gitlab.rest().get::<wire::Anything>(&self.gitlab.at(&self.repo, &[], &[]), &act).await.map(|_| ())
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}
