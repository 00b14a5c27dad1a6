//! `hotfix forge …`: human actions on the local forge. On a remote forge, people do them in its web interface.

use std::path::Path;

use clap::Subcommand;
use hotfix_adapters::forge::{Check, CheckState, Merge, MergeMethod, PullNumber, ReviewVerdict};
use hotfix_adapters::forge::{History as _, PullRequests as _};
use hotfix_adapters::ids::{PersonRef, Platform, Repo};

use super::{print_line, process};
use crate::wire;

/// Actions that people take on the local forge.
#[derive(Debug, Subcommand)]
pub(super) enum ForgeCommand {
    /// Approves a pull request at its head, as the owner of a git address
    Approve {
        /// The repository, such as team/payments
        repo: Repo,
        /// The number of the pull request
        number: u64,
        /// The reviewer's git address
        email: String,
    },
    /// Asks for changes to a pull request
    Reject {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
        /// The reviewer's git address
        email: String,
    },
    /// Puts a label on an open pull request, as the owner of a git address
    Label {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
        /// The label
        label: String,
        /// The git address of the person who sets it
        email: String,
    },
    /// Takes a label off an open pull request, as the owner of a git address
    Unlabel {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
        /// The label
        label: String,
        /// The git address of the person who removes it
        email: String,
    },
    /// Merges a pull request as it is
    Merge {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
        /// Makes one new commit instead of a merge commit
        #[arg(long)]
        squash: bool,
    },
    /// Closes a pull request without merging it
    Close {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
    },
    /// Marks an open pull request as a draft
    Draft {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
    },
    /// Marks a draft as ready for review
    Ready {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
    },
    /// Reports how a check of a commit went
    Check {
        /// The repository
        repo: Repo,
        /// The commit, branch or tag
        commit: String,
        /// The name of the check
        name: String,
        /// The result: success, failure, pending or neutral
        #[arg(value_parser = check_state)]
        state: CheckState,
    },
    /// Opens an issue, such as a release blocker
    Issue {
        /// The repository
        repo: Repo,
        /// Its title
        title: String,
        /// Its labels
        #[arg(long = "label")]
        labels: Vec<String>,
    },
    /// Closes an issue
    CloseIssue {
        /// The repository
        repo: Repo,
        /// Its number
        number: u64,
    },
    /// Shows a pull request
    Show {
        /// The repository
        repo: Repo,
        /// The number of the pull request
        number: u64,
    },
}

fn check_state(text: &str) -> Result<CheckState, String> {
    match text {
        "success" => Ok(CheckState::Success),
        "failure" => Ok(CheckState::Failure),
        "pending" => Ok(CheckState::Pending),
        "neutral" => Ok(CheckState::Neutral),
        other => Err(format!("{other:?} is none of success, failure, pending, neutral")),
    }
}

pub(super) async fn run(config: &Path, command: ForgeCommand) -> anyhow::Result<()> {
    let forge = wire::local_forge(&process::load(config)?)?;
    let mut out = std::io::stdout();
    let git = |email| PersonRef::new(Platform::Git, email);
    match command {
        ForgeCommand::Approve { repo, number, email } => {
            forge.review(&repo, PullNumber(number), &git(email), ReviewVerdict::Approved).await?;
        }
        ForgeCommand::Reject { repo, number, email } => {
            forge.review(&repo, PullNumber(number), &git(email), ReviewVerdict::ChangesRequested).await?;
        }
        ForgeCommand::Label { repo, number, label, email } => {
            forge.label_as(&repo, PullNumber(number), &git(email), &label).await?;
        }
        ForgeCommand::Unlabel { repo, number, label, email } => {
            forge.unlabel_as(&repo, PullNumber(number), &git(email), &label).await?;
        }
        ForgeCommand::Merge { repo, number, squash } => {
            let pull = forge.read(&repo, PullNumber(number)).await?;
            let merge = Merge {
                expected_head: pull.head_commit,
                method: if squash { MergeMethod::Squash } else { MergeMethod::Merge },
                title: pull.title,
                body: String::new(),
            };
            print_line(&mut out, &forge.merge(&repo, PullNumber(number), &merge).await?.to_string())?;
        }
        ForgeCommand::Close { repo, number } => {
            forge.close(&repo, PullNumber(number)).await?;
        }
        ForgeCommand::Draft { repo, number } => {
            forge.set_draft(&repo, PullNumber(number), true).await?;
        }
        ForgeCommand::Ready { repo, number } => {
            forge.set_draft(&repo, PullNumber(number), false).await?;
        }
        ForgeCommand::Check { repo, commit, name, state } => {
            let found = forge.resolve(&repo, &commit).await?;
            let commit = found.ok_or_else(|| anyhow::anyhow!("{repo} has nothing that {commit:?} could mean"))?;
            forge.set_check(&repo, &commit, Check { name, app: "ci".to_owned(), state }).await?;
        }
        ForgeCommand::Issue { repo, title, labels } => {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let number = forge.open_issue(&repo, &title, &labels).await?;
            print_line(&mut out, &format!("#{}", number.0))?;
        }
        ForgeCommand::CloseIssue { repo, number } => forge.close_issue(&repo, PullNumber(number)).await?,
        ForgeCommand::Show { repo, number } => {
            let pull = forge.read(&repo, PullNumber(number)).await?;
            print_line(&mut out, &serde_json::to_string_pretty(&pull)?)?;
        }
    }
    Ok(())
}
