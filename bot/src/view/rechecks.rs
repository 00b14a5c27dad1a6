//! Tests that completed steps are checked again (security case 91). Generated from the list of all step kinds and the
//! evidence that each declares.

use std::sync::Arc;

use hotfix_adapters::forge::{Check, CheckState, MergeMethod, ReviewVerdict};
use hotfix_adapters::registry::{Image, Published};

use super::fixture::{Play, commit, environment, live, person, voted};
use crate::domain::command::{Command, Observation, PullFacts, UserCommand};
use crate::domain::event::{Event, MainSeen, PullSeen, ReviewSeen};
use crate::domain::hotfix::{PinnedImage, StepState};
use crate::domain::id::StepId;
use crate::domain::observation::StampedObservation;
use crate::domain::playbook::{
    Artifact, BaseSource, BranchRole, Level, MainlineBy, StepKind, StepSpec, Trigger, VerifyPlace,
};
use crate::domain::step::{Evidence, evidence};

/// Number of step kinds; [`number`] enumerates them.
const KINDS: usize = 24;

/// Returns the index of a step kind. A new kind must be added here and to [`every_kind`].
fn number(kind: &StepKind) -> usize {
    match kind {
        StepKind::Triage { .. } => 0,
        StepKind::Target => 1,
        StepKind::Agree { .. } => 2,
        StepKind::BuildJob { .. } => 3,
        StepKind::OnMain => 4,
        StepKind::OnEnvironment { .. } => 5,
        StepKind::VersionOrder { .. } => 6,
        StepKind::Image => 7,
        StepKind::Expire => 8,
        StepKind::Base { .. } => 9,
        StepKind::HeldBack => 10,
        StepKind::Releasable => 11,
        StepKind::Capability { .. } => 12,
        StepKind::Announce => 13,
        StepKind::Branch { .. } => 14,
        StepKind::Change { .. } => 15,
        StepKind::Review { .. } => 16,
        StepKind::Verify { .. } => 17,
        StepKind::Approve { .. } => 18,
        StepKind::Deploy { .. } => 19,
        StepKind::Merge { .. } => 20,
        StepKind::RideAlong => 21,
        StepKind::Mainline { .. } => 22,
        StepKind::Postmortem { .. } => KINDS - 1,
    }
}

fn every_kind() -> Vec<StepKind> {
    let (staging, production) = (environment("staging"), environment("production"));
    let text = || "something".to_owned();
    let method = MergeMethod::Merge;
    vec![
        StepKind::Triage { criteria: Vec::new(), ask: false },
        StepKind::Target,
        StepKind::Agree { party: text(), count: 0, question: text() },
        StepKind::BuildJob { file: text(), names: text() },
        StepKind::OnMain,
        StepKind::OnEnvironment { environment: staging.clone() },
        StepKind::VersionOrder { prefix: text() },
        StepKind::Image,
        StepKind::Expire,
        StepKind::Base { from: BaseSource::Production },
        StepKind::HeldBack,
        StepKind::Releasable,
        StepKind::Capability { needs: Vec::new() },
        StepKind::Announce,
        StepKind::Branch { which: BranchRole::Fix },
        StepKind::Change { large_lines: 0, pull: true },
        StepKind::Review { approvals: 1 },
        StepKind::Verify { place: VerifyPlace::Environment(staging), question: text(), by: Vec::new() },
        StepKind::Approve { environment: production.clone() },
        StepKind::Deploy { environment: production, trigger: Trigger::Command, what: Artifact::Fix },
        StepKind::Merge { method },
        StepKind::RideAlong,
        StepKind::Mainline { by: MainlineBy::Merge(method), delete_branch: false },
        StepKind::Postmortem { due_days: 5 },
    ]
}

fn build(state: CheckState) -> Vec<Check> {
    vec![Check { name: "build".to_owned(), app: "ci".to_owned(), state }]
}

