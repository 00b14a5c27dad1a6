//! The cluster port: reads the images that actually run. Read-only. Adapter: [`kubernetes`].

pub mod kubernetes;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The places where one environment of one service runs.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Returns the image that the service's container runs, for each place of the environment. Places may run
    /// different images. An unfinished rollout is a temporary failure.
    async fn running(&self) -> Result<Vec<RunningImage>, Failure>;

    /// Checks that the cluster responds and that the workloads can be read.
    async fn probe(&self) -> Result<(), Failure>;
}

/// A running image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningImage {
    /// Cluster, namespace and workload, for display.
    pub place: String,
    /// The image reference in the workload, such as `quay.io/team/payments:1.4.2`.
    pub reference: String,
    /// The tag, if the reference has one.
    pub tag: Option<String>,
    /// The digest, if the reference has one or the running containers report one.
    pub digest: Option<crate::ids::Digest>,
}
