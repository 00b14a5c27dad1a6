//! Forms, the buttons that open them, message shortcuts and the home page. A submitted form becomes the command that
//! could have been typed, so it is parsed, checked and refused like one.

use std::fmt::Write as _;
use std::ops::Range;

use hotfix_adapters::chat::{Answers, Card, Form};
use hotfix_adapters::ids::MessageRef;
use hotfix_storage::DedupeKey;

use super::interactions::{Caller, Reply};
use super::{Engine, EngineError};
use crate::command::{self, ErrorCode, ParseError, Request};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, ServiceName, StepId};
use crate::domain::step::{Progress, Wait, progress};
use crate::view;

/// Maximum length in characters of a message that is attached to a run.
const KEPT: usize = 1_000;

/// The response to an inbound interaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// No response: the effect shows elsewhere, or the interaction was not meant for the bot.
    Silent,
    /// A reply that only the caller can read.
    Said(Reply),
    /// A form that asks for missing input.
    Ask(Form),
    /// Validation errors of a submitted form: the id of each input with its error.
    Wrong(Vec<(String, String)>),
    /// The cards of the caller's home page.
    Home(Vec<Card>),
    /// The chat cannot be asked who the caller is, so nothing was done. The interaction names its subject, so it means
    /// the same later: keep it, and handle it when the chat is reachable.
    NotNow(Reply),
}

impl Response {
    /// Returns the private reply; `None` for any other response.
    #[must_use]
    pub fn reply(self) -> Option<Reply> {
        match self {
            Self::Said(reply) | Self::NotNow(reply) => Some(reply),
            Self::Silent | Self::Ask(_) | Self::Wrong(_) | Self::Home(_) => None,
        }
    }

    /// Returns the card for a deferred reply. A form cannot be shown or corrected late, so the card says that nothing
    /// was done. `None` if there is nothing to say.
    #[must_use]
    pub fn late(self) -> Option<Card> {
        match self {
            Self::Said(reply) => Some(reply.card),
            Self::Ask(_) => Some(view::too_late_to_ask()),
            Self::Wrong(wrong) => Some(view::wrong(&wrong)),
            Self::Silent | Self::Home(_) | Self::NotNow(_) => None,
        }
    }
}

/// The form and its subject, parsed from a key such as `verify/staging/HF-1`.
enum Topic<'a> {
    Start(Option<ServiceName>),
    Triage(HotfixId),
    Verify(HotfixId, &'a str),
    Hold(HotfixId),
    /// A rejection, with the short commit id and the environment of its vote request.
    Reject(HotfixId, Option<(&'a str, &'a str)>),
    Override(HotfixId, StepId),
    Add,
}

impl<'a> Topic<'a> {
    fn parse(key: &'a str) -> Option<Self> {
        let mut parts = key.split('/');
        let (name, second, third, fourth) = (parts.next()?, parts.next(), parts.next(), parts.next());
        let run = |part: Option<&str>| part.and_then(|part| part.parse::<HotfixId>().ok());
        match (name, second, third) {
            ("start", None, None) => Some(Self::Start(None)),
            ("start", Some(service), None) => Some(Self::Start(Some(service.parse().ok()?))),
            ("triage", _, None) => run(second).map(Self::Triage),
            ("hold", _, None) => run(second).map(Self::Hold),
            ("reject", _, _) => run(second).map(|id| Self::Reject(id, third.zip(fourth))),
            ("verify", Some(place), _) => run(third).map(|id| Self::Verify(id, place)),
            ("override", Some(gate), _) => Some(Self::Override(run(third)?, gate.parse().ok()?)),
            ("add", None, None) => Some(Self::Add),
            _ => None,
        }
    }
}

