//! The state of one run: its progress through the plan and the evidence gathered so far. It is built only by
//! replaying the run's events ([`evolve`](super::evolve::evolve)), and is the input of
//! [`decide`](super::decide::decide) and the views.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::deploy::Edits;
use hotfix_adapters::forge::{Containment, PullNumber};
use hotfix_adapters::ids::{BranchName, CommitId, DeployKey, Digest, Environment, MessageRef, PersonRef};
use hotfix_adapters::registry::Published;
use jiff::Timestamp;

use super::attribution::{Attribution, Identified};
use super::break_glass::BreakGlassUse;
use super::effect::Effect;
use super::event::{
    CommitCounts, Contribution, Contributor, DeployIntent, Ending, HeadSeen, MainSeen, PullSeen, Snapshot,
    TriageAnswer, Vote,
};
use super::id::{HotfixId, PersonId, StepId};
use super::plan::Plan;
use super::playbook::{Artifact, StepKind, StepSpec};
use super::refusal::Refusal;
use super::service::Approval;
use super::vote_request::VoteRequest;
use super::vote_source::VoteSource;

/// The state of a hotfix run.
#[derive(Debug, Clone, PartialEq)]
pub struct Hotfix {
    /// Number of the run, such as `HF-12`.
    pub id: HotfixId,
    /// Number of events applied so far; the version of the last event.
    pub version: u64,
    /// One-line description of the problem, given by the requester.
    pub title: String,
    /// The user who opened the run.
    pub requester: PersonId,
    /// Time of the opening, UTC.
    pub opened_at: Timestamp,
    /// Incident given at the start, if any.
    pub incident: Option<String>,
    /// Ticket given at the start, if any.
    pub ticket: Option<String>,
    /// The parameters of `start`, as typed.
    pub asked: Requested,
    /// The plan, fixed at the start.
    pub plan: Plan,
    /// Hex digest of the plan, cached from [`Plan::digest`].
    pub plan_digest: String,
    /// Phase of the run: reading the snapshot, underway or ended.
    pub phase: Phase,
    /// State of each step, parallel to the steps of the plan.
    pub steps: Vec<StepState>,
    /// The remote state at the start; `None` until it was read.
    pub snapshot: Option<Snapshot>,
    /// The last reading of main or of the merge to be released; `None` until the snapshot.
    pub main_seen: Option<MainSeen>,
    /// The last reading of an earlier commit of main that had checks. A merge must have the same checks
    /// (security case 92).
    pub main_before: Option<MainSeen>,
    /// Reported problems of completed steps whose evidence changed after the act that relied on them had begun,
    /// keyed by step.
    pub outdated: BTreeMap<StepId, String>,
    /// The commit that the branch starts from; `None` until it is determined. A rebase replaces it.
    pub base: Option<CommitId>,
    /// The run's card in the service's channel; `None` until the announcement.
    pub card: Option<MessageRef>,
    /// State of the branch that carries the fix.
    pub branch: BranchState,
    /// `true` while the branch is missing on the forge although the run needs it.
    pub branch_gone: bool,
    /// `true` if the branch was merged into main although the plan only picks from main (SRE-X1).
    pub branch_merged: bool,
    /// State of the integration branch; stays `Absent` if the pull request goes into main.
    pub into: BranchState,
    /// The pinned commit to promote; `None` for plans that do not promote.
    pub target: Option<CommitId>,
    /// Answers to the triage questions, keyed by question index (from 0).
    pub triage: BTreeMap<usize, TriageAnswer>,
    /// The users who agreed, keyed by agreement step.
    pub agreed: BTreeMap<StepId, BTreeSet<PersonId>>,
    /// Path of the file that configures image builds for the branch; `None` until it was found.
    pub build_job: Option<String>,
    /// The requested fixes that were found on main.
    pub on_main: BTreeSet<CommitId>,
    /// The commit with the fix that each environment was found to run, whether this run or others deployed it.
    pub reached: BTreeMap<Environment, CommitId>,
    /// Commit counts behind the versions of an operator; `None` until counted and for other services.
    pub counts: Option<CommitCounts>,
    /// `true` if the version order was ever violated. Then an extra commit on the branch may be there only to fix the
    /// order (SRE-11).
    pub order_broken: bool,
    /// The pinned image; `None` until it was found and after its tag moved.
    pub image: Option<PinnedImage>,
    /// Tags of the deployable commit that were rejected, each with the reason; empty once the image is found.
    pub passed_over: Vec<String>,
    /// The last computed file changes of the pending deployment, keyed by environment.
    pub edits: BTreeMap<Environment, Edits>,
    /// The pull request that merges the fix back to main, if the plan opens a separate one.
    pub return_pull: Option<PullNumber>,
    /// The last push to the live hotfix branch: the new tip, or `Some(None)` if the branch is gone. `None` while it is
    /// at the deployed commit.
    pub live_moved: Option<Option<CommitId>>,
    /// Status notes of open deployments, keyed by deployment: the note of the mechanism, or the instructions of a
    /// manual deployment.
    pub notes: BTreeMap<DeployKey, String>,
    /// The last reading of the branch; `None` until the branch exists.
    pub head: Option<HeadSeen>,
    /// The requested fixes, in pick order.
    pub fixes: Vec<Fix>,
    /// Contributors of each requested fix, determined from its source and keyed by it. Entries of removed fixes remain.
    pub attributions: BTreeMap<CommitId, Attribution>,
    /// Captains' statements about unknown contributors, keyed by git address or account.
    pub identified: BTreeMap<PersonRef, Identified>,
    /// The requested fixes that main reverted, keyed by source commit.
    pub reverted: BTreeMap<CommitId, Reverted>,
    /// Later starts that joined this run: user and title.
    pub joined: BTreeSet<(PersonId, String)>,
    /// The pull request of the fix; `None` until it was opened.
    pub pull: Option<Pull>,
    /// The current vote request of each environment.
    pub vote_requests: BTreeMap<Environment, VoteRequest>,
    /// Closed vote requests, oldest first: replaced, timed out, or about a commit that no longer ships.
    pub past_vote_requests: Vec<(Environment, VoteRequest)>,
    /// Approval rules in force, only for environments where the policy became stricter than the plan.
    pub approvals: BTreeMap<Environment, Approval>,
    /// The votes that were neither withdrawn nor invalidated; at most one per person and environment.
    pub votes: Vec<Vote>,
    /// The rejections that were not withdrawn, keyed by environment and person.
    pub rejections: BTreeMap<(Environment, PersonId), Rejection>,
    /// The uses of break-glass, oldest first.
    pub break_glass: Vec<BreakGlassUse>,
    /// Number of reminders sent about a missing countersign.
    pub countersign_reminders: u32,
    /// Active holds: the reason, keyed by the user who set the hold.
    pub holds: BTreeMap<PersonId, String>,
    /// The last attestation of each person, keyed by place and person.
    pub attestations: BTreeMap<(String, PersonId), Attestation>,
    /// The requested deployment whose preconditions are being read; `None` otherwise.
    pub requested_deploy: Option<RequestedDeploy>,
    /// The deployable commit that was rolled back from production. The bot does not request votes for it
    /// again until `retry`.
    pub rolled_back: Option<CommitId>,
    /// All deployments of this run, oldest first; rollbacks included.
    pub deploys: Vec<Deployment>,
    /// Override requests that wait for a second person: requester, reason and incident, keyed by step.
    pub override_requested: BTreeMap<StepId, (PersonId, String, String)>,
    /// `true` if the fix ships with the regular release instead of this run's deployments.
    pub rolled_in: bool,
    /// Per production environment: the newer release with the fix that others deployed there.
    pub superseded: BTreeMap<Environment, CommitId>,
    /// Unresolved drifts, keyed by production environment.
    pub drifts: BTreeMap<Environment, Drift>,
    /// Per environment: the externally deployed commit that is accepted there, because the run was rebased onto it,
    /// rolled in or abandoned. It is the expected running commit until this run's next deployment.
    pub rebased_onto: BTreeMap<Environment, CommitId>,
    /// The base that the commits on the branch were made on, while a rebase is in progress; `None` otherwise.
    pub rebase_from: Option<CommitId>,
    /// Paths of the files that conflict in a rebase, which a user has to do by hand; `None` otherwise.
    pub rebase_conflict: Option<Vec<String>>,
    /// State of the merge back to main.
    pub mainline: Mainline,
    /// The commit that rewrote the fix's lines on main, and the tip of main then. Reported once per run.
    pub rewritten: Option<(CommitId, CommitId)>,
    /// Number of reminders sent, keyed by step; an entry is removed when its step is done.
    pub reminders: BTreeMap<StepId, u32>,
    /// Time of the first successful deployment to production, UTC.
    pub live_at: Option<Timestamp>,
    /// Effects that a remote system rejected permanently, oldest first. A user fixes the cause and runs `retry`.
    pub stuck: Vec<Stuck>,
    /// The captain who asked to abandon the run while a deployment may still be running, and the reason.
    pub abandon_requested: Option<(PersonId, String)>,
    /// Details of the abandonment. An abandoned run only waits for its obligations.
    pub abandoned: Option<Abandoned>,
    /// `true` if the lanes were released before the end of the run.
    pub lane_released: bool,
    /// The post-mortem: its address, or `Some(None)` if the bot's own timeline is enough; `None` until it is filed.
    pub postmortem: Option<Option<String>>,
    /// The included changes, capped; `None` until they were determined and after the deployable commit changed.
    pub included_changes: Option<Vec<Contribution>>,
    /// Number of included changes, including those not listed.
    pub included_changes_total: usize,
    /// The users who acknowledged the announcement.
    pub acknowledged: BTreeSet<PersonId>,
}

