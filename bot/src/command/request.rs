//! A parsed command: what the caller asked for, before any decision. `policy` decides whether the caller may do it,
//! `decide` whether the state of the run allows it.

use std::fmt;
use std::str::FromStr;

use hotfix_adapters::ids::Environment;
use serde::{Deserialize, Serialize};

use super::guard::shown;
use super::table::Verb;
use crate::domain::event::TriageAnswer;
use crate::domain::id::{HotfixId, ServiceName, StepId};
use crate::domain::people::Role;

/// One command. If `run` is `None`, the context resolves the run: the run of the thread, or the caller's only open run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// Opens a run.
    Start {
        /// The service to fix.
        service: ServiceName,
        /// Short description of the fix.
        title: Option<String>,
        /// Address of the incident that caused the hotfix.
        incident: Option<String>,
        /// Ticket of the fix.
        ticket: Option<String>,
        /// Pull requests and commits that make up the fix.
        fixes: Vec<String>,
        /// The base, if not the playbook's default: `deployed@ENV`, a ref or a commit.
        from: Option<String>,
        /// `true` to follow the exceptional path of the playbook.
        exceptional: bool,
        /// The branch that carries the fix, if not the one that the playbook names.
        branch: Option<String>,
        /// The production environments to deploy to; empty for all of them.
        only: Vec<String>,
    },
    /// Opens a run that promotes the state of mainline.
    Promote {
        /// The service to promote.
        service: ServiceName,
        /// The commit to promote; `None` for the current head of mainline.
        target: Option<String>,
        /// The targets to promote to; empty for all of them.
        only: Vec<String>,
        /// The commit of the schema repository that is promoted first.
        schema: Option<String>,
    },
    /// Answers the triage questions of the playbook.
    Triage {
        /// One answer per criterion.
        answers: Vec<TriageWord>,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Agrees to a step that asks for an agreement.
    Agree {
        /// The step to agree to; `None` for the current step.
        step: Option<StepId>,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Cherry-picks fixes onto the hotfix branch.
    Pick {
        /// Pull requests and commits, each once, as [`Reference`](super::Reference) writes them.
        fixes: Vec<String>,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Removes fixes from a run.
    Unpick {
        /// Pull requests and commits, each once, as [`Reference`](super::Reference) writes them.
        fixes: Vec<String>,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Shows the remaining steps.
    Plan {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Shows the card of the run.
    Status {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Lists runs that match all given filters.
    List {
        /// `true` to list only runs in which the caller takes part.
        mine: bool,
        /// `true` to list only open runs.
        open: bool,
        /// The service to list runs of; `None` for all services.
        service: Option<ServiceName>,
    },
    /// Shows the commit that runs in each environment.
    Where {
        /// The service that the command is about.
        service: ServiceName,
    },
    /// Lists the authors of the included changes.
    Who {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Votes for the deployment that the vote request shows.
    Approve {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Withdraws the caller's vote.
    Unapprove {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Rejects the deployment that the vote request shows.
    Reject {
        /// Reason in the words of the caller.
        reason: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Maps an unknown contributor to a person.
    Identify {
        /// Email address or account of the contributor, as the caller typed it.
        address: String,
        /// The person that the contributor is.
        who: String,
        /// `true` if that person is not listed in `people.toml`.
        outside: bool,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Puts the run on hold, on behalf of an author of an included change or a stakeholder.
    Hold {
        /// Reason in the words of the caller.
        reason: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Lifts the caller's hold.
    Unhold {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Records an attestation of a manual check.
    Verify {
        /// `local`, or an environment.
        place: String,
        /// `true` if the check passed.
        pass: bool,
        /// The caller's description of the result.
        note: Option<String>,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Deploys the approved commit.
    Deploy {
        /// The environment to deploy to. Production is never implied.
        environment: Environment,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Rolls an environment back.
    Rollback {
        /// The environment to roll back.
        environment: Environment,
        /// The commit to roll back to; `None` for the one that ran there before.
        to: Option<String>,
        /// Reason in the words of the caller.
        reason: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Skips an optional step.
    Skip {
        /// The step to skip.
        step: StepId,
        /// Reason in the words of the caller.
        reason: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Overrides a mandatory step; needs a second person.
    Override {
        /// The step to override.
        gate: StepId,
        /// Reason in the words of the caller.
        reason: String,
        /// Address of the incident that justifies the override.
        incident: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Breaks the glass: bypasses the votes for one deployment in an emergency.
    BreakGlass {
        /// The environment to deploy to.
        environment: Environment,
        /// Reason why the deployment cannot wait for votes.
        reason: String,
        /// The commit to deploy, as the caller typed it.
        commit: String,
        /// Address of the incident that justifies it.
        incident: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Reviews a break-glass deployment after the fact.
    Countersign {
        /// `true` to approve it, `false` to object.
        ok: bool,
        /// Comment of the reviewer.
        note: Option<String>,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Retries the failed step.
    Retry {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Aborts the run.
    Abort {
        /// Reason in the words of the caller.
        reason: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Ends the run in any state.
    Abandon {
        /// Reason in the words of the caller.
        reason: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Answers the question that drift raises: production changed under the run.
    Drift {
        /// The chosen way to go on.
        choice: DriftChoice,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Takes a lease on a lane.
    Lock {
        /// The service of the lane.
        service: ServiceName,
        /// The environment of the lane.
        environment: Environment,
        /// Length of the lease in minutes; `None` for the default of the policy.
        ttl_minutes: Option<u32>,
        /// Reason in the words of the caller.
        reason: String,
    },
    /// Extends a lease.
    Renew {
        /// The service that the command is about.
        service: ServiceName,
        /// The environment that the lease covers.
        environment: Environment,
        /// New length in minutes, from now; `None` for the default of the policy.
        ttl_minutes: Option<u32>,
    },
    /// Releases a lease.
    Unlock {
        /// The service that the command is about.
        service: ServiceName,
        /// The environment that the lease covers.
        environment: Environment,
    },
    /// Takes over another person's lease.
    Steal {
        /// The service that the command is about.
        service: ServiceName,
        /// The environment that the lease covers.
        environment: Environment,
        /// Reason in the words of the caller.
        reason: String,
    },
    /// Lists all leases and their holders.
    Locks,
    /// Freezes deployments until the freeze is lifted.
    Freeze {
        /// The service to freeze; `None` for all services.
        service: Option<ServiceName>,
        /// Reason in the words of the caller.
        reason: String,
    },
    /// Lifts a freeze.
    Unfreeze {
        /// The service to unfreeze; `None` for the freeze of all services.
        service: Option<ServiceName>,
    },
    /// Shows, confirms or waives the merge back.
    Mergeback {
        /// The requested action.
        action: MergebackAction,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Adds a note to the timeline.
    Note {
        /// Text of the note.
        text: String,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Shows the timeline of a run.
    Timeline {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Records the address of the post-mortem, or shows when it is due.
    Postmortem {
        /// Address of the post-mortem; `None` to show its state.
        url: Option<String>,
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Closes a finished run.
    Close {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Acknowledges a run, as the author of an included change.
    Ack {
        /// The run that the caller named.
        run: Option<HotfixId>,
    },
    /// Shows the person, roles and account that the bot resolves the caller to.
    Whoami,
    /// Shows the help.
    Help {
        /// The verb to explain; `None` for the overview.
        verb: Option<String>,
    },
    /// Checks that the bot responds.
    Ping,
}

/// One triage answer: `a=yes`, `rest=no` or `c=?`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TriageWord {
    /// Letter of the criterion; `None` for `rest`, all criteria that have no answer yet.
    pub letter: Option<char>,
    /// Yes, no or unknown.
    pub answer: TriageAnswer,
}

impl FromStr for TriageWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("{} is not an answer like a=yes, b=no, c=? or rest=no.", shown(text));
        let (name, answer) = text.split_once('=').ok_or_else(wanted)?;
        let mut letters = name.chars();
        let letter = match (name, letters.next(), letters.next()) {
            ("rest", ..) => None,
            (_, Some(letter), None) if letter.is_ascii_alphabetic() => Some(letter.to_ascii_lowercase()),
            _ => return Err(wanted()),
        };
        let answer = match answer.to_ascii_lowercase().as_str() {
            "yes" | "y" => TriageAnswer::Yes,
            "no" | "n" => TriageAnswer::No,
            "?" | "unknown" => TriageAnswer::Unknown,
            _ => return Err(wanted()),
        };
        Ok(Self { letter, answer })
    }
}

impl TryFrom<String> for TriageWord {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TriageWord> for String {
    fn from(word: TriageWord) -> Self {
        word.to_string()
    }
}

impl fmt::Display for TriageWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match self.answer {
            TriageAnswer::Yes => "yes",
            TriageAnswer::No => "no",
            TriageAnswer::Unknown => "?",
        };
        match self.letter {
            Some(letter) => write!(f, "{letter}={answer}"),
            None => write!(f, "rest={answer}"),
        }
    }
}

/// The way to go on after production changed under a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftChoice {
    /// Rebase the hotfix onto the commit that production runs.
    Rebase,
    /// Drop the hotfix and ship the fix with the regular release.
    Roll,
    /// Abort the run.
    Abort,
}

impl DriftChoice {
    /// Returns the word that the user types.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rebase => "rebase",
            Self::Roll => "roll",
            Self::Abort => "abort",
        }
    }
}

/// An action on the merge back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergebackAction {
    /// Show the progress of the merge back.
    Status,
    /// Confirm that mainline has the fix although its lines were rewritten.
    Confirm {
        /// Comment of the caller.
        note: Option<String>,
    },
    /// Waive the merge back: mainline does not need the fix.
    Waive {
        /// Reason for the waiver.
        reason: String,
    },
}

/// Returns the role that the caller needs for the service if the run or lease is their own, or has no owner.
#[must_use]
pub fn required_role(request: &Request) -> Role {
    if request.reads_only() {
        return Role::Viewer;
    }
    if matches!(request, Request::Mergeback { action: MergebackAction::Confirm { .. }, .. }) {
        // The requester of the run may confirm. `decide` checks who that is.
        return Role::Requester;
    }
    // A test checks that the table has every verb. If one were missing, the strictest role is the safe default.
    Verb::named(request.verb_name()).map_or(Role::Admin, |verb| verb.needs)
}
