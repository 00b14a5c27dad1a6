//! The gateway: connections break and reconnect, and no interaction is lost or delivered under two dedupe keys.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hotfix_adapters::chat::discord::DiscordOptions;
use hotfix_adapters::chat::{Chat as _, CountedReaction, Emoji, HandlerReply, Interaction};
use hotfix_adapters::ids::{MessageRef, PersonRef};
use hotfix_fakes::discord::DiscordFake;
use hotfix_fakes::relay::{Relay, in_pieces, too_much};
use hotfix_fakes::server::Fault;
use rstest::rstest;
use serde_json::json;

use super::{RecordingHandler, Running, TOKEN, World, note, number, person, post, question, world};

fn frames(fake: &DiscordFake, op: u64) -> usize {
    fake.frames().iter().filter(|frame| frame.op == op).count()
}

async fn asked(world: &World) -> MessageRef {
    world.discord.post(&post(world.place(), "ask", question())).await.unwrap()
}

async fn reacting() -> (World, Running, MessageRef) {
    let (world, running) = World::connected().await;
    let ask = asked(&world).await;
    world.recorder.watch(&ask, Vec::new());
    (world, running, ask)
}

/// Waits for `many` calls of a path. It polls, because the fake signals a call before it records it.
async fn called(world: &World, path: &str, many: usize) {
    let there = async {
        while world.fake.server.control.calls().iter().filter(|call| call.path.ends_with(path)).count() < many {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), there).await.expect("it is called");
}

/// Waits for `many` frames with this opcode, and for one open session.
async fn again(world: &World, op: u64, many: usize) {
    let there = |fake: &DiscordFake| (frames(fake, op) == many && fake.connected() == 1).then_some(());
    world.fake.until("a connection", there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_to_be_told_little() {
    let (world, running) = World::connected().await;
    let identify = world.fake.frames().into_iter().find(|frame| frame.op == 2).unwrap();
    assert_eq!(identify.data["intents"], json!(1 | 1 << 10));
    running.end().await;
    let known = world.fake.commands();
    assert_eq!((known.len(), known[0]["options"].as_array().unwrap().len()), (2, 3));
    // Commands that are registered already are not registered again.
    let running = world.run();
    again(&world, 2, 2).await;
    called(&world, "/commands", 3).await;
    running.end().await;
    let calls = world.fake.server.control.calls();
    assert_eq!(calls.iter().filter(|call| call.method == "PUT").count(), 1);
    world.all_is_well();
}

/// Events from a gap are replayed when the session resumes, with the same dedupe keys as without a gap.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_after_a_gap() {
    let (world, running) = World::connected().await;
    let ask = asked(&world).await;
    world.fake.react(world.ada, number(&ask), "❌");
    world.recorder.after(1).await;
    world.fake.gateway_down(true);
    world.fake.cut();
    world.fake.react(world.ben, number(&ask), "✅");
    world.fake.unreact(world.ben, number(&ask), "✅");
    world.fake.gateway_down(false);
    world.recorder.after(3).await;
    let keys: BTreeSet<String> = world.recorder.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!(keys.len(), 3, "each is told once");
    assert_eq!((frames(&world.fake, 2), frames(&world.fake, 6)), (1, 1), "it went on");
    running.end().await;
    assert_eq!(world.recorder.heard().len(), 3);
    world.all_is_well();
}

/// If the session cannot resume, the reactions of every open vote request are read again, and missed ones are delivered
/// (reliability W4).
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_read_again() {
    let (world, running, ask) = reacting().await;
    let other = world.discord.post(&post(world.place(), "other", question())).await.unwrap();
    world.fake.refuse_resume(true);
    world.fake.lose_events(true);
    world.fake.react(world.ben, number(&ask), "✅");
    world.fake.react(world.ada, number(&ask), "👎");
    world.fake.react(world.ada, number(&ask), "👀");
    world.fake.react(world.ada, number(&other), "✅");
    world.fake.lose_events(false);
    world.fake.cut();
    world.recorder.after(2).await;
    again(&world, 2, 2).await;
    let heard = world.recorder.heard();
    let of = |number: usize| (heard[number].from.clone(), heard[number].interaction.clone());
    let stands = |emoji| Interaction::Reaction { message: ask.clone(), emoji, added: true };
    assert_eq!([of(0), of(1)], [(person(world.ben), stands(Emoji::Yes)), (person(world.ada), stands(Emoji::No)),]);
    running.end().await;
    assert_eq!(world.recorder.heard().len(), 2, "what is not watched, and what means nothing, is not handed in");
    world.all_is_well();
}

/// The same for removed reactions; reactions that count already are not delivered again (security case 34).
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_meanwhile_is_noticed() {
    let (world, running) = World::connected().await;
    let ask = asked(&world).await;
    let counts = |who: u64, emoji| CountedReaction { accounts: vec![person(1), person(who)], emoji };
    world.recorder.watch(&ask, vec![counts(world.ada, Emoji::Yes), counts(world.ben, Emoji::Yes)]);
    world.fake.refuse_resume(true);
    world.fake.lose_events(true);
    world.fake.react(world.ada, number(&ask), "✅");
    world.fake.react(world.ben, number(&ask), "❌");
    world.fake.lose_events(false);
    world.fake.cut();
    world.recorder.after(2).await;
    again(&world, 2, 2).await;
    running.end().await;
    let acts: Vec<(PersonRef, Interaction)> =
        world.recorder.heard().into_iter().map(|heard| (heard.from, heard.interaction)).collect();
    let reacted = |emoji, added| Interaction::Reaction { message: ask.clone(), emoji, added };
    assert_eq!(acts, [(person(1), reacted(Emoji::Yes, false)), (person(world.ben), reacted(Emoji::No, true))]);
    world.all_is_well();
}

/// A user whose reaction does not count is told once, not after every gap.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_the_same_after_every_gap() {
    let (world, running, ask) = reacting().await;
    let no = || HandlerReply::Message(Some(note("You asked for it yourself.")));
    world.recorder.answer(no());
    world.fake.react(world.ben, number(&ask), "✅");
    let direct = world.fake.direct(world.ben);
    world.fake.until("a word", |fake| (!fake.posted(direct).is_empty()).then_some(())).await;
    world.recorder.answer(no());
    world.fake.close(4009);
    world.recorder.after(2).await;
    running.end().await;
    assert_eq!(world.fake.posted(direct).len(), 1, "{}", world.fake.seen(world.ben, direct));
    world.all_is_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_connect_anew_is_followed() {
    let (world, running, ask) = reacting().await;
    world.fake.ask_to_reconnect();
    again(&world, 6, 1).await;
    world.fake.close(4009);
    again(&world, 2, 2).await;
    world.fake.invalidate(false);
    again(&world, 2, 3).await;
    world.fake.react(world.ben, number(&ask), "✅");
    world.recorder.after(1).await;
    running.end().await;
    world.fake.until("it is gone", |fake| (fake.connected() == 0).then_some(())).await;
}

/// A connection without heartbeat acknowledgements is dead; the session resumes over another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_connection_is_left() {
    let world = world().await;
    world.fake.heartbeat(Duration::from_millis(200));
    world.fake.zombie(true);
    let running = world.run();
    world.fake.until("a second connection", |fake| (frames(fake, 6) >= 1).then_some(())).await;
    world.fake.zombie(false);
    world.fake.until("heartbeats", |fake| (frames(fake, 1) >= 4).then_some(())).await;
    world.fake.ask_heartbeat();
    running.end().await;
}

