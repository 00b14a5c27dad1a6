//! Tests of the queries on a run: lanes, mainline, and the expected commits of productions.

use hotfix_adapters::forge::MergeMethod;

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::playbook::Trigger;
use crate::fixture::{
    Play, asked, begun, closed, commit, contribution, environment, image, live, person, production, staging, voted,
};

fn changed(play: &Play, change: impl FnOnce(&mut Hotfix)) -> Hotfix {
    let mut state = play.state.clone();
    change(&mut state);
    state
}

/// Returns a run whose fix is on main and whose post-mortem is missing.
fn landed() -> Play {
    live().on_main()
}

/// Returns the last deployment, which is the one to production.
fn last(state: &mut Hotfix) -> &mut Deployment {
    state.deploys.last_mut().unwrap()
}

/// APPLY-X4: the lanes are held until nothing needs them.
#[test]
fn lanes_are_held_until_nothing_needs_them() {
    assert!(begun().state.holds_lanes() && live().state.holds_lanes());
    assert!(!live().state.is_done_with_lanes());
    assert!(landed().state.is_done_with_lanes() && !landed().state.holds_lanes());
    assert!(!closed().state.holds_lanes());
    assert!(!changed(&begun(), |state| state.lane_released = true).holds_lanes());
    assert!(!changed(&closed(), |state| state.lane_released = false).holds_lanes());
}

#[test]
fn each_thing_that_is_left_needs_the_lanes() {
    let needs = |change: fn(&mut Hotfix)| !changed(&landed(), change).is_done_with_lanes();
    assert!(!needs(|_| {}));
    assert!(needs(|state| state.mainline = Mainline::NotMerged));
    assert!(needs(|state| last(state).state = DeployState::Running));
    assert!(needs(|state| state.deploys[0].state = DeployState::RollingOut));
    assert!(needs(|state| {
        let drift = Drift { expected: commit("1111111"), found: commit("2222222") };
        state.drifts.insert(production(), drift);
    }));
    assert!(needs(|state| state.steps[0] = StepState::Ahead), "a step before the post-mortem");
    let asked = voted().by("ana", UserCommand::Deploy(production())).state.requested_deploy;
    assert!(!changed(&landed(), |state| state.requested_deploy = asked).is_done_with_lanes());
    // A plan without a mainline step needs no proof from main.
    let by_itself = changed(&landed(), |state| {
        state.mainline = Mainline::NotMerged;
        let kept = |spec: &StepSpec| !matches!(spec.kind, StepKind::Mainline { .. });
        let kept: Vec<bool> = state.plan.steps.iter().map(kept).collect();
        let mut of_plan = kept.iter();
        state.plan.steps.retain(|_| *of_plan.next().unwrap());
        let mut of_run = kept.iter();
        state.steps.retain(|_| *of_run.next().unwrap());
    });
    assert!(by_itself.is_done_with_lanes());
}

/// The merge back is due if production has the fix, or may have it, and main does not.
#[test]
fn main_is_owed_what_production_has_or_may_have() {
    assert!(!voted().state.owes_mainline() && live().state.owes_mainline() && !landed().state.owes_mainline());
    let waived = Mainline::Waived { reason: "a flag".to_owned(), by: "dee".parse().unwrap() };
    assert!(!changed(&live(), |state| state.mainline = waived).owes_mainline());
    // A deployment that was running when the run was abandoned may have succeeded.
    let begins = voted().by("ana", UserCommand::Deploy(production())).begins("abc1234");
    let key = begins.state.deploys.last().unwrap().intent.key.clone();
    let given_up = |believed: &[&DeployKey], change: fn(&mut Hotfix)| {
        let mut state = changed(&begins, change);
        let believed = believed.iter().map(|key| (*key).clone()).collect();
        let by = "dee".parse().unwrap();
        state.abandoned = Some(Abandoned { by, asked_by: None, reason: "it hangs".to_owned(), believed });
        state.owes_mainline()
    };
    assert!(given_up(&[&key], |_| {}));
    assert!(!given_up(&[], |_| {}));
    assert!(!given_up(&[&key], |state| last(state).intent.rollback = true));
    assert!(!given_up(&[&key], |state| last(state).intent.environment = staging()));
    assert!(!begins.state.owes_mainline(), "nobody gave it up");
}

