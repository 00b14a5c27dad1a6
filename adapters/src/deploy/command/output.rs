//! The captured output of a command: bounded while it is read, redacted and sanitized before it is shown.

use std::collections::VecDeque;

/// The start and the end of the output. Its size is bounded, however much is printed.
#[derive(Debug)]
pub(crate) struct CapturedOutput {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    seen: usize,
}

/// The name and the value of a secret variable.
pub(crate) type Secret = (String, String);

/// Minimum length of a value that is redacted, in bytes. A shorter one would match everywhere and protects nothing.
const SHORTEST_SECRET: usize = 6;

impl CapturedOutput {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        let half = (limit_bytes / 2).max(1);
        Self { half, head: Vec::new(), tail: VecDeque::new(), seen: 0 }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.seen = self.seen.saturating_add(bytes.len());
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        let kept = rest.split_at(rest.len().saturating_sub(self.half)).1;
        let overflow = (self.tail.len() + kept.len()).saturating_sub(self.half);
        self.tail.drain(..overflow);
        self.tail.extend(kept);
    }

    /// Returns the output as sanitized text, with the secrets redacted.
    pub(crate) fn text(&self, secrets: &[Secret]) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let missing = self.seen - self.head.len() - tail.len();
        if missing == 0 {
            let whole = [self.head.as_slice(), tail.as_slice()].concat();
            return harmless(&black_out(String::from_utf8_lossy(&whole).into_owned(), secrets));
        }
        let head = without_torn_end(&black_out(String::from_utf8_lossy(&self.head).into_owned(), secrets), secrets);
        let tail = without_torn_start(&black_out(String::from_utf8_lossy(&tail).into_owned(), secrets), secrets);
        format!("{}\n… {missing} bytes left out …\n{}", harmless(&head), harmless(&tail))
    }
}

fn black_out(text: String, secrets: &[Secret]) -> String {
    guarded(secrets).fold(text, |text, (name, value)| text.replace(value.as_str(), &format!("[{name}]")))
}

fn guarded(secrets: &[Secret]) -> impl Iterator<Item = &Secret> {
    secrets.iter().filter(|(_, value)| value.len() >= SHORTEST_SECRET)
}

/// Removes a partial secret at the cut.
fn without_torn_end(text: &str, secrets: &[Secret]) -> String {
    let torn = |value: &str| starts(value).rev().find(|len| value.get(..*len).is_some_and(|part| text.ends_with(part)));
    let cut = guarded(secrets).filter_map(|(_, value)| torn(value)).max().unwrap_or(0);
    text.get(..text.len() - cut).unwrap_or_default().to_owned()
}

fn without_torn_start(text: &str, secrets: &[Secret]) -> String {
    let torn = |value: &str| {
        starts(value)
            .find(|from| value.get(*from..).is_some_and(|part| text.starts_with(part)))
            .map(|at| value.len() - at)
    };
    let cut = guarded(secrets).filter_map(|(_, value)| torn(value)).max().unwrap_or(0);
    text.get(cut..).unwrap_or_default().to_owned()
}

fn starts(value: &str) -> impl DoubleEndedIterator<Item = usize> {
    value.char_indices().map(|(at, _)| at).filter(|at| *at > 0)
}

/// Sanitizes text against terminal control and line reordering: removes escape sequences and control characters, turns
/// a carriage return into a line break, and replaces invisible and direction-changing characters by `�` (security cases
/// 44, 63).
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push('\n'),
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\t' => out.push(' '),
            '\u{1b}' => {
                if chars.next_if_eq(&'[').is_some() {
                    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
                    chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
                }
            }
            c if c.is_control() => {}
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns the last lines of a text, at most `lines` lines and about `chars` characters, for an error message.
pub(crate) fn ending(text: &str, lines: usize, chars: usize) -> String {
    let text = text.trim();
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let kept = all.split_at(all.len().saturating_sub(lines)).1.join("\n");
    let count = kept.chars().count();
    let cut: String = kept.chars().skip(count.saturating_sub(chars)).collect();
    if cut.len() < kept.len() || kept.lines().count() < all.len() { format!("…\n{cut}") } else { cut }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn captured(limit: usize, parts: &[&str]) -> CapturedOutput {
        let mut capture = CapturedOutput::new(limit);
        parts.iter().for_each(|part| capture.add(part.as_bytes()));
        capture
    }

    #[test]
    fn it_keeps_both_ends_and_counts_the_rest() {
        assert_eq!(captured(10, &["abc", "defghij"]).text(&[]), "abcdefghij");
        assert_eq!(captured(10, &["abc", "defghijk"]).text(&[]), "abcde\n… 1 bytes left out …\nghijk");
        let long = "x".repeat(1_000_000);
        let capture = captured(10, &[&long, &long, "the end"]);
        assert!(capture.head.capacity() + capture.tail.capacity() < 100);
        assert_eq!(capture.text(&[]), "xxxxx\n… 1999997 bytes left out …\ne end");
    }

    #[test]
    fn secrets_are_blacked_out_even_when_the_cut_runs_through_them() {
        let secrets = [("TOKEN".to_owned(), "hunter2hunter2".to_owned()), ("SHORT".to_owned(), "on".to_owned())];
        assert_eq!(captured(100, &["+ curl -H hunter2", "hunter2 on"]).text(&secrets), "+ curl -H [TOKEN] on");
        let printed = captured(20, &["1234 hunter2hunter2", &"-".repeat(50), "hunter2hunter2 1234"]).text(&secrets);
        assert!(!printed.contains("hunt") && !printed.contains("ter2"), "{printed}");
        assert!(printed.starts_with("1234 \n") && printed.ends_with("\n 1234"), "{printed}");
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(harmless("a\u{1b}[31mred\u{1b}[0m\r\nb\rc\u{7}\td\u{202e}e\u{9b}2J"), "ared\nb\nc d\u{fffd}e2J");
        assert_eq!(harmless("\u{1b}]0;title\u{7}x"), "]0;titlex");
    }

    #[test]
    fn an_ending_is_short() {
        assert_eq!(ending("a\n\nb\n", 5, 100), "a\nb");
        assert_eq!(ending("a\nb\nc\n", 2, 100), "…\nb\nc");
        assert_eq!(ending("abcdef", 2, 3), "…\ndef");
    }
}
