//! What can be hotfixed, as the configuration says it, valid.

use std::collections::BTreeMap;

use hotfix_adapters::ids::{BranchName, ChannelRef, Environment, Repo};
use serde::{Deserialize, Serialize};

use super::id::{PersonId, PlaybookId, RequirementId, ServiceName};
use super::people::Role;
use super::playbook::ServiceKind;

/// One deployable thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// One line about it.
    pub about: String,
    /// What kind of thing it is.
    pub kind: ServiceKind,
    /// Where its code is.
    pub repo: Repo,
    /// Its main line.
    pub main: BranchName,
    /// The runbook its team follows.
    pub playbook: PlaybookId,
    /// The runbook of an ordinary promotion, if the bot does those too (PROMO-5).
    pub promote_with: Option<PlaybookId>,
    /// Where its team reads.
    pub channel: ChannelRef,
    /// Its environments, in the order in which a fix passes through them. At least one is production.
    pub environments: Vec<EnvironmentPlan>,
    /// Who is told of a hotfix; everybody must learn of it (APPLY-15).
    pub team: Vec<PersonId>,
    /// The labels that say that main must not be released (MAIN-3).
    pub release_blockers: Vec<String>,
    /// The labels by which people hold a pull request back.
    pub hold_labels: Vec<String>,
    /// The checks that must be green.
    pub required_checks: RequiredChecks,
    /// The checks that may fail: noise in logs and the like (HOCS-18, HOCS-20).
    pub lenient_checks: Vec<String>,
    /// Groups of people that a playbook asks by name, such as `stakeholders` (HOCS-17).
    pub parties: BTreeMap<String, Vec<PersonId>>,
    /// Whether its images are kept where the bot can look.
    pub has_registry: bool,
}

/// The checks that must be green before a commit passes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredChecks {
    /// None: the service has no CI. Checks that are reported all the same must be green.
    None,
    /// Exactly these.
    Listed(Vec<String>),
    /// All that are reported, at least one; among them those that the forge requires and those last reported on main.
    #[default]
    Expected,
}

/// An environment with what the policy asks for before something is deployed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentPlan {
    /// Its name.
    pub name: Environment,
    /// The name that a playbook may call it by, together with others: `production`.
    pub group: Option<Environment>,
    /// Whether it is production.
    pub production: bool,
    /// How a deployment is done, in words, such as "command `deploy.sh`". The mechanism itself is wired elsewhere.
    pub mechanism: String,
    /// Whose word it takes.
    pub approval: Approval,
    /// The targets that a deployment there changes, where the mechanism knows several; each can be promoted alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetPlan>,
    /// Why nothing is ever deployed there by the bot, and the sentence that says so (HOCS-26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<Never>,
}

/// One of the places that a promotion changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPlan {
    /// What people call it in `promote --only`.
    pub name: String,
    /// Whether it says what production runs.
    pub production: bool,
}

/// Why nothing is ever deployed to an environment by the bot. Nothing lifts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Never {
    /// The sentence of the runbook.
    pub requirement: Option<RequirementId>,
    /// Why, in one sentence.
    pub reason: String,
    /// What can be done instead.
    pub instead: String,
}

/// Whose word a deployment takes. All rules must hold, by distinct people over all rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Approval {
    /// The rules; none means that nobody's word is needed.
    pub rules: Vec<ApprovalRule>,
    /// How long a vote holds, in minutes.
    pub expires_minutes: u32,
    /// What has to back each vote beside the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_up: Option<StepUp>,
}

impl Approval {
    /// Both at once: the higher count of each role, the shorter time, and what backs a vote by either.
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

/// What has to back a vote that was cast in the chat: an account there may be in the wrong hands (security case 39).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepUp {
    /// An approving review on the forge, of exactly the head, by the voter's account there.
    Review,
}

/// So many people with this role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// The role.
    pub role: Role,
    /// How many, at least one.
    pub count: u32,
}
