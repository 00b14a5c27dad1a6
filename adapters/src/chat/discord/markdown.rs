//! Renders text as Discord markdown and escapes external text: no mention, masked link, heading or timestamp in it
//! takes effect (security case 58).

use super::limits;
use crate::chat::sanitize::sanitize;
use crate::chat::{Span, Text};
use crate::ids::{PersonRef, Platform};

/// Returns the Discord user id of an account; `None` for another platform or a malformed id (security case 20).
pub(super) fn user(person: &PersonRef) -> Option<&str> {
    Some(person.id.as_str()).filter(|id| person.platform == Platform::Discord && is_number(id))
}

/// Returns `true` for a well-formed Discord id.
pub(super) fn is_number(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()) && id.parse::<u64>().is_ok()
}

/// Renders a text as markdown.
pub(super) fn text(text: &Text) -> String {
    written(text, true)
}

/// Renders a text for a title, where Discord shows no mentions; users and groups appear by name.
pub(super) fn title(text: &Text) -> String {
    written(text, false).replace('\n', "␊")
}

fn written(text: &Text, calls: bool) -> String {
    let mut out = String::new();
    for span in &text.0 {
        match span {
            Span::Plain(plain) => out.push_str(&escaped(plain)),
            Span::Strong(strong) => push_strong(&mut out, &escaped(strong)),
            Span::Code(code) => push_code(&mut out, code),
            Span::Mention { account, name } => match account.as_ref().and_then(user).filter(|_| calls) {
                Some(id) => out.push_str(&format!("<@{id}>")),
                None => out.push_str(&escaped(&format!("@{name}"))),
            },
            Span::Group { id, .. } if calls && is_number(id) => out.push_str(&format!("<@&{id}>")),
            Span::Group { name, .. } => out.push_str(&escaped(&format!("@{name}"))),
            Span::Channel(channel) if is_number(channel.as_str()) => out.push_str(&format!("<#{channel}>")),
            Span::Channel(channel) => out.push_str(&escaped(channel.as_str())),
            Span::Link { url, label } => out.push_str(&link(url, label)),
        }
    }
    out
}

/// Renders preformatted text as a code block; text that contains a code fence is escaped instead.
pub(super) fn block(verbatim: &str) -> String {
    let shown = sanitize(verbatim.trim_end_matches('\n'));
    if shown.contains("```") || shown.trim().is_empty() { escaped(&shown) } else { format!("```\n{shown}\n```") }
}

/// Escapes all markdown in a text.
pub(super) fn escaped(text: &str) -> String {
    let text = sanitize(text);
    let mut out = String::with_capacity(text.len() + 8);
    // At the start of a line, `- x`, `+ x` and `1. x` would start a list.
    let mut begins = true;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let means = match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '(' | ')' | '<' | '>' | '#' | '@' => true,
            // Prevent automatic links: only URLs that the bot built become links.
            ':' => chars.peek() == Some(&'/'),
            '-' | '+' | '.' => begins,
            _ => false,
        };
        if means {
            out.push('\\');
        }
        out.push(c);
        begins = c == '\n' || (begins && (c.is_whitespace() || c.is_ascii_digit()));
    }
    out
}

fn push_strong(out: &mut String, escaped: &str) {
    if escaped.is_empty() {
        return;
    }
    // Merge adjacent bold texts: `**a****b**` would parse differently. An escaped asterisk is preceded by a backslash,
    // so this match is safe.
    if out.ends_with("**") {
        out.truncate(out.len() - 2);
    } else {
        out.push_str("**");
    }
    out.push_str(escaped);
    out.push_str("**");
}

fn push_code(out: &mut String, code: &str) {
    let shown = sanitize(code).replace('\n', "␊");
    if shown.contains('`') {
        return out.push_str(&escaped(&shown));
    }
    if shown.is_empty() {
        return;
    }
    if out.ends_with('`') {
        out.push(' ');
    }
    out.push_str(&format!("`{shown}`"));
}

