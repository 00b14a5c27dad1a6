//! Promotions by merge request, on a local forge with files like real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod again;
mod drift;
mod follow;
mod hotfix;
mod propose;
mod running;
mod world;
