//! The status of a run in a few words. A blocking problem takes precedence over the step that the run waits for.

use hotfix_adapters::chat::{MarkState, Tone};
use hotfix_adapters::ids::Environment;
use jiff::Timestamp;

use super::Audience;
use super::duration::between;
use super::text::{listing, live_in, name, outside};
use super::waiting_on::takes_fixes;
use crate::domain::break_glass::review_due;
use crate::domain::event::Ending;
use crate::domain::hotfix::{Hotfix, Mainline, Phase, StepState};
use crate::domain::people::People;
use crate::domain::playbook::{HoldMeans, StepKind, WATCH};
use crate::domain::step::{self, Progress, Wait};

/// Returns the condition that the run waits for; `None` while it takes its snapshot, is paused by drift, or has ended.
pub(super) fn wait(state: &Hotfix, now: Timestamp) -> Option<Wait> {
    let underway = matches!(state.phase, Phase::Underway);
    let (_, spec) = state.current().filter(|_| underway && state.drifts.is_empty())?;
    match step::progress(state, spec, now) {
        Progress::Waiting(wait) => Some(wait),
        Progress::Done { .. } | Progress::Impossible(_) => None,
    }
}

/// Returns `true` if the branch was deleted while the run still needs it. After the merge it is not needed.
pub(super) fn branch_is_gone(state: &Hotfix) -> bool {
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    state.branch_gone && !merged && state.abandoned.is_none() && !state.is_over()
}

/// Returns `true` if main had every requested fix before the fixes were picked (SRE-8).
pub(super) fn all_on_main(state: &Hotfix) -> bool {
    !state.fixes.is_empty() && state.fixes.iter().all(|fix| state.on_main.contains(&fix.source))
}

/// Returns the productions that still run the fix through this run, without a newer release after it.
pub(super) fn still_on(state: &Hotfix) -> Vec<&Environment> {
    live_in(state).into_iter().filter(|name| step::is_out(state, name)).collect()
}

