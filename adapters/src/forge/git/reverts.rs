//! What was taken out again. A revert leaves the commit that it undoes in the history, so that ancestry and patches
//! still find it; only the words of the revert, `This reverts commit …`, tell.

use std::collections::HashMap;

use super::Git;
use crate::failure::Failure;
use crate::forge::Change;
use crate::vocabulary::CommitId;

const WORDS: &str = "This reverts commit ";

/// Commits that were undone on a branch, each with the revert that did it and was not undone itself.
#[derive(Debug, Default)]
pub(super) struct Undone(HashMap<CommitId, CommitId>);

impl Undone {
    pub(super) fn by(&self, commit: &CommitId) -> Option<&CommitId> {
        self.0.get(commit)
    }
}

/// A commit that says that it reverts others.
struct Revert {
    id: CommitId,
    /// Full or short ids, as written.
    targets: Vec<String>,
}

impl Git {
    /// What was undone on the way to `tip`, since `change` started and apart from it.
    pub(super) async fn undone(&self, change: &Change, tip: &CommitId) -> Result<Undone, Failure> {
        let reverts = self.reverts(change, tip).await?;
        let names: Vec<&str> = reverts.iter().flat_map(|revert| revert.targets.iter().map(String::as_str)).collect();
        let targets = self.commits_if_there(&names).await?;
        let mut undone: HashMap<CommitId, CommitId> = HashMap::new();
        // Newest first: when a revert's turn comes, whatever could have undone it has been seen.
        for revert in &reverts {
            if undone.contains_key(&revert.id) {
                continue;
            }
            for (target, commit) in revert.targets.iter().filter_map(|name| targets.get(name)) {
                undone.entry(target.clone()).or_insert_with(|| revert.id.clone());
                // A merge that is reverted takes out all that it brought.
                if let [mainline, _, ..] = commit.parents.as_slice() {
                    for brought in self.rev_list(&[], &[target], &[mainline]).await? {
                        undone.entry(brought).or_insert_with(|| revert.id.clone());
                    }
                }
            }
        }
        Ok(Undone(undone))
    }

    async fn reverts(&self, change: &Change, tip: &CommitId) -> Result<Vec<Revert>, Failure> {
        let grep = format!("--grep={WORDS}");
        let mut args = vec!["log", "-z", "--topo-order", "--format=%H%x00%B", "--fixed-strings", grep.as_str()];
        let (not_base, not_head) = (format!("^{}", change.base), format!("^{}", change.head));
        args.extend(["--end-of-options", tip.as_str(), &not_base, &not_head]);
        let answer = self.ask(args).stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let fields: Vec<&str> = text.split('\0').collect();
        Ok(fields.chunks_exact(2).filter_map(revert_in).collect())
    }
}

fn revert_in(fields: &[&str]) -> Option<Revert> {
    let [id, message] = fields else { return None };
    let targets = message.match_indices(WORDS).filter_map(|(at, _)| {
        let rest = message.get(at + WORDS.len()..)?;
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        rest.get(..end).filter(|id| id.len() >= 7).map(str::to_ascii_lowercase)
    });
    Some(Revert { id: CommitId::parse(id).ok()?, targets: targets.collect() })
}
