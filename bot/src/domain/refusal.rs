//! A no that helps: which rule, why, and what to do next.

use serde::{Deserialize, Serialize};

use super::id::RequirementId;

/// Why something is not done. Nothing was changed when one is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable name for the rule, such as `vote.requester`; scripts may rely on it.
    pub code: String,
    /// The sentence of the runbook it comes from, if it comes from one.
    pub requirement: Option<RequirementId>,
    /// The reason, one sentence for a person.
    pub reason: String,
    /// The next step, one sentence for a person.
    pub next: String,
}

impl Refusal {
    /// A refusal by a rule of ours.
    pub fn new(code: &str, reason: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: code.to_owned(), requirement: None, reason: reason.into(), next: next.into() }
    }

    /// The same refusal, with the sentence of the runbook it comes from.
    #[must_use]
    pub fn because_of(mut self, requirement: &str) -> Self {
        self.requirement = requirement.parse().ok();
        self
    }
}
