//! What must hold at the end of the demo. Nothing here asks the bot: git, the folders and the journal are read directly.

use anyhow::{Context as _, bail};
use hotfix_storage::Journal as _;

use super::play::Play;
use crate::domain::event::Ending;
use crate::domain::hotfix::Phase;
use crate::engine::replay_all;

pub(super) async fn everything(play: &mut Play) -> anyhow::Result<()> {
    play.scene("Checked")?;
    let run = play.run().await?;
    let ending = match &run.phase {
        Phase::Ended { ending, .. } => ending.clone(),
        Phase::Surveying | Phase::Underway => {
            bail!("{} is not over: {:?}", run.id, run.current().map(|(_, spec)| &spec.id))
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
    play.stage
        .forge_git(&["merge-base", "--is-ancestor", head.as_str(), "refs/heads/main"])
        .context("main does not contain the fix")?;
    play.tell("✔ main contains the very commits that production runs")?;
    if let Ok(tip) = play.stage.forge_git(&["rev-parse", "--verify", "--quiet", "refs/heads/hotfix"]) {
        bail!("the branch hotfix is still there, at {tip}");
    }
    play.tell("✔ the branch hotfix is gone, so that the next one can have its name")?;
    journal(play).await
}

fn untouched(play: &Play) -> anyhow::Result<()> {
    let production = play.stage.running("production").context("production runs nothing")?;
    if production != play.stage.live {
        bail!("production runs {production}, and not {}", play.stage.live);
    }
    Ok(())
}

async fn journal(play: &Play) -> anyhow::Result<()> {
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
