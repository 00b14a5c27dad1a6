//! Benchmark of a decision of the domain: `cargo bench -p hotfix-tests --bench domain` prints a row for tests/benches/README.md.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use hotfix::domain::decide::decide;
use hotfix::domain::evolve::evolve;
use hotfix_tests::model::{Model, Throw, Thrown};

/// Number of repetitions of each decision.
const ROUNDS: u32 = 20;

fn main() {
    // A fixed sequence of throws makes two runs of the benchmark comparable.
    let mut seed = 42_u64;
    let mut roll = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).unwrap_or(0)
    };
    let mut thrown: Vec<Thrown> = Vec::new();
    while thrown.len() < 4_000 {
        let mut model = Model::new("payments");
        for _ in 0..120 {
            let throw: Throw = (roll() as u8, roll() as u8, roll() as u16);
            thrown.extend(model.throw(throw));
        }
    }
    let now = Model::new("payments").now;
    let began = Instant::now();
    for _ in 0..ROUNDS {
        for one in &thrown {
            let _ = black_box(decide(black_box(&one.before), black_box(&one.command), now));
        }
    }
    let decided = began.elapsed() / (ROUNDS * u32::try_from(thrown.len()).unwrap_or(1));
    let mut events = 0_u32;
    let began = Instant::now();
    for one in thrown.iter().filter(|one| one.decision.is_ok()) {
        let mut state = one.before.clone();
        for entry in one.decision.iter().flat_map(|decision| &decision.entries) {
            state = evolve(state.id, Some(state), black_box(entry)).expect("what was decided can be");
            events += 1;
        }
        black_box(state);
    }
    let evolved = began.elapsed() / events.max(1);
    println!(
        "| decide and evolve | {} random commands | {:.1} µs a command | {:.1} µs an event |",
        thrown.len(),
        decided.as_secs_f64() * 1e6,
        evolved.as_secs_f64() * 1e6
    );
}
