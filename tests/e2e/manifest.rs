//! The install manifests request every permission that the bot uses and no other, in a format that the
//! platform accepts.

use std::collections::BTreeSet;
use std::path::Path;

use hotfix_adapters::chat::discord;
use hotfix_adapters::chat::slack::{ManifestOptions, SCOPES, manifest};
use hotfix_adapters::forge::github::app_manifest;
use hotfix_fakes::clients::held_against_slack;
use hotfix_fakes::server::Fault;
use hotfix_fakes::slack::Standing;
use hotfix_tests::play::{Play, play_file_on};
use hotfix_tests::room::CHANNEL;
use hotfix_tests::scenario::Scenario;
use hotfix_tests::site::Host;
use hotfix_tests::world::{Options, Talk, World};
use rstest::rstest;
use serde_json::Value;

fn whole(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}-whole.txt"))
}

async fn played(name: &str, host: Host, talk: Talk) -> Play {
    let mut scenario = Scenario::read(&whole(name)).expect("a scenario");
    (scenario.options.host, scenario.options.talk) = (host, talk);
    let mut play = Play::new(World::new(scenario.options.clone()).await.expect("a world")).expect("a play");
    for step in &scenario.steps {
        play.step(&step.act).await.unwrap_or_else(|error| panic!("{}: {error:#}", step.line));
    }
    play
}

/// An App with the permissions of the manifest can do everything; the fake refuses every other call.
#[rstest]
#[tokio::test]
async fn a_github_app_lacks_nothing(#[values("apply", "website", "sre", "hocs", "promotion")] name: &str) {
    play_file_on(&whole(name), Host::GitHubApp).await.unwrap_or_else(|error| panic!("{error:#}"));
}

/// Each permission is used: without it, some call of a whole hotfix would be refused.
#[tokio::test]
async fn a_github_app_has_no_right_that_it_does_not_use() {
    let mut used = BTreeSet::new();
    for name in ["apply", "website", "promotion"] {
        used.extend(played(name, Host::GitHubApp, Talk::Console).await.world.site.rights_used());
    }
    let manifest = app_manifest("hotfix", None, false);
    let asked = manifest["default_permissions"].as_object().expect("permissions");
    for (name, level) in asked.iter().filter(|(name, _)| *name != "metadata") {
        let less = |other: &String| match level.as_str() {
            Some("write") if other == name => Some("read"),
            _same if other == name => None,
            _other => asked[other].as_str(),
        };
        let granted = |need: &str| {
            let (right, wanted) = need.split_once('=').expect("a right and how much of it");
            asked.contains_key(right) && less(&right.to_owned()).is_some_and(|has| has == wanted || has == "write")
        };
        let refused = used.iter().any(|needs| !needs.split("; ").any(granted));
        assert!(refused, "{name}={level} is asked for, and everything is done without it: {used:?}");
    }
}

/// The bot's events and calls, in public and private channels and in direct messages, use every scope of the manifest.
/// The fake checks in every Slack test that they need no other.
#[tokio::test]
async fn slack_grants_no_scope_that_is_not_used() {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for (private, every) in [(false, 2), (false, 5), (true, 2)] {
        let options = Options {
            service: "payments".to_owned(),
            talk: Talk::Slack,
            absent: vec!["chi".to_owned()],
            ..Options::default()
        };
        let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
        let room = play.world.room.as_ref().expect("a workspace");
        if private {
            let members = ["ana", "ben", "dee", "eli", "hotfix"];
            let id = room.slack().private_channel("payments-private", &members);
            let service = play.world.stage.config().join("services/payments.toml");
            let text =
                std::fs::read_to_string(&service).expect("a service").replace(&room.slack().channel_id(CHANNEL), &id);
            std::fs::write(&service, text).expect("it is written");
            play.world.restart().await.expect("it starts again");
        }
        let channel = if private { "payments-private" } else { CHANNEL };
        let room = play.world.room.as_ref().expect("a workspace");
        room.slack().command("ana", channel, "/hotfix start payments \"Fix 500 on upload\"").await;
        // Many calls fail, so that the bot searches for its messages in every kind of channel.
        room.slack().control().break_calls((0..400).step_by(every).map(|call| (call, Fault::Refuse(500))));
        play.go_on().await.expect("it goes on");
        let room = play.world.room.as_ref().expect("a workspace");
        room.slack().control().break_calls([]);
        let said = room.slack().say("ben", channel, "@hotfix status").await;
        room.slack().react("ben", channel, &said, "eyes").await;
        play.go_on().await.expect("it goes on");
        used.extend(play.world.room.as_ref().expect("a workspace").slack().scopes_used());
        if !private {
            used.extend(voted().await);
        }
    }
    assert_eq!(used, SCOPES.iter().map(|&scope| scope.to_owned()).collect());
}

