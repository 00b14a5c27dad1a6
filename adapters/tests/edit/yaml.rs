//! Difficult cases of YAML edits, and the refusals.

use hotfix_adapters::edit::path::Path;
use hotfix_adapters::edit::yaml::{Matches, Rule, add, find, find_by, set};
use hotfix_adapters::edit::{Edit, text};

use super::{fixture, path};

const OLD: &str = "1a4ed92195f7e8fdd0f2c6a498118eb48d49e0fe";
const NEW: &str = "ea6d44cf0000111122223333444455556666abcd";

fn one(text: &str, at: &str, value: &str) -> Result<Edit, String> {
    set(text, &path(at), value, Matches::One).map_err(|error| error.to_string())
}

fn refused(text: &str, at: &str) -> String {
    one(text, at, "new").unwrap_err()
}

/// PROMO-7, PROMO-15: of several templates and targets in a file, only the selected one is edited.
#[test]
fn a_selected_target_of_a_saas_file_alone_gets_the_sha() {
    let file = fixture("data/services/app-interface/cicd/ci-ext/saas-qontract-reconcile.yaml");
    let at = "resourceTemplates[name=qontract-reconcile].targets[namespace.$ref=/services/app-interface/namespaces/\
              app-interface-production.yml].ref";
    let edit = one(&file, at, NEW).unwrap();
    let before = format!("ref: {OLD} # prod, see the SOP");
    assert_eq!(file.matches(&before).count(), 1);
    assert_eq!(edit.text, file.replace(&before, &format!("ref: {NEW} # prod, see the SOP")));
    let change = &edit.changes[0];
    assert_eq!((change.line, change.old.as_str(), change.new.as_str()), (52, OLD, NEW));
    assert_eq!(change.place, "resourceTemplates[0].targets[1].ref");
}

#[test]
fn several_values_are_set_only_when_that_is_asked_for() {
    let file = fixture("data/services/app-interface/cicd/ci-ext/saas-qontract-reconcile.yaml");
    let all = path("resourceTemplates[*].targets[*].ref");
    let error = set(&file, &all, NEW, Matches::One).unwrap_err().to_string();
    assert!(error.contains("means the values on lines 45, 52, 61 and 69"), "{error}");
    let edit = set(&file, &all, NEW, Matches::All).unwrap();
    let olds: Vec<&str> = edit.changes.iter().map(|change| change.old.as_str()).collect();
    assert_eq!(olds, ["main", OLD, OLD, OLD]);
    assert_eq!(edit.text, file.replace(OLD, NEW).replace("ref: main", &format!("ref: {NEW}")));
}

/// Twelve difficult cases: everything around the value, and its notation, stays byte for byte.
#[test]
fn everything_but_the_value_stays_byte_for_byte() {
    let cases = [
        ("comments", "# top\na: # why\n  b: old # kept #\n# end\n", "a.b"),
        ("single quotes", "a: 'old'\nb: 'it''s'\n", "a"),
        ("double quotes", "a: \"old\"\nb: \"\\u00e9\"\n", "a"),
        ("anchors", "base: &base {x: 1}\nuse: *base\nmine: &m old\na:\n  <<: *base\n  b: old\n", "a.b"),
        ("an anchor that nothing repeats", "a: &name   old\n", "a"),
        ("CRLF", "a:\r\n  - b: old\r\n    c: 1\r\n", "a[0].b"),
        ("no last line end", "x: 1\na: old", "a"),
        ("several documents", "---\na: 1\n---\nz: old\n...\n---\n- a\n", "z"),
        ("byte order mark", "\u{feff}a: old\nb: 2\n", "a"),
        ("nested lists", "a:\n- - x\n  - old\n- - y\n", "a[0][1]"),
        ("flow mapping", "a: {b: [1, {c: old}], d: e}\n", "a.b[1].c"),
        ("folded neighbours", "t: >-\n  a: old\n\n  b\na: old\nl: |+\n  a: old\n\n", "a"),
        ("unicode", "ключ: \"ü 🚒\" # ñ\na: {ö: old}\nz: é\n", "a.ö"),
        ("odd spaces", "a   :    old   \t# x\n", "a"),
        ("quoted keys", "\"a.b\":\n  'c': old\n", "\"a.b\".c"),
    ];
    for (name, text, at) in cases {
        let found = find(text, &path(at)).unwrap();
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].value.as_deref(), Some("old"), "{name}");
        let edit = one(text, at, "brandnew").unwrap_or_else(|error| panic!("{name}: {error}"));
        // The expected text is the old one with `old` replaced where the path reads it.
        let places: Vec<usize> = text.match_indices("old").map(|(place, _)| place).collect();
        let candidates = places.iter().map(|place| format!("{}brandnew{}", &text[..*place], &text[place + 3..]));
        assert_eq!(candidates.filter(|candidate| *candidate == edit.text).count(), 1, "{name}: {:?}", edit.text);
        assert_eq!(find(&edit.text, &path(at)).unwrap()[0].value.as_deref(), Some("brandnew"), "{name}");
    }
}

