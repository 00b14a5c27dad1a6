//! Sections of the post-mortem about deviations: skipped steps, drift, and failures.

use crate::domain::event::{Actor, Entry, Event};
use crate::domain::hotfix::{Deployment, Hotfix};
use crate::view::Audience;
use crate::view::duration::stamp;
use crate::view::render::escape;
use crate::view::text::once;
use crate::view::timeline::{drift, sha, title};

pub(super) fn left_out(state: &Hotfix, entries: &[Entry], to: &Audience<'_>) -> String {
    let lines = entries.iter().filter_map(|entry| {
        let who = by(entry, to);
        if let Event::StepSkipped { step, reason } = &entry.event {
            return Some(format!("- {who} skipped **{}**: {}\n", title(state, step), escape(reason)));
        }
        if let Event::MergebackWaived { reason } = &entry.event {
            return Some(format!("- {who} gave up bringing the fix to main: {}\n", escape(reason)));
        }
        let Event::StepOverridden { step, asked_by, reason, incident } = &entry.event else {
            return None;
        };
        let (first, incident) = (escape(&to.name(asked_by)), escape(incident));
        Some(format!(
            "- {first} and {who} overrode **{}**: {} (incident {incident})\n",
            title(state, step),
            escape(reason)
        ))
    });
    or_nothing(lines.collect())
}

pub(super) fn drifts(entries: &[Entry], to: &Audience<'_>) -> String {
    let lines = entries.iter().filter_map(|entry| {
        let at = stamp(entry.at);
        if let Event::Drifted { expected, found, .. } = &entry.event {
            return Some(format!("- {at}: expected {}, found {}\n", sha(expected), sha(found)));
        }
        if let Event::DriftSettled { choice } = &entry.event {
            return Some(format!("- {at}: {} decided to {}\n", by(entry, to), drift(*choice)));
        }
        let Event::Superseded { by, .. } = &entry.event else {
            return None;
        };
        Some(format!("- {at}: a newer release that contains the fix, {}\n", sha(by)))
    });
    or_nothing(lines.collect())
}

pub(super) fn failures(state: &Hotfix, entries: &[Entry]) -> String {
    let lines =
        entries.iter().filter_map(|entry| Some(format!("- {}: {}\n", stamp(entry.at), failure(state, &entry.event)?)));
    or_nothing(lines.collect())
}

fn failure(state: &Hotfix, event: &Event) -> Option<String> {
    if let Event::DeployEnded { key, failure } = event {
        let place = |deploy: &Deployment| state.plan.place(&deploy.intent.environment);
        let place = state.deploy(key).map_or_else(|| "an environment".to_owned(), place);
        return failure.as_ref().map(|why| format!("the deployment to {place} failed: {}", escape(why)));
    }
    if let Event::Stuck { effect, reason } = event {
        return Some(format!("could not {}: {}", escape(&effect.describe()), escape(once(reason))));
    }
    if let Event::FixConflicted { source, files } = event {
        return Some(format!("{} did not apply: {}", sha(source), escape(&files.join(", "))));
    }
    if let Event::RebaseConflicted { files } = event {
        return Some(format!("the fix did not apply to the new base: {}", escape(&files.join(", "))));
    }
    let Event::Attested { place, commit, pass: false, .. } = event else {
        return None;
    };
    Some(format!("{} was not good on {}", escape(place), sha(commit)))
}

fn by(entry: &Entry, to: &Audience<'_>) -> String {
    match &entry.by {
        Actor::Person(person) => escape(&to.name(person)),
        Actor::Bot => "the bot".to_owned(),
    }
}

fn or_nothing(lines: String) -> String {
    if lines.is_empty() { "Nothing.\n".to_owned() } else { lines }
}
