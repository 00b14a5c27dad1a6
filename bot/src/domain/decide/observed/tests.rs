//! Tests of observations and effect results. Known facts change nothing.

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::decide::tests::{broken, deploying, key, no_events, running};
use crate::domain::event::{CommitCounts, Origins};
use crate::domain::hotfix::PinnedImage;
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::fixture::{
    Play, asked, begun, commit, contribution, head, live, message, person, picked, production, staging, survey, voted,
};
use hotfix_adapters::forge::{MergeMethod, PullNumber};
use hotfix_adapters::registry::Image;

/// Index of the change step in the plan of the fixture.
const FIX: usize = 5;

fn on_branch() -> Play {
    begun().announced().branched().picked()
}

fn published(digit: &str) -> Published {
    let digest = format!("sha256:{}", digit.repeat(64)).parse().unwrap();
    let image = Image { repository: "quay.io/team/payments".to_owned(), tag: "1".to_owned(), digest };
    Published { image, created: None, revision: None }
}

fn with_image(play: Play) -> Play {
    play.changed(|state| {
        state.image = Some(PinnedImage { commit: commit("1111111"), published: published("a") });
    })
}

fn merged(state: &mut Hotfix) {
    state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee"));
}

fn conflicted(state: &mut Hotfix) {
    state.fixes[0].state = FixState::Conflicted(vec!["a.rs".to_owned()]);
}

/// Makes the plan one that accounts for every commit on the branch.
fn picks(state: &mut Hotfix) {
    state.plan.steps[FIX].kind = StepKind::Change { large_lines: 0, pull: false };
}

fn seen_running(environment: Environment, short: &str, has_fix: bool) -> Observation {
    Observation::Production {
        environment,
        running: commit(short),
        has_fix,
        brings: vec![contribution("fffffff", "Another", "eve")],
        total: 3,
    }
}

/// Returns the fixes that a head move marks as adapted; `None` if the head did not move.
fn adapts(events: &[Event]) -> Option<Vec<CommitId>> {
    events
        .iter()
        .find_map(|event| if let Event::HeadMoved { adapts, .. } = event { Some(adapts.clone()) } else { None })
}

#[test]
fn what_is_seen_is_told_once() {
    let base = || Observation::Job { file: "job.yaml".to_owned() };
    assert_eq!(begun().on_sight(base()), [Event::JobFound { file: "job.yaml".to_owned() }]);
    assert_eq!(begun().saw(base()).on_sight(base()), no_events());

    let on_main = |all: &[&str]| Observation::OnMain(all.iter().map(|short| commit(short)).collect());
    let found = |short: &str| Event::FixesOnMain { sources: [commit(short)].into() };
    assert_eq!(begun().on_sight(on_main(&["f1f1f1f"])), [found("f1f1f1f")]);
    let known = begun().saw(on_main(&["f1f1f1f"]));
    assert_eq!(known.on_sight(on_main(&["f1f1f1f"])), no_events());
    assert_eq!(known.on_sight(on_main(&["f1f1f1f", "2222222"])), [found("2222222")]);

    let reached = |short: &str| Observation::Reached { environment: staging(), commit: commit(short) };
    let there = begun().saw(reached("2222222"));
    assert_eq!(there.on_sight(reached("2222222")), no_events());
    let other = Event::Reached { environment: staging(), commit: commit("3333333") };
    assert_eq!(there.on_sight(reached("3333333")), [other]);

    let counts = |main| CommitCounts { commit: commit("1111111"), production: 1, ships: 2, main };
    let counted = begun().saw(Observation::Counts(counts(3)));
    assert_eq!(counted.on_sight(Observation::Counts(counts(3))), no_events());
    assert_eq!(counted.on_sight(Observation::Counts(counts(4))), [Event::Counted(counts(4))]);

    let main = |short: &str| MainSeen { commit: commit(short), checks: Vec::new(), blockers: Vec::new() };
    assert_eq!(begun().on_sight(Observation::Main(main("ddddddd"))), no_events(), "the survey saw it");
    assert_eq!(begun().on_sight(Observation::Main(main("eeeeeee"))), [Event::MainSeen(main("eeeeeee"))]);

    let by = || contribution("eeeeeee", "Merge", "eve");
    assert_eq!(begun().on_sight(Observation::BranchMerged(by())), [Event::BranchMerged { by: by() }]);
    assert_eq!(begun().saw(Observation::BranchMerged(by())).on_sight(Observation::BranchMerged(by())), no_events());
}

