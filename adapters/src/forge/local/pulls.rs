//! Pull requests of the local forge. The ledger stores them and git has the branches: every read of an open one first
//! refreshes it from its branches and records the changes. A merge that a user makes and pushes by hand counts as a
//! merge, as on any other forge.

use async_trait::async_trait;

use super::Local;
use super::record::{Book, Comment, Pull, State};
use crate::failure::Failure;
use crate::forge::git::Git;
use crate::forge::{
    Bringing, Check, LabelEvent, Labelled, Merge, NewPullRequest, PullNumber, PullRequest, PullRequests, PullState,
};
use crate::ids::{BranchName, CommitId, Repo};

#[async_trait]
impl PullRequests for Local {
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure> {
        let book = self.settle(repo, |pull| pull.head == *head && pull.base == *base).await?;
        Ok(book.newest(head, base).map(Pull::view))
    }

    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        self.shown(self.open_pull(new).await)
    }

    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        let book = self.settle(repo, |pull| pull.number == number).await?;
        book.pull(number).map(Pull::view)
    }

    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        self.shown(self.merge_pull(repo, number, merge).await)
    }

    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        let carries = |labels: &[String]| labels.iter().any(|other| other == label);
        let book = self.settle(repo, |pull| carries(&pull.labels)).await?;
        let pulls = book.pulls.iter().filter(|pull| pull.is_open() && carries(&pull.labels));
        let issues = book.issues.iter().filter(|issue| carries(&issue.labels));
        let mut found: Vec<Labelled> = pulls
            .map(|pull| (pull.number, &pull.title))
            .chain(issues.map(|issue| (issue.number, &issue.title)))
            .map(|(number, title)| Labelled { number, title: title.clone() })
            .collect();
        found.sort_by_key(|labelled| labelled.number);
        Ok(found)
    }

    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure> {
        let book = self.settle(repo, |pull| pull.title == title).await?;
        let pulls = book.pulls.iter().filter(|pull| pull.is_open() && pull.title == title);
        Ok(pulls.map(|pull| Labelled { number: pull.number, title: pull.title.clone() }).collect())
    }

    /// Returns nothing: the local forge enforces no checks.
    async fn required_checks(&self, _: &Repo, _: &BranchName) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        self.git(repo)?;
        Ok(self.shown(self.ledger.read(repo).await)?.checks.remove(commit).unwrap_or_default())
    }

    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure> {
        let at = self.now();
        let relabel = |pull: &mut Pull| {
            add.iter().for_each(|label| pull.set_label(label, true, None, at));
            remove.iter().for_each(|label| pull.set_label(label, false, None, at));
        };
        self.change_open(repo, number, relabel).await.map(|_| ())
    }

    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        let book = self.settle(repo, |pull| pull.number == number).await?;
        Ok(book.pull(number)?.labellings.clone())
    }

    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure> {
        self.git(repo)?;
        let mut held = self.shown(self.ledger.hold(repo).await)?;
        let pull = held.book.pull_mut(number)?;
        if pull.comments.iter().all(|comment| comment.key != key) {
            pull.comments.push(Comment { key: key.to_owned(), text: text.to_owned() });
            self.shown(held.save().await)?;
        }
        Ok(())
    }

    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        match self.read(repo, number).await?.state {
            PullState::Open => self.close(repo, number).await.map(|_| ()),
            PullState::Closed => Ok(()),
            PullState::Merged(_) => Err(Failure::rejected(format!("pull request {} is merged.", number.0))),
        }
    }

    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure> {
        let (git, book) = (self.git(repo)?, self.settle(repo, Pull::is_open).await?);
        let mut found = Vec::new();
        for pull in &book.pulls {
            let (came_as, base) = match &pull.state {
                State::Merged { commit } => (Some(commit), None),
                State::Open { base_commit, .. } => (None, Some(base_commit)),
                State::Closed => continue,
            };
            if came_as == Some(commit) || self.shown(is_part(&git, pull, base, commit).await)? {
                found.push(Bringing {
                    number: pull.number,
                    title: pull.title.clone(),
                    author: pull.author.clone(),
                    branch: Some(pull.head.clone()),
                    head_commit: pull.head_commit.clone(),
                    merged: came_as.is_some(),
                });
            }
        }
        Ok(found)
    }
}

