//! Diagnostics of the configuration: the fault, its position and the next step, rendered in the style of rustc.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::source::Sources;

/// A file, as an index into [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(pub(super) usize);

/// A byte range in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) file: FileId,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl At {
    pub(super) fn new(file: FileId, span: Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end }
    }
}

/// A value with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: At,
}

impl<T> Located<T> {
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: f(self.value), at: self.at }
    }
}

/// The position of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A byte range in a file.
    Text(At),
    /// A whole file or folder, for example one that could not be read.
    Path(String),
}

/// A single fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnostic {
    place: Place,
    what: String,
    label: String,
    next: String,
    also: Vec<(At, String)>,
}

impl Diagnostic {
    /// Creates a fault at a position, with its message, the label of the caret and the next step.
    pub(super) fn at(at: At, what: impl Into<String>, label: impl Into<String>, next: impl Into<String>) -> Self {
        Self { place: Place::Text(at), what: what.into(), label: label.into(), next: next.into(), also: Vec::new() }
    }

    /// Creates a fault of a whole file or folder.
    pub(super) fn of(path: impl Into<String>, what: impl Into<String>, next: impl Into<String>) -> Self {
        let (what, next) = (what.into(), next.into());
        Self { place: Place::Path(path.into()), what, label: String::new(), next, also: Vec::new() }
    }

    /// Adds a second, related position.
    pub(super) fn see(mut self, at: At, label: impl Into<String>) -> Self {
        self.also.push((at, label.into()));
        self
    }
}

/// The collector of faults. Readers and checks add to it and continue, so that one fault never hides another.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    faults: RefCell<Vec<Diagnostic>>,
    hidden: RefCell<Vec<At>>,
}

impl Diagnostics {
    /// Adds a fault. Duplicates at the same position are dropped, even if they were found for different services.
    pub(super) fn add(&self, fault: Diagnostic) {
        let mut faults = self.faults.borrow_mut();
        if !faults.iter().any(|known| known.place == fault.place && known.what == fault.what) {
            faults.push(fault);
        }
    }

    /// Redacts the text at this position in all reports: it may be a secret.
    pub(super) fn hide(&self, at: At) {
        self.hidden.borrow_mut().push(at);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// Returns the report, sorted by file and position.
    pub(super) fn into_faults(self, mut sources: Sources) -> DiagnosticReport {
        for at in self.hidden.into_inner() {
            sources.hide(at);
        }
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| match &fault.place {
            Place::Path(_) => None,
            Place::Text(at) => Some(*at),
        });
        DiagnosticReport { sources: Box::new(sources), faults }
    }
}

/// All faults of a configuration.
pub struct DiagnosticReport {
    sources: Box<Sources>,
    faults: Vec<Diagnostic>,
}

impl DiagnosticReport {
    /// Returns the number of faults, which is at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.faults.len()
    }

    /// Returns the message of each fault, without positions.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.faults.iter().map(|fault| fault.what.as_str())
    }

    /// Renders all faults with file, line and caret, and a final line with their count.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for fault in &self.faults {
            text.push_str(&renderer.render(&[self.drawn(fault)]));
            text.push_str("\n\n");
        }
        let count = match self.count() {
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        };
        text.push_str(&format!("{count}; the configuration is not taken.\n"));
        text
    }

    fn drawn<'a>(&'a self, fault: &'a Diagnostic) -> Group<'a> {
        let mut group = Group::with_title(Level::ERROR.primary_title(&fault.what));
        match &fault.place {
            Place::Path(path) => group = group.element(Origin::path(path.as_str())),
            Place::Text(at) => {
                let mut snippet = self.snippet(at.file);
                snippet = snippet.annotation(self.caret(AnnotationKind::Primary, *at, &fault.label));
                for (also, label) in fault.also.iter().filter(|(also, _)| also.file == at.file) {
                    snippet = snippet.annotation(self.caret(AnnotationKind::Context, *also, label));
                }
                group = group.element(snippet);
                for (also, label) in fault.also.iter().filter(|(also, _)| also.file != at.file) {
                    let caret = self.caret(AnnotationKind::Context, *also, label);
                    group = group.element(self.snippet(also.file).annotation(caret));
                }
            }
        }
        group.element(Level::HELP.message(&fault.next))
    }

    fn snippet(&self, file: FileId) -> Snippet<'_, Annotation<'_>> {
        Snippet::source(self.sources.text(file)).path(self.sources.shown(file))
    }

    /// Returns the caret under a position. A value of several lines is marked on its first line.
    fn caret<'a>(&self, kind: AnnotationKind, at: At, label: &'a str) -> Annotation<'a> {
        let text = self.sources.text(at.file);
        let first_line = text.get(at.start..at.end).and_then(|span| span.find('\n'));
        let end = first_line.map_or(at.end, |length| at.start + length).min(text.len());
        kind.span(at.start.min(end)..end).label(label)
    }
}

impl fmt::Debug for DiagnosticReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Display for DiagnosticReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for DiagnosticReport {}
