//! What happened to a run. Events are the only thing that is kept; everything else is derived from them.

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

/// An event with when it happened and by whose doing, as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was decided.
    pub at: Timestamp,
    /// By whose doing.
    pub by: Actor,
    /// What happened.
    pub event: Event,
}

/// By whose doing something happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    Person(PersonId),
    /// The bot itself, on what it saw or did.
    Bot,
}

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// It was opened; its lanes were taken in the same commit.
    Opened(Box<Opened>),
    /// The state of the world it starts from was read.
    SnapshotTaken(Box<Snapshot>),
    /// It may not begin, for all of these reasons. It is over.
    Refused {
        /// The reasons.
        refusals: Vec<Refusal>,
    },
    /// A step's turn came.
    StepEntered {
        /// The step.
        step: StepId,
    },
    /// An optional step's turn came: from now on people may take it, and the run goes on without it (HOCS-0).
    StepOffered {
        /// The step.
        step: StepId,
    },
    /// A step is fulfilled.
    StepDone {
        /// The step.
        step: StepId,
        /// Why it counts as fulfilled, in words: "approved by Ben on abc1234".
        evidence: String,
    },
    /// A step that may be skipped was.
    StepSkipped {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// Somebody asks to override a must; a second person has to say the same.
    OverrideAsked {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
        /// The incident it is for.
        incident: String,
    },
    /// A second person agreed: the must is overridden.
    StepOverridden {
        /// The step.
        step: StepId,
        /// Who asked first.
        asked_by: PersonId,
        /// Why.
        reason: String,
        /// The incident it is for.
        incident: String,
    },
    /// A step that was fulfilled is not any more.
    StepReopened {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// What a step rested on changed after the act that relied on it had begun: it is told, and nothing is set back.
    EvidenceChanged {
        /// The step.
        step: StepId,
        /// What changed; `None` when it holds again.
        problem: Option<String>,
    },
    /// Somebody answered the questions of the triage; what they leave out stays as it was.
    TriageAnswered {
        /// The answers, each with the place of its question. A map with numbers for keys would not be read back: see the
        /// test of all events.
        answers: Vec<(usize, Answer)>,
    },
    /// Somebody agreed to what a step asks.
    Agreed {
        /// The step.
        step: StepId,
    },
    /// What is promoted is pinned.
    Targeted {
        /// The commit.
        commit: CommitId,
    },
    /// The file that builds images names the hotfix branch.
    JobFound {
        /// The file.
        file: String,
    },
    /// These fixes are on main.
    FixesOnMain {
        /// The commits, as they were asked for.
        sources: BTreeSet<CommitId>,
    },
    /// An environment runs something that has the fix, by others' doing.
    Reached {
        /// Which one.
        environment: Environment,
        /// What it runs.
        commit: CommitId,
    },
    /// The commits behind the versions were counted.
    Counted(Counts),
    /// The image that was built of what ships is found and pinned.
    ImageFound {
        /// Of which commit.
        commit: CommitId,
        /// The image.
        published: Published,
        /// By which pattern.
        by: String,
    },
    /// Images were found under a tag of what ships that are not built of it, or are not there any more.
    ImagesPassedOver {
        /// The commit that ships.
        commit: CommitId,
        /// Each tag with the reason; empty when there is no such image any more.
        why: Vec<String>,
    },
    /// The changes of files that a deployment would make were computed, or are others than they were: votes on others are
    /// void (PROMO-18).
    EditsRead {
        /// Of the deployment to which environment.
        environment: Environment,
        /// The diff for people to read, and the digest that votes are bound to.
        edits: Edits,
    },
    /// The tag of the pinned image names another image now: what was said of it is void (HOCS-15).
    ImageMoved {
        /// What the tag names now; `None` when it is gone.
        to: Option<Digest>,
    },
    /// Somebody pushed to the hotfix branch that production runs (HOCS-15).
    LiveBranchMoved {
        /// Where it was.
        from: CommitId,
        /// Where it is; `None` when it is gone.
        to: Option<CommitId>,
    },
    /// The pull request that brings the fix to main is open.
    ReturnOpened {
        /// Its number.
        number: PullNumber,
        /// Where it can be seen.
        url: Option<String>,
    },
    /// What a deployment over there waits for changed.
    DeployNoted {
        /// Its key.
        key: DeployKey,
        /// What for.
        note: String,
    },
    /// What main holds and the run does not ship was looked at again: the base is another one, or the fixes are.
    HeldBackFound {
        /// On top of this base.
        base: CommitId,
        /// Without these fixes, which ship.
        without: BTreeSet<CommitId>,
        /// The changes.
        changes: Vec<Contribution>,
        /// How many there are in all.
        total: usize,
    },
    /// Where to branch from is settled.
    BaseFound {
        /// The commit.
        commit: CommitId,
        /// What said so.
        sources: Vec<String>,
    },
    /// The team was told.
    Announced {
        /// The card that everything hangs on.
        message: MessageRef,
        /// Who could read it.
        reached: BTreeSet<PersonId>,
        /// Whose team it is, but who could not.
        missed: BTreeSet<PersonId>,
    },
    /// A branch exists, with nothing on it yet.
    BranchCreated {
        /// Which one.
        which: BranchRole,
        /// Where it starts.
        at: CommitId,
    },
    /// Somebody asked for a commit to be picked onto the branch.
    FixRequested {
        /// The commit.
        source: CommitId,
    },
    /// The people behind a requested commit were found at its source (security case 93).
    FixAttributed(Attribution),
    /// A captain stated who an unknown contributor is (security case 94).
    Identified {
        /// Their address or account.
        unknown: PersonRef,
        /// Who it is, when it is somebody of `people.toml`.
        person: Option<PersonId>,
        /// Who it is, in the captain's words.
        words: String,
    },
    /// People whom `people.toml` does not know turn out to have pushed to the branch (security case 94).
    StrangersPushed {
        /// Who.
        people: BTreeSet<Contributor>,
    },
    /// A requested commit is on the branch.
    FixPicked {
        /// The commit that was asked for.
        source: CommitId,
        /// What it became; `None` when the branch had it already.
        commit: Option<CommitId>,
        /// Whether it changes nothing at all.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        empty: bool,
    },
    /// A requested commit does not apply; a person has to adapt it.
    FixConflicted {
        /// The commit that was asked for.
        source: CommitId,
        /// The files in the way.
        files: Vec<String>,
    },
    /// The fixes that were named are picked in another order: that of main.
    FixesOrdered {
        /// The commits, in that order.
        sources: Vec<CommitId>,
    },
    /// Somebody wants a fix off the branch.
    FixRemovalAsked {
        /// The commit that was asked for.
        source: CommitId,
    },
    /// A fix is no part of the run any more.
    FixRemoved {
        /// The commit that was asked for.
        source: CommitId,
        /// Whether a person put it on the branch, who has to take it off as well.
        by_hand: bool,
    },
    /// A fix cannot be taken off the branch, because what stands on top of it does not apply without it.
    FixKept {
        /// The commit that was asked for.
        source: CommitId,
        /// The files in the way.
        files: Vec<String>,
    },
    /// The branch moved. What was said of the old head is void.
    HeadMoved {
        /// Where it was.
        from: CommitId,
        /// What is there now.
        head: HeadSeen,
        /// The fixes in conflict that a person settled by this push.
        adapts: Vec<CommitId>,
    },
    /// The pull request is open.
    PullOpened {
        /// Its number.
        number: PullNumber,
        /// Who opened it, unless it was the bot.
        author: Option<Contributor>,
        /// Where it can be seen.
        url: Option<String>,
    },
    /// Reviews or checks changed.
    PullSeen(PullSeen),
    /// Main, or the merge that would be released, was looked at again.
    MainSeen(MainSeen),
    /// People were asked for their vote.
    VoteRequested {
        /// For which environment.
        environment: Environment,
        /// For which commit.
        commit: CommitId,
        /// The message they react to.
        message: MessageRef,
    },
    /// A question is not open any more, though what it is about would still ship.
    VoteRequestClosed {
        /// For which environment.
        environment: Environment,
        /// Why.
        why: Closing,
    },
    /// The operators changed the policy: a deployment takes another word from now on, never a smaller one than planned.
    ApprovalChanged {
        /// To which environment.
        environment: Environment,
        /// Whose word, by plan and policy together.
        approval: Approval,
    },
    /// Somebody voted for what the prompt shows.
    Voted(Vote),
    /// A vote does not count any more.
    VoteWithdrawn {
        /// For which environment.
        environment: Environment,
        /// Whose vote.
        person: PersonId,
        /// Why, when they did not take it back themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<VoidReason>,
    },
    /// Somebody said no; nothing is deployed there until they withdraw it or a new head comes.
    VoteRejected {
        /// For which environment.
        environment: Environment,
        /// Why.
        reason: String,
        /// How they said it.
        way: VoteSource,
        /// The message that the reaction is on, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<MessageRef>,
    },
    /// Somebody took their no back; by the bot, what it was said of would not ship any more.
    RejectionWithdrawn {
        /// For which environment.
        environment: Environment,
        /// Whose no.
        person: PersonId,
    },
    /// Somebody broke the glass: the votes for one deployment are set aside.
    BreakGlassUsed(BreakGlass),
    /// The audit channel was told of it; the glass counts from now on.
    BreakGlassAnnounced {
        /// The message there.
        message: MessageRef,
    },
    /// The broken glass does not stand in for votes any more.
    BreakGlassVoided {
        /// Why.
        reason: String,
    },
    /// Somebody who was not involved looked at what was done by the broken glass.
    Countersigned {
        /// Whether they think it right.
        ok: bool,
        /// In their words.
        note: Option<String>,
    },
    /// People were reminded that a broken glass waits for that look.
    CountersignReminded {
        /// For the how manieth time.
        times: u32,
    },
    /// Somebody has seen the message; it blocks nothing.
    Acknowledged,
    /// Somebody put the run on hold.
    Held {
        /// Why.
        reason: String,
    },
    /// A hold was lifted.
    Unheld {
        /// Whose.
        person: PersonId,
    },
    /// Somebody said what they saw.
    Attested {
        /// Where: `local`, or an environment.
        place: String,
        /// On which commit.
        commit: CommitId,
        /// Whether it was good.
        pass: bool,
        /// In their words.
        note: Option<String>,
    },
    /// A deployment was asked for; the facts are read again before it begins.
    DeployAsked {
        /// Where to.
        environment: Environment,
        /// Of which commit.
        commit: CommitId,
        /// Whether it puts back what ran before.
        rollback: bool,
        /// Whether the commit of a rollback was typed, and does not only follow from what ran before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        typed: bool,
        /// Why, when it is a rollback.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The deployment may not begin.
    DeployRefused {
        /// Where to.
        environment: Environment,
        /// Why.
        refusals: Vec<Refusal>,
    },
    /// The deployment begins: the intent, with the words it rests on.
    DeployStarted(DeployIntent),
    /// What the deployment declares is merged; it is rolled out by something else, and not known to run.
    RolloutBegan {
        /// Its key.
        key: DeployKey,
    },
    /// The deployment waits for a person to do it and say so.
    DeployAwaitsWord {
        /// Its key.
        key: DeployKey,
        /// How it is done, with everything filled in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instructions: Option<String>,
    },
    /// The deployment ended.
    DeployEnded {
        /// Its key.
        key: DeployKey,
        /// Why it failed; `None` when it did not.
        failure: Option<String>,
    },
    /// Production runs something that this run did not put there.
    Drifted {
        /// Which environment.
        environment: Environment,
        /// What it should run.
        expected: CommitId,
        /// What it runs.
        found: CommitId,
        /// What that has and the expected has not.
        brings: Vec<Contribution>,
        /// How many changes those are in all.
        total: usize,
    },
    /// The drift was answered.
    DriftSettled {
        /// How.
        choice: DriftChoice,
    },
    /// The fixes do not apply to what production runs now; a person has to rebase them.
    RebaseConflicted {
        /// The files in the way.
        files: Vec<String>,
    },
    /// A newer release, which contains the fix, went to production.
    Superseded {
        /// In which environment.
        environment: Environment,
        /// What runs now.
        by: CommitId,
    },
    /// The pull request is merged.
    Merged {
        /// Its number.
        number: PullNumber,
        /// What the main line is at by it.
        commit: CommitId,
        /// Whether it must not have been yet: production does not run it (APPLY-X3).
        early: bool,
    },
    /// What else goes out with the fix.
    IncludedChangesFound {
        /// The commits of others.
        riders: Vec<Contribution>,
        /// How many there are in all.
        total: usize,
    },
    /// The fix is on the main line.
    MainlineMerged {
        /// How that is known.
        how: Containment,
        /// Where main was.
        main: CommitId,
    },
    /// The fix was on main, and was taken out again.
    MainlineReverted {
        /// What took it out.
        by: Contribution,
        /// Whether a part of it is still there.
        partly: bool,
    },
    /// The lines of the fix were rewritten on main: a person has to look whether it still works there.
    MainlineRewritten {
        /// What rewrote them.
        by: Contribution,
        /// Where main was.
        main: CommitId,
    },
    /// Somebody says that main has the fix, in other lines.
    MainlineConfirmed {
        /// In their words.
        note: Option<String>,
    },
    /// A captain gave up bringing the fix to main.
    MergebackWaived {
        /// Why.
        reason: String,
    },
    /// The branch was deleted.
    BranchDeleted,
    /// Somebody deleted the branch while the run needs it.
    BranchGone {
        /// Where it was.
        at: CommitId,
    },
    /// The branch that was deleted is back where it was.
    BranchBack {
        /// Where.
        at: CommitId,
    },
    /// The branch was merged into main, from where it is only picked (SRE-X1).
    BranchMerged {
        /// By which commit.
        by: Contribution,
    },
    /// Main has reverted a fix that was asked for: it is not shipped before somebody confirms it.
    FixReverted {
        /// The fix, as it was asked for.
        source: CommitId,
        /// The revert.
        by: Contribution,
        /// What the revert says about why.
        why: String,
    },
    /// Main has a fix again that it had reverted.
    FixBack {
        /// The fix, as it was asked for.
        source: CommitId,
    },
    /// Somebody wants a fix shipped although main reverted it.
    FixConfirmed {
        /// The fix, as it was asked for.
        source: CommitId,
    },
    /// The post-mortem is there.
    PostmortemFiled {
        /// Where; `None` when the bot's own is all there is.
        url: Option<String>,
    },
    /// A second start joined this run.
    Joined {
        /// What it was about.
        title: String,
    },
    /// Somebody wrote something down.
    Noted {
        /// What.
        text: String,
    },
    /// People were reminded of what they are waited for.
    Reminded {
        /// The step.
        step: StepId,
        /// For the how manieth time.
        times: u32,
    },
    /// Something the bot had to do was refused by the other side; a person has to change something and say `retry`.
    Stuck {
        /// What.
        effect: Effect,
        /// Why, and what next.
        reason: String,
    },
    /// Somebody asked to try again.
    Retried {
        /// What is done again; a deployment whose facts could not be read is asked for by an event of its own.
        effects: Vec<Effect>,
    },
    /// The fix is on main, and everything that happens in production is behind the run: its lanes are free for others while it
    /// goes on (APPLY-X4).
    LanesReleased,
    /// A deployment was asked for behind that: the lanes are taken again.
    LanesTaken,
    /// A captain wants to end the run although a deployment may still be running; a second person has to say the same.
    AbandonAsked {
        /// Why.
        reason: String,
    },
    /// The run ended in whatever state it was; only what it still owes stays open.
    Abandoned {
        /// Why.
        reason: String,
        /// The captain who asked first, when a second person had to confirm.
        asked_by: Option<PersonId>,
        /// The deployments that were believed to be running.
        believed: BTreeSet<DeployKey>,
    },
    /// Somebody gave the run up.
    Aborted {
        /// Why.
        reason: String,
    },
    /// Every step is behind it.
    Closed {
        /// How it ended.
        ending: Ending,
    },
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// What it is about.
    pub title: String,
    /// The incident.
    pub incident: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// The plan.
    pub plan: Plan,
    /// Fixes to pick, as the requester wrote them.
    pub fixes: Vec<String>,
    /// Where to branch from, as the requester wrote it.
    pub from: Option<String>,
    /// What is promoted, as the requester wrote it; main when they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The commit of the schemas that is promoted first (PROMO-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<CommitId>,
}

/// An answer to a question of the triage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// Nobody knows.
    Unknown,
}

/// How many commits lie behind the versions of an operator (SRE-11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// What would ship.
    pub commit: CommitId,
    /// Behind production.
    pub production: usize,
    /// Behind what would ship.
    pub ships: usize,
    /// Behind main.
    pub main: usize,
}

