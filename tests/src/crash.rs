//! A scenario with stops: it is played with a stop before and after commits and acts outside, and must leave the same behind. The
//! bot comes to rest after every step; so each moment of a step is tried from the world as it was before the step, and compared
//! with the world as it is after it. Some are played to the end of the scenario as well. The play without a stop is also the one
//! whose words are compared with what the scenario says.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::checkpoint::{Checkpoint, compare};
use crate::ending::ending;
use crate::given::at_the_beginning;
use crate::play::{Play, play_file};
use crate::sample::Sample;
use crate::scenario::{Act, Scenario, Step};

/// How often a bot may have to be started again for one stop.
const STARTS: usize = 5;

/// Scenarios in which reads fail again and again. How often they failed is counted in memory, and the count begins anew with
/// every start, of which a play with stops has one for each step: their words are compared in a play of their own.
const COUNTED_IN_MEMORY: [&str; 3] = ["facts-refused", "merge-frozen", "repository-vanishes"];

/// What was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    /// The moments at which the bot can be stopped.
    pub moments: usize,
    /// How many of them were tried.
    pub tried: usize,
}

/// Plays the scenario in this file and compares what was seen, stops the bot at the sampled moments, and plays every `whole`-th of
/// those to the end. Without a sample, and when scenarios are written anew, nothing is stopped.
///
/// # Errors
/// Shows how what was seen differs, or names the moment at which a stop changes what is left at the end.
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

/// One step with a stop in it: the bot is started again, and what it did not acknowledge is delivered again.
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
