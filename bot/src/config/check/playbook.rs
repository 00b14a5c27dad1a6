//! Checks of a playbook on its own: unique names, valid levels, and a valid order of steps.

use std::collections::{BTreeMap, BTreeSet};

use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::read::{Raw, RawPlaybook, RawStep};
use crate::domain::id::PlaybookId;
use crate::domain::playbook::{BranchRole, CapabilityKind, Level, Playbook, StepKind, StepSpec};

/// Returns all playbooks; `None` if one is invalid.
pub(super) fn all(raw: &Raw, sink: &Diagnostics) -> Option<BTreeMap<PlaybookId, Playbook>> {
    let mut playbooks = Some(BTreeMap::new());
    for playbook in &raw.playbooks {
        if playbook.steps.is_empty() {
            sink.add(Diagnostic::at(
                playbook.at,
                format!("the playbook {} has no steps", playbook.id),
                "this playbook",
                "add a [[step]]",
            ));
        }
        for steps in [&playbook.steps, &playbook.exceptional] {
            check_names(steps, sink);
            check_levels(steps, sink);
            check_order(steps, sink);
        }
        check_exceptional(playbook, sink);
        playbooks = playbooks.zip(valid(playbook)).map(|(mut all, one)| {
            all.insert(one.id.clone(), one);
            all
        });
    }
    playbooks
}

fn valid(playbook: &RawPlaybook) -> Option<Playbook> {
    let steps = |steps: &[RawStep]| steps.iter().map(spec).collect::<Option<Vec<_>>>();
    Some(Playbook {
        id: playbook.id.clone(),
        title: playbook.title.clone()?,
        branch: playbook.branch.as_ref()?.value.clone(),
        work_branch: playbook.work_branch.clone(),
        hold: playbook.hold,
        second_start: playbook.second_start?,
        steps: steps(&playbook.steps)?,
        exceptional: steps(&playbook.exceptional)?,
    })
}

fn spec(step: &RawStep) -> Option<StepSpec> {
    Some(StepSpec {
        id: step.id.as_ref()?.value.clone(),
        title: step.title.clone()?,
        level: step.level.as_ref()?.value,
        serves: step.serves.clone(),
        remind_minutes: step.remind_minutes,
        only_for: step.only_for,
        kind: step.kind.as_ref()?.value.clone(),
    })
}

fn check_names(steps: &[RawStep], sink: &Diagnostics) {
    let mut seen = BTreeMap::new();
    for id in steps.iter().filter_map(|step| step.id.as_ref()) {
        if let Some(first) = seen.insert(&id.value, id.at) {
            let what = format!("two steps are called {}", id.value);
            let next = "people name steps in `skip` and `override`: give each a name of its own";
            sink.add(Diagnostic::at(id.at, what, "named again", next).see(first, "named here"));
        }
    }
}

/// Checks the levels of steps. `must_not` is only for gates, because it refuses and cannot be overridden. A vote must
/// not be skippable.
fn check_levels(steps: &[RawStep], sink: &Diagnostics) {
    for step in steps {
        let (Some(level), Some(kind)) = (&step.level, &step.kind) else {
            continue;
        };
        let (gate, vote) = nature(&kind.value);
        if level.value == Level::MustNot && !gate {
            let what = "`must_not` is for steps that refuse";
            let next = "only withheld, releasable and capability can refuse; use must, should or may here";
            sink.add(Diagnostic::at(level.at, what, "this step refuses nothing", next));
        }
        if vote && level.value != Level::Must {
            let what = "an approval that can be skipped is none: nothing ships unapproved";
            let next = "take `level` out; if nobody's word is wanted, say so in the quorum in policy.toml";
            sink.add(Diagnostic::at(level.at, what, "could be skipped", next));
        }
        if let (Level::MustNot, Some(present)) = (level.value, &step.if_present) {
            let what = "a `must_not` step cannot be left out";
            sink.add(Diagnostic::at(present.at, what, "would leave it out", "take `if_present` out"));
        }
    }
}

/// Returns two flags: the kind is a gate, and the kind is a vote.
fn nature(kind: &StepKind) -> (bool, bool) {
    match kind {
        StepKind::HeldBack | StepKind::Releasable | StepKind::Capability { .. } | StepKind::Target => (true, false),
        StepKind::Approve { .. } => (false, true),
        StepKind::Triage { .. }
        | StepKind::Agree { .. }
        | StepKind::Base { .. }
        | StepKind::Announce
        | StepKind::Branch { .. }
        | StepKind::BuildJob { .. }
        | StepKind::OnMain
        | StepKind::OnEnvironment { .. }
        | StepKind::Change { .. }
        | StepKind::VersionOrder { .. }
        | StepKind::Review { .. }
        | StepKind::Verify { .. }
        | StepKind::Image
        | StepKind::Expire
        | StepKind::Deploy { .. }
        | StepKind::Merge { .. }
        | StepKind::RideAlong
        | StepKind::Mainline { .. }
        | StepKind::Postmortem { .. } => (false, false),
    }
}

