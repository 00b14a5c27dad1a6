//! `hotfix store …`: maintenance of the embedded store while no bot runs.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use hotfix_storage::embedded::{self, Imported, Trailer};

use super::{print_line, process};

/// Maintenance of a store.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Reads every entry of the journal, checks the hash chain, and compares the index with it
    Verify,
    /// Writes the whole journal to a file, one JSON line an entry, and a last line with their count and hash
    Export {
        /// The file; it must not exist
        file: PathBuf,
    },
    /// Makes a new store from an export, with its index, checking the hash chain and the last line
    Import {
        /// The file
        file: PathBuf,
        /// Takes a file without the last line that an export ends with; entries may be missing
        #[arg(long)]
        without_trailer: bool,
    },
    /// Throws the index away and makes it again from the journal
    Rebuild,
}

pub(super) fn run(config: &Path, command: StoreCommand) -> anyhow::Result<ExitCode> {
    let store = process::load(config)?.settings.store;
    let mut out = std::io::stdout();
    match command {
        StoreCommand::Verify => {
            let report = embedded::verify(&store)?;
            let (segments, entries, events) = (report.segments, report.entries, report.records);
            print_line(
                &mut out,
                &format!("{} is whole: {entries} entries and {events} events in {segments} file(s).", store.display()),
            )?;
            print_line(&mut out, &format!("The last entry has the hash {}.", report.head))?;
            if report.torn > 0 {
                let torn = format!(
                    "{} bytes of a last line that was never acknowledged will be cut off at the next start.",
                    report.torn
                );
                print_line(&mut out, &torn)?;
            }
        }
        StoreCommand::Export { file } => {
            // The export holds personal data, so like the store it is readable by its owner only.
            let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
            let mut target = BufWriter::new(target.with_context(|| format!("cannot make {}", file.display()))?);
            let entries = embedded::export(&store, &mut target)?;
            target.flush()?;
            print_line(&mut out, &format!("{entries} entries written to {}.", file.display()))?;
        }
        StoreCommand::Import { file, without_trailer } => {
            let source = File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let trailer = if without_trailer { Trailer::Optional } else { Trailer::Required };
            let Imported { entries, head } = embedded::import(&store, &mut BufReader::new(source), trailer)?;
            print_line(&mut out, &format!("{entries} entries are in {} now.", store.display()))?;
            print_line(&mut out, &format!("The last entry has the hash {head}."))?;
        }
        StoreCommand::Rebuild => {
            embedded::rebuild(&store)?;
            print_line(&mut out, "The index was made again from the journal.")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
