//! Self-check of the Slack adapter: token, scopes, app id, clock, Socket Mode and channels. Posts nothing.
//! Called by [`super::Slack`].

use jiff::Timestamp;
use serde::Deserialize;

use super::context::{Me, SlackContext};
use super::manifest::SCOPES;
use super::web::SlackCall;
use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::ChannelRef;
use crate::rest::Response;

/// Clock skew in seconds above which the check warns; signatures become stale at 300 seconds.
const SKEW_SECONDS: u64 = 60;

/// Response of `apps.connections.open`.
#[derive(Deserialize)]
pub(super) struct Door {
    pub(super) url: String,
}

#[derive(Deserialize)]
struct Info {
    bot: Bot,
}

#[derive(Deserialize)]
struct Bot {
    app_id: Option<String>,
}

#[derive(Deserialize)]
struct Usergroups {
    usergroups: Vec<Usergroup>,
}

#[derive(Deserialize)]
struct Usergroup {
    id: String,
    #[serde(default)]
    handle: String,
}

impl SlackContext {
    pub(super) async fn examine(&self, channels: &[ChannelRef]) -> Vec<CheckResult> {
        let call = SlackCall { method: "auth.test", channel: "", act: "ask who the bot is" };
        let answer = match self.web.look(call, &[]).await {
            Ok(answer) => answer,
            Err(failure) => return vec![not(failure, "the bot token")],
        };
        let me: Me = serde_json::from_slice(&answer.body).unwrap_or_default();
        let mut found = vec![self.token(&me), rights(&answer)];
        found.extend(self.app_id(&me).await);
        found.extend(clock(&answer, Timestamp::now()));
        found.extend(self.way_in().await);
        for channel in channels {
            found.push(self.room(channel).await);
        }
        found
    }

    pub(super) async fn examine_groups(&self, groups: &[String]) -> Vec<CheckResult> {
        if groups.is_empty() {
            return Vec::new();
        }
        let what = "the user groups";
        let call = SlackCall { method: "usergroups.list", channel: "", act: "list the user groups" };
        let known: Usergroups = match self.web.read(call, &[]).await {
            Ok(known) => known,
            Err(failure) => return vec![not(failure, what)],
        };
        let found = groups.iter().map(|id| match known.usergroups.iter().find(|group| &group.id == id) {
            Some(group) => CheckResult::ok(format!("the user group {id}"), format!("it is @{}", group.handle)),
            None => CheckResult::error(
                format!("the user group {id}"),
                "there is none with this id, or it is disabled",
                "Correct `notify` in the service's file, or enable the group.",
            ),
        });
        found.collect()
    }

    fn token(&self, me: &Me) -> CheckResult {
        let homes = [me.team_id.as_deref(), me.enterprise_id.as_deref()];
        let listed = homes.iter().flatten().any(|home| self.allowed.teams.iter().any(|team| team == home));
        let names = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
        let seen = format!("it is {} of {}", names(&me.user), names(&me.team));
        if listed {
            return CheckResult::ok("the bot token", seen);
        }
        let id = me.team_id.clone().or_else(|| me.enterprise_id.clone()).unwrap_or_default();
        let next =
            format!("Add {id} to the workspaces that the bot listens to, or set the token of another installation.");
        CheckResult::error("the bot token", format!("{seen}, to whom the bot does not listen"), next)
    }

    /// Checks that the token belongs to the configured app, because events of any other app are dropped.
    async fn app_id(&self, me: &Me) -> Option<CheckResult> {
        let what = "the app's id";
        let call = SlackCall { method: "bots.info", channel: "", act: "ask of which app the bot is" };
        let asked: Result<Info, Failure> = self.web.read(call, &[("bot", me.bot_id.as_deref()?)]).await;
        let configured = &self.allowed.app;
        Some(match asked.map(|info| info.bot.app_id) {
            Ok(Some(app)) if &app == configured => CheckResult::ok(what, format!("the bot token is of {app}")),
            Ok(Some(app)) => {
                let seen = format!("the bot token is of {app}, and only what {configured} sends is taken");
                CheckResult::error(what, seen, format!("Set `app_id = \"{app}\"`, or the token of {configured}."))
            }
            Ok(None) => CheckResult::warning(what, "Slack does not say of which app the bot is", "Compare it by hand."),
            Err(failure) => not(failure, what),
        })
    }

