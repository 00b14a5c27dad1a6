//! The last line of an export: how many entries come before it, and the hash of the last one. Entries are chained, so an
//! export that lost its end at a line break is told from a whole one by this line alone.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::entry::Hash;

/// How the line begins; no entry does.
const BEGIN: &[u8] = b"{\"trailer\":";

/// Whether an import takes an export without its trailer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trailer {
    /// Refuses it: its end may be missing.
    Required,
    /// Takes it as far as it goes. A trailer that is there is checked all the same.
    Optional,
}

#[derive(Serialize, Deserialize)]
struct Line {
    trailer: Sum,
}

/// What was exported.
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

/// Writes the line.
pub(crate) fn write(output: &mut dyn Write, entries: u64, head: &Hash) -> io::Result<()> {
    serde_json::to_writer(&mut *output, &Line { trailer: Sum::of(entries, head) })?;
    output.write_all(b"\n")
}

/// Reports whether this line is a trailer.
pub(crate) fn is_one(line: &[u8]) -> bool {
    line.starts_with(BEGIN)
}

/// Checks the line against what came before it.
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
