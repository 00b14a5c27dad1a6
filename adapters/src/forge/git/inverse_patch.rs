//! Reverts that are recognized by content alone: a commit reverts an earlier one if its patch is the inverse of the
//! earlier patch. A commit that reapplies a reverted change is likewise the inverse of the revert.
//!
//! File content is read only for commits that changed exactly the same files as the change or one of its commits: in a
//! mirror without content every read is a download.

use std::collections::{BTreeSet, HashMap};

use super::Git;
use super::object::ids_in;
use super::reverts::Revert;
use crate::failure::Failure;
use crate::forge::Change;
use crate::ids::CommitId;

/// Kind of patch id that respects white space. Otherwise a patch that only indents lines would be its own inverse.
const KIND: &str = "--verbatim";

/// Options for a reverse diff. With `-R`, git also swaps the path prefixes, which are part of the patch id; these
/// options swap them back.
const BACKWARDS: [&str; 3] = ["-R", "--src-prefix=b/", "--dst-prefix=a/"];

/// The files and contents that a commit touched.
#[derive(Default)]
struct Touched {
    /// Paths of the changed files.
    files: BTreeSet<String>,
    /// Blob ids of their contents, before and after.
    content: BTreeSet<String>,
}

impl Git {
    /// Returns the reverts on the way to `tip`, outside the change. Each is the inverse of an earlier patch: of the
    /// whole change, of one of its commits, or of another revert.
    pub(super) async fn inverses(
        &self,
        change: &Change,
        own: &[CommitId],
        whole: &CommitId,
        tip: &CommitId,
    ) -> Result<Vec<Revert>, Failure> {
        let ours: Vec<CommitId> = own.iter().chain([whole]).cloned().collect();
        let sought = self.touched(&ours).await?;
        let wanted: BTreeSet<&BTreeSet<String>> = sought.values().map(|it| &it.files).collect();
        let near = self.near(change, &ours, tip).await?;
        let touched = self.touched(&near).await?;
        let near: Vec<CommitId> =
            near.into_iter().filter(|it| touched.get(it).is_some_and(|it| wanted.contains(&it.files))).collect();
        if near.is_empty() {
            return Ok(Vec::new());
        }
        let all: Vec<CommitId> = near.iter().chain(&ours).cloned().collect();
        let content = near.iter().filter_map(|it| touched.get(it)).chain(sought.values()).flat_map(|it| &it.content);
        self.bring(content.collect()).await?;
        let (patches, inverse) =
            tokio::try_join!(self.ids_of_patches(&all, &[], KIND), self.ids_of_patches(&near, &BACKWARDS, KIND))?;
        let mut reverts = Vec::new();
        for id in near {
            let Some(undoes) = inverse.get(&id) else { continue };
            let mut targets: Vec<&CommitId> = all.iter().filter(|other| patches.get(*other) == Some(undoes)).collect();
            if targets.contains(&whole) {
                // A revert of the whole change reverts each of its commits, and each equivalent of those.
                let parts: Vec<_> = own.iter().filter_map(|commit| patches.get(commit)).collect();
                let is_part = |it: &&CommitId| patches.get(*it).is_some_and(|patch| parts.contains(&patch));
                targets.extend(all.iter().filter(is_part).chain(own));
            }
            let targets = self.before(&id, targets, whole).await?;
            if !targets.is_empty() {
                reverts.push(Revert { id, targets });
            }
        }
        Ok(reverts)
    }

    /// Returns those of `others` that are ancestors of `commit`, each once.
    async fn before(
        &self,
        commit: &CommitId,
        others: Vec<&CommitId>,
        whole: &CommitId,
    ) -> Result<Vec<CommitId>, Failure> {
        let mut before = Vec::new();
        let others: BTreeSet<&CommitId> = others.into_iter().filter(|it| *it != whole && *it != commit).collect();
        for other in others {
            if self.is_ancestor(other, commit).await? {
                before.push(other.clone());
            }
        }
        Ok(before)
    }

    /// Returns the commits on the way to `tip` that changed a file which the commits in `ours` changed.
    async fn near(&self, change: &Change, ours: &[CommitId], tip: &CommitId) -> Result<Vec<CommitId>, Failure> {
        let args = ["diff-tree", "--stdin", "-r", "-z", "--root", "--no-commit-id", "--name-only", "--no-renames"];
        let names = self.ask(args).fixed().input(lines(ours)).stdout().await?;
        // The input has one path per line, so a path with a line break is left out.
        let paths: BTreeSet<&[u8]> =
            names.split(|b| *b == 0).filter(|path| !path.is_empty() && !path.contains(&b'\n')).collect();
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut input = format!("{tip}\n^{}\n^{}\n--\n", change.base, change.head).into_bytes();
        for path in paths {
            input.extend_from_slice(path);
            input.push(b'\n');
        }
        let args = ["rev-list", "--no-merges", "--full-history", "--stdin"];
        Ok(ids_in(&self.ask(args).fixed().input(input).stdout().await?))
    }

    /// Returns the files and blob ids that each commit changed. Reads trees only, so it needs no file content.
    async fn touched(&self, commits: &[CommitId]) -> Result<HashMap<CommitId, Touched>, Failure> {
        let args = ["diff-tree", "--stdin", "-r", "--root", "--raw", "--no-abbrev", "--no-renames"];
        let answer = self.ask(args).fixed().input(lines(commits)).stdout().await?;
        let mut touched: HashMap<CommitId, Touched> = HashMap::new();
        let mut at = None;
        for line in String::from_utf8_lossy(&answer).lines() {
            // `:100644 100644 <before> <after> M<tab>path`
            let Some((what, path)) = line.strip_prefix(':').and_then(|line| line.split_once('\t')) else {
                at = CommitId::parse(line).ok();
                continue;
            };
            let Some(commit) = &at else { continue };
            let it = touched.entry(commit.clone()).or_default();
            it.files.insert(path.to_owned());
            let words: Vec<&str> = what.split(' ').collect();
            if let [before_mode, after_mode, before, after, ..] = words.as_slice() {
                let sides = [(before_mode, before), (after_mode, after)];
                let is_file = |mode: &str| !matches!(mode, "000000" | "160000");
                it.content.extend(sides.iter().filter(|(mode, _)| is_file(mode)).map(|(_, id)| (**id).to_owned()));
            }
        }
        Ok(touched)
    }

    /// Fetches the missing blobs in one call; git itself would fetch them commit by commit.
    pub(super) async fn bring(&self, content: BTreeSet<&String>) -> Result<(), Failure> {
        let Some(remote) = self.remote_name() else { return Ok(()) };
        let names: String = content.iter().map(|id| format!("{id}\n")).collect();
        let answer = self.ask(["cat-file", "--batch-check"]).offline().input(names).stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let missing: String =
            text.lines().filter_map(|line| line.strip_suffix(" missing")).map(|id| format!("{id}\n")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // As git does it for missing objects: negotiation is about commits, and these are blobs.
        let git = self.clone().config("fetch.negotiationAlgorithm", "noop");
        let args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--stdin"];
        let more = ["--filter=blob:none", "--end-of-options", remote];
        git.ask(args.into_iter().chain(more)).input(missing).stdout().await.map(drop)
    }
}

fn lines(commits: &[CommitId]) -> String {
    commits.iter().map(|commit| format!("{commit}\n")).collect()
}
