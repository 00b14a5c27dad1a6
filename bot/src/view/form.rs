//! Forms, for chats that support them. Each asks for the arguments of one command.

use hotfix_adapters::chat::{Action, Choice, Form, Input, InputKind};
use hotfix_adapters::ids::Platform;
use jiff::Timestamp;

use super::Audience;
use super::status::wait;
use super::text::{command, outside};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, ServiceName, StepId};
use crate::domain::playbook::{Playbook, StepKind};
use crate::domain::step::Wait;

/// Prefix of a button value that opens a form; the form key follows.
pub const OPENS: &str = "form/";
/// Prefix of a button value that acknowledges a run; the run id follows.
pub const ACKNOWLEDGES: &str = "ack/";

/// Maximum lengths of a line and of a paragraph, in characters. A whole command may have 4,000 bytes.
const LINE: u16 = 200;
const PARAGRAPH: u16 = 2_000;

/// Builds the form that opens a run. It includes the triage criteria if the service is known (HOCS-2).
#[must_use]
pub fn start_form(service: Option<(&ServiceName, Option<&Playbook>)>, services: &[ServiceName]) -> Form {
    let mut inputs = Vec::new();
    if service.is_none() {
        let choice = |name: &ServiceName| Choice { id: name.to_string(), label: name.to_string() };
        inputs.push(required("service", "Which service?", InputKind::One(services.iter().map(choice).collect())));
    }
    inputs.push(hinted(
        required("title", "What is broken?", InputKind::Line(LINE)),
        "One line; it is what everybody reads first.",
    ));
    inputs.push(optional("incident", "Incident", "The address of its page, if there is one.", InputKind::Line(LINE)));
    inputs.push(optional("ticket", "Ticket", "Such as PAY-42.", InputKind::Line(LINE)));
    let words = "Commits or pull requests, if they are there already: 101 or 1a2b3c4.";
    inputs.push(optional("fix", "The fix", words, InputKind::Line(LINE)));
    let criteria = service.and_then(|(_, playbook)| playbook).and_then(criteria);
    if let Some(criteria) = criteria {
        let hint = "Choose what is met; the rest counts as not met.";
        inputs.push(optional("criteria", "Which of these are met?", hint, InputKind::Many(lettered(criteria))));
    }
    let key = service.map_or_else(|| "start".to_owned(), |(name, _)| format!("start/{name}"));
    let named = service.map_or("<service>", |(name, _)| name.as_str());
    let instead =
        command(&format!("start {named} \"<what is broken>\" --incident <link> --ticket <key> --fix <commit>"));
    let title = service.map_or_else(|| "Start a hotfix".to_owned(), |(name, _)| format!("Hotfix of {name}"));
    Form { key, title, submit: "Start".to_owned(), lead: String::new(), inputs, instead }
}

/// Builds the form for the triage questions; `None` if the plan asks none (HOCS-2).
#[must_use]
pub fn triage_form(state: &Hotfix) -> Option<Form> {
    let kinds = state.plan.steps.iter().map(|spec| &spec.kind);
    let criteria = kinds
        .filter_map(|kind| if let StepKind::Triage { criteria, ask: true } = kind { Some(criteria) } else { None })
        .next()?;
    let hint = "Choose what is met; the rest counts as not met.";
    let input = optional("criteria", "Which of these are met?", hint, InputKind::Many(lettered(criteria)));
    Some(about(state, "triage", ("Is a hotfix right?", "Answer"), "triage a=yes b=no rest=no", vec![input]))
}

/// Builds the form that reports the result of a verification.
#[must_use]
pub fn verify_form(state: &Hotfix, place: &str) -> Form {
    let verdicts = [("pass", "Yes, it works there"), ("fail", "No, it does not")];
    let choices = verdicts.map(|(id, label)| Choice { id: id.to_owned(), label: label.to_owned() });
    let inputs = vec![
        required("verdict", "Does the fix work there?", InputKind::One(choices.into())),
        optional("note", "What did you see?", "It is kept with your word.", InputKind::Paragraph(PARAGRAPH)),
    ];
    let instead = format!("verify {place} pass \"<what you saw>\"");
    about(state, &format!("verify/{place}"), (&format!("Verify on {place}"), "Say so"), &instead, inputs)
}

/// Builds the form that puts a run on hold.
#[must_use]
pub fn hold_form(state: &Hotfix) -> Form {
    let inputs = vec![required("reason", "Why must it wait?", InputKind::Paragraph(PARAGRAPH))];
    about(state, "hold", ("Hold the hotfix", "Hold"), "hold \"<why>\"", inputs)
}

/// Builds the form that rejects the open vote request. Its key names that vote request, so that a later one is not
/// rejected (security case 35).
#[must_use]
pub fn reject_form(state: &Hotfix) -> Form {
    let inputs = vec![required("reason", "Why not?", InputKind::Paragraph(PARAGRAPH))];
    let form = about(state, "reject", ("Say no", "Say no"), "reject \"<why>\"", inputs);
    match state.vote_requests.iter().find(|(environment, _)| state.takes_votes(environment)) {
        Some((environment, prompt)) => {
            Form { key: format!("{}/{}/{environment}", form.key, prompt.commit.short()), ..form }
        }
        None => form,
    }
}

