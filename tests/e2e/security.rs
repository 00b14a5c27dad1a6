//! The table of security cases is complete: each cited number exists and has tests, and each test named in the
//! table exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hotfix::config::security::SECURITY_CASES;
use regex::Regex;

/// `security case 5`, `Security cases 44 and 63`, `cases 1, 2 to 6`.
static CITED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bsecurity\s+cases?\s+(\d+(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s+to\s+|\s+or\s+)\d+)*)")
        .expect("a pattern")
});
/// `case_23_who_asked_for_it_does_not_approve_it`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"fn case_(\d+)_").expect("a pattern"));
/// A line break inside a comment.
static BREAK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\n\s*//[/!]?").expect("a pattern"));

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Collects the sources and scenarios below a folder, without build output.
fn texts(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !["target", "node_modules", ".git", ".venv"].iter().any(|name| path.ends_with(name)) {
                texts(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "txt")
            && !path.ends_with("config/security.rs")
        {
            found.extend(std::fs::read_to_string(&path).ok().map(|text| (path, text)));
        }
    }
}

/// Returns the numbers of a list such as `2, 4 and 7 to 9`.
fn numbers(list: &str) -> BTreeSet<u16> {
    let mut numbers = BTreeSet::new();
    let (mut last, mut range) = (0, false);
    for word in list.split([' ', ',', '\n']).filter(|word| !word.is_empty()) {
        match word.parse::<u16>() {
            Ok(number) => {
                numbers.extend(if range { last + 1..=number } else { number..=number });
                (last, range) = (number, false);
            }
            Err(_) => range |= word == "to",
        }
    }
    numbers
}

#[test]
fn lists_and_ranges_are_read() {
    assert_eq!(numbers("2, 4 and 7 to 9"), [2, 4, 7, 8, 9].into());
}

#[test]
fn the_cases_are_numbered_without_gaps() {
    let numbers: Vec<u16> = SECURITY_CASES.iter().map(|case| case.number).collect();
    assert!(numbers.iter().copied().eq(1..=u16::try_from(numbers.len()).expect("a small number")), "{numbers:?}");
}

#[test]
fn every_case_that_is_cited_exists_and_is_tested() {
    let mut sources = Vec::new();
    texts(&root(), &mut sources);
    let mut cited: BTreeMap<u16, PathBuf> = BTreeMap::new();
    for (path, text) in sources {
        // A citation may be broken over two lines of a comment.
        let text = BREAK.replace_all(&text, " ").into_owned();
        let in_words = CITED.captures_iter(&text).flat_map(|found| numbers(&found[1]));
        let in_names = NAMED.captures_iter(&text).filter_map(|found| found[1].parse().ok());
        cited.extend(in_words.chain(in_names).map(|number| (number, path.clone())));
    }
    assert!(cited.len() > 80, "{} cases are cited", cited.len());
    for (number, path) in cited {
        let case = SECURITY_CASES.iter().find(|case| case.number == number);
        let Some(case) = case else { panic!("{} cites security case {number}, which does not exist", path.display()) };
        assert!(!case.tests.is_empty(), "{} cites security case {number}, which no test covers", path.display());
    }
}

#[test]
fn every_test_of_the_table_is_there() {
    let mut wrong = Vec::new();
    for case in SECURITY_CASES {
        for test in case.tests {
            let (file, function) = test.split_once("::").unwrap_or((test, ""));
            match std::fs::read_to_string(root().join(file)) {
                Err(_) => wrong.push(format!("{}: there is no file {file}", case.number)),
                Ok(text) if function.is_empty() || text.contains(&format!("fn {function}(")) => {}
                Ok(_) => wrong.push(format!("{}: {file} has no test {function}", case.number)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
