//! Real git repositories for the tests of the local forge.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::forge::conformance::{Push, Setup};
use hotfix_adapters::forge::local::{Local, LocalOptions};
use hotfix_adapters::forge::{Check, Forge, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{CommitId, PersonRef, Platform, Repo};
use jiff::Timestamp;

pub(crate) use crate::repository::{git, id, import};

/// A folder with one bare repository, `team/payments.git`, and a ledger.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) local: Arc<Local>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("repositories/team/payments.git");
        std::fs::create_dir_all(&place).unwrap();
        git(&place, &["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "."], b"");
        let local = open(folder.path());
        Self { folder, local }
    }

    pub(crate) fn repo(&self) -> Repo {
        Repo::parse("team/payments").unwrap()
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("repositories/team/payments.git")
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger/team~payments.json")
    }

    /// Runs git in the repository; returns its output.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        String::from_utf8(git(&self.directory(), args, b"")).unwrap().trim().to_owned()
    }

    /// Creates a checkout of this commit, for the steps that the forge does without one.
    pub(crate) fn checkout(&self, at: &CommitId) -> PathBuf {
        let place = self.folder.path().join(format!("checkout-{}", at.short()));
        self.git(&["worktree", "add", "--quiet", "--detach", place.to_str().unwrap(), at.as_str()]);
        place
    }

    /// Creates a commit on a branch that sets some files.
    pub(crate) fn commit(
        &self,
        branch: &str,
        parents: &[&CommitId],
        files: &[(&str, &str)],
        message: &str,
    ) -> CommitId {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        import(&self.directory(), Push { branch, parents, files: &files, message, author: "Ada <ada@example.org>" })
    }
}

/// Opens the forge on a folder, as another process would; its clock is fixed.
pub(crate) fn open(folder: &Path) -> Arc<Local> {
    let mut options = LocalOptions::new(folder.join("repositories"), folder.join("ledger"));
    options.clock = Arc::new(|| Timestamp::from_second(1_700_000_000).unwrap());
    Arc::new(Local::open(options).unwrap())
}

pub(crate) fn grace() -> PersonRef {
    PersonRef::new(Platform::Git, "grace@example.org")
}

#[async_trait]
impl Setup for Place {
    fn forge(&self) -> Arc<dyn Forge> {
        self.local.clone()
    }

    fn repo(&self) -> Repo {
        Place::repo(self)
    }

    async fn push(&self, push: Push<'_>) -> CommitId {
        import(&self.directory(), push)
    }

    async fn review(&self, number: PullNumber, verdict: ReviewVerdict) {
        self.local.review(&self.repo(), number, &grace(), verdict).await.unwrap();
    }

    async fn report(&self, commit: &CommitId, check: Check) {
        self.local.set_check(&self.repo(), commit, check).await.unwrap();
    }

    async fn label(&self, number: PullNumber, label: &str) {
        self.local.label_as(&self.repo(), number, &grace(), label).await.unwrap();
    }

    async fn comments(&self, number: PullNumber) -> Vec<String> {
        self.local.comments(&self.repo(), number).await.unwrap()
    }

    async fn close(&self, number: PullNumber) {
        self.local.close(&self.repo(), number).await.unwrap();
    }
}
