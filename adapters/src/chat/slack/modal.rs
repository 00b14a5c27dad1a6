//! Renders forms as Slack modals and cards as the home page, and reads submitted answers. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slack_morphism::blocks::{
    SlackBlock, SlackBlockCheckboxesElement, SlackBlockChoiceItem, SlackBlockId, SlackBlockMultiStaticSelectElement,
    SlackBlockPlainTextInputElement, SlackBlockPlainTextOnly, SlackBlockStaticSelectElement, SlackBlockText,
    SlackDividerBlock, SlackHomeView, SlackInputBlock, SlackInputBlockElement, SlackModalView, SlackView,
};
use slack_morphism::{SlackActionId, SlackCallbackId};

use super::limits;
use super::render::{self, label, plain_text};
use super::rich;
use crate::chat::sanitize::sanitize;
use crate::chat::{Answers, Card, Choice, Form, Input, InputKind, Text};
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef};

/// Callback id of the bot's own forms.
pub(super) const FORM: &str = "hotfix_form";
const ANSWER: &str = "answer";
/// Maximum length of a typed answer in Slack.
const LONGEST_ANSWER: u16 = 3000;
/// Maximum size in bytes of a home page; Slack allows 250 kB.
const PAGE: usize = 100_000;

/// State stored in a modal's `private_metadata`: the form's key and the place of its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormState {
    pub(super) key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<ChannelRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thread: Option<String>,
}

