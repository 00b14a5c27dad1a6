//! Conversion of GitHub's error responses to a [`Failure`] with advice.

use std::time::Duration;

use jiff::Timestamp;

use super::client::GitHubResponse;
use crate::failure::Failure;
use crate::rest::redact;

/// Delay if GitHub reports a rate limit without a duration, as its documentation advises.
const A_MINUTE: Duration = Duration::from_secs(60);
/// Maximum delay. The primary rate limit is hourly, so a longer delay would come from a wrong clock.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// Description of a call, for error messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// The attempted action, in words that follow "could not".
    pub(crate) what: &'a str,
    /// The required permission, as named in GitHub's settings.
    pub(crate) needs: &'static str,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(what: &'a str, needs: &'static str) -> Self {
        Self { what, needs }
    }
}

/// Converts an error response. The error is the status code if the outcome is unknown (5xx).
pub(super) fn refusal(act: &Attempt<'_>, answer: &GitHubResponse, now: Timestamp) -> Result<Failure, u16> {
    let (what, status, message) = (act.what, answer.status.as_u16(), message(answer));
    let rejected =
        |advice: &str| Failure::rejected(format!("could not {what}: GitHub answered {status} ({message}). {advice}"));
    if matches!(status, 403 | 429)
        && let Some(after) = pause(answer, &message, now)
    {
        let reason = format!("could not {what}: GitHub wants {} s without us ({message}).", after.as_secs());
        return Ok(Failure::Retry { reason, after: Some(after) });
    }
    Ok(match status {
        500.. => return Err(status),
        401 => rejected("The token is wrong or has expired; give the bot a new one."),
        403 => rejected(&format!("The token may not do this: it needs {}.", needed(act, answer))),
        404 => rejected(&format!(
            "It is not there, or the token may not see it: check the name, whether the App is installed there, and that it has {}.",
            act.needs
        )),
        300..=399 => rejected(
            "It has moved; if the repository was renamed or transferred, write its new name into the configuration.",
        ),
        _ => rejected("GitHub does not take this as it is."),
    })
}

/// Returns the delay of a rate limit response, or `None` if it is another response (security case 56).
fn pause(answer: &GitHubResponse, message: &str, now: Timestamp) -> Option<Duration> {
    let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let seconds = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or_default().max(1)).min(AN_HOUR);
    if let Some(after) = number("retry-after") {
        return Some(seconds(after));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let reset = number("x-ratelimit-reset");
        return Some(reset.map_or(A_MINUTE, |reset| seconds(reset.saturating_sub(now.as_second()))));
    }
    let secondary = answer.status.as_u16() == 429 || message.to_ascii_lowercase().contains("secondary rate limit");
    secondary.then_some(A_MINUTE)
}

/// Returns the missing permission, which GitHub often names in a header.
fn needed(act: &Attempt<'_>, answer: &GitHubResponse) -> String {
    let said = answer.headers.get("x-accepted-github-permissions").and_then(|value| value.to_str().ok());
    let bounded = |said: &str| redact::without(said, &answer.token).chars().take(200).collect();
    said.filter(|said| !said.is_empty()).map_or_else(|| act.needs.to_owned(), bounded)
}

/// Returns GitHub's error message on one line, bounded, with the token redacted.
pub(super) fn message(answer: &GitHubResponse) -> String {
    #[derive(serde::Deserialize)]
    struct Body {
        message: Option<String>,
        errors: Option<serde_json::Value>,
    }
    let Ok(body) = serde_json::from_slice::<Body>(&answer.body) else {
        return answer.status.canonical_reason().unwrap_or("no reason given").to_owned();
    };
    let mut words = vec![body.message.unwrap_or_default()];
    words.extend(body.errors.as_ref().and_then(|errors| errors.as_array()).into_iter().flatten().map(detail));
    words.retain(|word| !word.is_empty());
    let words = redact::without(&words.join("; "), &answer.token);
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

/// Formats an entry of `errors`: a string, or an object with a message or with a field and a code.
fn detail(error: &serde_json::Value) -> String {
    let text = |name: &str| error.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    match error.as_str() {
        Some(error) => error.to_owned(),
        None if !text("message").is_empty() => text("message").to_owned(),
        None => format!("{} {}", text("field"), text("code")).trim().to_owned(),
    }
}