impl Engine {
    /// Returns the form for a command with a missing argument, if there is one.
    pub(super) async fn form_instead(&self, asker: &Caller, text: &str, error: &ParseError) -> Option<Form> {
        if error.code != ErrorCode::MissingArgument {
            return None;
        }
        let mut words = text.split_whitespace().skip(1);
        match error.verb? {
            "start" => Some(self.start_form(asker, words.next().and_then(|word| word.parse().ok()).as_ref())),
            verb @ ("hold" | "triage" | "reject") => {
                let run = self.find_run(asker, words.find_map(|word| word.parse().ok())).await.ok()?;
                match verb {
                    "hold" => Some(view::hold_form(&run)),
                    "reject" => Some(view::reject_form(&run)),
                    _triage => view::triage_form(&run),
                }
            }
            "verify" => {
                let run = self.find_run(asker, None).await.ok()?;
                let place = words.next().map(str::to_owned).or_else(|| self.asked_place(&run))?;
                Some(view::verify_form(&run, &place))
            }
            "override" => {
                let run = self.find_run(asker, None).await.ok()?;
                Some(view::override_form(&run, &words.next()?.parse().ok()?))
            }
            _other => None,
        }
    }

    /// Returns the place that the current step waits for a user to confirm.
    fn asked_place(&self, run: &Hotfix) -> Option<String> {
        let (_, spec) = run.current()?;
        match progress(run, spec, self.now()) {
            Progress::Waiting(Wait::Word { place, .. }) => Some(place),
            Progress::Waiting(_) | Progress::Done { .. } | Progress::Impossible(_) => None,
        }
    }

    /// Builds the form that opens a run. Includes the triage criteria if the service is known.
    pub(super) fn start_form(&self, asker: &Caller, service: Option<&ServiceName>) -> Form {
        let seen = self.config.services.keys().filter(|service| self.looks(asker, service).is_ok());
        let known: Vec<ServiceName> = seen.cloned().collect();
        let service = service.filter(|name| known.contains(name));
        view::start_form(service.map(|name| (name, self.config.playbook_of(name))), &known)
    }

    /// Returns the form that a button opens; `None` if the button opens none.
    pub(super) async fn opened_by(&self, asker: &Caller, value: &str) -> Option<Form> {
        match Topic::parse(value.strip_prefix(view::OPENS)?)? {
            Topic::Start(service) => Some(self.start_form(asker, service.as_ref())),
            Topic::Triage(id) => view::triage_form(&self.seen(asker, id).await?),
            Topic::Verify(id, place) => Some(view::verify_form(&self.seen(asker, id).await?, place)),
            Topic::Hold(id) => Some(view::hold_form(&self.seen(asker, id).await?)),
            Topic::Reject(id, _) => Some(view::reject_form(&self.seen(asker, id).await?)),
            Topic::Override(id, gate) => Some(view::override_form(&self.seen(asker, id).await?, &gate)),
            Topic::Add => None,
        }
    }

    /// Returns a run if the caller may see it: the value of a button grants no access (security cases 35 and 81).
    async fn seen(&self, asker: &Caller, id: HotfixId) -> Option<Hotfix> {
        self.state(id).await.filter(|run| self.looks(asker, &run.plan.service).is_ok())
    }