#[test]
fn a_deployment_is_awaited_until_it_begins() {
    assert!(voted().state.awaits_deploy(&production()) && !voted().state.awaits_deploy(&staging()));
    let begins = voted().by("ana", UserCommand::Deploy(production())).begins("abc1234");
    assert!(!begins.state.awaits_deploy(&production()), "it is under way");
    assert!(begins.clone().ends(Some("no")).state.awaits_deploy(&production()), "it failed");
    assert!(!live().state.awaits_deploy(&production()) && !voted().state.awaits_deploy(&environment("moon")));
}

/// After a failure, a deployment counts as not begun, so its evidence is judged again.
#[test]
fn a_deployment_that_failed_is_still_to_begin() {
    let begins = || voted().by("ana", UserCommand::Deploy(production())).begins("abc1234");
    let begun = |play: Play| play.state.has_begun(&production());
    assert!(!begun(voted()) && begun(begins()) && begun(live()));
    assert!(!begun(begins().ends(Some("no"))));
    assert!(!begun(live().changed(|state| last(state).intent.commit = commit("2222222"))), "it was something else");
    assert!(!live().state.has_begun(&environment("moon")));
}

/// Commits that this run deployed or started from are its own (security case 99).
#[test]
fn what_this_run_did_or_found_is_its_own() {
    let state = changed(&live(), |state| {
        state.base = Some(commit("7777777"));
        last(state).intent.commit = commit("5555555");
    });
    let ours = |place: &Environment, what: &str| state.is_ours_in(place, &commit(what));
    assert!(ours(&production(), "5555555"), "it deployed it there");
    assert!(ours(&production(), "abc1234"), "it found it there");
    assert!(ours(&production(), "7777777"), "it started from it");
    assert!(ours(&staging(), "1111111") && !ours(&staging(), "5555555"), "each place is for itself");
    assert!(!ours(&production(), "9999999"));
}

/// Returns the short form of a commit, for comparison.
fn short(commit: Option<&CommitId>) -> Option<&str> {
    commit.map(CommitId::short)
}

/// Replaces the first step.
fn first(state: &mut Hotfix, kind: StepKind) {
    state.plan.steps[0].kind = kind;
}

/// Pins an image for this commit.
fn pin(state: &mut Hotfix, digit: char, of: &str) {
    let published = Published { image: image(digit), created: None, revision: None };
    state.image = Some(PinnedImage { commit: commit(of), published });
}

#[test]
fn what_ships_depends_on_the_plan() {
    assert_eq!(
        (short(begun().state.deployable()), short(live().state.deployable())),
        (None, Some("1111111")),
        "the head"
    );
    let promotes = |target: Option<&str>| {
        changed(&live(), |state| {
            first(state, StepKind::Target);
            state.target = target.map(commit);
        })
    };
    assert_eq!((short(promotes(Some("5555555")).deployable()), promotes(None).deployable()), (Some("5555555"), None));
    let merges = |merged: Option<&str>| {
        changed(&live(), |state| {
            first(state, StepKind::Merge { method: MergeMethod::Merge });
            state.pull.as_mut().unwrap().merged = merged.map(commit);
        })
    };
    assert_eq!((short(merges(Some("6666666")).deployable()), merges(None).deployable()), (Some("6666666"), None));
}

/// PROMO-2: schemas are deployed from their own commit.
#[test]
fn schemas_are_deployed_from_a_commit_of_their_own() {
    let state = changed(&live(), |state| {
        state.asked.schema = Some(commit("5555555"));
        let environment = staging();
        first(state, StepKind::Deploy { environment, trigger: Trigger::Auto, what: Artifact::Schema });
    });
    assert_eq!(short(state.deployable_to(&staging())), Some("5555555"));
    assert_eq!(short(state.deployable_to(&production())), Some("1111111"));
    assert_eq!(short(live().state.deployable_to(&staging())), Some("1111111"));
}

