//! Renders text as Slack rich text: typed elements, so that no markup in external text takes effect, be it
//! `<!channel>`, `*bold*` or `:tada:` (security case 57). The bot never posts mrkdwn.

use slack_morphism::blocks::{
    SlackBlock, SlackRichTextBlock, SlackRichTextChannel, SlackRichTextElement, SlackRichTextInlineElement,
    SlackRichTextLink, SlackRichTextPreformatted, SlackRichTextSection, SlackRichTextText, SlackRichTextUser,
    SlackRichTextUserGroup,
};
use slack_morphism::{SlackChannelId, SlackRelaxedUrl, SlackUserGroupId, SlackUserId};

use super::limits;
use super::person;
use crate::chat::sanitize::sanitize;
use crate::chat::{Span, Text};

/// Estimated overhead of one element's container, in units of [`limits`].
const PART: usize = 12;

/// One line of text, or the part of it that fits into one block.
#[derive(Debug, Clone)]
pub(super) struct Row {
    parts: Vec<SlackRichTextInlineElement>,
    /// Estimated share of the message size limit.
    pub(super) cost: usize,
    verbatim: bool,
}

/// Renders a text as rows: one, or several if it is longer than a block.
pub(super) fn rows(text: &Text, strong: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = Row::empty();
    for span in &text.0 {
        match part(span) {
            Part::Whole(part, cost) => row.take(part, cost, &mut rows),
            Part::Words(words, style) => {
                for piece in limits::pieces(&words, limits::SECTION - PART) {
                    row.take(styled(piece, style, strong), limits::length(piece) + PART, &mut rows);
                }
            }
        }
    }
    rows.extend(Some(row).filter(|row| !row.parts.is_empty()));
    rows
}

/// Renders preformatted text as rows, split at line breaks where possible.
pub(super) fn verbatim(text: &str) -> Vec<Row> {
    let text = sanitize(text.trim_end_matches('\n'));
    let most = limits::SECTION - PART;
    let mut pages: Vec<String> = Vec::new();
    for line in text.split('\n').flat_map(|line| if line.is_empty() { vec![""] } else { limits::pieces(line, most) }) {
        match pages.last_mut() {
            Some(page) if limits::length(page) + 1 + limits::length(line) <= most => {
                page.push('\n');
                page.push_str(line);
            }
            _ => pages.push(line.to_owned()),
        }
    }
    let row = |page: String| Row {
        cost: limits::length(&page) + PART,
        parts: vec![SlackRichTextText::new(page).into()],
        verbatim: true,
    };
    pages.into_iter().filter(|page| !page.trim().is_empty()).map(row).collect()
}

/// Packs rows into as few blocks as possible.
pub(super) fn blocks(rows: impl IntoIterator<Item = Row>) -> Vec<SlackBlock> {
    let mut blocks: Vec<(Vec<SlackRichTextElement>, usize)> = Vec::new();
    for row in rows {
        let cost = row.cost;
        let element: SlackRichTextElement = if row.verbatim {
            SlackRichTextPreformatted::new(row.parts).into()
        } else {
            SlackRichTextSection::new(row.parts).into()
        };
        match blocks.last_mut() {
            Some((elements, used)) if *used + cost <= limits::SECTION => {
                elements.push(element);
                *used += cost;
            }
            _ => blocks.push((vec![element], cost)),
        }
    }
    blocks.into_iter().map(|(elements, _)| SlackRichTextBlock::new(elements).into()).collect()
}

impl Row {
    fn empty() -> Self {
        Self { parts: Vec::new(), cost: 0, verbatim: false }
    }

    fn take(&mut self, part: SlackRichTextInlineElement, cost: usize, full: &mut Vec<Self>) {
        if self.cost + cost > limits::SECTION && !self.parts.is_empty() {
            full.push(std::mem::replace(self, Self::empty()));
        }
        self.parts.push(part);
        self.cost += cost;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Strong,
    Code,
}

enum Part {
    /// An element that must not be split, with its cost.
    Whole(SlackRichTextInlineElement, usize),
    Words(String, Style),
}

fn part(span: &Span) -> Part {
    match span {
        Span::Plain(text) => Part::Words(sanitize(text), Style::Plain),
        Span::Strong(text) => Part::Words(sanitize(text), Style::Strong),
        Span::Code(text) => Part::Words(sanitize(text), Style::Code),
        Span::Mention { account, name } => match account.as_ref().and_then(person::user) {
            Some(user) => Part::Whole(SlackRichTextUser::new(SlackUserId::new(user.to_owned())).into(), 2 * PART),
            None => Part::Words(format!("@{}", sanitize(name)), Style::Plain),
        },
        Span::Group { id, name } => {
            if person::is_group(id) {
                Part::Whole(SlackRichTextUserGroup::new(SlackUserGroupId::new(id.clone())).into(), 2 * PART)
            } else {
                Part::Words(format!("@{}", sanitize(name)), Style::Plain)
            }
        }
        Span::Channel(channel) if person::is_channel(channel.as_str()) => {
            let id = SlackChannelId::new(channel.as_str().to_owned());
            Part::Whole(SlackRichTextChannel::new(id).into(), 2 * PART)
        }
        Span::Channel(channel) => Part::Words(sanitize(channel.as_str()), Style::Plain),
        Span::Link { url, label } => link(url, label),
    }
}

/// Renders HTTP(S) URLs as links; any other URL is shown as text.
fn link(url: &str, label: &str) -> Part {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let clean = !url.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '|'));
    if !web || !clean || limits::length(url) > limits::URL {
        return Part::Words(sanitize(&format!("{label} <{url}>")), Style::Plain);
    }
    let label = limits::cut(&sanitize(label).replace('\n', "␊"), 300);
    let cost = limits::length(url) + limits::length(&label) + 2 * PART;
    let link = SlackRichTextLink::new(SlackRelaxedUrl::new(url.to_owned()));
    Part::Whole(if label.is_empty() { link } else { link.with_text(label) }.into(), cost)
}

fn styled(text: &str, style: Style, strong: bool) -> SlackRichTextInlineElement {
    let plain = SlackRichTextText::new(text.to_owned());
    let bold = if strong || style == Style::Strong { plain.bold() } else { plain };
    if style == Style::Code { bold.code() } else { bold }.into()
}
