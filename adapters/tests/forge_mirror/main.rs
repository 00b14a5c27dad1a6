//! The git mirror of a remote forge: real git on both sides, with HTTP and authentication in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../forge_local/repository.rs"]
mod repository;

mod hosted;
mod keeping;
mod refusals;
mod secrets;
mod support;

mod conformance {
    use super::support::Place;

    hotfix_adapters::forge_conformance!(git: Place::new().await);
}
