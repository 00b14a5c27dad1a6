//! Sanitizing of text that the bot posts on a forge: the result mentions no one, references nothing and closes no
//! issue (security case 59). Markdown escapes do not suffice: forges look for `@team`, `#1`, `!1` and "closes …" in
//! the rendered text, and in titles and commit messages, where there is no Markdown. An invisible space breaks up
//! each of these.

/// A zero-width space, for Markdown.
const ENTITY: &str = "&#8203;";
/// A zero-width space, for text that is not rendered.
const GAP: &str = "\u{200b}";
/// Words that close an issue, on GitHub or GitLab, when they stand before its URL.
const CLOSING: [&str; 16] = [
    "close",
    "closes",
    "closed",
    "closing",
    "fix",
    "fixes",
    "fixed",
    "fixing",
    "resolve",
    "resolves",
    "resolved",
    "resolving",
    "implement",
    "implements",
    "implemented",
    "implementing",
];

/// Prefixes of references that only GitLab has: to merge requests, snippets, epics, milestones and labels.
const SIGNS: [char; 5] = ['!', '$', '&', '%', '~'];

/// Sanitizes text for Markdown, on one line.
#[must_use]
pub fn markdown(words: &str) -> String {
    let mut made = String::with_capacity(words.len());
    for (at, c) in words.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => made.extend(['\\', c]),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '&' => made.push_str("&amp;"),
            '@' | '#' => made.extend([c.to_string().as_str(), ENTITY]),
            c if c.is_control() => made.push(' '),
            c => made.push(c),
        }
        if refers(words, at, c) {
            made.push_str(ENTITY);
        }
    }
    apart(&made, ENTITY)
}

/// Sanitizes text for a title or a commit message, on one line.
#[must_use]
pub fn plain(words: &str) -> String {
    let mut made = String::with_capacity(words.len());
    for (at, c) in words.char_indices() {
        made.push(if c.is_control() { ' ' } else { c });
        if matches!(c, '@' | '#') || refers(words, at, c) {
            made.push_str(GAP);
        }
    }
    apart(&made, GAP)
}

/// Returns `true` if the sign at this position starts a reference, that is, a number or a name follows it.
fn refers(words: &str, at: usize, sign: char) -> bool {
    let behind = words.get(at..).and_then(|rest| rest.chars().nth(1));
    SIGNS.contains(&sign) && behind.is_some_and(|c| c.is_alphanumeric() || c == '"')
}

/// Inserts gaps into `GH-1`, and into closing words that stand before a URL.
fn apart(words: &str, gap: &str) -> String {
    let lower = words.to_ascii_lowercase();
    let byte = |at: usize| lower.as_bytes().get(at).copied().unwrap_or_default();
    let numbered = lower.match_indices("gh-").map(|(at, _)| at);
    let numbered = numbered.filter(|at| at.checked_sub(1).is_none_or(|before| !byte(before).is_ascii_alphanumeric()));
    let numbered = numbered.filter(|at| byte(at + 3).is_ascii_digit()).map(|at| at + 2);
    let closing = lower.match_indices("://").filter_map(|(at, _)| {
        let before = lower.get(..at)?.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let before = before.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        CLOSING.iter().any(|closing| before.ends_with(closing)).then(|| before.len().saturating_sub(1))
    });
    let mut places: Vec<usize> = numbered.chain(closing).collect();
    places.sort_unstable();
    places.dedup();
    let mut made = words.to_owned();
    for place in places.into_iter().rev() {
        made.insert_str(place, gap);
    }
    made
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// Security case 59: sanitized text has no mention, reference or closing word.
    #[test]
    fn what_forges_look_for_is_not_there() {
        let words = "@org/team \\#1 org/repo#2 GH-3,gh-4 Closes: https://forge.example/o/r/issues/5 high-5 fix it";
        assert_eq!(
            plain(words),
            "@\u{200b}org/team \\#\u{200b}1 org/repo#\u{200b}2 GH\u{200b}-3,gh\u{200b}-4 Close\u{200b}s: \
             https://forge.example/o/r/issues/5 high-5 fix it"
        );
        assert_eq!(
            markdown(words),
            "@&#8203;org/team \\\\#&#8203;1 org/repo#&#8203;2 GH&#8203;-3,gh&#8203;-4 Close&#8203;s: \
             https://forge.example/o/r/issues/5 high-5 fix it"
        );
        let of_gitlab = "group/app!1 $2 &3 %\"Q 4\" ~bug, but 5 % of R&D is $ 6!";
        assert_eq!(
            plain(of_gitlab),
            "group/app!\u{200b}1 $\u{200b}2 &\u{200b}3 %\u{200b}\"Q 4\" ~\u{200b}bug, but 5 % of R&\u{200b}D is $ 6!"
        );
        assert_eq!(
            markdown(of_gitlab),
            "group/app\\!&#8203;1 $&#8203;2 &amp;&#8203;3 %&#8203;\"Q 4\" \\~&#8203;bug, but 5 % of R&amp;&#8203;D is $ 6\\!"
        );
        assert_eq!(plain("two\nlines"), "two lines");
        assert_eq!(plain("Prüfung bei ://"), "Prüfung bei ://");
    }
}
