//! The commands that [`decide`](super::decide::decide) accepts for a run: from users, observations, effect
//! results and timers.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::deploy::{DeployStatus, Edits};
use hotfix_adapters::forge::{Containment, PullNumber};
use hotfix_adapters::ids::{ChannelRef, CommitId, DeployKey, Digest, Environment, MessageRef};
use hotfix_adapters::registry::{Image, Published};
use jiff::Timestamp;

use super::attribution::Attribution;
use super::effect::Effect;
use super::event::{
    CommitCounts, Contribution, Contributor, DriftChoice, HeadSeen, MainSeen, PullSeen, Snapshot, TriageAnswer,
    VoidReason, Vote,
};
use super::id::{HotfixId, PersonId, StepId};
use super::observation::StampedObservation;
use super::people::Grant;
use super::playbook::BranchRole;
use super::refusal::Refusal;
use super::service::Approval;
use super::vote::CurrentRoles;
use super::vote_source::VoteSource;

/// A command for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A user's command, with the grant of the policy that allows it.
    User(Grant, UserCommand),
    /// An observation of the outside world, stamped with the run it was made for: see [`StampedObservation`].
    Observed(StampedObservation),
    /// The result of an effect. Idempotent: a late or repeated result changes nothing.
    Finished(EffectResult),
    /// The reminder timer of a step fired.
    Timer(StepId),
    /// The countersign reminder timer fired.
    CountersignTimer,
}

/// The fixes named in a command, resolved to commits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fixes {
    /// The commits, deduplicated, in pick order.
    pub commits: Vec<CommitId>,
    /// `true` if the pick order differs from the order in which they were named.
    pub reordered: bool,
}

/// A command that a user can issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCommand {
    /// Requests commits to be picked onto the branch; confirms those that main reverted.
    Pick(Fixes),
    /// Removes requested fixes from the run; names the commits as they were requested.
    Unpick(Vec<CommitId>),
    /// Joins a second start to this run.
    Join {
        /// Title of the second start.
        title: String,
        /// Its fixes; may be empty.
        fixes: Fixes,
    },
    /// Approves the content of the open vote request.
    Approve {
        /// The message the user reacted to or clicked on; `None` for a typed command, which means the
        /// newest vote request.
        on: Option<MessageRef>,
        /// Source of the vote: a command, a button or a reaction.
        way: VoteSource,
    },
    /// Withdraws the user's vote or rejection.
    Unapprove {
        /// The message the reaction was removed from; `None` for a typed command.
        on: Option<MessageRef>,
    },
    /// Rejects the deployment.
    Reject {
        /// Reason for the rejection.
        reason: String,
        /// The message the user reacted to or clicked on; `None` for a typed command.
        on: Option<MessageRef>,
        /// Source of the rejection: a command, a button or a reaction.
        way: VoteSource,
    },
    /// Acknowledges the announcement.
    Acknowledge,
    /// Answers triage questions, keyed by question index (from 0).
    Triage(BTreeMap<usize, TriageAnswer>),
    /// Agrees to the question of an agreement step; `None` for the one that currently waits.
    Agree(Option<StepId>),
    /// Puts the run on hold, with a reason.
    Hold(String),
    /// Lifts the user's own hold. A captain without a hold lifts another user's.
    Unhold,
    /// Attests that a place works or does not; also reports the outcome of a manual deployment.
    Verify {
        /// `local`, `watch` or the name of an environment.
        place: String,
        /// `true` if it works.
        pass: bool,
        /// Comment of the user.
        note: Option<String>,
    },
    /// Deploys to this environment.
    Deploy(Environment),
    /// Rolls an environment back.
    Rollback {
        /// The environment to roll back.
        environment: Environment,
        /// The commit to return to, as typed; `None` for the commit that ran before.
        to: Option<CommitId>,
        /// Reason for the rollback.
        reason: String,
    },
    /// Identifies an unknown contributor. Takes a captain.
    Identify {
        /// Git address or account of the contributor, as typed.
        unknown: String,
        /// The matching person in `people.toml`; `None` when the contributor is not listed there.
        person: Option<PersonId>,
        /// Description of the contributor.
        words: String,
    },
    /// Skips a `should` or `may` step, with a reason.
    Skip(StepId, String),
    /// Requests or confirms the override of a `must` step. Takes two people.
    Override {
        /// The step to override.
        gate: StepId,
        /// Reason for the override.
        reason: String,
        /// Incident that justifies it.
        incident: String,
    },
    /// Uses break-glass: replaces the missing votes for one deployment in an emergency.
    BreakGlass {
        /// The environment to deploy to.
        environment: Environment,
        /// Prefix of the deployable commit's id, typed by the user; at least 7 digits.
        commit: String,
        /// Reason that the deployment cannot wait; at least 20 characters.
        reason: String,
        /// Incident that justifies it.
        incident: String,
        /// The audit channel, where the use is announced in addition to the service's channel.
        audit: ChannelRef,
    },
    /// Reviews the use of break-glass. Takes a person who was not involved.
    Countersign {
        /// `true` for no objection.
        ok: bool,
        /// Comment; required for an objection.
        note: Option<String>,
    },
    /// Retries rejected effects and failed deployments.
    Retry,
    /// Aborts the run, with a reason.
    Abort(String),
    /// Ends the run regardless of its state. Takes a captain, and a second person while a deployment may be running.
    Abandon {
        /// Reason for the abandonment.
        reason: String,
        /// Keys of open deployments that the deploy mechanism does not report as ended.
        under_way: BTreeSet<DeployKey>,
    },
    /// Resolves all drifts of the run.
    Drift(DriftChoice),
    /// Waives the merge back to main, with a reason.
    WaiveMergeback(String),
    /// Confirms, with an optional comment, that main has the fix although its lines were rewritten.
    ConfirmMergeback(Option<String>),
    /// Adds a note to the timeline. Accepted even after the end of the run.
    Note(String),
    /// Files the post-mortem: its address, or `None` if the bot's own timeline is enough.
    Postmortem(Option<String>),
    /// Closes the run, if all steps are behind it.
    Close,
}

