//! Wiring of image registries and clusters.

use std::sync::Arc;

use hotfix_adapters::cluster::Cluster;
use hotfix_adapters::cluster::kubernetes::{Access, ContainerRule, Kubernetes, KubernetesOptions, Place};
use hotfix_adapters::egress::EgressPolicy;
use hotfix_adapters::registry::oci::{Oci, OciAuth, OciOptions};
use hotfix_adapters::registry::tags::TagStrategies;

use super::forges::secret;
use crate::config::{ClusterConfig, ContainerConfig, RegistryConfig};
use crate::engine::Images;

pub(super) fn registry(registry: &RegistryConfig, reach: EgressPolicy) -> anyhow::Result<Images> {
    let auth = match &registry.login {
        None => OciAuth::Anonymous,
        Some(login) => match &login.user {
            Some(user) => OciAuth::Basic { user: user.clone(), password: secret(&login.password)? },
            None => OciAuth::Bearer(secret(&login.password)?),
        },
    };
    let mut options = OciOptions::new(registry.repository.clone(), auth);
    (options.plain_http, options.reach) = (registry.plain_http, reach);
    Ok(Images { registry: Arc::new(Oci::new(options)?), tags: TagStrategies::new(&registry.tags)? })
}

pub(super) fn cluster(cluster: &ClusterConfig) -> anyhow::Result<Arc<dyn Cluster>> {
    let access = match &cluster.kubeconfig {
        None => Access::InCluster,
        Some(path) => Access::Kubeconfig { path: path.clone(), context: cluster.context.clone(), allow_exec: false },
    };
    let place = Place {
        name: cluster.name.clone(),
        access,
        namespace: cluster.namespace.clone(),
        deployment: cluster.deployment.clone(),
    };
    let container = match &cluster.container {
        ContainerConfig::Named(name) => ContainerRule::Named(name.clone()),
        ContainerConfig::Image(image) => ContainerRule::Image(image.clone()),
    };
    let mut options = KubernetesOptions::new(vec![place], container);
    options.read_pods = cluster.read_pods;
    Ok(Arc::new(Kubernetes::new(options)?))
}
