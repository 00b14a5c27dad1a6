//! The domain: the state machine of a hotfix run. Pure: no I/O and no clock. It imports only the ids and data types of
//! the ports.
//!
//! [`decide`](decide::decide) turns a command into events, [`evolve`](evolve::evolve) applies an event to the state,
//! and [`react`](react::react) derives the effects and timers that follow from an event. The other modules define the
//! types that they use.

pub mod attribution;
pub mod break_glass;
pub mod command;
pub mod decide;
pub mod effect;
pub mod event;
pub mod evolve;
pub mod group;
pub mod hotfix;
pub mod id;
pub mod observation;
mod only;
pub mod people;
pub mod plan;
pub mod playbook;
pub mod react;
pub mod refusal;
pub mod service;
pub mod step;
pub mod vote;
pub mod vote_request;
pub mod vote_source;

#[cfg(test)]
mod tests;
