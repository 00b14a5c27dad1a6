//! Wiring of the deploy mechanism of one environment of one service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hotfix_adapters::deploy::Deploy;
use hotfix_adapters::deploy::command::{CommandDeploy, CommandOptions, Query, QueryOptions};
use hotfix_adapters::deploy::drone::{Drone, DroneOptions};
use hotfix_adapters::deploy::manual::Manual;
use hotfix_adapters::deploy::pipeline::{Pipeline, PipelineOptions};
use hotfix_adapters::deploy::promotion::{Approval, Promotion, PromotionOptions, Rollout};
use hotfix_adapters::deploy::tag::{TagOptions, TagRelease};
use hotfix_adapters::deploy::workflow::{Proof, Workflow, WorkflowOptions};
use hotfix_adapters::ids::{Environment, PersonRef};
use jiff::Timestamp;

use super::QUESTION;
use super::forges::{Forges, Host, reach, secret};
use crate::config::{
    CommandMechanism, Config, DroneConfig, ForgeConfig, MechanismConfig, PipelineConfig, PromotionConfig,
    WorkflowConfig,
};
use crate::domain::service::Service;

/// Builds the deploy mechanism of one environment.
pub(super) struct DeployBuilder<'a> {
    pub(super) config: &'a Config,
    pub(super) service: &'a Service,
    pub(super) environment: &'a Environment,
    pub(super) program: &'a Path,
    /// The service's own forge.
    pub(super) host: &'a Host,
    pub(super) hosts: &'a Forges,
}

