//! Approval quorums: the votes that a deployment needs, and the check that enough people can cast them.

use std::collections::BTreeSet;

use hotfix_adapters::ids::Environment;
use serde::Serialize;

use super::Policy;
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::{People, Role};
use crate::domain::service::{Approval, ApprovalRule, StepUp};

/// The default quorums, for services without their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quorums {
    /// The quorum for production.
    pub production: Vec<ApprovalRule>,
    /// The quorum for every other environment.
    pub other: Vec<ApprovalRule>,
    /// The lifetime of a vote, in minutes.
    pub expires_minutes: u32,
    /// The step-up required for a vote for production; `None` if the chat suffices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production_step_up: Option<StepUp>,
    /// The step-up required for a vote for every other environment; `None` if the chat suffices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_step_up: Option<StepUp>,
}

impl Default for Quorums {
    /// Production needs the requester and one approver; other environments need no votes; a vote expires after four
    /// hours.
    fn default() -> Self {
        let production = vec![ApprovalRule { role: Role::Approver, count: 1 }];
        Self { production, other: Vec::new(), expires_minutes: 240, production_step_up: None, other_step_up: None }
    }
}

/// A quorum that cannot be reached with any requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The roles that have too few people in total.
    pub roles: Vec<Role>,
    /// The number of votes that the quorum requires from these roles.
    pub wanted: usize,
    /// The number of people who could cast one.
    pub there: usize,
}

impl Policy {
    /// Returns the approval rules for deploying a service to an environment: the service's own, or the defaults.
    #[must_use]
    pub fn approval(&self, service: &ServiceName, environment: &Environment, production: bool) -> Approval {
        let policy = self.services.get(service);
        let own = policy.and_then(|policy| policy.quorums.get(environment));
        let usual = if production { &self.quorums.production } else { &self.quorums.other };
        let backed = if production { self.quorums.production_step_up } else { self.quorums.other_step_up };
        let step_up = policy.and_then(|policy| policy.step_up.get(environment)).copied().unwrap_or(backed);
        Approval { rules: own.unwrap_or(usual).clone(), expires_minutes: self.quorums.expires_minutes, step_up }
    }

    /// Returns the shortfall of these rules for a service, assuming the requester who leaves the most voters; `None` if
    /// the rules can be met. The requester's own vote never counts.
    #[must_use]
    pub fn shortfall(&self, people: &People, service: &ServiceName, rules: &[ApprovalRule]) -> Option<Shortfall> {
        let requesters = self.active_holders(people, service, Role::Requester);
        if requesters.is_empty() {
            return self.shortfall_without(people, service, rules, None);
        }
        let without = |requester| self.shortfall_without(people, service, rules, Some(requester));
        // One requester without a shortfall suffices. Otherwise report the smallest shortfall.
        let all: Option<Vec<Shortfall>> = requesters.iter().map(without).collect();
        all?.into_iter().min_by_key(|shortfall| shortfall.wanted - shortfall.there)
    }

    /// Distinct people can meet all rules if and only if every subset of the rules has as many voters in total as it
    /// requires votes (Hall's theorem). A quorum names each role at most once, so there are few subsets.
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
