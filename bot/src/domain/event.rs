//! The events of a run: the only state that the journal stores. Everything else about a run is derived by replaying
//! them ([`evolve`](super::evolve::evolve)).

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::deploy::Edits;
use hotfix_adapters::forge::{Check, Containment, DiffSize, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{BranchName, CommitId, DeployKey, Digest, Environment, MessageRef, PersonRef};
use hotfix_adapters::registry::{Image, Published};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attribution::Attribution;
use super::break_glass::BreakGlass;
use super::effect::Effect;
use super::id::{HotfixId, PersonId, StepId};
use super::people::Role;
use super::plan::Plan;
use super::playbook::{BranchRole, CapabilityKind};
use super::refusal::Refusal;
use super::service::Approval;
use super::vote_source::VoteSource;

/// A journal entry: one event with its timestamp and its actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Time of the decision, UTC; shared by all events of one command.
    pub at: Timestamp,
    /// The user whose command produced the event, or the bot.
    pub by: Actor,
    /// The event itself.
    pub event: Event,
}

/// The originator of an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A user, for an event that follows directly from their command.
    Person(PersonId),
    /// The bot, for an event that follows from an observation, an effect result, a timer or another event.
    Bot,
}

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The run was opened. Its lanes were claimed in the same journal commit.
    Opened(Box<Opened>),
    /// The snapshot was taken: the state of production, main and the branches that the run starts from.
    SnapshotTaken(Box<Snapshot>),
    /// The run was refused after the snapshot. Terminal.
    Refused {
        /// All reasons at once, never empty.
        refusals: Vec<Refusal>,
    },
    /// A step became the current step.
    StepEntered {
        /// The step that became current.
        step: StepId,
    },
    /// An optional step became available. Users may complete it from then on; the run continues without it (HOCS-0).
    StepOffered {
        /// The optional step.
        step: StepId,
    },
    /// A step was completed.
    StepDone {
        /// The completed step.
        step: StepId,
        /// The evidence in plain text, such as "approved by Ben on abc1234".
        evidence: String,
    },
    /// A step was skipped: by the actor, or automatically when it became pointless.
    StepSkipped {
        /// The skipped step.
        step: StepId,
        /// Reason in plain text; the user's own words if a user skipped the step.
        reason: String,
    },
    /// A user requested to override a `must` step. A second person has to confirm it.
    OverrideRequested {
        /// The step to override.
        step: StepId,
        /// Reason given by the requester of the override.
        reason: String,
        /// Incident that justifies the override, as typed.
        incident: String,
    },
    /// A second person (the actor) confirmed the override of a `must` step.
    StepOverridden {
        /// The overridden step.
        step: StepId,
        /// The user who requested the override; never the actor.
        asked_by: PersonId,
        /// Reason given for the override.
        reason: String,
        /// Incident that justifies the override, as typed.
        incident: String,
    },
    /// A completed step was reopened because its evidence is stale.
    StepReopened {
        /// The reopened step.
        step: StepId,
        /// The problem with the evidence, in plain text.
        reason: String,
    },
    /// The evidence of a completed step changed after the act that relied on it had begun. It is reported only; no step
    /// is reopened.
    EvidenceChanged {
        /// The step whose evidence changed.
        step: StepId,
        /// The problem in plain text; `None` when the evidence is valid again.
        problem: Option<String>,
    },
    /// The actor answered triage questions. Questions that are not listed keep their answers.
    TriageAnswered {
        /// Pairs of question index (from 0) and answer. A list, because a map with numeric keys would not deserialize:
        /// see the test of all events.
        answers: Vec<(usize, TriageAnswer)>,
    },
    /// The actor agreed to the question of an agreement step.
    Agreed {
        /// The agreement step.
        step: StepId,
    },
    /// The commit to promote was pinned.
    Targeted {
        /// The pinned target.
        commit: CommitId,
    },
    /// The file that configures image builds was found to name the hotfix branch.
    JobFound {
        /// Path of the file in the repository.
        file: String,
    },
    /// Fixes were found on main.
    FixesOnMain {
        /// Newly found source commits, as they were requested.
        sources: BTreeSet<CommitId>,
    },
    /// An environment runs a commit that contains the fix, deployed by this run or by others.
    Reached {
        /// The environment that was polled.
        environment: Environment,
        /// The commit that it runs.
        commit: CommitId,
    },
    /// The commits behind the operator versions were counted.
    Counted(CommitCounts),
    /// The image of the deployable commit was found and pinned.
    ImageFound {
        /// The commit that the image was built from.
        commit: CommitId,
        /// The image with its reference and digest.
        published: Published,
        /// The tag pattern that matched.
        by: String,
    },
    /// Images that carry a tag of the deployable commit were rejected because they were not built from it. Also
    /// recorded when they are gone.
    ImagesPassedOver {
        /// The deployable commit.
        commit: CommitId,
        /// One entry per rejected tag, with the reason; empty when no such image is left.
        why: Vec<String>,
    },
    /// The file changes of a deployment were computed for the first time, or differ from before. Votes on a different
    /// digest are invalidated (PROMO-18).
    EditsRead {
        /// The environment that the deployment targets.
        environment: Environment,
        /// The diff to show, and the digest that votes are bound to.
        edits: Edits,
    },
    /// The tag of the pinned image points to another image. Votes, rejections and attestations on the pinned image are
    /// invalidated (HOCS-15).
    ImageMoved {
        /// The digest that the tag points to; `None` when the tag is gone.
        to: Option<Digest>,
    },
    /// The hotfix branch that production runs was moved by a push (HOCS-15).
    LiveBranchMoved {
        /// The deployed commit.
        from: CommitId,
        /// The tip of the branch; `None` when the branch is gone.
        to: Option<CommitId>,
    },
    /// The pull request that merges the fix back to main was opened.
    ReturnOpened {
        /// Number of the pull request on the forge.
        number: PullNumber,
        /// Web page of the pull request; `None` when the forge reports none.
        url: Option<String>,
    },
    /// The status note of an open deployment changed.
    DeployNoted {
        /// Key of the deployment.
        key: DeployKey,
        /// Note of the deploy mechanism, in plain text: the work or the condition that the deployment waits for.
        note: String,
    },
    /// The held-back changes were computed again, for a new base or a new set of fixes.
    HeldBackFound {
        /// The base that main was compared with.
        base: CommitId,
        /// The fixes of the run. They ship, so they were left out of the comparison.
        without: BTreeSet<CommitId>,
        /// The held-back changes, capped.
        changes: Vec<Contribution>,
        /// Number of held-back changes, including those not listed.
        total: usize,
    },
    /// The base was determined: the commit that the branch starts from.
    BaseFound {
        /// The base commit.
        commit: CommitId,
        /// The sources that agreed on the base, in plain text.
        sources: Vec<String>,
    },
    /// The run was announced to the team.
    Announced {
        /// The run's card in the service's channel. Its thread carries all other messages.
        message: MessageRef,
        /// Team members who can read the channel.
        reached: BTreeSet<PersonId>,
        /// Team members who cannot; they get a direct message.
        missed: BTreeSet<PersonId>,
    },
    /// A branch of the run was created, with no commit of its own.
    BranchCreated {
        /// The fix branch or the integration branch.
        which: BranchRole,
        /// The commit that the branch starts at.
        at: CommitId,
    },
    /// The actor requested a commit to be picked onto the branch.
    FixRequested {
        /// The requested commit.
        source: CommitId,
    },
    /// The contributors of a requested commit were determined from its source (security case 93).
    FixAttributed(Attribution),
    /// A captain (the actor) identified an unknown contributor (security case 94).
    Identified {
        /// Git address or account of the contributor.
        unknown: PersonRef,
        /// The matching person in `people.toml`; `None` when the contributor is not listed there.
        person: Option<PersonId>,
        /// The captain's description of the contributor.
        words: String,
    },
    /// Accounts that are not in `people.toml` were found to have pushed to the branch (security case 94).
    OthersPushed {
        /// The unknown pushers.
        people: BTreeSet<Contributor>,
    },
    /// A requested commit was picked onto the branch, or needs no pick.
    FixPicked {
        /// The requested commit.
        source: CommitId,
        /// The resulting commit on the branch; `None` when the branch already had the change or when the
        /// commit is empty.
        commit: Option<CommitId>,
        /// `true` if the requested commit changes no files.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        empty: bool,
    },
    /// A requested commit conflicts with the branch. A user has to adapt it.
    FixConflicted {
        /// The requested commit.
        source: CommitId,
        /// Paths of the conflicting files.
        files: Vec<String>,
    },
    /// The requested fixes were put into the order of main, which differs from the order in which they were named.
    FixesOrdered {
        /// The requested commits, in pick order.
        sources: Vec<CommitId>,
    },
    /// The actor requested the removal of a fix that may be on the branch.
    FixRemovalRequested {
        /// The requested commit.
        source: CommitId,
    },
    /// A fix was removed from the run.
    FixRemoved {
        /// The requested commit.
        source: CommitId,
        /// `true` if a user put the fix on the branch by hand. They have to remove it from there themselves.
        by_hand: bool,
    },
    /// A fix could not be removed from the branch: later commits conflict without it. It stays in the run.
    FixKept {
        /// The requested commit.
        source: CommitId,
        /// Paths of the conflicting files.
        files: Vec<String>,
    },
    /// The branch moved. Votes and rejections on the old head are invalidated (security case 25).
    HeadMoved {
        /// The previous tip.
        from: CommitId,
        /// The new head.
        head: HeadSeen,
        /// The fixes in conflict that a user's push resolved. Empty when the bot moved the branch.
        adapts: Vec<CommitId>,
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
    /// Reviews, checks or state of the pull request changed.
    PullSeen(PullSeen),
    /// Main, or the merge to be released, was read and differs from the last reading.
    MainSeen(MainSeen),
    /// A vote request was posted.
    VoteRequested {
        /// The environment that votes are requested for.
        environment: Environment,
        /// The commit to be deployed.
        commit: CommitId,
        /// The message of the vote request, which voters react to.
        message: MessageRef,
    },
    /// A vote request was closed although its commit would still ship.
    VoteRequestClosed {
        /// The environment of the vote request.
        environment: Environment,
        /// Reason for closing it.
        why: CloseReason,
    },
    /// The approval rules of a deployment changed with the policy. They are never weaker than the plan's.
    ApprovalChanged {
        /// The environment that the rules apply to.
        environment: Environment,
        /// The rules in force: the stricter combination of plan and policy.
        approval: Approval,
    },
    /// The actor approved the content of an open vote request.
    Voted(Vote),
    /// A vote was withdrawn by its voter or invalidated by the bot.
    VoteWithdrawn {
        /// The environment that the vote was cast for.
        environment: Environment,
        /// The voter.
        person: PersonId,
        /// Reason for the invalidation; `None` when the voter withdrew it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<VoidReason>,
    },
    /// The actor rejected a deployment. It blocks the deployment until the actor withdraws it or the
    /// deployable commit changes.
    VoteRejected {
        /// The environment that the rejection blocks.
        environment: Environment,
        /// Reason given by the actor.
        reason: String,
        /// Source of the rejection: a command, a button or a reaction.
        source: VoteSource,
        /// The message that carries the reaction; `None` for other sources.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<MessageRef>,
    },
    /// A rejection was withdrawn by its author, or dropped by the bot because its content would no longer ship.
    RejectionWithdrawn {
        /// The environment that the rejection blocked.
        environment: Environment,
        /// The author of the rejection.
        person: PersonId,
    },
    /// The actor used break-glass: it replaces the missing votes for one deployment.
    BreakGlassUsed(BreakGlass),
    /// The break-glass was announced in the audit channel. It takes effect with this event.
    BreakGlassAnnounced {
        /// The message in the audit channel.
        message: MessageRef,
    },
    /// The break-glass was voided. It no longer replaces votes.
    BreakGlassVoided {
        /// Reason in plain text.
        reason: String,
    },
    /// The actor, who was not involved, reviewed the use of break-glass.
    Countersigned {
        /// `true` if the reviewer has no objection.
        ok: bool,
        /// Comment of the reviewer; required for an objection.
        note: Option<String>,
    },
    /// A reminder was sent that a break-glass still needs a countersign.
    CountersignReminded {
        /// Number of reminders sent so far, including this one.
        times: u32,
    },
    /// The actor acknowledged the announcement. Nothing depends on it.
    Acknowledged,
    /// The actor put the run on hold.
    Held {
        /// Reason given by the actor.
        reason: String,
    },
    /// A hold was lifted, by its holder or by a captain.
    Unheld {
        /// The user who had set the hold.
        person: PersonId,
    },
    /// The actor attested that a place works, or does not.
    Attested {
        /// `local`, `watch` or the name of an environment.
        place: String,
        /// The commit that was checked there.
        commit: CommitId,
        /// `true` if it works.
        pass: bool,
        /// Comment of the actor.
        note: Option<String>,
    },
    /// A deployment was requested. Its preconditions are read again before it starts.
    DeployRequested {
        /// Target environment.
        environment: Environment,
        /// The commit to deploy.
        commit: CommitId,
        /// `true` for a rollback to what ran before.
        rollback: bool,
        /// `true` if the user typed the commit of a rollback; `false` if it was derived from what ran before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        typed: bool,
        /// Reason for a rollback; `None` for other deployments.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A requested deployment was refused after its preconditions were read.
    DeployRefused {
        /// Target environment.
        environment: Environment,
        /// All reasons at once.
        refusals: Vec<Refusal>,
    },
    /// A deployment was started. Records the intent and the votes that it rests on.
    DeployStarted(DeployIntent),
    /// The declaration of a deployment was merged. Another system rolls it out, and it is not known to run yet.
    RolloutBegan {
        /// Key of the deployment.
        key: DeployKey,
    },
    /// The deployment waits for a user to perform it, or to report its outcome.
    DeployAwaitsConfirmation {
        /// Key of the deployment.
        key: DeployKey,
        /// Instructions with all parameters filled in; `None` when the mechanism has none or when only the
        /// outcome is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instructions: Option<String>,
    },
    /// A deployment ended. The actor is the user who reported the outcome, or the bot.
    DeployEnded {
        /// Key of the deployment.
        key: DeployKey,
        /// Reason for the failure; `None` on success.
        failure: Option<String>,
    },
    /// Drift: a production environment runs a commit that this run did not deploy there.
    Drifted {
        /// The production environment.
        environment: Environment,
        /// The commit that it should run.
        expected: CommitId,
        /// The commit that it runs.
        found: CommitId,
        /// The changes that the found commit has and the expected commit lacks, capped.
        brings: Vec<Contribution>,
        /// Number of these changes, including those not listed.
        total: usize,
    },
    /// The drift was resolved by the actor.
    DriftSettled {
        /// The chosen resolution.
        choice: DriftChoice,
    },
    /// The fixes conflict with what production runs. A user has to rebase them.
    RebaseConflicted {
        /// Paths of the conflicting files.
        files: Vec<String>,
    },
    /// A newer release that contains the fix was deployed to production by others.
    Superseded {
        /// The production environment.
        environment: Environment,
        /// The commit that it runs.
        by: CommitId,
    },
    /// The pull request of the fix was merged.
    Merged {
        /// Number of the pull request on the forge.
        number: PullNumber,
        /// The resulting commit on the target branch.
        commit: CommitId,
        /// `true` if it was merged before production ran the fix, although the plan deploys first (APPLY-X3).
        early: bool,
    },
    /// The included changes were determined: the commits of others that ship with the fix.
    IncludedChangesFound {
        /// The included changes, capped.
        riders: Vec<Contribution>,
        /// Number of included changes, including those not listed.
        total: usize,
    },
    /// The fix was found on main.
    MainlineMerged {
        /// The kind of proof.
        how: Containment,
        /// Tip of main at that time.
        main: CommitId,
    },
    /// The fix was removed from main again, by a revert or by a merge that dropped it.
    MainlineReverted {
        /// The commit that removed it.
        by: Contribution,
        /// `true` if a part of the fix is still on main.
        partly: bool,
    },
    /// The lines of the fix were rewritten on main. A user has to check that it still works there.
    MainlineRewritten {
        /// The commit that rewrote them.
        by: Contribution,
        /// Tip of main at that time.
        main: CommitId,
    },
    /// The actor confirmed that main has the fix although its lines were rewritten.
    MainlineConfirmed {
        /// Comment of the actor.
        note: Option<String>,
    },
    /// A captain (the actor) waived the merge back to main.
    MergebackWaived {
        /// Reason given by the captain.
        reason: String,
    },
    /// The branch was deleted by the bot.
    BranchDeleted,
    /// The branch disappeared from the forge while the run needs it.
    BranchGone {
        /// The last known tip.
        at: CommitId,
    },
    /// The missing branch was restored at its old tip, by the bot or by others.
    BranchBack {
        /// The restored tip.
        at: CommitId,
    },
    /// The branch was merged into main, although the plan only picks from main (SRE-X1).
    BranchMerged {
        /// The merge commit.
        by: Contribution,
    },
    /// Main reverted a requested fix. It is not shipped until a user confirms it.
    FixReverted {
        /// The requested commit.
        source: CommitId,
        /// The revert commit.
        by: Contribution,
        /// Reason given in the message of the revert.
        why: String,
    },
    /// A reverted fix was found on main again.
    FixBack {
        /// The requested commit.
        source: CommitId,
    },
    /// The actor confirmed that a fix is to be shipped although main reverted it.
    FixConfirmed {
        /// The requested commit.
        source: CommitId,
    },
    /// The post-mortem was filed.
    PostmortemFiled {
        /// Address of the document; `None` when the bot's own timeline is the post-mortem.
        url: Option<String>,
    },
    /// The actor tried to start a run for a claimed lane and joined this run instead.
    Joined {
        /// Title of the second start.
        title: String,
    },
    /// The actor added a note to the timeline.
    Noted {
        /// Text of the note.
        text: String,
    },
    /// A reminder of a waiting step was sent.
    Reminded {
        /// The waiting step.
        step: StepId,
        /// Number of reminders sent so far, including this one.
        times: u32,
    },
    /// An effect was rejected permanently by the forge, the chat or another remote system. A user has to fix the cause
    /// and run `retry`.
    Stuck {
        /// The rejected effect.
        effect: Effect,
        /// Reason and next step, in plain text.
        reason: String,
    },
    /// The actor ran `retry`.
    Retried {
        /// The effects to perform again. A failed deployment, or one whose preconditions could not be read, is
        /// requested by a separate [`Event::DeployRequested`].
        effects: Vec<Effect>,
    },
    /// The lanes were released: the fix is on main, and all steps that need production are behind. The run continues
    /// with the remaining steps (APPLY-X4).
    LanesReleased,
    /// The lanes were claimed again, for a deployment that was requested after [`Event::LanesReleased`].
    LanesTaken,
    /// A captain (the actor) asked to abandon the run while a deployment may still be running. A second person has to
    /// confirm it.
    AbandonRequested {
        /// Reason given by the captain.
        reason: String,
    },
    /// The run was abandoned regardless of its state. Only its obligations stay open: the merge back and the
    /// break-glass review.
    Abandoned {
        /// Reason given by the actor.
        reason: String,
        /// The captain who asked first; `None` when no second person was needed.
        asked_by: Option<PersonId>,
        /// Keys of the deployments that were recorded as open at that time.
        believed: BTreeSet<DeployKey>,
    },
    /// The actor aborted the run. Terminal.
    Aborted {
        /// Reason given by the actor.
        reason: String,
    },
    /// The run was closed: all steps are behind it. Terminal.
    Closed {
        /// Outcome of the run.
        ending: Ending,
    },
}

/// Content of [`Event::Opened`]: the plan and the parameters of `start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// One-line description of the problem, given by the requester; 1 to 300 characters.
    pub title: String,
    /// Incident given by the requester, if any.
    pub incident: Option<String>,
    /// Ticket given by the requester, if any.
    pub ticket: Option<String>,
    /// The resolved plan.
    pub plan: Plan,
    /// The fixes to pick, as typed by the requester: commits, branches, pull requests.
    pub fixes: Vec<String>,
    /// The base (`--from`), as typed; `None` to derive it from production.
    pub from: Option<String>,
    /// The commit to promote, as typed; `None` for the tip of main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The schema commit to promote first; `None` when the promotion needs none (PROMO-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<CommitId>,
}

