//! A person's word on what they saw, bound to the commit they saw (APPLY-9, MAIN-16).

use hotfix_adapters::vocabulary::CommitId;

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::VerifyPlace;

pub(super) fn progress(state: &Hotfix, place: &VerifyPlace, question: &str) -> Progress {
    let name = match place {
        VerifyPlace::Local => "local".to_owned(),
        VerifyPlace::Environment(environment) => environment.to_string(),
    };
    let word = state.attestations.get(&name).filter(|word| commit_at(state, place) == Some(&word.commit));
    match word {
        Some(word) if word.pass => Progress::done(format!("{} says so, on {}", word.person, word.commit.short())),
        other => Progress::Waiting(Wait::Word { place: name, question: question.to_owned(), failed: other.is_some() }),
    }
}

/// The commit that somebody who looks there now sees.
#[must_use]
pub fn commit_at<'a>(state: &'a Hotfix, place: &VerifyPlace) -> Option<&'a CommitId> {
    match place {
        VerifyPlace::Local => state.head.as_ref().map(|head| &head.tip),
        VerifyPlace::Environment(environment) => state.deployed(environment),
    }
}