/// PROMO-18: a short sha of digits, or of digits around an `e`, would be parsed as a number; other words have
/// similar risks.
#[test]
fn a_value_that_would_read_as_something_else_gets_quotes() {
    for value in [
        "1234567",
        "12e4567",
        "0o7",
        "1_000",
        "0x1f",
        "0b11",
        "1.5",
        "1e5",
        "1e+5",
        "1.e3",
        "yes",
        "No",
        "on",
        "y",
        "null",
        "True",
        "~",
        "2026-11-21",
        "12:30:45",
        "-1",
        ".5",
        "a: b",
        "a #b",
        "- a",
        "*x",
        "it's",
        "tëxt",
        "a,b",
    ] {
        let edit = one("a: old # c\n", "a", value).unwrap();
        assert_eq!(edit.text, format!("a: '{}' # c\n", value.replace('\'', "''")));
        assert_eq!(find(&edit.text, &path("a")).unwrap()[0].value.as_deref(), Some(value));
    }
    for value in ["1a4ed92", NEW, "v1.2.3", "e12", "12ea4567", "deadbee", "latest", "1.2.3"] {
        assert_eq!(one("a: old # c\n", "a", value).unwrap().text, format!("a: {value} # c\n"));
    }
    assert_eq!(one("a: \"old\"\n", "a", "1234567").unwrap().text, "a: \"1234567\"\n");
    assert_eq!(one("a: \"old\"\n", "a", "a\"\\b").unwrap().text, "a: \"a\\\"\\\\b\"\n");
    // The value was a number, and the text is wanted.
    assert_eq!(one("a: 1234567\n", "a", "1234567").unwrap().text, "a: '1234567'\n");
    assert_eq!(one("a: '1234567'\n", "a", "1234567").unwrap().text, "a: '1234567'\n");
}

/// PROMO-18: a team that shares one anchor between several values must opt in.
#[test]
fn a_value_that_aliases_repeat_is_replaced_where_that_is_meant() {
    let follow = |text: &str, path: &str| {
        let rule = Rule { matches: Matches::All, follow_aliases: true };
        set(text, &path.parse().unwrap(), "new", rule).map(|edit| (edit.text, edit.changes.len()))
    };
    let text = "x: &n old\na: *n\nb: [*n, *n]\n";
    let wanted = Ok(("x: &n new\na: *n\nb: [*n, *n]\n".to_owned(), 1));
    for path in ["x", "a", "b[*]"] {
        assert_eq!(follow(text, path), wanted, "{path}");
    }
    assert_eq!(follow("x: &n {b: old}\na: *n\n", "x.b"), Ok(("x: &n {b: new}\na: *n\n".to_owned(), 1)));
    assert!(follow("x: &n {b: old}\na: *n\n", "a").is_err(), "a mapping is no value");
    let found = find_by(text, &"b[*]".parse().unwrap(), true).unwrap();
    assert_eq!(found.iter().map(|found| found.value.as_deref()).collect::<Vec<_>>(), [Some("old"), Some("old")]);
}

