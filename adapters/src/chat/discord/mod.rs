//! The chat port on Discord.
mod body;
mod limit;
mod markdown;
mod render;
