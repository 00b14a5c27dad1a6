//! Tests of stamped observations: each one is valid only for the state that it was computed from.

use std::collections::BTreeMap;

use hotfix_adapters::deploy::Edits;
use hotfix_adapters::forge::Containment;
use hotfix_adapters::ids::Digest;
use hotfix_adapters::registry::Published;

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::event::{CommitCounts, MainSeen, PullSeen};
use crate::domain::hotfix::{BranchState, Drift, Mainline, PinnedImage, Reverted};
use crate::domain::vote::CurrentRoles;
use crate::fixture::{asked, commit, contribution, image, live, production, voted};

type Change = fn(&mut Hotfix);

fn other_fix(state: &mut Hotfix) {
    state.fixes[0].source = commit("9999999");
}

fn other_base(state: &mut Hotfix) {
    state.base = Some(commit("9999999"));
}

fn other_head(state: &mut Hotfix) {
    state.head.as_mut().unwrap().tip = commit("9999999");
}

fn other_pull(state: &mut Hotfix) {
    state.pull.as_mut().unwrap().seen.draft = true;
}

fn merged(state: &mut Hotfix) {
    state.pull.as_mut().unwrap().merged = Some(commit("9999999"));
}

fn deployed(state: &mut Hotfix) {
    state.deploys.pop();
}

fn reverted(state: &mut Hotfix) {
    let reverted = Reverted { by: contribution("5555555", "Revert", "eve"), why: String::new(), confirmed: None };
    state.reverted.insert(commit("f1f1f1f"), reverted);
}

fn pinned(state: &mut Hotfix) {
    let published = Published { image: image('b'), created: None, revision: None };
    state.image = Some(PinnedImage { commit: commit("9999999"), published });
}

/// Returns every kind of observation, with the changes of a run that make it stale.
fn sightings() -> Vec<(Observation, Vec<Change>)> {
    let at = || commit("5555555");
    let published = Published { image: image('a'), created: None, revision: None };
    let counts = CommitCounts { commit: at(), production: 1, ships: 2, main: 3 };
    let by = || contribution("5555555", "Revert", "eve");
    let without = [at()].into();
    let withheld = Observation::HeldBack { base: at(), without, changes: Vec::new(), total: 0 };
    let edits = Edits { diff: String::new(), digest: "1".to_owned() };
    let main = MainSeen { commit: at(), checks: Vec::new(), blockers: Vec::new() };
    let running = Observation::Production {
        environment: production(),
        running: at(),
        has_fix: false,
        brings: Vec::new(),
        total: 0,
    };
    let rules = Observation::Rules {
        policy_version: String::new(),
        roles: CurrentRoles::default(),
        approvals: BTreeMap::default(),
    };
    vec![
        (
            Observation::Head(None),
            vec![other_base, other_head, other_fix, merged, |state| state.branch = BranchState::Deleted],
        ),
        (Observation::Pull { seen: PullSeen::default(), merged: None }, vec![other_pull, merged]),
        (
            running,
            vec![
                deployed,
                other_fix,
                other_base,
                other_head,
                |state| state.rolled_in = true,
                |state| state.live_at = None,
                |state| state.on_main = [commit("9999999")].into(),
                |state| drop(state.superseded.insert(production(), commit("9999999"))),
                |state| {
                    let drift = Drift { expected: commit("1111111"), found: commit("9999999") };
                    state.drifts.insert(production(), drift);
                },
            ],
        ),
        (
            Observation::Main(main),
            vec![other_pull, |state| {
                state.main_seen =
                    Some(MainSeen { commit: commit("9999999"), checks: Vec::new(), blockers: Vec::new() });
            }],
        ),
        (Observation::FixReverted { source: at(), by: by(), why: String::new() }, vec![other_fix, reverted]),
        (Observation::FixBack(at()), vec![other_fix, reverted]),
        (Observation::BranchMerged(by()), vec![other_head, |state| state.branch_merged = true]),
        (
            Observation::Reached { environment: production(), commit: at() },
            vec![other_fix, |state| state.target = Some(commit("9999999")), |state| {
                drop(state.reached.insert(production(), commit("9999999")))
            }],
        ),
        (withheld, vec![other_base, other_fix, |state| state.snapshot.as_mut().unwrap().held_back_total = 9]),
        (
            Observation::Counts(counts),
            vec![other_base, other_head, |state| {
                state.counts = Some(CommitCounts { commit: commit("9999999"), production: 1, ships: 2, main: 3 });
            }],
        ),
        (Observation::Image { commit: at(), published, by: String::new() }, vec![other_head, pinned]),
        (
            Observation::ImagesPassedOver { commit: at(), why: Vec::new() },
            vec![other_head, pinned, |state| state.passed_over.push("hotfix: built from 2222222".to_owned())],
        ),
        (Observation::Tag(None), vec![other_head, pinned]),
        (
            Observation::Edits { environment: production(), edits },
            vec![other_head, deployed, |state| {
                state.edits.insert(production(), Edits { diff: String::new(), digest: "2".to_owned() });
            }],
        ),
        (Observation::LiveBranch(None), vec![other_head, deployed, |state| state.live_moved = Some(None)]),
        (
            Observation::Mainline { how: Containment::Ancestor, main: at(), by: None },
            vec![other_fix, |state| state.mainline = Mainline::Reverted(commit("9999999"))],
        ),
        (
            rules,
            vec![|state| {
                state.requested_deploy = voted().by("ana", UserCommand::Deploy(production())).state.requested_deploy
            }],
        ),
    ]
}

/// Each observation is stale once its inputs changed (security case 95).
#[test]
fn case_95_a_sighting_is_outdated_by_what_it_was_made_from() {
    let then = Arc::new(live().state);
    for (sighting, changes) in sightings() {
        let observation = StampedObservation::new(&then, sighting);
        let after = |change: &dyn Fn(&mut Hotfix)| {
            let mut now = (*then).clone();
            now.version += 1;
            change(&mut now);
            observation.applies_to(&now)
        };
        assert!(observation.applies_to(&then), "{:?}", observation.observation);
        assert!(after(&|_| {}), "{:?}", observation.observation);
        assert!(after(&|now| now.votes.clear()), "votes make {:?} outdated", observation.observation);
        for (number, change) in changes.iter().enumerate() {
            assert!(!after(change), "change {number} leaves {:?} as it is", observation.observation);
        }
    }
}

/// Observations of files and commits stay valid whatever changes in the run.
#[test]
fn what_was_seen_of_files_and_commits_stays_so() {
    let then = Arc::new(live().state);
    let changes: [Change; 5] = [other_fix, other_base, other_head, merged, deployed];
    for sighting in [Observation::Job { file: "ci.yml".to_owned() }, Observation::OnMain([commit("5555555")].into())] {
        let observation = StampedObservation::new(&then, sighting);
        for change in changes {
            let mut now = (*then).clone();
            now.version += 1;
            change(&mut now);
            assert!(observation.applies_to(&now));
        }
    }
}

/// Votes that were cast after the reading began are not judged by it.
#[test]
fn case_95_only_votes_that_were_there_are_judged() {
    let before = asked();
    let after = before.clone().by("ben", crate::fixture::yes(None)).state;
    let (early, late) = (Arc::new(before.state), Arc::new(after));
    let vote = &late.votes[0];
    let rules = || Observation::Tag(None::<Digest>);
    assert!(
        StampedObservation::new(&late, rules()).judges(vote) && !StampedObservation::new(&early, rules()).judges(vote)
    );
}
