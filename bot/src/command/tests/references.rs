//! Tests that every argument that takes a reference uses the same grammar.

use super::*;
use crate::command::table::ArgType;

/// Pairs of an input form and its normalized form.
const PULLS: [(&str, &str); 4] = [
    ("101", "101"),
    ("#101", "#101"),
    ("!101", "#101"),
    ("https://f.example/t/p/pull/101", "https://f.example/t/p/pull/101"),
];
const COMMITS: [(&str, &str); 4] = [
    ("abc1234", "abc1234"),
    ("ABC1234", "abc1234"),
    ("`abc1234`", "abc1234"),
    ("https://f.example/t/p/-/commit/abc1234", "https://f.example/t/p/-/commit/abc1234"),
];
const NAMES: [&str; 3] = ["v1.4.2", "release/1.4", "abc12"];

/// Returns a command with this value for one argument, and samples for all required ones.
fn with(verb: &Verb, arg: &Arg, value: &str) -> String {
    let sample = |arg: &Arg| match arg.kind {
        ArgType::Service | ArgType::ServiceOrAll => "payments",
        ArgType::Environment | ArgType::Place => "staging",
        ArgType::Lane => "payments/staging",
        ArgType::Url => "https://s.example/7",
        ArgType::Commit => "abc1234",
        ArgType::Choice(choices) => choices.last().unwrap(),
        ArgType::Step => "review",
        ArgType::Fix
        | ArgType::Reference
        | ArgType::Name
        | ArgType::Duration
        | ArgType::Verb
        | ArgType::Text
        | ArgType::Lasting(_) => "words",
    };
    let mut line = verb.name.to_owned();
    let chosen = |other: &Arg| matches!(other.kind, ArgType::Choice(_)) && !other.form.is_flag();
    for other in verb.args.iter().filter(|other| other.name == arg.name || other.form.is_required() || chosen(other)) {
        let value = if other.name == arg.name { value } else { sample(other) };
        line.push_str(&if other.form.is_flag() { format!(" --{} {value}", other.name) } else { format!(" {value}") });
    }
    line
}

fn places(wanted: fn(ArgType) -> bool) -> Vec<(&'static Verb, &'static Arg)> {
    let all = VERBS.iter().flat_map(|verb| verb.args.iter().map(move |arg| (*verb, arg)));
    all.filter(|(_, arg)| wanted(arg.kind)).collect()
}

#[test]
fn every_place_takes_every_way_to_write_it() {
    let fixes = places(|kind| kind == ArgType::Fix);
    let references = places(|kind| kind == ArgType::Reference);
    let commits = places(|kind| kind == ArgType::Commit);
    assert!(fixes.len() >= 3 && references.len() >= 3 && commits.len() >= 2);
    let read = |verb: &Verb, arg: &Arg, text: &str| {
        let line = with(verb, arg, text);
        parse(&line, &known()).map(|request| request.to_string()).map_err(|error| error.render(&line))
    };
    for (verb, arg) in fixes.iter().chain(&references) {
        for (text, back) in PULLS.iter().chain(&COMMITS) {
            let said = read(verb, arg, text).unwrap_or_else(|why| panic!("{why}"));
            assert!(said.contains(back), "{} --{} {text}: {said}", verb.name, arg.name);
        }
    }
    for (verb, arg) in references {
        for name in NAMES {
            assert!(read(verb, arg, name).is_ok_and(|said| said.contains(name)), "{} {name}", verb.name);
        }
    }
    for (verb, arg) in commits {
        for (text, _) in COMMITS {
            assert!(read(verb, arg, text).is_ok_and(|said| said.contains("abc1234")), "{} {text}", verb.name);
        }
        for (text, _) in &PULLS[..3] {
            assert!(read(verb, arg, text).is_err(), "{} {text}", verb.name);
        }
    }
    for (verb, arg) in fixes {
        for name in NAMES {
            assert!(read(verb, arg, name).is_err(), "{} {name}", verb.name);
        }
    }
}

/// Wherever prose is accepted, an unknown flag is refused by name; so is a time span if the command takes
/// effect immediately.
#[test]
fn no_verb_takes_a_flag_or_a_date_for_prose() {
    for verb in VERBS.iter().filter(|verb| verb.takes_text()) {
        let text = verb.places().last().unwrap();
        let line = with(verb, text, "because --until friday of it");
        let error = parse(&line, &known()).expect_err(&line);
        assert_eq!((error.code, &line[error.span.clone()]), (ErrorCode::UnknownFlag, "--until"), "{line}");
        assert!(error.message.contains("`--until`"), "{}", error.message);
        let quoted = with(verb, text, "\"because --until friday of it\"");
        parse(&quoted, &known()).unwrap_or_else(|error| panic!("{}", error.render(&quoted)));
    }
    let lasting = places(|kind| matches!(kind, ArgType::Lasting(_)));
    assert!(lasting.len() >= 3);
    for (verb, arg) in lasting {
        let line = with(verb, arg, "from 2026-12-24 until 2027-01-04 christmas");
        let error = parse(&line, &known()).expect_err(&line);
        assert_eq!(&line[error.span.clone()], "from 2026-12-24 until 2027-01-04", "{line}");
        assert!(error.message.starts_with(&format!("`{}` does not take `from 2026-12-24 until", verb.name)));
        assert!(parse(&with(verb, arg, "\"from 2026-12-24 until then\""), &known()).is_ok(), "{}", verb.name);
    }
}
