//! Everything, end to end, in one binary: scenarios, the crash matrix, kills, bad input, properties, and the house rules.

mod bad_input;
mod crash;
mod kill;
mod properties;
mod scenarios;
mod tidy;
