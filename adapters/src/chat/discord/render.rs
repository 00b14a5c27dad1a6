//! Renders a card as a Discord message: embeds and buttons within Discord's limits. Mentions go into the content above,
//! because mentions in embeds do not notify. Pure. A card that is too long is truncated with a notice, or, if
//! [`Card::whole`] is set, refused (security case 29).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::embed::{self, MessageBody};
use super::{limits, markdown};
use crate::chat::sanitize::sanitize;
use crate::chat::{Action, Card, Span, Text, Tone};
use crate::failure::Failure;

/// Message flag: visible only to the user who acted.
pub(super) const EPHEMERAL: u64 = 1 << 6;
/// Maximum length of the footer.
const FOOTER: usize = 600;
/// Reserved for the notice about omitted content and the mark of a post.
const NOTE: usize = 200;
/// Safety margin below the total limit, because Discord's way of counting is not exactly known.
const SPARE: usize = 100;

/// Renders a card as the JSON of a message: `content`, `embeds`, `components` and `allowed_mentions`. `mark` is added
/// to the footer, so that the message can be found again.
pub(super) fn message(card: &Card, mark: Option<&str>) -> Result<Value, Failure> {
    let mut whole = true;
    let embeds = embeds(card, mark, limits::EMBEDS - SPARE, &mut whole);
    let buttons = buttons(&card.actions, &mut whole)?;
    let called = Called::of(card, &mut whole);
    if card.whole && !whole {
        return Err(Failure::rejected(
            "the question is too long for one message in Discord, and a part of it is not asked: make the change smaller, \
             or read it and answer where it can be shown whole",
        ));
    }
    Ok(json!({
        "content": called.content(), "embeds": embeds, "components": buttons, "allowed_mentions": called.allowed(),
    }))
}

/// Renders several cards as one ephemeral message, with a notice if some do not fit.
pub(super) fn page(cards: &[Card]) -> Value {
    let (mut embeds, mut left, mut room) = (Vec::new(), cards.len(), limits::EMBEDS - SPARE - NOTE);
    for card in cards {
        let mut whole = true;
        let made = self::embeds(card, None, room, &mut whole);
        let cost: usize = made.iter().map(size).sum();
        if !whole || cost > room || embeds.len() + made.len() > 9 {
            break;
        }
        room -= cost;
        left -= 1;
        embeds.extend(made);
    }
    if left > 0 {
        let more =
            Text::of(format!("… {left} more do not fit here. Ask for all of them with ")).code("list").plain(".");
        embeds.push(json!({ "description": markdown::text(&more) }));
    }
    if embeds.is_empty() {
        embeds.push(json!({ "description": "There is nothing." }));
    }
    json!({ "embeds": embeds, "allowed_mentions": { "parse": [] }, "flags": EPHEMERAL })
}

/// Returns the mark of a post, derived from its key. It identifies the post if the response to posting was lost. It is
/// in the footer because Discord messages have no hidden metadata.
pub(super) fn mark(key: &str) -> String {
    let digest = hex::encode(Sha256::digest(key.as_bytes()));
    format!("k{}", digest.get(..12).unwrap_or_default())
}

fn embeds(card: &Card, mark: Option<&str>, room: usize, whole: &mut bool) -> Vec<Value> {
    let title = card.title.as_ref().map(|title| format!("{}{}", sign(card.tone), markdown::title(title)));
    let title = title.filter(|title| !title.trim().is_empty());
    let headed = title.as_deref().is_none_or(|title| limits::length(title) <= limits::TITLE);
    let footer = footer(card, mark, whole);
    let parts = [title.as_deref().filter(|_| headed), footer.as_deref()];
    let taken: usize = parts.into_iter().flatten().map(limits::length).sum();
    let MessageBody { pages, fields, left_out } = embed::of(card, headed, room.saturating_sub(taken + NOTE));
    *whole &= left_out == 0;
    let mut pages: Vec<String> = pages;
    if left_out > 0 || !*whole {
        let last = pages.pop().unwrap_or_default();
        pages.push(format!("{last}\n{}", note(left_out)).trim().to_owned());
    }
    if pages.is_empty() && fields.is_empty() && (title.is_none() || !headed) {
        pages.push("—".to_owned());
    }
    let count = pages.len().max(1);
    let mut pages = pages.into_iter();
    let mut embeds: Vec<Value> = (0..count)
        .map(|_| {
            let mut embed = json!({ "color": colour(card.tone) });
            put(&mut embed, "description", pages.next().map(Value::from));
            embed
        })
        .collect();
    if let Some(first) = embeds.first_mut() {
        put(first, "title", title.filter(|_| headed).map(Value::from));
    }
    if let Some(last) = embeds.last_mut() {
        put(last, "fields", Some(fields).filter(|fields| !fields.is_empty()).map(Value::from));
        put(last, "footer", footer.map(|text| json!({ "text": text })));
    }
    embeds
}

fn put(embed: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(embed), Some(value)) = (embed.as_object_mut(), value) {
        embed.insert(name.to_owned(), value);
    }
}