/// Answer to a triage question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriageAnswer {
    /// The criterion applies.
    Yes,
    /// The criterion does not apply.
    No,
    /// The answer is not known.
    Unknown,
}

/// Commit counts behind the versions of an operator: the basis for the version order (SRE-11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitCounts {
    /// The deployable commit that was counted.
    pub commit: CommitId,
    /// Number of commits behind the version in production.
    pub production: usize,
    /// Number of commits behind the version that would ship.
    pub ships: usize,
    /// Number of commits behind main.
    pub main: usize,
}

impl CommitCounts {
    /// Returns `true` if the version that would ship is above production's and not above the next version of main.
    #[must_use]
    pub fn in_order(&self) -> bool {
        self.production < self.ships && self.ships <= self.main + 1
    }
}

/// The production version as reported by one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionReport {
    /// Name of the source for messages, such as "the cluster of cs-prod".
    pub source: String,
    /// Version (image tag) that the source reports; `None` when it reports a commit or nothing.
    pub version: Option<String>,
    /// The commit of that version; `None` when the version resolves to no commit.
    pub commit: Option<CommitId>,
    /// `true` if the version resolved through a git tag, `false` if it is a commit id (HOCS-6).
    pub by_tag: bool,
}

/// The branch that a finished run left on the forge under this run's branch name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBranch {
    /// The finished run.
    pub run: HotfixId,
    /// Tip of the branch; the same as when the run ended.
    pub at: CommitId,
    /// The name that the branch is renamed to, such as `former-hotfix/hf-12`.
    pub aside: BranchName,
    /// Number of the finished run's pull request, if it was not merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullNumber>,
}

