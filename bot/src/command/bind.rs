//! Tokens find their places in a verb's table entry: flags by name, the run by its form, the rest in order.

use super::args::{Args, Value};
use super::error::{ErrorCode, ParseError, Span};
use super::guard::shown;
use super::known::Known;
use super::lex::{Token, TokenKind, squeeze};
use super::slack;
use super::suggest::nearest;
use super::table::{Arg, Form, Verb};
use crate::domain::id::HotfixId;

/// Puts the tokens behind a verb into their places.
pub(super) fn bind<'a>(
    verb: &'static Verb,
    tokens: &[Token],
    text: &'a str,
    known: &'a Known,
) -> Result<Args<'a>, ParseError> {
    let mut binder = Binder {
        verb,
        tokens,
        text,
        at: 0,
        loose: Vec::new(),
        values: Vec::new(),
    };
    binder.sort()?;
    let run = binder.take_run()?;
    binder.place()?;
    let end = text.trim_end().len();
    let missing = verb.args.iter().filter(|arg| arg.form.is_required());
    if let Some(arg) = missing
        .into_iter()
        .find(|arg| !binder.values.iter().any(|(name, _)| *name == arg.name))
    {
        let what = if arg.form.is_flag() {
            format!("--{}", arg.name)
        } else {
            format!("the {}", arg.name)
        };
        let message = format!("`{}` also needs {what}: {}.", verb.name, arg.about);
        return Err(ParseError::new(ErrorCode::MissingArgument, end..end, message));
    }
    Ok(Args {
        known,
        values: binder.values,
        run,
        end,
    })
}

struct Binder<'t, 'x> {
    verb: &'static Verb,
    tokens: &'t [Token],
    text: &'x str,
    /// The next token.
    at: usize,
    /// The places in `tokens` of what is neither a flag nor its value.
    loose: Vec<usize>,
    values: Vec<(&'static str, Value)>,
}

impl Binder<'_, '_> {
    /// Takes the flags with their values out; all else is loose.
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

    /// The argument that is written as a bare word before its value, such as `to REF`.
    fn keyword(&self, token: &Token) -> Option<&'static Arg> {
        let is_word = token.kind == TokenKind::Word && !self.loose.is_empty();
        let arg = self
            .verb
            .flags()
            .find(|arg| arg.form == Form::Keyword && is_word && arg.name == token.text.to_lowercase())?;
        self.tokens.get(self.at).map(|_| arg)
    }

    fn flag(&mut self, token: &Token) -> Result<(), ParseError> {
        let Some(arg) = self.verb.flag(&token.text) else {
            return self.no_such_flag(token);
        };
        match arg.form {
            Form::Switch => {
                if let Some(value) = self.tokens.get(self.at).filter(|next| next.glued) {
                    let message = format!("--{} takes no value.", arg.name);
                    return Err(ParseError::new(ErrorCode::UnwantedValue, value.span.clone(), message));
                }
                self.keep_once(
                    arg,
                    Value {
                        text: String::new(),
                        span: token.span.clone(),
                    },
                )
            }
            Form::ManyFlag => self.many_values(arg, token),
            Form::Flag
            | Form::RequiredFlag
            | Form::Keyword
            | Form::Word
            | Form::OptionalWord
            | Form::Words
            | Form::Text
            | Form::OptionalText => self.one_value(arg, token),
        }
    }

    /// What looks like a flag is a word of the prose where the verb has no flags, or where it may be a dash.
    fn no_such_flag(&mut self, token: &Token) -> Result<(), ParseError> {
        let in_prose = self.verb.takes_text();
        let is_dash = token.kind == TokenKind::PhoneFlag && self.loose.len() >= self.verb.places().count();
        if in_prose && (self.verb.flags().next().is_none() || is_dash) {
            self.loose.push(self.at - 1);
            // `--a=b` came as two tokens; in prose it is one stretch of text.
            if self.tokens.get(self.at).is_some_and(|next| next.glued) {
                self.loose.push(self.at);
                self.at += 1;
            }
            return Ok(());
        }
        let mut message = format!(
            "`{}` has no flag {}.",
            self.verb.name,
            shown(&format!("--{}", token.text))
        );
        if in_prose {
            message.push_str(" If it belongs to the text, put the text in quotes.");
        }
        let suggestion = nearest(&token.text, self.verb.flags().map(|arg| arg.name)).map(|name| format!("--{name}"));
        Err(ParseError::new(ErrorCode::UnknownFlag, token.span.clone(), message).suggesting(suggestion))
    }

