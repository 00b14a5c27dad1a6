//! One run: where it stands in its plan, and the evidence gathered so far. It is made by replaying its events, and only so.

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
    Answer, Contribution, Contributor, Counts, DeployIntent, Ending, HeadSeen, MainSeen, PullSeen, Snapshot, Vote,
};
use super::id::{HotfixId, PersonId, StepId};
use super::plan::Plan;
use super::playbook::{Artifact, StepKind, StepSpec};
use super::refusal::Refusal;
use super::service::Approval;
use super::vote_request::VoteRequest;
use super::vote_source::VoteSource;

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Hotfix {
    /// Its name.
    pub id: HotfixId,
    /// How many events made it.
    pub version: u64,
    /// What it is about.
    pub title: String,
    /// Who opened it.
    pub requester: PersonId,
    /// When.
    pub opened_at: Timestamp,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// The ticket it belongs to.
    pub ticket: Option<String>,
    /// Fixes and base as the requester wrote them.
    pub asked: Asked,
    /// The plan.
    pub plan: Plan,
    /// The digest of the plan, computed once.
    pub plan_digest: String,
    /// Whether it runs, pauses or is over.
    pub phase: Phase,
    /// Where each step of the plan stands, in the plan's order.
    pub steps: Vec<StepState>,
    /// The world as the run found it.
    pub snapshot: Option<Snapshot>,
    /// What a release from main rests on, as last seen.
    pub main_seen: Option<MainSeen>,
    /// The last commit before that with checks, as last seen: a merge has to have those checks as well (security case 92).
    pub main_before: Option<MainSeen>,
    /// What was told of steps whose evidence changed after the act that relied on it had begun.
    pub outdated: BTreeMap<StepId, String>,
    /// Where it branched from.
    pub base: Option<CommitId>,
    /// The card that everything hangs on.
    pub card: Option<MessageRef>,
    /// Whether the branch exists.
    pub branch: BranchState,
    /// Whether somebody deleted the branch while it is needed.
    pub branch_gone: bool,
    /// Whether the branch was merged into main, from where it is only picked (SRE-X1).
    pub branch_merged: bool,
    /// Whether the branch that its pull request goes into exists, when that is not main.
    pub into: BranchState,
    /// What is promoted.
    pub target: Option<CommitId>,
    /// The answers to the questions of the triage, by their place.
    pub triage: BTreeMap<usize, Answer>,
    /// Who agreed to what a step asks.
    pub agreed: BTreeMap<StepId, BTreeSet<PersonId>>,
    /// The file that builds images of the hotfix branch.
    pub build_job: Option<String>,
    /// The fixes that are on main.
    pub on_main: BTreeSet<CommitId>,
    /// What environments run that has the fix, by others' doing.
    pub reached: BTreeMap<Environment, CommitId>,
    /// How many commits lie behind the versions.
    pub counts: Option<Counts>,
    /// Whether the version was out of order once: then a commit of the branch may be there only to mend that (SRE-11).
    pub order_broken: bool,
    /// The image of what ships.
    pub image: Option<Pinned>,
    /// The tags of what ships that name another image, each with the reason; empty once the image is found.
    pub passed_over: Vec<String>,
    /// The changes of files that the deployment of what ships would make, by environment; as they were computed last.
    pub edits: BTreeMap<Environment, Edits>,
    /// The pull request that brings the fix to main, when the first one went elsewhere.
    pub return_pull: Option<PullNumber>,
    /// Where the live hotfix branch was moved to by somebody's push; the last one.
    pub live_moved: Option<Option<CommitId>>,
    /// What deployments over there wait for; of one that a person does, how it is done.
    pub notes: BTreeMap<DeployKey, String>,
    /// What is on the branch.
    pub head: Option<HeadSeen>,
    /// The fixes that were asked for, in order.
    pub fixes: Vec<Fix>,
    /// The people behind each of them, as its source tells.
    pub attributions: BTreeMap<CommitId, Attribution>,
    /// The unknown contributors of whom a captain said who they are.
    pub identified: BTreeMap<PersonRef, Identified>,
    /// The fixes that main reverted, each with the revert.
    pub reverted: BTreeMap<CommitId, Reverted>,
    /// Who brought what else into it, in their words.
    pub joined: BTreeSet<(PersonId, String)>,
    /// The pull request.
    pub pull: Option<Pull>,
    /// The question to the voters, by environment.
    pub vote_requests: BTreeMap<Environment, VoteRequest>,
    /// The questions that are closed, oldest first: another took their place, or what they were about would not ship.
    pub past_vote_requests: Vec<(Environment, VoteRequest)>,
    /// Whose word a deployment takes by now, where the policy became stricter than the plan.
    pub approvals: BTreeMap<Environment, Approval>,
    /// The votes that were not withdrawn or voided.
    pub votes: Vec<Vote>,
    /// The noes that were not withdrawn: who, for where, why.
    pub rejections: BTreeMap<(Environment, PersonId), Rejection>,
    /// The glasses that were broken, oldest first.
    pub break_glass: Vec<BreakGlassUse>,
    /// How often people were reminded to review them.
    pub countersign_reminders: u32,
    /// The holds that were not lifted: who and why.
    pub holds: BTreeMap<PersonId, String>,
    /// The last word of each person on each place.
    pub attestations: BTreeMap<(String, PersonId), Attestation>,
    /// The asked-for deployment, between the question and the act.
    pub asked_deploy: Option<AskedDeploy>,
    /// What was rolled back from production: nobody is asked to vote for it again by the bot itself.
    pub rolled_back: Option<CommitId>,
    /// The deployments of this run, oldest first.
    pub deploys: Vec<Deployment>,
    /// Who asked to override which step, and why.
    pub override_asked: BTreeMap<StepId, (PersonId, String, String)>,
    /// Whether the fix goes out with the regular release, and not by this run.
    pub rolled_in: bool,
    /// The newer releases, containing the fix, that productions run since.
    pub superseded: BTreeMap<Environment, CommitId>,
    /// The productions that changed under the run, until somebody says how to go on.
    pub drifts: BTreeMap<Environment, Drift>,
    /// What others deployed to productions and this run was put on top of: that is expected there until it deploys again.
    pub rebased_onto: BTreeMap<Environment, CommitId>,
    /// The base that the commits on the branch were made on, while they are being put on another one.
    pub rebase_from: Option<CommitId>,
    /// Files in the way of a rebase that a person has to do.
    pub rebase_conflict: Option<Vec<String>>,
    /// Whether the fix is on main.
    pub mainline: Mainline,
    /// What rewrote its lines there, and where main was then: the owner was asked about it, once.
    pub rewritten: Option<(CommitId, CommitId)>,
    /// Who was asked for what, and how often reminded.
    pub reminders: BTreeMap<StepId, u32>,
    /// When production first ran the fix.
    pub live_at: Option<Timestamp>,
    /// What the other side refused for good, oldest first: a person puts it right and says `retry`.
    pub stuck: Vec<Stuck>,
    /// The captain who wants to end the run although a deployment may still be running, and why.
    pub abandon_asked: Option<(PersonId, String)>,
    /// How the run was ended in whatever state it was: from then on it only waits for what it still owes.
    pub abandoned: Option<Abandoned>,
    /// Whether its lanes are free for others although it is not over.
    pub lane_released: bool,
    /// The post-mortem: `Some(None)` when the bot's own is all there is.
    pub postmortem: Option<Option<String>>,
    /// The riders, once they are known.
    pub included_changes: Option<Vec<Contribution>>,
    /// How many riders there are in all, listed or not.
    pub included_changes_total: usize,
    /// Who acknowledged.
    pub acknowledged: BTreeSet<PersonId>,
}

