//! Playbooks: a runbook as data. A playbook is an ordered list of steps, each with its level and the runbook
//! requirements that it serves. [`Plan::resolve`](super::plan::Plan::resolve) resolves it for a service.

use hotfix_adapters::forge::MergeMethod;
use hotfix_adapters::ids::Environment;
use serde::{Deserialize, Serialize};

use super::id::{PlaybookId, RequirementId, StepId};

/// A playbook: the steps of one runbook, and the naming and locking rules of its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playbook {
    /// Name of the playbook, as used in the configuration.
    pub id: PlaybookId,
    /// One-line description.
    pub title: String,
    /// Naming scheme of the branch that carries the fix; of the integration branch if there is a `work_branch`.
    pub branch: BranchScheme,
    /// The author's own branch that carries the fix, if it differs from `branch` (HOCS-7, HOCS-9, HOCS-11).
    pub work_branch: Option<WorkBranch>,
    /// Effect of a hold on deployments.
    pub hold: HoldMeans,
    /// Handling of a second start while the lane is held.
    pub second_start: SecondStart,
    /// The steps of the normal path, in order.
    pub steps: Vec<StepSpec>,
    /// The steps of the exceptional path, used only by `start --exceptional` and only if its capabilities are present
    /// (MAIN-11 to MAIN-13). Empty if there is no such path.
    pub exceptional: Vec<StepSpec>,
}

/// The naming scheme of the hotfix branch. One scheme per service, because git cannot hold both
/// `hotfix` and `hotfix/x`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchScheme {
    /// A fixed name, so that only one such branch can exist at a time (APPLY-X5).
    Fixed(String),
    /// `prefix` plus the title as a slug, such as `hotfix/fix-500-on-upload` (MAIN-4).
    Slug {
        /// The part before the slug, such as `hotfix/`.
        prefix: String,
    },
    /// `prefix` plus the ticket, such as `hotfix/HOCS-1234` (HOCS-14).
    Ticket {
        /// The part before the ticket.
        prefix: String,
    },
    /// No branch: a commit that is already on main is promoted.
    None,
}

/// A work branch: the author's own branch, named after the ticket, whose pull request goes into the hotfix branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkBranch {
    /// Regular expression for names. A mismatch is only a warning (HOCS-7); `None` allows any name.
    pub pattern: Option<String>,
    /// Prefix that the name must not have, because the forge would refuse the push (HOCS-9). Case-insensitive.
    pub forbid_prefix: String,
}

/// The effect of a hold (PROMO-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldMeans {
    /// Blocks deployments until the hold is lifted.
    Pauses,
    /// Recorded and shown only; deployments continue.
    Recorded,
}

/// The handling of a second start while the lane is held (APPLY-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondStart {
    /// The second start joins the running run: its fixes go onto the same branch (APPLY-14).
    Join,
    /// The second start is refused; the refusal names the run that holds the lane.
    Refuse,
}

/// Requirement level of a step, as in RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Blocks until it is done. An override takes two people and a reason.
    Must,
    /// May be skipped with a reason, which is recorded.
    Should,
    /// Optional: the run does not wait for it. May be skipped with a reason.
    May,
    /// A prohibition: refuses what the runbook forbids. Cannot be skipped or overridden.
    MustNot,
}

/// A step of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    /// Id of the step, unique in its playbook.
    pub id: StepId,
    /// Title for messages, such as "Deploy to staging".
    pub title: String,
    /// Requirement level; decides if the step may be skipped or overridden.
    pub level: Level,
    /// The runbook requirements that the step serves.
    pub serves: Vec<RequirementId>,
    /// Minutes of waiting between reminders; 0 for no reminders.
    pub remind_minutes: u32,
    /// The kind of service that the step applies to; `None` for all services (SRE-11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_for: Option<ServiceKind>,
    /// The behavior of the step.
    pub kind: StepKind,
}

/// The kind of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// A regular application.
    App,
    /// An operator, whose versions must stay in order (SRE-11).
    Operator,
}

