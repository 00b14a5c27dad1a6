//! Image references, such as `registry:5000/team/payments:1.4.2@sha256:…`, and the syntax of tags.

use oci_spec::distribution::Reference;

use crate::ids::Digest;

/// A parsed image reference. Missing parts are filled in as container runtimes do: `nginx` is
/// `docker.io/library/nginx`. A missing tag is not, because `latest` does not identify the running image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// The registry as written in references, such as `quay.io`.
    pub(crate) registry: String,
    /// The host that serves the registry; differs from `registry` for `docker.io`.
    pub(crate) host: String,
    /// Path below the registry, such as `team/payments`.
    pub(crate) repository: String,
    /// The tag, if the reference has one.
    pub(crate) tag: Option<String>,
    /// The digest, if the reference has one.
    pub(crate) digest: Option<Digest>,
}

impl ImageName {
    /// Parses a reference. The error describes the problem.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let reference = Reference::try_from(text).map_err(|error| error.to_string())?;
        let digest = reference.digest().map(Digest::parse).transpose().map_err(|error| error.to_string())?;
        let name = text.split('@').next().unwrap_or(text);
        let written = |tag: &&str| name.strip_suffix(*tag).is_some_and(|start| start.ends_with(':'));
        Ok(Self {
            registry: reference.registry().to_owned(),
            host: reference.resolve_registry().to_owned(),
            repository: reference.repository().to_owned(),
            tag: reference.tag().filter(written).map(str::to_owned),
            digest,
        })
    }

    /// Returns `true` if both references name the same repository.
    pub(crate) fn same_repository(&self, other: &Self) -> bool {
        self.registry == other.registry && self.repository == other.repository
    }
}

/// Returns the reason that a text is not a valid image tag, or `None` if it is one.
pub(crate) fn no_tag(text: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(bad) = text.chars().find(|c| !word(*c) && !matches!(c, '.' | '-')) {
        return Some(format!("{text:?} is no tag of an image: {bad:?} cannot stand in one"));
    }
    if !text.starts_with(word) {
        return Some(format!("{text:?} is no tag of an image: it must start with a letter, a digit or _"));
    }
    (text.len() > 128).then(|| format!("{text:?} is no tag of an image: it is longer than 128 characters"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// HOCS-5: parses a registry with a port, a digest, and a missing tag.
    #[test]
    fn references_are_taken_apart() {
        let digest = format!("sha256:{}", "f".repeat(64));
        let told = |text: &str| {
            let name = ImageName::parse(text).unwrap();
            let rest = name.digest.is_some();
            format!("{} {} {} {rest}", name.registry, name.repository, name.tag.unwrap_or_else(|| "-".to_owned()))
        };
        assert_eq!(told("quay.io/team/payments:1.4.2"), "quay.io team/payments 1.4.2 false");
        assert_eq!(told("registry:5000/x/y"), "registry:5000 x/y - false");
        assert_eq!(told("registry:5000/x/y:latest"), "registry:5000 x/y latest false");
        assert_eq!(told(&format!("registry:5000/x/y:tag@{digest}")), "registry:5000 x/y tag true");
        assert_eq!(told(&format!("registry:5000/x/y@{digest}")), "registry:5000 x/y - true");
        assert_eq!(told("nginx"), "docker.io library/nginx - false");
        for bad in ["", "X", "x y", "quay.io/x@sha256:12", "quay.io/x:a/b"] {
            assert!(ImageName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_a_tag_is_told() {
        assert_eq!(no_tag("branch-hotfix_HOCS-1234"), None);
        assert!(no_tag("branch-hotfix/HOCS").unwrap().contains("'/' cannot stand"));
        assert!(no_tag("-x").unwrap().contains("must start"));
        assert!(no_tag("").unwrap().contains("must start"));
        assert!(no_tag(&"a".repeat(129)).unwrap().contains("128"));
    }
}