#[test]
fn an_image_is_pinned_for_what_ships_alone() {
    let digest = |of: &str| changed(&live(), |state| pin(state, 'a', of)).digest().cloned();
    assert_eq!((digest("1111111"), digest("2222222")), (Some(image('a').digest), None));
    assert_eq!(live().state.digest(), None);
}

/// HOCS-15: a deployment is up to date only if both its commit and its image match.
#[test]
fn a_deployment_put_what_ships_there_when_commit_and_image_are_the_same() {
    let is = |pinned: Option<char>, deployed: Option<char>, of: &str| {
        let state = changed(&live(), |state| {
            if let Some(digit) = pinned {
                pin(state, digit, "1111111");
            }
            let intent = &mut last(state).intent;
            (intent.image, intent.commit) = (deployed.map(image), commit(of));
        });
        state.is_deployable(&state.deploys.last().unwrap().intent)
    };
    assert!(is(None, None, "1111111") && is(Some('a'), Some('a'), "1111111"));
    assert!(is(Some('a'), None, "1111111") && is(None, Some('a'), "1111111"), "images are not deployed there");
    assert!(!is(Some('a'), Some('b'), "1111111"));
    assert!(!is(None, None, "2222222") && !is(Some('a'), Some('a'), "2222222"));
}

#[test]
fn the_last_deployment_that_succeeded_says_what_runs() {
    let play = live().changed(|state| {
        state.deploys[0].intent.image = Some(image('a'));
        let mut again = state.deploys[1].clone();
        again.intent.key = "again".parse().unwrap();
        (again.intent.commit, again.intent.image) = (commit("2222222"), Some(image('b')));
        again.intent.previous = Some(commit("7777777"));
        state.deploys.push(again);
    });
    let there = |state: &Hotfix, place: &Environment| {
        let digest = state.image_in(place).cloned();
        (short(state.deployed(place)).map(ToOwned::to_owned), digest)
    };
    let is = |commit: &str, digit: Option<char>| (Some(commit.to_owned()), digit.map(|digit| image(digit).digest));
    assert_eq!(there(&play.state, &production()), is("2222222", Some('b')));
    assert_eq!(there(&play.state, &staging()), is("1111111", Some('a')));
    assert_eq!(there(&play.state, &environment("moon")), (None, None));
    for state in [DeployState::Running, DeployState::Failed("no".to_owned())] {
        let open = changed(&play, |run| last(run).state = state.clone());
        assert_eq!(there(&open, &production()), is("1111111", None), "{state:?}");
        assert_eq!(open.last_deploy(&production()).unwrap().state, state);
    }
    assert_eq!(short(play.state.before_this_run(&production())), Some("abc1234"), "before the first");
    assert_eq!(play.state.before_this_run(&environment("moon")), None);
    let key = |at: usize| &play.state.deploys[at].intent.key;
    for at in 0..3 {
        assert_eq!(play.state.deploy(key(at)), Some(&play.state.deploys[at]));
    }
    assert_eq!(play.state.deploy(&"other".parse().unwrap()), None);
    assert_eq!(play.state.last_deploy(&staging()), Some(&play.state.deploys[0]));
    assert_eq!(play.state.last_deploy(&environment("moon")), None);
}

#[test]
fn production_is_live_while_it_runs_the_fix_by_this_run() {
    let is_live = |play: &Play, change: fn(&mut Hotfix)| {
        let state = changed(play, change);
        assert_eq!(state.is_live(), state.is_live_in(&production()));
        state.is_live()
    };
    assert!(is_live(&live(), |_| {}) && !is_live(&voted(), |_| {}));
    assert!(!live().state.is_live_in(&staging()), "it is no production");
    assert!(!is_live(&live(), |state| last(state).state = DeployState::Running));
    assert!(!is_live(&live(), |state| last(state).state = DeployState::Failed("no".to_owned())));
    assert!(!is_live(&live(), |state| last(state).intent.rollback = true));
    assert!(!is_live(&live(), |state| drop(state.rebased_onto.insert(production(), commit("2222222")))));
    assert!(is_live(&live(), |state| drop(state.rebased_onto.insert(staging(), commit("2222222")))));
    let again = |state: &mut Hotfix| {
        let mut failed = state.deploys[1].clone();
        (failed.state, failed.intent.rollback) = (DeployState::Failed("no".to_owned()), true);
        state.deploys.push(failed);
    };
    assert!(is_live(&live(), again), "a rollback that failed takes nothing back");
}

