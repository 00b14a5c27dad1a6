//! The parts of GitHub's responses about workflow runs and deployments that the adapter reads.

use jiff::Timestamp;
use serde::Deserialize;

use crate::deploy::Deployment;
use crate::failure::Failure;
use crate::ids::CommitId;

#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) sha: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dispatched {
    pub(super) workflow_run_id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Runs {
    pub(super) workflow_runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) head_sha: String,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) html_url: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// The title set by `run-name`.
    pub(super) display_title: Option<String>,
    /// The title on older servers.
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Deployed {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) created_at: Timestamp,
}

impl Deployed {
    pub(super) fn as_deployment(&self, at: Timestamp) -> Result<Deployment, Failure> {
        let commit = CommitId::parse(&self.sha);
        let commit =
            commit.map_err(|error| Failure::rejected(format!("deployment {} of GitHub: {error}.", self.id)))?;
        Ok(Deployment { commit, at })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct DeployedStatus {
    pub(super) state: String,
    pub(super) created_at: Timestamp,
}

/// Returns `true` if the run's title contains the key as a whole word: `HF-1` does not match `HF-12`.
pub(super) fn carries(run: &Run, key: &str) -> bool {
    let part_of_a_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let shown = [run.display_title.as_deref(), run.name.as_deref()];
    shown.into_iter().flatten().any(|text| text.split(|c| !part_of_a_key(c)).any(|word| word == key))
}
