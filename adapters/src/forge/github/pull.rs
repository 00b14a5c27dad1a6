//! Finding, opening, reading and closing pull requests.

use http::Method;
use serde_json::json;

use super::model::{End, Pull, Review as Reviewed};
use super::refusal::Attempt;
use super::route::parts;
use super::{GitHub, Route, WriteOutcome};
use crate::failure::Failure;
use crate::forge::{Bringing, Labelled, NewPullRequest, PullNumber, PullRequest, PullState, Review, ReviewVerdict};
use crate::ids::{BranchName, CommitId, Repo};

const READ: &str = "the permission Pull requests: read";
const WRITE: &str = "the permission Pull requests: write";

impl GitHub {
    pub(super) async fn find_pull(
        &self,
        repo: &Repo,
        head: &BranchName,
        base: &BranchName,
    ) -> Result<Option<PullRequest>, Failure> {
        match self.newest(repo, head, base, "all").await? {
            Some(pull) => self.whole(repo, pull).await.map(Some),
            None => Ok(None),
        }
    }

    /// Opens a pull request, unless one is open. GitHub allows only one open pull request per head and base, so a lost
    /// answer and a concurrent call lead to the same one.
    pub(super) async fn open_pull(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        let NewPullRequest { repo, head, base, title, body, author: _ } = new;
        if let Some(open) = self.newest(repo, head, base, "open").await? {
            return self.whole(repo, open).await;
        }
        let what = format!("open a pull request from {head} into {base} of {repo}");
        let act = Attempt::new(&what, WRITE);
        let sent = json!({ "title": title, "head": head.as_str(), "base": base.as_str(), "body": body });
        let route = Route::repo(repo)?.then("pulls");
        match self.client().write(repo, Method::POST, &route, Some(sent), &act).await? {
            WriteOutcome::Done(answer) => match answer.read::<Pull>(&act) {
                Ok(pull) => self.whole(repo, pull).await,
                Err(unread) => self.opened_after_all(new, unread.reason()).await,
            },
            WriteOutcome::Rejected { message, .. } => match self.newest(repo, head, base, "open").await? {
                Some(open) => self.whole(repo, open).await,
                None => Err(Failure::rejected(format!(
                    "could not {what}: GitHub says: {message}. Both branches have to be pushed, and the first has to have \
                     commits that the second has not."
                ))),
            },
            WriteOutcome::Unknown(how) => self.opened_after_all(new, &format!("could not {what}: {how}.")).await,
        }
    }

    async fn opened_after_all(&self, new: &NewPullRequest, reason: &str) -> Result<PullRequest, Failure> {
        match self.newest(&new.repo, &new.head, &new.base, "open").await {
            Ok(Some(open)) => self.whole(&new.repo, open).await,
            Ok(None) | Err(_) => Err(Failure::uncertain(reason)),
        }
    }