/// The snapshot: the remote state that a run reads once, at its start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// The commit that the first production environment runs; `None` when its mechanism cannot report it.
    pub running: Option<CommitId>,
    /// The commit of the last successful deployment to the first production environment; `None` when its mechanism does
    /// not record it.
    pub last_success: Option<CommitId>,
    /// Reports of other sources: the clusters, and the mechanisms of the further production environments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<VersionReport>,
    /// The commit to promote; `None` when the plan does not promote or when the commit does not resolve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<CommitId>,
    /// Containment in the target of what production runs; `None` when that is an ancestor of the target or when there
    /// is no target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Containment>,
    /// Names of the hotfix branches that other runs of the service used; read only if the plan has an integration
    /// branch (HOCS-14).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_branches: Vec<BranchName>,
    /// The commit that `--from` resolved to; `None` when it was not given or does not resolve.
    pub from: Option<CommitId>,
    /// Tip of main; `None` when the repository has no such branch.
    pub main: Option<CommitId>,
    /// The commit that each production environment runs, as reported by its mechanism. Empty unless there are
    /// at least two.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub productions: BTreeMap<Environment, CommitId>,
    /// The base that main was compared with to find the held-back changes; `None` when the base was unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back_since: Option<CommitId>,
    /// The fixes that were left out of the held-back changes because they ship.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub held_back_without: BTreeSet<CommitId>,
    /// The held-back changes, capped: commits on main that are not in the base, without the fixes.
    pub held_back: Vec<Contribution>,
    /// Number of held-back changes, including those not listed.
    pub held_back_total: usize,
    /// Checks of the tip of main, sorted by name.
    pub main_checks: Vec<Check>,
    /// Names of the checks that the forge requires on main. Empty unless the pull request goes into main and the
    /// service expects required checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_contexts: Vec<String>,
    /// One text per open issue or pull request with a label that blocks releases.
    pub blockers: Vec<String>,
    /// Existing branches that conflict with the name of the run's own branch, with their tips.
    pub branches: Vec<(BranchName, CommitId)>,
    /// The branch of the run's name that an earlier run left behind, if it has not moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<LeftBranch>,
    /// Probe result of each capability that is declared for the service: the reason why it is missing, or `None` when
    /// it is present.
    pub capabilities: BTreeMap<CapabilityKind, Option<String>>,
    /// The requested fixes that resolve to commits, deduplicated, in the order of main.
    pub fixes: Vec<CommitId>,
    /// `true` if the requester named the fixes in another order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reordered: bool,
    /// One refusal per requested value that does not resolve.
    pub unknown: Vec<Refusal>,
}

