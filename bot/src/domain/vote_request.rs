//! Vote requests. A vote request is one message, recorded in the journal, for one run, environment and commit, with an
//! expiry. Votes on the message count only while the request is open (security cases 32 and 35).

use hotfix_adapters::ids::{CommitId, Environment, MessageRef};
use jiff::{SignedDuration, Timestamp};

use super::hotfix::Hotfix;
use super::playbook::StepKind;
use super::service::Approval;

/// A vote request: one message for one run, environment and commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteRequest {
    /// The commit to be deployed.
    pub commit: CommitId,
    /// The message that voters react to.
    pub message: MessageRef,
    /// Time of the request, UTC.
    pub asked: Timestamp,
}

impl Hotfix {
    /// Returns the time at which a vote request for this environment expires, UTC. Requests and votes have
    /// the same lifetime.
    #[must_use]
    pub fn ends(&self, environment: &Environment, prompt: &VoteRequest) -> Timestamp {
        let minutes = self.approval(environment).map_or(0, |approval| approval.expires_minutes);
        prompt.asked.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(prompt.asked)
    }

    /// Returns the approval rules of a deployment: the plan's, or the stricter ones after a policy change; `None` if
    /// the plan has no such environment.
    #[must_use]
    pub fn approval(&self, environment: &Environment) -> Option<&Approval> {
        let planned = || self.plan.environment(environment).map(|planned| &planned.approval);
        self.approvals.get(environment).or_else(planned)
    }

    /// Returns `true` if the current step is the approval for this environment or the deployment to it.
    #[must_use]
    pub fn takes_votes(&self, environment: &Environment) -> bool {
        self.is_current(|kind| {
            matches!(kind, StepKind::Approve { environment: e } | StepKind::Deploy { environment: e, .. } if e == environment)
        })
    }

    /// Returns `true` if the current step is an approval that has no vote request yet.
    #[must_use]
    pub fn awaits_vote_request(&self) -> bool {
        self.is_current(
            |kind| matches!(kind, StepKind::Approve { environment } if !self.vote_requests.contains_key(environment)),
        )
    }

    /// Returns the vote request of this message, if it is open.
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

    /// Returns the vote request of this message, open or closed.
    #[must_use]
    pub fn vote_request(&self, message: &MessageRef) -> Option<(&Environment, &VoteRequest)> {
        let past = self.past_vote_requests.iter().map(|(environment, prompt)| (environment, prompt));
        self.vote_requests.iter().chain(past).find(|(_, prompt)| &prompt.message == message)
    }

    /// Returns `true` if this message is a vote request of this run, open or closed.
    #[must_use]
    pub fn is_vote_request(&self, message: &MessageRef) -> bool {
        self.vote_request(message).is_some()
    }

    /// Returns `true` if a vote or rejection of this run was given by a reaction to this message.
    #[must_use]
    pub fn rests_on(&self, message: &MessageRef) -> bool {
        // A vote by reaction that records no message was given on the current vote request.
        let asked = |environment| self.vote_requests.get(environment).map(|prompt| &prompt.message);
        let votes = self.votes.iter().filter(|vote| vote.source.is_reaction());
        let votes = votes.filter_map(|vote| vote.on.as_ref().or_else(|| asked(&vote.environment)));
        votes.chain(self.rejections.values().filter_map(|veto| veto.on.as_ref())).any(|on| on == message)
    }

    /// Closes all vote requests, because the deployable commit or its context changed.
    pub(super) fn close_vote_requests(&mut self) {
        self.past_vote_requests.extend(std::mem::take(&mut self.vote_requests));
    }

    /// Closes the vote request of an environment, if it has one.
    pub(super) fn close_vote_request(&mut self, environment: &Environment) {
        self.past_vote_requests.extend(self.vote_requests.remove_entry(environment));
    }
}

#[cfg(test)]
mod tests;
