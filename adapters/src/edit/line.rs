//! Line-based edits of `key: 'value'` in YAML templates, which no YAML parser can read. The key is searched as a
//! whole word, and every occurrence is reported with its kind.

use std::ops::Range;

use super::scalar::{Quotes, plain, render};
use super::tree::{self, parse};
use super::{Edit, EditError, FileEdit, Line, Splice, lines, listed, splice};

/// An occurrence of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Line number, starting at 1.
    pub line: usize,
    /// Role of the key in that line.
    pub kind: HitKind,
}

/// The role of a key at an occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HitKind {
    /// The key of this value, on a line that can be edited.
    Value(String),
    /// Part of a comment.
    Comment,
    /// A name in a template expression, or a key whose value the template computes.
    Template,
    /// An occurrence that is not understood; it prevents an edit.
    Unclear,
}

/// An occurrence with the byte range of its value, including quotes.
struct Place {
    hit: Hit,
    range: Range<usize>,
    quotes: Quotes,
}

/// Finds all occurrences of a key as a whole word.
#[must_use]
pub fn search(text: &str, key: &str) -> Vec<Hit> {
    places(text, key).into_iter().map(|place| place.hit).collect()
}

/// Sets the value on every line that has the key with a value, and keeps the quotes. Comments and template
/// expressions are not changed.
///
/// # Errors
/// If no line has the key with a value, an occurrence is not understood, or the edited text would not have the value.
pub fn set(text: &str, key: &str, value: &str) -> Result<Edit, EditError> {
    let before = places(text, key);
    let unclear: Vec<usize> =
        before.iter().filter(|place| place.hit.kind == HitKind::Unclear).map(|place| place.hit.line).collect();
    if !unclear.is_empty() {
        let reason = format!("what {key} is on line {} is not understood; edit that by hand", listed(&unclear));
        return Err(EditError::because(reason));
    }
    let (mut splices, mut changes) = (Vec::new(), Vec::new());
    for place in &before {
        let HitKind::Value(old) = &place.hit.kind else { continue };
        changes.push(FileEdit { line: place.hit.line, place: key.to_owned(), old: old.clone(), new: value.to_owned() });
        if old != value || (place.quotes == Quotes::None && !plain(value)) {
            splices.push(Splice { range: place.range.clone(), text: render(value, place.quotes)? });
        }
    }
    if changes.is_empty() {
        return Err(EditError::because(format!("no line has {key} with a value")));
    }
    let edited = splice(text, &splices)?;
    let wanted = before.into_iter().map(|place| match place.hit.kind {
        HitKind::Value(_) => Hit { line: place.hit.line, kind: HitKind::Value(value.to_owned()) },
        HitKind::Comment | HitKind::Template | HitKind::Unclear => place.hit,
    });
    if !wanted.eq(search(&edited, key)) {
        return Err(EditError::because(format!("{key} would not read as {value} afterwards; edit by hand")));
    }
    Ok(Edit { text: edited, changes })
}

fn places(text: &str, key: &str) -> Vec<Place> {
    let mut found = Vec::new();
    if key.is_empty() {
        return found;
    }
    // A template comment may span several lines.
    let mut in_comment = false;
    for line in lines(text) {
        let mut from = 0;
        while let Some(at) = word(line.text, key, from) {
            from = at + key.len();
            found.push(place(&line, key, at, in_comment));
        }
        in_comment = comment_open(line.text, in_comment);
    }
    doubt(text, key, &mut found);
    found
}

/// Marks occurrences as unclear if they were taken for comments, but the YAML parser finds the key on that line. Does
/// nothing for files that are not valid YAML.
fn doubt(text: &str, key: &str, found: &mut [Place]) {
    let Ok(parsed) = parse(text) else { return };
    for number in tree::lines_with_key(&parsed, key) {
        let on_line = || found.iter().filter(|place| place.hit.line == number);
        if on_line().all(|place| place.hit.kind == HitKind::Comment) {
            for place in found.iter_mut().filter(|place| place.hit.line == number) {
                place.hit.kind = HitKind::Unclear;
            }
        }
    }
}

