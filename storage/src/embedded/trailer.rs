//! The last line of an export: the number of entries and the hash of the last one. Because entries are chained, this
//! line alone tells a complete export from one that was truncated at a line break.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::entry::Hash;

/// Prefix of a trailer line; no entry starts with it.
const BEGIN: &[u8] = b"{\"trailer\":";

/// Policy of an import for an export without a trailer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trailer {
    /// Refuses it, because its end may be missing.
    Required,
    /// Imports the entries that are there. If there is a trailer, it is checked.
    Optional,
}

#[derive(Serialize, Deserialize)]
struct Line {
    trailer: Sum,
}

/// Number of exported entries and hash of the last one, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    entries: u64,
    head: String,
}

impl Sum {
    fn of(entries: u64, head: &Hash) -> Self {
        Self { entries, head: hex::encode(head) }
    }
}

/// Writes the trailer line for `entries` entries that end at the hash `head`.
pub(crate) fn write(output: &mut dyn Write, entries: u64, head: &Hash) -> io::Result<()> {
    serde_json::to_writer(&mut *output, &Line { trailer: Sum::of(entries, head) })?;
    output.write_all(b"\n")
}

/// Reports whether this line is a trailer.
pub(crate) fn is_one(line: &[u8]) -> bool {
    line.starts_with(BEGIN)
}

/// Checks the trailer line against the entries that came before it.
pub(crate) fn check(line: &[u8], entries: u64, head: &Hash) -> Result<(), String> {
    let Line { trailer } = serde_json::from_slice(line).map_err(|e| format!("the trailer cannot be read ({e})"))?;
    if trailer == Sum::of(entries, head) {
        return Ok(());
    }
    let said = trailer.entries;
    Err(if said == entries {
        "the trailer has another hash than the last entry".to_owned()
    } else {
        format!("the trailer counts {said} entries, and there are {entries}")
    })
}
