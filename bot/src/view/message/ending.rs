//! Messages about the end of a run, and about what stops it.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::ids::{BranchName, CommitId, DeployKey};

use super::{EventMessage, lines, one};
use crate::domain::break_glass::review_due;
use crate::domain::event::Ending;
use crate::domain::hotfix::{BranchState, Hotfix, Mainline, StepState};
use crate::domain::id::PersonId;
use crate::domain::playbook::{StepKind, StepSpec};
use crate::domain::refusal::Refusal;
use crate::view::card::heading;
use crate::view::duration::between;
use crate::view::refusal;
use crate::view::text::{
    Say, capital, containment, destination, ended, listing, marked, once, outside, paragraph, productions, stay_off,
};
use crate::view::waiting_on::owner;

impl EventMessage<'_> {
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

    pub(super) fn lanes_released(&self) -> Card {
        lines(Tone::Good, None, vec![self.free()])
    }

    pub(super) fn lanes_taken(&self) -> Card {
        let again = format!("{} holds its lanes again.", self.state.id);
        lines(Tone::Warning, None, [Text::of(again)].into_iter().chain(stay_off(self.state).map(Text::of)).collect())
    }

    pub(super) fn abandon_asked(&self, reason: &str) -> Card {
        let title = Text::of(format!("{} wants to end {}", self.who(), self.state.id));
        let why = Text::of(format!("Why: {}", ended(&outside(reason))));
        let open = open_deployments(self.state);
        let next = Text::of(format!(
            "A deployment to {open} may still be running. Somebody else: look there, and confirm with "
        ))
        .command("abandon <reason>")
        .plain(".");
        lines(Tone::Asking, Some(title), vec![why, next])
    }

    pub(super) fn abandoned(&self, reason: &str, asked_by: Option<&PersonId>, believed: &BTreeSet<DeployKey>) -> Card {
        let title = Text::of(format!("{} is abandoned", self.state.id));
        let who = match asked_by {
            Some(first) => format!("{} ended it, and {} confirmed", self.to.name(first), self.who()),
            None => format!("{} ended it", self.who()),
        };
        let mut said = vec![Text::of(format!("{who}: {}", ended(&outside(reason))))];
        for intent in believed.iter().filter_map(|key| self.state.deploy(key)).map(|deploy| &deploy.intent) {
            let place = self.state.plan.place(&intent.environment);
            said.push(Text::of("The deployment of ").commit(&intent.commit).plain(format!(
                " to {place} may still be running, and is not followed any more: look at what {place} runs."
            )));
        }
        if self.state.owes_mainline() {
            let main = Text::of(
                "Still open: the fix is not known to be on main. It stays asked for until it is there, or a captain says ",
            );
            said.push(main.command("mergeback waive <reason>").plain("."));
        }
        if review_due(self.state) {
            said.push(Text::of("Still open: the review of the broken glass."));
        }
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
        said.extend(newer(self.state));
        said.extend(not_followed(self.state).map(Text::of));
        said.extend(left_out(self.state).map(Text::of));
        said.push(match &self.state.postmortem {
            Some(Some(url)) => Text::of("Post-mortem: ").plain(outside(url)),
            Some(None) | None => {
                Text::of("Everything that happened: ").command(&format!("timeline {}", self.state.id)).plain(".")
            }
        });
        if !self.state.lane_released {
            said.push(self.free());
        }
        lines(tone, Some(title), said)
    }

    /// Says that others may deploy again.
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
        Mainline::Merged(how, main) => {
            Text::of(format!("The fix is on main: {}, at ", containment(how))).commit(main).plain(".")
        }
        Mainline::Waived { reason, .. } => {
            Text::of(format!("The fix is not on main; that was given up: {}", ended(&outside(reason))))
        }
        Mainline::NotMerged | Mainline::Reverted(_) => Text::of("The fix is not known to be on main."),
    }
}

