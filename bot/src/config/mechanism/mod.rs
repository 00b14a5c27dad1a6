//! The forge, the deploy mechanisms and the capability probes of a service. `wire` builds an adapter from each.

mod remote;

use std::collections::BTreeMap;
use std::path::PathBuf;

use hotfix_adapters::ids::Environment;

pub use remote::{DroneConfig, PipelineConfig, PromotionConfig, RolloutConfig, WorkflowConfig};

use super::secret::SecretSource;

/// The forge that hosts the code of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForgeConfig {
    /// Bare git repositories on this machine, below [`Settings::repositories`](super::Settings::repositories).
    Local,
    /// A remote forge, by its name in `hotfix.toml`.
    Named(String),
}

/// The deploy mechanism of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MechanismConfig {
    /// Runs a program.
    Command(CommandMechanism),
    /// A person deploys and reports the result.
    Manual {
        /// Instructions for that person.
        instructions: String,
    },
    /// Dispatches a GitHub Actions workflow.
    Workflow(WorkflowConfig),
    /// Runs a GitLab pipeline.
    Pipeline(PipelineConfig),
    /// Promotes a build with Drone.
    Drone(DroneConfig),
    /// Writes the commit into another repository, with a merge request.
    Promotion(Box<PromotionConfig>),
    /// Pushes a tag, which an external system releases.
    Tag {
        /// Name of the tag, with the placeholders `{short}`, `{commit}` and `{environment}`.
        template: String,
        /// Command that prints the full id of the running commit, if there is one.
        running: Option<Vec<String>>,
    },
}

/// A program that deploys. The program is an absolute path or a bare name; arguments may have placeholders; no shell
/// is involved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandMechanism {
    /// Command that deploys.
    pub deploy: Vec<String>,
    /// Command that prints the full id of the running commit, if there is one.
    pub running: Option<Vec<String>>,
    /// Plain-text environment variables of both commands.
    pub env: BTreeMap<String, String>,
    /// Secret environment variables, read from a file or credential for each deployment and never stored.
    pub secret_env: BTreeMap<String, SecretSource>,
    /// Environment variables of the bot that are passed on.
    pub pass_env: Vec<String>,
    /// Working directory of both commands; an absolute path.
    pub working_directory: PathBuf,
    /// Timeout in seconds, after which the command and its children are killed.
    pub timeout_seconds: u32,
    /// Maximum size of the captured output.
    pub output_limit_bytes: usize,
}

impl MechanismConfig {
    /// Returns a description of the mechanism for the plan.
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

    /// Returns the templates that a deployment fills in; none for a promotion.
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

    /// Returns `true` if the mechanism itself can report the running commit.
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

/// A capability that a service declares. It counts only if its probe succeeds too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityConfig {
    /// The probe that verifies it.
    pub probe: ProbeConfig,
}

/// A side-effect-free probe of a capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeConfig {
    /// Asks the deploy mechanism of this environment if it could work.
    Environment(Environment),
    /// Runs this command, which must exit successfully.
    Command(Vec<String>),
}
