//! A parsed YAML file with the position of every value. Aliases are never expanded, so the tree cannot grow beyond
//! the file. Size, depth and the number of aliases are limited as well.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::EditError;

/// Maximum size of a file, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Maximum nesting of lists and mappings.
const MAX_DEPTH: usize = 64;
/// Maximum number of aliases in a file.
const MAX_ALIASES: usize = 256;

/// A parsed file.
#[derive(Default)]
pub(super) struct Document {
    /// Root node of each document.
    pub(super) documents: Vec<Node>,
    /// All parser events in order, without positions. An edit must not change any but the expected ones.
    pub(super) marks: Vec<Mark>,
    /// Numbers of the anchors that an alias refers to.
    pub(super) aliased: BTreeSet<usize>,
}

impl Document {
    /// Returns the node that an alias refers to; returns any other node unchanged.
    pub(super) fn repeated_by<'a>(&'a self, node: &'a Node) -> &'a Node {
        let Some(Mark::Alias(anchor)) = self.marks.get(node.mark) else { return node };
        let mut left: Vec<&Node> = self.documents.iter().collect();
        while let Some(next) = left.pop() {
            match &next.kind {
                _ if next.anchor == *anchor => return next,
                NodeKind::List { items, .. } => left.extend(items),
                NodeKind::Map { entries, .. } => left.extend(entries.iter().flat_map(|(name, value)| [name, value])),
                NodeKind::Scalar { .. } | NodeKind::Alias => {}
            }
        }
        node
    }
}

/// A value and its position.
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// Byte range without anchor and tag. The end is not meaningful for a block list or block mapping.
    pub(super) range: Range<usize>,
    /// Line of the start, starting at 1.
    pub(super) line: usize,
    /// Number of the anchor; 0 for none.
    pub(super) anchor: usize,
    /// `true` if the value has a tag such as `!!str`.
    pub(super) tagged: bool,
    /// Index in the marks of the value or of its start.
    pub(super) mark: usize,
    /// Index in the marks of the end of a list or mapping; equals `mark` for other values.
    pub(super) end_mark: usize,
}

/// The kind of a node.
pub(super) enum NodeKind {
    Scalar { value: String, style: ScalarStyle },
    Alias,
    List { items: Vec<Node>, flow: bool },
    Map { entries: Vec<(Node, Node)>, flow: bool },
}

/// One parser event, without its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    DocumentStart,
    DocumentEnd,
    Alias(usize),
    Scalar { value: String, style: ScalarStyle, anchor: usize, tag: Option<String> },
    Start { list: bool, flow: bool, anchor: usize, tag: Option<String> },
    End,
}

/// Parses a file.
pub(super) fn parse(text: &str) -> Result<Document, EditError> {
    if text.len() > MAX_BYTES {
        let reason = format!("the file has {} bytes, and {MAX_BYTES} are the most that is edited", text.len());
        return Err(EditError::because(reason));
    }
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| {
            EditError::because(format!("line {}: this is no YAML ({})", error.marker().line(), error.info()))
        })?;
        builder.take(event, span)?;
    }
    Ok(builder.parsed)
}

/// Returns the lines of all mapping entries with this key, in any document.
pub(super) fn lines_with_key(parsed: &Document, key: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut left: Vec<&Node> = parsed.documents.iter().collect();
    while let Some(node) = left.pop() {
        match &node.kind {
            NodeKind::List { items, .. } => left.extend(items),
            NodeKind::Map { entries, .. } => {
                for (name, value) in entries {
                    let ours = matches!(&name.kind, NodeKind::Scalar { value, .. } if value == key);
                    lines.extend(ours.then_some(name.line));
                    left.push(value);
                }
            }
            NodeKind::Scalar { .. } | NodeKind::Alias => {}
        }
    }
    lines
}

#[derive(Default)]
struct Builder {
    parsed: Document,
    open: Vec<Open>,
    aliases: usize,
}

