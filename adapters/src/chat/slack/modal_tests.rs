//! Tests of modals: forms stay within Slack's limits, and answers are read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::chat::Tone;

fn choice(id: &str) -> Choice {
    Choice { id: id.to_owned(), label: format!("label of {id}") }
}

fn question(id: &str, kind: InputKind, given: &str) -> Input {
    let (label, hint) = (format!("Which {id}?"), String::new());
    Input { id: id.to_owned(), label, hint, kind, required: true, given: given.to_owned() }
}

fn form_of(inputs: Vec<Input>) -> Form {
    Form {
        key: "start".to_owned(),
        title: "Start a hotfix of a long name".to_owned(),
        submit: "Start".to_owned(),
        lead: "Production runs 1.4.2.".to_owned(),
        instead: "/hotfix start".to_owned(),
        inputs,
    }
}

fn shown(form_: &Form) -> Value {
    serde_json::to_value(form(form_, &ChannelRef::parse("C1").unwrap(), None).unwrap()).unwrap()
}

#[test]
fn every_kind_of_question() {
    let view = shown(&form_of(vec![
        question("title", InputKind::Line(80), "Fix 500"),
        question("impact", InputKind::Paragraph(60_000), ""),
        question("severity", InputKind::One(vec![choice("high"), choice("low")]), "low"),
        question("teams", InputKind::Many(vec![choice("a"), choice("b")]), "a, b"),
        question("many", InputKind::Many((0..40).map(|n| choice(&n.to_string())).collect()), "3"),
        question("service", InputKind::One((0..101).map(|n| choice(&format!("s{n}"))).collect()), ""),
    ]));
    assert_eq!(view["title"]["text"], "Start a hotfix of a lon…");
    assert_eq!(view["notify_on_close"], false);
    let kept = FormState { key: "start".to_owned(), channel: ChannelRef::parse("C1").ok(), thread: None };
    assert_eq!(FormState::read(view["private_metadata"].as_str().unwrap()), Some(kept));
    let element = |number: usize| &view["blocks"][number + 1]["element"];
    assert_eq!((&element(0)["initial_value"], &element(0)["max_length"]), (&json!("Fix 500"), &json!(80)));
    assert_eq!((&element(1)["multiline"], &element(1)["max_length"]), (&json!(true), &json!(3000)));
    assert_eq!(element(2)["initial_option"]["value"], "low");
    assert_eq!(
        (&element(3)["type"], element(3)["initial_options"].as_array().unwrap().len()),
        (&json!("checkboxes"), 2)
    );
    assert_eq!(element(4)["type"], "multi_static_select");
    assert_eq!(element(5)["type"], "plain_text_input", "a list that is too long is typed");
    assert!(view["blocks"][6]["hint"]["text"].as_str().unwrap().contains("One of: s0, s1"));
    assert_eq!(view["blocks"][1]["block_id"], "title");
}

#[test]
fn a_key_that_slack_cannot_keep_is_refused() {
    let form_ = Form { key: "k".repeat(3000), ..form_of(Vec::new()) };
    assert!(form(&form_, &ChannelRef::parse("C1").unwrap(), None).is_err());
}

#[test]
fn a_page_says_what_it_leaves_out() {
    let card = |n: usize| Card { lines: vec![Text::of(format!("HF-{n}"))], ..Card::line(Tone::Neutral, Text::of("")) };
    let cards: Vec<Card> = (0..80).map(card).collect();
    let view = serde_json::to_value(home(&cards).unwrap()).unwrap();
    let blocks = view["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 100, "{}", blocks.len());
    assert!(view.to_string().contains("30 more do not fit"), "{view}");
}
