//! Everything, end to end, in one binary: scenarios, the crash matrix, HTTP, kills, what hangs and what breaks off, bad input, properties, and the house rules.

mod bad_input;
mod crash;
mod hosts;
mod http;
mod kill;
mod pool;
mod properties;
mod scenarios;
mod slack;
mod tidy;
mod ways;
