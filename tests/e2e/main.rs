//! Everything, end to end, in one binary: scenarios with crashes, HTTP, kills, what hangs and what breaks off, bad input, secrets, properties, and the house rules.

mod bad_input;
mod canaries;
mod discord;
mod doctor;
mod echoes;
mod example;
mod hosts;
mod http;
mod kill;
mod manifest;
mod matrix;
mod own;
mod pool;
mod properties;
mod scenarios;
mod slack;
mod tidy;
mod votes;
mod ways;
mod words;
