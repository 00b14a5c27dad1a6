//! Inbound interactions from the chat: parses them into requests, checks access, and submits the command to the run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use hotfix_adapters::chat::{Card, Emoji, Inbound, Interaction as Did};
use hotfix_adapters::ids::{BranchName, ChannelRef, CommitId, Environment, MessageRef, PersonRef, Platform};
use hotfix_storage::{Commit, CommitError, DedupeKey, Receipt};

use super::admission::CHAT_DOWN;
use super::branch_tips::Tips;
use super::forms::Response;
use super::mailbox::{CommitExtras, Submitted};
use super::start::{Promotion, Start, Started};
use super::vote_request::{ButtonPress, no_question, not_its_button};
use super::{Engine, EngineError, rate_limit};
use crate::command::{self, DriftChoice as Choice, Lexicon, MergebackAction, Request, TriageWord};
use crate::domain::command::{Command, UserCommand};
use crate::domain::event::{DriftChoice, TriageAnswer};
use crate::domain::hotfix::{Hotfix, StepState};
use crate::domain::id::{HotfixId, PersonId, ServiceName};
use crate::domain::observation::StampedObservation;
use crate::domain::people::{Grant, Permission, Role};
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::domain::step;
use crate::domain::vote_request::VoteRequest;
use crate::domain::vote_source::VoteSource;
use crate::policy::Denial;
use crate::view;

/// The reply to an interaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The message that is shown to the caller alone.
    pub card: Card,
    /// `true` if the command succeeded; `false` if it was refused or could not be parsed.
    pub ok: bool,
    /// Codes of the refusals, for metrics and the log. Empty on success and for text that could not be parsed.
    pub rules: Vec<String>,
}

impl Reply {
    pub(super) fn yes(card: Card) -> Self {
        Self { card, ok: true, rules: Vec::new() }
    }

    /// Returns the reply to a repeated delivery. A receipt without events belongs to an input that changed nothing.
    pub(super) fn again(first: Option<&Receipt>) -> Self {
        match first {
            Some(receipt) if receipt.versions.is_empty() => {
                Self { card: view::answered_before(), ok: false, rules: Vec::new() }
            }
            Some(_) | None => Self::yes(view::seen_before()),
        }
    }

    pub(super) fn no(refusals: &[Refusal]) -> Self {
        let rules = refusals.iter().map(|refusal| refusal.code.clone()).collect();
        Self { card: view::refusals(refusals), ok: false, rules }
    }

    pub(super) fn unreadable(words: &str) -> Self {
        Self { card: view::unreadable(words), ok: false, rules: Vec::new() }
    }
}

/// The caller of a request: their account, and where they made it.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) account: PersonRef,
    pub(super) channel: ChannelRef,
    pub(super) thread: Option<MessageRef>,
    pub(super) seen: Option<DedupeKey>,
}

impl Engine {
    /// Handles one interaction. When this returns, its outcome is durable.
    ///
    /// # Errors
    /// If the journal fails. Then nothing was done, and the sender must be informed.
    pub async fn handle_inbound(&self, inbound: &Inbound) -> Result<Response, EngineError> {
        // Rate-limited requests are dropped without recording their dedupe key; otherwise a flood would
        // fill the journal.
        if let Err(too_much) = self.check_rate(inbound) {
            self.pulse.heard(false);
            return Ok(*too_much);
        }
        let response = self.handle(inbound).await?;
        if let Response::Said(reply) = &response {
            self.log_denial(inbound, &reply.rules);
        }
        let ok = match &response {
            Response::Said(reply) => reply.ok,
            Response::Wrong(_) => false,
            Response::Silent | Response::Ask(_) | Response::Home(_) => true,
            // It is counted when it is handled.
            Response::NotNow(_) => return Ok(response),
        };
        self.pulse.heard(ok);
        if !ok {
            self.record_key(&DedupeKey::new(inbound.dedupe_key.clone())).await?;
        }
        Ok(response)
    }

