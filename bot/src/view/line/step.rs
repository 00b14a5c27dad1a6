//! Steps that open, shut, or are left out.

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::vocabulary::Environment;

use super::{Told, lines, one};
use crate::domain::hotfix::StepState;
use crate::domain::id::{PersonId, StepId};
use crate::domain::playbook::{StepKind, StepSpec};
use crate::domain::step::Wait;
use crate::domain::vote::quorum;
use crate::view::ask::{ask, asks, owner};
use crate::view::duration::between;
use crate::view::phrase::{Say, ended, listing, outside, paragraph, serving, short};
use crate::view::standing::wait;

impl Told<'_> {
    fn spec(&self, step: &StepId) -> Option<&StepSpec> {
        self.state.plan.steps.iter().find(|spec| &spec.id == step)
    }

    /// "Review (APPLY-8)", for people.
    fn named(&self, step: &StepId) -> Text {
        match self.spec(step) {
            Some(spec) => Text::new().strong(outside(&spec.title)).plain(serving(&spec.serves)),
            None => Text::new().strong(step.as_str()),
        }
    }

    /// Only gates are said when they open; what other steps came to is another event.
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
            | StepKind::Withheld
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

    fn gate_open(&self, environment: &Environment) -> Card {
        let quorum = quorum(self.state, environment, self.at, None);
        let names: Vec<String> = quorum.valid.iter().map(|person| self.to.name(person)).collect();
        let by = if let Some(person) = &quorum.glass {
            format!("{} broke the glass, for", self.to.name(person))
        } else if names.is_empty() {
            "nobody's word is asked for".to_owned()
        } else {
            format!("{} said yes to", listing(&names))
        };
        let commit = self.state.ships_to(environment).map(short);
        let mut text = Text::of(format!("The gate to {} is open: {by}", self.state.plan.place(environment)));
        if let Some(commit) = commit {
            text = text.plain(" ").span(commit);
        }
        self.and_next(text.plain("."))
    }

    /// Good news, and what the next step asks of people.
    fn and_next(&self, news: Text) -> Card {
        let next = match wait(self.state, self.at) {
            Some(Wait::Bot(_)) | None => Vec::new(),
            Some(_) if !self.asks => Vec::new(),
            Some(wait) => ask(self.state, self.to, &wait),
        };
        lines(Tone::Good, None, [vec![news], next].concat())
    }

    pub(super) fn step_skipped(&self, step: &StepId, reason: &str) -> Card {
        let text = Text::of(format!("{} left out ", self.who())).then(self.named(step));
        one(Tone::Warning, text.plain(format!(": {} The reason is kept for the post-mortem.", ended(&outside(reason)))))
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

    pub(super) fn step_reopened(&self, step: &StepId, reason: &str) -> Card {
        let text = self.named(step).plain(format!(" is open again: {}", ended(&outside(&self.to.named(reason)))));
        one(Tone::Warning, text)
    }

    /// A reminder calls those who can act, and says since when they are waited for.
    pub(super) fn reminded(&self, step: &StepId, times: u32) -> Card {
        let since = match self.state.state_of(step) {
            Some(StepState::Current { since }) => format!(", for {} now", between(*since, self.at)),
            Some(StepState::Ahead | StepState::Done { .. } | StepState::Skipped { .. }) | None => String::new(),
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
