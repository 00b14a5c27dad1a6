//! Data model of the GitHub fake: accounts, tokens, Apps and repositories. Code lives in the bare repositories.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::serve::Limit;

#[derive(Clone)]
pub(crate) struct State {
    pub(super) url: String,
    pub(super) prefix: String,
    next: u64,
    /// Seconds by which the server's clock is ahead of the system clock.
    pub(super) ahead: i64,
    /// Emulates a server without `return_run_details`, see [`super::GitHubFake::age`].
    pub(super) old: bool,
    /// Makes repositories report `push: false`; writes are not refused.
    pub(super) reads_only: bool,
    pub(super) limit: Option<Limit>,
    /// Remaining requests of the primary rate limit; a 304 does not use one.
    pub(super) remaining: i64,
    /// Change that runs once, just before the next write call is processed.
    pub(super) race: Option<Race>,
    pub(super) users: BTreeMap<u64, User>,
    /// User ids by verified mail address, lower case.
    pub(super) mails: BTreeMap<String, u64>,
    pub(super) tokens: BTreeMap<String, Access>,
    pub(super) apps: BTreeMap<u64, App>,
    pub(super) installations: BTreeMap<u64, Installation>,
    /// Repositories by full name, lower case.
    pub(super) repos: BTreeMap<String, Repository>,
    /// Permissions that calls required so far, see [`super::GitHubFake::rights_used`].
    pub(super) rights_used: BTreeSet<&'static str>,
}

/// A concurrent change; the call that runs it removes it.
pub(super) type Race = Arc<dyn Fn(&mut State) + Send + Sync>;

#[derive(Clone)]
pub(super) struct User {
    pub(super) login: String,
    pub(super) kind: &'static str,
}

/// Access rights of one token.
#[derive(Clone)]
pub(crate) struct Access {
    pub(super) user: u64,
    /// Full names of the accessible repositories, lower case; `None` means all.
    pub(super) repos: Option<BTreeSet<String>>,
    /// Permission levels by name; `None` means all permissions, as for a personal token.
    pub(super) permissions: Option<BTreeMap<String, String>>,
    pub(super) expires: i64,
}

#[derive(Clone)]
pub(super) struct App {
    pub(super) slug: String,
    pub(super) user: u64,
    pub(super) public_key: Vec<u8>,
}

#[derive(Clone)]
pub(super) struct Installation {
    pub(super) app: u64,
    pub(super) owner: String,
    pub(super) repos: BTreeSet<String>,
    pub(super) permissions: BTreeMap<String, String>,
}

#[derive(Clone)]
pub(super) struct Repository {
    pub(super) id: u64,
    pub(super) owner: String,
    pub(super) owner_id: u64,
    pub(super) name: String,
    pub(super) place: PathBuf,
    next_number: u64,
    pub(super) issues: BTreeMap<u64, Issue>,
    pub(super) statuses: Vec<Status>,
    pub(super) runs: Vec<CheckRun>,
    /// Checks that branch protection requires, as (branch, context).
    pub(super) required: Vec<(String, String)>,
    /// Checks that rulesets require, as (branch, context).
    pub(super) required_by_rules: Vec<(String, String)>,
    pub(super) deployments: Vec<Deployment>,
    pub(super) workflows: Vec<Workflow>,
    pub(super) workflow_runs: Vec<WorkflowRun>,
    /// GitHub's message for refusing every merge; `None` if merging is possible.
    pub(super) blocked: Option<String>,
    /// Mergeability is still being computed: `mergeable` is null and merges are refused.
    pub(super) undecided: bool,
}

impl Repository {
    pub(super) fn new(id: u64, owner: &str, owner_id: u64, name: &str, place: PathBuf) -> Self {
        Self {
            id,
            owner: owner.to_owned(),
            owner_id,
            name: name.to_owned(),
            place,
            next_number: 0,
            issues: BTreeMap::new(),
            statuses: Vec::new(),
            runs: Vec::new(),
            required: Vec::new(),
            required_by_rules: Vec::new(),
            deployments: Vec::new(),
            workflows: Vec::new(),
            workflow_runs: Vec::new(),
            blocked: None,
            undecided: false,
        }
    }

    pub(super) fn full(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Returns the next number. Issues and pull requests share one sequence.
    pub(super) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

#[derive(Clone)]
pub(super) struct Issue {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) user: u64,
    pub(super) open: bool,
    pub(super) labels: Vec<String>,
    pub(super) comments: Vec<Comment>,
    pub(super) events: Vec<Event>,
    pub(super) created: String,
    pub(super) updated: String,
    pub(super) closed: Option<String>,
    pub(super) pull: Option<Pull>,
}

#[derive(Clone)]
pub(super) struct Pull {
    pub(super) head: String,
    pub(super) head_sha: String,
    pub(super) base: String,
    pub(super) base_sha: String,
    pub(super) merged: Option<Merged>,
    pub(super) reviews: Vec<Review>,
    pub(super) draft: bool,
    /// Repository id of the fork that the head branch is in; `None` for a branch of this repository.
    pub(super) fork: Option<u64>,
}

#[derive(Clone)]
pub(super) struct Merged {
    pub(super) at: String,
    pub(super) by: u64,
    pub(super) commit: String,
}

#[derive(Clone)]
pub(super) struct Review {
    pub(super) id: u64,
    pub(super) user: u64,
    pub(super) state: String,
    pub(super) commit: String,
    pub(super) body: String,
    pub(super) at: String,
}

#[derive(Clone)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) user: u64,
    pub(super) body: String,
    pub(super) at: String,
}

