//! Tests of the renderer with arbitrary and hostile cards (security cases 29, 44, 58 and 63).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::chat::{Field, Mark, MarkState};
use crate::ids::{PersonRef, Platform};

fn shown(card: &Card) -> Value {
    message(card, None).unwrap()
}

fn chars(value: &Value) -> usize {
    value.as_str().unwrap_or_default().encode_utf16().count()
}

fn within_limits(message: &Value) {
    assert!(chars(&message["content"]) <= 2000);
    assert_eq!(message["allowed_mentions"]["parse"], json!([]));
    let embeds = message["embeds"].as_array().unwrap();
    assert!((1..=10).contains(&embeds.len()));
    let mut total = 0;
    for embed in embeds {
        let mut text = |value: &Value, most: usize, least: usize| {
            let long = chars(value);
            assert!((least..=most).contains(&long), "{long} of {most}: {value}");
            total += long;
        };
        text(&embed["title"], 256, 0);
        text(&embed["description"], 4096, 0);
        text(&embed["footer"]["text"], 2048, 0);
        let fields = embed["fields"].as_array().cloned().unwrap_or_default();
        assert!(fields.len() <= 25);
        for field in fields {
            text(&field["name"], 256, 1);
            text(&field["value"], 1024, 1);
        }
    }
    assert!(total <= 6000, "{total} characters in all");
    let rows = message["components"].as_array().unwrap();
    assert!(rows.len() <= 5);
    let mut ids = BTreeSet::new();
    for button in rows.iter().flat_map(|row| row["components"].as_array().unwrap()) {
        assert!((1..=80).contains(&chars(&button["label"])));
        assert!((1..=100).contains(&chars(&button["custom_id"])));
        assert!(ids.insert(button["custom_id"].to_string()), "ids of buttons are unique");
    }
}

/// Returns a markdown text without its escaped characters.
fn meaning(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c => out.push(c),
        }
    }
    out
}

fn hostile() -> impl Strategy<Value = String> {
    let evil = prop_oneof![
        Just("@everyone <@1> <@&2> <#3>".to_owned()),
        Just("[PR 12](https://evil.example)".to_owned()),
        Just("**b** _i_ ~~s~~ `c` ```d``` ||e|| <t:0:R>".to_owned()),
        Just("\u{202e}\u{200b}\u{1b}[2J".to_owned()),
        Just("\n\r\n\t# h\n- l".to_owned()),
        "[a-z<>@*_`\\[\\]()\n 🚀\\\\]{0,40}",
        any::<String>(),
    ];
    (evil, 0_usize..200).prop_map(|(text, times)| text.repeat(times).chars().take(10_000).collect())
}

