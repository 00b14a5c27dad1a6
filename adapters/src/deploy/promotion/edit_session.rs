//! An edit session: the files of one commit while they are edited in memory. Each file is read from the forge once.

use std::collections::BTreeMap;
use std::sync::Arc;

use similar::TextDiff;

use super::Promotion;
use crate::edit::{EditError, text};
use crate::failure::Failure;
use crate::forge::Forge;
use crate::ids::{CommitId, Repo};

/// The files of one commit, with their edits.
pub(super) struct EditSession {
    forge: Arc<dyn Forge>,
    repo: Repo,
    pub(super) at: CommitId,
    pages: BTreeMap<String, Page>,
}

struct Page {
    before: String,
    now: String,
}

impl Promotion {
    pub(super) fn sheet(&self, at: CommitId) -> EditSession {
        EditSession { forge: Arc::clone(&self.forge), repo: self.repo.clone(), at, pages: BTreeMap::new() }
    }
}

impl EditSession {
    /// Returns the current text of a file, including its edits.
    pub(super) async fn read(&mut self, file: &str) -> Result<String, Failure> {
        if let Some(page) = self.pages.get(file) {
            return Ok(page.now.clone());
        }
        let bytes = self.forge.read_file(&self.repo, &self.at, file).await?.ok_or_else(|| {
            let at = self.at.short();
            Failure::rejected(format!("{} has no file {file} at {at}. Correct the promotion's targets.", self.repo))
        })?;
        let now = text(&bytes).map_err(|refused| in_file(file, &refused))?.to_owned();
        self.pages.insert(file.to_owned(), Page { before: now.clone(), now: now.clone() });
        Ok(now)
    }

    /// Returns the bytes of a file, for a search that also meets files that are not text. Empty if the file does not
    /// exist.
    pub(super) async fn look(&self, file: &str) -> Result<Vec<u8>, Failure> {
        if let Some(page) = self.pages.get(file) {
            return Ok(page.now.clone().into_bytes());
        }
        Ok(self.forge.read_file(&self.repo, &self.at, file).await?.unwrap_or_default())
    }

    /// Returns the paths of all files below a folder.
    pub(super) async fn below(&self, folder: &str) -> Result<Vec<String>, Failure> {
        self.forge.paths(&self.repo, &self.at, folder).await
    }

    /// Replaces the text of a file that was read before.
    pub(super) fn write(&mut self, file: &str, text: String) {
        if let Some(page) = self.pages.get_mut(file) {
            page.now = text;
        }
    }

    /// Returns the differences from the commit as a unified diff with one line of context.
    pub(super) fn diff(&self) -> String {
        let changed = self.pages.iter().filter(|(_, page)| page.before != page.now);
        let diffs = changed.map(|(file, page)| {
            let diff = TextDiff::from_lines(&page.before, &page.now);
            diff.unified_diff().context_radius(1).header(&format!("a/{file}"), &format!("b/{file}")).to_string()
        });
        diffs.collect()
    }

    /// Returns the files that differ from the commit, with their new contents.
    pub(super) fn changed(&self) -> Vec<(String, Vec<u8>)> {
        let changed = self.pages.iter().filter(|(_, page)| page.before != page.now);
        changed.map(|(file, page)| (file.clone(), page.now.clone().into_bytes())).collect()
    }
}

/// Converts the error of an editor, adding the file.
pub(super) fn in_file(file: &str, refused: &EditError) -> Failure {
    Failure::rejected(format!("{file}: {refused}"))
}
