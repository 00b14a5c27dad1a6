//! Merges without a checkout.

use jiff::Timestamp;

use super::Git;
use super::object::CommitObject;
use crate::failure::Failure;
use crate::forge::MergeMethod;
use crate::ids::CommitId;

/// The parameters of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeInput {
    /// Commit to merge into; the first parent of the result.
    pub base: CommitId,
    /// Commit to merge.
    pub head: CommitId,
    /// Merge commit or squash.
    pub method: MergeMethod,
    /// Whole commit message.
    pub message: String,
    /// Author time and committer time of a merge commit. It is an argument so that the same merge yields the
    /// same commit id.
    pub at: Timestamp,
}

/// The result of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// The merge made this commit, which is on no branch yet.
    Commit(CommitId),
    /// The merge has conflicts.
    Conflict {
        /// Paths of the files in conflict.
        files: Vec<String>,
    },
}

/// The tree that a merge produces, or the files in conflict.
pub(super) enum Tree {
    Clean(String),
    Conflict(Vec<String>),
}

impl Git {
    /// Makes the commit that merges `head` into `base`, without moving any branch.
    ///
    /// # Errors
    /// `Rejected` if a commit does not exist, or if the commits have no common history.
    pub async fn merge(&self, request: &MergeInput) -> Result<Merged, Failure> {
        let MergeInput { base, head, method, message, at } = request;
        let tree = match self.merged_tree(base, head, None).await? {
            Tree::Clean(tree) => tree,
            Tree::Conflict(files) => return Ok(Merged::Conflict { files }),
        };
        let committer = self.committed_at(*at);
        let (parents, author) = match method {
            MergeMethod::Merge => (vec![base.clone(), head.clone()], committer.clone()),
            // The author of the last commit becomes the author of the squash.
            MergeMethod::Squash => {
                let [last] = self.commits([head]).await?;
                (vec![base.clone()], last.author)
            }
        };
        let message = message.replace('\0', " ").into_bytes();
        let commit = CommitObject { tree, parents, author, committer, encoding: None, message };
        Ok(Merged::Commit(self.write(&commit).await?))
    }

    /// Merges the trees of `theirs` and `ours`. The `.gitattributes` of `ours` select the merge drivers.
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

/// Returns the files of a conflict, each once, by their real names. If a file meets a folder or another kind of file,
/// git renames one of them to `name~commit`, a name that exists nowhere else.
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
