//! The `Chat` port: posts, updates and lookups in Discord.

use std::time::Duration;

use hotfix_adapters::chat::discord::{Discord, DiscordOptions};
use hotfix_adapters::chat::{AccountKind, Card, ChannelKind, Chat as _, Destination, Emoji, Reaction, Text, Tone};
use hotfix_adapters::check_result::CheckStatus;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{MessageRef, PersonRef, Platform};
use hotfix_fakes::discord::DiscordFake;
use hotfix_fakes::server::Fault;
use secrecy::SecretString;

use super::{TOKEN, World, channel, note, number, options, person, post, question, world};

fn titled(title: &str) -> Card {
    Card { title: Some(Text::of(title)), ..note("It begins.") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_its_thread_and_what_is_shown_in_both() {
    let world = world().await;
    let card = world.discord.post(&post(world.place(), "card", titled("HF-1 payments"))).await.unwrap();
    let root = Destination::Thread(card.clone());
    let first = world.discord.post(&post(root.clone(), "one", note("First."))).await.unwrap();
    world.discord.post(&post(root.clone(), "two", note("Second @everyone."))).await.unwrap();
    let threads = world.fake.threads(world.releases);
    assert_eq!(threads, [(number(&card), "HF-1 payments".to_owned())]);
    assert_eq!(first.channel.to_string(), card.id, "what is in a thread is found there");
    let loud = Destination::ThreadAndChannel(card.clone());
    world.discord.post(&post(loud, "loud", note("It failed."))).await.unwrap();
    let beside = world.discord.post(&post(Destination::Thread(first.clone()), "beside", note("Third."))).await.unwrap();
    assert_eq!(beside.channel, first.channel);
    world.discord.update(&card, &titled("HF-1 payments: live")).await.unwrap();
    let seen = world.seen();
    assert!(
        seen.contains("HF-1 payments: live\n") && seen.contains("hotfix: #HF-1 payments\n  | It failed."),
        "{seen}"
    );
    let thread = world.fake.seen(world.ben, number(&card));
    let said: Vec<&str> = thread.lines().filter(|line| line.contains('.')).collect();
    assert_eq!(said, ["  | First.", r"  | Second \@everyone.", "  | It failed.", "  | Third."]);
    world.discord.post(&post(Destination::Direct(person(world.ada)), "dm", note("For you."))).await.unwrap();
    assert!(world.fake.seen(world.ada, world.fake.direct(world.ada)).contains("For you."));
    world.all_is_well();
}

/// The users who must act are mentioned by name once; an edit mentions nobody.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_must_act_is_called() {
    let world = world().await;
    let role = world.fake.role("sre");
    let text =
        Text::of("Waiting for ").mention(Some(person(world.ben)), "Ben").plain(", ").group(role.to_string(), "sre");
    let ask = Card { lines: vec![text.plain(" <@1> @everyone")], ..Card::default() };
    let posted = world.discord.post(&post(world.place(), "ask", ask.clone())).await.unwrap();
    world.discord.update(&posted, &ask).await.unwrap();
    let pings: Vec<String> = world.fake.pings().into_iter().map(|(_, who)| who).collect();
    assert_eq!(pings, [format!("<@{}>", world.ben), format!("<@&{role}>")]);
    assert!(world.fake.unguarded().is_empty());
}

/// A post whose response is lost is found by its key, even among identical texts, and repeating it makes no
/// second message.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_whose_answer_got_lost_is_found() {
    let world = world().await;
    let card = world.discord.post(&post(world.place(), "card", titled("HF-1"))).await.unwrap();
    let root = Destination::Thread(card.clone());
    assert_eq!(world.discord.find(&root, "one").await.unwrap(), None, "there is no thread yet");
    world.discord.post(&post(root.clone(), "zero", note("Zero."))).await.unwrap();
    for fault in [Fault::DoneBut500, Fault::HalfBody, Fault::DoneButHangUp] {
        let key = format!("{fault:?}");
        world.fake.server.control.break_calls([(0, fault)]);
        let lost = world.discord.post(&post(root.clone(), &key, note("One."))).await.unwrap_err();
        assert!(matches!(lost, Failure::Uncertain { .. }), "{lost:?}");
        let found = world.discord.find(&root, &key).await.unwrap().expect("it was posted");
        let again = world.discord.post(&post(root.clone(), &key, note("One."))).await.unwrap();
        assert_eq!(found, again, "within some minutes Discord itself makes one of two");
    }
    assert_eq!(world.fake.posted(number(&card)).len(), 4);
    assert_eq!(world.discord.find(&root, "never").await.unwrap(), None);
    for n in 0..120 {
        world.fake.say(world.ada, world.releases, &format!("chatter {n}"));
    }
    assert_eq!(world.discord.find(&world.place(), "card").await.unwrap(), Some(card), "a page farther back");
    world.nobody_was_called();
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_say_what_to_do() {
    let world = world().await;
    let say = || async { world.discord.post(&post(world.place(), "x", note("x"))).await.unwrap_err() };
    world.fake.limit_next(Duration::from_millis(1500), false);
    assert!(matches!(say().await, Failure::Retry { after: Some(after), .. } if after == Duration::from_millis(1500)));
    let still = say().await;
    assert!(matches!(&still, Failure::Retry { after: Some(_), .. }), "{still:?}");
    assert_eq!(world.fake.invalid_requests(), 1, "Discord is left alone as long as it asked for");
    let other = world.fake.channel("other");
    world.fake.deny(other, world.fake.app(), 1 << 11);
    let refused = world.discord.post(&post(Destination::Channel(channel(other)), "x", note("x"))).await.unwrap_err();
    assert!(
        matches!(&refused, Failure::Rejected { reason } if reason.contains("Give the bot's role the right")),
        "{refused}"
    );
    let nowhere = world.discord.post(&post(Destination::Channel(channel(1)), "x", note("x"))).await.unwrap_err();
    assert!(
        matches!(&nowhere, Failure::Rejected { reason } if reason.contains("Correct the channel's number")),
        "{nowhere}"
    );
    world.fake.take_no_messages(world.ada, true);
    let closed = world.discord.post(&post(Destination::Direct(person(world.ada)), "x", note("x"))).await.unwrap_err();
    assert!(matches!(&closed, Failure::Rejected { reason } if reason.contains("direct messages")), "{closed}");
    world.fake.server.control.down(Some(Fault::HangUp));
    let gone = world.discord.account(&person(world.ben)).await.unwrap_err();
    assert!(matches!(gone, Failure::Retry { .. }), "{gone:?}");
}

/// Security case 67: no error contains the token, and a wrong token is reported.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_told_without_it() {
    let fake = DiscordFake::start("another").await;
    let discord = Discord::new(options(&fake)).unwrap();
    let failure = discord.account(&person(fake.person("ada"))).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Rejected { reason } if reason.contains("token") && !reason.contains(TOKEN)),
        "{failure}"
    );
    let found = discord.self_check(&[]).await;
    assert_eq!((found.len(), found[0].status), (1, CheckStatus::Error), "{found:?}");
    assert!(!format!("{:?}{:?}", options(&fake), discord).contains(TOKEN));
}

