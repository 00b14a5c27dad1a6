//! Branches and tags of the forge: read with `ls-remote`, moved by a push with a lease that the forge itself checks.
//! After a failed push the ref is read again, and its position decides the result.

use super::{Git, Mirror, REMOTE};
use crate::failure::Failure;
use crate::forge::git::refs::{FullRef, elsewhere};
use crate::ids::{CommitId, Repo};

/// A change of one ref.
pub(super) struct Move<'a> {
    pub(super) name: FullRef,
    /// Expected commit; `None` if the ref must not exist.
    pub(super) from: Option<&'a CommitId>,
    /// Target commit; `None` to delete the ref.
    pub(super) to: Option<&'a CommitId>,
}

/// The result of a push.
enum Pushed {
    Done,
    /// The forge refused this ref, for this reason.
    Refused(String),
    /// The push returned no report.
    Lost(Failure),
}

impl Mirror {
    /// Lists the branches or tags of the forge, each with its commit; annotated tags are peeled.
    pub(super) async fn listed(&self, git: &Git, kind: &str) -> Result<Vec<(String, CommitId)>, Failure> {
        let answer = git.ask(["ls-remote", "--quiet", kind, "--end-of-options", REMOTE]).stdout().await?;
        let mut found: Vec<(String, CommitId)> = Vec::new();
        for line in String::from_utf8_lossy(&answer).lines() {
            let Some((id, name)) = line.split_once('\t') else { continue };
            let Ok(id) = CommitId::parse(id) else { continue };
            // The line after an annotated tag names the commit that it points at.
            match (name.strip_suffix("^{}"), found.last_mut()) {
                (Some(tag), Some(last)) if last.0 == tag => last.1 = id,
                _ => found.push((name.to_owned(), id)),
            }
        }
        Ok(found)
    }

    /// Moves a ref from the expected commit to the target. Succeeds if it is already at the target.
    pub(super) async fn change(&self, repo: &Repo, step: &Move<'_>) -> Result<(), Failure> {
        let git = self.ready(repo).await?;
        let kind = if step.name.0.starts_with("refs/tags/") { "--tags" } else { "--heads" };
        let all = self.listed(&git, kind).await?;
        if arrived(&all, step)? {
            return Ok(());
        }
        if step.from.is_none()
            && let Some(blocked) = step.name.blocked_by(&all)
        {
            return Err(blocked);
        }
        if let Some(to) = step.to {
            self.with(repo, &[to]).await?;
        }
        let pushed = push(&git, step).await;
        if matches!(pushed, Pushed::Done) {
            return Ok(());
        }
        let again = self.listed(&git, kind).await;
        match (pushed, again) {
            (Pushed::Done, _) => Ok(()),
            (_, Ok(all)) if arrived(&all, step)? => Ok(()),
            (Pushed::Refused(reason), _) => Err(self.refused(repo, step, &reason)),
            (Pushed::Lost(failure), Ok(_)) => Err(failure),
            (Pushed::Lost(failure), Err(again)) => Err(match failure {
                Failure::Uncertain { reason } => {
                    Failure::uncertain(format!("{reason} Looking there failed as well: {}", again.reason()))
                }
                Failure::Retry { .. } | Failure::Rejected { .. } => failure,
            }),
        }
    }

    fn refused(&self, repo: &Repo, step: &Move<'_>, reason: &str) -> Failure {
        let (name, url) = (step.name.words(), self.url(repo));
        let busy = ["cannot lock ref", "failed to update ref", "fatal error in commit_refs", "stale info"];
        if busy.iter().any(|words| reason.contains(words)) {
            return Failure::retry(format!("{url} was busy with {name} and did not move it: {reason}"));
        }
        Failure::rejected(format!(
            "{url} refused to move {name}: {reason}. If a rule protects it, let the bot pass that rule or have somebody who \
             may do it."
        ))
    }
}

/// Returns `true` if the ref is at the target. Rejects if it is neither there nor at the expected commit.
fn arrived(all: &[(String, CommitId)], step: &Move<'_>) -> Result<bool, Failure> {
    let now = all.iter().find(|(name, _)| *name == step.name.0).map(|(_, at)| at);
    if now == step.to {
        return Ok(true);
    }
    if now == step.from { Ok(false) } else { Err(elsewhere(&step.name, now, step.from)) }
}

async fn push(git: &Git, step: &Move<'_>) -> Pushed {
    let id = |commit: Option<&CommitId>| commit.map(CommitId::as_str).unwrap_or_default().to_owned();
    let lease = format!("--force-with-lease={}:{}", step.name.0, id(step.from));
    // A thin pack would need base objects that the mirror may lack.
    let args = ["push", "--porcelain", "--atomic", "--no-thin", "--no-verify", &lease, "--end-of-options", REMOTE];
    let order = format!("{}:{}", id(step.to), step.name.0);
    let answer = match git.act(args.into_iter().chain([order.as_str()])).run().await {
        Ok(answer) => answer,
        Err(failure) => return Pushed::Lost(failure),
    };
    if answer.code == 0 {
        return Pushed::Done;
    }
    let report = String::from_utf8_lossy(&answer.stdout).into_owned();
    // Format: `!<tab>from:to<tab>[remote rejected] (why)`.
    let line = report.lines().find_map(|line| line.strip_prefix("!\t")?.split_once('\t')).map(|(_, why)| why);
    match line {
        Some(why) if why.contains("rejected]") => {
            let why: String = git.without_secrets(why).chars().filter(|c| !c.is_control()).take(300).collect();
            let said = answer.complaint.split("; ").filter_map(|part| part.strip_prefix("remote: "));
            let said: Vec<&str> = said.map(str::trim).filter(|part| !part.is_empty()).collect();
            let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join("; ")) };
            Pushed::Refused(format!("{why}{said}"))
        }
        _ => Pushed::Lost(git.push_failure(&answer)),
    }
}
