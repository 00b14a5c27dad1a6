//! The crash matrix: a scenario is played with a stop before and after every commit and every act outside, and must leave the
//! same behind. The bot comes to rest after every step; so each moment of a step is tried from the world as it was before
//! the step, and compared with the world as it is after it. Some are played to the end of the scenario as well.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::checkpoint::{Checkpoint, compare, flat};
use crate::ending::ending;
use crate::play::Play;
use crate::scenario::{Act, Scenario};
use crate::world::World;

/// How often a bot may have to be started again for one stop.
const STARTS: usize = 5;

/// What was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    /// The moments at which the bot can be stopped.
    pub moments: usize,
    /// How many of them were tried.
    pub tried: usize,
}

/// Stops the bot at every `every`-th moment of the scenario in this file, and plays every `whole`-th of those to the end.
///
/// # Errors
/// Names the moment at which a stop changes what is left at the end.
pub async fn at_every_moment(path: &Path, every: usize, whole: usize) -> anyhow::Result<Tried> {
    let mut scenario = Scenario::read(path)?;
    scenario.options.embedded = false;
    scenario.options.rewindable = true;
    let acts = flat(&scenario)?;
    let mut play = Play::new(World::new(scenario.options.clone()).await?)?;
    let mut before: Vec<Checkpoint> = Vec::new();
    let mut moments: Vec<Vec<String>> = Vec::new();
    for act in &acts {
        play.world.restart().await?;
        before.push(Checkpoint::of(&play.world).await?);
        play.begin(act).await?;
        play.world.cut.revive();
        play.go_on().await?;
        moments.push((0..play.world.cut.passed()).map(|moment| play.world.cut.name(moment)).collect());
    }
    let last = Checkpoint::of(&play.world).await?;
    let mut tried = Tried::default();
    for (at, act) in acts.iter().enumerate() {
        let (start, end) = (&before[at], before.get(at + 1).unwrap_or(&last));
        for (moment, name) in moments[at].iter().enumerate() {
            tried.moments += 1;
            if !tried.moments.is_multiple_of(every) {
                continue;
            }
            tried.tried += 1;
            let place = || format!("stopped {name} (moment {moment} of `{act:?}`)");
            start.restore(&mut play).await.with_context(place)?;
            stopped_once(&mut play, act, moment).await.with_context(place)?;
            compare(&end.ending, &ending(&play.world).await?).with_context(place)?;
            play.world.check().await.with_context(place)?;
            if tried.tried.is_multiple_of(whole) {
                for act in &acts[at + 1..] {
                    play.begin(act).await.with_context(place)?;
                    play.go_on().await.with_context(place)?;
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
