//! What a hotfix is, and what may happen to it. Pure: no input, no output, no clock. It imports only the vocabulary and
//! the data types of the ports.
//!
//! `decide(state, command, now)` makes events, `evolve(state, event)` applies them, `react(state, event)` says what has
//! to be done outside because of them. Everything else here is the words they speak.

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
