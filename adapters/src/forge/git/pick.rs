//! Cherry-picks without a checkout, and their `cherry picked from commit` line.

use super::Git;
use super::merge::Tree;
use super::object::CommitObject;
use crate::failure::Failure;
use crate::forge::{Pick, Picked};
use crate::ids::CommitId;

impl Git {
    /// Cherry-picks `source` onto `onto`, without moving any branch.
    ///
    /// # Errors
    /// `Rejected` if one of the commits does not exist.
    pub async fn pick(&self, pick: &Pick) -> Result<Picked, Failure> {
        let [source, onto] = self.commits([&pick.source, &pick.onto]).await?;
        let before = match source.parents.first() {
            Some(parent) => parent.clone(),
            None => self.nothing_before(&source).await?,
        };
        let tree = match self.merged_tree(&pick.onto, &pick.source, Some(&before)).await? {
            Tree::Clean(tree) => tree,
            Tree::Conflict(files) => return Ok(Picked::Conflict { files }),
        };
        if tree == onto.tree {
            let [before] = self.commits([&before]).await?;
            return Ok(if before.tree == source.tree { Picked::Empty } else { Picked::AlreadyThere });
        }
        let message = if pick.trace { traced(&source.message, &pick.source) } else { source.message };
        let committer = self.committed_at(pick.at);
        let commit = CommitObject { tree, parents: vec![pick.onto.clone()], message, committer, ..source };
        Ok(match self.write_checked(&commit).await? {
            Ok(made) => Picked::Commit(made),
            Err(why) => Picked::Malformed(why),
        })
    }

    /// Writes a commit without files, the merge base for picking a root commit: older git versions require a commit
    /// there, not a tree.
    async fn nothing_before(&self, first: &CommitObject) -> Result<CommitId, Failure> {
        let tree = self.ask(["hash-object", "-t", "tree", "-w", "--stdin"]).stdout().await?;
        let tree = String::from_utf8_lossy(&tree).trim().to_owned();
        let (parents, message, encoding) = (Vec::new(), b"nothing\n".to_vec(), None);
        self.write(&CommitObject { tree, parents, message, encoding, ..first.clone() }).await
    }
}

/// Appends the line that `git cherry-pick -x` writes: to an existing block of trailers, or as a new block.
fn traced(message: &[u8], source: &CommitId) -> Vec<u8> {
    let mut message = message.to_vec();
    if !message.is_empty() && !message.ends_with(b"\n") {
        message.push(b'\n');
    }
    if !ends_with_trailers(&message) {
        message.push(b'\n');
    }
    message.extend_from_slice(format!("(cherry picked from commit {source})\n").as_bytes());
    message
}

fn ends_with_trailers(message: &[u8]) -> bool {
    let text = String::from_utf8_lossy(message);
    // The first paragraph is the title, even if it looks like a trailer.
    let Some((_, last)) = text.trim_end().rsplit_once("\n\n") else {
        return false;
    };
    let is_trailer = |line: &str| {
        let token = line.split_once(':').map(|(token, _)| token.trim_end());
        token.is_some_and(|token| !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            || line.starts_with("(cherry picked from commit ")
    };
    let mut lines = last.lines();
    lines.next().is_some_and(is_trailer) && lines.all(|line| line.starts_with([' ', '\t']) || is_trailer(line))
}
