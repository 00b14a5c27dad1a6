//! Tests of evidence: steps that no longer hold, and the actions that rely on them.

use hotfix_adapters::forge::{CheckState, MergeMethod, ReviewVerdict};

use super::super::tests::{check, main_seen, spec};
use super::*;
use crate::domain::command::UserCommand;
use crate::domain::event::MainSeen;
use crate::domain::hotfix::{Deployment, Drift};
use crate::domain::playbook::{Artifact, BaseSource, BranchRole, Trigger, VerifyPlace};
use crate::domain::service::EnvironmentPlan;
use crate::fixture::{Play, asked, begun, commit, environment, live, production, staging, voted};

/// Indexes of steps in the plan of the fixture.
const WITHHELD: usize = 2;
const REVIEW: usize = 6;
const STAGING: usize = 8;
const LOOK: usize = 9;
const PRODUCTION: usize = 11;

type Change = fn(&mut Hotfix);

fn draft(state: &mut Hotfix) {
    state.pull.as_mut().unwrap().seen.draft = true;
}

fn merged(state: &mut Hotfix) {
    state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee"));
}

fn words(all: &[(StepId, String)]) -> Vec<(&str, &str)> {
    all.iter().map(|(step, why)| (step.as_str(), why.as_str())).collect()
}

#[track_caller]
fn lost_now(play: &Play, expected: &[(&str, &str)]) {
    assert_eq!(words(&unsound(&play.state, play.now)), expected);
}

#[track_caller]
fn told(play: &Play, expected: &[(&str, &str)]) {
    assert_eq!(words(&outdated(&play.state, play.now)), expected);
}

const DRAFT: (&str, &str) = ("review", "the pull request is a draft");

/// Returns a run with a running deployment to production.
fn deploying() -> Play {
    voted().by("ana", UserCommand::Deploy(production())).begins("abc1234")
}

/// Inserts a completed step of this kind at the front of the plan.
fn done(play: Play, kind: StepKind) -> Play {
    play.changed(|state| {
        let at = state.opened_at;
        state.plan.steps.insert(0, spec(kind));
        state.steps.insert(0, StepState::Done { at, evidence: String::new() });
    })
}

fn deploy_to(environment: Environment) -> StepKind {
    StepKind::Deploy { environment, trigger: Trigger::Command, what: Artifact::Fix }
}

/// Adds a second production, with a deployment step at the end of the plan.
fn second(state: &mut Hotfix) {
    let plan = EnvironmentPlan { name: environment("us"), ..state.plan.environments[1].clone() };
    state.plan.environments.push(plan);
    state.plan.steps.push(spec(deploy_to(environment("us"))));
    state.steps.push(StepState::Ahead);
}

/// Repeats the last deployment to production for another environment.
fn also_to(state: &mut Hotfix, environment: Environment) {
    let mut deploy: Deployment = state.deploys.last().unwrap().clone();
    deploy.intent.environment = environment;
    state.deploys.push(deploy);
}

/// Each kind of step declares its evidence (security case 91).
#[test]
fn kinds_of_steps_declare_what_they_rest_on() {
    use Evidence::{
        Approvals, Blockers, ChangesRequested, Checks, Draft, HoldLabels, MainChecks, MergeChecks, Open, Tag, Target,
        Votes, Words,
    };
    let (method, question) = (MergeMethod::Merge, String::new());
    let look = StepKind::Verify { place: VerifyPlace::Local, question, by: Vec::new() };
    let all: [(StepKind, &[Evidence]); 11] = [
        (StepKind::Review { approvals: 1 }, &[Checks, Approvals, ChangesRequested, Open, Draft, HoldLabels]),
        (StepKind::Releasable, &[MainChecks, Blockers]),
        (StepKind::Merge { method }, &[MergeChecks]),
        (look, &[Words]),
        (StepKind::Approve { environment: production() }, &[Votes, Target]),
        (StepKind::Image, &[Tag]),
        (StepKind::Base { from: BaseSource::Main }, &[]),
        (StepKind::Announce, &[]),
        (StepKind::Branch { which: BranchRole::Fix }, &[]),
        (deploy_to(production()), &[]),
        (StepKind::Mainline { by: MainlineBy::Proof, delete_branch: false }, &[]),
    ];
    for (kind, expected) in all {
        assert_eq!(evidence(&kind), expected, "{kind:?}");
    }
}

