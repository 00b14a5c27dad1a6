//! The rollout after a merge. A merged merge request only declares the commit to run; a query of the environment, or
//! the checks of the pipeline that applies it, confirm that it runs.

use super::Promotion;
use super::record::Proposal;
use crate::deploy::DeployStatus;
use crate::deploy::command::Query;
use crate::failure::Failure;
use crate::forge::CheckState;
use crate::ids::CommitId;

/// The rollout that follows a merge.
pub enum Rollout {
    /// No rollout to wait for: the values are read when something is built or tested.
    None,
    /// A rollout to wait for. Without checks and without a query, the mechanism cannot confirm it.
    Awaited {
        /// Names of checks of the merge commit, such as the pipeline that applies it. All must pass; if one fails, the
        /// deployment has failed.
        checks: Vec<String>,
        /// The query for the running commit; `None` if there is none.
        running: Option<Query>,
    },
}

impl Promotion {
    /// Returns the rollout status of a merged proposal.
    pub(super) async fn rollout(&self, proposal: &Proposal, merge: &CommitId) -> Result<DeployStatus, Failure> {
        let Rollout::Awaited { checks, running } = &self.rollout else {
            return Ok(DeployStatus::Succeeded { at: self.now() });
        };
        let targets = self.selected(&proposal.request)?;
        if !targets.iter().any(|number| self.target(*number).is_ok_and(|target| target.production)) {
            return Ok(DeployStatus::Succeeded { at: self.now() });
        }
        if checks.is_empty() && running.is_none() {
            return Ok(DeployStatus::RollingOut { note: None, confirmed_here: false });
        }
        if let Some(unfinished) = self.unfinished(checks, merge).await? {
            return Ok(unfinished);
        }
        let wanted = &proposal.request.commit;
        let found = match running {
            Some(running) => running.ask().await?.map(|running| running.commit),
            None => Some(wanted.clone()),
        };
        let note = match found {
            Some(found) if &found == wanted => return Ok(DeployStatus::Succeeded { at: self.now() }),
            Some(found) => format!("{} still runs {}", self.environment, found.short()),
            None => format!("nothing says yet what {} runs", self.environment),
        };
        Ok(DeployStatus::RollingOut { note: Some(note), confirmed_here: true })
    }

    /// Returns the status for the first check of the merge that has not passed; `None` if all have.
    async fn unfinished(&self, wanted: &[String], merge: &CommitId) -> Result<Option<DeployStatus>, Failure> {
        if wanted.is_empty() {
            return Ok(None);
        }
        let checks = self.forge.checks(&self.repo, merge).await?;
        let state = |name: &String| checks.iter().find(|check| &check.name == name).map(|check| check.state);
        if let Some(failed) = wanted.iter().find(|name| state(name) == Some(CheckState::Failure)) {
            let reason = format!("the rollout failed: the check {failed} of the merge {} did not pass", merge.short());
            return Ok(Some(DeployStatus::Failed { reason }));
        }
        let waits = wanted.iter().find(|name| state(name) != Some(CheckState::Success));
        Ok(waits.map(|name| {
            let note = Some(format!("waits for the check {name} of the merge {}", merge.short()));
            DeployStatus::RollingOut { note, confirmed_here: true }
        }))
    }
}
