//! Durations as users type them: `90m`, `2h`, `1d`, `1h30m`.

use super::guard::shown;

/// The longest duration that a lease can be requested for. The policy of a service may allow less.
const MOST_MINUTES: u32 = 30 * 24 * 60;

/// Parses a duration into minutes, from one minute to thirty days.
pub(super) fn parse_minutes(text: &str) -> Result<u32, String> {
    let no = || format!("{} is no length of time: 90m, 2h, 1h30m and 1d are, from 1m to 30d", shown(text));
    let mut total: u32 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(no)?;
        let (number, behind) = rest.split_at_checked(unit_at).ok_or_else(no)?;
        let unit_end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at_checked(unit_end).ok_or_else(no)?;
        let factor = match unit.to_ascii_lowercase().as_str() {
            "m" | "min" => 1,
            "h" => 60,
            "d" => 24 * 60,
            _ => return Err(no()),
        };
        let minutes = number.parse::<u32>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(no)?;
        total = total.checked_add(minutes).filter(|sum| *sum <= MOST_MINUTES).ok_or_else(no)?;
        rest = next;
    }
    if total == 0 { Err(no()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::parse_minutes;

    #[test]
    fn lengths_of_time() {
        for (text, minutes) in [("90m", 90), ("2h", 120), ("1d", 1440), ("1h30m", 90), ("45min", 45), ("2H", 120)] {
            assert_eq!(parse_minutes(text), Ok(minutes), "{text}");
        }
        for no in ["", "2", "h", "-2h", "2 h", "0m", "31d", "99999999999m", "2w", "1.5h", "2é"] {
            assert!(parse_minutes(no).is_err(), "{no}");
        }
    }
}
