//! Tests of the decoder with every payload type: complete, with missing fields, and of unknown types.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::interactions::SHORTCUT;
use super::super::modal::{FORM, FormState};
use super::*;
use crate::chat::{Emoji, Interaction};

fn allowed() -> Allowed {
    Allowed { app: "A1".to_owned(), teams: vec!["T1".to_owned(), "E1".to_owned()] }
}

fn reading(kind: PayloadKind, payload: Value) -> Parsed {
    parse(kind, &Payload(payload), "slack:key", &allowed())
}

fn told_by(kind: PayloadKind, payload: Value) -> Decoded {
    match reading(kind, payload) {
        Parsed::Act(told) => *told,
        Parsed::Ignored(why) => panic!("ignored: {why}"),
    }
}

fn ignored(kind: PayloadKind, payload: Value) -> &'static str {
    match reading(kind, payload) {
        Parsed::Act(told) => panic!("taken: {told:?}"),
        Parsed::Ignored(why) => why,
    }
}

fn merged(mut base: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}

fn slash(more: &Value) -> Value {
    let base = json!({"api_app_id": "A1", "team_id": "T1", "user_id": "U1", "user_name": "ceo", "channel_id": "C1",
        "command": "/hotfix", "text": " status &lt;@U9&gt; ", "trigger_id": "1.2", "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/1"});
    merged(base, more)
}

