//! Deploy mechanism: dispatches a GitHub Actions workflow.
//!
//! The workflow must show the key in its run name; without it, a run cannot be found again after a crash:
//!
//! ```yaml
//! run-name: Deploy ${{ inputs.hotfix_id }}
//! on:
//!   workflow_dispatch:
//!     inputs:
//!       hotfix_id: { required: true }
//! ```
//!
//! A dispatch runs on a branch or tag, never on a commit, so a successful run alone does not prove which commit was
//! deployed: see [`Proof`].
//!
//! The adapter records the request before it dispatches, and the resulting run afterwards. After a crash in between, it
//! searches the runs for one whose title has the key. GitHub lists a run only some seconds after it accepts the
//! dispatch, so the adapter waits that long before it dispatches again.

mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::wire::{Deployed, DeployedStatus, Dispatched, Head, Run, Runs, carries};
use super::command::{Pattern, RunFolder, blocking, prove_writable};
use super::deny_list::DenyList;
use super::template_values::{fill, ours, pattern, same};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running};
use crate::failure::Failure;
use crate::forge::github::{Attempt, GitHub, Route, WriteOutcome};
use crate::ids::{DeployKey, Environment, Repo};

const RECORD: &str = "workflow.json";
const FORBIDDEN: &str = "hotfixes are not deployed there by a workflow";
/// The maximum time until GitHub lists a run whose dispatch it accepted.
const SETTLED: Duration = Duration::from_secs(60);
/// The maximum clock skew between GitHub and the bot.
const SKEW: Duration = Duration::from_secs(600);
/// The number of recent deployments that are searched for a successful one.
const LOOKED_AT: usize = 30;
const ACTIONS: &str = "the permission Actions: write";
const DEPLOYMENTS: &str = "the permission Deployments: read";

/// The evidence that a run deployed exactly our commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The run's head is our commit. The branch or tag must be at the commit when the workflow is dispatched.
    HeadSha,
    /// The run created a GitHub deployment of our commit to this environment, and that deployment succeeded. For
    /// workflows that run on `main` and check out the commit named by an input.
    Deployment {
        /// GitHub's name of the environment.
        environment: String,
    },
}

/// The options of a [`Workflow`]: one environment of one service.
pub struct WorkflowOptions {
    /// The GitHub client.
    pub github: GitHub,
    /// The repository that the workflow runs in.
    pub repo: Repo,
    /// The environment that the workflow deploys to.
    pub environment: Environment,
    /// The file name of the workflow: `deploy.yml`.
    pub workflow: String,
    /// Pattern of the branch or tag that the workflow runs on: `main`, or `release-{short}`.
    pub reference: String,
    /// The workflow's inputs. Their values may use `{commit}`, `{short}`, `{environment}`, `{repository}`, `{key}`,
    /// `{tag}`, `{digest}`, `{image}` and `{previous}`.
    pub inputs: BTreeMap<String, String>,
    /// The input that carries the key and that `run-name` must show: `hotfix_id`.
    pub key_input: String,
    /// The evidence required that our commit was deployed.
    pub proof: Proof,
    /// GitHub's name of the environment whose deployments tell what runs; `None` if the workflow creates none.
    pub deployments: Option<String>,
    /// Deny list of targets, where `*` matches any text. Environments, the workflow, the reference and the inputs are
    /// checked against it.
    pub forbidden: Vec<String>,
    /// The folder that the run records are kept in.
    pub runs: PathBuf,
    /// The interval between two polls. 5 to 10 s stays well within the rate limit.
    pub pace: Duration,
}

/// The deploy mechanism that dispatches workflow runs for one environment of one service.
pub struct Workflow {
    github: GitHub,
    repo: Repo,
    environment: Environment,
    workflow: String,
    reference: Pattern,
    inputs: BTreeMap<String, Pattern>,
    key_input: String,
    proof: Proof,
    deployments: Option<String>,
    forbidden: DenyList,
    runs: PathBuf,
    pace: Duration,
}

/// The record of a dispatch: the request, and the resulting run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ordered {
    request: DeployRequest,
    reference: String,
    inputs: BTreeMap<String, String>,
    /// Time of the last dispatch; `None` if GitHub certainly did not accept it.
    asked: Option<Timestamp>,
    run: Option<u64>,
}

