//! Reverts in the history of a tip. A reverted commit stays in the history, so ancestry and patch ids still find it.
//! Most reverts name it with `This reverts commit …`. The others, with `Reverts team/payments#12` or no reference at
//! all, are recognized by their content (`inverse_patch`).

use std::collections::{HashMap, HashSet};

use super::Git;
use crate::failure::Failure;
use crate::forge::Change;
use crate::ids::CommitId;

const WORDS: &str = "This reverts commit ";

/// Reverted commits, each with the revert that is still in effect.
#[derive(Debug, Default)]
pub(super) struct Undone(HashMap<CommitId, CommitId>);

impl Undone {
    pub(super) fn by(&self, commit: &CommitId) -> Option<&CommitId> {
        self.0.get(commit)
    }
}

/// A commit that reverts others.
pub(super) struct Revert {
    pub(super) id: CommitId,
    pub(super) targets: Vec<CommitId>,
}

/// A commit whose message says that it reverts others.
struct Words {
    id: CommitId,
    /// Full or short ids as written in the message.
    targets: Vec<String>,
}

impl Git {
    /// Returns the commits that were reverted on the way to `tip`, outside the change and since its base. `own` are the
    /// commits of the change; `whole` is the change as one commit.
    pub(super) async fn undone(
        &self,
        change: &Change,
        own: &[CommitId],
        whole: &CommitId,
        tip: &CommitId,
    ) -> Result<Undone, Failure> {
        let mut reverts = self.reverts_by_words(change, tip).await?;
        let spoken: HashSet<CommitId> = reverts.iter().map(|revert| revert.id.clone()).collect();
        // An explicit reference wins over whatever else the content would match.
        let silent = self.inverses(change, own, whole, tip).await?.into_iter().filter(|it| !spoken.contains(&it.id));
        reverts.extend(silent);
        if reverts.is_empty() {
            return Ok(Undone::default());
        }
        let order = self.rev_list(&["--topo-order"], &[tip], &[&change.base, &change.head]).await?;
        let order: HashMap<&CommitId, usize> = order.iter().enumerate().map(|(place, id)| (id, place)).collect();
        // Newest first: when a revert is processed, every commit that could have reverted it has been processed.
        reverts.sort_by_key(|revert| order.get(&revert.id).copied());
        let mut undone: HashMap<CommitId, CommitId> = HashMap::new();
        for Revert { id, targets } in reverts {
            if undone.contains_key(&id) {
                continue;
            }
            for target in targets {
                undone.entry(target).or_insert_with(|| id.clone());
            }
        }
        Ok(Undone(undone))
    }

    async fn reverts_by_words(&self, change: &Change, tip: &CommitId) -> Result<Vec<Revert>, Failure> {
        let words = self.words_of_reverts(change, tip).await?;
        let names: Vec<&str> = words.iter().flat_map(|it| it.targets.iter().map(String::as_str)).collect();
        let named = self.commits_if_there(&names).await?;
        let mut reverts = Vec::new();
        for Words { id, targets: names } in &words {
            let mut targets = Vec::new();
            for (target, commit) in names.iter().filter_map(|name| named.get(name)) {
                targets.push(target.clone());
                // Reverting a merge reverts everything that it brought.
                if let [mainline, _, ..] = commit.parents.as_slice() {
                    targets.extend(self.rev_list(&[], &[target], &[mainline]).await?);
                }
            }
            if !targets.is_empty() {
                reverts.push(Revert { id: id.clone(), targets });
            }
        }
        Ok(reverts)
    }

    async fn words_of_reverts(&self, change: &Change, tip: &CommitId) -> Result<Vec<Words>, Failure> {
        let grep = format!("--grep={WORDS}");
        let mut args = vec!["log", "-z", "--topo-order", "--format=%H%x00%B", "--fixed-strings", grep.as_str()];
        let (not_base, not_head) = (format!("^{}", change.base), format!("^{}", change.head));
        args.extend(["--end-of-options", tip.as_str(), &not_base, &not_head]);
        let answer = self.ask(args).fixed().stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let fields: Vec<&str> = text.split('\0').collect();
        Ok(fields.chunks_exact(2).filter_map(words_in).collect())
    }
}

fn words_in(fields: &[&str]) -> Option<Words> {
    let [id, message] = fields else { return None };
    let targets = message.match_indices(WORDS).filter_map(|(at, _)| {
        let rest = message.get(at + WORDS.len()..)?;
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        rest.get(..end).filter(|id| id.len() >= 7).map(str::to_ascii_lowercase)
    });
    Some(Words { id: CommitId::parse(id).ok()?, targets: targets.collect() })
}
