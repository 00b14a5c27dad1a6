//! The ports of the bot, with a knife in between: everything fails from one chosen moment on, as if the process had been
//! stopped there, until a new engine is started. The same wrappers let the forge or the chat be down for a while.

mod chat;
mod deploy;
mod forge;
mod journal;
mod shelf;

pub use chat::CutChat;
pub use deploy::CutDeploy;
pub use forge::CutForge;
pub use journal::{CutJournal, Op, replayed};
pub use shelf::{Rack, Shelf};

use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotfix_adapters::failure::Failure;
use tokio::sync::watch;

/// Where the bot is stopped, and what is down.
#[derive(Debug, Default)]
pub struct Cut {
    knife: Mutex<Knife>,
    /// The sides of the world that hang, each of one service: `forge of payments`.
    hung: watch::Sender<BTreeSet<String>>,
    /// How many calls of each wait at this moment.
    waiting: Mutex<BTreeMap<String, usize>>,
}

/// A call that hangs, until it goes on or is given up.
struct Waits<'a>(&'a Mutex<BTreeMap<String, usize>>, String);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a Mutex<BTreeMap<String, usize>>, name: &str) -> Self {
        *waiting.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default() += 1;
        Self(waiting, name.to_owned())
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&self.1) {
            *count -= 1;
        }
    }
}

#[derive(Debug, Default)]
struct Knife {
    passed: usize,
    at: Option<usize>,
    dead: bool,
    down: BTreeSet<&'static str>,
    names: Vec<String>,
    /// How often calls of one side break off, as by a fault of the bot.
    faults: BTreeMap<String, usize>,
    /// The calls that hang, or hung.
    waited: Vec<String>,
    /// What is refused.
    refusing: Refusing,
}

/// The calls by which effects are performed, and which of them is refused for good.
#[derive(Debug, Default)]
struct Refusing {
    /// Whether effects are performed now.
    performing: bool,
    /// Which effects.
    claimed: Vec<String>,
    /// The calls so far, each with the effects in whose time it fell.
    calls: Vec<(String, String)>,
    /// The number of the one that is refused.
    at: Option<usize>,
}

impl Cut {
    /// A moment at which the bot can be stopped. Fails when it is stopped.
    ///
    /// # Errors
    /// The bot is dead.
    pub fn here(&self, what: &str) -> Result<(), Failure> {
        let mut knife = self.lock();
        if knife.dead {
            return Err(stopped());
        }
        if knife.at == Some(knife.passed) {
            knife.dead = true;
        }
        knife.passed += 1;
        knife.names.push(what.to_owned());
        if knife.dead { Err(stopped()) } else { Ok(()) }
    }

    /// Fails when the bot is stopped.
    ///
    /// # Errors
    /// The bot is dead.
    pub fn alive(&self) -> Result<(), Failure> {
        if self.lock().dead { Err(stopped()) } else { Ok(()) }
    }

    /// Fails when the bot is stopped, or this side of the world is down.
    ///
    /// # Errors
    /// The bot is dead, or the side is down.
    #[track_caller]
    pub fn reaches(&self, side: &'static str) -> Result<(), Failure> {
        self.alive()?;
        if self.lock().down.contains(side) {
            return Err(Failure::retry(format!("the {side} is down")));
        }
        self.lock().refusing.call(side, Location::caller())
    }

    /// Says whether effects are performed from here on: their calls are counted, and one of them may be refused.
    pub fn performing(&self, performing: bool) {
        self.lock().refusing.performing = performing;
    }

    /// These effects are performed next.
    pub fn claimed(&self, effects: Vec<String>) {
        self.lock().refusing.claimed = effects;
    }

    /// Refuses the call with this number, or none; counting begins anew.
    pub fn refuse_at(&self, call: Option<usize>) {
        self.lock().refusing = Refusing { at: call, ..Refusing::default() };
    }

    /// The calls by which effects were performed, each with the effects in whose time it fell.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, String)> {
        self.lock().refusing.calls.clone()
    }

    /// A call to one side of the world for one service: it may hang, and it may break off.
    ///
    /// # Errors
    /// The bot is dead, or the side is down.
    ///
    /// # Panics
    /// When the test wants it to.
    pub async fn enter(&self, side: &'static str, service: &str) -> Result<(), Failure> {
        self.reaches(side)?;
        let name = format!("{side} of {service}");
        let faulty = self.lock().faults.get_mut(&name).filter(|left| **left > 0).map(|left| *left -= 1).is_some();
        assert!(!faulty, "the {name} was told to break off");
        let mut hung = self.hung.subscribe();
        if hung.borrow().contains(&name) {
            self.lock().waited.push(name.clone());
        }
        let _waits = Waits::begin(&self.waiting, &name);
        hung.wait_for(|hung| !hung.contains(&name)).await.map_err(|_| stopped())?;
        self.reaches(side)
    }

    /// Lets one side of one service hang, or go on: `forge of payments`.
    pub fn hang(&self, name: &str, hangs: bool) {
        self.hung.send_modify(|hung| {
            if hangs {
                hung.insert(name.to_owned())
            } else {
                hung.remove(name)
            };
        });
    }

    /// How many calls of one side waited because it hung.
    #[must_use]
    pub fn waited(&self, name: &str) -> usize {
        self.lock().waited.iter().filter(|waited| *waited == name).count()
    }

    /// How many calls of one side wait at this moment because it hangs.
    #[must_use]
    pub fn waits(&self, name: &str) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }

    /// Lets the next calls of one side break off.
    pub fn break_off(&self, name: &str, times: usize) {
        self.lock().faults.insert(name.to_owned(), times);
    }

    /// Whether the bot is stopped.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// How many moments were passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.lock().passed
    }

    /// What the moment with this number was.
    #[must_use]
    pub fn name(&self, moment: usize) -> String {
        self.lock().names.get(moment).cloned().unwrap_or_default()
    }

    /// Stops the bot at the moment with this number; counting begins anew.
    pub fn stop_at(&self, moment: usize) {
        let mut knife = self.lock();
        (knife.passed, knife.at, knife.dead) = (0, Some(moment), false);
        knife.names.clear();
    }

    /// Lets the bot live from here on; counting begins anew.
    pub fn revive(&self) {
        let mut knife = self.lock();
        (knife.passed, knife.at, knife.dead) = (0, None, false);
        knife.names.clear();
    }

    /// Takes one side of the world down, or puts it up again.
    pub fn set_down(&self, side: &'static str, down: bool) {
        let mut knife = self.lock();
        if down {
            knife.down.insert(side)
        } else {
            knife.down.remove(side)
        };
    }

    /// The sides of the world that are down.
    #[must_use]
    pub fn down(&self) -> Vec<&'static str> {
        self.lock().down.iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Knife> {
        self.knife.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusing {
    fn call(&mut self, side: &str, place: &Location<'_>) -> Result<(), Failure> {
        // The journal is no side that could refuse for good.
        if !self.performing || side == "leases" {
            return Ok(());
        }
        self.calls.push((self.claimed.join(" + "), format!("{side}:{}", place.line())));
        if self.at == Some(self.calls.len() - 1) {
            return Err(Failure::rejected(format!("the {side} says no")));
        }
        Ok(())
    }
}

fn stopped() -> Failure {
    Failure::retry("the bot was stopped here")
}