#[derive(Clone)]
pub(super) struct Event {
    pub(super) id: u64,
    pub(super) event: &'static str,
    pub(super) actor: u64,
    pub(super) label: Option<String>,
    pub(super) at: String,
}

#[derive(Clone)]
pub(super) struct Status {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) context: String,
    pub(super) state: String,
    pub(super) description: Option<String>,
    pub(super) creator: u64,
    pub(super) at: String,
}

#[derive(Clone)]
pub(super) struct CheckRun {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) name: String,
    /// Id and slug of the App that reported it.
    pub(super) app: (u64, String),
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) at: String,
}

#[derive(Clone)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) name: String,
    pub(super) environment: String,
    pub(super) payload: Value,
    pub(super) description: Option<String>,
    pub(super) creator: u64,
    pub(super) at: String,
    /// Status history, oldest first.
    pub(super) statuses: Vec<DeploymentStatus>,
}

#[derive(Clone)]
pub(super) struct DeploymentStatus {
    pub(super) id: u64,
    pub(super) state: String,
    pub(super) creator: u64,
    pub(super) at: String,
}

/// The relevant contents of a workflow file.
#[derive(Debug, Clone, Default)]
pub struct WorkflowFile {
    /// Display name of the workflow.
    pub name: String,
    /// Path in the repository: `.github/workflows/…`.
    pub path: String,
    /// `true` if it has a `workflow_dispatch` trigger.
    pub dispatch: bool,
    /// Inputs of the trigger by name, with `true` for required ones.
    pub inputs: Vec<(String, bool)>,
    /// Template of the run's title, with `${{ inputs.x }}` placeholders; `None` titles runs with the workflow's name.
    pub run_name: Option<String>,
}

#[derive(Clone)]
pub(super) struct Workflow {
    pub(super) id: u64,
    pub(super) file: WorkflowFile,
}

#[derive(Clone)]
pub(super) struct WorkflowRun {
    pub(super) id: u64,
    pub(super) workflow: u64,
    pub(super) title: String,
    pub(super) branch: String,
    pub(super) sha: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) number: u64,
    pub(super) actor: u64,
    pub(super) at: String,
    pub(super) updated: String,
    pub(super) inputs: Value,
}

impl State {
    pub(super) fn new() -> Self {
        let none = BTreeMap::new;
        let mut state = Self {
            url: String::new(),
            prefix: String::new(),
            next: 1000,
            ahead: 0,
            old: false,
            reads_only: false,
            limit: None,
            remaining: 5000,
            race: None,
            users: BTreeMap::new(),
            mails: none(),
            tokens: BTreeMap::new(),
            apps: BTreeMap::new(),
            installations: BTreeMap::new(),
            repos: BTreeMap::new(),
            rights_used: BTreeSet::new(),
        };
        let web_flow = state.user("web-flow");
        state.mails.insert("noreply@github.com".to_owned(), web_flow);
        state
    }

    /// Returns a new id, unique across all kinds of objects.
    pub(super) fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn user(&mut self, login: &str) -> u64 {
        self.account(login, "User")
    }

    pub(super) fn bot(&mut self, login: &str) -> u64 {
        self.account(login, "Bot")
    }

    fn account(&mut self, login: &str, kind: &'static str) -> u64 {
        let known = self.users.iter().find(|(_, user)| user.login.eq_ignore_ascii_case(login)).map(|(id, _)| *id);
        known.unwrap_or_else(|| {
            let id = self.id();
            self.users.insert(id, User { login: login.to_owned(), kind });
            id
        })
    }

    pub(super) fn now(&self) -> i64 {
        Timestamp::now().as_second() + self.ahead
    }

    /// Returns the current time as GitHub formats it: RFC 3339 with whole seconds.
    pub(super) fn at(&self) -> String {
        Timestamp::from_second(self.now()).unwrap().to_string()
    }

    pub(super) fn repo(&mut self, full: &str) -> &mut Repository {
        self.repos.get_mut(&full.to_lowercase()).unwrap_or_else(|| panic!("there is no repository {full}"))
    }

    /// Returns the base URL of the API.
    pub(super) fn api(&self) -> String {
        format!("{}{}", self.url, self.prefix)
    }
}
