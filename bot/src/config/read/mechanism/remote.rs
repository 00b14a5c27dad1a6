//! Parser of `[environment.deploy]` for workflows, pipelines and Drone.

use std::collections::BTreeMap;

use hotfix_adapters::deploy::drone::QA_TARGETS;
use hotfix_adapters::ids::Environment;

use super::super::super::diagnostic::Diagnostic;
use super::super::super::field::Field;
use super::super::super::mechanism::{DroneConfig, MechanismConfig, PipelineConfig, WorkflowConfig};
use super::super::super::reader::Reader;
use super::super::Folders;
use super::super::secret::secret;
use super::{DEPLOYING, check_placeholders};

pub(super) fn workflow(reader: &Reader<'_>, _: &Folders<'_>) -> Option<MechanismConfig> {
    let workflow = reader.need("workflow").string_line();
    let reference = template(reader.need("ref"));
    let inputs = templates(reader.get("inputs"));
    let key_input = reader.get("key_input").string_line().map_or_else(|| "hotfix_id".to_owned(), |line| line.value);
    let deployments = reader.get("deployments").string_line().map(|line| line.value);
    let (forbidden, pace_seconds) = (texts(reader.get("forbidden")), pace(reader));
    Some(MechanismConfig::Workflow(WorkflowConfig {
        workflow: workflow?.value,
        reference: reference?,
        inputs,
        key_input,
        deployments,
        forbidden,
        pace_seconds,
    }))
}

pub(super) fn pipeline(reader: &Reader<'_>, _: &Folders<'_>) -> Option<MechanismConfig> {
    let reference = template(reader.need("ref"));
    let variables = templates(reader.get("variables"));
    let environment = reader.need("environment").string_line();
    let (forbidden, pace_seconds) = (texts(reader.get("forbidden")), pace(reader));
    Some(MechanismConfig::Pipeline(PipelineConfig {
        reference: reference?,
        variables,
        environment: environment?.value,
        forbidden,
        pace_seconds,
    }))
}

pub(super) fn drone(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<MechanismConfig> {
    let url = reader.need("url").string_line();
    let token = secret("token", reader.need("token"), folders);
    let target = reader.need("target").parse::<Environment>();
    let parameters = templates(reader.get("parameters"));
    let said = reader.place("forbidden").is_some();
    let forbidden = texts(reader.get("forbidden"));
    let forbidden = if said { forbidden } else { QA_TARGETS.map(str::to_owned).to_vec() };
    Some(MechanismConfig::Drone(DroneConfig {
        url: url?.value,
        token: token?,
        target: target?.value.to_string(),
        parameters,
        forbidden,
        pace_seconds: pace(reader),
    }))
}

fn pace(reader: &Reader<'_>) -> u32 {
    reader.get("pace_seconds").integer(1..=600).map_or(5, |number| number.value)
}

pub(super) fn texts(field: Field<'_>) -> Vec<String> {
    field.one_or_more().into_iter().filter_map(Field::string_line).map(|line| line.value).collect()
}

fn template(field: Field<'_>) -> Option<String> {
    let sink = field.sink();
    let text = field.string_line()?;
    check_placeholders(&text, DEPLOYING, sink)?;
    Some(text.value)
}

fn templates(field: Field<'_>) -> BTreeMap<String, String> {
    let Some(reader) = field.table("a table of values") else {
        return BTreeMap::new();
    };
    let mut values = BTreeMap::new();
    for (name, field) in reader.entries() {
        if super::super::redact::looks_secret(name.value) {
            let what = format!("{} looks like a secret, and what is sent along is seen by everybody", name.value);
            reader.sink.add(Diagnostic::at(name.at, what, "a secret is never written here", "keep it over there"));
            continue;
        }
        if let Some(value) = template(field) {
            values.insert(name.value.to_owned(), value);
        }
    }
    values
}
