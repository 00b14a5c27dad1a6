//! Each chat interaction takes effect once and durably, despite failures of the bot, the connection, the chat or
//! the clock.

use std::sync::Arc;
use std::time::Duration;

use hotfix::domain::event::Event;
use hotfix::domain::hotfix::DeployState;
use hotfix_adapters::chat::{Inbound, Interaction as Did};
use hotfix_adapters::ids::{ChannelRef, PersonRef, Platform};
use hotfix_fakes::server::Fault;
use hotfix_fakes::slack::Slack;
use hotfix_storage::{WorkState, WorkView};
use hotfix_tests::play::Play;
use hotfix_tests::room::CHANNEL;
use hotfix_tests::scenario::Act;
use hotfix_tests::world::{Options, Talk, World};
use rstest::rstest;

use super::slack::{asking, asking_over, prompt, slack, told, votes};

/// The call by which the bot looks up an account in the chat.
pub(super) const WHO: &str = "chat of everybody";
/// Time limit for every wait in these tests.
const PATIENCE: Duration = Duration::from_secs(60);
/// Number of panics after which the inbox gives an interaction up.
const MOST_FAULTS: usize = 5;

pub(super) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "it did not come: {what}");
}

/// Returns the interactions that are stored in the inbox queue.
pub(super) async fn kept(world: &World) -> Vec<WorkView> {
    let unsettled = world.journal().unsettled().await.expect("the journal");
    unsettled.into_iter().filter(|view| view.work.queue.as_str() == "inbox").collect()
}

/// Returns the notes of the newest run, in order.
pub(super) async fn notes(world: &World) -> Vec<String> {
    let run = world.newest().await.expect("a run");
    let entries = world.engine().entries(run.id).await.expect("events");
    let noted = entries.into_iter().filter_map(|entry| match entry.event {
        Event::Noted { text } => Some(text),
        _ => None,
    });
    noted.collect()
}

/// Restarts the bot so that it defers every interaction that it cannot answer at once.
pub(super) async fn impatient(mut play: Play) -> Play {
    play.world.options.patience = Some(Duration::ZERO);
    play.world.restart().await.expect("it starts");
    play
}

/// Kills the bot in the middle of its work and starts it again.
pub(super) async fn killed(world: &mut World) {
    world.cut.stop_at(0);
    world.cut.hang(WHO, false);
    let engine = Arc::downgrade(world.engine());
    world.stop_listening().await;
    // The two remaining references are those of the world itself.
    until("the old bot is gone", async || engine.strong_count() == 2).await;
    world.restart().await.expect("it starts");
}

// --- The inbox

/// An interaction that outlasts the chat's time limit is durable before it is acknowledged; the reply follows later.
#[tokio::test]
async fn what_takes_long_is_kept_and_answered_late() {
    let play = impatient(asking(&[]).await).await;
    let slack = slack(&play);
    play.world.cut.hang(WHO, true);
    let answered = slack.command("ben", CHANNEL, "/hotfix note the graphs look calm").await;
    assert!(answered.taken(), "{answered:?}");
    assert!(slack.sees("ben", CHANNEL).contains("On it"), "{}", slack.sees("ben", CHANNEL));
    assert_eq!((kept(&play.world).await.len(), notes(&play.world).await.len()), (1, 0));
    play.world.cut.hang(WHO, false);
    slack.until_seen("ben", CHANNEL, "HF-1: Waiting for votes").await;
    assert_eq!(notes(&play.world).await, ["the graphs look calm"]);
    until("it is kept no more", async || kept(&play.world).await.is_empty()).await;
}

/// After a crash between acknowledgement and execution, the next process executes the interaction once and replies.
#[tokio::test]
async fn what_was_acknowledged_is_done_after_a_crash() {
    let mut play = impatient(asking(&[]).await).await;
    let message = prompt(&play).await;
    play.world.cut.hang(WHO, true);
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    assert!(slack(&play).command("dee", CHANNEL, "/hotfix note seen by dee").await.taken());
    assert_eq!(kept(&play.world).await.len(), 2);
    killed(&mut play.world).await;
    assert!(votes(&play).await.is_empty() && notes(&play.world).await.is_empty(), "it was done too early");
    play.world.settle().await.expect("the bot comes to rest");
    assert_eq!(
        (votes(&play).await, notes(&play.world).await),
        (vec!["ben".to_owned()], vec!["seen by dee".to_owned()])
    );
    let said = told(slack(&play), "dee", CHANNEL, "HF-1: Ready to be deployed");
    assert_eq!(said, 1, "{}", slack(&play).sees("dee", CHANNEL));
    assert!(kept(&play.world).await.is_empty());
}

