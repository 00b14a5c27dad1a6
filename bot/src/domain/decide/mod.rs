//! What a command does to a run: events, or refusals, all of them together. Total and pure: time is an argument.

mod abandon;
mod break_glass;
mod deploy;
mod identify;
mod observed;
mod overrides;
mod retry;
mod unpick;
mod user;
mod void_votes;
mod votes;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::break_glass::review_due;
use super::command::{Command, EffectResult};
use super::event::{Actor, Ending, Entry, Event, Opened};
use super::evolve::evolve;
use super::hotfix::{Hotfix, Phase, StepState};
use super::id::{HotfixId, PersonId, StepId};
use super::observation::StampedObservation;
use super::people::Grant;
use super::playbook::{StepKind, StepSpec, Trigger};
use super::refusal::Refusal;
use super::step::{self, Progress};

pub(crate) use deploy::{drift_ways, may_abort};

/// What a command came to: the events to append, and the run as it is with them.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The events, possibly none.
    pub entries: Vec<Entry>,
    /// The run after them.
    pub state: Hotfix,
}

/// Opens a run.
///
/// # Errors
/// Refuses a title that is empty or too long to be read.
pub fn open(id: HotfixId, grant: &Grant, opened: Opened, now: Timestamp) -> Result<Decision, Vec<Refusal>> {
    if opened.title.trim().is_empty() || opened.title.chars().count() > 300 {
        let next = "Say in one line what is broken: start <service> \"title\".";
        return Err(vec![Refusal::new("title.length", "A title has 1 to 300 characters.", next)]);
    }
    let entry = Entry { at: now, by: Actor::Person(grant.person.clone()), event: Event::Opened(Box::new(opened)) };
    let state = evolve(id, None, &entry).map_err(|impossible| vec![bug(&impossible.to_string())])?;
    Ok(Decision { entries: vec![entry], state })
}

/// Decides.
///
/// # Errors
/// Every reason why the command is refused; nothing changes then.
pub fn decide(state: &Hotfix, command: &Command, now: Timestamp) -> Result<Decision, Vec<Refusal>> {
    let mut draft = Decider { state: state.clone(), entries: Vec::new(), now };
    match command {
        Command::User(grant, act) => user::decide(&mut draft, grant, act)?,
        Command::Observed(observation) => saw(&mut draft, observation)?,
        Command::Finished(outcome) => came(&mut draft, outcome)?,
        Command::Timer(step) => observed::remind(&mut draft, step)?,
        Command::CountersignTimer => break_glass::remind(&mut draft)?,
    }
    recheck(&mut draft)?;
    advance(&mut draft)?;
    Ok(Decision { entries: draft.entries, state: draft.state })
}

fn saw(draft: &mut Decider, observation: &StampedObservation) -> Result<(), Vec<Refusal>> {
    let pointless = draft.state.abandoned.is_some() && !abandon::sees(&observation.observation);
    // An observation of a run that changed since is dropped, and the world is read again.
    let outdated = !observation.applies_to(&draft.state);
    if draft.state.is_over() || pointless || outdated { Ok(()) } else { observed::saw(draft, observation) }
}

fn came(draft: &mut Decider, outcome: &EffectResult) -> Result<(), Vec<Refusal>> {
    // A run that is over learns nothing more; the outcome is settled all the same.
    let pointless = draft.state.abandoned.is_some() && !abandon::learns(outcome);
    if draft.state.is_over() || pointless { Ok(()) } else { observed::came(draft, outcome) }
}

/// A decision in the making: events are applied as they are made, so that what follows sees them.
struct Decider {
    state: Hotfix,
    entries: Vec<Entry>,
    now: Timestamp,
}

impl Decider {
    fn bot(&mut self, event: Event) -> Result<(), Vec<Refusal>> {
        self.emit(Actor::Bot, event)
    }

    fn person(&mut self, person: &PersonId, event: Event) -> Result<(), Vec<Refusal>> {
        self.emit(Actor::Person(person.clone()), event)
    }

    /// Asks for a deployment; lanes that were released are taken again for it.
    fn ask_to_deploy(&mut self, by: Actor, event: Event) -> Result<(), Vec<Refusal>> {
        if self.state.lane_released {
            self.emit(by.clone(), Event::LanesTaken)?;
        }
        self.emit(by, event)
    }

    fn emit(&mut self, by: Actor, event: Event) -> Result<(), Vec<Refusal>> {
        let entry = Entry { at: self.now, by, event };
        let next = evolve(self.state.id, Some(self.state.clone()), &entry);
        let next = next.map_err(|impossible| vec![bug(&impossible.to_string())])?;
        let words = void_votes::of(&self.state, &entry.event, &next);
        self.state = next;
        self.entries.push(entry);
        words.into_iter().try_for_each(|lapsed| self.bot(lapsed))
    }
}

