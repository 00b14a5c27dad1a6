//! A card as a message of Slack: blocks within its limits, and the text that stands for them in notifications. Pure. What
//! does not fit is left out and said so, or, on a card that is shown whole or not at all, refused (security case 29).

use slack_morphism::SlackActionId;
use slack_morphism::blocks::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockButtonElement, SlackBlockButtonStyle,
    SlackBlockPlainText, SlackBlockPlainTextOnly, SlackContextBlock, SlackContextBlockElement, SlackHeaderBlock,
};

use super::limits;
use super::rich::{self, Row};
use crate::chat::sanitize::sanitize;
use crate::chat::{Action, Card, Mark, MarkState, Span, Text, Tone};
use crate::failure::Failure;

/// What the containers of one block cost beside its text.
const BLOCK: usize = 30;
/// What the note costs that says that something is left out.
const NOTE: usize = 200;
/// Steps and small print take at most so much from what a card says.
const MARKS: usize = 1500;
const FOOTER: usize = 600;

/// A message.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    /// What notifications show, escaped.
    pub(super) text: String,
    /// What is shown.
    pub(super) blocks: Vec<SlackBlock>,
}

/// A card as a message.
pub(super) fn message(card: &Card) -> Result<Rendered, Failure> {
    let blocks = blocks(card, "", limits::BLOCKS_A_MESSAGE, limits::MESSAGE)?;
    Ok(Rendered { text: notification(card), blocks })
}

/// A card as at most so many blocks that cost at most so much. Action ids begin with `prefix`.
pub(super) fn blocks(card: &Card, prefix: &str, most: usize, room: usize) -> Result<Vec<SlackBlock>, Failure> {
    let header = header(card);
    let mut whole = true;
    let mut keep = |rows: Vec<Row>, most: usize| {
        let (kept, left_out) = fitting(rows, most);
        whole &= left_out == 0;
        kept
    };
    let marks = keep(marks(&card.progress), MARKS);
    let footer_rows = keep(card.footer.iter().flat_map(|text| rich::rows(text, false)).collect(), FOOTER);
    let buttons = buttons(&card.actions, prefix, &mut whole)?;
    let mut tail = rich::blocks(marks.iter().cloned());
    tail.extend(buttons);
    match card.footer.as_ref().and_then(small_print) {
        Some(block) => tail.push(block),
        None => tail.extend(rich::blocks(footer_rows.iter().cloned())),
    }
    let fixed = usize::from(header.is_some()) + tail.len() + 1;
    let taken = cost(&marks) + cost(&footer_rows) + limits::HEADER + card.actions.len().min(limits::BUTTONS) * 60;
    let (mut body, left_out) =
        body(card, header.is_some(), most.saturating_sub(fixed), room.saturating_sub(taken + NOTE));
    if card.whole && (left_out > 0 || !whole) {
        return Err(Failure::rejected(
            "the question is too long for one message in Slack, and a part of it is not asked: make the change smaller, or \
             read it and answer where it can be shown whole",
        ));
    }
    if left_out > 0 || !whole {
        body.extend(rich::blocks(rich::rows(&note(left_out), false)));
    }
    let mut blocks: Vec<SlackBlock> = header.into_iter().chain(body).chain(tail).collect();
    if blocks.is_empty() {
        blocks = rich::blocks(rich::rows(&Text::of("—"), false));
    }
    Ok(blocks)
}

/// The text that stands for a card where blocks are not shown.
fn notification(card: &Card) -> String {
    let fields = card.fields.iter().map(|field| format!("{}: {}", field.name, field.value.to_plain()));
    let lines = card.title.iter().chain(&card.lines).map(Text::to_plain);
    let all: Vec<String> = lines.chain(card.verbatim.clone()).chain(fields).collect();
    let text = format!("{}{}", sign(card.tone), sanitize(&all.join("\n")));
    let text = escape(text.trim(), limits::TEXT);
    if text.is_empty() { "—".to_owned() } else { text }
}

/// A text in which nothing is a command to Slack, at most so long. No entity is halved.
pub(super) fn escape(text: &str, most: usize) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if limits::length(&escaped) <= most {
        return escaped;
    }
    let kept = limits::split(&escaped, most.saturating_sub(1)).0;
    // Half an entity at the end is cut off with the rest.
    let whole = match kept.rfind('&') {
        Some(at) if !kept.split_at(at).1.contains(';') => kept.split_at(at).0,
        _ => kept,
    };
    format!("{whole}…")
}

/// The title as a header, where a header can hold it: plain words, and few.
fn header(card: &Card) -> Option<SlackBlock> {
    let title = card.title.as_ref()?;
    let plain = sanitize(&words(title)?).replace('\n', "␊");
    let text = format!("{}{plain}", sign(card.tone));
    let fits = limits::length(&text) <= limits::HEADER && !plain.trim().is_empty() && !text.contains(['&', '<', '>']);
    fits.then(|| SlackHeaderBlock::new(plain_text(&text)).into())
}

/// Small print as small print, where it is plain words. Slack has no rich text there.
fn small_print(text: &Text) -> Option<SlackBlock> {
    let plain = sanitize(&words(text)?);
    let fits = limits::length(&plain) <= FOOTER && !plain.trim().is_empty() && !plain.contains(['&', '<', '>']);
    let text = SlackBlockPlainText::new(plain).with_emoji(false);
    fits.then(|| SlackContextBlock::new(vec![SlackContextBlockElement::Plain(text)]).into())
}