    /// Handles a submitted form.
    pub(super) async fn submitted(
        &self,
        asker: &Caller,
        key: &str,
        answers: &Answers,
    ) -> Result<Response, EngineError> {
        let Some(topic) = Topic::parse(key) else {
            let words = "This form is not one of mine any more. Please begin again.";
            return Ok(Response::Said(Reply::unreadable(words)));
        };
        let mut line = Line::default();
        match &topic {
            Topic::Start(service) => {
                line.word("start");
                match service {
                    Some(service) => line.word(service.as_str()),
                    None => line.quoted("service", answers.get("service").unwrap_or_default()),
                }
                line.quoted("title", answers.get("title").unwrap_or_default());
                line.flag("incident", answers.get("incident"));
                line.flag("ticket", answers.get("ticket"));
                for fix in answers.get("fix").unwrap_or_default().split([',', ' ']).filter(|fix| !fix.is_empty()) {
                    line.flag("fix", Some(fix));
                }
            }
            Topic::Triage(id) => line.triage(&self.triaged(*id, answers).await, Some(*id)),
            Topic::Verify(id, place) => {
                line.word("verify");
                line.word(place);
                line.quoted("verdict", answers.get("verdict").unwrap_or_default());
                if let Some(note) = answers.get("note") {
                    line.quoted("note", note);
                }
                line.word(&id.to_string());
            }
            Topic::Hold(id) => line.reasoned("hold", answers, *id),
            Topic::Reject(id, asked) => {
                if let (Some(asked), Some(run)) = (asked, self.seen(asker, *id).await)
                    && !still_asks(&run, *asked)
                {
                    return Ok(Response::Said(Reply::no(&[self.closed_meanwhile(asker, &run)])));
                }
                line.reasoned("reject", answers, *id);
            }
            Topic::Override(id, gate) => {
                line.word("override");
                line.word(gate.as_str());
                line.quoted("reason", answers.get("reason").unwrap_or_default());
                line.flag("incident", answers.get("incident"));
                line.word(&id.to_string());
            }
            Topic::Add => {
                line.word("note");
                line.quoted("text", answers.get("text").unwrap_or_default());
                line.word(answers.get("run").unwrap_or_default());
            }
        }
        let request = match command::parse(&line.text, &self.known_to(asker)) {
            Ok(request) => request,
            Err(error) => return Ok(Response::Wrong(vec![(line.at(&error), error.message)])),
        };
        let starts = matches!(request, Request::Start { .. });
        let reply = self.dispatch(asker, request).await?;
        if starts && reply.ok && answers.get("criteria").is_some() {
            self.triage_along(asker, answers).await?;
        }
        Ok(Response::Said(reply))
    }

    /// Submits the triage answers of the form that opened a run.
    async fn triage_along(&self, asker: &Caller, answers: &Answers) -> Result<(), EngineError> {
        let me = self.person(Some(&asker.account));
        let opened =
            self.states().await.into_iter().filter(|run| Some(&run.requester) == me.as_ref() && !run.is_over());
        let Some(run) = opened.max_by_key(|run| run.opened_at) else { return Ok(()) };
        let mut line = Line::default();
        line.triage(&lettered(&run, answers), Some(run.id));
        let Ok(request) = command::parse(&line.text, &self.known_to(asker)) else { return Ok(()) };
        // A dedupe key of its own, because the start command used the first one.
        let seen = asker.seen.as_ref().map(|seen| DedupeKey::new(format!("{seen}/triage")));
        let asker = Caller { seen, ..asker.clone() };
        self.dispatch(&asker, request).await.map(|_| ())
    }

    async fn triaged(&self, id: HotfixId, answers: &Answers) -> Vec<String> {
        match self.state(id).await {
            Some(run) => lettered(&run, answers),
            None => Vec::new(),
        }
    }

    /// Handles the message shortcut: attaches a message to a run as a note.
    pub(super) async fn added(
        &self,
        asker: &Caller,
        message: &MessageRef,
        text: &str,
        can_ask: bool,
    ) -> Result<Response, EngineError> {
        let kept: String = text.chars().take(KEPT).filter(|c| !c.is_control() || c.is_whitespace()).collect();
        match self.find_run(asker, None).await {
            Ok(run) => {
                let text = format!("{} (message {})", kept.trim(), message.id);
                Ok(Response::Said(self.dispatch(asker, Request::Note { text, run: Some(run.id) }).await?))
            }
            Err(refusal) => {
                let states = self.states().await;
                let seen = |run: &&Hotfix| !run.is_over() && self.looks(asker, &run.plan.service).is_ok();
                let open: Vec<&Hotfix> = states.iter().filter(seen).collect();
                if can_ask && !open.is_empty() {
                    return Ok(Response::Ask(view::add_form(&open, &kept)));
                }
                Ok(Response::Said(Reply::no(&[refusal])))
            }
        }
    }

