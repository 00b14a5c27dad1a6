//! Resolves a path to the values that it matches.

use super::value_of;
use crate::edit::path::{Path, Step};
use crate::edit::tree::{Document, Node, NodeKind};

/// A value that a path matches.
pub(super) struct Location<'a> {
    pub(super) node: &'a Node,
    /// Path of the value, with an index for every list.
    pub(super) place: Path,
    /// Anchors of the value and of its ancestors.
    pub(super) anchors: Vec<usize>,
}

/// The result of resolving a path.
pub(super) struct Walked<'a> {
    pub(super) spots: Vec<Location<'a>>,
    /// Maximum number of steps that matched.
    deepest: usize,
}

impl Walked<'_> {
    /// Explains at which step the path matched nothing.
    pub(super) fn stopped_at(&self, path: &Path) -> String {
        let (there, rest) = path.0.split_at_checked(self.deepest).unwrap_or((&path.0, &[]));
        let missing = Path(rest.iter().take(1).cloned().collect());
        let there = match there {
            [] => "at the top of the file".to_owned(),
            steps => format!("below `{}`", Path(steps.to_vec())),
        };
        format!("`{path}` is not there: {there} is no `{missing}` (what comes in by an alias or `<<` is not edited)")
    }
}

/// Finds the values in all documents, in file order.
pub(super) fn walk<'a>(parsed: &'a Document, path: &Path) -> Walked<'a> {
    let mut walked = Walked { spots: Vec::new(), deepest: 0 };
    for root in &parsed.documents {
        let start = Location { node: root, place: Path(Vec::new()), anchors: anchors(&[], root) };
        step(start, &path.0, 0, &mut walked);
    }
    walked
}

fn step<'a>(at: Location<'a>, steps: &[Step], taken: usize, walked: &mut Walked<'a>) {
    walked.deepest = walked.deepest.max(taken);
    let Some((next, rest)) = steps.split_first() else {
        walked.spots.push(at);
        return;
    };
    for (one, node) in children(at.node, next) {
        let mut place = at.place.clone();
        place.0.push(one);
        step(Location { node, place, anchors: anchors(&at.anchors, node) }, rest, taken + 1, walked);
    }
}

/// Returns the child nodes that a step matches, with the exact step to each.
fn children<'a>(node: &'a Node, step: &Step) -> Vec<(Step, &'a Node)> {
    let items = match &node.kind {
        NodeKind::List { items, .. } => items.as_slice(),
        NodeKind::Map { .. } | NodeKind::Scalar { .. } | NodeKind::Alias => &[],
    };
    let matching = |fits: &dyn Fn(usize, &Node) -> bool| {
        let kept = items.iter().enumerate().filter(|(index, item)| fits(*index, item));
        kept.map(|(index, item)| (Step::Index(index), item)).collect()
    };
    match step {
        Step::Key(key) => value_of(node, key).map(|value| (step.clone(), value)).into_iter().collect(),
        Step::Index(wanted) => matching(&|index, _| index == *wanted),
        Step::Each => matching(&|_, _| true),
        Step::Where { keys, value } => matching(&|_, item| has(item, keys, value)),
    }
}

fn has(item: &Node, keys: &[String], wanted: &str) -> bool {
    let end = keys.iter().try_fold(item, |node, key| value_of(node, key));
    end.is_some_and(|end| matches!(&end.kind, NodeKind::Scalar { value, .. } if value == wanted))
}

fn anchors(above: &[usize], node: &Node) -> Vec<usize> {
    let own = (node.anchor != 0).then_some(node.anchor);
    above.iter().copied().chain(own).collect()
}
