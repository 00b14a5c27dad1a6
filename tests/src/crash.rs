//! Crash tests: a scenario is run with the bot stopped before and after commits and effects. The final state must be
//! the same. The bot is idle after each step, so each moment of a step is tried from the checkpoint before the step,
//! and the result is compared with the checkpoint after it. A part of them also continues to the end of the scenario.
//! The run without a stop also checks the expected output of the scenario.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::checkpoint::{Checkpoint, compare};
use crate::ending::ending;
use crate::given::at_the_beginning;
use crate::play::{Play, play_file};
use crate::sample::Sample;
use crate::scenario::{Act, Scenario, Step};

/// Maximum number of restarts after one stop.
const STARTS: usize = 5;

/// Scenarios with reads that fail repeatedly. The number of failures is counted in memory and reset by each restart,
/// and crash tests restart the bot before each step. The output of these scenarios is therefore checked separately.
const COUNTED_IN_MEMORY: [&str; 3] = ["facts-refused", "merge-frozen", "repository-vanishes"];

/// The number of cases.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    /// Number of moments at which the bot can be stopped.
    pub moments: usize,
    /// Number of moments that were tried.
    pub tried: usize,
}

/// Runs the scenario in this file and checks its output. Then stops the bot at the sampled moments, and continues every
/// `whole`-th of those to the end. Without a sample, or with `UPDATE_SCENARIOS`, only runs the scenario.
///
/// # Errors
/// Shows how the output differs, or names the moment at which a stop changes the final state.
pub async fn at_every_moment(path: &Path, sample: Option<Sample>, whole: usize) -> anyhow::Result<Tried> {
    let Some(sample) = sample.filter(|_| std::env::var_os("UPDATE_SCENARIOS").is_none()) else {
        return play_file(path).await.map(|()| Tried::default());
    };
    let mut scenario = Scenario::read(path)?;
    scenario.options.rewindable = true;
    let (mut play, steps) = at_the_beginning(&scenario).await?;
    let mut seen = vec![Vec::new(); scenario.steps.len() - steps.len()];
    let mut before: Vec<Checkpoint> = Vec::new();
    let mut moments: Vec<Vec<String>> = Vec::new();
    for step in steps {
        let so_far = || format!("{}\n{}", scenario.text(&seen), step.line);
        play.world.restart().await?;
        before.push(Checkpoint::of(&play).await?);
        let mut lines = play.begin(&step.act).await.with_context(so_far)?;
        play.world.cut.revive();
        play.go_on().await.with_context(so_far)?;
        moments.push((0..play.world.cut.passed()).map(|moment| play.world.cut.name(moment)).collect());
        lines.extend(play.seen()?);
        seen.push(lines);
    }
    seen.last_mut().context("it has no steps")?.extend(play.last_words().await?);
    let last = Checkpoint::of(&play).await?;
    play.world.check().await?;
    if path.file_stem().is_some_and(|name| COUNTED_IN_MEMORY.iter().any(|counted| name == *counted)) {
        play_file(path).await?;
    } else {
        scenario.compare(path, &seen)?;
    }
    let mut tried = Tried::default();
    for (at, Step { act, .. }) in steps.iter().enumerate() {
        let (start, end) = (&before[at], before.get(at + 1).unwrap_or(&last));
        for (moment, name) in moments[at].iter().enumerate() {
            tried.moments += 1;
            if !sample.holds(tried.moments) {
                continue;
            }
            tried.tried += 1;
            let place = || format!("stopped {name} (moment {moment} of `{act:?}`; {sample})");
            start.restore(&mut play).await.with_context(place)?;
            stopped_once(&mut play, act, moment).await.with_context(place)?;
            compare(&end.ending, &ending(&play.world).await?).with_context(place)?;
            play.world.check().await.with_context(place)?;
            if tried.tried.is_multiple_of(whole) {
                for Step { act, .. } in &steps[at + 1..] {
                    play.begin(act).await.with_context(place)?;
                    play.go_on().await.with_context(place)?;
                    play.seen()?;
                }
                compare(&last.ending, &ending(&play.world).await?).with_context(place)?;
                play.world.check().await.with_context(place)?;
            }
        }
    }
    Ok(tried)
}

/// Performs one step with a stop in it: restarts the bot, which then receives the unacknowledged messages again.
async fn stopped_once(play: &mut Play, act: &Act, moment: usize) -> anyhow::Result<()> {
    play.begin(act).await?;
    play.world.cut.stop_at(moment);
    for _ in 0..STARTS {
        let outcome = play.go_on().await;
        if !play.world.cut.is_dead() {
            return outcome;
        }
        play.world.restart().await?;
    }
    bail!("the bot did not come to rest after {STARTS} starts")
}
