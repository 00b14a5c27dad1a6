//! Effects: the actions of the bot on remote systems. An effect is recorded in the same journal commit as the
//! event that requires it, before it is performed. A retry recognizes an effect that was already performed by
//! its natural key.

use hotfix_adapters::forge::{MergeMethod, PullNumber};
use hotfix_adapters::ids::{CommitId, DeployKey, Environment};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{PersonId, StepId};
use super::playbook::BranchRole;

/// An action outside the bot. The doc of each variant names the natural key by which a retry recognizes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Reads the snapshot of the run. Read-only, safe to repeat.
    TakeSnapshot,
    /// Posts the card and notifies the team. Recognized by the dedupe key of the message.
    Announce,
    /// Creates a branch. Recognized by a branch of that name at that commit.
    CreateBranch {
        /// The fix branch or the integration branch.
        which: BranchRole,
        /// The commit to start at.
        at: CommitId,
    },
    /// Picks a commit onto the branch. A repeated pick produces the same commit, so it is recognized at the tip.
    Pick {
        /// The commit to pick.
        source: CommitId,
        /// Committer time of the new commit, fixed for reproducibility.
        at: Timestamp,
    },
    /// Removes a fix from the branch: rebuilds the other commits on the base without it. Recognized like a pick.
    Unpick {
        /// The requested commit of the fix.
        source: CommitId,
        /// Committer time of the new commits, fixed for reproducibility.
        at: Timestamp,
    },
    /// Rebases the fixes onto a new base. Recognized like a pick.
    Rebase {
        /// The old base.
        from: CommitId,
        /// The head to rebase.
        head: CommitId,
        /// The new base.
        onto: CommitId,
        /// Committer time of the new commits, fixed for reproducibility.
        at: Timestamp,
    },
    /// Opens the pull request of the fix. Recognized by head and base branch.
    OpenPull,
    /// Opens the pull request that merges the fix back to main. Recognized by head and base branch.
    OpenReturn,
    /// Posts a vote request. Recognized by the dedupe key of the message.
    RequestVotes {
        /// The environment to request votes for.
        environment: Environment,
        /// The commit to be deployed.
        commit: CommitId,
    },
    /// Announces the use of break-glass in the audit channel. Recognized by the dedupe key of the message.
    AnnounceBreakGlass {
        /// Version of the event that recorded the use.
        version: u64,
    },
    /// Reads the preconditions of a deployment. Read-only, safe to repeat.
    CheckDeploy {
        /// Target environment.
        environment: Environment,
        /// The commit to deploy.
        commit: CommitId,
        /// Key that the deployment will have.
        key: DeployKey,
    },
    /// Starts a deployment and polls it until it ends. Recognized by its key.
    Deploy {
        /// Key of the deployment.
        key: DeployKey,
        /// Target environment.
        environment: Environment,
        /// The commit to deploy.
        commit: CommitId,
        /// `true` if an earlier attempt may have started the deployment. A rejected status request then does not prove
        /// that it was not started.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        resumed: bool,
    },
    /// Merges the pull request. Recognized as a merged pull request with this head.
    Merge {
        /// Number of the pull request on the forge.
        number: PullNumber,
        /// The head that must be merged.
        head: CommitId,
        /// Merge method of the playbook.
        method: MergeMethod,
    },
    /// Determines the included changes. Read-only, safe to repeat.
    FindIncludedChanges {
        /// The commit to be deployed.
        to: CommitId,
    },
    /// Restores the branch at its old tip. Recognized by a branch of that name at that commit.
    RestoreBranch {
        /// The tip to restore.
        at: CommitId,
    },
    /// Deletes the branch. Recognized by its absence.
    DeleteBranch {
        /// The tip that the branch must have.
        at: CommitId,
    },
    /// Posts the message about an event in the run's thread. Recognized by the dedupe key of the message, but may be
    /// posted twice.
    PostEvent {
        /// Version of the event.
        version: u64,
    },
    /// Sends a direct message about an event. Recognized like [`PostEvent`](Self::PostEvent).
    SendDirectMessage {
        /// Version of the event.
        version: u64,
        /// The recipient.
        person: PersonId,
    },
    /// Posts the message about an event in the break-glass audit channel. Recognized like [`PostEvent`](Self::PostEvent).
    Audit {
        /// Version of the event.
        version: u64,
    },
    /// Reminds of a missing countersign. A timer: nothing is done outside.
    RemindCountersign,
    /// Reminds of a waiting step. A timer: nothing is done outside.
    Remind {
        /// The waiting step.
        step: StepId,
    },
}

/// The reach of an effect: decides which preconditions must hold before it is performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Reads, or sends messages.
    Nothing,
    /// Reads the basis on which votes are judged.
    Judgement,
    /// Changes branches or pull requests.
    Code,
    /// Changes the running version, or the version that will be deployed next.
    Live,
}