/// What the requester asked for, in their words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The fixes.
    pub fixes: Vec<String>,
    /// The base.
    pub from: Option<String>,
    /// What is promoted.
    pub target: Option<String>,
    /// The commit of the schemas that is promoted first.
    pub schema: Option<CommitId>,
}

/// An image that was found for a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The commit.
    pub commit: CommitId,
    /// The image.
    pub published: Published,
}

/// Whether a run goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The world is being read; nothing was done yet.
    ReadingWorld,
    /// It goes on.
    Underway,
    /// It is over.
    Ended {
        /// How.
        ending: Ending,
        /// When.
        at: Timestamp,
        /// Why it was refused, if it was.
        refusals: Vec<Refusal>,
    },
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// Its turn has not come.
    Ahead,
    /// Its turn is now.
    Current {
        /// Since when.
        since: Timestamp,
    },
    /// It is an option that people may take; nothing waits for it.
    Offered {
        /// Since when.
        since: Timestamp,
    },
    /// It is fulfilled.
    Done {
        /// Since when.
        at: Timestamp,
        /// Why it counts as fulfilled.
        evidence: String,
    },
    /// It was skipped, or overridden by two people.
    Skipped {
        /// By whom; `None` when it lost its point by itself.
        by: Option<PersonId>,
        /// Why.
        reason: String,
    },
}

