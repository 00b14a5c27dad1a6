//! Adapter for Kubernetes: reads the image of a Deployment's container. Its account needs only `get deployments`, and
//! `list pods` if pods are read.
//!
//! A kubeconfig that runs a program to log in is refused unless explicitly allowed; see [`Access::Kubeconfig`].

mod call;
mod connect;
mod options;
mod pods;
mod workload;

use async_trait::async_trait;
use kube::Client;
use kube::api::ListParams;
use kube::core::{Request, Selector};

use self::call::get;
use self::connect::connect;
use self::pods::Pods;
use self::workload::Deployment;
use super::{Cluster, RunningImage};
use crate::failure::Failure;
use crate::ids::Digest;
use crate::registry::reference::ImageName;

pub use self::options::{Access, ContainerRule, KubernetesOptions, KubernetesOptionsError, Place};

/// One environment of one service, in one or several clusters.
pub struct Kubernetes {
    options: KubernetesOptions,
}

impl Kubernetes {
    /// Validates the options. Sends no request and reads no kubeconfig.
    ///
    /// # Errors
    /// If an option is not valid; the error names the problem and the expected form.
    pub fn new(options: KubernetesOptions) -> Result<Self, KubernetesOptionsError> {
        options.check()?;
        Ok(Self { options })
    }

    async fn deployment(&self, client: &Client, place: &Place) -> Result<Deployment, Failure> {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments", place.namespace);
        let request = Request::new(path).get(&place.deployment, &kube::api::GetParams::default()).map_err(unbuilt)?;
        let what = format!("deployment {} in namespace {}", place.deployment, place.namespace);
        get(client, request, self.options.time_limit, &what, "get deployments").await
    }

    async fn digest(
        &self,
        client: &Client,
        place: &Place,
        deployment: &Deployment,
        container: &str,
    ) -> Result<Option<Digest>, Failure> {
        let selector = Selector::try_from(deployment.spec.selector.clone())
            .map_err(|error| Failure::rejected(format!("its selector cannot be read: {error}")))?;
        let path = format!("/api/v1/namespaces/{}/pods", place.namespace);
        let request = Request::new(path).list(&ListParams::default().labels_from(&selector)).map_err(unbuilt)?;
        let what = format!("the pods of deployment {} in namespace {}", place.deployment, place.namespace);
        let pods: Pods = get(client, request, self.options.time_limit, &what, "list pods").await?;
        pods.digest(container)
    }

    async fn read(&self, place: &Place) -> Result<RunningImage, Failure> {
        let client = connect(&place.access, self.options.time_limit).await?;
        let deployment = self.deployment(&client, place).await?;
        let container = deployment.container(&self.options.container)?;
        deployment.settled()?;
        let name = ImageName::parse(&container.image).map_err(|why| {
            Failure::rejected(format!(
                "container {} has an image {:?} that cannot be read: {why}",
                container.name, container.image
            ))
        })?;
        let digest = match name.digest {
            None if self.options.read_pods => self.digest(&client, place, &deployment, &container.name).await?,
            known => known,
        };
        Ok(RunningImage { place: told(place), reference: container.image.clone(), tag: name.tag, digest })
    }

    async fn look(&self, place: &Place) -> Result<(), Failure> {
        let client = connect(&place.access, self.options.time_limit).await?;
        let deployment = self.deployment(&client, place).await?;
        let container = deployment.container(&self.options.container)?;
        if self.options.read_pods {
            self.digest(&client, place, &deployment, &container.name).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Cluster for Kubernetes {
    async fn running(&self) -> Result<Vec<RunningImage>, Failure> {
        let mut found = Vec::new();
        for place in &self.options.places {
            found.push(self.read(place).await.map_err(|failure| at(place, failure))?);
        }
        Ok(found)
    }

    async fn probe(&self) -> Result<(), Failure> {
        for place in &self.options.places {
            self.look(place).await.map_err(|failure| at(place, failure))?;
        }
        Ok(())
    }
}

fn told(place: &Place) -> String {
    format!("{} ({}/{})", place.name, place.namespace, place.deployment)
}

/// Adds the place to the reason of a failure.
fn at(place: &Place, failure: Failure) -> Failure {
    let place = told(place);
    match failure {
        Failure::Retry { reason, after } => Failure::Retry { reason: format!("{place}: {reason}"), after },
        Failure::Rejected { reason } => Failure::Rejected { reason: format!("{place}: {reason}") },
        Failure::Uncertain { reason } => Failure::Uncertain { reason: format!("{place}: {reason}") },
    }
}

fn unbuilt(error: kube::core::request::Error) -> Failure {
    Failure::rejected(format!("the question cannot be put: {error}"))
}
