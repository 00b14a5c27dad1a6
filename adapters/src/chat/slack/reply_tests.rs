//! Tests of the acknowledgement for each handler reply and kind of action.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::ids::{ChannelRef, PersonRef, Platform};

fn way(by: Trigger) -> ReplyTarget {
    ReplyTarget {
        trigger: by,
        person: PersonRef::new(Platform::Slack, "T1/U1"),
        channel: ChannelRef::parse("C1").unwrap(),
        thread: None,
        response_url: None,
        trigger_id: None,
    }
}

fn told(heard: HandlerReply, by: Trigger) -> (Value, Option<FollowUp>) {
    let Acknowledgement { ack, follow_up: then } = reply(heard, &way(by));
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
    let (ack, then) = told(HandlerReply::OpenForm(form()), Trigger::Mention);
    assert!(ack.is_null() && matches!(&then, Some(FollowUp::Say(_))), "{then:?}");
}

#[test]
fn faults_without_a_form_are_said() {
    let wrong = || HandlerReply::FieldErrors(vec![("note".to_owned(), "is empty".to_owned())]);
    let (ack, _) = told(wrong(), Trigger::Command);
    assert_eq!(ack["text"], "⚠ note: is empty");
    let (ack, _) = told(wrong(), Trigger::Form(None));
    assert_eq!(ack, json!({"response_action": "errors", "errors": {"note": "is empty"}}));
}

/// If an action cannot be stored, events are redelivered, a form stays open with its input, and any other action gets
/// an error message.
#[test]
fn what_was_lost_is_told_where_slack_does_not_repeat_it() {
    for by in [Trigger::Mention, Trigger::Reaction, Trigger::Home] {
        assert_eq!(told(HandlerReply::Unavailable, by).0, "refused");
    }
    let (ack, _) = told(HandlerReply::Unavailable, Trigger::Form(Some("note".to_owned())));
    assert_eq!(ack["errors"]["note"], LOST);
    assert!(told(HandlerReply::Unavailable, Trigger::Command).0["text"].as_str().unwrap().contains(LOST));
    assert!(matches!(told(HandlerReply::Unavailable, Trigger::Button).1, Some(FollowUp::Say(_))));
}

/// A card with [`Card::whole`] that is too long is refused in a reply too.
#[test]
fn an_answer_that_does_not_fit_says_so() {
    let card = Card { lines: vec![Text::of("x".repeat(20_000))], whole: true, ..Card::default() };
    let (ack, _) = told(HandlerReply::Message(Some(card)), Trigger::Command);
    assert!(ack["text"].as_str().unwrap().contains("too long for one message"), "{ack}");
}
