//! Fault-injecting wrappers of the bot's ports. From a chosen moment on, every call fails as if the process had been
//! stopped there, until a new engine is started. The wrappers can also take the forge or the chat down, or make calls
//! hang or panic.

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

/// The fault injector: decides where the bot is stopped, and which remote systems are down or hang.
#[derive(Debug, Default)]
pub struct Cut {
    knife: Mutex<Knife>,
    /// The remote systems that hang, each for one service, such as `forge of payments`.
    hung: watch::Sender<BTreeSet<String>>,
    /// Number of calls that currently wait, keyed by remote system.
    waiting: Mutex<BTreeMap<String, usize>>,
}

/// A call that is waiting. Dropping it ends the wait, also when the call is cancelled.
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
    /// Number of calls left that panic, keyed by remote system.
    faults: BTreeMap<String, usize>,
    /// The remote systems of all calls that had to wait.
    waited: Vec<String>,
    /// The state of refusals.
    refusing: Refusing,
}

/// The calls that perform effects, and the one among them that is refused permanently.
#[derive(Debug, Default)]
struct Refusing {
    /// `true` while effects are performed.
    performing: bool,
    /// Names of the effects that are being performed.
    claimed: Vec<String>,
    /// The calls so far, each as the names of the effects and the place of the call.
    calls: Vec<(String, String)>,
    /// Index of the call that is refused.
    at: Option<usize>,
}

impl Cut {
    /// Marks a moment at which the bot can be stopped. Fails if it is stopped there.
    ///
    /// # Errors
    /// Fails if the bot is stopped.
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

    /// Fails if the bot is stopped.
    ///
    /// # Errors
    /// Fails if the bot is stopped.
    pub fn alive(&self) -> Result<(), Failure> {
        if self.lock().dead { Err(stopped()) } else { Ok(()) }
    }

    /// Fails if the bot is stopped, or if this remote system is down.
    ///
    /// # Errors
    /// Fails if the bot is stopped, if the remote system is down, or if this call is the one to refuse.
    #[track_caller]
    pub fn reaches(&self, side: &'static str) -> Result<(), Failure> {
        self.alive()?;
        if self.lock().down.contains(side) {
            return Err(Failure::retry(format!("the {side} is down")));
        }
        self.lock().refusing.call(side, Location::caller())
    }

    /// Sets whether effects are performed from here on. If so, calls are counted, and one of them may be refused.
    pub fn performing(&self, performing: bool) {
        self.lock().refusing.performing = performing;
    }

    /// Sets the effects that are performed next.
    pub fn claimed(&self, effects: Vec<String>) {
        self.lock().refusing.claimed = effects;
    }

    /// Refuses the call with this index, or none. Restarts the count.
    pub fn refuse_at(&self, call: Option<usize>) {
        self.lock().refusing = Refusing { at: call, ..Refusing::default() };
    }

    /// Returns the calls that performed effects, each as the names of the effects and the place of the call.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, String)> {
        self.lock().refusing.calls.clone()
    }

    /// Enters a call to one remote system for one service. The call may hang or panic.
    ///
    /// # Errors
    /// Fails if the bot is stopped, or if the remote system is down.
    ///
    /// # Panics
    /// Panics if [`Cut::break_off`] asked for it.
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

    /// Makes one remote system of one service hang, such as `forge of payments`, or releases it.
    pub fn hang(&self, name: &str, hangs: bool) {
        self.hung.send_modify(|hung| {
            if hangs {
                hung.insert(name.to_owned())
            } else {
                hung.remove(name)
            };
        });
    }

    /// Returns how many calls have had to wait for this remote system.
    #[must_use]
    pub fn waited(&self, name: &str) -> usize {
        self.lock().waited.iter().filter(|waited| *waited == name).count()
    }

    /// Returns how many calls currently wait for this remote system.
    #[must_use]
    pub fn waits(&self, name: &str) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }

    /// Makes the next `times` calls to this remote system panic.
    pub fn break_off(&self, name: &str, times: usize) {
        self.lock().faults.insert(name.to_owned(), times);
    }

    /// Returns `true` if the bot is stopped.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// Returns the number of moments passed so far.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.lock().passed
    }

    /// Returns the description of the moment with this index.
    #[must_use]
    pub fn name(&self, moment: usize) -> String {
        self.lock().names.get(moment).cloned().unwrap_or_default()
    }

    /// Stops the bot at the moment with this index. Restarts the count.
    pub fn stop_at(&self, moment: usize) {
        let mut knife = self.lock();
        (knife.passed, knife.at, knife.dead) = (0, Some(moment), false);
        knife.names.clear();
    }

    /// Lets the bot run again. Restarts the count.
    pub fn revive(&self) {
        let mut knife = self.lock();
        (knife.passed, knife.at, knife.dead) = (0, None, false);
        knife.names.clear();
    }

    /// Takes a remote system down, or brings it up again.
    pub fn set_down(&self, side: &'static str, down: bool) {
        let mut knife = self.lock();
        if down {
            knife.down.insert(side)
        } else {
            knife.down.remove(side)
        };
    }

    /// Returns the remote systems that are down.
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
        // The journal cannot refuse a call permanently.
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
