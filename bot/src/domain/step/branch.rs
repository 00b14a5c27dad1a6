//! The branch: created at the base and pushed before any fix, as a signal to others (APPLY-6, APPLY-X2, APPLY-X5).

use hotfix_adapters::ids::{BranchName, CommitId};

use super::{Progress, Wait, base};
use crate::domain::effect::Effect;
use crate::domain::hotfix::{BranchState, Hotfix};
use crate::domain::id::RequirementId;
use crate::domain::playbook::{BranchRole, StepKind};
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix, which: BranchRole) -> Progress {
    if stands(state, which) == BranchState::Absent {
        return Progress::Waiting(Wait::Bot("creating the branch"));
    }
    let at = state.base.as_ref().map_or("its base", CommitId::short);
    Progress::done(format!("{} created at {at}", state.plan.branch_named(which)))
}

pub(super) fn enter(state: &Hotfix, which: BranchRole) -> Vec<Effect> {
    match (&state.base, stands(state, which)) {
        (Some(base), BranchState::Absent) => vec![Effect::CreateBranch { which, at: base.clone() }],
        (Some(_) | None, BranchState::Absent | BranchState::Present | BranchState::Deleted) => Vec::new(),
    }
}

fn stands(state: &Hotfix, which: BranchRole) -> BranchState {
    match which {
        BranchRole::Fix => state.branch,
        BranchRole::Integration => state.into,
    }
}

/// Returns the objections to the branch name: a leftover branch of an earlier run, a branch that git cannot store
/// beside it, or a name that was used before.
pub(super) fn objections(state: &Hotfix, which: BranchRole) -> Vec<Refusal> {
    let Some(survey) = &state.snapshot else { return Vec::new() };
    let base =
        state.plan.steps.iter().find_map(|spec| {
            if let StepKind::Base { from } = &spec.kind { base::find(survey, *from).ok() } else { None }
        });
    let Some((base, _)) = base else { return Vec::new() };
    let ours = state.plan.branch_named(which);
    // The bot moves a leftover branch of an earlier run out of the way if nobody pushed to it since.
    let ours_to_move = |name: &BranchName, at: &CommitId| {
        which == BranchRole::Fix && name == ours && survey.left.as_ref().is_some_and(|left| &left.at == at)
    };
    let in_the_way = survey.branches.iter().filter(|(name, at)| !ours_to_move(name, at));
    let mut all: Vec<Refusal> = in_the_way.filter_map(|(name, at)| objection(ours, name, at, &base)).collect();
    for refusal in &mut all {
        refusal.requirement = cited(state, which, refusal.requirement.take());
    }
    if survey.used_branches.contains(ours) {
        let reason = format!("An earlier hotfix used the name {ours}: an image of that time may still carry its tag.");
        let next = "Start again with a ticket of its own, so that the branch has a name that was never used.";
        all.push(Refusal::new("branch.used", reason, next).because_of("HOCS-14"));
    }
    all
}

/// Returns the runbook id to cite: the wanted one if the step serves it, otherwise the first one that the step serves.
fn cited(state: &Hotfix, which: BranchRole, wanted: Option<RequirementId>) -> Option<RequirementId> {
    let step = state.plan.steps.iter().find(|spec| spec.kind == StepKind::Branch { which });
    let serves = step.map_or(&[][..], |spec| &spec.serves);
    wanted.filter(|id| serves.contains(id)).or_else(|| serves.first().cloned())
}

fn objection(ours: &BranchName, name: &BranchName, at: &CommitId, base: &CommitId) -> Option<Refusal> {
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

#[cfg(test)]
mod tests;