/// A commit with its contributors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// Full commit id.
    pub commit: CommitId,
    /// First line of the commit message; empty when it was not read.
    pub subject: String,
    /// Authors, committers and co-authors.
    pub people: Vec<Contributor>,
}

/// A person or an account that contributed to a commit, a pull request or a branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Contributor {
    /// The matching person in `people.toml`; `None` when there is none.
    pub person: Option<PersonId>,
    /// Name as git or the forge reports it.
    pub name: String,
    /// Git address or account of a human who is not in `people.toml`; `None` for known people and for bots (security
    /// case 94).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<PersonRef>,
}

/// The state of the branch as last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadSeen {
    /// Tip of the branch.
    pub tip: CommitId,
    /// The oldest commits since the base, oldest first, capped.
    pub commits: Vec<Contribution>,
    /// Number of commits since the base, including those not listed.
    pub total: usize,
    /// Size of the diff from the base to the tip.
    pub size: DiffSize,
    /// The base that the branch was compared with. The comparison is stale once the run has another base.
    pub base: CommitId,
    /// `true` if the base is an ancestor of the tip.
    pub on_base: bool,
    /// Origins of the commits, if the plan only picks from main; otherwise empty.
    #[serde(default, skip_serializing_if = "Origins::is_empty")]
    pub origins: Origins,
    /// Contributors of all commits, listed or not, and unknown pushers (security cases 93 and 94).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub people: BTreeSet<Contributor>,
    /// Known people who pushed to the branch, as reported by the forge. Commit metadata alone could be forged (security
    /// case 23).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pushers: BTreeSet<PersonId>,
}

