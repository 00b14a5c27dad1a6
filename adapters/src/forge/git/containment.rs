//! Containment of a change in a commit. The content decides first (`content`): lines that are present count as
//! contained, however they arrived, and restored old lines count as reverted, whatever the history says. If the content
//! was rewritten or is inconclusive, the history decides: ancestry detects true merges, patch ids detect cherry-picks
//! and rebases, the patch id of the whole change detects squashes, and a merge that would alter nothing detects the
//! rest. Reverts are searched for in every case, because they defeat all of these.

use std::collections::{HashMap, HashSet};

use super::Git;
use super::content::{Content, Fate};
use super::merge::Tree;
use super::object::CommitObject;
use super::reverts::Undone;
use crate::failure::Failure;
use crate::forge::{Change, Containment};
use crate::ids::CommitId;

/// Equivalents of a change in the history of the tip, by patch id.
#[derive(Default)]
struct Equivalents {
    /// Commits of the change that are not ancestors of the tip, each with its equivalents there.
    apart: Vec<(CommitId, Vec<CommitId>)>,
    /// Commits of the tip that have the same patch as the whole change.
    whole: Vec<CommitId>,
}

impl Equivalents {
    /// Returns the commits of the change without an equivalent.
    fn missing(&self) -> Vec<CommitId> {
        self.apart.iter().filter(|(_, there)| there.is_empty()).map(|(commit, _)| commit.clone()).collect()
    }

    /// Returns the way in which all of the change arrived, or `None` if it did not. Later reverts are not considered.
    fn how(&self) -> Option<Containment> {
        if !self.apart.is_empty() && self.missing().is_empty() {
            return Some(Containment::Patch);
        }
        (!self.whole.is_empty()).then_some(Containment::Squash)
    }
}

/// The point at which a first-parent history received a commit.
struct Arrival {
    /// Commit of the first-parent history that brought it.
    at: CommitId,
    /// Previous commit of that history.
    before: CommitId,
    /// `true` if it arrived by a merge; otherwise it lies on the first-parent history itself.
    is_merge: bool,
}

impl Git {
    /// Returns whether `tip` contains the change, with the evidence.
    ///
    /// # Errors
    /// `Rejected` if one of the commits does not exist.
    pub async fn containment(&self, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        let is_ancestor = self.is_ancestor(&change.head, tip).await?;
        let (heads, bases) = ([&change.head], [&change.base]);
        let own = self.rev_list(&["--topo-order", "--reverse"], &heads, &bases).await?;
        if own.is_empty() {
            // The change has no commits of its own, so ancestry alone decides.
            return Ok(if is_ancestor { Containment::Ancestor } else { Containment::Missing { commits: own } });
        }
        let arrival = if is_ancestor { Some(self.arrival(&change.head, tip).await?) } else { None };
        let brought = self.brought(change, arrival.as_ref(), tip).await?;
        let mut content = self.content(&brought, tip).await?;
        if is_ancestor && content.as_ref().is_some_and(Content::is_there) {
            return Ok(Containment::Ancestor);
        }
        let whole = self.whole(change).await?;
        let found = match &arrival {
            Some(_) => Equivalents::default(),
            None => self.equivalents(change, &own, whole.clone(), tip).await?,
        };
        let how = match &arrival {
            Some(_) => Some(Containment::Ancestor),
            None => found.how(),
        };
        if let Some(content) = content.as_mut().filter(|content| content.is_telling()) {
            let answer = if content.is_there() {
                self.is_there(change, tip, content, how.clone()).await?
            } else {
                let stop = arrival.as_ref().map_or(&change.base, |arrival| &arrival.before);
                self.is_not_all_there(content, tip, stop, (arrival.as_ref(), how.is_some())).await?
            };
            match answer {
                Some(Containment::Reverted { by, partly }) => {
                    let by = self.inside(by, change, (&own, &whole, &found), tip).await?;
                    return Ok(Containment::Reverted { by, partly });
                }
                Some(answer) => return Ok(answer),
                None => {}
            }
        }
        self.by_history(change, tip, (own, whole), (found, arrival.is_some())).await
    }

