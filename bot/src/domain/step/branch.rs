//! The branch, created at the base and pushed before any fix is on it, as a signal (APPLY-6, APPLY-X2, APPLY-X5).

use hotfix_adapters::vocabulary::{BranchName, CommitId};

use super::{Progress, Wait, base};
use crate::domain::effect::Effect;
use crate::domain::hotfix::{BranchState, Hotfix};
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix) -> Progress {
    if state.branch == BranchState::Absent {
        return Progress::Waiting(Wait::Bot("creating the branch"));
    }
    let at = state.base.as_ref().map_or("its base", CommitId::short);
    Progress::done(format!("{} created at {at}", state.plan.branch))
}

pub(super) fn enter(state: &Hotfix) -> Vec<Effect> {
    match (&state.base, state.branch) {
        (Some(base), BranchState::Absent) => vec![Effect::CreateBranch { at: base.clone() }],
        (Some(_) | None, BranchState::Absent | BranchState::Present | BranchState::Deleted) => Vec::new(),
    }
}

/// A branch of that name left over from an earlier run, or one that git cannot hold beside it.
pub(super) fn objections(state: &Hotfix) -> Vec<Refusal> {
    let Some(survey) = &state.survey else { return Vec::new() };
    let base =
        state.plan.steps.iter().find_map(|spec| {
            if let StepKind::Base { from } = &spec.kind { base::find(survey, *from).ok() } else { None }
        });
    let Some((base, _)) = base else { return Vec::new() };
    survey.branches.iter().filter_map(|(name, at)| objection(state, name, at, &base)).collect()
}

fn objection(state: &Hotfix, name: &BranchName, at: &CommitId, base: &CommitId) -> Option<Refusal> {
    let ours = &state.plan.branch;
    if name == ours {
        return (at != base).then(|| {
            Refusal::new(
                "branch.stale",
                format!("A branch {ours} is there already, at {} and not at the base {}.", at.short(), base.short()),
                format!("Look whether anybody needs it, delete it (git push origin --delete {ours}) and start again."),
            )
            .because_of("APPLY-X5")
        });
    }
    let in_the_way = name.as_str().starts_with(&format!("{ours}/")) || ours.as_str().starts_with(&format!("{name}/"));
    in_the_way.then(|| {
        Refusal::new(
            "branch.in-the-way",
            format!("git cannot hold the branches {name} and {ours} at once."),
            format!("Delete or rename {name} and start again."),
        )
        .because_of("APPLY-13")
    })
}
