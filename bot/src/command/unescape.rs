//! Decoding of the escapes in Slack's command text: `<@U1|name>`, `<#C1|name>`, `<https://…|label>`, `&amp;`. Text is
//! decoded exactly once: a typed `<` arrives as `&lt;` and stays a character.

use super::lex::is_escapable;

/// Decodes the escape at the start of the text. Returns its length in bytes and its text.
pub(super) fn entity(rest: &str) -> Option<(usize, String)> {
    let inner = rest.strip_prefix('<')?;
    // The prefix is checked first; otherwise a text full of `<` would be searched to its end for each of them.
    if !["@", "#", "!", "http://", "https://", "mailto:", "tel:"].iter().any(|p| inner.starts_with(p)) {
        return None;
    }
    let end = inner.find(['<', '>', '\n'])?;
    let (inside, after) = inner.split_at_checked(end)?;
    if !after.starts_with('>') || inside.len() < 2 {
        return None;
    }
    let (target, label) =
        inside.split_once('|').map_or((inside, None), |(t, l)| (t, Some(l).filter(|l| !l.is_empty())));
    Some((inside.len() + 2, unescape(&reading(target, label))))
}

/// Returns the text of an escape. Users and channels become their label, which is used for display only; a link becomes
/// its address and never its label, which could be misleading.
fn reading(target: &str, label: Option<&str>) -> String {
    let called = |sigil: char, id: &str| {
        let name = label.unwrap_or(id);
        if name.starts_with(sigil) { name.to_owned() } else { format!("{sigil}{name}") }
    };
    if let Some(id) = target.strip_prefix(['@', '!']) {
        return called('@', id);
    }
    if let Some(id) = target.strip_prefix('#') {
        return called('#', id);
    }
    if let Some(address) = target.strip_prefix("mailto:").or_else(|| target.strip_prefix("tel:")) {
        return address.to_owned();
    }
    // Slack turns `payments.io` into a link; the user typed the label.
    let bare = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://"));
    label.filter(|l| bare == Some(*l)).unwrap_or(target).to_owned()
}

/// Decodes the three characters that Slack escapes.
fn unescape(text: &str) -> String {
    // `&amp;` must be last: `&amp;lt;` was typed as `&lt;`.
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Decodes every escape. If `in_quotes`, a backslash makes the next quote or backslash literal.
pub(super) fn decode(raw: &str, in_quotes: bool) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let (said, length) = if let Some((length, said)) = entity(rest) {
            (said, length)
        } else if let Some((typed, escape)) = ESCAPES.iter().find(|(_, escape)| rest.starts_with(escape)) {
            ((*typed).to_owned(), escape.len())
        } else {
            let escaped = rest.chars().nth(1).filter(|next| in_quotes && c == '\\' && is_escapable(*next));
            (escaped.unwrap_or(c).to_string(), c.len_utf8() + escaped.map_or(0, char::len_utf8))
        };
        out.push_str(&said);
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Pairs of a typed character and its escape.
const ESCAPES: [(&str, &str); 3] = [("<", "&lt;"), (">", "&gt;"), ("&", "&amp;")];

/// Quotes a text so that `decode` returns it. Escapes only characters that would decode to something else, to keep the
/// result readable.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // Escaped even if no `>` follows in this string: one may follow in the next.
            '<' if rest.chars().nth(1).is_some_and(|next| next.is_alphabetic() || matches!(next, '@' | '#' | '!')) => {
                out.push_str("&lt;");
            }
            '&' if ESCAPES.iter().any(|(_, escape)| rest.starts_with(escape)) => out.push_str("&amp;"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_escapes_are_read_once() {
        let cases = [
            ("<@U123|ben> said", "@ben said"),
            ("<@U123>", "@U123"),
            ("<#C1|ops>", "#ops"),
            ("<!here>", "@here"),
            ("<!subteam^S1|@oncall>", "@oncall"),
            ("<https://x.io/a?b=1&amp;c=2|the label>", "https://x.io/a?b=1&c=2"),
            ("<http://payments.io|payments.io>", "payments.io"),
            ("<mailto:a@b.c|a@b.c>", "a@b.c"),
            ("&lt;@U1|ceo&gt;", "<@U1|ceo>"),
            ("&amp;lt;", "&lt;"),
            ("a < b > c", "a < b > c"),
            ("<@U1", "<@U1"),
        ];
        for (raw, said) in cases {
            assert_eq!(decode(raw, false), said, "{raw}");
        }
    }

    #[test]
    fn a_quoted_text_never_reaches_into_the_next() {
        for text in ["<@U1|ben><!", "a <b", "\\\"", "&lt;", "<https://x"] {
            let quoted = quote(text);
            let line = format!("{quoted} --x \"a>\"");
            assert_eq!(super::super::lex::lex(&line).first().map(|token| token.text.clone()), Some(text.to_owned()));
        }
    }
}