/// The parameters of `start`, as typed by the requester.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requested {
    /// Fixes to pick: commits, branches or pull requests.
    pub fixes: Vec<String>,
    /// The base (`--from`); `None` to derive it from production.
    pub from: Option<String>,
    /// The commit to promote; `None` for the tip of main.
    pub target: Option<String>,
    /// The schema commit to promote first, if any.
    pub schema: Option<CommitId>,
}

/// An image that is pinned for a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedImage {
    /// The commit that the image was built from.
    pub commit: CommitId,
    /// The image with its reference and digest.
    pub published: Published,
}

/// The phase of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The snapshot is being read. Nothing was changed outside.
    ReadingWorld,
    /// The snapshot was read and the run was accepted.
    Underway,
    /// The run is over. Only notes are accepted.
    Ended {
        /// Outcome of the run.
        ending: Ending,
        /// Time of the end, UTC.
        at: Timestamp,
        /// All reasons of a refused run; otherwise empty.
        refusals: Vec<Refusal>,
    },
}

/// The state of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// A step before it is not complete.
    Ahead,
    /// The step is the current one.
    Current {
        /// Time it became current, UTC.
        since: Timestamp,
    },
    /// The step is optional and available; the run does not wait for it.
    Offered {
        /// Time it became available, UTC.
        since: Timestamp,
    },
    /// The step was completed.
    Done {
        /// Time of completion, UTC.
        at: Timestamp,
        /// The evidence in plain text.
        evidence: String,
    },
    /// The step was skipped, or overridden by two people.
    Skipped {
        /// The user who skipped it or confirmed the override; `None` when it was skipped automatically.
        by: Option<PersonId>,
        /// Reason in plain text.
        reason: String,
    },
}

