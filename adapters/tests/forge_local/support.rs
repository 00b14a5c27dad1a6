//! Real git repositories for the tests of the forge.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::forge::conformance::{Push, Setup};
use hotfix_adapters::forge::local::{Local, LocalOptions};
use hotfix_adapters::forge::{Check, Forge, PullNumber, Verdict};
use hotfix_adapters::vocabulary::{CommitId, PersonRef, Platform, Repo};
use jiff::Timestamp;

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

    /// What git says, run by a person.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        String::from_utf8(git(&self.directory(), args, b"")).unwrap().trim().to_owned()
    }

    /// What git says in a checkout of this commit, where a person does what the forge does without one.
    pub(crate) fn checkout(&self, at: &CommitId) -> PathBuf {
        let place = self.folder.path().join(format!("checkout-{}", at.short()));
        self.git(&["worktree", "add", "--quiet", "--detach", place.to_str().unwrap(), at.as_str()]);
        place
    }

    /// A commit on a branch that sets some files.
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

/// The forge on a folder, as another process would open it; its clock stands still.
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

    async fn review(&self, number: PullNumber, verdict: Verdict) {
        self.local.review(&self.repo(), number, &grace(), verdict).await.unwrap();
    }

    async fn report(&self, commit: &CommitId, check: Check) {
        self.local.set_check(&self.repo(), commit, check).await.unwrap();
    }

    async fn label(&self, number: PullNumber, label: &str) {
        self.local.label(&self.repo(), number, label).await.unwrap();
    }

    async fn close(&self, number: PullNumber) {
        self.local.close(&self.repo(), number).await.unwrap();
    }
}

/// Runs git in a directory without anybody's configuration, and expects it to go well.
pub(crate) fn git(directory: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")])
        .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}");
    output.stdout
}

/// One commit by `git fast-import`, which needs no checkout and is one process.
fn import(directory: &Path, push: Push<'_>) -> CommitId {
    let Push { branch, parents, files, message, author } = push;
    let mut input = format!("commit refs/heads/{branch}\nmark :1\nauthor {author} 1690000000 +0200\n");
    input += &format!("committer Pat <pat@example.org> 1690000001 +0200\ndata {}\n{message}\n", message.len());
    for (place, parent) in parents.iter().enumerate() {
        input += &format!("{} {parent}\n", if place == 0 { "from" } else { "merge" });
    }
    for (path, text) in files {
        match text {
            Some(text) => input += &format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len()),
            None => input += &format!("D {path}\n"),
        }
    }
    // Without a parent a branch that exists would be continued.
    let input = if parents.is_empty() { format!("reset refs/heads/{branch}\n\n{input}") } else { input };
    let answer = git(directory, &["fast-import", "--quiet", "--force"], format!("{input}\nget-mark :1\n").as_bytes());
    id(answer)
}

/// The commit id that git answered.
pub(crate) fn id(text: impl AsRef<[u8]>) -> CommitId {
    CommitId::parse(std::str::from_utf8(text.as_ref()).unwrap().trim()).unwrap()
}
