//! Data model of the GitLab fake: projects and users. Code lives in the bare repositories.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::plumb;
use crate::objects::{is_ancestor, tip};

/// The whole state of the server.
#[derive(Clone)]
pub(super) struct World {
    /// Base URL of the server, including the path prefix.
    pub(super) base: String,
    /// Projects by full path, such as `team/payments`.
    pub(super) projects: BTreeMap<String, Project>,
    pub(super) users: BTreeMap<u64, String>,
    pub(super) tick: i64,
    pub(super) next: u64,
    /// Access level of the token's role, which projects report: 40 is Maintainer, 20 is Reporter.
    pub(super) level: u64,
}

/// Settings of a project, and the deviations that tests inject.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `merge` for merge commits, `ff` for fast-forwards only.
    pub merge_method: &'static str,
    /// Includes `approved_at` in approvals, as GitLab does since version 18.
    pub dated_approvals: bool,
    /// Number of approvals that GitLab itself requires before a merge.
    pub approvals_required: usize,
    /// Fixed `detailed_merge_status`; `None` computes it.
    pub standing: Option<&'static str>,
    /// `true` if the project has a `.gitlab-ci.yml`; without it, starting a pipeline is refused.
    pub ci: bool,
    /// Number of further merge request lists that are stale and return nothing; each list decrements it.
    pub lagging: usize,
}

/// A project with its merge requests, CI data and settings.
#[derive(Clone)]
pub struct Project {
    /// Numeric id of the project.
    pub id: u64,
    /// Settings, which tests change with [`GitLab::set`](super::GitLab::set).
    pub settings: Settings,
    pub(super) place: PathBuf,
    pub(super) merges: Vec<MergeRequest>,
    pub(super) issues: Vec<Issue>,
    pub(super) statuses: Vec<Status>,
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) deployments: Vec<Deployment>,
    pub(super) labels: Vec<String>,
}

#[derive(Clone)]
pub(super) struct MergeRequest {
    pub(super) id: u64,
    pub(super) iid: u64,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) state: &'static str,
    pub(super) source: String,
    pub(super) target: String,
    /// Id of the project of the source branch; 7 stands for a fork.
    pub(super) source_project: u64,
    pub(super) sha: String,
    /// Head of the target branch at the last update from git.
    pub(super) base_seen: String,
    pub(super) merge_commit: Option<String>,
    pub(super) squash_commit: Option<String>,
    pub(super) author: u64,
    pub(super) labels: Vec<String>,
    /// Versions of the source branch, oldest first: id, head and time.
    pub(super) versions: Vec<(u64, String, Timestamp)>,
    pub(super) approvals: Vec<(u64, Timestamp)>,
    pub(super) reviewers: Vec<(u64, &'static str)>,
    pub(super) notes: Vec<Note>,
    pub(super) label_events: Vec<Value>,
    pub(super) created: Timestamp,
    /// Time of the merge or close; `None` before.
    pub(super) ended: Option<Timestamp>,
}

#[derive(Clone)]
pub(super) struct Note {
    pub(super) id: u64,
    pub(super) body: String,
    pub(super) author: u64,
    pub(super) at: Timestamp,
    pub(super) system: bool,
}

#[derive(Clone)]
pub(super) struct Issue {
    pub(super) id: u64,
    pub(super) iid: u64,
    pub(super) title: String,
    pub(super) state: &'static str,
    pub(super) labels: Vec<String>,
    pub(super) author: u64,
    pub(super) created: Timestamp,
}

/// A commit status: a CI job, or an external status that an account reported.
#[derive(Clone)]
pub(super) struct Status {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) reference: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) author: u64,
    pub(super) pipeline: Option<u64>,
    pub(super) job: bool,
    /// `true` once a newer status of the same name exists on the commit.
    pub(super) retried: bool,
    pub(super) at: Timestamp,
}