impl StepState {
    /// Returns `true` if the run does not wait for the step: it is done, skipped or optional.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        match self {
            Self::Offered { .. } | Self::Done { .. } | Self::Skipped { .. } => true,
            Self::Ahead | Self::Current { .. } => false,
        }
    }
}

/// The state of a branch of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchState {
    /// Not created yet.
    Absent,
    /// Created by the run.
    Present,
    /// Deleted by the bot after the merge back.
    Deleted,
}

/// A requested fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The commit, as requested.
    pub source: CommitId,
    /// Progress of the pick.
    pub state: FixState,
}

/// The state of a requested fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixState {
    /// The pick is pending.
    Waiting,
    /// On the branch, by a pick or from the start.
    Picked,
    /// The pick conflicts in these files.
    Conflicted(Vec<String>),
    /// A user resolved the conflict with a commit of their own.
    Adapted,
    /// The removal from the branch is pending.
    Leaving,
}

/// A revert of a requested fix on main.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted {
    /// The revert commit.
    pub by: Contribution,
    /// Reason given in the message of the revert.
    pub why: String,
    /// The user who confirmed that the fix ships anyway; `None` until then.
    pub confirmed: Option<PersonId>,
}

/// The pull request of the fix.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    /// Number of the pull request on the forge.
    pub number: PullNumber,
    /// Author of the pull request; `None` when the bot opened it.
    pub author: Option<Contributor>,
    /// Web page of the pull request; `None` when the forge reports none.
    pub url: Option<String>,
    /// The last reading of reviews, checks and state.
    pub seen: PullSeen,
    /// The resulting commit on the target branch; `None` until it is merged.
    pub merged: Option<CommitId>,
}

