//! Client of Discord's REST API: errors, retries and rate limits. Responses are parsed into small types of our own in
//! which nearly every field is optional: once a message is posted, a missing field must not make the post uncertain.

use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::rate_limit::RateLimiter;
use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::rest::{Response, Rest, RestOptions, base_url};

/// User agent. Discord rejects requests without one that contains a URL; the bot has no website.
const AGENT: &str = concat!("DiscordBot (https://hotfix.invalid, ", env!("CARGO_PKG_VERSION"), ")");

/// Discord error codes that callers handle.
pub(super) mod code {
    pub(in super::super) const UNKNOWN_CHANNEL: u64 = 10003;
    pub(in super::super) const UNKNOWN_MEMBER: u64 = 10007;
    pub(in super::super) const UNKNOWN_MESSAGE: u64 = 10008;
    pub(in super::super) const UNKNOWN_USER: u64 = 10013;
    pub(in super::super) const THREAD_EXISTS: u64 = 160_004;
}

/// An error response from Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Discord's error code; 0 if there is none.
    pub(super) code: u64,
    /// The failure for the caller.
    pub(super) failure: Failure,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { code: 0, failure }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

/// REST client with the bot's token and rate limits.
pub(super) struct DiscordClient {
    rest: Rest,
    pace: RateLimiter,
}

/// Describes a call: path, query and error text.
#[derive(Debug, Clone, Copy)]
pub(super) struct DiscordCall<'a> {
    /// Path segments below the API's base URL.
    pub(super) path: &'a [&'a str],
    /// Query parameters of the URL.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// Verb phrase that completes "could not …" in error messages.
    pub(super) act: &'a str,
}

impl<'a> DiscordCall<'a> {
    pub(super) fn new(path: &'a [&'a str], act: &'a str) -> Self {
        Self { path, query: &[], act }
    }

    /// Returns the route that Discord rate limits as one: the method and path with the id of the channel, server or
    /// webhook, and with all other numeric ids replaced.
    fn route(&self, method: &Method) -> String {
        let part = |(place, part): (usize, &&str)| match part.bytes().all(|b| b.is_ascii_digit()) {
            true if place != 1 => ":id".to_owned(),
            _ => (*part).to_owned(),
        };
        let parts: Vec<String> = self.path.iter().enumerate().map(part).collect();
        format!("{method} {}", parts.join("/"))
    }
}

impl DiscordClient {
    pub(super) fn new(api: &Url, reach: &EgressPolicy, token: SecretString) -> Result<Self, Failure> {
        let options = RestOptions {
            name: "Discord",
            base: base_url("Discord", api.as_str())?,
            reach: reach.clone(),
            token,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            body_limit_bytes: 8 << 20,
        };
        Ok(Self { rest: Rest::new(options)?.introduced("Bot", AGENT), pace: RateLimiter::default() })
    }

    /// Calls a read endpoint and parses the response.
    pub(super) async fn read<T: DeserializeOwned>(&self, call: DiscordCall<'_>) -> Result<T, Refusal> {
        let route = self.open(&Method::GET, call)?;
        let answer = self.rest.ask(&self.rest.at(call.path, call.query), call.act).await?;
        let answer = self.judge(&route, answer, call)?;
        Ok(self.rest.parse(&answer, call.act)?)
    }

    /// Calls a write endpoint. After [`Failure::Uncertain`] the write may have taken effect.
    pub(super) async fn write(&self, method: Method, call: DiscordCall<'_>, body: &Value) -> Result<Response, Refusal> {
        let route = self.open(&method, call)?;
        let body = Some(body).filter(|body| !body.is_null());
        let answer = self.rest.exchange(method, &self.rest.at(call.path, call.query), body, call.act).await?;
        self.judge(&route, answer, call)
    }

