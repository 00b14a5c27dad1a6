//! Adds an item to a list, in the style of the list.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::{Document, Location, Mark, Matches, Node, NodeKind, Quotes, only, parse, render, value_of, wanted};
use crate::edit::path::Path;
use crate::edit::{Edit, EditError, FileEdit, Splice, splice};

/// A text to insert, and the parser events that it adds.
struct Insertion {
    at: usize,
    text: String,
    /// Index in the marks at which `marks` are inserted.
    mark: usize,
    marks: Vec<Mark>,
}

/// Appends a text to the list `key` of the mapping at a path, unless the list contains it already. If there is no
/// such list, it is created after the last entry of the mapping that fits on one line.
///
/// # Errors
/// Those of [`super::set`]. Also if the list cannot be extended exactly in its style: because it is empty, its last
/// item is not a plain text on its own line, or the list is an alias or an alias refers to it.
pub fn add(text: &str, owner: &Path, key: &str, value: &str) -> Result<Edit, EditError> {
    let parsed = parse(text)?;
    let owners = wanted(&parsed, owner, Matches::One)?;
    let Some(spot) = owners.first() else {
        return Err(EditError::because(format!("`{owner}` is not there")));
    };
    let place = owner.below(key).to_string();
    let adding = Adding { text, parsed: &parsed, spot, place: &place, value };
    let list = value_of(spot.node, key);
    if let Some(line) = list.and_then(|list| adding.present(list)) {
        let change = FileEdit { line, place, old: value.to_owned(), new: value.to_owned() };
        return Ok(Edit { text: text.to_owned(), changes: vec![change] });
    }
    let insertion = match list {
        Some(list) => adding.to(list)?,
        None => adding.new_list(key)?,
    };
    let above = text.get(..insertion.at).unwrap_or_default();
    let line = above.matches('\n').count() + insertion.text.matches('\n').count() + 1;
    let mut expected = parsed.marks.clone();
    expected.splice(insertion.mark..insertion.mark, insertion.marks);
    let text = splice(text, &[Splice { range: insertion.at..insertion.at, text: insertion.text }])?;
    only(&text, &expected)?;
    Ok(Edit { text, changes: vec![FileEdit { line, place, old: String::new(), new: value.to_owned() }] })
}

struct Adding<'a> {
    text: &'a str,
    parsed: &'a Document,
    /// The mapping that contains the list.
    spot: &'a Location<'a>,
    place: &'a str,
    value: &'a str,
}

