//! The texts of a merge request. User text never begins a line, where forges read commands such as `/merge`, and is
//! neutralized so that it mentions nobody and closes nothing (security case 59).

use super::record::{Changed, Excluded};
use super::{DeployRequest, Promotion};
use crate::forge::neutralize;

/// The contents of a merge request's description.
pub(super) struct Told<'a> {
    pub(super) request: &'a DeployRequest,
    pub(super) changes: &'a [Changed],
    pub(super) excluded: &'a [Excluded],
    pub(super) warnings: &'a [String],
}

impl Promotion {
    /// Returns the title. It depends only on the promotion, not on its key, so that a duplicate is found by its title.
    pub(super) fn title(&self, request: &DeployRequest, hotfix: bool) -> String {
        let mut title = format!("Promote {} to {}", line(&self.service), request.commit.short());
        if hotfix {
            title.push_str(" (hotfix)");
        }
        if !request.only.is_empty() {
            title.push_str(&format!(" (only {})", request.only.join(", ")));
        }
        title
    }

    pub(super) fn body(&self, told: &Told<'_>) -> String {
        let mut body = format!("Promotes {} to `{}`", line(&self.service), told.request.commit);
        if !told.request.about.is_empty() {
            body.push_str(&format!(" for {}", neutralize::markdown(&line(&told.request.about))));
        }
        body.push_str(".\n\n| file | value | from | to |\n| --- | --- | --- | --- |\n");
        for change in told.changes {
            let place = format!("{}:{}", change.file, change.line);
            let cells = [&place, &change.place, &change.old, &change.new].map(|cell| code(cell));
            body.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        self.compare(told, &mut body);
        let excluded = told.excluded.iter().map(|e| {
            let reason = neutralize::markdown(&line(&e.reason));
            format!("{}: {reason}", code(&format!("{}:{}", e.file, e.line)))
        });
        list(&mut body, "Found and left as they are:", excluded);
        list(&mut body, "Mind:", told.warnings.iter().cloned());
        list(&mut body, "It also brings:", told.request.riders.iter().map(|rider| neutralize::markdown(&line(rider))));
        body.push_str("\nAcknowledgements are welcome and do not block: what was merged is ready for production.\n");
        body
    }

    /// Appends a link to compare the previous commit with the new one. If the previous one is unknown, takes it from a
    /// replaced value that is a full id.
    fn compare(&self, told: &Told<'_>, body: &mut String) {
        let full =
            |change: &&Changed| change.new == told.request.commit.as_str() && change.old.len() == change.new.len();
        let named = || told.changes.iter().find(full).map(|change| change.old.clone());
        let Some(old) = told.request.previous.as_ref().map(ToString::to_string).or_else(named) else {
            return;
        };
        let new = told.request.commit.as_str();
        let link = match &self.compare {
            Some(link) => link.replace("{old}", &old).replace("{new}", new),
            None => code(&format!("{old}...{new}")),
        };
        body.push_str(&format!("\nCompare: {link}\n"));
    }
}

fn list(body: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let items: String = items.map(|item| format!("- {}\n", line(&item))).collect();
    if !items.is_empty() {
        body.push_str(&format!("\n{title}\n\n{items}"));
    }
}

/// Joins a text into one line.
pub(super) fn line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Formats a text as inline code, without characters that would end it.
fn code(text: &str) -> String {
    format!("`{}`", line(&text.replace(['`', '|'], " ")))
}
