//! Socket Mode: connections break and reconnect, and no interaction is lost or delivered under two dedupe keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::chat::inbound::EventSource as _;
use hotfix_adapters::chat::slack::Slack;
use hotfix_adapters::chat::{Chat as _, HandlerReply, Inbound, InboundHandler, Interaction};
use hotfix_fakes::relay::{Relay, in_pieces, too_much};
use hotfix_fakes::server::Fault;
use hotfix_fakes::slack::{Farewell, Slack as Fake};
use rstest::rstest;
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::{RecordingHandler, World, form, note, options, post, question, typed, world};

struct Running {
    stop: watch::Sender<bool>,
    run: JoinHandle<()>,
}

impl Running {
    async fn end(self) {
        // It may have ended already.
        let _ = self.stop.send(true);
        tokio::time::timeout(Duration::from_secs(30), self.run).await.expect("it stops").unwrap();
    }
}

fn run(world: &World, slack: &Slack) -> Running {
    world.fake.deliver_over_sockets();
    let (stop, stopped) = watch::channel(false);
    let (mode, recorder) = (slack.socket_mode().unwrap(), Arc::clone(&world.recorder));
    let run = tokio::spawn(async move { mode.run(recorder, stopped).await });
    Running { stop, run }
}

async fn connected() -> (World, Running) {
    let world = world().await;
    let running = run(&world, &world.slack);
    up(&world.fake, 2).await;
    (world, running)
}

async fn up(fake: &Fake, many: usize) {
    let waited = tokio::time::timeout(Duration::from_secs(30), fake.connected(many)).await;
    waited.unwrap_or_else(|_| panic!("{many} connections; there are {}", fake.connections()));
}

#[tokio::test]
async fn commands_forms_buttons_and_events_come_over_connections() {
    let (world, running) = connected().await;
    world.recorder.answer(HandlerReply::Message(Some(note("HF-1 waits for Ben"))));
    world.fake.command("ana", "hotfixes", "/hotfix status").await;
    assert!(world.seen().contains("(only you see this): HF-1 waits for Ben"), "{}", world.seen());
    world.recorder.answer(HandlerReply::OpenForm(form()));
    world.fake.command("ana", "hotfixes", "/hotfix verify").await;
    world.fake.until("a form", |fake| fake.modal("ana").is_some()).await;
    world.recorder.answer(HandlerReply::FieldErrors(vec![("note".to_owned(), "Say more.".to_owned())]));
    world.fake.submit("ana", &[("Outcome", "pass"), ("Note", "x")]).await;
    assert!(world.fake.modal("ana").unwrap().contains("! Say more."));
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.fake.press("ben", "hotfixes", &ask.id, "Approve").await;
    world.fake.react("ben", "hotfixes", &ask.id, "+1").await;
    let heard = world.recorder.after(5).await;
    assert!(matches!(heard.interaction, Interaction::Reaction { added: true, .. }), "{heard:?}");
    running.end().await;
    up(&world.fake, 0).await;
}

/// An envelope that arrives on two connections has one dedupe key.
#[tokio::test]
async fn an_envelope_that_comes_twice_has_one_key() {
    let (world, running) = connected().await;
    world.fake.send_twice(true);
    world.fake.command("ana", "hotfixes", "/hotfix approve").await;
    world.recorder.after(2).await;
    let keys: Vec<String> = world.recorder.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!(keys[0], keys[1]);
    running.end().await;
}

/// An envelope that could not be stored is not acknowledged, and arrives again on the other connection with the
/// same key.
#[tokio::test]
async fn what_could_not_be_kept_is_not_acknowledged() {
    let (world, running) = connected().await;
    world.fake.patience(Duration::from_millis(200));
    world.recorder.answer(HandlerReply::Unavailable);
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.fake.react("ben", "hotfixes", &ask.id, "+1").await;
    world.recorder.after(2).await;
    let keys: Vec<String> = world.recorder.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    assert_eq!(world.fake.retries_to_come(), 0, "the second was acknowledged");
    world.recorder.answer(HandlerReply::Unavailable);
    assert!(world.fake.command("ana", "hotfixes", "/hotfix approve").await.taken());
    assert_eq!(world.recorder.heard().len(), 4, "a command too");
    running.end().await;
}

