//! Tests across all kinds of steps, and of those kinds that are too short for their own file.

use hotfix_adapters::forge::{Check, CheckState, MergeMethod};
use hotfix_adapters::registry::{Image, Published};

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::event::{CommitCounts, MainSeen, Snapshot};
use crate::domain::hotfix::{PinnedImage, StepState};
use crate::domain::id::StepId;
use crate::domain::playbook::{Artifact, BaseSource, BranchRole, CapabilityKind, MainlineBy, Trigger, VerifyPlace};
use crate::fixture::{
    self, Play, asked, begun, closed, commit, contribution, environment, live, person, production, voted,
};

/// Returns a "must" step of this kind.
pub(super) fn spec(kind: StepKind) -> StepSpec {
    fixture::spec("extra", "", kind)
}

pub(super) fn check(name: &str, state: CheckState) -> Check {
    Check { name: name.to_owned(), app: "ci".to_owned(), state }
}

pub(super) fn main_seen(short: &str, checks: &[Check], blockers: &[&str]) -> MainSeen {
    let blockers = blockers.iter().map(|blocker| (*blocker).to_owned()).collect();
    MainSeen { commit: commit(short), checks: checks.to_vec(), blockers }
}

/// Returns the code of each refusal with the runbook id that it cites.
pub(super) fn cited(refusals: &[Refusal]) -> Vec<String> {
    let requirement = |refusal: &Refusal| refusal.requirement.as_ref().map(ToString::to_string).unwrap_or_default();
    refusals.iter().map(|refusal| format!("{} {}", refusal.code, requirement(refusal))).collect()
}

/// Returns the refusals that make a step impossible.
#[track_caller]
pub(super) fn refusals(progress: Progress) -> Vec<Refusal> {
    let Progress::Impossible(refusals) = progress else { panic!("{progress:?}") };
    refusals
}

/// Returns every kind of step, with `true` if two people can override it.
fn every_kind() -> Vec<(StepKind, bool)> {
    let needs = vec![CapabilityKind::HotfixStaging];
    let (place, question) = (VerifyPlace::Local, "Is it good?".to_owned());
    let (party, file, names) = ("qa".to_owned(), "ci.yml".to_owned(), "{branch}".to_owned());
    let environment = production();
    let deploy = StepKind::Deploy { environment: environment.clone(), trigger: Trigger::Command, what: Artifact::Fix };
    vec![
        (StepKind::Triage { criteria: Vec::new(), ask: true }, true),
        (StepKind::Target, false),
        (StepKind::Agree { party, count: 1, question: question.clone() }, true),
        (StepKind::BuildJob { file, names }, true),
        (StepKind::OnMain, true),
        (StepKind::OnEnvironment { environment: environment.clone() }, true),
        (StepKind::VersionOrder { prefix: "4.2".to_owned() }, false),
        (StepKind::Image, false),
        (StepKind::Expire, false),
        (StepKind::Base { from: BaseSource::Main }, false),
        (StepKind::HeldBack, true),
        (StepKind::Releasable, false),
        (StepKind::Capability { needs }, false),
        (StepKind::Announce, true),
        (StepKind::Branch { which: BranchRole::Fix }, false),
        (StepKind::Change { large_lines: 200, pull: true }, false),
        (StepKind::Review { approvals: 1 }, true),
        (StepKind::Verify { place, question, by: Vec::new() }, true),
        (StepKind::Approve { environment }, false),
        (deploy, false),
        (StepKind::Merge { method: MergeMethod::Merge }, false),
        (StepKind::RideAlong, true),
        (StepKind::Mainline { by: MainlineBy::Proof, delete_branch: true }, false),
        (StepKind::Postmortem { due_days: 5 }, true),
    ]
}

#[test]
fn things_are_counted_in_words() {
    assert_eq!([0, 1, 2].map(|number| count(number, "check")), ["0 checks", "1 check", "2 checks"]);
}

