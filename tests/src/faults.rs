//! The matrix of faults: a scenario is played on a forge elsewhere, and one call of its API, or one by which git reaches it,
//! goes wrong, in each of the ways in which a call can. The bot must come to the same end, and nothing may happen twice. As
//! with stops, each call of a step is tried from the world as it was before the step; some are played to the end of the
//! scenario as well. The bot is started again before each step, so it knows no answer by its tag, and the first call of each
//! kind is a full one.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use hotfix_fakes::server::{Call, Control, Fault};

use crate::checkpoint::{Checkpoint, compare};
use crate::ending::ending;
use crate::given::at_the_beginning;
use crate::sample::Sample;
use crate::scenario::Scenario;
use crate::site::Host;
use crate::world::{Options, World};

/// How long the bot waits for an answer, in seconds: some never come.
const TIMEOUT: u32 = 2;

/// How a call goes wrong: nothing was done in the first five ways, and everything in the last four.
const FAULTS: [Fault; 9] = [
    Fault::Refuse(500),
    Fault::Refuse(502),
    Fault::TooMany(30),
    Fault::HangUp,
    Fault::Silent,
    Fault::HalfBody,
    Fault::DoneBut500,
    Fault::DoneButHangUp,
    Fault::DoneButSilent,
];

/// Which calls go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Those of the forge's API.
    Api,
    /// Those by which git reads and writes its repositories.
    Git,
}

impl Line {
    fn control(self, world: &World) -> anyhow::Result<Arc<Control>> {
        let control = match self {
            Self::Api => world.site.calls(),
            Self::Git => world.site.git_calls(),
        };
        control.context("this forge is not elsewhere")
    }
}

/// What was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    /// The calls that the bot makes.
    pub calls: usize,
    /// How many calls went wrong, each in its own play.
    pub tried: usize,
}

/// Breaks every call of the scenario in this file in every way, of which the sample is tried, and plays every `whole`-th of those
/// to the end.
///
/// # Errors
/// Names the call whose fault changes what is left at the end.
pub async fn at_every_call(path: &Path, host: Host, line: Line, sample: Sample, whole: usize) -> anyhow::Result<Tried> {
    let mut scenario = Scenario::read(path)?;
    scenario.options = Options { host, rewindable: true, timeout: Some(TIMEOUT), ..scenario.options };
    let (mut play, steps) = at_the_beginning(&scenario).await?;
    let control = line.control(&play.world)?;
    let (mut before, mut effects, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps {
        play.world.restart().await?;
        before.push(Checkpoint::of(&play).await?);
        control.forget();
        let place = || format!("`{:?}` without a fault", step.act);
        play.begin(&step.act).await.with_context(place)?;
        play.go_on().await.with_context(place)?;
        // Later steps name the commits that this one made.
        play.seen()?;
        effects.push(play.world.effects().await?);
        calls.push(control.calls());
    }
    let last = Checkpoint::of(&play).await?;
    let mut tried = Tried { calls: calls.iter().map(Vec::len).sum(), tried: 0 };
    let broken = calls.iter().enumerate().flat_map(|(step, calls)| {
        let numbered = calls.iter().enumerate();
        numbered.flat_map(move |(number, call)| FAULTS.iter().map(move |fault| (step, number, call, fault)))
    });
    let sampled = broken.enumerate().filter(|(at, _)| sample.holds(*at)).map(|(_, broken)| broken);
    for (step, number, call, fault) in sampled {
        tried.tried += 1;
        let place = || format!("{fault:?} at {} (call {number} of `{:?}`)", name(call), steps[step].act);
        before[step].restore(&mut play).await.with_context(place)?;
        control.forget();
        control.break_calls([(number, fault.clone())]);
        play.begin(&steps[step].act).await.with_context(place)?;
        play.go_on().await.with_context(place)?;
        anyhow::ensure!(control.calls().len() > number, "the call was not made again: {}", place());
        // What a look did not see because of it, the next one sees.
        play.world.settle().await.with_context(place)?;
        compare(&before.get(step + 1).unwrap_or(&last).ending, &ending(&play.world).await?).with_context(place)?;
        compare(&effects[step], &play.world.effects().await?).with_context(place)?;
        play.world.check().await.with_context(place)?;
        if tried.tried.is_multiple_of(whole) {
            for later in &steps[step + 1..] {
                play.begin(&later.act).await.with_context(place)?;
                play.go_on().await.with_context(place)?;
                play.seen()?;
            }
            compare(&last.ending, &ending(&play.world).await?).with_context(place)?;
            play.world.check().await.with_context(place)?;
        }
    }
    Ok(tried)
}

fn name(call: &Call) -> String {
    format!("{} {}?{}", call.method, call.path, call.query)
}
