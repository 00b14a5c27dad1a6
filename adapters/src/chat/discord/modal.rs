//! Renders forms as Discord modals and reads submitted answers. Modals have at most five text inputs and no selection
//! lists, so choices are typed. If the choices are too long for the placeholder, the input is prefilled with one line
//! per choice and a box to mark. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::limits;
use super::render::label;
use crate::chat::sanitize::sanitize;
use crate::chat::{Answers, Choice, Form, Input, InputKind};
use crate::failure::Failure;

/// Prefix of the form key in a modal's id.
const FORM: &str = "form:";
/// Prefix of the id of an input whose answer is typed.
const TYPED: &str = "=";
/// Prefix of the id of an input that is answered by marking boxes.
const BOXES: &str = "#";

/// Renders a form as a modal.
///
/// # Errors
/// Returns [`Failure::Rejected`] if the form does not fit into a modal.
pub(super) fn modal(form: &Form) -> Result<Value, Failure> {
    let id = format!("{FORM}{}", form.key);
    if limits::length(&id) > limits::CUSTOM_ID {
        return Err(Failure::rejected("The form's key is longer than Discord keeps."));
    }
    let count = form.inputs.len();
    if count == 0 || count > limits::MODAL_INPUTS {
        return Err(Failure::rejected(format!("Discord shows five questions at once, and this form has {count}.")));
    }
    let rows: Vec<Value> = form
        .inputs
        .iter()
        .enumerate()
        .map(|(number, input)| {
            // Modals have no introductory text; show the lead as the first input's placeholder if that is free.
            let lead = Some(form.lead.as_str()).filter(|lead| number == 0 && !lead.is_empty());
            json!({ "type": 1, "components": [self::input(input, lead)] })
        })
        .collect();
    Ok(json!({ "custom_id": id, "title": label(&form.title, limits::MODAL_LABEL), "components": rows }))
}

/// Returns the form key from a modal's id.
pub(super) fn key(custom_id: &str) -> Option<&str> {
    custom_id.strip_prefix(FORM)
}

fn input(input: &Input, lead: Option<&str>) -> Value {
    let (style, most, hint, given, mark) = match &input.kind {
        InputKind::Line(most) => (1, usize::from(*most), input.hint.clone(), input.given.clone(), TYPED),
        InputKind::Paragraph(most) => (2, usize::from(*most), input.hint.clone(), input.given.clone(), TYPED),
        InputKind::One(choices) => (1, limits::ANSWER, named(choices, " or "), input.given.clone(), TYPED),
        InputKind::Many(choices) => match short(choices) {
            Some(hint) => (1, limits::ANSWER, format!("{hint}; with commas between"), input.given.clone(), TYPED),
            None => (2, limits::ANSWER, input.hint.clone(), boxes(choices, &input.given), BOXES),
        },
    };
    let hint = if hint.is_empty() { lead.unwrap_or_default() } else { &hint };
    let most = most.clamp(1, limits::ANSWER);
    let given: String = sanitize(&given).chars().take(most).collect();
    let mut made = json!({
        "type": 4, "custom_id": format!("{mark}{}", input.id), "label": label(&input.label, limits::MODAL_LABEL),
        "style": style, "required": input.required, "max_length": most,
    });
    if let Some(made) = made.as_object_mut() {
        if !hint.trim().is_empty() {
            made.insert("placeholder".to_owned(), label(hint, limits::PLACEHOLDER).into());
        }
        if !given.is_empty() {
            made.insert("value".to_owned(), given.into());
        }
    }
    made
}

/// Lists the choices with their labels, or only their ids if that is too long.
fn named(choices: &[Choice], between: &str) -> String {
    let ids = || choices.iter().map(|choice| choice.id.as_str()).collect::<Vec<_>>().join(between);
    short(choices).unwrap_or_else(ids)
}

fn short(choices: &[Choice]) -> Option<String> {
    let each = |choice: &Choice| match choice.id == choice.label {
        true => choice.id.clone(),
        false => format!("{} = {}", choice.id, choice.label),
    };
    let text = choices.iter().map(each).collect::<Vec<_>>().join(" · ");
    Some(text).filter(|text| limits::length(text) + 22 <= limits::PLACEHOLDER)
}