/// An observation: the result of a poll or a webhook.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The branch; `None` if it does not exist.
    Head(Option<HeadSeen>),
    /// The pull request of the fix.
    Pull {
        /// Reviews, checks and state.
        seen: PullSeen,
        /// The resulting commit on the target branch; `None` unless it is merged.
        merged: Option<CommitId>,
    },
    /// Main, or the merge to be released.
    Main(MainSeen),
    /// A production environment.
    Production {
        /// The environment that was polled.
        environment: Environment,
        /// The commit that it runs.
        running: CommitId,
        /// `true` if that commit contains the fix.
        has_fix: bool,
        /// The changes that it has and the expected commit lacks, capped.
        brings: Vec<Contribution>,
        /// Number of these changes, including those not listed.
        total: usize,
    },
    /// The file that configures image builds names the hotfix branch.
    Job {
        /// Path of the file in the repository.
        file: String,
    },
    /// The requested fixes that are on main.
    OnMain(BTreeSet<CommitId>),
    /// An environment runs a commit that contains the fix.
    Reached {
        /// The environment that was polled.
        environment: Environment,
        /// The commit that it runs.
        commit: CommitId,
    },
    /// The held-back changes: commits on main that the run does not ship.
    HeldBack {
        /// The base that main was compared with.
        base: CommitId,
        /// The fixes that were left out of the comparison because they ship.
        without: BTreeSet<CommitId>,
        /// The held-back changes, capped.
        changes: Vec<Contribution>,
        /// Number of held-back changes, including those not listed.
        total: usize,
    },
    /// The commit counts behind the versions of an operator.
    Counts(CommitCounts),
    /// The image of the deployable commit.
    Image {
        /// The commit that the image was built from.
        commit: CommitId,
        /// The image with its reference and digest.
        published: Published,
        /// The tag pattern that matched.
        by: String,
    },
    /// The images that carry a tag of the deployable commit but were not built from it.
    ImagesPassedOver {
        /// The deployable commit.
        commit: CommitId,
        /// One entry per rejected tag, with the reason; empty when there is no such image.
        why: Vec<String>,
    },
    /// The file changes that a deployment would make.
    Edits {
        /// The environment that the deployment targets.
        environment: Environment,
        /// The diff to show, and the digest that votes are bound to.
        edits: Edits,
    },
    /// The digest that the tag of the pinned image points to; `None` if the tag is gone.
    Tag(Option<Digest>),
    /// The tip of the hotfix branch that production runs; `None` if the branch is gone.
    LiveBranch(Option<CommitId>),
    /// The policy in force, against which existing votes are checked again.
    Rules {
        /// Version of the policy.
        policy_version: String,
        /// Current roles of the voters. People who left are absent.
        roles: CurrentRoles,
        /// Approval rules of the policy for each environment of the plan.
        approvals: BTreeMap<Environment, Approval>,
    },
    /// Main reverted a requested fix.
    FixReverted {
        /// The requested commit.
        source: CommitId,
        /// The revert commit.
        by: Contribution,
        /// Reason given in the message of the revert.
        why: String,
    },
    /// A reverted fix is on main again.
    FixBack(CommitId),
    /// The branch was merged into main, by this commit.
    BranchMerged(Contribution),
    /// The containment of the fix in main.
    Mainline {
        /// The kind of proof, or the reason why it is not contained.
        how: Containment,
        /// Tip of main.
        main: CommitId,
        /// The commit that removed or rewrote the fix on main; `None` if there is none or it was not read.
        by: Option<Contribution>,
    },
}

