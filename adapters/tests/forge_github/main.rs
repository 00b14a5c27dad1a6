//! The GitHub adapter against a fake that refuses what the real GitHub refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod app;
mod broken;
mod checks;
mod contract;
mod examples;
mod limits;
mod merging;
mod pages;
mod people;
mod support;
mod webhook;

mod conformance {
    use super::support::Place;

    hotfix_adapters::forge_conformance!(Place::new("").await);
}