impl StepState {
    /// Whether the run is past it.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        match self {
            Self::Offered { .. } | Self::Done { .. } | Self::Skipped { .. } => true,
            Self::Ahead | Self::Current { .. } => false,
        }
    }
}

/// The branch that carries the fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchState {
    /// Not there yet.
    Absent,
    /// There.
    Present,
    /// Not needed any more, and deleted.
    Deleted,
}

/// A fix that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The commit that was asked for.
    pub source: CommitId,
    /// What became of it.
    pub state: FixState,
}

/// What became of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixState {
    /// To be picked.
    Waiting,
    /// On the branch, or there before.
    Picked,
    /// Does not apply, because of these files.
    Conflicted(Vec<String>),
    /// A person put it on the branch in their own way.
    Adapted,
    /// To be taken off the branch.
    Leaving,
}

/// A fix that main reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted {
    /// The revert.
    pub by: Contribution,
    /// What it says about why.
    pub why: String,
    /// Who wants the fix shipped all the same.
    pub confirmed: Option<PersonId>,
}

/// The pull request.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    /// Its number.
    pub number: PullNumber,
    /// Who opened it, unless it was the bot.
    pub author: Option<Contributor>,
    /// Where it can be seen.
    pub url: Option<String>,
    /// Its reviews and checks as last seen.
    pub seen: PullSeen,
    /// What main is at by it, once it is merged.
    pub merged: Option<CommitId>,
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub reason: String,
    /// How it was given.
    pub source: VoteSource,
    /// The message that the reaction is on, if it is one.
    pub on: Option<MessageRef>,
}

/// Somebody's word on what they saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Whose.
    pub person: PersonId,
    /// On which commit.
    pub commit: CommitId,
    /// On which image of it, when images are deployed where they looked (HOCS-31).
    pub image: Option<Digest>,
    /// Whether it was good.
    pub pass: bool,
    /// When.
    pub at: Timestamp,
}

/// A deployment that was asked for; its facts are being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedDeploy {
    /// Where to.
    pub environment: Environment,
    /// Which commit.
    pub commit: CommitId,
    /// Whether it puts back what ran before.
    pub rollback: bool,
    /// Whether the commit of a rollback was typed.
    pub typed: bool,
    /// Why, when it is a rollback.
    pub reason: Option<String>,
    /// The person who asked for it; `None` for a deployment that the plan starts by itself.
    pub by: Option<PersonId>,
}

