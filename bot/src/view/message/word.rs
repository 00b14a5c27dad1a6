//! Messages about statements of users: votes, rejections, holds and verifications.

use std::collections::BTreeSet;

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::ids::{CommitId, Environment, PersonRef};

use super::{EventMessage, lines, one};
use crate::domain::attribution::handle;
use crate::domain::event::{Actor, Contributor, VoidReason, Vote};
use crate::domain::id::PersonId;
use crate::domain::playbook::HoldMeans;
use crate::domain::service::Approval;
use crate::domain::vote::{is_backed, quorum};
use crate::view::attribution::all_called;
use crate::view::duration::clock;
use crate::view::plan::whose_word;
use crate::view::status::{looked_at, verified};
use crate::view::text::{Say, count, ended, lapsed, outside, paragraph};
use crate::view::waiting_on::{missing_for, owner};

impl EventMessage<'_> {
    pub(super) fn voted(&self, vote: &Vote) -> Card {
        let quorum = quorum(self.state, &vote.environment, self.at, None);
        let left = if !is_backed(self.state, vote, None) {
            let number = self.state.pull.as_ref().map_or(String::new(), |pull| format!(" #{}", pull.number.0));
            format!("It counts once they approve exactly this head on pull request{number} as well.")
        } else if quorum.missing.is_empty() {
            "That is enough.".to_owned()
        } else {
            let missing = missing_for(self.state, self.to, &vote.environment, &quorum.missing);
            format!("Still missing: {missing}.")
        };
        let text = Text::of(format!("{} says yes to ", self.who())).commit(&vote.commit).plain(format!(
            " for {}, until {}. {left}",
            self.state.plan.place(&vote.environment),
            clock(vote.expires, self.at)
        ));
        one(Tone::Good, text)
    }

    pub(super) fn vote_withdrawn(&self, environment: &Environment, person: &PersonId, why: Option<VoidReason>) -> Card {
        let name = self.to.name(person);
        if self.is_by(person) {
            let back = Text::of(format!("{name} took their yes for {environment} back."));
            return one(
                Tone::Warning,
                if self.went(environment, person) { back.then(after(environment)) } else { back },
            );
        }
        let why = why.map_or("it was taken back, or they may not vote now", lapsed);
        let whom = Text::new().span(self.to.call(person)).plain(" and ").then(owner(self.state, self.to));
        one(Tone::Warning, whom.plain(format!(": the yes of {name} for {environment} does not count any more: {why}.")))
    }

    pub(super) fn approval_changed(&self, environment: &Environment, approval: &Approval) -> Card {
        let what = format!("The policy changed. For {environment} from now on: {}.", whose_word(approval));
        one(Tone::Warning, Text::of(what))
    }

    pub(super) fn vetoed(&self, environment: &Environment, reason: &str) -> Card {
        let text = Text::of(format!("{} says no to {environment}: {}", self.who(), ended(&outside(reason))));
        let next = owner(self.state, self.to)
            .plain(format!(": nothing is deployed to {environment} until they take it back ("))
            .command("unapprove")
            .plain(") or a new head comes.");
        lines(Tone::Bad, None, vec![text, next])
    }

    pub(super) fn veto_withdrawn(&self, environment: &Environment, person: &PersonId) -> Card {
        if self.is_by(person) {
            let text = format!("{} took their no to {environment} back.", self.to.name(person));
            return one(Tone::Neutral, Text::of(text));
        }
        let text = Text::new().span(self.to.call(person)).plain(format!(
            ": your no to {environment} was said of what would not ship any more. If it still holds, say it again when the question comes: "
        ));
        one(Tone::Warning, text.command("reject <why>").plain("."))
    }

    pub(super) fn acknowledged(&self) -> Card {
        one(Tone::Neutral, Text::of(format!("{} has seen this.", self.who())))
    }

    pub(super) fn held(&self, reason: &str) -> Card {
        let text = Text::of(format!("{} puts it on hold: {}", self.who(), ended(&outside(reason))));
        if self.state.plan.hold == HoldMeans::Recorded {
            let next = owner(self.state, self.to).plain(": talk to them. By this runbook it stops nothing by itself.");
            return lines(Tone::Warning, None, vec![text, next]);
        }
        let next = owner(self.state, self.to)
            .plain(": nothing is deployed until they, or a captain, lift it with ")
            .command("unhold")
            .plain(".");
        lines(Tone::Warning, None, vec![text, next])
    }

    pub(super) fn unheld(&self, person: &PersonId) -> Card {
        let text = if self.is_by(person) {
            format!("{} lifted their hold.", self.who())
        } else {
            format!("{} lifted the hold of {}.", self.who(), self.to.name(person))
        };
        one(Tone::Neutral, Text::of(text))
    }

    pub(super) fn attested(&self, place: &str, commit: &CommitId, pass: bool, note: Option<&str>) -> Card {
        let note = note.map_or(String::new(), |note| format!(": “{}”", outside(note)));
        let did = if pass {
            format!("verified {}", verified(place))
        } else {
            format!("found a problem {}", looked_at(place))
        };
        let text = Text::of(format!("{} {did} on ", self.who())).commit(commit).plain(format!("{note}."));
        if pass {
            return one(Tone::Good, text);
        }
        let next = owner(self.state, self.to)
            .plain(": push a better fix, or, if that was wrong, say ")
            .command(&format!("verify {} pass", outside(place)))
            .plain(".");
        lines(Tone::Bad, None, vec![text, next])
    }

    /// Announces the identity of an unknown contributor. Neither the person who stated it nor the identified person
    /// votes (security case 94).
    pub(super) fn identified(&self, unknown: &PersonRef, person: Option<&PersonId>, words: &str) -> Card {
        let text = Text::of(format!("{} states that ", self.who())).code(handle(unknown));
        let text = match person {
            Some(person) => {
                let name = self.to.name(person);
                text.plain(format!(" is {name}. Neither {} nor {name} votes in this run.", self.who()))
            }
            None => text.plain(format!(" is {} {} does not vote in this run.", ended(&outside(words)), self.who())),
        };
        let left = self.state.unknown().len();
        let next = match left {
            0 => "Every contributor is known now, so no additional approver is needed.".to_owned(),
            _ => format!(
                "{} still unknown, so one more approver is needed.",
                count(left, "contributor is", "contributors are")
            ),
        };
        lines(Tone::Neutral, None, vec![text, Text::of(next)])
    }

    pub(super) fn strangers_pushed(&self, people: &BTreeSet<Contributor>) -> Card {
        let text = Text::of("Pushed to the branch by somebody who is not in people.toml: ");
        let text = text.then(all_called(people.iter())).plain(". One more approver is needed because of that.");
        one(Tone::Warning, text)
    }

    pub(super) fn noted(&self, text: &str) -> Card {
        one(Tone::Neutral, Text::of(format!("{} notes: {}", self.who(), paragraph(text))))
    }

    /// Returns `true` if a deployment based on this person's vote has already begun.
    fn went(&self, environment: &Environment, person: &PersonId) -> bool {
        let last = self.state.last_deploy(environment).filter(|_| self.state.has_begun(environment));
        last.is_some_and(|deploy| deploy.intent.votes.contains(person))
    }

    fn is_by(&self, person: &PersonId) -> bool {
        match self.by {
            Actor::Person(by) => by == person,
            Actor::Bot => false,
        }
    }
}

/// Says that withdrawing a vote undoes no deployment (security case 33).
fn after(environment: &Environment) -> Text {
    let text = format!(" It went to {environment} by that word already, and nothing is undone. To go back: ");
    Text::of(text).command(&format!("rollback {environment} <why>")).plain(".")
}
