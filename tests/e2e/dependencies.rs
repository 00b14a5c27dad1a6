//! The dependency rules of `.deny.toml` that need no advisory database: bans (security case 76) and licenses. Where it
//! is installed, cargo-deny checks them too.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn toml(name: &str) -> toml::Table {
    std::fs::read_to_string(root().join(name)).expect("a file").parse().expect("TOML")
}

/// Returns the values of `key` in the tables of an array.
fn strings<'a>(array: &'a toml::Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    array.as_array().expect("an array").iter().map(move |table| table[key].as_str().expect("a string"))
}

#[test]
fn no_banned_crate_is_locked() {
    let (lock, deny) = (toml("Cargo.lock"), toml(".deny.toml"));
    let locked: Vec<&str> = strings(&lock["package"], "name").collect();
    assert!(locked.contains(&"tokio"), "Cargo.lock was not read");
    let banned: Vec<&str> = strings(&deny["bans"]["deny"], "name").filter(|name| locked.contains(name)).collect();
    assert!(banned.is_empty(), "banned in .deny.toml, and locked: {banned:?}");
}

#[test]
fn every_dependency_comes_from_the_registry_under_an_allowed_license() {
    let deny = toml(".deny.toml");
    let allowed = deny["licenses"]["allow"].as_array().expect("an array");
    let allowed: Vec<&str> = allowed.iter().map(|license| license.as_str().expect("a string")).collect();
    let mut wrong = Vec::new();
    for package in dependencies() {
        let name = format!("{} {}", package["name"], package["version"]);
        if !package["source"].as_str().is_some_and(|source| source.starts_with("registry+")) {
            wrong.push(format!("{name} comes from {}", package["source"]));
        }
        let license = package["license"].as_str().unwrap_or_default();
        match Expression::parse_mode(license, ParseMode::LAX) {
            Ok(expression) if expression.evaluate(|term| allowed.contains(&term.to_string().as_str())) => {}
            Ok(_) => wrong.push(format!("{name} is licensed under {license}, which .deny.toml does not allow")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the packages that are built on this platform, without those of the workspace.
fn dependencies() -> Vec<Value> {
    let host = Command::new("rustc").args(["--print", "host-tuple"]).output().expect("rustc runs");
    let host = String::from_utf8(host.stdout).expect("text");
    let arguments =
        ["metadata", "--format-version", "1", "--locked", "--all-features", "--filter-platform", host.trim()];
    let output = Command::new("cargo").args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let used = metadata["resolve"]["nodes"].as_array().expect("the graph").iter().map(|node| &node["id"]);
    let used: Vec<&Value> = used.collect();
    let members = metadata["workspace_members"].as_array().expect("the members");
    let packages = metadata["packages"].as_array().expect("the packages").iter();
    let chosen = packages.filter(|package| used.contains(&&package["id"]) && !members.contains(&package["id"]));
    let chosen: Vec<Value> = chosen.cloned().collect();
    assert!(chosen.len() > 100, "{} packages", chosen.len());
    chosen
}
