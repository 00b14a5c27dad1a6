//! The final state of a world as text, without versions, times and commit ids. It is the same no matter how often the
//! bot was stopped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use hotfix::domain::event::Ending;
use hotfix::domain::hotfix::{DeployState, Hotfix, Mainline, Phase, StepState};
use hotfix_adapters::forge::Containment;
use hotfix_adapters::ids::Repo;

use crate::git::git;
use crate::world::World;

/// Returns the final state in detail, for comparison between runs.
///
/// # Errors
/// Fails if the repository cannot be read.
pub async fn ending(world: &World) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    if !world.stage.bare().exists() {
        return Ok(vec!["the repository is gone".to_owned()]);
    }
    for run in world.engine().states().await {
        lines.extend(run_lines(world, &run)?);
    }
    for environment in ["staging", "production"] {
        if let Some(commit) = world.stage.running(environment) {
            lines.push(format!("{environment} runs: {}", subject(world, &commit)?));
        }
    }
    let format = "--format=%(objectname) %(refname:lstrip=1) %(contents:subject)";
    let arguments = ["for-each-ref", format, "refs/heads", "refs/tags"];
    let refs = git(&world.stage.bare(), "dee", world.clock.moment(), &arguments)?;
    let refs = refs.lines().filter_map(|line| line.split_once(' '));
    let (main, _) = refs.clone().find(|(_, line)| line.starts_with("heads/main ")).context("there is no main")?;
    lines.push("main:".to_owned());
    let log = of_commit(world, &["log", "--first-parent", "--format=%s", main])?;
    lines.extend(log.lines().map(|line| format!("  {line}")));
    // The tag of a release may contain the id of its commit.
    let refs = refs.map(|(commit, line)| line.replace(&commit[..7], "<commit>"));
    lines.extend(refs.filter(|line| !line.contains("fix-") || line.contains("hotfix")));
    let leases = world.journal().leases().await?;
    lines.extend(leases.iter().map(|lease| format!("{} is held by {}", lease.lease, lease.holder)));
    lines.push(format!("deployments begun by the bot: {}", run_folders(world)));
    Ok(lines)
}

/// Returns the final state in short, one line per run, as it appears at the end of a scenario file.
///
/// # Errors
/// Currently never fails.
pub async fn in_short(world: &World) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for run in world.engine().states().await {
        let deploys: Vec<String> =
            run.deploys.iter().map(|d| format!("{} {}", d.intent.environment, word(&d.state))).collect();
        let deploys = if deploys.is_empty() { "nothing deployed".to_owned() } else { deploys.join(", ") };
        lines.push(format!("{} {}: {deploys}; {}", run.id, phase(&run), mainline(&run)));
    }
    Ok(lines)
}

impl World {
    /// Returns the changes on the forge with their numbers: opened pull requests, and updates of branches and tags.
    ///
    /// # Errors
    /// Fails if the forge cannot be read.
    pub async fn effects(&self) -> anyhow::Result<Vec<String>> {
        let mut moves: BTreeMap<String, usize> = BTreeMap::new();
        let mut lines = Vec::new();
        for repository in self.stage.repositories() {
            for name in
                std::fs::read_to_string(self.stage.bare_of(&repository).join("moves")).unwrap_or_default().lines()
            {
                *moves.entry(format!("{repository} {name}")).or_default() += 1;
            }
            let pulls = self.site.beside(&Repo::parse(&repository)?).pulls().await?;
            lines.push(format!("pull requests of {repository}: {pulls}"));
        }
        lines.extend(moves.into_iter().map(|(name, count)| format!("{name} moved {count} times")));
        Ok(lines)
    }
}

fn run_folders(world: &World) -> usize {
    let runs = world.stage.root.join("state/runs").join(&world.stage.service);
    std::fs::read_dir(runs).map(|entries| entries.flatten().filter(|entry| entry.path().is_dir()).count()).unwrap_or(0)
}

fn subject(world: &World, commit: &str) -> anyhow::Result<String> {
    of_commit(world, &["log", "-1", "--format=%s", commit])
}

/// Runs git on a commit that is named by its full id. The result never changes, so it is cached.
fn of_commit(world: &World, arguments: &[&str]) -> anyhow::Result<String> {
    static KNOWN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let (known, key) = (|| KNOWN.lock().unwrap_or_else(PoisonError::into_inner), arguments.join(" "));
    if let Some(said) = known().get(&key) {
        return Ok(said.clone());
    }
    let said = git(&world.stage.bare(), "dee", world.clock.moment(), arguments)?;
    known().insert(key, said.clone());
    Ok(said)
}