impl Effect {
    /// Returns the reach of the effect.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self {
            Self::TakeSnapshot
            | Self::Announce
            | Self::RequestVotes { .. }
            | Self::FindIncludedChanges { .. }
            | Self::PostEvent { .. }
            | Self::SendDirectMessage { .. }
            | Self::Remind { .. }
            | Self::AnnounceBreakGlass { .. }
            | Self::Audit { .. }
            | Self::RemindCountersign => Reach::Nothing,
            Self::CheckDeploy { .. } => Reach::Judgement,
            Self::CreateBranch { .. }
            | Self::Pick { .. }
            | Self::Unpick { .. }
            | Self::Rebase { .. }
            | Self::OpenPull
            | Self::OpenReturn
            | Self::RestoreBranch { .. }
            | Self::DeleteBranch { .. } => Reach::Code,
            Self::Deploy { .. } | Self::Merge { .. } => Reach::Live,
        }
    }

    /// Describes the effect for a message, in a form that fits after "could not …".
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::TakeSnapshot => "read what runs in production and what main holds".to_owned(),
            Self::Announce => "tell the team".to_owned(),
            Self::CreateBranch { at, .. } => format!("create the branch at {}", at.short()),
            Self::Pick { source, .. } => format!("pick {}", source.short()),
            Self::Unpick { source, .. } => format!("take {} off the branch", source.short()),
            Self::Rebase { onto, .. } => format!("rebase the fixes onto {}", onto.short()),
            Self::OpenPull => "open the pull request".to_owned(),
            Self::OpenReturn => "open the pull request into main".to_owned(),
            Self::RequestVotes { environment, .. } => format!("ask for votes for {environment}"),
            // A rollback reads the preconditions too.
            Self::CheckDeploy { environment, .. } => format!("read the facts before changing what {environment} runs"),
            Self::Deploy { environment, commit, .. } => format!("deploy {} to {environment}", commit.short()),
            Self::Merge { number, .. } => format!("merge pull request #{}", number.0),
            Self::FindIncludedChanges { .. } => "find out what else goes out".to_owned(),
            Self::RestoreBranch { at } => format!("restore the branch at {}", at.short()),
            Self::DeleteBranch { .. } => "delete the branch".to_owned(),
            Self::PostEvent { .. } => "say it in the thread".to_owned(),
            Self::SendDirectMessage { person, .. } => format!("tell {person}"),
            Self::AnnounceBreakGlass { .. } => "tell the audit channel that the glass was broken".to_owned(),
            Self::Audit { .. } => "say it in the audit channel".to_owned(),
            Self::RemindCountersign => "remind of the broken glass".to_owned(),
            Self::Remind { step } => format!("remind of {step}"),
        }
    }

    /// Returns `true` if the effect serves the current step. It becomes pointless once that step is behind the run.
    #[must_use]
    pub fn serves_step(&self) -> bool {
        match self {
            Self::TakeSnapshot
            | Self::Announce
            | Self::CreateBranch { .. }
            | Self::Pick { .. }
            | Self::Rebase { .. }
            | Self::OpenPull
            | Self::OpenReturn
            | Self::RequestVotes { .. }
            | Self::Merge { .. }
            | Self::FindIncludedChanges { .. } => true,
            // The removal of a fix is not tied to a step.
            Self::Unpick { .. }
            | Self::AnnounceBreakGlass { .. }
            | Self::CheckDeploy { .. }
            | Self::Deploy { .. }
            | Self::RestoreBranch { .. }
            | Self::DeleteBranch { .. }
            | Self::PostEvent { .. }
            | Self::SendDirectMessage { .. }
            | Self::Audit { .. }
            | Self::RemindCountersign
            | Self::Remind { .. } => false,
        }
    }

    /// Returns `true` for messages and reminders. If one fails permanently, the run continues.
    #[must_use]
    pub fn is_talk(&self) -> bool {
        match self {
            Self::PostEvent { .. }
            | Self::SendDirectMessage { .. }
            | Self::Audit { .. }
            | Self::RemindCountersign
            | Self::Remind { .. } => true,
            Self::TakeSnapshot
            | Self::Announce
            | Self::CreateBranch { .. }
            | Self::Pick { .. }
            | Self::Unpick { .. }
            | Self::Rebase { .. }
            | Self::OpenPull
            | Self::OpenReturn
            | Self::RequestVotes { .. }
            | Self::AnnounceBreakGlass { .. }
            | Self::CheckDeploy { .. }
            | Self::Deploy { .. }
            | Self::Merge { .. }
            | Self::FindIncludedChanges { .. }
            | Self::RestoreBranch { .. }
            | Self::DeleteBranch { .. } => false,
        }
    }
}