    /// Returns the way in which a change arrived whose content is present. `None` if there is no proof.
    async fn is_there(
        &self,
        change: &Change,
        tip: &CommitId,
        content: &Content,
        how: Option<Containment>,
    ) -> Result<Option<Containment>, Failure> {
        if how.is_some() {
            return Ok(how);
        }
        if self.changes_nothing(change, tip).await? {
            return Ok(Some(Containment::Squash));
        }
        Ok(content.is_identified().then_some(Containment::Lines))
    }

    /// Returns the fate of a change whose content is missing in whole or in part. `None` if the
    /// content is inconclusive.
    async fn is_not_all_there(
        &self,
        content: &mut Content,
        tip: &CommitId,
        stop: &CommitId,
        (arrival, came): (Option<&Arrival>, bool),
    ) -> Result<Option<Containment>, Failure> {
        let mut fates = self.fates(content, tip, stop).await?;
        if let Some(arrival) = arrival.filter(|arrival| arrival.is_merge && fates.contains(&Fate::Unknown)) {
            // The merge resolved a conflict, so its version of those files replaces the version of the change.
            let merge = Change { base: arrival.before.clone(), head: arrival.at.clone() };
            let dropped = || Fate::Out { by: arrival.at.clone(), steps: usize::MAX, identified: true };
            let settled = match self.resolved(content, &fates, &merge, tip).await? {
                Some(mut settled) if settled.is_telling() => self.fates(&mut settled, tip, stop).await?,
                Some(_) => vec![dropped()],
                None => Vec::new(),
            };
            fates.retain(|fate| fate != &Fate::Unknown);
            fates.extend(settled);
        }
        Ok(judged(&fates, arrival.map(|arrival| &arrival.at), came))
    }

    /// Returns the revert itself if `merge` brought one, else `merge`.
    async fn inside(
        &self,
        merge: CommitId,
        change: &Change,
        (own, whole, found): (&[CommitId], &CommitId, &Equivalents),
        tip: &CommitId,
    ) -> Result<CommitId, Failure> {
        let [commit] = self.commits([&merge]).await?;
        let Some(before) = commit.parents.first().filter(|_| commit.parents.len() > 1) else { return Ok(merge) };
        let undone = self.undone(change, own, whole, tip).await?;
        let there = found.apart.iter().flat_map(|(_, there)| there).chain(&found.whole);
        let Some(revert) = own.iter().chain(there).find_map(|commit| undone.by(commit)) else { return Ok(merge) };
        let brought = self.is_ancestor(revert, &merge).await? && !self.is_ancestor(revert, before).await?;
        Ok(if brought { revert.clone() } else { merge })
    }

    /// Returns where and how the first-parent history of `tip` received the commit `head`, which it contains.
    async fn arrival(&self, head: &CommitId, tip: &CommitId) -> Result<Arrival, Failure> {
        let at = self.brought_by(head, tip).await?;
        let [commit] = self.commits([&at]).await?;
        let is_merge = &at != head && commit.parents.len() > 1;
        let before = commit.parents.into_iter().next().filter(|_| is_merge).unwrap_or_else(|| head.clone());
        Ok(Arrival { at, before, is_merge })
    }

    /// Returns the change without the commits that its branch had merged from the target before it arrived.
    async fn brought(&self, change: &Change, arrival: Option<&Arrival>, tip: &CommitId) -> Result<Change, Failure> {
        let other = match arrival {
            Some(arrival) if arrival.is_merge => &arrival.before,
            Some(_) => return Ok(change.clone()),
            None => tip,
        };
        let answer =
            self.ask(["merge-base", "--end-of-options", other.as_str(), change.head.as_str()]).fixed().run().await?;
        match super::object::id_in(&answer.stdout) {
            Some(fork) if fork != change.base && self.is_ancestor(&change.base, &fork).await? => {
                Ok(Change { base: fork, head: change.head.clone() })
            }
            Some(_) | None => Ok(change.clone()),
        }
    }