/// Origins of the commits on a branch that may only hold picks of main (SRE-4, SRE-10).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origins {
    /// The requested commits that are on the branch exactly as a pick produces them.
    pub asked: BTreeSet<CommitId>,
    /// All other commits on the branch, oldest first.
    pub extra: Vec<ExtraCommit>,
}

impl Origins {
    fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.extra.is_empty()
    }
}

/// A commit on the branch that is not a pick of a requested fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraCommit {
    /// Full commit id on the branch.
    pub commit: CommitId,
    /// `true` if main has the same change, so the commit is a held-back change.
    pub withheld: bool,
}

/// Reviews, checks and state of a pull request as last read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PullSeen {
    /// All reviews, oldest first, each with the reviewed commit.
    pub reviews: Vec<ReviewSeen>,
    /// The commit that the checks belong to; `None` before the first reading.
    pub checked: Option<CommitId>,
    /// The checks of that commit, sorted by name.
    pub checks: Vec<Check>,
    /// Target branch of the pull request, if it is not the one in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub astray: Option<BranchName>,
    /// `true` if the pull request is a draft.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// `true` if it was closed without a merge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// Labels on the pull request that hold it back, as configured for the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold_labels: Vec<String>,
}

/// The basis of a release from main: the commit, its checks and the release blockers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MainSeen {
    /// Tip of main; the merge commit once the fix is merged and the plan releases the merge.
    pub commit: CommitId,
    /// Checks of that commit, sorted by name.
    pub checks: Vec<Check>,
    /// One text per open issue or pull request with a label that blocks releases. Empty when the plan has no
    /// `Releasable` step.
    pub blockers: Vec<String>,
}