/// Returns the status of a run in a few words.
#[must_use]
pub fn stands(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> String {
    standing(state, to.people, now).1
}

/// Returns the status of a run in a few words, with its tone.
pub(super) fn standing(state: &Hotfix, people: &People, now: Timestamp) -> (Tone, String) {
    match &state.phase {
        Phase::ReadingWorld => (Tone::Neutral, "looking at what runs in production and what main holds".to_owned()),
        Phase::Ended { ending, at, .. } => over(state, ending, *at),
        Phase::Underway => underway(state, people, now),
    }
}

fn over(state: &Hotfix, ending: &Ending, at: Timestamp) -> (Tone, String) {
    let took = between(state.opened_at, at);
    match ending {
        Ending::Completed => (Tone::Good, format!("closed: completed in {took}")),
        Ending::RolledIn => (Tone::Good, format!("closed after {took}: the fix goes out with the regular release")),
        Ending::Superseded => (Tone::Good, format!("closed after {took}: a release that has the fix took its place")),
        Ending::Reverted => (Tone::Good, format!("closed after {took}: production is back at what it ran before")),
        Ending::Refused => (Tone::Warning, "refused: nothing was done".to_owned()),
        Ending::Aborted => (Tone::Warning, format!("given up after {took}")),
    }
}

fn underway(state: &Hotfix, people: &People, now: Timestamp) -> (Tone, String) {
    if !state.drifts.is_empty() {
        let names: Vec<&str> = state.drifts.keys().map(|name| name.as_str()).collect();
        let where_ = if state.plan.productions().count() > 1 { listing(&names) } else { "production".to_owned() };
        return (Tone::Bad, format!("paused: {where_} changed"));
    }
    if let Some(stuck) = state.stuck.last() {
        return (Tone::Bad, format!("stopped: could not {}", outside(&stuck.effect.describe())));
    }
    if state.abandoned.is_some() {
        let waits = state.current().is_some_and(|(_, spec)| matches!(spec.kind, StepKind::Mainline { .. }));
        let main = waits.then_some("the fix on main");
        let review = review_due(state).then_some("the review of the broken glass");
        let owed: Vec<&str> = main.into_iter().chain(review).collect();
        return (Tone::Warning, format!("abandoned; still waiting for {}", listing(&owed)));
    }
    let gone = branch_is_gone(state);
    let waiting = wait(state, now).filter(|_| !gone);
    let last = if gone {
        (Tone::Bad, "stopped: the branch was deleted".to_owned())
    } else if review_due(state) && state.current().is_none() {
        (Tone::Asking, "waiting for a review of the broken glass".to_owned())
    } else {
        (Tone::Neutral, "going on".to_owned())
    };
    let (tone, words) = waiting.as_ref().map_or(last, |wait| waiting_for(state, wait));
    if !state.holds.is_empty() && state.plan.hold == HoldMeans::Pauses {
        let who: Vec<String> = state.holds.keys().map(|person| name(people, person)).collect();
        return (Tone::Warning, format!("on hold by {}; {words}", listing(&who)));
    }
    match live(state) {
        Some(live) if waiting == Some(Wait::Mainline) => (Tone::Warning, live),
        Some(live) => (if tone == Tone::Bad { Tone::Bad } else { Tone::Warning }, format!("{live}; {words}")),
        None => (tone, words),
    }
}

/// Describes the state of production while it runs the fix.
fn live(state: &Hotfix) -> Option<String> {
    let places = live_in(state);
    if places.is_empty() {
        return None;
    }
    let is = if places.len() == 1 { "is" } else { "are" };
    let names = |places: Vec<&Environment>| listing(&places.into_iter().map(Environment::as_str).collect::<Vec<_>>());
    let newer: Vec<&Environment> = places.iter().copied().filter(|name| state.superseded.contains_key(*name)).collect();
    let production = names(places);
    if !newer.is_empty() {
        return Some(format!("a newer release that contains the fix is on {}", names(newer)));
    }
    if state.plan.is_promotion() {
        return None;
    }
    match &state.mainline {
        Mainline::NotMerged if all_on_main(state) => None,
        Mainline::NotMerged => {
            Some(format!("live in {production}, not yet on main: {production} {is} in a non-standard state"))
        }
        Mainline::Reverted(_) => Some(format!(
            "live in {production}, but taken out of main again: {production} {is} in a non-standard state"
        )),
        Mainline::Waived { .. } => Some(format!("live in {production}; bringing it to main was given up")),
        Mainline::Merged(..) => None,
    }
}

fn waiting_for(state: &Hotfix, wait: &Wait) -> (Tone, String) {
    let to = |environment: &Environment| state.plan.place(environment);
    match wait {
        Wait::Bot(what) => (Tone::Neutral, (*what).to_owned()),
        Wait::Fix => (Tone::Asking, "waiting for the fix".to_owned()),
        Wait::Reverted(_) => (Tone::Bad, "stopped: main reverted the fix".to_owned()),
        Wait::Strays(_) => (Tone::Bad, "stopped: the branch holds what nobody asked for".to_owned()),
        Wait::Conflict(_) => (Tone::Bad, "stopped: the fix does not apply, a person has to settle it".to_owned()),
        Wait::Review { pull, .. } if !pull.is_empty() => (Tone::Warning, "the pull request is held back".to_owned()),
        Wait::Review { against, .. } if !against.is_empty() => {
            (Tone::Warning, "a reviewer asks for changes".to_owned())
        }
        Wait::Review { have, need, .. } if have < need => (Tone::Asking, "waiting for a review".to_owned()),
        Wait::Review { .. } => (Tone::Neutral, "waiting for the checks".to_owned()),
        Wait::MainChecks(_) => (Tone::Neutral, "waiting for the checks of main".to_owned()),
        Wait::MainBlocked(_) => (Tone::Bad, "stopped: main cannot be released".to_owned()),
        Wait::MergeChecks { failed: true, .. } => (Tone::Bad, "stopped: a check of the merge failed".to_owned()),
        Wait::MergeChecks { .. } => (Tone::Neutral, "waiting for the checks of the merge".to_owned()),
        Wait::Word { place, failed: true, .. } => {
            (Tone::Bad, format!("stopped: a problem was found {}", looked_at(place)))
        }
        Wait::Word { place, .. } => (Tone::Asking, format!("waiting for verification {}", looked_at(place))),
        Wait::Votes { environment, vetoes, .. } if *vetoes > 0 => {
            (Tone::Bad, format!("stopped: somebody said no to {}", to(environment)))
        }
        Wait::Votes { environment, .. } if state.is_taken_back(environment) => {
            let next = if takes_fixes(state) { "; waiting for a better fix" } else { "" };
            (Tone::Asking, format!("rolled back{next}"))
        }
        Wait::Votes { environment, .. } => (Tone::Asking, format!("waiting for votes for {}", to(environment))),
        Wait::Retargeted { into, .. } => {
            (Tone::Bad, format!("stopped: the pull request goes into {}", outside(into.as_str())))
        }
        Wait::DeployCommand(environment) => (Tone::Asking, format!("ready to be deployed to {}", to(environment))),
        Wait::Deploying(environment) => (Tone::Neutral, format!("deploying to {}", to(environment))),
        Wait::RollingOut(environment) => (Tone::Neutral, format!("merged, rolling out to {}", to(environment))),
        Wait::RolloutWord(environment) => {
            (Tone::Asking, format!("merged; waiting for a word whether {} runs it", to(environment)))
        }
        Wait::DeployByHand(environment) => (Tone::Asking, format!("waiting for a deployment to {environment} by hand")),
        Wait::DeployFailed(environment) => {
            (Tone::Bad, format!("stopped: the deployment to {} failed", to(environment)))
        }
        Wait::Triage { open, .. } => (Tone::Asking, format!("waiting for {open} answers of the triage")),
        Wait::Agreement { party, .. } => (Tone::Asking, format!("waiting for the {party} to agree")),
        Wait::BuildJob { .. } => (Tone::Asking, "waiting for a job that builds images of the branch".to_owned()),
        Wait::FixOnMain(_) => (Tone::Asking, "waiting for the fix to be merged into main".to_owned()),
        Wait::OnEnvironment(environment) => (Tone::Neutral, format!("waiting until {environment} has it")),
        Wait::VersionOrder { .. } => (Tone::Asking, "stopped: the version would be out of order".to_owned()),
        Wait::Image => (Tone::Neutral, "waiting for the image to be built".to_owned()),
        Wait::Expiry(places) => (
            Tone::Warning,
            format!(
                "a hotfix stays on {} until it is taken back or replaced",
                listing(&places.iter().map(|place| place.as_str()).collect::<Vec<_>>())
            ),
        ),
        Wait::Release(places) => {
            let places: Vec<&str> = places.iter().map(|place| place.as_str()).collect();
            (Tone::Warning, format!("waiting for a release that has the fix on {}", listing(&places)))
        }
        Wait::Mainline => (Tone::Asking, "waiting for the fix to be on main".to_owned()),
        Wait::Postmortem { .. } => (Tone::Asking, "waiting for the post-mortem".to_owned()),
    }
}

/// Names the place of a verification: "at staging", "locally or in the review app".
pub(super) fn looked_at(place: &str) -> String {
    match place {
        "local" => "locally or in the review app".to_owned(),
        WATCH => "while monitoring production".to_owned(),
        environment => format!("on {}", outside(environment)),
    }
}

/// Returns what a person verified there.
pub(super) fn verified(place: &str) -> String {
    match place {
        "local" => "the fix locally or in the review app".to_owned(),
        WATCH => "production by monitoring it".to_owned(),
        environment => outside(environment),
    }
}

/// Returns the state of the step at this index of the plan.
pub(super) fn mark(state: &Hotfix, at: usize, now: Timestamp) -> MarkState {
    match state.steps.get(at) {
        Some(StepState::Done { .. }) => MarkState::Done,
        Some(StepState::Skipped { .. }) => MarkState::Skipped,
        Some(StepState::Offered { .. }) => MarkState::Ahead,
        Some(StepState::Ahead | StepState::Current { .. }) | None => {
            if state.current().map(|(current, _)| current) != Some(at) {
                MarkState::Ahead
            } else if is_stopped(state, now) {
                MarkState::Stopped
            } else {
                MarkState::Current
            }
        }
    }
}

fn is_stopped(state: &Hotfix, now: Timestamp) -> bool {
    let waiting = wait(state, now);
    let bad = waiting.is_some_and(|wait| waiting_for(state, &wait).0 == Tone::Bad);
    bad || branch_is_gone(state) || state.is_over() || !state.drifts.is_empty() || !state.stuck.is_empty()
}