/// Returns one line per choice, `[ ] a: label`, with chosen ones marked.
fn boxes(choices: &[Choice], given: &str) -> String {
    let chosen: Vec<&str> = given.split(',').map(str::trim).collect();
    let room = limits::ANSWER / choices.len().max(1);
    let line = |choice: &Choice| {
        let mark = if chosen.contains(&choice.id.as_str()) { 'x' } else { ' ' };
        limits::cut(&format!("[{mark}] {}: {}", choice.id, choice.label.replace('\n', " ")), room.saturating_sub(1))
    };
    choices.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads the answers from the components of a submitted modal.
pub(super) fn answers(components: &Value) -> Answers {
    let inputs = components.as_array().into_iter().flatten().flat_map(|row| match row.get("component") {
        Some(input) => vec![input],
        None => row.get("components").and_then(Value::as_array).into_iter().flatten().collect(),
    });
    let answer = |input: &Value| {
        let (id, text) = (input.get("custom_id")?.as_str()?, input.get("value")?.as_str()?);
        match id.strip_prefix(BOXES) {
            Some(id) => Some((id.to_owned(), marked(text))),
            None => Some((id.strip_prefix(TYPED).unwrap_or(id).to_owned(), text.to_owned())),
        }
    };
    let all: BTreeMap<String, String> = inputs.filter_map(answer).filter(|(_, text)| !text.trim().is_empty()).collect();
    Answers(all)
}

/// Returns the ids of the marked lines. Also accepts ids typed without boxes.
fn marked(text: &str) -> String {
    let mut ids = Vec::new();
    for line in text.lines().map(str::trim) {
        match line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((mark, rest)) if !mark.trim().is_empty() => {
                ids.extend(rest.split(':').next().map(str::trim).filter(|id| !id.is_empty()));
            }
            Some(_) => {}
            None => ids.extend(line.split(',').map(str::trim).filter(|id| !id.is_empty())),
        }
    }
    ids.join(",")
}

/// Prefills a form with answers, to show it again.
pub(super) fn filled(mut form: Form, answers: &Answers) -> Form {
    for input in &mut form.inputs {
        input.given = answers.get(&input.id).unwrap_or_default().to_owned();
    }
    form
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn ask(id: &str, kind: InputKind, required: bool) -> Input {
        let (id, label) = (id.to_owned(), format!("The {id}?"));
        Input { id, label, hint: String::new(), kind, required, given: String::new() }
    }

    fn form(inputs: Vec<Input>) -> Form {
        let (key, title, submit) = ("verify/HF-1".to_owned(), "Verify ".repeat(9), "Go".to_owned());
        let instead = "/hotfix verify staging pass HF-1".to_owned();
        Form { key, title, submit, lead: "HF-1 payments".to_owned(), inputs, instead }
    }

    fn choices(all: &[(&str, &str)]) -> Vec<Choice> {
        all.iter().map(|(id, label)| Choice { id: (*id).to_owned(), label: (*label).to_owned() }).collect()
    }

    #[test]
    fn choices_are_typed() {
        let verdict = choices(&[("pass", "Yes, it works"), ("fail", "No")]);
        let made = modal(&form(vec![
            ask("verdict", InputKind::One(verdict), true),
            ask("note", InputKind::Paragraph(2000), false),
        ]))
        .unwrap();
        assert_eq!(made["custom_id"], "form:verify/HF-1");
        assert_eq!(made["title"].as_str().unwrap().chars().count(), 45);
        let one = &made["components"][0]["components"][0];
        assert_eq!(
            (&one["custom_id"], &one["placeholder"]),
            (&json!("=verdict"), &json!("pass = Yes, it works · fail = No"))
        );
        assert_eq!(made["components"][1]["components"][0]["style"], 2);
        assert_eq!(key("form:verify/HF-1"), Some("verify/HF-1"));
    }

    #[test]
    fn long_choices_have_boxes() {
        let long = choices(&[("a", &"Users lose money ".repeat(9)), ("b", "There is a workaround")]);
        let mut asked = form(vec![Input { given: "b".to_owned(), ..ask("criteria", InputKind::Many(long), false) }]);
        let made = modal(&asked).unwrap();
        let input = &made["components"][0]["components"][0];
        let value = input["value"].as_str().unwrap();
        assert!(value.starts_with("[ ] a: Users lose") && value.ends_with("\n[x] b: There is a workaround"), "{value}");
        let handed_in = |value: &str| {
            let input = json!({ "type": 4, "custom_id": "#criteria", "value": value });
            answers(&json!([{ "type": 1, "components": [input] }]))
        };
        assert_eq!(handed_in(value).get("criteria"), Some("b"));
        assert_eq!(handed_in("[X] a: Users\n[ ] b: There").get("criteria"), Some("a"));
        assert_eq!(handed_in("a, b").get("criteria"), Some("a,b"));
        assert_eq!(handed_in("[ ] a: Users").get("criteria"), None);
        asked = filled(asked, &handed_in("a"));
        assert_eq!(asked.inputs[0].given, "a");
    }

    #[test]
    fn five_questions_are_asked() {
        let form_of =
            |count: usize| form((0..count).map(|n| ask(&format!("q{n}"), InputKind::Line(200), false)).collect());
        assert_eq!(modal(&form_of(5)).unwrap()["components"].as_array().unwrap().len(), 5);
        assert!(modal(&form_of(6)).is_err(), "none is left out without a word");
        assert!(modal(&form_of(0)).is_err());
    }
}