/// A CI pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Id of the pipeline.
    pub id: u64,
    /// Name of the branch or tag that it runs on.
    pub reference: String,
    /// Full id of the commit that it runs on.
    pub sha: String,
    /// Status: `created`, `running`, `success`, …
    pub status: String,
    /// Trigger: `push`, `api`, …
    pub source: String,
    /// Variables that it was started with, as (key, value).
    pub variables: Vec<(String, String)>,
    pub(super) created: Timestamp,
    pub(super) finished: Option<Timestamp>,
}

#[derive(Clone)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) environment: String,
    pub(super) sha: String,
    pub(super) status: String,
    pub(super) at: Timestamp,
}

impl World {
    pub(super) fn new() -> Self {
        let users = BTreeMap::from([(1, "hotfix-bot".to_owned())]);
        Self { base: String::new(), projects: BTreeMap::new(), users, tick: 0, next: 100, level: 40 }
    }

    /// Returns the next second of the server's clock; no two events have the same time.
    pub(super) fn now(&mut self) -> Timestamp {
        self.tick += 1;
        Timestamp::from_second(1_780_000_000).unwrap() + SignedDuration::from_secs(self.tick)
    }

    pub(super) fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn user(&mut self, name: &str) -> u64 {
        if let Some((id, _)) = self.users.iter().find(|(_, known)| *known == name) {
            return *id;
        }
        let id = self.id();
        self.users.insert(id, name.to_owned());
        id
    }

    /// Returns name and mail address that GitLab signs a user's commits with. The bot has GitLab's private address.
    pub(super) fn signature(&self, id: u64) -> (String, String) {
        let name = self.users.get(&id).cloned().unwrap_or_default();
        let host = self.base.trim_start_matches("http://").split(':').next().unwrap_or_default();
        let mail = if id == 1 { format!("1-{name}@users.noreply.{host}") } else { format!("{name}@example.org") };
        (name, mail)
    }

    pub(super) fn user_json(&self, id: u64) -> Value {
        let name = self.users.get(&id).cloned().unwrap_or_default();
        json!({ "id": id, "username": name, "name": name, "state": "active", "avatar_url": null,
                "web_url": format!("{}/{name}", self.base) })
    }

    pub(super) fn add_project(&mut self, path: &str, place: PathBuf) {
        let id = self.id();
        let settings = Settings {
            merge_method: "merge",
            dated_approvals: true,
            approvals_required: 0,
            standing: None,
            ci: true,
            lagging: 0,
        };
        let project = Project {
            id,
            settings,
            place,
            merges: Vec::new(),
            issues: Vec::new(),
            statuses: Vec::new(),
            pipelines: Vec::new(),
            deployments: Vec::new(),
            labels: Vec::new(),
        };
        self.projects.insert(path.to_owned(), project);
    }

    pub(super) fn project(&mut self, path: &str) -> &mut Project {
        self.projects.get_mut(path).expect("a project")
    }

    /// Updates open merge requests after a push: records new heads, and marks merge requests as merged whose head a
    /// push brought into the target branch.
    pub(super) fn pushed(&mut self, path: &str) {
        let count = self.project(path).merges.len();
        for index in 0..count {
            let project = self.project(path);
            let place = project.place.clone();
            let merge = project.merges[index].clone();
            if merge.state != "opened" {
                continue;
            }
            let head = tip(&place, &merge.source).unwrap_or_else(|| merge.sha.clone());
            let base = tip(&place, &merge.target).unwrap_or_else(|| merge.base_seen.clone());
            if head != merge.sha {
                let (id, at) = (self.id(), self.now());
                let merge = &mut self.project(path).merges[index];
                merge.versions.push((id, head.clone(), at));
                merge.sha.clone_from(&head);
            }
            let moved = base != merge.base_seen;
            let by_hand = moved && is_ancestor(&place, &head, &base) && !is_ancestor(&place, &head, &merge.base_seen);
            let at = self.now();
            let merge = &mut self.project(path).merges[index];
            merge.base_seen.clone_from(&base);
            if by_hand {
                merge.state = "merged";
                merge.merge_commit = Some(plumb::brought(&place, &head, &base));
                merge.ended = Some(at);
            }
        }
    }
}
