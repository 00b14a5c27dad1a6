//! The local forge does what every forge has to do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod forge_support;

use forge_support::Place;

hotfix_adapters::forge_conformance!(Place::new());
