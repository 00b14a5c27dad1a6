//! What the bot has to do outside. An effect is written down before it is done, in the commit of the event that calls for
//! it, and each can be found again by its natural key.

use hotfix_adapters::forge::{MergeMethod, PullNumber};
use hotfix_adapters::ids::{CommitId, DeployKey, Environment};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{PersonId, StepId};
use super::playbook::BranchRole;

/// Something to be done outside. The doc of each variant says by what it is found again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Read the world the run starts from. Reading is harmless to repeat.
    TakeSnapshot,
    /// Post the card and tell the team. Found by the post's key.
    Announce,
    /// Create a branch. Found by its name at that commit.
    CreateBranch {
        /// Which one.
        which: BranchRole,
        /// Where.
        at: CommitId,
    },
    /// Pick a commit onto the branch. The same pick makes the same commit, so it is found at the tip.
    Pick {
        /// Which.
        source: CommitId,
        /// The committer's time.
        at: Timestamp,
    },
    /// Take a fix off the branch: everything else is put on top of the base without it. Found like a pick.
    Unpick {
        /// The commit that was asked for.
        source: CommitId,
        /// The committer's time.
        at: Timestamp,
    },
    /// Put the fixes on top of a new base. Found like a pick.
    Rebase {
        /// The old base.
        from: CommitId,
        /// The head to be rebased.
        head: CommitId,
        /// The new base.
        onto: CommitId,
        /// The committer's time.
        at: Timestamp,
    },
    /// Open the pull request. Found by head and base.
    OpenPull,
    /// Open the pull request that brings the fix to main. Found by head and base.
    OpenReturn,
    /// Ask for votes. Found by the post's key.
    RequestVotes {
        /// For which environment.
        environment: Environment,
        /// For which commit.
        commit: CommitId,
    },
    /// Tell the audit channel that the glass was broken. Found by the post's key.
    AnnounceBreakGlass {
        /// The event.
        version: u64,
    },
    /// Read the facts that a deployment rests on. Reading is harmless to repeat.
    CheckDeploy {
        /// Where to.
        environment: Environment,
        /// Which commit.
        commit: CommitId,
        /// The key it will go by.
        key: DeployKey,
    },
    /// Start a deployment, and follow it to its end. Found by its key.
    Deploy {
        /// Its key.
        key: DeployKey,
        /// Where to.
        environment: Environment,
        /// Which commit.
        commit: CommitId,
        /// Whether an earlier attempt may have begun it already: then a status that is refused says nothing about that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        resumed: bool,
    },
    /// Merge the pull request. Found merged, with this head.
    Merge {
        /// Its number.
        number: PullNumber,
        /// Its head.
        head: CommitId,
        /// In which way.
        method: MergeMethod,
    },
    /// Find out what else goes out. Reading is harmless to repeat.
    FindIncludedChanges {
        /// The commit that goes out.
        to: CommitId,
    },
    /// Create the branch again where it was. Found by its name at that commit.
    RestoreBranch {
        /// Where.
        at: CommitId,
    },
    /// Delete the branch. Found gone.
    DeleteBranch {
        /// Where it has to be.
        at: CommitId,
    },
    /// Say the event of this version in the thread. Found by the post's key; the one effect that may happen twice.
    Say {
        /// The event.
        version: u64,
    },
    /// Tell one person about the event of this version, directly. Found like the above.
    Tell {
        /// The event.
        version: u64,
        /// Whom.
        person: PersonId,
    },
    /// Say the event of this version in the audit channel of the broken glass. Found like the above.
    Audit {
        /// The event.
        version: u64,
    },
    /// Remind people that a broken glass waits for a review. It is a timer; nothing is done outside.
    RemindCountersign,
    /// Remind people of a step. It is a timer; nothing is done outside.
    Remind {
        /// Which.
        step: StepId,
    },
}

/// How far an effect reaches: what has to be in order before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It reads, or it is talk.
    Nothing,
    /// It reads what votes are judged by.
    Judgement,
    /// It changes branches and pull requests.
    Code,
    /// It changes what runs, or what will run from then on.
    Live,
}

impl Effect {
    /// How far it reaches.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self {
            Self::TakeSnapshot
            | Self::Announce
            | Self::RequestVotes { .. }
            | Self::FindIncludedChanges { .. }
            | Self::Say { .. }
            | Self::Tell { .. }
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

    /// What it is, in words, as in "could not …".
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
            // It is read before a rollback as well.
            Self::CheckDeploy { environment, .. } => format!("read the facts before changing what {environment} runs"),
            Self::Deploy { environment, commit, .. } => format!("deploy {} to {environment}", commit.short()),
            Self::Merge { number, .. } => format!("merge pull request #{}", number.0),
            Self::FindIncludedChanges { .. } => "find out what else goes out".to_owned(),
            Self::RestoreBranch { at } => format!("restore the branch at {}", at.short()),
            Self::DeleteBranch { .. } => "delete the branch".to_owned(),
            Self::Say { .. } => "say it in the thread".to_owned(),
            Self::Tell { person, .. } => format!("tell {person}"),
            Self::AnnounceBreakGlass { .. } => "tell the audit channel that the glass was broken".to_owned(),
            Self::Audit { .. } => "say it in the audit channel".to_owned(),
            Self::RemindCountersign => "remind of the broken glass".to_owned(),
            Self::Remind { step } => format!("remind of {step}"),
        }
    }

    /// Whether it serves the step whose turn it is, so that it has no point any more once the run is past that step.
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
            // A fix can leave while it is any step's turn.
            Self::Unpick { .. }
            | Self::AnnounceBreakGlass { .. }
            | Self::CheckDeploy { .. }
            | Self::Deploy { .. }
            | Self::RestoreBranch { .. }
            | Self::DeleteBranch { .. }
            | Self::Say { .. }
            | Self::Tell { .. }
            | Self::Audit { .. }
            | Self::RemindCountersign
            | Self::Remind { .. } => false,
        }
    }

    /// Whether it is talk: when talk fails for good the run goes on.
    #[must_use]
    pub fn is_talk(&self) -> bool {
        match self {
            Self::Say { .. }
            | Self::Tell { .. }
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
