//! Checks of a commit: jobs of GitLab's own pipelines, and external statuses. GitLab lists both without a distinction,
//! so a status that is not a job of a pipeline is attributed to the account that reported it (security case 52).
//! Outdated ones are read, too, because GitLab marks a job as outdated as soon as anyone reports a status of its name.

use std::collections::{BTreeMap, BTreeSet};

use super::{GitLab, wire};
use crate::failure::Failure;
use crate::forge::{Check, CheckState};
use crate::ids::{CommitId, Repo};

/// The app of GitLab's own jobs.
const OWN: &str = "gitlab";

impl GitLab {
    pub(super) async fn checks_of(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        let act = format!("read the checks of {} of {repo}", commit.short());
        let url = self.at(repo, &["repository", "commits", commit.as_str(), "statuses"], &[("all", "true")]);
        let statuses: Vec<wire::Status> = self.list(url, &act).await?;
        if statuses.is_empty() {
            return Ok(Vec::new());
        }
        let mut jobs = BTreeSet::new();
        let pipelines = self.at(repo, &["pipelines"], &[("sha", commit.as_str())]);
        for pipeline in self.list::<wire::Pipeline>(pipelines, &act).await? {
            if pipeline.source.as_deref() == Some("external") {
                continue;
            }
            let id = pipeline.id.to_string();
            for kind in ["jobs", "bridges"] {
                let found: Vec<wire::Job> =
                    self.list(self.at(repo, &["pipelines", &id, kind], &[("include_retried", "true")]), &act).await?;
                jobs.extend(found.into_iter().map(|job| job.id));
            }
        }
        Ok(settled(statuses, &jobs))
    }
}

/// Returns one check per app and name: the latest on each branch, and the worst across branches.
fn settled(mut statuses: Vec<wire::Status>, jobs: &BTreeSet<u64>) -> Vec<Check> {
    statuses.sort_by_key(|status| status.id);
    let mut latest: BTreeMap<(String, String, Option<String>), CheckState> = BTreeMap::new();
    for status in statuses {
        let app = app(&status, jobs);
        let state = state(&status);
        latest.insert((app, status.name, status.reference), state);
    }
    let mut checks: BTreeMap<(String, String), CheckState> = BTreeMap::new();
    for ((app, name, _), state) in latest {
        let worst = checks.entry((app, name)).or_insert(state);
        if harm(state) > harm(*worst) {
            *worst = state;
        }
    }
    checks.into_iter().map(|((app, name), state)| Check { name, app, state }).collect()
}

fn app(status: &wire::Status, jobs: &BTreeSet<u64>) -> String {
    if jobs.contains(&status.id) {
        return OWN.to_owned();
    }
    match status.author.as_ref().map(|author| author.username.as_str()) {
        // An account may have this name; its statuses must not pass for GitLab's jobs.
        Some(OWN) => format!("{OWN} (account)"),
        Some(name) if !name.is_empty() => name.to_owned(),
        Some(_) | None => "unknown".to_owned(),
    }
}

fn state(status: &wire::Status) -> CheckState {
    match status.status.as_str() {
        "success" => CheckState::Success,
        "skipped" => CheckState::Neutral,
        "failed" | "canceled" | "canceling" | "manual" if status.allow_failure => CheckState::Neutral,
        "failed" | "canceled" | "canceling" => CheckState::Failure,
        // Running, waiting, manual, or a state that is not known yet: not finished.
        _ => CheckState::Pending,
    }
}

fn harm(state: CheckState) -> u8 {
    match state {
        CheckState::Success => 0,
        CheckState::Neutral => 1,
        CheckState::Pending => 2,
        CheckState::Failure => 3,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn status(id: u64, name: &str, status: &str, reference: &str, author: &str) -> wire::Status {
        let author = Some(wire::User { id: 1, username: author.into() });
        let (name, status, reference) = (name.into(), status.into(), Some(reference.into()));
        wire::Status { id, name, status, reference, allow_failure: false, author }
    }

    fn shown(statuses: Vec<wire::Status>, jobs: &[u64]) -> Vec<(String, String, CheckState)> {
        let checks = settled(statuses, &jobs.iter().copied().collect());
        checks.into_iter().map(|check| (check.app, check.name, check.state)).collect()
    }

    /// Security case 52: a status with a job's name is not attributed to the job.
    #[test]
    fn whoever_takes_a_jobs_name_is_not_the_job() {
        let statuses = vec![
            status(1, "build", "failed", "main", "ada"),
            status(2, "build", "success", "main", "mallory"),
            status(3, "build", "success", "main", "gitlab"),
        ];
        assert_eq!(
            shown(statuses, &[1]),
            [
                ("gitlab".into(), "build".into(), CheckState::Failure),
                ("gitlab (account)".into(), "build".into(), CheckState::Success),
                ("mallory".into(), "build".into(), CheckState::Success),
            ]
        );
    }

    #[test]
    fn the_latest_counts_and_of_two_branches_the_worst() {
        let again = vec![status(2, "build", "success", "main", "a"), status(1, "build", "failed", "main", "a")];
        assert_eq!(shown(again, &[1, 2])[0].2, CheckState::Success);
        let both = vec![status(2, "build", "success", "main", "a"), status(1, "build", "failed", "fix", "a")];
        assert_eq!(shown(both, &[1, 2])[0].2, CheckState::Failure);
    }

    /// Security case 51: a state that is not plainly a success does not count as one.
    #[test]
    fn an_unknown_state_is_not_finished() {
        for (word, expected) in [
            ("success", CheckState::Success),
            ("failed", CheckState::Failure),
            ("canceled", CheckState::Failure),
            ("skipped", CheckState::Neutral),
            ("manual", CheckState::Pending),
            ("running", CheckState::Pending),
            ("waiting_for_godot", CheckState::Pending),
        ] {
            assert_eq!(state(&status(1, "x", word, "main", "a")), expected, "{word}");
        }
        assert_eq!(
            state(&wire::Status { allow_failure: true, ..status(1, "x", "failed", "m", "a") }),
            CheckState::Neutral
        );
    }
}
