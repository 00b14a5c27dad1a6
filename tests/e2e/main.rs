//! End-to-end tests in one binary: scenarios with crashes, HTTP, kills, hangs and panics, bad input, secrets, shipped
//! scripts, properties, and the rules on the code itself.

mod bad_input;
mod canaries;
mod dependencies;
mod discord;
mod doctor;
mod echoes;
mod example;
mod exits;
mod forge;
mod hosts;
mod http;
mod kill;
mod language;
mod manifest;
mod matrix;
mod own;
mod pool;
mod properties;
mod rejected;
mod reload;
mod scenarios;
mod scripts;
mod security;
mod slack;
mod store;
mod tidy;
mod votes;
mod ways;
mod words;
