//! Slack, in memory: a workspace whose people act, and whose Web API is at `{url}/api/<method>`. It is strict where Slack is:
//! tokens and scopes, membership, Block Kit and its limits, triggers that live three seconds and serve once, response urls,
//! rate limits, at most ten sockets. Its clock moves only when a test moves it.
//!
//! ```text
//! state     what there is                     people   who and what there is at the start, and what changes there
//! api       one call of the Web API           limits   how often a method may be called
//! chat      chat.*, reactions.*               rooms    conversations.*
//! staff     users, user groups, bots          views    modals and homes
//! blocks    Block Kit and its limits          respond  posts to a response url, and answers that are messages
//! acts      what a person does                forms    what a person fills in      payloads  how Slack tells it
//! deliver   signed HTTP, and retries          socket   Socket Mode                 screen    what a person sees
//! ```

mod acts;
mod api;
mod blocks;
mod chat;
mod deliver;
mod forms;
mod limits;
mod payloads;
mod people;
mod respond;
mod rooms;
mod screen;
mod socket;
mod staff;
mod state;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get, post};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::server::{Control, Server};

pub use self::deliver::Answered;
pub use self::forms::Submitted;
pub use self::socket::Farewell;
use self::state::World;
pub use self::state::{Said, Standing, Urls};

/// The token of the bot.
pub const BOT_TOKEN: &str = "xoxb-fake-0123456789-abcdef";

/// The token of the app, for Socket Mode.
pub const APP_TOKEN: &str = "xapp-1-fake-0123456789-abcdef";

/// What deliveries over HTTP are signed with at the start.
pub const SIGNING_SECRET: &str = "fake-0123456789abcdef0123456789ab";

/// The scopes that the bot has at the start: no `*:history`.
const SCOPES: [&str; 10] = [
    "app_mentions:read",
    "channels:read",
    "chat:write",
    "commands",
    "groups:read",
    "im:write",
    "reactions:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
];

const SUBSCRIBED: [&str; 9] = [
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.im",
    "reaction_added",
    "reaction_removed",
    "subteam_members_changed",
    "tokens_revoked",
    "user_change",
];

/// A running Slack. It ends when it is dropped.
pub struct Slack {
    server: Server,
    site: Site,
}

/// How everything was at a moment, except the sockets.
pub struct Kept(World);

#[derive(Clone)]
struct Site {
    world: Arc<Mutex<World>>,
    wires: Arc<socket::Wires>,
    /// Counts what the bot did.
    changes: Arc<watch::Sender<u64>>,
}

impl Site {
    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no test broke it before")
    }
}

impl Slack {
    /// Starts one with a workspace, in which nobody is but the bot, `hotfix`. Its clock stands at the second of the system's.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start() -> Self {
        let site = Site { world: Arc::new(Mutex::new(empty())), wires: Arc::default(), changes: Arc::default() };
        let router = Router::new()
            .route("/api/{method}", any(api::answer))
            .route("/actions/{key}", post(respond::answer))
            .route("/link/", get(socket::answer))
            .with_state(site.clone());
        let server = Server::start(router, |path| !path.starts_with("/link/")).await;
        site.world().base = server.url();
        Self { server, site }
    }

    /// Where it is, without a slash at the end; its Web API is at `{url}/api/`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What tests watch and steer on the wire: faults by the number of the call, and outages.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.server.control
    }

    /// How everything is now.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept(self.site.world().clone())
    }

    /// Makes everything as it was.
    pub fn restore(&self, kept: &Kept) {
        *self.site.world() = kept.0.clone();
    }

    /// Every call that the bot made and Slack understood, posts to response urls and acknowledgements included.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        self.site.world().said.clone()
    }

    /// Waits until something is so, and looks whenever the bot has done something.
    ///
    /// # Panics
    /// It is not so after two minutes.
    pub async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        assert!(self.comes_to_be(so).await, "this did not come to be: {what}");
    }

    async fn comes_to_be(&self, so: impl Fn(&Self) -> bool) -> bool {
        let mut changes = self.site.changes.subscribe();
        let wait = async {
            while !so(self) {
                changes.changed().await.expect("the workspace is there");
            }
        };
        tokio::time::timeout(Duration::from_secs(120), wait).await.is_ok()
    }

    /// Waits until somebody sees this in a channel.
    ///
    /// # Panics
    /// It is not there after two minutes.
    pub async fn until_seen(&self, who: &str, channel: &str, text: &str) {
        let seen = self.comes_to_be(|slack| slack.sees(who, channel).contains(text)).await;
        assert!(seen, "{who} does not see {text:?} in {channel}, but\n{}", self.sees(who, channel));
    }

    /// What it says by its clock.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.site.world().now_us).expect("a time")
    }

    /// Sets its clock. Retries that fall due wait for [`Slack::pass`].
    pub fn set_time(&self, now: Timestamp) {
        self.site.world().now_us = now.as_microsecond();
    }

    /// Lets time pass, and sends the events again that fall due meanwhile.
    pub async fn pass(&self, time: Duration) {
        self.site.world().now_us += i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2);
        self.site.send_due().await;
    }

    /// How long it waits for an acknowledgement, by the system's clock; 3 s unless a test has less time.
    pub fn patience(&self, time: Duration) {
        self.site.world().patience = time;
    }

    /// Whether rate limits hold, by its own clock. They do not at the start.
    pub fn rate_limits(&self, hold: bool) {
        let mut world = self.site.world();
        world.limited = hold;
        world.spent.clear();
    }

    /// Lets the next call of a method fail with such an error and do nothing: `internal_error`, `fatal_error`, `ratelimited`
    /// (as 429), or `hang`, which is never answered.
    pub fn fail_next(&self, method: &str, error: &str) {
        self.site.world().planned.entry(method.to_owned()).or_default().push(error.to_owned());
    }
}

fn empty() -> World {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<BTreeSet<_>>();
    let mut world = World {
        base: String::new(),
        sockets: None,
        team: "T0FAKE0TEAM".to_owned(),
        enterprise: None,
        org_wide: false,
        now_us: Timestamp::now().as_second() * 1_000_000,
        next: 0,
        bot: String::new(),
        users: BTreeMap::new(),
        groups: Vec::new(),
        channels: BTreeMap::new(),
        views: BTreeMap::new(),
        stacks: BTreeMap::new(),
        wrong: BTreeMap::new(),
        homes: BTreeMap::new(),
        triggers: BTreeMap::new(),
        urls: BTreeMap::new(),
        scopes: texts(&SCOPES),
        app_scopes: texts(&["connections:write"]),
        scopes_used: BTreeSet::new(),
        revoked: false,
        signing_secret: SIGNING_SECRET.to_owned(),
        subscribed: texts(&SUBSCRIBED),
        delivery: None,
        patience: Duration::from_secs(3),
        twice: false,
        last: None,
        due: Vec::new(),
        limited: false,
        spent: BTreeMap::new(),
        planned: BTreeMap::new(),
        said: Vec::new(),
    };
    world.bot = people::add(&mut world, "hotfix", Standing::Bot);
    world
}