impl Workflow {
    /// Checks the options. Sends no request to GitHub.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if a target is on the deny list, a pattern is invalid, or the key input is unnamed or used
    /// twice.
    pub fn new(options: WorkflowOptions) -> Result<Self, Failure> {
        let forbidden = DenyList::new(&options.forbidden);
        let mut targets = vec![options.environment.as_str(), &options.workflow, &options.reference];
        targets.extend(options.inputs.values().map(String::as_str));
        targets.extend(options.deployments.as_deref());
        if let Proof::Deployment { environment } = &options.proof {
            targets.push(environment);
        }
        targets.into_iter().try_for_each(|target| forbidden.check(target, FORBIDDEN))?;
        if options.key_input.is_empty() || options.inputs.contains_key(&options.key_input) {
            return Err(Failure::rejected(format!(
                "the input {:?} carries the key of the deployment and needs a name of its own.",
                options.key_input
            )));
        }
        let inputs = options.inputs.iter().map(|(name, text)| Ok((name.clone(), pattern(text)?)));
        Ok(Self {
            reference: pattern(&options.reference)?,
            inputs: inputs.collect::<Result<_, Failure>>()?,
            github: options.github,
            repo: options.repo,
            environment: options.environment,
            workflow: options.workflow,
            key_input: options.key_input,
            proof: options.proof,
            deployments: options.deployments,
            forbidden,
            runs: options.runs,
            pace: options.pace,
        })
    }

    fn at(&self) -> Result<Route, Failure> {
        Ok(Route::repo(&self.repo)?.then("actions").then("workflows").then(&self.workflow))
    }

    fn now(&self) -> Timestamp {
        self.github.client().now()
    }

    async fn record(&self, key: &DeployKey) -> Result<Option<Ordered>, Failure> {
        let run = RunFolder::of(&self.runs, key);
        blocking(move || run.read(RECORD)).await
    }

    async fn keep(&self, ordered: &Ordered) -> Result<(), Failure> {
        let (run, ordered) = (RunFolder::of(&self.runs, &ordered.request.key), ordered.clone());
        blocking(move || run.make().and_then(|()| run.write(RECORD, &ordered))).await
    }

    /// Fills in a request. Rejects values that are on the deny list.
    fn ordered(&self, request: &DeployRequest) -> Result<Ordered, Failure> {
        let reference = fill(&self.reference, request)?;
        let mut inputs = BTreeMap::new();
        for (name, value) in &self.inputs {
            inputs.insert(name.clone(), fill(value, request)?);
        }
        let targets = inputs.values().chain([&reference]);
        targets.into_iter().try_for_each(|target| self.forbidden.check(target, FORBIDDEN))?;
        inputs.insert(self.key_input.clone(), request.key.as_str().to_owned());
        Ok(Ordered { request: request.clone(), reference, inputs, asked: None, run: None })
    }

    /// Rejects a reference whose tip is not the commit, if the proof is [`Proof::HeadSha`].
    async fn is_at_the_commit(&self, ordered: &Ordered) -> Result<(), Failure> {
        if self.proof != Proof::HeadSha {
            return Ok(());
        }
        let (reference, wanted) = (&ordered.reference, &ordered.request.commit);
        let what = format!("see where {reference} of {} is", self.repo);
        let route = Route::repo(&self.repo)?.then("commits").then(reference);
        let act = Attempt::new(&what, "the permission Contents: read");
        let head: Head = self.github.client().get(&self.repo, &route, &act).await?;
        if head.sha == wanted.as_str() {
            return Ok(());
        }
        Err(Failure::rejected(format!(
            "{reference} of {} is at {}, not at {}: a workflow there would deploy something else. Name a branch or a tag that is \
             at the commit.",
            self.repo,
            head.sha,
            wanted.short()
        )))
    }

    /// Searches the runs created since the dispatch for the one that carries our key.
    async fn found(&self, ordered: &Ordered) -> Result<Option<u64>, Failure> {
        let Some(asked) = ordered.asked else { return Ok(None) };
        let what = format!("look for the run of {} in {}", ordered.request.key, self.repo);
        // GitHub's search accepts whole seconds only.
        let since = format!(">={:.0}", asked - SKEW);
        let route = self.at()?.then("runs").with("event", "workflow_dispatch").with("created", since);
        let act = Attempt::new(&what, ACTIONS);
        let runs = self.github.client().all(&self.repo, &route, &act, |page: Runs| page.workflow_runs).await?;
        Ok(runs.iter().filter(|run| carries(run, ordered.request.key.as_str())).map(|run| run.id).min())
    }

