//! Maps error responses to failures, with advice for the operator.

use std::time::Duration;

use serde_json::Value;

use super::{Response, Rest};
use crate::failure::Failure;

/// Upper limit for a delay that the system requests.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const LONGEST_SAYING: usize = 300;

impl Rest {
    /// Turns an error response into a failure.
    pub(crate) fn refused(&self, answer: &Response, act: &str) -> Failure {
        let (name, said, status) = (self.name, self.said(answer), answer.status.as_u16());
        match status {
            429 => Failure::Retry {
                reason: format!("{name} has had too many calls for now (429; could not {act})"),
                after: wait(answer),
            },
            401 => Failure::rejected(format!(
                "{name} does not accept the bot's token (401; could not {act}): {said}. Make a new one and set it."
            )),
            403 => Failure::rejected(format!(
                "the bot's token may not {act} on {name} (403): {said}. Give its account the role that may."
            )),
            404 => Failure::rejected(format!(
                "{name} knows nothing there, or hides it from the bot's token (404; could not {act}): {said}. Correct the \
                 name, or make the bot's account a member."
            )),
            300..=399 => Failure::rejected(format!(
                "{name} wants to be asked elsewhere ({status}; could not {act}). Correct its address: redirects are not \
                 followed, because the token would go along."
            )),
            408 | 425 | 500..=599 => Failure::Retry {
                reason: format!("{name} does not work at the moment ({status}; could not {act}): {said}"),
                after: wait(answer),
            },
            _ => Failure::rejected(format!("{name} refused to {act} ({status}): {said}")),
        }
    }

    /// Returns the message of an error response: on one line, limited in length, and without the token and the
    /// request path, which the system may echo.
    pub(crate) fn said(&self, answer: &Response) -> String {
        let words = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|value| message(&value));
        let mut words = self.redact(&words.unwrap_or_else(|| "it does not say why".to_owned()));
        if answer.path.len() > 1 {
            words = words.replace(&answer.path, "…");
        }
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        words.trim_end_matches('.').chars().map(plain).take(LONGEST_SAYING).collect()
    }
}

/// Extracts `message`, `error_description` or `error`, which may be a string, a list, or lists by field.
fn message(value: &Value) -> Option<String> {
    let found = value.get("message").or_else(|| value.get("error_description")).or_else(|| value.get("error"))?;
    let text = match found {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => found.to_string(),
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

/// Returns the delay that the system requests, from `Retry-After` or `RateLimit-Reset`.
fn wait(answer: &Response) -> Option<Duration> {
    let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name)?.parse::<i64>().ok();
    let seconds = number("retry-after").or_else(|| {
        // Relative to the clock of the system, because the local clock may be wrong.
        let now = jiff::fmt::rfc2822::parse(text("date")?).ok()?;
        Some(number("ratelimit-reset")?.saturating_sub(now.timestamp().as_second()))
    })?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).min(LONGEST_WAIT))
}
