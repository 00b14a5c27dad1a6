//! Actions of users on the local forge: reviewing, reporting checks, labelling and closing. They are not part of
//! the ports, because the bot does not perform them. Their callers are a command line for developers, the demo
//! and the tests.

use super::Local;
use super::pulls::refresh;
use super::record::{Book, Issue, Pull, State};
use crate::failure::Failure;
use crate::forge::{Check, PullNumber, PullRequest, Review, ReviewVerdict};
use crate::ids::{CommitId, PersonRef, Repo};

impl Local {
    /// Records a review of the current head of a pull request. Does not check if the person is allowed to review.
    ///
    /// # Errors
    /// `Rejected` if the pull request does not exist or is not open.
    pub async fn review(
        &self,
        repo: &Repo,
        number: PullNumber,
        person: &PersonRef,
        verdict: ReviewVerdict,
    ) -> Result<PullRequest, Failure> {
        let at = self.now();
        self.change_open(repo, number, |pull| {
            let commit = pull.head_commit.clone();
            pull.reviews.push(Review { person: person.clone(), commit, verdict, at });
        })
        .await
    }

    /// Closes a pull request without merging it.
    ///
    /// # Errors
    /// `Rejected` if the pull request does not exist or is not open.
    pub async fn close(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        self.change_open(repo, number, |pull| pull.state = State::Closed).await
    }

    /// Marks an open pull request as a draft, or as ready.
    ///
    /// # Errors
    /// `Rejected` if the pull request does not exist or is not open.
    pub async fn set_draft(&self, repo: &Repo, number: PullNumber, draft: bool) -> Result<PullRequest, Failure> {
        self.change_open(repo, number, |pull| pull.draft = draft).await
    }

    /// Records the result of a check of a commit. It replaces an earlier result of the same name and app.
    ///
    /// # Errors
    /// `Rejected` if the commit does not exist.
    pub async fn set_check(&self, repo: &Repo, commit: &CommitId, check: Check) -> Result<(), Failure> {
        self.shown(self.git(repo)?.size(commit, commit).await)?;
        self.change(repo, |book| {
            let checks = book.checks.entry(commit.clone()).or_default();
            checks.retain(|other| (&other.name, &other.app) != (&check.name, &check.app));
            checks.push(check);
            Ok(())
        })
        .await
    }

    /// Adds a label to a pull request or an issue, without a label event.
    ///
    /// # Errors
    /// `Rejected` if there is no pull request or open issue with this number.
    pub async fn label(&self, repo: &Repo, number: PullNumber, label: &str) -> Result<(), Failure> {
        self.change(repo, |book| {
            let labels = labels(book, number)?;
            if !labels.iter().any(|other| other == label) {
                labels.push(label.to_owned());
            }
            Ok(())
        })
        .await
    }

    /// Removes a label from a pull request or an issue, without a label event.
    ///
    /// # Errors
    /// `Rejected` if there is no pull request or open issue with this number.
    pub async fn unlabel(&self, repo: &Repo, number: PullNumber, label: &str) -> Result<(), Failure> {
        self.change(repo, |book| {
            labels(book, number)?.retain(|other| other != label);
            Ok(())
        })
        .await
    }

    /// Adds a label to an open pull request, as this person.
    ///
    /// # Errors
    /// `Rejected` if the pull request does not exist or is not open.
    pub async fn label_as(
        &self,
        repo: &Repo,
        number: PullNumber,
        person: &PersonRef,
        label: &str,
    ) -> Result<PullRequest, Failure> {
        let at = self.now();
        self.change_open(repo, number, |pull| pull.set_label(label, true, Some(person.clone()), at)).await
    }

    /// Removes a label from an open pull request, as this person.
    ///
    /// # Errors
    /// `Rejected` if the pull request does not exist or is not open.
    pub async fn unlabel_as(
        &self,
        repo: &Repo,
        number: PullNumber,
        person: &PersonRef,
        label: &str,
    ) -> Result<PullRequest, Failure> {
        let at = self.now();
        self.change_open(repo, number, |pull| pull.set_label(label, false, Some(person.clone()), at)).await
    }

    /// Returns the texts of the comments on a pull request, oldest first.
    ///
    /// # Errors
    /// `Rejected` if the pull request does not exist.
    pub async fn comments(&self, repo: &Repo, number: PullNumber) -> Result<Vec<String>, Failure> {
        self.git(repo)?;
        let book = self.shown(self.ledger.read(repo).await)?;
        Ok(book.pull(number)?.comments.iter().map(|comment| comment.text.clone()).collect())
    }

    /// Opens an issue and returns its number.
    ///
    /// # Errors
    /// `Rejected` if the repository does not exist; `Retry` or `Rejected` if the ledger cannot be written.
    pub async fn open_issue(&self, repo: &Repo, title: &str, labels: &[&str]) -> Result<PullNumber, Failure> {
        self.change(repo, |book| {
            let number = book.number();
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            book.issues.push(Issue { number, title: title.to_owned(), labels });
            Ok(number)
        })
        .await
    }

    /// Closes an issue and removes it from the ledger.
    ///
    /// # Errors
    /// `Rejected` if there is no open issue with this number.
    pub async fn close_issue(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        self.change(repo, |book| {
            let place = book.issues.iter().position(|issue| issue.number == number);
            let place = place.ok_or_else(|| Failure::rejected(format!("there is no open issue {}.", number.0)))?;
            book.issues.remove(place);
            Ok(())
        })
        .await
    }

    pub(super) async fn change_open(
        &self,
        repo: &Repo,
        number: PullNumber,
        change: impl FnOnce(&mut Pull) + Send,
    ) -> Result<PullRequest, Failure> {
        let git = self.git(repo)?;
        let mut held = self.shown(self.ledger.hold(repo).await)?;
        self.shown(refresh(&git, &mut held.book, |pull| pull.number == number).await)?;
        let pull = held.book.pull_mut(number)?;
        let was_open = pull.is_open();
        if was_open {
            change(pull);
        }
        let view = pull.view();
        self.shown(held.save().await)?;
        if was_open {
            Ok(view)
        } else {
            Err(Failure::rejected(format!("pull request {} is not open any more.", number.0)))
        }
    }

    async fn change<T>(
        &self,
        repo: &Repo,
        change: impl FnOnce(&mut Book) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.git(repo)?;
        let mut held = self.shown(self.ledger.hold(repo).await)?;
        let answer = change(&mut held.book)?;
        self.shown(held.save().await)?;
        Ok(answer)
    }
}

fn labels(book: &mut Book, number: PullNumber) -> Result<&mut Vec<String>, Failure> {
    let pulls = book.pulls.iter_mut().map(|pull| (pull.number, &mut pull.labels));
    let issues = book.issues.iter_mut().map(|issue| (issue.number, &mut issue.labels));
    let found = pulls.chain(issues).find(|(other, _)| *other == number);
    found
        .map(|(_, labels)| labels)
        .ok_or_else(|| Failure::rejected(format!("there is no pull request or open issue {}.", number.0)))
}
