//! The worker pool at full concurrency: a hanging call delays no other work, and a panic affects no other work.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hotfix::domain::hotfix::DeployState;
use hotfix::engine::{EngineError, WorkerPool};
use hotfix::serve;
use hotfix_storage::{ClaimRequest, Claimed, Clock as _, Queue, WorkState};
use hotfix_tests::play::Play;
use hotfix_tests::scenario::Act;
use hotfix_tests::stage;
use hotfix_tests::world::{Options, World};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Time limit for every wait in these tests.
const PATIENCE: Duration = Duration::from_secs(60);
/// Number of panics after which a work item is given up.
const MOST_FAULTS: usize = 5;

/// Waits until the condition holds.
async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "it did not come: {what}");
}

/// Returns a world with two services in two repositories.
async fn world() -> World {
    let mut world =
        World::new(Options { service: "payments".to_owned(), ..Options::default() }).await.expect("a world");
    let (bare, config) = (world.stage.bare(), world.stage.config());
    let other = bare.with_file_name("billing.git");
    stage::copy(&bare, &other).expect("a copy");
    let edit = |from: &Path, to: &Path, change: &dyn Fn(String) -> String| {
        std::fs::write(to, change(std::fs::read_to_string(from).expect("a file"))).expect("it is written");
    };
    let services = config.join("services");
    edit(&services.join("payments.toml"), &services.join("billing.toml"), &|text| {
        let text = text.replace("team/payments", "team/billing");
        text.replace("{repository}\", \"{environment}", "team/payments\", \"{environment}")
    });
    let policy = config.join("policy.toml");
    edit(&policy, &policy, &|text| {
        let (_, roles) = text.split_once("[services.payments.roles]").expect("roles");
        format!("{text}\n[services.billing.roles]{roles}")
    });
    world.restart().await.expect("it starts with two services");
    world
}

async fn played(world: World, given: &str) -> Play {
    let mut play = Play::new(world).expect("a play");
    play.step(&Act::Given(given.to_owned())).await.expect("the steps up to there");
    play
}

async fn says(world: &World, line: &str) {
    let inbound = world.typed(line).expect("words").expect("a command");
    let reply = world.deliver(&inbound).await.expect("it is heard");
    assert!(reply.is_none_or(|reply| reply.ok), "{line} was refused");
}

fn at_work(world: &World, poll: Duration) -> (JoinHandle<Result<(), EngineError>>, Arc<Notify>) {
    let stop = Arc::new(Notify::new());
    (tokio::spawn(serve::run(world.engine().clone(), poll, stop.clone())), stop)
}

fn was_said(world: &World, words: &str) -> bool {
    world.console.transcript().iter().any(|entry| entry.text.contains(words))
}

/// A deployment of one run hangs: the run still posts messages, and another run starts.
#[tokio::test]
async fn a_call_that_hangs_holds_up_nothing_else() {
    let play = played(world().await, "a hotfix that is approved").await;
    let world = &play.world;
    world.cut.hang("deployment of payments", true);
    let (bot, stop) = at_work(world, Duration::from_secs(3600));
    says(world, "ana: /hotfix deploy production").await;
    until("the deployment hangs", async || world.cut.waited("deployment of payments") > 0).await;
    says(world, "ana: /hotfix note the graphs look calm").await;
    until("the run talks", async || was_said(world, "the graphs look calm")).await;
    says(world, "ben: /hotfix start billing \"Fix the bills\"").await;
    until("the other run acts", async || world.newest().await.is_some_and(|run| run.card.is_some())).await;
    world.cut.hang("deployment of payments", false);
    until("the deployment ends", async || {
        let runs = world.engine().states().await;
        let deploys = &runs[0].deploys;
        deploys.len() == 2 && deploys[1].state == DeployState::Succeeded
    })
    .await;
    stop.notify_one();
    bot.await.expect("it ends").expect("the journal is in order");
}

