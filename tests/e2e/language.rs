//! Language rules that a machine can check: docs are noun phrases or statements, not indirect questions, and each type
//! name stands for one concept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// First words that turn a doc into an indirect question.
const QUESTIONS: [&str; 10] = ["What", "Whatever", "Whether", "Which", "Who", "Whoever", "Whom", "Whose", "Why", "How"];
/// Private vocabulary that must not be used as type names, each with the standard term.
const PRIVATE: [(&str, &str); 16] = [
    ("Told", "EventMessage"),
    ("Ear", "InboundService"),
    ("Heard", "HandlerReply"),
    ("Saw", "Observed"),
    ("Came", "Finished"),
    ("Way", "VoteSource"),
    ("Doorway", "Origin"),
    ("Rooms", "AllowedChannels"),
    ("Hush", "redact"),
    ("Barred", "Denied"),
    ("Hitch", "Stall"),
    ("Pulse", "Stats"),
    ("Looker", "Poller"),
    ("Glass", "BreakGlass"),
    ("Deed", "Permission"),
    ("Sighting", "Observation"),
];
/// The crates that are checked for shared names.
const CRATES: [&str; 3] = ["bot", "adapters", "storage"];
const SHARED_PERCENT: usize = 3;

static TYPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^\s*pub (?:struct|enum|trait|union) (\w+)").expect("a pattern"));

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), std::fs::read_to_string(path).expect("a text")));
        }
    }
}

fn of(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), &mut found);
    found
}

#[test]
fn no_doc_asks_a_question_or_is_one_word() {
    let mut wrong = Vec::new();
    for (path, text) in
        ["bot/src", "adapters/src", "storage/src", "tests/src", "tests/fakes/src"].into_iter().flat_map(of)
    {
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(doc) = line.strip_prefix("/// ") else { continue };
            let first = number == 0 || !lines[number - 1].starts_with("///");
            let last = lines.get(number + 1).is_none_or(|next| !next.starts_with("///"));
            let word = doc.split([' ', '.', ',', ':']).next().unwrap_or_default();
            if first && (QUESTIONS.contains(&word) || last && !doc.contains(' ')) {
                wrong.push(format!("{}:{}: {doc}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{} docs:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn one_name_stands_for_one_thing() {
    for name in CRATES {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (path, text) in of(&format!("{name}/src")) {
            for found in TYPE.captures_iter(&text) {
                places.entry(found[1].to_owned()).or_default().push(path.display().to_string());
            }
        }
        let shared: Vec<_> = places.iter().filter(|(_, places)| places.len() > 1).collect();
        assert!(
            shared.len() * 100 <= places.len() * SHARED_PERCENT,
            "{} of {} public type names of {name} stand for several things: {shared:#?}",
            shared.len(),
            places.len()
        );
        for (private, term) in PRIVATE {
            assert!(!places.contains_key(private), "{name} calls something {private}; the field calls it {term}");
        }
    }
}