/// A crash after execution but before the work item is removed: the interaction is not executed again.
#[tokio::test]
async fn what_was_done_and_is_still_kept_is_not_done_again() {
    let mut world =
        World::new(Options { service: "payments".to_owned(), ..Options::default() }).await.expect("a world");
    for line in ["ana: /hotfix start payments \"Fix 500\"", "ana: /hotfix note once"] {
        let inbound = world.typed(line).expect("words").expect("a command");
        world.deliver(&inbound).await.expect("it is heard");
        world.engine().keep(&inbound, Duration::ZERO).await.expect("it is kept");
    }
    world.restart().await.expect("it starts");
    world.settle().await.expect("the bot comes to rest");
    assert_eq!((world.engine().ids().await.len(), notes(&world).await), (1, vec!["once".to_owned()]));
    assert!(kept(&world).await.is_empty());
}

/// Security case 19: an interaction that panics every time is given up after a few attempts, and delays no other.
#[tokio::test]
async fn an_act_that_always_breaks_off_is_set_aside() {
    let mut play = impatient(asking(&[]).await).await;
    let message = prompt(&play).await;
    play.world.cut.hang(WHO, true);
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    killed(&mut play.world).await;
    play.world.cut.break_off(WHO, usize::MAX);
    play.world.settle().await.expect("the bot comes to rest");
    let set_aside = kept(&play.world).await;
    let [view] = set_aside.as_slice() else { panic!("{set_aside:?}") };
    assert!(matches!(&view.state, WorkState::Dead { reason } if reason.contains("fault of the bot")), "{view:?}");
    assert_eq!(view.attempt as usize, MOST_FAULTS - 1);
    play.world.cut.break_off(WHO, 0);
    slack(&play).command("dee", CHANNEL, "/hotfix note it works").await;
    until("others are heard", async || notes(&play.world).await.len() == 1).await;
    slack(&play).take_back("ben", CHANNEL, &message, "+1").await;
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    until("so is whoever did it, when they do it again", async || votes(&play).await == ["ben"]).await;
}

/// Security case 19: the sender is told that nothing was done, and the bot goes on.
#[tokio::test]
async fn an_act_that_breaks_off_at_once_is_told_so() {
    let play = asking(&[]).await;
    let slack = slack(&play);
    play.world.cut.break_off(WHO, 1);
    slack.command("ben", CHANNEL, "/hotfix note lost").await;
    assert_eq!(told(slack, "ben", CHANNEL, "nothing was done. Please say it again"), 1);
    // Events are redelivered automatically, so the vote counts.
    play.world.cut.break_off(WHO, 1);
    slack.react("ben", CHANNEL, &prompt(&play).await, "+1").await;
    assert_eq!((votes(&play).await, notes(&play.world).await.len()), (vec!["ben".to_owned()], 0));
}

// --- Once, however often it comes

/// Security case 5: a delivery that was refused or had no effect is recorded as well, so its redelivery has no effect
/// when the same command would change something.
#[tokio::test]
async fn what_changed_nothing_does_nothing_later() {
    let play = asking(&[]).await;
    let said = async |text: &str, key: &str| {
        let inbound = in_slack(&play, "ben", text, key);
        play.world.deliver(&inbound).await.expect("it is heard").expect("an answer").ok
    };
    assert!(!said("unapprove", "too early").await);
    assert!(said("approve", "first").await && said("approve", "second").await);
    assert_eq!(votes(&play).await, ["ben"]);
    assert!(!said("unapprove", "too early").await, "what was refused is not done because it comes again");
    assert_eq!(votes(&play).await, ["ben"]);
    assert!(said("unapprove", "taken back").await);
    for key in ["first", "second"] {
        said("approve", key).await;
        assert!(votes(&play).await.is_empty(), "the vote that was taken back came back: {key}");
    }
    assert!(said("approve", "anew").await);
    assert_eq!(votes(&play).await, ["ben"]);
}

/// Returns a command typed in Slack.
fn in_slack(play: &Play, who: &str, text: &str, key: &str) -> Inbound {
    let person = play.world.engine().config().people.get(&who.parse().expect("a name")).expect("somebody");
    let from = person.account(Platform::Slack).expect("an account").clone();
    Inbound { from, dedupe_key: format!("test/{key}"), ..inbound(play, who, text) }
}

