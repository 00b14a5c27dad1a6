//! Parser of `[environment.deploy]` for promotions by merge request.

use hotfix_adapters::deploy::promotion::{Approval, Exclude, HotfixVersions, MergeBy, Target, TargetKind, Value};
use hotfix_adapters::edit::path::Path;
use hotfix_adapters::edit::yaml::{Matches, Rule};
use hotfix_adapters::forge::MergeMethod;
use hotfix_adapters::ids::{BranchName, PersonRef, Platform};

use super::super::super::field::Field;
use super::super::super::mechanism::{MechanismConfig, PromotionConfig, RolloutConfig};
use super::super::super::reader::Reader;
use super::super::Folders;
use super::remote::texts;
use super::running;

/// Default time in minutes before a person is asked about an unconfirmed rollout.
const ASK_MINUTES: u32 = 30;

pub(super) fn promotion(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<MechanismConfig> {
    let forge = reader.get("forge").string_line().map(|name| name.value);
    let repo = reader.need("repository").parse();
    let main = reader.get("main").parse().map(|main| main.value).or_else(|| BranchName::parse("main").ok());
    let targets = reader.need("target").list().into_iter().filter_map(target).collect();
    let approval = approval(reader);
    let hold_labels = texts(reader.get("hold_labels"));
    let hotfix_versions = reader.get("hotfix_versions").table("`hotfix_versions`").and_then(hotfix_versions);
    let merge = merge(reader);
    let rollout = rollout(reader, folders);
    let compare = reader.get("compare").string_line().map(|link| link.value);
    Some(MechanismConfig::Promotion(Box::new(PromotionConfig {
        forge,
        repo: repo?.value,
        main: main?,
        targets,
        approval: approval?,
        hold_labels,
        hotfix_versions,
        merge,
        rollout,
        compare,
    })))
}

/// Parses `{ name = "prod", file = "…", yaml = "path" }` with `all` and `follow_aliases`, or `env = "KEY"`, or
/// `search = "key"` with `exclude`.
fn target(field: Field<'_>) -> Option<Target> {
    let reader = field.table("a target")?;
    let (name, file) = (reader.need("name").string_line(), reader.need("file").string_line());
    let (yaml, env, search) =
        (reader.get("yaml").parse::<Path>(), reader.get("env").string_line(), reader.get("search").string_line());
    let all = reader.get("all").boolean().is_some_and(|flag| flag.value);
    let follow_aliases = reader.get("follow_aliases").boolean().is_some_and(|flag| flag.value);
    let exclude = reader.get("exclude").list().into_iter().filter_map(exclude).collect();
    let short = reader.get("short").integer(7..=39).map(|digits| Value::ShortSha(digits.value as usize));
    let production = reader.get("production").boolean().is_some_and(|flag| flag.value);
    for (key, way, named) in [
        ("all", "yaml", yaml.is_some()),
        ("follow_aliases", "yaml", yaml.is_some()),
        ("exclude", "search", search.is_some()),
    ] {
        if !named && reader.place(key).is_some() {
            let next = format!("take `{key}` away, or name the place with `{way} = …`");
            reader.fault(format!("`{key}`"), format!("is for a target with `{way}` only"), next);
        }
    }
    let kind = match (yaml, env, search) {
        (Some(path), None, None) => {
            let matches = if all { Matches::All } else { Matches::One };
            Some(TargetKind::Yaml { path: path.value, rule: Rule { matches, follow_aliases } })
        }
        (None, Some(key), None) => Some(TargetKind::Env { key: key.value }),
        (None, None, Some(key)) => Some(TargetKind::Search { key: key.value, exclude }),
        _ => {
            let said = ["yaml", "env", "search"].iter().filter(|key| reader.place(key).is_some()).count();
            if said != 1 {
                let next = "write `yaml = \"path\"`, `env = \"KEY\"` or `search = \"key\"`";
                reader.fault("a target names the commit in one way", "says none or several", next);
            }
            None
        }
    };
    reader.finish();
    let value = short.unwrap_or(Value::FullSha);
    Some(Target { name: name?.value, file: file?.value, kind: kind?, value, production })
}

fn exclude(field: Field<'_>) -> Option<Exclude> {
    let reader = field.table("an exclusion")?;
    let (files, reason) = (reader.need("files").string_line(), reader.need("reason").string_line());
    reader.finish();
    Some(Exclude { files: files?.value, reason: reason?.value })
}

/// Parses the approval that the merge request needs; defaults to a label that a person sets (PROMO-13).
fn approval(reader: &Reader<'_>) -> Option<Approval> {
    let Some(table) = reader.get("approval").table("`approval`") else {
        return Some(Approval::LabelByPerson { label: "lgtm".to_owned(), by: Vec::new() });
    };
    let ways = [("person", 0), ("bot", 1), ("comment", 2)];
    let way = table.need("by").choice(&ways);
    let label = table.get("label").string_line().map_or_else(|| "lgtm".to_owned(), |label| label.value);
    let text = table.get("text").string_line().map_or_else(|| "/lgtm".to_owned(), |text| text.value);
    let accounts = table.get("accounts").list().into_iter().filter_map(Field::id);
    let by = accounts.map(|id| PersonRef::new(Platform::Gitlab, id.value)).collect();
    table.finish();
    Some(match way?.value {
        0 => Approval::LabelByPerson { label, by },
        1 => Approval::LabelByBot { label },
        _ => Approval::CommentByBot { text },
    })
}

fn hotfix_versions(reader: Reader<'_>) -> Option<HotfixVersions> {
    let (file, component) = (reader.need("file").string_line(), reader.need("component").parse::<Path>());
    reader.finish();
    Some(HotfixVersions { file: file?.value, component: component?.value })
}

fn merge(reader: &Reader<'_>) -> MergeBy {
    let ways = [("others", None), ("merge", Some(MergeMethod::Merge)), ("squash", Some(MergeMethod::Squash))];
    let checks = texts(reader.get("checks"));
    match reader.get("merge").choice(&ways).and_then(|way| way.value) {
        Some(method) => MergeBy::Us { method, checks },
        None => MergeBy::Others,
    }
}

/// Parses `rollout = { checks = ["deploy"], running = ["./scripts/running.sh"], ask_minutes = 30 }`.
fn rollout(reader: &Reader<'_>, folders: &Folders<'_>) -> RolloutConfig {
    let Some(table) = reader.get("rollout").table("`rollout`") else {
        return RolloutConfig { checks: Vec::new(), running: None, ask_minutes: ASK_MINUTES };
    };
    let checks = texts(table.get("checks"));
    let running = running(&table, folders);
    let ask_minutes = table.get("ask_minutes").integer(1..=10_080).map_or(ASK_MINUTES, |minutes| minutes.value);
    table.finish();
    RolloutConfig { checks, running, ask_minutes }
}
