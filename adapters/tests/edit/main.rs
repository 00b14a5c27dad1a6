//! Edits of single values in hand-written files: only the value changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod env;
mod line;
mod property;
mod yaml;

use hotfix_adapters::edit::path::Path;

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// Reads a file of the repository that the tests promote in.
fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/app-interface/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}
