//! Search for the hunks of a change in the text of a file: for the lines that the change added, or those
//! that it replaced.
//!
//! A hunk is present if the text has the added lines, with as much of their context as still exists. Occurrences are
//! counted against the two versions of the file that the change knows, so that a line which occurs ten times in a file
//! anyway proves nothing.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Amounts of context to search a hunk with, as lines above and below, in descending order of evidence.
const CONTEXTS: [(usize, usize); 8] = [(3, 3), (2, 2), (1, 1), (3, 0), (0, 3), (1, 0), (0, 1), (0, 0)];

/// Minimum number of letters and digits in a line that counts as evidence.
const TELLING: usize = 3;

/// Minimum number of letters and digits in lines that identify a change without their context, in a history that does
/// not otherwise show the change.
const IDENTIFYING: usize = 20;

/// The standing of a hunk in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineState {
    /// The lines of the change are present.
    Present {
        /// `true` if that proves that the change arrived, even if the history does not show it.
        identified: bool,
    },
    /// The lines from before the change are present, and those of the change are not.
    Absent,
    /// Neither version is present: the lines were rewritten.
    Unclear,
}

/// One place of a file that a change touched, as line ranges before and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    before: Range<usize>,
    after: Range<usize>,
}

/// A marker that stands before the first and after the last line of a file. It serves as context: appending to a file
/// changes none of its lines, only their neighbors. No real line contains a line break.
const EDGE: &[u8] = b"\n";

/// Splits a text into lines, with an edge marker at both ends.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line));
    std::iter::once(EDGE).chain(lines).chain(std::iter::once(EDGE)).collect()
}

/// Returns the hunks between two versions of a file that can be recognized in other versions.
pub(super) fn hunks(before: &[&[u8]], after: &[&[u8]]) -> Vec<Hunk> {
    let ops = capture_diff_slices(Algorithm::Myers, before, after);
    let hunk = |op: &DiffOp| Hunk { before: op.old_range(), after: op.new_range() };
    let changes = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).map(hunk);
    changes.filter(|hunk| is_telling(before, after, hunk)).collect()
}

/// Returns `true` if the hunk is found in the version after the change and not in the one before it.
fn is_telling(before: &[&[u8]], after: &[&[u8]], hunk: &Hunk) -> bool {
    let sides = Sides { before, after };
    matches!(sides.standing(hunk, after), LineState::Present { .. })
        && sides.standing(hunk, before) == LineState::Absent
}

/// The two versions of a file that a change knows.
pub(super) struct Sides<'a> {
    pub(super) before: &'a [&'a [u8]],
    pub(super) after: &'a [&'a [u8]],
}

impl Sides<'_> {
    /// Returns the standing of a hunk in another version of the file.
    pub(super) fn standing(&self, hunk: &Hunk, text: &[&[u8]]) -> LineState {
        let brought = self.after.get(hunk.after.clone()).unwrap_or_default();
        let replaced = self.before.get(hunk.before.clone()).unwrap_or_default();
        let more = |lines: &[&[u8]], than: &[&[u8]]| count(text, lines) > count(than, lines);
        // Insubstantial lines, such as brackets, are present or absent by chance.
        let still_there = is_substantial(brought) && more(brought, self.before);
        for context in CONTEXTS {
            let (post, pre) = (around(self.after, &hunk.after, context), around(self.before, &hunk.before, context));
            let has_context = context != (0, 0) && (post.len() > brought.len() || pre.len() > replaced.len());
            if tells(post, self.after, self.before) && count(text, post) >= count(self.after, post) {
                let gone = brought.is_empty() && is_substantial(replaced) && more(replaced, self.after);
                if !gone {
                    let identified = (has_context && is_substantial(post)) || weight(brought) >= IDENTIFYING;
                    return LineState::Present { identified };
                }
            }
            if tells(pre, self.before, self.after) && count(text, pre) >= count(self.before, pre) && !still_there {
                return LineState::Absent;
            }
        }
        if brought.is_empty() && is_substantial(replaced) && !more(replaced, self.after) {
            return LineState::Present { identified: false };
        }
        if self.is_there_but_for_spaces(brought, replaced, text) {
            return LineState::Present { identified: false };
        }
        LineState::Unclear
    }

    /// Returns `true` if the lines are present with other white space, as after a formatter or inside a new block.
    fn is_there_but_for_spaces(&self, brought: &[&[u8]], replaced: &[&[u8]], text: &[&[u8]]) -> bool {
        let (brought, replaced) = (squeezed(brought), squeezed(replaced));
        if brought == replaced || weight(&slices(&brought)) < IDENTIFYING {
            return false;
        }
        let (before, text) = (squeezed(self.before), squeezed(text));
        let (before, text, brought) = (slices(&before), slices(&text), slices(&brought));
        count(&text, &brought) > count(&before, &brought)
    }
}

/// Returns the lines of a hunk with this many lines of context above and below.
fn around<'a, 'b>(text: &'a [&'b [u8]], place: &Range<usize>, (above, below): (usize, usize)) -> &'a [&'b [u8]] {
    let start = place.start.saturating_sub(above);
    let end = place.end.saturating_add(below).min(text.len());
    text.get(start..end).unwrap_or_default()
}

/// Returns `true` if these lines are evidence for one version over the other.
fn tells(lines: &[&[u8]], of: &[&[u8]], not: &[&[u8]]) -> bool {
    is_substantial(lines) && count(of, lines) > count(not, lines)
}

