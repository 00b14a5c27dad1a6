//! Tests of the layout at three widths, with and without colors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::chat::Text;
use crate::ids::{PersonRef, Platform};

fn card() -> Card {
    let field = |name: &str, value: Text| Field { name: name.to_owned(), value };
    let mark = |label: &str, state| Mark { label: label.to_owned(), state };
    let action = |label: &str, danger| Action { label: label.to_owned(), value: "opaque".to_owned(), danger };
    Card {
        tone: Tone::Asking,
        title: Some(Text::of("HF-12 payments — Fix 500 on upload")),
        lines: vec![
            Text::of("Production runs ")
                .code("1.4.2")
                .plain(" (abc1234). Withheld from main: 3 changes, by Ben and Chi."),
            Text::new()
                .mention(Some(PersonRef::new(Platform::Console, "ben")), "ben")
                .plain(", please look: 支払いサービスの緊急修正を確認してください 🚀🚀."),
        ],
        verbatim: None,
        fields: vec![
            field("Base", Text::new().code("1.4.2")),
            field("Rolls back", Text::of("by itself, should the error rate go above 2 % within the first ten minutes")),
        ],
        progress: vec![
            mark("base", MarkState::Done),
            mark("branch", MarkState::Done),
            mark("review", MarkState::Current),
            mark("qa", MarkState::Skipped),
            mark("deploy", MarkState::Ahead),
        ],
        actions: vec![action("Approve", false), action("Abort", true)],
        footer: Some(Text::of("Next word at 10:32.")),
        whole: false,
    }
}

fn plain(width: usize) -> String {
    Page { colour: false, width }.card(&card(), 0)
}

#[test]
fn at_40_columns() {
    assert_eq!(
        plain(40),
        "\
? HF-12 payments — Fix 500 on upload
│ Production runs `1.4.2` (abc1234).
│ Withheld from main: 3 changes, by Ben
│ and Chi.
│ @ben, please look:
│ 支払いサービスの緊急修正を確認してくだ
│ さい 🚀🚀.
│ Base        `1.4.2`
│ Rolls back  by itself, should the
│             error rate go above 2 %
│             within the first ten
│             minutes
│ ✔ base  ✔ branch  ▶ review  ↷ qa
│ · deploy
│ [ Approve ]  [! Abort ]
│ Next word at 10:32.
"
    );
}

#[test]
fn at_80_columns() {
    assert_eq!(
        plain(80),
        "\
? HF-12 payments — Fix 500 on upload
│ Production runs `1.4.2` (abc1234). Withheld from main: 3 changes, by Ben and
│ Chi.
│ @ben, please look: 支払いサービスの緊急修正を確認してください 🚀🚀.
│ Base        `1.4.2`
│ Rolls back  by itself, should the error rate go above 2 % within the first ten
│             minutes
│ ✔ base  ✔ branch  ▶ review  ↷ qa  · deploy
│ [ Approve ]  [! Abort ]
│ Next word at 10:32.
"
    );
}

#[test]
fn at_120_columns() {
    assert_eq!(
        plain(120),
        "\
? HF-12 payments — Fix 500 on upload
│ Production runs `1.4.2` (abc1234). Withheld from main: 3 changes, by Ben and Chi.
│ @ben, please look: 支払いサービスの緊急修正を確認してください 🚀🚀.
│ Base        `1.4.2`
│ Rolls back  by itself, should the error rate go above 2 % within the first ten minutes
│ ✔ base  ✔ branch  ▶ review  ↷ qa  · deploy
│ [ Approve ]  [! Abort ]
│ Next word at 10:32.
"
    );
}

#[test]
fn no_line_is_wider_than_the_page() {
    let mut card = card();
    card.title = Some(Text::of("変更".repeat(60)));
    card.lines.push(Text::of("x".repeat(500)));
    card.actions.push(Action { label: "長いボタン".repeat(15), value: String::new(), danger: false });
    card.progress.push(Mark { label: "y".repeat(90), state: MarkState::Stopped });
    card.fields.push(Field { name: "a very long name of a field".to_owned(), value: Text::of("値 ".repeat(40)) });
    for width in [0, 1, 20, 21, 40, 79, 80, 120] {
        for line in (Page { colour: false, width }).card(&card, 4).lines() {
            assert!(line.width() <= width.max(NARROWEST), "{width}: {} {line}", line.width());
        }
    }
}

#[test]
fn colours_are_a_bar_and_marks_and_nothing_else_differs() {
    let coloured = Page { colour: true, width: 80 }.card(&Card { tone: Tone::Bad, ..card() }, 0);
    assert!(
        coloured.starts_with("\u{1b}[31m┃\u{1b}[0m \u{1b}[1mHF-12 payments — Fix 500 on upload\u{1b}[0m\n"),
        "{coloured}"
    );
    assert!(
        coloured.contains("\u{1b}[36m1.4.2\u{1b}[0m") && coloured.contains("\u{1b}[1;35m@ben\u{1b}[0m"),
        "{coloured}"
    );
    assert!(
        coloured.contains("\u{1b}[32m✔ base\u{1b}[0m  ") && coloured.contains("\u{1b}[31m[ Abort ]\u{1b}[0m"),
        "{coloured}"
    );
}

#[test]
fn a_text_from_outside_steers_nothing_and_begins_no_title_of_ours() {
    let evil = "ok\u{1b}[2J\u{202e}\u{200b}\n✔ approved by @ben";
    let card = Card {
        title: Some(Text::of(evil)),
        lines: vec![Text::of(evil).code(evil)],
        fields: vec![Field { name: "Title".to_owned(), value: Text::of(evil) }],
        actions: vec![Action { label: evil.to_owned(), value: String::new(), danger: false }],
        ..Card::default()
    };
    let text = Page { colour: false, width: 120 }.card(&card, 0);
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{200b}']), "{text}");
    assert!(text.lines().all(|line| line.starts_with('│')), "{text}");
    assert_eq!(text.lines().next().unwrap(), "│ ok␛[2J<U+202E><U+200B>␊✔ approved by @ben");
}

#[test]
fn a_change_shows_what_changed() {
    let page = Page { colour: false, width: 80 };
    let old = card();
    let mut new = Card { tone: Tone::Good, ..card() };
    new.progress[2].state = MarkState::Done;
    new.fields[0].value = Text::new().code("1.4.3");
    new.actions.clear();
    assert_eq!(
        page.change(&old, &new, 0),
        "\
✔ HF-12 payments — Fix 500 on upload
│ Base  `1.4.3`
│ ✔ base  ✔ branch  ✔ review  ↷ qa  · deploy
│ (no buttons any more)
"
    );
    let mut shorter = card();
    shorter.lines.pop();
    assert!(page.change(&old, &shorter, 0).ends_with("│ (some of it is gone)\n"));
}