    /// Logs a refusal with the codes of the rules behind it. Rate-limited requests do not reach this, so they cannot
    /// flood the log.
    fn log_denial(&self, inbound: &Inbound, rules: &[String]) {
        if rules.is_empty() {
            return;
        }
        self.pulse.denied(rules);
        let person = self.person(Some(&inbound.from));
        tracing::info!(
            rules = %rules.join(" "),
            act = way(&inbound.interaction),
            account = %inbound.from.id,
            person = person.as_ref().map(PersonId::as_str),
            channel = %inbound.channel,
            key = %inbound.dedupe_key,
            "somebody was refused"
        );
    }

    /// Records the dedupe key of an input that changed nothing. A later delivery of the same input must remain a
    /// repetition, even if the same command would then succeed (security case 5).
    async fn record_key(&self, seen: &DedupeKey) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        commit.seen = Some(seen.clone());
        match self.commit(commit).await {
            Ok(_) | Err(CommitError::AlreadySeen(_)) => Ok(()),
            Err(error) => Err(EngineError::Journal(error.to_string())),
        }
    }

    async fn handle(&self, inbound: &Inbound) -> Result<Response, EngineError> {
        let asker = Caller {
            account: inbound.from.clone(),
            channel: inbound.channel.clone(),
            thread: inbound.thread.clone(),
            seen: Some(DedupeKey::new(inbound.dedupe_key.clone())),
        };
        // Boxed, here and in `dispatch`, because the future is as large as its largest branch: 15 KiB, which would be
        // copied and allocated several times for the smallest one.
        match &inbound.interaction {
            Did::Command { text } => self.on_command(&asker, text, inbound.can_ask).await,
            Did::Reaction { message, emoji, added } => Box::pin(self.on_reaction(&asker, message, emoji, *added)).await,
            Did::ButtonClick { message, value } => {
                Box::pin(self.on_button(&asker, message, value, inbound.can_ask)).await
            }
            Did::FormSubmit { key, answers } => Box::pin(self.submitted(&asker, key, answers)).await,
            Did::MessageShortcut { message, text } => {
                Box::pin(self.added(&asker, message, text, inbound.can_ask)).await
            }
            Did::HomeOpened => Ok(self.home(&asker).await),
        }
    }

    /// Checks the rate limit of the sender. Reactions are not counted: they are votes, and polling reads
    /// them again anyway.
    fn check_rate(&self, inbound: &Inbound) -> Result<(), Box<Response>> {
        let counted =
            !matches!(inbound.interaction, Did::Reaction { .. }) && inbound.from.platform != Platform::Console;
        let most = self.config.settings.chat.pace.person;
        let taken =
            if counted { self.pace.person(&inbound.from, &inbound.dedupe_key, most, self.now()) } else { Ok(()) };
        taken.map_err(|too_much| {
            tracing::warn!(account = %inbound.from.id, most, "somebody said more than their share; it was not done");
            Box::new(if too_much.first {
                Response::Said(Reply::no(&[rate_limit::of_person(most, too_much)]))
            } else {
                Response::Silent
            })
        })
    }

    async fn on_button(
        &self,
        asker: &Caller,
        message: &MessageRef,
        value: &str,
        can_ask: bool,
    ) -> Result<Response, EngineError> {
        if can_ask && let Some(form) = self.opened_by(asker, value).await {
            return Ok(Response::Ask(form));
        }
        if let Some(run) = value.strip_prefix(view::ACKNOWLEDGES).and_then(|run| run.parse().ok()) {
            return self.dispatch(asker, Request::Ack { run: Some(run) }).await.map(Response::Said);
        }
        let word = value.rsplit('/').next().unwrap_or_default();
        if !matches!(word, "approve" | "reject") {
            return Ok(Response::Silent);
        }
        // The value of a button is only compared with the journal's record of the message that it is on
        // (security case 35).
        let run = match self.question(message).await? {
            ButtonPress::Open(run) => run,
            ButtonPress::Closed(run) => return self.pressed_late(asker, &run, message).await,
            ButtonPress::OnItsWay => return Ok(Response::NotNow(Reply::no(&[no_question()]))),
            ButtonPress::None => return Ok(Response::Said(Reply::no(&[no_question()]))),
        };
        let asks =
            |(place, prompt): (&Environment, &VoteRequest)| format!("{}/{place}/{}/{word}", run.id, prompt.commit);
        if run.open_vote_request(message, self.now()).map(asks).as_deref() != Some(value) {
            return Ok(Response::Said(Reply::no(&[not_its_button()])));
        }
        // A rejection by button asks for a reason if a form can be shown; a reaction rejects at once.
        if can_ask && word == "reject" {
            return Ok(Response::Ask(view::reject_form(&run)));
        }
        let (on, way) = (Some(message.clone()), VoteSource::Button);
        let act = match word {
            "approve" => UserCommand::Approve { on, way },
            _reject => UserCommand::Reject { reason: "said so by the button".to_owned(), on, way },
        };
        self.on_question(asker, &run, act).await
    }

    async fn on_reaction(
        &self,
        asker: &Caller,
        message: &MessageRef,
        emoji: &Emoji,
        added: bool,
    ) -> Result<Response, EngineError> {
        let (on, way) = (Some(message.clone()), VoteSource::Reaction);
        let act = match (emoji, added) {
            (Emoji::Yes, true) => UserCommand::Approve { on, way },
            (Emoji::No, true) => UserCommand::Reject { reason: "said so by a reaction".to_owned(), on, way },
            // Events may arrive late or out of order, so the reactions on the message decide.
            (Emoji::Yes | Emoji::No, false) if self.reaction_stands(asker, message, emoji).await => {
                return Ok(Response::Silent);
            }
            (Emoji::Yes | Emoji::No, false) => UserCommand::Unapprove { on },
            (Emoji::Other(_), _) => return Ok(Response::Silent),
        };
        match self.question(message).await? {
            ButtonPress::Open(run) => self.on_question(asker, &run, act).await,
            // A vote can be withdrawn on its message while it counts.
            ButtonPress::Closed(run) if !added && run.rests_on(message) => self.on_question(asker, &run, act).await,
            ButtonPress::Closed(run) if added => self.reacted_late(asker, &run, message).await,
            ButtonPress::OnItsWay => Ok(Response::NotNow(Reply::no(&[no_question()]))),
            // A reaction counts only on a vote request of the bot (security case 32).
            ButtonPress::Closed(_) | ButtonPress::None => Ok(Response::Silent),
        }
    }

    /// Returns `true` if a reaction that was reported as removed is still there (security case 34). If the chat cannot
    /// be read, the reaction counts as removed: a missing vote is requested again, but an extra vote would ship.
    async fn reaction_stands(&self, asker: &Caller, message: &MessageRef, emoji: &Emoji) -> bool {
        let me = self.person(Some(&asker.account));
        let ours = self.states().await.iter().any(|run| run.is_vote_request(message));
        if me.is_none() || !ours {
            return false;
        }
        let reactions = self.outside.chat.reactions(message).await.unwrap_or_default();
        reactions.iter().any(|stands| &stands.emoji == emoji && self.person(Some(&stands.person)) == me)
    }

    async fn on_question(&self, asker: &Caller, state: &Hotfix, act: UserCommand) -> Result<Response, EngineError> {
        let grant = match self.admit_in(asker, state, Role::Approver, Permission::Vote).await {
            Ok(grant) => grant,
            // The message identifies the vote, so a vote during a chat outage is kept and handled later.
            Err(refusal) if refusal.code == CHAT_DOWN => return Ok(Response::NotNow(Reply::no(&[refusal]))),
            Err(refusal) => return Ok(Response::Said(Reply::no(&[refusal]))),
        };
        let reply = self.ask_run(state.id, grant, act, asker).await?;
        // A successful vote shows in the thread; only a refusal needs a reply.
        Ok(if reply.ok { Response::Silent } else { Response::Said(reply) })
    }

    /// Returns the vocabulary of this configuration, for suggestions.
    #[must_use]
    pub fn known(&self) -> &Lexicon {
        &self.known
    }

    /// Returns the vocabulary without the services that the caller may not see, so that nothing of them is suggested
    /// (security case 81).
    pub(super) fn known_to(&self, asker: &Caller) -> Cow<'_, Lexicon> {
        let seen = |service: &ServiceName| self.looks(asker, service).is_ok();
        if self.config.services.keys().all(seen) {
            return Cow::Borrowed(&self.known);
        }
        Cow::Owned(Lexicon::of_those(&self.config, seen))
    }

    async fn on_command(&self, asker: &Caller, text: &str, can_ask: bool) -> Result<Response, EngineError> {
        match command::parse(text, &self.known_to(asker)) {
            Ok(Request::Start { service, title: None, .. }) if can_ask => {
                Ok(Response::Ask(self.start_form(asker, Some(&service))))
            }
            Ok(request) => self.dispatch(asker, request).await.map(Response::Said),
            Err(error) => {
                if can_ask && let Some(form) = self.form_instead(asker, text, &error).await {
                    return Ok(Response::Ask(form));
                }
                Ok(Response::Said(Reply::unreadable(&error.render(text))))
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other request concerns a run, and `to_user_command` is exhaustive"
    )]
    pub(super) async fn dispatch(&self, asker: &Caller, request: Request) -> Result<Reply, EngineError> {
        let role = command::required_role(&request);
        match request {
            Request::Start { service, title, incident, ticket, fixes, from, exceptional, branch, only } => {
                let Some(title) = title else {
                    let next = format!("Say in one line what is broken: start {service} \"what is broken\".");
                    return Ok(Reply::no(&[Refusal::new("title.missing", "A run needs a title.", next)]));
                };
                let branch = match branch.as_deref().map(BranchName::parse).transpose() {
                    Ok(branch) => branch,
                    Err(malformed) => {
                        let next = "Give the branch another name.";
                        return Ok(Reply::no(&[Refusal::new(
                            "branch.name",
                            format!("This is no name for it: {malformed}."),
                            next,
                        )]));
                    }
                };
                let promotion = None;
                let start =
                    Start { service, title, incident, ticket, fixes, from, exceptional, branch, only, promotion };
                Box::pin(self.started(asker, start, role)).await
            }
            Request::Promote { service, target, only, schema } => {
                let schema = match schema.as_deref().map(CommitId::parse).transpose() {
                    Ok(schema) => schema,
                    Err(malformed) => {
                        let next = "Give the full id of the commit in the repository of the schemas.";
                        return Ok(Reply::no(&[Refusal::new("schema.commit", format!("{malformed}."), next)]));
                    }
                };
                let title = target
                    .as_ref()
                    .map_or_else(|| format!("Promote {service}"), |to| format!("Promote {service} to {to}"));
                let promotion = Some(Promotion { target, schema });
                Box::pin(self.started(asker, Start { title, only, promotion, ..Start::of(service) }, role)).await
            }
            Request::Status { .. }
            | Request::Plan { .. }
            | Request::List { .. }
            | Request::Where { .. }
            | Request::Who { .. }
            | Request::Timeline { .. }
            | Request::Postmortem { url: None, .. }
            | Request::Mergeback { action: MergebackAction::Status, .. }
            | Request::Whoami
            | Request::Help { .. }
            | Request::Ping => Box::pin(self.show(asker, request)).await,
            Request::Lock { .. }
            | Request::Renew { .. }
            | Request::Unlock { .. }
            | Request::Steal { .. }
            | Request::Locks
            | Request::Freeze { .. }
            | Request::Unfreeze { .. } => Box::pin(self.lock(asker, request, role)).await,
            request => Box::pin(self.on_run(asker, request, role)).await,
        }
    }

    async fn started(&self, asker: &Caller, start: Start, role: Role) -> Result<Reply, EngineError> {
        let grant = match self.admit(asker, &start.service, role, Permission::Change).await {
            Ok(grant) => grant,
            Err(refusal) => return Ok(Reply::no(&[refusal])),
        };
        Ok(match self.open(start, &grant, asker.seen.clone()).await? {
            Started::Opened(state) => Reply::yes(view::opened(&state, &self.audience())),
            Started::Joined(state) => Reply::yes(view::joined(&state, &self.audience())),
            Started::Refused(refusals) => Reply::no(&refusals),
            Started::SeenBefore(receipt) => Reply::again(receipt.as_ref()),
        })
    }

    /// Handles a request about a run: finds the run, checks access, and submits the command.
    async fn on_run(&self, asker: &Caller, request: Request, role: Role) -> Result<Reply, EngineError> {
        let state = match self.find_run(asker, request.run()).await {
            Ok(state) => state,
            Err(refusal) => return Ok(Reply::no(&[refusal])),
        };
        let asked = self.person(Some(&asker.account)).is_some_and(|person| asks_by_name(&state, &person, &request));
        let admitted = if asked {
            self.admit_asked(asker, &state.plan.service, request.deed()).await
        } else {
            self.admit_in(asker, &state, role, request.deed()).await
        };
        let grant = match admitted {
            Ok(grant) => grant,
            Err(refusal) => return Ok(Reply::no(&[refusal])),
        };
        if request.deed() == Permission::Vote {
            self.until_asked(state.id).await?;
        }
        match self.to_user_command(&state, request).await {
            Ok(act) => self.ask_run(state.id, grant, act, asker).await,
            Err(refusals) => Ok(Reply::no(&refusals)),
        }
    }

    async fn to_user_command(&self, state: &Hotfix, request: Request) -> Result<UserCommand, Vec<Refusal>> {
        let service = &state.plan.service;
        Ok(match request {
            Request::Pick { fixes, .. } => UserCommand::Pick(self.commits(service, state.base.as_ref(), &fixes).await?),
            Request::Unpick { fixes, .. } => {
                UserCommand::Unpick(self.commits(service, state.base.as_ref(), &fixes).await?.commits)
            }
            Request::Approve { .. } => UserCommand::Approve { on: None, way: VoteSource::Command },
            Request::Unapprove { .. } => UserCommand::Unapprove { on: None },
            Request::Reject { reason, .. } => UserCommand::Reject { reason, on: None, way: VoteSource::Command },
            Request::Identify { address, who, outside, .. } => self.identification(address, who, outside)?,
            Request::Triage { answers, .. } => UserCommand::Triage(triage(state, &answers)),
            Request::Agree { step, .. } => UserCommand::Agree(step),
            Request::Ack { .. } => UserCommand::Acknowledge,
            Request::Hold { reason, .. } => UserCommand::Hold(reason),
            Request::Unhold { .. } => UserCommand::Unhold,
            Request::Verify { place, pass, note, .. } => UserCommand::Verify { place, pass, note },
            Request::Deploy { environment, .. } => UserCommand::Deploy(environment),
            Request::Rollback { environment, to, reason, .. } => {
                let to = match to {
                    Some(words) => Some(self.commit_named(service, &words).await?),
                    None => None,
                };
                UserCommand::Rollback { environment, to, reason }
            }
            Request::Skip { step, reason, .. } => UserCommand::Skip(step, reason),
            Request::Override { gate, reason, incident, .. } => UserCommand::Override { gate, reason, incident },
            Request::BreakGlass { environment, reason, commit, incident, .. } => {
                let Some(glass) = self.config.policy.break_glass() else {
                    return Err(vec![Refusal::from(Denial::GlassOff)]);
                };
                UserCommand::BreakGlass { environment, commit, reason, incident, audit: glass.audit.clone() }
            }
            Request::Countersign { ok, note, .. } => UserCommand::Countersign { ok, note },
            Request::Retry { .. } => UserCommand::Retry,
            Request::Abort { reason, .. } => UserCommand::Abort(reason),
            Request::Abandon { reason, .. } => UserCommand::Abandon { reason, under_way: self.under_way(state).await },
            Request::Drift { choice, .. } => UserCommand::Drift(match choice {
                Choice::Rebase => DriftChoice::Rebase,
                Choice::Roll => DriftChoice::Roll,
                Choice::Abort => DriftChoice::Abort,
            }),
            Request::Mergeback { action: MergebackAction::Waive { reason }, .. } => UserCommand::WaiveMergeback(reason),
            Request::Mergeback { action: MergebackAction::Confirm { note }, .. } => UserCommand::ConfirmMergeback(note),
            Request::Note { text, .. } => UserCommand::Note(text),
            Request::Postmortem { url, .. } => UserCommand::Postmortem(url),
            Request::Close { .. } => UserCommand::Close,
            Request::Start { .. }
            | Request::Promote { .. }
            | Request::Status { .. }
            | Request::Plan { .. }
            | Request::List { .. }
            | Request::Where { .. }
            | Request::Who { .. }
            | Request::Timeline { .. }
            | Request::Mergeback { action: MergebackAction::Status, .. }
            | Request::Lock { .. }
            | Request::Renew { .. }
            | Request::Unlock { .. }
            | Request::Steal { .. }
            | Request::Locks
            | Request::Freeze { .. }
            | Request::Unfreeze { .. }
            | Request::Whoami
            | Request::Help { .. }
            | Request::Ping => {
                return Err(vec![Refusal::new("bug", "That is not about one run.", "Please report it.")]);
            }
        })
    }

    /// Builds the command that identifies an unknown contributor. Refuses a name that is not in `people.toml`, unless
    /// the contributor is marked as outside the organization.
    fn identification(&self, unknown: String, who: String, outside: bool) -> Result<UserCommand, Vec<Refusal>> {
        if outside {
            return Ok(UserCommand::Identify { unknown, person: None, words: who });
        }
        match self.config.people.meant(&who) {
            Some(person) => {
                Ok(UserCommand::Identify { unknown, person: Some(person.id.clone()), words: person.name.clone() })
            }
            None => {
                let reason = format!("{who:?} is nobody in people.toml.");
                let next = "Name somebody who is; to describe anybody else, add `--outside`.";
                Err(vec![Refusal::new("identify.person", reason, next)])
            }
        }
    }

    async fn ask_run(
        &self,
        id: HotfixId,
        grant: Grant,
        act: UserCommand,
        asker: &Caller,
    ) -> Result<Reply, EngineError> {
        self.look_before_closing(id).await?;
        let beside = CommitExtras { seen: asker.seen.clone(), settle: None };
        Ok(match self.submit(id, &Command::User(grant, act), beside).await? {
            Submitted::Done(state, events) => {
                if events == 0
                    && let Some(seen) = &asker.seen
                {
                    self.record_key(seen).await?;
                }
                Reply::yes(view::done(&state, &self.audience(), self.now()))
            }
            Submitted::Refused(refusals) => Reply::no(&refusals),
            Submitted::SeenBefore(receipt) => Reply::again(Some(&receipt)),
            Submitted::TooLate => Reply::again(None),
        })
    }

    /// Polls main before a command that can close the run at its last step (APPLY-12).
    async fn look_before_closing(&self, id: HotfixId) -> Result<(), EngineError> {
        let Some(state) = self.state(id).await else { return Ok(()) };
        let left = state.steps.iter().filter(|step| !step.is_behind()).count();
        if state.is_over() || left > 1 {
            return Ok(());
        }
        match self.on_main(&state, &Tips::default()).await {
            Ok(Some(sighting)) => {
                let observation = StampedObservation::new(&Arc::new(state), sighting);
                self.submit(id, &Command::Observed(observation), CommitExtras::default()).await.map(drop)
            }
            Ok(None) => Ok(()),
            Err(failure) => {
                tracing::warn!(run = %id, reason = %failure, "main could not be looked at before the run is closed");
                Ok(())
            }
        }
    }

    /// Finds the run that a request is about: the named one, the run of the thread, the only open run of the channel,
    /// or the caller's only open run.
    pub(super) async fn find_run(&self, asker: &Caller, named: Option<HotfixId>) -> Result<Hotfix, Refusal> {
        if let Some(id) = named {
            let unknown = || Refusal::new("run.unknown", format!("There is no run {id}."), "See `list`.");
            let run = self.state(id).await.filter(|run| self.looks(asker, &run.plan.service).is_ok());
            return run.ok_or_else(|| self.unmapped(asker).unwrap_or_else(unknown));
        }
        // A run that the caller may not see is treated as absent (security case 81).
        let mut states = self.states().await;
        states.retain(|run| self.looks(asker, &run.plan.service).is_ok());
        if let Some(thread) = &asker.thread
            && let Some(state) = states.iter().find(|state| state.card.as_ref() == Some(thread))
        {
            return Ok(state.clone());
        }
        let open: Vec<&Hotfix> = states.iter().filter(|state| !state.is_over()).collect();
        let me = self.person(Some(&asker.account));
        let here: Vec<&Hotfix> = open.iter().copied().filter(|state| state.plan.channel == asker.channel).collect();
        let mine: Vec<&Hotfix> = open.iter().copied().filter(|state| Some(&state.requester) == me.as_ref()).collect();
        match (here.as_slice(), mine.as_slice()) {
            ([only], _) | ([], [only]) => Ok((*only).clone()),
            ([], []) => Err(self.unmapped(asker).unwrap_or_else(|| {
                let next = "Open one with `start <service> \"title\"`, or name one: `status HF-1`.";
                Refusal::new("run.none", "No run is open here.", next)
            })),
            (many, _) => {
                let names: Vec<String> = many.iter().map(|state| state.id.to_string()).collect();
                Err(Refusal::new(
                    "run.which",
                    format!("Several runs are open: {}.", names.join(", ")),
                    "Name the one you mean.",
                ))
            }
        }
    }
}

