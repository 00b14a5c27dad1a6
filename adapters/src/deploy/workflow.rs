//! Deploys by dispatching a workflow of GitHub Actions.
//!
//! The workflow has to show the key in its name, or a run cannot be found again after a crash:
//!
//! ```yaml
//! run-name: Deploy ${{ inputs.hotfix_id }}
//! on:
//!   workflow_dispatch:
//!     inputs:
//!       hotfix_id: { required: true }
//! ```
//!
//! A dispatch runs on a branch or tag, never on a commit, so a run that went well proves nothing by itself: see [`Proof`].
//!
//! It is written down what will be asked before GitHub is asked, and afterwards which run it became. A crash in between is
//! settled by the runs whose title has the key. GitHub lists a run some seconds after it took it, so nothing is dispatched again
//! before that time is over.

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
/// How long GitHub may take to list a run that it took.
const SETTLED: Duration = Duration::from_secs(60);
/// How far the two clocks may lie apart.
const SKEW: Duration = Duration::from_secs(600);
/// How many deployments are looked at for one that succeeded.
const LOOKED_AT: usize = 30;
const ACTIONS: &str = "the permission Actions: write";
const DEPLOYMENTS: &str = "the permission Deployments: read";

/// What shows that a run deployed our commit and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It ran at our commit: the branch or tag has to be there when it is dispatched.
    HeadSha,
    /// It made a GitHub deployment of our commit to this environment, and that succeeded. For workflows that run on `main` and
    /// check out what an input names.
    Deployment {
        /// What GitHub calls the environment.
        environment: String,
    },
}

/// How to deploy one environment of one service by a workflow.
pub struct WorkflowOptions {
    /// Where it runs.
    pub github: GitHub,
    /// In which repository.
    pub repo: Repo,
    /// Which environment it deploys to.
    pub environment: Environment,
    /// The file of the workflow: `deploy.yml`.
    pub workflow: String,
    /// The branch or tag it runs on: `main`, or `release-{short}`.
    pub reference: String,
    /// Its inputs: `{commit}`, `{short}`, `{environment}`, `{repository}`, `{key}`, `{tag}`, `{digest}` and `{previous}` may stand
    /// in them.
    pub inputs: BTreeMap<String, String>,
    /// The input that carries the key, which `run-name` has to show: `hotfix_id`.
    pub key_input: String,
    /// What shows that our commit was deployed.
    pub proof: Proof,
    /// What GitHub calls the environment whose deployments say what runs; `None` when the workflow makes none.
    pub deployments: Option<String>,
    /// Targets that are never deployed to, with `*` for anything: environments, workflows, references and inputs are held
    /// against it.
    pub forbidden: Vec<String>,
    /// The folder in which runs are remembered.
    pub runs: PathBuf,
    /// How long to wait between two looks: 5 to 10 s are kind to the rate limit.
    pub pace: Duration,
}

/// Deploys one environment of one service by a workflow.
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

/// What was asked of GitHub, and what it became.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ordered {
    request: DeployRequest,
    reference: String,
    inputs: BTreeMap<String, String>,
    /// When it was asked last; `None` when GitHub certainly did not take it.
    asked: Option<Timestamp>,
    run: Option<u64>,
}

impl Workflow {
    /// Checks the options. GitHub is not asked anything yet.
    ///
    /// # Errors
    /// Says which option is wrong: a forbidden target, a pattern, or an input that is named twice.
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

    /// The order that a request makes, with nothing forbidden in it.
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

    /// Where a run at our commit is the proof, the reference has to be there.
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

    /// The run with our key, of those that are not older than the order.
    async fn found(&self, ordered: &Ordered) -> Result<Option<u64>, Failure> {
        let Some(asked) = ordered.asked else { return Ok(None) };
        let what = format!("look for the run of {} in {}", ordered.request.key, self.repo);
        // Searches at GitHub know whole seconds only.
        let since = format!(">={:.0}", asked - SKEW);
        let route = self.at()?.then("runs").with("event", "workflow_dispatch").with("created", since);
        let act = Attempt::new(&what, ACTIONS);
        let runs = self.github.client().all(&self.repo, &route, &act, |page: Runs| page.workflow_runs).await?;
        Ok(runs.iter().filter(|run| carries(run, ordered.request.key.as_str())).map(|run| run.id).min())
    }

    /// Dispatches; answers the run, if GitHub says which it is.
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
                // An older server says nothing, and a broken answer cannot be read: the run will be found by its key.
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

    /// The states of a deployment, newest first.
    async fn states(&self, deployed: &Deployed) -> Result<Vec<DeployedStatus>, Failure> {
        let what = format!("read how deployment {} of {} went", deployed.id, self.repo);
        let route = Route::repo(&self.repo)?.then("deployments").then(deployed.id).then("statuses");
        let act = Attempt::new(&what, DEPLOYMENTS);
        self.github.client().all(&self.repo, &route, &act, |page: Vec<DeployedStatus>| page).await
    }

    /// Whether a deployment of our commit came of the run. One that was followed by another since is inactive, and went well.
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

    /// Stops a run that does what nobody asked for; says in words what came of it. When nobody knows whether GitHub heard it,
    /// it is said again at the next look: stopping twice does no harm.
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

/// A workflow, as far as it says whether it can be dispatched.
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

    /// What was deployed last with success, as far as GitHub is told of deployments.
    async fn running(&self) -> Result<Option<Running>, Failure> {
        Ok(self.last_success().await?.map(|deployment| Running { commit: deployment.commit }))
    }

    /// The newest deployment that is a success now: a failed one never ran, and an inactive one was followed by another.
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
