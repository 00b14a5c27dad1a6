//! The tips of a run's branches, read once per poll or effect: all reads then use one consistent state, and the forge
//! gets one request.

use std::collections::BTreeMap;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{BranchName, CommitId};
use tokio::sync::OnceCell;

use super::Engine;
use crate::domain::hotfix::Hotfix;

/// The tips of all branches that the plan of one run names. Read on first use; a failed read is retried on
/// the next use.
#[derive(Default)]
pub(super) struct Tips(OnceCell<BTreeMap<BranchName, CommitId>>);

impl Engine {
    /// Returns the tip of a branch of the run's plan; `None` if the branch does not exist.
    pub(super) async fn tip_in(
        &self,
        tips: &Tips,
        state: &Hotfix,
        branch: &BranchName,
    ) -> Result<Option<CommitId>, Failure> {
        let plan = &state.plan;
        let read = async {
            let branches: Vec<&BranchName> =
                [&plan.branch, &plan.main].into_iter().chain(plan.deployed_branch()).collect();
            self.forge(&plan.service)?.tips(&plan.repo, &branches).await
        };
        Ok(tips.0.get_or_try_init(|| read).await?.get(branch).cloned())
    }
}