#[test]
fn what_cannot_be_replaced_exactly_is_refused_with_its_line() {
    assert!(refused("a: 1\na: 2\n", "a").contains("lines 1 and 2: the key \"a\" stands twice"));
    assert!(refused("x: {b: 1, b: 2}\na: 1\n", "a").contains("stands twice"), "anywhere in the file");
    assert!(refused("x: &n old\na: *n\n", "a").contains("line 2: `a` is an alias of another value"));
    assert!(refused("x: &n old\na: *n\n", "x").contains("has an anchor that an alias elsewhere repeats"));
    assert!(refused("x: &n {b: old}\na: *n\n", "x.b").contains("lies below an anchor that an alias elsewhere repeats"));
    assert!(refused("x: &n {b: old}\na: *n\n", "a.b").contains("below `a` is no `b`"));
    assert!(refused("x: &n {b: old}\na:\n  <<: *n\n  c: 1\n", "a.b").contains("by an alias or `<<` is not edited"));
    assert!(refused("a: [1]\n", "a").contains("is a list or a mapping"));
    assert!(refused("a: |\n  old\n", "a").contains("is a block of text"));
    assert!(refused("a: >\n  old\n", "a").contains("is a block of text"));
    assert!(refused("a: old\n  more\n", "a").contains("runs over several lines"));
    assert!(refused("a: 'old\n  more'\n", "a").contains("runs over several lines"));
    assert!(refused("a: !!str old\n", "a").contains("has a tag"));
    assert!(refused("a:\nb: 1\n", "a").contains("has no value"));
    assert!(refused("a: {b: [1]}\n", "a.b[1]").contains("below `a.b` is no `[1]`"));
    assert!(refused("a: {b: [1]}\n", "x").contains("at the top of the file is no `x`"));
    assert!(refused("l: [{n: a}]\n", "l[n=b].c").contains("below `l` is no `[n=b]`"));
    assert!(refused("a: 1\n---\na: 2\n", "a").contains("means the values on lines 1 and 3"));
    assert!(refused("a: [1\n", "a").contains("this is no YAML"));
    assert!(
        refused("{{ template }}: x\n", "a").contains("this is no YAML") || refused("{{ t }}\n", "a").contains("no `a`")
    );
    assert!(one("a: old\n", "a", "two\nlines").unwrap_err().contains("cannot stand on a line"));
    assert!(one("a: old\n", "a", "").unwrap_err().contains("is empty"));
    assert!(text(b"a: \xff\n").unwrap_err().to_string().contains("byte 3 is not UTF-8"));
}

/// Security case 70: a YAML bomb is refused by size, depth or number of aliases, at no more cost than reading it.
#[test]
fn a_yaml_bomb_is_refused() {
    assert!(refused(&format!("a: old\nb: {}\n", "x".repeat(256 * 1024)), "a").contains("262144 are the most"));
    assert!(refused(&format!("a: old\nb: {}{}\n", "[".repeat(70), "]".repeat(70)), "a").contains("line 2"));
    let mixed = format!("a: old\nb:\n  {}{}{}\n", "- ".repeat(40), "[".repeat(40), "]".repeat(40));
    assert!(refused(&mixed, "a").contains("nested deeper than 64"), "{}", refused(&mixed, "a"));
    let blocks: String = (0..70).map(|depth| format!("{}- \n", " ".repeat(depth))).collect();
    assert!(!refused(&format!("a: old\nb:\n{blocks}"), "a").is_empty());
    assert!(refused(&format!("x: &x 1\na: old\nb: [{}]\n", "*x,".repeat(300)), "a").contains("more than 256 aliases"));
    // Each level doubles the one before: expanding the aliases would need 2^60 values.
    let laughs: String = (1..60).map(|n| format!("l{n}: &l{n} [*l{}, *l{}]\n", n - 1, n - 1)).collect();
    assert_eq!(one(&format!("l0: &l0 [x]\n{laughs}a: old\n"), "a", "new").unwrap().changes.len(), 1);
}

