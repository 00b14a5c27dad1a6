//! Parser of `services/<name>.toml`.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::ids::{BranchName, ChannelRef, Environment, Repo};

use super::super::diagnostic::{At, Diagnostic, Located};
use super::super::field::Field;
use super::super::integrations::{ClusterConfig, RegistryConfig};
use super::super::mechanism::{CapabilityConfig, ForgeConfig, MechanismConfig, ProbeConfig};
use super::super::reader::Reader;
use super::Folders;
use super::mechanism::{self, command_line};
use super::member::Member;
use super::runtime;
use super::step::{self, SERVICE_KINDS};
use crate::domain::group::{ChatGroup, Moment};
use crate::domain::id::{PlaybookId, ServiceName};
use crate::domain::playbook::{CapabilityKind, ServiceKind};
use crate::domain::service::{Never, RequiredChecks};

/// A service as written. `None` stands for a value that could not be read and was reported.
pub(in crate::config) struct RawService {
    pub(in crate::config) name: ServiceName,
    /// Position of the start of the file.
    pub(in crate::config) at: At,
    pub(in crate::config) about: Option<String>,
    pub(in crate::config) kind: ServiceKind,
    pub(in crate::config) promote_with: Option<Located<PlaybookId>>,
    pub(in crate::config) lenient_checks: Vec<String>,
    pub(in crate::config) parties: Vec<(String, Vec<Located<Member>>)>,
    pub(in crate::config) repo: Option<Located<Repo>>,
    pub(in crate::config) main: Option<Located<BranchName>>,
    pub(in crate::config) playbook: Option<Located<PlaybookId>>,
    pub(in crate::config) channel: Option<ChannelRef>,
    pub(in crate::config) notify: Vec<Located<ChatGroup>>,
    pub(in crate::config) team: Vec<Located<Member>>,
    pub(in crate::config) release_blockers: Vec<String>,
    pub(in crate::config) hold_labels: Vec<String>,
    pub(in crate::config) required_checks: RequiredChecks,
    pub(in crate::config) forge: Option<ForgeConfig>,
    pub(in crate::config) environments: Vec<RawEnvironment>,
    pub(in crate::config) registry: Option<RegistryConfig>,
    pub(in crate::config) capabilities: BTreeMap<CapabilityKind, Located<CapabilityConfig>>,
}

/// An environment as written.
pub(in crate::config) struct RawEnvironment {
    pub(in crate::config) name: Located<Environment>,
    /// Group name that playbooks may use for several environments.
    pub(in crate::config) group: Option<Located<Environment>>,
    pub(in crate::config) production: bool,
    /// Reason why the bot never deploys to the environment, if there is one.
    pub(in crate::config) never: Option<Never>,
    pub(in crate::config) mechanism: Option<MechanismConfig>,
    /// The clusters that the environment runs on.
    pub(in crate::config) clusters: Vec<ClusterConfig>,
}

pub(super) fn read(name: &ServiceName, reader: Reader<'_>, folders: &Folders<'_>) -> RawService {
    let main = reader.get("main").parse().or_else(|| usual_main(&reader));
    let service = RawService {
        name: name.clone(),
        at: reader.at,
        about: reader.need("about").string_line().map(|about| about.value),
        kind: reader.get("kind").choice(&SERVICE_KINDS).map_or(ServiceKind::App, |kind| kind.value),
        promote_with: reader.get("promote_with").parse(),
        lenient_checks: lines(reader.get("lenient_checks")),
        parties: parties(reader.get("parties")),
        repo: reader.need("repository").parse(),
        main,
        playbook: reader.need("playbook").parse(),
        channel: reader.need("channel").parse().map(|channel| channel.value),
        notify: reader.get("notify").list().into_iter().filter_map(group).collect(),
        team: Member::list(reader.need("team")),
        release_blockers: lines(reader.get("release_blockers")),
        hold_labels: lines(reader.get("hold_labels")),
        required_checks: required_checks(reader.get("required_checks")),
        forge: forge(reader.need("forge")),
        environments: reader
            .need("environment")
            .list()
            .into_iter()
            .filter_map(|field| environment(field, folders))
            .collect(),
        registry: runtime::registry(reader.get("registry"), folders),
        capabilities: capabilities(reader.get("capability"), folders),
    };
    reader.finish();
    service
}

/// Returns `main` if the file does not name the mainline branch.
fn usual_main(reader: &Reader<'_>) -> Option<Located<BranchName>> {
    let said = reader.place("main").is_some();
    BranchName::parse("main").ok().filter(|_| !said).map(|value| Located { value, at: reader.at })
}

fn lines(field: Field<'_>) -> Vec<String> {
    field.one_or_more().into_iter().filter_map(Field::string_line).map(|line| line.value).collect()
}

/// Parses a list of check names, or `"none"` for a service without CI. An empty list is refused as ambiguous.
fn required_checks(field: Field<'_>) -> RequiredChecks {
    let (at, sink) = (field.at(), field.sink());
    let Some(at) = at else { return RequiredChecks::Expected };
    let is_list = field.len().is_some();
    let names = lines(field);
    if names.is_empty() && is_list {
        let what = "`required_checks` names no check";
        let next = "name the checks, or write \"none\" for a service without CI; without the key, the checks that the forge \
                    requires and those of main are expected";
        sink.add(Diagnostic::at(at, what, "an empty list", next));
    }
    if !is_list && names == ["none"] { RequiredChecks::None } else { RequiredChecks::Listed(names) }
}

