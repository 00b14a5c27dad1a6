//! One test a scenario.

use std::path::{Path, PathBuf};

use hotfix_tests::play::{Play, play_file};
use hotfix_tests::scenario::Scenario;
use hotfix_tests::world::World;
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn scenario(#[files("scenarios/*.txt")] path: PathBuf) {
    if let Err(error) = play_file(&path).await {
        panic!("{error:#}");
    }
}

/// The store of the product in place of the one in memory. It commits on a thread of its own, so two lines of the same
/// moment may stand in either order: here the end counts, the replay, and the chain of hashes.
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
