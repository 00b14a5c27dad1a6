//! Messages about steps: completed, offered, skipped, overridden or open again.

use std::collections::BTreeSet;

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::ids::Environment;

use super::{EventMessage, lines, one};
use crate::domain::hotfix::StepState;
use crate::domain::id::{PersonId, StepId};
use crate::domain::playbook::{StepKind, StepSpec};
use crate::domain::step::{Progress, Wait, progress, where_out};
use crate::domain::vote::quorum;
use crate::view::card::back;
use crate::view::duration::between;
use crate::view::status::wait;
use crate::view::text::{Say, ended, listing, outside, paragraph, serving, short};
use crate::view::waiting_on::{ask, asks, owner, set_aside};

impl EventMessage<'_> {
    fn spec(&self, step: &StepId) -> Option<&StepSpec> {
        self.state.plan.step(step)
    }

    /// Names a step: "Review (APPLY-8)".
    fn named(&self, step: &StepId) -> Text {
        match self.spec(step) {
            Some(spec) => Text::new().strong(outside(&spec.title)).plain(serving(&spec.serves)),
            None => Text::new().strong(step.as_str()),
        }
    }

    /// Announces a completed step. Only gates have such a message; for other steps another event tells the result.
    pub(super) fn step_done(&self, step: &StepId, evidence: &str) -> Option<Card> {
        match &self.spec(step)?.kind {
            StepKind::Review { .. } => {
                let text = self.named(step).plain(format!(": {}", ended(&paragraph(&self.to.named(evidence)))));
                Some(self.and_next(text))
            }
            StepKind::Approve { environment } => Some(self.gate_open(environment)),
            StepKind::Triage { .. } => self.triage_done(),
            StepKind::Target
            | StepKind::Agree { .. }
            | StepKind::BuildJob { .. }
            | StepKind::OnMain
            | StepKind::OnEnvironment { .. }
            | StepKind::VersionOrder { .. }
            | StepKind::Image
            | StepKind::Expire
            | StepKind::Base { .. }
            | StepKind::HeldBack
            | StepKind::Releasable
            | StepKind::Capability { .. }
            | StepKind::Announce
            | StepKind::Branch { .. }
            | StepKind::Change { .. }
            | StepKind::Verify { .. }
            | StepKind::Deploy { .. }
            | StepKind::Merge { .. }
            | StepKind::RideAlong
            | StepKind::Mainline { .. }
            | StepKind::Postmortem { .. } => None,
        }
    }

    /// Announces a failed check of the merge that would be released. Other results are not posted.
    pub(super) fn merge_checked(&self) -> Option<Card> {
        match (wait(self.state, self.at), self.state.current()) {
            (Some(wait @ Wait::MergeChecks { failed: true, .. }), Some((_, spec))) => {
                Some(lines(Tone::Bad, None, ask(self.state, self.to, spec, &wait)))
            }
            (Some(_) | None, Some(_) | None) => None,
        }
    }

    fn gate_open(&self, environment: &Environment) -> Card {
        let quorum = quorum(self.state, environment, self.at, None);
        let names: Vec<String> = quorum.valid.iter().map(|person| self.to.name(person)).collect();
        let place = self.state.plan.place(environment);
        let approved = if let Some(person) = &quorum.break_glass {
            format!("{} used break-glass for {place}", self.to.name(person))
        } else if names.is_empty() {
            format!("No approval is required for {place}")
        } else {
            format!("Approved by {} for {place}", listing(&names))
        };
        let commit = self.state.deployable_to(environment).map(short);
        let mut text = Text::of(approved);
        if let Some(commit) = commit {
            text = text.plain(": ").span(commit);
        }
        self.and_next(text.plain("."))
    }

    /// Renders good news, followed by the asks of the next step.
    fn and_next(&self, news: Text) -> Card {
        let next = match (wait(self.state, self.at), self.state.current()) {
            (Some(Wait::Bot(_)) | None, Some(_) | None) | (Some(_), None) => Vec::new(),
            (Some(_), Some(_)) if !self.asks => Vec::new(),
            (Some(wait), Some((at, _))) if self.is_asked_by_a_prompt(&wait, at) => Vec::new(),
            (Some(wait), Some((_, spec))) => ask(self.state, self.to, spec, &wait),
        };
        lines(Tone::Good, None, [vec![news], next].concat())
    }

    /// Returns `true` if a vote request follows right after this message, so that this message must not ask
    /// for votes too.
    fn is_asked_by_a_prompt(&self, wait: &Wait, at: usize) -> bool {
        let Wait::Votes { environment, missing, .. } = wait else { return false };
        let ahead = self.state.steps.get(at) == Some(&StepState::Ahead);
        ahead && !missing.is_empty() && !self.state.is_taken_back(environment)
    }

    /// Announces an optional step and its command. The triage questions that no step waits for are in
    /// the announcement instead.
    pub(super) fn step_offered(&self, step: &StepId) -> Option<Card> {
        let spec = self.state.plan.step(step)?;
        if matches!(spec.kind, StepKind::Triage { ask: false, .. }) {
            return None;
        }
        let first = Text::of("Optional: ").then(self.named(step)).plain(". The run goes on without it.");
        let mut said = vec![first];
        if let Progress::Waiting(wait) = progress(self.state, spec, self.at) {
            said.extend(if let Wait::DeployCommand(environment) = &wait {
                vec![self.to_take(step, environment)]
            } else {
                ask(self.state, self.to, spec, &wait)
            });
        }
        Some(lines(Tone::Neutral, None, said))
    }

    /// Describes how to run an optional deployment, after the required agreement (HOCS-28).
    fn to_take(&self, step: &StepId, environment: &Environment) -> Text {
        let how = format!("deploy {environment}");
        match self.agreement_before(step) {
            Some((party, _, StepState::Skipped { .. })) => {
                let why = format!("It cannot be taken: the agreement of the {party} comes first, and it was skipped.");
                Text::of(why)
            }
            Some((party, many, StepState::Ahead | StepState::Current { .. } | StepState::Offered { .. })) => {
                let who = self.who_agrees(party, many);
                Text::of(format!("To take it, once {who} agreed: ")).command(&how).plain(".")
            }
            Some((_, _, StepState::Done { .. })) | None => Text::of("To take it: ").command(&how).plain("."),
        }
    }

    /// Returns the party whose agreement comes right before a step, the number of required members, and the state of
    /// that step.
    fn agreement_before(&self, step: &StepId) -> Option<(&str, u32, &StepState)> {
        let before = self.state.plan.position(step)?.checked_sub(1)?;
        let spec = self.state.plan.steps.get(before)?;
        let StepKind::Agree { party, count, .. } = &spec.kind else { return None };
        Some((party.as_str(), *count, self.state.steps.get(before)?))
    }

    /// Names the members of a party who must agree: "Chi", "one of Ben and Chi".
    fn who_agrees(&self, party: &str, many: u32) -> String {
        let members = self.state.plan.parties.get(party).map(Vec::as_slice).unwrap_or_default();
        let members = members.iter().filter(|person| **person != self.state.requester);
        let names: Vec<String> = members.map(|person| self.to.name(person)).collect();
        match (names.as_slice(), many) {
            ([], _) => format!("the {party}"),
            ([one], _) => one.clone(),
            (several, 1) => format!("one of {}", listing(several)),
            (several, _) => format!("{many} of {}", listing(several)),
        }
    }

    pub(super) fn step_skipped(&self, step: &StepId, reason: &str) -> Card {
        let text = Text::of(format!("{} skipped ", self.who())).then(self.named(step));
        one(Tone::Warning, text.plain(format!(": {}", ended(&outside(reason)))))
    }

    pub(super) fn override_asked(&self, step: &StepId, reason: &str, incident: &str) -> Card {
        let what = Text::of(format!("{} asks to override ", self.who())).then(self.named(step)).plain(format!(
            ": {} Incident: {}",
            ended(&outside(reason)),
            outside(incident)
        ));
        let how = Text::of("It is a must, so a second person has to say the same: ")
            .command(&format!("override {step} <why> --incident <link>"))
            .plain(". Until then it holds.");
        lines(Tone::Asking, None, vec![what, how])
    }

    pub(super) fn step_overridden(&self, step: &StepId, asked_by: &PersonId, reason: &str, incident: &str) -> Card {
        let text = Text::of(format!("{} and {} overrode ", self.to.name(asked_by), self.who()))
            .then(self.named(step))
            .plain(format!(": {} Incident: {}", ended(&outside(reason)), outside(incident)));
        lines(Tone::Warning, None, vec![text, Text::of("It stands in the post-mortem with both names.")])
    }

    /// Announces that a step is open again: the change, the remedy, the effect on the votes, and the override.
    pub(super) fn step_reopened(&self, step: &StepId, reason: &str) -> Card {
        let first = self.named(step).plain(format!(" is open again: {}", ended(&outside(&self.to.named(reason)))));
        let Some(spec) = self.spec(step).filter(|spec| !matches!(spec.kind, StepKind::Approve { .. })) else {
            return one(Tone::Warning, first);
        };
        let mut all = vec![first];
        let asked = self.remedy(spec);
        // The ask about a failed merge already mentions the override.
        let aside = set_aside(self.state, self.to, spec).filter(|aside| !asked.contains(aside));
        all.extend(asked);
        all.extend(self.votes_stay());
        all.extend(aside);
        lines(Tone::Warning, None, all)
    }

    /// Returns the asks that satisfy a step again that is open again.
    fn remedy(&self, spec: &StepSpec) -> Vec<Text> {
        if !self.asks {
            return Vec::new();
        }
        match progress(self.state, spec, self.at) {
            Progress::Waiting(Wait::Bot(_)) | Progress::Done { .. } => Vec::new(),
            Progress::Waiting(wait) => ask(self.state, self.to, spec, &wait),
            Progress::Impossible(_) => {
                vec![owner(self.state, self.to).plain(": put that right; the bot sees it, and the run goes on.")]
            }
        }
    }

    /// Tells the voters that their votes stay.
    fn votes_stay(&self) -> Option<Text> {
        let voters: BTreeSet<&PersonId> = self.state.votes.iter().map(|vote| &vote.person).collect();
        if voters.is_empty() {
            return None;
        }
        let mut text = Text::new();
        for (at, person) in voters.into_iter().enumerate() {
            text = if at == 0 { text } else { text.plain(", ") }.span(self.to.call(person));
        }
        Some(
            text.plain(
                ": you approved before this. Your vote stays and counts once it is put right; take it back with ",
            )
            .command("unapprove")
            .plain("."),
        )
    }

    /// Announces that the evidence of a step changed after the effect that depended on it had begun.
    pub(super) fn evidence_changed(&self, step: &StepId, problem: Option<&str>) -> Card {
        let Some(problem) = problem else {
            return one(Tone::Good, self.named(step).plain(" holds again."));
        };
        let text =
            self.named(step).plain(format!(" would not pass any more: {}", ended(&outside(&self.to.named(problem)))));
        let out = self.spec(step).and_then(|spec| where_out(self.state, &spec.kind));
        let Some(environment) = out else { return one(Tone::Warning, text) };
        let place = self.state.plan.place(environment);
        let how = if self.state.last_deploy(environment).is_some_and(|deploy| deploy.state.is_open()) {
            format!(": the deployment to {place} goes on. If it must not stay, wait for its end and say ")
        } else {
            format!(": it is on {place} already. If it must not stay, say ")
        };
        let next = owner(self.state, self.to).plain(how).command(&back(self.state, environment)).plain(".");
        lines(Tone::Bad, None, vec![text, next])
    }

    /// Renders a reminder. It mentions the people who can act, and says how long the step has been waiting.
    pub(super) fn reminded(&self, step: &StepId, times: u32) -> Card {
        let since = match self.state.state_of(step) {
            Some(StepState::Current { since }) => format!(", for {} now", between(*since, self.at)),
            Some(StepState::Ahead | StepState::Offered { .. } | StepState::Done { .. } | StepState::Skipped { .. })
            | None => String::new(),
        };
        let again = if times > 1 { format!(" This is reminder {times}.") } else { String::new() };
        let first = Text::of(format!("Still waiting{since}: ")).then(self.named(step)).plain(format!(".{again}"));
        let mut all = vec![first];
        all.extend(asks(self.state, self.to, self.at));
        if all.len() == 1 {
            all.push(owner(self.state, self.to).plain(", please look at ").command("status").plain("."));
        }
        lines(Tone::Asking, None, all)
    }
}
