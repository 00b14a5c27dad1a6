//! Searches the files below a folder for a key. Each occurrence is either changed or left unchanged with a reason
//! (PROMO-20).

use std::collections::BTreeSet;

use glob::{MatchOptions, Pattern};

use super::edit_session::EditSession;
use super::options::Exclude;
use super::record::Excluded;
use super::targets::CurrentValue;
use crate::edit::line::{HitKind, search};
use crate::edit::text;
use crate::failure::Failure;

/// A parsed exclusion.
pub(super) struct Exclusion {
    pattern: Pattern,
    reason: String,
}

impl Exclusion {
    pub(super) fn parse(exclude: &Exclude) -> Result<Self, String> {
        let pattern = Pattern::new(&exclude.files)
            .map_err(|error| format!("{:?} is no glob: {} at {}", exclude.files, error.msg, error.pos))?;
        Ok(Self { pattern, reason: exclude.reason.clone() })
    }

    fn covers(&self, file: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        self.pattern.matches_with(file, options)
    }
}

/// The result of a search.
#[derive(Default)]
pub(super) struct Hits {
    pub(super) readings: Vec<CurrentValue>,
    pub(super) excluded: Vec<Excluded>,
}

/// Searches the files below a folder. Rejects an occurrence that cannot be parsed, unless its file is excluded.
pub(super) async fn find(
    sheet: &EditSession,
    folder: &str,
    key: &str,
    exclusions: &[Exclusion],
) -> Result<Hits, Failure> {
    let mut hits = Hits::default();
    for file in sheet.below(folder).await? {
        let exclusion = exclusions.iter().find(|exclusion| exclusion.covers(&file));
        let bytes = match (sheet.look(&file).await, exclusion) {
            (Ok(bytes), _) => bytes,
            // An excluded link or submodule need not be read.
            (Err(Failure::Rejected { .. }), Some(_)) => continue,
            (Err(failure), _) => return Err(failure),
        };
        if !bytes.windows(key.len().max(1)).any(|window| window == key.as_bytes()) {
            continue;
        }
        let content = text(&bytes).map_err(|refused| super::edit_session::in_file(&file, &refused))?;
        for hit in search(content, key) {
            let excluded = |reason: &str| Excluded { file: file.clone(), line: hit.line, reason: reason.to_owned() };
            match (hit.kind.clone(), exclusion) {
                (_, Some(exclusion)) => hits.excluded.push(excluded(&exclusion.reason)),
                (HitKind::Value(value), None) => {
                    hits.readings.push(CurrentValue {
                        file: file.clone(),
                        line: hit.line,
                        place: key.to_owned(),
                        value,
                    });
                }
                (HitKind::Comment, None) => hits.excluded.push(excluded("it is in a comment")),
                (HitKind::Template, None) => hits.excluded.push(excluded("it is in an expression of a template")),
                (HitKind::Unclear, None) => {
                    return Err(Failure::rejected(format!(
                        "{file}:{}: what {key} is there is not understood. Edit that file by hand, and exclude it from \
                         the search with the reason.",
                        hit.line
                    )));
                }
            }
        }
    }
    if hits.readings.is_empty() {
        let place = if folder.is_empty() { "the repository" } else { folder };
        return Err(Failure::rejected(format!(
            "no file below {place} has {key} with a value. Correct the promotion's targets."
        )));
    }
    Ok(hits)
}

/// Rejects a search that found different old values: one may be pinned on purpose, and only a person can tell.
pub(super) fn agreed(readings: &[CurrentValue], new: &str) -> Result<(), Failure> {
    let olds: BTreeSet<&str> =
        readings.iter().map(|reading| reading.value.as_str()).filter(|old| *old != new).collect();
    if olds.len() < 2 {
        return Ok(());
    }
    let places: Vec<String> = readings.iter().map(|r| format!("{}:{} {}", r.file, r.line, r.value)).collect();
    Err(Failure::rejected(format!(
        "the values differ, and one may be pinned on purpose: {}. Exclude the pinned one with its reason, or bring the \
         others to one value first.",
        places.join(", ")
    )))
}
