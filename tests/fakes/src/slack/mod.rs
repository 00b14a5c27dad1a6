//! A stateful fake of a Slack workspace, in memory: test users act in it, and its Web API is served at
//! `{url}/api/<method>`. It enforces what Slack enforces: tokens and scopes, channel membership, Block Kit and its
//! limits, trigger ids (valid for three seconds, single use), response URLs, rate limits, and at most ten Socket Mode
//! connections. Its clock moves only when a test moves it.
//!
//! ```text
//! state     the workspace and its records         people   setup and administration: users, channels, groups, app
//! api       one Web API call: token, scope, errors limits   rate limit tiers of the methods
//! chat      chat.*, reactions.*                    rooms    conversations.*
//! staff     auth, users, user groups, bots         views    modals and App Home tabs
//! blocks    Block Kit validation and limits        respond  response URLs, and messages that answer a command
//! acts      user actions: write, press, react      forms    filling in, submitting and closing modals
//! payloads  payloads that Slack sends to the app   screen   rendering of channels and views as plain text
//! deliver   signed HTTP requests and retries       socket   Socket Mode
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

/// The bot token (`xoxb-…`) that the Web API accepts.
pub const BOT_TOKEN: &str = "xoxb-fake-0123456789-abcdef";

/// The app-level token (`xapp-…`), valid for `apps.connections.open` only.
pub const APP_TOKEN: &str = "xapp-1-fake-0123456789-abcdef";

/// The signing secret for HTTP deliveries until [`Slack::rotate_signing_secret`] changes it.
pub const SIGNING_SECRET: &str = "fake-0123456789abcdef0123456789ab";

/// Scopes of the bot token at the start. They include no `*:history` scope.
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

/// Event types that the app is subscribed to at the start.
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

/// A running fake of Slack: an HTTP server with one workspace. It shuts down when it is dropped.
pub struct Slack {
    server: Server,
    site: Site,
}

/// A snapshot of the workspace for [`Slack::restore`]. It does not include the Socket Mode connections.
pub struct Kept(World);

/// The state of the server, shared by all request handlers.
#[derive(Clone)]
struct Site {
    world: Arc<Mutex<World>>,
    wires: Arc<socket::Wires>,
    /// Incremented on every call and acknowledgement from the bot; wakes [`Slack::until`].
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
    /// Starts a server with a workspace whose only user is the bot, `hotfix`. The clock starts at the current system
    /// time, in whole seconds.
    ///
    /// # Panics
    /// Panics if no port can be bound.
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

    /// Returns the base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns the transport control: faults by call number, and outages.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.server.control
    }

    /// Takes a snapshot of the workspace.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept(self.site.world().clone())
    }

    /// Resets the workspace to a snapshot. Open Socket Mode connections stay open.
    pub fn restore(&self, kept: &Kept) {
        *self.site.world() = kept.0.clone();
    }

    /// Returns every recorded call of the bot in order, including posts to response URLs and acknowledgements
    /// over Socket Mode.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        self.site.world().said.clone()
    }

    /// Waits until the condition `so` holds. Checks it again after every call of the bot. `what` describes it in
    /// the panic message.
    ///
    /// # Panics
    /// Panics if the condition does not hold after two minutes.
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

    /// Waits until the user `who` sees `text` in a channel, as [`Slack::sees`] renders it.
    ///
    /// # Panics
    /// Panics if the text does not appear within two minutes.
    pub async fn until_seen(&self, who: &str, channel: &str, text: &str) {
        let seen = self.comes_to_be(|slack| slack.sees(who, channel).contains(text)).await;
        assert!(seen, "{who} does not see {text:?} in {channel}, but\n{}", self.sees(who, channel));
    }

    /// Returns the time of the fake's clock.
    ///
    /// # Panics
    /// Never panics: the clock is always a valid timestamp.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.site.world().now_us).expect("a time")
    }

    /// Sets the clock. Due event retries are not sent until [`Slack::pass`] is called.
    pub fn set_time(&self, now: Timestamp) {
        self.site.world().now_us = now.as_microsecond();
    }

    /// Advances the clock by `time` and sends the event retries that have become due.
    pub async fn pass(&self, time: Duration) {
        self.site.world().now_us += i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2);
        self.site.send_due().await;
    }

    /// Sets the delivery timeout: the time that the app has to acknowledge, in system time. 3 s by default,
    /// as in Slack.
    pub fn patience(&self, time: Duration) {
        self.site.world().patience = time;
    }

    /// Enables or disables rate limits, which count by the fake's clock. Disabled at the start. Resets the counters.
    pub fn rate_limits(&self, hold: bool) {
        let mut world = self.site.world();
        world.limited = hold;
        world.spent.clear();
    }

    /// Makes the next call of `method` fail with `error` and have no effect. `ratelimited` is answered with
    /// status 429; `hang` is never answered; any other error, such as `internal_error` or `fatal_error`, is
    /// answered with `"ok": false`.
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
