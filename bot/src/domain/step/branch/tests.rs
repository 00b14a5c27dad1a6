//! Tests of the branch step and of the objections to the branch name.

use super::super::tests::cited as codes;
use super::*;
use crate::domain::event::{LeftBranch, Snapshot};
use crate::domain::id::HotfixId;
use crate::fixture::{Play, begun, commit};

/// Index of the branch step in the plan of the fixture.
const BRANCH: usize = 4;

/// Returns a run with a changed snapshot.
fn found(change: impl FnOnce(&mut Snapshot)) -> Play {
    begun().changed(|state| change(state.snapshot.as_mut().unwrap()))
}

fn left(at: &str) -> Option<LeftBranch> {
    Some(LeftBranch { run: HotfixId(3), at: commit(at), aside: "kept".parse().unwrap(), pull: None })
}

/// Returns the objections to the branch `ours` if a branch `name` exists at this commit.
fn beside(ours: &str, name: &str, at: &str) -> Vec<String> {
    let play = found(|survey| survey.branches.push((name.parse().unwrap(), commit(at))));
    let play = play.changed(|state| state.plan.branch = ours.parse().unwrap());
    codes(&objections(&play.state, BranchRole::Fix))
}

#[test]
fn a_branch_is_made_once_at_the_base() {
    let made = |at: &str| Progress::done(format!("hotfix created at {at}"));
    let creating = Progress::Waiting(Wait::Bot("creating the branch"));
    let create = |which| vec![Effect::CreateBranch { which, at: commit("abc1234") }];
    let state = begun().changed(|state| state.into = BranchState::Present).state;
    assert_eq!(
        (progress(&state, BranchRole::Fix), enter(&state, BranchRole::Fix)),
        (creating.clone(), create(BranchRole::Fix))
    );
    assert_eq!(progress(&state, BranchRole::Integration), Progress::done("main created at abc1234"));
    assert_eq!(enter(&state, BranchRole::Integration), []);
    let mut state = begun().changed(|state| state.branch = BranchState::Present).state;
    assert_eq!(
        (progress(&state, BranchRole::Integration), enter(&state, BranchRole::Integration)),
        (creating, create(BranchRole::Integration))
    );
    assert_eq!((progress(&state, BranchRole::Fix), enter(&state, BranchRole::Fix)), (made("abc1234"), vec![]));
    state.branch = BranchState::Deleted;
    state.base = None;
    assert_eq!((progress(&state, BranchRole::Fix), enter(&state, BranchRole::Fix)), (made("its base"), vec![]));
    state.branch = BranchState::Absent;
    assert_eq!(enter(&state, BranchRole::Fix), []);
}

/// APPLY-X5, APPLY-13: leftover branches and names that git cannot store are refused. The plan serves APPLY-X2 alone.
#[test]
fn other_branches_are_in_the_way_by_name_or_by_where_they_are() {
    let nothing = Vec::<String>::new();
    assert_eq!(beside("hotfix", "hotfix", "abc1234"), nothing, "it is there already, as it has to be");
    assert_eq!(beside("hotfix", "hotfix", "2222222"), ["branch.stale APPLY-X2"]);
    assert_eq!(beside("hotfix", "hotfix/a", "abc1234"), ["branch.in-the-way APPLY-X2"]);
    assert_eq!(beside("hotfix/a", "hotfix", "abc1234"), ["branch.in-the-way APPLY-X2"]);
    assert_eq!(beside("hotfix/a", "hotfix/b", "2222222"), nothing);
    assert_eq!(beside("hotfix", "hotfixes/a", "2222222"), nothing);
    assert_eq!(beside("hotfix-a", "hotfix", "2222222"), nothing);
    let stale = found(|survey| survey.branches.push(("hotfix".parse().unwrap(), commit("2222222"))));
    let refusals = objections(&stale.state, BranchRole::Fix);
    assert_eq!(refusals[0].reason, "A branch hotfix is there already, at 2222222 and not at the base abc1234.");
}

#[test]
fn nothing_is_in_the_way_of_a_branch_without_a_base() {
    let stale = || found(|survey| survey.branches.push(("hotfix".parse().unwrap(), commit("2222222"))));
    let none: [(&str, Play); 3] = [
        ("nothing was read", stale().changed(|state| state.snapshot = None)),
        (
            "the base is not known",
            stale().changed(|state| state.snapshot.as_mut().unwrap().running = Some(commit("9"))),
        ),
        (
            "nothing asks for it",
            stale().changed(|state| state.plan.steps.retain(|spec| !matches!(spec.kind, StepKind::Base { .. }))),
        ),
    ];
    for (what, play) in none {
        assert_eq!(objections(&play.state, BranchRole::Fix), [], "{what}");
    }
}

/// A leftover branch is moved out of the way only if nobody pushed to it.
#[test]
fn what_an_earlier_run_left_is_put_aside() {
    let with = |branches: &[(&str, &str)], which| {
        let play = found(|survey| {
            survey.left = left("2222222");
            survey.branches = branches.iter().map(|(name, at)| (name.parse().unwrap(), commit(at))).collect();
        });
        let play = play.changed(|state| state.plan.into = "hotfix".parse().unwrap());
        objections(&play.state, which).into_iter().map(|refusal| refusal.code).collect::<Vec<_>>()
    };
    assert_eq!(with(&[("hotfix", "2222222")], BranchRole::Fix), Vec::<String>::new());
    assert_eq!(with(&[("hotfix", "3333333")], BranchRole::Fix), ["branch.stale"]);
    assert_eq!(with(&[("hotfix/a", "2222222")], BranchRole::Fix), ["branch.in-the-way"]);
    assert_eq!(with(&[("hotfix", "2222222")], BranchRole::Integration), ["branch.stale"]);
}

/// HOCS-14: a used branch name is refused, because an old image may still carry its tag.
#[test]
fn a_name_is_used_once() {
    let used = |name: &str| {
        let play = found(|survey| survey.used_branches.push(name.parse().unwrap()));
        codes(&objections(&play.state, BranchRole::Fix))
    };
    assert_eq!(used("hotfix"), ["branch.used HOCS-14"]);
    assert_eq!(used("hotfix/a"), Vec::<String>::new());
}

/// A refusal cites a runbook id that the step serves.
#[test]
fn the_sentence_that_the_step_serves_is_cited() {
    let cites = |serves: &[&str], which| {
        let play = found(|survey| survey.branches.push(("hotfix".parse().unwrap(), commit("2222222"))));
        let play = play.changed(|state| {
            state.plan.into = "hotfix".parse().unwrap();
            state.plan.steps[BRANCH].serves = serves.iter().map(|id| id.parse().unwrap()).collect();
        });
        codes(&objections(&play.state, which))
    };
    assert_eq!(cites(&["APPLY-X2", "APPLY-X5"], BranchRole::Fix), ["branch.stale APPLY-X5"]);
    assert_eq!(cites(&["HOCS-11", "APPLY-X2"], BranchRole::Fix), ["branch.stale HOCS-11"]);
    assert_eq!(cites(&[], BranchRole::Fix), ["branch.stale "]);
    assert_eq!(cites(&["APPLY-X5"], BranchRole::Integration), ["branch.stale "], "no step of the plan makes it");
}
