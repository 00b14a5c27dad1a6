//! Lays out a card as lines of a given width. Pure.

use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

use super::style::{Line, Piece, Style, paint, pieces};
use crate::chat::{Action, Card, Field, Mark, MarkState, Tone};

/// Minimum width in columns; narrower output would be unreadable.
const NARROWEST: usize = 20;
/// Width of the bar and the space after it.
const BAR: usize = 2;

/// Output settings: colors and width in columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) colour: bool,
    pub(super) width: usize,
}

impl Page {
    /// Renders a card with its bar; each line is indented by `indent`.
    pub(super) fn card(self, card: &Card, indent: usize) -> String {
        self.framed(card, None, indent)
    }

    /// Renders the difference between two versions of a card.
    pub(super) fn change(self, old: &Card, new: &Card, indent: usize) -> String {
        let (changed, note) = changes(old, new);
        self.framed(&changed, note, indent)
    }

    fn framed(self, card: &Card, note: Option<&str>, indent: usize) -> String {
        let width = self.width.max(NARROWEST).saturating_sub(indent + BAR);
        let mut lines = self.lines(card, width);
        lines.extend(note.map(|note| vec![Piece::new(Style::Dim, note)]));
        let mut out = String::new();
        for (number, line) in lines.iter().enumerate() {
            let bar = Piece::new(Style::Tone(card.tone), bar(card.tone, self.colour, number == 0));
            let row = paint(&[bar], self.colour) + " " + &paint(line, self.colour);
            out.push_str(&" ".repeat(indent));
            out.push_str(row.trim_end());
            out.push('\n');
        }
        out
    }

    fn lines(self, card: &Card, width: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(title) = &card.title {
            lines.extend(wrap(&all_in(Style::Strong, one_line(pieces(title, self.colour))), width));
        }
        card.lines.iter().for_each(|text| lines.extend(wrap(&pieces(text, self.colour), width)));
        let verbatim = card.verbatim.iter().flat_map(|text| text.lines());
        lines.extend(verbatim.map(|line| one_line(vec![Piece::new(Style::Plain, line)])));
        lines.extend(self.table(&card.fields, width));
        lines.extend(in_a_row(card.progress.iter().map(mark), width));
        lines.extend(in_a_row(card.actions.iter().map(|action| button(action, self.colour)), width));
        if let Some(footer) = &card.footer {
            lines.extend(wrap(&all_in(Style::Dim, pieces(footer, self.colour)), width));
        }
        lines
    }

    /// Renders fields as two columns; long values wrap within their column.
    fn table(self, fields: &[Field], width: usize) -> Vec<Line> {
        let name_of = |field: &Field| one_line(vec![Piece::new(Style::Dim, &field.name)]);
        let column = fields.iter().map(|field| width_of(&name_of(field))).max().unwrap_or(0).min(width / 3);
        let mut lines = Vec::new();
        for field in fields {
            let mut names = wrap(&name_of(field), column.max(1)).into_iter();
            let mut values = wrap(&pieces(&field.value, self.colour), width - column - 2).into_iter();
            loop {
                let (name, value) = (names.next(), values.next());
                if name.is_none() && value.is_none() {
                    break;
                }
                let mut line = name.unwrap_or_default();
                line.push(Piece::new(Style::Plain, &" ".repeat(column + 2 - width_of(&line).min(column))));
                line.extend(value.unwrap_or_default());
                lines.push(line);
            }
        }
        lines
    }
}

/// Returns the bar of a line. Without colors, the first bar is a symbol for the tone.
fn bar(tone: Tone, colour: bool, first: bool) -> &'static str {
    match tone {
        _ if colour => "┃",
        Tone::Good if first => "✔",
        Tone::Asking if first => "?",
        Tone::Warning if first => "!",
        Tone::Bad if first => "✖",
        Tone::Neutral | Tone::Good | Tone::Asking | Tone::Warning | Tone::Bad => "│",
    }
}

