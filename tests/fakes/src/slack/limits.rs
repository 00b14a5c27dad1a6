//! How often a method may be called. `chat.postMessage` has its own rule: one a second in a channel, with a short burst.

use super::state::World;

/// How many calls a minute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    One,
    Two,
    Three,
    Four,
    /// One a second in each channel.
    Post,
}

/// How many messages a channel takes at once before one a second holds.
const BURST: i64 = 4;
const SECOND: i64 = 1_000_000;

impl Tier {
    /// How many calls in how many seconds.
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

/// Counts a call; answers after how many seconds to come again when there were too many.
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
