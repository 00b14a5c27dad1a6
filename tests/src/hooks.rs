//! A forge that tells of what happens on it, over a bad line: deliveries come twice, in another order, late, or never. They
//! are hints, so the end is the same.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use hotfix::engine::Hinted;
use hotfix::wire;
use hotfix_adapters::forge::webhook::Webhook;

use crate::ending::ending;
use crate::play::Play;
use crate::scenario::{Act, Scenario};
use crate::site::{Delivery, Host, NAME};
use crate::world::World;

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

/// Plays the scenario in this file; the seed decides what becomes of each delivery. Without one nothing is delivered.
///
/// # Errors
/// When a step cannot be played, or a genuine delivery is refused.
pub async fn play_with_deliveries(path: &Path, host: Host, seed: Option<u64>) -> anyhow::Result<Played> {
    let mut scenario = Scenario::read(path)?;
    scenario.options.host = host;
    let mut play = Play::new(World::new(scenario.options.clone()).await?)?;
    let hook = wire::http(&play.world.config()?)?.hooks.remove(NAME).context("no webhook is configured")?;
    let mut line = Line { dice: seed, hook, waiting: Vec::new(), played: Played::default() };
    for (number, step) in scenario.steps.iter().enumerate() {
        play.begin(&step.act).await?;
        if let Some(about) = about(&step.act) {
            let delivery = play.world.site.delivery(&format!("delivery-{number}"), about, play.world.clock.moment());
            line.send(delivery.context("this forge has no webhooks")?);
        }
        line.deliver(&play.world).await?;
        if play.world.engine().look_where_hinted().await? {
            while play.world.engine().work().await?.claimed > 0 {}
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
        Act::Typed(_) | Act::Both(..) => Some("pull"),
        Act::World(_) | Act::Clock(_) | Act::Given(_) => None,
    }
}

struct Line {
    dice: Option<u64>,
    hook: Arc<dyn Webhook>,
    waiting: Vec<Delivery>,
    played: Played,
}

impl Line {
    /// A number below `sides`.
    fn throw(&mut self, sides: u64) -> u64 {
        let dice = self.dice.get_or_insert(0);
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*dice >> 33) % sides
    }

    /// A third gets lost; of the rest, a half is sent twice.
    fn send(&mut self, delivery: Delivery) {
        if self.dice.is_none() {
            return;
        }
        if self.throw(3) == 0 {
            self.played.lost += 1;
            return;
        }
        if self.throw(2) == 0 {
            self.waiting.push(delivery.clone());
        }
        self.waiting.push(delivery);
    }

    /// Some of what waits arrives now, in any order; the rest is late.
    async fn deliver(&mut self, world: &World) -> anyhow::Result<()> {
        for _ in 0..self.waiting.len() {
            let number = self.throw(u64::try_from(self.waiting.len())?);
            if self.throw(3) == 0 {
                continue;
            }
            let Delivery { headers, body } = self.waiting.swap_remove(usize::try_from(number)?);
            let accepted = self.hook.accept(&headers, body.as_bytes(), world.clock.moment());
            let accepted = accepted.map_err(|refused| anyhow::anyhow!("it was refused: {refused:?}"))?;
            let hint = accepted.hint.context("it hints at nothing")?;
            match world.engine().hint(NAME, &accepted.key, &hint.repo).await? {
                Hinted::Looking => self.played.looked += 1,
                Hinted::SeenBefore => self.played.seen_before += 1,
                Hinted::NoConcern => {}
            }
        }
        Ok(())
    }
}
