//! Finding the tag that a build published. How builds name their tags changes over the years, so it is not computed and
//! believed: several patterns are tried in order, and what counts is what the registry has (HOCS-22, HOCS-23).
//!
//! A branch name is used again for the next hotfix, and its tag with it. So an image that says it was built from another
//! commit is passed over, and so is one under the tag of a branch that was built before the commit was made; the reason is told.
//! The time says nothing of an image that names the commit by its revision or its tag: reproducible builds set it to any moment.

use jiff::Timestamp;
use thiserror::Error;

use super::reference::no_tag;
use super::{Published, Registry};
use crate::failure::Failure;
use crate::ids::{BranchName, CommitId};

/// What stands between braces in a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    Branch,
    Sha,
    Short,
    Semver,
}

impl Placeholder {
    const ALL: [Self; 4] = [Self::Branch, Self::Sha, Self::Short, Self::Semver];

    fn written(self) -> &'static str {
        match self {
            Self::Branch => "{branch}",
            Self::Sha => "{sha}",
            Self::Short => "{short}",
            Self::Semver => "{semver}",
        }
    }
}

/// Ordered patterns of tags, checked once. In a pattern stand:
///
/// - `{branch}`: the branch's name with its first `/` made `_`, as the builds do that this is for; a name with a second `/`
///   makes no tag
/// - `{sha}`: the full commit id
/// - `{short}`: its first seven digits
/// - `{semver}`: the version, where one is known
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagStrategies(Vec<String>);

/// Why a pattern is no good: which, and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// There is no pattern at all.
    #[error("there is no pattern for tags; the usual ones are `branch-{{branch}}` and `{{sha}}`")]
    None,
    /// This one cannot be used.
    #[error("the pattern for tags {pattern:?} {why}")]
    Bad {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What is known about a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFacts {
    /// The branch that was built.
    pub branch: BranchName,
    /// The commit that was built.
    pub commit: CommitId,
    /// The version that the build gave it, where versions are given.
    pub version: Option<String>,
}

/// A tag that a build may have published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The pattern it comes from.
    pub pattern: String,
    /// The tag, or why the pattern makes none.
    pub tag: Result<String, String>,
}

/// What a look into the registry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery {
    /// The image is there. Where it tells neither a revision nor a time, only its tag speaks for it.
    Found {
        /// The image, pinned.
        published: Published,
        /// The pattern that found it.
        by: String,
    },
    /// It is not there (yet).
    NotYet {
        /// Each tag that was looked for, and why it is not the one, for people.
        looked: Vec<String>,
        /// The images among them that are there and were passed over, each with the reason.
        passed_over: Vec<String>,
    },
}

impl TagStrategies {
    /// Checks the patterns.
    ///
    /// # Errors
    /// Names the first pattern that is no good and what is wanted.
    pub fn new<P: AsRef<str>>(patterns: &[P]) -> Result<Self, PatternError> {
        if patterns.is_empty() {
            return Err(PatternError::None);
        }
        let patterns: Result<_, _> = patterns.iter().map(|pattern| checked(pattern.as_ref())).collect();
        patterns.map(Self)
    }

    /// Returns the patterns whose tag belongs to one build for good. That of a branch alone goes over to the next build of the branch.
    #[must_use]
    pub fn of_one_build(&self) -> Self {
        Self(self.0.iter().filter(|pattern| is_of_one_build(pattern)).cloned().collect())
    }

    /// The tag of each pattern, in order.
    #[must_use]
    pub fn candidates(&self, facts: &TagFacts) -> Vec<Candidate> {
        self.0.iter().map(|pattern| Candidate { pattern: pattern.clone(), tag: fill(pattern, facts) }).collect()
    }
}

/// Returns whether each tag of a pattern stays with one build: a branch tag moves to the next build.
fn is_of_one_build(pattern: &str) -> bool {
    [Placeholder::Sha, Placeholder::Short, Placeholder::Semver].into_iter().any(|one| pattern.contains(one.written()))
}

fn checked(pattern: &str) -> Result<String, PatternError> {
    let refuse = |why: &str| {
        let known = Placeholder::ALL.map(Placeholder::written).join(", ");
        Err(PatternError::Bad { pattern: pattern.to_owned(), why: format!("{why}; {known} can stand in it") })
    };
    let mut sample = pattern.to_owned();
    for placeholder in Placeholder::ALL {
        sample = sample.replace(placeholder.written(), "0");
    }
    if sample.contains(['{', '}']) {
        return refuse("has a placeholder that is unknown or not closed");
    }
    if sample == pattern {
        return refuse("names the same tag for every build");
    }
    no_tag(&sample).map_or_else(|| Ok(pattern.to_owned()), |_| refuse("makes no tag of an image"))
}

fn fill(pattern: &str, facts: &TagFacts) -> Result<String, String> {
    let version = facts.version.as_deref();
    if pattern.contains(Placeholder::Semver.written()) && version.is_none() {
        return Err("no version is known".to_owned());
    }
    let mut tag = pattern.to_owned();
    for placeholder in Placeholder::ALL {
        // None of these values can hold a brace, so none can become a placeholder, except a version, which comes last.
        let value = match placeholder {
            Placeholder::Branch => facts.branch.as_str().replacen('/', "_", 1),
            Placeholder::Sha => facts.commit.as_str().to_owned(),
            Placeholder::Short => facts.commit.short().to_owned(),
            Placeholder::Semver => version.unwrap_or_default().to_owned(),
        };
        tag = tag.replace(placeholder.written(), &value);
    }
    no_tag(&tag).map_or(Ok(tag), Err)
}

/// Looks for the image of a build: the first candidate that is there and was built from this commit as far as it says. Under the
/// tag of a branch, which the next build of the branch takes over, it also was not built before `made_at`, when the commit was
/// made, as far as it says.
///
/// # Errors
/// The registry could not be asked, or does not let us.
pub async fn discover(
    registry: &dyn Registry,
    strategies: &TagStrategies,
    facts: &TagFacts,
    made_at: Option<Timestamp>,
) -> Result<Discovery, Failure> {
    let (mut looked, mut passed_over) = (Vec::new(), Vec::new());
    for Candidate { pattern, tag } in strategies.candidates(facts) {
        let why_not = match tag {
            Err(why) => format!("{pattern}: {why}"),
            Ok(tag) => match registry.find(&tag).await? {
                None => format!("{tag}: not in the registry"),
                Some(published) => {
                    let made_at = made_at.filter(|_| !is_of_one_build(&pattern));
                    let Some(why) = another_build(&published, facts, made_at) else {
                        return Ok(Discovery::Found { published, by: pattern });
                    };
                    passed_over.push(format!("{tag}: {why}"));
                    format!("{tag}: {why}")
                }
            },
        };
        looked.push(why_not);
    }
    Ok(Discovery::NotYet { looked, passed_over })
}

/// Why an image is not the one of this build; `None` when nothing speaks against it.
fn another_build(published: &Published, facts: &TagFacts, made_at: Option<Timestamp>) -> Option<String> {
    if let Some(revision) = &published.revision {
        let (theirs, ours) = (revision.short(), facts.commit.short());
        return (*revision != facts.commit).then(|| format!("built from {theirs} and not from {ours}"));
    }
    let (created, made_at) = (published.created?, made_at?);
    (created < made_at).then(|| format!("built at {created:.0}, before the commit was made at {made_at:.0}"))
}
