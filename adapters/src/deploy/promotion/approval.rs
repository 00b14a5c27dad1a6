//! Whether a merge request is approved, judged of what the forge says. Pure.

use std::collections::BTreeMap;

use super::options::Approval;
use crate::forge::{LabelEvent, PullRequest};
use crate::ids::PersonRef;

/// Whether it is approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is; by whom or what, in words.
    Given(String),
    /// It is not; what is missing, in words.
    Missing(String),
}

/// Who is known at the forge.
pub(super) struct Known<'a> {
    /// The bot's own account.
    pub(super) bot: Option<&'a PersonRef>,
    /// What people are called.
    pub(super) names: &'a BTreeMap<PersonRef, String>,
}

impl Known<'_> {
    fn name<'a>(&'a self, person: Option<&'a PersonRef>) -> &'a str {
        person.map_or("somebody", |person| self.names.get(person).unwrap_or(&person.id))
    }
}

/// Judges it. The labellings are in the order in which they happened.
pub(super) fn judge(approval: &Approval, pull: &PullRequest, labellings: &[LabelEvent], known: &Known<'_>) -> Standing {
    match approval {
        Approval::CommentByBot { text } => Standing::Given(format!("the comment {text:?}")),
        Approval::LabelByBot { label } => match missing(label, pull, labellings, "", known) {
            None => Standing::Given(format!("the label {label}")),
            Some(words) => Standing::Missing(words),
        },
        Approval::LabelByPerson { label, by } => match missing(label, pull, labellings, " by a person", known) {
            None => person(label, by, pull, labellings, known),
            Some(words) => Standing::Missing(words),
        },
    }
}

/// Why a label is not on; `None` when it is.
fn missing(
    label: &str,
    pull: &PullRequest,
    labellings: &[LabelEvent],
    whose: &str,
    known: &Known<'_>,
) -> Option<String> {
    if pull.labels.iter().any(|other| other == label) {
        return None;
    }
    let number = pull.number.0;
    let last = labellings.iter().rfind(|labelling| labelling.label == label);
    Some(match last.filter(|last| !last.added) {
        Some(off) => format!("the label {label} was taken off !{number} again by {}", known.name(off.by.as_ref())),
        None => format!("waits for the label {label}{whose} on !{number}"),
    })
}

/// Whose label it is that is on.
fn person(
    label: &str,
    listed: &[PersonRef],
    pull: &PullRequest,
    labellings: &[LabelEvent],
    known: &Known<'_>,
) -> Standing {
    let last = labellings.iter().rfind(|labelling| labelling.label == label && labelling.added);
    let by = last.and_then(|last| last.by.as_ref());
    let number = pull.number.0;
    let wanted = format!("waits for a person to put it there on !{number}");
    match by {
        None => Standing::Missing(format!("nobody knows who put the label {label} on; {wanted}")),
        Some(by) if Some(by) == known.bot || Some(by) == pull.author.as_ref() => {
            Standing::Missing(format!("the label {label} was put on by the bot itself, which does not count; {wanted}"))
        }
        Some(by) if !listed.is_empty() && !listed.contains(by) => Standing::Missing(format!(
            "the label {label} was put on by {}, who is not among those who may; waits for one of them on !{number}",
            known.name(Some(by))
        )),
        Some(by) => Standing::Given(format!("the label {label} by {}", known.name(Some(by)))),
    }
}
