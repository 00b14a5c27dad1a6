//! The pull request port, implemented by merge requests. Every write first checks if its result already exists, and
//! checks again if its answer is lost.

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::text::{good_label, harmless, labels, marker};
use super::{GitLab, person, wire};
use crate::failure::Failure;
use crate::forge::{
    Bringing, Check, LabelEvent, Labelled, Merge, NewPullRequest, PullNumber, PullRequest, PullRequests, PullState,
};
use crate::ids::{BranchName, CommitId, Repo};

#[async_trait]
impl PullRequests for GitLab {
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure> {
        match self.newest(repo, head, base, "all").await? {
            Some(found) => self.viewed(repo, found).await.map(Some),
            None => Ok(None),
        }
    }

    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        let NewPullRequest { repo, head, base, .. } = new;
        if let Some(open) = self.newest(repo, head, base, "opened").await? {
            return self.viewed(repo, open).await;
        }
        self.branch_is_there(repo, head).await?;
        self.branch_is_there(repo, base).await?;
        let body = json!({
            "source_branch": head.as_str(),
            "target_branch": base.as_str(),
            "title": new.title,
            "description": harmless(&new.body),
            "remove_source_branch": false,
        });
        let act = format!("open a merge request from {head} into {base} in {repo}");
        let url = self.at(repo, &["merge_requests"], &[]);
        let opened: wire::MergeRequest = match self.rest().write(Method::POST, &url, Some(&body), &act).await {
            Ok(answer) if answer.status == StatusCode::CONFLICT => {
                let there = self.newest(repo, head, base, "opened").await?;
                there.ok_or_else(|| self.rest().refused(&answer, &act))?
            }
            Ok(answer) => {
                let answer = self.rest().ensure_success(answer, &act)?;
                // GitLab opened it, even if the response is unreadable. In that case it is looked up.
                match self.rest().parse(&answer, &act) {
                    Ok(opened) => opened,
                    Err(failure) => self.opened_after_all(new, failure).await?,
                }
            }
            Err(failure) => self.opened_after_all(new, failure).await?,
        };
        self.viewed(repo, opened).await
    }

    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        let found = self.merge_request(repo, number).await?;
        self.viewed(repo, found).await
    }

    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        self.merge_once(repo, number, merge).await
    }

    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        good_label(label)?;
        let query = [("state", "opened"), ("scope", "all"), ("labels", label)];
        let act = format!("list what carries the label {label:?} in {repo}");
        let pulls: Vec<wire::Issue> = self.list(self.at(repo, &["merge_requests"], &query), &act).await?;
        let issues: Vec<wire::Issue> = self.list(self.at(repo, &["issues"], &query), &act).await?;
        let mut found: Vec<Labelled> = pulls
            .into_iter()
            .chain(issues)
            .map(|item| Labelled { number: PullNumber(item.iid), title: item.title })
            .collect();
        found.sort_by_key(|labelled| labelled.number);
        Ok(found)
    }

    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure> {
        // GitLab's search matches words, so the exact title is compared here.
        let query = [("state", "opened"), ("scope", "all"), ("in", "title"), ("search", title)];
        let act = format!("list the merge requests with the title {title:?} in {repo}");
        let pulls: Vec<wire::Issue> = self.list(self.at(repo, &["merge_requests"], &query), &act).await?;
        let same = pulls.into_iter().filter(|pull| pull.title == title);
        let mut found: Vec<Labelled> =
            same.map(|pull| Labelled { number: PullNumber(pull.iid), title: pull.title }).collect();
        found.sort_by_key(|labelled| labelled.number);
        Ok(found)
    }

    /// Returns nothing: GitLab can require a successful pipeline, but not a job by name.
    async fn required_checks(&self, _: &Repo, _: &BranchName) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        self.checks_of(repo, commit).await
    }

    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure> {
        let body = json!({ "add_labels": labels(add)?, "remove_labels": labels(remove)? });
        let settled = |now: &wire::MergeRequest| {
            add.iter().all(|label| now.labels.contains(label)) && !remove.iter().any(|label| now.labels.contains(label))
        };
        if settled(&self.merge_request(repo, number).await?) {
            return Ok(());
        }
        let act = format!("change the labels of merge request !{} of {repo}", number.0);
        match self.update(repo, number, &body, &act).await {
            Err(failure @ Failure::Uncertain { .. }) => match self.merge_request(repo, number).await {
                Ok(now) if settled(&now) => Ok(()),
                Ok(_) | Err(_) => Err(failure),
            },
            other => other,
        }
    }

    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        let act = format!("read who labelled merge request !{} of {repo}", number.0);
        let url = self.pull_at(repo, number, &["resource_label_events"]);
        let events: Vec<wire::LabelEvent> = self.list(url, &act).await?;
        let mut found: Vec<LabelEvent> = events
            .into_iter()
            .filter_map(|event| {
                let (label, added) = (event.label?.name, event.action == "add");
                Some(LabelEvent { label, added, by: event.user.map(|user| person(user.id)), at: event.created_at })
            })
            .collect();
        found.sort_by_key(|labelling| labelling.at);
        Ok(found)
    }

    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure> {
        let marker = marker(key)?;
        if self.has_note(repo, number, &marker).await? {
            return Ok(());
        }
        let body = json!({ "body": format!("{}\n\n{marker}", harmless(text)) });
        let act = format!("comment on merge request !{} of {repo}", number.0);
        let url = self.pull_at(repo, number, &["notes"]);
        match self.rest().write(Method::POST, &url, Some(&body), &act).await {
            Ok(answer) => self.rest().ensure_success(answer, &act).map(|_| ()),
            Err(failure @ Failure::Uncertain { .. }) => match self.has_note(repo, number, &marker).await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err(failure),
            },
            Err(failure) => Err(failure),
        }
    }

    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        if self.is_closed(repo, number).await? {
            return Ok(());
        }
        let act = format!("close merge request !{} of {repo}", number.0);
        match self.update(repo, number, &json!({ "state_event": "close" }), &act).await {
            Err(failure @ Failure::Uncertain { .. }) => match self.is_closed(repo, number).await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err(failure),
            },
            other => other,
        }
    }

    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure> {
        let act = format!("look for the merge requests of commit {} of {repo}", commit.short());
        let url = self.at(repo, &["repository", "commits", commit.as_str(), "merge_requests"], &[]);
        let found: Vec<wire::MergeRequest> = self.list(url, &act).await?;
        let bringing = |found: wire::MergeRequest| {
            let foreign = is_foreign(&found);
            let branch =
                BranchName::parse(&found.source_branch).map_err(|error| Failure::rejected(error.to_string()))?;
            let preparing = || Failure::retry(format!("GitLab still prepares merge request !{} of {repo}", found.iid));
            Ok(Bringing {
                number: PullNumber(found.iid),
                author: found.author.map(|author| person(author.id)),
                branch: (!foreign).then_some(branch),
                head_commit: found.sha.ok_or_else(preparing)?,
                merged: found.state == "merged",
                title: found.title,
            })
        };
        found.into_iter().map(bringing).collect()
    }
}

