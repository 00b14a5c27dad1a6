//! The raw configuration: each file parsed on its own, with the position of every value. Rules across files are checked
//! in [`check`](super::check).

mod chat;
mod forges;
mod http;
mod mechanism;
mod member;
mod people;
mod playbook;
mod policy;
mod redact;
mod runtime;
mod secret;
mod service;
mod settings;
mod step;
mod syntax;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostics;
use super::integrations::HostConfig;
use super::reader::Reader;
use super::settings::Settings;
use super::source::{Named, Sources};
use crate::domain::id::PlaybookId;
use crate::domain::id::ServiceName;
use crate::domain::people::People;

pub(super) use member::Member;
pub(super) use playbook::RawPlaybook;
pub(super) use policy::{RawPolicy, RawServicePolicy};
pub(super) use service::{RawEnvironment, RawService};
pub(super) use step::RawStep;

/// The raw contents of all files. `None` stands for a file that could not be read; checks that depend on it
/// are skipped.
pub(super) struct Raw {
    pub(super) settings: Option<Settings>,
    pub(super) forges: BTreeMap<String, HostConfig>,
    pub(super) people: Option<People>,
    pub(super) policy: Option<RawPolicy>,
    pub(super) services: Vec<RawService>,
    pub(super) playbooks: Vec<RawPlaybook>,
    /// Services that have a file, readable or not. An unreadable file must not be reported as missing too.
    pub(super) service_names: Vec<ServiceName>,
    /// Playbooks that have a file, readable or not.
    pub(super) playbook_names: Vec<PlaybookId>,
}

/// Base folders of relative paths.
pub(super) struct Folders<'a> {
    /// Folder of the configuration files.
    pub(super) config: &'a Path,
    /// State folder of the bot.
    pub(super) state: PathBuf,
    /// Folder of the systemd credentials; `None` if systemd passed none.
    pub(super) credentials: Option<&'a Path>,
}

/// Parses all files.
pub(super) fn everything(sources: &Sources, credentials: Option<&Path>, sink: &Diagnostics) -> Raw {
    let root = sources.root.as_path();
    let file = |file, what| move |read: &mut dyn FnMut(Reader<'_>)| syntax::with_table(sources, file, what, sink, read);

    let (mut settings, mut forges) = (None, BTreeMap::new());
    if let Some(id) = sources.settings {
        file(id, "hotfix.toml")(&mut |reader| {
            (settings, forges) = settings::read(reader, root, credentials);
        });
    }
    let mut people = None;
    if let Some(id) = sources.people {
        file(id, "people.toml")(&mut |reader| people = Some(people::read(reader)));
    }
    let mut policy = None;
    if let Some(id) = sources.policy {
        file(id, "policy.toml")(&mut |reader| policy = Some(policy::read(reader)));
    }

    let state = settings.as_ref().map_or_else(|| root.to_owned(), |settings| settings.state.clone());
    let folders = Folders { config: root, state, credentials };
    let mut services = Vec::new();
    let service_names = names(&sources.services, "service", "services", sink);
    for (name, id) in pairs(&sources.services) {
        file(id, "a service")(&mut |reader| services.push(service::read(&name, reader, &folders)));
    }
    let remind_minutes = settings.as_ref().map_or(0, |settings| settings.remind_minutes);
    let mut playbooks = Vec::new();
    let playbook_names = names(&sources.playbooks, "playbook", "playbooks", sink);
    for (name, id) in pairs(&sources.playbooks) {
        file(id, "a playbook")(&mut |reader| playbooks.push(playbook::read(&name, reader, remind_minutes)));
    }
    Raw { settings, forges, people, policy, services, playbooks, service_names, playbook_names }
}

/// Returns the files whose names are valid ids. [`names`] reports the others.
fn pairs<T: std::str::FromStr>(named: &[Named]) -> impl Iterator<Item = (T, super::diagnostic::FileId)> {
    named.iter().filter_map(|named| Some((named.name.parse().ok()?, named.file?)))
}

fn names<T: std::str::FromStr<Err: std::fmt::Display>>(
    named: &[Named],
    what: &str,
    folder: &str,
    sink: &Diagnostics,
) -> Vec<T> {
    let parse = |named: &Named| match named.name.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let title = format!("{folder}/{}.toml cannot name a {what}", named.name);
            sink.add(super::diagnostic::Diagnostic::of(
                format!("{folder}/{}.toml", named.name),
                title,
                T::Err::to_string(&error),
            ));
            None
        }
    };
    named.iter().filter_map(parse).collect()
}