/// A rejection: it blocks a deployment until its author withdraws it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Reason given by the author.
    pub reason: String,
    /// Source of the rejection: a command, a button or a reaction.
    pub source: VoteSource,
    /// The message that carries the reaction; `None` for other sources.
    pub on: Option<MessageRef>,
}

/// An attestation: a person's verdict on what they verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The attesting person.
    pub person: PersonId,
    /// The verified commit.
    pub commit: CommitId,
    /// Digest of the verified image; `None` where no images are deployed (HOCS-31).
    pub image: Option<Digest>,
    /// `true` if it works.
    pub pass: bool,
    /// Time of the attestation, UTC.
    pub at: Timestamp,
}

/// A requested deployment whose preconditions are being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedDeploy {
    /// Target environment.
    pub environment: Environment,
    /// The commit to deploy.
    pub commit: CommitId,
    /// `true` for a rollback.
    pub rollback: bool,
    /// `true` if the user typed the commit of a rollback.
    pub typed: bool,
    /// Reason for a rollback; `None` for other deployments.
    pub reason: Option<String>,
    /// The user who requested it; `None` for a deployment that the plan starts automatically.
    pub by: Option<PersonId>,
}

/// A deployment of this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The recorded intent.
    pub intent: DeployIntent,
    /// Progress or outcome of the deployment.
    pub state: DeployState,
    /// The user who requested it; `None` for a deployment that the plan started automatically.
    pub asked_by: Option<PersonId>,
    /// Time of the start, UTC.
    pub at: Timestamp,
    /// Time its declaration was merged, UTC; `None` unless another system rolls it out.
    pub merged_at: Option<Timestamp>,
    /// The user who reported the outcome; `None` when the bot observed it.
    pub confirmed_by: Option<PersonId>,
}

/// The state of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployState {
    /// The mechanism is performing it.
    Running,
    /// Its declaration is merged, and another system rolls it out.
    RollingOut,
    /// A user performs it, or has to report its outcome.
    AwaitingConfirmation,
    /// It succeeded.
    Succeeded,
    /// It failed, with the reason.
    Failed(String),
}

impl DeployState {
    /// Returns `true` if the outcome is still open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Running | Self::RollingOut | Self::AwaitingConfirmation => true,
            Self::Succeeded | Self::Failed(_) => false,
        }
    }
}

/// A drift: a production environment runs an unexpected commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The commit that it should run.
    pub expected: CommitId,
    /// The commit that it runs.
    pub found: CommitId,
}

