//! Judges whether a merge request is approved, from its labels as the forge reports them. Pure.

use std::collections::BTreeMap;

use super::options::Approval;
use crate::forge::{LabelEvent, PullRequest};
use crate::ids::PersonRef;

/// The approval status of a merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApprovalState {
    /// Approved; with the approval as text.
    Given(String),
    /// Not approved; with the missing part as text.
    Missing(String),
}

/// The known accounts on the forge.
pub(super) struct Known<'a> {
    /// The bot's own account; `None` if not configured.
    pub(super) bot: Option<&'a PersonRef>,
    /// Display names by account.
    pub(super) names: &'a BTreeMap<PersonRef, String>,
}

impl Known<'_> {
    fn name<'a>(&'a self, person: Option<&'a PersonRef>) -> &'a str {
        person.map_or("somebody", |person| self.names.get(person).unwrap_or(&person.id))
    }
}

/// Judges the approval. The label events must be in chronological order.
pub(super) fn judge(
    approval: &Approval,
    pull: &PullRequest,
    labellings: &[LabelEvent],
    known: &Known<'_>,
) -> ApprovalState {
    match approval {
        Approval::CommentByBot { text } => ApprovalState::Given(format!("the comment {text:?}")),
        Approval::LabelByBot { label } => match missing(label, pull, labellings, "", known) {
            None => ApprovalState::Given(format!("the label {label}")),
            Some(words) => ApprovalState::Missing(words),
        },
        Approval::LabelByPerson { label, by } => match missing(label, pull, labellings, " by a person", known) {
            None => person(label, by, pull, labellings, known),
            Some(words) => ApprovalState::Missing(words),
        },
    }
}

/// Returns the reason that a label is not set; `None` if it is.
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

/// Judges a label that is set by the account that set it last.
fn person(
    label: &str,
    listed: &[PersonRef],
    pull: &PullRequest,
    labellings: &[LabelEvent],
    known: &Known<'_>,
) -> ApprovalState {
    let last = labellings.iter().rfind(|labelling| labelling.label == label && labelling.added);
    let by = last.and_then(|last| last.by.as_ref());
    let number = pull.number.0;
    let wanted = format!("waits for a person to put it there on !{number}");
    match by {
        None => ApprovalState::Missing(format!("nobody knows who put the label {label} on; {wanted}")),
        Some(by) if Some(by) == known.bot || Some(by) == pull.author.as_ref() => ApprovalState::Missing(format!(
            "the label {label} was put on by the bot itself, which does not count; {wanted}"
        )),
        Some(by) if !listed.is_empty() && !listed.contains(by) => ApprovalState::Missing(format!(
            "the label {label} was put on by {}, who is not among those who may; waits for one of them on !{number}",
            known.name(Some(by))
        )),
        Some(by) => ApprovalState::Given(format!("the label {label} by {}", known.name(Some(by)))),
    }
}