/// Returns a command sent from the command line.
fn inbound(play: &Play, who: &str, text: &str) -> Inbound {
    let channel = ChannelRef::parse(&slack(play).channel_id(CHANNEL)).expect("a channel");
    Inbound {
        dedupe_key: format!("test/{who}/{text}/{}", play.world.ops.lock().expect("a lock").len()),
        from: PersonRef::new(Platform::Console, who),
        channel,
        thread: None,
        can_ask: false,
        interaction: Did::Command { text: text.to_owned() },
    }
}

/// Figure W2: Slack gets no response and redelivers everything three times, each time with a new signature.
#[tokio::test]
async fn a_storm_of_retries_has_one_effect_each() {
    let play = asking(&[]).await;
    let (slack, message) = (slack(&play), prompt(&play).await);
    let start = slack.now();
    let storm = async || {
        for (number, seconds) in [(1, 0), (2, 60), (3, 180)] {
            slack.pass(Duration::from_secs(seconds)).await;
            assert!(slack.retry(number).await.taken());
        }
        slack.set_time(start);
    };
    for number in 0..100 {
        slack.command("ana", CHANNEL, &format!("/hotfix note number {number}")).await;
        storm().await;
        // More than one command per second for long would exceed the rate limit.
        play.world.clock.advance(Duration::from_secs(1));
    }
    let wanted: Vec<String> = (0..100).map(|number| format!("number {number}")).collect();
    assert_eq!(notes(&play.world).await, wanted);
    let before = play.world.newest().await.expect("a run").version;
    slack.react("ben", CHANNEL, &message, "+1").await;
    storm().await;
    assert_eq!(votes(&play).await, ["ben"]);
    let after = play.world.newest().await.expect("a run").version;
    slack.take_back("ben", CHANNEL, &message, "+1").await;
    storm().await;
    assert!(votes(&play).await.is_empty(), "the retries of the older reaction count for nothing");
    assert!(after > before);
    slack.press("dee", CHANNEL, &message, "Approve").await;
    storm().await;
    assert_eq!(votes(&play).await, ["dee"]);
}

/// Figure W3: the same envelope arrives on two connections.
#[tokio::test]
async fn an_envelope_on_two_connections_has_one_effect() {
    let mut play = asking_over(Talk::SlackSocket).await;
    let message = prompt(&play).await;
    slack(&play).send_twice(true);
    for number in 0..20 {
        assert!(slack(&play).command("ana", CHANNEL, &format!("/hotfix note number {number}")).await.taken());
    }
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    slack(&play).press("dee", CHANNEL, &message, "Approve").await;
    assert_eq!(notes(&play.world).await.len(), 20);
    assert_eq!(votes(&play).await, ["ben", "dee"]);
    let run = play.world.newest().await.expect("a run");
    let entries = play.world.engine().entries(run.id).await.expect("events");
    assert_eq!(entries.iter().filter(|entry| matches!(entry.event, Event::Voted(_))).count(), 2);
    play.world.settle().await.expect("the bot comes to rest");
    play.world.check().await.expect("nothing is left");
}

/// Figure W3: every connection breaks during handling, so the acknowledgement is lost.
#[tokio::test]
async fn a_disconnect_before_the_acknowledgement_has_one_effect() {
    let play = asking_over(Talk::SlackSocket).await;
    let slack = slack(&play);
    slack.cut_at_next();
    assert!(slack.command("ana", CHANNEL, "/hotfix note never arrived at first").await.taken());
    slack.connected(2).await;
    play.world.cut.hang(WHO, true);
    let (answered, ()) = tokio::join!(slack.command("ana", CHANNEL, "/hotfix note handled twice"), async {
        until("the first is handled", async || play.world.cut.waited(WHO) == 1).await;
        slack.cut();
        until("the second is handled", async || play.world.cut.waited(WHO) == 2).await;
        play.world.cut.hang(WHO, false);
    });
    assert!(answered.taken(), "{answered:?}");
    assert_eq!(notes(&play.world).await, ["never arrived at first", "handled twice"]);
}

