//! Pieces of text with a colour, made harmless first: nothing that came from outside steers the terminal.

use crate::chat::harmless::harmless;
use crate::chat::{Emoji, MarkState, Span, Text, Tone};

/// What a piece of text is, from which follows how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
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

/// Some text of one look, already harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) ink: Ink,
    pub(super) text: String,
}

/// One line on the screen.
pub(super) type Line = Vec<Piece>;

impl Piece {
    pub(super) fn new(ink: Ink, text: &str) -> Self {
        Self { ink, text: harmless(text) }
    }
}

/// A text as pieces. Without colours, code stands in backticks.
pub(super) fn pieces(text: &Text, colour: bool) -> Line {
    text.0
        .iter()
        .map(|span| match span {
            Span::Plain(text) => Piece::new(Ink::Plain, text),
            Span::Strong(text) => Piece::new(Ink::Strong, text),
            Span::Code(text) if colour => Piece::new(Ink::Code, text),
            Span::Code(text) => Piece::new(Ink::Code, &format!("`{text}`")),
            Span::Mention { name, .. } | Span::Group { name, .. } => Piece::new(Ink::Mention, &format!("@{name}")),
            Span::Link { url, label } => Piece::new(Ink::Link, &format!("{label} <{url}>")),
        })
        .collect()
}

/// A line as it is written to the terminal.
pub(super) fn paint(line: &[Piece], colour: bool) -> String {
    line.iter()
        .map(|piece| match code(piece.ink) {
            Some(code) if colour && !piece.text.is_empty() => format!("\u{1b}[{code}m{}\u{1b}[0m", piece.text),
            _ => piece.text.clone(),
        })
        .collect()
}

fn code(ink: Ink) -> Option<&'static str> {
    match ink {
        Ink::Plain => None,
        Ink::Strong => Some("1"),
        Ink::Code => Some("36"),
        Ink::Mention => Some("1;35"),
        Ink::Link => Some("4"),
        Ink::Dim | Ink::Mark(MarkState::Ahead | MarkState::Skipped) => Some("2"),
        Ink::Danger | Ink::Tone(Tone::Bad) | Ink::Mark(MarkState::Stopped) => Some("31"),
        Ink::Tone(Tone::Neutral) => Some("90"),
        Ink::Tone(Tone::Good) | Ink::Mark(MarkState::Done) => Some("32"),
        Ink::Tone(Tone::Asking) => Some("34"),
        Ink::Tone(Tone::Warning) => Some("33"),
        Ink::Mark(MarkState::Current) => Some("1;34"),
    }
}

/// A reaction, for people.
pub(super) fn emoji_name(emoji: &Emoji) -> &str {
    match emoji {
        Emoji::Yes => "+1",
        Emoji::No => "-1",
        Emoji::Other(name) => name,
    }
}
