//! Decoder of Slack payloads to [`Inbound`]. Pure. Callers have already authenticated the payload: `ingress.rs` by its
//! signature, `socket` by its connection.

use super::interactions::Decoder;
use super::payload::Payload;
use super::person;
use crate::chat::Inbound;
use crate::chat::dropped::Dropped;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// The kind of a payload, which determines its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PayloadKind {
    /// A slash command.
    Command,
    /// A button, modal or shortcut.
    Interaction,
    /// An event of the Events API, such as a mention or a reaction.
    Event,
}

/// The app and the workspaces whose payloads are accepted. A signature authenticates an app, not a workspace (security
/// case 9).
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    pub(super) app: String,
    /// Ids of workspaces and organizations.
    pub(super) teams: Vec<String>,
}

/// The result of decoding a payload.
#[derive(Debug)]
pub(super) enum Parsed {
    /// A user action for the handler.
    Act(Box<Decoded>),
    /// Not relevant to the bot; with the reason for logs.
    Ignored(&'static str),
}

/// A user action and the target for replies to it.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) inbound: Inbound,
    pub(super) reply_to: ReplyTarget,
}

/// The ways to reply to an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyTarget {
    pub(super) trigger: Trigger,
    pub(super) person: PersonRef,
    pub(super) channel: ChannelRef,
    pub(super) thread: Option<MessageRef>,
    /// Usable 5 times within 30 minutes.
    pub(super) response_url: Option<String>,
    /// Usable once within 3 seconds, to open a modal.
    pub(super) trigger_id: Option<String>,
}

/// The kind of action that is replied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trigger {
    Command,
    Button,
    /// A button in a modal or on the home page; has neither a message nor a response URL.
    ViewButton,
    Shortcut,
    /// A submitted form, with the block id of its first input.
    Form(Option<String>),
    Mention,
    Reaction,
    Home,
}

/// Decodes a payload. `key` is the dedupe key for payloads without an id of their own.
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

/// The author of a payload with their workspace and organization.
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
