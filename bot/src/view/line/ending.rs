//! How a run ends, and what stops it on the way.

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::vocabulary::BranchName;

use super::{Told, lines, one};
use crate::domain::event::Ending;
use crate::domain::hotfix::{BranchState, Hotfix, Mainline, StepState};
use crate::domain::refusal::Refusal;
use crate::view::ask::owner;
use crate::view::card::heading;
use crate::view::duration::between;
use crate::view::phrase::{
    Say, capital, containment, destination, ended, marked, once, outside, paragraph, productions,
};
use crate::view::refusal;

impl Told<'_> {
    pub(super) fn refused(&self, refusals: &[Refusal]) -> Card {
        let title = heading(self.state).plain(" is refused; nothing was done");
        let mut said: Vec<Text> = refusals.iter().map(|refusal| refusal::line(refusal, self.to)).collect();
        said.push(self.free());
        lines(Tone::Warning, Some(title), said)
    }

    pub(super) fn stuck(&self, what: &str, reason: &str) -> Card {
        let title = Text::of(format!("Could not {}", outside(what)));
        let next = owner(self.state, self.to).plain(": put it right, then say ").command("retry").plain(".");
        lines(Tone::Bad, Some(title), vec![marked(&ended(&paragraph(once(reason)))), next])
    }

    pub(super) fn retried(&self) -> Card {
        one(Tone::Neutral, Text::of(format!("{} says to try again.", self.who())))
    }

    pub(super) fn aborted(&self, reason: &str) -> Card {
        let title = Text::of(format!("{} is given up", self.state.id));
        let mut said = vec![Text::of(format!("{} gave it up: {}", self.who(), ended(&outside(reason))))];
        said.extend(left_behind(self.state));
        said.push(self.free());
        lines(Tone::Warning, Some(title), said)
    }

    pub(super) fn closed(&self, ending: &Ending) -> Card {
        let took = between(self.state.opened_at, self.at);
        let (tone, how) = match ending {
            Ending::Completed => (Tone::Good, format!("is closed: completed in {took}")),
            Ending::RolledIn => {
                (Tone::Good, format!("is closed after {took}: the fix goes out with the regular release"))
            }
            Ending::Superseded => {
                (Tone::Good, format!("is closed after {took}: a release that has the fix took its place"))
            }
            Ending::Reverted => {
                (Tone::Good, format!("is closed after {took}: production is back at what it ran before"))
            }
            Ending::Refused => (Tone::Warning, "is closed: it was refused".to_owned()),
            Ending::Aborted => (Tone::Warning, format!("is closed: given up after {took}")),
        };
        let title = Text::of(format!("{} {how}", self.state.id));
        let ended_well = ending == &Ending::Completed && self.state.plan.leaves_production();
        let mut said: Vec<Text> = (!self.state.plan.is_promotion()).then(|| on_main(self.state)).into_iter().collect();
        if ended_well {
            let only = destination(self.state);
            said.push(Text::of(format!("Only {only} was promoted; production stays as it was.")));
        }
        if let Some(live) = self.state.live_at {
            said.push(Text::of(format!("It was live after {}.", between(self.state.opened_at, live))));
        }
        said.extend(
            self.state
                .superseded
                .values()
                .map(|by| Text::of("A newer release that contains it runs since: ").commit(by).plain(".")),
        );
        said.extend(left_out(self.state).map(Text::of));
        said.push(match &self.state.postmortem {
            Some(Some(url)) => Text::of("Post-mortem: ").plain(outside(url)),
            Some(None) | None => {
                Text::of("Everything that happened: ").command(&format!("timeline {}", self.state.id)).plain(".")
            }
        });
        said.push(self.free());
        lines(tone, Some(title), said)
    }

    /// Others may deploy again.
    fn free(&self) -> Text {
        let service = &self.state.plan.service;
        Text::of(if self.state.plan.leaves_production() {
            format!("Promotions of {service} are free again.")
        } else {
            format!("{} deploys of {service} are free again.", capital(&productions(self.state)))
        })
    }
}

fn on_main(state: &Hotfix) -> Text {
    match &state.mainline {
        Mainline::Proven(how, main) => {
            Text::of(format!("The fix is on main: {}, at ", containment(how))).commit(main).plain(".")
        }
        Mainline::Waived { reason, .. } => {
            Text::of(format!("The fix is not on main; that was given up: {}", ended(&outside(reason))))
        }
        Mainline::Open | Mainline::Lost(_) => Text::of("The fix is not known to be on main."),
    }
}

/// What a run that was given up leaves lying about, by name.
fn left_behind(state: &Hotfix) -> Option<Text> {
    let there = [(state.into, &state.plan.into), (state.branch, &state.plan.branch)];
    let left: Vec<&BranchName> =
        there.into_iter().filter(|(stands, _)| *stands == BranchState::Present).map(|(_, name)| name).collect();
    let mut text = Text::of(if left.len() == 1 { "The branch " } else { "The branches " });
    for (at, branch) in left.iter().enumerate() {
        text = if at == 0 { text } else { text.plain(" and ") }.code(branch.as_str());
    }
    let open = state.pull.as_ref().filter(|pull| pull.merged.is_none());
    match (left.len(), open) {
        (0, _) => None,
        (_, Some(pull)) => Some(text.plain(format!(
            " and pull request #{} are left as they are: close and delete them, or merge them as a normal change.",
            pull.number.0
        ))),
        (1, None) => Some(text.plain(" is left as it is; delete it when nobody needs it.")),
        (_, None) => Some(text.plain(" are left as they are; delete them when nobody needs them.")),
    }
}

fn left_out(state: &Hotfix) -> Option<String> {
    let left = state.plan.steps.iter().zip(&state.steps).filter(|(_, step)| match step {
        StepState::Skipped { by, .. } => by.is_some(),
        StepState::Ahead | StepState::Current { .. } | StepState::Done { .. } => false,
    });
    let titles: Vec<String> = left.map(|(spec, _)| outside(&spec.title)).collect();
    (!titles.is_empty()).then(|| format!("Left out on the way: {}.", titles.join("; ")))
}