/// The behavior of a step. To add a kind, add a variant here and a file in `domain/step/`; the compiler reports the
/// other places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Asks whether a hotfix is the right measure, and records the answers (APPLY-3).
    Triage {
        /// The criteria of the runbook, each answered separately.
        criteria: Vec<String>,
        /// `true` if the run waits for the answers. `false` if the questions are asked and the run
        /// continues without them.
        ask: bool,
    },
    /// Pins the commit to promote: the tip of main, or the requested commit (PROMO-6).
    Target,
    /// Waits until members of a party agree (HOCS-17, HOCS-28).
    Agree {
        /// Name of the party, as configured for the service.
        party: String,
        /// Number of members who must agree.
        count: u32,
        /// The question that they agree to.
        question: String,
    },
    /// Waits until a file in the repository configures image builds of the hotfix branch (SRE-7).
    BuildJob {
        /// Path of the file in the repository.
        file: String,
        /// Text that the file must contain; `{branch}` stands for the name of the branch.
        names: String,
    },
    /// Waits until the fix is on main, merged by the usual process (SRE-8).
    OnMain,
    /// Waits until the environment runs a commit that contains the fix, deployed by anyone (SRE-1, SRE-9, PROMO-5).
    OnEnvironment {
        /// The environment to poll.
        environment: Environment,
    },
    /// Checks that the version of the hotfix is above production's and not above the next version of main (SRE-11).
    VersionOrder {
        /// The part of a version before the commit count.
        prefix: String,
    },
    /// Finds the image that was built from the deployable commit, and pins its digest (HOCS-22, HOCS-23).
    Image,
    /// Waits until production is rolled back or runs a release that contains the fix (HOCS-34, HOCS-37).
    Expire,
    /// Determines the base: the commit to branch from.
    Base {
        /// The source of the base.
        from: BaseSource,
    },
    /// Lists the held-back changes. Refuses the run if there are none (APPLY-4).
    HeldBack,
    /// Requires main to be releasable: green checks and no release blocker (MAIN-3, MAIN-12).
    Releasable,
    /// Requires the capabilities of the exceptional path to be declared and probed (MAIN-13).
    Capability {
        /// The required capabilities.
        needs: Vec<CapabilityKind>,
    },
    /// Announces the run to the team, and records which members can read the channel (APPLY-15).
    Announce,
    /// Creates and pushes a branch before any fix is on it (APPLY-X2).
    Branch {
        /// The fix branch or the integration branch.
        which: BranchRole,
    },
    /// Waits for the fix, picked by the bot or pushed by a user; then opens the pull request if `pull` is set.
    Change {
        /// Number of changed lines above which the fix is reported as large (MAIN-5, MAIN-15). A warning only.
        large_lines: u32,
        /// `true` if the fix is reviewed in its own pull request; `false` for picks from main, which were reviewed
        /// there (SRE-10).
        pull: bool,
    },
    /// Waits for the reviews and checks of the head (APPLY-8, MAIN-7).
    Review {
        /// Number of approvals required, not counting the authors and the requester.
        approvals: u32,
    },
    /// Waits for attestations (APPLY-9, MAIN-16).
    Verify {
        /// The place to verify.
        place: VerifyPlace,
        /// The question that the attestation answers.
        question: String,
        /// The parties that must attest, each by a different person: `engineer` or a party of the service. Empty if
        /// anyone may attest (HOCS-31).
        by: Vec<String>,
    },
    /// Waits for the votes that the environment's approval rules require.
    Approve {
        /// The environment to approve the deployment for.
        environment: Environment,
    },
    /// Deploys exactly the approved commit (APPLY-10, APPLY-11, MAIN-9).
    Deploy {
        /// Target environment.
        environment: Environment,
        /// The trigger of the deployment.
        trigger: Trigger,
        /// The artifact to deploy.
        what: Artifact,
    },
    /// Merges the pull request into its target branch before the deployment (MAIN-8).
    Merge {
        /// Merge method.
        method: MergeMethod,
    },
    /// Lists the included changes, and notifies their authors (MAIN-8).
    RideAlong,
    /// Merges the fix back to main, and proves that it is there (APPLY-12).
    Mainline {
        /// The way in which the fix gets to main.
        by: MainlineBy,
        /// `true` if the branch is deleted afterwards (APPLY-X5).
        delete_branch: bool,
    },
    /// Waits for the post-mortem, and sends reminders (MAIN-18).
    Postmortem {
        /// Due date in days after the first deployment to production.
        due_days: u32,
    },
}

/// The role of a branch of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchRole {
    /// The branch that carries the fix.
    Fix,
    /// The target branch of its pull request, if that is not main (HOCS-11).
    Integration,
}

/// The artifact of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Artifact {
    /// The deployable commit.
    Fix,
    /// The schema commit that the deployable commit depends on (PROMO-2, PROMO-3).
    Schema,
}

/// The way in which the fix gets back to main.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MainlineBy {
    /// The bot merges the pull request with this method.
    Merge(MergeMethod),
    /// The bot opens a pull request into main, and a user merges it (HOCS-12).
    Pull,
    /// The fix was on main first. Its presence is proven, and nothing is merged (SRE-10, SRE-X1).
    Proof,
}

/// The source of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseSource {
    /// The commit that production runs and the last successful deployment there. If both are known, they must agree
    /// (APPLY-6, APPLY-X6).
    Production,
    /// The git tag of the version that production runs. All sources must agree (HOCS-3 to HOCS-6).
    Release,
    /// The tip of main on the forge, never of a local clone (MAIN-4).
    Main,
}

/// The place of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyPlace {
    /// A developer's machine or a review app.
    Local,
    /// An environment, on the commit that this run deployed there.
    Environment(Environment),
    /// An environment over some time after the deployment (HOCS-36).
    Watch(Environment),
}

impl VerifyPlace {
    /// Returns the name of the place in the `verify` command.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Environment(environment) => environment.as_str(),
            Self::Watch(_) => WATCH,
        }
    }
}

/// Place name of a [`VerifyPlace::Watch`] in the `verify` command. No environment can have this name.
pub const WATCH: &str = "watch";

/// Built-in party of every service: the requester and the authors of the fix.
pub const ENGINEER: &str = "engineer";

/// The trigger of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Starts as soon as the step is current.
    Auto,
    /// Starts when a user runs `deploy <environment>`. A deployment to production is never implied.
    Command,
}

/// A capability that the exceptional path needs (MAIN-13a, b, c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapabilityKind {
    /// A hotfix workflow that can be triggered manually.
    HotfixWorkflow,
    /// A separate staging environment for hotfixes.
    HotfixStaging,
    /// A release workflow that handles hotfix tags.
    ReleaseHandlesHotfixTags,
}

impl CapabilityKind {
    /// All capabilities.
    pub const ALL: [Self; 3] = [Self::HotfixWorkflow, Self::HotfixStaging, Self::ReleaseHandlesHotfixTags];

    /// Returns the name of the capability in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HotfixWorkflow => "hotfix_workflow",
            Self::HotfixStaging => "hotfix_staging",
            Self::ReleaseHandlesHotfixTags => "release_handles_hotfix_tags",
        }
    }
}
