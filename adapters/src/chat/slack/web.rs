//! Client of Slack's Web API for one token: errors, retries and rate limits. Requests are slack-morphism's types.
//! Responses are parsed into small types of our own: once a message is posted, an unexpected missing field must not
//! make the post uncertain. The transport is our own because slack-morphism's has no timeouts and limits messages to
//! one per second over all channels.

use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::rate_limit::RateLimiter;
use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::rest::{Response, Rest, RestOptions, base_url};

/// Delay after a rate limit response without `Retry-After`; the value that Slack recommends.
const WAIT: Duration = Duration::from_secs(30);

/// Web API client with one token and its rate limits.
pub(super) struct SlackClient {
    rest: Rest,
    pub(super) pace: RateLimiter,
}

/// Describes a call, for rate limits and error messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlackCall<'a> {
    /// Name of the Web API method.
    pub(super) method: &'a str,
    /// The channel that the call concerns, or `""`. Slack limits calls per method and channel.
    pub(super) channel: &'a str,
    /// Verb phrase that completes "could not …" in error messages.
    pub(super) act: &'a str,
}

impl SlackClient {
    pub(super) fn new(api: &Url, reach: &EgressPolicy, token: SecretString, burst: u32) -> Result<Self, Failure> {
        let options = RestOptions {
            name: "Slack",
            base: base_url("Slack", api.as_str())?,
            reach: reach.clone(),
            token,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            body_limit_bytes: 4 << 20,
        };
        Ok(Self { rest: Rest::new(options)?, pace: RateLimiter::new(burst) })
    }

    /// Calls a read method and parses the response.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        call: SlackCall<'_>,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let answer = self.look(call, query).await?;
        self.rest.parse(&answer, call.act)
    }

    /// Calls a read method; returns `None` if Slack responds with the error `missing`.
    pub(super) async fn seek<T: DeserializeOwned>(
        &self,
        call: SlackCall<'_>,
        query: &[(&str, &str)],
        missing: &str,
    ) -> Result<Option<T>, Failure> {
        self.open(call)?;
        let answer = self.noted(call, self.rest.get_raw(&self.rest.at(&[call.method], query), call.act).await)?;
        let said: Value = self.rest.parse(&answer, call.act)?;
        if said.get("error").and_then(Value::as_str) == Some(missing) {
            return Ok(None);
        }
        harmless(self.noted(call, judge(call, &said, &answer, &self.rest)))?;
        self.rest.parse(&answer, call.act).map(Some)
    }

    /// Calls a read method and returns the raw response with its headers.
    pub(super) async fn look(&self, call: SlackCall<'_>, query: &[(&str, &str)]) -> Result<Response, Failure> {
        self.open(call)?;
        let url = self.rest.at(&[call.method], query);
        let answer = self.noted(call, self.rest.get_raw(&url, call.act).await)?;
        harmless(self.noted(call, self.judge(call, &answer)))?;
        Ok(answer)
    }

    /// Calls a write method. After [`Failure::Uncertain`] the write may have taken effect.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        call: SlackCall<'_>,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.open(call)?;
        let url = self.rest.at(&[call.method], &[]);
        let body = serde_json::to_value(body).map_err(|error| Failure::rejected(error.to_string()))?;
        let answer = self.noted(call, self.rest.write(Method::POST, &url, Some(&body), call.act).await)?;
        let answer = self.rest.ensure_success(answer, call.act)?;
        let said: Result<Value, Failure> = self.rest.parse(&answer, call.act);
        let said = said.map_err(|failure| Failure::uncertain(format!("{}. It may have happened", failure.reason())))?;
        self.noted(call, judge(call, &said, &answer, &self.rest))?;
        serde_json::from_value(said).map_err(|_| {
            Failure::uncertain(format!("Slack's answer lacks what was asked for (could not {})", call.act))
        })
    }

    /// Calls an idempotent write method: an uncertain outcome becomes [`Failure::Retry`].
    pub(super) async fn set<T: DeserializeOwned>(
        &self,
        call: SlackCall<'_>,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        harmless(self.write(call, body).await)
    }

    fn open(&self, call: SlackCall<'_>) -> Result<(), Failure> {
        self.pace.open(call.method, call.channel, Instant::now()).map_err(|left| Failure::Retry {
            reason: format!("Slack asked to be left alone (could not {})", call.act),
            after: Some(left),
        })
    }

    fn judge(&self, call: SlackCall<'_>, answer: &Response) -> Result<(), Failure> {
        judge(call, &self.rest.parse(answer, call.act)?, answer, &self.rest)
    }

    /// Records a rate limit in `outcome`, so that it applies to all callers.
    fn noted<T>(&self, call: SlackCall<'_>, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure::Retry { after: Some(after), .. }) = &outcome {
            self.pace.close(call.method, call.channel, *after, Instant::now());
        }
        outcome
    }
}