    /// Calls an idempotent write endpoint: an uncertain outcome becomes [`Failure::Retry`].
    pub(super) async fn set(&self, method: Method, call: DiscordCall<'_>, body: &Value) -> Result<Response, Refusal> {
        self.write(method, call, body).await.map_err(|refusal| match refusal.failure {
            Failure::Uncertain { reason } => Failure::Retry { reason, after: None }.into(),
            Failure::Retry { .. } | Failure::Rejected { .. } => refusal,
        })
    }

    /// Parses the response to a write. If it cannot be parsed, the outcome is uncertain.
    pub(super) fn parse<T: DeserializeOwned>(&self, answer: &Response, act: &str) -> Result<T, Failure> {
        self.rest
            .parse(answer, act)
            .map_err(|failure| Failure::uncertain(format!("{} It may have happened.", failure.reason())))
    }

    fn open(&self, method: &Method, call: DiscordCall<'_>) -> Result<String, Failure> {
        let route = call.route(method);
        // Interaction replies are exempt from the bot's rate limits; never delay them.
        if matches!(call.path.first(), Some(&"interactions" | &"webhooks")) {
            return Ok(route);
        }
        let opened = self.pace.open(&route, Instant::now());
        opened.map(|()| route).map_err(|left| Failure::Retry {
            reason: format!("Discord asked to be left alone (could not {})", call.act),
            after: Some(left),
        })
    }

    fn judge(&self, route: &str, answer: Response, call: DiscordCall<'_>) -> Result<Response, Refusal> {
        let wait = self.pace.hear(route, answer.status.as_u16(), &answer.headers, Instant::now());
        if answer.status.is_success() {
            return Ok(answer);
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = body.get("code").and_then(Value::as_u64).unwrap_or_default();
        // The body has the delay in fractions of a second.
        let exact = body.get("retry_after").and_then(Value::as_f64).and_then(|it| Duration::try_from_secs_f64(it).ok());
        let failure = match (wait, next(code)) {
            (Some(wait), _) => Failure::Retry {
                reason: format!("Discord has had too many calls for now (could not {})", call.act),
                after: Some(exact.unwrap_or(wait)),
            },
            (None, Some(next)) => {
                let said = self.rest.said(&answer);
                Failure::rejected(format!("Discord refused to {}: {said} ({code}). {next}", call.act))
            }
            (None, None) => match self.rest.refused(&answer, call.act) {
                Failure::Rejected { reason } => {
                    Failure::Rejected { reason: format!("{reason}{}", self.rest.redact(&places(&body))) }
                }
                failure @ (Failure::Retry { .. } | Failure::Uncertain { .. }) => failure,
            },
        };
        Err(Refusal { code, failure })
    }
}

/// Returns the advice to the operator for an error code.
fn next(code: u64) -> Option<&'static str> {
    Some(match code {
        code::UNKNOWN_CHANNEL => "Correct the channel's number, or let the bot see it.",
        code::UNKNOWN_MESSAGE => "The message is gone; nobody has to do anything.",
        code::UNKNOWN_USER | code::UNKNOWN_MEMBER => "Correct the person's number, or invite them into the server.",
        10004 => "Invite the bot into the server, or correct the server's number.",
        20012 => "Set the number of the application to which the token belongs.",
        50001 => "Let the bot see the channel, or invite it into the server.",
        50007 => "They take no direct messages from members of the server: they have to allow them.",
        50013 => "Give the bot's role the right in that channel: see the bot's invitation for what it needs.",
        50083 => "The thread is archived: somebody has to open it again.",
        _ => return None,
    })
}

/// Returns the fields that Discord rejected, with its error codes.
fn places(body: &Value) -> String {
    let mut found = Vec::new();
    collect(body.get("errors").unwrap_or(&Value::Null), "", &mut found);
    let shown: Vec<String> = found.into_iter().take(3).collect();
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join("; ")) }
}

fn collect(value: &Value, place: &str, found: &mut Vec<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        if name == "_errors" {
            let code = inner.pointer("/0/code").and_then(Value::as_str).unwrap_or_default();
            found.push(format!("{place}: {code}"));
        } else {
            collect(inner, format!("{place}.{name}").trim_start_matches('.'), found);
        }
    }
}
