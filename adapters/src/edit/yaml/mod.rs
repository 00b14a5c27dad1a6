//! Values in YAML files: finds them, sets them, and adds items to a list.

mod add;
mod walk;

use std::collections::BTreeSet;

use granit_parser::ScalarStyle;

use super::path::Path;
use super::scalar::{Quotes, plain, render};
use super::tree::{Document, Mark, Node, NodeKind, parse};
use super::{Edit, EditError, FileEdit, Splice, splice};
pub use add::add;
use walk::{Location, walk};

/// The number of values that a path may match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matches {
    /// Exactly one value.
    One,
    /// One or more values.
    All,
}

/// The limits that a target sets for its path: the number of matches, and the use of aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Number of values that the path may match.
    pub matches: Matches,
    /// Set by `follow_aliases` in the target. If `true`, an alias stands for the anchored value that it refers to,
    /// and an anchored value may be replaced even if aliases elsewhere refer to it.
    pub follow_aliases: bool,
}

impl From<Matches> for Rule {
    fn from(matches: Matches) -> Self {
        Self { matches, follow_aliases: false }
    }
}

/// A value that a path matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Line of the start of the value, starting at 1.
    pub line: usize,
    /// Path of the value, with an index for every list.
    pub place: Path,
    /// The value; `None` for a list, a mapping or an alias.
    pub value: Option<String>,
}

/// Finds the values at a path, in all documents of a file. Returns an empty list if there are none.
///
/// # Errors
/// If the file is not valid YAML, has a duplicate key in a mapping, or exceeds the limits for size, nesting
/// or aliases.
pub fn find(text: &str, path: &Path) -> Result<Vec<Found>, EditError> {
    find_by(text, path, false)
}

/// Finds the values at a path, like [`find`]. With `follow_aliases`, an alias has the value that it refers to.
///
/// # Errors
/// The same as for [`find`].
pub fn find_by(text: &str, path: &Path, follow_aliases: bool) -> Result<Vec<Found>, EditError> {
    let parsed = parse(text)?;
    Ok(walk(&parsed, path).spots.into_iter().map(|spot| found(&parsed, spot, follow_aliases)).collect())
}

fn found(parsed: &Document, spot: Location<'_>, follow_aliases: bool) -> Found {
    let node = if follow_aliases { parsed.repeated_by(spot.node) } else { spot.node };
    let value = match &node.kind {
        NodeKind::Scalar { value, .. } => Some(value.clone()),
        NodeKind::Alias | NodeKind::List { .. } | NodeKind::Map { .. } => None,
    };
    Found { line: spot.node.line, place: spot.place, value }
}

/// Sets the values at a path and keeps their quotes. Adds quotes to an unquoted value if a parser would otherwise
/// read it as a number or another type.
///
/// # Errors
/// Those of [`find`]. Also if the path matches nothing or more than allowed, if a match is not text on a single line
/// (but an alias, a list or a block), or if an alias elsewhere refers to it. With `follow_aliases`, an alias and a
/// value that aliases refer to are allowed.
pub fn set(text: &str, path: &Path, value: &str, rule: impl Into<Rule>) -> Result<Edit, EditError> {
    let rule = rule.into();
    let parsed = parse(text)?;
    let mut spots = wanted(&parsed, path, rule.matches)?;
    if rule.follow_aliases {
        spots.iter_mut().for_each(|spot| spot.node = parsed.repeated_by(spot.node));
        // Several matches may refer to one value, which is replaced once.
        let mut seen = BTreeSet::new();
        spots.retain(|spot| seen.insert(spot.node.mark));
        spots.sort_by_key(|spot| spot.node.range.start);
    }
    let (mut splices, mut changes, mut expected) = (Vec::new(), Vec::new(), parsed.marks.clone());
    for spot in spots {
        let (old, quotes) = editable(text, &parsed, &spot, rule.follow_aliases)?;
        changes.push(FileEdit {
            line: spot.node.line,
            place: spot.place.to_string(),
            old: old.to_owned(),
            new: value.to_owned(),
        });
        // The same text without quotes may still be another value, such as a number.
        if old == value && (quotes != Quotes::None || plain(value)) {
            continue;
        }
        let written = render(value, quotes)?;
        if let Some(Mark::Scalar { value: at, style, .. }) = expected.get_mut(spot.node.mark) {
            value.clone_into(at);
            *style = if written.starts_with('\'') { ScalarStyle::SingleQuoted } else { *style };
        }
        splices.push(Splice { range: spot.node.range.clone(), text: written });
    }
    let text = splice(text, &splices)?;
    only(&text, &expected)?;
    Ok(Edit { text, changes })
}

