//! Tests of the table of verbs against its own entries.

use std::collections::BTreeSet;

use super::*;
use crate::domain::people::Role;

#[test]
fn names_and_aliases_are_distinct_and_lower_case() {
    let words: Vec<&str> = Verb::words().collect();
    assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
    assert!(words.iter().all(|word| word.to_lowercase() == *word && !word.is_empty()));
    assert_eq!(VERBS.len(), 44);
}

#[test]
fn every_example_parses_to_its_verb_and_back() {
    for verb in VERBS {
        assert!(!verb.examples.is_empty() && !verb.summary.is_empty() && !verb.details.is_empty(), "{}", verb.name);
        for example in verb.examples {
            let request = parse(example, &known()).unwrap_or_else(|e| panic!("{}", e.render(example)));
            assert_eq!(request.verb_name(), verb.name, "{example}");
            assert_eq!(parse(&request.to_string(), &known()), Ok(request), "{example}");
        }
    }
}

/// Returns a command built from the table alone, with all arguments or only the required ones. It shows that `build`
/// reads exactly the arguments of the entry.
fn composed(verb: &Verb, with_optional: bool) -> String {
    let sample = |arg: &Arg| match arg.kind {
        ArgType::Service | ArgType::ServiceOrAll => "payments",
        ArgType::Environment | ArgType::Place => "staging",
        ArgType::Lane => "payments/staging",
        ArgType::Step => "review",
        ArgType::Fix => "#101",
        ArgType::Reference | ArgType::Name => "v1.4.2",
        ArgType::Commit => "abc1234",
        ArgType::Url => "https://s.example/7",
        ArgType::Duration => "2h",
        ArgType::Choice(words) => words.last().unwrap(),
        ArgType::Verb => "start",
        ArgType::Text | ArgType::Lasting(_) => "words",
    };
    let mut out = verb.name.to_owned();
    for arg in verb.args.iter().filter(|arg| with_optional || arg.form.is_required()) {
        match arg.form {
            ArgSyntax::Switch => out.push_str(&format!(" --{}", arg.name)),
            ArgSyntax::Flag | ArgSyntax::RequiredFlag | ArgSyntax::ManyFlag => {
                out.push_str(&format!(" --{}={}", arg.name, sample(arg)))
            }
            ArgSyntax::Keyword => out.push_str(&format!(" {} {}", arg.name, sample(arg))),
            ArgSyntax::Word
            | ArgSyntax::OptionalWord
            | ArgSyntax::Words
            | ArgSyntax::Text
            | ArgSyntax::OptionalText => {
                out.push_str(&format!(" {}", sample(arg)));
            }
        }
    }
    out
}

#[test]
fn every_entry_builds_with_all_its_arguments_and_with_the_fewest() {
    for verb in VERBS {
        let (fewest, all) = (composed(verb, false), composed(verb, true));
        let least = parse(&fewest, &known()).unwrap_or_else(|e| panic!("{}", e.render(&fewest)));
        let most = parse(&all, &known()).unwrap_or_else(|e| panic!("{}", e.render(&all)));
        assert_eq!(most.run(), None);
        assert_eq!(fewest == all, least == most, "{all}");
        let with_run = parse(&format!("{all} HF-7"), &known());
        assert_eq!(with_run.ok().and_then(|r| r.run()).is_some(), verb.takes_run, "{all}");
    }
}

#[test]
fn the_shape_of_arguments() {
    for arg in VERBS.iter().flat_map(|verb| verb.args) {
        let is_optional = arg.shown.is_empty() || arg.shown.starts_with('[');
        assert_eq!(is_optional, !arg.form.is_required(), "{arg:?}");
    }
    for verb in VERBS {
        let places: Vec<&Arg> = verb.places().collect();
        let text_at = places.iter().position(|arg| arg.form.is_text() || arg.form == ArgSyntax::Words);
        assert!(text_at.is_none_or(|at| at + 1 == places.len()), "text is the last place of {}", verb.name);
    }
}

#[test]
fn the_help_fits_and_names_every_verb() {
    let overview = help(None);
    for verb in VERBS {
        assert!(overview.contains(&format!("\n  {}", verb.name)), "{}", verb.name);
        assert!(overview.contains(verb.summary), "{}", verb.name);
        let page = help(Some(verb.name));
        assert!(page.contains(verb.needs.as_str()), "{}", verb.name);
        for line in overview.lines().chain(page.lines()) {
            assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
            assert_eq!(line.trim_end(), line);
        }
    }
    assert!(help(Some("lgtm")).starts_with("approve – "));
    assert!(help(Some("aprove")).contains("Did you mean `approve`?"));
}

#[test]
fn roles_and_looking() {
    let role = |text: &str| {
        let request = parse(text, &known()).unwrap();
        (required_role(&request), request.reads_only())
    };
    let cases = [
        ("status", Role::Viewer, true),
        ("locks", Role::Viewer, true),
        ("start payments", Role::Requester, false),
        ("approve", Role::Approver, false),
        ("abort x", Role::Requester, false),
        ("rollback production it is slow", Role::Viewer, false),
        ("abandon x", Role::Viewer, false),
        ("steal payments/production x", Role::Captain, false),
        ("mergeback", Role::Viewer, true),
        ("mergeback waive x", Role::Captain, false),
        ("postmortem", Role::Viewer, true),
        ("postmortem https://x.io", Role::Requester, false),
        ("freeze all x", Role::Admin, false),
        ("override review x --incident https://x.io", Role::Admin, false),
    ];
    for (text, own, looks) in cases {
        assert_eq!(role(text), (own, looks), "{text}");
    }
    for verb in VERBS {
        let request = parse(verb.examples[0], &known()).unwrap();
        assert_eq!(
            verb.needs == Role::Viewer,
            ["agree", "break-glass", "rollback", "abandon"].contains(&verb.name)
                || (request.reads_only() && !["mergeback", "postmortem"].contains(&verb.name))
        );
    }
}
