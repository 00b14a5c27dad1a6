//! Binding of the tokens that are not flags: the run, the positional words, the free text.

use super::args::Value;
use super::bind::{Binder, closed, run_in};
use super::dates::span_of_time;
use super::error::{ErrorCode, ParseError, Span};
use super::guard::shown;
use super::lex::{Token, TokenKind, squeeze};
use super::suggest::nearest;
use super::table::{ArgSyntax, ArgType};
use super::unescape;
use crate::domain::id::HotfixId;

impl Binder<'_, '_> {
    /// Takes the run out of the loose words. It may appear anywhere before the prose; within the prose only first
    /// or last.
    pub(super) fn take_run(&mut self) -> Result<Option<HotfixId>, ParseError> {
        if !self.verb.takes_run {
            return Ok(None);
        }
        let named = |place: usize| self.loose.get(place).and_then(|at| self.tokens.get(*at)).and_then(run_in);
        let count = self.loose.len();
        let found = if self.verb.takes_text() {
            let first_of_prose = self.verb.places().filter(|arg| !arg.form.is_text()).count();
            let places = (0..=first_of_prose.min(count)).chain(count.checked_sub(1));
            places.into_iter().find_map(|place| named(place).map(|run| (place, run)))
        } else {
            (0..count).find_map(|place| named(place).map(|run| (place, run)))
        };
        let Some((place, run)) = found else {
            return Ok(None);
        };
        self.loose.remove(place);
        if !self.verb.takes_text() {
            let again = self.loose.iter().filter_map(|at| self.tokens.get(*at)).find(|t| run_in(t).is_some());
            if let Some(token) = again {
                let message =
                    format!("Two runs are named, {run} and {}: one command is about one run.", shown(&token.text));
                return Err(ParseError::new(ErrorCode::Repeated, token.span.clone(), message));
            }
        }
        Ok(Some(run))
    }

    /// Binds the loose words to the positional arguments, in order.
    pub(super) fn place(&mut self) -> Result<(), ParseError> {
        let loose = std::mem::take(&mut self.loose);
        let mut left = loose.as_slice();
        for arg in self.verb.places() {
            let Some((first, others)) = left.split_first() else {
                break;
            };
            if arg.form.is_text() {
                if let ArgType::Lasting(how) = arg.kind {
                    self.no_span_of_time(left, how)?;
                }
                let value = self.prose(left);
                if !value.text.is_empty() {
                    self.values.push((arg.name, value));
                }
                left = &[];
                continue;
            }
            let taken = if arg.form == ArgSyntax::Words { left } else { std::slice::from_ref(first) };
            left = if arg.form == ArgSyntax::Words { &[] } else { others };
            for token in taken.iter().filter_map(|at| self.tokens.get(*at)) {
                if arg.form == ArgSyntax::Words {
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

    /// Returns the free text of these tokens as it was typed, without tokens that were bound elsewhere. A single quoted
    /// string loses its quotes.
    fn prose(&self, places: &[usize]) -> Value {
        let tokens: Vec<(usize, &Token)> =
            places.iter().filter_map(|at| self.tokens.get(*at).map(|t| (*at, t))).collect();
        let span = tokens.first().map_or(0, |(_, t)| t.span.start)..tokens.last().map_or(0, |(_, t)| t.span.end);
        if let [(_, only)] = tokens.as_slice()
            && only.kind == TokenKind::Quoted
        {
            return Value { text: only.text.clone(), span };
        }
        // Adjacent tokens form one stretch, so that the spaces and quotes between them are kept.
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
            .map(|(_, stretch)| unescape::decode(self.text.get(stretch).unwrap_or_default(), false));
        Value { text: squeeze(&said.collect::<Vec<_>>().join(" ")), span }
    }

    /// Refuses a time span in the text of a command that does not accept one.
    fn no_span_of_time(&self, places: &[usize], how: &str) -> Result<(), ParseError> {
        let tokens: Vec<&Token> = places.iter().filter_map(|at| self.tokens.get(*at)).collect();
        // Quoted text is never treated as a time span.
        let words: Vec<&str> =
            tokens.iter().map(|token| if token.kind == TokenKind::Quoted { "" } else { token.text.as_str() }).collect();
        let Some(span) = span_of_time(&words) else {
            return Ok(());
        };
        let named = shown(&words.get(span.clone()).unwrap_or_default().join(" "));
        let begin = tokens.get(span.start).map_or(0, |token| token.span.start);
        let end = tokens.get(span.end - 1).map_or(begin, |token| token.span.end);
        let message = format!(
            "`{}` does not take {named}. {how} If it belongs to the reason, put the reason in quotes.",
            self.verb.name
        );
        Err(ParseError::new(ErrorCode::UnexpectedWord, begin..end, message))
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
        let run = format!("HF-{digits}").parse::<HotfixId>().ok().filter(|_| self.verb.takes_run);
        let is_near_run = token.text.to_lowercase().trim_start_matches(['h', 'f', '-', '_', '#']) == digits;
        error.suggesting(run.filter(|_| is_near_run).map(|run| run.to_string()))
    }
}
