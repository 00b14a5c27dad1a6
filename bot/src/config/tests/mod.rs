//! Tests of the configuration: the shipped one loads, and every mistake is reported with its message, position and
//! next step.
//!
//! A case is a shipped file with one mistake; `snapshots/` has the expected reports. After changing a message, run
//! `UPDATE_SNAPSHOTS=1 cargo test -p hotfix config` and review the diff.

mod files;
mod mistakes;
mod secrets;
mod valid;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

const WEB: &str = "services/website.toml";
const PAY: &str = "services/payments.toml";
const APPLY: &str = "playbooks/apply.toml";
const MAIN: &str = "playbooks/mainline.toml";

/// A modifiable copy of the shipped configuration.
struct Shipped {
    folder: TempDir,
}

impl Shipped {
    fn copy() -> Self {
        let folder = TempDir::new().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        copy_folder(&shipped, &folder.path().join("config"));
        Self { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    /// Replaces `from`, which must occur once, with `to`; replaces the whole file if `from` is empty.
    fn edit(&self, file: &str, from: &str, to: &str) -> &Self {
        let text = std::fs::read_to_string(self.path(file)).unwrap_or_default();
        if !from.is_empty() {
            assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
        }
        let text = if from.is_empty() { to.to_owned() } else { text.replace(from, to) };
        std::fs::write(self.path(file), text).unwrap();
        self.rights(file, 0o644)
    }

    fn rights(&self, file: &str, mode: u32) -> &Self {
        std::fs::set_permissions(self.path(file), std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn load(&self) -> Config {
        load_with(&self.root(), None).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// Returns the rendered report.
    fn faults(&self) -> String {
        let Err(faults) = load_with(&self.root(), None) else { panic!("no fault was found") };
        let root = std::fs::canonicalize(self.root()).unwrap();
        faults
            .render(false)
            .replace(&*root.to_string_lossy(), "$CONFIG")
            .replace(&*self.root().to_string_lossy(), "$CONFIG")
    }
}

/// Copies a folder and sets plain permissions, regardless of the umask of the checkout.
fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o755)).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
            let mode = if entry.path().extension().is_some_and(|ending| ending == "sh") { 0o755 } else { 0o644 };
            std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

fn snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, known, "{name}: if the new words are better, run again with UPDATE_SNAPSHOTS=1");
}

fn named<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}