#[test]
fn what_was_rolled_back_is_taken_back_until_something_else_ships() {
    let taken = |state: &Hotfix| [production(), staging()].map(|place| state.is_taken_back(&place));
    let back = |of: Option<&str>| changed(&voted(), |state| state.rolled_back = of.map(commit));
    assert_eq!(taken(&back(Some("1111111"))), [true, true]);
    assert_eq!((taken(&back(Some("2222222"))), taken(&back(None))), ([false, false], [false, false]));
    let nothing = changed(&voted(), |state| (state.rolled_back, state.head) = (None, None));
    assert_eq!(taken(&nothing), [false, false]);
}

#[test]
fn a_change_is_whole_when_every_fix_is_on_the_branch() {
    let has = |fixes: &[FixState], total: Option<usize>| {
        let fix = |state: &FixState| Fix { source: commit("f1f1f1f"), state: state.clone() };
        let fixes = fixes.iter().map(fix).collect();
        let state = changed(&live(), |state| {
            state.fixes = fixes;
            match total {
                Some(total) => state.head.as_mut().unwrap().total = total,
                None => state.head = None,
            }
        });
        state.has_change()
    };
    let (picked, adapted) = (FixState::Picked, FixState::Adapted);
    assert!(has(&[picked.clone(), adapted.clone()], Some(1)) && has(&[], Some(2)));
    assert!(!has(&[], Some(0)) && !has(std::slice::from_ref(&picked), Some(0)) && !has(&[adapted], None));
    for missing in [FixState::Waiting, FixState::Conflicted(Vec::new()), FixState::Leaving] {
        assert!(!has(&[picked.clone(), missing], Some(1)));
    }
}

#[test]
fn a_reverted_fix_is_open_until_somebody_confirms_it() {
    let reverted = |confirmed: Option<&str>| Reverted {
        by: contribution("aaaaaaa", "Revert it", "ben"),
        why: "slow".to_owned(),
        confirmed: confirmed.map(person),
    };
    let all = [(commit("1a1a1a1"), reverted(None)), (commit("2a2a2a2"), reverted(Some("ben")))];
    let state = changed(&live(), |state| state.reverted = all.into());
    assert_eq!(state.unconfirmed().map(|(source, _)| source.short()).collect::<Vec<_>>(), ["1a1a1a1"]);
    assert_eq!(live().state.unconfirmed().count(), 0);
}

#[test]
fn the_current_step_is_the_first_that_the_run_is_not_past() {
    let current = |play: &Play| play.state.current().map(|(at, spec)| (at, spec.id.to_string()));
    assert_eq!(current(&asked()), Some((10, "votes".to_owned())));
    assert_eq!(current(&closed()), None);
    let back = asked().changed(|state| state.steps[6] = StepState::Ahead);
    assert_eq!(current(&back), Some((6, "review".to_owned())));
    let approves = |kind: &StepKind| matches!(kind, StepKind::Approve { .. });
    assert!(asked().state.is_current(approves) && !back.state.is_current(approves));
    assert!(!closed().state.is_current(|_| true));
    let state = asked().state;
    assert_eq!(state.state_of(&"votes".parse().unwrap()), Some(&state.steps[10]));
    assert_eq!(state.state_of(&"moon".parse().unwrap()), None);
}

