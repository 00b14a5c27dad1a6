//! Steps that open, shut, or are left out.

use std::collections::BTreeSet;

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::vocabulary::Environment;

use super::{Told, lines, one};
use crate::domain::hotfix::StepState;
use crate::domain::id::{PersonId, StepId};
use crate::domain::playbook::{Level, StepKind, StepSpec};
use crate::domain::step::{Progress, Wait, can_be_overridden, progress};
use crate::domain::vote::quorum;
use crate::view::ask::{ask, asks, owner};
use crate::view::card::back;
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

    /// Only a check that failed on the merge that would be released is said.
    pub(super) fn merge_checked(&self) -> Option<Card> {
        match wait(self.state, self.at) {
            Some(wait @ Wait::MergeChecks { failed: true, .. }) => {
                Some(lines(Tone::Bad, None, ask(self.state, self.to, &wait)))
            }
            Some(_) | None => None,
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

    /// An option, and how it is taken.
    pub(super) fn step_offered(&self, step: &StepId) -> Option<Card> {
        let spec = self.state.plan.steps.iter().find(|spec| &spec.id == step)?;
        let first = Text::of("Optional: ").then(self.named(step)).plain(". The run goes on without it.");
        let mut said = vec![first];
        if let Progress::Waiting(wait) = progress(self.state, spec, self.at) {
            said.extend(if let Wait::DeployCommand(environment) = &wait {
                vec![Text::of("To take it: ").command(&format!("deploy {environment}")).plain(".")]
            } else {
                ask(self.state, self.to, &wait)
            });
        }
        Some(lines(Tone::Neutral, None, said))
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

    /// A step is open again: what changed, who can put it right, what became of the votes, and how it is overridden.
    pub(super) fn step_reopened(&self, step: &StepId, reason: &str) -> Card {
        let first = self.named(step).plain(format!(" is open again: {}", ended(&outside(&self.to.named(reason)))));
        let Some(spec) = self.spec(step).filter(|spec| !matches!(spec.kind, StepKind::Approve { .. })) else {
            return one(Tone::Warning, first);
        };
        let mut all = vec![first];
        all.extend(self.votes_stay());
        if spec.level == Level::Must && can_be_overridden(self.state, &spec.kind) {
            let how = format!("override {step} <why> --incident <link>");
            all.push(Text::of("To go on all the same, two people say ").command(&how).plain("."));
        }
        lines(Tone::Warning, None, all)
    }

    /// Whose yes was given before something changed.
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
                ": you said yes before this. Your vote stays and counts once it is put right; take it back with ",
            )
            .command("unapprove")
            .plain("."),
        )
    }

    /// What a step rested on changed after the act that relied on it had begun.
    pub(super) fn evidence_changed(&self, step: &StepId, problem: Option<&str>) -> Card {
        let Some(problem) = problem else {
            return one(Tone::Good, self.named(step).plain(" holds again."));
        };
        let text =
            self.named(step).plain(format!(" would not pass any more: {}", ended(&outside(&self.to.named(problem)))));
        let open = self.state.deploys.iter().rev().find(|deploy| deploy.state.is_open());
        let live = open.or(self.state.deploys.iter().rev().find(|deploy| !deploy.intent.rollback));
        let Some(intent) = live.map(|deploy| &deploy.intent) else { return one(Tone::Warning, text) };
        let place = self.state.plan.place(&intent.environment);
        let how = if open.is_some() {
            format!("The deployment to {place} goes on. If it must not stay, wait for its end and say ")
        } else {
            format!("It is on {place} already. If it must not stay, say ")
        };
        let next = Text::of(how).command(&back(self.state, &intent.environment)).plain(".");
        lines(Tone::Bad, None, vec![text, next])
    }

    /// A reminder calls those who can act, and says since when they are waited for.
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
