//! Adapters to external systems: chat, forge, deployment, registry and cluster.
//!
//! Each port is a small trait over plain data ([`chat::Chat`], the three of [`forge`], [`deploy::Deploy`]). Each
//! folder beside a port is one adapter, which owns its configuration, its decoding and its rendering. The crate knows
//! nothing about hotfix runs: the caller passes the natural key by which an effect can be found again, and decides
//! how to handle a [`failure::Failure`].

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
