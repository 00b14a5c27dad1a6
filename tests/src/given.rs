//! Worlds that have reached a given state, reused by the next scenario that begins there.
//!
//! Reaching a state takes up to 25 steps, and dozens of scenarios begin at the same few states. Each state is reached
//! once, and the world is kept with a checkpoint. A scenario borrows the world and returns it; the next one restores
//! the checkpoint. The world of a failed test is dropped. Nothing is kept between processes, so a state is always
//! produced by the code under test.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::checkpoint::Checkpoint;
use crate::play::{Play, given};
use crate::scenario::{Act, Scenario, Step};
use crate::world::{Options, Talk, World};

/// Idle worlds with their checkpoints, keyed by the state and the options.
type Idle = BTreeMap<String, Vec<(Play, Arc<Checkpoint>)>>;

/// The worlds that are not in use.
static IDLE: Mutex<Idle> = Mutex::new(BTreeMap::new());

/// A play that is returned to the idle worlds on drop, unless it cannot be restored or the test failed.
pub struct Borrowed {
    play: Option<Play>,
    home: Option<(String, Arc<Checkpoint>)>,
}

impl Deref for Borrowed {
    type Target = Play;

    fn deref(&self) -> &Play {
        self.play.as_ref().expect("a play until it is dropped")
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut Play {
        self.play.as_mut().expect("a play until it is dropped")
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let (Some(mut play), Some((key, checkpoint)), false) =
            (self.play.take(), self.home.take(), std::thread::panicking())
        {
            // The tasks of the bot belong to the runtime of the test that ends here.
            play.world.stop();
            idle(|worlds| worlds.entry(key).or_default().push((play, checkpoint)));
        }
    }
}

fn idle<T>(then: impl FnOnce(&mut Idle) -> T) -> T {
    then(&mut IDLE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Returns a play at the beginning of a scenario, and the remaining steps: those after its initial `given`, if any.
///
/// # Errors
/// Fails if the world cannot be set up, or does not reach the state.
pub async fn at_the_beginning(scenario: &Scenario) -> anyhow::Result<(Borrowed, &[Step])> {
    match scenario.steps.split_first() {
        Some((Step { act: Act::Given(words), .. }, left)) => Ok((reached(&scenario.options, words).await?, left)),
        _ => {
            let play = Play::new(World::new(scenario.options.clone()).await?)?;
            Ok((Borrowed { play: Some(play), home: None }, &scenario.steps))
        }
    }
}

/// Returns a play whose run has reached the state in these words, such as `a hotfix that is approved`.
///
/// # Errors
/// Fails if the world cannot be set up, or does not reach the state.
pub async fn reached(options: &Options, words: &str) -> anyhow::Result<Borrowed> {
    let returns = options.talk == Talk::Console && !options.embedded;
    let options = Options { rewindable: options.rewindable || returns, ..options.clone() };
    let key = format!("{words} {options:?}");
    if let Some((mut play, checkpoint)) = idle(|worlds| worlds.get_mut(&key).and_then(Vec::pop)) {
        checkpoint.restore(&mut play).await?;
        return Ok(Borrowed { play: Some(play), home: Some((key, checkpoint)) });
    }
    let mut play = Play::new(World::new(options).await?)?;
    for act in given(words)? {
        play.step(&act).await?;
    }
    let home = if returns { Some((key, Arc::new(Checkpoint::of(&play).await?))) } else { None };
    Ok(Borrowed { play: Some(play), home })
}
