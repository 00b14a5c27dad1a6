//! What people do, from what Slack sends. Pure; whoever calls has checked that it is from Slack (`ingress.rs` by the
//! signature, `socket.rs` by the connection).

use super::interactions::Decoder;
use super::payload::Payload;
use super::person;
use crate::chat::Inbound;
use crate::chat::dropped::Dropped;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// The three kinds of payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayloadKind {
    /// A slash command.
    Command,
    /// Buttons, forms and shortcuts.
    Interaction,
    /// What happened in a channel.
    Event,
}

/// Whom the bot listens to: a signature is an app's, not a workspace's (security case 9).
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    pub(super) app: String,
    /// Workspaces and organisations.
    pub(super) teams: Vec<String>,
}

/// A payload, read.
#[derive(Debug)]
pub(super) enum Parsed {
    /// Somebody did something.
    Act(Box<Decoded>),
    /// It is of no concern; why, for logs.
    Ignored(&'static str),
}

/// What somebody did, and how they can be answered.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) inbound: Inbound,
    pub(super) reply_to: ReplyTarget,
}

/// How somebody can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyTarget {
    pub(super) trigger: Trigger,
    pub(super) person: PersonRef,
    pub(super) channel: ChannelRef,
    pub(super) thread: Option<MessageRef>,
    /// It serves 5 times within 30 minutes.
    pub(super) response_url: Option<String>,
    /// It serves once within 3 seconds.
    pub(super) trigger_id: Option<String>,
}

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trigger {
    Command,
    Button,
    /// A button in a modal or on the home page: no message, no response URL.
    ViewButton,
    Shortcut,
    /// A form, and the first of its questions.
    Form(Option<String>),
    Mention,
    Reaction,
    Home,
}

/// Reads a payload. `key` stands for the delivery where the payload has no id of its own.
pub(super) fn parse(kind: PayloadKind, raw: &Payload, key: &str, allowed: &Allowed) -> Parsed {
    let app = raw.text(&["/api_app_id"]);
    if app != Some(&allowed.app) {
        Dropped::OtherApp.note("slack", app);
        return Parsed::Ignored("another app's");
    }
    let Some(from) = Sender::of(raw) else { return Parsed::Ignored("nobody's") };
    if !from.is_of(&allowed.teams) {
        Dropped::OtherTeam.note("slack", from.team.or(from.enterprise));
        return Parsed::Ignored("another workspace's");
    }
    let payload = Decoder { raw, key, from };
    let told = match kind {
        PayloadKind::Command => payload.command(),
        PayloadKind::Interaction => payload.interaction(),
        PayloadKind::Event => payload.event(),
    };
    told.map_or_else(Parsed::Ignored, |told| Parsed::Act(Box::new(told)))
}

/// Who did it, and where they are at home.
pub(super) struct Sender<'a> {
    pub(super) team: Option<&'a str>,
    pub(super) enterprise: Option<&'a str>,
    pub(super) person: PersonRef,
}

impl<'a> Sender<'a> {
    fn of(raw: &'a Payload) -> Option<Self> {
        let team =
            raw.text(&["/team_id", "/team/id", "/context_team_id", "/authorizations/0/team_id", "/user/team_id"]);
        let enterprise = raw.text(&[
            "/enterprise_id",
            "/enterprise/id",
            "/context_enterprise_id",
            "/authorizations/0/enterprise_id",
            "/team/enterprise_id",
        ]);
        let org_wide = raw.flag(&["/is_enterprise_install", "/authorizations/0/is_enterprise_install"]);
        let user = raw.text(&["/user_id", "/user/id", "/event/user"])?;
        let person = person::person(person::home(team, enterprise, user, org_wide)?, user)?;
        Some(Self { team, enterprise, person })
    }

    fn is_of(&self, teams: &[String]) -> bool {
        self.team.into_iter().chain(self.enterprise).any(|id| teams.iter().any(|team| team == id))
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