#[test]
fn what_is_withheld_is_read_anew_while_it_may_have_changed() {
    let seen = || Observation::HeldBack {
        base: commit("abc1234"),
        without: [commit("f1f1f1f")].into(),
        changes: Vec::new(),
        total: 2,
    };
    let found = Event::HeldBackFound {
        base: commit("abc1234"),
        without: [commit("f1f1f1f")].into(),
        changes: Vec::new(),
        total: 2,
    };
    assert_eq!(begun().on_sight(seen()), [found]);
    assert_eq!(begun().saw(seen()).on_sight(seen()), no_events());
}

/// HOCS-15: the image of the deployable commit is found once and then pinned.
#[test]
fn the_image_of_what_ships_is_pinned() {
    let image = |short: &str, digit: &str| Observation::Image {
        commit: commit(short),
        published: published(digit),
        by: "quay".to_owned(),
    };
    let found = Event::ImageFound { commit: commit("1111111"), published: published("a"), by: "quay".to_owned() };
    assert_eq!(asked().on_sight(image("1111111", "a")), [found]);
    assert_eq!(asked().on_sight(image("2222222", "a")), no_events(), "of something else");
    assert_eq!(with_image(asked()).on_sight(image("1111111", "a")), no_events());
    assert_eq!(with_image(asked()).on_sight(image("1111111", "b")).len(), 1);

    let digest = |digit: &str| Some(published(digit).image.digest);
    let pinned = with_image(voted());
    assert_eq!(pinned.on_sight(Observation::Tag(digest("a"))), no_events());
    assert_eq!(pinned.on_sight(Observation::Tag(digest("b")))[0], Event::ImageMoved { to: digest("b") });
    assert_eq!(pinned.on_sight(Observation::Tag(None))[0], Event::ImageMoved { to: None });
    assert_eq!(voted().on_sight(Observation::Tag(digest("b"))), no_events(), "nothing is pinned");
}

/// HOCS-23: each reason for passing over an image is reported once.
#[test]
fn images_that_are_passed_over_are_told_once() {
    let why = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let seen = |short: &str, all: &[&str]| Observation::ImagesPassedOver { commit: commit(short), why: why(all) };
    let told = |all: &[&str]| [Event::ImagesPassedOver { commit: commit("1111111"), why: why(all) }];
    let stale = ["hotfix: built from 2222222"];
    assert_eq!(asked().on_sight(seen("1111111", &[])), no_events(), "there is none");
    assert_eq!(asked().on_sight(seen("1111111", &stale)), told(&stale));
    assert_eq!(asked().on_sight(seen("2222222", &stale)), no_events(), "of something else");
    let known = || asked().saw(seen("1111111", &stale));
    assert_eq!(known().on_sight(seen("1111111", &stale)), no_events());
    assert_eq!(known().on_sight(seen("1111111", &[])), told(&[]), "it is gone");
    let found = Observation::Image { commit: commit("1111111"), published: published("a"), by: "quay".to_owned() };
    assert_eq!(known().saw(found).state.passed_over, Vec::<String>::new());
    assert_eq!(known().saw(Observation::Head(Some(head("2222222", "More")))).state.passed_over, Vec::<String>::new());
}

/// HOCS-15: a push to a hotfix branch that is live is reported once.
#[test]
fn a_push_to_the_live_branch_is_told_once() {
    let seen = |short: Option<&str>| Observation::LiveBranch(short.map(commit));
    let moved = |short: Option<&str>| Event::LiveBranchMoved { from: commit("1111111"), to: short.map(commit) };
    assert_eq!(live().on_sight(seen(Some("1111111"))), no_events());
    assert_eq!(live().on_sight(seen(Some("2222222"))), [moved(Some("2222222"))]);
    assert_eq!(live().on_sight(seen(None)), [moved(None)]);
    assert_eq!(voted().on_sight(seen(Some("2222222"))), no_events(), "it is not live");
    assert_eq!(begun().on_sight(seen(Some("2222222"))), no_events(), "there is no branch");
    let told = live().saw(seen(Some("2222222")));
    assert_eq!(told.on_sight(seen(Some("2222222"))), no_events());
    assert_eq!(told.on_sight(seen(Some("1111111"))), [moved(Some("1111111"))], "it is back");
    assert_eq!(live().saw(seen(None)).on_sight(seen(None)), no_events());
}