/// Returns the kind of an interaction, for the log.
fn way(act: &Did) -> &'static str {
    match act {
        Did::Command { .. } => "command",
        Did::Reaction { .. } => "reaction",
        Did::ButtonClick { .. } => "button",
        Did::FormSubmit { .. } => "form",
        Did::MessageShortcut { .. } => "shortcut",
        Did::HomeOpened => "home",
    }
}

/// Returns the triage answers by the index of the criterion; letter `a` is index 0. An answer without a letter applies
/// to all criteria that are still unanswered.
fn triage(state: &Hotfix, words: &[TriageWord]) -> BTreeMap<usize, TriageAnswer> {
    let criteria =
        state.plan.steps.iter().find_map(|spec| {
            if let StepKind::Triage { criteria, .. } = &spec.kind { Some(criteria.len()) } else { None }
        });
    let mut answers = BTreeMap::new();
    for word in words {
        if let Some(letter) = word.letter {
            answers.insert(usize::from(u8::try_from(letter).unwrap_or(b'a').saturating_sub(b'a')), word.answer);
        }
    }
    let rest = words.iter().find(|word| word.letter.is_none()).map(|word| word.answer);
    for place in 0..criteria.unwrap_or(0) {
        if let Some(rest) = rest.filter(|_| !state.triage.contains_key(&place)) {
            answers.entry(place).or_insert(rest);
        }
    }
    answers
}

