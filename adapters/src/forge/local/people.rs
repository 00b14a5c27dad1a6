//! What people do at the forge: review, report checks, label, close. The ports have none of this, because the bot does not
//! do it; a command line for developers, the demo and the tests do.

use super::Local;
use super::pulls::refresh;
use super::record::{Book, Issue, Pull, State};
use crate::failure::Failure;
use crate::forge::{Check, PullNumber, PullRequest, Review, ReviewVerdict};
use crate::ids::{CommitId, PersonRef, Repo};

impl Local {
    /// A person says something of a pull request as it is now. Who may is a matter of policy and not judged here.
    ///
    /// # Errors
    /// There is no such pull request, or it is not open.
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

    /// A person gives a pull request up.
    ///
    /// # Errors
    /// There is no such pull request, or it is not open.
    pub async fn close(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        self.change_open(repo, number, |pull| pull.state = State::Closed).await
    }

    /// Marks an open pull request as a draft, or as ready.
    ///
    /// # Errors
    /// There is no such open pull request.
    pub async fn set_draft(&self, repo: &Repo, number: PullNumber, draft: bool) -> Result<PullRequest, Failure> {
        self.change_open(repo, number, |pull| pull.draft = draft).await
    }

    /// Reports how a check of a commit went; a later report of the same check by the same app replaces it.
    ///
    /// # Errors
    /// The commit is not there.
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

    /// Puts a label on a pull request or an issue.
    ///
    /// # Errors
    /// There is neither.
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

    /// Takes a label off a pull request or an issue.
    ///
    /// # Errors
    /// There is neither.
    pub async fn unlabel(&self, repo: &Repo, number: PullNumber, label: &str) -> Result<(), Failure> {
        self.change(repo, |book| {
            labels(book, number)?.retain(|other| other != label);
            Ok(())
        })
        .await
    }

    /// A person puts a label on an open pull request.
    ///
    /// # Errors
    /// There is no such pull request, or it is not open.
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

    /// A person takes a label off an open pull request.
    ///
    /// # Errors
    /// There is no such pull request, or it is not open.
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

    /// The texts of the comments under a pull request, oldest first.
    ///
    /// # Errors
    /// There is no such pull request.
    pub async fn comments(&self, repo: &Repo, number: PullNumber) -> Result<Vec<String>, Failure> {
        self.git(repo)?;
        let book = self.shown(self.ledger.read(repo).await)?;
        Ok(book.pull(number)?.comments.iter().map(|comment| comment.text.clone()).collect())
    }

    /// Opens an issue.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn open_issue(&self, repo: &Repo, title: &str, labels: &[&str]) -> Result<PullNumber, Failure> {
        self.change(repo, |book| {
            let number = book.number();
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            book.issues.push(Issue { number, title: title.to_owned(), labels });
            Ok(number)
        })
        .await
    }

    /// Closes an issue.
    ///
    /// # Errors
    /// There is no such open issue.
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
