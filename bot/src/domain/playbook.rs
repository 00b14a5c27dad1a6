//! A runbook as data: an ordered list of steps, each with its level and the sentences of the runbook it serves.

use hotfix_adapters::forge::MergeMethod;
use hotfix_adapters::ids::Environment;
use serde::{Deserialize, Serialize};

use super::id::{PlaybookId, RequirementId, StepId};

/// A runbook as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playbook {
    /// Its name.
    pub id: PlaybookId,
    /// What it is, in one line.
    pub title: String,
    /// How the branch that carries the fix is called; with a `work_branch`, the one that its pull request goes into.
    pub branch: BranchScheme,
    /// What the branch is called that carries the fix, when it is not `branch` itself (HOCS-7, HOCS-9, HOCS-11).
    pub work_branch: Option<WorkBranch>,
    /// What a hold does.
    pub hold: HoldMeans,
    /// What becomes of a second start while the lane is taken.
    pub second_start: SecondStart,
    /// Its steps, in order.
    pub steps: Vec<StepSpec>,
    /// The steps of the exceptional path, taken only by `start --exceptional` and only when its capabilities are there
    /// (MAIN-11 to MAIN-13). Empty when there is no such path.
    pub exceptional: Vec<StepSpec>,
}

/// How the branch that carries the fix is called. One scheme a service: git cannot hold `hotfix` beside `hotfix/x`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchScheme {
    /// Always the same name, so that there is one at a time (APPLY-X5).
    Fixed(String),
    /// `prefix` and the title made into a slug, such as `hotfix/fix-500-on-upload` (MAIN-4).
    Slug {
        /// What stands before the slug, such as `hotfix/`.
        prefix: String,
    },
    /// `prefix` and the ticket, such as `hotfix/HOCS-1234` (HOCS-14).
    Ticket {
        /// What stands before the ticket.
        prefix: String,
    },
    /// There is none: what is promoted is on main already.
    None,
}

/// A branch of the author's own, whose pull request goes into the hotfix branch. It is called after the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkBranch {
    /// What a good name looks like, as a regular expression; another one is warned of (HOCS-7).
    pub pattern: Option<String>,
    /// What its name does not begin with, because the forge would refuse the push (HOCS-9).
    pub forbid_prefix: String,
}

/// What a hold does (PROMO-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldMeans {
    /// Nothing is deployed before it is lifted.
    Pauses,
    /// It is written down, and everybody sees it.
    Recorded,
}

/// What becomes of a second start while the lane is taken (APPLY-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondStart {
    /// It joins the running one: its fixes go onto the same branch (APPLY-14).
    Join,
    /// It is refused, and told who has the lane.
    Refuse,
}

/// How binding a step is, as RFC 2119 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Blocks until it is done; overriding it takes a second person and a reason.
    Must,
    /// May be skipped with a reason, which is kept.
    Should,
    /// An option: skipped by a word.
    May,
    /// Refuses; nothing lifts it.
    MustNot,
}

/// One step of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    /// Its name in the playbook.
    pub id: StepId,
    /// What it is, for people: "Deploy to staging".
    pub title: String,
    /// How binding it is.
    pub level: Level,
    /// The sentences of the runbook it serves.
    pub serves: Vec<RequirementId>,
    /// After how many minutes of waiting people are reminded; 0 for never.
    pub remind_minutes: u32,
    /// The kind of service it is for; every service when absent (SRE-11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_for: Option<ServiceKind>,
    /// What it does.
    pub kind: StepKind,
}

/// What kind of thing a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// An application.
    App,
    /// An operator, whose versions have to stay in order (SRE-11).
    Operator,
}

