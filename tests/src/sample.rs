//! The sample of cases that a test run tries, chosen by a seed that changes with every commit.

use std::fmt;
use std::process::Command;
use std::sync::OnceLock;

use proptest::test_runner::{Config, RngSeed};

/// Every n-th case, with an offset that the seed chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    every: usize,
    seed: usize,
}

impl Sample {
    /// Returns a sample of every `usual`-th case. The environment variable `name` overrides the interval: 1 means all
    /// cases, 0 none.
    ///
    /// # Panics
    /// Panics if the variable is not a number.
    #[must_use]
    pub fn of(name: &str, usual: usize) -> Option<Self> {
        let every = number(name, usual);
        (every > 0).then(|| Self { every, seed: seed() })
    }

    /// Returns `true` if the case with this number is tried.
    #[must_use]
    pub fn holds(&self, number: usize) -> bool {
        number % self.every == self.seed % self.every
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "every {}., TEST_SEED={}", self.every, self.seed)
    }
}

/// Returns the number in the environment variable `name`, or the usual one if it is not set.
///
/// # Panics
/// Panics if the variable is not a number.
#[must_use]
pub fn number(name: &str, usual: usize) -> usize {
    let said = std::env::var(name).ok();
    said.map_or(usual, |said| said.parse().unwrap_or_else(|_| panic!("{name}={said} is not a number")))
}

/// Returns the configuration of a property test with this many cases, chosen by the seed.
#[must_use]
pub fn property(cases: usize) -> Config {
    Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed() as u64),
        ..Config::default()
    }
}

/// Returns the seed: `TEST_SEED`, or else the number of commits up to this one. Each commit tries other cases than the
/// one before it, so a sample of every n-th case covers all of them in n consecutive commits.
///
/// # Panics
/// Panics if `TEST_SEED` is not a number.
pub fn seed() -> usize {
    static SEED: OnceLock<usize> = OnceLock::new();
    *SEED.get_or_init(|| match std::env::var("TEST_SEED") {
        Ok(said) => said.parse().unwrap_or_else(|_| panic!("TEST_SEED={said} is not a number")),
        Err(_) => commits().unwrap_or(0),
    })
}

/// Returns the number of git commits up to this one. `None` outside of a repository.
fn commits() -> Option<usize> {
    let counted = ["-C", env!("CARGO_MANIFEST_DIR"), "rev-list", "--count", "HEAD"];
    let output = Command::new("git").args(["-c", "safe.directory=*"]).args(counted).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
