//! The texts of the pull request, as Markdown: they tell reviewers what the branch is for, and not to merge it.
//! External text in them is neutralized (security case 59).

use hotfix_adapters::forge::neutralize;

use super::card::{digest, withheld};
use super::render::code;
use super::text::{command, paragraph};
use super::{Audience, duration};
use crate::domain::hotfix::Hotfix;

/// Returns the title of the pull request.
#[must_use]
pub fn pull_title(state: &Hotfix) -> String {
    format!("{}: {}", state.id, neutralize::plain(&paragraph(&state.title)))
}

/// Returns the subject of the merge commit.
#[must_use]
pub fn merge_title(state: &Hotfix) -> String {
    format!("Merge {} ({})", state.plan.branch, pull_title(state))
}

/// Returns the body of the pull request, as Markdown.
#[must_use]
pub fn pull_body(state: &Hotfix, audience: &Audience<'_>) -> String {
    let (branch, main) = (code(state.plan.branch.as_str()), code(state.plan.main.as_str()));
    let mut parts = vec![format!(
        "Hotfix {} of {}, asked for by {} at {}: {}",
        state.id,
        state.plan.service,
        markdown(&audience.name(&state.requester)),
        duration::stamp(state.opened_at),
        markdown(&state.title)
    )];
    parts.extend(state.incident.as_ref().map(|incident| format!("Incident: {}", markdown(incident))));
    parts.extend(state.ticket.as_ref().map(|ticket| format!("Ticket: {}", markdown(ticket))));
    if let Some(base) = &state.base {
        parts.push(format!(
            "{branch} starts from {}. On {main}, but not included: {}.",
            code(base.short()),
            withheld_or_nothing(state, audience)
        ));
    }
    parts.push(if state.plan.merges_first() {
        format!("Please review it as usual. The bot merges it into {main} when its turn comes.")
    } else {
        format!("**Please review it, and do not merge it.** It is deployed from {branch} first, and the bot merges it into {main} afterwards.")
    });
    parts.push(format!(
        "A push to {branch} voids the reviews, tests and votes before it. Everything else is in the thread; {} shows what is left. Plan {}.",
        code(&command(&format!("plan {}", state.id))),
        digest(state)
    ));
    parts.join("\n\n") + "\n"
}

fn markdown(words: &str) -> String {
    neutralize::markdown(&paragraph(words))
}

fn withheld_or_nothing(state: &Hotfix, audience: &Audience<'_>) -> String {
    withheld(state, audience).map_or_else(|| "nothing".to_owned(), |what| markdown(&what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{Play, same};

    #[test]
    fn reviewers_learn_not_to_merge_it() {
        let play = Play::open("Fix 500 for @everyone `now` <b>").surveyed().announced().branched();
        same(
            &pull_body(&play.state, &play.to()),
            r#"
Hotfix HF-12 of payments, asked for by Ana at 2026-03-02 10:02 UTC: Fix 500 for @&#8203;everyone \`now\` &lt;b&gt;

Incident: INC-77

`hotfix` starts from `abc1234`. On `main`, but not included: 3 changes, by Ben and Eve.

**Please review it, and do not merge it.** It is deployed from `hotfix` first, and the bot merges it into `main` afterwards.

A push to `hotfix` voids the reviews, tests and votes before it. Everything else is in the thread; `/hotfix plan HF-12` shows what is left. Plan fcb1a11a8fd5.
"#,
        );
    }
}