/// Security case 101: a reverted fix is reported unless a deployment has begun.
#[test]
fn a_fix_that_main_reverted_is_told_while_nothing_is_begun() {
    let by = |short: &str| contribution(short, "Revert", "eve");
    let seen = |source: &str, short: &str| Observation::FixReverted {
        source: commit(source),
        by: by(short),
        why: "it breaks".to_owned(),
    };
    let reverted =
        |short: &str| Event::FixReverted { source: commit("f1f1f1f"), by: by(short), why: "it breaks".to_owned() };
    assert_eq!(begun().on_sight(seen("f1f1f1f", "9999999")), [reverted("9999999")]);
    assert_eq!(begun().on_sight(seen("2222222", "9999999")), no_events(), "it is no fix of this run");
    let known = begun().saw(seen("f1f1f1f", "9999999"));
    assert_eq!(known.on_sight(seen("f1f1f1f", "9999999")), no_events());
    assert_eq!(known.on_sight(seen("f1f1f1f", "8888888")), [reverted("8888888")]);
    assert_eq!(live().on_sight(seen("f1f1f1f", "9999999")), no_events(), "it is live");
    assert_eq!(running().on_sight(seen("f1f1f1f", "9999999")), no_events(), "it is under way");
    let released = voted().changed(|state| state.rolled_in = true);
    assert_eq!(released.on_sight(seen("f1f1f1f", "9999999")), no_events());
    assert_eq!(voted().on_sight(seen("f1f1f1f", "9999999"))[0], reverted("9999999"));

    let back = || Observation::FixBack(commit("f1f1f1f"));
    assert_eq!(known.on_sight(back()), [Event::FixBack { source: commit("f1f1f1f") }]);
    assert_eq!(begun().on_sight(back()), no_events());
}

#[test]
fn the_pull_request_is_read_and_its_merge_is_told_once() {
    let seen = |play: &Play, merged: Option<&str>| Observation::Pull {
        seen: play.state.pull.clone().map(|pull| pull.seen).unwrap_or_default(),
        merged: merged.map(commit),
    };
    assert_eq!(begun().on_sight(seen(&begun(), Some("eeeeeee"))), no_events(), "there is none");
    assert_eq!(voted().on_sight(seen(&voted(), None)), no_events());
    let merged = |early| Event::Merged { number: PullNumber(7), commit: commit("eeeeeee"), early };
    assert_eq!(voted().on_sight(seen(&voted(), Some("eeeeeee"))), [merged(true)]);
    assert_eq!(live().on_sight(seen(&live(), Some("eeeeeee"))), [merged(false)]);
    let known = live().saw(seen(&live(), Some("eeeeeee")));
    assert_eq!(known.on_sight(seen(&known, Some("eeeeeee"))), no_events());
    let draft = PullSeen { draft: true, ..voted().state.pull.unwrap().seen };
    let events = voted().on_sight(Observation::Pull { seen: draft.clone(), merged: None });
    assert_eq!(events[0], Event::PullSeen(draft));
}

/// APPLY-X3, security case 100: a merge before the fix is live is early.
#[test]
fn a_merge_comes_too_early_before_the_fix_is_live() {
    let early = |change: fn(&mut Hotfix)| is_early(&voted().changed(change).state);
    assert!(early(|_| {}));
    assert!(!is_early(&live().state));
    assert!(!early(|state| state.rolled_in = true));
    assert!(!early(|state| state.plan.into = "hotfix/PAY-1".parse().unwrap()), "it goes into another branch");
    assert!(!early(|state| state.plan.steps[12].kind = StepKind::Merge { method: MergeMethod::Merge }));
}

#[test]
fn a_head_that_moved_is_told_while_the_branch_is_the_run_s() {
    let seen = |head: HeadSeen| Observation::Head(Some(head));
    let moved = |from: &str, head: HeadSeen| Event::HeadMoved { from: commit(from), head, adapts: Vec::new() };
    let new = || head("2222222", "More");
    let play = on_branch();
    let old = || on_branch().state.head.unwrap();
    assert_eq!(play.on_sight(seen(new()))[0], moved("1111111", new()));
    assert_eq!(play.on_sight(seen(old())), no_events());
    assert_eq!(play.clone().changed(merged).on_sight(seen(new())), no_events(), "it is merged");
    for branch in [BranchState::Absent, BranchState::Deleted] {
        let other = play.clone().changed(|state| state.branch = branch);
        assert_eq!(other.on_sight(seen(new())), no_events(), "{branch:?}");
    }
    let empty = play.clone().changed(|state| state.head = None);
    assert_eq!(empty.on_sight(seen(new())), no_events());
    let beyond = vec![ExtraCommit { commit: commit("5555555"), withheld: false }];
    let origins = Origins { extra: beyond, ..Origins::default() };
    let known = HeadSeen { origins, ..old() };
    assert_eq!(play.on_sight(seen(known.clone()))[0], moved("1111111", known), "more is known of it");
}

