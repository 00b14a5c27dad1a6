//! Property: in any file, setting any value changes that value and nothing else.

use hotfix_adapters::edit::env;
use hotfix_adapters::edit::yaml::{Matches, find, set};
use proptest::prelude::*;

use super::path;

/// Generates a single-line value with its parsed text.
fn scalar() -> impl Strategy<Value = (String, String)> {
    let word = "[a-z][a-z0-9/]{0,8}";
    prop_oneof![
        word.prop_map(|word| (word.clone(), word)),
        word.prop_map(|word| (format!("'{word}: #x'"), format!("{word}: #x"))),
        "[a-zäß🚒]{1,5}".prop_map(|word| (format!("\"{word}\\\"\""), format!("{word}\""))),
        "[0-9]{1,7}".prop_map(|word| (word.clone(), word)),
    ]
}

/// Generates text that may be between the entries of a list.
fn noise() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("  # ref: x\n".to_owned()),
        Just("\n".to_owned()),
        Just("  notes: |\n    ref: block\n\n    - ref: 1\n".to_owned()),
        Just("  fold: >-\n    ref: folded 'x\n".to_owned()),
        Just("  flow: {ref: [1, 'ref: 2'], n: {ref: z}} # c\n".to_owned()),
        Just("  share: &SHARE {ref: 1}\n  again: *SHARE\n".to_owned()),
        Just("  nested:\n  - - ref: 5\n    - 6\n".to_owned()),
        Just("  ünïcode: \"é 🚒\"\n".to_owned()),
    ]
}

#[derive(Debug, Clone)]
struct Item {
    noise: String,
    written: String,
    value: String,
    comment: &'static str,
}

fn item() -> impl Strategy<Value = Item> {
    let comment = prop_oneof![Just(""), Just(" # old"), Just("  #x ref: y")];
    (noise(), scalar(), comment).prop_map(|(noise, (written, value), comment)| Item { noise, written, value, comment })
}

/// Builds a file; returns it with the byte range of each item's value.
fn file(items: &[Item], start: &str, documents: bool, crlf: bool, last: bool) -> (String, Vec<std::ops::Range<usize>>) {
    let ends = |text: &str| if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
    let mut text = ends(start);
    if documents {
        text += &ends("---\nother: [ref]\n---\n");
    }
    text += &ends("items:\n");
    let mut ranges = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let noise = item.noise.replace("SHARE", &format!("s{number}"));
        text += &ends(&format!("- name: i{number}\n{noise}  ref: "));
        ranges.push(text.len()..text.len() + item.written.len());
        text += &item.written;
        text += &ends(&format!("{}\n", item.comment));
    }
    if !last {
        let end = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(end);
    }
    (text, ranges)
}

fn cases() -> u32 {
    // `PROPTEST_CASES` overrides the number; the default keeps a full test run short.
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// PROMO-18 and the YAML edit property: every byte outside the value is unchanged, and the value reads
    /// as requested.
    #[test]
    fn only_the_asked_value_changes(
        items in prop::collection::vec(item(), 1..5),
        which in any::<prop::sample::Index>(),
        start in prop_oneof![Just(""), Just("\u{feff}"), Just("# head\n"), Just("%YAML 1.2\n---\n")],
        documents in any::<bool>(),
        crlf in any::<bool>(),
        last in any::<bool>(),
        value in prop_oneof!["[0-9a-f]{7}", "[0-9a-f]{40}", "[0-9]{2}e[0-9]{4}", "[ -~]{1,12}", "[a-zé🚒:#,'\"\\\\-]{1,6}"],
    ) {
        // A directive must not precede an explicit second document start.
        let documents = documents && !start.starts_with('%');
        let (text, ranges) = file(&items, start, documents, crlf, last);
        let which = which.index(items.len());
        let at = path(&format!("items[name=i{which}].ref"));
        prop_assert_eq!(&find(&text, &at).unwrap()[0].value, &Some(items[which].value.clone()));
        let edit = set(&text, &at, &value, Matches::One).unwrap();
        let range = ranges[which].clone();
        prop_assert_eq!(&edit.text[..range.start], &text[..range.start]);
        let behind = &text[range.end..];
        prop_assert!(edit.text.ends_with(behind));
        let written = &edit.text[range.start..edit.text.len() - behind.len()];
        if let quote @ ('\'' | '"') = items[which].written.chars().next().unwrap() {
            prop_assert!(written.starts_with(quote) && written.ends_with(quote), "the quotes changed: {}", written);
        }
        for (number, item) in items.iter().enumerate() {
            let at = path(&format!("items[name=i{number}].ref"));
            let wanted = if number == which { &value } else { &item.value };
            prop_assert_eq!(&find(&edit.text, &at).unwrap()[0].value, &Some(wanted.clone()));
        }
        // A value that would parse as a number, boolean or date is always quoted.
        if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'e') && value != "e" && !value.starts_with('e') {
            prop_assert!(!written.starts_with(|c: char| c.is_ascii_digit()) || !value.bytes().all(|b| b.is_ascii_digit()));
        }
    }

    /// No text, however broken, makes the editor panic, and an edit keeps all other lines.
    #[test]
    fn no_text_breaks_the_editor(text in "[-a-c:'\"{}\\[\\]&*!|>#%\\n\\r\\t ,?0-9é]{0,60}") {
        for at in ["a", "a.b", "a[0]", "b[a=c].a"] {
            if let Ok(edit) = set(&text, &path(at), "12e4567", Matches::One) {
                let found = find(&edit.text, &path(at)).unwrap();
                prop_assert_eq!(found[0].value.as_deref(), Some("12e4567"));
                prop_assert_eq!(edit.text.lines().count(), text.lines().count());
            }
        }
        if let Ok(edit) = env::set(&text, "a", "new") {
            prop_assert_eq!(edit.text.lines().count(), text.lines().count());
        }
    }
}