/// Security case 91: a completed step with lost evidence is unsound until the action that relies on it has begun.
#[test]
fn a_completed_step_is_unsound_when_its_evidence_is_gone() {
    let one: [(Change, &[(&str, &str)]); 8] = [
        (|_| {}, &[]),
        (draft, &[DRAFT]),
        (
            |state| state.pull.as_mut().unwrap().seen.reviews.clear(),
            &[("review", "0 of 1 approvals of the present head")],
        ),
        (
            |state| {
                let seen = &mut state.pull.as_mut().unwrap().seen;
                seen.closed = true;
                seen.checks[0].state = CheckState::Failure;
                seen.reviews[0].verdict = ReviewVerdict::ChangesRequested;
            },
            &[(
                "review",
                "the pull request is closed; build failed; Ben asked for changes; 0 of 1 approvals of the present head",
            )],
        ),
        (
            |state| state.attestations.values_mut().for_each(|word| word.pass = false),
            &[("local", "the last word is that it is not good"), ("look", "the last word is that it is not good")],
        ),
        (
            |state| state.attestations.retain(|(place, _), _| place == "local"),
            &[("look", "nobody has said yet that what is there is good")],
        ),
        (|state| state.card = None, &[]),
        (
            |state| {
                draft(state);
                state.steps[REVIEW] = StepState::Skipped { by: None, reason: String::new() };
            },
            &[],
        ),
    ];
    for (change, expected) in one {
        lost_now(&asked().changed(change), expected);
    }
    lost_now(&voted().changed(|state| state.votes.clear()), &[]);
}

#[test]
fn nothing_is_set_back_while_a_deployment_is_on_its_way_or_after_it() {
    lost_now(&voted().changed(draft), &[DRAFT]);
    lost_now(&deploying().changed(draft), &[]);
    told(&deploying().changed(draft), &[DRAFT]);
    lost_now(&live().changed(draft), &[]);
    told(&live().changed(draft), &[DRAFT]);
}

#[test]
fn what_is_told_concerns_what_is_out() {
    told(&live(), &[]);
    told(&voted().changed(draft), &[]);
    let staging_runs = |state: &mut Hotfix| state.deploys.last_mut().unwrap().state = DeployState::Running;
    told(&asked().changed(draft).changed(staging_runs), &[]);
    let back = |state: &mut Hotfix| state.deploys.last_mut().unwrap().intent.rollback = true;
    told(&live().changed(draft).changed(back), &[]);
}

/// A step is reopened, and not only reported, while a deployment to the second production relies on it.
#[test]
fn what_another_deployment_relies_on_is_set_back() {
    let play = live().changed(second).changed(draft);
    lost_now(&play, &[DRAFT]);
    told(&play, &[]);
    let begun = play.changed(|state| also_to(state, environment("us")));
    lost_now(&begun, &[]);
    told(&begun, &[DRAFT]);
}

/// An action relies only on the steps before it, and a step that the run has passed is no future action.
#[test]
fn an_act_relies_on_the_steps_before_it() {
    // Nothing was deployed, and staging is the only deployment in the plan.
    let staging = |step: StepState| {
        asked().changed(draft).changed(|state| {
            state.plan.steps.truncate(LOOK + 1);
            state.steps.truncate(LOOK + 1);
            state.deploys.clear();
            state.steps[STAGING] = step;
        })
    };
    let ahead = staging(StepState::Ahead);
    let look = ("look", "nobody has said yet that what is there is good");
    assert_eq!(words(&in_the_way(&ahead.state, LOOK + 1, ahead.now))[2], look);
    lost_now(&ahead, &[DRAFT]);
    lost_now(&staging(StepState::Skipped { by: None, reason: String::new() }), &[]);
}

