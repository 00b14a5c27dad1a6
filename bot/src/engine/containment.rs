//! Containment of changes in commits, and details of commits, with a cache. Commits are immutable, so an answer never
//! becomes stale, and every poll asks again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Change, CommitDetail, CommitInfo, Containment};
use hotfix_adapters::ids::{CommitId, Repo};

use super::Engine;
use super::branch_tips::Tips;
use crate::domain::command::Observation;
use crate::domain::event::Contribution;
use crate::domain::hotfix::{Fix, Hotfix};
use crate::domain::id::ServiceName;
use crate::domain::playbook::{MainlineBy, StepKind};

/// Number of commits of main that are searched for the merge of a branch.
const BEHIND: usize = 1_000;

/// Maximum number of entries per cache. A full cache is cleared.
const KEPT: usize = 4096;

/// Cache key: the repository, the base and head of a change, and the commit that may contain it.
type Question = (Repo, CommitId, CommitId, CommitId);

/// The cached answers of the forge.
#[derive(Default)]
pub(super) struct Answers {
    contained: Mutex<HashMap<Question, Containment>>,
    details: Mutex<HashMap<(Repo, CommitId), CommitDetail>>,
}

fn known<K: std::hash::Hash + Eq, V: Clone>(of: &Mutex<HashMap<K, V>>, key: &K) -> Option<V> {
    of.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

fn keep<K: std::hash::Hash + Eq, V>(of: &Mutex<HashMap<K, V>>, key: K, value: V) {
    let mut all = of.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= KEPT {
        all.clear();
    }
    all.insert(key, value);
}

impl Engine {
    /// Returns how `tip` contains a change.
    pub(super) async fn contained(
        &self,
        service: &ServiceName,
        repo: &Repo,
        change: &Change,
        tip: &CommitId,
    ) -> Result<Containment, Failure> {
        let question = (repo.clone(), change.base.clone(), change.head.clone(), tip.clone());
        if let Some(answer) = known(&self.answers.contained, &question) {
            return Ok(answer);
        }
        let answer = self.forge(service)?.containment(repo, change, tip).await?;
        keep(&self.answers.contained, question, answer.clone());
        Ok(answer)
    }

    /// Returns the people behind one commit, as far as the forge knows them.
    pub(super) async fn credited(
        &self,
        service: &ServiceName,
        repo: &Repo,
        commit: &CommitId,
    ) -> Result<Contribution, Failure> {
        let info = self.detail(service, repo, commit).await?.info;
        let machines = self.forge(service)?.machines(repo).await?;
        let Some(parent) = info.parents.first() else { return Ok(self.contribution(&info, &machines)) };
        let range = self.forge(service)?.commits_between(repo, parent, commit, BEHIND).await?;
        let known = range.commits.iter().find(|one| &one.id == commit);
        Ok(self.contribution(known.unwrap_or(&info), &machines))
    }

    /// Returns the details of one commit.
    pub(super) async fn detail(
        &self,
        service: &ServiceName,
        repo: &Repo,
        commit: &CommitId,
    ) -> Result<CommitDetail, Failure> {
        let key = (repo.clone(), commit.clone());
        if let Some(detail) = known(&self.answers.details, &key) {
            return Ok(detail);
        }
        let detail = self.forge(service)?.commit(repo, commit).await?;
        keep(&self.answers.details, key, detail.clone());
        Ok(detail)
    }

    /// Returns the commit by which main reverted a requested fix, with its reason; `None` if main did not revert it, or
    /// if a user confirmed that it ships anyway.
    pub(super) async fn reverted_on_main(
        &self,
        state: &Hotfix,
        source: &CommitId,
        tips: &Tips,
    ) -> Result<Option<(Contribution, String)>, Failure> {
        let plan = &state.plan;
        let Some(main) = self.tip_in(tips, state, &plan.main).await? else { return Ok(None) };
        let Some(Containment::Reverted { by, .. }) = self.fixes_in(state, &main).await?.remove(source) else {
            return Ok(None);
        };
        let known = state.reverted.get(source).filter(|reverted| reverted.by.commit == by);
        if known.is_some_and(|reverted| reverted.confirmed.is_some()) {
            return Ok(None);
        }
        let why = reason_in(&self.detail(&plan.service, &plan.repo, &by).await?.body);
        let by = self.credited(&plan.service, &plan.repo, &by).await?;
        Ok(Some((by, why.chars().take(300).collect())))
    }

    /// Reads which fixes main reverted after they were requested, or has again. Stops when one of them ships.
    pub(super) async fn reverted(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        if state.live_at.is_some() || state.rolled_in || state.fixes.is_empty() || state.plan.is_promotion() {
            return Ok(None);
        }
        for Fix { source, .. } in &state.fixes {
            let now = self.reverted_on_main(state, source, tips).await?;
            let known = state.reverted.get(source);
            match now {
                Some((by, why)) if known.is_none_or(|reverted| reverted.by.commit != by.commit) => {
                    return Ok(Some(Observation::FixReverted { source: source.clone(), by, why }));
                }
                None if known.is_some_and(|reverted| reverted.confirmed.is_none()) => {
                    return Ok(Some(Observation::FixBack(source.clone())));
                }
                Some(_) | None => {}
            }
        }
        Ok(None)
    }

    /// Finds the merge of the hotfix branch itself into main, in playbooks that only pick from main (SRE-X1).
    pub(super) async fn merged_into_main(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let (plan, proof) = (&state.plan, MainlineBy::Proof);
        let picks = plan.steps.iter().any(|spec| matches!(&spec.kind, StepKind::Mainline { by, .. } if *by == proof));
        let Some(head) = state.head.as_ref().filter(|head| picks && head.total > 0 && !state.branch_merged) else {
            return Ok(None);
        };
        // A branch whose tip is a commit of main was not merged.
        if state.fixes.iter().any(|fix| fix.source == head.tip) {
            return Ok(None);
        }
        let forge = self.forge(&plan.service)?;
        let Some(main) = self.tip_in(tips, state, &plan.main).await? else { return Ok(None) };
        let itself = Change { base: head.tip.clone(), head: head.tip.clone() };
        if self.contained(&plan.service, &plan.repo, &itself, &main).await? != Containment::Ancestor {
            return Ok(None);
        }
        let range = forge.commits_between(&plan.repo, &head.tip, &main, BEHIND).await?;
        let merges = |commit: &&CommitInfo| commit.parents.contains(&head.tip);
        let by = match range.commits.iter().find(merges) {
            Some(commit) => self.contribution(commit, &forge.machines(&plan.repo).await?),
            None => self.credited(&plan.service, &plan.repo, &main).await?,
        };
        Ok(Some(Observation::BranchMerged(by)))
    }

    /// Returns how `tip` contains each requested fix. A fix is the change of its commit. Consecutive commits are also
    /// compared as one change, because a squash contains them in that form (SRE-8).
    pub(super) async fn fixes_in(
        &self,
        state: &Hotfix,
        tip: &CommitId,
    ) -> Result<BTreeMap<CommitId, Containment>, Failure> {
        let (service, repo) = (&state.plan.service, &state.plan.repo);
        let mut changes: Vec<Change> = Vec::new();
        let mut how = BTreeMap::new();
        for Fix { source, .. } in &state.fixes {
            let parent = self.detail(service, repo, source).await?.info.parents.into_iter().next();
            let change = Change { base: parent.unwrap_or_else(|| source.clone()), head: source.clone() };
            how.insert(source.clone(), self.contained(service, repo, &change, tip).await?);
            match changes.last_mut() {
                Some(last) if last.head == change.base => last.head = change.head,
                Some(_) | None => changes.push(change),
            }
        }
        let mut fixes = state.fixes.iter().map(|fix| &fix.source);
        for change in changes {
            let mut chain = BTreeSet::new();
            for source in fixes.by_ref() {
                chain.insert(source);
                if source == &change.head {
                    break;
                }
            }
            let missing = |source: &&CommitId| how.get(*source).is_none_or(|how| !how.holds());
            if chain.len() < 2 || !chain.iter().any(missing) {
                continue;
            }
            let whole = self.contained(service, repo, &change, tip).await?;
            if whole.holds() {
                how.extend(chain.into_iter().map(|source| (source.clone(), whole.clone())));
            }
        }
        Ok(how)
    }
}

/// Returns the reason in the message of a revert, on one line; empty if it gives none. Leaves out the sentence that git
/// itself writes, which can span lines.
fn reason_in(body: &str) -> String {
    let words: Vec<&str> = body.split_whitespace().collect();
    let (mut rest, mut kept) = (words.as_slice(), Vec::new());
    while let [first, after @ ..] = rest {
        rest = match rest {
            ["This", "reverts", "commit", commit, "reversing", "changes", "made", "to", _, behind @ ..]
                if commit.ends_with(',') =>
            {
                behind
            }
            ["This", "reverts", "commit", _, behind @ ..] => behind,
            _ => {
                kept.push(*first);
                after
            }
        };
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_a_revert_is_no_reason() {
        let (one, two) = ("5".repeat(40), "7".repeat(40));
        let merge = format!("This reverts commit {one}, reversing\nchanges made to {two}.");
        for body in ["".to_owned(), format!("This reverts commit {one}.\n"), merge.clone(), merge.replace('\n', " ")] {
            assert_eq!(reason_in(&body), "", "{body}");
        }
        let why = "It breaks the upload\nof large files. See the incident.";
        let words = "It breaks the upload of large files. See the incident.";
        for body in [format!("{merge}\n\n{why}\n"), format!("{why}\n\n{merge}\n"), why.to_owned()] {
            assert_eq!(reason_in(&body), words, "{body}");
        }
        assert_eq!(reason_in(&format!("This reverts commit {one} because it is slow.")), "because it is slow.");
    }
}
