//! The outside world in our words.
//!
//! Each port is a small trait of plain data ([`chat::Chat`], the three of [`forge`], [`deploy::Deploy`]), and each folder
//! beside a port is one adapter that owns its configuration, its decoding and its rendering. Nothing here has heard of a
//! hotfix run: the caller brings the natural key by which an act can be found again, and decides what to do about a
//! [`failure::Failure`].

pub mod chat;
pub mod check_result;
pub mod cluster;
pub mod deploy;
pub mod edit;
pub mod egress;
pub mod failure;
pub mod forge;
pub mod ids;
pub mod program;
pub mod registry;
pub(crate) mod rest;