/// The name of a kind, the kind that must precede it, and `once` for kinds whose evidence a run holds only once.
struct Place {
    word: &'static str,
    after: Option<&'static str>,
    once: bool,
}

fn place(kind: &StepKind) -> Place {
    let place = |word, after, once| Place { word, after, once };
    match kind {
        StepKind::Triage { .. } => place("triage", None, true),
        StepKind::Releasable => place("releasable", None, true),
        StepKind::Capability { .. } => place("capability", None, true),
        StepKind::Announce => place("announce", None, true),
        StepKind::Base { .. } => place("base", None, true),
        StepKind::HeldBack => place("withheld", Some("base"), true),
        StepKind::Branch { which: BranchRole::Fix } => place("branch", Some("base"), true),
        StepKind::Branch { which: BranchRole::Integration } => place("branch into", Some("base"), true),
        StepKind::Target => place("target", None, true),
        StepKind::Agree { .. } => place("agree", None, false),
        StepKind::BuildJob { .. } => place("build_job", Some("branch"), true),
        StepKind::OnMain => place("on_main", None, true),
        StepKind::OnEnvironment { .. } => place("on_environment", None, false),
        StepKind::VersionOrder { .. } => place("version_order", Some("change"), true),
        StepKind::Image => place("image", Some("base"), true),
        StepKind::Expire => place("expire", Some("deploy"), true),
        StepKind::Change { .. } => place("change", Some("branch"), true),
        StepKind::Review { .. } => place("review", Some("change"), true),
        StepKind::Merge { .. } => place("merge", Some("change"), true),
        StepKind::RideAlong => place("ride_along", Some("base"), true),
        StepKind::Verify { .. } => place("verify", None, false),
        StepKind::Approve { .. } => place("approve", Some("base"), false),
        StepKind::Deploy { .. } => place("deploy", Some("base"), false),
        StepKind::Mainline { .. } => place("mainline", Some("change"), true),
        StepKind::Postmortem { .. } => place("postmortem", None, true),
    }
}

fn check_order(steps: &[RawStep], sink: &Diagnostics) {
    // A step that could not be read may be the one that seems missing.
    if steps.iter().any(|step| step.kind.is_none()) {
        return;
    }
    let (mut seen, mut missed) = (BTreeMap::new(), BTreeSet::new());
    for kind in steps.iter().filter_map(|step| step.kind.as_ref()) {
        let Place { word, after, once } = place(&kind.value);
        // A missing step is reported once, at the first step that needs it.
        if let Some(needed) = after.filter(|needed| !seen.contains_key(needed) && missed.insert(*needed)) {
            let what = format!("the step `{word}` needs a step `{needed}` before it");
            sink.add(Diagnostic::at(kind.at, what, "too early", format!("put a step of the kind `{needed}` above it")));
        }
        if let Some(first) = seen.insert(word, kind.at).filter(|_| once) {
            let what = format!("a playbook has one `{word}` step");
            sink.add(Diagnostic::at(kind.at, what, "a second one", "keep one of them").see(first, "the first one"));
        }
    }
}

/// Checks that the exceptional path is gated by all three capabilities (MAIN-12, MAIN-13).
fn check_exceptional(playbook: &RawPlaybook, sink: &Diagnostics) {
    let Some(first) = playbook.exceptional.first() else {
        return;
    };
    let Some(kind) = &first.kind else { return };
    let next = "begin it with kind = \"capability\" and needs = [\"hotfix_workflow\", \"hotfix_staging\", \"release_handles_hotfix_tags\"]";
    let StepKind::Capability { needs } = &kind.value else {
        let what = "the exceptional path is open to everybody (MAIN-12)";
        sink.add(Diagnostic::at(kind.at, what, "begins without a gate", next));
        return;
    };
    if let Some(missing) = CapabilityKind::ALL.into_iter().find(|kind| !needs.contains(kind)) {
        let what = format!("the exceptional path opens without {} (MAIN-13)", missing.as_str());
        sink.add(Diagnostic::at(kind.at, what, "needs all three", next));
    }
    if let Some(level) = first.level.as_ref().filter(|level| matches!(level.value, Level::Should | Level::May)) {
        let what = "the gate of the exceptional path can be skipped (MAIN-12)";
        sink.add(Diagnostic::at(level.at, what, "could be skipped", "write level = \"must_not\""));
    }
}
