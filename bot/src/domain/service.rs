//! The service configuration, after validation.

use std::collections::BTreeMap;

use hotfix_adapters::ids::{BranchName, ChannelRef, Environment, Repo};
use serde::{Deserialize, Serialize};

use super::id::{PersonId, PlaybookId, RequirementId, ServiceName};
use super::people::Role;
use super::playbook::ServiceKind;

/// A service: a deployable unit with its repository, environments and team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Id of the service.
    pub name: ServiceName,
    /// One-line description.
    pub about: String,
    /// Application or operator; some playbook steps apply to one kind only.
    pub kind: ServiceKind,
    /// Repository of the code on the forge.
    pub repo: Repo,
    /// Main branch of the repository.
    pub main: BranchName,
    /// The playbook for hotfixes.
    pub playbook: PlaybookId,
    /// The playbook for ordinary promotions; `None` if the bot does not promote the service (PROMO-5).
    pub promote_with: Option<PlaybookId>,
    /// Channel where the service's runs are announced.
    pub channel: ChannelRef,
    /// The environments, in the order in which a fix passes through them. At least one is production.
    pub environments: Vec<EnvironmentPlan>,
    /// The people who must learn of a hotfix (APPLY-15).
    pub team: Vec<PersonId>,
    /// Labels of issues and pull requests that block a release of main (MAIN-3).
    pub release_blockers: Vec<String>,
    /// Labels that hold a pull request back.
    pub hold_labels: Vec<String>,
    /// The checks that must be green.
    pub required_checks: RequiredChecks,
    /// Names of the checks that may fail, such as log noise (HOCS-18, HOCS-20).
    pub lenient_checks: Vec<String>,
    /// Groups of people that a playbook refers to, keyed by name, such as `stakeholders` (HOCS-17).
    pub parties: BTreeMap<String, Vec<PersonId>>,
    /// `true` if a registry is configured, so that the bot can read the service's images.
    pub has_registry: bool,
}

/// The checks that must be green before a commit is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredChecks {
    /// None, because the service has no CI. Checks that are reported anyway must be green.
    None,
    /// Exactly the named checks.
    Listed(Vec<String>),
    /// All reported checks, and at least one. They must include those that the forge requires and those last reported
    /// on main.
    #[default]
    Expected,
}

/// An environment with the approval rules of its deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentPlan {
    /// Name of the environment.
    pub name: Environment,
    /// Name by which a playbook refers to several environments at once, such as `production`.
    pub group: Option<Environment>,
    /// `true` for production environments.
    pub production: bool,
    /// Description of the deploy mechanism, such as "command `deploy.sh`". The mechanism itself is constructed
    /// from the configuration.
    pub mechanism: String,
    /// The approval rules of a deployment.
    pub approval: Approval,
    /// The targets that a deployment changes, if the mechanism has several; each can be promoted alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetPlan>,
    /// The prohibition of deployments by the bot, with its reason; `None` if the bot may deploy (HOCS-26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<Never>,
}

/// A target within an environment that a promotion can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPlan {
    /// Name of the target in `promote --only`.
    pub name: String,
    /// `true` if the target defines what production runs.
    pub production: bool,
}

/// The prohibition of deployments to an environment. It cannot be overridden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Never {
    /// The runbook requirement behind it, if any.
    pub requirement: Option<RequirementId>,
    /// Reason, one sentence.
    pub reason: String,
    /// Alternative for the user, one sentence.
    pub instead: String,
}

/// The approval rules of a deployment. All rules must be met, each vote counting for one rule only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Approval {
    /// The rules; empty if no votes are required.
    pub rules: Vec<ApprovalRule>,
    /// Lifetime of votes and vote requests in minutes.
    pub expires_minutes: u32,
    /// Backing that each vote needs outside the chat; `None` if the chat is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_up: Option<StepUp>,
}

impl Approval {
    /// Combines two sets of rules into the stricter one: the higher count per role, the shorter lifetime, and the
    /// backing that either requires.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        let mut rules = self.rules.clone();
        for rule in &other.rules {
            match rules.iter_mut().find(|own| own.role == rule.role) {
                Some(own) => own.count = own.count.max(rule.count),
                None => rules.push(*rule),
            }
        }
        let expires_minutes = self.expires_minutes.min(other.expires_minutes);
        Self { rules, expires_minutes, step_up: self.step_up.or(other.step_up) }
    }
}

/// The backing of a vote outside the chat, because a chat account may be compromised (security case 39).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepUp {
    /// An approving review of exactly the head on the forge, by the voter's account there.
    Review,
}

/// A rule: the number of votes required from people with a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// The required role.
    pub role: Role,
    /// Number of votes, at least 1.
    pub count: u32,
}
