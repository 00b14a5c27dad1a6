//! What is told for each outcome, by the way in which somebody can be answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::vocabulary::{ChannelRef, PersonRef, Platform};

fn way(by: By) -> Way {
    Way {
        by,
        person: PersonRef::new(Platform::Slack, "T1/U1"),
        channel: ChannelRef::parse("C1").unwrap(),
        thread: None,
        response_url: None,
        trigger: None,
    }
}

fn told(heard: Heard, by: By) -> (Value, Option<Then>) {
    let Reply { ack, then } = reply(heard, &way(by));
    let ack = match ack {
        Ack::Empty => Value::Null,
        Ack::Body(body) => body,
        Ack::Refused => "refused".into(),
    };
    (ack, then)
}

fn form() -> Form {
    Form {
        key: "k".into(),
        title: "t".into(),
        submit: "s".into(),
        lead: String::new(),
        inputs: Vec::new(),
        instead: "/hotfix hold".into(),
    }
}

#[test]
fn a_form_that_cannot_be_shown_is_said() {
    let (ack, then) = told(Heard::Form(form()), By::Mention);
    assert!(ack.is_null() && matches!(&then, Some(Then::Say(_))), "{then:?}");
}

#[test]
fn faults_without_a_form_are_said() {
    let wrong = || Heard::Wrong(vec![("note".to_owned(), "is empty".to_owned())]);
    let (ack, _) = told(wrong(), By::Command);
    assert_eq!(ack["text"], "⚠ note: is empty");
    let (ack, _) = told(wrong(), By::Form(None));
    assert_eq!(ack, json!({"response_action": "errors", "errors": {"note": "is empty"}}));
}

/// What could not be kept: events come again, a form stays open with what was typed, the rest is told.
#[test]
fn what_was_lost_is_told_where_slack_does_not_repeat_it() {
    for by in [By::Mention, By::Reaction, By::Home] {
        assert_eq!(told(Heard::Failed, by).0, "refused");
    }
    let (ack, _) = told(Heard::Failed, By::Form(Some("note".to_owned())));
    assert_eq!(ack["errors"]["note"], LOST);
    assert!(told(Heard::Failed, By::Command).0["text"].as_str().unwrap().contains(LOST));
    assert!(matches!(told(Heard::Failed, By::Button).1, Some(Then::Say(_))));
}

/// A card that is shown whole or not at all is refused in an answer as well.
#[test]
fn an_answer_that_does_not_fit_says_so() {
    let card = Card { lines: vec![Text::of("x".repeat(20_000))], whole: true, ..Card::default() };
    let (ack, _) = told(Heard::Said(Some(card)), By::Command);
    assert!(ack["text"].as_str().unwrap().contains("too long for one message"), "{ack}");
}