    /// Builds the caller's home page, from the runs that they may see.
    pub(super) async fn home(&self, asker: &Caller) -> Response {
        let me = self.person(Some(&asker.account));
        let states = self.states().await;
        let seen: Vec<&Hotfix> = states.iter().filter(|run| self.looks(asker, &run.plan.service).is_ok()).collect();
        Response::Home(view::home(&seen, me.as_ref(), &self.audience(), self.now()))
    }
}

/// Returns `true` if the vote request that a rejection form refers to is still open (security case 35).
fn still_asks(run: &Hotfix, (commit, environment): (&str, &str)) -> bool {
    run.vote_requests.iter().any(|(place, prompt)| {
        place.as_str() == environment && prompt.commit.short() == commit && run.takes_votes(place)
    })
}

/// Returns the triage answers: a selected criterion is met, any other is not.
fn lettered(run: &Hotfix, answers: &Answers) -> Vec<String> {
    let form = view::triage_form(run);
    let choices = form.iter().flat_map(|form| &form.inputs).filter_map(|input| match &input.kind {
        hotfix_adapters::chat::InputKind::Many(choices) => Some(choices),
        hotfix_adapters::chat::InputKind::One(_)
        | hotfix_adapters::chat::InputKind::Line(_)
        | hotfix_adapters::chat::InputKind::Paragraph(_) => None,
    });
    let met = |letter: &str| answers.chosen("criteria").any(|chosen| chosen == letter);
    choices.flatten().map(|choice| format!("{}={}", choice.id, if met(&choice.id) { "yes" } else { "no" })).collect()
}

/// A command line under construction, with the position of each answer in it.
#[derive(Default)]
struct Line {
    text: String,
    parts: Vec<(Range<usize>, &'static str)>,
}

impl Line {
    fn word(&mut self, word: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    /// Appends an answer as one quoted argument.
    fn quoted(&mut self, id: &'static str, answer: &str) {
        let escaped = answer.replace('\\', "\\\\").replace('"', "\\\"");
        // The parser decodes the entities that Slack writes into typed commands, so form answers are encoded
        // the same way.
        let escaped = escaped.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let begin = self.text.len();
        self.word(&format!("\"{escaped}\""));
        self.parts.push((begin..self.text.len(), id));
    }

    fn flag(&mut self, id: &'static str, answer: Option<&str>) {
        if let Some(answer) = answer {
            self.word(&format!("--{id}"));
            self.quoted(id, answer);
        }
    }

    fn reasoned(&mut self, verb: &str, answers: &Answers, run: HotfixId) {
        self.word(verb);
        self.quoted("reason", answers.get("reason").unwrap_or_default());
        self.word(&run.to_string());
    }

    fn triage(&mut self, letters: &[String], run: Option<HotfixId>) {
        self.word("triage");
        for letter in letters {
            self.word(letter);
        }
        if let Some(run) = run {
            let _ = write!(self.text, " {run}");
        }
    }

    /// Returns the input whose answer a parse error points at; the first input if it points at none.
    fn at(&self, error: &ParseError) -> String {
        let there =
            self.parts.iter().find(|(range, _)| range.contains(&error.span.start) || range.end == error.span.start);
        there.or(self.parts.first()).map_or_else(String::new, |(_, id)| (*id).to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// A deferred reply about an invalid or unopened form says that nothing was done.
    #[test]
    fn what_is_answered_late_still_says_that_nothing_was_done() {
        let wrong = Response::Wrong(vec![("ticket".to_owned(), "it is too long".to_owned())]);
        let said = view::plain(&wrong.late().unwrap());
        assert!(said.contains("ticket: it is too long") && said.contains("Nothing was done"), "{said}");
        let form = Form {
            key: String::new(),
            title: String::new(),
            submit: String::new(),
            lead: String::new(),
            instead: String::new(),
            inputs: Vec::new(),
        };
        let said = view::plain(&Response::Ask(form).late().unwrap());
        assert!(said.contains("Nothing was done"), "{said}");
        assert_eq!(Response::Silent.late(), None);
    }
}
