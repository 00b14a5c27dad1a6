//! Styled and sanitized pieces of text: external text cannot control the terminal. Used by the layout
//! and the transcript.

use crate::chat::sanitize::sanitize;
use crate::chat::{Emoji, MarkState, Span, Text, Tone};

/// The role of a piece of text, which determines its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Strong,
    Code,
    Mention,
    Link,
    Dim,
    Danger,
    Tone(Tone),
    Mark(MarkState),
}

/// A sanitized text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) ink: Style,
    pub(super) text: String,
}

/// One line of output.
pub(super) type Line = Vec<Piece>;

impl Piece {
    pub(super) fn new(ink: Style, text: &str) -> Self {
        Self { ink, text: sanitize(text) }
    }
}

/// Converts a text to pieces. Without colors, code is in backticks.
pub(super) fn pieces(text: &Text, colour: bool) -> Line {
    text.0
        .iter()
        .map(|span| match span {
            Span::Plain(text) => Piece::new(Style::Plain, text),
            Span::Strong(text) => Piece::new(Style::Strong, text),
            Span::Code(text) if colour => Piece::new(Style::Code, text),
            Span::Code(text) => Piece::new(Style::Code, &format!("`{text}`")),
            Span::Mention { name, .. } | Span::Group { name, .. } => Piece::new(Style::Mention, &format!("@{name}")),
            Span::Channel(channel) => Piece::new(Style::Plain, channel.as_str()),
            Span::Link { url, label } => Piece::new(Style::Link, &format!("{label} <{url}>")),
        })
        .collect()
}

/// Returns a line with its ANSI color codes.
pub(super) fn paint(line: &[Piece], colour: bool) -> String {
    line.iter()
        .map(|piece| match code(piece.ink) {
            Some(code) if colour && !piece.text.is_empty() => format!("\u{1b}[{code}m{}\u{1b}[0m", piece.text),
            _ => piece.text.clone(),
        })
        .collect()
}

fn code(ink: Style) -> Option<&'static str> {
    match ink {
        Style::Plain => None,
        Style::Strong => Some("1"),
        Style::Code => Some("36"),
        Style::Mention => Some("1;35"),
        Style::Link => Some("4"),
        Style::Dim | Style::Mark(MarkState::Ahead | MarkState::Skipped) => Some("2"),
        Style::Danger | Style::Tone(Tone::Bad) | Style::Mark(MarkState::Stopped) => Some("31"),
        Style::Tone(Tone::Neutral) => Some("90"),
        Style::Tone(Tone::Good) | Style::Mark(MarkState::Done) => Some("32"),
        Style::Tone(Tone::Asking) => Some("34"),
        Style::Tone(Tone::Warning) => Some("33"),
        Style::Mark(MarkState::Current) => Some("1;34"),
    }
}

/// Returns the display name of a reaction.
pub(super) fn emoji_name(emoji: &Emoji) -> &str {
    match emoji {
        Emoji::Yes => "+1",
        Emoji::No => "-1",
        Emoji::Other(name) => name,
    }
}
