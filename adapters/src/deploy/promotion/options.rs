//! The options of a promotion.

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

/// The options of a [`Promotion`].
pub struct PromotionOptions {
    /// The forge of the promotion repository.
    pub forge: Arc<dyn Forge>,
    /// The promotion repository, whose files name the commit, such as `service/app-interface`.
    pub repo: Repo,
    /// The branch of that repository that is deployed.
    pub main: BranchName,
    /// The repository of the service's code, whose commits are promoted.
    pub source: Repo,
    /// The environment that is promoted to.
    pub environment: Environment,
    /// Name of the service, for titles.
    pub service: String,
    /// The places that name the commit.
    pub targets: Vec<Target>,
    /// The approval that the merge request needs.
    pub approval: Approval,
    /// Labels that block the merge while they are set.
    pub hold_labels: Vec<String>,
    /// The file in which hotfixes are declared. Set it only if everything that is promoted by this mechanism is a
    /// hotfix: a declared commit bypasses the gates for success on stage and for soak time.
    pub hotfix_versions: Option<HotfixVersions>,
    /// The party that merges.
    pub merge: MergeBy,
    /// The rollout that follows the merge.
    pub rollout: Rollout,
    /// URL template to compare two commits of the code, with `{old}` and `{new}`; `None` for no link.
    pub compare: Option<String>,
    /// The bot's account on the forge; its own labels do not count as approval by a person.
    pub bot: Option<PersonRef>,
    /// Display names by account on the forge, where an account may be a number. An account without one is shown as it
    /// is.
    pub names: BTreeMap<PersonRef, String>,
    /// The folder that the proposal records are kept in.
    pub runs: PathBuf,
    /// Returns the current time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// A place that names the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name of the target, by which it can be promoted alone (PROMO-8).
    pub name: String,
    /// Path of the file; for a search, of the folder.
    pub file: String,
    /// The kind of the place within the file.
    pub kind: TargetKind,
    /// The format of the commit id.
    pub value: Value,
    /// `true` if the target determines what production runs.
    pub production: bool,
}

/// The ways in which a file can name a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A value in a YAML file.
    Yaml {
        /// Path of the value within the file.
        path: Path,
        /// The number of values that the path may match, and whether aliases are followed.
        rule: Rule,
    },
    /// A variable in a `.env` file.
    Env {
        /// Name of the variable.
        key: String,
    },
    /// Every line with this key in the files below a folder, in YAML or templates of it.
    Search {
        /// The key to search for.
        key: String,
        /// The files to leave unchanged.
        exclude: Vec<Exclude>,
    },
}

/// Files that a search deliberately leaves unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclude {
    /// Glob on the whole path: `data/**/pinned-*.yml`.
    pub files: String,
    /// The reason, shown in the merge request.
    pub reason: String,
}

/// The format of a commit id in a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The full id.
    FullSha,
    /// This number of leading digits.
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

/// The approval that a merge request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// A label set by a person; the bot's own does not count.
    LabelByPerson {
        /// Name of the label.
        label: String,
        /// The accounts whose label counts; empty means any account except the bot's.
        by: Vec<PersonRef>,
    },
    /// A label that the bot sets once. If it is removed, the bot does not set it again.
    LabelByBot {
        /// Name of the label.
        label: String,
    },
    /// A comment that the bot writes, such as `/lgtm`.
    CommentByBot {
        /// Text of the comment.
        text: String,
    },
}

/// The place in which hotfixes of a component are declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotfixVersions {
    /// Path of the YAML file.
    pub file: String,
    /// Path of the component within the file; `hotfixVersions` and `blockedVersions` are below it.
    pub component: Path,
}

/// The party that merges the merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeBy {
    /// The repository's usual process.
    Others,
    /// The bot, once the merge request is approved, not held, and its checks have passed.
    Us {
        /// The merge method.
        method: MergeMethod,
        /// Checks that must have passed. No other check may have failed or be pending.
        checks: Vec<String>,
    },
}

/// An invalid option of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the promotion of {service}: {why}")]
pub struct PromotionOptionsError {
    service: String,
    why: String,
}

/// The allowed number of digits of a short id; fewer than seven soon become ambiguous.
const SHORT: std::ops::RangeInclusive<usize> = 7..=39;

impl Promotion {
    /// Checks the options.
    ///
    /// # Errors
    /// There is no target, two targets share a name, a short id has an invalid length, a key is empty, or a path or a
    /// glob is invalid.
    pub fn new(options: PromotionOptions) -> Result<Self, PromotionOptionsError> {
        let bad = |why: String| PromotionOptionsError { service: options.service.clone(), why };
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