fn event_of(event: &Value, more: &Value) -> Value {
    let base = json!({"type": "event_callback", "api_app_id": "A1", "team_id": "T1", "event_id": "Ev1", "event": event,
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": true, "is_enterprise_install": false}]});
    merged(base, more)
}

fn pressed(more: &Value) -> Value {
    let base = json!({"type": "block_actions", "api_app_id": "A1", "team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T1"},
        "channel": {"id": "C1"}, "container": {"type": "message", "message_ts": "2.0", "channel_id": "C1"},
        "message": {"ts": "2.0", "thread_ts": "1.0"}, "actions": [{"type": "button", "value": "n0nce"}],
        "trigger_id": "1.2", "response_url": "https://hooks.slack.com/actions/1"});
    merged(base, more)
}

fn reaction_by(user: &str, item_user: &str) -> Value {
    json!({"type": "reaction_added", "user": user, "reaction": "+1::skin-tone-3", "item_user": item_user,
        "item": {"type": "message", "channel": "C1", "ts": "1.0"}})
}

#[test]
fn a_command() {
    let told = told_by(PayloadKind::Command, slash(&json!({})));
    assert_eq!(told.inbound.from.id, "T1/U1", "never a name (security case 20)");
    assert_eq!(told.inbound.interaction, Interaction::Command { text: "status &lt;@U9&gt;".to_owned() });
    assert_eq!((told.inbound.dedupe_key.as_str(), told.inbound.can_ask), ("slack:T1:1.2", true));
    assert_eq!(told.reply_to.response_url.as_deref(), Some("https://hooks.slack.com/commands/1"));
    assert!(!told_by(PayloadKind::Command, slash(&json!({"trigger_id": null}))).inbound.can_ask);
}

/// A signature identifies an app, not a workspace (security case 9).
#[test]
fn other_apps_and_workspaces_are_not_listened_to() {
    for other in [
        json!({"api_app_id": "A2"}),
        json!({"api_app_id": null}),
        json!({"team_id": "T2"}),
        json!({"team_id": null}),
        json!({"user_id": null}),
        json!({"user_id": "ana"}),
        json!({"channel_id": null}),
    ] {
        ignored(PayloadKind::Command, slash(&other));
    }
}

#[test]
fn an_organisation_is_told_of_no_workspace() {
    let wide = json!({"team_id": null, "enterprise_id": "E1", "is_enterprise_install": "true"});
    assert_eq!(told_by(PayloadKind::Command, slash(&wide)).inbound.from.id, "E1/U1");
    let wide = json!({"team": null, "enterprise": {"id": "E1"}, "is_enterprise_install": true});
    assert_eq!(told_by(PayloadKind::Interaction, pressed(&wide)).inbound.from.id, "E1/U1");
    let of_the_grid = json!({"enterprise_id": "E1", "user_id": "W1"});
    assert_eq!(told_by(PayloadKind::Command, slash(&of_the_grid)).inbound.from.id, "E1/W1");
}

#[test]
fn a_button_in_a_thread() {
    let told = told_by(PayloadKind::Interaction, pressed(&json!({})));
    let message = |id: &str| MessageRef { channel: ChannelRef::parse("C1").unwrap(), id: id.to_owned() };
    assert_eq!(
        told.inbound.interaction,
        Interaction::ButtonClick { message: message("2.0"), value: "n0nce".to_owned() }
    );
    assert_eq!(told.inbound.thread, Some(message("1.0")));
    assert_eq!(told.reply_to.trigger, Trigger::Button);
}

#[test]
fn a_button_on_the_page() {
    let on_page = json!({"message": null, "channel": null, "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "type": "home"}, "response_url": null});
    let mut payload = pressed(&on_page);
    payload.as_object_mut().unwrap().remove("message");
    let told = told_by(PayloadKind::Interaction, payload);
    let Interaction::ButtonClick { message, value } = told.inbound.interaction else { panic!() };
    assert_eq!((message.channel.as_str(), message.id.as_str(), value.as_str()), ("U1", "V1", "n0nce"));
    assert_eq!(told.reply_to.trigger, Trigger::ViewButton);
}

#[test]
fn a_form() {
    let kept = FormState {
        key: "verify/HF-1".to_owned(),
        channel: ChannelRef::parse("C1").ok(),
        thread: Some("1.0".to_owned()),
    };
    let view = json!({"callback_id": FORM, "private_metadata": serde_json::to_string(&kept).unwrap(),
        "blocks": [{"type": "rich_text"}, {"type": "input", "block_id": "note"}],
        "state": {"values": {
            "note": {"answer": {"type": "plain_text_input", "value": "looks good"}},
            "how": {"answer": {"type": "static_select", "selected_option": {"value": "pass"}}},
            "who": {"answer": {"type": "checkboxes", "selected_options": [{"value": "a"}, {"value": "b"}]}},
            "none": {"answer": {"type": "checkboxes", "selected_options": []}},
            "open": {"answer": {"type": "plain_text_input", "value": null}}}}});
    let told = told_by(PayloadKind::Interaction, pressed(&json!({"type": "view_submission", "view": view})));
    let Interaction::FormSubmit { key, answers } = &told.inbound.interaction else { panic!() };
    assert_eq!(key, "verify/HF-1");
    let expected = [("how", "pass"), ("note", "looks good"), ("who", "a,b")];
    assert_eq!(answers.0.iter().map(|(id, answer)| (&**id, &**answer)).collect::<Vec<_>>(), expected);
    assert_eq!(told.reply_to.trigger, Trigger::Form(Some("note".to_owned())));
    assert_eq!((told.inbound.channel.as_str(), told.inbound.thread.unwrap().id.as_str()), ("C1", "1.0"));
}

#[test]
fn a_message_that_is_added() {
    let message = json!({"ts": "3.0", "text": "It &lt;broke&gt; &amp; burns"});
    let payload = pressed(&json!({"type": "message_action", "callback_id": SHORTCUT, "message": message}));
    let Interaction::MessageShortcut { message, text } = told_by(PayloadKind::Interaction, payload).inbound.interaction
    else {
        panic!()
    };
    assert_eq!((message.id.as_str(), text.as_str()), ("3.0", "It <broke> & burns"));
    ignored(PayloadKind::Interaction, pressed(&json!({"type": "message_action", "callback_id": "another"})));
}

#[test]
fn a_mention_in_a_thread() {
    let said = json!({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "2.0", "thread_ts": "1.0",
        "text": "hey <@UBOT> status"});
    let told = told_by(PayloadKind::Event, event_of(&said, &json!({})));
    assert_eq!(told.inbound.interaction, Interaction::Command { text: "status".to_owned() });
    assert_eq!(told.inbound.thread.unwrap().id, "1.0");
    assert_eq!((told.inbound.dedupe_key.as_str(), told.inbound.can_ask), ("slack:T1:Ev1", false));
}

#[test]
fn a_reaction() {
    let told = told_by(PayloadKind::Event, event_of(&reaction_by("U1", "UBOT"), &json!({})));
    let Interaction::Reaction { message, emoji, added } = told.inbound.interaction else { panic!() };
    assert_eq!((message.id.as_str(), emoji, added), ("1.0", Emoji::Yes, true));
}

/// Actions of bots and reactions to messages of other authors are ignored (security cases 30 and 32).
#[test]
fn what_bots_do_and_what_stands_on_others_messages_is_no_concern() {
    ignored(PayloadKind::Event, event_of(&reaction_by("UBOT", "UBOT"), &json!({})));
    ignored(PayloadKind::Event, event_of(&reaction_by("U1", "U2"), &json!({})));
    let by_a_bot =
        json!({"type": "app_mention", "user": "U1", "bot_id": "B1", "channel": "C1", "ts": "1.0", "text": "x"});
    ignored(PayloadKind::Event, event_of(&by_a_bot, &json!({})));
    let file = json!({"type": "reaction_added", "user": "U1", "reaction": "x", "item": {"type": "file", "file": "F1"}});
    ignored(PayloadKind::Event, event_of(&file, &json!({})));
}

#[test]
fn a_visit_at_home() {
    let home = |tab: &str| json!({"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": tab});
    assert_eq!(
        told_by(PayloadKind::Event, event_of(&home("home"), &json!({}))).inbound.interaction,
        Interaction::HomeOpened
    );
    ignored(PayloadKind::Event, event_of(&home("messages"), &json!({})));
}

/// Unknown payload types are ignored (security case 18).
#[test]
fn unknown_kinds_are_no_concern() {
    ignored(PayloadKind::Event, event_of(&json!({"type": "brand_new", "user": "U1"}), &json!({})));
    ignored(PayloadKind::Interaction, pressed(&json!({"type": "brand_new"})));
    ignored(PayloadKind::Interaction, pressed(&json!({"type": "view_closed"})));
    ignored(PayloadKind::Interaction, pressed(&json!({"actions": [{"type": "button"}]})));
    ignored(PayloadKind::Event, slash(&json!({})));
    ignored(PayloadKind::Interaction, json!([]));
    ignored(PayloadKind::Command, json!(null));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[A-Z0-9a-z_ ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Arbitrary values anywhere in a payload never cause a panic (security case 19).
    #[test]
    fn holes_and_surprises_break_nothing(at in 0_usize..12, what in any_json(), kind in 0_usize..3) {
        let (kind, mut payload) = match kind {
            0 => (PayloadKind::Command, slash(&json!({}))),
            1 => (PayloadKind::Interaction, pressed(&json!({}))),
            _ => (PayloadKind::Event, event_of(&reaction_by("U1", "UBOT"), &json!({}))),
        };
        let keys: Vec<String> = payload.as_object().unwrap().keys().cloned().collect();
        payload[&keys[at % keys.len()]] = what;
        let _ = reading(kind, payload);
    }
}