/// After the close code for disallowed intents, which an operator must fix, the bot does not reconnect in a loop.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_must_change_is_not_tried_all_the_time() {
    let world = world().await;
    let running = world.run();
    again(&world, 2, 1).await;
    world.fake.close(4014);
    world.fake.until("it is gone", |fake| (fake.connected() == 0).then_some(())).await;
    running.end().await;
    assert_eq!(frames(&world.fake, 2), 1);
}

/// Without remaining sessions for today, none is started.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_counted() {
    let world = world().await;
    world.fake.sessions_left(0);
    let running = world.run();
    called(&world, "/gateway/bot", 1).await;
    running.end().await;
    assert_eq!(world.fake.frames().len(), 0);
}

/// During an outage of the API no other URL is tried; when it recovers, the bot reconnects.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_passes() {
    let world = world().await;
    world.fake.server.control.break_calls([(0, Fault::Refuse(503)), (1, Fault::HangUp), (2, Fault::HalfBody)]);
    let running = world.run();
    world.up().await;
    world.fake.outage(true);
    world.fake.until("it is gone", |fake| (fake.connected() == 0).then_some(())).await;
    world.fake.outage(false);
    world.up().await;
    world.fake.until("the commands", |fake| (!fake.commands().is_empty()).then_some(())).await;
    running.end().await;
    assert!(Arc::<RecordingHandler>::strong_count(&world.recorder) == 1, "nothing runs on");
}

/// Sets up a bot whose connection goes through a relay.
async fn relayed() -> (World, Relay, Running) {
    let fake = DiscordFake::start(TOKEN).await;
    let relay = Relay::start(fake.server.address).await;
    let gateway = Some(format!("ws://{}", relay.address()).parse().unwrap());
    let world = World::of(fake, |options| DiscordOptions { gateway, ..options });
    let running = world.run();
    world.recorder.begun().await;
    (world, relay, running)
}

/// Security case 11: a frame or message above the size limit, in one piece or in many, ends its connection before it is
/// buffered. The session resumes over another one, and interactions from the meantime are delivered once.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_ends_its_connection_and_loses_nothing(#[values(0, 1, 2, 3, 4)] which: usize) {
    const MOST: usize = 8 << 20;
    let (world, relay, running) = relayed().await;
    let ask = asked(&world).await;
    let (what, pieces) = too_much(MOST).swap_remove(which);
    let taken = relay.say(pieces).await;
    // The operating system buffers a lot, but far less than the 64 MiB that were offered.
    assert!(taken < MOST + (24 << 20), "{what}: {taken} bytes were read");
    relay.ended(1).await;
    world.fake.react(world.ada, number(&ask), "❌");
    let heard = world.recorder.after(1).await;
    assert!(matches!(heard.interaction, Interaction::Reaction { added: true, .. }), "{what}: {heard:?}");
    again(&world, 6, 1).await;
    assert_eq!(frames(&world.fake, 2), 1, "{what}: the session went on");
    assert_eq!(world.recorder.heard().len(), 1, "{what}");
    running.end().await;
}

/// Security case 11: a fragmented message within the limit is reassembled.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_pieces_is_heard() {
    let (world, relay, running) = relayed().await;
    let beats = frames(&world.fake, 1);
    relay.say(in_pieces(&json!({ "op": 1, "s": null, "t": null, "d": null }).to_string(), 5)).await;
    world.fake.until("a heartbeat", |fake| (frames(fake, 1) > beats).then_some(())).await;
    running.end().await;
}