impl DeployBuilder<'_> {
    pub(super) fn mechanism(&self, mechanism: &MechanismConfig) -> anyhow::Result<Arc<dyn Deploy>> {
        Ok(match mechanism {
            MechanismConfig::Command(command) => Arc::new(self.command(command)?),
            MechanismConfig::Manual { instructions } => Arc::new(Manual::new(self.environment.clone(), instructions)?),
            MechanismConfig::Tag { template, running } => Arc::new(TagRelease::new(TagOptions {
                forge: self.host.forge.clone(),
                repo: self.service.repo.clone(),
                environment: self.environment.clone(),
                tag: template.clone(),
                running: running.as_ref().map(|command| self.query(command)).transpose()?,
                runs: self.runs(),
            })?),
            MechanismConfig::Workflow(workflow) => Arc::new(self.workflow(workflow)?),
            MechanismConfig::Pipeline(pipeline) => Arc::new(self.pipeline(pipeline)?),
            MechanismConfig::Drone(drone) => Arc::new(self.drone(drone)?),
            MechanismConfig::Promotion(promotion) => Arc::new(self.promotion(promotion)?),
        })
    }

    fn runs(&self) -> PathBuf {
        self.config.settings.runs.join(self.service.name.as_str())
    }

    fn workflow(&self, workflow: &WorkflowConfig) -> anyhow::Result<Workflow> {
        let github =
            self.host.github.clone().context("a workflow is dispatched on GitHub, and the service is not there")?;
        let deployments = workflow.deployments.clone();
        Ok(Workflow::new(WorkflowOptions {
            github,
            repo: self.service.repo.clone(),
            environment: self.environment.clone(),
            workflow: workflow.workflow.clone(),
            reference: workflow.reference.clone(),
            inputs: workflow.inputs.clone(),
            key_input: workflow.key_input.clone(),
            proof: deployments.clone().map_or(Proof::HeadSha, |environment| Proof::Deployment { environment }),
            deployments,
            forbidden: workflow.forbidden.clone(),
            runs: self.runs(),
            pace: seconds(workflow.pace_seconds),
        })?)
    }

    fn pipeline(&self, pipeline: &PipelineConfig) -> anyhow::Result<Pipeline> {
        let gitlab = self.host.gitlab.clone().context("a pipeline runs on GitLab, and the service is not there")?;
        Ok(Pipeline::new(PipelineOptions {
            gitlab,
            repo: self.service.repo.clone(),
            environment: self.environment.clone(),
            gitlab_environment: pipeline.environment.clone(),
            reference: pipeline.reference.clone(),
            variables: pipeline.variables.clone(),
            forbidden: pipeline.forbidden.clone(),
            runs: self.runs(),
            pace: seconds(pipeline.pace_seconds),
        })?)
    }

    fn drone(&self, drone: &DroneConfig) -> anyhow::Result<Drone> {
        Ok(Drone::new(DroneOptions {
            url: drone.url.clone(),
            reach: reach(self.config),
            token: secret(&drone.token)?,
            repo: self.service.repo.clone(),
            environment: self.environment.clone(),
            target: drone.target.clone(),
            parameters: drone.parameters.clone(),
            forbidden: drone.forbidden.clone(),
            runs: self.runs(),
            pace: seconds(drone.pace_seconds),
        })?)
    }

    fn promotion(&self, promotion: &PromotionConfig) -> anyhow::Result<Promotion> {
        let host = match &promotion.forge {
            Some(name) => self.hosts.of(&ForgeConfig::Named(name.clone()))?,
            None => self.host,
        };
        Ok(Promotion::new(PromotionOptions {
            forge: host.forge.clone(),
            repo: promotion.repo.clone(),
            main: promotion.main.clone(),
            source: self.service.repo.clone(),
            environment: self.environment.clone(),
            service: self.service.name.to_string(),
            targets: promotion.targets.clone(),
            approval: on_platform(&promotion.approval, host),
            hold_labels: promotion.hold_labels.clone(),
            hotfix_versions: promotion.hotfix_versions.clone(),
            merge: promotion.merge.clone(),
            rollout: self.rollout(promotion)?,
            compare: promotion.compare.clone(),
            bot: host.bot.clone(),
            names: self.names(),
            runs: self.runs(),
            clock: Arc::new(Timestamp::now),
        })?)
    }

    /// Only a promotion with a production target has a rollout.
    fn rollout(&self, promotion: &PromotionConfig) -> anyhow::Result<Rollout> {
        if !promotion.targets.iter().any(|target| target.production) {
            return Ok(Rollout::None);
        }
        let running = promotion.rollout.running.as_ref().map(|command| self.query(command)).transpose()?;
        Ok(Rollout::Awaited { checks: promotion.rollout.checks.clone(), running })
    }

    /// Returns the display names of all people, keyed by each of their accounts.
    fn names(&self) -> BTreeMap<PersonRef, String> {
        let people = self.config.people.iter();
        people.flat_map(|person| person.accounts.iter().map(|account| (account.clone(), person.name.clone()))).collect()
    }

    fn command(&self, command: &CommandMechanism) -> anyhow::Result<CommandDeploy> {
        let mut secret_env = BTreeMap::new();
        for (name, source) in &command.secret_env {
            let secret = source.read().with_context(|| format!("the secret {name}"))?;
            secret_env.insert(name.clone(), secret.expose().to_owned());
        }
        std::fs::create_dir_all(&command.working_directory)
            .with_context(|| format!("cannot make the folder {}", command.working_directory.display()))?;
        Ok(CommandDeploy::new(CommandOptions {
            environment: self.environment.clone(),
            repo: self.service.repo.clone(),
            deploy: command.deploy.clone(),
            running: command.running.clone(),
            env: command.env.clone(),
            secret_env,
            pass_env: command.pass_env.clone(),
            working_directory: command.working_directory.clone(),
            timeout: Duration::from_secs(u64::from(command.timeout_seconds)),
            output_limit_bytes: command.output_limit_bytes,
            runs: self.runs(),
            supervisor: vec![self.program.display().to_string(), "supervise".to_owned()],
        })?)
    }

    fn query(&self, command: &[String]) -> anyhow::Result<Query> {
        Ok(Query::new(&QueryOptions {
            environment: self.environment.clone(),
            repo: self.service.repo.clone(),
            command: command.to_vec(),
            env: BTreeMap::new(),
            pass_env: vec!["PATH".to_owned()],
            working_directory: self.config.settings.state.clone(),
            timeout: QUESTION,
        })?)
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(u64::from(number))
}

/// Assigns the accounts whose label counts to the platform of the promotion's forge.
fn on_platform(approval: &Approval, host: &Host) -> Approval {
    match approval {
        Approval::LabelByPerson { label, by } => {
            let here = |person: &PersonRef| PersonRef::new(host.platform, person.id.clone());
            Approval::LabelByPerson { label: label.clone(), by: by.iter().map(here).collect() }
        }
        other @ (Approval::LabelByBot { .. } | Approval::CommentByBot { .. }) => other.clone(),
    }
}