/// The result of an effect.
#[derive(Debug, Clone, PartialEq)]
pub enum EffectResult {
    /// The snapshot was read.
    SnapshotTaken(Box<Snapshot>),
    /// The run was announced.
    Announced {
        /// The run's card in the service's channel.
        message: MessageRef,
        /// Team members who can read the channel.
        reached: BTreeSet<PersonId>,
        /// Team members who cannot.
        missed: BTreeSet<PersonId>,
    },
    /// A branch was created, or was found at that commit.
    BranchCreated {
        /// The fix branch or the integration branch.
        which: BranchRole,
        /// The commit that the branch starts at.
        at: CommitId,
    },
    /// A pick was attempted.
    Picked {
        /// The requested commit.
        source: CommitId,
        /// Contributors of the commit, determined from its source.
        by: Box<Attribution>,
        /// Result of the pick.
        result: PickResult,
    },
    /// The removal of a fix from the branch was attempted.
    Unpicked {
        /// The requested commit.
        source: CommitId,
        /// The new head, or the paths of the conflicting files.
        result: Result<HeadSeen, Vec<String>>,
    },
    /// The pull request of the fix was opened or found.
    PullOpened {
        /// Number of the pull request on the forge.
        number: PullNumber,
        /// Author of the pull request; `None` when the bot opened it.
        author: Option<Contributor>,
        /// Web page of the pull request; `None` when the forge reports none.
        url: Option<String>,
    },
    /// The pull request that merges the fix back to main was opened or found.
    ReturnOpened {
        /// Number of the pull request on the forge.
        number: PullNumber,
        /// Web page of the pull request; `None` when the forge reports none.
        url: Option<String>,
    },
    /// A vote request was posted.
    VoteRequested {
        /// The environment that votes are requested for.
        environment: Environment,
        /// The commit to be deployed.
        commit: CommitId,
        /// The message of the vote request.
        message: MessageRef,
    },
    /// The use of break-glass was announced in the audit channel.
    BreakGlassAnnounced {
        /// Version of the [`BreakGlassUsed`](super::event::Event::BreakGlassUsed) event.
        version: u64,
        /// The message in the audit channel.
        message: MessageRef,
    },
    /// The preconditions of a deployment were read.
    DeployChecked {
        /// Target environment.
        environment: Environment,
        /// The commit to deploy.
        commit: CommitId,
        /// Key that the deployment will have.
        key: DeployKey,
        /// The preconditions.
        facts: Box<DeployFacts>,
    },
    /// A deployment has to be performed by a user.
    DeployByHand {
        /// Key of the deployment.
        key: DeployKey,
        /// Instructions with all parameters filled in; `None` when the mechanism has none.
        instructions: Option<String>,
    },
    /// The status of a deployment was read.
    DeployStatus {
        /// Key of the deployment.
        key: DeployKey,
        /// Status as reported by the mechanism.
        status: DeployStatus,
    },
    /// A rebase onto a new base was attempted.
    Rebased(Rebased),
    /// The pull request of the fix was merged.
    Merged {
        /// Number of the pull request on the forge.
        number: PullNumber,
        /// The resulting commit on the target branch.
        commit: CommitId,
    },
    /// The included changes were determined.
    IncludedChanges {
        /// Commits of others that ship with the fix, capped.
        riders: Vec<Contribution>,
        /// Number of included changes, including those not listed.
        total: usize,
    },
    /// The branch was deleted, or was already gone.
    BranchDeleted,
    /// The missing branch was restored.
    BranchRestored {
        /// The restored tip.
        at: CommitId,
    },
    /// The effect succeeded and has no result to record.
    Nothing,
    /// A remote system rejected the effect permanently. A user has to fix the cause.
    Refused {
        /// The rejected effect.
        effect: Effect,
        /// Reason and next step, in plain text.
        reason: String,
    },
}