/// The head is on the base only if it was read for the present base of the run.
#[test]
fn a_head_is_on_the_base_when_that_is_the_base_of_the_run() {
    let told = |play: &Play, head: HeadSeen| {
        let events = play.on_sight(Observation::Head(Some(head)));
        events
            .into_iter()
            .find_map(|event| if let Event::HeadMoved { head, .. } = event { Some(head.on_base) } else { None })
    };
    let rebased = on_branch().changed(|state| state.base = Some(commit("7777777")));
    let new = || head("2222222", "More");
    assert_eq!(told(&on_branch(), new()), Some(true));
    assert_eq!(told(&on_branch(), HeadSeen { on_base: false, ..new() }), Some(false));
    assert_eq!(told(&rebased, new()), Some(false));
    assert_eq!(told(&rebased, HeadSeen { base: commit("7777777"), ..new() }), Some(true));
    let same = on_branch().state.head.unwrap();
    assert_eq!(told(&on_branch(), HeadSeen { on_base: false, ..same }), Some(false), "the tip is the same");
}

#[test]
fn a_branch_that_is_gone_or_back_is_told() {
    let gone = || Observation::Head(None);
    let at = || commit("1111111");
    assert_eq!(on_branch().on_sight(gone()), [Event::BranchGone { at: at() }]);
    let missing = on_branch().saw(gone());
    assert_eq!(missing.on_sight(gone()), no_events());
    assert_eq!(on_branch().changed(merged).on_sight(gone()), no_events(), "it is merged");
    let deleted = on_branch().changed(|state| state.branch = BranchState::Deleted);
    assert_eq!(deleted.on_sight(gone()), no_events());
    assert_eq!(begun().on_sight(gone()), no_events(), "there was none");

    let old = || on_branch().state.head.unwrap();
    let back = || Event::BranchBack { at: at() };
    assert_eq!(missing.on_sight(Observation::Head(Some(old()))), [back()]);
    let other = missing.on_sight(Observation::Head(Some(head("2222222", "More"))));
    assert!(matches!(other[0], Event::HeadMoved { .. }) && !other.contains(&back()), "{other:?}");
    assert_eq!(missing.on_outcome(EffectResult::BranchRestored { at: at() }), [back()]);
    assert_eq!(on_branch().on_outcome(EffectResult::BranchRestored { at: at() }), no_events());
    assert_eq!(on_branch().on_outcome(EffectResult::BranchDeleted), [Event::BranchDeleted]);
    assert_eq!(deleted.on_outcome(EffectResult::BranchDeleted), no_events());
}

#[test]
fn a_conflict_is_settled_by_what_a_person_pushes() {
    let play = on_branch().changed(conflicted);
    let fix = || Some(vec![commit("f1f1f1f")]);
    let pushed = Observation::Head(Some(head("2222222", "By hand")));
    assert_eq!(adapts(&play.on_sight(pushed)), fix());
    let by_bot = EffectResult::Rebased(Rebased::Done(head("2222222", "Rebased")));
    assert_eq!(adapts(&play.on_outcome(by_bot)), Some(Vec::new()), "the bot moved it");
    let same = HeadSeen { on_base: false, ..on_branch().state.head.unwrap() };
    assert_eq!(adapts(&play.on_sight(Observation::Head(Some(same)))), Some(Vec::new()), "nothing was pushed");
    let clean = on_branch().on_sight(Observation::Head(Some(head("2222222", "More"))));
    assert_eq!(adapts(&clean), Some(Vec::new()), "there is no conflict");
}

/// In a plan of picks, only a commit that can be the resolution settles a conflict.
#[test]
fn a_conflict_among_picks_is_settled_by_a_commit_that_could_be_the_answer() {
    let beyond = |short: &str, withheld| ExtraCommit { commit: commit(short), withheld };
    let settles = |change: fn(&mut Hotfix), origins: Origins| {
        let play = on_branch().changed(conflicted).changed(picks).changed(change);
        let head = HeadSeen { origins, ..head("2222222", "By hand") };
        adapts(&play.on_sight(Observation::Head(Some(head)))) == Some(vec![commit("f1f1f1f")])
    };
    let with = |one: ExtraCommit| Origins { extra: vec![one], ..Origins::default() };
    assert!(!settles(|_| {}, Origins::default()));
    assert!(settles(|_| {}, with(beyond("5555555", false))), "a new commit of somebody");
    assert!(!settles(|_| {}, with(beyond("5555555", true))), "a commit of main that is withheld");
    let asked = |short: &str| Origins { asked: [commit(short)].into(), ..Origins::default() };
    assert!(settles(|_| {}, asked("f1f1f1f")), "the fix itself");
    assert!(!settles(|_| {}, asked("2222222")));
    let known: fn(&mut Hotfix) = |state| {
        let one = ExtraCommit { commit: commit("5555555"), withheld: false };
        state.head.as_mut().unwrap().origins.extra.push(one);
    };
    assert!(!settles(known, with(beyond("5555555", false))), "it was there before");
    assert!(settles(known, with(beyond("6666666", false))));
}