#[test]
fn a_run_is_past_a_step_that_is_done_left_out_or_offered() {
    let since = live().state.opened_at;
    let behind = [
        (StepState::Ahead, false),
        (StepState::Current { since }, false),
        (StepState::Offered { since }, true),
        (StepState::Done { at: since, evidence: String::new() }, true),
        (StepState::Skipped { by: None, reason: String::new() }, true),
    ];
    for (step, expected) in behind {
        assert_eq!(step.is_behind(), expected, "{step:?}");
    }
    let open = [
        (DeployState::Running, true),
        (DeployState::RollingOut, true),
        (DeployState::AwaitingConfirmation, true),
        (DeployState::Succeeded, false),
        (DeployState::Failed(String::new()), false),
    ];
    for (deploy, expected) in open {
        assert_eq!(deploy.is_open(), expected, "{deploy:?}");
    }
    assert!(closed().state.is_over() && !live().state.is_over() && !begun().state.is_over());
}

/// Security case 26: an open pull request can target a wrong branch; a merged one cannot.
#[test]
fn an_open_pull_request_can_go_astray() {
    let astray = |change: fn(&mut Pull)| {
        let state = changed(&asked(), |state| change(state.pull.as_mut().unwrap()));
        state.wrong_base().map(|(number, into)| (number.0, into.to_string()))
    };
    let away = |pull: &mut Pull| pull.seen.astray = "other".parse().ok();
    assert_eq!(astray(away), Some((7, "other".to_owned())));
    assert_eq!(astray(|_| {}), None);
    assert_eq!(
        astray(|pull| {
            pull.seen.astray = "other".parse().ok();
            pull.merged = Some(commit("eeeeeee"));
        }),
        None
    );
    assert_eq!(begun().state.wrong_base(), None);
}

/// The expected commit of a production depends on the kind of plan.
#[test]
fn what_production_ought_to_run_depends_on_the_plan() {
    let expected = |play: &Play, change: fn(&mut Hotfix)| {
        short(changed(play, change).expected_in(&production())).map(ToOwned::to_owned)
    };
    let at = |short: &str| Some(short.to_owned());
    assert_eq!(expected(&begun(), |state| state.base = Some(commit("7777777"))), at("7777777"));
    let promotes = |state: &mut Hotfix| {
        state.base = Some(commit("7777777"));
        first(state, StepKind::Target);
    };
    assert_eq!(expected(&begun(), promotes), at("abc1234"), "what was found");
    assert_eq!(expected(&live(), promotes), at("1111111"), "what was put there");
    let expires = |state: &mut Hotfix| {
        state.rolled_in = true;
        first(state, StepKind::Expire);
    };
    assert_eq!(expected(&live(), expires), at("1111111"));
    assert_eq!(expected(&live(), |state| first(state, StepKind::Expire)), at("1111111"));
    let nothing = |state: &mut Hotfix| state.base = None;
    assert_eq!(expected(&begun(), nothing), None);
    assert_eq!(begun().state.expected_in(&environment("moon")), None);
}

#[test]
fn production_ought_to_run_what_was_put_there_last() {
    let expected = |state: &Hotfix| state.expected_in(&production()).map(|commit| commit.short().to_owned());
    let at = |short: &str| Some(short.to_owned());
    assert_eq!(expected(&begun().state), at("abc1234"), "the base");
    assert_eq!(expected(&live().state), at("1111111"));
    assert_eq!(live().state.expected_in(&staging()), None, "only productions are watched");
    for state in [DeployState::Running, DeployState::Failed("no".to_owned())] {
        assert_eq!(expected(&changed(&live(), |run| last(run).state = state)), None);
    }
    assert_eq!(
        expected(&changed(&live(), |state| state.rolled_in = true)),
        None,
        "it goes out with the regular release"
    );
    let survey = |state: &mut Hotfix| {
        state.snapshot.as_mut().unwrap().productions.insert(production(), commit("3333333"));
    };
    assert_eq!(expected(&changed(&begun(), survey)), at("3333333"), "what this production ran");
    let by_others = changed(&live(), |state| drop(state.superseded.insert(production(), commit("4444444"))));
    assert_eq!(expected(&by_others), at("4444444"));
    let rebased = changed(&live(), |state| drop(state.rebased_onto.insert(production(), commit("5555555"))));
    assert_eq!(expected(&rebased), at("5555555"));
}