/// The new connection opens before the old one closes.
#[tokio::test]
async fn a_connection_that_is_about_to_go_is_replaced_first() {
    let (world, running) = connected().await;
    world.fake.take_leave(Farewell::Warning);
    up(&world.fake, 3).await;
    for _ in 0..3 {
        world.fake.command("ana", "hotfixes", "/hotfix status").await;
    }
    assert_eq!(world.recorder.heard().len(), 3, "all three serve, the old one too");
    world.fake.take_leave(Farewell::RefreshRequested);
    up(&world.fake, 2).await;
    assert_eq!(opened(&world.fake), 3, "the one that was warned has its successor already");
    world.fake.take_leave(Farewell::RefreshRequested);
    world.fake.until("a successor", |fake| opened(fake) == 4).await;
    up(&world.fake, 2).await;
    running.end().await;
}

fn opened(fake: &Fake) -> usize {
    fake.said().iter().filter(|said| said.method == "apps.connections.open").count()
}

/// A lost acknowledgement: the connection breaks, and the envelope arrives over another one with the same key.
#[tokio::test]
async fn a_connection_that_breaks_loses_nothing() {
    let (world, running) = connected().await;
    world.fake.cut_at_next();
    world.fake.command("ana", "hotfixes", "/hotfix status").await;
    assert_eq!(typed(&world.recorder.after(1).await), "status");
    up(&world.fake, 2).await;
    world.fake.cut();
    up(&world.fake, 2).await;
    world.fake.command("ana", "hotfixes", "/hotfix list").await;
    assert_eq!(typed(&world.recorder.after(2).await), "list");
    running.end().await;
}

/// Slack is down at the start and recovers later.
#[tokio::test]
async fn an_outage_is_sat_out() {
    let world = world().await;
    world.fake.control().down(Some(Fault::Refuse(503)));
    let running = run(&world, &world.slack);
    while world.fake.control().calls().len() < 2 {
        tokio::task::yield_now().await;
    }
    world.fake.control().down(None);
    up(&world.fake, 2).await;
    running.end().await;
}

/// Slack accepts ten connections; the surplus one waits while the others serve.
#[tokio::test]
async fn more_connections_than_slack_takes_do_no_harm() {
    let world = world().await;
    let mut ten = options(&world.fake);
    ten.connections = 10;
    let first = run(&world, &Slack::new(ten).unwrap());
    up(&world.fake, 10).await;
    let second = run(&world, &world.slack);
    world.fake.until("two more have tried", |fake| opened(fake) == 12).await;
    world.fake.command("ana", "hotfixes", "/hotfix status").await;
    assert_eq!(world.recorder.heard().len(), 1);
    assert_eq!(opened(&world.fake), 12, "they are in no hurry");
    second.end().await;
    first.end().await;
}

/// If Socket Mode is disabled, the bot does not reconnect in a loop.
#[tokio::test]
async fn a_link_that_is_disabled_is_let_be() {
    let (world, running) = connected().await;
    world.fake.take_leave(Farewell::LinkDisabled);
    up(&world.fake, 0).await;
    assert_eq!(opened(&world.fake), 2);
    running.end().await;
}

/// A handler like [`RecordingHandler`] that blocks on the first delivery of a slow interaction.
struct Slow {
    recorder: Arc<RecordingHandler>,
    release: Notify,
    again: AtomicBool,
}

#[async_trait]
impl InboundHandler for Slow {
    async fn handle(&self, inbound: Inbound) -> HandlerReply {
        let slow = typed(&inbound) == "slow" && !self.again.swap(true, Ordering::Relaxed);
        let heard = self.recorder.handle(inbound).await;
        if slow {
            self.release.notified().await;
        }
        heard
    }
}

fn run_slowly(world: &World, connections: u8) -> (Arc<Slow>, Running) {
    let mut options = options(&world.fake);
    options.connections = connections;
    world.fake.deliver_over_sockets();
    let slow =
        Arc::new(Slow { recorder: Arc::clone(&world.recorder), release: Notify::new(), again: AtomicBool::new(false) });
    let (stop, stopped) = watch::channel(false);
    let (mode, listener) = (Slack::new(options).unwrap().socket_mode().unwrap(), Arc::clone(&slow));
    (slow, Running { stop, run: tokio::spawn(async move { mode.run(listener, stopped).await }) })
}

