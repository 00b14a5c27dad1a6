//! Questions about ranges of commits.

use jiff::Timestamp;

use super::Git;
use super::object::ids_in;
use crate::failure::Failure;
use crate::forge::{CommitInfo, DiffSize, Range, Signature};
use crate::vocabulary::CommitId;

const FORMAT: &str = "--format=%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%ct%x00%B";
const FIELDS: usize = 8;

impl Git {
    /// Whether one commit is another or an ancestor of it.
    ///
    /// # Errors
    /// A commit is not there.
    pub async fn is_ancestor(&self, ancestor: &CommitId, of: &CommitId) -> Result<bool, Failure> {
        let args = ["merge-base", "--is-ancestor", "--end-of-options", ancestor.as_str(), of.as_str()];
        let answer = self.ask(args).run().await?;
        match answer.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(self.failure("merge-base", &answer)),
        }
    }

    /// The commits that `head` has and `base` has not: the oldest `max` of them, oldest first, and how many there are.
    ///
    /// # Errors
    /// A commit is not there.
    pub async fn between(&self, base: &CommitId, head: &CommitId, max: usize) -> Result<Range, Failure> {
        let ids = self.rev_list(&["--topo-order", "--reverse"], &[head], &[base]).await?;
        let wanted: Vec<&str> = ids.iter().take(max).map(CommitId::as_str).collect();
        if wanted.is_empty() {
            return Ok(Range { commits: Vec::new(), total: ids.len() });
        }
        let args = ["log", "--no-walk=unsorted", "-z", FORMAT, "--stdin"];
        let answer = self.ask(args).input(wanted.join("\n") + "\n").stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let fields: Vec<&str> = text.split('\0').collect();
        Ok(Range { commits: fields.chunks_exact(FIELDS).filter_map(info).collect(), total: ids.len() })
    }

    /// How large the difference between two commits is.
    ///
    /// # Errors
    /// A commit is not there.
    pub async fn size(&self, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        let args = ["diff-tree", "-r", "-M", "--shortstat", "--no-ext-diff", "--no-textconv", "--end-of-options"];
        let answer = self.ask(args.into_iter().chain([base.as_str(), head.as_str()])).stdout().await?;
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

    /// The commit by which `tip` has `head`: the oldest on its first-parent line that contains it, or `head` itself when
    /// it lies on that line. `head` must be an ancestor of `tip`.
    ///
    /// # Errors
    /// A commit is not there.
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

    /// How many commits a commit has behind it, itself included.
    ///
    /// # Errors
    /// The commit is not there.
    pub async fn count(&self, commit: &CommitId) -> Result<usize, Failure> {
        self.commits([commit]).await?;
        let answer = self.ask(["rev-list", "--count", "--end-of-options", commit.as_str()]).stdout().await?;
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
        Ok(ids_in(&self.ask(args).stdout().await?))
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
        at: at.parse().ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// Anywhere in the message, not only among the trailers: who helped to write a fix must not be the one to approve it.
fn co_author(line: &str) -> Option<Signature> {
    let (key, value) = line.split_once(':')?;
    if !key.trim().eq_ignore_ascii_case("co-authored-by") {
        return None;
    }
    let (name, rest) = value.split_once('<')?;
    let (email, _) = rest.split_once('>')?;
    Some(Signature { name: name.trim().into(), email: email.trim().into(), account: None })
}
