//! Labels of pull requests. GitHub ignores the case of a label, and so does this module.

use http::Method;
use serde_json::json;

use super::model::{Issue, IssueEvent, Label};
use super::refusal::Attempt;
use super::{GitHub, Route, WriteOutcome};
use crate::failure::Failure;
use crate::forge::{LabelEvent, Labelled, PullNumber};
use crate::ids::Repo;

const READ: &str = "the permissions Issues: read and Pull requests: read";
const WRITE: &str = "the permission Pull requests: write";

fn carries(labels: &[Label], label: &str) -> bool {
    labels.iter().any(|other| other.name.to_lowercase() == label.to_lowercase())
}

/// Builds `/repos/{owner}/{name}/issues/{number}`: every pull request is also an issue.
pub(super) fn issue(repo: &Repo, number: PullNumber) -> Result<Route, Failure> {
    Ok(Route::repo(repo)?.then("issues").then(number.0))
}

impl GitHub {
    pub(super) async fn list_labelled(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        let what = format!("list what carries the label {label:?} in {repo}");
        let route = Route::repo(repo)?.then("issues").with("state", "open").with("labels", label);
        let found = self.client().all(repo, &route, &Attempt::new(&what, READ), |page: Vec<Issue>| page).await?;
        let found = found.into_iter().filter(|issue| carries(&issue.labels, label));
        let mut found: Vec<_> =
            found.map(|issue| Labelled { number: PullNumber(issue.number), title: issue.title }).collect();
        found.sort_by_key(|labelled| labelled.number);
        Ok(found)
    }

    pub(super) async fn list_labellings(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        let what = format!("read who labelled {} of {repo}", number.0);
        let route = issue(repo, number)?.then("events");
        let events = self.client().all(repo, &route, &Attempt::new(&what, READ), |page: Vec<IssueEvent>| page).await?;
        let labelling = |event: IssueEvent| {
            let added = match event.event.as_str() {
                "labeled" => true,
                "unlabeled" => false,
                _ => return None,
            };
            let by = event.actor.as_ref().map(super::model::User::person);
            Some(LabelEvent { label: event.label?.name, added, by, at: event.created_at })
        };
        let mut found: Vec<_> = events.into_iter().filter_map(labelling).collect();
        found.sort_by_key(|labelling| labelling.at);
        Ok(found)
    }

    pub(super) async fn change_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure> {
        let there = self.labels_of(repo, number).await?;
        let what = format!("change the labels of {} of {repo}", number.0);
        let act = Attempt::new(&what, WRITE);
        let missing: Vec<_> = add.iter().filter(|label| !carries(&there, label)).collect();
        let mut lost = None;
        if !missing.is_empty() {
            let route = issue(repo, number)?.then("labels");
            let body = Some(json!({ "labels": missing }));
            lost = lost.or(self.labels_changed(repo, Method::POST, &route, body, &act).await?);
        }
        for label in remove.iter().filter(|label| carries(&there, label)) {
            let route = issue(repo, number)?.then("labels").then(label);
            lost = lost.or(self.labels_changed(repo, Method::DELETE, &route, None, &act).await?);
        }
        let Some(how) = lost else { return Ok(()) };
        match self.labels_of(repo, number).await {
            Ok(now)
                if add.iter().all(|label| carries(&now, label)) && !remove.iter().any(|label| carries(&now, label)) =>
            {
                Ok(())
            }
            Ok(_) | Err(_) => Err(Failure::uncertain(format!("could not {what}: {how}."))),
        }
    }

    /// Sends one change. Returns how its answer was lost, if it was.
    async fn labels_changed(
        &self,
        repo: &Repo,
        method: Method,
        route: &Route,
        body: Option<serde_json::Value>,
        act: &Attempt<'_>,
    ) -> Result<Option<String>, Failure> {
        match self.client().write(repo, method, route, body, act).await? {
            WriteOutcome::Done(_) => Ok(None),
            WriteOutcome::Unknown(how) => Ok(Some(how)),
            WriteOutcome::Rejected { message, .. } => {
                Err(Failure::rejected(format!("could not {}: GitHub says: {message}.", act.what)))
            }
        }
    }

    async fn labels_of(&self, repo: &Repo, number: PullNumber) -> Result<Vec<Label>, Failure> {
        let what = format!("read the labels of {} of {repo}", number.0);
        let issue: Issue = self.client().get(repo, &issue(repo, number)?, &Attempt::new(&what, READ)).await?;
        Ok(issue.labels)
    }
}
