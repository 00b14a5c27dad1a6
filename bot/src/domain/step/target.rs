//! The commit to promote: the named commit, or main at the start of the run. It is pinned, so that later merges are not
//! included (PROMO-6). A production that runs a hotfix only gets a commit that contains it.

use hotfix_adapters::ids::CommitId;

use super::{Progress, Wait, base};
use crate::domain::event::{Event, Snapshot};
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix) -> Progress {
    let Some(survey) = &state.snapshot else {
        return Progress::Waiting(Wait::Bot("reading what would be promoted"));
    };
    let Some(target) = &survey.target else {
        let reason = "Nothing can tell what to promote.";
        let next = "Name a commit, a branch or a tag that is pushed: `promote <service> <commit>`.";
        return Progress::Impossible(vec![Refusal::new("promotion.unknown", reason, next).because_of("PROMO-6")]);
    };
    let refusals = against(state, survey, target);
    if !refusals.is_empty() {
        return Progress::Impossible(refusals);
    }
    let more = if state.asked.target.is_none() { ", which is main as it is now" } else { "" };
    Progress::Done {
        evidence: format!("{}{more}", target.short()),
        events: vec![Event::Targeted { commit: target.clone() }],
    }
}

fn against(state: &Hotfix, survey: &Snapshot, target: &CommitId) -> Vec<Refusal> {
    let from =
        state.plan.steps.iter().find_map(|spec| {
            if let StepKind::Base { from } = &spec.kind { base::find(survey, *from).ok() } else { None }
        });
    let live = from.map(|(commit, _)| commit);
    let mut refusals = Vec::new();
    // Targets beside production do not depend on the commit that production runs.
    if state.plan.leaves_production() {
        return refusals;
    }
    if live.as_ref() == Some(target) {
        let reason = format!("Production runs {} already.", target.short());
        refusals.push(Refusal::new("promotion.nothing", reason, "There is nothing to promote.").because_of("PROMO-5"));
    }
    if let (Some(how), Some(live)) = (survey.leaving.as_ref().filter(|how| !how.holds()), &live) {
        let reason = format!(
            "Production runs {}, which is not behind {}: it is a hotfix, and {}.",
            live.short(),
            target.short(),
            super::mainline::words(how).replace("main", "what would be promoted")
        );
        let next = "Bring the hotfix to main first, then promote a commit that has it.";
        refusals.push(Refusal::new("promotion.loses-fix", reason, next).because_of("PROMO-10"));
    }
    refusals
}

#[cfg(test)]
mod tests;
