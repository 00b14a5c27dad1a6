//! [`Hosted`]: a remote forge, composed of two halves. A [`Mirror`] serves everything that git can answer, which is the
//! same for all forges; an API adapter, one per forge, serves pull requests and accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::git::mirror::Mirror;
use super::{
    Bringing, Change, Check, CommitDetail, CommitInfo, Containment, DiffSize, Files, History, Introduced, LabelEvent,
    Labelled, Machines, Merge, NewCommit, NewPullRequest, Pick, Picked, PullNumber, PullRequest, PullRequests, Range,
    Refs,
};
use crate::failure::Failure;
use crate::ids::{BranchName, CommitId, PersonRef, Repo, TagName};

/// Forge accounts behind commits and pushes. git itself records only addresses, and anyone can write any address.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Returns the accounts behind the commits in `head` that are not in `base`, keyed by commit. A commit that is left
    /// out, or whose accounts are `None`, has no account that the forge knows.
    ///
    /// # Errors
    /// `Retry` if the forge is unreachable: the bot must know the authors of a change before it decides who may approve
    /// it. `Rejected` if the forge cannot report accounts at all; they then remain unknown.
    async fn accounts(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<BTreeMap<CommitId, CommitAccounts>, Failure>;

    /// Returns the accounts that pushed to a branch since `since`, or since the branch was created if that is
    /// later, each once.
    ///
    /// # Errors
    /// As for [`Accounts::accounts`].
    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure>;

    /// Returns the account of the bot itself. `None` if the forge does not report it.
    ///
    /// # Errors
    /// As for [`Accounts::accounts`].
    async fn own(&self, _repo: &Repo) -> Result<Option<PersonRef>, Failure> {
        Ok(None)
    }

    /// Returns the identities under which the forge commits actions in its web UI.
    fn pages(&self) -> BTreeSet<PersonRef> {
        BTreeSet::new()
    }
}

/// The forge accounts behind one commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitAccounts {
    /// Account of the author; `None` if unknown.
    pub author: Option<PersonRef>,
    /// Account of the committer; `None` if unknown.
    pub committer: Option<PersonRef>,
}

/// A remote forge: mirrors of its repositories, and a client of its API.
#[derive(Debug)]
pub struct Hosted<P> {
    mirror: Arc<Mirror>,
    api: P,
    /// The bot's account, cached after the forge has reported it.
    own: OnceCell<Option<PersonRef>>,
}

impl<P> Hosted<P> {
    /// Combines a mirror and an API adapter into one forge.
    pub fn new(mirror: Arc<Mirror>, api: P) -> Self {
        Self { mirror, api, own: OnceCell::new() }
    }

    /// The git half: mirrors of the repositories.
    #[must_use]
    pub fn mirror(&self) -> &Arc<Mirror> {
        &self.mirror
    }

    /// The API half: pull requests and accounts.
    #[must_use]
    pub fn api(&self) -> &P {
        &self.api
    }
}

impl<P: Accounts> Hosted<P> {
    async fn with_accounts(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
        range: Range,
    ) -> Result<Range, Failure> {
        if range.commits.is_empty() {
            return Ok(range);
        }
        let mut accounts = match self.api.accounts(repo, base, head).await {
            Ok(accounts) => accounts,
            Err(Failure::Rejected { reason }) => {
                tracing::warn!(%repo, %base, %head, reason, "the forge does not tell who made these commits");
                return Ok(range);
            }
            Err(failure @ (Failure::Retry { .. } | Failure::Uncertain { .. })) => return Err(failure),
        };
        let known = |mut info: CommitInfo| {
            let CommitAccounts { author, committer } = accounts.remove(&info.id).unwrap_or_default();
            info.author.account = author;
            info.committer.account = committer;
            info
        };
        Ok(Range { commits: range.commits.into_iter().map(known).collect(), total: range.total })
    }
}

