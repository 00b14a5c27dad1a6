//! Fault tests: a scenario is run on a remote forge, and one call of its API or of git over HTTP fails, in each
//! possible way. The bot must reach the same final state, and no effect may happen twice. As in the crash tests, each
//! call of a step is tried from the checkpoint before the step, and a part of them continues to the end of the
//! scenario. The bot is restarted before each step, so its cache of ETags is empty, and the first call of each kind is
//! a full one.

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

/// Request timeout of the bot, in seconds. It is short because some calls never get an answer.
const TIMEOUT: u32 = 2;

/// The ways in which a call fails. The first five fail before the call takes effect, the last four after it.
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

/// The kind of calls that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Calls of the forge's API.
    Api,
    /// Calls of git over HTTP.
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

/// The number of cases.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tried {
    /// Number of calls that the bot makes.
    pub calls: usize,
    /// Number of faults that were tried, each in its own run.
    pub tried: usize,
}

/// Tries every fault of the sample at every call of the scenario in this file, and continues every `whole`-th of those
/// to the end.
///
/// # Errors
/// Names the call whose fault changes the final state.
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
        // Later steps refer to the commits of this step by name.
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
        // If the fault made a poll fail, the next poll reads the same.
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
