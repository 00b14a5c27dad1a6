//! Parser of `[registry]` of a service and `[[environment.cluster]]` of an environment.

use hotfix_adapters::registry::tags::TagStrategies;

use super::super::diagnostic::Diagnostic;
use super::super::field::Field;
use super::super::integrations::{ClusterConfig, ContainerConfig, RegistryConfig, RegistryLogin};
use super::super::reader::Reader;
use super::Folders;
use super::secret::secret;
use super::settings::tidy;

pub(super) fn registry(field: Field<'_>, folders: &Folders<'_>) -> Option<RegistryConfig> {
    let reader = field.table("`registry`")?;
    let repository = reader.need("repository").string_line();
    let tags_at = reader.place("tags");
    let tags: Vec<String> =
        reader.need("tags").list().into_iter().filter_map(Field::string_line).map(|line| line.value).collect();
    if let (Some(at), Err(error)) = (tags_at, TagStrategies::new(&tags)) {
        reader.sink.add(Diagnostic::at(
            at,
            "the tags of images cannot be found like this",
            "not possible",
            error.to_string(),
        ));
    }
    let user = reader.get("user").string_line().map(|user| user.value);
    let password = secret("password", reader.get("password"), folders);
    let plain_http = reader.get("plain_http").boolean().is_some_and(|flag| flag.value);
    reader.finish();
    let login = password.map(|password| RegistryLogin { user, password });
    Some(RegistryConfig { repository: repository?.value, tags, login, plain_http })
}

pub(super) fn clusters(field: Field<'_>, folders: &Folders<'_>) -> Vec<ClusterConfig> {
    field.list().into_iter().filter_map(|field| cluster(field.table("a cluster")?, folders)).collect()
}

fn cluster(reader: Reader<'_>, folders: &Folders<'_>) -> Option<ClusterConfig> {
    let text = |key| reader.need(key).string_line().map(|line| line.value);
    let (name, namespace, deployment) = (text("name"), text("namespace"), text("deployment"));
    let kubeconfig = reader.get("kubeconfig").string_line().map(|path| tidy(&folders.config.join(path.value)));
    let context = reader.get("context").string_line().map(|context| context.value);
    let read_pods = reader.get("read_pods").boolean().is_some_and(|flag| flag.value);
    let container = container(&reader);
    reader.finish();
    Some(ClusterConfig {
        name: name?,
        kubeconfig,
        context,
        namespace: namespace?,
        deployment: deployment?,
        container: container?,
        read_pods,
    })
}

/// Parses the selector of the service's container, which tells it apart from sidecars (HOCS-5).
fn container(reader: &Reader<'_>) -> Option<ContainerConfig> {
    let (named, image) = (reader.get("container").string_line(), reader.get("image").string_line());
    match (named, image) {
        (Some(named), None) => Some(ContainerConfig::Named(named.value)),
        (None, Some(image)) => Some(ContainerConfig::Image(image.value)),
        (Some(_), Some(_)) | (None, None) => {
            let next = "write `container = \"payments\"`, or `image = \"quay.io/team/payments\"`";
            reader.fault("a cluster says which container is the service", "says none or two", next);
            None
        }
    }
}
