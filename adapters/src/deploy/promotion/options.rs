//! How a promotion is set up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use super::search::Exclusion;
use super::{Promotion, Rollout};
use crate::edit::path::Path;
use crate::edit::yaml::Rule;
use crate::forge::{Forge, MergeMethod};
use crate::ids::{BranchName, CommitId, Environment, PersonRef, Repo};

/// How a promotion is set up.
pub struct PromotionOptions {
    /// The forge of the repository that is promoted in.
    pub forge: Arc<dyn Forge>,
    /// The repository with the files that name the commit, such as `service/app-interface`.
    pub repo: Repo,
    /// Its branch that is deployed from.
    pub main: BranchName,
    /// The repository of the service's code, whose commits are promoted.
    pub source: Repo,
    /// Which environment this is.
    pub environment: Environment,
    /// The service, as it stands in titles.
    pub service: String,
    /// Where the commit is named.
    pub targets: Vec<Target>,
    /// What lets the merge request be merged.
    pub approval: Approval,
    /// Labels that stop it while they are on.
    pub hold_labels: Vec<String>,
    /// Where hotfixes are declared. Set it only where everything that is promoted by this is a hotfix: what is declared
    /// passes by the gates that ask for stage's success and for time.
    pub hotfix_versions: Option<HotfixVersions>,
    /// Who merges.
    pub merge: MergeBy,
    /// What follows the merge.
    pub rollout: Rollout,
    /// A link to compare two commits of the code with `{old}` and `{new}` in it.
    pub compare: Option<String>,
    /// The account the bot has at the forge: its own labels are no person's.
    pub bot: Option<PersonRef>,
    /// What people are called, by their accounts at the forge: an account may be a number. Who is not in it is called by it.
    pub names: BTreeMap<PersonRef, String>,
    /// The folder in which proposals are remembered.
    pub runs: PathBuf,
    /// What the time is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// A place where the commit is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name, by which it can be promoted alone (PROMO-8).
    pub name: String,
    /// The file; of a search the folder.
    pub file: String,
    /// Where in it.
    pub kind: TargetKind,
    /// How the commit is written there.
    pub value: Value,
    /// Whether it says what production runs.
    pub production: bool,
}

/// The ways in which a file can name a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A value in a YAML file.
    Yaml {
        /// Its path.
        path: Path,
        /// The number of values that the path may match, and whether aliases are followed.
        rule: Rule,
    },
    /// A variable in a `.env` file.
    Env {
        /// Its name.
        key: String,
    },
    /// Every line with this key in the files below a folder, YAML or templates of it.
    Search {
        /// The key.
        key: String,
        /// Files to be left alone.
        exclude: Vec<Exclude>,
    },
}

/// Files that a search leaves alone, on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclude {
    /// Which, as a glob on the whole path: `data/**/pinned-*.yml`.
    pub files: String,
    /// Why, for the people who read the merge request.
    pub reason: String,
}

/// How a commit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// All its digits.
    FullSha,
    /// So many of its first digits.
    ShortSha(usize),
}

impl Value {
    pub(super) fn of(self, commit: &CommitId) -> String {
        match self {
            Self::FullSha => commit.to_string(),
            Self::ShortSha(digits) => commit.as_str().get(..digits).unwrap_or(commit.as_str()).to_owned(),
        }
    }
}

/// What lets the merge request be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// A label that a person puts on; the bot's own does not count.
    LabelByPerson {
        /// The label.
        label: String,
        /// Whose label counts; empty is everybody's but the bot's.
        by: Vec<PersonRef>,
    },
    /// A label that the bot puts on, once. Where it is taken off again it stays off.
    LabelByBot {
        /// The label.
        label: String,
    },
    /// A comment that the bot writes, such as `/lgtm`.
    CommentByBot {
        /// The comment.
        text: String,
    },
}

/// Where hotfixes of a component are declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotfixVersions {
    /// The file.
    pub file: String,
    /// The path of the component, below which `hotfixVersions` and `blockedVersions` are.
    pub component: Path,
}

/// Who merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeBy {
    /// The usual process over there.
    Others,
    /// The bot, as soon as it is approved, not held, and its checks passed.
    Us {
        /// In which way.
        method: MergeMethod,
        /// Checks that have to have passed. No other one may have failed or be running.
        checks: Vec<String>,
    },
}

/// Why a promotion cannot be set up like that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the promotion of {service}: {why}")]
pub struct OptionsError {
    service: String,
    why: String,
}

/// How many digits a short id may have: fewer than seven are ambiguous soon.
const SHORT: std::ops::RangeInclusive<usize> = 7..=39;

impl Promotion {
    /// Checks the options.
    ///
    /// # Errors
    /// There is no target, two have one name, a short id is too short, a key is empty, a path or a glob cannot be one.
    pub fn new(options: PromotionOptions) -> Result<Self, OptionsError> {
        let bad = |why: String| OptionsError { service: options.service.clone(), why };
        if options.targets.is_empty() {
            return Err(bad("no target; name at least one file".to_owned()));
        }
        let mut names = BTreeSet::new();
        for target in &options.targets {
            if target.name.is_empty() || !names.insert(&target.name) {
                return Err(bad(format!("two targets are named {:?}; give each a name", target.name)));
            }
            if matches!(target.value, Value::ShortSha(digits) if !SHORT.contains(&digits)) {
                return Err(bad(format!("{}: a short id has 7 to 39 digits", target.name)));
            }
            let unnamed =
                matches!(&target.kind, TargetKind::Env { key } | TargetKind::Search { key, .. } if key.is_empty());
            if unnamed {
                return Err(bad(format!("{}: the key is empty; name the one that holds the commit", target.name)));
            }
            let parts = target.file.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\\'));
            let whole_tree = target.file.is_empty() && matches!(target.kind, TargetKind::Search { .. });
            if !parts && !whole_tree {
                return Err(bad(format!("{}: {:?} is no path inside a repository", target.name, target.file)));
            }
        }
        let exclusions = options.targets.iter().map(|target| match &target.kind {
            TargetKind::Search { exclude, .. } => exclude.iter().map(Exclusion::parse).collect(),
            TargetKind::Yaml { .. } | TargetKind::Env { .. } => Ok(Vec::new()),
        });
        let exclusions = exclusions.collect::<Result<_, String>>().map_err(bad)?;
        Ok(Self {
            forge: options.forge,
            repo: options.repo,
            main: options.main,
            source: options.source,
            environment: options.environment,
            service: options.service,
            targets: options.targets,
            exclusions,
            approval: options.approval,
            hold_labels: options.hold_labels,
            hotfix_versions: options.hotfix_versions,
            merge: options.merge,
            rollout: options.rollout,
            compare: options.compare,
            bot: options.bot,
            names: options.names,
            runs: options.runs,
            clock: options.clock,
        })
    }
}
