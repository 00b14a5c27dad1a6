//! Converts what the ports return into domain types: accounts become people, commit ranges become contributions.

use std::sync::Arc;

use hotfix_adapters::deploy::Deploy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Change, Check, Containment, Forge, PullRequest, PullState};
use hotfix_adapters::ids::{CommitId, Environment, PersonRef};

use super::Engine;
use super::branch_tips::Tips;
use crate::domain::event::{MainSeen, PullSeen, ReviewSeen};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::playbook::StepKind;

/// Maximum number of commits that are listed one by one. The people behind commits are kept for all of them.
pub(super) const LISTED: usize = 50;

impl Engine {
    pub(super) fn forge(&self, service: &ServiceName) -> Result<&Arc<dyn Forge>, Failure> {
        let missing = || {
            Failure::rejected(format!("The service {service} is not configured any more. Put it back and say `retry`."))
        };
        self.outside.forges.get(service).ok_or_else(missing)
    }

    pub(super) fn mechanism(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<&Arc<dyn Deploy>, Failure> {
        let missing = || {
            Failure::rejected(format!(
                "{service} has no mechanism for {environment} any more. Put it back and say `retry`."
            ))
        };
        self.outside.deploys.get(&(service.clone(), environment.clone())).ok_or_else(missing)
    }

    pub(super) fn person(&self, account: Option<&PersonRef>) -> Option<PersonId> {
        self.config.people.behind(account?).map(|person| person.id.clone())
    }

    /// Returns `true` if the tip contains the base.
    pub(super) async fn is_on(&self, state: &Hotfix, base: &CommitId, tip: &CommitId) -> Result<bool, Failure> {
        let change = Change { base: base.clone(), head: base.clone() };
        let forge = self.forge(&state.plan.service)?;
        Ok(base == tip || forge.containment(&state.plan.repo, &change, tip).await? == Containment::Ancestor)
    }

    pub(super) async fn pull_seen(&self, state: &Hotfix, pull: &PullRequest) -> Result<PullSeen, Failure> {
        let checks = self.checks_of(state, &pull.head_commit).await?;
        let astray = Some(&pull.base).filter(|base| **base != state.plan.into).cloned();
        let held = pull
            .labels
            .iter()
            .filter(|label| state.plan.hold_labels.iter().any(|hold| hold.to_lowercase() == label.to_lowercase()));
        Ok(PullSeen {
            reviews: self.reviews_seen(pull),
            checked: Some(pull.head_commit.clone()),
            checks,
            astray,
            draft: pull.draft,
            closed: pull.state == PullState::Closed,
            hold_labels: held.cloned().collect(),
        })
    }

    /// Reads the facts that a release from main depends on: the checks and blockers of main, or, once the fix is
    /// merged, those of its merge. `None` if the plan releases nothing from main.
    pub(super) async fn main_seen(&self, state: &Hotfix, tips: &Tips) -> Result<Option<MainSeen>, Failure> {
        let plan = &state.plan;
        let releasable = plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::Releasable));
        let commit = match state.pull.as_ref().and_then(|pull| pull.merged.clone()) {
            Some(merged) if plan.merges_first() => Some(merged),
            Some(_) | None if releasable => self.tip_in(tips, state, &plan.main).await?,
            Some(_) | None => None,
        };
        let Some(commit) = commit else { return Ok(None) };
        let checks = self.checks_of(state, &commit).await?;
        let blockers = if releasable { self.blockers(state).await? } else { Vec::new() };
        Ok(Some(MainSeen { commit, checks, blockers }))
    }

    /// Reads the checks of a commit, in a stable order.
    pub(super) async fn checks_of(&self, state: &Hotfix, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        let mut checks = self.forge(&state.plan.service)?.checks(&state.plan.repo, commit).await?;
        checks.sort_by(|a, b| (&a.name, &a.app).cmp(&(&b.name, &b.app)));
        Ok(checks)
    }

    /// Converts the reviews of a pull request, oldest first, and maps the accounts to people.
    pub(super) fn reviews_seen(&self, pull: &PullRequest) -> Vec<ReviewSeen> {
        let reviews = pull.reviews.iter().map(|review| {
            let person = self.person(Some(&review.person));
            let name = person.as_ref().map_or(review.person.id.as_str(), |id| self.config.people.name(id)).to_owned();
            ReviewSeen { person, name, commit: review.commit.clone(), verdict: review.verdict }
        });
        reviews.collect()
    }
}
