//! Tracks a proposal until it is merged or closed, and rolled out.

use super::approval::{ApprovalState, Known, judge};
use super::drift::Drift;
use super::options::MergeBy;
use super::record::Proposal;
use super::targets::CurrentValue;
use super::{DeployStatus, Promotion};
use crate::failure::Failure;
use crate::forge::{CheckState, Merge, MergeMethod, PullRequest, PullState, neutralize};
use crate::ids::{CommitId, DeployKey};

/// The number of attempts to delete the branch of a merged proposal. The deployment is over by then, so no later poll
/// retries.
const TIDY_ATTEMPTS: u32 = 3;

impl Promotion {
    pub(super) async fn follow(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        let Some(mut proposal) = self.proposal(key).await? else {
            return Ok(None);
        };
        if let Some(ended) = proposal.ended {
            return Ok(Some(ended));
        }
        let pull = match proposal.number {
            Some(number) => self.forge.read(&self.repo, number).await?,
            None => match self.forge.find(&self.repo, &self.branch(key)?, &self.main).await? {
                Some(pull) => {
                    self.ours(&pull.title, &proposal.request, pull.number)?;
                    pull
                }
                None => return Ok(None),
            },
        };
        proposal.number = Some(pull.number);
        let status = match &pull.state {
            PullState::Open => self.waiting(&mut proposal, &pull).await?,
            PullState::Merged(commit) => self.merged(&proposal, &pull, commit).await?,
            PullState::Closed => self.closed(&proposal, &pull).await?,
        };
        if !matches!(status, DeployStatus::InProgress { .. } | DeployStatus::RollingOut { .. }) {
            proposal.ended = Some(status.clone());
            self.remember(&proposal).await?;
            self.tidy(key, &pull).await;
        }
        Ok(Some(status))
    }

    /// Deletes the branch of a merged proposal. A branch that was moved in the meantime is kept, and one that cannot be
    /// deleted is left behind, which is harmless.
    async fn tidy(&self, key: &DeployKey, pull: &PullRequest) {
        let tidied = async || {
            let now = self.forge.read(&self.repo, pull.number).await?;
            match now.state {
                PullState::Merged(_) => self.forge.delete(&self.repo, &self.branch(key)?, &now.head_commit).await,
                PullState::Open | PullState::Closed => Ok(()),
            }
        };
        for attempt in 1..=TIDY_ATTEMPTS {
            let Err(failure) = tidied().await else { return };
            if attempt == TIDY_ATTEMPTS || matches!(failure, Failure::Rejected { .. }) {
                tracing::warn!(repo = %self.repo, number = pull.number.0, %failure, "the branch of the promotion was not deleted");
                return;
            }
        }
    }

    async fn waiting(&self, proposal: &mut Proposal, pull: &PullRequest) -> Result<DeployStatus, Failure> {
        self.announce(proposal, pull.number).await?;
        let drift = self.drift(proposal, pull).await?;
        let labellings = self.forge.label_events(&self.repo, pull.number).await?;
        let standing = judge(&self.approval, pull, &labellings, &Known { bot: self.bot.as_ref(), names: &self.names });
        let holds: Vec<&str> =
            self.hold_labels.iter().filter(|hold| pull.labels.contains(hold)).map(String::as_str).collect();
        let mut notes = Vec::new();
        let free = match drift {
            Drift::None => true,
            Drift::Told(words) => {
                notes.push(words);
                true
            }
            Drift::InTheWay(words) => {
                notes.push(words);
                false
            }
        };
        notes.extend(holds.iter().map(|hold| format!("the hold label {hold} is on !{}", pull.number.0)));
        match (standing, &self.merge) {
            (ApprovalState::Missing(words), _) => notes.push(words),
            (ApprovalState::Given(by), MergeBy::Others) => {
                notes.push(format!("!{} has {by} and waits to be merged by the usual process", pull.number.0));
            }
            (ApprovalState::Given(_), MergeBy::Us { method, checks }) if free && holds.is_empty() => {
                match self.unready(pull, checks).await? {
                    Some(words) => notes.push(words),
                    None => match self.merge_now(proposal, pull, *method).await {
                        Ok(commit) => return self.merged(proposal, pull, &commit).await,
                        Err(Failure::Rejected { reason }) => notes.push(reason),
                        Err(failure) => return Err(failure),
                    },
                }
            }
            (ApprovalState::Given(by), MergeBy::Us { .. }) => notes.push(format!("!{} has {by}", pull.number.0)),
        }
        notes.extend(proposal.draft.iter().flat_map(|draft| draft.warnings.clone()));
        Ok(DeployStatus::InProgress { note: Some(notes.join("; ")) })
    }

