//! Actions of users and CI that do not go through the bot: tests call them to change the server's state.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::api::Call;
use super::state::{Deployment, Issue, MergeRequest, Note, Pipeline, Settings, Status, World};
use super::{GitLab, merges};
use crate::objects::tip;
use crate::pushes::{deleted_by, pushed_by};

impl GitLab {
    /// Returns the id of the user with this name; creates the user if there is none.
    #[must_use]
    pub fn user(&self, name: &str) -> u64 {
        self.with(|world| world.user(name))
    }

    /// Changes the settings of a project.
    pub fn set(&self, project: &str, change: impl FnOnce(&mut Settings)) {
        self.with(|world| change(&mut world.project(project).settings));
    }

    /// Logs a push of a branch to its current commit by a user; `at` is in RFC 3339.
    pub fn pushed_by(&self, project: &str, branch: &str, at: &str, user: &str) {
        self.with(|world| pushed_by(&world.project(project).place, branch, at, &format!("{user}@example.org")));
    }

    /// Deletes a branch as a logged push of a user; `at` is in RFC 3339.
    pub fn deleted_by(&self, project: &str, branch: &str, at: &str, user: &str) {
        self.with(|world| deleted_by(&world.project(project).place, branch, at, &format!("{user}@example.org")));
    }

    /// Updates merge requests after a change that a test made directly in the bare repository.
    pub fn pushed(&self, project: &str) {
        self.with(|world| world.pushed(project));
    }

    /// Opens a merge request, from a fork if `fork` is set; returns its number in the project (`iid`).
    ///
    /// # Panics
    /// Panics if a branch does not exist.
    #[must_use]
    pub fn open_by_hand(&self, project: &str, user: &str, source: &str, target: &str, fork: bool) -> u64 {
        self.with(|world| {
            let place = world.project(project).place.clone();
            let tips = (tip(&place, source).expect("a branch"), tip(&place, target).expect("a branch"));
            let user = world.user(user);
            let iid = world.add_merge(project, user, source, target, tips);
            if fork {
                world.merge_mut(project, iid).source_project = 7;
            }
            iid
        })
    }

    /// Changes the title of a merge request.
    pub fn retitle(&self, project: &str, iid: u64, title: &str) {
        self.with(|world| title.clone_into(&mut world.merge_mut(project, iid).title));
    }

    /// Approves a merge request at its current head.
    pub fn approve(&self, project: &str, iid: u64, user: &str) {
        self.with(|world| {
            world.pushed(project);
            let user = world.user(user);
            world.approve(project, iid, user);
        });
    }

    /// Revokes a user's approval of a merge request.
    pub fn unapprove(&self, project: &str, iid: u64, user: &str) {
        self.with(|world| {
            let user = world.user(user);
            world.unapprove(project, iid, user);
        });
    }

    /// Requests changes to a merge request at its current head, as a reviewer.
    pub fn request_changes(&self, project: &str, iid: u64, user: &str) {
        self.with(|world| {
            world.pushed(project);
            let user = world.user(user);
            let merge = world.merge_mut(project, iid);
            merge.reviewers.retain(|(by, _)| *by != user);
            merge.reviewers.push((user, "requested_changes"));
            world.note(project, iid, user, "requested changes", true);
        });
    }

    /// Adds (`on`) or removes a label of a merge request.
    pub fn label(&self, project: &str, iid: u64, user: &str, label: &str, on: bool) {
        self.with(|world| {
            let user = world.user(user);
            world.set_label(project, iid, user, label, on);
        });
    }

    /// Merges a merge request at its current head, as a user does with the merge button.
    ///
    /// # Panics
    /// Panics if GitLab refuses the merge.
    pub fn merge(&self, project: &str, iid: u64, user: &str, squash: bool, title: &str) {
        self.with(|world| {
            world.pushed(project);
            let user = world.user(user);
            let fields = ["merge_commit_message", "squash_commit_message"].map(|name| (name.to_owned(), json!(title)));
            let mut said: Map<String, Value> = fields.into_iter().collect();
            said.insert("squash".to_owned(), json!(squash));
            let call = Call::by(user, Method::PUT, said);
            let answer = merges::merge(world, &call, project, iid);
            assert!(answer.is_ok(), "merge request {iid} of {project} cannot be merged");
        });
    }

    /// Closes a merge request without merging it.
    pub fn close(&self, project: &str, iid: u64) {
        self.with(|world| world.close_merge(project, iid));
    }

    /// Marks a merge request as a draft (`on`) or as ready, by the prefix of its title.
    pub fn draft(&self, project: &str, iid: u64, on: bool) {
        self.with(|world| {
            let merge = world.merge_mut(project, iid);
            let title = merge.title.trim_start_matches("Draft: ").to_owned();
            merge.title = if on { format!("Draft: {title}") } else { title };
        });
    }

