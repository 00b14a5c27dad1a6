//! What a card says between its title and its small print, as far as it fits into the embeds of one message. Pure.

use serde_json::{Value, json};

use super::{limits, markdown};
use crate::chat::{Card, Field, Mark, MarkState, Text};

/// Fields that take more than this in all are set as lines.
const FIELDS: usize = 1800;

/// The middle of a message.
pub(super) struct MessageBody {
    /// The texts of the embeds, in their order.
    pub(super) pages: Vec<String>,
    /// The fields of the last one.
    pub(super) fields: Vec<Value>,
    /// How many lines did not fit.
    pub(super) left_out: usize,
}

/// A line that can be shortened by taking less of its source.
enum Row {
    Text(Text),
    Block(String),
}

/// What fits into so much room. The title is among it when it is no heading.
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
            // What is behind a gap is left out too: nobody should take the rest for all.
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

/// Of a page, so much is left for the note that says what is missing.
const PAGE: usize = limits::DESCRIPTION - 200;

/// Discord shows no page that is empty.
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

    /// As much of its beginning as fits; nothing when that is not worth it.
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

/// Names with values as fields, if every one fits, and what they take.
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

/// The steps in one line.
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
