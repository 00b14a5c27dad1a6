//! Formats durations and times: "1 h 12 m", "10:02 UTC".

use jiff::{SignedDuration, Timestamp};

/// Formats a duration in its two largest units; a negative duration counts as zero.
#[must_use]
pub fn humane(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let two = |large: i64, unit: &str, small: i64, sub: &str| {
        if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {sub}") }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, minutes) => format!("{minutes} m"),
        (0, hours, minutes) => two(hours, "h", minutes, "m"),
        (days, hours, _) => two(days, "d", hours, "h"),
    }
}

/// Formats the time between two timestamps.
pub(super) fn between(from: Timestamp, to: Timestamp) -> String {
    humane(to.duration_since(from))
}

/// Formats a number of minutes.
pub(super) fn minutes(count: u32) -> String {
    humane(SignedDuration::from_mins(i64::from(count)))
}

/// Formats a time of day, with the date if it is not the day of `now`. In UTC.
pub(super) fn clock(at: Timestamp, now: Timestamp) -> String {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    if day(at) == day(now) { at.strftime("%H:%M UTC").to_string() } else { stamp(at) }
}

/// Formats a timestamp with its date. In UTC.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_two_units() {
        let said: Vec<String> = [-5, 0, 59, 60, 125, 3_600, 4_320, 86_400, 97_200, 864_000]
            .map(|s| humane(SignedDuration::from_secs(s)))
            .into();
        assert_eq!(said, ["0 s", "0 s", "59 s", "1 m", "2 m", "1 h", "1 h 12 m", "1 d", "1 d 3 h", "10 d"]);
    }

    #[test]
    fn the_date_is_said_when_it_is_another_day() {
        let at: Timestamp = "2026-03-02T10:02:41Z".parse().unwrap();
        let later: Timestamp = "2026-03-03T00:00:01Z".parse().unwrap();
        assert_eq!(clock(at, at), "10:02 UTC");
        assert_eq!(clock(at, later), "2026-03-02 10:02 UTC");
    }
}
