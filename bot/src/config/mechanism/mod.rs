//! What reaches a service: its forge, what deploys to its environments, and what proves its capabilities. These are the
//! choices; `wire` turns each into an adapter.

mod remote;

use std::collections::BTreeMap;
use std::path::PathBuf;

use hotfix_adapters::ids::Environment;

pub use remote::{DroneConfig, PipelineConfig, PromotionConfig, RolloutConfig, WorkflowConfig};

use super::secret::SecretSource;

/// Where the code of a service lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForgeConfig {
    /// Bare git repositories on this machine, below [`Settings::repositories`](super::Settings::repositories).
    Local,
    /// A forge elsewhere, by its name in `hotfix.toml`.
    Named(String),
}

/// What deploys to one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MechanismConfig {
    /// A program is run.
    Command(CommandMechanism),
    /// A person does it, and says how it went.
    Manual {
        /// What that person has to do.
        instructions: String,
    },
    /// A workflow of GitHub Actions is dispatched.
    Workflow(WorkflowConfig),
    /// A pipeline of GitLab is run.
    Pipeline(PipelineConfig),
    /// A build is promoted by Drone.
    Drone(DroneConfig),
    /// The commit is named in another repository, by a merge request.
    Promotion(Box<PromotionConfig>),
    /// A tag is pushed, and something outside releases it.
    Tag {
        /// The name of the tag, with `{short}`, `{commit}` and `{environment}` filled in.
        template: String,
        /// The command that prints the full id of the commit that runs, if there is one.
        running: Option<Vec<String>>,
    },
}

/// A program that deploys. Programs are absolute paths or bare names; arguments may hold placeholders; there is no shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandMechanism {
    /// The command that deploys.
    pub deploy: Vec<String>,
    /// The command that prints the full id of the commit that runs, if there is one.
    pub running: Option<Vec<String>>,
    /// Variables for both commands, in the open.
    pub env: BTreeMap<String, String>,
    /// Variables whose value is read from a file or a credential at the moment of the deployment, and never kept.
    pub secret_env: BTreeMap<String, SecretSource>,
    /// Variables of the bot itself that are handed on.
    pub pass_env: Vec<String>,
    /// Where both commands run; absolute.
    pub working_directory: PathBuf,
    /// After so long the command and its children are ended.
    pub timeout_seconds: u32,
    /// How much of what it prints is kept.
    pub output_limit_bytes: usize,
}

impl MechanismConfig {
    /// The mechanism in words, for a plan.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Command(command) => {
                let program = command.deploy.first().map_or("", String::as_str);
                format!("command `{}`", program.rsplit('/').next().unwrap_or(program))
            }
            Self::Manual { .. } => "by hand".to_owned(),
            Self::Tag { template, .. } => format!("tag `{template}`"),
            Self::Workflow(workflow) => format!("workflow `{}`", workflow.workflow),
            Self::Pipeline(pipeline) => format!("pipeline on `{}`", pipeline.reference),
            Self::Drone(drone) => format!("Drone promotion to `{}`", drone.target),
            Self::Promotion(promotion) => format!("merge request in `{}`", promotion.repo),
        }
    }

    /// Returns the texts in which the values of a deployment are filled in.
    pub(super) fn patterns(&self) -> Vec<&str> {
        let named = match self {
            Self::Command(command) => return command.deploy.iter().map(String::as_str).collect(),
            Self::Manual { instructions: text } | Self::Tag { template: text, .. } => return vec![text],
            Self::Promotion(_) => return Vec::new(),
            Self::Workflow(workflow) => &workflow.inputs,
            Self::Pipeline(pipeline) => &pipeline.variables,
            Self::Drone(drone) => &drone.parameters,
        };
        named.values().map(String::as_str).collect()
    }

    /// Returns whether the mechanism itself can tell which commit runs.
    pub(super) fn tells_what_runs(&self) -> bool {
        match self {
            Self::Command(command) => command.running.is_some(),
            Self::Tag { running, .. } => running.is_some(),
            Self::Workflow(workflow) => workflow.deployments.is_some(),
            Self::Promotion(_) => true,
            Self::Manual { .. } | Self::Pipeline(_) | Self::Drone(_) => false,
        }
    }
}

/// A capability that a service declares to have. A declaration alone opens nothing: the probe has to succeed too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityConfig {
    /// How the claim is probed.
    pub probe: Probe,
}

/// How a claim is probed, without doing anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// The mechanism of this environment is asked whether it could work now.
    Environment(Environment),
    /// This command has to end well.
    Command(Vec<String>),
}