/// APPLY-16: a production that runs an unexpected commit is reported as drift.
#[test]
fn a_production_that_others_changed_is_told() {
    let drifts = |expected: &str, found: &str| Event::Drifted {
        environment: production(),
        expected: commit(expected),
        found: commit(found),
        brings: vec![contribution("fffffff", "Another", "eve")],
        total: 3,
    };
    let follows = Event::Superseded { environment: production(), by: commit("fffffff") };
    let see = |play: &Play, has_fix| play.on_sight(seen_running(production(), "fffffff", has_fix));
    assert_eq!(begun().on_sight(seen_running(production(), "abc1234", false)), no_events());
    assert_eq!(see(&begun(), false), [drifts("abc1234", "fffffff")]);
    assert_eq!(see(&voted(), true), [drifts("abc1234", "fffffff")], "the fix was not live");
    assert_eq!(see(&live(), false), [drifts("1111111", "fffffff")]);
    assert_eq!(see(&live(), true)[0], follows);
    let in_release = voted().changed(|state| {
        state.rolled_in = true;
        state.plan.steps[13].kind = StepKind::Expire;
    });
    assert_eq!(see(&in_release, true)[0], follows, "the regular release took it");
    assert_eq!(see(&in_release, false)[0], drifts("abc1234", "fffffff"));
    assert_eq!(live().on_sight(seen_running(staging(), "fffffff", false)), no_events());
    let told = live().saw(seen_running(production(), "fffffff", false));
    assert_eq!(see(&told, false), no_events());
    assert_eq!(told.on_sight(seen_running(production(), "8888888", false)), [drifts("1111111", "8888888")]);
}

/// Before a plan that releases main goes live, deployments by others are no drift.
#[test]
fn before_a_release_from_main_others_may_deploy() {
    let promotes = |play: Play| play.changed(|state| state.plan.steps[4].kind = StepKind::Target);
    let see = |play: Play| promotes(play).on_sight(seen_running(production(), "fffffff", false));
    assert_eq!(see(begun()), no_events());
    assert!(matches!(see(live())[0], Event::Drifted { .. }));
}

/// APPLY-12, security case 101: main can get the fix and lose it again; each change is reported once.
#[test]
fn what_main_has_or_lost_is_told_once() {
    let by = || contribution("9999999", "Revert", "eve");
    let unnamed = |short: &str| Contribution { commit: commit(short), subject: String::new(), people: Vec::new() };
    let see = |how: Containment, by: Option<Contribution>| Observation::Mainline { how, main: commit("eeeeeee"), by };
    let reverted = |short: &str| Containment::Reverted { by: commit(short), partly: true };
    let rewritten = || Containment::Rewritten { by: commit("9999999") };
    let missing = || Containment::Missing { commits: vec![commit("1111111")] };
    let at = |mainline: Mainline| live().changed(move |state| state.mainline = mainline);
    let proven = || at(Mainline::Merged(Containment::Ancestor, commit("ddddddd")));
    let lost = || at(Mainline::Reverted(commit("9999999")));
    let waived = || at(Mainline::Waived { by: person("dee"), reason: "a flag".to_owned() });

    for how in [Containment::Ancestor, Containment::Patch, Containment::Squash, Containment::Lines] {
        let told = Event::MainlineMerged { how: how.clone(), main: commit("eeeeeee") };
        assert_eq!(live().on_sight(see(how.clone(), None))[0], told);
        assert_eq!(lost().on_sight(see(how.clone(), None))[0], told, "it is back");
        assert!(!proven().on_sight(see(how.clone(), None)).contains(&told), "it is known");
        assert!(!waived().on_sight(see(how, None)).contains(&told), "nobody looks any more");
    }
    let gone = |by: Contribution| Event::MainlineReverted { by, partly: true };
    for play in [live(), proven()] {
        assert_eq!(play.on_sight(see(reverted("9999999"), Some(by())))[0], gone(by()));
    }
    assert_eq!(live().on_sight(see(reverted("9999999"), None))[0], gone(unnamed("9999999")));
    assert_eq!(live().on_sight(see(reverted("8888888"), Some(by())))[0], gone(unnamed("8888888")), "named by another");
    assert_eq!(lost().on_sight(see(reverted("9999999"), Some(by()))), no_events(), "it is known");
    assert_eq!(lost().on_sight(see(reverted("8888888"), None))[0], gone(unnamed("8888888")));
    let asked = Event::MainlineRewritten { by: by(), main: commit("eeeeeee") };
    assert_eq!(live().on_sight(see(rewritten(), Some(by())))[0], asked);
    assert_eq!(live().saw(see(rewritten(), Some(by()))).on_sight(see(rewritten(), Some(by()))), no_events());
    assert_eq!(live().on_sight(see(missing(), None)), no_events());
    assert_eq!(lost().on_sight(see(missing(), None)), no_events());
}

