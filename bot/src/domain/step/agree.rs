//! The agreement of members of a party: stakeholders to the hotfix (HOCS-17), or users of QA to a change there
//! (HOCS-28). The agreement of the requester does not count.

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{PersonId, StepId};
use crate::domain::people::all_marked;

pub(super) fn progress(state: &Hotfix, step: &StepId, party: &str, count: u32, question: &str) -> Progress {
    let agreed = agreed(state, step, party);
    let missing = count.saturating_sub(u32::try_from(agreed.len()).unwrap_or(u32::MAX));
    if missing == 0 {
        return Progress::done(format!("{} agreed", all_marked(agreed)));
    }
    Progress::Waiting(Wait::Agreement { party: party.to_owned(), missing, question: question.to_owned() })
}

/// Returns the members of the party who agreed, without the requester.
fn agreed<'a>(state: &'a Hotfix, step: &StepId, party: &str) -> Vec<&'a PersonId> {
    let members = state.plan.parties.get(party);
    let counts =
        |person: &&PersonId| **person != state.requester && members.is_some_and(|members| members.contains(person));
    state.agreed.get(step).into_iter().flatten().filter(counts).collect()
}
