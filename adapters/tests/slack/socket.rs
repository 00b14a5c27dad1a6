//! Socket Mode: connections that come and go, and no act that is lost or heard under two names.

use std::sync::Arc;
use std::time::Duration;

use hotfix_adapters::chat::listen::Source as _;
use hotfix_adapters::chat::slack::Slack;
use hotfix_adapters::chat::{Act, Chat as _, Heard};
use hotfix_fakes::server::Fault;
use hotfix_fakes::slack::{Farewell, Slack as Fake};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{World, form, note, options, post, question, typed, world};

struct Running {
    stop: watch::Sender<bool>,
    run: JoinHandle<()>,
}

impl Running {
    async fn end(self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(30), self.run).await.expect("it stops").unwrap();
    }
}

fn run(world: &World, slack: &Slack) -> Running {
    world.fake.deliver_over_sockets();
    let (stop, stopped) = watch::channel(false);
    let (mode, ear) = (slack.socket_mode().unwrap(), Arc::clone(&world.ear));
    let run = tokio::spawn(async move { mode.run(ear, stopped).await });
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
    world.ear.answer(Heard::Said(Some(note("HF-1 waits for Ben"))));
    world.fake.command("ana", "hotfixes", "/hotfix status").await;
    assert!(world.seen().contains("(only you see this): HF-1 waits for Ben"), "{}", world.seen());
    world.ear.answer(Heard::Form(form()));
    world.fake.command("ana", "hotfixes", "/hotfix verify").await;
    world.fake.until("a form", |fake| fake.modal("ana").is_some()).await;
    world.ear.answer(Heard::Wrong(vec![("note".to_owned(), "Say more.".to_owned())]));
    world.fake.submit("ana", &[("Outcome", "pass"), ("Note", "x")]).await;
    assert!(world.fake.modal("ana").unwrap().contains("! Say more."));
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.fake.press("ben", "hotfixes", &ask.id, "Approve").await;
    world.fake.react("ben", "hotfixes", &ask.id, "+1").await;
    let heard = world.ear.after(5).await;
    assert!(matches!(heard.act, Act::Reacted { added: true, .. }), "{heard:?}");
    running.end().await;
    up(&world.fake, 0).await;
}

/// The same envelope on two connections is one act: both bring the same key.
#[tokio::test]
async fn an_envelope_that_comes_twice_has_one_key() {
    let (world, running) = connected().await;
    world.fake.send_twice(true);
    world.fake.command("ana", "hotfixes", "/hotfix approve").await;
    world.ear.after(2).await;
    let keys: Vec<String> = world.ear.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!(keys[0], keys[1]);
    running.end().await;
}

/// What could not be kept is not acknowledged, and comes again on the other connection with the same key.
#[tokio::test]
async fn what_could_not_be_kept_is_not_acknowledged() {
    let (world, running) = connected().await;
    world.fake.patience(Duration::from_millis(200));
    world.ear.answer(Heard::Failed);
    let ask = world.slack.post(&post(world.place(), "ask", question())).await.unwrap();
    world.fake.react("ben", "hotfixes", &ask.id, "+1").await;
    world.ear.after(2).await;
    let keys: Vec<String> = world.ear.heard().into_iter().map(|heard| heard.dedupe_key).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    assert_eq!(world.fake.retries_to_come(), 0, "the second was acknowledged");
    running.end().await;
}

/// The new connection is there before the old one goes.
#[tokio::test]
async fn a_connection_that_is_about_to_go_is_replaced_first() {
    let (world, running) = connected().await;
    world.fake.take_leave(Farewell::Warning);
    up(&world.fake, 3).await;
    for _ in 0..3 {
        world.fake.command("ana", "hotfixes", "/hotfix status").await;
    }
    assert_eq!(world.ear.heard().len(), 3, "all three serve, the old one too");
    world.fake.take_leave(Farewell::RefreshRequested);
    world.ear.after(3).await;
    world.fake.until("another connection", |fake| opened(fake) == 4 || fake.connections() >= 2).await;
    running.end().await;
}

fn opened(fake: &Fake) -> usize {
    fake.said().iter().filter(|said| said.method == "apps.connections.open").count()
}

/// A lost acknowledgement: the connection breaks, the envelope comes again over another one, under the same key.
#[tokio::test]
async fn a_connection_that_breaks_loses_nothing() {
    let (world, running) = connected().await;
    world.fake.cut_at_next();
    world.fake.command("ana", "hotfixes", "/hotfix status").await;
    assert_eq!(typed(&world.ear.after(1).await), "status");
    up(&world.fake, 2).await;
    world.fake.cut();
    up(&world.fake, 2).await;
    world.fake.command("ana", "hotfixes", "/hotfix list").await;
    assert_eq!(typed(&world.ear.after(2).await), "list");
    running.end().await;
}

/// Slack is down at the start and later comes up.
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

/// Ten are all that Slack takes; whoever is too much waits, and the others serve.
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
    assert_eq!(world.ear.heard().len(), 1);
    assert_eq!(opened(&world.fake), 12, "they are in no hurry");
    second.end().await;
    first.end().await;
}

/// Socket Mode that is switched off is not stormed.
#[tokio::test]
async fn a_link_that_is_disabled_is_let_be() {
    let (world, running) = connected().await;
    world.fake.take_leave(Farewell::LinkDisabled);
    up(&world.fake, 0).await;
    assert_eq!(opened(&world.fake), 2);
    running.end().await;
}

/// A slow act holds up nobody else on its connection.
#[tokio::test]
async fn nobody_waits_for_a_slow_act() {
    let world = world().await;
    let mut one = options(&world.fake);
    one.connections = 1;
    let slow = Arc::new(Slow { release: tokio::sync::Notify::new() });
    world.fake.deliver_over_sockets();
    let (stop, stopped) = watch::channel(false);
    let (mode, listener) = (Slack::new(one).unwrap().socket_mode().unwrap(), Arc::clone(&slow));
    let run = tokio::spawn(async move { mode.run(listener, stopped).await });
    up(&world.fake, 1).await;
    let (first, second) = tokio::join!(world.fake.command("ana", "hotfixes", "/hotfix slow"), async {
        let quick = world.fake.command("ben", "hotfixes", "/hotfix quick").await;
        slow.release.notify_one();
        quick
    });
    assert!(first.taken() && second.taken(), "{first:?} {second:?}");
    Running { stop, run }.end().await;
}

struct Slow {
    release: tokio::sync::Notify,
}

#[async_trait::async_trait]
impl hotfix_adapters::chat::Listener for Slow {
    async fn hear(&self, inbound: hotfix_adapters::chat::Inbound) -> Heard {
        if typed(&inbound) == "slow" {
            self.release.notified().await;
        }
        Heard::Said(None)
    }
}