fn wanted<'a>(parsed: &'a Document, path: &Path, matches: Matches) -> Result<Vec<Location<'a>>, EditError> {
    let walked = walk(parsed, path);
    let lines: Vec<usize> = walked.spots.iter().map(|spot| spot.node.line).collect();
    match (lines.len(), matches) {
        (0, _) => Err(EditError::because(walked.stopped_at(path))),
        (1, _) | (_, Matches::All) => Ok(walked.spots),
        (_, Matches::One) => Err(EditError::because(format!(
            "`{path}` means the values on lines {}; make it mean one of them",
            super::listed(&lines)
        ))),
    }
}

/// Returns the current value and its quotes if it can be replaced in place without changing another value.
fn editable<'a>(
    text: &str,
    parsed: &Document,
    spot: &Location<'a>,
    follow_aliases: bool,
) -> Result<(&'a str, Quotes), EditError> {
    let node = spot.node;
    let no = |why: &str| Err(EditError::because(format!("line {}: `{}` {why}", node.line, spot.place)));
    let shared = spot.anchors.iter().find(|anchor| parsed.aliased.contains(anchor));
    if let Some(anchor) = shared.filter(|_| !follow_aliases) {
        let here = if *anchor == node.anchor { "has" } else { "lies below" };
        return no(&format!(
            "{here} an anchor that an alias elsewhere repeats: changing it changes that too. If that is meant, \
                            say `follow_aliases = true` in the target"
        ));
    }
    let NodeKind::Scalar { value, style } = &node.kind else {
        return no(match node.kind {
            NodeKind::Alias => "is an alias of another value; change that one, or write the value out",
            NodeKind::Scalar { .. } | NodeKind::List { .. } | NodeKind::Map { .. } => {
                "is a list or a mapping, not a value"
            }
        });
    };
    if node.tagged {
        return no("has a tag; edit it by hand");
    }
    let written = text.get(node.range.clone()).unwrap_or_default();
    let quotes = match style {
        ScalarStyle::Plain if written.is_empty() => return no("has no value that could be replaced"),
        ScalarStyle::Plain if written == value => Quotes::None,
        ScalarStyle::SingleQuoted if enclosed(written, '\'') => Quotes::Single,
        ScalarStyle::DoubleQuoted if enclosed(written, '"') => Quotes::Double,
        ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            return no("runs over several lines; edit it by hand");
        }
        ScalarStyle::Literal | ScalarStyle::Folded => return no("is a block of text; edit it by hand"),
    };
    Ok((value, quotes))
}

fn enclosed(written: &str, quote: char) -> bool {
    written.len() > 1 && written.starts_with(quote) && written.ends_with(quote) && !written.contains('\n')
}

/// Parses the edited text and refuses it unless its events equal the expected ones.
fn only(text: &str, expected: &[Mark]) -> Result<(), EditError> {
    if parse(text)?.marks == expected {
        return Ok(());
    }
    Err(EditError::because("the edit would change more than was asked for; edit this file by hand"))
}

/// Returns the value of a key in a mapping.
fn value_of<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let NodeKind::Map { entries, .. } = &node.kind else {
        return None;
    };
    let is = |node: &Node| matches!(&node.kind, NodeKind::Scalar { value, .. } if value == key);
    entries.iter().find(|(name, _)| is(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::{only, parse};

    /// PROMO-18: the final check detects every other change in the edited text.
    #[test]
    fn anything_else_that_changed_is_seen() {
        let expected = parse("a: &x 'new'\nb: [*x, 2]\nc: {d: 1}\n").map(|parsed| parsed.marks).unwrap();
        assert_eq!(only("a:   &x 'new' # why\nb: [ *x, 2 ]\nc: {d: 1}\n", &expected), Ok(()));
        for other in [
            "a: &x 'new'\nb: [*x, 3]\nc: {d: 1}\n",
            "a: &x 'new'\nb: [*x, '2']\nc: {d: 1}\n",
            "a: &x new\nb: [*x, 2]\nc: {d: 1}\n",
            "a: 'new'\nb: ['new', 2]\nc: {d: 1}\n",
            "a: &x 'new'\nb: [*x, 2]\nc:\n  d: 1\n",
            "a: &x !t 'new'\nb: [*x, 2]\nc: {d: 1}\n",
            "a: &x 'new'\nb: [*x, 2]\n---\nc: {d: 1}\n",
            "a: &x 'new'\nb: [*x, 2]\nc: {d: 1, e: 1}\n",
        ] {
            assert!(only(other, &expected).is_err(), "{other}");
        }
    }
}
