//! The binder: assigns tokens to the arguments of a verb. Flags are bound by name, the run by its form, the rest
//! by position.

use super::args::{Args, Value};
use super::error::{ErrorCode, ParseError};
use super::guard::shown;
use super::lex::{Token, TokenKind};
use super::lexicon::Lexicon;
use super::suggest::nearest;
use super::table::{Arg, ArgSyntax, Verb};
use crate::domain::id::HotfixId;

/// Binds the tokens after a verb to its arguments.
pub(super) fn bind<'a>(
    verb: &'static Verb,
    tokens: &[Token],
    text: &'a str,
    known: &'a Lexicon,
) -> Result<Args<'a>, ParseError> {
    let mut binder = Binder { verb, tokens, text, at: 0, loose: Vec::new(), values: Vec::new() };
    binder.sort()?;
    let run = binder.take_run()?;
    binder.place()?;
    let end = text.trim_end().len();
    let missing = verb.args.iter().filter(|arg| arg.form.is_required());
    if let Some(arg) = missing.into_iter().find(|arg| !binder.values.iter().any(|(name, _)| *name == arg.name)) {
        let what = if arg.form.is_flag() { format!("--{}", arg.name) } else { format!("the {}", arg.name) };
        let message = format!("`{}` also needs {what}: {}.", verb.name, arg.about);
        return Err(ParseError::new(ErrorCode::MissingArgument, end..end, message));
    }
    Ok(Args { known, values: binder.values, run, end })
}

/// State of the binding.
pub(super) struct Binder<'t, 'x> {
    pub(super) verb: &'static Verb,
    pub(super) tokens: &'t [Token],
    pub(super) text: &'x str,
    /// Index of the next token.
    at: usize,
    /// Indexes in `tokens` of the tokens that are neither flags nor their values.
    pub(super) loose: Vec<usize>,
    pub(super) values: Vec<(&'static str, Value)>,
}

impl Binder<'_, '_> {
    /// Binds the flags and their values; all other tokens become loose.
    fn sort(&mut self) -> Result<(), ParseError> {
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            if token.is_flag() {
                self.flag(token)?;
            } else if let Some(arg) = self.keyword(token) {
                self.one_value(arg, token)?;
            } else {
                self.loose.push(self.at - 1);
            }
        }
        Ok(())
    }

