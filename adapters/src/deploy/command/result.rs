//! Converts the record of a run to a deployment status.

use std::time::Duration;

use jiff::Timestamp;

use super::output::ending;
use super::query::spoken;
use super::record::{Outcome, RunEnd, RunFolder, Started};
use super::{CommandDeploy, blocking};
use crate::deploy::{DeployStatus, NOTHING_BEGUN};
use crate::failure::Failure;

/// Limits of the command output that is quoted in the reason of a failure.
const SAID_LINES: usize = 20;
const SAID_CHARS: usize = 2000;

/// Returns the status of a run that ended.
pub(super) fn of(command: &str, outcome: &Outcome) -> DeployStatus {
    let took = spoken(Duration::from_millis(outcome.took_ms));
    let how = match &outcome.end {
        RunEnd::Succeeded | RunEnd::FoundRunning => return DeployStatus::Succeeded { at: outcome.at },
        RunEnd::Exit(code) => format!("ended with exit status {code} after {took}"),
        RunEnd::Signal(number) => format!("was ended by signal {number} after {took}"),
        RunEnd::TimedOut => format!("was not done after {took} and was ended, with everything it had started"),
        RunEnd::NotRun(why) => {
            return DeployStatus::Failed { reason: format!("{NOTHING_BEGUN}: `{command}` could not be run: {why}.") };
        }
    };
    let said = ending(&outcome.output, SAID_LINES, SAID_CHARS);
    let said = if said.is_empty() { "It printed nothing.".to_owned() } else { format!("It printed:\n{said}") };
    DeployStatus::Failed { reason: format!("`{command}` {how}. {said}") }
}

impl CommandDeploy {
    /// Returns the status of a cut-off run. If the query for the running commit fails, returns that failure and no
    /// verdict, so that the caller can retry.
    pub(super) async fn judge_cut_off(&self, run: RunFolder, began: &Started) -> Result<DeployStatus, Failure> {
        let failed = |what_now: String| DeployStatus::Failed {
            reason: format!(
                "`{}` was cut off: it began at {}, and nobody saw how it ended. Its effect is unknown; {what_now}",
                self.deploy.name(),
                began.at
            ),
        };
        let Some(query) = &self.running else {
            return Ok(failed(format!("look at {} by hand", self.environment)));
        };
        let Some(found) = query.ask().await? else {
            return Ok(failed(format!("nobody can tell what {} runs: look at it by hand", self.environment)));
        };
        let folder = run.clone();
        let order = blocking(move || folder.order()).await?;
        if order.is_none_or(|order| order.request.commit != found.commit) {
            return Ok(failed(format!("{} runs {}", self.environment, found.commit.short())));
        }
        // Record the verdict, so that a later deployment does not turn this one into a failure.
        let at = Timestamp::now();
        let outcome = Outcome { at, end: RunEnd::FoundRunning, took_ms: 0, output: String::new() };
        blocking(move || run.finish(&outcome)).await?;
        Ok(DeployStatus::Succeeded { at })
    }
}
