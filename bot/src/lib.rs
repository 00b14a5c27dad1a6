//! `hotfix`: a chat-ops bot that runs a production hotfix from the first chat command to the postmortem, by the team's
//! own runbook.
//!
//! ```text
//!  chat · command line               polls of forge and environments             timers
//!        └───────── inbound: decode → dedupe key ─────────┘
//!                              │
//!                     command: parse (one table of verbs)
//!                              │
//!                     policy: admit → Grant
//!                              │
//!      domain: decide(state, command, now) → events ; react → effects             (pure)
//!                              │
//!   storage: ONE durable commit = events + effects + timers + dedupe key + lanes
//!                              │ (the reply is sent only after the commit)
//!                     engine: outbox → perform(effect) → ports
//!                              │                    chat · forge · deploy
//!                     effect result ──────► the same path as every command
//!                              │
//!                     view → the card in the chat is updated
//! ```
//!
//! The modules are listed in the order of this flow.

pub mod config;

pub mod command;
pub mod policy;

pub mod domain;
#[cfg(test)]
mod fixture;

pub mod engine;
pub mod http;

pub mod view;

pub mod cli;
pub mod demo;
pub mod inbound;
pub mod reload;
pub mod serve;
pub mod socket;
pub mod wire;

/// Returns an identifier that is unique to this process. It makes the ids of commits and of command-line requests
/// unique.
#[must_use]
pub fn process_name() -> String {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", since_epoch.as_nanos(), std::process::id())
}
