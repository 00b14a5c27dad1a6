//! `hotfix demo`: a whole hotfix with the embedded defaults, a real git repository and the real store. It builds a
//! team, a repository and environments in a folder of its own, plays the input of four users, and checks the final
//! state of production, mainline and the branch.

mod check;
mod play;
mod scenes;
pub mod stage;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;

use play::DemoRun;
use stage::Stage;

/// Arguments of `hotfix demo`.
#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// Production changes under the hotfix: the bot pauses, and the fix is rebased
    #[arg(long, conflicts_with_all = ["conflict", "second_hotfix", "interactive"])]
    drift: bool,
    /// The fix does not apply to what production runs, and a person adapts it
    #[arg(long, conflicts_with_all = ["second_hotfix", "interactive"])]
    conflict: bool,
    /// A second hotfix is started while the first is on its way, and joins it
    #[arg(long, conflicts_with = "interactive")]
    second_hotfix: bool,
    /// You type: `ana: /hotfix start payments "Fix 500 on upload"`
    #[arg(long)]
    interactive: bool,
    /// Do it on a scratch copy of this git repository, which itself is never touched
    #[arg(long, value_name = "PATH", requires = "live", conflicts_with_all = ["drift", "conflict", "second_hotfix"])]
    repo: Option<PathBuf>,
    /// With --repo: the commit, tag or branch that production runs
    #[arg(long, value_name = "REF", requires = "repo")]
    live: Option<String>,
    /// With --repo: the commits to pick, from the main line or anywhere
    #[arg(long, value_name = "SHA", num_args = 1.., requires = "repo")]
    fix: Vec<String>,
    /// The folder to work in; a new one under the system's temporary folder when left out
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs the demo in a folder of its own.
///
/// # Errors
/// Fails if a step fails or a final check does not hold, and names it.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    if args.repo.is_some() && args.fix.is_empty() && !args.interactive {
        anyhow::bail!("name the commits to pick with --fix, or type yourself with --interactive");
    }
    let root = match &args.keep {
        Some(folder) => std::path::absolute(folder)?,
        None => stage::fresh_folder()?,
    };
    let stage = match (&args.repo, &args.live) {
        (Some(repo), Some(live)) => Stage::copy_of(&root, repo, live, &args.fix)?,
        _ => Stage::of_the_runbook(&root)?,
    };
    let terminal = std::io::stdout().is_terminal();
    let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).clamp(40, 120);
    let mut play = DemoRun::open(stage, terminal && std::env::var_os("NO_COLOR").is_none(), width, terminal).await?;
    if args.interactive {
        return play.interactive(args.fix.first().map(String::as_str)).await;
    }
    scenes::opening(&mut play)?;
    if args.repo.is_some() {
        scenes::on_a_copy(&mut play, &args.fix).await?;
    } else if args.drift {
        scenes::drift(&mut play).await?;
    } else if args.conflict {
        scenes::conflict(&mut play).await?;
    } else if args.second_hotfix {
        scenes::second_hotfix(&mut play).await?;
    } else {
        scenes::plain(&mut play).await?;
    }
    scenes::closing(&mut play).await?;
    check::everything(&mut play).await
}