/// A review of the pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewSeen {
    /// The reviewer in `people.toml`; `None` when the account is unknown.
    pub person: Option<PersonId>,
    /// Name of the reviewer: from `people.toml`, or the account id.
    pub name: String,
    /// The reviewed commit.
    pub commit: CommitId,
    /// Verdict of the review.
    pub verdict: ReviewVerdict,
}

/// A vote, bound to everything that the vote request showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The environment that the vote was cast for.
    pub environment: Environment,
    /// The commit to be deployed.
    pub commit: CommitId,
    /// The base of that commit.
    pub base: CommitId,
    /// Digest of the image; `None` when no image is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Digest>,
    /// Digest of the file changes that were shown; `None` when the deployment changes no files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<String>,
    /// Digest of the plan.
    pub plan_digest: String,
    /// Version of the policy when the vote was cast.
    pub policy_version: String,
    /// The voter.
    pub person: PersonId,
    /// The account that cast the vote, which is checked again before the vote counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<PersonRef>,
    /// Roles of the voter for the service when the vote was cast.
    pub roles: BTreeSet<Role>,
    /// Source of the vote: a command, a button or a reaction.
    pub source: VoteSource,
    /// The message that carries the reaction, for a vote by reaction. It stays valid when a newer vote
    /// request is posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<MessageRef>,
    /// Time of the vote, UTC.
    pub at: Timestamp,
    /// End of validity, UTC.
    pub expires: Timestamp,
}

