//! The registry port: finds the image that a build published. A tag is looked up in the registry and never assumed
//! (HOCS-23), and the image is pinned by its digest at once. Adapter: [`oci`].

pub mod oci;
pub(crate) mod reference;
pub mod tags;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ids::{CommitId, Digest};

/// The image repository of one service.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Returns the image that a tag currently refers to, or `None` if there is no such tag.
    async fn find(&self, tag: &str) -> Result<Option<Published>, Failure>;

    /// Checks that the registry responds and that the repository can be read.
    async fn probe(&self) -> Result<(), Failure>;
}

/// An image as published in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The image, pinned by its digest.
    pub image: Image,
    /// Build time from the image configuration, if present.
    pub created: Option<Timestamp>,
    /// The commit that the image was built from, by its label `org.opencontainers.image.revision`, if present.
    pub revision: Option<CommitId>,
}

/// One image, pinned by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Registry and path, without tag: `quay.io/team/payments`.
    pub repository: String,
    /// The tag by which the image was found.
    pub tag: String,
    /// Digest that the tag referred to at that time.
    pub digest: Digest,
}

impl Image {
    /// Returns the image by digest, as container runtimes write it: `quay.io/team/payments@sha256:…`.
    #[must_use]
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}
