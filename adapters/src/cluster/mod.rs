//! The cluster port: what really runs, read where it runs. It only ever reads. Adapter: [`kubernetes`].

pub mod kubernetes;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Where one environment of one service runs.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// The image that the right container of the workload runs, in each place of the environment. Two productions that
    /// run different things are both told; a rollout that is half done is a failure that may pass.
    async fn running(&self) -> Result<Vec<RunningImage>, Failure>;

    /// Whether the cluster answers and lets us read.
    async fn probe(&self) -> Result<(), Failure>;
}

/// An image that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningImage {
    /// Where: cluster, namespace and workload, for people.
    pub place: String,
    /// The reference as the workload names it, such as `quay.io/team/payments:1.4.2`.
    pub reference: String,
    /// Its tag, when the reference has one.
    pub tag: Option<String>,
    /// Its digest, when the reference or the running container names one.
    pub digest: Option<crate::ids::Digest>,
}