/// Reason for closing a vote request before its content changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// It timed out (security case 35).
    Expired,
    /// The pull request was retargeted to another branch (security case 26).
    Retargeted,
    /// The deployment would change files differently from the diff that was shown.
    Edits,
}

/// Reason for invalidating a vote that its voter did not withdraw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The reaction was removed from the message (security cases 33 and 34).
    Reaction,
    /// The voter left: no active person holds the account (security case 31).
    Left,
    /// The voter lost the roles that the vote counted for (security case 36).
    Role,
    /// The backing review on the forge is gone, or does not approve this head (security case 39).
    Review,
    /// The account became a guest account (security case 31).
    Guest,
    /// The account belongs to another organization (security case 31).
    Stranger,
    /// The account is an app (security case 30).
    App,
    /// The account was deactivated (security case 31).
    Gone,
    /// The policy has a new version.
    Policy,
    /// The vote expired.
    Expired,
    /// The branch moved (security case 25).
    Head,
    /// The tag of the image moved (security case 28).
    Image,
    /// The deployment would change files differently from the diff that was shown.
    Edits,
    /// The fix has a new base (security case 26).
    Base,
    /// The pull request was retargeted to another branch (security case 26).
    Retargeted,
    /// The voter pushed to the branch (security case 23).
    Pushed,
    /// The voter was identified as one of the unknown contributors (security case 94).
    Identified,
}