/// Turns [`Failure::Uncertain`] into [`Failure::Retry`], for reads and idempotent writes.
fn harmless<T>(outcome: Result<T, Failure>) -> Result<T, Failure> {
    outcome.map_err(|failure| match failure {
        Failure::Uncertain { reason } => Failure::Retry { reason, after: None },
        Failure::Retry { .. } | Failure::Rejected { .. } => failure,
    })
}

/// Maps Slack's response to a failure. Slack reports errors with status 200 and `"ok": false`.
fn judge(call: SlackCall<'_>, said: &Value, answer: &Response, rest: &Rest) -> Result<(), Failure> {
    if said.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    let text = |name: &str| rest.redact(said.get(name).and_then(Value::as_str).unwrap_or_default());
    let error = text("error");
    let could_not = format!("(could not {})", call.act);
    Err(match error.as_str() {
        "ratelimited" | "rate_limited" | "accesslimited" => {
            let seconds = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            Failure::Retry {
                reason: format!("Slack has had too many calls for now {could_not}"),
                after: Some(seconds.map_or(WAIT, Duration::from_secs)),
            }
        }
        "service_unavailable" | "team_added_to_org" | "request_timeout" | "external_channel_migrating" => {
            Failure::retry(format!("Slack does not work at the moment: {error} {could_not}"))
        }
        "internal_error" | "fatal_error" => Failure::uncertain(format!(
            "Slack broke while it worked on it: {error} {could_not}. It may have happened all the same"
        )),
        "" => Failure::uncertain(format!("Slack's answer says neither yes nor no {could_not}")),
        "missing_scope" | "no_permission" | "not_allowed_token_type" => Failure::rejected(format!(
            "the bot's token lacks a right in Slack: {} is needed, {} is there {could_not}. Add it to the app's \
             manifest, and install the app again.",
            text("needed"),
            text("provided")
        )),
        _ => {
            Failure::rejected(format!("Slack refused: {error} {could_not}. {}", next(&error, said, call.channel, rest)))
        }
    })
}

/// Returns the advice to the operator for an error that Slack returned.
fn next(error: &str, said: &Value, channel: &str, rest: &Rest) -> String {
    match error {
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "The token is no longer good: install the app again and set its new token.".to_owned()
        }
        "not_in_channel" => format!("Invite the bot into {channel}: `/invite @hotfix`."),
        "channel_not_found" => format!(
            "{channel} is no channel's id, or it is private and the bot is not in it: correct the id, or `/invite @hotfix` \
             there."
        ),
        "is_archived" => format!("{channel} is archived: unarchive it, or name another channel."),
        "user_not_in_channel" => "They are not in that channel.".to_owned(),
        "messages_tab_disabled" => "Switch the Messages tab on in the app's manifest.".to_owned(),
        "restricted_action" | "restricted_action_read_only_channel" => {
            format!("An administrator has to let the bot post in {channel}.")
        }
        "thread_not_found" | "message_not_found" => "The message is gone; nobody has to do anything.".to_owned(),
        _ => {
            let messages = said.pointer("/response_metadata/messages").and_then(Value::as_array);
            let messages: Vec<&str> = messages.into_iter().flatten().filter_map(Value::as_str).take(3).collect();
            rest.redact(&messages.join("; ")).chars().filter(|c| !c.is_control()).take(300).collect()
        }
    }
}
