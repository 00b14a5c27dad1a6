//! Is the change in? No single question tells: ancestry sees true merges, patch ids see cherry-picks and rebases, the
//! patch id of the whole sees squashes, a merge that changes nothing sees the rest; and a revert fools all of them.

use std::collections::{HashMap, HashSet};

use super::Git;
use super::merge::Tree;
use super::object::Commit;
use super::reverts::Undone;
use crate::failure::Failure;
use crate::forge::{Change, Containment};
use crate::vocabulary::CommitId;

/// Where the commits of a change, and the change as a whole, are on the other side.
#[derive(Default)]
struct Equivalents {
    /// The commits of the change that are no ancestors of the tip, each with its equivalents there.
    apart: Vec<(CommitId, Vec<CommitId>)>,
    /// Commits of the tip that are the whole change at once.
    whole: Vec<CommitId>,
}

impl Equivalents {
    /// The commits of the change that have no equivalent.
    fn missing(&self) -> Vec<CommitId> {
        self.apart.iter().filter(|(_, there)| there.is_empty()).map(|(commit, _)| commit.clone()).collect()
    }
}

impl Git {
    /// Whether `tip` has what the change brought, and how that is known.
    ///
    /// # Errors
    /// A commit is not there.
    pub async fn containment(&self, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        let (heads, bases) = ([&change.head], [&change.base]);
        let (whole, own, is_ancestor) = tokio::try_join!(
            self.whole(change),
            self.rev_list(&["--topo-order", "--reverse"], &heads, &bases),
            self.is_ancestor(&change.head, tip),
        )?;
        let undone = self.undone(change, &own, &whole, tip).await?;
        let taken_out = own.iter().find_map(|commit| undone.by(commit)).cloned();
        if is_ancestor && taken_out.is_none() {
            return Ok(Containment::Ancestor);
        }
        let found =
            if is_ancestor { Equivalents::default() } else { self.equivalents(change, &own, whole, tip).await? };
        let (mut reverted, missing) = (taken_out, found.missing());
        if !is_ancestor && reverted.is_none() {
            match arrived(&found, &missing, &undone) {
                Ok(Some(how)) => return Ok(how),
                Ok(None) => {}
                Err(by) => reverted = Some(by),
            }
        }
        // The last word is with the content: what was reverted may have come back by hand, or in another shape.
        if self.changes_nothing(change, tip).await? {
            return Ok(Containment::Squash);
        }
        Ok(match reverted {
            Some(by) if missing.is_empty() || !found.whole.is_empty() => Containment::Reverted { by },
            _ if missing.is_empty() => Containment::Missing { commits: own },
            _ => Containment::Missing { commits: missing },
        })
    }

    /// Finds by patch id, with git comparing both sides since they parted.
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

    /// The change as one commit, as a squash would make it.
    async fn whole(&self, change: &Change) -> Result<CommitId, Failure> {
        let [head] = self.commits([&change.head]).await?;
        // The head's own dates: git walks by date, and a commit older than its parent would lead it astray.
        self.write(&Commit { parents: vec![change.base.clone()], message: b"the change as one\n".to_vec(), ..head })
            .await
    }

    async fn equal_on_both_sides(&self, tip: &CommitId, right: [&CommitId; 2]) -> Result<Vec<CommitId>, Failure> {
        let mut args =
            ["rev-list", "--cherry-mark", "--left-right", "--no-merges", "--end-of-options"].map(String::from).to_vec();
        args.extend(right.iter().map(|right| format!("{tip}...{right}")));
        let answer = self.ask(args).stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text.lines().filter_map(|line| CommitId::parse(line.strip_prefix('=')?).ok()).collect())
    }

    async fn patch_ids(&self, commits: &[CommitId]) -> Result<HashMap<CommitId, String>, Failure> {
        self.ids_of_patches(commits, &[], "--stable").await
    }

    /// The patch ids of these commits; `options` shape the patches, and `kind` says what of them counts.
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
        let patches = self.ask(args.iter().chain(options).copied()).input(names).stdout().await?;
        let answer = self.ask(["patch-id", kind]).input(patches).stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.filter_map(|(patch, commit)| Some((CommitId::parse(commit).ok()?, patch.to_owned()))).collect())
    }

    /// Whether the tip would stay as it is if the change were applied to it.
    async fn changes_nothing(&self, change: &Change, tip: &CommitId) -> Result<bool, Failure> {
        let [there] = self.commits([tip]).await?;
        let merged = self.merged_tree(tip, &change.head, Some(&change.base)).await?;
        Ok(matches!(merged, Tree::Clean(tree) if tree == there.tree))
    }
}

/// How the change arrived, if all of it did; the revert, if one took what had arrived out again.
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