/// A slow interaction delays no other on its connection.
#[tokio::test]
async fn nobody_waits_for_a_slow_act() {
    let world = world().await;
    let (slow, running) = run_slowly(&world, 1);
    up(&world.fake, 1).await;
    let (first, second) = tokio::join!(world.fake.command("ana", "hotfixes", "/hotfix slow"), async {
        let quick = world.fake.command("ben", "hotfixes", "/hotfix quick").await;
        slow.release.notify_one();
        quick
    });
    assert!(first.taken() && second.taken(), "{first:?} {second:?}");
    running.end().await;
}

/// The connection breaks during handling: the acknowledgement is lost, and the interaction arrives again with the
/// same key.
#[tokio::test]
async fn a_lost_acknowledgement_brings_the_same_key_again() {
    let world = world().await;
    let (slow, running) = run_slowly(&world, 2);
    up(&world.fake, 2).await;
    let (answered, ()) = tokio::join!(world.fake.command("ana", "hotfixes", "/hotfix slow"), async {
        world.recorder.after(1).await;
        world.fake.cut();
        world.recorder.after(2).await;
        slow.release.notify_one();
    });
    assert!(answered.taken(), "{answered:?}");
    let keys: Vec<String> = world.recorder.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    running.end().await;
}

/// On shutdown, accepted interactions are still acknowledged.
#[tokio::test]
async fn what_was_taken_is_acknowledged_at_the_end() {
    let world = world().await;
    let (slow, running) = run_slowly(&world, 1);
    up(&world.fake, 1).await;
    let (answered, ()) = tokio::join!(world.fake.command("ana", "hotfixes", "/hotfix slow"), async {
        world.recorder.after(1).await;
        running.stop.send(true).unwrap();
        slow.release.notify_one();
    });
    assert!(answered.taken(), "{answered:?}");
    running.end().await;
    assert_eq!(world.recorder.heard().len(), 1);
}

/// Sets up a bot whose only connection goes through a relay.
async fn relayed() -> (World, Relay, Running) {
    let world = world().await;
    let relay = Relay::start(world.fake.url().trim_start_matches("http://").parse().unwrap()).await;
    world.fake.sockets_through(relay.address());
    let (_, running) = run_slowly(&world, 1);
    up(&world.fake, 1).await;
    // Slack considers a connection open before the bot does; the ping makes sure that the bot does too.
    assert!(world.fake.command("ana", "hotfixes", "/hotfix ping").await.taken());
    (world, relay, running)
}

/// Security case 11: a frame or message above the size limit, in one piece or in many, ends its connection before it is
/// buffered. Another one opens, and interactions from the meantime are delivered once.
#[rstest]
#[tokio::test]
async fn what_is_too_long_ends_its_connection_and_loses_nothing(#[values(0, 1, 2, 3, 4)] which: usize) {
    const MOST: usize = 1 << 20;
    let (world, relay, running) = relayed().await;
    let (what, frames) = too_much(MOST).swap_remove(which);
    let taken = relay.say(frames).await;
    // The operating system buffers a lot, but far less than the 64 MiB that were offered.
    assert!(taken < MOST + (24 << 20), "{what}: {taken} bytes were read");
    relay.ended(1).await;
    world.fake.patience(Duration::from_secs(20));
    assert!(world.fake.command("ana", "hotfixes", "/hotfix status").await.taken(), "{what}");
    assert_eq!(world.recorder.heard().len(), 2, "{what}");
    assert_eq!(opened(&world.fake), 2, "{what}");
    running.end().await;
}

/// Security case 11: a fragmented message within the limit is reassembled.
#[tokio::test]
async fn what_comes_in_pieces_is_heard() {
    let (world, relay, running) = relayed().await;
    let payload = json!({
        "command": "/hotfix", "text": "note in pieces", "team_id": world.fake.team(), "api_app_id": world.fake.app(),
        "channel_id": world.channel().as_str(), "user_id": world.fake.user_id("ana"), "trigger_id": "1.2.3",
        "response_url": format!("{}/actions/none", world.fake.url()), "is_enterprise_install": "false",
    });
    let envelope = json!({
        "envelope_id": "in-pieces", "type": "slash_commands", "accepts_response_payload": true, "payload": payload,
    });
    relay.say(in_pieces(&envelope.to_string(), 7)).await;
    assert_eq!(typed(&world.recorder.after(2).await), "note in pieces");
    running.end().await;
}