/// A deployment of this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What was meant.
    pub intent: DeployIntent,
    /// How it stands.
    pub state: DeployState,
    /// The person who asked for it; `None` for a deployment that the plan started by itself.
    pub asked_by: Option<PersonId>,
    /// When it began.
    pub at: Timestamp,
    /// When what it declares was merged, if something else rolls it out.
    pub merged_at: Option<Timestamp>,
    /// Whose word says how it ended, when the bot could not see it.
    pub said_by: Option<PersonId>,
}

/// How a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployState {
    /// It runs.
    Running,
    /// What it declares is merged, and rolled out by something else.
    RollingOut,
    /// A person does it, and has to say how it went.
    AwaitingWord,
    /// It ended well.
    Succeeded,
    /// It ended badly.
    Failed(String),
}

impl DeployState {
    /// Whether its outcome is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Running | Self::RollingOut | Self::AwaitingWord => true,
            Self::Succeeded | Self::Failed(_) => false,
        }
    }
}

/// Production changed under the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What it should run.
    pub expected: CommitId,
    /// What it runs.
    pub found: CommitId,
}

/// Whether the fix is on main.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mainline {
    /// It is not known to be.
    NotMerged,
    /// It is, and this is how that is known.
    Merged(Containment, CommitId),
    /// It was, and was taken out again.
    Reverted(CommitId),
    /// A captain gave it up.
    Waived {
        /// Who.
        by: PersonId,
        /// Why.
        reason: String,
    },
}

/// Something the bot could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// What.
    pub effect: Effect,
    /// Why, and what next.
    pub reason: String,
    /// The deployment whose facts could not be read.
    pub asked: Option<AskedDeploy>,
}

/// How a run was abandoned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// By whom; of two people, the one who confirmed it.
    pub by: PersonId,
    /// The captain who asked first, when a second person had to confirm.
    pub asked_by: Option<PersonId>,
    /// Why.
    pub reason: String,
    /// The deployments that were believed to be running.
    pub believed: BTreeSet<DeployKey>,
}

impl Hotfix {
    /// Whether it holds its lanes.
    #[must_use]
    pub fn holds_lanes(&self) -> bool {
        !self.is_over() && !self.lane_released
    }

