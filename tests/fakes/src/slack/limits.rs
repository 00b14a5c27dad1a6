//! Rate limits of the Web API: a number of calls per minute for each method, by tier. `chat.postMessage` allows one
//! message per second and channel, with a short burst.

use super::state::World;

/// The rate limit tier of a method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    One,
    Two,
    Three,
    Four,
    /// One message per second in each channel.
    Post,
}

/// Number of messages that may be posted to a channel at once.
const BURST: i64 = 4;
const SECOND: i64 = 1_000_000;

impl Tier {
    /// Returns the number of calls and the window in seconds.
    fn allows(self) -> (usize, i64) {
        match self {
            Self::One => (1, 60),
            Self::Two => (20, 60),
            Self::Three => (50, 60),
            Self::Four => (100, 60),
            Self::Post => (BURST as usize, BURST),
        }
    }
}

/// Counts a call. If the limit is exceeded, returns the seconds until the next call is allowed (`Retry-After`).
pub(super) fn spend(world: &mut World, method: &str, channel: &str, tier: Tier) -> Option<u32> {
    if !world.limited {
        return None;
    }
    let (calls, seconds) = tier.allows();
    let key = if tier == Tier::Post { format!("{method} {channel}") } else { method.to_owned() };
    let now = world.now_us;
    let spent = world.spent.entry(key).or_default();
    spent.retain(|at| now - at < seconds * SECOND);
    if spent.len() < calls {
        spent.push(now);
        return None;
    }
    let wait = spent[0] + seconds * SECOND - now;
    u32::try_from((wait + SECOND - 1) / SECOND).ok()
}
