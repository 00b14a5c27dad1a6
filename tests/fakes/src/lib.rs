//! Fakes: strict, stateful models of the systems that the bot drives, over real HTTP and real git. They are written
//! from each system's own documentation and share no code with the adapters, so a misunderstanding in an adapter is not
//! repeated in the fake.
//!
//! ```text
//! server      one HTTP listener: records every call, injects faults and delays
//! git         bare repositories behind git's smart HTTP protocol
//! pushes      push log of a bare repository: forges report who pushed, git does not
//! objects     cached reads of git objects and refs (private)
//! kubernetes  Kubernetes API server with deployments and pods, read-only
//! registry    image registry with a token service and a separate blob store
//! github      GitHub: pull requests, checks, deployments, workflows, Apps
//! gitlab      GitLab: merge requests, statuses, pipelines, deployments
//! discord     Discord: a guild, its REST API and its gateway
//! drone       Drone: builds and promotions
//! slack       Slack: a workspace with users who act
//! relay       TCP relay between the bot and a platform that injects WebSocket frames
//! markdown    mentions, references and links that a forge finds in a text
//! clients     third-party clients and API descriptions that check the fakes and the adapters
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
