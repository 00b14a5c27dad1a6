//! Faults between Discord and the bot: outages, broken gateway sessions, lost or repeated events, rate limits.

use std::time::Duration;

use super::DiscordFake;
use super::sessions::{self, Frame, Out};
use crate::server::Fault;

impl DiscordFake {
    /// Starts or ends an outage: REST calls are answered with 503, gateway connections are cut and new ones are
    /// refused. Sessions can be resumed after it.
    pub fn outage(&self, down: bool) {
        self.server.control.down(down.then_some(Fault::Refuse(503)));
        let mut state = self.state();
        state.gateway.down = down;
        if down {
            sessions::cut(&mut state, || Out::Cut);
        }
    }

    /// Cuts all gateway connections without a close frame. Later events are replayed when a session is resumed.
    pub fn cut(&self) {
        sessions::cut(&mut self.state(), || Out::Cut);
    }

    /// Closes all gateway connections with a close code, such as 4009 (session timed out).
    pub fn close(&self, code: u16) {
        sessions::cut(&mut self.state(), || Out::Close(code, "closed by the test"));
    }

    /// Refuses new gateway connections, or accepts them again.
    pub fn gateway_down(&self, down: bool) {
        self.state().gateway.down = down;
    }

    /// Makes the gateway reject resume requests, or accept them again. A rejected session is invalid and its missed
    /// events are lost.
    pub fn refuse_resume(&self, refuse: bool) {
        self.state().gateway.resumes = !refuse;
    }

    /// Drops all events, or stops doing so. Dropped events are not replayed.
    pub fn lose_events(&self, lose: bool) {
        self.state().gateway.losing = lose;
    }

    /// Sends an `INTERACTION_CREATE` event again, as Discord does if a connection breaks before the client
    /// acknowledges the event.
    pub fn tell_again(&self, interaction: u64) {
        let mut state = self.state();
        let told = state.interactions[&interaction].told.clone();
        sessions::dispatch(&mut state, sessions::ALWAYS, "INTERACTION_CREATE", |_, _| told.clone());
    }

    /// Asks all clients to reconnect and resume (opcode 7).
    pub fn ask_to_reconnect(&self) {
        sessions::each_line(&mut self.state(), || {
            Out::Frame(serde_json::json!({ "op": 7, "s": null, "t": null, "d": null }))
        });
    }

    /// Reports an invalid session to all clients (opcode 9). Unless `resumable`, the sessions are removed.
    pub fn invalidate(&self, resumable: bool) {
        let mut state = self.state();
        sessions::each_line(&mut state, || {
            Out::Frame(serde_json::json!({ "op": 9, "s": null, "t": null, "d": resumable }))
        });
        if !resumable {
            state.gateway.sessions.clear();
        }
    }

    /// Requests an immediate heartbeat from all clients (opcode 1).
    pub fn ask_heartbeat(&self) {
        sessions::each_line(&mut self.state(), || {
            Out::Frame(serde_json::json!({ "op": 1, "s": null, "t": null, "d": null }))
        });
    }

    /// Sets the heartbeat interval for new connections.
    pub fn heartbeat(&self, every: Duration) {
        self.state().gateway.heartbeat_ms = u64::try_from(every.as_millis()).expect("a time that ends");
    }

    /// Stops answering heartbeats, or answers them again. Without answers, clients see a zombie connection.
    pub fn zombie(&self, zombie: bool) {
        self.state().gateway.acks = !zombie;
    }

    /// Sets the number of sessions that may still be started today.
    pub fn sessions_left(&self, remaining: u32) {
        self.state().gateway.remaining = remaining;
    }

    /// Returns all frames that clients sent over the gateway, in order.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        self.state().gateway.frames.clone()
    }

    /// Returns the number of sessions that have a connection.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.state().gateway.sessions.values().filter(|session| session.line.is_some()).count()
    }

    /// Enables or disables rate limits. Their windows end by Discord's clock.
    pub fn limit(&self, enforced: bool) {
        self.state().limits.enforced = enforced;
    }

    /// Answers the next REST call with 429 and this `retry_after`. `global` selects the global rate limit instead
    /// of the route's.
    pub fn limit_next(&self, wait: Duration, global: bool) {
        let wait = i64::try_from(wait.as_millis()).expect("a time that ends");
        self.state().limits.next = Some((wait, global));
    }

    /// Returns the number of answers with 401, 403 or 429. Discord bans an IP address after ten thousand of them
    /// in ten minutes.
    #[must_use]
    pub fn invalid_requests(&self) -> u32 {
        self.state().limits.invalid
    }
}