impl Adding<'_> {
    /// Returns the line of the value if the list contains it.
    fn present(&self, list: &Node) -> Option<usize> {
        let NodeKind::List { items, .. } = &list.kind else {
            return None;
        };
        let is = |node: &&Node| matches!(&node.kind, NodeKind::Scalar { value, .. } if value == self.value);
        items.iter().find(is).map(|node| node.line)
    }

    fn to(&self, list: &Node) -> Result<Insertion, EditError> {
        self.unshared(list)?;
        let NodeKind::List { items, flow } = &list.kind else {
            return Err(self.no(list.line, "is no list"));
        };
        let last = match items.last() {
            Some(last) if matches!(last.kind, NodeKind::Scalar { .. }) && !last.tagged && last.anchor == 0 => last,
            Some(last) => return Err(self.no(last.line, "does not end in a plain text")),
            None => return Err(self.no(list.line, "is an empty list")),
        };
        let written = self.text.get(last.range.clone()).unwrap_or_default();
        if written.contains('\n') {
            return Err(self.no(last.line, "ends in a text over several lines"));
        }
        let (quotes, style) = match written.chars().next() {
            Some('\'') => (Quotes::Single, ScalarStyle::SingleQuoted),
            Some('"') => (Quotes::Double, ScalarStyle::DoubleQuoted),
            _ => (Quotes::None, ScalarStyle::Plain),
        };
        let rendered = render(self.value, quotes)?;
        let marks = vec![self.scalar(&rendered, style)];
        if *flow {
            return Ok(Insertion { at: last.range.end, text: format!(", {rendered}"), mark: list.end_mark, marks });
        }
        let line = self.line(last.range.start);
        let before = self.text.get(line.start..last.range.start).unwrap_or_default();
        let (indent, dash) = before.split_once('-').unwrap_or((before, ""));
        if !indent.chars().all(|c| c == ' ') || dash.is_empty() || !dash.chars().all(|c| c == ' ') {
            return Err(self.no(last.line, "has its last item on a line with something else"));
        }
        Ok(Insertion {
            at: line.end,
            text: format!("{}{before}{rendered}", self.line_end()),
            mark: list.end_mark,
            marks,
        })
    }

    fn new_list(&self, key: &str) -> Result<Insertion, EditError> {
        let owner = self.spot.node;
        self.unshared(owner)?;
        let NodeKind::Map { entries, flow: false } = &owner.kind else {
            return Err(self.no(owner.line, "is not there, and is not made in what is no block mapping"));
        };
        let on_its_line = |(name, value): &&(Node, Node)| {
            matches!(value.kind, NodeKind::Scalar { .. })
                && !value.range.is_empty()
                && self.line(name.range.start) == self.line(value.range.end)
        };
        let Some((name, after)) = entries.iter().rfind(on_its_line) else {
            return Err(self.no(owner.line, "is not there, and there is no line to put it behind"));
        };
        let line = self.line(name.range.start);
        let column = name.range.start - line.start;
        let indent = " ".repeat(column);
        let item = " ".repeat(column + self.deeper());
        let (key_text, rendered) = (render(key, Quotes::None)?, render(self.value, Quotes::None)?);
        let end = self.line_end();
        Ok(Insertion {
            at: line.end,
            text: format!("{end}{indent}{key_text}:{end}{item}- {rendered}"),
            mark: after.end_mark + 1,
            marks: vec![
                self.mark(key, &key_text, ScalarStyle::Plain),
                Mark::Start { list: true, flow: false, anchor: 0, tag: None },
                self.scalar(&rendered, ScalarStyle::Plain),
                Mark::End,
            ],
        })
    }

    /// Returns the indentation of list items relative to their key, as used elsewhere in the file.
    fn deeper(&self) -> usize {
        let mut left: Vec<&Node> = self.parsed.documents.iter().collect();
        while let Some(node) = left.pop() {
            match &node.kind {
                NodeKind::List { items, .. } => left.extend(items),
                NodeKind::Map { entries, .. } => {
                    if let Some(deeper) = entries.iter().find_map(|(key, value)| self.dash_behind(key, value)) {
                        return deeper;
                    }
                    left.extend(entries.iter().map(|(_, value)| value));
                }
                NodeKind::Scalar { .. } | NodeKind::Alias => {}
            }
        }
        0
    }

    /// Returns the indentation of a list's dashes relative to its key.
    fn dash_behind(&self, key: &Node, value: &Node) -> Option<usize> {
        let NodeKind::List { items, flow: false } = &value.kind else {
            return None;
        };
        let line = self.text.get(self.line(items.first()?.range.start))?;
        let dash = line.find(|c| c != ' ').filter(|at| line.get(*at..).is_some_and(|rest| rest.starts_with("- ")))?;
        dash.checked_sub(key.range.start - self.line(key.range.start).start)
    }

    /// Refuses an alias, and a value that an alias elsewhere refers to.
    fn unshared(&self, node: &Node) -> Result<(), EditError> {
        let shared = |anchor: &usize| self.parsed.aliased.contains(anchor);
        if self.spot.anchors.iter().any(shared) || shared(&node.anchor) {
            return Err(self.no(node.line, "has an anchor, or lies below one, that an alias elsewhere repeats"));
        }
        if matches!(node.kind, NodeKind::Alias) {
            return Err(self.no(node.line, "is an alias of another value"));
        }
        Ok(())
    }

    fn scalar(&self, rendered: &str, style: ScalarStyle) -> Mark {
        self.mark(self.value, rendered, style)
    }

    fn mark(&self, value: &str, rendered: &str, style: ScalarStyle) -> Mark {
        let quoted = rendered.starts_with('\'');
        let style = if quoted { ScalarStyle::SingleQuoted } else { style };
        Mark::Scalar { value: value.to_owned(), style, anchor: 0, tag: None }
    }

    /// Returns the byte range of the line at an offset, without its line ending.
    fn line(&self, at: usize) -> Range<usize> {
        let before = self.text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.text.get(at..).unwrap_or_default();
        let end = at + rest.find('\n').unwrap_or(rest.len());
        let bare = self.text.get(start..end).unwrap_or_default().trim_end_matches('\r');
        start..start + bare.len()
    }

    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    fn no(&self, line: usize, why: &str) -> EditError {
        EditError::because(format!("line {line}: `{}` {why}; add {} by hand", self.place, self.value))
    }
}
