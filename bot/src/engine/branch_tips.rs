//! Where the branches of a run are, read once for everything that one look or one act asks of them: all of it is of one moment, and
//! the forge is asked once.

use std::collections::BTreeMap;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{BranchName, CommitId};
use tokio::sync::OnceCell;

use super::Engine;
use crate::domain::hotfix::Hotfix;

/// The tips of the branches that the plan of one run names. They are read when the first is asked for; a read that failed is tried
/// again by the next.
#[derive(Default)]
pub(super) struct Tips(OnceCell<BTreeMap<BranchName, CommitId>>);

impl Engine {
    /// Returns where a branch of the run's plan is; `None` when it does not exist.
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
