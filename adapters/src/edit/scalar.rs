//! How a text is written so that every reader of YAML takes it for that text.

use super::Refused;

/// The ways to write a value on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    Single,
    Double,
}

/// Writes a value with the quotes that stand there; where there are none and it would be read as something else than
/// this text, it gets single ones.
pub(super) fn render(value: &str, quotes: Quotes) -> Result<String, Refused> {
    if value.is_empty() || value.chars().any(unprintable) {
        let reason = format!("the value {value:?} is empty or has a character that cannot stand on a line");
        return Err(Refused::because(reason));
    }
    Ok(match quotes {
        Quotes::None if plain(value) => value.to_owned(),
        Quotes::None | Quotes::Single => format!("'{}'", value.replace('\'', "''")),
        Quotes::Double => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    })
}

/// Line ends of any kind, controls, and the byte order mark.
fn unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether a value needs no quotes anywhere, in the flow style neither, for readers of YAML 1.1 and of 1.2.
pub(super) fn plain(value: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+' | '@');
    value.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_'))
        && value.chars().all(harmless)
        && !is_word(value)
        && !is_number(value)
        && !is_date(value)
}

/// Null and the two truths, in all the spellings of YAML 1.1.
fn is_word(value: &str) -> bool {
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whole numbers to any base, with `_` between digits as YAML 1.1 has them, and numbers with a point or an exponent.
/// `12e4567` is infinity to some readers.
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

/// `2026-11-21` and everything that starts like it.
fn is_date(value: &str) -> bool {
    let mut parts = value.splitn(3, '-');
    let digits = |part: Option<&str>, least: usize| {
        part.is_some_and(|part| part.len() >= least && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    digits(parts.next(), 4)
        && digits(parts.next(), 1)
        && parts.next().is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()))
}
