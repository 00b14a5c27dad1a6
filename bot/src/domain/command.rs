//! What can be asked of a run: by people, by what the bot saw, by what came of its acts, by time.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::deploy::{DeployStatus, Edits};
use hotfix_adapters::forge::{Containment, PullNumber};
use hotfix_adapters::ids::{ChannelRef, CommitId, DeployKey, Digest, Environment, MessageRef};
use hotfix_adapters::registry::{Image, Published};
use jiff::Timestamp;

use super::attribution::Attribution;
use super::effect::Effect;
use super::event::{
    Answer, Contribution, Contributor, Counts, DriftChoice, HeadSeen, MainSeen, PullSeen, Snapshot, VoidReason, Vote,
};
use super::id::{HotfixId, PersonId, StepId};
use super::observation::StampedObservation;
use super::people::Grant;
use super::playbook::BranchRole;
use super::refusal::Refusal;
use super::service::Approval;
use super::vote::CurrentRoles;
use super::vote_source::VoteSource;

/// Something asked of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// By a person whom the policy let.
    User(Grant, UserCommand),
    /// By what the bot saw, and of which run: see [`StampedObservation`].
    Observed(StampedObservation),
    /// By what came of an act of the bot. A late or repeated one changes nothing.
    Finished(EffectResult),
    /// By time: people are to be reminded of this step.
    Timer(StepId),
    /// By time: people are to be reminded that a broken glass waits for a review.
    CountersignTimer,
}

/// Fixes that a person named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fixes {
    /// The commits, each once, in the order in which they are picked.
    pub commits: Vec<CommitId>,
    /// Whether that is another order than the one in which they were named.
    pub reordered: bool,
}

/// What a person can ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCommand {
    /// Pick these commits onto the branch.
    Pick(Fixes),
    /// Take these commits, as they were asked for, out of the run.
    Unpick(Vec<CommitId>),
    /// Bring a second fix into this run.
    Join {
        /// What it is about.
        title: String,
        /// Its commits.
        fixes: Fixes,
    },
    /// Vote yes on what the open prompt shows.
    Approve {
        /// The prompt it was said on; `None` for the verb, which means the newest.
        on: Option<MessageRef>,
        /// How it was said.
        way: VoteSource,
    },
    /// Take a vote or a no back.
    Unapprove {
        /// The message the reaction was on; `None` for the verb.
        on: Option<MessageRef>,
    },
    /// Vote no.
    Reject {
        /// Why.
        reason: String,
        /// The prompt it was said on; `None` for the verb.
        on: Option<MessageRef>,
        /// How it was said.
        way: VoteSource,
    },
    /// I have seen it.
    Acknowledge,
    /// Answer the questions of the triage, by their place.
    Triage(BTreeMap<usize, Answer>),
    /// Agree to what a step asks; `None` for the one whose turn it is.
    Agree(Option<StepId>),
    /// Deploy nothing until I say so.
    Hold(String),
    /// Lift a hold.
    Unhold,
    /// Say what I saw.
    Verify {
        /// `local`, or an environment.
        place: String,
        /// Whether it was good.
        pass: bool,
        /// In their words.
        note: Option<String>,
    },
    /// Deploy there.
    Deploy(Environment),
    /// Put back what ran there before, or this.
    Rollback {
        /// Where.
        environment: Environment,
        /// What, when it was typed.
        to: Option<CommitId>,
        /// Why.
        reason: String,
    },
    /// State who an unknown contributor is.
    Identify {
        /// Their address or account, as it was typed.
        unknown: String,
        /// Who it is, when it is somebody of `people.toml`.
        person: Option<PersonId>,
        /// Who it is, in words.
        words: String,
    },
    /// Leave out a step that may be left out.
    Skip(StepId, String),
    /// Leave out a must; it takes two.
    Override {
        /// The step.
        gate: StepId,
        /// Why.
        reason: String,
        /// The incident.
        incident: String,
    },
    /// Set the votes for one deployment aside, in an emergency.
    BreakGlass {
        /// For which environment.
        environment: Environment,
        /// What would ship, as they typed it.
        commit: String,
        /// Why it cannot wait.
        reason: String,
        /// The incident.
        incident: String,
        /// Where it is told beside the channel of the service.
        audit: ChannelRef,
    },
    /// Say, as somebody who was not involved, whether it was right to break the glass.
    Countersign {
        /// Whether it was.
        ok: bool,
        /// In their words.
        note: Option<String>,
    },
    /// Try again what did not work.
    Retry,
    /// Give up.
    Abort(String),
    /// End the run in whatever state it is.
    Abandon {
        /// Why.
        reason: String,
        /// Which of its open deployments are not known to have ended.
        under_way: BTreeSet<DeployKey>,
    },
    /// Answer a drift.
    Drift(DriftChoice),
    /// Give up bringing the fix to main.
    WaiveMergeback(String),
    /// Say that main has the fix although its lines were rewritten.
    ConfirmMergeback(Option<String>),
    /// Write something down.
    Note(String),
    /// Say where the post-mortem is.
    Postmortem(Option<String>),
    /// End it, if every step is behind it.
    Close,
}