/// A deployment has begun once it deploys the deployable commit, unless it failed. A merge has begun once it is done.
#[test]
fn an_act_is_to_begin_until_it_was_begun_with_what_ships() {
    let production = || deploy_to(production());
    let failed = || live().changed(|state| state.deploys.last_mut().unwrap().state = DeployState::Failed("no".into()));
    let other = |state: &mut Hotfix| state.deploys.last_mut().unwrap().intent.commit = commit("9999999");
    let merge = || StepKind::Merge { method: MergeMethod::Merge };
    let back = |by| StepKind::Mainline { by, delete_branch: true };
    let merge_back = || back(MainlineBy::Merge(MergeMethod::Merge));
    let alive = |state: &mut Hotfix| state.live_at = Some(state.opened_at);
    let cases: [(&str, Play, StepKind, bool); 15] = [
        ("not deployed", voted(), production(), true),
        ("deploying", deploying(), production(), false),
        ("deployed", live(), production(), false),
        ("failed", failed(), production(), true),
        ("something else was deployed", live().changed(other), production(), true),
        ("deployed elsewhere", asked(), deploy_to(staging()), false),
        ("to be merged", asked(), merge(), true),
        ("merged", asked().changed(merged), merge(), false),
        ("to be merged back", asked(), merge_back(), true),
        ("merged back", asked().changed(merged), merge_back(), false),
        ("live", asked().changed(alive), merge_back(), false),
        ("live and merged", live().changed(merged), merge_back(), false),
        ("people merge it", asked(), back(MainlineBy::Pull), false),
        ("it was there first", asked(), back(MainlineBy::Proof), false),
        ("nothing is done", asked(), StepKind::Review { approvals: 1 }, false),
    ];
    for (what, play, kind, expected) in cases {
        assert_eq!(starts_over(&play.state, &kind), expected, "{what}");
    }
}

/// The result is the environment of the step, or the last production that runs a deployment of this run.
#[test]
fn where_it_is_out_is_the_production_that_the_step_is_about_or_the_last_one() {
    let two = || live().changed(second).changed(|state| also_to(state, environment("us")));
    let review = || StepKind::Review { approvals: 1 };
    let votes = |name: &str| StepKind::Approve { environment: environment(name) };
    let drifted = |name: &'static str| {
        move |state: &mut Hotfix| {
            let drift = Drift { expected: commit("1111111"), found: commit("9999999") };
            state.drifts.insert(environment(name), drift);
        }
    };
    let cases: [(&str, Play, StepKind, Option<&str>); 11] = [
        ("nothing was deployed", begun(), review(), None),
        ("only staging was", asked(), review(), None),
        ("the only one", live(), review(), Some("production")),
        ("the last of two", two(), review(), Some("us")),
        ("the last that still runs it", two().changed(drifted("us")), review(), Some("production")),
        ("the one it is about", two(), votes("production"), Some("production")),
        ("the one it is about runs something else", two().changed(drifted("production")), votes("production"), None),
        ("it is about staging", live(), votes("staging"), Some("production")),
        ("staging runs something else", live().changed(drifted("staging")), votes("staging"), None),
        ("it was never deployed there", live(), votes("us"), Some("production")),
        ("none runs it", live().changed(drifted("production")), review(), None),
    ];
    for (what, play, kind, expected) in cases {
        assert_eq!(where_out(&play.state, &kind).map(Environment::as_str), expected, "{what}");
    }
}

#[test]
fn what_was_deployed_is_out_unless_something_took_its_place() {
    let last = |deploy: DeployState| live().changed(|state| state.deploys.last_mut().unwrap().state = deploy);
    let cases: [(&str, Play, bool); 9] = [
        ("it runs", live(), true),
        ("it is on its way", last(DeployState::Running), true),
        ("nothing was deployed", voted(), false),
        ("it failed", last(DeployState::Failed("no".to_owned())), false),
        (
            "a later attempt failed",
            live().changed(|state| {
                also_to(state, production());
                state.deploys.last_mut().unwrap().state = DeployState::Failed("no".to_owned());
            }),
            true,
        ),
        ("it was rolled back", live().changed(|state| state.deploys.last_mut().unwrap().intent.rollback = true), false),
        (
            "others put something there",
            live().changed(|state| {
                let drift = Drift { expected: commit("1111111"), found: commit("9999999") };
                state.drifts.insert(production(), drift);
            }),
            false,
        ),
        (
            "the run goes on top of what others put there",
            live().changed(|state| drop(state.rebased_onto.insert(production(), commit("9999999")))),
            false,
        ),
        (
            "a release came",
            live().changed(|state| drop(state.superseded.insert(production(), commit("9999999")))),
            false,
        ),
    ];
    for (what, play, expected) in cases {
        assert_eq!(is_out(&play.state, &production()), expected, "{what}");
    }
}

