//! Renders a card as a Slack message: blocks within Slack's limits and a fallback text for notifications. Pure. A card
//! that is too long is truncated with a notice, or, if [`Card::whole`] is set, refused (security case 29).

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

/// Estimated overhead of one block's container, in units of [`limits`].
const BLOCK: usize = 30;
/// Reserved for the notice that content was omitted.
const NOTE: usize = 200;
/// Maximum size of the progress line and of the footer.
const MARKS: usize = 1500;
const FOOTER: usize = 600;

/// A rendered message.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    /// Fallback text for notifications, escaped.
    pub(super) text: String,
    /// The visible content.
    pub(super) blocks: Vec<SlackBlock>,
}

/// Renders a card as a message.
pub(super) fn message(card: &Card) -> Result<Rendered, Failure> {
    let blocks = blocks(card, "", limits::BLOCKS_A_MESSAGE, limits::MESSAGE)?;
    Ok(Rendered { text: notification(card), blocks })
}

/// Renders a card as at most `most` blocks whose total cost is at most `room`. Action ids begin with `prefix`.
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

/// Returns the fallback text for places where Slack does not show blocks.
fn notification(card: &Card) -> String {
    let fields = card.fields.iter().map(|field| format!("{}: {}", field.name, field.value.to_plain()));
    let lines = card.title.iter().chain(&card.lines).map(Text::to_plain);
    let all: Vec<String> = lines.chain(card.verbatim.clone()).chain(fields).collect();
    let text = format!("{}{}", sign(card.tone), sanitize(&all.join("\n")));
    let text = escape(text.trim(), limits::TEXT);
    if text.is_empty() { "—".to_owned() } else { text }
}

/// Escapes Slack's control characters and truncates the result to `most` units, never inside an entity.
pub(super) fn escape(text: &str, most: usize) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if limits::length(&escaped) <= most {
        return escaped;
    }
    let kept = limits::split(&escaped, most.saturating_sub(1)).0;
    // Drop a partial entity at the end.
    let whole = match kept.rfind('&') {
        Some(at) if !kept.split_at(at).1.contains(';') => kept.split_at(at).0,
        _ => kept,
    };
    format!("{whole}…")
}

/// Renders the title as a header block, if it is short and has no mentions, links or characters to escape.
fn header(card: &Card) -> Option<SlackBlock> {
    let title = card.title.as_ref()?;
    let plain = sanitize(&words(title)?).replace('\n', "␊");
    let text = format!("{}{plain}", sign(card.tone));
    let fits = limits::length(&text) <= limits::HEADER && !plain.trim().is_empty() && !text.contains(['&', '<', '>']);
    fits.then(|| SlackHeaderBlock::new(plain_text(&text)).into())
}

/// Renders the footer as a context block if it is plain text; context blocks do not support rich text.
fn small_print(text: &Text) -> Option<SlackBlock> {
    let plain = sanitize(&words(text)?);
    let fits = limits::length(&plain) <= FOOTER && !plain.trim().is_empty() && !plain.contains(['&', '<', '>']);
    let text = SlackBlockPlainText::new(plain).with_emoji(false);
    fits.then(|| SlackContextBlock::new(vec![SlackContextBlockElement::Plain(text)]).into())
}

/// Returns the plain text of a text without mentions and links, otherwise `None`.
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
            // Omit everything after a gap, so that the rest does not read as complete.
            room = 0;
        }
        left_out += total - kept.len();
        blocks.extend(made);
    }
    (blocks, left_out)
}

/// Returns the leading rows that fit into `most`, and the number of rows omitted.
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

/// Sanitizes, escapes and truncates a label: one line, never empty.
pub(super) fn label(text: &str, most: usize) -> String {
    let text = sanitize(text).replace('\n', " ");
    let text = escape(text.trim(), most);
    if text.is_empty() { "…".to_owned() } else { text }
}

/// Returns a plain-text object, which Slack shows without markup or emoji codes.
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
