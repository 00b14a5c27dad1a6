//! The `Chat` port: posts, updates and lookups in Slack.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use hotfix_adapters::chat::slack::{Slack, SlackOptions};
use hotfix_adapters::chat::{
    AccountKind, Action, Card, ChannelKind, Chat as _, Destination, Emoji, Field, Mark, MarkState, Reaction, Span, Text,
};
use hotfix_adapters::check_result::CheckStatus;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{ChannelRef, MessageRef};
use hotfix_fakes::clients::python;
use hotfix_fakes::server::Fault;
use hotfix_fakes::slack::Standing;
use secrecy::SecretString;
use serde_json::json;

use super::{note, options, post, question, secret, world};

fn after(failure: &Failure) -> Option<Duration> {
    match failure {
        Failure::Retry { after, .. } => *after,
        Failure::Rejected { .. } | Failure::Uncertain { .. } => panic!("{failure:?}"),
    }
}

#[tokio::test]
async fn a_card_is_posted_and_changed_in_place() {
    let world = world().await;
    let root = world.slack.post(&post(world.place(), "card", question())).await.unwrap();
    assert!(world.seen().contains("hotfix: ❓ Ship it?\n  [Approve]"), "{}", world.seen());
    world.slack.update(&root, &note("HF-1 is live")).await.unwrap();
    assert_eq!(world.seen(), "hotfix: HF-1 is live\n");
    let thread = Destination::Thread(root.clone());
    world.slack.post(&post(thread, "line", note("Deployed to staging"))).await.unwrap();
    world.slack.post(&post(Destination::ThreadAndChannel(root.clone()), "bad", note("It failed"))).await.unwrap();
    assert!(world.seen().contains("    hotfix: Deployed to staging\n"), "{}", world.seen());
    assert!(world.seen().contains("(also sent to the channel): It failed"), "{}", world.seen());
    let metadata = world.fake.metadata("hotfixes", &root.id).unwrap();
    assert_eq!(metadata, json!({"event_type": "hotfix_post", "event_payload": {"key": "card"}}));
}

/// Security case 57: a commit title mentions nobody, neither in the blocks nor in the fallback text.
#[tokio::test]
async fn a_hostile_title_calls_nobody() {
    let world = world().await;
    let evil = "<!channel> <@U0EVIL> *x* @here";
    world.slack.post(&post(world.place(), "k", note(evil))).await.unwrap();
    assert!(world.seen().contains(evil), "{}", world.seen());
    let said = world.fake.said().pop().unwrap().arguments;
    assert!(!said["text"].as_str().unwrap().contains('<'), "{said}");
    assert_eq!(
        (&said["parse"], &said["link_names"], &said["unfurl_links"]),
        (&json!("none"), &json!(false), &json!(false))
    );
}

