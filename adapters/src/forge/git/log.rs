//! Queries about commits and ranges of commits.

use jiff::Timestamp;

use super::Git;
use super::merge::Tree;
use super::object::ids_in;
use crate::failure::Failure;
use crate::forge::{CommitDetail, CommitInfo, DiffSize, Introduced, Range, Signature};
use crate::ids::CommitId;

const FORMAT: &str = "--format=%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%ct%x00%B";
const FIELDS: usize = 8;

impl Git {
    /// Returns `true` if `ancestor` equals `of` or is an ancestor of it.
    ///
    /// # Errors
    /// `Rejected` if one of the commits does not exist.
    pub async fn is_ancestor(&self, ancestor: &CommitId, of: &CommitId) -> Result<bool, Failure> {
        let args = ["merge-base", "--is-ancestor", "--end-of-options", ancestor.as_str(), of.as_str()];
        let answer = self.ask(args).fixed().run().await?;
        match answer.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(self.failure("merge-base", &answer)),
        }
    }

    /// Returns the oldest `max` of the commits in `head` that are not in `base`, oldest first, with their total number.
    ///
    /// # Errors
    /// `Rejected` if one of the commits does not exist.
    pub async fn between(&self, base: &CommitId, head: &CommitId, max: usize) -> Result<Range, Failure> {
        let ids = self.rev_list(&["--topo-order", "--reverse"], &[head], &[base]).await?;
        Ok(Range { commits: self.described(ids.iter().take(max)).await?, total: ids.len() })
    }

    async fn described(&self, ids: impl Iterator<Item = &CommitId> + Send) -> Result<Vec<CommitInfo>, Failure> {
        let wanted: Vec<&str> = ids.map(CommitId::as_str).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["log", "--no-walk=unsorted", "-z", FORMAT, "--stdin"];
        let answer = self.ask(args).fixed().input(wanted.join("\n") + "\n").stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let fields: Vec<&str> = text.split('\0').collect();
        Ok(fields.chunks_exact(FIELDS).filter_map(info).collect())
    }

    /// Returns the commits that a commit introduced: itself, or for a merge everything reachable from its other parents
    /// but not from its first.
    ///
    /// # Errors
    /// `Rejected` if the commit does not exist.
    pub async fn introduced(&self, commit: &CommitId) -> Result<Introduced, Failure> {
        let [own] = self.commits([commit]).await?;
        let (first, others) = match own.parents.split_first() {
            Some((first, others)) if !others.is_empty() => (first, others),
            first => {
                let from = first.map(|(first, _)| first.clone());
                return Ok(Introduced { from, commits: self.described(std::iter::once(commit)).await? });
            }
        };
        let merged: Vec<&CommitId> = others.iter().collect();
        let mut ids = self.rev_list(&["--topo-order", "--reverse"], &merged, &[first]).await?;
        if !self.merges_cleanly(first, others, &own.tree).await? {
            ids.push(commit.clone());
        }
        Ok(Introduced { from: Some(first.clone()), commits: self.described(ids.iter()).await? })
    }

    /// Returns `true` if the tree of a merge is exactly git's automatic merge of its parents, so that the
    /// merger added nothing.
    async fn merges_cleanly(&self, first: &CommitId, others: &[CommitId], tree: &str) -> Result<bool, Failure> {
        let [other] = others else { return Ok(false) };
        match self.merged_tree(first, other, None).await {
            Ok(Tree::Clean(made)) => Ok(made == tree),
            Ok(Tree::Conflict(_)) | Err(Failure::Rejected { .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Reads one commit with its whole message.
    ///
    /// # Errors
    /// `Rejected` if the commit does not exist.
    pub async fn commit(&self, commit: &CommitId) -> Result<CommitDetail, Failure> {
        let args = ["log", "--no-walk=unsorted", "-z", FORMAT, "--end-of-options", commit.as_str()];
        let answer = self.ask(args).fixed().stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let fields: Vec<&str> = text.split('\0').collect();
        let found = fields.chunks_exact(FIELDS).next().and_then(|fields| {
            let body = fields.last()?.split_once('\n').map_or("", |(_, body)| body);
            Some(CommitDetail { info: info(fields)?, body: body.trim().to_owned() })
        });
        found.ok_or_else(|| self.no_commit(commit))
    }

    /// Returns the size of the diff between two commits.
    ///
    /// # Errors
    /// `Rejected` if one of the commits does not exist.
    pub async fn size(&self, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        let args = ["diff-tree", "-r", "-M", "--shortstat", "--no-ext-diff", "--no-textconv", "--end-of-options"];
        let answer = self.ask(args.into_iter().chain([base.as_str(), head.as_str()])).fixed().stdout().await?;
        let mut size = DiffSize::default();
        for part in String::from_utf8_lossy(&answer).split(',') {
            let (number, what) = part.trim().split_once(' ').unwrap_or_default();
            let number = number.parse().unwrap_or(0);
            match what.chars().next() {
                Some('f') => size.files = number,
                Some('i') => size.insertions = number,
                Some('d') => size.deletions = number,
                _ => {}
            }
        }
        Ok(size)
    }

    /// Returns the commit that brought `head` to `tip`: the oldest commit on the first-parent history of `tip` that
    /// contains `head`, or `head` itself if it lies on that history. `head` must be an ancestor of `tip`.
    ///
    /// # Errors
    /// `Rejected` if one of the commits does not exist.
    pub async fn brought_by(&self, head: &CommitId, tip: &CommitId) -> Result<CommitId, Failure> {
        let line = self.rev_list(&["--first-parent"], &[tip], &[head]).await?;
        let descendants = self.rev_list(&["--ancestry-path"], &[tip], &[head]).await?;
        let descendants: std::collections::HashSet<_> = descendants.into_iter().collect();
        let Some(first) = line.into_iter().rfind(|commit| descendants.contains(commit)) else {
            return Ok(head.clone());
        };
        let [commit] = self.commits([&first]).await?;
        Ok(if commit.parents.first() == Some(head) { head.clone() } else { first })
    }

    /// Returns the number of commits reachable from a commit, itself included.
    ///
    /// # Errors
    /// `Rejected` if the commit does not exist.
    pub async fn count(&self, commit: &CommitId) -> Result<usize, Failure> {
        self.commits([commit]).await?;
        let answer = self.ask(["rev-list", "--count", "--end-of-options", commit.as_str()]).fixed().stdout().await?;
        let count = String::from_utf8_lossy(&answer).trim().parse();
        count.map_err(|_| Failure::rejected("git rev-list --count answered with something that is not a number"))
    }

    pub(super) async fn rev_list(
        &self,
        options: &[&str],
        of: &[&CommitId],
        not: &[&CommitId],
    ) -> Result<Vec<CommitId>, Failure> {
        let mut args: Vec<String> =
            std::iter::once("rev-list").chain(options.iter().copied()).map(String::from).collect();
        args.push("--end-of-options".into());
        args.extend(of.iter().map(ToString::to_string));
        args.extend(not.iter().map(|id| format!("^{id}")));
        Ok(ids_in(&self.ask(args).fixed().stdout().await?))
    }
}

fn info(fields: &[&str]) -> Option<CommitInfo> {
    let [id, parents, author, author_mail, committer, committer_mail, at, message] = fields else {
        return None;
    };
    let signature = |name: &str, email: &str| Signature { name: name.into(), email: email.into(), account: None };
    Some(CommitInfo {
        id: CommitId::parse(id).ok()?,
        parents: parents.split(' ').filter_map(|id| CommitId::parse(id).ok()).collect(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        author: signature(author, author_mail),
        committer: signature(committer, committer_mail),
        co_authors: message.lines().filter_map(co_author).collect(),
        picked_from: message.lines().filter_map(picked_from).collect(),
        at: at.parse().ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

fn picked_from(line: &str) -> Option<CommitId> {
    let id = line.trim().strip_prefix("(cherry picked from commit ")?.strip_suffix(')')?;
    CommitId::parse(id).ok()
}

/// Parses a `Co-authored-by` line anywhere in the message, not only among the trailers: a co-author of a fix must
/// not approve it.
fn co_author(line: &str) -> Option<Signature> {
    let (key, value) = line.split_once(':')?;
    if !key.trim().eq_ignore_ascii_case("co-authored-by") {
        return None;
    }
    let (name, rest) = value.split_once('<')?;
    let (email, _) = rest.split_once('>')?;
    Some(Signature { name: name.trim().into(), email: email.trim().into(), account: None })
}
