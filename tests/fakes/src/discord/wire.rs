//! What breaks between Discord and the bot, and what went to and fro.

use std::time::Duration;

use super::DiscordFake;
use super::sessions::{self, Frame, Out};
use crate::server::Fault;

impl DiscordFake {
    /// Takes everything down, or brings it back: calls are answered 503, connections are cut and none is taken. Sessions
    /// wait for their clients.
    pub fn outage(&self, down: bool) {
        self.server.control.down(down.then_some(Fault::Refuse(503)));
        let mut state = self.state();
        state.gateway.down = down;
        if down {
            sessions::cut(&mut state, || Out::Cut);
        }
    }

    /// Cuts every connection to the gateway without a word. What happens now is told when the session is resumed.
    pub fn cut(&self) {
        sessions::cut(&mut self.state(), || Out::Cut);
    }

    /// Closes every connection to the gateway with a code, as with 4009, a session that timed out.
    pub fn close(&self, code: u16) {
        sessions::cut(&mut self.state(), || Out::Close(code, "closed by the test"));
    }

    /// Takes new connections to the gateway no longer, or again.
    pub fn gateway_down(&self, down: bool) {
        self.state().gateway.down = down;
    }

    /// Refuses to resume sessions, or takes it back: what happened in the gap is lost.
    pub fn refuse_resume(&self, refuse: bool) {
        self.state().gateway.resumes = !refuse;
    }

    /// Loses every event from now on, or tells of the later ones again.
    pub fn lose_events(&self, lose: bool) {
        self.state().gateway.losing = lose;
    }

    /// Tells of an interaction once more, as after a connection that broke before Discord knew that it had arrived.
    pub fn tell_again(&self, interaction: u64) {
        let mut state = self.state();
        let told = state.interactions[&interaction].told.clone();
        sessions::dispatch(&mut state, sessions::ALWAYS, "INTERACTION_CREATE", |_, _| told.clone());
    }

    /// Asks every client to connect anew and resume.
    pub fn ask_to_reconnect(&self) {
        sessions::each_line(&mut self.state(), || {
            Out::Frame(serde_json::json!({ "op": 7, "s": null, "t": null, "d": null }))
        });
    }

    /// Says to every client that its session is over, or that it may try to resume it.
    pub fn invalidate(&self, resumable: bool) {
        let mut state = self.state();
        sessions::each_line(&mut state, || {
            Out::Frame(serde_json::json!({ "op": 9, "s": null, "t": null, "d": resumable }))
        });
        if !resumable {
            state.gateway.sessions.clear();
        }
    }

    /// Asks every client for a heartbeat at once.
    pub fn ask_heartbeat(&self) {
        sessions::each_line(&mut self.state(), || {
            Out::Frame(serde_json::json!({ "op": 1, "s": null, "t": null, "d": null }))
        });
    }

    /// How often clients that connect from now on send heartbeats.
    pub fn heartbeat(&self, every: Duration) {
        self.state().gateway.heartbeat_ms = u64::try_from(every.as_millis()).expect("a time that ends");
    }

    /// Answers heartbeats no longer, or again: a connection that is dead and does not know it.
    pub fn zombie(&self, zombie: bool) {
        self.state().gateway.acks = !zombie;
    }

    /// Leaves so many sessions to open today.
    pub fn sessions_left(&self, remaining: u32) {
        self.state().gateway.remaining = remaining;
    }

    /// Every frame that clients sent over the gateway.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        self.state().gateway.frames.clone()
    }

    /// How many sessions have a connection.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.state().gateway.sessions.values().filter(|session| session.line.is_some()).count()
    }

    /// Enforces rate limits, or stops it. Windows end when the clock is moved.
    pub fn limit(&self, enforced: bool) {
        self.state().limits.enforced = enforced;
    }

    /// Answers the next call with 429: to wait for so long, with this route or with everything.
    pub fn limit_next(&self, wait: Duration, global: bool) {
        let wait = i64::try_from(wait.as_millis()).expect("a time that ends");
        self.state().limits.next = Some((wait, global));
    }

    /// How many answers were 401, 403 or 429; ten thousand in ten minutes ban an address.
    #[must_use]
    pub fn invalid_requests(&self) -> u32 {
        self.state().limits.invalid
    }
}
