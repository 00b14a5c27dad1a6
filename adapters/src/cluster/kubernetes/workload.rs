//! A Deployment, reduced to the fields that give the service's image and the state of the rollout.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;

use super::options::ContainerRule;
use crate::failure::Failure;
use crate::registry::reference::ImageName;

#[derive(Debug, Deserialize)]
pub(super) struct Deployment {
    metadata: Metadata,
    pub(super) spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    generation: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Spec {
    /// Kubernetes defaults to 1.
    replicas: Option<i32>,
    pub(super) selector: LabelSelector,
    template: Template,
}

#[derive(Debug, Deserialize)]
struct Template {
    spec: PodSpec,
}

/// The pod template. Init containers are left out, because they have ended when the service runs.
#[derive(Debug, Deserialize)]
struct PodSpec {
    containers: Vec<Container>,
}

/// A container of the pod template.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Container {
    pub(super) name: String,
    /// Empty if the template omits it, for a controller to fill in.
    #[serde(default)]
    pub(super) image: String,
}

/// State of the rollout. The API omits fields that are zero.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: Option<i64>,
    replicas: i32,
    updated_replicas: i32,
    available_replicas: i32,
}

impl Deployment {
    /// Returns the service's container; fails unless exactly one matches the rule.
    pub(super) fn container(&self, rule: &ContainerRule) -> Result<&Container, Failure> {
        let all = &self.spec.template.spec.containers;
        let matching: Vec<&Container> = all.iter().filter(|container| is_service(container, rule)).collect();
        if let [only] = matching.as_slice() {
            return Ok(only);
        }
        let wanted = match rule {
            ContainerRule::Named(name) => format!("is called {name}"),
            ContainerRule::Image(repository) => format!("has an image of {repository}"),
        };
        let (who, found) = if matching.is_empty() {
            ("no container", all.iter().collect())
        } else {
            ("more than one container", matching)
        };
        let list: Vec<String> =
            found.iter().map(|container| format!("{} ({})", container.name, container.image)).collect();
        Err(Failure::rejected(format!(
            "{who} {wanted}; there are {}. Say in the configuration which container is the service.",
            list.join(", ")
        )))
    }

    /// Fails unless the rollout is complete, so that the specified image is the running one.
    pub(super) fn settled(&self) -> Result<(), Failure> {
        let (asked, status) = (self.spec.replicas.unwrap_or(1), &self.status);
        if status.observed_generation < self.metadata.generation {
            return Err(Failure::retry("a rollout was asked for and has not begun"));
        }
        if asked == 0 {
            return Err(Failure::rejected(
                "it is scaled to 0, so nothing runs there. Scale it up, or say by hand what runs.",
            ));
        }
        let reached = |count: i32| count == asked;
        if reached(status.replicas) && reached(status.updated_replicas) && reached(status.available_replicas) {
            return Ok(());
        }
        Err(Failure::retry(format!(
            "a rollout is half done: of {asked} pods {} are there, {} are of the newest version and {} are available",
            status.replicas, status.updated_replicas, status.available_replicas
        )))
    }
}

fn is_service(container: &Container, rule: &ContainerRule) -> bool {
    match rule {
        ContainerRule::Named(name) => container.name == *name,
        ContainerRule::Image(repository) => {
            let (wanted, has) = (ImageName::parse(repository), ImageName::parse(&container.image));
            wanted.is_ok_and(|wanted| has.is_ok_and(|has| has.same_repository(&wanted)))
        }
    }
}
