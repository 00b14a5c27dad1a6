//! What can be hotfixed, as the configuration says it, valid.

use hotfix_adapters::vocabulary::{BranchName, ChannelRef, Environment, Repo};
use serde::{Deserialize, Serialize};

use super::id::{PersonId, PlaybookId, ServiceName};
use super::people::Role;

/// One deployable thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// One line about it.
    pub about: String,
    /// Where its code is.
    pub repo: Repo,
    /// Its main line.
    pub main: BranchName,
    /// The runbook its team follows.
    pub playbook: PlaybookId,
    /// Where its team reads.
    pub channel: ChannelRef,
    /// Its environments, in the order in which a fix passes through them. Exactly one is production.
    pub environments: Vec<EnvironmentPlan>,
    /// Who is told of a hotfix; everybody must learn of it (APPLY-15).
    pub team: Vec<PersonId>,
    /// The labels that say that main must not be released (MAIN-3).
    pub release_blockers: Vec<String>,
    /// The names of the checks that must be green; empty for "all that there are, and at least one is not required".
    pub required_checks: Vec<String>,
}

impl Service {
    /// The production environment.
    #[must_use]
    pub fn production(&self) -> Option<&EnvironmentPlan> {
        self.environments.iter().find(|environment| environment.production)
    }
}

/// An environment with what the policy asks for before something is deployed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentPlan {
    /// Its name.
    pub name: Environment,
    /// Whether it is production.
    pub production: bool,
    /// How a deployment is done, in words, such as "command `deploy.sh`". The mechanism itself is wired elsewhere.
    pub mechanism: String,
    /// Whose word it takes.
    pub approval: Approval,
}

/// Whose word a deployment takes. All rules must hold, by distinct people over all rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Approval {
    /// The rules; none means that nobody's word is needed.
    pub rules: Vec<ApprovalRule>,
    /// How long a vote holds, in minutes.
    pub expires_minutes: u32,
}

/// So many people with this role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// The role.
    pub role: Role,
    /// How many, at least one.
    pub count: u32,
}