/// Steps that the run cannot do without cannot be overridden.
#[test]
fn two_people_set_aside_only_what_the_run_can_do_without() {
    let state = asked().state;
    for (kind, expected) in every_kind() {
        assert_eq!(can_be_overridden(&state, &kind), expected, "{kind:?}");
    }
    let merge = StepKind::Merge { method: MergeMethod::Merge };
    let merged = asked().changed(|state| state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee"))).state;
    assert!(can_be_overridden(&merged, &merge), "only the checks of the merge are left");
    assert!(!can_be_overridden(&begun().state, &merge), "there is nothing to merge");
}

/// Optional steps and triages that block nothing are offered (HOCS-0, APPLY-3).
#[test]
fn options_and_a_triage_that_nothing_waits_for_are_offered() {
    let triage = |ask| StepKind::Triage { criteria: Vec::new(), ask };
    for (level, kind, expected) in [
        (Level::May, StepKind::HeldBack, true),
        (Level::May, triage(true), true),
        (Level::May, triage(false), true),
        (Level::Must, triage(false), true),
        (Level::Must, triage(true), false),
        (Level::Must, StepKind::HeldBack, false),
        (Level::Should, StepKind::HeldBack, false),
        (Level::MustNot, StepKind::HeldBack, false),
    ] {
        assert_eq!(is_option(&StepSpec { level, ..spec(kind.clone()) }), expected, "{level:?} {kind:?}");
    }
}

#[test]
fn some_steps_ask_people_as_soon_as_their_turn_comes() {
    let asking = |state: &Hotfix| {
        let kinds = every_kind().into_iter().map(|(kind, _)| kind);
        kinds.filter(|kind| asks_at_once(state, kind)).collect::<Vec<_>>()
    };
    let kinds: Vec<StepKind> = every_kind().into_iter().map(|(kind, _)| kind).collect();
    let [triage, _, agree, _, on_main, _, _, _, expire, ..] = kinds.as_slice() else { panic!("{kinds:?}") };
    let always = [triage, agree, on_main, expire].map(Clone::clone);
    assert_eq!(asking(&asked().state), always);
    let astray = asked().changed(|state| {
        state.pull.as_mut().unwrap().seen.astray = Some("release".parse().unwrap());
    });
    let approve = StepKind::Approve { environment: production() };
    assert_eq!(asking(&astray.state), [always.as_slice(), &[approve]].concat());
    let silent = StepKind::Triage { criteria: Vec::new(), ask: false };
    assert!(!asks_at_once(&asked().state, &silent));
}

#[test]
fn the_bot_acts_when_the_turn_of_some_steps_comes() {
    let acts = |play: &Play| {
        let kinds = every_kind().into_iter().map(|(kind, _)| kind);
        kinds.flat_map(|kind| enter(&play.state, &spec(kind), play.now)).collect::<Vec<_>>()
    };
    let pick = |play: &Play| Effect::Pick { source: commit("f1f1f1f"), at: play.now };
    let branch = Effect::CreateBranch { which: BranchRole::Fix, at: commit("abc1234") };
    let play = begun();
    assert_eq!(acts(&play), [Effect::Announce, branch, pick(&play)]);
    let (ships, number) = (commit("1111111"), PullNumber(7));
    let prompt = Effect::RequestVotes { environment: production(), commit: ships.clone() };
    let merge = Effect::Merge { number, head: ships.clone(), method: MergeMethod::Merge };
    assert_eq!(acts(&asked()), [prompt, merge, Effect::FindIncludedChanges { to: ships }]);
    let back = StepKind::Mainline { by: MainlineBy::Pull, delete_branch: true };
    assert_eq!(enter(&asked().state, &spec(back), asked().now), [Effect::OpenReturn]);
}

/// Main and the merge commit are polled until every deployment has begun.
#[test]
fn a_plan_releases_until_its_deployments_have_begun() {
    let with = |play: Play, kind: StepKind| {
        play.changed(|state| {
            let since = state.opened_at;
            state.plan.steps.insert(0, spec(kind));
            state.steps.insert(0, StepState::Current { since });
        })
        .state
    };
    let begins = || voted().by("ana", UserCommand::Deploy(production())).begins("abc1234");
    let other = |state: &mut Hotfix| state.deploys.last_mut().unwrap().intent.commit = commit("9999999");
    assert!(!releases(&voted().state), "it rests neither on main nor on a merge");
    assert!(releases(&with(voted(), StepKind::Releasable)));
    assert!(releases(&with(voted(), StepKind::Merge { method: MergeMethod::Merge })));
    assert!(!releases(&with(begins(), StepKind::Releasable)), "it has begun");
    assert!(releases(&with(begins().ends(Some("no")), StepKind::Releasable)), "it failed, and will be tried again");
    assert!(releases(&with(begins().changed(other), StepKind::Releasable)), "something else was deployed");
    assert!(!releases(&with(live(), StepKind::Releasable)), "the run is past it");
    assert!(!releases(&with(live().changed(other), StepKind::Releasable)), "the run is past it");
}

/// A modification of the run.
type Change = fn(&mut Hotfix);

#[test]
fn everything_that_speaks_against_beginning_is_said_before_anything_is_done() {
    let survey = |state: &mut Hotfix, change: fn(&mut Snapshot)| {
        change(state.snapshot.as_mut().unwrap());
    };
    let objected = |change: &dyn Fn(&mut Hotfix)| {
        let play = begun().changed(change);
        objections(&play.state, play.now).into_iter().map(|refusal| refusal.code).collect::<Vec<_>>()
    };
    assert_eq!(objected(&|_| {}), Vec::<String>::new());
    let against: [(Change, &[&str]); 5] = [
        (|state| state.plan.steps.push(spec(StepKind::Target)), &["promotion.unknown"]),
        (
            |state| state.plan.steps.push(spec(StepKind::Capability { needs: CapabilityKind::ALL.to_vec() })),
            &["path.unsupported"; 3],
        ),
        (|state| state.plan.steps.push(spec(StepKind::Releasable)), &[]),
        (
            |state| {
                state.plan.steps.push(spec(StepKind::Releasable));
                state.main_seen = Some(main_seen("ddddddd", &[], &["#3 blocks"]));
            },
            &["main.unreleasable"],
        ),
        (|state| state.plan.steps.retain(|spec| matches!(spec.kind, StepKind::Review { .. })), &[]),
    ];
    for (change, codes) in against {
        assert_eq!(objected(&change), codes);
    }
    assert_eq!(objected(&|state| survey(state, |survey| survey.held_back_total = 0)), ["held-back.nothing"]);
    assert_eq!(objected(&|state| survey(state, |survey| survey.running = Some(commit("1")))), ["base.disagree"]);
    let stale = |survey: &mut Snapshot| {
        survey.branches.push(("hotfix".parse().unwrap(), commit("2222222")));
        survey.unknown.push(Refusal::new("fix.unknown", "Nobody knows it.", "Name another."));
        survey.held_back_total = 0;
    };
    assert_eq!(objected(&|state| survey(state, stale)), ["fix.unknown", "held-back.nothing", "branch.stale"]);
}

/// HOCS-17: agreements of the requester and of people outside the party do not count.
#[test]
fn people_of_the_party_agree_and_the_requester_is_none_of_them() {
    let step: StepId = "ask".parse().unwrap();
    let of = |who: &[&str], party: &str, count: u32| {
        let mut state = begun().state;
        state.plan.parties.insert("qa".to_owned(), ["ana", "ben", "chi"].map(person).to_vec());
        state.agreed.insert(step.clone(), who.iter().map(|who| person(who)).collect());
        state.agreed.insert("other".parse().unwrap(), ["ben", "chi"].map(person).into());
        agree::progress(&state, &step, party, count, "May we?")
    };
    let waits = |party: &str, missing| {
        let (party, question) = (party.to_owned(), "May we?".to_owned());
        Progress::Waiting(Wait::Agreement { party, missing, question })
    };
    assert_eq!(of(&["ben", "chi"], "qa", 2), Progress::done("<@ben>, <@chi> agreed"));
    assert_eq!(of(&["ben", "chi"], "qa", 1), Progress::done("<@ben>, <@chi> agreed"));
    assert_eq!(of(&["ben", "chi"], "qa", 3), waits("qa", 1));
    assert_eq!(of(&["ana", "ben", "eve"], "qa", 1), Progress::done("<@ben> agreed"));
    assert_eq!(of(&["ana", "ben", "eve"], "qa", 2), waits("qa", 1));
    assert_eq!(of(&["ana"], "qa", 1), waits("qa", 1));
    assert_eq!(of(&[], "qa", 2), waits("qa", 2));
    assert_eq!(of(&["ben"], "sales", 1), waits("sales", 1));
}

/// The announcement is made once (APPLY-15).
#[test]
fn the_team_is_told_once() {
    assert_eq!(announce::progress(&begun().state), Progress::Waiting(Wait::Bot("telling the team")));
    assert_eq!(announce::enter(&begun().state), [Effect::Announce]);
    let told = begun().announced().state;
    assert_eq!(announce::progress(&told), Progress::done("told in payments"));
    assert_eq!(announce::enter(&told), []);
}

/// The build job is done once a file names the branch (SRE-7).
#[test]
fn the_file_that_builds_images_names_the_branch() {
    let found = begun().changed(|state| state.build_job = Some("ci.yml".to_owned())).state;
    assert_eq!(build_job::progress(&found, "jobs.yml"), Progress::done("ci.yml names hotfix"));
    let waits = Wait::BuildJob { file: "jobs.yml".to_owned() };
    assert_eq!(build_job::progress(&begun().state, "jobs.yml"), Progress::Waiting(waits));
}

/// MAIN-13a, MAIN-13b, MAIN-13c: each capability must be declared and answer its probe.
#[test]
fn the_exceptional_path_needs_everything_that_it_rests_on() {
    let needs = CapabilityKind::ALL;
    let with = |all: &[(CapabilityKind, Option<&str>)]| {
        let mut state = begun().state;
        let all = all.iter().map(|(kind, why)| (*kind, why.map(str::to_owned)));
        state.snapshot.as_mut().unwrap().capabilities = all.collect();
        capability::progress(&state, &needs)
    };
    let all = Progress::done("all 3 capabilities are declared and answered");
    assert_eq!(with(&needs.map(|kind| (kind, None))), all);
    let some = refusals(with(&[(needs[0], None), (needs[2], Some("404"))]));
    assert_eq!(cited(&some), ["path.unsupported MAIN-13b", "path.unsupported MAIN-13c"]);
    let reasons: Vec<&str> = some.iter().map(|refusal| refusal.reason.as_str()).collect();
    let not = "The exceptional path is not supported here";
    assert_eq!(reasons[0], format!("{not}: hotfix_staging is not declared for this service."));
    assert_eq!(reasons[1], format!("{not}: release_handles_hotfix_tags does not answer: 404."));
    assert_eq!(cited(&refusals(with(&[(needs[1], None), (needs[2], None)]))), ["path.unsupported MAIN-13a"]);
    let unread = begun().changed(|state| state.snapshot = None).state;
    assert_eq!(capability::progress(&unread, &needs), Progress::Waiting(Wait::Bot("probing what the path needs")));
}

/// HOCS-22: an image that is pinned for another commit does not count.
#[test]
fn the_image_is_that_of_what_ships() {
    let pinned = |short: &str| {
        let digest = format!("sha256:{}", "d".repeat(64)).parse().unwrap();
        let image = Image { repository: "quay.io/team/payments".to_owned(), tag: "hf".to_owned(), digest };
        PinnedImage { commit: commit(short), published: Published { image, created: None, revision: None } }
    };
    let of = |image: Option<PinnedImage>| image::progress(&asked().changed(|state| state.image = image).state);
    assert_eq!(of(Some(pinned("1111111"))), Progress::done("quay.io/team/payments:hf is dddddddddddd"));
    assert_eq!(of(Some(pinned("2222222"))), Progress::Waiting(Wait::Image));
    assert_eq!(of(None), Progress::Waiting(Wait::Image));
}

/// SRE-9: the commit that another environment runs does not count.
#[test]
fn others_bring_it_to_an_environment() {
    let mut state = begun().state;
    state.reached.insert(environment("stage"), commit("5555555"));
    let there = on_environment::progress(&state, &environment("stage"));
    assert_eq!(there, Progress::done("stage runs 5555555, which has it"));
    assert_eq!(on_environment::progress(&state, &production()), Progress::Waiting(Wait::OnEnvironment(production())));
}

/// The included changes are searched for the deployable commit (MAIN-8).
#[test]
fn what_rides_along_is_found_of_what_ships() {
    let riders = |riders: Option<usize>| {
        let of = |number| vec![contribution("5555555", "A change", "eve"); number];
        ride_along::progress(&asked().changed(|state| state.included_changes = riders.map(of)).state)
    };
    assert_eq!(riders(None), Progress::Waiting(Wait::Bot("finding out what else goes out")));
    assert_eq!(riders(Some(0)), Progress::done("nothing else goes out"));
    assert_eq!(riders(Some(1)), Progress::done("with it goes out: 1 commit of others"));
    assert_eq!(ride_along::enter(&asked().state), [Effect::FindIncludedChanges { to: commit("1111111") }]);
    assert_eq!(ride_along::enter(&begun().state), []);
}

/// MAIN-18: the due time is counted from the first deployment to production.
#[test]
fn the_post_mortem_is_due_some_days_after_production() {
    let of = |play: &Play, days| postmortem::progress(&play.state, days);
    let at: Timestamp = "2026-03-02T11:00:00Z".parse().unwrap();
    let play = live().changed(|state| state.live_at = Some(at));
    let due = |due: Option<&str>| Progress::Waiting(Wait::Postmortem { due: due.map(|due| due.parse().unwrap()) });
    assert_eq!(of(&play, 5), due(Some("2026-03-07T11:00:00Z")));
    assert_eq!(of(&play, 0), due(Some("2026-03-02T11:00:00Z")));
    assert_eq!(of(&play, u32::MAX), due(None), "no calendar goes so far");
    assert_eq!(of(&voted(), 5), due(None), "production does not run it yet");
    assert_eq!(of(&closed(), 5), Progress::done("written: https://wiki.example/pm-12"));
    let bots = live().changed(|state| state.postmortem = Some(None));
    assert_eq!(of(&bots, 5), Progress::done("the timeline is all that is wanted"));
}

/// SRE-11: only the count of the deployable commit is judged.
#[test]
fn the_order_of_versions_is_told_with_their_counts() {
    let of = |counts: Option<(&str, usize)>| {
        let counts = counts.map(|(of, ships)| CommitCounts { commit: commit(of), production: 100, ships, main: 120 });
        version_order::progress(&asked().changed(|state| state.counts = counts).state, "4.2")
    };
    let fits = "4.2.101-1111111 comes after production (4.2.100) and not after the next of main (4.2.121)";
    assert_eq!(of(Some(("1111111", 101))), Progress::done(fits));
    let broken = Wait::VersionOrder { version: "4.2.100-1111111".to_owned(), after: 100, until: 121 };
    assert_eq!(of(Some(("1111111", 100))), Progress::Waiting(broken));
    let counting = Progress::Waiting(Wait::Bot("counting the commits behind the versions"));
    assert_eq!(of(Some(("2222222", 101))), counting);
    assert_eq!(of(None), counting);
}