#[async_trait]
impl<P: Send + Sync> Refs for Hosted<P> {
    async fn tips(&self, repo: &Repo, branches: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure> {
        self.mirror.tips(repo, branches).await
    }

    async fn create(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.mirror.create(repo, branch, at).await
    }

    async fn advance(&self, repo: &Repo, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        self.mirror.advance(repo, branch, from, to).await
    }

    async fn delete(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.mirror.delete(repo, branch, at).await
    }

    async fn tag(&self, repo: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure> {
        self.mirror.tag(repo, tag, at).await
    }

    async fn branches(&self, repo: &Repo, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure> {
        self.mirror.branches(repo, below).await
    }
}

#[async_trait]
impl<P: Accounts> History for Hosted<P> {
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure> {
        self.mirror.resolve(repo, words).await
    }

    async fn commits_between(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
        max: usize,
    ) -> Result<Range, Failure> {
        let range = self.mirror.commits_between(repo, base, head, max).await?;
        self.with_accounts(repo, base, head, range).await
    }

    async fn commit(&self, repo: &Repo, commit: &CommitId) -> Result<CommitDetail, Failure> {
        self.mirror.commit(repo, commit).await
    }

    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        self.mirror.size(repo, base, head).await
    }

    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        self.mirror.containment(repo, change, tip).await
    }

    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure> {
        self.mirror.pick(repo, pick).await
    }

    async fn count(&self, repo: &Repo, commit: &CommitId) -> Result<usize, Failure> {
        self.mirror.count(repo, commit).await
    }

    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        match self.api.pushers(repo, branch, since).await {
            Err(Failure::Rejected { reason }) => {
                tracing::warn!(%repo, %branch, reason, "the forge does not tell who pushed");
                Ok(Vec::new())
            }
            answer => answer,
        }
    }

    async fn introduced(&self, repo: &Repo, commit: &CommitId) -> Result<Introduced, Failure> {
        let Introduced { from, commits } = self.mirror.introduced(repo, commit).await?;
        let Some(base) = from else { return Ok(Introduced { from, commits }) };
        let range = Range { total: commits.len(), commits };
        let range = self.with_accounts(repo, &base, commit, range).await?;
        Ok(Introduced { from: Some(base), commits: range.commits })
    }

    async fn machines(&self, repo: &Repo) -> Result<Machines, Failure> {
        let mut machines = self.mirror.machines(repo).await?;
        match self.own.get_or_try_init(|| self.api.own(repo)).await {
            Ok(own) => machines.bot.extend(own.clone()),
            Err(Failure::Rejected { reason }) => {
                tracing::warn!(%repo, reason, "the forge does not tell which account is the bot's; declare it under [bots] in people.toml");
            }
            Err(failure @ (Failure::Retry { .. } | Failure::Uncertain { .. })) => return Err(failure),
        }
        machines.forge = self.api.pages();
        Ok(machines)
    }
}

#[async_trait]
impl<P: Send + Sync> Files for Hosted<P> {
    async fn read_file(&self, repo: &Repo, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.mirror.read_file(repo, at, path).await
    }

    async fn paths(&self, repo: &Repo, at: &CommitId, below: &str) -> Result<Vec<String>, Failure> {
        self.mirror.paths(repo, at, below).await
    }

    async fn commit_files(&self, repo: &Repo, new: &NewCommit) -> Result<CommitId, Failure> {
        self.mirror.commit_files(repo, new).await
    }
}

#[async_trait]
impl<P: PullRequests> PullRequests for Hosted<P> {
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure> {
        self.api.find(repo, head, base).await
    }

    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        self.api.open(new).await
    }

    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        self.api.read(repo, number).await
    }

    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        self.api.merge(repo, number, merge).await
    }

    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        self.api.list_by_label(repo, label).await
    }

    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure> {
        self.api.find_by_title(repo, title).await
    }

    async fn required_checks(&self, repo: &Repo, branch: &BranchName) -> Result<Vec<String>, Failure> {
        self.api.required_checks(repo, branch).await
    }

    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        self.api.checks(repo, commit).await
    }

    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure> {
        self.api.set_labels(repo, number, add, remove).await
    }

    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        self.api.label_events(repo, number).await
    }

    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure> {
        self.api.comment(repo, number, key, text).await
    }

    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        self.api.close(repo, number).await
    }

    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure> {
        self.api.bringing(repo, commit).await
    }
}