/// A decision that `evolve` does not accept is our mistake; it is refused, and nothing is half done.
fn bug(what: &str) -> Refusal {
    Refusal::new(
        "bug",
        format!("This would be a mistake of the bot: {what}."),
        "Please report it with the timeline of the run.",
    )
}

/// Judges what is done once more: steps whose evidence does not hold any more are open again, until the act that relied on them
/// has begun; then it is only told.
fn recheck(draft: &mut Decider) -> Result<(), Vec<Refusal>> {
    if !matches!(draft.state.phase, Phase::Underway) {
        return Ok(());
    }
    for (step, reason) in step::unsound(&draft.state, draft.now) {
        draft.bot(Event::StepReopened { step, reason })?;
    }
    let outdated: BTreeMap<StepId, String> = step::outdated(&draft.state, draft.now).into_iter().collect();
    let told = draft.state.outdated.clone();
    for step in told.keys().filter(|step| !outdated.contains_key(*step)).cloned() {
        draft.bot(Event::EvidenceChanged { step, problem: None })?;
    }
    for (step, problem) in outdated.into_iter().filter(|(step, problem)| told.get(step) != Some(problem)) {
        draft.bot(Event::EvidenceChanged { step, problem: Some(problem) })?;
    }
    Ok(())
}

/// Goes on as far as the evidence reaches: closes what is fulfilled, enters what is next.
fn advance(draft: &mut Decider) -> Result<(), Vec<Refusal>> {
    take_options(draft)?;
    // Each round closes or enters one step; a plan of n steps is through after 2n.
    let rounds = draft.state.plan.steps.len() * 2 + 2;
    for _ in 0..rounds {
        if !matches!(draft.state.phase, Phase::Underway) || !draft.state.drifts.is_empty() {
            return Ok(());
        }
        let current = draft.state.current().is_some();
        if current && draft.state.holds_lanes() && draft.state.is_done_with_lanes() {
            draft.bot(Event::LanesReleased)?;
        }
        let Some((at, spec)) = draft.state.current() else {
            // What went out by a broken glass is looked at by somebody else before the run ends.
            if review_due(&draft.state) {
                return Ok(());
            }
            let ending = ending(&draft.state);
            return draft.bot(Event::Closed { ending });
        };
        let spec = spec.clone();
        let ahead = draft.state.steps.get(at) == Some(&StepState::Ahead);
        if ahead && step::is_option(&spec) && is_waiting(draft, &spec) {
            draft.bot(Event::StepOffered { step: spec.id.clone() })?;
            continue;
        }
        if ahead {
            draft.bot(Event::StepEntered { step: spec.id.clone() })?;
            start_by_itself(draft, &spec.kind)?;
        }
        match step::progress(&draft.state, &spec, draft.now) {
            Progress::Done { evidence, events } => {
                for event in events {
                    draft.bot(event)?;
                }
                draft.bot(Event::StepDone { step: spec.id.clone(), evidence })?;
            }
            Progress::Waiting(_) => return Ok(()),
            Progress::Impossible(refusals) => return draft.bot(Event::Refused { refusals }),
        }
    }
    Ok(())
}

fn is_waiting(draft: &Decider, spec: &StepSpec) -> bool {
    matches!(step::progress(&draft.state, spec, draft.now), Progress::Waiting(_))
}

/// Closes the options that were taken meanwhile.
fn take_options(draft: &mut Decider) -> Result<(), Vec<Refusal>> {
    if !matches!(draft.state.phase, Phase::Underway) {
        return Ok(());
    }
    let steps = draft.state.plan.steps.iter().zip(&draft.state.steps);
    let offered = steps.filter(|(_, at)| matches!(at, StepState::Offered { .. })).map(|(spec, _)| spec.clone());
    for spec in offered.collect::<Vec<_>>() {
        if let Progress::Done { evidence, events } = step::progress(&draft.state, &spec, draft.now) {
            for event in events {
                draft.bot(event)?;
            }
            draft.bot(Event::StepDone { step: spec.id, evidence })?;
        }
    }
    Ok(())
}

fn ending(state: &Hotfix) -> Ending {
    let expires = state.plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::Expire));
    if state.abandoned.is_some() {
        Ending::Aborted
    } else if state.rolled_in {
        Ending::RolledIn
    } else if expires && step::reverted(state) {
        Ending::Reverted
    } else if expires && !state.superseded.is_empty() {
        Ending::Superseded
    } else {
        Ending::Completed
    }
}

/// A deployment that begins by itself is asked for as soon as its turn comes.
fn start_by_itself(draft: &mut Decider, kind: &StepKind) -> Result<(), Vec<Refusal>> {
    if let StepKind::Deploy { environment, trigger: Trigger::Auto, .. } = kind {
        return deploy::ask_unless_there(draft, environment);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
