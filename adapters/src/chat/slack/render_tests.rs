//! Tests of the renderer with arbitrary and hostile cards (security cases 29, 44, 57 and 63).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::Field;
use crate::ids::{PersonRef, Platform};

fn shown(card: &Card) -> Value {
    serde_json::to_value(message(card).unwrap().blocks).unwrap()
}

fn line(text: &str) -> Card {
    Card::line(Tone::Neutral, Text::of(text))
}

/// Collects every object of a type at any depth.
fn all<'a>(value: &'a Value, kind: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            if map.get("type").and_then(Value::as_str) == Some(kind) {
                found.push(value);
            }
            map.values().for_each(|value| all(value, kind, found));
        }
        Value::Array(items) => items.iter().for_each(|value| all(value, kind, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn of_type<'a>(value: &'a Value, kind: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    all(value, kind, &mut found);
    found
}

/// Returns the visible text of the blocks, in order.
fn read(blocks: &Value) -> String {
    let texts = |element: &Value| element["elements"].as_array().cloned().unwrap_or_default();
    let mut out = String::new();
    for block in blocks.as_array().unwrap() {
        match block["type"].as_str().unwrap() {
            "header" => out.push_str(block["text"]["text"].as_str().unwrap()),
            "rich_text" | "context" => {
                for element in texts(block) {
                    out.push_str(element["text"].as_str().unwrap_or_default());
                    texts(&element).iter().for_each(|part| out.push_str(part["text"].as_str().unwrap_or_default()));
                }
            }
            _ => {}
        }
        out.push('\n');
    }
    out
}

fn within_limits(blocks: &Value) {
    let length = |value: &Value| value.as_str().unwrap().encode_utf16().count();
    let count = blocks.as_array().unwrap().len();
    assert!((1..=50).contains(&count), "{count} blocks");
    assert!(of_type(blocks, "mrkdwn").is_empty(), "mrkdwn gives meaning to what came from outside");
    let mut total = 0;
    for text in of_type(blocks, "text").into_iter().chain(of_type(blocks, "plain_text")) {
        let long = length(&text["text"]);
        assert!((1..=3000).contains(&long), "a text of {long}");
        total += long;
    }
    assert!(total <= 12_000, "{total} characters in all");
    for text in of_type(blocks, "plain_text") {
        assert!(!text["text"].as_str().unwrap().contains('<'), "{text}");
    }
    of_type(blocks, "header").iter().for_each(|header| assert!(length(&header["text"]["text"]) <= 150));
    for block in of_type(blocks, "actions") {
        assert!((1..=25).contains(&block["elements"].as_array().unwrap().len()));
    }
    let buttons = of_type(blocks, "button");
    let ids: std::collections::BTreeSet<&str> = buttons.iter().map(|b| b["action_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), buttons.len(), "ids of buttons are unique");
    for button in buttons {
        assert!((1..=75).contains(&length(&button["text"]["text"])));
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn hostile() -> impl Strategy<Value = String> {
    let evil = prop_oneof![
        Just("<!channel>".to_owned()),
        Just("<@U0EVIL>".to_owned()),
        Just("<https://evil.example|PR 12>".to_owned()),
        Just("*bold* _it_ ~no~ `code` :tada:".to_owned()),
        Just("\u{202e}\u{200b}\u{1b}[2J&amp;&lt;".to_owned()),
        Just("\n\r\n\t".to_owned()),
        "[a-z<>&|*\n 🚀]{0,40}",
        any::<String>(),
    ];
    (evil, 0_usize..200).prop_map(|(text, times)| text.repeat(times).chars().take(10_000).collect())
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        hostile().prop_map(Span::Plain),
        hostile().prop_map(Span::Strong),
        hostile().prop_map(Span::Code),
        (hostile(), "[A-Z0-9/]{0,12}")
            .prop_map(|(name, id)| { Span::Mention { account: Some(PersonRef::new(Platform::Slack, id)), name } }),
        (hostile(), "[A-Z0-9]{0,12}").prop_map(|(name, id)| Span::Group { id, name }),
        (hostile(), hostile()).prop_map(|(url, label)| Span::Link { url: format!("https://x/{url}"), label }),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    prop::collection::vec(span(), 0..4).prop_map(Text)
}

fn card() -> impl Strategy<Value = Card> {
    let short = prop_oneof![Just(Text::of("a short line")), text()];
    let lines =
        prop_oneof![prop::collection::vec(text(), 0..4), prop::collection::vec(Just(Text::of("<li> & more")), 0..400)];
    let field = (hostile(), text()).prop_map(|(name, value)| Field { name, value });
    let mark = hostile().prop_map(|label| Mark { label, state: MarkState::Current });
    let action = (hostile(), "[a-z0-9]{0,20}").prop_map(|(label, value)| Action { label, value, danger: true });
    (
        prop::option::of(short),
        lines,
        prop::option::of(hostile()),
        prop::collection::vec(field, 0..4),
        prop::collection::vec(mark, 0..12),
        prop::collection::vec(action, 0..60),
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

    /// Any card fits into Slack's limits and no text in it acts as a command (security case 57). A card with
    /// [`Card::whole`] is refused instead of truncated (security case 29).
    #[test]
    fn any_card_fits(card in card()) {
        match message(&card) {
            Ok(rendered) => {
                within_limits(&serde_json::to_value(&rendered.blocks).unwrap());
                prop_assert!(!rendered.text.contains(['<', '>']), "{}", rendered.text);
                prop_assert!(rendered.text.encode_utf16().count() <= 4000 && !rendered.text.is_empty());
                let left_out = read(&serde_json::to_value(&rendered.blocks).unwrap()).contains("left out, because");
                prop_assert!(!card.whole || !left_out);
            }
            Err(failure) => {
                prop_assert!(card.whole, "{failure}");
                prop_assert!(matches!(failure, Failure::Rejected { .. }), "{}", failure);
            }
        }
    }

    /// Escaped text reads as the original.
    #[test]
    fn a_text_comes_back_as_it_was(text in "[^\\p{C}]{1,200}|[<>&;a-z]{1,200}") {
        let text = sanitize(text.trim());
        prop_assume!(!text.is_empty());
        let rendered = message(&line(&text)).unwrap();
        prop_assert_eq!(unescape(&rendered.text), &*text);
        let blocks = serde_json::to_value(&rendered.blocks).unwrap();
        let seen = read(&blocks);
        prop_assert_eq!(seen.trim(), text.trim());
    }
}

/// Text in a commit title notifies nobody (security case 57).
#[test]
fn a_commit_title_stays_text() {
    let evil = "<!channel> <@U0EVIL> *Fix* :tada: <https://evil.example|PR 12>";
    let rendered = message(&line(evil)).unwrap();
    let blocks = serde_json::to_value(&rendered.blocks).unwrap();
    let expected = json!([{"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": evil}]}
    ]}]);
    assert_eq!(blocks, expected);
    assert_eq!(rendered.text, "&lt;!channel&gt; &lt;@U0EVIL&gt; *Fix* :tada: &lt;https://evil.example|PR 12&gt;");
}

/// Characters that hide or reorder text are made visible (security case 44).
#[test]
fn what_hides_is_shown() {
    let blocks = shown(&line("main\u{202e}nimda\u{200b}\u{1b}[2J"));
    assert_eq!(read(&blocks).trim(), "main<U+202E>nimda<U+200B>␛[2J");
}

#[test]
fn a_card_of_everything() {
    let ana = PersonRef::new(Platform::Slack, "T0ACME/U0ANA");
    let lines = vec![
        Text::of("Waiting for ").mention(Some(ana), "Ana").plain(" or ").group("S0SRE", "sre").plain(", see "),
        Text(vec![Span::Link { url: "https://git.example/pr/7".to_owned(), label: "PR 7".to_owned() }]),
        Text(vec![Span::Link { url: "javascript:alert(1)".to_owned(), label: "x".to_owned() }]),
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
        actions: vec![Action { label: "Approve".to_owned(), value: "n0nce".to_owned(), danger: false }],
        footer: Some(Text::of("Say ").code("help")),
        whole: true,
    };
    let section = |elements: Value| json!({"type": "rich_text_section", "elements": elements});
    let text = |text: &str| json!({"type": "text", "text": text});
    assert_eq!(
        shown(&card),
        json!([
            {"type": "header", "text": {"type": "plain_text", "text": "❌ HF-12 payments", "emoji": false}},
            {"type": "rich_text", "elements": [
                section(json!([
                    text("Waiting for "), {"type": "user", "user_id": "U0ANA"}, text(" or "),
                    {"type": "usergroup", "usergroup_id": "S0SRE"}, text(", see ")
                ])),
                section(json!([{"type": "link", "url": "https://git.example/pr/7", "text": "PR 7"}])),
                section(json!([text("x <javascript:alert(1)>")])),
                section(json!([text("@Ben")])),
            ]},
            {"type": "rich_text", "elements": [
                {"type": "rich_text_preformatted", "elements": [text("a  b\n\n   ^")]}
            ]},
            {"type": "rich_text", "elements": [section(json!([
                {"type": "text", "text": "Base  ", "style": {"bold": true}},
                {"type": "text", "text": "abc1234", "style": {"code": true}}
            ]))]},
            {"type": "rich_text", "elements": [section(json!([text("✅ pick"), text("  ▫ deploy")]))]},
            {"type": "actions", "elements": [{
                "type": "button", "action_id": "button-0", "value": "n0nce",
                "text": {"type": "plain_text", "text": "Approve", "emoji": false}
            }]},
            {"type": "context", "elements": [{"type": "plain_text", "text": "Say `help`", "emoji": false}]},
        ])
    );
}

/// A vote request is shown whole or refused (security case 29).
#[test]
fn a_question_that_does_not_fit_is_not_asked() {
    let long = Card { lines: vec![Text::of("x".repeat(400)); 60], ..Card::default() };
    let blocks = shown(&long);
    assert!(read(&blocks).contains("more paragraphs are left out"), "{blocks}");
    let refused = message(&Card { whole: true, ..long }).unwrap_err();
    assert!(matches!(&refused, Failure::Rejected { reason } if reason.contains("too long")), "{refused}");
}

#[test]
fn a_long_title_is_a_paragraph() {
    let card = Card { title: Some(Text::of("Fix ".repeat(60))), ..Card::default() };
    let blocks = shown(&card);
    assert_eq!(blocks[0]["type"], "rich_text");
    assert_eq!(blocks[0]["elements"][0]["elements"][1]["style"], Value::Null);
    assert_eq!(blocks[0]["elements"][0]["elements"][0]["style"]["bold"], true);
}