/// The state of the merge back to main.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mainline {
    /// The fix was not found on main yet.
    NotMerged,
    /// The fix is on main: the kind of proof, and the tip of main then.
    Merged(Containment, CommitId),
    /// The fix was on main and was removed by this commit.
    Reverted(CommitId),
    /// A captain waived it.
    Waived {
        /// The captain.
        by: PersonId,
        /// Reason given by the captain.
        reason: String,
    },
}

/// An effect that a remote system rejected permanently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The rejected effect.
    pub effect: Effect,
    /// Reason and next step, in plain text.
    pub reason: String,
    /// The requested deployment, if the effect was to read its preconditions; `retry` requests it again.
    pub asked: Option<RequestedDeploy>,
}

/// Details of an abandonment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// The user who abandoned the run; of two people, the one who confirmed.
    pub by: PersonId,
    /// The captain who asked first; `None` when no second person was needed.
    pub asked_by: Option<PersonId>,
    /// Reason given for the abandonment.
    pub reason: String,
    /// Keys of the deployments that were recorded as open at that time.
    pub believed: BTreeSet<DeployKey>,
}

impl Hotfix {
    /// Returns `true` if the run holds its lanes.
    #[must_use]
    pub fn holds_lanes(&self) -> bool {
        !self.is_over() && !self.lane_released
    }