    /// Decides by ancestry, patch ids and reverts.
    async fn by_history(
        &self,
        change: &Change,
        tip: &CommitId,
        (own, whole): (Vec<CommitId>, CommitId),
        (found, is_ancestor): (Equivalents, bool),
    ) -> Result<Containment, Failure> {
        let undone = self.undone(change, &own, &whole, tip).await?;
        let taken_out = own.iter().find_map(|commit| undone.by(commit)).cloned();
        if is_ancestor && taken_out.is_none() {
            return Ok(Containment::Ancestor);
        }
        let (mut reverted, missing) = (taken_out, found.missing());
        if !is_ancestor && reverted.is_none() {
            match arrived(&found, &missing, &undone) {
                Ok(Some(how)) => return Ok(how),
                Ok(None) => {}
                Err(by) => reverted = Some(by),
            }
        }
        // A reverted change may have been reapplied by hand, or in another shape.
        if self.changes_nothing(change, tip).await? {
            return Ok(Containment::Squash);
        }
        Ok(match reverted {
            Some(by) if missing.is_empty() || !found.whole.is_empty() => Containment::Reverted { by, partly: false },
            _ if missing.is_empty() => Containment::Missing { commits: own },
            _ => Containment::Missing { commits: missing },
        })
    }

    /// Finds the equivalents of a change by patch id; git compares both sides since their merge base.
    async fn equivalents(
        &self,
        change: &Change,
        own: &[CommitId],
        whole: CommitId,
        tip: &CommitId,
    ) -> Result<Equivalents, Failure> {
        let apart = self.rev_list(&["--no-merges"], &[&change.head], &[tip]).await?;
        let equal = self.equal_on_both_sides(tip, [&change.head, &whole]).await?;
        let ours: HashSet<&CommitId> = apart.iter().chain([&whole]).collect();
        let theirs: Vec<&CommitId> = equal.iter().filter(|commit| !ours.contains(commit)).collect();
        let patches = self.patch_ids(&equal).await?;
        let same_as = |commit: &CommitId| -> Vec<CommitId> {
            let Some(patch) = patches.get(commit) else {
                return Vec::new();
            };
            theirs.iter().filter(|other| patches.get(**other) == Some(patch)).map(|other| (*other).clone()).collect()
        };
        let apart: HashSet<CommitId> = apart.into_iter().collect();
        let own = own.iter().filter(|commit| apart.contains(*commit));
        Ok(Equivalents { apart: own.map(|commit| (commit.clone(), same_as(commit))).collect(), whole: same_as(&whole) })
    }

    /// Writes the change as one commit, as a squash would.
    async fn whole(&self, change: &Change) -> Result<CommitId, Failure> {
        let [head] = self.commits([&change.head]).await?;
        // Keeps the head's dates: git walks by date, and a commit older than its parent would mislead it.
        self.write(&CommitObject {
            parents: vec![change.base.clone()],
            message: b"the change as one\n".to_vec(),
            ..head
        })
        .await
    }

