//! Refusal tests: each call that performs an effect is refused once, permanently. Then the cause is removed and a user
//! sends `retry`. The final state must be the same as without the refusal. As in the crash tests, each call of a step
//! is tried from the checkpoint before the step. A call that was tried for an effect is not tried again in another
//! step.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, ensure};
use hotfix::domain::event::{Ending, Event};
use hotfix::domain::hotfix::{DeployState, Hotfix, Phase};

use crate::checkpoint::{Checkpoint, compare};
use crate::ending::ending;
use crate::given::at_the_beginning;
use crate::play::Play;
use crate::scenario::{Act, Scenario, Step};

/// The cases tried so far, over all scenarios.
#[derive(Debug, Default)]
pub struct Tried {
    /// The refused calls: names of the effects, place of the call, and its index among equal calls of the step.
    pub calls: BTreeSet<((String, String), usize)>,
    /// The refused effects, by their names in the journal.
    pub effects: BTreeSet<String>,
}

/// Refuses every call of the scenario in this file that was not refused before.
///
/// # Errors
/// Names the call whose refusal changes the final state.
pub async fn at_every_call(path: &Path, tried: &mut Tried) -> anyhow::Result<()> {
    let mut scenario = Scenario::read(path)?;
    scenario.options.embedded = false;
    scenario.options.rewindable = true;
    let (mut play, steps) = at_the_beginning(&scenario).await?;
    let (mut before, mut calls) = (Vec::new(), Vec::new());
    for Step { act, .. } in steps {
        play.world.restart().await?;
        before.push(Checkpoint::of(&play).await?);
        play.begin(act).await?;
        play.world.cut.refuse_at(None);
        play.go_on().await?;
        play.seen()?;
        calls.push(play.world.cut.calls());
    }
    let last = Checkpoint::of(&play).await?;
    for (at, Step { act, .. }) in steps.iter().enumerate() {
        let (start, end) = (&before[at], before.get(at + 1).unwrap_or(&last));
        for (number, call) in calls[at].iter().enumerate() {
            // Effects that are performed together make equal calls. As many of them are refused as there are effects.
            let nth = calls[at].iter().take(number).filter(|earlier| *earlier == call).count();
            let together = call.0.split(" + ").count();
            if nth >= together || !tried.calls.insert((call.clone(), nth)) {
                continue;
            }
            let place = || format!("{} refused for {} (call {number} of `{act:?}`)", call.1, call.0);
            start.restore(&mut play).await.with_context(place)?;
            refused_once(&mut play, act, number, tried).await.with_context(place)?;
            // If the forge refuses to look up a reference, the run is refused. The user would start another run.
            if play.world.newest().await.is_some_and(|run| was_refused(&run)) {
                continue;
            }
            let without = |lines: &[String]| -> Vec<String> {
                lines.iter().filter(|line| !line.contains(" failed, by the votes of ")).cloned().collect()
            };
            compare(&without(&end.ending), &without(&ending(&play.world).await?)).with_context(place)?;
            play.world.check().await.with_context(place)?;
        }
    }
    Ok(())
}

/// Performs one step with a refusal in it, and then sends `retry` for each run that is blocked by it.
async fn refused_once(play: &mut Play, act: &Act, number: usize, tried: &mut Tried) -> anyhow::Result<()> {
    play.begin(act).await?;
    let known = play.world.engine().states().await;
    play.world.cut.refuse_at(Some(number));
    play.go_on().await?;
    ensure!(play.world.cut.calls().len() > number, "the call was not made again");
    play.world.cut.refuse_at(None);
    for run in play.world.engine().states().await {
        let before = known.iter().find(|known| known.id == run.id).map_or(0, |known| known.version);
        let entries = play.world.engine().entries(run.id).await?;
        let since = entries.iter().skip(usize::try_from(before)?);
        tried.effects.extend(since.filter_map(|entry| refused(&entry.event)));
        if is_held_up(&run, before == run.version) {
            let said = play.step(&Act::Typed(format!("dee: /hotfix retry {}", run.id))).await?;
            let now = play.world.engine().state(run.id).await.context("the run is gone")?;
            ensure!(now.stuck.is_empty(), "it is stuck still: {:?}\n{}", now.stuck, said.join("\n"));
        }
    }
    Ok(())
}

fn was_refused(run: &Hotfix) -> bool {
    matches!(&run.phase, Phase::Ended { ending: Ending::Refused, .. })
}

fn is_held_up(run: &Hotfix, as_before: bool) -> bool {
    let failed = run.deploys.last().is_some_and(|last| matches!(&last.state, DeployState::Failed(why) if of_ours(why)));
    !as_before && !run.is_over() && (!run.stuck.is_empty() || failed)
}

/// Returns the effect whose refusal this event records, or `None` if it records none.
fn refused(event: &Event) -> Option<String> {
    if let Event::DeployEnded { failure: Some(why), .. } = event {
        return of_ours(why).then(|| "deploy".to_owned());
    }
    let Event::Stuck { effect, .. } = event else { return None };
    let effect = serde_json::to_value(effect).ok()?;
    effect.get("effect")?.as_str().map(str::to_owned)
}

fn of_ours(why: &str) -> bool {
    why.starts_with("Nothing was begun: the ") && why.ends_with(" says no")
}
