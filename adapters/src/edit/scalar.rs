//! Rendering of a text as a YAML scalar that every YAML parser reads as that text.

use super::EditError;

/// The quote styles of a scalar on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    Single,
    Double,
}

/// Renders a value in the existing quote style. An unquoted value gets single quotes if a parser would not read it as
/// this text.
pub(super) fn render(value: &str, quotes: Quotes) -> Result<String, EditError> {
    if value.is_empty() || value.chars().any(unprintable) {
        let reason = format!("the value {value:?} is empty or has a character that cannot stand on a line");
        return Err(EditError::because(reason));
    }
    Ok(match quotes {
        Quotes::None if plain(value) => value.to_owned(),
        Quotes::None | Quotes::Single => format!("'{}'", value.replace('\'', "''")),
        Quotes::Double => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    })
}

/// Returns `true` for line breaks, control characters and the byte order mark.
fn unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Returns `true` if a value needs no quotes in block or flow style, for YAML 1.1 and 1.2.
pub(super) fn plain(value: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+' | '@');
    value.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_'))
        && value.chars().all(harmless)
        && !is_word(value)
        && !is_number(value)
        && !is_date(value)
}

/// Returns `true` for null and booleans, in all spellings of YAML 1.1.
fn is_word(value: &str) -> bool {
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Returns `true` for integers in any base, with `_` between digits as in YAML 1.1, and for numbers with a point or
/// an exponent. Some parsers read even `12e4567` as a number: infinity.
fn is_number(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let unsigned = lower.strip_prefix(['-', '+']).unwrap_or(&lower);
    let prefixed = |prefix: &str, digit: fn(&char) -> bool| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| digit(&c) || c == '_'))
    };
    prefixed("0x", char::is_ascii_hexdigit)
        || prefixed("0o", char::is_ascii_digit)
        || prefixed("0b", char::is_ascii_digit)
        || is_decimal(unsigned)
        || matches!(unsigned, ".inf" | ".nan" | "inf" | "nan" | "infinity")
}

fn is_decimal(unsigned: &str) -> bool {
    let (mantissa, exponent) = unsigned.split_once('e').map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digit = mantissa.chars().any(|c| c.is_ascii_digit());
    let exponent_reads = exponent.is_none_or(|exponent| {
        let power = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !power.is_empty() && digits(power)
    });
    has_digit && digits(whole) && digits(fraction) && exponent_reads
}

/// Returns `true` for `2026-11-21` and everything that starts like it.
fn is_date(value: &str) -> bool {
    let mut parts = value.splitn(3, '-');
    let digits = |part: Option<&str>, least: usize| {
        part.is_some_and(|part| part.len() >= least && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    digits(parts.next(), 4)
        && digits(parts.next(), 1)
        && parts.next().is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()))
}