    /// Dispatches the workflow. Returns the run id if GitHub reports it or the run is already listed.
    async fn dispatch(&self, ordered: &Ordered, details: bool) -> Result<Option<u64>, Failure> {
        let what = format!("dispatch {} on {} of {}", self.workflow, ordered.reference, self.repo);
        let act = Attempt::new(&what, ACTIONS);
        let mut body = json!({ "ref": ordered.reference, "inputs": ordered.inputs });
        if details && let Some(body) = body.as_object_mut() {
            body.insert("return_run_details".to_owned(), true.into());
        }
        let route = self.at()?.then("dispatches");
        match self.github.client().write(&self.repo, Method::POST, &route, Some(body), &act).await? {
            WriteOutcome::Done(answer) => match answer.read::<Dispatched>(&act) {
                Ok(run) => Ok(Some(run.workflow_run_id)),
                // Older servers return no body, and a broken answer cannot be parsed: the run will be found by its key.
                Err(_) => self.found(ordered).await,
            },
            WriteOutcome::Rejected { message, .. } if details && message.contains("return_run_details") => {
                Box::pin(self.dispatch(ordered, false)).await
            }
            WriteOutcome::Rejected { message, .. } => Err(Failure::rejected(format!(
                "could not {what}: GitHub says: {message}. Look at the workflow's inputs and at the reference."
            ))),
            WriteOutcome::Unknown(how) => match self.found(ordered).await {
                Ok(Some(run)) => Ok(Some(run)),
                Ok(None) | Err(_) => Err(Failure::uncertain(format!("could not {what}: {how}."))),
            },
        }
    }

    async fn deployed(&self, environment: &str, sha: Option<&str>) -> Result<Vec<Deployed>, Failure> {
        let what = format!("list the deployments of {} to {environment}", self.repo);
        let mut route = Route::repo(&self.repo)?.then("deployments").with("environment", environment);
        if let Some(sha) = sha {
            route = route.with("sha", sha);
        }
        let route = route.with("per_page", LOOKED_AT);
        self.github.client().get(&self.repo, &route, &Attempt::new(&what, DEPLOYMENTS)).await
    }

    /// Returns the statuses of a deployment, newest first.
    async fn states(&self, deployed: &Deployed) -> Result<Vec<DeployedStatus>, Failure> {
        let what = format!("read how deployment {} of {} went", deployed.id, self.repo);
        let route = Route::repo(&self.repo)?.then("deployments").then(deployed.id).then("statuses");
        let act = Attempt::new(&what, DEPLOYMENTS);
        self.github.client().all(&self.repo, &route, &act, |page: Vec<DeployedStatus>| page).await
    }