    /// Returns the argument that is written as a bare word before its value, such as `to REF`. After the first word of
    /// free text, such a word belongs to the text.
    fn keyword(&self, token: &Token) -> Option<&'static Arg> {
        let places = self.verb.places().filter(|arg| !arg.form.is_text()).count();
        let in_text = self.verb.takes_text() && self.loose.len() > places;
        let is_word = token.kind == TokenKind::Word && !self.loose.is_empty() && !in_text;
        self.verb.flags().find(|arg| arg.form == ArgSyntax::Keyword && is_word && arg.name == token.text.to_lowercase())
    }

    fn flag(&mut self, token: &Token) -> Result<(), ParseError> {
        let Some(arg) = self.verb.flag(&token.text) else {
            return self.no_such_flag(token);
        };
        match arg.form {
            ArgSyntax::Switch => {
                if let Some(value) = self.tokens.get(self.at).filter(|next| next.glued) {
                    let message = format!("--{} takes no value.", arg.name);
                    return Err(ParseError::new(ErrorCode::UnwantedValue, value.span.clone(), message));
                }
                self.keep_once(arg, Value { text: String::new(), span: token.span.clone() })
            }
            ArgSyntax::ManyFlag => self.many_values(arg, token),
            ArgSyntax::Flag
            | ArgSyntax::RequiredFlag
            | ArgSyntax::Keyword
            | ArgSyntax::Word
            | ArgSyntax::OptionalWord
            | ArgSyntax::Words
            | ArgSyntax::Text
            | ArgSyntax::OptionalText => self.one_value(arg, token),
        }
    }

    /// Handles an unknown flag. It counts as prose only if it may be a dash; otherwise it is refused, so that an
    /// ignored flag never looks accepted.
    fn no_such_flag(&mut self, token: &Token) -> Result<(), ParseError> {
        let in_prose = self.verb.takes_text();
        let is_dash = token.kind == TokenKind::PhoneFlag && self.loose.len() >= self.verb.places().count();
        if in_prose && is_dash {
            self.loose.push(self.at - 1);
            // The lexer splits `--a=b` into two tokens; in prose both belong to the text.
            if self.tokens.get(self.at).is_some_and(|next| next.glued) {
                self.loose.push(self.at);
                self.at += 1;
            }
            return Ok(());
        }
        let mut message = format!("`{}` has no flag {}.", self.verb.name, shown(&format!("--{}", token.text)));
        if in_prose {
            message.push_str(" If it belongs to the text, put the text in quotes.");
        }
        let suggestion = nearest(&token.text, self.verb.flags().map(|arg| arg.name)).map(|name| format!("--{name}"));
        Err(ParseError::new(ErrorCode::UnknownFlag, token.span.clone(), message).suggesting(suggestion))
    }

    fn one_value(&mut self, arg: &'static Arg, token: &Token) -> Result<(), ParseError> {
        let next = self.tokens.get(self.at).filter(|next| !next.is_flag() && !next.text.is_empty());
        let Some(value) = next else {
            return Err(no_value(arg, token.span.end));
        };
        self.at += 1;
        let value = closed(value)?;
        self.keep_once(arg, value)
    }

    /// Binds values up to the next flag. After the first value, a quoted string or a run ends the list too: it belongs
    /// to the verb.
    fn many_values(&mut self, arg: &'static Arg, token: &Token) -> Result<(), ParseError> {
        let before = self.values.len();
        while let Some(next) = self.tokens.get(self.at).filter(|next| !next.is_flag()) {
            let is_value = next.kind == TokenKind::Word && !(self.verb.takes_run && run_in(next).is_some());
            if !is_value && self.values.len() > before {
                break;
            }
            self.at += 1;
            self.keep_list(arg, next)?;
        }
        if self.values.len() == before { Err(no_value(arg, token.span.end)) } else { Ok(()) }
    }

    fn keep_once(&mut self, arg: &'static Arg, value: Value) -> Result<(), ParseError> {
        if self.values.iter().any(|(name, _)| *name == arg.name) {
            let message = format!("--{} is given twice.", arg.name);
            return Err(ParseError::new(ErrorCode::Repeated, value.span, message));
        }
        self.values.push((arg.name, value));
        Ok(())
    }

    /// Splits one token at its commas and keeps each piece with its own span.
    pub(super) fn keep_list(&mut self, arg: &'static Arg, token: &Token) -> Result<(), ParseError> {
        let whole = closed(token)?;
        let exact = whole.text.len() == whole.span.len();
        let mut start = whole.span.start;
        for piece in whole.text.split(',') {
            let span = if exact { start..start + piece.len() } else { whole.span.clone() };
            start += piece.len() + 1;
            if !piece.is_empty() {
                self.values.push((arg.name, Value { text: piece.to_owned(), span }));
            }
        }
        Ok(())
    }
}

/// Returns the run that a bare word names, if it is one.
pub(super) fn run_in(token: &Token) -> Option<HotfixId> {
    if token.kind != TokenKind::Word || token.glued {
        return None;
    }
    token.text.parse().ok()
}

/// Returns the value of a token; refuses an unclosed quote.
pub(super) fn closed(token: &Token) -> Result<Value, ParseError> {
    if token.kind == TokenKind::Unclosed {
        let message = "This quote is never closed.";
        return Err(ParseError::new(ErrorCode::UnclosedQuote, token.span.clone(), message));
    }
    Ok(Value { text: token.text.clone(), span: token.span.clone() })
}

fn no_value(arg: &Arg, at: usize) -> ParseError {
    let dashes = if arg.form == ArgSyntax::Keyword { "" } else { "--" };
    let message = format!("`{dashes}{}` needs a value: {}.", arg.name, arg.about);
    ParseError::new(ErrorCode::MissingValue, at..at, message)
}