/// Figure W3, oracle O1: nothing is acknowledged before it is durable, and everything acknowledged survives a crash.
#[tokio::test]
async fn the_acknowledgement_comes_after_the_journal() {
    let mut play = asking_over(Talk::SlackSocket).await;
    let message = prompt(&play).await;
    let acks = |slack: &Slack| slack.said().iter().filter(|said| said.method == "socket.ack").count();
    slack(&play).patience(Duration::from_millis(300));
    let before = acks(slack(&play));
    play.world.cut.stop_at(0);
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    assert_eq!(acks(slack(&play)), before, "it was acknowledged, and nobody keeps it");
    assert!(slack(&play).retries_to_come() > 0);
    play.world.restart().await.expect("it starts");
    assert!(votes(&play).await.is_empty());
    slack(&play).patience(Duration::from_secs(3));
    slack(&play).pass(Duration::from_secs(60)).await;
    assert_eq!((acks(slack(&play)), slack(&play).retries_to_come()), (before + 1, 0));
    play.world.restart().await.expect("it starts");
    assert_eq!(votes(&play).await, ["ben"]);
}

// --- The chat is down

/// Returns the keys of the bot's posts in the channel and its threads after the first `after` messages, in
/// display order.
fn posted(slack: &Slack, after: usize) -> Vec<String> {
    let key = |ts: &String| Some(slack.metadata(CHANNEL, ts)?["event_payload"]["key"].as_str()?.to_owned());
    slack.messages(CHANNEL).iter().skip(after).filter_map(key).collect()
}

