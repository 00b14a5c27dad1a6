//! Values in YAML files: finding them, setting them, and adding to a list.

mod add;
mod walk;

use std::collections::BTreeSet;

use granit_parser::ScalarStyle;

use super::path::Path;
use super::scalar::{Quotes, plain, render};
use super::tree::{Kind, Mark, Node, Parsed, parse};
use super::{Change, Edit, Refused, Splice, splice};
pub use add::add;
use walk::{Spot, walk};

/// How many values one path may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matches {
    /// Exactly one.
    One,
    /// One or more.
    All,
}

/// The limits that a target sets for its path: the number of values it may match, and the use of aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The number of values that the path may match.
    pub matches: Matches,
    /// Set by `follow_aliases` in the target. When true, an alias stands for the anchored value that it repeats, and an anchored
    /// value may be replaced although aliases elsewhere repeat it.
    pub follow_aliases: bool,
}

impl From<Matches> for Rule {
    fn from(matches: Matches) -> Self {
        Self { matches, follow_aliases: false }
    }
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The line it starts on, counted from 1.
    pub line: usize,
    /// Its path, with an index for every list.
    pub place: Path,
    /// The value; `None` when it is a list, a mapping or an alias.
    pub value: Option<String>,
}

/// Finds what a path means, in all documents of a file. What is not there is an empty answer.
///
/// # Errors
/// The file is no YAML, has a key twice in a mapping, or is too large, too deep or too full of aliases.
pub fn find(text: &str, path: &Path) -> Result<Vec<Found>, Refused> {
    find_by(text, path, false)
}

/// Finds the values at a path, as [`find`] does. With `follow_aliases` an alias has the value that it repeats.
///
/// # Errors
/// As for [`find`].
pub fn find_by(text: &str, path: &Path, follow_aliases: bool) -> Result<Vec<Found>, Refused> {
    let parsed = parse(text)?;
    Ok(walk(&parsed, path).spots.into_iter().map(|spot| found(&parsed, spot, follow_aliases)).collect())
}

fn found(parsed: &Parsed, spot: Spot<'_>, follow_aliases: bool) -> Found {
    let node = if follow_aliases { parsed.repeated_by(spot.node) } else { spot.node };
    let value = match &node.kind {
        Kind::Scalar { value, .. } => Some(value.clone()),
        Kind::Alias | Kind::List { .. } | Kind::Map { .. } => None,
    };
    Found { line: spot.node.line, place: spot.place, value }
}

/// Sets the value at a path. Quotes stay; a value without them gets some when readers would take it for a number or the like.
///
/// # Errors
/// As for [`find`]; the path means nothing, or more than was asked for; what is there is no text on one line of its own,
/// because it is an alias, a list or a block; or an alias elsewhere takes its value from here. The last two are no errors
/// when aliases are followed.
pub fn set(text: &str, path: &Path, value: &str, rule: impl Into<Rule>) -> Result<Edit, Refused> {
    let rule = rule.into();
    let parsed = parse(text)?;
    let mut spots = wanted(&parsed, path, rule.matches)?;
    if rule.follow_aliases {
        spots.iter_mut().for_each(|spot| spot.node = parsed.repeated_by(spot.node));
        // Several of them may repeat one value, which is replaced once.
        let mut seen = BTreeSet::new();
        spots.retain(|spot| seen.insert(spot.node.mark));
        spots.sort_by_key(|spot| spot.node.range.start);
    }
    let (mut splices, mut changes, mut expected) = (Vec::new(), Vec::new(), parsed.marks.clone());
    for spot in spots {
        let (old, quotes) = editable(text, &parsed, &spot, rule.follow_aliases)?;
        changes.push(Change {
            line: spot.node.line,
            place: spot.place.to_string(),
            old: old.to_owned(),
            new: value.to_owned(),
        });
        // The right digits without quotes may still be the wrong value.
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

fn wanted<'a>(parsed: &'a Parsed, path: &Path, matches: Matches) -> Result<Vec<Spot<'a>>, Refused> {
    let walked = walk(parsed, path);
    let lines: Vec<usize> = walked.spots.iter().map(|spot| spot.node.line).collect();
    match (lines.len(), matches) {
        (0, _) => Err(Refused::because(walked.stopped_at(path))),
        (1, _) | (_, Matches::All) => Ok(walked.spots),
        (_, Matches::One) => Err(Refused::because(format!(
            "`{path}` means the values on lines {}; make it mean one of them",
            super::listed(&lines)
        ))),
    }
}

/// The value as it stands, and its quotes, if it can be replaced where it is without changing another.
fn editable<'a>(
    text: &str,
    parsed: &Parsed,
    spot: &Spot<'a>,
    follow_aliases: bool,
) -> Result<(&'a str, Quotes), Refused> {
    let node = spot.node;
    let no = |why: &str| Err(Refused::because(format!("line {}: `{}` {why}", node.line, spot.place)));
    let shared = spot.anchors.iter().find(|anchor| parsed.aliased.contains(anchor));
    if let Some(anchor) = shared.filter(|_| !follow_aliases) {
        let here = if *anchor == node.anchor { "has" } else { "lies below" };
        return no(&format!(
            "{here} an anchor that an alias elsewhere repeats: changing it changes that too. If that is meant, \
                            say `follow_aliases = true` in the target"
        ));
    }
    let Kind::Scalar { value, style } = &node.kind else {
        return no(match node.kind {
            Kind::Alias => "is an alias of another value; change that one, or write the value out",
            Kind::Scalar { .. } | Kind::List { .. } | Kind::Map { .. } => "is a list or a mapping, not a value",
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

/// Reads the new text and refuses it unless it says what is expected, everywhere.
fn only(text: &str, expected: &[Mark]) -> Result<(), Refused> {
    if parse(text)?.marks == expected {
        return Ok(());
    }
    Err(Refused::because("the edit would change more than was asked for; edit this file by hand"))
}

/// A node of a mapping, by its key.
fn value_of<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Kind::Map { entries, .. } = &node.kind else {
        return None;
    };
    let is = |node: &Node| matches!(&node.kind, Kind::Scalar { value, .. } if value == key);
    entries.iter().find(|(name, _)| is(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::{only, parse};

    /// PROMO-18: the last guard. Whatever else an edit would do, it is seen when the text is read again.
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
