//! A drawing of the branches of a run, like those in the runbook, with a legend of the real commits.
//!
//! ```text
//! main     X-----1-----2-----M
//!           \               /
//! hotfix     F1----F2------/
//! ```

use super::text::{behind, listing, outside, whole};
use crate::domain::event::Contribution;
use crate::domain::hotfix::{Hotfix, Mainline};
use crate::domain::people::People;
use hotfix_adapters::forge::Containment;

/// Maximum number of commits to draw on one line; more are abbreviated by dots.
const DRAWN: usize = 5;

/// Returns the drawing with its legend, without a code fence.
pub(super) fn picture(state: &Hotfix, people: &People) -> String {
    let mut drawing = drawing(state);
    for line in legend(state, people) {
        drawing.push('\n');
        drawing.push_str(&line);
    }
    drawing.push('\n');
    drawing
}

fn drawing(state: &Hotfix) -> String {
    let withheld = state.snapshot.as_ref().map_or(0, |survey| survey.held_back_total.max(survey.held_back.len()));
    let fixes = state.head.as_ref().map_or(0, |head| head.total.max(head.commits.len()));
    let merged = is_merged(state);
    let (main, branch) = (state.plan.main.as_str(), state.plan.branch.as_str());
    let margin = main.chars().count().max(branch.chars().count()) + 2;
    let mut main_row = format!("X{}", row("", &labels("", withheld), "-----"));
    let mut fix_row = row("", &labels("F", fixes), "----");
    if fix_row.is_empty() {
        fix_row.push_str("--");
    }
    // The fix row starts two columns after X, and two more columns separate its end from the merge.
    let joint = (main_row.chars().count() + 5).max(fix_row.chars().count() + 6);
    let pad = |row: &mut String, to: usize| {
        while row.chars().count() < to {
            row.push('-')
        }
    };
    pad(&mut main_row, joint);
    let (slope, join) = if merged { ("/", "M") } else { ("", "") };
    main_row.push_str(join);
    if merged {
        pad(&mut fix_row, joint - 4);
        fix_row.push('/');
    }
    let gap = if merged { " ".repeat(joint - 3) } else { String::new() };
    format!("{main:<margin$}{main_row}\n{blank:<margin$} \\{gap}{slope}\n{branch:<margin$}  {fix_row}\n", blank = "")
}

/// Joins the labels: "-----1-----2"; a first label with `F` has no lead.
fn row(lead: &str, labels: &[String], dash: &str) -> String {
    let mut made = lead.to_owned();
    for (at, label) in labels.iter().enumerate() {
        let numbered = !label.starts_with('F');
        if at > 0 || numbered {
            made.push_str(dash);
        }
        made.push_str(label);
    }
    made
}

/// Returns the labels of the commits on one line; many are abbreviated.
fn labels(prefix: &str, many: usize) -> Vec<String> {
    let name = |number: usize| format!("{prefix}{number}");
    if many <= DRAWN {
        return (1..=many).map(name).collect();
    }
    let dots = if prefix.is_empty() { "...".to_owned() } else { format!("{prefix}...") };
    vec![name(1), name(2), dots, name(many)]
}

fn is_merged(state: &Hotfix) -> bool {
    let pull = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    pull || matches!(&state.mainline, Mainline::Merged(Containment::Ancestor, _))
}

fn legend(state: &Hotfix, people: &People) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(state.base.as_ref().map(|base| format!("X   {}  where it started", base.short())));
    if let Some(survey) = &state.snapshot {
        lines.extend(entries("", &survey.held_back, survey.held_back_total, people));
    }
    if let Some(head) = &state.head {
        lines.extend(entries("F", &head.commits, head.total, people));
    }
    let merge = state.pull.as_ref().and_then(|pull| pull.merged.as_ref());
    lines.extend(merge.map(|commit| {
        format!("M   {}  {} on {}", commit.short(), outside(state.plan.branch.as_str()), state.plan.main)
    }));
    lines
}

fn entries(prefix: &str, commits: &[Contribution], total: usize, people: &People) -> Vec<String> {
    let total = total.max(commits.len());
    let wanted = |number: usize| total <= DRAWN || number <= 2 || number == total;
    let mut lines: Vec<String> = commits
        .iter()
        .enumerate()
        .map(|(at, commit)| (at + 1, commit))
        .filter(|(number, _)| wanted(*number))
        .map(|(number, commit)| {
            let label = format!("{prefix}{number}");
            format!(
                "{label:<4}{}  {} ({})",
                commit.commit.short(),
                whole(&commit.subject),
                listing(&behind(people, [commit]))
            )
        })
        .collect();
    let hidden = total.saturating_sub(lines.len());
    if hidden > 0 {
        lines.push(format!("{prefix}... {hidden} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hotfix::Hotfix;
    use crate::view::fixture::{Play, begun, closed, contribution, people, same};

    fn with(withheld: usize, fixes: usize, merged: bool) -> Hotfix {
        let mut state = if merged { closed() } else { begun().announced().branched().picked() }.state;
        let survey = state.snapshot.as_mut().unwrap();
        survey.held_back = (0..withheld).map(|_| contribution("aaaaaaa", "Redesign", "ben")).collect();
        survey.held_back_total = withheld;
        let head = state.head.as_mut().unwrap();
        head.commits = (0..fixes).map(|_| contribution("1111111", "Fix", "chi")).collect();
        head.total = fixes;
        state
    }

    #[test]
    fn the_branches_are_drawn_as_the_runbook_draws_them() {
        same(
            &picture(&closed().state, &people()),
            r#"
main    X-----1-----2-----3-----M
         \                     /
hotfix    F1------------------/

X   abc1234  where it started
1   aaaaaaa  Redesign the form (Ben)
2   bbbbbbb  New currency (Eve)
3   ccccccc  Round half even (Eve)
F1  1111111  Accept uploads without a name (Chi)
M   eeeeeee  hotfix on main
"#,
        );
    }

    #[test]
    fn nothing_many_and_unmerged_are_drawn_too() {
        let all = [(0, 1, true), (1, 4, true), (2, 0, false), (9, 30, true), (5, 5, false)];
        let drawn: Vec<String> =
            all.iter().map(|(withheld, fixes, merged)| drawing(&with(*withheld, *fixes, *merged))).collect();
        same(
            &drawn.join("\n"),
            r#"
main    X-------M
         \     /
hotfix    F1--/

main    X-----1-------------------M
         \                       /
hotfix    F1----F2----F3----F4--/

main    X-----1-----2-----
         \
hotfix    --

main    X-----1-----2-----...-----9-----M
         \                             /
hotfix    F1----F2----F...----F30-----/

main    X-----1-----2-----3-----4-----5-----
         \
hotfix    F1----F2----F3----F4----F5
"#,
        );
        assert!(drawing(&Play::open("x").state).starts_with("main    X"));
    }

    #[test]
    fn the_legend_of_many_says_how_many_are_left_out() {
        same(
            &picture(&with(9, 1, true), &people()),
            r#"
main    X-----1-----2-----...-----9-----M
         \                             /
hotfix    F1--------------------------/

X   abc1234  where it started
1   aaaaaaa  Redesign (Ben)
2   aaaaaaa  Redesign (Ben)
9   aaaaaaa  Redesign (Ben)
... 6 more
F1  1111111  Fix (Chi)
M   eeeeeee  hotfix on main
"#,
        );
    }
}
