//! The local forge and its git, on real repositories.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod contain;
mod crash;
mod files;
mod ledger;
mod pick;
mod process;
mod repository;
mod support;

mod conformance {
    use super::support::Place;

    hotfix_adapters::forge_conformance!(Place::new());
}