impl Counts {
    /// Whether what would ship comes after production, and not after the next version of main.
    #[must_use]
    pub fn in_order(&self) -> bool {
        self.production < self.ships && self.ships <= self.main + 1
    }
}

/// What one source says about production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who says it: "the cluster of cs-prod".
    pub source: String,
    /// The version, as that source names it.
    pub version: Option<String>,
    /// The commit that is; `None` when nothing leads from the version to a commit.
    pub commit: Option<CommitId>,
    /// Whether a git tag of that name led to the commit (HOCS-6).
    pub by_tag: bool,
}

/// A branch that a run which is over left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBranch {
    /// The run.
    pub run: HotfixId,
    /// Where its branch is.
    pub at: CommitId,
    /// The name under which it is kept.
    pub aside: BranchName,
    /// Its pull request, when that was not merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullNumber>,
}

/// The world as a run finds it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// What runs in production, when the mechanism can tell.
    pub running: Option<CommitId>,
    /// The last successful deployment to production, when the mechanism knows.
    pub last_success: Option<CommitId>,
    /// What other sources say: clusters, and the other productions when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
    /// What is promoted, when the run promotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<CommitId>,
    /// When production runs something that is no ancestor of it: whether the target has what production has (a hotfix).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Containment>,
    /// Names of hotfix branches that earlier runs used (HOCS-14).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_branches: Vec<BranchName>,
    /// What the requester's `--from` means; `None` when they gave none.
    pub from: Option<CommitId>,
    /// Where main is; `None` when the repository has no such branch.
    pub main: Option<CommitId>,
    /// What each production runs, as its mechanism says, where there are several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub productions: BTreeMap<Environment, CommitId>,
    /// The base that what is withheld was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back_since: Option<CommitId>,
    /// The fixes that were left out of it, because they ship.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub held_back_without: BTreeSet<CommitId>,
    /// What main has and the base has not, the fixes left out.
    pub held_back: Vec<Contribution>,
    /// How many there are in all.
    pub held_back_total: usize,
    /// The checks of main.
    pub main_checks: Vec<Check>,
    /// The checks that the forge requires of changes to the branch that the fix goes into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_contexts: Vec<String>,
    /// What is open with a label that blocks releases, in words.
    pub blockers: Vec<String>,
    /// The branches that are in the way of the run's own, with where they are.
    pub branches: Vec<(BranchName, CommitId)>,
    /// The branch of this name that an earlier run left behind, and nobody moved since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<LeftBranch>,
    /// The capabilities of the exceptional path: why each is missing, or `None` when it is there.
    pub capabilities: BTreeMap<CapabilityKind, Option<String>>,
    /// The requested fixes that mean something, each once, in the order of main.
    pub fixes: Vec<CommitId>,
    /// Whether the requester named them in another order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reordered: bool,
    /// Why what was asked for could not be found.
    pub unknown: Vec<Refusal>,
}

