//! Edits of `.env` files: lines like `export KEY=value`, with or without `export` and quotes, and comments.

use std::ops::Range;

use super::{Edit, EditError, FileEdit, Line, Splice, lines, listed, splice};

/// A line that sets the variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Line number, starting at 1.
    pub line: usize,
    /// The value, without quotes.
    pub value: String,
    range: Range<usize>,
}

/// Returns the only line that sets a variable.
///
/// # Errors
/// If no line or several lines set the variable, or a line is not understood, for example because the shell computes
/// the value.
pub fn get(text: &str, key: &str) -> Result<Setting, EditError> {
    let mut found = Vec::new();
    for line in lines(text) {
        if let Some(setting) = setting(&line, key)? {
            found.push(setting);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(EditError::because(format!("no line sets {key}"))),
        several => {
            let numbers: Vec<usize> = several.iter().map(|setting| setting.line).collect();
            Err(EditError::because(format!("{key} is set on lines {}; leave one of them", listed(&numbers))))
        }
    }
}

/// Sets a variable on the line that sets it already, and keeps `export`, quotes and comments.
///
/// # Errors
/// Those of [`get`]; also if the value is empty or has a character that a shell could interpret.
pub fn set(text: &str, key: &str, value: &str) -> Result<Edit, EditError> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '@' | '+');
    if value.is_empty() || !value.chars().all(harmless) {
        return Err(EditError::because(format!(
            "the value {value:?} is empty or has a character that a shell may read"
        )));
    }
    let old = get(text, key)?;
    let text = splice(text, &[Splice { range: old.range, text: value.to_owned() }])?;
    let new = get(&text, key)?;
    if new.value != value || new.line != old.line {
        return Err(EditError::because(format!("line {}: {key} would not read as {value}; edit by hand", old.line)));
    }
    let change = FileEdit { line: old.line, place: key.to_owned(), old: old.value, new: value.to_owned() };
    Ok(Edit { text, changes: vec![change] })
}

/// Parses a line; returns `None` if it does not set the variable.
fn setting(line: &Line<'_>, key: &str) -> Result<Option<Setting>, EditError> {
    let bare = line.text.trim_start();
    if bare.starts_with('#') {
        return Ok(None);
    }
    let Some((name, rest)) = bare.split_once('=') else {
        return Ok(None);
    };
    let ours = name.strip_prefix("export").filter(|n| n.starts_with([' ', '\t'])).map_or(name, str::trim_start) == key;
    let no = |why: &str| EditError::because(format!("line {}: {why}; edit it by hand", line.number));
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => {
            let inside = rest.get(1..).unwrap_or_default();
            // Text after an unclosed quote may look like a variable without being one.
            let end = inside.find(quote).ok_or_else(|| no("a quote is not closed on the line it opens on"))?;
            inside.get(..end).unwrap_or_default()
        }
        None => rest.split([' ', '\t']).next().unwrap_or_default(),
    };
    if !ours {
        return Ok(None);
    }
    if value.contains(['$', '`', '\\', '"', '\'']) {
        return Err(no(&format!("the shell computes {key}")));
    }
    let quotes = usize::from(quote.is_some());
    let behind = rest.get(value.len() + 2 * quotes..).unwrap_or_default();
    let comment = behind.starts_with([' ', '\t']) && behind.trim_start().starts_with('#');
    if !behind.trim().is_empty() && !comment {
        return Err(no(&format!("something stands behind the value of {key}")));
    }
    let start = line.start + line.text.len() - rest.len() + quotes;
    Ok(Some(Setting { line: line.number, value: value.to_owned(), range: start..start + value.len() }))
}