impl FormState {
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Renders a form as a modal.
pub(super) fn form(form: &Form, channel: &ChannelRef, thread: Option<&MessageRef>) -> Result<SlackView, Failure> {
    let kept =
        FormState { key: form.key.clone(), channel: Some(channel.clone()), thread: thread.map(|root| root.id.clone()) };
    let kept = serde_json::to_string(&kept).map_err(|error| Failure::rejected(error.to_string()))?;
    if limits::length(&kept) > limits::METADATA {
        return Err(Failure::rejected("the form's key is longer than Slack keeps: shorten it"));
    }
    let mut blocks = Vec::new();
    if !form.lead.trim().is_empty() {
        let lead = Card { lines: form.lead.lines().map(Text::of).collect(), ..Card::default() };
        blocks = render::blocks(&lead, "", limits::BLOCKS_A_MESSAGE, limits::SECTION)?;
    }
    blocks.extend(form.inputs.iter().take(limits::BLOCKS_A_VIEW - blocks.len()).map(input));
    let view = SlackModalView::new(plain_text(&label(&form.title, limits::VIEW_TITLE)), blocks)
        .with_submit(plain_text(&label(&form.submit, limits::VIEW_TITLE)))
        .with_close(plain_text("Cancel"))
        .with_callback_id(SlackCallbackId::new(FORM.to_owned()))
        .with_private_metadata(kept)
        .with_notify_on_close(false);
    Ok(SlackView::Modal(view))
}

/// Renders a card as a modal without inputs.
pub(super) fn notice(card: &Card) -> Result<SlackView, Failure> {
    let blocks = render::blocks(card, "", limits::BLOCKS_A_VIEW, limits::MESSAGE)?;
    let view = SlackModalView::new(plain_text("hotfix"), blocks).with_close(plain_text("Close"));
    Ok(SlackView::Modal(view))
}

/// Renders cards as the home page. If not all cards fit, one line at the end states how many are omitted.
pub(super) fn home(cards: &[Card]) -> Result<SlackView, Failure> {
    let mut page: Vec<SlackBlock> = Vec::new();
    let mut left_out = 0;
    let mut room = PAGE;
    for (number, card) in cards.iter().enumerate() {
        let blocks = render::blocks(card, &format!("card-{number}-"), limits::BLOCKS_A_MESSAGE, limits::MESSAGE)?;
        let size: usize = blocks.iter().map(|block| serde_json::to_string(block).map_or(0, |text| text.len())).sum();
        // Reserve one block for the divider and one for the line about omitted cards.
        if left_out > 0 || page.len() + blocks.len() + 2 > limits::BLOCKS_A_VIEW || size > room {
            left_out += 1;
            continue;
        }
        room -= size;
        if !page.is_empty() {
            page.push(SlackDividerBlock::new().into());
        }
        page.extend(blocks);
    }
    if left_out > 0 {
        let more =
            Text::of(format!("… {left_out} more do not fit on this page. Ask for all of them with ")).code("list");
        page.extend(rich::blocks(rich::rows(&more.plain("."), false)));
    }
    Ok(SlackView::Home(SlackHomeView::new(page)))
}

/// Reads the answers from a view's state.
pub(super) fn answers(values: &Value) -> Answers {
    let blocks = values.as_object().into_iter().flatten();
    let answer = |(id, elements): (&String, &Value)| {
        let element = elements.as_object()?.values().next()?;
        Some((id.clone(), answered(element)?))
    };
    Answers(blocks.filter_map(answer).collect::<BTreeMap<_, _>>())
}

fn answered(element: &Value) -> Option<String> {
    let value = |option: &Value| option.get("value").and_then(Value::as_str).map(str::to_owned);
    if let Some(text) = element.get("value").and_then(Value::as_str) {
        return Some(text.to_owned());
    }
    if let Some(one) = element.get("selected_option").and_then(value) {
        return Some(one);
    }
    let many = element.get("selected_options")?.as_array()?.iter().filter_map(value).collect::<Vec<_>>();
    Some(many.join(",")).filter(|ids| !ids.is_empty())
}

fn input(input: &Input) -> SlackBlock {
    let typed = must_be_typed(&input.kind);
    let element = if typed { line(LONGEST_ANSWER, false, &input.given) } else { element(input) };
    let ids = || choices(&input.kind).iter().map(|choice| choice.id.as_str()).collect::<Vec<_>>().join(", ");
    let hint = if typed { format!("{} One of: {}", input.hint, ids()) } else { input.hint.clone() };
    let id = SlackBlockId::new(limits::split(&input.id, limits::ID).0.to_owned());
    let block = SlackInputBlock::new(plain_text(&label(&input.label, limits::LABEL)), element)
        .with_block_id(id)
        .with_optional(!input.required);
    let hint = hint.trim();
    if hint.is_empty() { block } else { block.with_hint(plain_text(&label(hint, limits::LABEL))) }.into()
}

/// Returns `true` for a selection that Slack cannot show, which includes one without choices.
fn must_be_typed(kind: &InputKind) -> bool {
    let list = |choices: &[Choice]| {
        !(1..=limits::CHOICES).contains(&choices.len())
            || choices.iter().any(|choice| choice.id.is_empty() || limits::length(&choice.id) > limits::CHOICE_ID)
    };
    match kind {
        InputKind::Line(_) | InputKind::Paragraph(_) => false,
        InputKind::One(choices) | InputKind::Many(choices) => list(choices),
    }
}

fn choices(kind: &InputKind) -> &[Choice] {
    match kind {
        InputKind::Line(_) | InputKind::Paragraph(_) => &[],
        InputKind::One(choices) | InputKind::Many(choices) => choices,
    }
}

fn element(input: &Input) -> SlackInputBlockElement {
    let given: Vec<&str> = input.given.split(',').map(str::trim).collect();
    let chosen = |choice: &&Choice| given.contains(&choice.id.as_str());
    let action = SlackActionId::new(ANSWER.to_owned());
    match &input.kind {
        InputKind::Line(most) => line(*most, false, &input.given),
        InputKind::Paragraph(most) => line(*most, true, &input.given),
        InputKind::One(choices) => {
            let select = SlackBlockStaticSelectElement::new()
                .with_action_id(action)
                .with_options(choices.iter().map(item::<SlackBlockPlainTextOnly>).collect());
            match choices.iter().find(chosen) {
                Some(choice) => select.with_initial_option(item(choice)).into(),
                None => select.into(),
            }
        }
        InputKind::Many(choices) if choices.len() <= limits::BOXES => {
            let boxes = SlackBlockCheckboxesElement::new(choices.iter().map(item::<SlackBlockText>).collect());
            let ticked: Vec<_> = choices.iter().filter(chosen).map(item::<SlackBlockText>).collect();
            let boxes = boxes.with_action_id(action);
            if ticked.is_empty() { boxes } else { boxes.with_initial_options(ticked) }.into()
        }
        InputKind::Many(choices) => {
            let select = SlackBlockMultiStaticSelectElement::new()
                .with_action_id(action)
                .with_options(choices.iter().map(item::<SlackBlockPlainTextOnly>).collect());
            let chosen: Vec<_> = choices.iter().filter(chosen).map(item::<SlackBlockPlainTextOnly>).collect();
            if chosen.is_empty() { select } else { select.with_initial_options(chosen) }.into()
        }
    }
}

fn line(most: u16, multiline: bool, given: &str) -> SlackInputBlockElement {
    let most = most.clamp(1, LONGEST_ANSWER);
    let given = sanitize(given);
    let given = limits::split(&given, usize::from(most)).0;
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(SlackActionId::new(ANSWER.to_owned()))
        .with_multiline(multiline)
        .with_max_length(u64::from(most));
    if given.is_empty() { input } else { input.with_initial_value(given.to_owned()) }.into()
}

fn item<T: Into<SlackBlockText> + From<SlackBlockPlainTextOnly>>(choice: &Choice) -> SlackBlockChoiceItem<T> {
    SlackBlockChoiceItem::new(plain_text(&label(&choice.label, limits::CHOICE)).into(), choice.id.clone())
}

#[cfg(test)]
#[path = "modal_tests.rs"]
mod tests;