fn is_substantial(lines: &[&[u8]]) -> bool {
    lines.iter().any(|line| weight(&[line]) >= TELLING)
}

/// Returns the number of letters and digits in these lines.
fn weight(lines: &[&[u8]]) -> usize {
    lines.iter().flat_map(|line| line.iter()).filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()).count()
}

/// Returns the number of places where these lines occur consecutively.
fn count(text: &[&[u8]], lines: &[&[u8]]) -> usize {
    if lines.is_empty() {
        return 0;
    }
    text.windows(lines.len()).filter(|window| *window == lines).count()
}

/// Removes white space from lines, and the lines that are then empty.
fn squeezed(lines: &[&[u8]]) -> Vec<Vec<u8>> {
    let squeeze = |line: &&[u8]| line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>();
    lines.iter().map(squeeze).filter(|line| !line.is_empty()).collect()
}

fn slices(lines: &[Vec<u8>]) -> Vec<&[u8]> {
    lines.iter().map(Vec::as_slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "def upload(receipt):\n    first = receipt.lines[0]\n    return store(first)\n";
    const AFTER: &str = "def upload(receipt):\n    if not receipt.lines:\n        return reject()\n    \
                         first = receipt.lines[0]\n    return store(first)\n";

    fn all(before: &str, after: &str, text: &str) -> Vec<LineState> {
        let (before, after, text) = (lines(before.as_bytes()), lines(after.as_bytes()), lines(text.as_bytes()));
        let sides = Sides { before: &before, after: &after };
        hunks(&before, &after).iter().map(|hunk| sides.standing(hunk, &text)).collect()
    }

    fn one(before: &str, after: &str, text: &str) -> LineState {
        let all = all(before, after, text);
        assert_eq!(all.len(), 1, "{all:?}");
        all[0]
    }

    fn is_present(standing: LineState) -> bool {
        matches!(standing, LineState::Present { .. })
    }

    #[test]
    fn an_insertion_is_followed_through_edits_around_it() {
        assert_eq!(one(BEFORE, AFTER, AFTER), LineState::Present { identified: true });
        assert_eq!(one(BEFORE, AFTER, BEFORE), LineState::Absent);
        let around = AFTER.replace("def upload(receipt)", "def upload(receipt, who)").replace("first", "head");
        assert_eq!(one(BEFORE, AFTER, &around), LineState::Present { identified: true }, "other context");
        let moved = format!("import os\n\n\n{AFTER}");
        assert!(is_present(one(BEFORE, AFTER, &moved)), "further down");
        let deeper: String = AFTER.lines().map(|line| format!("    {line}\n")).collect();
        assert!(is_present(one(BEFORE, AFTER, &format!("class Upload:\n{deeper}"))), "in a class");
        let dropped = BEFORE.replace("store(first)", "store(first, receipt)");
        assert_eq!(one(BEFORE, AFTER, &dropped), LineState::Absent, "out, and the lines below edited");
        let rewritten = "def upload(receipt):\n    return store(next(iter(receipt.lines), None))\n";
        assert_eq!(one(BEFORE, AFTER, rewritten), LineState::Unclear);
    }

    #[test]
    fn a_replacement_and_a_deletion_are_told_apart_from_what_was_before() {
        let (before, after) = ("a = one\nlimit = 10\nb = two\n", "a = one\nlimit = 20\nb = two\n");
        assert!(is_present(one(before, after, "limit = 20\n")));
        assert_eq!(one(before, after, "x\nlimit = 10\ny\n"), LineState::Absent);
        assert_eq!(one(before, after, "limit = 30\n"), LineState::Unclear);
        let (before, after) = ("start()\ncheck_twice()\nstop()\n", "start()\nstop()\n");
        assert!(is_present(one(before, after, "start()\nrun()\nstop()\n")), "nowhere any more");
        assert_eq!(one(before, after, before), LineState::Absent);
        assert_eq!(one(before, after, "begin()\ncheck_twice()\nend()\n"), LineState::Absent);
    }

    #[test]
    fn what_is_added_at_an_edge_is_seen_to_be_gone() {
        let (block, more) = ("def reject():\n    return 422\n", "def other():\n    return 200\n");
        for after in [format!("{BEFORE}{block}"), format!("{block}{BEFORE}")] {
            assert_eq!(one(BEFORE, &after, &after), LineState::Present { identified: true });
            assert_eq!(one(BEFORE, &after, BEFORE), LineState::Absent);
            assert!(is_present(one(BEFORE, &after, &format!("{more}{after}{more}"))), "no longer at the edge");
            assert!(!is_present(one(BEFORE, &after, &format!("{more}{BEFORE}{more}"))));
        }
    }

    #[test]
    fn copies_that_were_there_before_prove_nothing() {
        let block = "if x:\n    abort()\n";
        let before = format!("{block}middle()\n");
        let after = format!("{block}middle()\n{block}");
        assert!(is_present(one(&before, &after, &after)));
        assert_eq!(one(&before, &after, &before), LineState::Absent);
    }

    #[test]
    fn a_hunk_of_spaces_is_compared_with_its_spaces() {
        let (before, after) = ("steps:\n- one\n- two\n", "steps:\n- one\n  - two\n");
        assert!(is_present(one(before, after, after)));
        assert_eq!(one(before, after, before), LineState::Absent);
    }

    #[test]
    fn brackets_alone_are_no_hunk_that_could_be_looked_for() {
        assert_eq!(all("{\n}\n", "{\n}\n}\n", "}\n"), Vec::new());
    }
}
