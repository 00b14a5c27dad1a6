//! Parser of one step of a playbook: the common keys, and those of its kind.

use hotfix_adapters::forge::MergeMethod;
use hotfix_adapters::ids::Environment;

use super::super::diagnostic::{Diagnostic, Located};
use super::super::field::Field;
use super::super::reader::Reader;
use super::super::requirements;
use crate::domain::id::{RequirementId, StepId};
use crate::domain::playbook::{
    Artifact, BaseSource, BranchRole, CapabilityKind, Level, MainlineBy, ServiceKind, StepKind, Trigger, VerifyPlace,
};

/// A step as written.
pub(in crate::config) struct RawStep {
    pub(in crate::config) id: Option<Located<StepId>>,
    pub(in crate::config) title: Option<String>,
    pub(in crate::config) level: Option<Located<Level>>,
    pub(in crate::config) serves: Vec<RequirementId>,
    pub(in crate::config) remind_minutes: u32,
    /// `true` to omit the step for a service without its environment.
    pub(in crate::config) if_present: Option<Located<bool>>,
    /// The kind of service that the step is limited to.
    pub(in crate::config) only_for: Option<ServiceKind>,
    /// The action of the step, at the position of its environment if it has one, else of its kind.
    pub(in crate::config) kind: Option<Located<StepKind>>,
}