    /// Opens an issue.
    pub fn issue(&self, project: &str, title: &str, labels: &[&str]) {
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        self.with(|world| world.open_issue(project, 1, title, &labels));
    }

    /// Reports an external status of a commit as a user.
    pub fn report(&self, project: &str, sha: &str, user: &str, name: &str, state: &str) {
        self.with(|world| {
            let user = world.user(user);
            world.report(project, sha, user, name, state);
        });
    }

    /// Adds a finished push pipeline with one job; `state` is the status of both.
    pub fn job(&self, project: &str, sha: &str, reference: &str, name: &str, state: &str) {
        self.with(|world| {
            let (pipeline, created) = (world.id(), world.now());
            world.project(project).pipelines.push(Pipeline {
                id: pipeline,
                reference: reference.to_owned(),
                sha: sha.to_owned(),
                status: state.to_owned(),
                source: "push".to_owned(),
                variables: Vec::new(),
                created,
                finished: Some(created),
            });
            let user = world.user("committer");
            world.status(project, (sha, reference), user, name, state);
            let status = world.project(project).statuses.last_mut().unwrap();
            (status.job, status.pipeline) = (true, Some(pipeline));
        });
    }

    /// Returns the pipelines of a project, oldest first.
    #[must_use]
    pub fn pipelines(&self, project: &str) -> Vec<Pipeline> {
        self.with(|world| world.project(project).pipelines.clone())
    }

    /// Sets the status of a pipeline (`running`, `success`, `failed`, `manual`, …) and adds a job with the same status.
    ///
    /// # Panics
    /// Panics if there is no pipeline with this id.
    pub fn pipeline_is(&self, project: &str, id: u64, status: &str, job: &str) {
        self.with(|world| {
            let at = world.now();
            let it = world.project(project).pipelines.iter_mut().find(|it| it.id == id).expect("a pipeline");
            status.clone_into(&mut it.status);
            it.finished = ["success", "failed", "canceled", "skipped"].contains(&status).then_some(at);
            let (sha, reference) = (it.sha.clone(), it.reference.clone());
            let user = world.user("committer");
            world.status(project, (&sha, &reference), user, job, status);
            let status = world.project(project).statuses.last_mut().unwrap();
            (status.job, status.pipeline) = (true, Some(id));
        });
    }

    /// Starts a pipeline with variables as a user does, not through the bot.
    ///
    /// # Panics
    /// Panics if there is no such branch.
    pub fn run_by_hand(&self, project: &str, reference: &str, variables: &[(&str, &str)]) {
        self.with(|world| {
            let (id, created) = (world.id(), world.now());
            let sha = tip(&world.project(project).place, reference).expect("a branch");
            let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let (reference, status, source) = (reference.to_owned(), "running".to_owned(), "api".to_owned());
            let pipeline = Pipeline { id, reference, sha, status, source, variables, created, finished: None };
            world.project(project).pipelines.push(pipeline);
        });
    }

    /// Adds a deployment of a commit to an environment, with this status.
    pub fn deployed(&self, project: &str, environment: &str, sha: &str, status: &str) {
        self.with(|world| {
            let (id, at) = (world.id(), world.now());
            let (environment, sha, status) = (environment.to_owned(), sha.to_owned(), status.to_owned());
            world.project(project).deployments.push(Deployment { id, environment, sha, status, at });
        });
    }

    /// Returns the comments on a merge request, oldest first, without system notes.
    #[must_use]
    pub fn comments(&self, project: &str, iid: u64) -> Vec<String> {
        self.with(|world| {
            let notes = &world.merge_mut(project, iid).notes;
            notes.iter().filter(|note| !note.system).map(|note| note.body.clone()).collect()
        })
    }

    /// Returns the number of approvals of a merge request.
    #[must_use]
    pub fn approvals(&self, project: &str, iid: u64) -> usize {
        self.with(|world| world.merge_mut(project, iid).approvals.len())
    }

    /// Returns the number of merge requests of a project and the description of the newest.
    #[must_use]
    pub fn merge_requests(&self, project: &str) -> (usize, String) {
        self.with(|world| {
            let merges = &world.project(project).merges;
            (merges.len(), merges.last().map(|merge| merge.description.clone()).unwrap_or_default())
        })
    }

    /// Returns the number (`iid`) of the newest merge request from this branch, in any state.
    #[must_use]
    pub fn merge_request_from(&self, project: &str, source: &str) -> Option<u64> {
        self.with(|world| world.project(project).merges.iter().rfind(|it| it.source == source).map(|it| it.iid))
    }

    fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap())
    }
}

impl World {
    pub(super) fn merge_mut(&mut self, project: &str, iid: u64) -> &mut MergeRequest {
        self.project(project).merges.iter_mut().find(|it| it.iid == iid).expect("a merge request")
    }