/// Returns `true` if a commit lies on the branch of a pull request. The ledger does not keep the former base of a
/// merged one, so the first parent of the merge stands in for it.
async fn is_part(git: &Git, pull: &Pull, base: Option<&CommitId>, commit: &CommitId) -> Result<bool, Failure> {
    let on_branch = match git.is_ancestor(commit, &pull.head_commit).await {
        // The branch and its commits may be gone.
        Err(Failure::Rejected { .. }) => return Ok(false),
        answer => answer?,
    };
    let before = match (base, &pull.state) {
        (Some(base), _) => Some(base.clone()),
        (None, State::Merged { commit: came_as }) => git.introduced(came_as).await?.from,
        (None, State::Open { .. } | State::Closed) => None,
    };
    match before.filter(|_| on_branch) {
        Some(before) => Ok(!git.is_ancestor(commit, &before).await?),
        None => Ok(on_branch),
    }
}

impl Local {
    /// Returns the document of a repository after refreshing the selected open pull requests.
    pub(super) async fn settle(
        &self,
        repo: &Repo,
        which: impl Fn(&Pull) -> bool + Send + Sync,
    ) -> Result<Book, Failure> {
        self.shown(self.settled(repo, &which).await)
    }

    async fn settled(&self, repo: &Repo, which: &(impl Fn(&Pull) -> bool + Send + Sync)) -> Result<Book, Failure> {
        let git = self.git(repo)?;
        let mut book = self.ledger.read(repo).await?;
        if !refresh(&git, &mut book, which).await? {
            return Ok(book);
        }
        let mut held = self.ledger.hold(repo).await?;
        if refresh(&git, &mut held.book, which).await? {
            held.save().await?;
        }
        Ok(held.book.clone())
    }

    async fn open_pull(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        let git = self.git(&new.repo)?;
        if new.head == new.base {
            return Err(Failure::rejected(format!("branch {} cannot be merged into itself.", new.head)));
        }
        let mut held = self.ledger.hold(&new.repo).await?;
        refresh(&git, &mut held.book, |pull| pull.head == new.head && pull.base == new.base).await?;
        if let Some(open) = held.book.newest(&new.head, &new.base).filter(|pull| pull.is_open()) {
            let view = open.view();
            held.save().await?;
            return Ok(view);
        }
        let mut tips = git.tips(&[&new.head, &new.base]).await?;
        let head_commit = tips.remove(&new.head).ok_or_else(|| no_branch(&new.head))?;
        let base_commit = tips.remove(&new.base).ok_or_else(|| no_branch(&new.base))?;
        if git.is_ancestor(&head_commit, &base_commit).await? {
            let (head, base) = (&new.head, &new.base);
            return Err(Failure::rejected(format!("there is nothing to merge: {base} has all that {head} has.")));
        }
        let pull = Pull::new(held.book.number(), new, head_commit, base_commit, self.now());
        let view = pull.view();
        held.book.pulls.push(pull);
        held.save().await?;
        Ok(view)
    }
}

/// Refreshes the selected open pull requests from their branches. Returns `true` if anything changed.
pub(super) async fn refresh(
    git: &Git,
    book: &mut Book,
    which: impl Fn(&Pull) -> bool + Send + Sync,
) -> Result<bool, Failure> {
    let mut changed = false;
    for pull in book.pulls.iter_mut().filter(|pull| pull.is_open() && which(pull)) {
        let fresh = looked_at(git, pull).await?;
        changed |= fresh != *pull;
        *pull = fresh;
    }
    Ok(changed)
}

/// Returns the pull request updated from the current state of its branches.
async fn looked_at(git: &Git, pull: &Pull) -> Result<Pull, Failure> {
    let mut fresh = pull.clone();
    let State::Open { base_commit, intent } = &pull.state else {
        return Ok(fresh);
    };
    let mut tips = git.tips(&[&pull.head, &pull.base]).await?;
    let head = tips.remove(&pull.head).unwrap_or_else(|| pull.head_commit.clone());
    let Some(base) = tips.remove(&pull.base) else {
        return Ok(Pull { head_commit: head, ..fresh });
    };
    let base_moved = base != *base_commit;
    if let Some(intent) = intent.as_ref().filter(|_| base_moved)
        && git.is_ancestor(&intent.commit, &base).await?
    {
        return Ok(Pull {
            head_commit: intent.head.clone(),
            state: State::Merged { commit: intent.commit.clone() },
            ..fresh
        });
    }
    // A base that newly contains the head has merged it. A head that was reset to a commit which the base already had
    // was not merged.
    let merged = base_moved && git.is_ancestor(&head, &base).await? && !git.is_ancestor(&head, base_commit).await?;
    fresh.state = if merged {
        State::Merged { commit: git.brought_by(&head, &base).await? }
    } else {
        State::Open { base_commit: base, intent: intent.clone() }
    };
    Ok(Pull { head_commit: head, ..fresh })
}

pub(super) fn no_branch(branch: &BranchName) -> Failure {
    Failure::rejected(format!("there is no branch {branch} (any more). Push it first."))
}