type Read = fn(&Reader<'_>) -> Option<StepKind>;

const KINDS: [(&str, Read); 25] = [
    ("triage", triage),
    ("target", |_| Some(StepKind::Target)),
    ("agree", agree),
    ("build_job", build_job),
    ("on_main", |_| Some(StepKind::OnMain)),
    ("on_environment", on_environment),
    ("version_order", version_order),
    ("image", |_| Some(StepKind::Image)),
    ("expire", |_| Some(StepKind::Expire)),
    ("monitor", monitor),
    ("base", base),
    ("withheld", |_| Some(StepKind::HeldBack)),
    ("releasable", |_| Some(StepKind::Releasable)),
    ("capability", capability),
    ("announce", |_| Some(StepKind::Announce)),
    ("branch", branch),
    ("change", change),
    ("review", review),
    ("verify", verify),
    ("approve", approve),
    ("deploy", deploy),
    ("merge", |reader| Some(StepKind::Merge { method: method(reader) })),
    ("ride_along", |_| Some(StepKind::RideAlong)),
    ("mainline", mainline),
    ("postmortem", postmortem),
];

/// The words for the kinds of services.
pub(super) const SERVICE_KINDS: [(&str, ServiceKind); 2] =
    [("app", ServiceKind::App), ("operator", ServiceKind::Operator)];

const LEVELS: [(&str, Level); 4] =
    [("must", Level::Must), ("should", Level::Should), ("may", Level::May), ("must_not", Level::MustNot)];

pub(super) fn read(field: Field<'_>, remind_minutes: u32) -> Option<RawStep> {
    let reader = field.table("a step")?;
    let id = reader.need("id").parse();
    let title = reader.need("title").string_line().map(|title| title.value);
    let level = match reader.get("level").at() {
        Some(_) => reader.get("level").choice(&LEVELS),
        // The default level is `must`.
        None => Some(Located { value: Level::Must, at: reader.at }),
    };
    let serves = reader.get("serves").one_or_more().into_iter().filter_map(requirement).collect();
    let remind_minutes = reader.get("remind_minutes").integer(0..=10_080).map_or(remind_minutes, |number| number.value);
    let if_present = reader.get("if_present").boolean();
    let only_for = reader.get("only_for").choice(&SERVICE_KINDS).map(|kind| kind.value);
    let choice = reader.need("kind").choice(&KINDS);
    let mut kind = None;
    if let Some(choice) = choice {
        let environment = reader.place("environment").or_else(|| reader.place("place"));
        kind = (choice.value)(&reader).map(|value| Located { value, at: environment.unwrap_or(choice.at) });
        reader.finish();
    } else {
        reader.abandon();
    }
    Some(RawStep { id, title, level, serves, remind_minutes, if_present, only_for, kind })
}

pub(super) fn requirement(field: Field<'_>) -> Option<RequirementId> {
    let sink = field.sink();
    let id = field.parse::<RequirementId>()?;
    if requirements::summary(&id.value).is_none() {
        let near =
            super::super::reader::nearest(id.value.as_str(), requirements::REQUIREMENTS.iter().map(|known| known.id));
        let next = near.map_or_else(|| "see requirements.md".to_owned(), |near| format!("did you mean {near}?"));
        sink.add(Diagnostic::at(id.at, format!("no runbook has the sentence {}", id.value), "unknown", next));
        return None;
    }
    Some(id.value)
}

fn triage(reader: &Reader<'_>) -> Option<StepKind> {
    let criteria: Vec<String> =
        reader.need("criteria").list().into_iter().filter_map(Field::string_line).map(|line| line.value).collect();
    let ask = reader.get("ask").boolean().is_some_and(|flag| flag.value);
    Some(StepKind::Triage { criteria, ask })
}

fn agree(reader: &Reader<'_>) -> Option<StepKind> {
    let party = reader.need("party").string_line();
    let question = reader.need("question").string_line();
    let count = reader.get("count").integer(1..=20).map_or(1, |number| number.value);
    Some(StepKind::Agree { party: party?.value, count, question: question?.value })
}

fn build_job(reader: &Reader<'_>) -> Option<StepKind> {
    let (file, names) = (reader.need("file").string_line(), reader.need("names").string_line());
    Some(StepKind::BuildJob { file: file?.value, names: names?.value })
}

fn on_environment(reader: &Reader<'_>) -> Option<StepKind> {
    Some(StepKind::OnEnvironment { environment: reader.need("environment").parse()?.value })
}

fn version_order(reader: &Reader<'_>) -> Option<StepKind> {
    Some(StepKind::VersionOrder { prefix: reader.need("prefix").string_line()?.value })
}

fn branch(reader: &Reader<'_>) -> Option<StepKind> {
    let which = [("fix", BranchRole::Fix), ("into", BranchRole::Integration)];
    Some(StepKind::Branch { which: reader.get("which").choice(&which).map_or(BranchRole::Fix, |which| which.value) })
}

/// Parses a verification that lasts for some time after the deployment.
fn monitor(reader: &Reader<'_>) -> Option<StepKind> {
    let (environment, question) = (reader.need("environment").parse(), reader.need("question").string_line());
    let place = VerifyPlace::Watch(environment?.value);
    Some(StepKind::Verify { place, question: question?.value, by: parties(reader) })
}

/// Parses the parties whose attestation or agreement the step needs.
fn parties(reader: &Reader<'_>) -> Vec<String> {
    reader.get("by").one_or_more().into_iter().filter_map(Field::string_line).map(|line| line.value).collect()
}

fn base(reader: &Reader<'_>) -> Option<StepKind> {
    let sources =
        [("production", BaseSource::Production), ("release", BaseSource::Release), ("main", BaseSource::Main)];
    Some(StepKind::Base { from: reader.need("from").choice(&sources)?.value })
}

fn capability(reader: &Reader<'_>) -> Option<StepKind> {
    let kinds = CapabilityKind::ALL.map(|kind| (kind.as_str(), kind));
    let needs = reader.need("needs").list().into_iter().filter_map(|field| field.choice(&kinds));
    Some(StepKind::Capability { needs: needs.map(|kind| kind.value).collect() })
}

fn change(reader: &Reader<'_>) -> Option<StepKind> {
    Some(StepKind::Change {
        large_lines: reader.get("large_lines").integer(1..=100_000).map_or(200, |number| number.value),
        pull: reader.get("pull_request").boolean().is_none_or(|flag| flag.value),
    })
}

fn review(reader: &Reader<'_>) -> Option<StepKind> {
    Some(StepKind::Review { approvals: reader.get("approvals").integer(0..=20).map_or(1, |number| number.value) })
}

fn verify(reader: &Reader<'_>) -> Option<StepKind> {
    let place = reader.need("place").parse::<Environment>();
    let question = reader.need("question").string_line();
    let place = place?.value;
    let place = if place.as_str() == "local" { VerifyPlace::Local } else { VerifyPlace::Environment(place) };
    Some(StepKind::Verify { place, question: question?.value, by: parties(reader) })
}

fn approve(reader: &Reader<'_>) -> Option<StepKind> {
    Some(StepKind::Approve { environment: reader.need("environment").parse()?.value })
}

fn deploy(reader: &Reader<'_>) -> Option<StepKind> {
    let environment = reader.need("environment").parse();
    let triggers = [("auto", Trigger::Auto), ("command", Trigger::Command)];
    // Production is never implied, so a step without a trigger waits for a command.
    let trigger = reader.get("trigger").choice(&triggers).map_or(Trigger::Command, |trigger| trigger.value);
    let whats = [("ships", Artifact::Fix), ("schema", Artifact::Schema)];
    let what = reader.get("what").choice(&whats).map_or(Artifact::Fix, |what| what.value);
    Some(StepKind::Deploy { environment: environment?.value, trigger, what })
}

fn mainline(reader: &Reader<'_>) -> Option<StepKind> {
    let delete_branch = reader.get("delete_branch").boolean().is_some_and(|flag| flag.value);
    let ways = [
        ("merge", MainlineBy::Merge(MergeMethod::Merge)),
        ("squash", MainlineBy::Merge(MergeMethod::Squash)),
        ("pull_request", MainlineBy::Pull),
        ("proof", MainlineBy::Proof),
    ];
    let by = reader.get("method").choice(&ways).map_or(MainlineBy::Merge(MergeMethod::Merge), |way| way.value);
    Some(StepKind::Mainline { by, delete_branch })
}

fn postmortem(reader: &Reader<'_>) -> Option<StepKind> {
    Some(StepKind::Postmortem { due_days: reader.get("due_days").integer(1..=365).map_or(5, |number| number.value) })
}

fn method(reader: &Reader<'_>) -> MergeMethod {
    let methods = [("merge", MergeMethod::Merge), ("squash", MergeMethod::Squash)];
    reader.get("method").choice(&methods).map_or(MergeMethod::Merge, |method| method.value)
}
