//! The questions to the voters. A question is one message, which the journal holds. It is of one run and one environment, about
//! one commit, and it has an end; a word on it counts while it is open, and only there (security cases 32 and 35).

use hotfix_adapters::ids::{CommitId, Environment, MessageRef};
use jiff::{SignedDuration, Timestamp};

use super::hotfix::Hotfix;
use super::playbook::StepKind;
use super::service::Approval;

/// A question to the voters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteRequest {
    /// For which commit.
    pub commit: CommitId,
    /// The message they react to.
    pub message: MessageRef,
    /// When it was asked.
    pub asked: Timestamp,
}

impl Hotfix {
    /// When the time of a question for this environment is over: it holds for as long as a vote on it does.
    #[must_use]
    pub fn ends(&self, environment: &Environment, prompt: &VoteRequest) -> Timestamp {
        let minutes = self.approval(environment).map_or(0, |approval| approval.expires_minutes);
        prompt.asked.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(prompt.asked)
    }

    /// Whose word a deployment to an environment takes: what the plan says, or what the policy asks for beyond that.
    #[must_use]
    pub fn approval(&self, environment: &Environment) -> Option<&Approval> {
        let planned = || self.plan.environment(environment).map(|planned| &planned.approval);
        self.approvals.get(environment).or_else(planned)
    }

    /// Whether it is the turn of votes for this environment, or of the deployment that rests on them.
    #[must_use]
    pub fn takes_votes(&self, environment: &Environment) -> bool {
        self.is_current(|kind| {
            matches!(kind, StepKind::Approve { environment: e } | StepKind::Deploy { environment: e, .. } if e == environment)
        })
    }

    /// Returns whether votes are due and the run knows no message that asks for them.
    #[must_use]
    pub fn awaits_vote_request(&self) -> bool {
        self.is_current(
            |kind| matches!(kind, StepKind::Approve { environment } if !self.vote_requests.contains_key(environment)),
        )
    }

    /// The question that this message asks, if it is open.
    #[must_use]
    pub fn open_vote_request(&self, message: &MessageRef, now: Timestamp) -> Option<(&Environment, &VoteRequest)> {
        let open = |environment: &Environment, prompt: &VoteRequest| {
            Some(&prompt.commit) == self.deployable_to(environment)
                && self.takes_votes(environment)
                && now < self.ends(environment, prompt)
        };
        let (environment, prompt) = self.vote_requests.iter().find(|(_, prompt)| &prompt.message == message)?;
        (!self.is_over() && open(environment, prompt)).then_some((environment, prompt))
    }

    /// The question that this message asks or asked, open or not.
    #[must_use]
    pub fn vote_request(&self, message: &MessageRef) -> Option<(&Environment, &VoteRequest)> {
        let past = self.past_vote_requests.iter().map(|(environment, prompt)| (environment, prompt));
        self.vote_requests.iter().chain(past).find(|(_, prompt)| &prompt.message == message)
    }

    /// Whether this message is a question that this run asked, open or not.
    #[must_use]
    pub fn is_vote_request(&self, message: &MessageRef) -> bool {
        self.vote_request(message).is_some()
    }

    /// Whether a yes or a no of this run was given by a reaction to this message.
    #[must_use]
    pub fn rests_on(&self, message: &MessageRef) -> bool {
        // Votes of old journals do not tell: then it was the question.
        let asked = |environment| self.vote_requests.get(environment).map(|prompt| &prompt.message);
        let votes = self.votes.iter().filter(|vote| vote.way.is_reaction());
        let votes = votes.filter_map(|vote| vote.on.as_ref().or_else(|| asked(&vote.environment)));
        votes.chain(self.rejections.values().filter_map(|veto| veto.on.as_ref())).any(|on| on == message)
    }

    /// Closes every question: what they asked about is not what would ship.
    pub(super) fn close_vote_requests(&mut self) {
        self.past_vote_requests.extend(std::mem::take(&mut self.vote_requests));
    }

    /// Closes the question for an environment.
    pub(super) fn close_vote_request(&mut self, environment: &Environment) {
        self.past_vote_requests.extend(self.vote_requests.remove_entry(environment));
    }
}

#[cfg(test)]
mod tests;