/// Security cases 30, 31 and 38: accounts and channels are classified as Discord describes them.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_channels_are_what_they_are() {
    let world = world().await;
    let bot = world.fake.other_bot("other");
    let (gone, guest) = (world.fake.person("gone"), world.fake.person("guest"));
    world.fake.leave(gone);
    world.fake.pending(guest, true);
    for (who, kind) in [
        (world.ada, AccountKind::Member),
        (bot, AccountKind::Bot),
        (gone, AccountKind::Gone),
        (1, AccountKind::Gone),
        (guest, AccountKind::Guest),
    ] {
        assert_eq!(world.discord.account(&person(who)).await.unwrap(), kind, "{who}");
    }
    let slack = PersonRef::new(Platform::Slack, world.ada.to_string());
    assert!(matches!(world.discord.account(&slack).await, Err(Failure::Rejected { .. })));
    assert_eq!(world.discord.channel(&world.channel()).await.unwrap(), ChannelKind::Own);
    let direct = channel(world.fake.direct(world.ada));
    assert_eq!(world.discord.channel(&direct).await.unwrap(), ChannelKind::Direct);
    let among = [person(world.ada), person(world.ben), person(gone)];
    assert_eq!(world.discord.readers_among(&direct, &among).await.unwrap(), [person(world.ada)]);
    assert_eq!(
        world.discord.readers_among(&world.channel(), &among).await.unwrap(),
        [person(world.ada), person(world.ben)]
    );
    world.fake.deny(world.releases, world.ben, 1 << 10);
    let anew = Discord::new(options(&world.fake)).unwrap();
    assert_eq!(anew.readers_among(&world.channel(), &among).await.unwrap(), [person(world.ada)], "ben may not see it");
    let stranger = DiscordOptions { guilds: vec!["1".to_owned()], ..options(&world.fake) };
    let stranger = Discord::new(stranger).unwrap();
    assert_eq!(stranger.channel(&world.channel()).await.unwrap(), ChannelKind::Shared);
    world.all_is_well();
}