/// Parses `[parties]`: groups of persons that playbooks refer to by name.
fn parties(field: Field<'_>) -> Vec<(String, Vec<Located<Member>>)> {
    let Some(reader) = field.table("`parties`") else {
        return Vec::new();
    };
    reader.entries().into_iter().map(|(name, members)| (name.value.to_owned(), Member::list(members))).collect()
}

/// Parses `{ group = "S0123456789", name = "payments-oncall", on = ["started", "failed"] }`.
fn group(field: Field<'_>) -> Option<Located<ChatGroup>> {
    let moments =
        [("started", Moment::Started), ("vote", Moment::Vote), ("live", Moment::Live), ("failed", Moment::Failed)];
    let reader = field.table("a group to be told")?;
    let id = reader.need("group").id();
    let name = reader.need("name").string_line();
    let on = reader.need("on").one_or_more();
    let on: BTreeSet<Moment> = on.into_iter().filter_map(|field| field.choice(&moments)).map(|on| on.value).collect();
    reader.finish();
    let id = id?;
    let value = ChatGroup { id: id.value, name: name?.value.trim_start_matches('@').to_owned(), on };
    Some(Located { value, at: id.at })
}

fn forge(field: Field<'_>) -> Option<ForgeConfig> {
    let reader = field.table("`forge`")?;
    let forge = match (reader.place("kind"), reader.get("use").string_line()) {
        (None, Some(name)) => Some(ForgeConfig::Named(name.value)),
        (Some(_), Some(name)) => {
            let what = "a service has one forge";
            reader.sink.add(Diagnostic::at(name.at, what, "a second one", "keep `kind = \"local\"` or `use = \"…\"`"));
            None
        }
        (_, None) => reader.need("kind").choice(&[("local", ())]).map(|_| ForgeConfig::Local),
    };
    let _ = reader.get("kind");
    reader.finish();
    forge
}

fn environment(field: Field<'_>, folders: &Folders<'_>) -> Option<RawEnvironment> {
    let reader = field.table("an environment")?;
    let name = reader.need("name").parse();
    let production = reader.get("production").boolean().is_some_and(|flag| flag.value);
    let group = reader.get("group").parse();
    let never = reader.get("never").table("`never`").and_then(never);
    let deploy = if never.is_some() { reader.get("deploy") } else { reader.need("deploy") };
    let mechanism = deploy.table("`deploy`").and_then(|deploy| mechanism::read(deploy, folders));
    let mechanism = mechanism.or_else(|| {
        never.as_ref().map(|never: &Never| MechanismConfig::Manual {
            instructions: never.instead.replace('{', "{{").replace('}', "}}"),
        })
    });
    let clusters = runtime::clusters(reader.get("cluster"), folders);
    reader.finish();
    Some(RawEnvironment { name: name?, group, production, never, mechanism, clusters })
}

/// Parses `{ serves = "HOCS-26", reason = "…", instead = "…" }`: a ban on deployments that nothing overrides.
fn never(reader: Reader<'_>) -> Option<Never> {
    let requirement = step::requirement(reader.get("serves"));
    let (reason, instead) = (reader.need("reason").string_line(), reader.need("instead").string_line());
    reader.finish();
    Some(Never { requirement, reason: reason?.value, instead: instead?.value })
}

fn capabilities(field: Field<'_>, folders: &Folders<'_>) -> BTreeMap<CapabilityKind, Located<CapabilityConfig>> {
    let mut capabilities = BTreeMap::new();
    let Some(reader) = field.table("`capability`") else {
        return capabilities;
    };
    for kind in CapabilityKind::ALL {
        if let Some(table) = reader.get(kind.as_str()).table("a capability") {
            let at = table.at;
            let config = capability(table, folders);
            capabilities.extend(config.map(|value| (kind, Located { value, at })));
        }
    }
    reader.finish();
    capabilities
}

/// Parses a capability. A declared capability needs a probe (MAIN-13): a flag alone proves nothing.
fn capability(reader: Reader<'_>, folders: &Folders<'_>) -> Option<CapabilityConfig> {
    let declared = reader.need("declared").boolean().is_some_and(|flag| flag.value);
    let probe = if declared { reader.need("probe") } else { reader.get("probe") };
    let probe = probe.table("`probe`").and_then(|table| self::probe(table, folders));
    reader.finish();
    probe.filter(|_| declared).map(|probe| CapabilityConfig { probe })
}

fn probe(reader: Reader<'_>, folders: &Folders<'_>) -> Option<ProbeConfig> {
    let environment = reader.get("environment").parse::<Environment>();
    let command = reader.get("command");
    let probe = match (environment, command.at()) {
        (Some(environment), None) => Some(ProbeConfig::Environment(environment.value)),
        (None, Some(_)) => command_line(command, folders, &[]).map(ProbeConfig::Command),
        (Some(_), Some(at)) => {
            let what = "a capability is probed in one way";
            reader.sink.add(Diagnostic::at(at, what, "a second way", "keep `environment` or `command`"));
            None
        }
        (None, None) => {
            if reader.place("environment").is_none() {
                let next = "write `probe = { environment = \"staging\" }` or `probe = { command = [\"…\"] }`";
                reader.fault("a probe needs an `environment` or a `command`", "has neither", next);
            }
            None
        }
    };
    reader.finish();
    probe
}