impl GitLab {
    pub(super) async fn merge_request(&self, repo: &Repo, number: PullNumber) -> Result<wire::MergeRequest, Failure> {
        let act = format!("read merge request !{} of {repo}", number.0);
        let found: wire::MergeRequest = self.rest().get(&self.pull_at(repo, number, &[]), &act).await?;
        if is_foreign(&found) {
            return Err(Failure::rejected(format!(
                "merge request !{} of {repo} comes from a fork. Push its branch to {repo} and open one from there.",
                number.0
            )));
        }
        Ok(found)
    }

    async fn newest(
        &self,
        repo: &Repo,
        head: &BranchName,
        base: &BranchName,
        state: &str,
    ) -> Result<Option<wire::MergeRequest>, Failure> {
        let query = [
            ("source_branch", head.as_str()),
            ("target_branch", base.as_str()),
            ("state", state),
            ("scope", "all"),
            ("order_by", "created_at"),
            ("sort", "desc"),
        ];
        let act = format!("look for a merge request from {head} into {base} in {repo}");
        let found: Vec<wire::MergeRequest> = self.list(self.at(repo, &["merge_requests"], &query), &act).await?;
        // A fork may have a branch of the same name (security case 47). The higher number decides between two with the
        // same creation time.
        Ok(found.into_iter().filter(|found| !is_foreign(found)).max_by_key(|found| found.iid))
    }

