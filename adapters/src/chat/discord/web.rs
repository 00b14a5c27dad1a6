//! Calls of Discord's REST API, and what its answers mean. What is read is small types of our own in which everything that
//! can be absent may be: after a message went out, a field that is missing in the answer must not make the post uncertain.

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

/// Discord turns away whoever does not say what it is, with an address; the bot has none of its own.
const AGENT: &str = concat!("DiscordBot (https://hotfix.invalid, ", env!("CARGO_PKG_VERSION"), ")");

/// The codes of refusals that say something to the caller.
pub(super) mod code {
    pub(in super::super) const UNKNOWN_CHANNEL: u64 = 10003;
    pub(in super::super) const UNKNOWN_MEMBER: u64 = 10007;
    pub(in super::super) const UNKNOWN_MESSAGE: u64 = 10008;
    pub(in super::super) const UNKNOWN_USER: u64 = 10013;
    pub(in super::super) const THREAD_EXISTS: u64 = 160_004;
}

/// A no of Discord's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Discord's own code; 0 when it gives none.
    pub(super) code: u64,
    /// What it means.
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

/// The bot's calls.
pub(super) struct Web {
    rest: Rest,
    pace: RateLimiter,
}

/// What a call is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// The parts of the path.
    pub(super) path: &'a [&'a str],
    /// What stands behind the question mark.
    pub(super) query: &'a [(&'a str, &'a str)],
    /// Completes "could not …" for people.
    pub(super) act: &'a str,
}

impl<'a> Call<'a> {
    pub(super) fn new(path: &'a [&'a str], act: &'a str) -> Self {
        Self { path, query: &[], act }
    }

    /// What Discord counts as one: the path with the number of the channel, server or webhook, and of nothing else. An
    /// interaction has no limit of its own.
    fn route(&self, method: &Method) -> String {
        let part = |(place, part): (usize, &&str)| match part.bytes().all(|b| b.is_ascii_digit()) {
            true if place != 1 => ":id".to_owned(),
            _ => (*part).to_owned(),
        };
        let parts: Vec<String> = self.path.iter().enumerate().map(part).collect();
        format!("{method} {}", parts.join("/"))
    }
}

impl Web {
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

    /// Reads something.
    pub(super) async fn read<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, Refusal> {
        let route = self.open(&Method::GET, call)?;
        let answer = self.rest.ask(&self.rest.at(call.path, call.query), call.act).await?;
        let answer = self.judge(&route, answer, call)?;
        Ok(self.rest.parse(&answer, call.act)?)
    }

    /// Changes something, which may have happened when this says so.
    pub(super) async fn write(&self, method: Method, call: Call<'_>, body: &Value) -> Result<Response, Refusal> {
        let route = self.open(&method, call)?;
        let body = Some(body).filter(|body| !body.is_null());
        let answer = self.rest.exchange(method, &self.rest.at(call.path, call.query), body, call.act).await?;
        self.judge(&route, answer, call)
    }

    /// Changes something that may be done twice.
    pub(super) async fn set(&self, method: Method, call: Call<'_>, body: &Value) -> Result<Response, Refusal> {
        self.write(method, call, body).await.map_err(|refusal| match refusal.failure {
            Failure::Uncertain { reason } => Failure::Retry { reason, after: None }.into(),
            Failure::Retry { .. } | Failure::Rejected { .. } => refusal,
        })
    }

    /// What an answer says. After something was done, an answer that makes no sense leaves it open what.
    pub(super) fn parse<T: DeserializeOwned>(&self, answer: &Response, act: &str) -> Result<T, Failure> {
        self.rest
            .parse(answer, act)
            .map_err(|failure| Failure::uncertain(format!("{} It may have happened.", failure.reason())))
    }

    fn open(&self, method: &Method, call: Call<'_>) -> Result<String, Failure> {
        let route = call.route(method);
        // Answers to interactions are held up by nothing else.
        if matches!(call.path.first(), Some(&"interactions" | &"webhooks")) {
            return Ok(route);
        }
        let opened = self.pace.open(&route, Instant::now());
        opened.map(|()| route).map_err(|left| Failure::Retry {
            reason: format!("Discord asked to be left alone (could not {})", call.act),
            after: Some(left),
        })
    }

    fn judge(&self, route: &str, answer: Response, call: Call<'_>) -> Result<Response, Refusal> {
        let wait = self.pace.hear(route, answer.status.as_u16(), &answer.headers, Instant::now());
        if answer.status.is_success() {
            return Ok(answer);
        }
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = body.get("code").and_then(Value::as_u64).unwrap_or_default();
        // The body knows parts of seconds.
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

/// What a person can do about a refusal.
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

/// Where a body was wrong, in Discord's words.
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