/// A commit with the people behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The commit.
    pub commit: CommitId,
    /// The first line of its message.
    pub subject: String,
    /// Its authors, committers and co-authors.
    pub people: Vec<Contributor>,
}

/// Somebody behind a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Contributor {
    /// Who, when `people.toml` knows.
    pub person: Option<PersonId>,
    /// What git calls them.
    pub name: String,
    /// Their address or account, when they are a person whom `people.toml` does not know (security case 94).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<PersonRef>,
}

/// What is on the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadSeen {
    /// Its tip.
    pub tip: CommitId,
    /// The first of the commits since the base, oldest first.
    pub commits: Vec<Contribution>,
    /// How many there are in all.
    pub total: usize,
    /// How large the difference is.
    pub size: DiffSize,
    /// The base that it was compared with. When the run goes on top of another one by then, the comparison says nothing.
    pub base: CommitId,
    /// Whether the base is an ancestor of the tip.
    pub on_base: bool,
    /// Where its commits come from, when the plan picks them from main; nothing is known of other branches.
    #[serde(default, skip_serializing_if = "Origins::is_empty")]
    pub origins: Origins,
    /// Everybody behind all of its commits, listed or not, and whoever pushed and is not known (security cases 93 and 94).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub people: BTreeSet<Contributor>,
    /// Who pushed to it, as far as the forge tells: a commit says of itself whose it is (security case 23).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pushers: BTreeSet<PersonId>,
}