fn run_lines(world: &World, run: &Hotfix) -> anyhow::Result<Vec<String>> {
    let mut lines = vec![format!("{} {}: {}", run.id, run.title, phase(run))];
    let mut line = String::new();
    for (spec, step) in run.plan.steps.iter().zip(&run.steps) {
        let mark = match step {
            StepState::Ahead => "ahead",
            StepState::Current { .. } => "now",
            StepState::Offered { .. } => "offered",
            StepState::Done { .. } => "done",
            StepState::Skipped { .. } => "skipped",
        };
        write!(line, " {}={mark}", spec.id)?;
    }
    lines.push(format!("  steps:{line}"));
    let commits: Vec<&str> =
        run.head.iter().flat_map(|head| &head.commits).map(|commit| commit.subject.as_str()).collect();
    lines.push(format!("  branch {:?}: {}", run.branch, commits.join(" / ")));
    lines.push(format!("  fixes: {:?}", run.fixes.iter().map(|fix| format!("{:?}", fix.state)).collect::<Vec<_>>()));
    if let Some(base) = &run.base {
        lines.push(format!("  base: {}", subject(world, base.as_str())?));
    }
    if let Some(pull) = &run.pull {
        let reviews: Vec<String> = pull.seen.reviews.iter().map(|r| format!("{} {:?}", r.name, r.verdict)).collect();
        lines.push(format!("  pull request {}: merged {}, {reviews:?}", pull.number.0, pull.merged.is_some()));
    }
    let votes: Vec<String> = run.votes.iter().map(|vote| format!("{} {}", vote.person, vote.environment)).collect();
    lines.push(format!("  votes {votes:?}, noes {:?}, holds {:?}", run.rejections, run.holds));
    let words: Vec<String> =
        run.attestations.iter().map(|((place, _), a)| format!("{place} {} {}", a.person, a.pass)).collect();
    lines.push(format!(
        "  seen {words:?}, prompts {:?}",
        run.vote_requests.keys().map(ToString::to_string).collect::<Vec<_>>()
    ));
    for deploy in &run.deploys {
        let votes: Vec<&str> = deploy.intent.votes.iter().map(|person| person.as_str()).collect();
        lines.push(format!(
            "  deployment {} {}, by the votes of {votes:?}",
            deploy.intent.environment,
            word(&deploy.state)
        ));
    }
    lines.push(format!("  {}, drift {}, stuck {}", mainline(run), !run.drifts.is_empty(), !run.stuck.is_empty()));
    lines.push(format!("  post-mortem {:?}, riders {:?}", run.postmortem, run.included_changes.as_ref().map(Vec::len)));
    Ok(lines)
}

fn word(state: &DeployState) -> &'static str {
    match state {
        DeployState::Running => "runs",
        DeployState::RollingOut => "rolls out",
        DeployState::AwaitingConfirmation => "awaits a word",
        DeployState::Succeeded => "succeeded",
        DeployState::Failed(_) => "failed",
    }
}

fn phase(run: &Hotfix) -> String {
    match &run.phase {
        Phase::ReadingWorld => "is looking".to_owned(),
        Phase::Underway => match run.current() {
            Some((_, spec)) => format!("waits at {}", spec.id),
            None => "waits for nothing".to_owned(),
        },
        Phase::Ended { ending, refusals, .. } => match ending {
            Ending::Completed => "is completed".to_owned(),
            Ending::RolledIn => "went into the regular release".to_owned(),
            Ending::Refused => {
                let codes: Vec<&str> = refusals.iter().map(|refusal| refusal.code.as_str()).collect();
                format!("was refused ({})", codes.join(", "))
            }
            Ending::Superseded => "gave way to a release".to_owned(),
            Ending::Reverted => "was taken back".to_owned(),
            Ending::Aborted => "was given up".to_owned(),
        },
    }
}

fn mainline(run: &Hotfix) -> String {
    match &run.mainline {
        Mainline::NotMerged => "main is not known to have the fix".to_owned(),
        Mainline::Merged(how, _) => match how {
            Containment::Ancestor => "main has the fix by ancestry".to_owned(),
            Containment::Patch => "main has the fix by patch".to_owned(),
            Containment::Squash => "main has the fix as a squash".to_owned(),
            Containment::Lines => "main has the lines of the fix".to_owned(),
            Containment::Rewritten { .. } => "main has the fix, rewritten".to_owned(),
            Containment::Reverted { .. } | Containment::Missing { .. } => "main lost the fix".to_owned(),
        },
        Mainline::Reverted(_) => "main lost the fix".to_owned(),
        Mainline::Waived { by, .. } => format!("{by} waived the way back to main"),
    }
}