    /// Returns the open pull requests with exactly this title, by number.
    ///
    /// # Errors
    /// `Retry` if GitHub cannot be reached; `Rejected` if it refuses.
    pub(super) async fn list_titled(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure> {
        let what = format!("look for a pull request {title:?} in {repo}");
        let route = Route::repo(repo)?.then("pulls").with("state", "open");
        let found = self.client().all(repo, &route, &Attempt::new(&what, READ), |page: Vec<Pull>| page).await?;
        let found = found.into_iter().filter(|pull| pull.title == title && is_ours(pull));
        let mut found: Vec<_> =
            found.map(|pull| Labelled { number: PullNumber(pull.number), title: pull.title }).collect();
        found.sort_by_key(|pull| pull.number);
        Ok(found)
    }

    /// Returns the pull requests that GitHub associates with a commit. The commit of a squash belongs to the
    /// squashed pull request.
    ///
    /// # Errors
    /// `Retry` if GitHub cannot be reached; `Rejected` if it refuses.
    pub(super) async fn list_bringing(&self, repo: &Repo, of: &CommitId) -> Result<Vec<Bringing>, Failure> {
        let what = format!("look for the pull requests of commit {} of {repo}", of.short());
        let route = Route::repo(repo)?.then("commits").then(of).then("pulls");
        let found = self.client().all(repo, &route, &Attempt::new(&what, READ), |page: Vec<Pull>| page).await?;
        let unread = |error: &dyn std::fmt::Display| Failure::rejected(format!("could not {what}: {error}."));
        let bringing = |pull: Pull| {
            let branch = is_ours(&pull).then(|| BranchName::parse(&pull.head.name)).transpose();
            Ok(Bringing {
                number: PullNumber(pull.number),
                author: pull.user.as_ref().map(super::model::User::person),
                branch: branch.map_err(|error| unread(&error))?,
                head_commit: commit(&pull.head).map_err(|error| unread(&error))?,
                merged: pull.merged_at.is_some(),
                title: pull.title,
            })
        };
        found.into_iter().map(bringing).collect()
    }

    pub(super) async fn read_pull(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        let pull = self.pull(repo, number).await?;
        self.whole(repo, pull).await
    }

    pub(super) async fn close_pull(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        let closed = |pull: &Pull| match state(repo, pull)? {
            PullState::Open => Ok(false),
            PullState::Closed => Ok(true),
            PullState::Merged(_) => Err(Failure::rejected(format!("pull request {} of {repo} is merged.", number.0))),
        };
        if closed(&self.pull(repo, number).await?)? {
            return Ok(());
        }
        let what = format!("close pull request {} of {repo}", number.0);
        let act = Attempt::new(&what, WRITE);
        let body = Some(json!({ "state": "closed" }));
        match self.client().write(repo, Method::PATCH, &one(repo, number)?, body, &act).await? {
            WriteOutcome::Done(_) => Ok(()),
            WriteOutcome::Rejected { message, .. } => {
                Err(Failure::rejected(format!("could not {what}: GitHub says: {message}.")))
            }
            WriteOutcome::Unknown(how) => match self.pull(repo, number).await {
                Ok(pull) if closed(&pull)? => Ok(()),
                Ok(_) | Err(_) => Err(Failure::uncertain(format!("could not {what}: {how}."))),
            },
        }
    }

    /// Reads a pull request without its reviews. Rejects one from a fork, because others can push to its branch.
    pub(super) async fn pull(&self, repo: &Repo, number: PullNumber) -> Result<Pull, Failure> {
        let what = format!("read pull request {} of {repo}", number.0);
        let pull: Pull = self.client().get(repo, &one(repo, number)?, &Attempt::new(&what, READ)).await?;
        if is_ours(&pull) {
            return Ok(pull);
        }
        Err(Failure::rejected(format!(
            "pull request {} of {repo} comes from a fork; push its branch to the repository itself, and open one from there.",
            number.0
        )))
    }

    /// Returns the newest pull request between two branches. GitHub ignores a malformed `head` filter and
    /// returns everything, so the results are filtered again; a fork may also have a branch of the same name
    /// (security case 47).
    async fn newest(
        &self,
        repo: &Repo,
        head: &BranchName,
        base: &BranchName,
        state: &str,
    ) -> Result<Option<Pull>, Failure> {
        let (owner, _) = parts(repo)?;
        let route = Route::repo(repo)?.then("pulls").with("state", state).with("head", format!("{owner}:{head}"));
        let route = route.with("base", base).with("sort", "created").with("direction", "desc");
        let what = format!("look for a pull request from {head} into {base} of {repo}");
        let found = self.client().all(repo, &route, &Attempt::new(&what, READ), |page: Vec<Pull>| page).await?;
        let fits = |pull: &Pull| pull.head.name == head.as_str() && pull.base.name == base.as_str() && is_ours(pull);
        Ok(found.into_iter().filter(fits).max_by_key(|pull| pull.number))
    }

    /// Reads the reviews of a pull request and converts both to the types of the port.
    async fn whole(&self, repo: &Repo, pull: Pull) -> Result<PullRequest, Failure> {
        let unread = |error: &dyn std::fmt::Display| {
            Failure::rejected(format!("pull request {} of {repo} cannot be handled: {error}.", pull.number))
        };
        let number = PullNumber(pull.number);
        let what = format!("read the reviews of pull request {} of {repo}", pull.number);
        let route = one(repo, number)?.then("reviews");
        let mut said = self.client().all(repo, &route, &Attempt::new(&what, READ), |page: Vec<Reviewed>| page).await?;
        said.sort_by_key(|review| (review.submitted_at, review.id));
        Ok(PullRequest {
            number,
            state: state(repo, &pull)?,
            head: BranchName::parse(&pull.head.name).map_err(|error| unread(&error))?,
            head_commit: commit(&pull.head).map_err(|error| unread(&error))?,
            base: BranchName::parse(&pull.base.name).map_err(|error| unread(&error))?,
            author: pull.user.as_ref().map(super::model::User::person),
            draft: pull.draft,
            labels: pull.labels.into_iter().map(|label| label.name).collect(),
            reviews: said.into_iter().filter_map(review).collect(),
            url: pull.html_url,
            title: pull.title,
        })
    }
}

/// Builds the path `/repos/{owner}/{name}/pulls/{number}`.
pub(super) fn one(repo: &Repo, number: PullNumber) -> Result<Route, Failure> {
    Ok(Route::repo(repo)?.then("pulls").then(number.0))
}

pub(super) fn commit(end: &End) -> Result<CommitId, crate::ids::Malformed> {
    CommitId::parse(&end.sha)
}

/// Returns `true` if head and base are in the same repository.
fn is_ours(pull: &Pull) -> bool {
    let ids = (pull.head.repo.as_ref().map(|repo| repo.id), pull.base.repo.as_ref().map(|repo| repo.id));
    matches!(ids, (Some(head), Some(base)) if head == base)
}

pub(super) fn state(repo: &Repo, pull: &Pull) -> Result<PullState, Failure> {
    if pull.merged_at.is_some() {
        let commit = pull.merge_commit_sha.as_deref().and_then(|sha| CommitId::parse(sha).ok());
        return commit.map(PullState::Merged).ok_or_else(|| {
            Failure::retry(format!(
                "pull request {} of {repo} is merged, and GitHub does not say as what yet.",
                pull.number
            ))
        });
    }
    Ok(if pull.state == "open" { PullState::Open } else { PullState::Closed })
}

/// Converts a review. `None` for comments and pending reviews, and for a review that names no commit.
fn review(said: Reviewed) -> Option<Review> {
    let verdict = match said.state.as_str() {
        "APPROVED" => ReviewVerdict::Approved,
        "CHANGES_REQUESTED" => ReviewVerdict::ChangesRequested,
        "DISMISSED" => ReviewVerdict::Dismissed,
        _ => return None,
    };
    let commit = CommitId::parse(said.commit_id.as_deref()?).ok()?;
    Some(Review { person: said.user?.person(), commit, verdict, at: said.submitted_at? })
}
