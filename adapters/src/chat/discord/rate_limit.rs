//! Rate limiter of the Discord adapter, fed by the rate limit headers of each response. It never waits; it returns the
//! remaining delay to the caller.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

/// Maximum number of routes; beyond it, expired entries are dropped.
const KNOWN: usize = 4096;
/// Key of the global rate limit.
const EVERYTHING: &str = "";
/// Delay after a rate limit response without `Retry-After`.
const WAIT: Duration = Duration::from_secs(5);

/// The time until which each route is blocked.
#[derive(Debug, Default)]
pub(super) struct RateLimiter(Mutex<HashMap<String, Instant>>);

impl RateLimiter {
    /// Checks that a route may be called.
    ///
    /// # Errors
    /// Returns the remaining delay if the route or the whole API is rate limited.
    pub(super) fn open(&self, route: &str, now: Instant) -> Result<(), Duration> {
        let closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = [route, EVERYTHING].into_iter().filter_map(|name| closed.get(name)).max();
        match left.map(|until| until.saturating_duration_since(now)) {
            Some(left) if !left.is_zero() => Err(left),
            Some(_) | None => Ok(()),
        }
    }

    /// Updates the limits from a response. Returns the delay if the response was a 429.
    pub(super) fn hear(&self, route: &str, status: u16, headers: &HeaderMap, now: Instant) -> Option<Duration> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let seconds = |name: &str| Duration::try_from_secs_f64(text(name)?.parse().ok()?).ok();
        let (route, wait) = if status == 429 {
            let global = text("x-ratelimit-global").is_some() || text("x-ratelimit-scope") == Some("global");
            (if global { EVERYTHING } else { route }, seconds("retry-after").unwrap_or(WAIT))
        } else if text("x-ratelimit-remaining") == Some("0") {
            (route, seconds("x-ratelimit-reset-after")?)
        } else {
            return None;
        };
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if closed.len() >= KNOWN {
            closed.retain(|_, until| *until > now);
        }
        closed.insert(route.to_owned(), now + wait);
        (status == 429).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_route_that_is_used_up_opens_again() {
        let (pace, now) = (RateLimiter::default(), Instant::now());
        let used = headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "1.500")]);
        assert_eq!(pace.hear("a", 200, &used, now), None);
        assert_eq!(pace.open("a", now), Err(Duration::from_millis(1500)));
        assert_eq!(pace.open("b", now), Ok(()));
        assert_eq!(pace.open("a", now + Duration::from_millis(1500)), Ok(()));
        let some = headers(&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset-after", "1.500")]);
        assert_eq!(pace.hear("b", 200, &some, now), None);
        assert_eq!(pace.open("b", now), Ok(()));
    }

    #[test]
    fn too_much_of_everything_closes_everything() {
        let (pace, now) = (RateLimiter::default(), Instant::now());
        let refused = headers(&[("retry-after", "2"), ("x-ratelimit-global", "true")]);
        assert_eq!(pace.hear("a", 429, &refused, now), Some(Duration::from_secs(2)));
        assert_eq!(pace.open("b", now), Err(Duration::from_secs(2)));
        assert_eq!(pace.hear("c", 429, &headers(&[]), now), Some(WAIT));
        assert_eq!(pace.open("c", now), Err(WAIT));
    }
}