/// The result of a pick.
#[derive(Debug, Clone, PartialEq)]
pub enum PickResult {
    /// The commit was picked onto the branch.
    Done {
        /// The resulting commit on the branch.
        commit: CommitId,
        /// The new head.
        head: HeadSeen,
    },
    /// The branch already had the change.
    AlreadyThere,
    /// The commit changes no files.
    Empty,
    /// The commit conflicts with the branch.
    Conflict {
        /// Paths of the conflicting files.
        files: Vec<String>,
    },
    /// Main reverted the commit. It is not picked until a user confirms it.
    Reverted {
        /// The revert commit.
        by: Contribution,
        /// Reason given in the message of the revert.
        why: String,
    },
}

/// The result of a rebase.
#[derive(Debug, Clone, PartialEq)]
pub enum Rebased {
    /// The rebase succeeded; the new head.
    Done(HeadSeen),
    /// The fixes conflict with the new base, in these files.
    Conflict(Vec<String>),
}

/// The pull request, read immediately before a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct PullFacts {
    /// Reviews, checks and state.
    pub seen: PullSeen,
    /// The resulting commit on the target branch; `None` unless it is merged.
    pub merged: Option<CommitId>,
}

/// The preconditions of a deployment, read immediately before it starts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeployFacts {
    /// Tip of the branch; `None` if it does not exist or was not read.
    pub tip: Option<CommitId>,
    /// The commit that the environment runs; `None` when the mechanism cannot report it.
    pub running: Option<CommitId>,
    /// The changes of others that a rollback would remove; `None` unless the environment runs a commit that is neither
    /// this run's nor its starting point.
    pub removal: Option<Removal>,
    /// The digest that the tag of the pinned image points to; `None` if no image is pinned or the tag is gone.
    pub image: Option<Digest>,
    /// The image of the commit that a rollback returns to, from an earlier deployment or the registry; `None` if
    /// neither knows it.
    pub earlier_image: Option<Image>,
    /// The active freeze of deployments, if any.
    pub freeze: Option<ActiveFreeze>,
    /// Version of the policy in force.
    pub policy_version: String,
    /// Current roles of the voters. People who left are absent.
    pub standing: CurrentRoles,
    /// The votes that existed when the preconditions were read. Later votes were not checked and are left alone
    /// (security case 95).
    pub judged: Vec<Vote>,
    /// Votes that are no longer valid, keyed by voter: the reaction is gone, the account is not a member's, or the
    /// voter pushed to the branch.
    pub lapsed: BTreeMap<PersonId, VoidReason>,
    /// People who are currently allowed to use break-glass.
    pub glass: BTreeSet<PersonId>,
    /// The pull request, read again; `None` if there is none to merge.
    pub pull: Option<Box<PullFacts>>,
    /// Main or the merge to be released, read again; `None` if the plan releases nothing from main.
    pub main: Option<Box<MainSeen>>,
    /// People whose last review on the forge approves exactly the head. Read only where votes need a backing review.
    pub reviewed: BTreeSet<PersonId>,
    /// Accounts that pushed to the branch and are not in `people.toml`.
    pub strangers: BTreeSet<Contributor>,
}

/// An active freeze of deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveFreeze {
    /// Reason in plain text.
    pub reason: String,
    /// The way in which the freeze ends.
    pub end: FreezeEnd,
}

impl ActiveFreeze {
    /// Returns the refusal of a deployment during this freeze.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let next = match &self.end {
            FreezeEnd::Command(what) => format!("An admin can lift it with `unfreeze {what}`."),
            FreezeEnd::Calendar(until) => format!(
                "It stands in the calendar of policy.toml until {}; no command lifts it. A rollback passes it.",
                until.strftime("%Y-%m-%d %H:%M UTC")
            ),
        };
        Refusal::new("freeze", format!("Deployments are frozen: {}", self.reason), next)
    }
}

/// The end of a freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreezeEnd {
    /// An admin lifts it with `unfreeze` and this argument.
    Command(String),
    /// The freeze calendar of the policy ends it at this time, UTC.
    Calendar(Timestamp),
}

/// The changes of others that a rollback would remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removal {
    /// The commits, newest last, capped; empty when they are unknown.
    pub commits: Vec<Contribution>,
    /// Number of commits, including those not listed.
    pub total: usize,
    /// The runs that deployed them.
    pub runs: Vec<HotfixId>,
}