/// What a step does. To add a kind: one variant here, one file in `domain/step/`; the compiler lists the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Is a hotfix the right thing? The answers are kept (APPLY-3).
    Triage {
        /// The questions of the runbook, each answered on its own.
        criteria: Vec<String>,
        /// True when the run waits for the answers. When false, the questions are asked and the run goes on without them.
        ask: bool,
    },
    /// What is promoted: main as it is now, or the commit that was named. It is pinned (PROMO-6).
    Target,
    /// People of a party agree before it goes on (HOCS-17, HOCS-28).
    Agree {
        /// Which party of the service.
        party: String,
        /// How many of them.
        count: u32,
        /// To what, as a question.
        question: String,
    },
    /// A file of the repository says that images are built of the hotfix branch (SRE-7).
    BuildJob {
        /// The file.
        file: String,
        /// What has to stand in it; `{branch}` is the branch's name.
        names: String,
    },
    /// The fix is on main, by the usual process (SRE-8).
    OnMain,
    /// The environment runs something that has the fix, by whoever's doing (SRE-1, SRE-9, PROMO-5).
    OnEnvironment {
        /// Which one.
        environment: Environment,
    },
    /// The version that would be made of the hotfix lies between that of production and the next one of main (SRE-11).
    VersionOrder {
        /// What stands before the count of commits.
        prefix: String,
    },
    /// Finds the image that was built of what ships, and pins its digest (HOCS-22, HOCS-23).
    Image,
    /// Ends when production is rolled back, or runs a release that has the fix (HOCS-34, HOCS-37).
    Expire,
    /// Finds where to branch from.
    Base {
        /// Where from.
        from: BaseSource,
    },
    /// What main holds that must not ship yet; refuses when there is nothing (APPLY-4).
    Withheld,
    /// Main must be releasable: green, and without a release blocker (MAIN-3, MAIN-12).
    Releasable,
    /// Each of these must be declared and probed before the exceptional path opens (MAIN-13).
    Capability {
        /// What is needed.
        needs: Vec<CapabilityKind>,
    },
    /// Tells the team, and records who was reached (APPLY-15).
    Announce,
    /// Creates a branch before any fix is on it (APPLY-X2).
    Branch {
        /// Which one.
        which: BranchRole,
    },
    /// Waits for the fix: picked by the bot or pushed by a person; then opens the pull request into main.
    Change {
        /// Above so many changed lines the fix is called large (MAIN-5, MAIN-15); it is a warning, never a refusal.
        large_lines: u32,
        /// Whether it is reviewed in a pull request of its own; a cherry-pick from main was reviewed there (SRE-10).
        pull: bool,
    },
    /// Waits for reviews and checks of the head (APPLY-8, MAIN-7).
    Review {
        /// How many approvals by people who are not the author.
        approvals: u32,
    },
    /// Waits for a person's word on what they saw (APPLY-9, MAIN-16).
    Verify {
        /// Where they look: `local`, or an environment.
        place: VerifyPlace,
        /// The question they answer.
        question: String,
        /// Whose word it takes, each by another person: `engineer`, or a party of the service. Empty is anybody's (HOCS-31).
        by: Vec<String>,
    },
    /// Waits for the votes that the environment's policy asks for.
    Approve {
        /// The environment.
        environment: Environment,
    },
    /// Deploys exactly the approved commit (APPLY-10, APPLY-11, MAIN-9).
    Deploy {
        /// Where to.
        environment: Environment,
        /// When it begins.
        trigger: Trigger,
        /// What is deployed.
        what: Artifact,
    },
    /// Merges the pull request into main before the deployment (MAIN-8).
    Merge {
        /// In which way.
        method: MergeMethod,
    },
    /// Lists what else goes out with the fix, and tells its authors (MAIN-8).
    RideAlong,
    /// Brings the branch back to main, and proves that the fix is there (APPLY-12).
    Mainline {
        /// How it gets there.
        by: MainlineBy,
        /// Whether the branch is deleted afterwards (APPLY-X5).
        delete_branch: bool,
    },
    /// Waits for the post-mortem, and chases it (MAIN-18).
    Postmortem {
        /// Within how many days after production.
        due_days: u32,
    },
}

/// One of the two branches that a run can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchRole {
    /// The branch that carries the fix.
    Fix,
    /// The branch that its pull request goes into, when that is not main (HOCS-11).
    Integration,
}

/// What a deployment deploys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Artifact {
    /// What ships.
    Fix,
    /// The commit of the schemas that it depends on (PROMO-2, PROMO-3).
    Schema,
}

/// How the fix gets back to main.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MainlineBy {
    /// The bot merges the pull request, in this way.
    Merge(MergeMethod),
    /// The bot opens a pull request into main, and people merge it (HOCS-12).
    Pull,
    /// It was there first: that is proven, and nothing is merged (SRE-10, SRE-X1).
    Proof,
}

/// Where the base comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseSource {
    /// What runs in production and the last successful deployment there; when both can be told they must agree (APPLY-6, APPLY-X6).
    Production,
    /// The git tag of the version that production runs; all sources must agree (HOCS-3 to HOCS-6).
    Release,
    /// The forge's main line, never a local one (MAIN-4).
    Main,
}

/// Where a verification looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyPlace {
    /// On a developer's machine or a review app.
    Local,
    /// In an environment, on what was deployed there by this run.
    Environment(Environment),
    /// Over some time in an environment, after it went live (HOCS-36).
    Watch(Environment),
}

impl VerifyPlace {
    /// As people name it in `verify`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Environment(environment) => environment.as_str(),
            Self::Watch(_) => WATCH,
        }
    }
}

/// How people name the watch over production in `verify`; no environment can be called so.
pub const WATCH: &str = "watch";

/// The party that whoever asked for the fix or wrote it belongs to, in every service.
pub const ENGINEER: &str = "engineer";

/// When a deployment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// As soon as its turn comes.
    Auto,
    /// When a person says `deploy <environment>`: production is never implied.
    Command,
}

/// What the exceptional path needs (MAIN-13a, b, c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapabilityKind {
    /// A hotfix workflow that is triggered by hand.
    HotfixWorkflow,
    /// A staging environment of its own.
    HotfixStaging,
    /// A release workflow that handles hotfix tags.
    ReleaseHandlesHotfixTags,
}

impl CapabilityKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HotfixWorkflow, Self::HotfixStaging, Self::ReleaseHandlesHotfixTags];

    /// As it is written in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HotfixWorkflow => "hotfix_workflow",
            Self::HotfixStaging => "hotfix_staging",
            Self::ReleaseHandlesHotfixTags => "release_handles_hotfix_tags",
        }
    }
}
