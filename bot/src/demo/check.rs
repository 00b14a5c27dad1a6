//! The final checks of the demo. They do not ask the bot: they read git, the folders and the journal directly.

use anyhow::{Context as _, bail};
use hotfix_storage::Journal as _;

use super::play::DemoRun;
use crate::domain::event::Ending;
use crate::domain::hotfix::{FixState, Hotfix, Phase};
use crate::engine::replay_all;

pub(super) async fn everything(play: &mut DemoRun) -> anyhow::Result<()> {
    play.scene("Checked")?;
    let run = play.run().await?;
    let ending = match &run.phase {
        Phase::Ended { ending, .. } => ending.clone(),
        Phase::ReadingWorld | Phase::Underway => {
            bail!("{}", unfinished(&run))
        }
    };
    if ending == Ending::Refused {
        play.tell("✔ the bot refused the hotfix, and touched nothing")?;
        return untouched(play);
    }
    if ending != Ending::Completed {
        bail!("{} ended as {ending:?}", run.id);
    }
    let head = run.head.context("no head")?.tip;
    let production = play.stage.running("production").context("production runs nothing")?;
    if production != head.as_str() {
        bail!("production runs {production}, and not {head}");
    }
    play.tell(&format!("✔ production's folder holds {}, the head that was approved", head.short()))?;
    let base = run.base.context("no base")?;
    let merge_base = play.stage.forge_git(&["merge-base", head.as_str(), base.as_str()])?;
    if merge_base != base.as_str() {
        bail!("the branch does not start at {base}");
    }
    play.tell(&format!("✔ the branch started at {}, which production ran, and not at main", base.short()))?;
    play.tell(on_main(play, base.as_str(), head.as_str())?)?;
    if let Ok(tip) = play.stage.forge_git(&["rev-parse", "--verify", "--quiet", "refs/heads/hotfix"]) {
        bail!("the branch hotfix is still there, at {tip}");
    }
    play.tell("✔ the branch hotfix is gone, so that the next one can have its name")?;
    journal(play).await
}

/// Returns a sentence on the way in which mainline has the production commits: as the same commits, the same changes,
/// or one squashed change.
fn on_main(play: &DemoRun, base: &str, head: &str) -> anyhow::Result<&'static str> {
    let git = |arguments: &[&str]| play.stage.forge_git(arguments);
    if git(&["merge-base", "--is-ancestor", head, "refs/heads/main"]).is_ok() {
        return Ok("✔ main contains the very commits that production runs");
    }
    let cherries = git(&["cherry", "refs/heads/main", head, base])?;
    if !cherries.is_empty() && cherries.lines().all(|line| line.starts_with('-')) {
        return Ok("✔ main contains the same changes as other commits");
    }
    let merged = git(&["merge-tree", "--write-tree", "refs/heads/main", head]);
    if merged.is_ok_and(|tree| git(&["rev-parse", "refs/heads/main^{tree}"]).is_ok_and(|main| main == tree)) {
        return Ok("✔ merging what production runs would change nothing on main");
    }
    bail!("main does not contain the fix")
}

/// Returns a description of where a run stopped and why the demo cannot continue.
fn unfinished(run: &Hotfix) -> String {
    let conflict = run.fixes.iter().find_map(|fix| match &fix.state {
        FixState::Conflicted(files) => Some((fix.source.short(), files.join(", "))),
        FixState::Waiting | FixState::Picked | FixState::Adapted | FixState::Leaving => None,
    });
    let why = if let Some((source, files)) = conflict {
        format!(
            "{source} does not apply to what production runs, because of {files}. A person would adapt it; try another commit"
        )
    } else if let Some(stuck) = run.stuck.last() {
        format!("the bot could not {}, and a person would put it right: {}", stuck.effect.describe(), stuck.reason)
    } else if !run.has_change() {
        "nothing came onto the branch: production has what was asked for, or it changes nothing".to_owned()
    } else {
        format!("it waits at {}", run.current().map_or("its end", |(_, spec)| spec.id.as_str()))
    };
    format!("{} is not over: {why}", run.id)
}

fn untouched(play: &DemoRun) -> anyhow::Result<()> {
    let production = play.stage.running("production").context("production runs nothing")?;
    if production != play.stage.live {
        bail!("production runs {production}, and not {}", play.stage.live);
    }
    Ok(())
}

async fn journal(play: &DemoRun) -> anyhow::Result<()> {
    let store = play.store();
    let replayed = replay_all(store).await?;
    for state in play.engine.states().await {
        if replayed.get(&state.id) != Some(&state) {
            bail!("the journal does not lead to {} as it is", state.id);
        }
    }
    play.tell("✔ replaying the journal leads to the very same state")?;
    let backlog = play.engine.backlog().await?;
    if backlog > 0 {
        bail!("{backlog} pieces of work are left");
    }
    let health = store.health().await;
    let head = health.head.get(..12).unwrap_or(&health.head);
    play.tell(&format!("✔ nothing is left to do; the journal ends at entry {} with hash {head}", health.seq.0))
}