/// Returns a run that is ready for production and has completed a step of this kind.
fn with_step(kind: &StepKind) -> (Play, StepId) {
    let mut play = voted();
    let there =
        play.state.plan.steps.iter().find(|spec| std::mem::discriminant(&spec.kind) == std::mem::discriminant(kind));
    let place = |spec: &StepSpec| !matches!(spec.kind, StepKind::Verify { place: VerifyPlace::Local, .. });
    let looks = play
        .state
        .plan
        .steps
        .iter()
        .filter(|spec| matches!(spec.kind, StepKind::Verify { .. }))
        .find(|spec| place(spec));
    let there = if matches!(kind, StepKind::Verify { .. }) { looks } else { there };
    if let Some(spec) = there {
        let id = spec.id.clone();
        return (play, id);
    }
    let id: StepId = "subject".parse().unwrap();
    let ships = play.state.deployable().unwrap().clone();
    let deploys = |spec: &StepSpec| matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == &environment("production"));
    let at = play.state.plan.steps.iter().position(deploys).unwrap();
    let spec = StepSpec {
        id: id.clone(),
        title: "Subject".to_owned(),
        level: Level::Must,
        serves: Vec::new(),
        remind_minutes: 0,
        only_for: None,
        kind: kind.clone(),
    };
    let done = StepState::Done { at: play.now, evidence: "so it was".to_owned() };
    play.state.plan.steps.insert(at, spec);
    play.state.steps.insert(at, done);
    let main = commit("eeeeeee");
    if matches!(kind, StepKind::Merge { .. }) {
        play.state.pull.as_mut().unwrap().merged = Some(main.clone());
    }
    if matches!(kind, StepKind::Image) {
        let image = Image {
            repository: "registry.example/team/payments".to_owned(),
            tag: "hotfix".to_owned(),
            digest: format!("sha256:{}", "d".repeat(64)).parse().unwrap(),
        };
        play.state.image =
            Some(PinnedImage { commit: ships, published: Published { image, created: None, revision: None } });
    }
    play.state.main_seen = Some(MainSeen { commit: main, checks: build(CheckState::Success), blockers: Vec::new() });
    (play, id)
}

/// Returns the pull request of a run with one piece of evidence changed; `None` for evidence from elsewhere.
fn pull(play: &Play, changed: Evidence) -> Option<PullSeen> {
    let mut seen = play.state.pull.as_ref().unwrap().seen.clone();
    match changed {
        Evidence::Checks => seen.checks = build(CheckState::Failure),
        Evidence::Approvals => seen.reviews.clear(),
        Evidence::ChangesRequested => seen.reviews.push(ReviewSeen {
            person: Some(person("eve")),
            name: "Eve".to_owned(),
            commit: commit("1111111"),
            verdict: ReviewVerdict::ChangesRequested,
        }),
        Evidence::Open => seen.closed = true,
        Evidence::Draft => seen.draft = true,
        Evidence::HoldLabels => seen.hold_labels = vec!["do-not-merge".to_owned()],
        Evidence::Target => seen.astray = Some("next".parse().unwrap()),
        Evidence::MainChecks
        | Evidence::Blockers
        | Evidence::MergeChecks
        | Evidence::Words
        | Evidence::Votes
        | Evidence::Tag => return None,
    }
    Some(seen)
}

/// Returns the command for an observation that is made from the current state of the run.
fn saw(play: &Play, sighting: Observation) -> Command {
    Command::Observed(StampedObservation::new(&Arc::new(play.state.clone()), sighting))
}

/// Returns the command that changes this evidence.
fn change(play: &Play, changed: Evidence) -> Command {
    if let Some(seen) = pull(play, changed) {
        return saw(play, Observation::Pull { seen, merged: None });
    }
    let main = |change: &dyn Fn(&mut MainSeen)| {
        let mut seen = play.state.main_seen.clone().unwrap();
        change(&mut seen);
        saw(play, Observation::Main(seen))
    };
    let by = |who: &str, act| Command::User(super::fixture::grant(who), act);
    match changed {
        Evidence::MainChecks | Evidence::MergeChecks => main(&|seen| seen.checks = build(CheckState::Failure)),
        Evidence::Blockers => main(&|seen| seen.blockers = vec!["#9 carries release-blocker".to_owned()]),
        Evidence::Words => by("eve", UserCommand::Verify { place: "staging".to_owned(), pass: false, note: None }),
        Evidence::Votes => by("ben", UserCommand::Unapprove { on: None }),
        Evidence::Tag => saw(play, Observation::Tag(None)),
        Evidence::Checks
        | Evidence::Approvals
        | Evidence::ChangesRequested
        | Evidence::Open
        | Evidence::Draft
        | Evidence::HoldLabels
        | Evidence::Target => unreachable!("the pull request says it"),
    }
}

