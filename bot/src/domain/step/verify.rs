//! Attestations that the fix works at a place, bound to the attested commit (APPLY-9, MAIN-16).

use hotfix_adapters::ids::CommitId;

use super::{Progress, Wait};
use crate::domain::hotfix::{Attestation, Hotfix};
use crate::domain::id::PersonId;
use crate::domain::people::marked;
use crate::domain::playbook::{ENGINEER, VerifyPlace};

pub(super) fn progress(state: &Hotfix, place: &VerifyPlace, question: &str, by: &[String]) -> Progress {
    let commit = commit_at(state, place);
    let words: Vec<&Attestation> = state
        .attestations
        .iter()
        .filter(|((name, _), word)| {
            name == place.name() && commit == Some(&word.commit) && on_image(state, place, word)
        })
        .map(|(_, word)| word)
        .collect();
    let waiting = |failed: bool, missing: Vec<String>| {
        Progress::Waiting(Wait::Word { place: place.name().to_owned(), question: question.to_owned(), failed, missing })
    };
    if by.is_empty() {
        return match words.iter().max_by_key(|word| word.at) {
            Some(word) if word.pass => {
                Progress::done(format!("{} says so, on {}", marked(&word.person), word.commit.short()))
            }
            last => waiting(last.is_some(), Vec::new()),
        };
    }
    let failed = words.iter().any(|word| !word.pass);
    let passed: Vec<&PersonId> = words.iter().filter(|word| word.pass).map(|word| &word.person).collect();
    let missing = missing(state, by, &passed);
    if failed || !missing.is_empty() {
        return waiting(failed, missing);
    }
    let names: Vec<String> = passed.into_iter().map(marked).collect();
    let on = state.digest().map(|digest| digest.short()).or(commit.map(CommitId::short)).unwrap_or("it");
    let say = if names.len() == 1 { "says" } else { "say" };
    Progress::done(format!("{} {say} so, on {on}", names.join(" and ")))
}

/// Returns the parties without an attestation. One person attests for one party only (HOCS-31).
fn missing(state: &Hotfix, by: &[String], passed: &[&PersonId]) -> Vec<String> {
    let mut free: Vec<&PersonId> = passed.to_vec();
    let mut missing = Vec::new();
    // People with the fewest parties are assigned first, so that nobody fills a party that others could fill.
    free.sort_by_key(|person| by.iter().filter(|party| speaks_for(state, person, party)).count());
    for party in by {
        match free.iter().position(|person| speaks_for(state, person, party)) {
            Some(at) => drop(free.remove(at)),
            None => missing.push(party.clone()),
        }
    }
    missing
}

/// Returns `true` if the person belongs to a party of the plan. The engineers are the requester and the contributors.
pub(crate) fn speaks_for(state: &Hotfix, person: &PersonId, party: &str) -> bool {
    if party == ENGINEER {
        return person == &state.requester || state.contributors().contains(person);
    }
    state.plan.parties.get(party).is_some_and(|members| members.contains(person))
}

/// Returns `true` if the attestation is about the image that runs at the place: the same commit can be rebuilt
/// (HOCS-15, HOCS-31).
fn on_image(state: &Hotfix, place: &VerifyPlace, word: &Attestation) -> bool {
    match place {
        VerifyPlace::Local | VerifyPlace::Watch(_) => true,
        VerifyPlace::Environment(environment) => word.image.as_ref() == state.image_in(environment),
    }
}

/// Returns the commit that can be verified at a place now: the head locally, otherwise the commit that the environment
/// runs. `None` if the fix has not reached the place.
#[must_use]
pub fn commit_at<'a>(state: &'a Hotfix, place: &VerifyPlace) -> Option<&'a CommitId> {
    match place {
        VerifyPlace::Local => state.head.as_ref().map(|head| &head.tip),
        VerifyPlace::Environment(environment) | VerifyPlace::Watch(environment) => {
            state.deployed(environment).or_else(|| state.reached.get(environment))
        }
    }
}

#[cfg(test)]
mod tests;
