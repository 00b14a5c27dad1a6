//! Actions of users, Apps and workflows that do not go through the bot: tests call them to change the server's state.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::json;

use super::serve::{Call, Reply};
use super::state::{Pull, State, Workflow, WorkflowFile};
use super::{GitHubFake, checks, code, deploys, issues, merges, pulls};
use crate::objects::{tip, try_git};
use crate::pushes::{deleted_by, pushed_by};

/// A commit to create, and the branch to push it to.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// Branch that is pushed, without `refs/heads/`; created if it does not exist.
    pub branch: &'a str,
    /// Parent commits: none creates a root commit, two a merge commit.
    pub parents: &'a [&'a str],
    /// Paths and contents that change relative to the first parent; `None` removes the file.
    pub files: &'a [(&'a str, Option<&'a str>)],
    /// Commit message.
    pub message: &'a str,
    /// Author, as `Name <address>`.
    pub author: &'a str,
}

impl GitHubFake {
    /// Creates a commit and force-pushes it to its branch; returns the commit id.
    ///
    /// # Panics
    /// Panics if git fails.
    #[must_use]
    pub fn push(&self, full: &str, commit: Commit<'_>) -> String {
        let Commit { branch, parents, files, message, author } = commit;
        let mut text = if parents.is_empty() { format!("reset refs/heads/{branch}\n\n") } else { String::new() };
        text += &format!("commit refs/heads/{branch}\nmark :1\nauthor {author} 1690000000 +0200\n");
        text += &format!("committer Pat <pat@example.org> 1690000001 +0200\ndata {}\n{message}\n", message.len());
        for (place, parent) in parents.iter().enumerate() {
            text += &format!("{} {parent}\n", if place == 0 { "from" } else { "merge" });
        }
        for (path, content) in files {
            match content {
                Some(content) => text += &format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len()),
                None => text += &format!("D {path}\n"),
            }
        }
        self.import(full, &format!("{text}\nget-mark :1\n"))
    }

    /// Pushes `count` empty commits on top of a commit; returns the id of the last.
    ///
    /// # Panics
    /// Panics if git fails.
    #[must_use]
    pub fn push_many(&self, full: &str, branch: &str, on: &str, count: usize, author: &str) -> String {
        let mut text = String::new();
        for number in 1..=count {
            let (message, time) = (format!("Commit {number}"), 1_690_000_000 + number);
            text += &format!("commit refs/heads/{branch}\nmark :{number}\nauthor {author} {time} +0000\n");
            text += &format!("committer {author} {time} +0000\ndata {}\n{message}\n", message.len());
            text += &(if number == 1 { format!("from {on}\n\n") } else { format!("from :{}\n\n", number - 1) });
        }
        self.import(full, &format!("{text}get-mark :{count}\n"))
    }

    fn import(&self, full: &str, text: &str) -> String {
        let mut state = self.state();
        let place = state.repo(full).place.clone();
        let mut child = Command::new("git")
            .args(["fast-import", "--quiet", "--force"])
            .current_dir(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git fast-import");
        code::settle(&mut state, &full.to_lowercase());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Reviews a pull request at its current head; `said` is `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or
    /// `DISMISSED`.
    pub fn review(&self, full: &str, number: u64, login: &str, said: &str) {
        let mut state = self.state();
        let user = state.user(login);
        pulls::say(&mut state, full, number, user, said, "");
    }

    /// Logs a push of a branch to its current commit; `at` is in RFC 3339, `mail` the pusher's address.
    pub fn pushed_by(&self, full: &str, branch: &str, at: &str, mail: &str) {
        pushed_by(&self.state().repo(full).place, branch, at, mail);
    }

    /// Deletes a branch as a logged push; `at` is in RFC 3339, `mail` the pusher's address.
    pub fn deleted_by(&self, full: &str, branch: &str, at: &str, mail: &str) {
        deleted_by(&self.state().repo(full).place, branch, at, mail);
    }

    /// Updates pull requests after a change that a test made directly in the bare repository.
    pub fn pushed(&self, full: &str) {
        code::settle(&mut self.state(), &full.to_lowercase());
    }

    /// Merges a pull request at its current head, as a user does with the merge button; `how` is `merge` or `squash`.
    ///
    /// # Panics
    /// Panics if GitHub refuses the merge.
    pub fn merge(&self, full: &str, number: u64, login: &str, how: &str, title: &str) {
        let mut state = self.state();
        let user = state.user(login);
        let body = json!({ "merge_method": how, "commit_title": title });
        let (path, query) = (Vec::new(), BTreeMap::new());
        let call = Call { method: "PUT".to_owned(), path, query, body, user, access: None, app: None };
        let reply = merges::merge(&mut state, &call, &full.to_lowercase(), &number.to_string());
        assert!(matches!(reply, Reply::One(200, _)), "pull request {number} of {full} cannot be merged");
    }

    /// Opens a pull request from a branch of the repository; returns its number.
    ///
    /// # Panics
    /// Panics if a branch does not exist.
    #[must_use]
    pub fn open_by_hand(&self, full: &str, login: &str, (head, base): (&str, &str), title: &str) -> u64 {
        let mut state = self.state();
        let (user, place) = (state.user(login), state.repo(full).place.clone());
        let (head_sha, base_sha) = (tip(&place, head).unwrap(), tip(&place, base).unwrap());
        let (head, base) = (head.to_owned(), base.to_owned());
        let pull = Pull { head, head_sha, base, base_sha, merged: None, reviews: vec![], fork: None, draft: false };
        pulls::add(&mut state, full, user, title, None, Some(pull))
    }

    /// Closes a pull request without merging it.
    pub fn close(&self, full: &str, number: u64, login: &str) {
        let mut state = self.state();
        let user = state.user(login);
        pulls::close(&mut state, full, number, user);
    }

    /// Marks a pull request as a draft (`on`) or as ready for review.
    pub fn draft(&self, full: &str, number: u64, on: bool) {
        let mut state = self.state();
        let issue = state.repo(full).issues.get_mut(&number).expect("a pull request");
        issue.pull.as_mut().expect("a pull request").draft = on;
    }

    /// Requires a check before changes to a branch are merged, by branch protection or by a ruleset.
    pub fn require(&self, full: &str, branch: &str, context: &str, by_ruleset: bool) {
        let mut state = self.state();
        let repo = state.repo(full);
        let required = if by_ruleset { &mut repo.required_by_rules } else { &mut repo.required };
        required.push((branch.to_owned(), context.to_owned()));
    }

    /// Opens an issue; returns its number.
    #[must_use]
    pub fn issue(&self, full: &str, login: &str, title: &str, labels: &[&str]) -> u64 {
        let mut state = self.state();
        let user = state.user(login);
        let number = pulls::add(&mut state, full, user, title, None, None);
        labels.iter().for_each(|label| issues::label(&mut state, full, number, label, user));
        number
    }

    /// Opens a pull request from a branch in a fork owned by the user `stranger`; returns its number.
    #[must_use]
    pub fn fork_pull(&self, full: &str, head: &str, head_sha: &str, base: &str) -> u64 {
        let mut state = self.state();
        let (user, fork) = (state.user("stranger"), state.id());
        let base_sha = tip(&state.repo(full).place, base).unwrap();
        let (head, head_sha, base) = (head.to_owned(), head_sha.to_owned(), base.to_owned());
        let pull =
            Pull { head, head_sha, base, base_sha, merged: None, reviews: vec![], draft: false, fork: Some(fork) };
        pulls::add(&mut state, full, user, "From outside", None, Some(pull))
    }

    /// Adds a label to an issue or pull request.
    pub fn label(&self, full: &str, number: u64, login: &str, label: &str) {
        let mut state = self.state();
        let user = state.user(login);
        issues::label(&mut state, full, number, label, user);
    }

    /// Removes a label from an issue or pull request.
    pub fn unlabel(&self, full: &str, number: u64, login: &str, label: &str) {
        let mut state = self.state();
        let user = state.user(login);
        issues::unlabel(&mut state, full, number, label, user);
    }

    /// Returns the comments on an issue or pull request, oldest first.
    #[must_use]
    pub fn comments(&self, full: &str, number: u64) -> Vec<String> {
        self.state().repo(full).issues[&number].comments.iter().map(|comment| comment.body.clone()).collect()
    }

    /// Returns the number of pull requests in any state.
    #[must_use]
    pub fn pulls(&self, full: &str) -> usize {
        self.state().repo(full).issues.values().filter(|issue| issue.pull.is_some()).count()
    }

    /// Returns the number of the newest pull request from this branch, in any state.
    #[must_use]
    pub fn pull_from(&self, full: &str, head: &str) -> Option<u64> {
        let mut state = self.state();
        let issues = &state.repo(full).issues;
        issues.values().rfind(|it| it.pull.as_ref().is_some_and(|pull| pull.head == head)).map(|it| it.number)
    }

    /// Reports a check run of an App. `how` is the conclusion (`success`, `failure`, …) or a status of an unfinished
    /// run (`queued`, `in_progress`, `waiting`).
    pub fn check(&self, full: &str, sha: &str, app: &str, name: &str, how: &str) {
        let mut state = self.state();
        // Apps have distinct ids even if a test has not registered them.
        let app = (state.bot(&format!("{app}[bot]")), app.to_owned());
        let (status, conclusion) =
            if ["queued", "in_progress", "waiting"].contains(&how) { (how, None) } else { ("completed", Some(how)) };
        checks::report(&mut state, full, sha, checks::Report { app, name, status, conclusion });
    }

    /// Reports a commit status.
    pub fn status(&self, full: &str, sha: &str, login: &str, context: &str, said: &str) {
        let mut state = self.state();
        let user = state.user(login);
        checks::say(&mut state, full, sha, context, said, user);
    }

    /// Moves a branch to an existing commit just before the next write call is processed.
    pub fn race_push(&self, full: &str, branch: &str, sha: &str) {
        let (full, name, sha) = (full.to_owned(), format!("refs/heads/{branch}"), sha.to_owned());
        let push = move |state: &mut State| {
            try_git(&state.repo(&full).place, &["update-ref", &name, &sha], &[]).unwrap();
        };
        self.state().race = Some(Arc::new(push));
    }

    /// Opens this pull request just before the next write call is processed.
    pub fn race_open(&self, full: &str, head: &str, base: &str) {
        let (full, head, base) = (full.to_owned(), head.to_owned(), base.to_owned());
        let open = move |state: &mut State| {
            let place = state.repo(&full).place.clone();
            let (head_sha, base_sha) = (tip(&place, &head).unwrap(), tip(&place, &base).unwrap());
            let user = state.user("quick");
            let (head, base) = (head.clone(), base.clone());
            let pull = Pull { head, head_sha, base, base_sha, merged: None, reviews: vec![], draft: false, fork: None };
            let _ = pulls::add(state, &full, user, "First", None, Some(pull));
        };
        self.state().race = Some(Arc::new(open));
    }

    /// Refuses every merge with this message; `None` lifts the block.
    pub fn block(&self, full: &str, why: Option<&str>) {
        self.state().repo(full).blocked = why.map(str::to_owned);
    }

    /// Sets whether GitHub is still computing the mergeability of pull requests.
    pub fn undecided(&self, full: &str, undecided: bool) {
        self.state().repo(full).undecided = undecided;
    }

    /// Adds a workflow; returns its id.
    #[must_use]
    pub fn workflow(&self, full: &str, file: WorkflowFile) -> u64 {
        let mut state = self.state();
        let id = state.id();
        state.repo(full).workflows.push(Workflow { id, file });
        id
    }

    /// Returns the workflow runs, oldest first: id, commit and inputs.
    #[must_use]
    pub fn runs(&self, full: &str) -> Vec<(u64, String, serde_json::Value)> {
        let mut state = self.state();
        state.repo(full).workflow_runs.iter().map(|run| (run.id, run.sha.clone(), run.inputs.clone())).collect()
    }

    /// Returns the status and the conclusion of a workflow run.
    ///
    /// # Panics
    /// Panics if there is no such run.
    #[must_use]
    pub fn run_is(&self, full: &str, id: u64) -> (String, Option<String>) {
        let mut state = self.state();
        let run = state.repo(full).workflow_runs.iter().find(|run| run.id == id).expect("a run");
        (run.status.clone(), run.conclusion.clone())
    }

    /// Sets the status of a workflow run: `in_progress`, or `completed` with a conclusion.
    ///
    /// # Panics
    /// Panics if there is no such run.
    pub fn set_run(&self, full: &str, id: u64, status: &str, conclusion: Option<&str>) {
        let mut state = self.state();
        let at = state.at();
        let run = state.repo(full).workflow_runs.iter_mut().find(|run| run.id == id).expect("a run");
        (run.status, run.conclusion, run.updated) = (status.to_owned(), conclusion.map(str::to_owned), at);
    }

    /// Creates a deployment of a commit with these states, oldest first; returns its id.
    #[must_use]
    pub fn deployment(&self, full: &str, sha: &str, environment: &str, states: &[&str]) -> u64 {
        let mut state = self.state();
        let user = state.bot("github-actions[bot]");
        let id = deploys::deploy(&mut state, full, sha, sha, environment, user);
        states.iter().for_each(|said| deploys::say(&mut state, full, id, said, user));
        id
    }
}