#[test]
fn the_world_is_surveyed_once() {
    let surveyed = |change: fn(&mut crate::domain::event::Snapshot)| {
        let mut found = survey();
        change(&mut found);
        EffectResult::SnapshotTaken(Box::new(found))
    };
    let open = || Play::open("Fix");
    assert_eq!(begun().on_outcome(surveyed(|_| {})), no_events());
    let order = |sources: &[&str]| Event::FixesOrdered { sources: sources.iter().map(|one| commit(one)).collect() };
    let two = open().on_outcome(surveyed(|found| {
        found.reordered = true;
        found.fixes = vec![commit("f1f1f1f"), commit("f2f2f2f")];
    }));
    assert_eq!(two[1], order(&["f1f1f1f", "f2f2f2f"]));
    let one = open().on_outcome(surveyed(|found| found.reordered = true));
    assert!(!one.iter().any(|event| matches!(event, Event::FixesOrdered { .. })), "{one:?}");
    let as_named = open().on_outcome(surveyed(|found| found.fixes.push(commit("f2f2f2f"))));
    assert!(!as_named.iter().any(|event| matches!(event, Event::FixesOrdered { .. })), "{as_named:?}");
    let unknown = open().on_outcome(surveyed(|found| found.unknown.push(Refusal::new("fix.unknown", "No.", "Look."))));
    let [Event::SnapshotTaken(_), Event::Refused { refusals }] = unknown.as_slice() else { panic!("{unknown:?}") };
    assert_eq!(refusals[0].code, "fix.unknown");
}

/// A repeated effect result is reported once.
#[test]
fn what_came_of_an_act_is_told_once() {
    let announced = EffectResult::Announced { message: message("m1"), reached: [].into(), missed: [].into() };
    let opened = |number| EffectResult::PullOpened { number: PullNumber(number), author: None, url: None };
    let returned = || EffectResult::ReturnOpened { number: PullNumber(8), url: None };
    let riders = || EffectResult::IncludedChanges { riders: Vec::new(), total: 2 };
    let created = |which| EffectResult::BranchCreated { which, at: commit("abc1234") };
    let into = |state: &mut Hotfix| state.into = BranchState::Present;
    let cases = [
        ("the announcement", begun(), announced.clone(), true),
        ("the announcement again", begun().announced(), announced, false),
        ("the branch", begun().announced(), created(BranchRole::Fix), true),
        ("the branch again", begun().announced().branched(), created(BranchRole::Fix), false),
        ("the other branch", begun().announced().branched(), created(BranchRole::Integration), true),
        ("the other branch again", begun().changed(into), created(BranchRole::Integration), false),
        ("the branch beside the other one", begun().changed(into), created(BranchRole::Fix), true),
        ("the pull request", begun().announced().branched(), opened(7), true),
        ("the pull request again", on_branch(), opened(9), false),
        ("the way back", live(), returned(), true),
        ("the way back again", live().came(returned()), returned(), false),
        ("what rides along", voted(), riders(), true),
        ("what rides along again", voted().came(riders()), riders(), false),
        ("nothing", voted(), EffectResult::Nothing, false),
    ];
    for (what, play, outcome, told) in cases {
        assert_eq!(!play.on_outcome(outcome).is_empty(), told, "{what}");
    }
}

#[test]
fn a_question_or_a_glass_is_told_of_while_it_is_about_what_ships() {
    let prompted = |short: &str| {
        let (environment, commit) = (production(), commit(short));
        EffectResult::VoteRequested { environment, commit, message: message("m5") }
    };
    assert!(matches!(asked().on_outcome(prompted("1111111"))[..], [Event::VoteRequested { .. }]));
    assert_eq!(asked().on_outcome(prompted("2222222")), no_events());
    let glass = broken();
    let version = glass.state.break_glass[0].version;
    let told = |version| EffectResult::BreakGlassAnnounced { version, message: message("a1") };
    assert_eq!(glass.on_outcome(told(version))[0], Event::BreakGlassAnnounced { message: message("a1") });
    assert_eq!(glass.on_outcome(told(version + 1)), no_events(), "another one");
    assert_eq!(asked().on_outcome(told(version)), no_events());
    assert_eq!(asked().glass_broken().on_outcome(told(version)), no_events(), "it is known");
}

