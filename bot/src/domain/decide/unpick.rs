//! `unpick`: removes a fix from a run. A fix that is only listed is removed at once; one that is on the branch is
//! removed by an effect.

use hotfix_adapters::ids::CommitId;

use super::Decider;
use super::deploy::busy;
use super::observed::head_seen;
use super::user::{Decided, branch_merged, no};
use crate::domain::event::{Event, HeadSeen};
use crate::domain::hotfix::{BranchState, FixState, Hotfix};
use crate::domain::id::PersonId;
use crate::domain::refusal::Refusal;

pub(super) fn ask(draft: &mut Decider, who: &PersonId, named: &[CommitId]) -> Decided {
    let state = &draft.state;
    if let Some(refusal) = branch_merged(state).or_else(|| deployed(state)) {
        return no(refusal);
    }
    let chosen = state.fixes.iter().filter(|fix| named.contains(&fix.source) && fix.state != FixState::Leaving);
    let chosen: Vec<(CommitId, FixState)> = chosen.map(|fix| (fix.source.clone(), fix.state.clone())).collect();
    if chosen.is_empty() {
        return no(not_part(state, named));
    }
    let no_branch = state.branch == BranchState::Absent;
    for (source, at) in chosen {
        let event = match at {
            // A pick may be in progress, so the effect reads the branch first.
            FixState::Waiting | FixState::Picked if !no_branch => Event::FixRemovalRequested { source },
            FixState::Adapted => Event::FixRemoved { source, by_hand: true },
            FixState::Waiting | FixState::Picked | FixState::Conflicted(_) | FixState::Leaving => {
                Event::FixRemoved { source, by_hand: false }
            }
        };
        draft.person(who, event)?;
    }
    Ok(())
}

/// Refuses to unpick a fix that production runs or is about to run: it must be rolled back there first.
fn deployed(state: &Hotfix) -> Option<Refusal> {
    let live = state.plan.productions().find(|production| state.is_live_in(&production.name));
    let open = state.deploys.iter().any(|deploy| deploy.state.is_open());
    if let Some(busy) = busy(state).filter(|_| open || live.is_some()) {
        return Some(busy);
    }
    let live = &live?.name;
    let reason = format!("It is live in {live}; taking it off the branch would not take it back there.");
    let known = state.before_this_run(live).is_some();
    let to = state.base.as_ref().filter(|_| !known).map_or_else(String::new, |base| format!("to {} ", base.short()));
    Some(Refusal::new("fix.live", reason, format!("Say `rollback {live} {to}<reason>` first.")))
}

fn not_part(state: &Hotfix, named: &[CommitId]) -> Refusal {
    let short = |commits: &[&CommitId]| commits.iter().map(|commit| commit.short()).collect::<Vec<_>>().join(", ");
    let reason = format!("{} is no fix of {}.", short(&named.iter().collect::<Vec<_>>()), state.id);
    let fixes: Vec<&CommitId> = state.fixes.iter().map(|fix| &fix.source).collect();
    let next = if fixes.is_empty() {
        "No fix was named for it; what people pushed they take off the branch themselves.".to_owned()
    } else {
        format!("Its fixes are {}.", short(&fixes))
    };
    Refusal::new("fix.unknown", reason, next)
}

pub(super) fn came(draft: &mut Decider, source: &CommitId, result: &Result<HeadSeen, Vec<String>>) -> Decided {
    let leaves = |fix: &crate::domain::hotfix::Fix| &fix.source == source && fix.state == FixState::Leaving;
    if !draft.state.fixes.iter().any(leaves) {
        return Ok(());
    }
    match result {
        Ok(head) => {
            head_seen(draft, head, false)?;
            draft.bot(Event::FixRemoved { source: source.clone(), by_hand: false })
        }
        Err(files) => draft.bot(Event::FixKept { source: source.clone(), files: files.clone() }),
    }
}

#[cfg(test)]
mod tests;