/// Renders the footer. Discord does not parse markdown in footers, so it is not escaped.
fn footer(card: &Card, mark: Option<&str>, whole: &mut bool) -> Option<String> {
    let text = card.footer.as_ref().map(|text| sanitize(&text.to_plain())).unwrap_or_default();
    *whole &= limits::length(&text) <= FOOTER;
    let text = limits::cut(text.trim(), FOOTER);
    let parts: Vec<&str> = [text.as_str(), mark.unwrap_or_default()].into_iter().filter(|it| !it.is_empty()).collect();
    Some(parts.join(" · ")).filter(|text| !text.is_empty())
}

/// Returns the size of an embed as it counts towards the total limit.
fn size(embed: &Value) -> usize {
    let text = |value: &Value| value.as_str().map_or(0, limits::length);
    let part = |name: &str| embed.get(name).map_or(0, text);
    let fields = embed.get("fields").and_then(Value::as_array).into_iter().flatten();
    let fields = fields.flat_map(|field| [field.get("name"), field.get("value")]).flatten().map(text).sum::<usize>();
    part("title") + part("description") + fields + embed.pointer("/footer/text").map_or(0, text)
}

fn note(left_out: usize) -> String {
    let what = match left_out {
        0 => "Some of it is".to_owned(),
        1 => "1 more line is".to_owned(),
        many => format!("{many} more lines are"),
    };
    let text = Text::of(format!("… {what} left out, because a message in Discord holds no more. Read all of it with "));
    markdown::text(&text.code("timeline").plain("."))
}

fn buttons(actions: &[Action], whole: &mut bool) -> Result<Vec<Value>, Failure> {
    let most = limits::BUTTONS_A_ROW * limits::ROWS;
    *whole &= actions.len() <= most && actions.iter().all(|action| limits::length(&action.label) <= limits::BUTTON);
    let button = |(number, action): (usize, &Action)| {
        // The number makes the id unique within the message; the rest is returned on a click.
        let id = format!("{number}:{}", action.value);
        if limits::length(&id) > limits::CUSTOM_ID {
            return Err(Failure::rejected(format!(
                "the button {:?} carries more than Discord takes ({} characters): shorten its value",
                limits::cut(&action.label, limits::BUTTON),
                limits::CUSTOM_ID
            )));
        }
        Ok(
            json!({ "type": 2, "style": if action.danger { 4 } else { 2 }, "label": label(&action.label, limits::BUTTON),
                   "custom_id": id }),
        )
    };
    let buttons: Vec<Value> = actions.iter().take(most).enumerate().map(button).collect::<Result<_, _>>()?;
    Ok(buttons.chunks(limits::BUTTONS_A_ROW).map(|row| json!({ "type": 1, "components": row })).collect())
}

/// Sanitizes and truncates a label: one line, never empty. Discord does not parse markdown in labels.
pub(super) fn label(text: &str, most: usize) -> String {
    let text = sanitize(text).replace('\n', " ");
    let text = limits::cut(text.trim(), most);
    if text.is_empty() { "…".to_owned() } else { text }
}

/// Ids of the users and roles that a card mentions.
#[derive(Default)]
struct Called {
    users: Vec<String>,
    roles: Vec<String>,
}

impl Called {
    fn of(card: &Card, whole: &mut bool) -> Self {
        let mut called = Self::default();
        let texts = card.title.iter().chain(&card.lines).chain(card.fields.iter().map(|field| &field.value));
        for span in texts.chain(&card.footer).flat_map(|text| &text.0) {
            let (list, id) = match span {
                Span::Mention { account, .. } => (&mut called.users, account.as_ref().and_then(markdown::user)),
                Span::Group { id, .. } => (&mut called.roles, Some(id.as_str()).filter(|id| markdown::is_number(id))),
                Span::Plain(_) | Span::Strong(_) | Span::Code(_) | Span::Channel(_) | Span::Link { .. } => continue,
            };
            let Some(id) = id.filter(|id| !list.iter().any(|known| known == id)) else { continue };
            if list.len() < limits::CALLED {
                list.push(id.to_owned());
            } else {
                *whole = false;
            }
        }
        called
    }

    fn content(&self) -> String {
        let users = self.users.iter().map(|id| format!("<@{id}>"));
        users.chain(self.roles.iter().map(|id| format!("<@&{id}>"))).collect::<Vec<_>>().join(" ")
    }

    /// Returns `allowed_mentions`: only the accounts and roles that the bot mentions are notified (security case 58).
    fn allowed(&self) -> Value {
        let mut allowed = json!({ "parse": [] });
        put(&mut allowed, "users", Some(json!(self.users)).filter(|_| !self.users.is_empty()));
        put(&mut allowed, "roles", Some(json!(self.roles)).filter(|_| !self.roles.is_empty()));
        allowed
    }
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

fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Neutral => 0x95_a5_a6,
        Tone::Good => 0x2e_cc_71,
        Tone::Asking => 0x34_98_db,
        Tone::Warning => 0xf1_c4_0f,
        Tone::Bad => 0xe7_4c_3c,
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
