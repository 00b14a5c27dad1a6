//! The bound arguments of a command, and the checks that turn each into a domain type. The `build` function of a verb
//! calls them with the argument names of its own table entry.

use hotfix_adapters::ids::Environment;

use super::error::{ErrorCode, ParseError, Span};
use super::guard::shown;
use super::lexicon::Lexicon;
use super::reference::Reference;
use super::suggest::nearest;
use super::{duration, reference};
use crate::domain::id::{HotfixId, ServiceName, StepId};
use crate::domain::playbook::WATCH;

/// One word or quoted string, with its position.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) span: Span,
}

/// The bound arguments of a command, keyed by the names of the verb's table entry.
#[derive(Debug)]
pub struct Args<'a> {
    pub(super) known: &'a Lexicon,
    pub(super) values: Vec<(&'static str, Value)>,
    /// The run that the caller named, if any.
    pub(super) run: Option<HotfixId>,
    /// Position at which a missing argument is reported: the end of the text.
    pub(super) end: usize,
}

impl Args<'_> {
    fn all(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.values.iter().filter(move |(n, _)| *n == name).map(|(_, value)| value)
    }

    fn first(&self, name: &str) -> Option<&Value> {
        self.all(name).next()
    }

    fn need(&self, name: &str) -> Result<&Value, ParseError> {
        self.first(name).ok_or_else(|| {
            ParseError::new(ErrorCode::MissingArgument, self.end..self.end, format!("Here the {name} is missing."))
        })
    }

    /// Returns `true` if the switch was given.
    pub(super) fn switch(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Returns required free text.
    pub(super) fn text(&self, name: &str) -> Result<String, ParseError> {
        self.need(name).map(|value| value.text.clone())
    }

    /// Returns optional free text.
    pub(super) fn optional_text(&self, name: &str) -> Option<String> {
        self.first(name).map(|value| value.text.clone())
    }

    /// Returns the span of an argument, or the end of the text if it is missing.
    pub(super) fn place_of(&self, name: &str) -> Span {
        self.first(name).map_or(self.end..self.end, |value| value.span.clone())
    }

    /// Refuses an argument that cannot be combined with the others.
    pub(super) fn refuse(&self, name: &str, why: &str) -> Result<(), ParseError> {
        self.first(name)
            .map_or(Ok(()), |value| Err(ParseError::new(ErrorCode::UnexpectedWord, value.span.clone(), why)))
    }

    /// Returns a required, known service.
    pub(super) fn service(&self, name: &str) -> Result<ServiceName, ParseError> {
        self.check_service(self.need(name)?)
    }

    /// Returns an optional, known service.
    pub(super) fn optional_service(&self, name: &str) -> Result<Option<ServiceName>, ParseError> {
        self.first(name).map(|value| self.check_service(value)).transpose()
    }

    /// Returns a required, known service; `None` for the word `all`.
    pub(super) fn service_or_all(&self, name: &str) -> Result<Option<ServiceName>, ParseError> {
        let value = self.need(name)?;
        if value.text.eq_ignore_ascii_case("all") {
            return Ok(None);
        }
        self.check_service(value).map(Some)
    }

    /// Returns a required, known environment.
    pub(super) fn environment(&self, name: &str) -> Result<Environment, ParseError> {
        self.check_environment(self.need(name)?)
    }

    /// Returns `local`, `watch` or a known environment.
    pub(super) fn place(&self, name: &str) -> Result<String, ParseError> {
        let value = self.need(name)?;
        if let Some(name) = ["local", WATCH].into_iter().find(|name| value.text.eq_ignore_ascii_case(name)) {
            return Ok(name.to_owned());
        }
        self.check_environment(value).map(String::from)
    }

    /// Returns a required lane, written as `service/environment`.
    pub(super) fn lane(&self, name: &str) -> Result<(ServiceName, Environment), ParseError> {
        let value = self.need(name)?;
        let Some((service, environment)) = value.text.split_once('/') else {
            let service = self.check_service(value)?;
            let message = format!("{} names no environment: which one is meant?", shown(&value.text));
            let example = self.known.environments.first().map_or("production", String::as_str);
            let error = ParseError::new(ErrorCode::BadValue, value.span.clone(), message);
            return Err(error.suggesting(Some(format!("{service}/{example}"))));
        };
        // The parts have spans of their own only if nothing was quoted or escaped.
        let exact = value.span.len() == value.text.len();
        let cut = value.span.start + service.len();
        let spans = if exact {
            (value.span.start..cut, cut + 1..value.span.end)
        } else {
            (value.span.clone(), value.span.clone())
        };
        let service = self.check_service(&Value { text: service.to_owned(), span: spans.0 })?;
        let environment = self.check_environment(&Value { text: environment.to_owned(), span: spans.1 })?;
        Ok((service, environment))
    }

    /// Returns a required, known step.
    pub(super) fn step(&self, name: &str) -> Result<StepId, ParseError> {
        let value = self.need(name)?;
        let word = value.text.to_lowercase();
        check_known(value, &word, &self.known.steps, ErrorCode::UnknownStep, "step")?;
        word.parse().map_err(|e: crate::domain::id::NotAName| bad(value, e))
    }

    /// Returns an optional, known step.
    pub(super) fn optional_step(&self, name: &str) -> Result<Option<StepId>, ParseError> {
        self.first(name).map(|_| self.step(name)).transpose()
    }

    /// Returns the meaning of a required word from a fixed set.
    pub(super) fn one_of<T: Copy>(&self, name: &str, meanings: &[(&'static str, T)]) -> Result<T, ParseError> {
        let value = self.need(name)?;
        let word = value.text.to_lowercase();
        if let Some((_, meaning)) = meanings.iter().find(|(w, _)| *w == word) {
            return Ok(*meaning);
        }
        let words: Vec<&str> = meanings.iter().map(|(w, _)| *w).collect();
        let message = format!("{} is not one of: {}.", shown(&value.text), words.join(", "));
        let error = ParseError::new(ErrorCode::BadValue, value.span.clone(), message);
        Err(error.suggesting(nearest(&word, words)))
    }

    /// Returns pull requests and commits, without duplicates.
    pub(super) fn fixes(&self, name: &str) -> Result<Vec<String>, ParseError> {
        let mut fixes: Vec<String> = Vec::new();
        for value in self.all(name) {
            let fix = Reference::parse_fix(&value.text).map_err(|why| bad(value, why))?.to_string();
            if !fixes.contains(&fix) {
                fixes.push(fix);
            }
        }
        Ok(fixes)
    }

    /// Returns names that the configuration does not list; only their form is checked.
    pub(super) fn names(&self, name: &str) -> Result<Vec<String>, ParseError> {
        self.each(name, |text| reference::check_name(text).map(|()| text.to_owned()))
            .map_err(|(span, why)| ParseError::new(ErrorCode::BadValue, span, why))
    }

    /// Returns an optional name for something new.
    pub(super) fn name(&self, name: &str) -> Result<Option<String>, ParseError> {
        self.names(name).map(|names| names.into_iter().next())
    }

    /// Parses every value of an argument with `read`. Fails with the span of the first value that does not parse.
    pub(super) fn each<T, E>(&self, name: &str, read: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, (Span, E)> {
        self.all(name).map(|value| read(&value.text).map_err(|why| (value.span.clone(), why))).collect()
    }

    /// Returns an optional branch, tag, commit or pull request.
    pub(super) fn reference(&self, name: &str) -> Result<Option<String>, ParseError> {
        let Some(value) = self.first(name) else {
            return Ok(None);
        };
        Reference::parse(&value.text).map(|reference| Some(reference.to_string())).map_err(|why| bad(value, why))
    }

    /// Returns an optional commit id, full or abbreviated.
    pub(super) fn commit(&self, name: &str) -> Result<Option<String>, ParseError> {
        let Some(value) = self.first(name) else {
            return Ok(None);
        };
        match Reference::parse(&value.text) {
            Ok(Reference::Commit { id, .. }) => Ok(Some(id)),
            Ok(Reference::Pull { .. } | Reference::Number(_) | Reference::Name(_)) | Err(_) => {
                let hint = "7 digits of its id or more are wanted, or its address";
                Err(bad(value, format!("{} is no commit: {hint}", shown(&value.text))))
            }
        }
    }

    /// Returns a required commit id, full or abbreviated.
    pub(super) fn needed_commit(&self, name: &str) -> Result<String, ParseError> {
        self.need(name)?;
        Ok(self.commit(name)?.unwrap_or_default())
    }

    /// Returns an optional base: `deployed@ENV`, or a branch, tag, commit or pull request.
    pub(super) fn base(&self, name: &str) -> Result<Option<String>, ParseError> {
        let Some((value, word)) = self.first(name).and_then(|v| v.text.strip_prefix("deployed@").map(|e| (v, e)))
        else {
            return self.reference(name);
        };
        let start = value.span.end.saturating_sub(word.len()).max(value.span.start);
        let environment = self.check_environment(&Value { text: word.to_owned(), span: start..value.span.end })?;
        Ok(Some(format!("deployed@{environment}")))
    }

    /// Returns a required address.
    pub(super) fn url(&self, name: &str) -> Result<String, ParseError> {
        let value = self.need(name)?;
        reference::check_url(&value.text).map_err(|why| bad(value, why))?;
        Ok(value.text.clone())
    }

    /// Returns an optional address.
    pub(super) fn optional_url(&self, name: &str) -> Result<Option<String>, ParseError> {
        self.first(name).map(|_| self.url(name)).transpose()
    }

    /// Returns an optional duration in minutes.
    pub(super) fn minutes(&self, name: &str) -> Result<Option<u32>, ParseError> {
        let minutes = |value: &Value| duration::parse_minutes(&value.text).map_err(|why| bad(value, why));
        self.first(name).map(minutes).transpose()
    }

    fn check_service(&self, value: &Value) -> Result<ServiceName, ParseError> {
        let word = value.text.to_lowercase();
        check_known(value, &word, &self.known.services, ErrorCode::UnknownService, "service")?;
        word.parse().map_err(|e: crate::domain::id::NotAName| bad(value, e))
    }

    fn check_environment(&self, value: &Value) -> Result<Environment, ParseError> {
        let word = value.text.to_lowercase();
        check_known(value, &word, &self.known.environments, ErrorCode::UnknownEnvironment, "environment")?;
        Environment::parse(&word).map_err(|e| bad(value, e))
    }
}

/// Refuses a word that is not in the list. An empty list accepts every word.
fn check_known(value: &Value, word: &str, list: &[String], code: ErrorCode, what: &str) -> Result<(), ParseError> {
    if list.is_empty() || list.iter().any(|known| known == word) {
        return Ok(());
    }
    let mut message = format!("There is no {what} {}.", shown(&value.text));
    let suggestion = nearest(word, list.iter().map(String::as_str));
    if suggestion.is_none() && list.len() <= 8 {
        message.push_str(&format!(" There are: {}.", list.join(", ")));
    }
    Err(ParseError::new(code, value.span.clone(), message).suggesting(suggestion))
}

fn bad(value: &Value, why: impl std::fmt::Display) -> ParseError {
    ParseError::new(ErrorCode::BadValue, value.span.clone(), format!("{why}."))
}