/// The models of slack_sdk, which do not depend on this adapter, accept every message, including the longest.
#[tokio::test]
async fn slack_sdk_finds_nothing_wrong_with_what_the_bot_says() {
    let world = world().await;
    let mark = |state| Mark { label: "deploy".to_owned(), state };
    let action = |n: usize| Action { label: format!("Button {n} <&>"), value: format!("n{n}"), danger: n == 0 };
    let link = Span::Link { url: "https://git.example/pr/7".to_owned(), label: "PR 7".to_owned() };
    let full = Card {
        title: Some(Text::of("HF-12 payments")),
        lines: vec![Text(vec![link, Span::Code("abc1234".to_owned()), Span::Strong("bold".to_owned())])],
        verbatim: Some("a  b\n   ^".to_owned()),
        fields: vec![Field { name: "Base".to_owned(), value: Text::of("1.4.2") }],
        progress: vec![mark(MarkState::Done), mark(MarkState::Current), mark(MarkState::Skipped)],
        actions: (0..60).map(action).collect(),
        footer: Some(Text::of("Say ").code("help")),
        ..question()
    };
    let long = Card { lines: vec![Text::of("<!channel> & ".repeat(400)); 30], ..full.clone() };
    let title = Card { title: Some(Text::of("Fix <b> ".repeat(100))), footer: Some(Text::of("<why>")), ..full.clone() };
    for card in [full, long, title, Card::default()] {
        world.slack.post(&post(world.place(), "k", card)).await.unwrap();
    }
    let mut check = python("slack_check.py");
    let mut child = check.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for said in world.fake.said() {
        writeln!(input, "{}", serde_json::to_string(&said).unwrap()).unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_person_is_written_to_directly() {
    let world = world().await;
    let ana = world.person(&world.fake.person("eve", Standing::Member));
    let message = world.slack.post(&post(Destination::Direct(ana.clone()), "dm", note("Only you"))).await.unwrap();
    assert!(world.fake.sees("eve", "@eve").contains("Only you"));
    assert!(message.channel.as_str().starts_with('D'), "{message:?}");
    assert_eq!(world.slack.find(&Destination::Direct(ana), "dm").await.unwrap(), Some(message));
    assert_eq!(world.calls("conversations.open"), 1, "a conversation is opened once");
}

#[tokio::test]
async fn people_and_groups_that_must_act_are_called() {
    let world = world().await;
    let ben = world.person(&world.fake.person("kim", Standing::Member));
    let group = world.fake.group("sre", &["kim"]);
    let text = Text::of("Waiting for ").mention(Some(ben), "Kim").plain(" or ").group(group, "sre");
    let card = Card { lines: vec![text], ..Card::default() };
    world.slack.post(&post(world.place(), "k", card)).await.unwrap();
    assert!(world.seen().contains("Waiting for @kim or @sre"), "{}", world.seen());
}

#[tokio::test]
async fn one_person_is_told_in_private() {
    let world = world().await;
    let eve = world.fake.person("eve", Standing::Member);
    world.fake.join("hotfixes", "eve");
    world.slack.whisper(&world.channel(), &world.person(&eve), &note("No service is called paymnts")).await.unwrap();
    assert!(world.fake.sees("eve", "hotfixes").contains("paymnts"));
    assert!(!world.seen().contains("paymnts"), "ana does not see it");
}

/// A post whose response is lost is uncertain; it is searched for by its key before it is repeated.
#[tokio::test]
async fn a_lost_answer_is_uncertain_and_the_post_is_found() {
    for fault in [Fault::DoneButHangUp, Fault::HalfBody, Fault::DoneBut500] {
        let world = world().await;
        let root = world.slack.post(&post(world.place(), "root", note("HF-1"))).await.unwrap();
        for (place, key) in [(world.place(), "lost"), (Destination::Thread(root.clone()), "lost in the thread")] {
            world.fake.control().break_calls([(0, fault.clone())]);
            let failure = world.slack.post(&post(place.clone(), key, note("said once"))).await.unwrap_err();
            assert!(matches!(failure, Failure::Uncertain { .. }), "{fault:?}: {failure:?}");
            let found = world.slack.find(&place, key).await.unwrap().expect("it was posted");
            assert!(world.fake.messages("hotfixes").contains(&found.id));
            assert_eq!(world.slack.find(&place, "another key").await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn what_slack_could_not_do_is_told_apart() {
    let world = world().await;
    let posting = post(world.place(), "k", note("x"));
    for (error, uncertain) in [("internal_error", true), ("fatal_error", true), ("service_unavailable", false)] {
        world.fake.fail_next("chat.postMessage", error);
        let failure = world.slack.post(&posting).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::Uncertain { .. }), uncertain, "{error}: {failure:?}");
    }
    world.fake.control().down(Some(Fault::Refuse(503)));
    assert!(matches!(world.slack.post(&posting).await, Err(Failure::Uncertain { .. })));
    let message = MessageRef { channel: world.channel(), id: "1.0".to_owned() };
    assert!(matches!(world.slack.update(&message, &note("x")).await, Err(Failure::Retry { .. })), "twice is no harm");
    assert!(
        matches!(world.slack.find(&world.place(), "k").await, Err(Failure::Retry { .. })),
        "a read changes nothing"
    );
}

/// If the connection fails, the call had no effect.
#[tokio::test]
async fn a_slack_that_is_not_there_is_tried_again_and_stops_no_start() {
    let world = world().await;
    let mut nowhere = options(&world.fake);
    nowhere.api = "http://127.0.0.1:9/api/".parse().unwrap();
    let slack = Slack::new(nowhere).unwrap();
    let failure = slack.post(&post(world.place(), "k", note("x"))).await.unwrap_err();
    assert!(matches!(failure, Failure::Retry { .. }), "{failure:?}");
    let found = slack.self_check(&[world.channel()]).await;
    assert_eq!(found[0].status, CheckStatus::Warning, "{found:?}");
}

/// Every refusal names the next step.
#[tokio::test]
async fn refusals_say_what_to_do() {
    let world = world().await;
    let elsewhere = world.fake.channel("elsewhere", &["ana"]);
    world.fake.channel("old", &["ana", "hotfix"]);
    world.fake.archive("old");
    let nowhere = "C0NOWHERE".to_owned();
    for (channel, word) in
        [(elsewhere, "/invite"), (world.fake.channel_id("old"), "archived"), (nowhere, "correct the id")]
    {
        let place = Destination::Channel(ChannelRef::parse(&channel).unwrap());
        let failure = world.slack.post(&post(place, "k", note("x"))).await.unwrap_err();
        assert!(matches!(&failure, Failure::Rejected { reason } if reason.contains(word)), "{failure:?}");
    }
    world.fake.grant(&["commands"]);
    let failure = world.slack.post(&post(world.place(), "k", note("x"))).await.unwrap_err();
    assert!(failure.reason().contains("chat:write is needed"), "{failure}");
}

#[tokio::test]
async fn a_channel_is_written_to_at_slacks_pace() {
    let world = world().await;
    world.fake.rate_limits(true);
    let posting = post(world.place(), "k", note("x"));
    for _ in 0..4 {
        world.slack.post(&posting).await.unwrap();
    }
    let failure = world.slack.post(&posting).await.unwrap_err();
    assert!(after(&failure).is_some_and(|wait| wait <= Duration::from_secs(1)), "{failure:?}");
    assert_eq!(world.calls("chat.postMessage"), 4, "Slack was not asked");
}

#[tokio::test]
async fn slacks_wish_to_be_left_alone_holds_for_that_method_and_channel() {
    let world = world().await;
    world.fake.channel("other", &["ana", "hotfix"]);
    world.fake.fail_next("chat.postMessage", "ratelimited");
    let posting = post(world.place(), "k", note("x"));
    let failure = world.slack.post(&posting).await.unwrap_err();
    assert_eq!(after(&failure), Some(Duration::from_secs(30)), "{failure:?}");
    let calls = world.fake.control().calls().len();
    let again = world.slack.post(&posting).await.unwrap_err();
    assert!(after(&again).is_some_and(|wait| wait > Duration::from_secs(20)), "{again:?}");
    assert_eq!(world.fake.control().calls().len(), calls, "Slack was left alone");
    world.slack.post(&post(Destination::Channel(world.room("other")), "k", note("x"))).await.unwrap();
}

/// Updates that queue behind another one are sent once, with the newest content.
#[tokio::test]
async fn updates_are_coalesced() {
    let world = world().await;
    let root = world.slack.post(&post(world.place(), "card", note("state 0"))).await.unwrap();
    world.fake.control().delay(Duration::from_millis(50));
    let cards: Vec<Card> = (1..=8).map(|n| note(&format!("state {n}"))).collect();
    let updates = cards.iter().map(|card| world.slack.update(&root, card));
    for done in futures_util::future::join_all(updates).await {
        done.unwrap();
    }
    assert_eq!(world.seen(), "hotfix: state 8\n");
    assert_eq!(world.calls("chat.update"), 2, "the first, and the last: the others were overtaken");
}

/// Security cases 30, 32 and 34: the current reactions are read, and only those on the bot's own messages.
#[tokio::test]
async fn reactions_are_read_where_they_stand() {
    let world = world().await;
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    for (who, name) in [("ana", "+1::skin-tone-3"), ("ben", "x"), ("ben", "eyes")] {
        world.fake.react(who, "hotfixes", &ask.id, name).await;
    }
    let all = world.slack.reactions(&ask).await.unwrap();
    let emoji: Vec<&Emoji> = all.iter().map(|reaction| &reaction.emoji).collect();
    assert_eq!(emoji, [&Emoji::Yes, &Emoji::No, &Emoji::Other("eyes".to_owned())]);
    world.fake.take_back("ben", "hotfixes", &ask.id, "x").await;
    assert_eq!(world.slack.reactions(&ask).await.unwrap().len(), 2);
    assert!(all.iter().all(|Reaction { person, .. }| person.id.starts_with(&world.fake.team())));
    let ts = world.fake.say("ana", "hotfixes", "approve me").await;
    let not_ours = MessageRef { channel: world.channel(), id: ts };
    assert!(matches!(world.slack.reactions(&not_ours).await, Err(Failure::Rejected { .. })));
}

/// Security case 31: an account below a member is never treated as a member.
#[tokio::test]
async fn accounts_are_what_slack_says_they_are() {
    let world = world().await;
    let kinds = [
        ("amy", Standing::Admin, AccountKind::Member),
        ("gus", Standing::Guest, AccountKind::Guest),
        ("sue", Standing::SingleChannelGuest, AccountKind::Guest),
        ("rob", Standing::Bot, AccountKind::Bot),
        ("sam", Standing::Stranger, AccountKind::Stranger),
    ];
    for (name, standing, kind) in kinds {
        let person = world.person(&world.fake.person(name, standing));
        assert_eq!(world.slack.account(&person).await.unwrap(), kind, "{name}");
    }
    assert_eq!(world.slack.account(&world.person("U0NOBODY")).await.unwrap(), AccountKind::Gone);
    let del = world.person(&world.fake.person("del", Standing::Member));
    world.fake.deactivate("del").await;
    assert_eq!(world.slack.account(&del).await.unwrap(), AccountKind::Gone);
    let mut foreign = del.clone();
    foreign.id = foreign.id.replace(&world.fake.team(), "T0OTHER");
    assert_eq!(world.slack.account(&foreign).await.unwrap(), AccountKind::Stranger);
}

#[tokio::test]
async fn an_account_is_asked_for_once_a_minute() {
    let world = world().await;
    let eve = world.person(&world.fake.person("eve", Standing::Member));
    for _ in 0..3 {
        assert_eq!(world.slack.account(&eve).await.unwrap(), AccountKind::Member);
    }
    assert_eq!(world.calls("users.info"), 1);
    world.fake.control().down(Some(Fault::Refuse(503)));
    let ben = world.person("U0ELSE");
    assert!(matches!(world.slack.account(&ben).await, Err(Failure::Retry { .. })), "nobody is a member by default");
}

/// Security case 38: a channel is the team's own, shared or direct.
#[tokio::test]
async fn channels_are_own_shared_or_direct() {
    let world = world().await;
    world.fake.channel("shared", &["ana", "hotfix"]);
    world.fake.share("shared");
    assert_eq!(world.slack.channel(&world.channel()).await.unwrap(), ChannelKind::Own);
    assert_eq!(world.slack.channel(&world.room("shared")).await.unwrap(), ChannelKind::Shared);
    assert_eq!(world.slack.channel(&ChannelRef::parse("D0ANA").unwrap()).await.unwrap(), ChannelKind::Direct);
}

#[tokio::test]
async fn whoever_reads_a_channel_is_listed_page_by_page() {
    let world = world().await;
    let mut among = vec![world.person(&world.fake.person("outside", Standing::Member))];
    for n in 0..230 {
        among.push(world.person(&world.fake.person(&format!("p{n}"), Standing::Member)));
        world.fake.join("hotfixes", &format!("p{n}"));
    }
    let reading = world.slack.readers_among(&world.channel(), &among).await.unwrap();
    assert_eq!(reading.len(), 230, "whoever is asked for and is in it");
    assert!(!reading.contains(&among[0]));
    assert!(world.calls("conversations.members") > 1);
}

#[tokio::test]
async fn a_bot_that_can_work_is_found_fine() {
    let world = world().await;
    let found = world.slack.self_check(&[world.channel()]).await;
    assert!(found.iter().all(|finding| finding.status == CheckStatus::Ok), "{found:#?}");
    assert_eq!(world.fake.messages("hotfixes").len(), 0, "nothing is posted");
}

#[tokio::test]
async fn what_keeps_a_bot_from_working_is_named_with_what_to_do() {
    let world = world().await;
    world.fake.channel("elsewhere", &["ana"]);
    world.fake.channel("shared", &["ana", "hotfix"]);
    world.fake.share("shared");
    world.fake.grant(&["commands", "chat:write", "channels:read"]);
    world.fake.may_connect(false);
    let channels = [world.room("elsewhere"), world.room("shared")];
    let found = world.slack.self_check(&channels).await;
    let verdict = |what: &str| found.iter().find(|finding| finding.what.contains(what)).unwrap();
    assert!(verdict("rights").seen.contains("reactions:read"), "{found:#?}");
    assert_eq!(verdict("app token").status, CheckStatus::Error);
    assert!(verdict(channels[0].as_str()).next.contains("/invite"), "{found:#?}");
    assert_eq!(verdict(channels[1].as_str()).status, CheckStatus::Warning);
    let mut wrong = options(&world.fake);
    wrong.token = secret("xoxb-wrong");
    let found = Slack::new(wrong).unwrap().self_check(&[]).await;
    assert_eq!(found[0].status, CheckStatus::Error, "{found:#?}");
    assert!(!format!("{found:?}").contains("xoxb-wrong"), "security case 67");
}

/// Security case 67: a token that Slack echoes is redacted.
#[tokio::test]
async fn a_token_that_is_said_back_is_not_repeated() {
    let world = world().await;
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    for status in [200, 400, 401, 403, 404, 429, 500] {
        world.fake.control().echo_credentials(Some(status));
        let anew = Slack::new(options(&world.fake)).unwrap();
        let heard = format!(
            "{:?} {:?} {:?} {:?}",
            anew.post(&post(world.place(), "again", question())).await,
            anew.reactions(&ask).await,
            anew.self_check(&[world.channel()]).await,
            anew.check_groups(&["S0NEVER".to_owned()]).await,
        );
        assert!(!heard.contains("xoxb-") && !heard.contains("xapp-"), "{status}: {heard}");
        assert!(status == 429 || heard.contains("told to say this back: Bearer …"), "{status}: {heard}");
    }
}

/// Security case 3: an ingress needs a secret.
#[tokio::test]
async fn options_that_cannot_work_are_refused() {
    let world = world().await;
    let refused = |change: fn(&mut SlackOptions)| {
        let mut options = options(&world.fake);
        change(&mut options);
        assert!(!format!("{options:?}").contains("xoxb"), "security case 67");
        Slack::new(options).unwrap_err().to_string()
    };
    assert!(
        refused(|options| {
            options.app_token = None;
            options.signing_secrets.clear()
        })
        .contains("no way in")
    );
    assert!(refused(|options| options.signing_secrets.push(SecretString::from(""))).contains("empty"));
    assert!(refused(|options| options.teams.clear()).contains("workspaces"));
    assert!(refused(|options| options.connections = 11).contains("1 to 10"));
    assert!(refused(|options| options.allow_private = false).contains("https"));
    assert!(refused(|options| options.path = "slack".to_owned()).contains("path"));
}

/// A missing or disabled user group is reported, because mentioning it would notify nobody.
#[tokio::test]
async fn a_group_that_cannot_be_called_is_told() {
    let world = world().await;
    world.fake.grant_also("usergroups:read");
    let (oncall, gone) = (world.fake.group("oncall", &["ana"]), world.fake.group("gone", &[]));
    world.fake.disable_group("gone");
    let found = world.slack.check_groups(&[oncall, gone, "S0NEVER".to_owned()]).await;
    let verdicts: Vec<CheckStatus> = found.iter().map(|finding| finding.status).collect();
    assert_eq!(verdicts, [CheckStatus::Ok, CheckStatus::Error, CheckStatus::Error], "{found:?}");
    assert!(found[0].seen.contains("@oncall"), "{found:?}");
    world.fake.grant(&["chat:write"]);
    let found = world.slack.check_groups(&["S0NEVER".to_owned()]).await;
    assert!(found.len() == 1 && found[0].seen.contains("usergroups:read"), "{found:?}");
}