    pub(super) fn add_merge(
        &mut self,
        project: &str,
        author: u64,
        source: &str,
        target: &str,
        (sha, base_seen): (String, String),
    ) -> u64 {
        let (id, version, created) = (self.id(), self.id(), self.now());
        let it = self.project(project);
        let iid = u64::try_from(it.merges.len()).unwrap() + 1;
        it.merges.push(MergeRequest {
            id,
            iid,
            title: format!("Merge {source}"),
            description: String::new(),
            state: "opened",
            source: source.to_owned(),
            target: target.to_owned(),
            source_project: it.id,
            versions: vec![(version, sha.clone(), created)],
            sha,
            base_seen,
            merge_commit: None,
            squash_commit: None,
            author,
            labels: Vec::new(),
            approvals: Vec::new(),
            reviewers: Vec::new(),
            notes: Vec::new(),
            label_events: Vec::new(),
            created,
            ended: None,
        });
        iid
    }

    pub(super) fn close_merge(&mut self, project: &str, iid: u64) {
        let at = self.now();
        let merge = self.merge_mut(project, iid);
        (merge.state, merge.ended) = ("closed", Some(at));
    }

    pub(super) fn approve(&mut self, project: &str, iid: u64, user: u64) {
        let at = self.now();
        let merge = self.merge_mut(project, iid);
        merge.approvals.retain(|(by, _)| *by != user);
        merge.approvals.push((user, at));
        if let Some(reviewer) = merge.reviewers.iter_mut().find(|(by, _)| *by == user) {
            reviewer.1 = "approved";
        }
        self.note(project, iid, user, "approved this merge request", true);
    }

    pub(super) fn unapprove(&mut self, project: &str, iid: u64, user: u64) {
        self.merge_mut(project, iid).approvals.retain(|(by, _)| *by != user);
        self.note(project, iid, user, "unapproved this merge request", true);
    }

    pub(super) fn note(&mut self, project: &str, iid: u64, author: u64, body: &str, system: bool) {
        let (id, at) = (self.id(), self.now());
        self.merge_mut(project, iid).notes.push(Note { id, body: body.to_owned(), author, at, system });
    }

    pub(super) fn set_label(&mut self, project: &str, iid: u64, user: u64, label: &str, on: bool) {
        let (id, at, by) = (self.id(), self.now(), self.user_json(user));
        let merge = self.merge_mut(project, iid);
        if merge.labels.iter().any(|other| other == label) == on {
            return;
        }
        if on {
            merge.labels.push(label.to_owned());
        } else {
            merge.labels.retain(|other| other != label);
        }
        merge.label_events.push(json!({
            "id": id, "user": by, "created_at": at.to_string(), "resource_type": "MergeRequest",
            "resource_id": merge.id, "label": { "id": 1, "name": label, "color": "#428BCA" },
            "action": if on { "add" } else { "remove" },
        }));
    }

    pub(super) fn open_issue(&mut self, project: &str, author: u64, title: &str, labels: &[String]) {
        let (id, created): (u64, Timestamp) = (self.id(), self.now());
        let issues = &mut self.project(project).issues;
        let iid = u64::try_from(issues.len()).unwrap() + 1;
        let (title, labels) = (title.to_owned(), labels.to_vec());
        issues.push(Issue { id, iid, title, state: "opened", labels, author, created });
    }

    /// Reports an external status: updates the account's unfinished status of this name on the commit, or else adds a
    /// new one. Returns the id of the status.
    pub(super) fn report(&mut self, project: &str, sha: &str, user: u64, name: &str, state: &str) -> u64 {
        let goes_on = |it: &&mut Status| {
            let same = !it.job && !it.retried && it.author == user && it.sha == sha && it.name == name;
            same && ["pending", "running"].contains(&it.status.as_str())
        };
        if let Some(known) = self.project(project).statuses.iter_mut().find(goes_on) {
            state.clone_into(&mut known.status);
            return known.id;
        }
        self.status(project, (sha, "main"), user, name, state);
        self.project(project).statuses.last().map(|status| status.id).expect("a status")
    }

    /// Adds a status, and marks all earlier statuses of this name on the commit as retried, regardless of their author.
    fn status(&mut self, project: &str, (sha, reference): (&str, &str), author: u64, name: &str, status: &str) {
        let (id, at) = (self.id(), self.now());
        let statuses = &mut self.project(project).statuses;
        for older in statuses.iter_mut().filter(|it| it.sha == sha && it.name == name) {
            older.retried = true;
        }
        let (sha, reference) = (sha.to_owned(), reference.to_owned());
        let (name, status) = (name.to_owned(), status.to_owned());
        let (pipeline, job, retried) = (None, false, false);
        statuses.push(Status { id, sha, reference, name, status, author, pipeline, job, retried, at });
    }
}