#[test]
fn a_merge_is_of_the_pull_request_that_is_open() {
    let came = |number| EffectResult::Merged { number: PullNumber(number), commit: commit("eeeeeee") };
    let merged_now = Event::Merged { number: PullNumber(7), commit: commit("eeeeeee"), early: false };
    assert_eq!(live().on_outcome(came(7)), [merged_now]);
    assert_eq!(live().on_outcome(came(8)), no_events());
    assert_eq!(live().came(came(7)).on_outcome(came(7)), no_events());
    assert_eq!(begun().on_outcome(came(7)), no_events());
}

#[test]
fn a_rebase_that_conflicts_is_told_while_it_is_needed() {
    let files = || vec!["a.rs".to_owned()];
    let conflict = || EffectResult::Rebased(Rebased::Conflict(files()));
    let behind = on_branch().changed(|state| state.head.as_mut().unwrap().on_base = false);
    assert_eq!(behind.on_outcome(conflict()), [Event::RebaseConflicted { files: files() }]);
    assert_eq!(on_branch().on_outcome(conflict()), no_events());
    assert_eq!(begun().on_outcome(conflict()), no_events());
}

#[test]
fn what_came_of_a_pick_is_told_while_the_fix_waits() {
    let play = begun().announced().branched();
    let source = || commit("f1f1f1f");
    let came = |play: &Play, result: PickResult| play.on_outcome(picked("f1f1f1f", result));
    let fix_picked =
        |short: Option<&str>, empty| Event::FixPicked { source: source(), commit: short.map(commit), empty };
    let files = || vec!["a.rs".to_owned()];
    let conflict = || PickResult::Conflict { files: files() };
    let events = came(&play, conflict());
    assert!(matches!(&events[0], Event::FixAttributed(by) if by.source == source()), "{events:?}");
    assert_eq!(events[1], Event::FixConflicted { source: source(), files: files() });
    assert_eq!(came(&play, PickResult::AlreadyThere)[1], fix_picked(None, false));
    assert_eq!(came(&play, PickResult::Empty)[1], fix_picked(None, true));
    let done = came(&play, PickResult::Done { commit: commit("1111111"), head: head("1111111", "Fix") });
    assert_eq!(done[1], fix_picked(Some("1111111"), false));
    assert!(matches!(&done[2], Event::HeadMoved { adapts, .. } if adapts.is_empty()), "{done:?}");
    let (by, why) = (contribution("9999999", "Revert", "eve"), "it breaks".to_owned());
    let reverted = came(&play, PickResult::Reverted { by: by.clone(), why: why.clone() });
    assert_eq!(reverted[1], Event::FixReverted { source: source(), by, why });

    let known = play.came(picked("f1f1f1f", conflict())).changed(|state| state.fixes[0].state = FixState::Waiting);
    assert_eq!(came(&known, PickResult::Empty)[0], fix_picked(None, true), "the people behind it are known");
    assert_eq!(came(&on_branch(), conflict()), no_events(), "it is there");
    assert_eq!(known.on_outcome(picked("2222222", conflict())), no_events(), "nobody asked for it");
}

#[test]
fn a_deployment_by_hand_waits_for_a_word() {
    let by_hand = |play: &Play| {
        play.on_outcome(EffectResult::DeployByHand { key: key(play), instructions: Some("run it".to_owned()) })
    };
    let awaits = |play: &Play, how: Option<&str>| Event::DeployAwaitsConfirmation {
        key: key(play),
        instructions: how.map(str::to_owned),
    };
    assert_eq!(by_hand(&running()), [awaits(&running(), Some("run it"))]);
    let rolls_out = deploying(DeployState::RollingOut);
    assert_eq!(by_hand(&rolls_out), [awaits(&rolls_out, None)], "it is merged already");
    assert_eq!(by_hand(&deploying(DeployState::AwaitingConfirmation)), no_events());
    assert_eq!(by_hand(&live()), no_events());
    let unknown = EffectResult::DeployByHand { key: "another".parse().unwrap(), instructions: None };
    assert_eq!(running().on_outcome(unknown), no_events());
}

fn is_about_it(event: &Event) -> bool {
    matches!(
        event,
        Event::DeployEnded { .. }
            | Event::RolloutBegan { .. }
            | Event::DeployNoted { .. }
            | Event::DeployAwaitsConfirmation { .. }
    )
}

