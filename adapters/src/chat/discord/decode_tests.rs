//! Tests of the decoder with interactions and reactions: valid, foreign and malformed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use secrecy::SecretString;
use serde_json::json;

use super::super::options::{DISCORD_API, DiscordOptions};
use super::*;

fn core() -> DiscordContext {
    let api = DISCORD_API.parse().unwrap();
    DiscordContext::new(DiscordOptions::new(api, SecretString::from("token"), "7", vec!["10".to_owned()])).unwrap()
}

fn told(kind: u8, data: Value) -> Value {
    json!({
        "id": "1000", "application_id": "7", "type": kind, "token": "t0", "guild_id": "10", "channel_id": "20",
        "channel": { "id": "20", "type": 0 }, "member": { "user": { "id": "30" } }, "data": data, "context": 0,
    })
}

fn pressed() -> Value {
    let mut told = told(3, json!({ "custom_id": "0:n0nce:1", "component_type": 2 }));
    told["message"] = json!({ "id": "40", "author": { "id": "7" } });
    told
}

#[test]
fn a_button_in_a_thread_is_pressed_in_the_channel_above() {
    let mut told = pressed();
    told["channel"] = json!({ "id": "20", "type": 11, "parent_id": "19" });
    let heard = interaction(&core(), &told).unwrap();
    let at = |channel: &str, id: &str| MessageRef { channel: channel.parse().unwrap(), id: id.to_owned() };
    assert_eq!(heard.spot, MessageLocation { channel: "19".parse().unwrap(), thread: Some(at("19", "20")) });
    assert_eq!(heard.did, Did::Act(Interaction::ButtonClick { message: at("20", "40"), value: "n0nce:1".to_owned() }));
    assert!(heard.welcome && heard.on_message);
}

/// Interactions from other servers and from direct messages between other users are marked as not welcome; those of
/// another application are dropped (security cases 9 and 22).
#[test]
fn strangers_are_turned_away() {
    let mut other = pressed();
    other["guild_id"] = json!("11");
    assert!(!interaction(&core(), &other).unwrap().welcome);
    other["application_id"] = json!("8");
    assert!(interaction(&core(), &other).is_none());
    let mut direct = pressed();
    direct.as_object_mut().unwrap().retain(|name, _| name != "guild_id" && name != "member");
    direct["user"] = json!({ "id": "30" });
    direct["context"] = json!(1);
    assert!(interaction(&core(), &direct).unwrap().welcome);
    direct["context"] = json!(2);
    assert!(!interaction(&core(), &direct).unwrap().welcome);
}

/// Malformed interactions and reactions never become an action (security case 18).
#[test]
fn what_cannot_be_read_is_no_act() {
    for data in [json!({}), json!({ "custom_id": "x" }), json!({ "custom_id": "x:y" }), Value::Null] {
        for kind in [1, 2, 3, 4, 5, 9] {
            assert_eq!(interaction(&core(), &told(kind, data.clone())).unwrap().did, Did::Other, "{kind} {data}");
        }
    }
    for broken in [
        json!({}),
        json!([]),
        json!({ "application_id": "7" }),
        json!({ "application_id": "7", "user": { "id": "ana" } }),
    ] {
        assert!(interaction(&core(), &broken).is_none(), "{broken}");
        assert!(reacted(&core(), "7", &broken, true).is_none(), "{broken}");
    }
}

/// Only reactions of users to the bot's own messages are decoded (security cases 30 and 32).
#[test]
fn only_people_react_to_the_bots_messages() {
    let said = |name: &str, value: Value| {
        let mut told = json!({
            "guild_id": "10", "channel_id": "20", "message_id": "40", "user_id": "30", "emoji": { "id": null, "name": "👍🏽" },
            "message_author_id": "7",
        });
        told[name] = value;
        reacted(&core(), "7", &told, true)
    };
    let good = said("burst", json!(false)).unwrap();
    assert_eq!((good.from, good.emoji), (person("30"), Emoji::Yes));
    assert!(said("member", json!({ "user": { "id": "30", "bot": true } })).is_none());
    assert!(said("user_id", json!("7")).is_none());
    assert!(said("message_author_id", json!("31")).is_none());
    assert!(said("guild_id", json!("11")).is_none());
    assert!(said("guild_id", Value::Null).is_none());
}

#[test]
fn hands_have_colours() {
    for yes in ["✅", "👍", "👍🏿", "✔️"] {
        assert_eq!(emoji(yes), Emoji::Yes, "{yes}");
    }
    for no in ["❌", "👎🏻", "✖️"] {
        assert_eq!(emoji(no), Emoji::No, "{no}");
    }
    assert_eq!(emoji("👀"), Emoji::Other("👀".to_owned()));
}
