//! The command language: one table of verbs parses the text after `/hotfix` into a [`Request`], writes the help,
//! suggests and completes. Pure and total: any text gives a request or an error that points at a character. Every
//! inbound adapter, the console and the command line call [`parse`]; whether the request is allowed is
//! decided elsewhere.

mod args;
mod bind;
mod complete;
mod dates;
mod display;
mod duration;
mod error;
mod guard;
mod help;
mod lex;
mod lexicon;
mod positional;
mod reference;
mod request;
mod request_facts;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod unescape;
mod verbs;

pub use args::Args;
pub use complete::complete;
pub use error::{ErrorCode, ParseError, Span};
pub use guard::MAX_BYTES;
pub use help::help;
pub use lexicon::Lexicon;
pub use reference::{Address, Reference};
pub use request::{DriftChoice, MergebackAction, Request, TriageWord, required_role};
pub use table::{Arg, ArgSyntax, ArgType, Group, VERBS, Verb};

/// Parses one command. Empty text and a `--help` flag give [`Request::Help`].
///
/// # Errors
/// Returns the error with its code, its span, the nearest match and the usage of the verb.
pub fn parse(text: &str, known: &Lexicon) -> Result<Request, ParseError> {
    guard::check(text)?;
    let tokens = lex::lex(text);
    let Some((first, behind)) = tokens.split_first() else {
        return Ok(Request::Help { verb: None });
    };
    if first.is_flag() && matches!(first.text.as_str(), "help" | "h") {
        return Ok(Request::Help { verb: None });
    }
    let word = text.get(first.span.clone()).filter(|_| first.is_flag()).unwrap_or(&first.text);
    let verb = Verb::named(word).ok_or_else(|| unknown_verb(word, first.span.clone()))?;
    if let [only] = behind
        && only.is_flag()
        && only.text == "help"
    {
        return Ok(Request::Help { verb: Some(verb.name.to_owned()) });
    }
    let built = bind::bind(verb, behind, text, known).and_then(|args| (verb.build)(&args));
    built.map_err(|mut error| {
        error.usage = verb.usage();
        error.verb = Some(verb.name);
        error
    })
}

/// Returns the error for a word that is no verb.
fn unknown_verb(word: &str, span: Span) -> ParseError {
    let bare = word.trim_start_matches(['/', '.', '-']);
    let mut error = ParseError::new(ErrorCode::UnknownVerb, span, format!("There is no verb {}.", guard::shown(word)))
        .suggesting(suggest::nearest(bare, Verb::words()));
    error.usage = "<verb> …; `help` lists the verbs".to_owned();
    error
}
