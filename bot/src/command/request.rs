//! What a person asked for, parsed. Nothing in it has been decided yet: `policy` asks whether they may, `decide` whether
//! the run is in a state for it.

use std::fmt;
use std::str::FromStr;

use hotfix_adapters::ids::Environment;
use serde::{Deserialize, Serialize};

use super::guard::shown;
use super::table::Verb;
use crate::domain::event::Answer;
use crate::domain::id::{HotfixId, ServiceName, StepId};
use crate::domain::people::Role;

/// One command. Where `run` is absent, the caller's surroundings say which run is meant (its thread, or their only one).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// Open a run.
    Start {
        /// What is to be fixed.
        service: ServiceName,
        /// What the fix does, in words.
        title: Option<String>,
        /// The incident behind it.
        incident: Option<String>,
        /// The ticket behind it.
        ticket: Option<String>,
        /// Pull requests and commits that are the fix.
        fixes: Vec<String>,
        /// Where to branch from, when not from what the playbook says: `deployed@ENV`, a ref or a commit.
        from: Option<String>,
        /// Whether the exceptional path of the playbook is asked for.
        exceptional: bool,
        /// The branch that carries the fix, when it is not called as the playbook would.
        branch: Option<String>,
        /// Which productions, when not all.
        only: Vec<String>,
    },
    /// Open a run that promotes what is on main.
    Promote {
        /// Of which service.
        service: ServiceName,
        /// What, when not main as it is now.
        target: Option<String>,
        /// Which targets, when not all.
        only: Vec<String>,
        /// The commit of the schemas that goes first.
        schema: Option<String>,
    },
    /// Answer the questions of the triage.
    Triage {
        /// The answers.
        answers: Vec<TriageWord>,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Agree to what a step asks.
    Agree {
        /// Which step, when not the one whose turn it is.
        step: Option<StepId>,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Cherry-pick onto the hotfix branch.
    Pick {
        /// Pull requests and commits.
        fixes: Vec<String>,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Take a fix out of a run again.
    Unpick {
        /// Pull requests and commits.
        fixes: Vec<String>,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Every step that is left.
    Plan {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// The card.
    Status {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// The runs.
    List {
        /// Only those the caller takes part in.
        mine: bool,
        /// Only those that are not over.
        open: bool,
        /// Only those of this service.
        service: Option<ServiceName>,
    },
    /// What runs where.
    Where {
        /// Of which service.
        service: ServiceName,
    },
    /// Whose commits ride along.
    Who {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// A vote for what is shown.
    Approve {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Take a vote back.
    Unapprove {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// A vote against what is shown.
    Reject {
        /// Why.
        reason: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Who an unknown contributor is.
    Identify {
        /// Their address or account, as it was typed.
        address: String,
        /// Who it is.
        who: String,
        /// Whether that is somebody who is not in `people.toml`.
        outside: bool,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// A rider's or stakeholder's word that it must wait.
    Hold {
        /// Why.
        reason: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Take a hold back.
    Unhold {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// An attestation of what was seen.
    Verify {
        /// `local`, or an environment.
        place: String,
        /// Whether it works there.
        pass: bool,
        /// What was seen.
        note: Option<String>,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Deploy what is approved.
    Deploy {
        /// Where to; production is never implied.
        environment: Environment,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Put an environment back.
    Rollback {
        /// Which one.
        environment: Environment,
        /// To what, when not to what ran there before.
        to: Option<String>,
        /// Why.
        reason: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Leave a should out.
    Skip {
        /// Which step.
        step: StepId,
        /// Why.
        reason: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Lift a must, with a second person.
    Override {
        /// Which step.
        gate: StepId,
        /// Why.
        reason: String,
        /// The incident that justifies it.
        incident: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Set the votes for one deployment aside, in an emergency.
    BreakGlass {
        /// For which environment.
        environment: Environment,
        /// Why it cannot wait.
        reason: String,
        /// What would ship, as it was typed.
        commit: String,
        /// The incident that justifies it.
        incident: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Review a deployment that went out by a broken glass.
    Countersign {
        /// Whether it was right.
        ok: bool,
        /// What they think of it.
        note: Option<String>,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Try the failed step again.
    Retry {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Give up.
    Abort {
        /// Why.
        reason: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// End the run in whatever state it is.
    Abandon {
        /// Why.
        reason: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// What to do when production changed under the run.
    Drift {
        /// What.
        choice: DriftChoice,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Take a lease on an environment.
    Lock {
        /// Of which service.
        service: ServiceName,
        /// Which one.
        environment: Environment,
        /// For how long, when not for as long as the policy says.
        ttl_minutes: Option<u32>,
        /// Why.
        reason: String,
    },
    /// Prolong a lease.
    Renew {
        /// Of which service.
        service: ServiceName,
        /// On which environment.
        environment: Environment,
        /// For how long from now.
        ttl_minutes: Option<u32>,
    },
    /// Give a lease back.
    Unlock {
        /// Of which service.
        service: ServiceName,
        /// On which environment.
        environment: Environment,
    },
    /// Take somebody's lease from them.
    Steal {
        /// Of which service.
        service: ServiceName,
        /// On which environment.
        environment: Environment,
        /// Why.
        reason: String,
    },
    /// Who holds what.
    Locks,
    /// No deployments until it is lifted.
    Freeze {
        /// Of which service; absent for all.
        service: Option<ServiceName>,
        /// Why.
        reason: String,
    },
    /// Lift a freeze.
    Unfreeze {
        /// Of which service; absent for the freeze of all.
        service: Option<ServiceName>,
    },
    /// The way back to main.
    Mergeback {
        /// Look at it, or waive it.
        action: MergebackAction,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// A line for the timeline.
    Note {
        /// The line.
        text: String,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// What happened, in order.
    Timeline {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// The post-mortem: where it is, or when it is due.
    Postmortem {
        /// Where it is; absent to ask.
        url: Option<String>,
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Close a run that is done.
    Close {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// A rider's word that they know.
    Ack {
        /// Which run.
        run: Option<HotfixId>,
    },
    /// Who the bot takes the caller for.
    Whoami,
    /// How to.
    Help {
        /// For which verb; absent for all.
        verb: Option<String>,
    },
    /// Whether the bot is there.
    Ping,
}

/// One answer of a triage: `a=yes`, `rest=no`, `c=?`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TriageWord {
    /// The letter of the criterion; `None` is all that have no answer yet.
    pub letter: Option<char>,
    /// The answer.
    pub answer: Answer,
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
            "yes" | "y" => Answer::Yes,
            "no" | "n" => Answer::No,
            "?" | "unknown" => Answer::Unknown,
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
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Unknown => "?",
        };
        match self.letter {
            Some(letter) => write!(f, "{letter}={answer}"),
            None => write!(f, "rest={answer}"),
        }
    }
}

/// What to do when production changed under a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftChoice {
    /// Rebase the hotfix on what runs now.
    Rebase,
    /// Let the fix go out with the regular release.
    Roll,
    /// Give up.
    Abort,
}

impl DriftChoice {
    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rebase => "rebase",
            Self::Roll => "roll",
            Self::Abort => "abort",
        }
    }
}

/// What is asked about the way back to main.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergebackAction {
    /// How far it is.
    Status,
    /// Main has the fix, in other lines.
    Confirm {
        /// In their words.
        note: Option<String>,
    },
    /// The fix need not go back to main.
    Waive {
        /// Why.
        reason: String,
    },
}

/// The role that the caller must have for the run's service, when the run or lease is their own or nobody's.
#[must_use]
pub fn required_role(request: &Request) -> Role {
    if request.reads_only() {
        return Role::Viewer;
    }
    if matches!(request, Request::Mergeback { action: MergebackAction::Confirm { .. }, .. }) {
        // Whose run it is may say so; the run decides.
        return Role::Requester;
    }
    // The table has every verb (a test holds it to that); were one missing, the strictest role is the safe answer.
    Verb::named(request.verb_name()).map_or(Role::Admin, |verb| verb.needs)
}
