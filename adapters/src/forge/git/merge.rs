//! Merging without a checkout.

use jiff::Timestamp;

use super::Git;
use super::object::Commit;
use crate::failure::Failure;
use crate::forge::MergeMethod;
use crate::ids::CommitId;

/// A merge to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// Into what.
    pub base: CommitId,
    /// What.
    pub head: CommitId,
    /// In which way.
    pub method: MergeMethod,
    /// The whole message.
    pub message: String,
    /// When: it becomes the commit's time, so that the same merge makes the same commit.
    pub at: Timestamp,
}

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// It made this commit, which no branch holds yet.
    Commit(CommitId),
    /// It does not merge, because of these files.
    Conflict {
        /// The files.
        files: Vec<String>,
    },
}

/// The tree that a merge comes to.
pub(super) enum Tree {
    Clean(String),
    Conflict(Vec<String>),
}

impl Git {
    /// Makes the commit that merges one commit into another, without moving any branch.
    ///
    /// # Errors
    /// A commit is not there, or they have no history in common.
    pub async fn merge(&self, request: &MergeRequest) -> Result<Merged, Failure> {
        let MergeRequest { base, head, method, message, at } = request;
        let tree = match self.merged_tree(base, head, None).await? {
            Tree::Clean(tree) => tree,
            Tree::Conflict(files) => return Ok(Merged::Conflict { files }),
        };
        let committer = self.committed_at(*at);
        let (parents, author) = match method {
            MergeMethod::Merge => (vec![base.clone(), head.clone()], committer.clone()),
            // The one commit that stays is the work of whoever wrote the last of those that go.
            MergeMethod::Squash => {
                let [last] = self.commits([head]).await?;
                (vec![base.clone()], last.author)
            }
        };
        let message = message.replace('\0', " ").into_bytes();
        let commit = Commit { tree, parents, author, committer, encoding: None, message };
        Ok(Merged::Commit(self.write(&commit).await?))
    }

    /// The tree of `theirs` merged into `ours`, with `ours` saying which merge drivers there are.
    pub(super) async fn merged_tree(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        base: Option<&CommitId>,
    ) -> Result<Tree, Failure> {
        let mut args = vec![format!("--attr-source={ours}"), "merge-tree".into(), "--write-tree".into()];
        args.extend(["-z", "--name-only", "--no-messages"].map(String::from));
        args.extend(base.map(|base| format!("--merge-base={base}")));
        args.extend(["--end-of-options".into(), ours.to_string(), theirs.to_string()]);
        let answer = self.ask(args).run().await?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let mut parts = text.split('\0').filter(|part| !part.is_empty()).map(str::to_owned);
        match (answer.code, parts.next()) {
            (0, Some(tree)) => Ok(Tree::Clean(tree)),
            (1, Some(_)) => Ok(Tree::Conflict(files(parts, [ours, theirs]))),
            _ if answer.complaint.contains("unrelated histories") => {
                Err(Failure::rejected(format!("{} and {} have no history in common", ours.short(), theirs.short())))
            }
            _ => Err(self.failure("merge-tree", &answer)),
        }
    }
}

/// The files of a conflict, each once, by the names that they have: where a file meets a folder or another kind of file, git
/// sets one of them aside as `name~commit`, which exists nowhere else.
fn files(names: impl Iterator<Item = String>, sides: [&CommitId; 2]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for name in names {
        let own =
            name.rsplit_once('~').filter(|(_, side)| sides.iter().any(|commit| side.starts_with(commit.as_str())));
        let name = own.map_or(name.as_str(), |(name, _)| name);
        if !files.iter().any(|known| known == name) {
            files.push(name.to_owned());
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_invents_are_not_shown() {
        let (ours, theirs) = ("a".repeat(40), "b".repeat(40));
        let sides = [CommitId::parse(&ours).unwrap(), CommitId::parse(&theirs).unwrap()];
        let names = [format!("src/x~{ours}"), "src/x".to_owned(), format!("src/y~{theirs}_0"), "z~backup".to_owned()];
        assert_eq!(files(names.into_iter(), [&sides[0], &sides[1]]), ["src/x", "src/y", "z~backup"]);
    }
}
