//! REST rate limits: one bucket per route, and 50 calls per second globally. Every answer has the rate limit headers; a
//! test decides if the limits are enforced.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::reply::Refusal;

/// Calls per second, over all routes except interaction callbacks and webhooks.
const GLOBAL: u32 = 50;
const SECOND_MS: i64 = 1000;

#[derive(Default)]
pub(super) struct Limits {
    pub(super) enforced: bool,
    /// Refusal of the next call: the wait in milliseconds, and `true` for the global limit instead of the route's.
    pub(super) next: Option<(i64, bool)>,
    /// Per route, or `global`: the start of the window in milliseconds, and its number of calls.
    windows: BTreeMap<String, (i64, u32)>,
    /// Number of answers with 401, 403 or 429. Discord bans an IP address after ten thousand of them in ten minutes.
    pub(super) invalid: u32,
}

/// The values of the rate limit headers.
pub(super) struct Told {
    bucket: String,
    limit: u32,
    remaining: u32,
    reset_ms: i64,
    after_ms: i64,
    refused: Option<(i64, &'static str)>,
}

/// Counts a call. In `route`, all ids except that of the channel or guild are replaced, as in Discord's buckets.
pub(super) fn count(limits: &mut Limits, now_ms: i64, route: &str) -> (Told, Result<(), Refusal>) {
    let (limit, window_ms) = if route.contains("/messages") { (5, 5 * SECOND_MS) } else { (10, SECOND_MS) };
    // Interaction callbacks and webhooks are exempt from the global limit.
    let free = route.contains("/interactions/") || route.contains("/webhooks/");
    let mut used = |name: &str, length: i64| {
        let window = limits.windows.entry(name.to_owned()).or_insert((now_ms, 0));
        if now_ms - window.0 >= length {
            *window = (now_ms, 0);
        }
        window.1 += u32::from(limits.enforced);
        *window
    };
    let (began, calls) = used(route, window_ms);
    let (second, all) = if free { (now_ms, 0) } else { used("global", SECOND_MS) };
    let after_ms = began + window_ms - now_ms;
    let refused = match limits.next.take() {
        Some((wait, true)) => Some((wait, "global")),
        Some((wait, false)) => Some((wait, "user")),
        None if all > GLOBAL => Some((second + SECOND_MS - now_ms, "global")),
        None if calls > limit => Some((after_ms, "user")),
        None => None,
    };
    let bucket =
        format!("{:08x}", route.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())));
    // Calls are not counted unless limits are enforced; report this call at least.
    let remaining = limit.saturating_sub(calls.max(1));
    let told = Told { bucket, limit, remaining, reset_ms: began + window_ms, after_ms, refused };
    let Some((wait, scope)) = refused else { return (told, Ok(())) };
    let body = json!({ "message": "You are being rate limited.", "retry_after": seconds(wait), "global": scope == "global", "code": 0 });
    (told, Err(Refusal { status: 429, body }))
}

impl Told {
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let mut put = |name: &'static str, text: String| {
            headers.insert(name, HeaderValue::from_str(&text).unwrap());
        };
        put("x-ratelimit-limit", self.limit.to_string());
        put("x-ratelimit-remaining", if self.refused.is_some() { 0 } else { self.remaining }.to_string());
        put("x-ratelimit-reset", format!("{:.3}", seconds(self.reset_ms)));
        put("x-ratelimit-reset-after", format!("{:.3}", seconds(self.after_ms)));
        put("x-ratelimit-bucket", self.bucket.clone());
        if let Some((wait, scope)) = self.refused {
            // `retry-after` is in whole seconds; `retry_after` in the body has fractions.
            put("retry-after", wait.unsigned_abs().div_ceil(1000).to_string());
            put("x-ratelimit-scope", scope.to_owned());
            if scope == "global" {
                put("x-ratelimit-global", "true".to_owned());
            }
        }
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