fn mark(mark: &Mark) -> Line {
    let sign = match mark.state {
        MarkState::Done => "✔",
        MarkState::Current => "▶",
        MarkState::Stopped => "✖",
        MarkState::Skipped => "↷",
        MarkState::Ahead => "·",
    };
    one_line(vec![Piece::new(Style::Mark(mark.state), &format!("{sign} {}", mark.label))])
}

fn button(action: &Action, colour: bool) -> Line {
    let (ink, sign) = match (action.danger, colour) {
        (true, true) => (Style::Danger, ""),
        (true, false) => (Style::Danger, "!"),
        (false, _) => (Style::Strong, ""),
    };
    one_line(vec![Piece::new(ink, &format!("[{sign} {} ]", action.label))])
}

/// Returns a card with only the changed parts, and a note if parts were removed.
fn changes(old: &Card, new: &Card) -> (Card, Option<&'static str>) {
    let changed = Card {
        tone: new.tone,
        title: new.title.clone(),
        lines: new.lines.iter().filter(|line| !old.lines.contains(line)).cloned().collect(),
        fields: new.fields.iter().filter(|field| !old.fields.contains(field)).cloned().collect(),
        verbatim: new.verbatim.clone().filter(|_| new.verbatim != old.verbatim),
        progress: if new.progress == old.progress { Vec::new() } else { new.progress.clone() },
        actions: if new.actions == old.actions { Vec::new() } else { new.actions.clone() },
        footer: new.footer.clone().filter(|_| new.footer != old.footer),
        whole: false,
    };
    let nothing_new = changed == Card { tone: new.tone, title: old.title.clone(), ..Card::default() };
    let note = if new.actions.is_empty() && !old.actions.is_empty() {
        Some("(no buttons any more)")
    } else if nothing_new && old.tone == new.tone {
        Some("(some of it is gone)")
    } else if nothing_new {
        Some("(same text)")
    } else {
        None
    };
    (changed, note)
}

fn all_in(ink: Style, line: Line) -> Line {
    let inked = |piece: Piece| {
        if piece.ink == Style::Mention { piece } else { Piece { ink, ..piece } }
    };
    line.into_iter().map(inked).collect()
}

/// Replaces newlines by `␊`, so that external text cannot fake a line of the bot's output.
fn one_line(mut line: Line) -> Line {
    line.iter_mut().for_each(|piece| piece.text = piece.text.replace('\n', "␊"));
    line
}

fn width_of(line: &[Piece]) -> usize {
    line.iter().map(|piece| piece.text.width()).sum()
}

/// Places items next to each other, two spaces apart; an item is split only if it is wider than the line.
fn in_a_row(things: impl Iterator<Item = Line>, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for thing in things {
        match lines.last_mut() {
            Some(line) if width_of(line) + 2 + width_of(&thing) <= width => {
                line.push(Piece::new(Style::Plain, "  "));
                line.extend(thing);
            }
            _ => lines.extend(wrap(&thing, width)),
        }
    }
    lines
}

/// Wraps text into lines. `textwrap` processes the plain text; because it only drops spaces at breaks, the styles are
/// restored by walking along.
fn wrap(text: &[Piece], width: usize) -> Vec<Line> {
    let letters: Vec<(Style, char)> =
        text.iter().flat_map(|piece| piece.text.chars().map(move |c| (piece.ink, c))).collect();
    let options =
        Options::new(width).word_separator(WordSeparator::AsciiSpace).word_splitter(WordSplitter::NoHyphenation);
    let mut lines = Vec::new();
    for paragraph in letters.split(|(_, c)| *c == '\n') {
        let bare: String = paragraph.iter().map(|(_, c)| *c).collect();
        let mut source = paragraph.iter().copied().peekable();
        for (number, wrapped) in textwrap::wrap(&bare, &options).iter().enumerate() {
            while number > 0 && source.next_if(|(_, c)| *c == ' ').is_some() {}
            let mut line: Line = Vec::new();
            for (ink, c) in source.by_ref().take(wrapped.chars().count()) {
                match line.last_mut() {
                    Some(piece) if piece.ink == ink => piece.text.push(c),
                    _ => line.push(Piece { ink, text: c.to_string() }),
                }
            }
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