    /// Whether nothing is left that needs the lanes: the fix is on main, and deployment, verification and monitoring of every
    /// production are behind the run. What may be left is done beside the next run (APPLY-X4).
    #[must_use]
    pub fn is_done_with_lanes(&self) -> bool {
        let quiet =
            self.asked_deploy.is_none() && self.drifts.is_empty() && self.deploys.iter().all(|d| !d.state.is_open());
        let mut steps = self.plan.steps.iter().zip(&self.steps);
        let goes_back = self.plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::Mainline { .. }));
        let beside = |kind: &StepKind| matches!(kind, StepKind::Postmortem { .. } | StepKind::Expire);
        quiet
            && (self.is_settled_on_main() || !goes_back)
            && steps.all(|(spec, step)| step.is_behind() || beside(&spec.kind))
    }

    /// Whether the fix is on main, or need not be any more.
    #[must_use]
    pub fn is_settled_on_main(&self) -> bool {
        matches!(self.mainline, Mainline::Merged(..) | Mainline::Waived { .. })
    }

    /// Whether production has the fix, or may have it, while main is not known to have it: the next release would lose it.
    #[must_use]
    pub fn owes_mainline(&self) -> bool {
        let abandoned = |key| self.abandoned.as_ref().is_some_and(|abandoned| abandoned.believed.contains(key));
        let may_be_live = self.deploys.iter().map(|deploy| &deploy.intent).any(|intent| {
            abandoned(&intent.key) && !intent.rollback && self.plan.reaches_production(&intent.environment)
        });
        (self.is_live() || may_be_live) && !self.is_settled_on_main()
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// The step whose turn it is: the first that the run is not past.
    #[must_use]
    pub fn current(&self) -> Option<(usize, &StepSpec)> {
        let at = self.steps.iter().position(|state| !state.is_behind())?;
        self.plan.steps.get(at).map(|spec| (at, spec))
    }

    /// Where a step stands.
    #[must_use]
    pub fn state_of(&self, step: &StepId) -> Option<&StepState> {
        self.plan.position(step).and_then(|at| self.steps.get(at))
    }

    /// The commit that is to be deployed: what is promoted, the merge when the plan merges first, else the head of the
    /// branch.
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

    /// The commit that is to be deployed to an environment: what ships, or the schemas that it depends on.
    #[must_use]
    pub fn deployable_to(&self, environment: &Environment) -> Option<&CommitId> {
        let schema = |spec: &StepSpec| matches!(&spec.kind, StepKind::Deploy { environment: e, what: Artifact::Schema, .. } if e == environment);
        if self.plan.steps.iter().any(schema) { self.asked.schema.as_ref() } else { self.deployable() }
    }

    /// The digest of the image of what ships, once it is found.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.image
            .as_ref()
            .filter(|pinned| Some(&pinned.commit) == self.deployable())
            .map(|pinned| &pinned.published.image.digest)
    }

    /// Returns whether what ships to an environment is still to be deployed there, and no deployment to it is open.
    #[must_use]
    pub fn awaits_deploy(&self, environment: &Environment) -> bool {
        let begun = self.last_deploy(environment).is_some_and(|deploy| deploy.state.is_open());
        !begun
            && self.plan.steps.iter().zip(&self.steps).any(|(spec, at)| {
                matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment) && !at.is_behind()
            })
    }

    /// Whether a deployment put there what ships now: the commit, and the image of it that is pinned (HOCS-15).
    #[must_use]
    pub fn is_deployable(&self, intent: &DeployIntent) -> bool {
        let same_image = match (self.digest(), &intent.image) {
            (Some(pinned), Some(image)) => pinned == &image.digest,
            (Some(_) | None, _) => true,
        };
        Some(&intent.commit) == self.deployable_to(&intent.environment) && same_image
    }

    /// The image that an environment runs by this run's doing, when images are deployed there.
    #[must_use]
    pub fn image_in(&self, environment: &Environment) -> Option<&Digest> {
        let there =
            |deploy: &&Deployment| &deploy.intent.environment == environment && deploy.state == DeployState::Succeeded;
        self.deploys.iter().rev().find(there)?.intent.image.as_ref().map(|image| &image.digest)
    }

    /// Whether a fix is on the branch, and nothing asked for is missing.
    #[must_use]
    pub fn has_change(&self) -> bool {
        let all_in = self.fixes.iter().all(|fix| matches!(fix.state, FixState::Picked | FixState::Adapted));
        all_in && self.head.as_ref().is_some_and(|head| head.total > 0)
    }

    /// The fixes that main reverted and that nobody wants shipped all the same.
    pub fn unconfirmed(&self) -> impl Iterator<Item = (&CommitId, &Reverted)> {
        self.reverted.iter().filter(|(_, reverted)| reverted.confirmed.is_none())
    }

    /// The last deployment to an environment.
    #[must_use]
    pub fn last_deploy(&self, environment: &Environment) -> Option<&Deployment> {
        self.deploys.iter().rev().find(|deploy| &deploy.intent.environment == environment)
    }

    /// Returns whether a deployment of what ships to an environment is on its way or ended well. One that failed is still to begin:
    /// it is tried again, and everything it relies on is looked at again.
    #[must_use]
    pub fn has_begun(&self, environment: &Environment) -> bool {
        let stands = |deploy: &&Deployment| !matches!(deploy.state, DeployState::Failed(_));
        self.last_deploy(environment).filter(stands).is_some_and(|deploy| self.is_deployable(&deploy.intent))
    }

    /// The deployment with this key.
    #[must_use]
    pub fn deploy(&self, key: &DeployKey) -> Option<&Deployment> {
        self.deploys.iter().find(|deploy| &deploy.intent.key == key)
    }

    /// What an environment runs by this run's doing.
    #[must_use]
    pub fn deployed(&self, environment: &Environment) -> Option<&CommitId> {
        let last = self
            .deploys
            .iter()
            .rev()
            .find(|deploy| &deploy.intent.environment == environment && deploy.state == DeployState::Succeeded)?;
        Some(&last.intent.commit)
    }

    /// Whether production runs the fix by this run's doing, so that giving up would leave it there.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.plan.productions().any(|production| self.is_live_in(&production.name))
    }

    /// Whether this production environment runs the fix by this run's doing.
    #[must_use]
    pub fn is_live_in(&self, production: &Environment) -> bool {
        self.deploys
            .iter()
            .rev()
            .find(|deploy| &deploy.intent.environment == production && deploy.state == DeployState::Succeeded)
            .is_some_and(|deploy| !deploy.intent.rollback && self.plan.reaches_production(production))
            && !self.rebased_onto.contains_key(production)
    }

    /// Whether what would ship to an environment was rolled back from production: then nobody is asked to vote for it by the bot
    /// itself.
    #[must_use]
    pub fn is_taken_back(&self, environment: &Environment) -> bool {
        self.rolled_back.is_some() && self.rolled_back.as_ref() == self.deployable_to(environment)
    }

    /// What an environment ran before this run deployed there, as far as known.
    #[must_use]
    pub fn before_this_run(&self, environment: &Environment) -> Option<&CommitId> {
        let first = self.deploys.iter().find(|deploy| &deploy.intent.environment == environment)?;
        first.intent.previous.as_ref()
    }

    /// Whether what an environment runs is this run's own doing, or what it started from: a rollback takes nothing of others
    /// away then (security case 99).
    #[must_use]
    pub fn is_ours_in(&self, environment: &Environment, running: &CommitId) -> bool {
        let deployed = self.deploys.iter().map(|deploy| &deploy.intent).filter(|i| &i.environment == environment);
        deployed.into_iter().any(|intent| &intent.commit == running)
            || self.before_this_run(environment) == Some(running)
            || self.base.as_ref() == Some(running)
    }

    /// What a production environment ought to run now: nothing is known while a deployment to it is open, and nothing
    /// is expected of one that the run leaves as it is.
    #[must_use]
    pub fn expected_in(&self, production: &Environment) -> Option<&CommitId> {
        // A run that ends when the hotfix does still waits for the release that has the fix.
        let watches = !self.rolled_in || self.plan.expires();
        if !watches || !self.plan.reaches_production(production) {
            return None;
        }
        if let Some(by_others) = self.superseded.get(production).or_else(|| self.rebased_onto.get(production)) {
            return Some(by_others);
        }
        match self.last_deploy(production) {
            Some(deploy) if deploy.state.is_open() => None,
            // A deployment that failed may have done its work or half of it.
            Some(Deployment { state: DeployState::Failed(_), .. }) => None,
            Some(deploy) => Some(&deploy.intent.commit),
            None if self.plan.ships_main() => self.snapshot.as_ref()?.running.as_ref(),
            None => self.ran_before(production).or(self.base.as_ref()),
        }
    }

    /// What a production ran when the run began, where there are several: each is compared with itself.
    fn ran_before(&self, production: &Environment) -> Option<&CommitId> {
        self.snapshot.as_ref()?.productions.get(production)
    }

    /// Whether this step's turn is now.
    #[must_use]
    pub fn is_current(&self, wanted: impl Fn(&StepKind) -> bool) -> bool {
        self.current().is_some_and(|(_, spec)| wanted(&spec.kind))
    }

    /// The open pull request and where it goes, when that is not the branch that the plan names (security case 26).
    #[must_use]
    pub fn wrong_base(&self) -> Option<(PullNumber, &BranchName)> {
        let pull = self.pull.as_ref().filter(|pull| pull.merged.is_none())?;
        pull.seen.astray.as_ref().map(|into| (pull.number, into))
    }
}

#[cfg(test)]
mod tests;