/// What the bot saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// The branch; `None` when it is gone.
    Head(Option<HeadSeen>),
    /// The pull request.
    Pull {
        /// Reviews and checks.
        seen: PullSeen,
        /// What main is at by it, if it is merged.
        merged: Option<CommitId>,
    },
    /// Main, or the merge that would be released.
    Main(MainSeen),
    /// A production.
    Production {
        /// Which environment.
        environment: Environment,
        /// What it runs.
        running: CommitId,
        /// Whether that contains the fix.
        has_fix: bool,
        /// What it has and the expected has not.
        brings: Vec<Contribution>,
        /// How many changes those are in all.
        total: usize,
    },
    /// The file that builds images names the hotfix branch.
    Job {
        /// The file.
        file: String,
    },
    /// Which of the fixes are on main.
    OnMain(BTreeSet<CommitId>),
    /// An environment, which runs something that has the fix.
    Reached {
        /// Which one.
        environment: Environment,
        /// What it runs.
        commit: CommitId,
    },
    /// What main holds and the run does not ship.
    HeldBack {
        /// On top of this base.
        base: CommitId,
        /// Without these fixes.
        without: BTreeSet<CommitId>,
        /// The changes.
        changes: Vec<Contribution>,
        /// How many there are in all.
        total: usize,
    },
    /// The commits behind the versions.
    Counts(Counts),
    /// The image of what ships.
    Image {
        /// Of which commit.
        commit: CommitId,
        /// The image.
        published: Published,
        /// By which pattern it was found.
        by: String,
    },
    /// The images that have a tag of what ships and are not built of it.
    ImagesPassedOver {
        /// The commit that ships.
        commit: CommitId,
        /// Each tag with the reason; empty when there is no such image.
        why: Vec<String>,
    },
    /// The changes of files that the deployment of what ships would make.
    Edits {
        /// To which environment.
        environment: Environment,
        /// The diff for people to read, and the digest that votes are bound to.
        edits: Edits,
    },
    /// What the tag of the pinned image names now.
    Tag(Option<Digest>),
    /// The live hotfix branch.
    LiveBranch(Option<CommitId>),
    /// The rules by which votes count.
    Rules {
        /// The version of the policy.
        policy_version: String,
        /// The roles that the voters have now; somebody who left is not among them.
        roles: CurrentRoles,
        /// Whose word the policy asks for now, for each environment of the plan.
        approvals: BTreeMap<Environment, Approval>,
    },
    /// Main reverted a fix that was asked for.
    FixReverted {
        /// The fix.
        source: CommitId,
        /// The revert.
        by: Contribution,
        /// What it says about why.
        why: String,
    },
    /// Main has a fix again that it had reverted.
    FixBack(CommitId),
    /// The branch was merged into main, by this commit.
    BranchMerged(Contribution),
    /// Main: whether it has the fix.
    Mainline {
        /// Whether, and how that is known.
        how: Containment,
        /// Where main is.
        main: CommitId,
        /// The commit that took it out or rewrote it, if one did.
        by: Option<Contribution>,
    },
}

/// What came of an act of the bot.
#[derive(Debug, Clone, PartialEq)]
pub enum EffectResult {
    /// The world was read.
    SnapshotTaken(Box<Snapshot>),
    /// The team was told.
    Announced {
        /// The card.
        message: MessageRef,
        /// Who could read it.
        reached: BTreeSet<PersonId>,
        /// Who could not.
        missed: BTreeSet<PersonId>,
    },
    /// A branch exists.
    BranchCreated {
        /// Which one.
        which: BranchRole,
        /// Where.
        at: CommitId,
    },
    /// A pick was tried.
    Picked {
        /// Which commit.
        source: CommitId,
        /// The people behind it.
        by: Box<Attribution>,
        /// What came of it.
        result: PickResult,
    },
    /// A fix was to be taken off the branch.
    Unpicked {
        /// The commit that was asked for.
        source: CommitId,
        /// What is on the branch now, or the files in the way.
        result: Result<HeadSeen, Vec<String>>,
    },
    /// The pull request is there.
    PullOpened {
        /// Its number.
        number: PullNumber,
        /// Who opened it, unless it was the bot.
        author: Option<Contributor>,
        /// Where it can be seen.
        url: Option<String>,
    },
    /// The pull request into main is there.
    ReturnOpened {
        /// Its number.
        number: PullNumber,
        /// Where it can be seen.
        url: Option<String>,
    },
    /// People were asked.
    VoteRequested {
        /// For which environment.
        environment: Environment,
        /// For which commit.
        commit: CommitId,
        /// By which message.
        message: MessageRef,
    },
    /// The audit channel knows that the glass was broken.
    BreakGlassAnnounced {
        /// The version of the event that says so.
        version: u64,
        /// The message there.
        message: MessageRef,
    },
    /// The facts a deployment rests on were read again.
    DeployChecked {
        /// Where to.
        environment: Environment,
        /// Which commit.
        commit: CommitId,
        /// The key it will go by.
        key: DeployKey,
        /// The facts.
        facts: Box<DeployFacts>,
    },
    /// A deployment is a person's to do.
    DeployByHand {
        /// Its key.
        key: DeployKey,
        /// How it is done, with everything filled in; `None` when the mechanism does not say.
        instructions: Option<String>,
    },
    /// How a deployment stands.
    DeployStatus {
        /// Its key.
        key: DeployKey,
        /// How it stands.
        status: DeployStatus,
    },
    /// The fixes are on top of the new base.
    Rebased(Rebased),
    /// The pull request is merged.
    Merged {
        /// Its number.
        number: PullNumber,
        /// What main is at by it.
        commit: CommitId,
    },
    /// What else goes out.
    IncludedChanges {
        /// The commits of others.
        riders: Vec<Contribution>,
        /// How many in all.
        total: usize,
    },
    /// The branch is deleted.
    BranchDeleted,
    /// The branch that somebody deleted is back.
    BranchRestored {
        /// Where.
        at: CommitId,
    },
    /// It was done, and there is nothing to keep of it.
    Nothing,
    /// The other side refused; a person has to change something.
    Refused {
        /// What was tried.
        effect: Effect,
        /// Why, and what next.
        reason: String,
    },
}