/// The intent of a deployment, recorded before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployIntent {
    /// Natural key of the deployment, which identifies it to the deploy mechanism across retries.
    pub key: DeployKey,
    /// Target environment.
    pub environment: Environment,
    /// The commit to deploy.
    pub commit: CommitId,
    /// The image to deploy; `None` when no image is deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The commit that the environment ran before; `None` when unknown.
    pub previous: Option<CommitId>,
    /// The people whose valid votes it rests on; empty for a rollback.
    pub votes: BTreeSet<PersonId>,
    /// The user of the break-glass that replaces missing votes; `None` when no votes were missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<PersonId>,
    /// `true` for a rollback.
    pub rollback: bool,
    /// Reason for a rollback; `None` for other deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Contributors outside this run whose changes a rollback removes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub removes: BTreeSet<PersonId>,
}

/// Resolution of a drift (APPLY-16, APPLY-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftChoice {
    /// Rebase the fixes onto what production runs.
    Rebase,
    /// Let the fix ship with the regular release; this run deploys no more.
    Roll,
    /// Abort the run.
    Abort,
}

/// Outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All steps are behind it.
    Completed,
    /// The fix went into the regular release.
    RolledIn,
    /// A release that contains the fix replaced it (HOCS-34).
    Superseded,
    /// Production was rolled back to what it ran before (HOCS-37).
    Reverted,
    /// It was refused after the snapshot.
    Refused,
    /// It was aborted.
    Aborted,
}