#[test]
fn a_path_says_where_it_is_wrong() {
    let wrong = |text: &str| text.parse::<Path>().unwrap_err().to_string();
    assert!(wrong("").contains("a name is wanted at character 1"));
    assert!(wrong("a..b").contains("a name is wanted at character 3"));
    assert!(wrong("a[").contains("a name is wanted at character 3"));
    assert!(wrong("a[0").contains("a closing bracket is wanted at character 4"));
    assert!(wrong("a[x]").contains("an index, a star or name=value is wanted in brackets at character 4"));
    assert!(wrong("a[*]b").contains("a dot or a bracket is wanted at character 5"));
    assert!(wrong("\"a").contains("not closed"));
    for text in
        ["a", "a.b[0].c", "a[*][1].b", "l[namespace.$ref=/x/y.yml].ref", "\"a.b\".c", "l[n=\"a]b\"].c", "l[n=a.b].c"]
    {
        assert_eq!(path(text).to_string(), text);
    }
    assert_eq!(path("a.b").beside("c"), path("a.c"));
    assert_eq!(path("a.b").below("c").each(), path("a.b.c[*]"));
}

/// SRE-12: the sha of a hotfix is added to `hotfixVersions` in the existing list style, or the list is created.
#[test]
fn a_list_is_continued_in_its_own_style() {
    let file = fixture("data/services/app-interface/app.yml");
    let schemas = path("codeComponents[name=qontract-schemas]");
    let edit = add(&file, &schemas, "hotfixVersions", NEW).unwrap();
    assert_eq!(edit.text, format!("{file}  - {NEW}\n"));
    assert_eq!(edit.changes[0].line, 16);
    let again = add(&edit.text, &schemas, "hotfixVersions", NEW).unwrap();
    assert_eq!((again.text, again.changes[0].old.as_str()), (edit.text, NEW));

    let reconcile = path("codeComponents[name=qontract-reconcile]");
    let made = add(&file, &reconcile, "hotfixVersions", NEW).unwrap();
    let url = "  url: https://git.example.com/team/qontract-reconcile\n";
    assert_eq!(made.text, file.replace(url, &format!("{url}  hotfixVersions:\n  - {NEW}\n")));

    let added = |text: &str, owner: &str, value: &str| add(text, &path(owner), "l", value).map(|edit| edit.text);
    assert_eq!(added("a:\n  l: [x, 'y' ]\n", "a", "z").unwrap(), "a:\n  l: [x, 'y', 'z' ]\n");
    assert_eq!(
        added("a:\r\n  l:\r\n    -  \"x\" # c\r\nb: 1\r\n", "a", "z").unwrap().lines().nth(3),
        Some("    -  \"z\"")
    );
    assert_eq!(added("a:\n  l:\n  - x", "a", "12e4567").unwrap(), "a:\n  l:\n  - x\n  - '12e4567'");
    assert_eq!(
        added("a:\n  m:\n    - 1\n  k: v # c\n", "a", "z").unwrap(),
        "a:\n  m:\n    - 1\n  k: v # c\n  l:\n    - z\n"
    );
    assert_eq!(added("a:\r\n  k: v", "a", "z").unwrap(), "a:\r\n  k: v\r\n  l:\r\n  - z");
    for (text, why) in [
        ("a: {l: []}\n", "is an empty list"),
        ("a: {k: 1}\n", "no block mapping"),
        ("a: {l: x}\n", "is no list"),
        ("a:\n  l:\n  - {b: 1}\n", "does not end in a plain text"),
        ("a:\n  l: &x [y]\nb: *x\n", "an alias elsewhere repeats"),
        ("a:\n  l: [y]\nb: &x [y]\nc:\n  l: *x\n", ""),
        ("a:\n  k:\n    m: 1\n", "no line to put it behind"),
        ("a:\n  l:\n  - |\n    x\n", "over several lines"),
        ("b: 1\n", "is not there"),
    ] {
        match added(text, "a", "z") {
            Ok(_) => assert!(why.is_empty(), "{text}"),
            Err(error) => assert!(!why.is_empty() && error.to_string().contains(why), "{text}: {error}"),
        }
    }
}