/// A list or mapping whose end has not been parsed yet.
struct Open {
    node: Node,
    children: Vec<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), EditError> {
        #[allow(clippy::wildcard_enum_match_arm, reason = "the parser's enum may grow; what it adds is no data")]
        match event {
            Event::DocumentStart(..) => self.parsed.marks.push(Mark::DocumentStart),
            Event::DocumentEnd => self.parsed.marks.push(Mark::DocumentEnd),
            Event::Alias(anchor) => {
                self.aliases += 1;
                if self.aliases > MAX_ALIASES {
                    let reason = format!("line {}: more than {MAX_ALIASES} aliases", span.start.line());
                    return Err(EditError::because(reason));
                }
                self.parsed.aliased.insert(anchor);
                let node = self.node(NodeKind::Alias, span, 0, false, Mark::Alias(anchor))?;
                self.place(node);
            }
            Event::Scalar(value, style, anchor, tag) => {
                let (value, tag) = (value.into_owned(), tag.map(|tag| format!("{tag:?}")));
                let tagged = tag.is_some();
                let mark = Mark::Scalar { value: value.clone(), style, anchor, tag };
                let node = self.node(NodeKind::Scalar { value, style }, span, anchor, tagged, mark)?;
                self.place(node);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let kind = NodeKind::List { items: Vec::new(), flow };
                self.start(kind, span, anchor, tag.map(|tag| format!("{tag:?}")))?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let kind = NodeKind::Map { entries: Vec::new(), flow };
                self.start(kind, span, anchor, tag.map(|tag| format!("{tag:?}")))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            _ => {}
        }
        Ok(())
    }

    fn node(&mut self, kind: NodeKind, span: Span, anchor: usize, tagged: bool, mark: Mark) -> Result<Node, EditError> {
        let range = bytes(span)?;
        let number = self.parsed.marks.len();
        self.parsed.marks.push(mark);
        Ok(Node { kind, range, line: span.start.line(), anchor, tagged, mark: number, end_mark: number })
    }

    fn start(&mut self, kind: NodeKind, span: Span, anchor: usize, tag: Option<String>) -> Result<(), EditError> {
        // The parser limits block and flow nesting separately; this limits their sum.
        if self.open.len() >= MAX_DEPTH {
            let reason = format!("line {}: nested deeper than {MAX_DEPTH}", span.start.line());
            return Err(EditError::because(reason));
        }
        let (list, flow) = match &kind {
            NodeKind::List { flow, .. } => (true, *flow),
            NodeKind::Map { flow, .. } => (false, *flow),
            NodeKind::Scalar { .. } | NodeKind::Alias => (false, false),
        };
        let tagged = tag.is_some();
        let node = self.node(kind, span, anchor, tagged, Mark::Start { list, flow, anchor, tag })?;
        self.open.push(Open { node, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), EditError> {
        let Some(Open { mut node, children }) = self.open.pop() else {
            return Err(EditError::because("the parser lost its way in this file; edit it by hand"));
        };
        node.range.end = bytes(span)?.end;
        node.end_mark = self.parsed.marks.len();
        self.parsed.marks.push(Mark::End);
        match &mut node.kind {
            NodeKind::List { items, .. } => *items = children,
            NodeKind::Map { entries, .. } => {
                let mut children = children.into_iter();
                while let (Some(key), Some(value)) = (children.next(), children.next()) {
                    entries.push((key, value));
                }
                unique(entries)?;
            }
            NodeKind::Scalar { .. } | NodeKind::Alias => {}
        }
        self.place(node);
        Ok(())
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.parsed.documents.push(node),
        }
    }
}

fn bytes(span: Span) -> Result<Range<usize>, EditError> {
    span.byte_range().ok_or_else(|| EditError::because("the parser does not say where things stand; edit by hand"))
}

/// Refuses a mapping with duplicate keys: parsers disagree which of them is used, so none can be edited.
fn unique(entries: &[(Node, Node)]) -> Result<(), EditError> {
    let mut seen = BTreeMap::new();
    for (key, _) in entries {
        let NodeKind::Scalar { value, .. } = &key.kind else { continue };
        if let Some(before) = seen.insert(value, key.line) {
            return Err(EditError::because(format!(
                "lines {before} and {}: the key {value:?} stands twice; remove one of them first",
                key.line
            )));
        }
    }
    Ok(())
}
