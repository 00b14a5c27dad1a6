//! Resolution of a revision typed by a user. Branches, tags and ids are looked up separately, and ambiguous input is
//! refused: git itself would silently take one of the matches.

use super::Git;
use crate::failure::Failure;
use crate::ids::{BranchName, CommitId, TagName};

/// Minimum length of a short id. A shorter one could be a number, or match a commit by chance.
const SHORTEST: usize = 7;

impl Git {
    /// Resolves a full or short commit id, a branch or a tag. `None` if it matches no commit.
    ///
    /// # Errors
    /// `Rejected` if it matches more than one commit.
    pub async fn resolve(&self, words: &str) -> Result<Option<CommitId>, Failure> {
        let words = words.trim();
        let id = words.to_ascii_lowercase();
        if let Ok(id) = CommitId::parse(&id) {
            return Ok(self.commits_if_there(&[id.as_str()]).await?.into_values().next().map(|(id, _)| id));
        }
        let mut found = self.named(words).await?;
        found.extend(self.abbreviated(&id).await?.into_iter().map(|id| ("id".to_owned(), id)));
        let Some((_, first)) = found.first().cloned() else {
            return Ok(None);
        };
        if found.iter().all(|(_, id)| *id == first) {
            return Ok(Some(first));
        }
        let meanings: Vec<String> = found.iter().map(|(what, id)| format!("{what} {id}")).collect();
        Err(Failure::rejected(format!("{words:?} can mean {}. Give the full id.", meanings.join(" or "))))
    }

    async fn named(&self, words: &str) -> Result<Vec<(String, CommitId)>, Failure> {
        let branch = words.strip_prefix("refs/heads/").or_else(|| (!words.starts_with("refs/")).then_some(words));
        let tag = words.strip_prefix("refs/tags/").or_else(|| (!words.starts_with("refs/")).then_some(words));
        let mut names = Vec::new();
        names.extend(branch.and_then(|name| BranchName::parse(name).ok()).map(|name| format!("refs/heads/{name}")));
        names.extend(tag.and_then(|name| TagName::parse(name).ok()).map(|name| format!("refs/tags/{name}")));
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<_> =
            self.refs_under(&names).await?.into_iter().filter(|(name, _)| names.contains(name)).collect();
        // A tag can also point at a file or a tree.
        let ids: Vec<&str> = found.iter().map(|(_, id)| id.as_str()).collect();
        let commits = self.commits_if_there(&ids).await?;
        Ok(found.into_iter().filter(|(_, id)| commits.contains_key(id.as_str())).collect())
    }

    async fn abbreviated(&self, id: &str) -> Result<Vec<CommitId>, Failure> {
        if !(SHORTEST..64).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let answer = self.ask(["rev-parse".to_owned(), format!("--disambiguate={id}")]).offline().stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        let objects: Vec<&str> = text.lines().collect();
        Ok(self.commits_if_there(&objects).await?.into_values().map(|(id, _)| id).collect())
    }
}