#[test]
fn a_deployment_goes_on_by_what_is_seen_of_it() {
    let rolling =
        |note: Option<&str>| DeployStatus::RollingOut { note: note.map(str::to_owned), confirmed_here: false };
    let progress = |note: Option<&str>| DeployStatus::InProgress { note: note.map(str::to_owned) };
    let succeeded = || DeployStatus::Succeeded { at: running().now };
    let failed = || DeployStatus::Failed { reason: "no".to_owned() };
    let see = |at: DeployState, status: DeployStatus| {
        let play = deploying(at);
        play.on_outcome(EffectResult::DeployStatus { key: key(&play), status }).into_iter().find(is_about_it)
    };
    let key = key(&running());
    let (runs, rolls, waits) = (DeployState::Running, DeployState::RollingOut, DeployState::AwaitingConfirmation);
    let ended = |failure: Option<&str>| Event::DeployEnded { key: key.clone(), failure: failure.map(str::to_owned) };
    let noted = || Event::DeployNoted { key: key.clone(), note: "a label".to_owned() };
    let word = || Event::DeployAwaitsConfirmation { key: key.clone(), instructions: None };
    for at in [runs.clone(), rolls.clone(), waits.clone()] {
        assert_eq!(see(at.clone(), succeeded()), Some(ended(None)));
        assert_eq!(see(at, failed()), Some(ended(Some("no"))));
    }
    assert_eq!(see(runs.clone(), rolling(Some("a label"))), Some(Event::RolloutBegan { key: key.clone() }));
    assert_eq!(see(rolls.clone(), rolling(Some("a label"))), Some(noted()));
    assert_eq!(see(rolls.clone(), rolling(None)), None);
    assert_eq!(see(runs.clone(), progress(Some("a label"))), Some(noted()));
    assert_eq!(see(runs.clone(), progress(None)), None);
    assert_eq!(see(rolls.clone(), progress(Some("a label"))), None);
    assert_eq!(see(runs.clone(), DeployStatus::AwaitingWord), Some(word()));
    assert_eq!(see(rolls, DeployStatus::AwaitingWord), Some(word()));
    assert_eq!(see(waits, DeployStatus::AwaitingWord), None);
    for over in [DeployState::Succeeded, DeployState::Failed("no".to_owned())] {
        for status in [succeeded(), failed(), rolling(None), progress(Some("a label")), DeployStatus::AwaitingWord] {
            assert_eq!(see(over.clone(), status), None);
        }
    }
    let note = |text: &str| EffectResult::DeployStatus { key: key.clone(), status: progress(Some(text)) };
    let told = running().came(note("a label"));
    assert_eq!(told.on_outcome(note("a label")), no_events(), "it is known");
    assert_eq!(told.on_outcome(note("another")).len(), 1);
    let unknown = EffectResult::DeployStatus { key: "another".parse().unwrap(), status: failed() };
    assert_eq!(running().on_outcome(unknown), no_events());
}

type Change = fn(&mut Hotfix);

/// A refused effect is reported only while it is still needed.
#[test]
fn what_was_refused_is_told_while_it_has_a_point() {
    let ready = voted().by("ana", UserCommand::Deploy(production()));
    let check = |environment: Environment, short: &str| Effect::CheckDeploy {
        environment,
        commit: commit(short),
        key: "hf-12-1".parse().unwrap(),
    };
    let deploy =
        Effect::Deploy { key: key(&running()), environment: production(), commit: commit("1111111"), resumed: false };
    let delete = Effect::DeleteBranch { at: commit("1111111") };
    let restore = Effect::RestoreBranch { at: commit("1111111") };
    let unpick = |short: &str| Effect::Unpick { source: commit(short), at: voted().now };
    let same: Change = |_| {};
    let ended: Change = |state| state.deploys.last_mut().unwrap().state = DeployState::AwaitingConfirmation;
    let deleted: Change = |state| state.branch = BranchState::Deleted;
    let gone: Change = |state| state.branch_gone = true;
    let leaves: Change = |state| state.fixes[0].state = FixState::Leaving;
    let cases = [
        (check(production(), "1111111"), ready.clone(), same, true),
        (check(staging(), "1111111"), ready.clone(), same, false),
        (check(production(), "2222222"), ready, same, false),
        (check(production(), "1111111"), voted(), same, false),
        (deploy.clone(), running(), same, true),
        (deploy.clone(), running(), ended, false),
        (deploy, voted(), same, false),
        (delete.clone(), voted(), same, true),
        (delete, voted(), deleted, false),
        (restore.clone(), voted(), gone, true),
        (restore, voted(), same, false),
        (unpick("f1f1f1f"), voted(), leaves, true),
        (unpick("f1f1f1f"), voted(), same, false),
        (unpick("2222222"), voted(), leaves, false),
        (Effect::Announce, voted(), same, true),
    ];
    for (effect, play, change, told) in cases {
        let play = play.changed(change);
        let outcome = EffectResult::Refused { effect: effect.clone(), reason: "no".to_owned() };
        let expected = Event::Stuck { effect: effect.clone(), reason: "no".to_owned() };
        assert_eq!(play.on_outcome(outcome).contains(&expected), told, "{effect:?}");
    }
}
