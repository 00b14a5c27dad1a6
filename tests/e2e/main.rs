//! Everything, end to end, in one binary: scenarios with crashes, HTTP, kills, what hangs and what breaks off, bad input, secrets, shipped scripts, properties, and the house rules.

mod bad_input;
mod canaries;
mod discord;
mod doctor;
mod echoes;
mod example;
mod exits;
mod forge;
mod hosts;
mod http;
mod kill;
mod manifest;
mod matrix;
mod own;
mod pool;
mod properties;
mod rejected;
mod reload;
mod scenarios;
mod scripts;
mod slack;
mod store;
mod tidy;
mod votes;
mod ways;
mod words;
