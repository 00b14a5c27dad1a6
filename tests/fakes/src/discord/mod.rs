//! A Discord: one guild in memory, the REST API below `/api/v10`, and the gateway on the same port. It is strict: it refuses
//! what Discord refuses, with Discord's statuses, codes and words, and it knows nothing of the bot. Its clock stands still
//! until a test moves it.
//!
//! ```text
//! mod       starting it, and what tests set up
//! people    what people do
//! view      what people see
//! wire      what breaks between Discord and the bot
//! state     what there is
//! serve     one call: who speaks, how often
//! routes    which part answers
//! places, messages, reactions, commands, callbacks, followups     the parts
//! check, reply, limits, permissions, shape     what a message may be; errors; rate limits; rights; JSON
//! interactions     what the gateway tells of what people do
//! gateway, sessions     one connection; what each session is told
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

/// What a test waits for at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running Discord.
pub struct DiscordFake {
    /// The server, with the calls to its REST API; what goes over the gateway is in [`DiscordFake::frames`].
    pub server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something was done.
    changed: Notify,
}

impl Shared {
    /// What nobody can do in Discord panics, and does not end all of it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiscordFake {
    /// Starts one whose bot has this token.
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

    /// Where its REST API is, with the version.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/v10", self.server.url())
    }

    /// Where its gateway is.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.server.url().replacen("http", "ws", 1)
    }

    /// The number of the application, and of its bot.
    #[must_use]
    pub fn app(&self) -> u64 {
        self.state().app
    }

    /// The number of the guild.
    #[must_use]
    pub fn guild(&self) -> u64 {
        self.state().guild
    }

    /// A channel of the guild; answers its number.
    #[must_use]
    pub fn channel(&self, name: &str) -> u64 {
        let mut state = self.state();
        let known = state.channels.iter().find(|(_, channel)| channel.kind == Kind::Text && channel.name == name);
        let known = known.map(|(id, _)| *id);
        known.unwrap_or_else(|| state.open(Kind::Text, name))
    }

    /// A role of the guild; answers its number.
    #[must_use]
    pub fn role(&self, name: &str) -> u64 {
        let mut state = self.state();
        let id = state.id();
        state.roles.insert(id, Role { name: name.to_owned(), permissions: 0, mentionable: false, of: None });
        id
    }

    /// Lets anybody call a role.
    pub fn mentionable(&self, role: u64) {
        self.state().roles.get_mut(&role).expect("a role").mentionable = true;
    }

    /// Gives the bot's own role exactly these rights, as Discord's bits.
    pub fn permit(&self, bits: u64) {
        let mut state = self.state();
        let app = state.app;
        state.roles.values_mut().filter(|role| role.of == Some(app)).for_each(|role| role.permissions = bits);
    }

    /// Gives the bot exactly these rights, as Discord's bits: @everyone has none from now on, and people have a role.
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

    /// The rights that the bot's calls took so far, as Discord's bits.
    #[must_use]
    pub fn rights_used(&self) -> u64 {
        self.state().rights_used.get()
    }

    /// The intents without which no session would have been told what it was told, as Discord's bits.
    #[must_use]
    pub fn intents_used(&self) -> u64 {
        self.state().gateway.used
    }

    /// Denies somebody rights in a channel, as Discord's bits; 0 gives them back.
    pub fn deny(&self, channel: u64, user: u64, bits: u64) {
        self.state().channels.get_mut(&channel).expect("a channel").denied.insert(user, bits);
    }

    /// Gives the application privileged intents, as Discord's bits.
    pub fn give_intents(&self, bits: u64) {
        self.state().gateway.given = bits;
    }

    /// Lets time pass on Discord's side.
    pub fn pass(&self, time: Duration) {
        self.state().now_ms += i64::try_from(time.as_millis()).expect("a time that ends");
    }

    /// What is the time over there, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.state().now_ms
    }

    /// The commands that the guild knows, as they were registered: its own, and those that are known everywhere.
    #[must_use]
    pub fn commands(&self) -> Vec<serde_json::Value> {
        self.state().commands.iter().map(|command| command.shape.clone()).collect()
    }

    /// Waits until something is there to be seen.
    ///
    /// # Panics
    /// It does not come.
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
        // A connection lives on its own, and would outlive the server.
        sessions::cut(&mut self.state(), || sessions::Out::Cut);
    }
}