fn is_done(play: &Play, step: &StepId) -> bool {
    play.state.state_of(step).unwrap().is_behind()
}

/// Security case 91: a completed step is open again if any of its evidence changes.
#[test]
fn case_91_a_step_is_open_again_when_its_evidence_changes() {
    let kinds = every_kind();
    assert_eq!(kinds.iter().map(number).collect::<Vec<_>>(), (0..KINDS).collect::<Vec<_>>());
    let mut tried = Vec::new();
    for kind in &kinds {
        for changed in evidence(kind) {
            let (play, step) = with_step(kind);
            assert!(is_done(&play, &step), "{kind:?}");
            let after = play.clone().then(&change(&play, *changed));
            assert!(!is_done(&after, &step), "{changed:?} of {kind:?} changed, and it is still done");
            tried.push(*changed);
        }
    }
    tried.sort();
    tried.dedup();
    assert_eq!(tried.len(), 13, "every kind of evidence is declared by some step: {tried:?}");
}

/// Security case 91: evidence is read again right before the deployment, and a change stops it.
#[test]
fn case_91_evidence_is_read_again_before_the_act() {
    for changed in evidence(&StepKind::Review { approvals: 1 }) {
        let asked = voted().by("ana", UserCommand::Deploy(environment("production")));
        let seen = pull(&asked, *changed).unwrap();
        let before = asked.state.deploys.len();
        let pull = Some(Box::new(PullFacts { seen, merged: None }));
        let after = asked.clone().begins_with("abc1234", |facts| facts.pull = pull);
        assert_eq!(after.state.deploys.len(), before, "{changed:?}");
        assert!(!is_done(&after, &"review".parse().unwrap()), "{changed:?}");
        assert!(after.entries.iter().any(|entry| matches!(entry.event, Event::DeployRefused { .. })), "{changed:?}");
    }
    let asked = voted().by("ana", UserCommand::Deploy(environment("production")));
    let before = asked.state.deploys.len();
    assert_eq!(asked.begins("abc1234").state.deploys.len(), before + 1);
}

/// Two people can override a step whose evidence changed, and an overridden step stays overridden.
#[test]
fn case_91_two_people_override_what_changed() {
    let play = voted();
    let red = play.clone().then(&change(&play, Evidence::Checks));
    let act = || UserCommand::Override {
        gate: "review".parse().unwrap(),
        reason: "nobody can pay until this is out".to_owned(),
        incident: "https://status.example/i/7".to_owned(),
    };
    let one = red.by("ana", act());
    assert!(!is_done(&one, &"review".parse().unwrap()));
    let two = one.by("dee", act()).by("ana", UserCommand::Deploy(environment("production")));
    let seen = two.state.pull.as_ref().unwrap().seen.clone();
    let before = two.state.deploys.len();
    let begun = two.begins_with("abc1234", |facts| facts.pull = Some(Box::new(PullFacts { seen, merged: None })));
    assert_eq!(begun.state.deploys.len(), before + 1);
}

/// After the deployment no step is reopened: the change is reported once, and reported again when it is undone.
#[test]
fn case_91_a_change_after_the_act_is_only_told() {
    let play = live();
    let from = play.entries.len();
    let red = play.clone().then(&change(&play, Evidence::Checks));
    let again = red.clone().then(&change(&red, Evidence::Checks));
    let seen = play.state.pull.as_ref().unwrap().seen.clone();
    let green = saw(&again, Observation::Pull { seen, merged: None });
    let green = again.then(&green);
    let events: Vec<&Event> = green.entries[from..].iter().map(|entry| &entry.event).collect();
    let told: Vec<bool> = events
        .iter()
        .filter_map(
            |event| if let Event::EvidenceChanged { problem, .. } = event { Some(problem.is_some()) } else { None },
        )
        .collect();
    assert_eq!(told, [true, false]);
    assert!(!events.iter().any(|event| matches!(event, Event::StepReopened { .. } | Event::DeployRequested { .. })));
}