/// Where the commits of a branch come from that holds nothing but picks of main (SRE-4, SRE-10).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origins {
    /// The fixes, as they were asked for, that are on the branch exactly as a pick makes them.
    pub asked: BTreeSet<CommitId>,
    /// The commits that are no such pick, oldest first.
    pub beyond: Vec<Beyond>,
}

impl Origins {
    fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.beyond.is_empty()
    }
}

/// A commit of the branch that is no pick of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beyond {
    /// The commit.
    pub commit: CommitId,
    /// Whether main holds the same change: then it is one of those that do not ship with this hotfix.
    pub withheld: bool,
}

/// Reviews and checks of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PullSeen {
    /// What reviewers said last, each of which commit.
    pub reviews: Vec<ReviewSeen>,
    /// The checks of this commit.
    pub checked: Option<CommitId>,
    /// How they stand.
    pub checks: Vec<Check>,
    /// Where it goes, when that is not the branch that the plan names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub astray: Option<BranchName>,
    /// Whether it is marked as not ready to be merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// Whether it was closed without a merge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// The labels it carries that hold it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold_labels: Vec<String>,
}

/// What a release from main rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MainSeen {
    /// Where main is; once the fix is merged, the merge.
    pub commit: CommitId,
    /// Its checks.
    pub checks: Vec<Check>,
    /// What is open with a label that blocks releases, in words.
    pub blockers: Vec<String>,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewSeen {
    /// By whom, when `people.toml` knows.
    pub person: Option<PersonId>,
    /// What the forge calls them.
    pub name: String,
    /// Of which commit.
    pub commit: CommitId,
    /// What they said.
    pub verdict: ReviewVerdict,
}

