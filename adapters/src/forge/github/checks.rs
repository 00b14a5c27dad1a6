//! Checks of a commit: check runs and commit statuses, read to the last page. An unreadable list is an error, never an
//! empty list (security case 51).

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Branch, CheckRun, CheckRuns, Rule, Status};
use super::refusal::Attempt;
use super::{GitHub, Route};
use crate::failure::Failure;
use crate::forge::{Check, CheckState};
use crate::ids::{BranchName, CommitId, Repo};

impl GitHub {
    /// Returns the newest check of each name and app. [`Check::app`] is the App's slug (`github-actions`), which
    /// is unique on GitHub, or else its number. For a status it is the login of the account that reported it
    /// (security case 52).
    pub(super) async fn list_checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        let route = Route::repo(repo)?.then("commits").then(commit);
        let what = format!("read the checks of {} of {repo}", commit.short());
        let act = Attempt::new(&what, "the permission Checks: read");
        let runs = route.clone().then("check-runs").with("filter", "latest");
        let runs = self.client().all(repo, &runs, &act, |page: CheckRuns| page.check_runs).await?;
        let act = Attempt::new(&what, "the permission Commit statuses: read");
        let statuses = self.client().all(repo, &route.then("statuses"), &act, |page: Vec<Status>| page).await?;
        let mut checks = newest(runs.into_iter().map(|run| (run.id, of_run(run))));
        checks.extend(newest(statuses.into_iter().map(|status| (status.id, of_status(status)))));
        Ok(checks)
    }

    /// Returns the contexts that branch protection and rulesets require before a merge into a branch, sorted. Not every
    /// plan and server has rulesets: a refusal to list them counts as none.
    pub(super) async fn list_required_checks(&self, repo: &Repo, branch: &BranchName) -> Result<Vec<String>, Failure> {
        let what = format!("read what {repo} requires of changes to {branch}");
        let route = Route::repo(repo)?.then("branches").then(branch);
        let act = Attempt::new(&what, "the permission Contents: read");
        let protected: Branch = self.client().get(repo, &route, &act).await?;
        let classic = protected.protection.required_status_checks.into_iter().flat_map(|required| required.contexts);
        let mut contexts: BTreeSet<String> = classic.collect();
        let route = Route::repo(repo)?.then("rules").then("branches").then(branch);
        let act = Attempt::new(&what, "the permission Metadata: read");
        match self.client().all(repo, &route, &act, |page: Vec<Rule>| page).await {
            Ok(rules) => {
                let rules = rules.into_iter().filter(|rule| rule.kind == "required_status_checks");
                let required = rules.flat_map(|rule| rule.parameters.required_status_checks);
                contexts.extend(required.map(|required| required.context));
            }
            Err(Failure::Rejected { reason }) => tracing::debug!(%repo, %branch, reason, "no rulesets are listed"),
            Err(failure @ (Failure::Retry { .. } | Failure::Uncertain { .. })) => return Err(failure),
        }
        Ok(contexts.into_iter().collect())
    }
}

/// Keeps the check with the highest id of each name and app.
fn newest(found: impl Iterator<Item = (u64, Check)>) -> Vec<Check> {
    let mut newest: BTreeMap<(String, String), (u64, Check)> = BTreeMap::new();
    for (id, check) in found {
        let place = newest.entry((check.name.clone(), check.app.clone())).or_insert_with(|| (id, check.clone()));
        if place.0 < id {
            *place = (id, check);
        }
    }
    newest.into_values().map(|(_, check)| check).collect()
}

fn of_run(run: CheckRun) -> Check {
    let state = match (run.status.as_deref(), run.conclusion.as_deref()) {
        (Some("completed"), Some("success")) => CheckState::Success,
        (Some("completed"), Some("neutral" | "skipped")) => CheckState::Neutral,
        (Some("queued" | "in_progress" | "waiting" | "requested" | "pending"), None) => CheckState::Pending,
        // Failed, cancelled, timed out, stale, and any conclusion that GitHub may add.
        _ => CheckState::Failure,
    };
    let app = run.app.map_or_else(|| "unknown".to_owned(), |app| app.slug.unwrap_or_else(|| app.id.to_string()));
    Check { name: run.name, app, state }
}

fn of_status(status: Status) -> Check {
    let state = match status.state.as_str() {
        "success" => CheckState::Success,
        "pending" => CheckState::Pending,
        _ => CheckState::Failure,
    };
    let creator = status.creator.map(|creator| creator.login.unwrap_or_else(|| creator.id.to_string()));
    Check { name: status.context, app: creator.unwrap_or_else(|| "unknown".to_owned()), state }
}