/// Names the environments with open deployments.
fn open_deployments(state: &Hotfix) -> String {
    let open = state.deploys.iter().filter(|deploy| deploy.state.is_open());
    let places: Vec<String> = open.map(|deploy| state.plan.place(&deploy.intent.environment)).collect();
    places.join(" and ")
}

/// Names the newer releases that contain the fix, with their productions if there are several.
fn newer(state: &Hotfix) -> Option<Text> {
    let mut releases: BTreeMap<&CommitId, Vec<&str>> = BTreeMap::new();
    for (production, by) in &state.superseded {
        releases.entry(by).or_default().push(production.as_str());
    }
    if releases.is_empty() {
        return None;
    }
    let several = state.plan.productions().count() > 1;
    let mut text = Text::of("A newer release that contains it runs since: ");
    for (at, (by, places)) in releases.into_iter().enumerate() {
        text = if at == 0 { text } else { text.plain(", ") }.commit(by);
        if several {
            text = text.plain(format!(" on {}", listing(&places)));
        }
    }
    Some(text.plain("."))
}

/// Names the branches and the pull request that a run leaves when it is aborted or abandoned.
fn left_behind(state: &Hotfix) -> Option<Text> {
    let fix = if state.branch_gone { BranchState::Deleted } else { state.branch };
    let there = [(state.into, &state.plan.into), (fix, &state.plan.branch)];
    let left: Vec<&BranchName> =
        there.into_iter().filter(|(stands, _)| *stands == BranchState::Present).map(|(_, name)| name).collect();
    let mut text = Text::of(if left.len() == 1 { "The branch " } else { "The branches " });
    for (at, branch) in left.iter().enumerate() {
        text = if at == 0 { text } else { text.plain(" and ") }.code(branch.as_str());
    }
    let open = state.pull.as_ref().filter(|pull| pull.merged.is_none() && !pull.seen.closed);
    match (left.len(), open) {
        (0, Some(pull)) => {
            let number = pull.number.0;
            Some(Text::of(format!("Pull request #{number} is left as it is; close it when nobody needs it.")))
        }
        (0, None) => None,
        (_, Some(pull)) => Some(text.plain(format!(
            " and pull request #{} are left as they are: close and delete them, or merge them as a normal change.",
            pull.number.0
        ))),
        (1, None) => Some(text.plain(" is left as it is; delete it when nobody needs it.")),
        (_, None) => Some(text.plain(" are left as they are; delete them when nobody needs them.")),
    }
}

/// Lists the steps that users skipped, without deployments that may still be running.
fn left_out(state: &Hotfix) -> Option<String> {
    let titles = skipped(state, |spec| !may_still_run(state, spec));
    (!titles.is_empty()).then(|| format!("Left out on the way: {}.", titles.join("; ")))
}

/// Lists the deployments that may have been in progress when the run was abandoned.
fn not_followed(state: &Hotfix) -> Option<String> {
    let titles = skipped(state, |spec| may_still_run(state, spec));
    (!titles.is_empty()).then(|| format!("Not followed to its end: {}.", titles.join("; ")))
}

/// Returns the titles of the matching steps that a user skipped.
fn skipped(state: &Hotfix, wanted: impl Fn(&StepSpec) -> bool) -> Vec<String> {
    let left = state.plan.steps.iter().zip(&state.steps).filter(|(spec, step)| match step {
        StepState::Skipped { by, .. } => by.is_some() && wanted(spec),
        StepState::Ahead | StepState::Current { .. } | StepState::Offered { .. } | StepState::Done { .. } => false,
    });
    left.map(|(spec, _)| outside(&spec.title)).collect()
}

/// Returns `true` if this step is a deployment that may have been in progress when the run was abandoned.
fn may_still_run(state: &Hotfix, spec: &StepSpec) -> bool {
    let StepKind::Deploy { environment, .. } = &spec.kind else { return false };
    let believed = state.abandoned.iter().flat_map(|abandoned| &abandoned.believed);
    let mut intents = believed.filter_map(|key| state.deploy(key)).map(|deploy| &deploy.intent);
    intents.any(|intent| &intent.environment == environment && !intent.rollback)
}
