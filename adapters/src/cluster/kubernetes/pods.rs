//! The pods of a Deployment, reduced to the fields that give the running digest.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::failure::Failure;
use crate::ids::Digest;

#[derive(Debug, Deserialize)]
pub(super) struct Pods {
    items: Vec<Pod>,
}

#[derive(Debug, Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    deletion_timestamp: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Deserialize)]
struct ContainerStatus {
    name: String,
    #[serde(default)]
    ready: bool,
    #[serde(rename = "imageID", default)]
    image_id: String,
}

impl Pods {
    /// Returns the digest of the container in all pods where it is ready and that are not being deleted, or `None` if
    /// the container runtime reports none. Fails if the pods run different images, which happens if a tag moved
    /// between their starts.
    pub(super) fn digest(&self, container: &str) -> Result<Option<Digest>, Failure> {
        let staying = self.items.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let statuses = staying.flat_map(|pod| &pod.status.container_statuses);
        let running = statuses.filter(|status| status.name == container && status.ready);
        let digests: BTreeSet<Digest> = running.filter_map(|status| digest_of(&status.image_id)).collect();
        if digests.len() > 1 {
            let list: Vec<&str> = digests.iter().map(Digest::as_str).collect();
            return Err(Failure::rejected(format!(
                "its pods run different images: {}. A tag was moved between their starts. Restart the rollout, so that all \
                 run the same, or pin the image by its digest.",
                list.join(", ")
            )));
        }
        Ok(digests.into_iter().next())
    }
}

/// Extracts the digest from `docker-pullable://quay.io/x@sha256:…` or `quay.io/x@sha256:…`. A bare `sha256:…` is
/// ignored, because it is the digest of the image configuration.
fn digest_of(image_id: &str) -> Option<Digest> {
    Digest::parse(image_id.rsplit_once('@')?.1).ok()
}
