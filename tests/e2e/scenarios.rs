//! One test per scenario: its text, and crashes at sampled points (see `hotfix_tests::crash`).

use std::path::{Path, PathBuf};
use std::time::Instant;

use hotfix_tests::crash::at_every_moment;
use hotfix_tests::play::Play;
use hotfix_tests::sample::Sample;
use hotfix_tests::scenario::Scenario;
use hotfix_tests::world::World;
use rstest::rstest;

/// Plays each scenario, compares it with its text, and crashes at every 48th point (`CRASH_EVERY=1`: at all,
/// `CRASH_EVERY=0`: at none).
#[rstest]
#[tokio::test]
async fn scenario(#[files("scenarios/*.txt")] path: PathBuf) {
    let (sample, began) = (Sample::of("CRASH_EVERY", 48), Instant::now());
    match at_every_moment(&path, sample, 25).await {
        Ok(tried) => println!(
            "{}: stopped at {} of {} moments ({}), {:.1?}",
            path.file_stem().unwrap_or_default().display(),
            tried.tried,
            tried.moments,
            sample.map_or_else(|| "none".to_owned(), |sample| sample.to_string()),
            began.elapsed()
        ),
        Err(error) => panic!("{error:#}"),
    }
}

/// Runs on the embedded store instead of the in-memory one. It commits on its own thread, so two lines of the same
/// moment may have either order. The test compares the end, the replay and the hash chain.
#[tokio::test]
async fn the_whole_way_on_the_embedded_store() {
    let mut scenario =
        Scenario::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/apply-whole.txt")).expect("a scenario");
    scenario.options.embedded = true;
    let mut play = Play::new(World::new(scenario.options.clone()).await.expect("a world")).expect("a play");
    for step in &scenario.steps {
        play.step(&step.act).await.expect("a step");
    }
    let end = play.last_words().await.expect("an end");
    play.world.check().await.expect("all is well");
    assert!(scenario.steps.iter().any(|step| step.seen.ends_with(&end)), "another end: {end:?}");
}