    /// Returns `true` if no remaining step needs the lanes: the fix is on main, and the deployment, verification
    /// and monitoring of every production environment are behind the run. The remaining steps may overlap with the
    /// next run (APPLY-X4).
    #[must_use]
    pub fn is_done_with_lanes(&self) -> bool {
        let quiet = self.requested_deploy.is_none()
            && self.drifts.is_empty()
            && self.deploys.iter().all(|d| !d.state.is_open());
        let mut steps = self.plan.steps.iter().zip(&self.steps);
        let goes_back = self.plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::Mainline { .. }));
        let beside = |kind: &StepKind| matches!(kind, StepKind::Postmortem { .. } | StepKind::Expire);
        quiet
            && (self.is_settled_on_main() || !goes_back)
            && steps.all(|(spec, step)| step.is_behind() || beside(&spec.kind))
    }

    /// Returns `true` if the fix is on main or the merge back was waived.
    #[must_use]
    pub fn is_settled_on_main(&self) -> bool {
        matches!(self.mainline, Mainline::Merged(..) | Mainline::Waived { .. })
    }

    /// Returns `true` if production has, or may have, a fix that is not known to be on main. The next release would
    /// lose it.
    #[must_use]
    pub fn owes_mainline(&self) -> bool {
        let abandoned = |key| self.abandoned.as_ref().is_some_and(|abandoned| abandoned.believed.contains(key));
        let may_be_live = self.deploys.iter().map(|deploy| &deploy.intent).any(|intent| {
            abandoned(&intent.key) && !intent.rollback && self.plan.reaches_production(&intent.environment)
        });
        (self.is_live() || may_be_live) && !self.is_settled_on_main()
    }

    /// Returns `true` if the run ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// Returns the current step with its index: the first step that is not behind the run.
    #[must_use]
    pub fn current(&self) -> Option<(usize, &StepSpec)> {
        let at = self.steps.iter().position(|state| !state.is_behind())?;
        self.plan.steps.get(at).map(|spec| (at, spec))
    }

    /// Returns the state of a step; `None` if the plan has no such step.
    #[must_use]
    pub fn state_of(&self, step: &StepId) -> Option<&StepState> {
        self.plan.position(step).and_then(|at| self.steps.get(at))
    }

    /// Returns the deployable commit: the target of a promotion, the merge if the plan merges first, else the head of
    /// the branch.
    #[must_use]
    pub fn deployable(&self) -> Option<&CommitId> {
        if self.plan.is_promotion() {
            return self.target.as_ref();
        }
        if self.plan.merges_first() {
            return self.pull.as_ref().and_then(|pull| pull.merged.as_ref());
        }
        self.head.as_ref().map(|head| &head.tip)
    }

    /// Returns the commit to deploy to an environment: the deployable commit, or the schema commit where the plan
    /// deploys schemas.
    #[must_use]
    pub fn deployable_to(&self, environment: &Environment) -> Option<&CommitId> {
        let schema = |spec: &StepSpec| matches!(&spec.kind, StepKind::Deploy { environment: e, what: Artifact::Schema, .. } if e == environment);
        if self.plan.steps.iter().any(schema) { self.asked.schema.as_ref() } else { self.deployable() }
    }

    /// Returns the digest of the pinned image if it belongs to the deployable commit.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.image
            .as_ref()
            .filter(|pinned| Some(&pinned.commit) == self.deployable())
            .map(|pinned| &pinned.published.image.digest)
    }

    /// Returns `true` if the environment's deployment step is not behind and no deployment to it is open.
    #[must_use]
    pub fn awaits_deploy(&self, environment: &Environment) -> bool {
        let begun = self.last_deploy(environment).is_some_and(|deploy| deploy.state.is_open());
        !begun
            && self.plan.steps.iter().zip(&self.steps).any(|(spec, at)| {
                matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment) && !at.is_behind()
            })
    }

    /// Returns `true` if an intent deploys what ships: the same commit and the same pinned image (HOCS-15).
    #[must_use]
    pub fn is_deployable(&self, intent: &DeployIntent) -> bool {
        let same_image = match (self.digest(), &intent.image) {
            (Some(pinned), Some(image)) => pinned == &image.digest,
            (Some(_) | None, _) => true,
        };
        Some(&intent.commit) == self.deployable_to(&intent.environment) && same_image
    }

    /// Returns the digest of the image that this run last deployed to an environment; `None` if it deployed none.
    #[must_use]
    pub fn image_in(&self, environment: &Environment) -> Option<&Digest> {
        let there =
            |deploy: &&Deployment| &deploy.intent.environment == environment && deploy.state == DeployState::Succeeded;
        self.deploys.iter().rev().find(there)?.intent.image.as_ref().map(|image| &image.digest)
    }

    /// Returns `true` if the branch has at least one commit and all requested fixes are on it.
    #[must_use]
    pub fn has_change(&self) -> bool {
        let all_in = self.fixes.iter().all(|fix| matches!(fix.state, FixState::Picked | FixState::Adapted));
        all_in && self.head.as_ref().is_some_and(|head| head.total > 0)
    }

    /// Returns the fixes that main reverted and that no user has confirmed.
    pub fn unconfirmed(&self) -> impl Iterator<Item = (&CommitId, &Reverted)> {
        self.reverted.iter().filter(|(_, reverted)| reverted.confirmed.is_none())
    }

    /// Returns the most recent deployment to an environment, in any state.
    #[must_use]
    pub fn last_deploy(&self, environment: &Environment) -> Option<&Deployment> {
        self.deploys.iter().rev().find(|deploy| &deploy.intent.environment == environment)
    }

    /// Returns `true` if a deployment of what ships is open or succeeded. A failed deployment counts as not begun: it
    /// is retried, and its preconditions are checked again.
    #[must_use]
    pub fn has_begun(&self, environment: &Environment) -> bool {
        let stands = |deploy: &&Deployment| !matches!(deploy.state, DeployState::Failed(_));
        self.last_deploy(environment).filter(stands).is_some_and(|deploy| self.is_deployable(&deploy.intent))
    }

    /// Returns the deployment with this key.
    #[must_use]
    pub fn deploy(&self, key: &DeployKey) -> Option<&Deployment> {
        self.deploys.iter().find(|deploy| &deploy.intent.key == key)
    }

    /// Returns the commit that this run last deployed to an environment successfully.
    #[must_use]
    pub fn deployed(&self, environment: &Environment) -> Option<&CommitId> {
        let last = self
            .deploys
            .iter()
            .rev()
            .find(|deploy| &deploy.intent.environment == environment && deploy.state == DeployState::Succeeded)?;
        Some(&last.intent.commit)
    }

    /// Returns `true` if production runs the fix because this run deployed it. Aborting would leave it there.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.plan.productions().any(|production| self.is_live_in(&production.name))
    }

    /// Returns `true` if this production environment runs the fix because this run deployed it.
    #[must_use]
    pub fn is_live_in(&self, production: &Environment) -> bool {
        self.deploys
            .iter()
            .rev()
            .find(|deploy| &deploy.intent.environment == production && deploy.state == DeployState::Succeeded)
            .is_some_and(|deploy| !deploy.intent.rollback && self.plan.reaches_production(production))
            && !self.rebased_onto.contains_key(production)
    }

    /// Returns `true` if the commit for this environment was rolled back from production. The bot does not request
    /// votes for it again.
    #[must_use]
    pub fn is_taken_back(&self, environment: &Environment) -> bool {
        self.rolled_back.is_some() && self.rolled_back.as_ref() == self.deployable_to(environment)
    }

    /// Returns the commit that an environment ran before this run's first deployment there; `None` if unknown.
    #[must_use]
    pub fn before_this_run(&self, environment: &Environment) -> Option<&CommitId> {
        let first = self.deploys.iter().find(|deploy| &deploy.intent.environment == environment)?;
        first.intent.previous.as_ref()
    }

    /// Returns `true` if the running commit was deployed by this run or is what the run started from. A rollback then
    /// removes no changes of others (security case 99).
    #[must_use]
    pub fn is_ours_in(&self, environment: &Environment, running: &CommitId) -> bool {
        let deployed = self.deploys.iter().map(|deploy| &deploy.intent).filter(|i| &i.environment == environment);
        deployed.into_iter().any(|intent| &intent.commit == running)
            || self.before_this_run(environment) == Some(running)
            || self.base.as_ref() == Some(running)
    }

    /// Returns the commit that a production environment should run. `None` while a deployment to it is open, after a
    /// failed one, and for environments that the run does not change.
    #[must_use]
    pub fn expected_in(&self, production: &Environment) -> Option<&CommitId> {
        // A run whose plan ends with the hotfix's expiry still waits for the release that contains the fix.
        let watches = !self.rolled_in || self.plan.expires();
        if !watches || !self.plan.reaches_production(production) {
            return None;
        }
        if let Some(by_others) = self.superseded.get(production).or_else(|| self.rebased_onto.get(production)) {
            return Some(by_others);
        }
        match self.last_deploy(production) {
            Some(deploy) if deploy.state.is_open() => None,
            // A failed deployment may have been applied in full or in part.
            Some(Deployment { state: DeployState::Failed(_), .. }) => None,
            Some(deploy) => Some(&deploy.intent.commit),
            None if self.plan.ships_main() => self.snapshot.as_ref()?.running.as_ref(),
            None => self.ran_before(production).or(self.base.as_ref()),
        }
    }

    /// Returns the commit that a production environment ran at the start. Recorded only if there are several; each is
    /// compared with itself.
    fn ran_before(&self, production: &Environment) -> Option<&CommitId> {
        self.snapshot.as_ref()?.productions.get(production)
    }

    /// Returns `true` if the current step matches the predicate.
    #[must_use]
    pub fn is_current(&self, wanted: impl Fn(&StepKind) -> bool) -> bool {
        self.current().is_some_and(|(_, spec)| wanted(&spec.kind))
    }

    /// Returns the number and the target branch of an unmerged pull request that targets another branch than the plan's
    /// (security case 26).
    #[must_use]
    pub fn wrong_base(&self) -> Option<(PullNumber, &BranchName)> {
        let pull = self.pull.as_ref().filter(|pull| pull.merged.is_none())?;
        pull.seen.astray.as_ref().map(|into| (pull.number, into))
    }
}

#[cfg(test)]
mod tests;
