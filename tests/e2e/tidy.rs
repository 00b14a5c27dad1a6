//! Rules on the code that a machine can check: the allowed imports per layer, and a scenario for every runbook sentence
//! that the bot acts on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hotfix::config::requirements::{Met, REQUIREMENTS};
use hotfix_tests::scenario::Scenario;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a text");
            found.push((path, text));
        }
    }
    found
}

fn scenarios() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths = std::fs::read_dir(folder).expect("the scenarios").flatten().map(|entry| entry.path());
    let read = |path: PathBuf| {
        (path.file_name().unwrap_or_default().display().to_string(), Scenario::read(&path).expect("a scenario"))
    };
    paths.map(read).collect()
}

fn playbooks() -> BTreeMap<String, toml::Table> {
    let folder = root().join("config/playbooks");
    let paths = std::fs::read_dir(folder).expect("the playbooks").flatten().map(|entry| entry.path());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a playbook");
        (path.file_stem().unwrap_or_default().display().to_string(), text.parse().expect("a playbook is TOML"))
    };
    paths.map(read).collect()
}

fn served_by_steps(playbook: &toml::Table) -> BTreeSet<String> {
    let lists = ["step", "exceptional"].iter().filter_map(|name| playbook.get(*name)?.as_array());
    let steps = lists.flatten().filter_map(|step| step.get("serves")?.as_array());
    steps.flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// `tests/run` selects tests by the first letter of their names.
#[test]
fn tests_run_leaves_no_tests_out() {
    let run = std::fs::read_to_string(root().join("tests/run")).expect("tests/run");
    for folder in ["adapters/tests", "bot/tests", "storage/tests", "tests/fakes/tests"] {
        for entry in std::fs::read_dir(root().join(folder)).into_iter().flatten().flatten() {
            let name = entry.path().file_stem().unwrap_or_default().display().to_string();
            assert!(!name.starts_with('e') || run.contains(&format!("--test {name}")), "{folder}/{name} is not run");
        }
    }
}

/// Lists each layer with the names that it must not use.
#[test]
fn layers_import_downwards_only() {
    let rules: [(&str, &[&str]); 8] = [
        ("storage/src", &["hotfix_adapters", "hotfix::"]),
        ("adapters/src", &["hotfix_storage", "hotfix::"]),
        (
            "bot/src/domain",
            &[
                "crate::engine",
                "crate::view",
                "crate::config",
                "crate::command",
                "crate::policy",
                "crate::wire",
                "hotfix_storage",
                "tokio",
            ],
        ),
        (
            "bot/src/policy",
            &[
                "crate::engine",
                "crate::view",
                "crate::config",
                "crate::command",
                "crate::wire",
                "hotfix_storage",
                "tokio",
            ],
        ),
        (
            "bot/src/command",
            &["crate::engine", "crate::view", "crate::config", "crate::wire", "hotfix_storage", "tokio"],
        ),
        ("bot/src/view", &["crate::engine", "crate::wire", "hotfix_storage", "tokio"]),
        ("bot/src/config", &["crate::engine", "crate::view", "crate::command", "crate::wire", "hotfix_storage"]),
        (
            "bot/src/engine",
            &[
                "crate::wire",
                "crate::cli",
                "crate::demo",
                "crate::serve",
                "crate::socket",
                "hotfix_adapters::forge::local",
                "hotfix_adapters::chat::console",
            ],
        ),
    ];
    let mut broken = Vec::new();
    for (folder, forbidden) in rules {
        for (path, text) in sources(&root().join(folder)) {
            if path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                for name in forbidden.iter().filter(|name| line.contains(**name)) {
                    broken.push(format!("{}:{}: {folder} must not know {name}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_one_file_asks_the_clock_in_the_domain() {
    for (path, text) in sources(&root().join("bot/src/domain")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["Timestamp::now", "SystemTime::now", "Instant::now", "HashMap", "HashSet", "std::fs", "async fn"] {
            assert!(!code.contains(word), "{} uses {word}: the domain is pure and in order", path.display());
        }
    }
}

#[test]
fn every_shipped_playbook_has_a_scenario() {
    let worlds: BTreeSet<String> = scenarios().into_iter().map(|(_, scenario)| scenario.options.service).collect();
    let stage = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stage");
    let followed: BTreeSet<String> = worlds
        .iter()
        .map(|world| std::fs::read_to_string(stage.join(format!("{world}.toml"))).expect("a service"))
        .flat_map(|text| {
            let service: toml::Table = text.parse().expect("TOML");
            let name = |key: &str| service.get(key).and_then(|name| name.as_str()).map(str::to_owned);
            [name("playbook"), name("promote_with")].into_iter().flatten().collect::<Vec<_>>()
        })
        .collect();
    for playbook in playbooks().keys() {
        assert!(followed.contains(playbook), "the playbook {playbook} has no scenario");
    }
}

#[test]
fn every_sentence_that_is_named_exists() {
    let known: BTreeSet<&str> = REQUIREMENTS.iter().map(|requirement| requirement.id).collect();
    for (name, scenario) in scenarios() {
        assert!(!scenario.serves.is_empty(), "{name} serves nothing");
        for id in &scenario.serves {
            assert!(known.contains(id.as_str()), "{name} serves {id}, which no runbook says");
        }
    }
    for (name, playbook) in playbooks() {
        for id in served_by_steps(&playbook) {
            assert!(known.contains(id.as_str()), "the playbook {name} serves {id}, which no runbook says");
        }
    }
}

/// The scenario that `hotfix requirements` names for a sentence exists and declares that it serves that sentence.
#[test]
fn every_sentence_of_the_runbooks_is_shown_or_is_a_fact() {
    let scenarios: BTreeMap<String, BTreeSet<String>> =
        scenarios().into_iter().map(|(name, scenario)| (name, scenario.serves.into_iter().collect())).collect();
    let mut wrong = Vec::new();
    for requirement in REQUIREMENTS {
        let id = requirement.id;
        match (requirement.met, requirement.proof) {
            (Met::Fact, "") if requirement.lacks.is_empty() => {}
            (Met::NotMet, "") if !requirement.lacks.is_empty() => {}
            (Met::NotMet, _) => wrong.push(format!("{id} is not met, and has to say what is missing and no scenario")),
            (_, "") => wrong.push(format!("{id} is shown by no scenario")),
            (_, proof) => match scenarios.get(&format!("{proof}.txt")).or_else(|| scenarios.get(proof)) {
                None => wrong.push(format!("{id} is shown by {proof}, which is not there")),
                Some(serves) if !serves.contains(id) => wrong.push(format!("{id}: {proof} does not serve it")),
                Some(_) => {}
            },
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The scenario that proves a sentence contains the result that the sentence is about, not only the step.
#[test]
fn proofs_are_not_hollow() {
    let shown = [
        ("PROMO-16", "world: main is promoted in data/services/reports/saas.yaml, data/services/reports/saas-int.yaml"),
        ("PROMO-19", "resources/tekton/shared-resources.yaml"),
        ("HOCS-25", "world: demo is labelled branch-hotfix_CASE-12"),
        ("HOCS-27", "kubectl set image deploy/casework casework=127.0.0.1:9/team/casework:branch-hotfix_CASE-12"),
    ];
    for (id, words) in shown {
        let requirement = REQUIREMENTS.iter().find(|requirement| requirement.id == id).expect("a sentence");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{}.txt", requirement.proof));
        let text = std::fs::read_to_string(path).expect("a scenario");
        // Scenario files wrap long lines.
        let text = text.replace("\n    │ ", " ");
        assert!(text.contains(words), "{} does not show {id}: {words}", requirement.proof);
    }
}

/// A scenario without recorded output has no text.
#[test]
fn every_scenario_says_how_it_ends() {
    for (name, scenario) in scenarios() {
        let last = scenario.steps.last().and_then(|step| step.seen.last()).cloned().unwrap_or_default();
        assert!(last.starts_with("< at the end: "), "{name} was never written with UPDATE_SCENARIOS=1");
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    for folder in ["bot", "adapters", "storage", "tests/src", "tests/e2e", "tests/benches", "tests/scenarios", "config"]
    {
        for (path, text) in texts(&root().join(folder)) {
            for place in [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")] {
                assert!(!text.contains(place), "{} names {place}", path.display());
            }
        }
    }
}

fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        match std::fs::read_to_string(&path) {
            _ if path.is_dir() => found.extend(texts(&path)),
            Ok(text) => found.push((path, text)),
            Err(_) => {}
        }
    }
    found
}