    async fn branch_is_there(&self, repo: &Repo, branch: &BranchName) -> Result<(), Failure> {
        let act = format!("look for the branch {branch} of {repo}");
        let url = self.at(repo, &["repository", "branches", branch.as_str()], &[]);
        match self.rest().get_optional::<wire::Anything>(&url, &act).await? {
            Some(_) => Ok(()),
            None => Err(Failure::rejected(format!("there is no branch {branch} in {repo} (any more). Push it first."))),
        }
    }

    async fn opened_after_all(&self, new: &NewPullRequest, failure: Failure) -> Result<wire::MergeRequest, Failure> {
        match self.newest(&new.repo, &new.head, &new.base, "opened").await {
            Ok(Some(there)) => Ok(there),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    async fn viewed(&self, repo: &Repo, found: wire::MergeRequest) -> Result<PullRequest, Failure> {
        let number = PullNumber(found.iid);
        let head_commit = found
            .sha
            .clone()
            .ok_or_else(|| Failure::retry(format!("GitLab still prepares merge request !{} of {repo}", found.iid)))?;
        let state = match found.state.as_str() {
            "merged" => PullState::Merged(merged_as(&found).ok_or_else(|| unsaid(repo, number))?),
            "closed" => PullState::Closed,
            "opened" | "locked" => PullState::Open,
            other => {
                return Err(Failure::rejected(format!("GitLab says !{} is {other:?}, which is unknown.", found.iid)));
            }
        };
        let branch = |name: &str| BranchName::parse(name).map_err(|error| Failure::rejected(error.to_string()));
        Ok(PullRequest {
            number,
            state,
            head: branch(&found.source_branch)?,
            head_commit,
            base: branch(&found.target_branch)?,
            reviews: self.reviews(repo, &found).await?,
            title: found.title,
            author: found.author.map(|author| person(author.id)),
            draft: found.draft,
            labels: found.labels,
            url: found.web_url,
        })
    }

    async fn update(&self, repo: &Repo, number: PullNumber, body: &Value, act: &str) -> Result<(), Failure> {
        let answer = self.rest().write(Method::PUT, &self.pull_at(repo, number, &[]), Some(body), act).await?;
        self.rest().ensure_success(answer, act).map(|_| ())
    }

    async fn is_closed(&self, repo: &Repo, number: PullNumber) -> Result<bool, Failure> {
        match self.merge_request(repo, number).await?.state.as_str() {
            "closed" => Ok(true),
            "merged" => Err(Failure::rejected(format!("merge request !{} of {repo} is merged.", number.0))),
            _ => Ok(false),
        }
    }

    async fn has_note(&self, repo: &Repo, number: PullNumber, marker: &str) -> Result<bool, Failure> {
        Ok(self.notes(repo, number).await?.iter().any(|note| !note.system && note.body.contains(marker)))
    }

    pub(super) async fn notes(&self, repo: &Repo, number: PullNumber) -> Result<Vec<wire::Note>, Failure> {
        let act = format!("read the comments on merge request !{} of {repo}", number.0);
        self.list(self.pull_at(repo, number, &["notes"]), &act).await
    }
}

/// Returns the commit of the base branch that the merge produced: the merge commit, else the squash commit, else the
/// head of a fast-forward.
pub(super) fn merged_as(found: &wire::MergeRequest) -> Option<CommitId> {
    found.merge_commit_sha.clone().or_else(|| found.squash_commit_sha.clone()).or_else(|| found.sha.clone())
}

pub(super) fn unsaid(repo: &Repo, number: PullNumber) -> Failure {
    Failure::retry(format!("GitLab does not say as which commit !{} of {repo} was merged", number.0))
}

fn is_foreign(found: &wire::MergeRequest) -> bool {
    found.source_project_id != found.target_project_id
}
