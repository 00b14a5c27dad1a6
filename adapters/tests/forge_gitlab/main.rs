//! The GitLab adapter, against a strict fake over real HTTP with real git.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod failing;
mod saying;
mod support;
mod webhook;

use support::Place;

hotfix_adapters::forge_conformance!(Place::new().await);
