//! Rate limiter of the Slack adapter: one message per second and channel with short bursts, and no calls while Slack's
//! `Retry-After` runs. It never waits; it returns the remaining delay to the caller.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const EACH: Duration = Duration::from_secs(1);
/// Maximum number of entries per map; beyond it, expired entries are dropped.
const KNOWN: usize = 4096;

/// Rate limits of one token.
#[derive(Debug)]
pub(super) struct RateLimiter {
    burst: u32,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Per channel: the time at which its token bucket is full again.
    full_at: HashMap<String, Instant>,
    /// Per method and channel: the time at which `Retry-After` expires.
    closed_until: HashMap<(String, String), Instant>,
}

impl RateLimiter {
    /// Creates a limiter that allows bursts of `burst` messages, at least 1.
    pub(super) fn new(burst: u32) -> Self {
        Self { burst: burst.max(1), inner: Mutex::default() }
    }

    /// Takes one message from a channel's token bucket.
    ///
    /// # Errors
    /// Returns the delay until the next message if the bucket is empty.
    pub(super) fn post(&self, channel: &str, now: Instant) -> Result<(), Duration> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = inner.full_at.get(channel).copied().unwrap_or(now).max(now);
        let next = full_at + EACH;
        let most = EACH * self.burst;
        if next - now > most {
            return Err((next - now).saturating_sub(most));
        }
        if inner.full_at.len() >= KNOWN {
            inner.full_at.retain(|_, full_at| *full_at > now);
        }
        inner.full_at.insert(channel.to_owned(), next);
        Ok(())
    }

    /// Checks that a method may be called for a channel.
    ///
    /// # Errors
    /// Returns the remaining delay if Slack has rate limited the method for this channel.
    pub(super) fn open(&self, method: &str, channel: &str, now: Instant) -> Result<(), Duration> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (method.to_owned(), channel.to_owned());
        match inner.closed_until.get(&place).map(|until| until.saturating_duration_since(now)) {
            Some(left) if !left.is_zero() => Err(left),
            Some(_) => {
                inner.closed_until.remove(&place);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Blocks a method for a channel until `after` has elapsed, as Slack requested.
    pub(super) fn close(&self, method: &str, channel: &str, after: Duration, now: Instant) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.closed_until.len() >= KNOWN {
            inner.closed_until.retain(|_, until| *until > now);
        }
        inner.closed_until.insert((method.to_owned(), channel.to_owned()), now + after);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_channel_takes_a_burst_and_then_one_a_second() {
        let (pace, start) = (RateLimiter::new(4), Instant::now());
        let at = |millis: u64| start + Duration::from_millis(millis);
        for _ in 0..4 {
            assert_eq!(pace.post("C1", start), Ok(()));
        }
        assert_eq!(pace.post("C1", start), Err(Duration::from_secs(1)));
        assert_eq!(pace.post("C2", start), Ok(()), "another channel has its own");
        assert_eq!(pace.post("C1", at(400)), Err(Duration::from_millis(600)));
        assert_eq!(pace.post("C1", at(1000)), Ok(()));
        assert_eq!(pace.post("C1", at(1000)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn a_method_that_was_closed_opens_again() {
        let (pace, start) = (RateLimiter::new(4), Instant::now());
        pace.close("chat.postMessage", "C1", Duration::from_secs(30), start);
        assert_eq!(pace.open("chat.postMessage", "C1", start), Err(Duration::from_secs(30)));
        assert_eq!(pace.open("chat.postMessage", "C2", start), Ok(()));
        assert_eq!(pace.open("chat.update", "C1", start), Ok(()));
        assert_eq!(pace.open("chat.postMessage", "C1", start + Duration::from_secs(30)), Ok(()));
    }
}
