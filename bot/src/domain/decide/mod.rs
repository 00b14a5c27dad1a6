//! The decider: turns a command on a run into events to append, or into refusals. All refusals are returned together.
//! The functions are total and pure: the current time is an argument.

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

/// The outcome of an accepted command: the events to append, and the state of the run after them.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Events in the order in which they are appended; empty if the command changes nothing.
    pub entries: Vec<Entry>,
    /// State of the run after `entries`.
    pub state: Hotfix,
}

/// Opens a run.
///
/// # Errors
/// Refuses a title that is empty or longer than 300 characters.
pub fn open(id: HotfixId, grant: &Grant, opened: Opened, now: Timestamp) -> Result<Decision, Vec<Refusal>> {
    if opened.title.trim().is_empty() || opened.title.chars().count() > 300 {
        let next = "Say in one line what is broken: start <service> \"title\".";
        return Err(vec![Refusal::new("title.length", "A title has 1 to 300 characters.", next)]);
    }
    let entry = Entry { at: now, by: Actor::Person(grant.person.clone()), event: Event::Opened(Box::new(opened)) };
    let state = evolve(id, None, &entry).map_err(|impossible| vec![bug(&impossible.to_string())])?;
    Ok(Decision { entries: vec![entry], state })
}

/// Decides a command on an existing run. Then reopens steps whose evidence no longer holds, and advances the run as far
/// as its evidence allows.
///
/// # Errors
/// Returns every reason to refuse the command. A refused command changes nothing.
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
    // An observation that was made against an older state of the run is dropped; the next poll reads again.
    let outdated = !observation.applies_to(&draft.state);
    if draft.state.is_over() || pointless || outdated { Ok(()) } else { observed::saw(draft, observation) }
}

fn came(draft: &mut Decider, outcome: &EffectResult) -> Result<(), Vec<Refusal>> {
    // A finished run ignores results, and an abandoned one ignores most. The effect is settled in any case.
    let pointless = draft.state.abandoned.is_some() && !abandon::learns(outcome);
    if draft.state.is_over() || pointless { Ok(()) } else { observed::came(draft, outcome) }
}

/// A decision in progress. Each event is applied as soon as it is emitted, so later rules work on the updated state.
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

    /// Emits a request for a deployment. If the run has released its lanes, it takes them again first.
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

/// Returns the refusal for an event that `evolve` rejects. That is a bug in the bot; the command is refused as a whole,
/// so no partial change is stored.
fn bug(what: &str) -> Refusal {
    Refusal::new(
        "bug",
        format!("This would be a mistake of the bot: {what}."),
        "Please report it with the timeline of the run.",
    )
}

/// Judges completed steps again. A step whose evidence no longer holds is reopened, unless the action that relies on it
/// has begun. In that case, the change is only reported with [`Event::EvidenceChanged`].
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

/// Advances the run as far as the evidence allows: completes fulfilled steps and enters the next ones.
fn advance(draft: &mut Decider) -> Result<(), Vec<Refusal>> {
    take_options(draft)?;
    // Each round completes or enters one step, so a plan of n steps needs at most 2n rounds.
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
            // The run stays open until a deployment that went out by break-glass is countersigned.
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

/// Completes offered (optional) steps that have been fulfilled since they were offered.
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

/// Requests an automatic deployment as soon as its step is entered.
fn start_by_itself(draft: &mut Decider, kind: &StepKind) -> Result<(), Vec<Refusal>> {
    if let StepKind::Deploy { environment, trigger: Trigger::Auto, .. } = kind {
        return deploy::ask_unless_there(draft, environment);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
