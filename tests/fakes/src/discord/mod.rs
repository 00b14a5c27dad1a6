//! A stateful fake of Discord: one guild in memory, the REST API below `/api/v10`, and the gateway on the same port. It
//! refuses what Discord refuses, with Discord's statuses, error codes and messages, and shares no code with the bot.
//! Its clock stands still until a test moves it.
//!
//! ```text
//! mod       starting the fake, and setup by tests
//! people    user actions
//! view      plain-text rendering for users; pings
//! wire      faults: outages, cut connections, lost events, rate limits
//! state     the guild and its records
//! serve     one REST call: rate limit and authentication
//! routes    mapping of method and path to a handler
//! places, messages, reactions, commands, callbacks, followups     the REST handlers
//! check, reply, limits, permissions, shape     validation; errors; rate limits; permissions; JSON
//! interactions     commands, buttons and modals, as interaction events
//! gateway, sessions     one gateway connection; sessions and their events
//! ```

mod callbacks;
mod check;
mod commands;
mod followups;
mod gateway;
mod interactions;
mod limits;
mod messages;
mod people;
mod permissions;
mod places;
mod reactions;
mod reply;
mod routes;
mod serve;
mod sessions;
mod shape;
mod state;
mod view;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, Request, WebSocketUpgrade};
use axum::routing::get;
use tokio::sync::Notify;

use self::state::{Kind, Role, State};
use crate::server::Server;

pub use self::sessions::Frame;
pub use self::view::{Answer, Input, Modal};

/// Timeout of every wait in a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running fake of Discord. It shuts down when it is dropped.
pub struct DiscordFake {
    /// The HTTP server, which records the REST calls. Gateway frames are in [`DiscordFake::frames`].
    pub server: Server,
    shared: Arc<Shared>,
}

/// State shared by the REST API, the gateway and the test.
struct Shared {
    state: Mutex<State>,
    /// Notified after every REST call, gateway frame and connection change.
    changed: Notify,
}

impl Shared {
    /// Ignores poisoning: an invalid user action panics in the test and must not break the fake.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiscordFake {
    /// Starts a fake whose bot has this token.
    pub async fn start(token: &str) -> Self {
        let shared = Arc::new(Shared { state: Mutex::new(State::new(token)), changed: Notify::new() });
        let (rest, socket) = (shared.clone(), shared.clone());
        let gateway = move |RawQuery(query): RawQuery, upgrade: WebSocketUpgrade| async move {
            let query = serve::query(&query.unwrap_or_default());
            let down = socket.lock().gateway.down;
            if down {
                return axum::response::IntoResponse::into_response(axum::http::StatusCode::SERVICE_UNAVAILABLE);
            }
            upgrade.on_upgrade(move |line| gateway::serve(socket, query, line))
        };
        let router = Router::new().route("/", get(gateway)).fallback(move |request: Request| {
            let shared = rest.clone();
            async move { serve::answer(&shared, request).await }
        });
        let server = Server::start(router, |path| path.starts_with("/api")).await;
        shared.lock().url = server.url();
        Self { server, shared }
    }

    /// Returns the base URL of the REST API, including the version.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/v10", self.server.url())
    }

    /// Returns the `ws://` URL of the gateway.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.server.url().replacen("http", "ws", 1)
    }

    /// Returns the id of the application, which is also the user id of its bot.
    #[must_use]
    pub fn app(&self) -> u64 {
        self.state().app
    }

    /// Returns the id of the guild.
    #[must_use]
    pub fn guild(&self) -> u64 {
        self.state().guild
    }

    /// Returns the id of a text channel of the guild. Creates the channel if there is none with this name.
    #[must_use]
    pub fn channel(&self, name: &str) -> u64 {
        let mut state = self.state();
        let known = state.channels.iter().find(|(_, channel)| channel.kind == Kind::Text && channel.name == name);
        let known = known.map(|(id, _)| *id);
        known.unwrap_or_else(|| state.open(Kind::Text, name))
    }

    /// Creates a role without permissions in the guild and returns its id.
    #[must_use]
    pub fn role(&self, name: &str) -> u64 {
        let mut state = self.state();
        let id = state.id();
        state.roles.insert(id, Role { name: name.to_owned(), permissions: 0, mentionable: false, of: None });
        id
    }

    /// Makes a role mentionable by all members.
    pub fn mentionable(&self, role: u64) {
        self.state().roles.get_mut(&role).expect("a role").mentionable = true;
    }

    /// Sets the permissions of the bot's own role (Discord's permission bits). The bot also has those of @everyone.
    pub fn permit(&self, bits: u64) {
        let mut state = self.state();
        let app = state.app;
        state.roles.values_mut().filter(|role| role.of == Some(app)).for_each(|role| role.permissions = bits);
    }

    /// Gives the bot exactly these permissions (Discord's permission bits). The permissions of @everyone move to a role
    /// that all members but the bot have.
    pub fn permit_only(&self, bits: u64) {
        self.permit(bits);
        let mut state = self.state();
        let (everyone, app, id) = (state.everyone, state.app, state.id());
        let had = std::mem::take(&mut state.roles.get_mut(&everyone).expect("a role").permissions);
        let role = Role { name: "people".to_owned(), permissions: had, mentionable: false, of: None };
        state.roles.insert(id, role);
        state.people = Some(id);
        state.members.iter_mut().filter(|(who, _)| **who != app).for_each(|(_, member)| {
            member.roles.insert(id);
        });
    }

    /// Returns all permissions that the bot's calls have required so far, as Discord's permission bits.
    #[must_use]
    pub fn rights_used(&self) -> u64 {
        self.state().rights_used.get()
    }

    /// Returns all intents for which at least one session has received an event so far, as Discord's intent bits.
    #[must_use]
    pub fn intents_used(&self) -> u64 {
        self.state().gateway.used
    }

    /// Sets the permissions that a user is denied in a channel (Discord's permission bits); 0 denies none.
    pub fn deny(&self, channel: u64, user: u64, bits: u64) {
        self.state().channels.get_mut(&channel).expect("a channel").denied.insert(user, bits);
    }

    /// Sets the privileged intents that the application may use, as Discord's intent bits.
    pub fn give_intents(&self, bits: u64) {
        self.state().gateway.given = bits;
    }

    /// Advances Discord's clock.
    pub fn pass(&self, time: Duration) {
        self.state().now_ms += i64::try_from(time.as_millis()).expect("a time that ends");
    }

    /// Returns the time of Discord's clock, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.state().now_ms
    }

    /// Returns the registered commands, both of the guild and global ones.
    #[must_use]
    pub fn commands(&self) -> Vec<serde_json::Value> {
        self.state().commands.iter().map(|command| command.shape.clone()).collect()
    }

    /// Waits until `look` returns a value. `what` describes it in the panic message.
    ///
    /// # Panics
    /// Panics if `look` returns `None` for 30 seconds.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let waits = async {
            loop {
                let mut changed = std::pin::pin!(self.shared.changed.notified());
                changed.as_mut().enable();
                if let Some(found) = look(self) {
                    return found;
                }
                changed.await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waits).await;
        found.unwrap_or_else(|_| panic!("waited in vain for {what}; calls: {:#?}", self.server.control.calls()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }
}

impl Drop for DiscordFake {
    fn drop(&mut self) {
        // Gateway connections run in their own tasks and would outlive the server.
        sessions::cut(&mut self.state(), || sessions::Out::Cut);
    }
}
