//! Webhook deliveries of a forge. Over an unreliable connection they are lost, duplicated, reordered or delayed. They
//! are only hints, so the final state stays the same. Over a reliable connection the bot needs nothing else, and does
//! not poll.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use hotfix::engine::WakeupResult;
use hotfix::wire;
use hotfix_adapters::forge::webhook::Webhook;

use crate::ending::ending;
use crate::play::Play;
use crate::scenario::{Act, Scenario};
use crate::site::{Delivery, Host, NAME};
use crate::world::World;

/// The quality of the deliveries in a play.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// No deliveries. The bot polls.
    Silent,
    /// Some deliveries are lost, duplicated, delayed or reordered, as the seed decides.
    Bad(u64),
    /// All deliveries arrive, and the bot does not poll.
    Alone,
}

/// The result of a play with deliveries.
#[derive(Debug, Default)]
pub struct Played {
    /// Final state, one line each.
    pub ending: Vec<String>,
    /// Number of deliveries that made the bot poll.
    pub looked: usize,
    /// Number of deliveries that the bot had seen before.
    pub seen_before: usize,
    /// Number of deliveries that were lost.
    pub lost: usize,
}

/// Runs the scenario in this file with deliveries.
///
/// # Errors
/// Fails if a step cannot be performed, or if the bot refuses a genuine delivery.
pub async fn play_with_deliveries(path: &Path, host: Host, way: Way) -> anyhow::Result<Played> {
    let mut scenario = Scenario::read(path)?;
    scenario.options.host = host;
    let mut play = Play::new(World::new(scenario.options.clone()).await?)?;
    let hook = wire::http(&play.world.config()?, None)?.hooks.remove(NAME).context("no webhook is configured")?;
    let mut line = Line { dice: 0, hook, sent: 0, waiting: Vec::new(), played: Played::default() };
    if let Way::Bad(seed) = way {
        line.dice = seed;
    }
    for step in &scenario.steps {
        play.begin(&step.act).await?;
        match way {
            Way::Silent => {}
            Way::Bad(_) => {
                if let Some(about) = about(&step.act) {
                    line.send(&play.world, about)?;
                }
                line.deliver(&play.world).await?;
                if play.world.engine().look_where_hinted().await? {
                    while play.world.engine().work().await?.claimed > 0 {}
                }
            }
            Way::Alone => {
                play.world.polls = false;
                play.hear().await?;
                line.told_of_everything(&play.world).await?;
            }
        }
        play.go_on().await?;
    }
    play.world.check().await?;
    line.played.ending = ending(&play.world).await?;
    Ok(line.played)
}

/// Returns the kind of delivery that the forge sends for a step.
fn about(act: &Act) -> Option<&'static str> {
    match act {
        Act::Git(_) => Some("push"),
        Act::Forge(words) if words.ends_with("approves") || words.contains("changes") => Some("review"),
        Act::Forge(words) if words.contains("pull request") => Some("pull"),
        Act::Forge(_) => Some("check"),
        // The forge also sends deliveries about the bot's own changes.
        Act::Typed(_) | Act::During(_) | Act::Both(..) => Some("pull"),
        Act::World(_) | Act::Clock(_) | Act::Given(_) => None,
    }
}

struct Line {
    dice: u64,
    hook: Arc<dyn Webhook>,
    /// Number of distinct deliveries so far.
    sent: usize,
    waiting: Vec<Delivery>,
    played: Played,
}

impl Line {
    /// Returns a pseudorandom number below `sides`.
    fn throw(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    fn made(&mut self, world: &World, about: &str) -> anyhow::Result<Delivery> {
        self.sent += 1;
        let delivery = world.site.delivery(&format!("delivery-{}", self.sent), about, world.clock.moment());
        delivery.context("this forge has no webhooks")
    }

    /// Sends a delivery. A third of them are lost; half of the others are sent twice.
    fn send(&mut self, world: &World, about: &str) -> anyhow::Result<()> {
        let delivery = self.made(world, about)?;
        if self.throw(3) == 0 {
            self.played.lost += 1;
            return Ok(());
        }
        if self.throw(2) == 0 {
            self.waiting.push(delivery.clone());
        }
        self.waiting.push(delivery);
        Ok(())
    }

    /// Delivers some of the waiting deliveries in random order. The others are delayed.
    async fn deliver(&mut self, world: &World) -> anyhow::Result<()> {
        for _ in 0..self.waiting.len() {
            let number = self.throw(u64::try_from(self.waiting.len())?);
            if self.throw(3) > 0 {
                let delivery = self.waiting.swap_remove(usize::try_from(number)?);
                self.arrives(world, &delivery).await?;
            }
        }
        Ok(())
    }

    /// Delivers a webhook and lets the bot settle, repeatedly until the states of the runs no longer change.
    async fn told_of_everything(&mut self, world: &World) -> anyhow::Result<()> {
        loop {
            let before = world.engine().states().await;
            let delivery = self.made(world, "push")?;
            self.arrives(world, &delivery).await?;
            world.settle().await?;
            if world.engine().states().await == before {
                return Ok(());
            }
        }
    }

    async fn arrives(&mut self, world: &World, delivery: &Delivery) -> anyhow::Result<()> {
        let accepted = self.hook.accept(&delivery.headers, delivery.body.as_bytes(), world.clock.moment());
        let accepted = accepted.map_err(|refused| anyhow::anyhow!("it was refused: {refused:?}"))?;
        let hint = accepted.hint.context("it hints at nothing")?;
        match world.engine().hint(NAME, &accepted.key, &hint.repo).await? {
            WakeupResult::Looking => self.played.looked += 1,
            WakeupResult::SeenBefore => self.played.seen_before += 1,
            WakeupResult::NoConcern => {}
        }
        Ok(())
    }
}