/// Figure F2: Slack is down for an hour during a run, then executes calls without answering. A vote cast meanwhile
/// counts, the other effects wait or go on as the policy says, and every message is posted once, in order.
#[rstest]
#[case::waits("wait", 1)]
#[case::goes_on("go_on", 2)]
#[tokio::test]
async fn an_hour_without_slack_loses_nothing(#[case] policy: &str, #[case] deployed_meanwhile: usize) {
    let mut play = asking(&[]).await;
    let file = play.world.stage.config().join("policy.toml");
    let text = std::fs::read_to_string(&file).expect("a policy");
    std::fs::write(&file, format!("chat_down = \"{policy}\"\n{text}")).expect("it is written");
    play.world.restart().await.expect("it starts");
    let message = prompt(&play).await;
    slack(&play).command("dee", CHANNEL, "/hotfix approve").await;
    play.world.settle().await.expect("the bot comes to rest");
    let said = slack(&play).messages(CHANNEL).len();
    let (control, world) = (slack(&play).control().clone(), &play.world);
    control.down(Some(Fault::Refuse(503)));
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    assert_eq!((votes(&play).await, kept(world).await.len()), (vec!["dee".to_owned()], 1));
    // The command line does not depend on Slack.
    for line in ["note before-it", "deploy production HF-1", "note behind-it"] {
        let reply = world.deliver(&inbound(&play, "ana", line)).await.expect("it is heard").expect("an answer");
        assert!(reply.ok, "{line}: {reply:?}");
    }
    for fault in [Fault::Refuse(503), Fault::DoneButHangUp] {
        control.down(Some(fault));
        // The bot retries for half an hour.
        world.settle().await.expect("the bot comes to rest");
    }
    let run = world.newest().await.expect("a run");
    assert_eq!(run.deploys.len(), deployed_meanwhile, "{:?}", run.deploys);
    control.down(None);
    world.settle().await.expect("the bot comes to rest");
    let run = world.newest().await.expect("a run");
    assert_eq!(run.deploys.len(), 2, "{:?}", run.deploys);
    assert!(run.deploys.iter().all(|deploy| deploy.state == DeployState::Succeeded));
    assert!(run.rejections.is_empty() && kept(world).await.is_empty());
    let keys = posted(slack(&play), said);
    let mut sorted = keys.clone();
    sorted.sort_by_key(|key| key.split('/').filter_map(|part| part.parse::<u64>().ok()).collect::<Vec<_>>());
    sorted.dedup();
    assert_eq!(keys, sorted, "said in another order, or twice");
    for words in ["before-it", "behind-it"] {
        assert_eq!(slack(&play).sees("ana", CHANNEL).matches(words).count(), 1, "{words}");
    }
    play.world.check().await.expect("nothing is left");
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

/// Figure F2: a vote cast by button while Slack was down counts once Slack is up, before a new vote request is sent,
/// even after a restart.
#[tokio::test]
async fn a_vote_that_is_given_while_slack_is_down_counts() {
    let mut play = asking(&[]).await;
    let message = prompt(&play).await;
    // By then, the cached account lookups are a minute old.
    play.world.restart().await.expect("it starts");
    slack(&play).control().down(Some(Fault::Refuse(503)));
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    slack(&play).press("dee", CHANNEL, &message, "Approve").await;
    let refused = slack(&play).command("chi", CHANNEL, "/hotfix approve").await;
    assert!(
        refused.body.to_string().contains("chat.down"),
        "words that name no message mean something else later: {refused:?}"
    );
    assert_eq!((votes(&play).await.len(), kept(&play.world).await.len()), (0, 2));
    play.world.settle().await.expect("the bot comes to rest");
    play.world.restart().await.expect("it starts");
    play.world.settle().await.expect("the bot comes to rest");
    assert_eq!((votes(&play).await.len(), kept(&play.world).await.len()), (0, 2));
    slack(&play).control().down(None);
    play.world.settle().await.expect("the bot comes to rest");
    assert_eq!(
        (sorted(votes(&play).await), kept(&play.world).await.len()),
        (vec!["ben".to_owned(), "dee".to_owned()], 0)
    );
}

/// Users see a vote request before the bot gets its message id, and that response can be lost. Votes by button or
/// reaction count once the bot knows the message. Text commands name no vote request, so the user is asked to
/// repeat them.
#[tokio::test]
async fn a_vote_on_a_question_that_is_on_its_way_counts() {
    const QUESTION: &str = "may this go to production?";
    let mut play = asking(&[]).await;
    play.world.clock.advance(Duration::from_secs(5 * 3600));
    let (slack, engine) = (slack(&play), play.world.engine());
    engine.poll().await.expect("the question's time is over");
    slack.control().down(Some(Fault::DoneButHangUp));
    until("it is asked anew", async || {
        engine.work().await.expect("the journal");
        slack.sees("ana", CHANNEL).matches(QUESTION).count() == 2
    })
    .await;
    slack.control().down(None);
    let message = slack.find("ana", CHANNEL, QUESTION);
    slack.react("ben", CHANNEL, &message, "+1").await;
    slack.press("dee", CHANNEL, &message, "Approve").await;
    let typed = slack.command("dee", CHANNEL, "/hotfix approve").await;
    assert!(typed.body.to_string().contains("vote.unasked"), "{typed:?}");
    assert_eq!((votes(&play).await.len(), kept(&play.world).await.len()), (0, 2));
    play.world.restart().await.expect("it starts");
    play.world.settle().await.expect("the bot comes to rest");
    assert_eq!(prompt(&play).await, message);
    assert_eq!(sorted(votes(&play).await), ["ben", "dee"]);
    assert!(kept(&play.world).await.is_empty());
}

/// A guest cannot vote by pressing the button during an outage.
#[tokio::test]
async fn a_guest_does_not_vote_by_way_of_an_outage() {
    let play = asking(&[("ben", hotfix_fakes::slack::Standing::Guest)]).await;
    let message = prompt(&play).await;
    slack(&play).control().down(Some(Fault::Refuse(503)));
    slack(&play).press("ben", CHANNEL, &message, "Approve").await;
    slack(&play).control().down(None);
    play.world.settle().await.expect("the bot comes to rest");
    assert!(votes(&play).await.is_empty() && kept(&play.world).await.is_empty());
    assert_eq!(told(slack(&play), "ben", CHANNEL, "a guest's account"), 1, "they are told, late");
}

/// An ephemeral reply that Slack refuses is delivered once when Slack is up again, even after a restart.
#[tokio::test]
async fn an_answer_that_slack_does_not_take_is_given_later() {
    let mut play = asking(&[]).await;
    let message = prompt(&play).await;
    play.world.clock.advance(Duration::from_secs(5 * 3600));
    let closed = "its time is over, so nothing was counted";
    slack(&play).control().down(Some(Fault::Refuse(503)));
    slack(&play).press("ben", CHANNEL, &message, "Approve").await;
    until("the answer is kept", async || kept(&play.world).await.len() == 1).await;
    for _ in 0..2 {
        play.world.engine().work().await.expect("the journal");
    }
    play.world.restart().await.expect("it starts");
    assert_eq!((told(slack(&play), "ben", CHANNEL, closed), kept(&play.world).await.len()), (0, 1));
    slack(&play).control().down(None);
    play.world.settle().await.expect("the bot comes to rest");
    assert_eq!(told(slack(&play), "ben", CHANNEL, closed), 1, "{}", slack(&play).sees("ben", CHANNEL));
    assert_eq!(told(slack(&play), "chi", CHANNEL, closed), 0, "nobody else is told");
    assert!(kept(&play.world).await.is_empty() && votes(&play).await.is_empty());
}

async fn played(given: &str, options: Options) -> Play {
    let world = World::new(Options { service: "payments".to_owned(), ..options }).await.expect("a world");
    let mut play = Play::new(world).expect("a play");
    play.step(&Act::Given(given.to_owned())).await.expect("the steps up to there");
    play
}

async fn step(play: &mut Play, line: &str) -> String {
    let act = match line.strip_prefix("world: ") {
        Some(words) => Act::World(words.to_owned()),
        None => Act::Typed(line.to_owned()),
    };
    let said = play.step(&act).await.unwrap_or_else(|error| panic!("{line}: {error:#}")).join("\n");
    // Undoes line wrapping, which does not matter here.
    said.replace("\n    │ ", " ")
}

/// After an outage of any length, finished steps are not announced; a pending one is reminded of once.
#[tokio::test]
async fn nobody_is_asked_for_what_is_over() {
    let mut play = played("a hotfix that is reviewed", Options::default()).await;
    step(&mut play, "world: the chat is down").await;
    for _ in 0..3 {
        play.step(&Act::Clock(Duration::from_secs(45 * 60))).await.expect("time passes");
    }
    step(&mut play, "ana: /hotfix verify local pass").await;
    for _ in 0..3 {
        play.step(&Act::Clock(Duration::from_secs(45 * 60))).await.expect("time passes");
    }
    let said = step(&mut play, "world: the chat is up").await;
    assert!(!said.contains("verify local"), "{said}");
    assert_eq!(said.matches("Still waiting").count(), 1, "{said}");
    assert!(said.contains("verify staging pass"), "{said}");
    step(&mut play, "world: the chat is down").await;
    step(&mut play, "ana: /hotfix abort not needed any more").await;
    let said = step(&mut play, "world: the chat is up").await;
    assert!(said.contains("not needed any more") && !said.contains("verify staging"), "{said}");
}

// --- Freeze and clock

fn production(play: &Play) -> String {
    let place = play.world.stage.place("production").join("current");
    std::fs::read_link(place).expect("something runs there").display().to_string()
}

/// Runs the bot until the production deployment is decided, but not begun.
async fn decided(play: &mut Play) {
    let inbound = play.world.typed("ana: /hotfix deploy production").expect("words").expect("a command");
    play.world.deliver(&inbound).await.expect("it is heard");
    while play.world.newest().await.expect("a run").deploys.len() < 2 {
        assert!(play.world.engine().work().await.expect("the journal").claimed > 0, "nothing was decided");
    }
}

/// Security case 86: a freeze also stops a deployment that is decided but not begun, and a restart does not lift it.
#[tokio::test]
async fn a_freeze_stops_what_is_queued_already() {
    let mut play = played("a hotfix that is approved", Options::default()).await;
    let live = production(&play);
    decided(&mut play).await;
    let freeze = play.world.typed("dee: /hotfix freeze payments the database is broken").expect("words").expect("one");
    assert!(play.world.deliver(&freeze).await.expect("it is heard").is_some_and(|reply| reply.ok));
    play.world.restart().await.expect("it starts");
    let said = step(&mut play, "ana: /hotfix status").await;
    assert!(
        said.contains("Nothing was begun, because deployments are frozen: Dee says: the database is broken"),
        "{said}"
    );
    assert_eq!(production(&play), live);
    play.world.restart().await.expect("it starts");
    let said = step(&mut play, "ana: /hotfix deploy production").await;
    assert!(said.contains("Deployments are frozen"), "{said}");
    assert_eq!(production(&play), live);
    step(&mut play, "dee: /hotfix unfreeze payments").await;
    step(&mut play, "ana: /hotfix deploy production").await;
    assert_ne!(production(&play), live);
}

/// Security case 86: if the freeze cannot be read, the bot assumes that it holds.
#[tokio::test]
async fn a_freeze_that_cannot_be_read_holds() {
    let mut play = played("a hotfix that is approved", Options::default()).await;
    let live = production(&play);
    decided(&mut play).await;
    play.world.cut.set_down("leases", true);
    play.world.settle().await.expect("the bot comes to rest");
    assert_eq!(production(&play), live);
    play.world.cut.set_down("leases", false);
    play.world.settle().await.expect("the bot comes to rest");
    assert_ne!(production(&play), live);
}

/// Security case 86: a freeze of everything also blocks changes to the code; the freeze of a service does not.
#[tokio::test]
async fn the_freeze_of_everything_leaves_the_code_alone() {
    for (frozen, touched) in [("payments", true), ("all", false)] {
        let world =
            World::new(Options { service: "payments".to_owned(), ..Options::default() }).await.expect("a world");
        let mut play = Play::new(world).expect("a play");
        step(&mut play, &format!("dee: /hotfix freeze {frozen} we look into it")).await;
        step(&mut play, "ana: /hotfix start payments \"Fix 500 on upload\" --fix <fix-upload>").await;
        assert_eq!(play.world.newest().await.expect("a run").head.is_some(), touched, "{frozen}");
        step(&mut play, &format!("dee: /hotfix unfreeze {frozen}")).await;
        assert!(play.world.newest().await.expect("a run").head.is_some(), "{frozen}");
    }
}

/// Security case 87: a clock jump of more than five minutes blocks all effects until the clock is right, with a
/// notification; a smaller jump is followed.
#[rstest]
#[case::ahead(6)]
#[case::back(-6)]
#[case::a_day_ahead(24 * 60)]
#[case::a_day_back(-24 * 60)]
#[tokio::test]
async fn a_clock_that_jumps_holds_everything_back(#[case] minutes: i64) {
    let mut play = played("a hotfix that is approved", Options { embedded: true, ..Options::default() }).await;
    let live = production(&play);
    play.world.clock.jump(if minutes > 0 { 4 } else { -4 });
    let said = step(&mut play, "ana: /hotfix note all is well").await;
    assert!(!said.contains("clock"), "{said}");
    play.world.clock.jump(minutes);
    let before = play.world.engine().now();
    let said = step(&mut play, "ana: /hotfix deploy production").await;
    assert_eq!(said.matches("I begin nothing for now, because the clock of the machine was set").count(), 1, "{said}");
    assert_eq!((production(&play), play.world.newest().await.expect("a run").deploys.len()), (live.clone(), 1));
    let passed = play.world.engine().now().duration_since(before).as_mins();
    assert!((0..=32).contains(&passed), "time jumped by {passed} minutes");
    play.world.clock.jump(-minutes);
    let said = step(&mut play, "ana: /hotfix status").await;
    assert_eq!(said.matches("The clock of my machine is right again").count(), 1, "{said}");
    assert_ne!(production(&play), live);
}

/// Security case 87: an expired vote stays expired when the clock is set back, also across a restart.
#[tokio::test]
async fn no_expired_vote_comes_back() {
    let mut play = played("a hotfix that is approved", Options { embedded: true, ..Options::default() }).await;
    let live = production(&play);
    play.world.clock.advance(Duration::from_secs(241 * 60));
    step(&mut play, "ana: /hotfix note the vote is over").await;
    for starts in [false, true] {
        play.world.clock.jump(-180);
        if starts {
            play.world.restart().await.expect("it starts");
        }
        let _ = step(&mut play, "ana: /hotfix deploy production").await;
        assert_eq!((production(&play), play.world.newest().await.expect("a run").deploys.len()), (live.clone(), 1));
        assert!(play.world.journal().clock_warning().is_some());
        play.world.clock.jump(180);
        let said = step(&mut play, "ana: /hotfix status").await;
        assert!(starts || said.contains("needs 1 vote of an approver"), "{said}");
        assert_eq!(production(&play), live);
    }
}

/// Security case 87: a decided deployment whose votes expire before it begins does not begin.
#[tokio::test]
async fn a_vote_that_expires_before_the_deployment_begins_stops_it() {
    let mut play = played("a hotfix that is approved", Options::default()).await;
    let live = production(&play);
    decided(&mut play).await;
    play.world.cut.set_down("deployment", true);
    play.world.settle().await.expect("the bot comes to rest");
    play.world.clock.advance(Duration::from_secs(241 * 60));
    play.world.cut.set_down("deployment", false);
    let said = step(&mut play, "ana: /hotfix status").await;
    assert!(said.contains("Nothing was begun, because a vote expired before its turn came"), "{said}");
    assert_eq!(production(&play), live);
}