/// Returns the scopes that a vote by reaction uses.
async fn voted() -> Vec<String> {
    let options = Options { service: "payments".to_owned(), talk: Talk::Slack, ..Options::default() };
    let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
    for act in hotfix_tests::play::given("a hotfix that is approved").expect("a way there") {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    let slack = play.world.room.as_ref().expect("a workspace").slack();
    let _guest = slack.person("guest", Standing::Guest);
    slack.scopes_used()
}

/// The bot's calls use every permission of the manifest, and every requested intent delivers events. The fake checks in
/// every Discord test that they need no other: it grants exactly these.
#[tokio::test]
async fn discord_grants_nothing_that_is_not_used() {
    let play = played("apply", Host::Local, Talk::Discord).await;
    let room = play.world.room.as_ref().expect("a server");
    room.in_order().expect("Discord refused nothing");
    let discord = room.discord();
    let made = discord::manifest(&discord.app().to_string(), &hotfix::wire::commands());
    let asked: u64 = made["permissions"].as_str().and_then(|bits| bits.parse().ok()).expect("rights");
    assert_eq!(discord.rights_used(), asked, "{:b} are used, {asked:b} are asked for", discord.rights_used());
    assert!(made["invite"].as_str().expect("an address").ends_with(&format!("permissions={asked}")), "{made}");
    let identified: Vec<Value> =
        discord.frames().into_iter().filter(|frame| frame.op == 2).map(|frame| frame.data["intents"].clone()).collect();
    assert!(!identified.is_empty() && identified.iter().all(|intents| *intents == made["intents"]), "{identified:?}");
    assert_eq!(made["intents"].as_u64(), Some(discord.intents_used()));
    // The commands in the manifest are those that the bot registered.
    let named = |commands: Vec<Value>| -> BTreeSet<String> {
        commands.iter().filter_map(|command| command["name"].as_str()).map(str::to_owned).collect()
    };
    assert_eq!(named(made["commands"].as_array().cloned().expect("commands")), named(discord.commands()));
}

fn made(socket_mode: bool, groups: bool) -> Value {
    manifest(&ManifestOptions {
        name: "hotfix".to_owned(),
        command: "/hotfix".to_owned(),
        usage_hint: "start <service> | status".to_owned(),
        groups,
        socket_mode,
        request_url: "https://bot.example.org/slack".parse().ok(),
    })
}

/// The manifest conforms to Slack's own manifest types: no name, event or scope is misspelled.
#[test]
fn slacks_own_types_take_the_manifest() {
    let all: Vec<Value> = [(true, true), (true, false), (false, true), (false, false)]
        .map(|(socket, groups)| made(socket, groups))
        .into();
    assert_eq!(held_against_slack(&all), ["4"]);
}

/// The manifest conforms to the limits and names of Slack's reference: nothing is too long, misspelled or missing.
#[rstest]
fn slack_takes_the_manifest(#[values(true, false)] socket_mode: bool, #[values(true, false)] groups: bool) {
    let made = made(socket_mode, groups);
    let keys = |at: &str| -> BTreeSet<String> {
        made.pointer(at).and_then(Value::as_object).unwrap_or_else(|| panic!("no {at}")).keys().cloned().collect()
    };
    let within = |at: &str, known: &[&str]| {
        let known: BTreeSet<String> = known.iter().map(|&key| key.to_owned()).collect();
        assert!(keys(at).is_subset(&known), "{at} has {:?}", keys(at).difference(&known));
    };
    let text = |at: &str, most: usize| {
        let text = made.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("no {at}"));
        assert!((1..=most).contains(&text.chars().count()), "{at} is {} long", text.chars().count());
        text
    };
    within("", &["_metadata", "display_information", "features", "oauth_config", "settings", "functions", "workflows"]);
    within("/display_information", &["name", "description", "long_description", "background_color"]);
    text("/display_information/name", 35);
    text("/display_information/description", 140);
    within(
        "/features",
        &["app_home", "assistant_view", "bot_user", "shortcuts", "slash_commands", "unfurl_domains", "workflow_steps"],
    );
    within("/features/app_home", &["home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"]);
    within("/features/bot_user", &["display_name", "always_online"]);
    let shown = text("/features/bot_user/display_name", 80);
    assert!(shown.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c)), "{shown}");
    let lists = [("shortcuts", 10), ("slash_commands", 50)];
    for (list, most) in lists {
        let count = made["features"][list].as_array().map_or(0, Vec::len);
        assert!((1..=most).contains(&count), "{count} {list}");
    }
    within("/features/shortcuts/0", &["name", "type", "callback_id", "description"]);
    text("/features/shortcuts/0/name", 24);
    text("/features/shortcuts/0/callback_id", 255);
    text("/features/shortcuts/0/description", 150);
    assert!(["message", "global"].contains(&text("/features/shortcuts/0/type", 10)));
    within("/features/slash_commands/0", &["command", "url", "description", "usage_hint", "should_escape"]);
    assert!(text("/features/slash_commands/0/command", 32).starts_with('/'));
    text("/features/slash_commands/0/description", 2000);
    text("/features/slash_commands/0/usage_hint", 1000);
    within("/oauth_config", &["scopes", "redirect_urls", "token_management_enabled", "pkce_enabled"]);
    within("/oauth_config/scopes", &["bot", "user"]);
    let scopes: Vec<&str> =
        made["oauth_config"]["scopes"]["bot"].as_array().expect("scopes").iter().filter_map(Value::as_str).collect();
    assert!(scopes.len() <= 255 && scopes.iter().collect::<BTreeSet<_>>().len() == scopes.len(), "{scopes:?}");
    assert_eq!(scopes.contains(&"usergroups:read"), groups, "it is asked for where groups are called");
    within(
        "/settings",
        &[
            "allowed_ip_address_ranges",
            "event_subscriptions",
            "incoming_webhooks",
            "interactivity",
            "org_deploy_enabled",
            "socket_mode_enabled",
            "token_rotation_enabled",
            "is_hosted",
        ],
    );
    within("/settings/event_subscriptions", &["request_url", "bot_events", "user_events"]);
    within("/settings/interactivity", &["is_enabled", "request_url", "message_menu_options_url"]);
    // Each event needs a scope, and the manifest has that scope.
    let needs = [
        ("app_home_opened", None),
        ("app_mention", Some("app_mentions:read")),
        ("reaction_added", Some("reactions:read")),
        ("reaction_removed", Some("reactions:read")),
    ];
    let events = made["settings"]["event_subscriptions"]["bot_events"].as_array().expect("events");
    for event in events.iter().filter_map(Value::as_str) {
        let (_, scope) = needs.iter().find(|(name, _)| *name == event).unwrap_or_else(|| panic!("what is {event}?"));
        assert!(scope.is_none_or(|scope| scopes.contains(&scope)), "{event} takes {scope:?}");
    }
    if !socket_mode {
        for at in [
            "/settings/event_subscriptions/request_url",
            "/settings/interactivity/request_url",
            "/features/slash_commands/0/url",
        ] {
            assert!(text(at, 2000).starts_with("https://"), "{at}");
        }
    }
}