fn span() -> impl Strategy<Value = Span> {
    let person = "[0-9]{0,22}|[a-z<>@]{0,5}".prop_map(|id| PersonRef::new(Platform::Discord, id));
    prop_oneof![
        hostile().prop_map(Span::Plain),
        hostile().prop_map(Span::Strong),
        hostile().prop_map(Span::Code),
        (hostile(), person).prop_map(|(name, account)| Span::Mention { account: Some(account), name }),
        (hostile(), "[0-9]{0,22}|@here").prop_map(|(name, id)| Span::Group { id, name }),
        (hostile(), hostile()).prop_map(|(url, label)| Span::Link { url: format!("https://x/{url}"), label }),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    prop::collection::vec(span(), 0..4).prop_map(Text)
}

fn card() -> impl Strategy<Value = Card> {
    let short = prop_oneof![Just(Text::of("a short line")), text()];
    let lines =
        prop_oneof![prop::collection::vec(text(), 0..4), prop::collection::vec(Just(Text::of("<li> & more")), 0..900)];
    let field = prop_oneof![
        (hostile(), text()).prop_map(|(name, value)| Field { name, value }),
        Just(Field { name: "Base".to_owned(), value: Text::new().code("abc1234") }),
    ];
    let mark = hostile().prop_map(|label| Mark { label, state: MarkState::Current });
    let action = (hostile(), "[a-z0-9]{0,20}").prop_map(|(label, value)| Action { label, value, danger: true });
    (
        prop::option::of(short),
        lines,
        prop::option::of(hostile()),
        prop::collection::vec(field, 0..30),
        prop::collection::vec(mark, 0..12),
        prop::collection::vec(action, 0..40),
        prop::option::of(text()),
        any::<bool>(),
    )
        .prop_map(|(title, lines, verbatim, fields, progress, actions, footer, whole)| Card {
            tone: Tone::Asking,
            title,
            lines,
            verbatim,
            fields,
            progress,
            actions,
            footer,
            whole,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Any card fits into Discord's limits (security case 58). A card with [`Card::whole`] is refused instead of
    /// truncated (security case 29).
    #[test]
    fn any_card_fits(card in card()) {
        match message(&card, Some(&mark("a key"))) {
            Ok(message) => {
                within_limits(&message);
                prop_assert!(!card.whole || !message.to_string().contains("left out, because"));
                prop_assert!(message.to_string().contains(&mark("a key")));
            }
            Err(failure) => {
                prop_assert!(card.whole, "{failure}");
                prop_assert!(matches!(failure, Failure::Rejected { .. }), "{}", failure);
            }
        }
    }

    /// A page of several cards fits into the limits too.
    #[test]
    fn any_page_fits(cards in prop::collection::vec(card(), 0..12)) {
        let mut page = page(&cards);
        page["components"] = json!([]);
        within_limits(&page);
    }

    /// Escaping leaves no markdown character without a backslash, and removing the backslashes restores the text
    /// (security case 58).
    #[test]
    fn what_is_escaped_means_nothing(text in hostile()) {
        let escaped = markdown::escaped(&text);
        prop_assert!(!meaning(&escaped).contains(['*', '_', '~', '`', '|', '[', ']', '(', ')', '<', '>', '#', '@']));
        let mut read = String::new();
        let mut chars = escaped.chars();
        while let Some(c) = chars.next() {
            read.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        prop_assert_eq!(read, sanitize(&text));
    }
}

/// Characters that hide or reorder text are made visible (security case 44).
#[test]
fn what_hides_is_shown() {
    let message = shown(&Card::line(Tone::Neutral, Text::of("main\u{202e}nimda\u{200b}\u{1b}[2J")));
    assert_eq!(message["embeds"][0]["description"], r"main\<U+202E\>nimda\<U+200B\>␛\[2J");
}

#[test]
fn a_card_of_everything() {
    let ana = PersonRef::new(Platform::Discord, "81");
    let lines = vec![
        Text::of("Waiting for ").mention(Some(ana), "Ana").plain(" or ").group("92", "sre").plain(", see "),
        Text(vec![Span::Link { url: "https://git.example/pr/7".to_owned(), label: "PR 7".to_owned() }]),
        Text::new().mention(None, "Ben"),
    ];
    let card = Card {
        tone: Tone::Bad,
        title: Some(Text::of("HF-12 payments")),
        lines,
        verbatim: Some("a  b\n\n   ^\n".to_owned()),
        fields: vec![Field { name: "Base".to_owned(), value: Text::new().code("abc1234") }],
        progress: vec![
            Mark { label: "pick".to_owned(), state: MarkState::Done },
            Mark { label: "deploy".to_owned(), state: MarkState::Ahead },
        ],
        actions: vec![
            Action { label: "Approve".to_owned(), value: "n0nce".to_owned(), danger: false },
            Action { label: "Approve".to_owned(), value: "n0nce".to_owned(), danger: true },
        ],
        footer: Some(Text::of("Say ").code("help")),
        whole: true,
    };
    let button = |number: u8, style: u8| json!({ "type": 2, "style": style, "label": "Approve", "custom_id": format!("{number}:n0nce") });
    assert_eq!(
        message(&card, Some("k12")).unwrap(),
        json!({
            "content": "<@81> <@&92>",
            "allowed_mentions": { "parse": [], "users": ["81"], "roles": ["92"] },
            "embeds": [{
                "title": "❌ HF-12 payments", "color": 0xe7_4c_3c,
                "description": "Waiting for <@81> or <@&92>, see \n[PR 7](https://git.example/pr/7)\n\\@Ben\n```\na  b\n\n   ^\n```",
                "fields": [
                    { "name": "Base", "value": "`abc1234`", "inline": true },
                    { "name": "Steps", "value": "✅ pick  ▫ deploy", "inline": false },
                ],
                "footer": { "text": "Say `help` · k12" },
            }],
            "components": [{ "type": 1, "components": [button(0, 2), button(1, 4)] }],
        })
    );
}

/// A vote request is shown whole or refused (security case 29).
#[test]
fn a_question_that_does_not_fit_is_not_asked() {
    let long = |lines: usize| Card { lines: vec![Text::of("x".repeat(400)); lines], ..Card::default() };
    let two = shown(&Card { whole: true, ..long(13) });
    assert_eq!(two["embeds"].as_array().unwrap().len(), 2, "what one embed does not hold goes on in the next");
    let cut = shown(&long(60)).to_string();
    assert!(cut.contains("more lines are left out"), "{cut}");
    let refused = message(&Card { whole: true, ..long(60) }, None).unwrap_err();
    assert!(matches!(&refused, Failure::Rejected { reason } if reason.contains("too long")), "{refused}");
    let one = shown(&Card::line(Tone::Neutral, Text::of("y".repeat(9000))));
    assert!(chars(&one["embeds"][0]["description"]) > 3500, "of a single long line the beginning is shown");
}

#[test]
fn a_button_that_carries_too_much_is_refused() {
    let action = Action { label: "x".to_owned(), value: "v".repeat(99), danger: false };
    assert!(message(&Card { actions: vec![action], ..Card::default() }, None).is_err());
}
