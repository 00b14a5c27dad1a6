//! Whose word a deployment takes, and whether there are people enough to give it.

use std::collections::BTreeSet;

use hotfix_adapters::ids::Environment;
use serde::Serialize;

use super::Policy;
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::{People, Role};
use crate::domain::service::{Approval, ApprovalRule, StepUp};

/// The usual quorums, for services that say nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quorums {
    /// For production.
    pub production: Vec<ApprovalRule>,
    /// For every other environment.
    pub other: Vec<ApprovalRule>,
    /// How long a vote holds, in minutes.
    pub expires_minutes: u32,
    /// What has to back a vote for production beside the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production_step_up: Option<StepUp>,
    /// What has to back a vote for every other environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_step_up: Option<StepUp>,
}

impl Default for Quorums {
    /// Two people for production, the requester and one more; nobody's word for the rest; four hours.
    fn default() -> Self {
        let production = vec![ApprovalRule { role: Role::Approver, count: 1 }];
        Self { production, other: Vec::new(), expires_minutes: 240, production_step_up: None, other_step_up: None }
    }
}

/// A quorum that cannot be reached, whoever asks for the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The roles that have too few people between them.
    pub roles: Vec<Role>,
    /// How many votes the quorum asks of them.
    pub wanted: usize,
    /// How many people could cast one.
    pub there: usize,
}

impl Policy {
    /// Whose word a deployment of a service to an environment takes: what the service says, or else the usual.
    #[must_use]
    pub fn approval(&self, service: &ServiceName, environment: &Environment, production: bool) -> Approval {
        let policy = self.services.get(service);
        let own = policy.and_then(|policy| policy.quorums.get(environment));
        let usual = if production { &self.quorums.production } else { &self.quorums.other };
        let backed = if production { self.quorums.production_step_up } else { self.quorums.other_step_up };
        let step_up = policy.and_then(|policy| policy.step_up.get(environment)).copied().unwrap_or(backed);
        Approval { rules: own.unwrap_or(usual).clone(), expires_minutes: self.quorums.expires_minutes, step_up }
    }

    /// What is missing for these rules to be met for a service when the most convenient of its requesters asks; `None`
    /// when they can be met. The requester's own vote is never counted.
    #[must_use]
    pub fn shortfall(&self, people: &People, service: &ServiceName, rules: &[ApprovalRule]) -> Option<Shortfall> {
        let requesters = self.active_holders(people, service, Role::Requester);
        if requesters.is_empty() {
            return self.shortfall_without(people, service, rules, None);
        }
        let without = |requester| self.shortfall_without(people, service, rules, Some(requester));
        // One requester for whom nothing is missing is enough; else the one who came nearest is told of.
        let all: Option<Vec<Shortfall>> = requesters.iter().map(without).collect();
        all?.into_iter().min_by_key(|shortfall| shortfall.wanted - shortfall.there)
    }

    /// Distinct people can meet all rules exactly when every choice of rules has as many people between them as it asks
    /// for (Hall's theorem). A quorum names each role at most once, so there are few choices.
    fn shortfall_without(
        &self,
        people: &People,
        service: &ServiceName,
        rules: &[ApprovalRule],
        requester: Option<&PersonId>,
    ) -> Option<Shortfall> {
        (1..1_u32 << rules.len().min(8)).find_map(|choice| {
            let chosen = || rules.iter().enumerate().filter(move |(i, _)| choice >> i & 1 == 1).map(|(_, rule)| rule);
            let voters: BTreeSet<PersonId> =
                chosen().flat_map(|rule| self.active_holders(people, service, rule.role)).collect();
            let there = voters.iter().filter(|person| Some(*person) != requester).count();
            let wanted = chosen().map(|rule| rule.count as usize).sum();
            (there < wanted).then(|| Shortfall { roles: chosen().map(|rule| rule.role).collect(), wanted, there })
        })
    }
}