/// The first work item of a run can be claimed as soon as the run's opening is durable, which is before the command
/// that opened it returns.
#[tokio::test]
async fn the_first_work_of_a_run_waits_until_the_run_is_known() {
    let world = world().await;
    world.cut.hang(NEW_RUNS, true);
    let (bot, stop) = at_work(&world, Duration::from_secs(3600));
    let opens = says(&world, "ana: /hotfix start payments \"Fix 500 on upload\"");
    let watched = async {
        until("its first work is claimed", async || claimed_until(&world).await.is_some()).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!bot.is_finished(), "the bot ended because of it");
        assert_eq!(world.cut.waits(NEW_RUNS), 1);
        world.cut.hang(NEW_RUNS, false);
    };
    tokio::join!(opens, watched);
    until("it is done", async || world.newest().await.is_some_and(|run| run.snapshot.is_some())).await;
    stop.notify_one();
    bot.await.expect("it ends").expect("the journal is in order");
}

const NEW_RUNS: &str = "journal of new runs";

/// The forge of one service hangs: the runs of another service are still polled.
#[tokio::test]
async fn a_forge_that_hangs_keeps_nobody_from_looking_at_the_rest() {
    let mut play = played(world().await, "a hotfix that is started").await;
    play.step(&Act::Typed("ben: /hotfix start billing \"Fix the bills\"".to_owned())).await.expect("another run");
    let world = &play.world;
    world.cut.hang("forge of payments", true);
    let (bot, stop) = at_work(world, Duration::from_millis(50));
    until("a look hangs", async || world.cut.waited("forge of payments") > 0).await;
    let looks = world.engine().pulse().looks();
    until("the other is looked at", async || world.engine().pulse().looks() > looks + 3).await;
    assert_eq!(world.cut.waited("forge of payments"), 1, "a run is looked at by one look at a time");
    let bare = world.stage.bare().with_file_name("billing.git");
    let (live, moment) = (world.commit_of("fix-log").expect("a commit"), world.clock.moment());
    let run = world.newest().await.expect("a run");
    hotfix_tests::git::git(&bare, "ana", moment, &["branch", "--force", run.plan.branch.as_str(), &live])
        .expect("a push");
    until("what was pushed is seen", async || {
        world.newest().await.and_then(|run| run.head).is_some_and(|head| head.tip.as_str() == live)
    })
    .await;
    world.cut.hang("forge of payments", false);
    stop.notify_one();
    bot.await.expect("it ends").expect("the journal is in order");
}

/// A shutdown starts no new work and waits for work in flight.
#[tokio::test]
async fn a_stop_waits_for_what_is_in_flight() {
    let play = played(world().await, "a hotfix that is approved").await;
    let world = &play.world;
    world.cut.hang("deployment of payments", true);
    let (bot, stop) = at_work(world, Duration::from_secs(3600));
    says(world, "ana: /hotfix deploy production").await;
    until("the deployment hangs", async || world.cut.waited("deployment of payments") > 0).await;
    stop.notify_one();
    tokio::task::yield_now().await;
    assert!(!bot.is_finished(), "it ended although a deployment is in flight");
    world.cut.hang("deployment of payments", false);
    bot.await.expect("it ends").expect("the journal is in order");
    let unsettled = world.journal().unsettled().await.expect("the journal");
    let held: Vec<_> = unsettled.iter().filter(|view| matches!(view.state, WorkState::Claimed { .. })).collect();
    assert!(held.is_empty(), "work was cut off: {held:?}");
}

/// A shutdown waits only for a limited time; interrupted work is checked at the next start, and takes effect once.
#[tokio::test]
async fn what_hangs_at_a_stop_is_cut_off_and_found_again() {
    let mut play = played(world().await, "a hotfix that is approved").await;
    let world = &play.world;
    world.cut.hang("deployment of payments", true);
    says(world, "ana: /hotfix deploy production").await;
    let mut pool = WorkerPool::new(world.engine().clone());
    tokio::select! {
        ended = pool.keep_going() => panic!("{ended:?}"),
        () = until("the deployment hangs", async || world.cut.waited("deployment of payments") > 0) => {}
    }
    pool.drain(Duration::ZERO).await.expect("the journal is in order");
    drop(pool);
    play.world.cut.hang("deployment of payments", false);
    play.world.restart().await.expect("it starts");
    play.world.settle().await.expect("the bot comes to rest");
    let run = play.world.newest().await.expect("a run");
    let states: Vec<_> = run.deploys.iter().map(|deploy| (deploy.intent.environment.as_str(), &deploy.state)).collect();
    assert_eq!(states, [("staging", &DeployState::Succeeded), ("production", &DeployState::Succeeded)]);
    play.world.check().await.expect("nothing is left");
}