    async fn way_in(&self) -> Option<CheckResult> {
        let call = SlackCall { method: "apps.connections.open", channel: "", act: "open a connection" };
        let opened: Result<Door, Failure> = self.app.as_ref()?.set(call, &serde_json::json!({})).await;
        Some(match opened {
            Ok(_) => CheckResult::ok("the app token", "it opens connections"),
            Err(failure) => not(failure, "the app token"),
        })
    }

    async fn room(&self, channel: &ChannelRef) -> CheckResult {
        let what = format!("the channel {channel}");
        let info = match self.channel_info(channel).await {
            Ok(info) => info,
            Err(failure) => return not(failure, &what),
        };
        let name = info.name.as_deref().map_or_else(|| channel.to_string(), |name| format!("#{name}"));
        if info.is_archived.unwrap_or(false) {
            return CheckResult::error(what, format!("{name} is archived"), "Unarchive it, or name another channel.");
        }
        if !info.is_member.unwrap_or(false) {
            let next = format!("Type `/invite @hotfix` in {name}.");
            return CheckResult::error(what, format!("the bot is not in {name}, so it cannot post there"), next);
        }
        match self.channel(channel).await {
            Ok(crate::chat::ChannelKind::Shared) => {
                let seen = format!("{name} is shared with another company, whose people read all that is said there");
                CheckResult::warning(what, seen, "Name a channel of your own.")
            }
            Ok(_) => CheckResult::ok(what, format!("the bot is in {name}")),
            Err(failure) => not(failure, &what),
        }
    }
}

/// Turns a failure into a check result: a rejection is an error, any other failure is a warning.
fn not(failure: Failure, what: &str) -> CheckResult {
    match failure {
        Failure::Rejected { reason } => CheckResult::error(what, reason, "Do what it says, and look again."),
        Failure::Retry { reason, .. } | Failure::Uncertain { reason } => {
            CheckResult::warning(what, reason, "Look again when Slack can be reached.")
        }
    }
}

fn rights(answer: &Response) -> CheckResult {
    let header = answer.headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok());
    let Some(header) = header else {
        return CheckResult::warning(
            "the bot's rights",
            "Slack does not say which it has",
            "Compare them with the manifest.",
        );
    };
    let has: Vec<&str> = header.split(',').map(str::trim).collect();
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !has.contains(scope)).collect();
    if missing.is_empty() {
        return CheckResult::ok("the bot's rights", format!("all {} that it needs", SCOPES.len()));
    }
    let next = "Add them under OAuth & Permissions, and install the app again.";
    CheckResult::error("the bot's rights", format!("it lacks {}", missing.join(", ")), next)
}

fn clock(answer: &Response, now: Timestamp) -> Option<CheckResult> {
    let date = answer.headers.get("date")?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let off = now.as_second().abs_diff(theirs.as_second());
    Some(if off > SKEW_SECONDS {
        let next = "Synchronise this machine's clock: beyond 300 seconds every request of Slack's is turned away.";
        CheckResult::warning("the clock, beside Slack's", format!("it differs from Slack's by {off} seconds"), next)
    } else {
        CheckResult::ok("the clock, beside Slack's", "it agrees with Slack's")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::check_result::CheckStatus;

    fn answer(name: &'static str, value: &str) -> Response {
        let headers = [(http::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect();
        Response { path: String::new(), status: reqwest::StatusCode::OK, headers, body: Vec::new() }
    }

    #[test]
    fn a_clock_that_is_off_is_told() {
        let theirs = answer("date", "Sat, 21 Nov 2026 10:00:00 GMT");
        let at = |text: &str| clock(&theirs, text.parse().unwrap()).unwrap().status;
        assert_eq!(at("2026-11-21T10:01:00Z"), CheckStatus::Ok);
        assert_eq!(at("2026-11-21T10:01:01Z"), CheckStatus::Warning);
        assert_eq!(at("2026-11-21T09:58:59Z"), CheckStatus::Warning);
    }

    #[test]
    fn missing_rights_are_named() {
        let found = rights(&answer("x-oauth-scopes", "commands, chat:write"));
        assert_eq!(found.status, CheckStatus::Error);
        assert!(found.seen.contains("reactions:read") && !found.seen.contains("chat:write"), "{}", found.seen);
        assert_eq!(rights(&answer("x-oauth-scopes", &SCOPES.join(","))).status, CheckStatus::Ok);
    }
}