    async fn equal_on_both_sides(&self, tip: &CommitId, right: [&CommitId; 2]) -> Result<Vec<CommitId>, Failure> {
        let mut args =
            ["rev-list", "--cherry-mark", "--left-right", "--no-merges", "--end-of-options"].map(String::from).to_vec();
        args.extend(right.iter().map(|right| format!("{tip}...{right}")));
        let answer = self.ask(args).fixed().stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text.lines().filter_map(|line| CommitId::parse(line.strip_prefix('=')?).ok()).collect())
    }

    async fn patch_ids(&self, commits: &[CommitId]) -> Result<HashMap<CommitId, String>, Failure> {
        self.ids_of_patches(commits, &[], "--stable").await
    }

    /// Returns the patch ids of these commits. `options` shape the patches; `kind` selects what the patch id covers.
    pub(super) async fn ids_of_patches(
        &self,
        commits: &[CommitId],
        options: &[&str],
        kind: &str,
    ) -> Result<HashMap<CommitId, String>, Failure> {
        if commits.is_empty() {
            return Ok(HashMap::new());
        }
        let names: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
        let args = ["diff-tree", "--stdin", "--root", "-p", "--binary", "--no-ext-diff", "--no-textconv"];
        let patches = self.ask(args.iter().chain(options).copied()).input(names);
        let answer = patches.piped_into(self.ask(["patch-id", kind])).await?;
        let text = String::from_utf8_lossy(&answer);
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.filter_map(|(patch, commit)| Some((CommitId::parse(commit).ok()?, patch.to_owned()))).collect())
    }

    /// Returns `true` if applying the change to the tip would leave it unchanged.
    async fn changes_nothing(&self, change: &Change, tip: &CommitId) -> Result<bool, Failure> {
        let [there] = self.commits([tip]).await?;
        let merged = self.merged_tree(tip, &change.head, Some(&change.base)).await?;
        Ok(matches!(merged, Tree::Clean(tree) if tree == there.tree))
    }
}

/// Judges a change by the fates of its hunks. `arrival` is the commit by which it arrived as an ancestor, and `came` is
/// `true` if the history shows that it arrived. Otherwise only hunks that identify the change count. `None` if the
/// fates are inconclusive.
fn judged(fates: &[Fate], arrival: Option<&CommitId>, came: bool) -> Option<Containment> {
    let known = |identified: bool| came || identified;
    let out = |fate: &Fate| match fate {
        Fate::Out { by, steps, identified } if known(*identified) => Some((*steps, by.clone())),
        // The change arrived by this merge and was absent afterwards, so the merge dropped it.
        Fate::Never => arrival.map(|by| (usize::MAX, by.clone())),
        Fate::Out { .. } | Fate::There { .. } | Fate::Rewritten { .. } | Fate::Unknown => None,
    };
    let outs: Vec<(usize, CommitId)> = fates.iter().filter_map(out).collect();
    if let Some((_, by)) = outs.iter().min_by_key(|(steps, _)| *steps) {
        return Some(Containment::Reverted { by: by.clone(), partly: outs.len() < fates.len() });
    }
    let rewritten = |fate: &Fate| match fate {
        Fate::Rewritten { by, steps, identified } if known(*identified) => Some(Some((*steps, by.clone()))),
        Fate::There { identified } if known(*identified) => Some(None),
        Fate::There { .. } | Fate::Out { .. } | Fate::Never | Fate::Rewritten { .. } | Fate::Unknown => None,
    };
    let all: Option<Vec<Option<(usize, CommitId)>>> = fates.iter().map(rewritten).collect();
    let (_, by) = all?.into_iter().flatten().min_by_key(|(steps, _)| *steps)?;
    Some(Containment::Rewritten { by })
}

/// Returns the way in which all of the change arrived, or `None`. The error is the revert that took it out again.
fn arrived(found: &Equivalents, missing: &[CommitId], undone: &Undone) -> Result<Option<Containment>, CommitId> {
    let mut reverted = None;
    let each = (!found.apart.is_empty() && missing.is_empty()).then_some(Containment::Patch);
    if let Some(how) = each {
        match found.apart.iter().find_map(|(_, there)| all_undone(there, undone)) {
            None => return Ok(Some(how)),
            by => reverted = by,
        }
    }
    if !found.whole.is_empty() {
        match all_undone(&found.whole, undone) {
            None => return Ok(Some(Containment::Squash)),
            by => reverted = reverted.or(by),
        }
    }
    reverted.map_or(Ok(None), Err)
}

fn all_undone(there: &[CommitId], undone: &Undone) -> Option<CommitId> {
    let reverts: Option<Vec<&CommitId>> = there.iter().map(|commit| undone.by(commit)).collect();
    reverts?.first().map(|by| (*by).clone())
}