    fn one_value(&mut self, arg: &'static Arg, token: &Token) -> Result<(), ParseError> {
        let next = self
            .tokens
            .get(self.at)
            .filter(|next| !next.is_flag() && !next.text.is_empty());
        let Some(value) = next else {
            return Err(no_value(arg, token.span.end));
        };
        self.at += 1;
        let value = closed(value)?;
        self.keep_once(arg, value)
    }

    /// Values up to the next flag. Behind the first, a quoted string or a run ends them too: they belong to the verb.
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
        if self.values.len() == before {
            Err(no_value(arg, token.span.end))
        } else {
            Ok(())
        }
    }

    fn keep_once(&mut self, arg: &'static Arg, value: Value) -> Result<(), ParseError> {
        if self.values.iter().any(|(name, _)| *name == arg.name) {
            let message = format!("--{} is given twice.", arg.name);
            return Err(ParseError::new(ErrorCode::Repeated, value.span, message));
        }
        self.values.push((arg.name, value));
        Ok(())
    }

    /// Keeps what stands between the commas of one token, each with its own place.
    fn keep_list(&mut self, arg: &'static Arg, token: &Token) -> Result<(), ParseError> {
        let whole = closed(token)?;
        let exact = whole.text.len() == whole.span.len();
        let mut start = whole.span.start;
        for piece in whole.text.split(',') {
            let span = if exact {
                start..start + piece.len()
            } else {
                whole.span.clone()
            };
            start += piece.len() + 1;
            if !piece.is_empty() {
                self.values.push((
                    arg.name,
                    Value {
                        text: piece.to_owned(),
                        span,
                    },
                ));
            }
        }
        Ok(())
    }

    /// Takes the run out of the loose words. Before the prose it may stand anywhere; in it, only first or last.
    fn take_run(&mut self) -> Result<Option<HotfixId>, ParseError> {
        if !self.verb.takes_run {
            return Ok(None);
        }
        let named = |place: usize| {
            self.loose
                .get(place)
                .and_then(|at| self.tokens.get(*at))
                .and_then(run_in)
        };
        let count = self.loose.len();
        let found = if self.verb.takes_text() {
            let first_of_prose = self.verb.places().filter(|arg| !arg.form.is_text()).count();
            let places = (0..=first_of_prose.min(count)).chain(count.checked_sub(1));
            places
                .into_iter()
                .find_map(|place| named(place).map(|run| (place, run)))
        } else {
            (0..count).find_map(|place| named(place).map(|run| (place, run)))
        };
        let Some((place, run)) = found else {
            return Ok(None);
        };
        self.loose.remove(place);
        if !self.verb.takes_text() {
            let again = self
                .loose
                .iter()
                .filter_map(|at| self.tokens.get(*at))
                .find(|t| run_in(t).is_some());
            if let Some(token) = again {
                let message = format!(
                    "Two runs are named, {run} and {}: one command is about one run.",
                    shown(&token.text)
                );
                return Err(ParseError::new(ErrorCode::Repeated, token.span.clone(), message));
            }
        }
        Ok(Some(run))
    }

    /// Puts the loose words into the places of the verb, in order.
    fn place(&mut self) -> Result<(), ParseError> {
        let loose = std::mem::take(&mut self.loose);
        let mut left = loose.as_slice();
        for arg in self.verb.places() {
            let Some((first, others)) = left.split_first() else {
                break;
            };
            if arg.form.is_text() {
                let value = self.prose(left);
                if !value.text.is_empty() {
                    self.values.push((arg.name, value));
                }
                left = &[];
                continue;
            }
            let taken = if arg.form == Form::Words {
                left
            } else {
                std::slice::from_ref(first)
            };
            left = if arg.form == Form::Words { &[] } else { others };
            for token in taken.iter().filter_map(|at| self.tokens.get(*at)) {
                if arg.form == Form::Words {
                    self.keep_list(arg, token)?;
                } else {
                    self.values.push((arg.name, closed(token)?));
                }
            }
        }
        match left.first().and_then(|at| self.tokens.get(*at)) {
            Some(extra) => Err(self.too_many(extra)),
            None => Ok(()),
        }
    }

    /// The free text that these tokens stand for: as it was typed, without what was taken out of it. One quoted string
    /// alone loses its quotes.
    fn prose(&self, places: &[usize]) -> Value {
        let tokens: Vec<(usize, &Token)> = places
            .iter()
            .filter_map(|at| self.tokens.get(*at).map(|t| (*at, t)))
            .collect();
        let span = tokens.first().map_or(0, |(_, t)| t.span.start)..tokens.last().map_or(0, |(_, t)| t.span.end);
        if let [(_, only)] = tokens.as_slice()
            && only.kind == TokenKind::Quoted
        {
            return Value {
                text: only.text.clone(),
                span,
            };
        }
        // Stretches of neighbouring tokens, so that the spaces and quotes between them stay.
        let mut stretches: Vec<(usize, Span)> = Vec::new();
        for (at, token) in tokens {
            match stretches.last_mut() {
                Some((last, stretch)) if *last + 1 == at => {
                    *last = at;
                    stretch.end = token.span.end;
                }
                _ => stretches.push((at, token.span.clone())),
            }
        }
        let said = stretches
            .into_iter()
            .map(|(_, stretch)| slack::decode(self.text.get(stretch).unwrap_or_default(), false));
        Value {
            text: squeeze(&said.collect::<Vec<_>>().join(" ")),
            span,
        }
    }

    fn too_many(&self, token: &Token) -> ParseError {
        let word = shown(&token.text);
        if let Some(name) = token.text.strip_prefix('-').filter(|_| token.kind == TokenKind::Word) {
            let near = nearest(name.trim_start_matches('-'), self.verb.flags().map(|arg| arg.name));
            let message = format!("`{}` has no flag {word}.", self.verb.name);
            let error = ParseError::new(ErrorCode::UnknownFlag, token.span.clone(), message);
            return error.suggesting(near.map(|name| format!("--{name}")));
        }
        let message = format!("`{}` has no place for {word}.", self.verb.name);
        let error = ParseError::new(ErrorCode::UnexpectedWord, token.span.clone(), message);
        let digits: String = token.text.chars().filter(char::is_ascii_digit).collect();
        let run = format!("HF-{digits}")
            .parse::<HotfixId>()
            .ok()
            .filter(|_| self.verb.takes_run);
        let is_near_run = token.text.to_lowercase().trim_start_matches(['h', 'f', '-', '_', '#']) == digits;
        error.suggesting(run.filter(|_| is_near_run).map(|run| run.to_string()))
    }
}

/// The run that a bare word names.
fn run_in(token: &Token) -> Option<HotfixId> {
    if token.kind != TokenKind::Word || token.glued {
        return None;
    }
    token.text.parse().ok()
}

/// The value of a token that must not be an unfinished string.
fn closed(token: &Token) -> Result<Value, ParseError> {
    if token.kind == TokenKind::Unclosed {
        let message = "This quote is never closed.";
        return Err(ParseError::new(ErrorCode::UnclosedQuote, token.span.clone(), message));
    }
    Ok(Value {
        text: token.text.clone(),
        span: token.span.clone(),
    })
}

fn no_value(arg: &Arg, at: usize) -> ParseError {
    ParseError::new(
        ErrorCode::MissingValue,
        at..at,
        format!("--{} needs a value: {}.", arg.name, arg.about),
    )
}