/// A vote on exactly what the prompt showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// For which environment.
    pub environment: Environment,
    /// For which commit.
    pub commit: CommitId,
    /// On top of which base.
    pub base: CommitId,
    /// Of which image, when images are deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Digest>,
    /// The digest of the changes of files that were shown, when the deployment changes files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<String>,
    /// Under which plan.
    pub plan_digest: String,
    /// Under which policy.
    pub policy_version: String,
    /// Whose.
    pub person: PersonId,
    /// By which account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<PersonRef>,
    /// Their roles then.
    pub roles: BTreeSet<Role>,
    /// How it was given.
    pub way: VoteSource,
    /// The message the reaction is on: a later question does not make it one that was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<MessageRef>,
    /// When.
    pub at: Timestamp,
    /// Until when it holds.
    pub expires: Timestamp,
}

/// Why a question is closed before what it is about changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Its time is over (security case 35).
    Expired,
    /// The pull request goes into another branch (security case 26).
    Retargeted,
    /// The deployment would change files in another way than was shown.
    Edits,
}

/// Why a yes does not count any more although nobody took it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// Its reaction is not on the question any more (security cases 33 and 34).
    Reaction,
    /// Its account belongs to nobody who is here any more (security case 31).
    Left,
    /// They lack the roles by which it counted (security case 36).
    Role,
    /// The review on the forge that had to back it is gone, or no yes to this head any more (security case 39).
    Review,
    /// Their account is a guest's now (security case 31).
    Guest,
    /// Their account is of another company now (security case 31).
    Stranger,
    /// Their account is an app's now (security case 30).
    App,
    /// Their account is deactivated (security case 31).
    Gone,
    /// The policy changed.
    Policy,
    /// Its time is over.
    Expired,
    /// The branch moved (security case 25).
    Head,
    /// The tag of the image moved (security case 28).
    Image,
    /// The deployment would change files in another way than was shown.
    Edits,
    /// The fix goes on top of another base (security case 26).
    Base,
    /// The pull request goes into another branch (security case 26).
    Retargeted,
    /// They pushed to the branch (security case 23).
    Pushed,
    /// They are one of the contributors who were not known (security case 94).
    Identified,
}

/// The intent to deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployIntent {
    /// Its natural key.
    pub key: DeployKey,
    /// Where to.
    pub environment: Environment,
    /// Which commit.
    pub commit: CommitId,
    /// Which image, when images are deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// What ran there before, as far as known.
    pub previous: Option<CommitId>,
    /// Whose votes it rests on.
    pub votes: BTreeSet<PersonId>,
    /// Who broke the glass that stands in for the votes that are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<PersonId>,
    /// Whether it puts back what ran before.
    pub rollback: bool,
    /// Why, when it is a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whose changes a rollback takes away beside those of this run.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub removes: BTreeSet<PersonId>,
}

/// What to do when production changed under a run (APPLY-16, APPLY-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftChoice {
    /// Put the fixes on top of what runs now.
    Rebase,
    /// Let the fix go out with the regular release, as a normal change.
    Roll,
    /// Give the run up.
    Abort,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It went from the first word to the last step.
    Completed,
    /// The fix went into the regular release.
    RolledIn,
    /// A release that has the fix took its place (HOCS-34).
    Superseded,
    /// Production was put back to what it ran before (HOCS-37).
    Reverted,
    /// It never began.
    Refused,
    /// It was given up.
    Aborted,
}
