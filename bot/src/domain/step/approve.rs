//! The approval step: the votes that the policy of the environment requires, on exactly the commit that will be
//! deployed.

use hotfix_adapters::ids::{CommitId, Environment};
use jiff::Timestamp;

use super::{Progress, Wait};
use crate::domain::break_glass;
use crate::domain::effect::Effect;
use crate::domain::hotfix::Hotfix;
use crate::domain::people::{all_marked, marked};
use crate::domain::vote::quorum;

pub(super) fn progress(state: &Hotfix, environment: &Environment, now: Timestamp) -> Progress {
    let quorum = quorum(state, environment, now, None);
    if quorum.rejections.is_empty() && !quorum.holds() && break_glass::unannounced(state, environment, now).is_some() {
        return Progress::Waiting(Wait::Bot("telling the audit channel that the glass was broken"));
    }
    if let Some((number, into)) = state.wrong_base().filter(|_| !quorum.holds()) {
        return Progress::Waiting(Wait::Retargeted { number, into: into.clone() });
    }
    if !quorum.holds() {
        let vetoes = quorum.rejections.len();
        return Progress::Waiting(Wait::Votes { environment: environment.clone(), missing: quorum.missing, vetoes });
    }
    let commit = state.deployable_to(environment).map_or("nothing", CommitId::short);
    if let Some(person) = &quorum.break_glass {
        let place = state.plan.place(environment);
        return Progress::done(format!("{} broke the glass, on {commit} for {place}", marked(person)));
    }
    let voters = all_marked(&quorum.valid);
    let by = if voters.is_empty() { "nobody's word is asked for".to_owned() } else { voters };
    Progress::done(format!("{by} on {commit} for {}", state.plan.place(environment)))
}

/// Requests votes only if some are missing. A step that only a rejection blocks keeps its vote request and its votes.
/// No votes are requested that would be refused.
pub(super) fn enter(state: &Hotfix, environment: &Environment, now: Timestamp) -> Vec<Effect> {
    // A rolled-back commit gets a new vote request only after `retry`; a new commit gets one at once.
    let asks = !state.is_taken_back(environment)
        && state.wrong_base().is_none()
        && !quorum(state, environment, now, None).missing.is_empty();
    match state.deployable_to(environment) {
        Some(commit) if asks => vec![Effect::RequestVotes { environment: environment.clone(), commit: commit.clone() }],
        Some(_) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
