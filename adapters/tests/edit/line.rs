//! Line-based edits of YAML templates.

use hotfix_adapters::edit::line::{Hit, HitKind, search, set};

use super::fixture;

const KEY: &str = "qontract_reconcile_image_tag";

/// PROMO-18, PROMO-20: the line with the value is distinguished from comments, expressions and longer names.
#[test]
fn a_key_in_a_template_is_found_in_all_its_roles() {
    let file = fixture("resources/jenkins/global/defaults.yaml");
    let value = HitKind::Value("1a4ed92".into());
    let hits = [(4, HitKind::Comment), (6, value), (10, HitKind::Template)];
    assert_eq!(search(&file, KEY), hits.map(|(line, kind)| Hit { line, kind }));
    let edit = set(&file, KEY, "12e4567").unwrap();
    assert_eq!(edit.text, file.replace("tag: '1a4ed92'", "tag: '12e4567'"));
    assert_eq!((edit.changes.len(), edit.changes[0].line), (1, 6));
    assert_eq!(search(&fixture("data/services/app-interface/shared-resources/unrelated.yml"), KEY), []);
}

/// PROMO-18: quotes are kept, and an unquoted value is quoted if it would read as a number.
#[test]
fn quotes_comments_and_line_ends_stay() {
    for (before, value, after) in [
        ("k: old # why\r\n", "new", "k: new # why\r\n"),
        ("k: old\n", "1234567", "k: '1234567'\n"),
        ("- k:   \"old\"", "1234567", "- k:   \"1234567\""),
        ("  'k': 'old'#\n", "", ""),
        ("'k': 'old'\n  \"k\" : old\n", "new", "'k': 'new'\n  \"k\" : new\n"),
        ("{# k: old\n k: old #}\nk: old\n", "new", "{# k: old\n k: old #}\nk: new\n"),
        ("k: {{ tag }}\nk: '{{ tag }}'\nk: old\n", "new", "k: {{ tag }}\nk: '{{ tag }}'\nk: new\n"),
        ("é: ü\nk: 'it''s' # é\n", "new", "é: ü\nk: 'new' # é\n"),
        ("k: new\n", "new", "k: new\n"),
    ] {
        match set(before, "k", value) {
            Ok(edit) => assert_eq!(edit.text, after),
            Err(error) => assert!(after.is_empty(), "{before}: {error}"),
        }
    }
}

/// PROMO-20: a line that is not understood is an error, not skipped.
#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    let refused = |text: &str| set(text, "k", "new").unwrap_err().to_string();
    for text in
        ["k: |\n", "x: {k: old}\n", "k:\n", "k: &a old\n", "k: old,\n", "the k is\n", "k: [old]\n", "k: \"a\\n\"\n"]
    {
        assert!(refused(&format!("x: 1\n{text}k: old\n")).contains("what k is on line 2 is not understood"), "{text}");
    }
    // It looks like a template comment, but the file is not a template.
    assert!(refused("a: 'a{#b'\nk: old\nb: 1\n").contains("what k is on line 2 is not understood"));
    assert!(refused("a: 'a #b'\n'x #y': {k: old}\n").contains("what k is on line 2 is not understood"));
    assert_eq!(search("k: old # not the k below\n", "k").len(), 2);
    assert_eq!(search("k: old\n", ""), []);
    assert!(refused("# k: old\n").contains("no line has k with a value"));
    assert!(refused("kk: old\n").contains("no line has k"));
}
