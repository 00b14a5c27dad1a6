//! Renders a card as Markdown, or as plain text for the command line. The chat adapters render cards themselves.

use hotfix_adapters::chat::{Card, MarkState, Span, Text};

use super::text::paragraph;

/// Renders a card as plain text, one line per element.
#[must_use]
pub fn plain(card: &Card) -> String {
    let fields = card.fields.iter().map(|field| format!("  {}: {}", field.name, field.value.to_plain()));
    let marks = card.progress.iter().map(|mark| format!("{} {}", sign(mark.state), mark.label));
    let progress = marks.collect::<Vec<_>>().join("  ");
    let mut lines: Vec<String> = card.title.iter().chain(&card.lines).map(Text::to_plain).collect();
    lines.extend(fields);
    lines.extend(Some(progress).filter(|progress| !progress.is_empty()));
    lines.extend(card.footer.iter().map(Text::to_plain));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Renders a card as Markdown, for the forge and for files.
#[must_use]
pub fn to_markdown(card: &Card) -> String {
    let title = card.title.iter().map(|title| format!("**{}**", text(title)));
    let lines = card.lines.iter().map(text);
    let fields: Vec<String> =
        card.fields.iter().map(|field| format!("- {}: {}", field.name, text(&field.value))).collect();
    let marks: Vec<String> =
        card.progress.iter().map(|mark| format!("{} {}", sign(mark.state), escape(&mark.label))).collect();
    let footer = card.footer.iter().map(|footer| format!("_{}_", text(footer)));
    let blocks = title.chain(lines).chain([fields.join("\n"), marks.join(" · ")]).chain(footer);
    blocks
        .filter(|block| !block.is_empty())
        .map(|block| format!("{block}\n\n"))
        .collect::<String>()
        .trim_end()
        .to_owned()
        + "\n"
}

/// Returns the symbol of a step's state in a progress line.
pub(super) fn sign(state: MarkState) -> char {
    match state {
        MarkState::Done => '✓',
        MarkState::Current => '→',
        MarkState::Stopped => '✗',
        MarkState::Skipped => '–',
        MarkState::Ahead => '·',
    }
}

/// Renders a text as Markdown.
pub(super) fn text(text: &Text) -> String {
    let span = |span: &Span| match span {
        Span::Plain(words) => escape(words),
        Span::Strong(words) => format!("**{}**", escape(words)),
        Span::Code(words) => code(words),
        Span::Mention { name, .. } | Span::Group { name, .. } => escape(name),
        Span::Channel(channel) => escape(channel.as_str()),
        Span::Link { url, label } => format!("[{}](<{}>)", escape(label), url.replace(['<', '>', '\n'], "")),
    };
    text.0.iter().map(span).collect()
}

/// Escapes text so that nothing in it is Markdown, HTML or a mention.
pub(super) fn escape(words: &str) -> String {
    let mut made = String::with_capacity(words.len());
    for c in paragraph(words).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => made.extend(['\\', c]),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '&' => made.push_str("&amp;"),
            '@' => made.push_str("@&#8203;"),
            '\n' => made.push(' '),
            c => made.push(c),
        }
    }
    // Trimming must not remove the space between this span and its neighbor.
    let lead = if words.starts_with(' ') && !made.starts_with(' ') { " " } else { "" };
    let tail = if words.ends_with(' ') && !made.ends_with(' ') { " " } else { "" };
    format!("{lead}{made}{tail}")
}

/// Renders text as inline code, with a fence longer than any run of backticks in it.
pub(super) fn code(words: &str) -> String {
    let words = paragraph(words).replace('\n', " ").replace('|', "\\|");
    let longest = words.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let gap = if longest > 0 { " " } else { "" };
    format!("{fence}{gap}{words}{gap}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotfix_adapters::chat::Tone;

    #[test]
    fn nothing_from_outside_means_anything_in_markdown() {
        assert_eq!(
            escape("<!channel> @here *b* `c` #1 | x"),
            "&lt;\\!channel&gt; @&#8203;here \\*b\\* \\`c\\` \\#1 \\| x"
        );
        assert_eq!(code("a ``b`` c"), "``` a ``b`` c ```");
        assert_eq!(code("pay\u{202e}"), "`pay\\u{202e}`");
    }

    #[test]
    fn markdown_keeps_the_spaces_between_spans() {
        let line = Text::of("Roll back with ").code("/hotfix rollback").plain(" now.");
        assert_eq!(to_markdown(&Card::line(Tone::Neutral, line)), "Roll back with `/hotfix rollback` now.\n");
    }
}
