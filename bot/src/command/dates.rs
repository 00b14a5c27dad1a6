//! Detection of time spans in free text. A command that takes effect immediately and has no end must not carry one in
//! its reason: `freeze payments from Monday until Friday` would freeze immediately and for good.

/// Words that start a time span if a time follows.
const BEFORE: [&str; 8] = ["from", "until", "till", "til", "between", "starting", "after", "before"];

/// Days and times of day that need no number.
const MOMENTS: [&str; 12] = [
    "now",
    "today",
    "tonight",
    "tomorrow",
    "midnight",
    "noon",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

const SHORT: [&str; 8] = ["sunday", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Returns the range in `words` of a time span: a time after `from`, `until` and similar words, a duration after `for`,
/// or a time at the start.
pub(super) fn span_of_time(words: &[&str]) -> Option<std::ops::Range<usize>> {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let at = |place: usize| lower.get(place).map_or("", String::as_str);
    let found = (0..lower.len()).find_map(|place| {
        let word = at(place);
        let behind = place + 1;
        if BEFORE.contains(&word) && is_time(at(behind), at(behind + 1)) {
            return Some(place..behind + 1);
        }
        if word == "for" && is_length(at(behind), at(behind + 1)) {
            return Some(place..behind + 1 + usize::from(!has_unit(at(behind))));
        }
        (place == 0 && is_stamp(word)).then_some(0..1)
    })?;
    // `from … until …` is one span and is shown as one.
    let end = (found.end..lower.len()).filter(|place| BEFORE.contains(&at(*place)) || at(*place) == "to");
    let end = end.filter(|place| is_time(at(place + 1), at(place + 2))).map(|place| place + 2).next_back();
    Some(found.start..end.unwrap_or(found.end))
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| matches!(c, ',' | '.' | ';' | '(' | ')' | '!'))
}

/// Returns `true` for a time, or the start of one: `18:00`, `2026-12-24`, `friday`, `24 dec`, `dec 24`, `next week`.
fn is_time(word: &str, next: &str) -> bool {
    let (word, next) = (bare(word), bare(next));
    let number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    MOMENTS.contains(&word)
        || SHORT.contains(&word)
        || is_stamp(word)
        || (is_month(word) && (number(next) || word.len() > 3))
        || (number(word) && (is_month(next) || matches!(next, "am" | "pm" | "utc" | "o'clock")))
        || (matches!(word, "next" | "end" | "the")
            && (matches!(next, "week" | "month" | "year" | "weekend")
                || MOMENTS.contains(&next)
                || SHORT.contains(&next)))
}

fn is_month(word: &str) -> bool {
    word == "sept" || MONTHS.iter().any(|month| *month == word || month.get(..3) == Some(word))
}

/// Returns `true` for a date or a time of day in digits: `2026-12-24`, `24.12.`, `24/12`, `18:00`, `18h`, `6pm`.
fn is_stamp(word: &str) -> bool {
    let word = bare(word);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let shaped =
        word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b':' | b'.' | b't' | b'z' | b'+'));
    let parted = word.contains([':', '/']) || word.matches('-').count() >= 2 || is_dotted(word);
    let hour = word.strip_suffix("am").or_else(|| word.strip_suffix("pm")).or_else(|| word.strip_suffix('h'));
    word.starts_with(|c: char| c.is_ascii_digit())
        && ((shaped && parted && digits >= 3)
            || hour.is_some_and(|hour| hour.len() <= 5 && hour.bytes().all(|b| b.is_ascii_digit() || b == b':')))
}

/// Returns `true` for a date with dots, such as `24.12.26`, but not for a version, such as `1.4.2`.
fn is_dotted(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('.').map(str::len).collect();
    matches!(lengths.as_slice(), [1 | 2, 1 | 2, 0 | 2 | 4])
}

const UNITS: [&str; 12] = ["m", "min", "mins", "minutes", "minute", "h", "hour", "hours", "d", "day", "days", "weeks"];

fn has_unit(word: &str) -> bool {
    let word = bare(word);
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < word.len() && UNITS.contains(&unit)
}

/// Returns `true` for a duration: `2h`, `30 minutes`, `an hour`.
fn is_length(word: &str, next: &str) -> bool {
    let counts =
        word.bytes().all(|b| b.is_ascii_digit()) && !word.is_empty() || matches!(word, "a" | "an" | "one" | "two");
    has_unit(word) || (counts && (UNITS.contains(&bare(next)) || bare(next) == "week"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let words: Vec<&str> = text.split(' ').collect();
        span_of_time(&words).map(|span| words[span].join(" "))
    }

    #[test]
    fn a_span_of_time_is_found_whole() {
        for (text, span) in [
            ("from 2026-12-24 until 2027-01-04 christmas", "from 2026-12-24 until 2027-01-04"),
            ("the audit runs until Friday", "until Friday"),
            ("until 18:00 we move the database", "until 18:00"),
            ("audit from monday to friday", "from monday to friday"),
            ("we migrate until 24 December", "until 24"),
            ("for 2h we migrate", "for 2h"),
            ("for two hours", "for two hours"),
            ("closed until next week", "until next"),
            ("18:00-20:00 audit", "18:00-20:00"),
            ("2026-12-24 christmas", "2026-12-24"),
            ("from now on", "from now"),
            ("until 6pm", "until 6pm"),
        ] {
            assert_eq!(found(text).as_deref(), Some(span), "{text}");
        }
    }

    #[test]
    fn prose_without_a_span_of_time_is_prose() {
        for text in [
            "the auditors are here",
            "we move the database from old to new",
            "wait until Ben is back",
            "year's end",
            "for the audit",
            "for one customer",
            "1.4.2 is broken",
            "500 on upload, see 3 of them",
            "it may fail before the release",
            "alert fired at 02:10",
            "until decided otherwise",
            "since friday nothing works",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