/// The words of a text that calls nobody and links nowhere.
fn words(text: &Text) -> Option<String> {
    let plain = text.0.iter().all(|span| match span {
        Span::Plain(_) | Span::Strong(_) | Span::Code(_) => true,
        Span::Mention { .. } | Span::Group { .. } | Span::Channel(_) | Span::Link { .. } => false,
    });
    plain.then(|| text.to_plain())
}

fn body(card: &Card, headed: bool, most_blocks: usize, room: usize) -> (Vec<SlackBlock>, usize) {
    let mut parts: Vec<Vec<Row>> = Vec::new();
    let title = card.title.as_ref().filter(|_| !headed);
    let signed = |text: &Text| Text::of(sign(card.tone)).then(text.clone());
    parts.push(title.map(|title| rich::rows(&signed(title), true)).unwrap_or_default());
    let mut unsigned = card.title.is_none();
    let mut lines = Vec::new();
    for line in &card.lines {
        lines.extend(rich::rows(&if std::mem::take(&mut unsigned) { signed(line) } else { line.clone() }, false));
    }
    parts.push(lines);
    parts.push(card.verbatim.iter().flat_map(|text| rich::verbatim(text)).collect());
    let field = |field: &crate::chat::Field| {
        rich::rows(&Text::new().strong(format!("{}  ", field.name)).then(field.value.clone()), false)
    };
    parts.push(card.fields.iter().flat_map(field).collect());
    let (mut blocks, mut left_out, mut room) = (Vec::new(), 0, room);
    for rows in parts.into_iter().filter(|rows| !rows.is_empty()) {
        let total = rows.len();
        let (mut kept, _) = fitting(rows, room);
        room = room.saturating_sub(cost(&kept));
        let mut made = rich::blocks(kept.iter().cloned());
        while blocks.len() + made.len() > most_blocks {
            kept.pop();
            made = rich::blocks(kept.iter().cloned());
        }
        if kept.len() < total {
            // What is behind a gap is left out too: nobody should take the rest for all.
            room = 0;
        }
        left_out += total - kept.len();
        blocks.extend(made);
    }
    (blocks, left_out)
}

/// The rows that fit, and how many do not.
fn fitting(rows: Vec<Row>, most: usize) -> (Vec<Row>, usize) {
    let total = rows.len();
    let mut used = 0;
    let fits = |row: &Row| {
        used += row.cost + BLOCK;
        used <= most
    };
    let kept: Vec<Row> = rows.into_iter().take_while(fits).collect();
    let left_out = total - kept.len();
    (kept, left_out)
}

fn cost(rows: &[Row]) -> usize {
    rows.iter().map(|row| row.cost + BLOCK).sum()
}

fn note(left_out: usize) -> Text {
    let what = match left_out {
        0 => "Some of it is".to_owned(),
        1 => "1 more paragraph is".to_owned(),
        many => format!("{many} more paragraphs are"),
    };
    Text::of(format!("… {what} left out, because a message in Slack holds no more. Read all of it with "))
        .code("timeline")
        .plain(".")
}

fn marks(progress: &[Mark]) -> Vec<Row> {
    let sign = |state| match state {
        MarkState::Done => "✅",
        MarkState::Current => "▶",
        MarkState::Stopped => "❌",
        MarkState::Skipped => "⏭",
        MarkState::Ahead => "▫",
    };
    let mut text = Text::new();
    for (number, mark) in progress.iter().enumerate() {
        let gap = if number > 0 { "  " } else { "" };
        let label = limits::cut(&mark.label.replace('\n', "␊"), limits::HEADER);
        text = text.plain(format!("{gap}{} {label}", sign(mark.state)));
    }
    rich::rows(&text, false)
}

fn buttons(actions: &[Action], prefix: &str, whole: &mut bool) -> Result<Vec<SlackBlock>, Failure> {
    *whole &= actions.len() <= limits::BUTTONS
        && actions.iter().all(|action| limits::length(&action.label) <= limits::BUTTON);
    if let Some(long) = actions.iter().find(|action| limits::length(&action.value) > limits::VALUE) {
        return Err(Failure::rejected(format!(
            "the button {:?} carries more than Slack takes ({} characters): shorten its value",
            limits::cut(&long.label, limits::BUTTON),
            limits::VALUE
        )));
    }
    let button = |(number, action): (usize, &Action)| {
        let id = limits::split(&format!("{prefix}button-{number}"), limits::ID).0.to_owned();
        let text = plain_text(&label(&action.label, limits::BUTTON));
        let button = SlackBlockButtonElement::new(text).with_action_id(SlackActionId::new(id));
        let button = if action.value.is_empty() { button } else { button.with_value(action.value.clone()) };
        let button = if action.danger { button.with_style(SlackBlockButtonStyle::Danger) } else { button };
        SlackActionBlockElement::Button(button)
    };
    let buttons: Vec<_> = actions.iter().take(limits::BUTTONS).enumerate().map(button).collect();
    Ok(buttons.chunks(limits::BUTTONS_A_BLOCK).map(|row| SlackActionsBlock::new(row.to_vec()).into()).collect())
}

/// A label as Slack takes it: on one line, short, and never empty.
pub(super) fn label(text: &str, most: usize) -> String {
    let text = sanitize(text).replace('\n', " ");
    let text = escape(text.trim(), most);
    if text.is_empty() { "…".to_owned() } else { text }
}

/// A text that Slack shows as it is.
pub(super) fn plain_text(text: &str) -> SlackBlockPlainTextOnly {
    SlackBlockPlainText::new(text.to_owned()).with_emoji(false).into()
}

fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "",
        Tone::Good => "✅ ",
        Tone::Asking => "❓ ",
        Tone::Warning => "⚠ ",
        Tone::Bad => "❌ ",
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