/// Renders HTTP(S) URLs as links; any other URL is shown as text.
fn link(url: &str, label: &str) -> String {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let clean = url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | '\\' | '`' | '"'));
    if !web || !clean || limits::length(url) > limits::URL {
        return escaped(&format!("{label} <{url}>"));
    }
    let label = limits::cut(&sanitize(label).replace('\n', "␊"), 300);
    if label.trim().is_empty() { format!("<{url}>") } else { format!("[{}]({url})", escaped(&label)) }
}

/// Returns the first `most` characters of a text; a mention or link counts as one.
pub(super) fn first(text: &Text, mut most: usize) -> Text {
    let mut kept = Vec::new();
    for span in &text.0 {
        if most == 0 {
            break;
        }
        let mut take = |text: &str| {
            let part: String = text.chars().take(most).collect();
            most = most.saturating_sub(part.chars().count());
            part
        };
        kept.push(match span {
            Span::Plain(text) => Span::Plain(take(text)),
            Span::Strong(text) => Span::Strong(take(text)),
            Span::Code(text) => Span::Code(take(text)),
            Span::Mention { .. } | Span::Group { .. } | Span::Channel(_) | Span::Link { .. } => {
                most -= 1;
                span.clone()
            }
        });
    }
    Text(kept)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// Markdown in external text is escaped (security case 58).
    #[test]
    fn what_comes_from_outside_stays_text() {
        for (evil, shown) in [
            ("@everyone <@1> <@&2> <#3>", r"\@everyone \<\@1\> \<\@&2\> \<\#3\>"),
            ("[PR 12](https://evil.example)", r"\[PR 12\]\(https\://evil.example\)"),
            ("<t:0:R> </start:1> <:x:1>", r"\<t:0:R\> \</start:1\> \<:x:1\>"),
            ("# big\n-# small\n> quote\n- a\n 1. b", "\\# big\n\\-\\# small\n\\> quote\n\\- a\n 1\\. b"),
            (r"**a** __b__ ~~c~~ ||d|| `e` \*", r"\*\*a\*\* \_\_b\_\_ \~\~c\~\~ \|\|d\|\| \`e\` \\\*"),
            ("version 1.4.2-rc1", "version 1.4.2-rc1"),
        ] {
            assert_eq!(text(&Text::of(evil)), shown);
        }
        let code = |inner: &str| text(&Text::new().code(inner));
        assert_eq!((code("a_b"), code("a`b*"), code("")), ("`a_b`".into(), r"a\`b\*".into(), String::new()));
        assert_eq!(block("a\n```\n@here"), "a\n\\`\\`\\`\n\\@here");
        assert_eq!(block("a  b\n  ^\n"), "```\na  b\n  ^\n```");
    }

    #[test]
    fn parts_stand_side_by_side() {
        let parts = Text::new().strong("a").strong("*b").code("c").code("d").plain("*");
        assert_eq!(text(&parts), r"**a\*b**`c` `d`\*");
        let link = |url: &str| text(&Text(vec![Span::Link { url: url.to_owned(), label: "PR [7]".to_owned() }]));
        assert_eq!(link("https://git.example/7"), r"[PR \[7\]](https://git.example/7)");
        assert_eq!(link("javascript:alert(1)"), r"PR \[7\] \<javascript:alert\(1\)\>");
        assert_eq!(
            link("https://a.example/) [x](https://evil.example"),
            escaped("PR [7] <https://a.example/) [x](https://evil.example>")
        );
    }

    /// A Discord identity is a numeric id (security case 20).
    #[test]
    fn people_are_numbers() {
        let ana = |id: &str| Some(PersonRef::new(Platform::Discord, id));
        let called = |account| text(&Text::new().mention(account, "@here"));
        assert_eq!(called(ana("42")), "<@42>");
        assert_eq!(called(ana("42> <@1")), r"\@\@here");
        assert_eq!(called(Some(PersonRef::new(Platform::Slack, "42"))), r"\@\@here");
        assert_eq!(title(&Text::new().mention(ana("42"), "Ana").group("7", "sre")), r"\@Ana\@sre");
    }
}