/// Returns `true` if a step of the run names this person, or a party they speak for, as the one to agree or to verify.
/// Such a person may also put the run on hold. A person who put it on hold may lift that hold.
fn asks_by_name(state: &Hotfix, person: &PersonId, request: &Request) -> bool {
    let current = state.current().map(|(_, spec)| &spec.id);
    let mut steps = state.plan.steps.iter();
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other step asks people by name")]
    match request {
        Request::Agree { step, .. } => steps.any(|spec| {
            let this = step.as_ref().or(current) == Some(&spec.id);
            matches!(&spec.kind, StepKind::Agree { party, .. } if this && step::speaks_for(state, person, party))
        }),
        Request::Verify { place, .. } => steps.any(|spec| {
            matches!(&spec.kind, StepKind::Verify { place: p, by, .. }
                if p.name() == place && by.iter().any(|party| step::speaks_for(state, person, party)))
        }),
        Request::Hold { .. } => asks_now(state, person),
        Request::Unhold { .. } => state.holds.contains_key(person),
        _other => false,
    }
}

/// Returns `true` if a step that is open at this moment asks a party that this person speaks for.
fn asks_now(state: &Hotfix, person: &PersonId) -> bool {
    let open = |at: &StepState| matches!(at, StepState::Current { .. } | StepState::Offered { .. });
    let mut steps = state.plan.steps.iter().zip(&state.steps).filter(|(_, at)| open(at));
    let speaks = |party: &String| step::speaks_for(state, person, party);
    steps.any(|(spec, _)| parties(&spec.kind).is_some_and(|parties| parties.iter().any(speaks)))
}

/// Returns the parties that a step names; `None` if it names none.
fn parties(kind: &StepKind) -> Option<&[String]> {
    if let StepKind::Agree { party, .. } = kind {
        return Some(std::slice::from_ref(party));
    }
    if let StepKind::Verify { by, .. } = kind { Some(by) } else { None }
}
