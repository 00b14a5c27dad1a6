//! Strict, stateful models of the systems that the bot drives, over real HTTP and real git. They are written from the
//! systems' own documentation and share no code with the adapters, so that the two cannot share a misunderstanding.
//!
//! ```text
//! server      one listener: records every call, breaks the calls it is told to, delays them
//! git         real bare repositories behind git's smart HTTP
//! pushes      who pushed to them, which forges know and git does not
//! kubernetes  an API server with deployments and pods, which may be read and nothing else
//! registry    a registry of images behind a token service, with its blobs in a store elsewhere
//! github      a GitHub
//! gitlab      GitLab: merge requests, checks, pipelines, deployments
//! discord     Discord: a guild, its REST API and its gateway
//! drone       Drone: builds and promotions
//! slack       Slack: a workspace whose people act
//! relay       stands between the bot and a platform, and says things of its own
//! markdown    what a forge makes of what is written on it
//! clients     other people's clients, which the fakes and the adapters are held against
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod clients;
pub mod discord;
pub mod drone;
pub mod git;
pub mod github;
pub mod gitlab;
pub mod kubernetes;
pub mod markdown;
mod objects;
pub mod pushes;
pub mod registry;
pub mod relay;
pub mod server;
pub mod slack;