/// Security cases 30, 32 and 34: only current reactions count, by humans, on the bot's own messages.
#[tokio::test(flavor = "multi_thread")]
async fn reactions_are_those_that_stand() {
    let world = world().await;
    let ask = world.discord.post(&post(world.place(), "ask", question())).await.unwrap();
    let message = number(&ask);
    world.fake.react(world.ben, message, "👍🏽");
    world.fake.react(world.ada, message, "❌");
    world.fake.react(world.ada, message, "👀");
    world.fake.react(world.fake.other_bot("other"), message, "👍🏽");
    world.fake.react(world.ada, message, "✅");
    world.fake.unreact(world.ada, message, "✅");
    let standing = world.discord.reactions(&ask).await.unwrap();
    let of = |who, emoji| Reaction { person: person(who), emoji };
    assert_eq!(standing, [of(world.ben, Emoji::Yes), of(world.ada, Emoji::No)]);
    let many: Vec<u64> = (0..130).map(|n| world.fake.person(&format!("p{n}"))).collect();
    many.iter().for_each(|who| world.fake.react(*who, message, "👍"));
    assert_eq!(world.discord.reactions(&ask).await.unwrap().len(), 132);
    let theirs = world.fake.say(world.ada, world.releases, "Ship it?");
    world.fake.react(world.ben, theirs, "✅");
    let theirs = MessageRef { channel: world.channel(), id: theirs.to_string() };
    assert!(matches!(world.discord.reactions(&theirs).await, Err(Failure::Rejected { .. })));
    world.all_is_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_looks_itself_over() {
    let world = world().await;
    let found = world.discord.self_check(&[world.channel()]).await;
    let wrong: Vec<String> =
        found.iter().filter(|it| it.status != CheckStatus::Ok).map(|it| format!("{}: {}", it.what, it.seen)).collect();
    assert_eq!(wrong, ["the commands: Discord knows others, or none"]);
    let running = world.run();
    world.fake.until("the commands", |fake| (!fake.commands().is_empty()).then_some(())).await;
    running.end().await;
    world.fake.deny(world.releases, world.fake.app(), 1 << 14 | 1 << 35);
    let again = Discord::new(options(&world.fake)).unwrap().self_check(&[world.channel(), channel(1)]).await;
    let wrong: Vec<&str> = again.iter().filter(|it| it.status != CheckStatus::Ok).map(|it| it.seen.as_str()).collect();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert_eq!(wrong[0], "the bot lacks Embed Links, Create Public Threads in #releases");
    let mut other = options(&world.fake);
    other.application = "12".to_owned();
    let other = Discord::new(other).unwrap().self_check(&[]).await;
    assert!(
        other.iter().any(|it| it.status == CheckStatus::Error && it.next.contains("application's number")),
        "{other:?}"
    );
    world.all_is_well();
}

/// A missing or unmentionable role is reported: the first would be shown as a number, the second would notify nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_be_called_is_told() {
    let world = world().await;
    let (oncall, quiet) = (world.fake.role("oncall"), world.fake.role("quiet"));
    world.fake.mentionable(oncall);
    let roles = [oncall.to_string(), quiet.to_string(), "7".to_owned()];
    let found = world.discord.check_groups(&roles).await;
    let verdicts: Vec<CheckStatus> = found.iter().map(|finding| finding.status).collect();
    assert_eq!(verdicts, [CheckStatus::Ok, CheckStatus::Warning, CheckStatus::Error], "{found:?}");
    assert!(found[0].seen.contains("@oncall"), "{found:?}");
    assert!(found[1].seen.contains("@quiet") && found[1].next.contains("mention this role"), "{found:?}");
    assert!(found[2].what.contains('7') && found[2].next.contains("`notify`"), "{found:?}");
    assert_eq!(world.discord.check_groups(&[]).await, []);
    let elsewhere = DiscordOptions { guilds: vec!["1".to_owned()], ..options(&world.fake) };
    let found = Discord::new(elsewhere).unwrap().check_groups(&roles).await;
    assert!(found.len() == 1 && found[0].what.contains("server 1"), "{found:?}");
    assert_eq!(found[0].status, CheckStatus::Error, "{found:?}");
    world.all_is_well();
}

