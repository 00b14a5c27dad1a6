//! Instructions for a fix, or a rebase, with merge conflicts.

use hotfix_adapters::chat::Text;
use hotfix_adapters::ids::BranchName;

use super::owner;
use crate::domain::hotfix::{FixState, Hotfix};
use crate::view::Audience;
use crate::view::text::outside;

/// Lists the conflicting files and the git commands that resolve the conflict (APPLY-7, SRE-10).
pub(in crate::view) fn conflict(state: &Hotfix, to: &Audience<'_>, files: &[String]) -> Vec<Text> {
    let branch = &state.plan.branch;
    let picked = state.fixes.iter().find(|fix| matches!(fix.state, FixState::Conflicted(_)));
    let mut typed = vec![format!("git fetch origin && git switch {branch} && git merge --ff-only origin/{branch}")];
    match (picked, &state.rebase_from, &state.base) {
        (Some(fix), _, _) => {
            typed.push(format!("git cherry-pick -x {}", fix.source));
            typed.push("git add <files> && git cherry-pick --continue".to_owned());
            typed.push(format!("git push origin {branch}"));
        }
        (None, Some(from), Some(onto)) => {
            typed.push(format!("git rebase --onto {onto} {from} {branch}"));
            typed.push("git add <files> && git rebase --continue".to_owned());
            typed.push(rebased_push(state, branch));
        }
        (None, Some(_) | None, Some(_) | None) => typed.push(rebased_push(state, branch)),
    }
    let mut lines = vec![owner(state, to).plain(": settle it on your machine and push; the bot goes on from there.")];
    lines.push(Text::of("In the way: ").then(codes(files)));
    lines.extend(typed.into_iter().map(|line| Text::new().code(line)));
    lines
}

/// Returns the push command. It only replaces the head that the bot read, so that no other push is lost.
fn rebased_push(state: &Hotfix, branch: &BranchName) -> String {
    match &state.head {
        Some(head) => format!("git push --force-with-lease={branch}:{} origin {branch}", head.tip),
        None => format!("git push origin {branch}"),
    }
}

fn codes(items: &[String]) -> Text {
    let mut text = Text::new();
    for (at, item) in items.iter().enumerate() {
        text = if at == 0 { text } else { text.plain(", ") }.code(outside(item));
    }
    text
}