    /// Returns the check that prevents the merge, as text; `None` if none does.
    async fn unready(&self, pull: &PullRequest, required: &[String]) -> Result<Option<String>, Failure> {
        let checks = self.forge.checks(&self.repo, &pull.head_commit).await?;
        let passed = |name: &String| checks.iter().any(|c| &c.name == name && c.state == CheckState::Success);
        let bad = checks.iter().find(|check| match check.state {
            CheckState::Pending | CheckState::Failure => true,
            CheckState::Success | CheckState::Neutral => false,
        });
        let missing = required.iter().find(|name| !passed(name));
        let name = bad.map(|check| &check.name).or(missing);
        Ok(name.map(|name| format!("waits for the check {name} of !{} to pass", pull.number.0)))
    }

    async fn merge_now(
        &self,
        proposal: &Proposal,
        pull: &PullRequest,
        method: MergeMethod,
    ) -> Result<CommitId, Failure> {
        let Some(draft) = &proposal.draft else {
            let words = format!("!{} was not made here as far as is known, so a person merges it", pull.number.0);
            return Err(Failure::rejected(words));
        };
        let merge = Merge {
            expected_head: draft.commit.clone(),
            method,
            title: format!("{} (!{})", proposal.title, pull.number.0),
            body: neutralize::plain(&super::text::line(&proposal.request.about)),
        };
        self.forge.merge(&self.repo, pull.number, &merge).await
    }

    /// Returns the status of a merged proposal. The merge alone is not enough: main must name the commit, and the
    /// rollout must follow.
    async fn merged(&self, proposal: &Proposal, pull: &PullRequest, as_: &CommitId) -> Result<DeployStatus, Failure> {
        let wrong = self.still_wrong(proposal, &self.main_tip().await?).await?;
        let Some(wrong) = wrong else {
            return self.rollout(proposal, as_).await;
        };
        let then = match self.still_wrong(proposal, as_).await? {
            None => "somebody changed it after the merge",
            Some(_) => "the merge did not bring it",
        };
        let number = pull.number.0;
        let reason = format!("!{number} was merged as {}, but {wrong}: {then}. Look at {}.", as_.short(), self.main);
        Ok(DeployStatus::Failed { reason })
    }

    async fn closed(&self, proposal: &Proposal, pull: &PullRequest) -> Result<DeployStatus, Failure> {
        let tip = self.main_tip().await?;
        match self.still_wrong(proposal, &tip).await? {
            // The same change reached main in another way.
            None => self.rollout(proposal, &tip).await,
            Some(wrong) => Ok(DeployStatus::Failed {
                reason: format!("!{} was closed without being merged, and {wrong}.", pull.number.0),
            }),
        }
    }

    /// Returns, as text, the places where a commit of the repository does not name the promoted commit; `None` if there
    /// are none.
    async fn still_wrong(&self, proposal: &Proposal, at: &CommitId) -> Result<Option<String>, Failure> {
        let wrong = match self.wrong(&proposal.request, at).await {
            Ok(wrong) => wrong,
            Err(Failure::Rejected { reason }) => return Ok(Some(reason.trim_end_matches('.').to_owned())),
            Err(failure) => return Err(failure),
        };
        let words: Vec<String> = wrong.iter().map(named).collect();
        Ok((!words.is_empty()).then(|| words.join(", ")))
    }
}

/// Formats one place with its value.
pub(super) fn named(reading: &CurrentValue) -> String {
    format!("{}:{} names {}", reading.file, reading.line, reading.value)
}
