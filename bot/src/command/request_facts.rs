//! Properties of a [`Request`] that depend on the request alone: its verb, its run, its permission, and whether it
//! is read-only.

use super::request::{MergebackAction, Request};
use crate::domain::id::HotfixId;
use crate::domain::people::Permission;

impl Request {
    /// Returns the verb's name in the table.
    #[must_use]
    pub fn verb_name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Promote { .. } => "promote",
            Self::Triage { .. } => "triage",
            Self::Agree { .. } => "agree",
            Self::Pick { .. } => "pick",
            Self::Unpick { .. } => "unpick",
            Self::Plan { .. } => "plan",
            Self::Status { .. } => "status",
            Self::List { .. } => "list",
            Self::Where { .. } => "where",
            Self::Who { .. } => "who",
            Self::Approve { .. } => "approve",
            Self::Unapprove { .. } => "unapprove",
            Self::Reject { .. } => "reject",
            Self::Identify { .. } => "identify",
            Self::Hold { .. } => "hold",
            Self::Unhold { .. } => "unhold",
            Self::Verify { .. } => "verify",
            Self::Deploy { .. } => "deploy",
            Self::Rollback { .. } => "rollback",
            Self::Skip { .. } => "skip",
            Self::Override { .. } => "override",
            Self::BreakGlass { .. } => "break-glass",
            Self::Countersign { .. } => "countersign",
            Self::Retry { .. } => "retry",
            Self::Abort { .. } => "abort",
            Self::Abandon { .. } => "abandon",
            Self::Drift { .. } => "drift",
            Self::Lock { .. } => "lock",
            Self::Renew { .. } => "renew",
            Self::Unlock { .. } => "unlock",
            Self::Steal { .. } => "steal",
            Self::Locks => "locks",
            Self::Freeze { .. } => "freeze",
            Self::Unfreeze { .. } => "unfreeze",
            Self::Mergeback { .. } => "mergeback",
            Self::Note { .. } => "note",
            Self::Timeline { .. } => "timeline",
            Self::Postmortem { .. } => "postmortem",
            Self::Close { .. } => "close",
            Self::Ack { .. } => "ack",
            Self::Whoami => "whoami",
            Self::Help { .. } => "help",
            Self::Ping => "ping",
        }
    }

    /// Returns the run that the caller named; `None` if none was named or the verb does not take a run.
    #[must_use]
    pub fn run(&self) -> Option<HotfixId> {
        match self {
            Self::Pick { run, .. }
            | Self::Unpick { run, .. }
            | Self::Triage { run, .. }
            | Self::Agree { run, .. }
            | Self::Plan { run }
            | Self::Status { run }
            | Self::Who { run }
            | Self::Approve { run }
            | Self::Unapprove { run }
            | Self::Reject { run, .. }
            | Self::Identify { run, .. }
            | Self::Hold { run, .. }
            | Self::Unhold { run }
            | Self::Verify { run, .. }
            | Self::Deploy { run, .. }
            | Self::Rollback { run, .. }
            | Self::Skip { run, .. }
            | Self::Override { run, .. }
            | Self::BreakGlass { run, .. }
            | Self::Countersign { run, .. }
            | Self::Retry { run }
            | Self::Abort { run, .. }
            | Self::Abandon { run, .. }
            | Self::Drift { run, .. }
            | Self::Mergeback { run, .. }
            | Self::Note { run, .. }
            | Self::Timeline { run }
            | Self::Postmortem { run, .. }
            | Self::Close { run }
            | Self::Ack { run } => *run,
            Self::Start { .. }
            | Self::Promote { .. }
            | Self::List { .. }
            | Self::Where { .. }
            | Self::Lock { .. }
            | Self::Renew { .. }
            | Self::Unlock { .. }
            | Self::Steal { .. }
            | Self::Locks
            | Self::Freeze { .. }
            | Self::Unfreeze { .. }
            | Self::Whoami
            | Self::Help { .. }
            | Self::Ping => None,
        }
    }

    /// Returns `true` if the request changes nothing. Such requests are answered privately, and also while the bot
    /// is read-only.
    #[must_use]
    pub fn reads_only(&self) -> bool {
        match self {
            Self::Plan { .. }
            | Self::Status { .. }
            | Self::List { .. }
            | Self::Where { .. }
            | Self::Who { .. }
            | Self::Locks
            | Self::Timeline { .. }
            | Self::Mergeback { action: MergebackAction::Status, .. }
            | Self::Postmortem { url: None, .. }
            | Self::Whoami
            | Self::Help { .. }
            | Self::Ping => true,
            Self::Start { .. }
            | Self::Promote { .. }
            | Self::Triage { .. }
            | Self::Agree { .. }
            | Self::Pick { .. }
            | Self::Unpick { .. }
            | Self::Approve { .. }
            | Self::Unapprove { .. }
            | Self::Reject { .. }
            | Self::Identify { .. }
            | Self::Hold { .. }
            | Self::Unhold { .. }
            | Self::Verify { .. }
            | Self::Deploy { .. }
            | Self::Rollback { .. }
            | Self::Skip { .. }
            | Self::Override { .. }
            | Self::BreakGlass { .. }
            | Self::Countersign { .. }
            | Self::Retry { .. }
            | Self::Abort { .. }
            | Self::Abandon { .. }
            | Self::Drift { .. }
            | Self::Lock { .. }
            | Self::Renew { .. }
            | Self::Unlock { .. }
            | Self::Steal { .. }
            | Self::Freeze { .. }
            | Self::Unfreeze { .. }
            | Self::Mergeback { action: MergebackAction::Waive { .. } | MergebackAction::Confirm { .. }, .. }
            | Self::Note { .. }
            | Self::Postmortem { url: Some(_), .. }
            | Self::Close { .. }
            | Self::Ack { .. } => false,
        }
    }

    /// Returns the permission that the request needs.
    #[must_use]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every request that is neither a comment nor a vote is a change"
    )]
    pub fn deed(&self) -> Permission {
        match self {
            looks if looks.reads_only() => Permission::View,
            Self::Ack { .. } | Self::Hold { .. } | Self::Unhold { .. } => Permission::Comment,
            Self::Approve { .. }
            | Self::Reject { .. }
            | Self::Identify { .. }
            | Self::Override { .. }
            | Self::Countersign { .. } => Permission::Vote,
            Self::BreakGlass { .. } => Permission::BreakGlass,
            _ => Permission::Change,
        }
    }
}
