//! Starts a supervisor process and waits for its confirmation that the run started.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::query::spoken;
use super::record::{RunFolder, Stage};
use super::supervise::STARTED;
use super::{CommandDeploy, blocking};
use crate::deploy::DeployRequest;
use crate::failure::Failure;

/// Timeout for the supervisor's confirmation.
const SUPERVISOR_START: Duration = Duration::from_secs(20);

impl CommandDeploy {
    /// Starts the supervisor with exactly the environment of the command, and waits for its confirmation.
    pub(super) async fn launch(&self, run: &RunFolder, request: &DeployRequest) -> Result<(), Failure> {
        let mut command = Command::new(&self.supervisor);
        command.args(&self.supervisor_arguments).arg(run.path()).current_dir(&self.working_directory);
        command.env_clear().envs(&self.variables_for(request).set).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| {
            Failure::retry(format!("the supervisor {} could not be started: {error}", self.supervisor.display()))
        })?;
        let word = first_word(&mut child).await;
        // Reap the process; otherwise it would stay a zombie.
        tokio::spawn(async move { child.wait().await });
        match word {
            Some(word) if word == STARTED.as_bytes() => Ok(()),
            Some(_) => {
                let run = run.clone();
                match blocking(move || run.look()).await? {
                    Stage::Alive | Stage::Ended(_) | Stage::CutOff(_) => Ok(()),
                    Stage::Absent | Stage::Requested => Err(Failure::retry(format!(
                        "the supervisor {} went away before it started the deployment {}; nothing was deployed",
                        self.supervisor.display(),
                        request.key
                    ))),
                }
            }
            None => Err(Failure::uncertain(format!(
                "the supervisor of the deployment {} did not say within {} that it started it",
                request.key,
                spoken(SUPERVISOR_START)
            ))),
        }
    }
}

/// Reads the first line that the supervisor prints, or its output until it exits; `None` on timeout.
async fn first_word(child: &mut Child) -> Option<Vec<u8>> {
    let mut pipe = child.stdout.take()?;
    let mut word = Vec::new();
    let reading = async {
        while !word.contains(&b'\n') && word.len() < 64 && pipe.read_buf(&mut word).await.is_ok_and(|count| count > 0) {
        }
    };
    tokio::time::timeout(SUPERVISOR_START, reading).await.ok()?;
    Some(word)
}
