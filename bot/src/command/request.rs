//! What a person asked for, parsed. Nothing in it has been decided yet: `policy` asks whether they may, `decide` whether
//! the run is in a state for it.

use hotfix_adapters::vocabulary::Environment;
use serde::{Deserialize, Serialize};

use super::table::Verb;
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
    },
    /// Cherry-pick onto the hotfix branch.
    Pick {
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
    // The table has every verb (a test holds it to that); were one missing, the strictest role is the safe answer.
    Verb::named(request.verb_name()).map_or(Role::Admin, |verb| verb.needs)
}

/// The role that the caller must have when the run or lease is somebody else's.
#[must_use]
pub fn required_role_for_others(request: &Request) -> Role {
    let others = Verb::named(request.verb_name()).and_then(|verb| verb.needs_for_others);
    others.map_or(required_role(request), |role| role.max(required_role(request)))
}
