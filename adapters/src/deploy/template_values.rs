//! Template values: named parameters that are passed along with a deployment, filled in from patterns such as `VERSION
//! = "{tag}"`.

use std::collections::BTreeMap;

use super::DeployRequest;
use super::command::{Pattern, Placeholder, Values};
use crate::failure::Failure;
use crate::registry::Image;

/// Name of the parameter that carries the deployment key, by which the deployment is found again.
pub(crate) const KEY: &str = "HOTFIX_KEY";

/// Maximum length of `VERSION`, in characters: it becomes a Kubernetes label value, which is limited to this.
const LONGEST_VERSION: usize = 63;

/// Parameter names with their patterns.
#[derive(Debug, Clone)]
pub(crate) struct TemplateValues(BTreeMap<String, Pattern>);

impl TemplateValues {
    /// Parses the patterns. `reserved` returns `true` for names that the configuration must not set.
    pub(crate) fn new(patterns: &BTreeMap<String, String>, reserved: fn(&str) -> bool) -> Result<Self, Failure> {
        let mut parsed = BTreeMap::new();
        for (name, text) in patterns {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !plain || name.eq_ignore_ascii_case(KEY) || reserved(name) {
                return Err(Failure::rejected(format!(
                    "{name:?} cannot be a parameter of a deployment: it is no plain name, or means something of its own."
                )));
            }
            parsed.insert(name.clone(), pattern(text)?);
        }
        Ok(Self(parsed))
    }

    /// Returns the parameters of a deployment, including its key.
    pub(crate) fn fill(&self, request: &DeployRequest) -> Result<BTreeMap<String, String>, Failure> {
        let mut filled = BTreeMap::from([(KEY.to_owned(), request.key.as_str().to_owned())]);
        for (name, pattern) in &self.0 {
            let value = fill(pattern, request)?;
            if name == "VERSION" && value.chars().count() > LONGEST_VERSION {
                return Err(Failure::rejected(format!(
                    "HOCS-25: VERSION would be {value:?}, and Kubernetes takes at most {LONGEST_VERSION} characters of it. \
                     Build from a branch with a shorter name."
                )));
            }
            filled.insert(name.clone(), value);
        }
        Ok(filled)
    }
}

pub(crate) fn pattern(text: &str) -> Result<Pattern, Failure> {
    Pattern::parse(text, &Placeholder::ALL).map_err(|error| Failure::rejected(error.to_string()))
}

/// The placeholders that are filled from the commit's image.
const OF_IMAGE: [Placeholder; 3] = [Placeholder::Tag, Placeholder::Digest, Placeholder::Image];

/// Returns whether a mechanism's pattern uses the commit's image: `{tag}`, `{digest}` or `{image}`.
#[must_use]
pub fn names_image(text: &str) -> bool {
    pattern(text).is_ok_and(|pattern| OF_IMAGE.into_iter().any(|placeholder| pattern.uses(placeholder)))
}

/// Returns whether a mechanism's pattern uses the commit that ran before: `{previous}`.
#[must_use]
pub fn names_previous(text: &str) -> bool {
    pattern(text).is_ok_and(|pattern| pattern.uses(Placeholder::Previous))
}

/// Fills in a pattern. Rejects a missing value instead of leaving it empty: an empty `VERSION` would still deploy
/// something.
pub(crate) fn fill(pattern: &Pattern, request: &DeployRequest) -> Result<String, Failure> {
    let image = request.image.as_ref();
    if image.is_none() && OF_IMAGE.into_iter().any(|placeholder| pattern.uses(placeholder)) {
        return Err(Failure::rejected(
            "HOCS-25: this deployment names an image, and none was found for the commit. Find the tag in the registry first.",
        ));
    }
    if request.previous.is_none() && pattern.uses(Placeholder::Previous) {
        return Err(Failure::rejected(format!(
            "this deployment names what ran before, and nothing tells what {} runs. Deploy there once without the bot, or take \
             {{previous}} out of the configuration.",
            request.environment
        )));
    }
    let pinned = image.map(Image::pinned).unwrap_or_default();
    Ok(pattern.fill(&Values {
        commit: request.commit.as_str(),
        short: request.commit.short(),
        environment: request.environment.as_str(),
        repository: request.repo.as_str(),
        key: request.key.as_str(),
        tag: image.map(|image| image.tag.as_str()).unwrap_or_default(),
        digest: image.map(|image| image.digest.as_str()).unwrap_or_default(),
        image: &pinned,
        previous: request.previous.as_ref().map(crate::ids::CommitId::as_str).unwrap_or_default(),
    }))
}

/// Rejects a request for another repository or environment.
pub(crate) fn ours(
    request: &DeployRequest,
    repo: &crate::ids::Repo,
    environment: &crate::ids::Environment,
) -> Result<(), Failure> {
    if request.environment == *environment && request.repo == *repo {
        return Ok(());
    }
    Err(Failure::rejected(format!(
        "this mechanism deploys {repo} to {environment}, not {} to {}",
        request.repo, request.environment
    )))
}

/// Rejects a request that differs from the recorded one with the same key.
pub(crate) fn same(known: &DeployRequest, request: &DeployRequest) -> Result<(), Failure> {
    if known == request {
        return Ok(());
    }
    Err(Failure::rejected(format!(
        "the deployment {} is known, and of something else: {} of {} to {}; a new deployment needs a new key",
        known.key,
        known.commit.short(),
        known.repo,
        known.environment
    )))
}
