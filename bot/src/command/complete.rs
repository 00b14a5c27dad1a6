//! Completion for the console and the shell.

use super::guard;
use super::lex::{Token, lex};
use super::lexicon::Lexicon;
use super::table::{Arg, ArgSyntax, ArgType, VERBS, Verb};
use crate::domain::playbook::WATCH;

/// Returns the words that may replace the last word of the text: verbs first, then values of the verb's next argument,
/// then its flags.
#[must_use]
pub fn complete(prefix: &str, known: &Lexicon) -> Vec<String> {
    if guard::check(prefix).is_err() {
        return Vec::new();
    }
    let cut = prefix
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + prefix.get(at..).and_then(|r| r.chars().next()).map_or(0, char::len_utf8));
    let (before, current) = prefix.split_at_checked(cut).unwrap_or((prefix, ""));
    let tokens = lex(before);
    let Some((first, behind)) = tokens.split_first() else {
        return beginning_with(current, VERBS.iter().map(|verb| verb.name.to_owned()).collect());
    };
    let Some(verb) = Verb::named(&first.text) else {
        return Vec::new();
    };
    if let Some((flag, value)) = current.split_once('=') {
        let arg = flag.strip_prefix("--").and_then(|name| verb.flag(name));
        let words = arg.map(|arg| beginning_with(value, words_of(arg, known, value))).unwrap_or_default();
        return words.into_iter().map(|word| format!("{flag}={word}")).collect();
    }
    beginning_with(current, candidates(verb, behind, current, known))
}

fn beginning_with(current: &str, words: Vec<String>) -> Vec<String> {
    let current = current.to_lowercase();
    words.into_iter().filter(|word| word.starts_with(&current)).collect()
}

/// Returns the words that may follow these tokens.
fn candidates(verb: &'static Verb, behind: &[Token], current: &str, known: &Lexicon) -> Vec<String> {
    let mut places = verb.places().peekable();
    let mut used: Vec<&str> = Vec::new();
    let mut awaits_value: Option<&'static Arg> = None;
    for token in behind {
        if token.is_flag() {
            let arg = verb.flag(&token.text);
            used.push(arg.map_or("", |arg| arg.name));
            awaits_value = arg.filter(|arg| arg.form != ArgSyntax::Switch);
        } else if let Some(arg) = awaits_value {
            // More values of the same flag may follow, but so may any other argument.
            awaits_value = Some(arg).filter(|arg| arg.form == ArgSyntax::ManyFlag);
        } else if let Some(arg) = verb.flags().find(|arg| arg.form == ArgSyntax::Keyword && arg.name == token.text) {
            used.push(arg.name);
            awaits_value = Some(arg);
        } else if token.text.parse::<crate::domain::id::HotfixId>().is_err() {
            places.next_if(|arg| !arg.form.is_text() && arg.form != ArgSyntax::Words);
        }
    }
    if let Some(arg) = awaits_value.filter(|arg| arg.form != ArgSyntax::ManyFlag) {
        return words_of(arg, known, current);
    }
    let flags = verb.flags().filter(|arg| arg.form == ArgSyntax::ManyFlag || !used.contains(&arg.name));
    let flags =
        flags.map(|arg| if arg.form == ArgSyntax::Keyword { arg.name.to_owned() } else { format!("--{}", arg.name) });
    let mut words = places.peek().map(|arg| words_of(arg, known, current)).unwrap_or_default();
    words.extend(flags);
    words
}

/// Returns the possible values of an argument.
fn words_of(arg: &Arg, known: &Lexicon, current: &str) -> Vec<String> {
    let with =
        |words: &[String], more: &str| -> Vec<String> { words.iter().cloned().chain([more.to_owned()]).collect() };
    match arg.kind {
        ArgType::Service => known.services.clone(),
        ArgType::ServiceOrAll => with(&known.services, "all"),
        ArgType::Environment => known.environments.clone(),
        ArgType::Place => [with(&known.environments, "local"), vec![WATCH.to_owned()]].concat(),
        ArgType::Lane => lanes(known, current),
        ArgType::Step => known.steps.clone(),
        ArgType::Reference if arg.name == "from" => {
            known.environments.iter().map(|environment| format!("deployed@{environment}")).collect()
        }
        ArgType::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        ArgType::Verb => VERBS.iter().map(|verb| verb.name.to_owned()).collect(),
        ArgType::Duration => ["30m", "2h", "1d"].map(str::to_owned).to_vec(),
        ArgType::Fix
        | ArgType::Reference
        | ArgType::Commit
        | ArgType::Name
        | ArgType::Url
        | ArgType::Text
        | ArgType::Lasting(_) => Vec::new(),
    }
}

/// Returns services with a trailing slash; after the slash is typed, lanes of that service.
fn lanes(known: &Lexicon, current: &str) -> Vec<String> {
    let Some((service, _)) = current.split_once('/') else {
        return known.services.iter().map(|service| format!("{service}/")).collect();
    };
    known.environments.iter().map(|environment| format!("{}/{environment}", service.to_lowercase())).collect()
}
