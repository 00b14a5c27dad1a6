//! Drift: main moves while a proposal is open. If others changed the same files, the merge still works or the proposal
//! is rebased. If they changed the same values, a person must decide.

use std::collections::BTreeSet;

use super::record::{Draft, Proposal};
use super::targets::CurrentValue;
use super::track::named;
use super::{DeployRequest, Promotion};
use crate::failure::Failure;
use crate::forge::{Pick, Picked, PullRequest};
use crate::ids::CommitId;

/// The effect of the drift on a proposal.
pub(super) enum Drift {
    /// No relevant change.
    None,
    /// A change worth reporting; the merge is not blocked.
    Told(String),
    /// A change that blocks the merge for now.
    InTheWay(String),
}

impl Promotion {
    pub(super) async fn drift(&self, proposal: &mut Proposal, pull: &PullRequest) -> Result<Drift, Failure> {
        let Some(draft) = proposal.draft.clone() else {
            return Ok(Drift::None);
        };
        let mut head = pull.head_commit.clone();
        if Some(&head) == draft.replaces.as_ref() {
            self.forge.advance(&self.repo, &pull.head, &head, &draft.commit).await?;
            head = draft.commit.clone();
        }
        if head != draft.commit {
            return Ok(Drift::InTheWay(format!(
                "the branch {} was changed by others: it is at {}, and {} was proposed",
                pull.head,
                head.short(),
                draft.commit.short()
            )));
        }
        let tip = self.main_tip().await?;
        if tip == draft.parent {
            return Ok(Drift::None);
        }
        if let Some(words) = self.rewritten(&proposal.request, &draft, &tip).await? {
            return Ok(Drift::InTheWay(format!("{} moved, and {words}; a person has to decide", self.main)));
        }
        let moved = self.touched(&draft, &tip).await?;
        if moved.is_empty() {
            return Ok(Drift::None);
        }
        let moved = format!("{} moved in {}", self.main, moved.join(", "));
        let pick = Pick { onto: tip.clone(), source: draft.commit.clone(), at: proposal.at, trace: false };
        match self.forge.pick(&self.repo, &pick).await? {
            Picked::Commit(_) => Ok(Drift::Told(format!("{moved}, which does not conflict"))),
            Picked::AlreadyThere | Picked::Empty => {
                Ok(Drift::InTheWay(format!("{moved}, and names the commit already: close it")))
            }
            Picked::Malformed(_) | Picked::Conflict { .. } => self.anew(proposal, pull, &draft, &tip, &moved).await,
        }
    }

    /// Returns the files of the proposal that have changed on main.
    async fn touched(&self, draft: &Draft, tip: &CommitId) -> Result<Vec<String>, Failure> {
        let mut touched = Vec::new();
        for file in &draft.files {
            let then = self.forge.read_file(&self.repo, &draft.parent, file).await?;
            if then != self.forge.read_file(&self.repo, tip, file).await? {
                touched.push(file.clone());
            }
        }
        Ok(touched)
    }

    /// Returns, as text, a target value on main that was unknown when the proposal was made, in an existing or in a new
    /// file.
    async fn rewritten(
        &self,
        request: &DeployRequest,
        draft: &Draft,
        tip: &CommitId,
    ) -> Result<Option<String>, Failure> {
        let mut sheet = self.sheet(tip.clone());
        for number in self.selected(request)? {
            let target = self.target(number)?;
            let new = target.value.of(&request.commit);
            // A file that did not exist then has no known value.
            let ours = draft.changes.iter().filter(|change| change.target == target.name);
            let known: BTreeSet<(&str, &str)> =
                ours.map(|change| (change.file.as_str(), change.old.as_str())).collect();
            let strange = |r: &&CurrentValue| r.value != new && !known.contains(&(r.file.as_str(), r.value.as_str()));
            let readings = match self.survey(number, &mut sheet).await {
                Ok(readings) => readings,
                Err(Failure::Rejected { reason }) => return Ok(Some(reason.trim_end_matches('.').to_owned())),
                Err(failure) => return Err(failure),
            };
            if let Some(other) = readings.iter().find(strange) {
                return Ok(Some(format!("{} by now", named(other))));
            }
        }
        Ok(None)
    }

    /// Drafts the same values on top of the current main. Records the draft before moving the branch, so that it can
    /// continue after a crash in between.
    async fn anew(
        &self,
        proposal: &mut Proposal,
        pull: &PullRequest,
        old: &Draft,
        tip: &CommitId,
        moved: &str,
    ) -> Result<Drift, Failure> {
        let title = proposal.title.clone();
        let mut draft = self.draft(proposal, tip).await?;
        proposal.title = title;
        draft.replaces = Some(old.commit.clone());
        let commit = draft.commit.clone();
        proposal.draft = Some(draft);
        self.remember(proposal).await?;
        self.forge.advance(&self.repo, &pull.head, &old.commit, &commit).await?;
        Ok(Drift::InTheWay(format!("{moved}, which conflicted; the same was proposed anew on top of it")))
    }
}
