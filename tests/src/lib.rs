//! The world in which the bot is tested: real git repositories, a real forge on them, real deploying processes watched by the
//! real program; a chat that outlives the bot, a clock that a test turns, and ports that can be cut at any moment.
//!
//! ```text
//! scenario  a text file → steps                        what a person reads
//! play      steps → the world; what was seen → text
//! world     one bot in one folder: hear, settle, restart
//! room      where people talk: slack, a workspace; discord, a server, with each line as an invocation
//! site      the forge as people use it: the local one, GitHub, GitLab
//! stage     the folder: repository, configuration, environments
//! crash     a stop at every moment; faults: every call of a forge goes wrong; hooks: deliveries over a bad line
//! sample    which of the moments and calls are tried at this commit
//! ports     the bot's journal, chat, forge and mechanisms, with a knife in between
//! leaks     whether a secret stands in a text, however it is written
//! running   the real program, as an operator starts it
//! given     runs that have reached a state, kept for the next scenario that begins there
//! ending    what is left at the end, without versions and times
//! model     the domain alone, in a world of dice
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