/// Security case 67: a token that Discord echoes is redacted.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_said_back_is_not_repeated() {
    let world = world().await;
    let said = world.discord.post(&post(world.place(), "ask", question())).await.unwrap();
    for status in [400, 401, 403, 404, 429, 500] {
        world.fake.server.control.echo_credentials(Some(status));
        let anew = Discord::new(options(&world.fake)).unwrap();
        let heard = format!(
            "{:?} {:?} {:?} {:?}",
            anew.post(&post(world.place(), "again", question())).await,
            anew.reactions(&said).await,
            anew.self_check(&[world.channel()]).await,
            anew.check_groups(&["7".to_owned()]).await,
        );
        assert!(!heard.contains(TOKEN), "{status}: {heard}");
        assert!(status == 429 || heard.contains("told to say this back: Bot …"), "{status}: {heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_work_are_refused() {
    let fake = DiscordFake::start(TOKEN).await;
    type Change = fn(&mut DiscordOptions);
    let changes: [Change; 6] = [
        |options| options.token = SecretString::from(" "),
        |options| options.application = "hotfix".to_owned(),
        |options| options.guilds = vec![],
        |options| options.guilds = vec!["team".to_owned()],
        |options| options.gateway = Some("ws://gateway.example".parse().unwrap()),
        |options| options.api = "http://discord.example/api/v10/".parse().unwrap(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut wrong = options(&fake);
        change(&mut wrong);
        assert!(matches!(Discord::new(wrong), Err(Failure::Rejected { .. })), "{number}");
    }
}

/// Of several concurrent updates the newest stays visible, and superseded ones are not sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_change_stays() {
    let world: World = world().await;
    let card = world.discord.post(&post(world.place(), "card", note("0"))).await.unwrap();
    let state = |n: u8| Card::line(Tone::Good, Text::of(format!("state {n}")));
    let change = |n| {
        let (discord, card) = (&world.discord, &card);
        async move { discord.update(card, &state(n)).await.unwrap() }
    };
    // The first is in flight while the others arrive.
    world.fake.server.control.delay(Duration::from_millis(200));
    tokio::join!(change(1), change(2), change(3), change(4));
    assert!(world.seen().contains("state 4"), "{}", world.seen());
    let changes = world.fake.server.control.calls().iter().filter(|call| call.method == "PATCH").count();
    assert_eq!(changes, 2, "the first, and the newest of those that waited");
}