/// Returns the offset of the next occurrence of the key as a whole word.
fn word(line: &str, key: &str, from: usize) -> Option<usize> {
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let mut from = from;
    loop {
        let at = from + line.get(from..)?.find(key)?;
        let (before, rest) = (line.get(..at)?, line.get(at + key.len()..)?);
        if !before.ends_with(part_of_word) && !rest.starts_with(part_of_word) {
            return Some(at);
        }
        from = at + key.len();
    }
}

/// Returns `true` if a template comment is open at the end of the text. `before` is the state at its start.
fn comment_open(text: &str, before: bool) -> bool {
    match (text.rfind("{#"), text.rfind("#}")) {
        (Some(opened), Some(closed)) => opened > closed,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => before,
    }
}

fn place(line: &Line<'_>, key: &str, at: usize, in_comment: bool) -> Place {
    let none = |kind| Place { hit: Hit { line: line.number, kind }, range: 0..0, quotes: Quotes::None };
    let (before, rest) = (line.text.get(..at).unwrap_or_default(), line.text.get(at + key.len()..).unwrap_or_default());
    let comment = before.trim_start().starts_with('#') || before.contains(" #") || before.contains("\t#");
    if comment || comment_open(before, in_comment) {
        return none(HitKind::Comment);
    }
    if before.contains("{{") || before.contains("{%") {
        return none(HitKind::Template);
    }
    let Some((value, quotes)) = value_behind(before, rest) else {
        return none(HitKind::Unclear);
    };
    if value.contains("{{") || value.contains("{%") {
        return none(HitKind::Template);
    }
    let written = value.len() + if quotes == Quotes::None { 0 } else { 2 };
    let colon = rest.find(':').map_or(rest.len(), |colon| colon + 1);
    let behind = rest.get(colon..).unwrap_or_default();
    let start = line.start + line.text.len() - behind.trim_start().len();
    let value = if quotes == Quotes::Single { value.replace("''", "'") } else { value.to_owned() };
    Place { hit: Hit { line: line.number, kind: HitKind::Value(value) }, range: start..start + written, quotes }
}

/// Returns the value of a line that contains only this key, its value and possibly a comment. A leading dash of a
/// list item is allowed.
fn value_behind<'a>(before: &str, rest: &'a str) -> Option<(&'a str, Quotes)> {
    let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''));
    let before = quote.map_or(before, |quote| before.trim_end_matches(quote));
    let lead = before.trim();
    if !lead.is_empty() && lead != "-" {
        return None;
    }
    let rest = quote.map_or(Some(rest), |quote| rest.strip_prefix(quote))?;
    let value = rest.trim_start().strip_prefix(':').filter(|value| value.starts_with([' ', '\t']))?.trim_start();
    let (value, quotes) = match value.chars().next()? {
        '\'' => (closed(value.get(1..)?, '\'')?, Quotes::Single),
        '"' => (closed(value.get(1..)?, '"').filter(|inside| !inside.contains('\\'))?, Quotes::Double),
        // Blocks, anchors, aliases, tags, lists and mappings cannot be edited. Template expressions can start
        // with braces.
        '|' | '>' | '&' | '*' | '!' | '[' | '@' | '`' | '%' | '#' => return None,
        '{' if !value.starts_with("{{") && !value.starts_with("{%") => return None,
        _ => (value.split_once(" #").map_or(value, |(value, _)| value).trim_end(), Quotes::None),
    };
    (quotes != Quotes::None || value.contains("{{") || !(value.contains(": ") || value.ends_with([',', ':'])))
        .then_some((value, quotes))
}

/// Returns the text before the closing quote, if only a comment follows.
fn closed(text: &str, quote: char) -> Option<&str> {
    let mut from = 0;
    let end = loop {
        let at = from + text.get(from..)?.find(quote)?;
        // A single quote is escaped by doubling it.
        if quote == '\'' && text.get(at + 1..).is_some_and(|rest| rest.starts_with('\'')) {
            from = at + 2;
        } else {
            break at;
        }
    };
    let behind = text.get(end + 1..)?;
    let comment = behind.starts_with([' ', '\t']) && behind.trim_start().starts_with('#');
    (behind.trim().is_empty() || comment).then(|| text.get(..end)).flatten()
}
