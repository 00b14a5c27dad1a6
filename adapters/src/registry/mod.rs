//! The registry port: which image a build published, confirmed where images are kept. A tag is found there, never computed
//! and believed (HOCS-23), and is pinned by its digest at once. Adapter: [`oci`].

pub mod oci;
pub(crate) mod reference;
pub mod tags;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ids::{CommitId, Digest};

/// Where the images of one service are kept.
#[async_trait]
pub trait Registry: Send + Sync {
    /// The image that a tag names now; `None` when there is no such tag.
    async fn find(&self, tag: &str) -> Result<Option<Published>, Failure>;

    /// Whether the registry answers and lets us read.
    async fn probe(&self) -> Result<(), Failure>;
}

/// An image as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The image.
    pub image: Image,
    /// When it was built, if its configuration says so.
    pub created: Option<Timestamp>,
    /// The commit it says it was built from (`org.opencontainers.image.revision`), if it says so.
    pub revision: Option<CommitId>,
}

/// One image, pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where it is, without tag: `quay.io/team/payments`.
    pub repository: String,
    /// The tag it was found by.
    pub tag: String,
    /// What that tag named then.
    pub digest: Digest,
}

impl Image {
    /// The image by its digest, as container runtimes write it: `quay.io/team/payments@sha256:…`.
    #[must_use]
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}
