//! TOML syntax: reports all syntax errors of a file, or parses its table. A file with a syntax error is not processed
//! further, because keys that seem missing may be hidden by the error.

use toml::de::DeTable;

use super::super::diagnostic::{At, Diagnostic, Diagnostics, FileId};
use super::super::reader::Reader;
use super::super::source::Sources;
use super::redact;

/// Parses a file and passes its table to `read`, unless it has syntax errors.
pub(super) fn with_table(
    sources: &Sources,
    file: FileId,
    what: &str,
    sink: &Diagnostics,
    read: &mut dyn FnMut(Reader<'_>),
) {
    let text = sources.text(file);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        redact::in_table(file, table.get_ref(), false, sink);
        return read(Reader::of_file(file, table.get_ref(), what, sink));
    }
    redact::in_broken_text(file, text, sink);
    for error in errors {
        let end = text.len();
        let span = error.span().unwrap_or(end..end);
        let what = format!("{} is not valid TOML: {}", sources.shown(file), error.message());
        let next = "mend it here; the rest of this file is read when it is TOML";
        sink.add(Diagnostic::at(At::new(file, span), what, "here", next));
    }
}