#[test]
fn what_is_in_the_way_of_an_act_is_open_or_does_not_hold_any_more() {
    let of = |play: &Play| in_the_way(&play.state, PRODUCTION, play.now);
    let votes = ("votes", "it is not done yet");
    assert_eq!(words(&of(&voted())), []);
    assert_eq!(words(&of(&asked())), [votes]);
    assert_eq!(words(&of(&asked().changed(draft))), [DRAFT, votes]);
    let before = asked().changed(draft);
    assert_eq!(words(&in_the_way(&before.state, REVIEW, before.now)), [], "the act comes first");
    let skipped = |state: &mut Hotfix| state.steps[REVIEW] = StepState::Skipped { by: None, reason: String::new() };
    assert_eq!(words(&of(&voted().changed(draft).changed(skipped))), []);
    let offered = |state: &mut Hotfix| state.steps[REVIEW] = StepState::Offered { since: state.opened_at };
    assert_eq!(words(&of(&voted().changed(draft).changed(offered))), []);
    // Votes and images are judged elsewhere.
    assert_eq!(words(&of(&voted().changed(|state| state.votes.clear()))), []);
    assert_eq!(words(&of(&done(voted(), StepKind::Image))), []);
    let open = |state: &mut Hotfix| state.steps[WITHHELD] = StepState::Ahead;
    let fulfilled = voted().changed(open);
    assert_eq!(words(&of(&fulfilled)), [("withheld", "it is not done yet")], "its turn has not come");
    let impossible = fulfilled.changed(|state| state.snapshot.as_mut().unwrap().held_back_total = 0);
    let why = "Nothing is withheld: production runs everything that is on main, so a hotfix would only be a detour.";
    assert_eq!(words(&of(&impossible)), [("withheld", why)]);
}

/// Failures and release blockers of main make the step unsound; missing checks of a new commit do not.
#[test]
fn main_that_goes_red_takes_a_step_back_and_one_that_is_not_read_yet_does_not() {
    let main = |state: CheckState, blockers: &[&str]| Some(main_seen("ddddddd", &[check("build", state)], blockers));
    let seen = |seen: Option<MainSeen>| done(voted(), StepKind::Releasable).changed(|state| state.main_seen = seen);
    lost_now(&seen(None), &[]);
    lost_now(&seen(main(CheckState::Success, &[])), &[]);
    lost_now(&seen(main(CheckState::Pending, &[])), &[]);
    lost_now(&seen(main(CheckState::Failure, &["#3 blocks"])), &[("extra", "build failed; #3 blocks")]);
}

/// The reason of an open step names its checks.
#[test]
fn the_checks_that_are_waited_for_are_named() {
    let open = |kind: StepKind, seen: Option<MainSeen>| {
        let play = done(voted(), kind).changed(|state| {
            state.steps[0] = StepState::Ahead;
            state.main_seen = seen;
            merged(state);
        });
        in_the_way(&play.state, 1, play.now)
    };
    let build = |at: &str, state: CheckState| Some(main_seen(at, &[check("build", state), check("lint", state)], &[]));
    let merge = || StepKind::Merge { method: MergeMethod::Merge };
    let of = |steps: &[(StepId, String)]| words(steps).into_iter().map(|(_, why)| why.to_owned()).collect::<Vec<_>>();
    let releasable = open(StepKind::Releasable, build("ddddddd", CheckState::Pending));
    assert_eq!(of(&releasable), ["build pending"]);
    let blocked = Some(main_seen("ddddddd", &[], &["#3 blocks", "#4 blocks"]));
    assert_eq!(of(&open(StepKind::Releasable, blocked)), ["#3 blocks; #4 blocks"]);
    assert_eq!(of(&open(merge(), build("eeeeeee", CheckState::Failure))), ["build failed"]);
    assert_eq!(of(&open(StepKind::Releasable, None)), ["it is not done yet"]);
}

#[test]
fn the_place_of_a_deployment_is_found_by_its_environment() {
    let state = asked().state;
    let places = ["staging", "production", "moon"].map(|name| place_of_deploy(&state, &environment(name)));
    assert_eq!(places, [Some(STAGING), Some(PRODUCTION), None]);
}