/// What came of a pick.
#[derive(Debug, Clone, PartialEq)]
pub enum PickResult {
    /// It is on the branch now.
    Done {
        /// As this commit.
        commit: CommitId,
        /// What is on the branch now.
        head: HeadSeen,
    },
    /// It was there before.
    AlreadyThere,
    /// The commit changes nothing at all.
    Empty,
    /// It does not apply.
    Conflict {
        /// The files in the way.
        files: Vec<String>,
    },
    /// Main reverted it, so a person is asked first.
    Reverted {
        /// The revert.
        by: Contribution,
        /// What it says about why.
        why: String,
    },
}

/// What came of a rebase.
#[derive(Debug, Clone, PartialEq)]
pub enum Rebased {
    /// The branch holds this now.
    Done(HeadSeen),
    /// It does not apply.
    Conflict(Vec<String>),
}

/// A pull request as it was read in the moment before an act.
#[derive(Debug, Clone, PartialEq)]
pub struct PullFacts {
    /// Reviews, checks and marks.
    pub seen: PullSeen,
    /// What main is at by it, if it is merged.
    pub merged: Option<CommitId>,
}

/// The facts a deployment rests on, read in the moment before it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeployFacts {
    /// Where the branch is; `None` when it is gone or could not be read.
    pub tip: Option<CommitId>,
    /// What the environment runs; `None` when the mechanism cannot tell.
    pub running: Option<CommitId>,
    /// What a rollback would take away of others, when what runs is neither this run's nor what it started from.
    pub removal: Option<Removal>,
    /// What the tag of the pinned image names now; `None` when no image is pinned, or the tag is gone.
    pub image: Option<Digest>,
    /// The image of a commit that a rollback puts back, as far as an earlier deployment or the registry names it.
    pub earlier_image: Option<Image>,
    /// The freeze of deployments that holds, if one does.
    pub freeze: Option<Frozen>,
    /// The version of the policy now.
    pub policy_version: String,
    /// The roles that the voters have now; somebody who left is not among them.
    pub standing: CurrentRoles,
    /// The votes that were there when the facts were read. A later vote was not looked at, so it is left alone (security case
    /// 95).
    pub judged: Vec<Vote>,
    /// Whose vote the chat does not bear out any more, and why: the reaction is gone, or the account is no member's.
    pub lapsed: BTreeMap<PersonId, VoidReason>,
    /// Who is listed now among those who may break the glass.
    pub glass: BTreeSet<PersonId>,
    /// The pull request, read anew; `None` when there is none to be merged.
    pub pull: Option<Box<PullFacts>>,
    /// What a release from main rests on, read anew.
    pub main: Option<Box<MainSeen>>,
    /// Who approves exactly the head on the forge, where votes have to be backed by that.
    pub reviewed: BTreeSet<PersonId>,
    /// Who pushed to the branch and is not known.
    pub strangers: BTreeSet<Contributor>,
}

/// A freeze of deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Why, in words.
    pub reason: String,
    /// What ends it.
    pub end: Thaw,
}

impl Frozen {
    /// The refusal of a deployment because of it.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let next = match &self.end {
            Thaw::Word(what) => format!("An admin can lift it with `unfreeze {what}`."),
            Thaw::Calendar(until) => format!(
                "It stands in the calendar of policy.toml until {}; no command lifts it. A rollback passes it.",
                until.strftime("%Y-%m-%d %H:%M UTC")
            ),
        };
        Refusal::new("freeze", format!("Deployments are frozen: {}", self.reason), next)
    }
}

/// What ends a freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thaw {
    /// Somebody says `unfreeze` with this word.
    Word(String),
    /// The calendar of the policy, at this time.
    Calendar(Timestamp),
}

/// What a rollback would take away of others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removal {
    /// The commits, newest last; empty when they are not known.
    pub commits: Vec<Contribution>,
    /// How many there are in all.
    pub total: usize,
    /// The runs that brought them.
    pub runs: Vec<HotfixId>,
}
