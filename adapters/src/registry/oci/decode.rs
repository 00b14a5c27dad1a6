//! Decoding of manifests and image configurations, reduced to the fields that are used.

use jiff::Timestamp;
use jiff::civil::date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::ids::{CommitId, Digest};
use crate::rest::redact::unreadable;

/// The supported manifest types: image and image index, in the Docker and the OCI format.
pub(super) const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// The labels that name the commit of an image. The second is the name used before 2017.
const REVISIONS: [&str; 2] = ["org.opencontainers.image.revision", "org.label-schema.vcs-ref"];

/// A decoded manifest.
#[derive(Debug)]
pub(super) enum Manifest {
    /// Manifest of one image.
    Image {
        /// Digest of the image configuration.
        config: Digest,
    },
    /// Index of a multi-platform image.
    List {
        /// Digest of one platform's manifest: linux/amd64 if present, otherwise the first that can run. Provenance
        /// entries are skipped; their platform is "unknown".
        platform: Option<Digest>,
    },
}

#[derive(Deserialize)]
struct RawManifest {
    config: Option<Descriptor>,
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: Digest,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

impl Manifest {
    pub(super) fn read(body: &[u8], what: &str) -> Result<Self, Failure> {
        let raw: RawManifest = json(body, what)?;
        if let Some(manifests) = raw.manifests {
            let is = |entry: &Descriptor, os: &str, architecture: &str| {
                entry.platform.as_ref().is_some_and(|p| p.os == os && p.architecture == architecture)
            };
            let runs = |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|p| p.os != "unknown");
            let usual = manifests.iter().find(|entry| is(entry, "linux", "amd64"));
            let chosen = usual.or_else(|| manifests.iter().find(runs));
            return Ok(Self::List { platform: chosen.map(|entry| entry.digest.clone()) });
        }
        match raw.config {
            Some(config) => Ok(Self::Image { config: config.digest }),
            None => Err(Failure::rejected(format!(
                "{what} is neither an image nor a list of images. Push it in a format of this decade (manifest schema 2 or OCI)."
            ))),
        }
    }
}

/// The build facts that an image declares.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) created: Option<Timestamp>,
    pub(super) revision: Option<CommitId>,
}

#[derive(Deserialize)]
struct RawConfig {
    created: Option<String>,
    config: Option<RawLabels>,
}

#[derive(Deserialize)]
struct RawLabels {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

impl Built {
    pub(super) fn read(body: &[u8], what: &str) -> Result<Self, Failure> {
        let raw: RawConfig = json(body, what)?;
        let labels = raw.config.and_then(|config| config.labels).unwrap_or_default();
        let revision = REVISIONS.iter().filter_map(|name| labels.get(*name));
        let revision = revision.filter_map(|text| CommitId::parse(&text.trim().to_ascii_lowercase()).ok()).next();
        // Reproducible builds set the time to 1970 or 1980, which is not a build time.
        let created = raw.created.and_then(|text| text.parse::<Timestamp>().ok());
        Ok(Self {
            created: created.filter(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date() >= date(2000, 1, 1)),
            revision,
        })
    }
}

fn json<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let why = unreadable(&error);
        Failure::rejected(format!("the registry's answer about {what} cannot be read: {why}. Is a proxy in between?"))
    })
}

/// Computes the digest of a body and checks it against the claimed one. Without a claim, or with an unsupported
/// algorithm, the digest is SHA-256, as in registries.
pub(super) fn verified(body: &[u8], claimed: Option<&str>, what: &str) -> Result<Digest, Failure> {
    let claimed = claimed.and_then(|text| Digest::parse(text).ok());
    let found = match &claimed {
        Some(claim) if claim.as_str().starts_with("sha512:") => format!("sha512:{}", hex::encode(Sha512::digest(body))),
        _ => format!("sha256:{}", hex::encode(Sha256::digest(body))),
    };
    if let Some(claim) = claimed.filter(|claim| claim.as_str() != found) {
        return Err(Failure::rejected(format!(
            "what the registry gave for {what} is not what it names: {claim} was promised, {found} came. Find out who \
             changes the registry's answers before you go on."
        )));
    }
    Digest::parse(&found).map_err(|error| Failure::rejected(error.to_string()))
}
