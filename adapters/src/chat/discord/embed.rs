//! Renders the body of a card, between title and footer, within the limits of one message's embeds. Pure.
//! Called by `render.rs`.

use serde_json::{Value, json};

use super::{limits, markdown};
use crate::chat::{Card, Field, Mark, MarkState, Text};

/// Maximum total size of fields as a table; larger ones are rendered as lines.
const FIELDS: usize = 1800;

/// The rendered body of a message.
pub(super) struct MessageBody {
    /// Descriptions of the embeds, in order.
    pub(super) pages: Vec<String>,
    /// Fields of the last embed.
    pub(super) fields: Vec<Value>,
    /// Number of lines omitted.
    pub(super) left_out: usize,
}

/// A line that can be truncated in its source, before markup is added.
enum Row {
    Text(Text),
    Block(String),
}

/// Renders as much of the body as fits into `room`. Includes the title if it is too long for an embed title.
pub(super) fn of(card: &Card, headed: bool, room: usize) -> MessageBody {
    let table = table(&card.fields, &card.progress).filter(|(_, cost)| *cost <= room.min(FIELDS));
    let (fields, taken) = table.clone().unwrap_or_default();
    let mut rows: Vec<Row> = Vec::new();
    if let Some(title) = card.title.as_ref().filter(|_| !headed) {
        rows.push(Row::Text(Text::new().strong(title.to_plain())));
    }
    rows.extend(card.lines.iter().cloned().map(Row::Text));
    rows.extend(card.verbatim.iter().cloned().map(Row::Block));
    if table.is_none() {
        let line = |field: &Field| Row::Text(Text::new().strong(&field.name).plain("  ").then(field.value.clone()));
        rows.extend(card.fields.iter().map(line));
        rows.extend(steps(&card.progress).map(Row::Text));
    }
    let (pages, left_out) = pages(&rows, room - taken.min(room));
    MessageBody { pages, fields, left_out }
}

fn pages(rows: &[Row], room: usize) -> (Vec<String>, usize) {
    let mut pages: Vec<String> = Vec::new();
    let mut left = room;
    for (number, row) in rows.iter().enumerate() {
        let shown = row.shown();
        let cost = limits::length(&shown) + 1;
        let used = pages.last().map_or(limits::DESCRIPTION, |page| limits::length(page));
        if cost <= left && used + cost <= PAGE {
            if let Some(page) = pages.last_mut() {
                page.push('\n');
                page.push_str(&shown);
            }
        } else if cost <= left && cost <= PAGE {
            pages.push(shown);
        } else {
            // Omit everything after a gap, so that the rest does not read as complete.
            let most = left.min(PAGE).saturating_sub(1);
            let part = row.shortened(most);
            if !part.is_empty() {
                pages.push(part);
            }
            return (tidy(pages), rows.len() - number);
        }
        left -= cost;
    }
    (tidy(pages), 0)
}

/// Maximum size of a description, with space left for the notice about omitted lines.
const PAGE: usize = limits::DESCRIPTION - 200;

/// Removes empty pages, which Discord rejects.
fn tidy(pages: Vec<String>) -> Vec<String> {
    pages.into_iter().filter(|page| !page.trim().is_empty()).collect()
}

impl Row {
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => markdown::text(text),
            Self::Block(text) => markdown::block(text),
        }
    }

    /// Returns the longest prefix that fits; empty if less than 20 characters would remain.
    fn shortened(&self, most: usize) -> String {
        let begin = |count: usize| match self {
            Self::Text(text) => markdown::text(&markdown::first(text, count).plain(" …")),
            Self::Block(text) => markdown::block(&format!("{} …", text.chars().take(count).collect::<String>())),
        };
        let (mut fits, mut over) = (0, most + 1);
        while over - fits > 1 {
            let middle = (fits + over) / 2;
            if limits::length(&begin(middle)) <= most {
                fits = middle;
            } else {
                over = middle;
            }
        }
        if fits < 20 { String::new() } else { begin(fits) }
    }
}

/// Renders fields and steps as embed fields, with their size; `None` if one of them does not fit.
fn table(fields: &[Field], progress: &[Mark]) -> Option<(Vec<Value>, usize)> {
    let steps = steps(progress).map(|text| ("Steps".to_owned(), markdown::text(&text), false));
    let named = fields.iter().map(|field| (markdown::escaped(&field.name), markdown::text(&field.value), true));
    let all: Vec<(String, String, bool)> = named.chain(steps).collect();
    let fits = |text: &str, most: usize| !text.trim().is_empty() && limits::length(text) <= most;
    let good = all.len() <= limits::FIELDS
        && all.iter().all(|(name, value, _)| fits(name, limits::FIELD_NAME) && fits(value, limits::FIELD_VALUE));
    let cost = all.iter().map(|(name, value, _)| limits::length(name) + limits::length(value)).sum();
    let field = |(name, value, short): (String, String, bool)| {
        let inline = short && limits::length(&value) <= 40;
        json!({ "name": name, "value": value, "inline": inline })
    };
    good.then(|| (all.into_iter().map(field).collect(), cost))
}

/// Renders the progress line; `None` if there are no steps.
fn steps(progress: &[Mark]) -> Option<Text> {
    let sign = |state| match state {
        MarkState::Done => "✅",
        MarkState::Current => "▶",
        MarkState::Stopped => "❌",
        MarkState::Skipped => "⏭",
        MarkState::Ahead => "▫",
    };
    let mark = |mark: &Mark| format!("{} {}", sign(mark.state), limits::cut(&mark.label.replace('\n', "␊"), 100));
    let marks: Vec<String> = progress.iter().map(mark).collect();
    (!marks.is_empty()).then(|| Text::of(marks.join("  ")))
}