/// Work that panics is retried without a notification.
#[tokio::test]
async fn work_that_breaks_off_is_tried_again() {
    let mut play = played(world().await, "a hotfix that is approved").await;
    play.world.cut.break_off("deployment of payments", MOST_FAULTS - 1);
    play.step(&Act::Typed("ana: /hotfix deploy production".to_owned())).await.expect("the bot comes to rest");
    let run = play.world.newest().await.expect("a run");
    assert!(run.deploys.iter().all(|deploy| deploy.state == DeployState::Succeeded) && run.deploys.len() == 2);
    assert!(run.stuck.is_empty());
    play.world.check().await.expect("nothing is left");
}

/// After a few panics the work item is given up, the run reports it, and everything else goes on.
#[tokio::test]
async fn work_that_breaks_off_every_time_is_set_aside_and_told_of() {
    let mut play = played(world().await, "a hotfix that is approved").await;
    play.world.cut.break_off("deployment of payments", usize::MAX);
    let said =
        play.step(&Act::Typed("ana: /hotfix deploy production".to_owned())).await.expect("the bot comes to rest");
    let said = said.join("\n");
    assert!(said.contains("The bot broke off 5 times by a fault of its own"), "{said}");
    assert!(!play.world.newest().await.expect("a run").stuck.is_empty());
    let unsettled = play.world.journal().unsettled().await.expect("the journal");
    assert_eq!(unsettled.iter().filter(|view| matches!(view.state, WorkState::Dead { .. })).count(), 1);
    let said =
        play.step(&Act::Typed("ben: /hotfix start billing \"Fix the bills\"".to_owned())).await.expect("it works");
    assert!(said.join("\n").contains("Hotfix started: HF-2"), "{said:?}");
}

/// The same with full concurrency: the worker loop survives.
#[tokio::test]
async fn the_bot_at_work_outlives_what_breaks_off() {
    let play = played(world().await, "a hotfix that is approved").await;
    let world = &play.world;
    world.cut.break_off("deployment of payments", 1);
    world.cut.break_off("forge of payments", 3);
    let (bot, stop) = at_work(world, Duration::from_millis(20));
    says(world, "ana: /hotfix deploy production").await;
    until("the deployment ends", async || {
        // A retry waits on the world's clock.
        world.clock.advance(Duration::from_secs(1));
        let run = world.newest().await.expect("a run");
        run.deploys.len() == 2 && run.deploys[1].state == DeployState::Succeeded
    })
    .await;
    stop.notify_one();
    bot.await.expect("it ends").expect("the journal is in order");
}

/// Duration of a claim without renewal.
const HOLD: Duration = Duration::from_secs(120);

/// Starts a deployment that hangs in a worker pool that renews its claims continuously.
async fn hanging() -> (Play, WorkerPool) {
    let mut world = world().await;
    world.options.renewal = Some(Duration::from_millis(1));
    world.restart().await.expect("it starts");
    let play = played(world, "a hotfix that is approved").await;
    play.world.cut.hang(DEPLOYMENT, true);
    says(&play.world, "ana: /hotfix deploy production").await;
    let pool = WorkerPool::new(play.world.engine().clone());
    (play, pool)
}

const DEPLOYMENT: &str = "deployment of payments";

/// Returns the work items that another worker can claim.
async fn claimed_elsewhere(world: &World) -> Vec<Claimed> {
    let request = ClaimRequest { queues: vec![Queue::new("act")], max: 16, hold: HOLD };
    world.journal().claim(request).await.expect("the journal")
}

/// Returns the time until which the deployment is claimed.
async fn claimed_until(world: &World) -> Option<hotfix_storage::Timestamp> {
    let unsettled = world.journal().unsettled().await.expect("the journal");
    unsettled.into_iter().find_map(|view| match view.state {
        WorkState::Claimed { until, .. } if view.work.queue.as_str() == "act" => Some(until),
        WorkState::Claimed { .. } | WorkState::Waiting | WorkState::Dead { .. } => None,
    })
}

