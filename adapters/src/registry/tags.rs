//! Discovery of the tag that a build published. Build systems change their naming over time, so the tag is not
//! computed: several patterns are tried in order, and the registry decides (HOCS-22, HOCS-23).
//!
//! A branch name, and with it its tag, is reused for the next hotfix. Therefore an image whose revision is another
//! commit is skipped, and so is an image under a branch tag that was built before the commit was made; the reason is
//! reported. The build time is ignored for an image that names the commit by its revision or its tag, because
//! reproducible builds set it to an arbitrary time.

use jiff::Timestamp;
use thiserror::Error;

use super::reference::no_tag;
use super::{Published, Registry};
use crate::failure::Failure;
use crate::ids::{BranchName, CommitId};

/// A placeholder in a tag pattern.
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

/// An ordered list of validated tag patterns. A pattern may contain:
///
/// - `{branch}`: the branch name with its first `/` replaced by `_`, as the supported build systems do; a name with a
///   second `/` yields no tag
/// - `{sha}`: the full commit id
/// - `{short}`: the first seven digits of the commit id
/// - `{semver}`: the version, if one is known
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagStrategies(Vec<String>);

/// The reason that a list of patterns is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// The list of patterns is empty.
    #[error("there is no pattern for tags; the usual ones are `branch-{{branch}}` and `{{sha}}`")]
    None,
    /// One pattern is not valid.
    #[error("the pattern for tags {pattern:?} {why}")]
    Bad {
        /// The pattern as configured.
        pattern: String,
        /// The problem and the placeholders that are allowed.
        why: String,
    },
}

/// The known facts about a build, from which its tags are derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFacts {
    /// The branch that was built.
    pub branch: BranchName,
    /// The commit that was built.
    pub commit: CommitId,
    /// The version that the build assigned, if any.
    pub version: Option<String>,
}

/// A tag that a build may have published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The pattern that yields the tag.
    pub pattern: String,
    /// The tag, or the reason that the pattern yields none.
    pub tag: Result<String, String>,
}

/// The result of a tag discovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery {
    /// The image exists. If it has neither a revision nor a build time, only its tag relates it to the build.
    Found {
        /// The image, pinned by its digest.
        published: Published,
        /// The pattern whose tag was found.
        by: String,
    },
    /// No matching image exists (yet).
    NotYet {
        /// Every candidate with the reason that it does not match, as text for users.
        looked: Vec<String>,
        /// The candidates that exist but were skipped, each with the reason.
        passed_over: Vec<String>,
    },
}

impl TagStrategies {
    /// Validates the patterns.
    ///
    /// # Errors
    /// If there is no pattern, or one is not valid; reports the first such pattern.
    pub fn new<P: AsRef<str>>(patterns: &[P]) -> Result<Self, PatternError> {
        if patterns.is_empty() {
            return Err(PatternError::None);
        }
        let patterns: Result<_, _> = patterns.iter().map(|pattern| checked(pattern.as_ref())).collect();
        patterns.map(Self)
    }

    /// Returns the patterns whose tag belongs to one build permanently. A tag of a branch alone moves to the next
    /// build of the branch.
    #[must_use]
    pub fn of_one_build(&self) -> Self {
        Self(self.0.iter().filter(|pattern| is_of_one_build(pattern)).cloned().collect())
    }

    /// Returns the tag of each pattern, in order.
    #[must_use]
    pub fn candidates(&self, facts: &TagFacts) -> Vec<Candidate> {
        self.0.iter().map(|pattern| Candidate { pattern: pattern.clone(), tag: fill(pattern, facts) }).collect()
    }
}

/// Returns `true` if each tag of the pattern stays with one build. A branch tag moves to the next build.
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
        // Only a version can contain a brace. It is replaced last, so no value can become a placeholder.
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

/// Finds the image of a build: the first candidate whose revision, if any, is this commit. An image without a
/// revision under a branch tag, which moves to the next build, must also not have been built before `made_at`, the
/// time when the commit was made.
///
/// # Errors
/// If the registry cannot be reached or denies access.
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

/// Returns the reason that an image belongs to another build, or `None` if nothing indicates it.
fn another_build(published: &Published, facts: &TagFacts, made_at: Option<Timestamp>) -> Option<String> {
    if let Some(revision) = &published.revision {
        let (theirs, ours) = (revision.short(), facts.commit.short());
        return (*revision != facts.commit).then(|| format!("built from {theirs} and not from {ours}"));
    }
    let (created, made_at) = (published.created?, made_at?);
    (created < made_at).then(|| format!("built at {created:.0}, before the commit was made at {made_at:.0}"))
}