/// Builds the form that overrides a mandatory step.
#[must_use]
pub fn override_form(state: &Hotfix, gate: &StepId) -> Form {
    let hint = "It is announced, and a second person has to agree.";
    let inputs = vec![
        hinted(required("reason", "Why can it not be met?", InputKind::Paragraph(PARAGRAPH)), hint),
        hinted(
            required("incident", "Incident", InputKind::Line(LINE)),
            "The address of the incident that justifies it.",
        ),
    ];
    let instead = format!("override {gate} \"<why>\" --incident <link>");
    about(state, &format!("override/{gate}"), ("Override a must", "Override"), &instead, inputs)
}

/// Builds the form that attaches a message to a run. The user selects the run.
#[must_use]
pub fn add_form(runs: &[&Hotfix], text: &str) -> Form {
    let choice = |run: &&Hotfix| Choice {
        id: run.id.to_string(),
        label: format!("{} {}: {}", run.id, run.plan.service, outside(&run.title)),
    };
    let mut note = required("text", "What is kept", InputKind::Paragraph(PARAGRAPH));
    note.given = text.chars().take(usize::from(PARAGRAPH)).collect();
    let inputs = vec![required("run", "With which run?", InputKind::One(runs.iter().map(choice).collect())), note];
    Form {
        key: "add".to_owned(),
        title: "Add to a hotfix".to_owned(),
        submit: "Add".to_owned(),
        lead: String::new(),
        inputs,
        instead: command("note <run> \"<what is kept>\""),
    }
}

/// Returns the buttons of a card, if the chat supports forms. Each has an equivalent command.
pub(super) fn buttons(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> Vec<Action> {
    if !has_buttons(to) || state.is_over() {
        return Vec::new();
    }
    let mut buttons = Vec::new();
    match wait(state, now) {
        Some(Wait::Triage { .. }) => buttons.push(opens(state, "Answer the triage", "triage")),
        Some(Wait::Word { place, .. }) => buttons.push(opens(state, "Say what you saw", &format!("verify/{place}"))),
        Some(_) | None => {}
    }
    buttons.push(opens(state, "Hold…", "hold"));
    buttons
}

/// Returns the buttons for the author of an included change.
pub(super) fn riders_buttons(state: &Hotfix, to: &Audience<'_>) -> Vec<Action> {
    if !has_buttons(to) {
        return Vec::new();
    }
    let value = format!("{ACKNOWLEDGES}{}", state.id);
    vec![Action { label: "Acknowledge".to_owned(), value, danger: false }, opens(state, "Hold…", "hold")]
}

fn has_buttons(to: &Audience<'_>) -> bool {
    match to.platform {
        Platform::Slack | Platform::Discord => true,
        Platform::Console | Platform::Git | Platform::Github | Platform::Gitlab => false,
    }
}

/// Returns a button that opens a form.
fn opens(state: &Hotfix, label: &str, topic: &str) -> Action {
    Action { label: label.to_owned(), value: format!("{OPENS}{}", key(topic, state.id)), danger: false }
}

/// Returns the triage criteria of a playbook; `None` if it asks none.
fn criteria(playbook: &Playbook) -> Option<&Vec<String>> {
    let kinds = playbook.steps.iter().map(|spec| &spec.kind);
    kinds
        .filter_map(|kind| if let StepKind::Triage { criteria, ask: true } = kind { Some(criteria) } else { None })
        .next()
}

/// Labels the criteria with letters; the first is `a`.
fn lettered(criteria: &[String]) -> Vec<Choice> {
    let letters = 'a'..='z';
    letters.zip(criteria).map(|(letter, text)| Choice { id: letter.to_string(), label: text.clone() }).collect()
}

fn about(state: &Hotfix, topic: &str, (title, submit): (&str, &str), instead: &str, inputs: Vec<Input>) -> Form {
    let lead = format!("{} {} — {}", state.id, state.plan.service, outside(&state.title));
    let instead = command(&format!("{instead} {}", state.id));
    Form { key: key(topic, state.id), title: title.to_owned(), submit: submit.to_owned(), lead, inputs, instead }
}

fn key(topic: &str, run: HotfixId) -> String {
    format!("{topic}/{run}")
}

fn required(id: &str, label: &str, kind: InputKind) -> Input {
    let (id, label) = (id.to_owned(), label.to_owned());
    Input { id, label, hint: String::new(), kind, required: true, given: String::new() }
}

fn optional(id: &str, label: &str, hint: &str, kind: InputKind) -> Input {
    Input { required: false, ..hinted(required(id, label, kind), hint) }
}

fn hinted(input: Input, hint: &str) -> Input {
    Input { hint: hint.to_owned(), ..input }
}