    /// Returns `true` if the run is proven to have deployed our commit. Any success among the deployment's statuses
    /// counts: a later deployment makes it inactive.
    async fn is_proven(&self, run: &Run, request: &DeployRequest) -> Result<bool, Failure> {
        let Proof::Deployment { environment } = &self.proof else { return Ok(run.head_sha == request.commit.as_str()) };
        for deployed in self.deployed(environment, Some(request.commit.as_str())).await? {
            let ours = deployed.sha == request.commit.as_str() && deployed.created_at >= run.created_at;
            if ours && self.states(&deployed).await?.iter().any(|status| status.state == "success") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Cancels a run of the wrong commit. Returns the outcome as text. If the outcome is unknown, the next poll cancels
    /// again, which is harmless.
    async fn cancel(&self, id: u64) -> Result<String, Failure> {
        let what = format!("cancel run {id} of {}", self.repo);
        let route = Route::repo(&self.repo)?.then("actions").then("runs").then(id).then("cancel");
        let tried =
            self.github.client().write(&self.repo, Method::POST, &route, None, &Attempt::new(&what, ACTIONS)).await;
        match tried {
            Ok(WriteOutcome::Done(_)) => Ok("The bot cancelled it".to_owned()),
            Ok(WriteOutcome::Unknown(how)) => Err(Failure::uncertain(format!("could not {what}: {how}."))),
            Ok(WriteOutcome::Rejected { message, .. }) => Ok(uncancelled(&message)),
            Err(Failure::Rejected { reason }) => Ok(uncancelled(&reason)),
            Err(failure @ (Failure::Retry { .. } | Failure::Uncertain { .. })) => Err(failure),
        }
    }

    async fn stands(&self, run: &Run, ordered: &Ordered) -> Result<DeployStatus, Failure> {
        let link = run.html_url.clone().unwrap_or_else(|| format!("run {}", run.id));
        let wanted = &ordered.request.commit;
        if self.proof == Proof::HeadSha && run.head_sha != wanted.as_str() {
            let (ran, reference) = (&run.head_sha, &ordered.reference);
            let done = match run.status.as_deref() {
                Some("completed") => "It has ended".to_owned(),
                _ => self.cancel(run.id).await?,
            };
            return Ok(DeployStatus::Failed {
                reason: format!(
                    "{link} ran on {ran}, not on {wanted}: {reference} moved in between. {done}. See there what it did."
                ),
            });
        }
        Ok(match (run.status.as_deref(), run.conclusion.as_deref()) {
            (Some("completed"), Some("success")) if self.is_proven(run, &ordered.request).await? => {
                DeployStatus::Succeeded { at: run.updated_at }
            }
            (Some("completed"), Some("success")) => DeployStatus::Failed {
                reason: format!(
                    "{link} ended well, and GitHub knows no successful deployment of {wanted} by it. See there what it deployed."
                ),
            },
            (Some("completed"), conclusion) => {
                DeployStatus::Failed { reason: format!("{link} ended as {}", conclusion.unwrap_or("nothing")) }
            }
            (Some("waiting" | "action_required"), _) => {
                DeployStatus::InProgress { note: Some(format!("somebody has to let it go on at {link}")) }
            }
            _ => DeployStatus::InProgress { note: None },
        })
    }
}

fn uncancelled(why: &str) -> String {
    format!("The bot could not cancel it ({}): stop it there", why.trim_end_matches('.'))
}

/// The answer about a workflow: its state tells if it can be dispatched.
#[derive(serde::Deserialize)]
struct Found {
    state: Option<String>,
}

#[async_trait]
impl Deploy for Workflow {
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        ours(request, &self.repo, &self.environment)?;
        let mut ordered = self.ordered(request)?;
        if let Some(known) = self.record(&request.key).await? {
            same(&known.request, request)?;
            if known.run.is_some() {
                return Ok(());
            }
            if let Some(run) = self.found(&known).await? {
                return self.keep(&Ordered { run: Some(run), ..known }).await;
            }
            let since = known.asked.map(|asked| self.now().duration_since(asked).unsigned_abs());
            if let Some(left) = since.and_then(|since| SETTLED.checked_sub(since)) {
                let reason =
                    format!("GitHub may still be about to list the run of {}; it is looked for again.", request.key);
                return Err(Failure::Retry { reason, after: Some(left) });
            }
        }
        self.is_at_the_commit(&ordered).await?;
        ordered.asked = Some(self.now());
        self.keep(&ordered).await?;
        match self.dispatch(&ordered, true).await {
            Ok(run) => self.keep(&Ordered { run, ..ordered }).await,
            Err(failure @ Failure::Uncertain { .. }) => Err(failure),
            Err(failure @ (Failure::Retry { .. } | Failure::Rejected { .. })) => {
                self.keep(&Ordered { asked: None, ..ordered }).await?;
                Err(failure)
            }
        }
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        let Some(mut ordered) = self.record(key).await? else { return Ok(None) };
        if ordered.run.is_none() {
            ordered.run = self.found(&ordered).await?;
            if ordered.run.is_some() {
                self.keep(&ordered).await?;
            }
        }
        let Some(id) = ordered.run else {
            let fresh = ordered.asked.is_some_and(|asked| self.now().duration_since(asked).unsigned_abs() < SETTLED);
            return Ok(fresh.then_some(DeployStatus::InProgress { note: None }));
        };
        let what = format!("read run {id} of {}", self.repo);
        let route = Route::repo(&self.repo)?.then("actions").then("runs").then(id);
        let run: Run = self.github.client().get(&self.repo, &route, &Attempt::new(&what, ACTIONS)).await?;
        self.stands(&run, &ordered).await.map(Some)
    }

    /// Derived from the last successful GitHub deployment.
    async fn running(&self) -> Result<Option<Running>, Failure> {
        Ok(self.last_success().await?.map(|deployment| Running { commit: deployment.commit }))
    }

    /// The newest deployment whose latest status is success. A failed one never ran, and an inactive one was
    /// superseded.
    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        let Some(environment) = &self.deployments else { return Ok(None) };
        for deployed in self.deployed(environment, None).await? {
            let states = self.states(&deployed).await?;
            if let Some(last) = states.first().filter(|last| last.state == "success") {
                return deployed.as_deployment(last.created_at).map(Some);
            }
        }
        Ok(None)
    }

    async fn probe(&self) -> Result<(), Failure> {
        let runs = self.runs.clone();
        blocking(move || prove_writable(&runs)).await?;
        let what = format!("read the workflow {} of {}", self.workflow, self.repo);
        let act = Attempt::new(&what, ACTIONS);
        let found: Found = self.github.client().get(&self.repo, &self.at()?, &act).await?;
        if found.state.is_none_or(|state| state == "active") {
            return Ok(());
        }
        Err(Failure::rejected(format!("the workflow {} of {} is disabled. Enable it.", self.workflow, self.repo)))
    }

    fn pace(&self) -> Duration {
        self.pace
    }
}
