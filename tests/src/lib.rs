//! The end-to-end test harness: the real bot with real git repositories, a forge served from them, and real deployment
//! processes supervised by the real program. The chat outlives the bot, tests control the clock, and every port can
//! fail on demand.
//!
//! ```text
//! scenario   parses a scenario file into steps
//! play       runs the steps in a world and renders the chat output as text
//! world      one bot in one folder: deliver, settle, restart
//! room       the chat platform: slack (a workspace) or discord (a server; invocation maps lines to sub-commands)
//! site       the forge from the users' side: local, GitHub, GitLab; platform: registry, cluster, promotion repository
//! stage      the folder of a world: repository, configuration, environments
//! checkpoint a saved world that can be restored
//! crash      stops the bot at every moment
//! faults     breaks every forge call; rejected: refuses every call of an effect; hooks: unreliable webhooks
//! sample     selects the moments and calls that are tried at this commit
//! ports      fault-injecting wrappers of the journal, chat, forge and deploy ports
//! leaks      finds secrets in text, in any encoding
//! program    builds the real binary; running: runs it as an operator does
//! given      worlds that have reached a state, reused by later scenarios that begin there
//! ending     the final state as text, without versions, times and commit ids
//! model      a randomized model of the domain alone
//! ```

mod checkpoint;
pub mod clock;
pub mod crash;
pub mod discord;
pub mod ending;
pub mod faults;
pub mod git;
pub mod given;
pub mod hooks;
mod invocation;
pub mod leaks;
pub mod model;
pub mod people;
pub mod platform;
pub mod play;
pub mod ports;
pub mod program;
pub mod rejected;
pub mod room;
pub mod running;
pub mod sample;
pub mod scenario;
pub mod site;
pub mod slack;
pub mod stage;
pub mod world;