/// Work that outlasts its claim is not started by a second worker, because the claim is renewed.
#[tokio::test]
async fn a_claim_is_renewed_as_long_as_the_work_goes_on() {
    let (play, mut pool) = hanging().await;
    let world = &play.world;
    let watched = async {
        until("the deployment hangs", async || world.cut.waited(DEPLOYMENT) > 0).await;
        for _ in 0..5 {
            world.clock.advance(HOLD - Duration::from_secs(20));
            let fresh = world.clock.now().after(HOLD - Duration::from_secs(10));
            until("the claim is renewed", async || claimed_until(world).await.is_some_and(|until| until > fresh)).await;
            assert!(claimed_elsewhere(world).await.is_empty(), "a second worker got it");
        }
        world.cut.hang(DEPLOYMENT, false);
        until("the deployment ends", async || {
            world.newest().await.expect("a run").deploys[1].state == DeployState::Succeeded
        })
        .await;
    };
    tokio::select! {
        ended = pool.keep_going() => panic!("{ended:?}"),
        () = watched => {}
    }
    assert_eq!(world.cut.waited(DEPLOYMENT), 1, "it was begun twice");
}

/// Work that takes more than ten minutes is abandoned, checked and started again; until then no other worker gets it.
#[tokio::test]
async fn work_that_takes_ten_minutes_is_given_up() {
    let (play, mut pool) = hanging().await;
    let world = &play.world;
    let watched = async {
        until("the deployment hangs", async || world.cut.waited(DEPLOYMENT) > 0).await;
        let began = world.clock.now();
        while world.clock.now().since(began) < Duration::from_secs(590) {
            world.clock.advance(Duration::from_secs(59));
            let fresh = world.clock.now().after(HOLD - Duration::from_secs(10));
            until("the claim is renewed", async || claimed_until(world).await.is_some_and(|until| until > fresh)).await;
            assert_eq!(world.cut.waited(DEPLOYMENT), 1, "it was given up too early");
        }
        world.clock.advance(Duration::from_secs(10));
        until("it is given up", async || claimed_until(world).await.is_none()).await;
        world.clock.advance(Duration::from_secs(2));
        until("it is begun again", async || world.cut.waited(DEPLOYMENT) == 2).await;
        world.cut.hang(DEPLOYMENT, false);
        until("the deployment ends", async || {
            world.newest().await.expect("a run").deploys[1].state == DeployState::Succeeded
        })
        .await;
    };
    tokio::select! {
        ended = pool.keep_going() => panic!("{ended:?}"),
        () = watched => {}
    }
}

/// A worker that slept past the end of its claim leaves the work to the new holder (security case 79).
#[tokio::test]
async fn whoever_lost_the_claim_lets_go_of_the_work() {
    let mut world = world().await;
    world.options.renewal = Some(Duration::from_millis(200));
    world.restart().await.expect("it starts");
    let play = played(world, "a hotfix that is approved").await;
    let world = &play.world;
    world.cut.hang(DEPLOYMENT, true);
    says(world, "ana: /hotfix deploy production").await;
    let mut pool = WorkerPool::new(world.engine().clone());
    let watched = async {
        until("the deployment hangs", async || world.cut.waited(DEPLOYMENT) > 0).await;
        world.clock.advance(HOLD + Duration::from_secs(1));
        let other = claimed_elsewhere(world).await;
        assert_eq!(other.len(), 1, "the claim has run out");
        until("the first lets go", async || world.cut.waits(DEPLOYMENT) == 0).await;
        world.cut.hang(DEPLOYMENT, false);
        assert_eq!(world.newest().await.expect("a run").deploys[1].state, DeployState::Running);
        let fence = world.journal().renew(&other[0].work.key, other[0].fence, HOLD).await.expect("the journal");
        assert!(fence.is_some(), "the other one has it still");
    };
    tokio::select! {
        ended = pool.keep_going() => panic!("{ended:?}"),
        () = watched => {}
    }
    assert_eq!(world.cut.waited(DEPLOYMENT), 1);
}
