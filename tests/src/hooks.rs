//! A forge that tells of what happens on it. Over a bad line deliveries come twice, in another order, late, or never: they are
//! hints, so the end is the same. Over a good one they are all that the bot needs.

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

/// What the deliveries of a play are like.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// There are none.
    Silent,
    /// Some get lost, come twice, late, or in another order: the seed decides.
    Bad(u64),
    /// All come, and the bot asks for nothing by itself.
    Alone,
}

/// What came of a play with deliveries.
#[derive(Debug, Default)]
pub struct Played {
    /// How it ended.
    pub ending: Vec<String>,
    /// Deliveries that made the bot look.
    pub looked: usize,
    /// Deliveries that had come before.
    pub seen_before: usize,
    /// Deliveries that got lost.
    pub lost: usize,
}

/// Plays the scenario in this file with deliveries.
///
/// # Errors
/// When a step cannot be played, or a genuine delivery is refused.
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

/// What the forge tells of.
fn about(act: &Act) -> Option<&'static str> {
    match act {
        Act::Git(_) => Some("push"),
        Act::Forge(words) if words.ends_with("approves") || words.contains("changes") => Some("review"),
        Act::Forge(words) if words.contains("pull request") => Some("pull"),
        Act::Forge(_) => Some("check"),
        // The bot's own doings are told to it as well.
        Act::Typed(_) | Act::During(_) | Act::Both(..) => Some("pull"),
        Act::World(_) | Act::Clock(_) | Act::Given(_) => None,
    }
}

struct Line {
    dice: u64,
    hook: Arc<dyn Webhook>,
    /// How many different deliveries were sent.
    sent: usize,
    waiting: Vec<Delivery>,
    played: Played,
}

impl Line {
    /// A number below `sides`.
    fn throw(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    fn made(&mut self, world: &World, about: &str) -> anyhow::Result<Delivery> {
        self.sent += 1;
        let delivery = world.site.delivery(&format!("delivery-{}", self.sent), about, world.clock.moment());
        delivery.context("this forge has no webhooks")
    }

    /// A third gets lost; of the rest, a half is sent twice.
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

    /// Some of what waits arrives now, in any order; the rest is late.
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

    /// The forge tells of what people did and of what the bot does, until nothing new comes of it.
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
