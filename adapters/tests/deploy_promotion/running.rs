//! The commit that production refers to (SRE-2).

use hotfix_adapters::deploy::Deploy;
use hotfix_adapters::failure::Failure;

use super::world::{INTERNAL, NEW, OLD, SAAS, World};

async fn refused(world: &World) -> String {
    match world.promotion().running().await {
        Err(Failure::Rejected { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// SRE-2: full ids must be equal, and short ones must be their prefixes.
#[tokio::test]
async fn production_names_one_commit() {
    let mut world = World::new();
    assert_eq!(world.promotion().running().await.unwrap().unwrap().commit.as_str(), OLD);
    // Short ids alone do not identify the commit.
    world.targets.drain(..3);
    assert_eq!(world.promotion().running().await.unwrap(), None);
    world.replace(".env", "=1a4ed92", "=1a4ed93");
    assert!(refused(&world).await.contains(".env:10 names 1a4ed93"));
}

/// SRE-2: production targets with different ids are reported one by one.
#[tokio::test]
async fn targets_that_disagree_are_all_named() {
    let world = World::new();
    world.replace(INTERNAL, OLD, NEW);
    let reason = refused(&world).await;
    let places =
        [format!("{SAAS}:52 names {OLD}"), format!("{INTERNAL}:14 names {NEW}"), ".env:10 names 1a4ed92".into()];
    assert!(
        reason.starts_with("production does not name one commit") && places.iter().all(|p| reason.contains(p)),
        "{reason}"
    );

    let mut world = World::new();
    world.replace(".env", "=1a4ed92", "=ea6d44c");
    assert!(refused(&world).await.contains(".env:10 names ea6d44c"));
    world.targets[3].production = false;
    assert_eq!(world.promotion().running().await.unwrap().unwrap().commit.as_str(), OLD, "it is not production's");
}

/// SRE-2: production must use full ids: a branch moves, and a short id may become ambiguous.
#[tokio::test]
async fn a_branch_and_a_short_id_are_refused() {
    let world = World::new();
    world.replace(INTERNAL, OLD, "main");
    let branch = format!("{INTERNAL}:14 names main, which is no commit id but a branch or a tag");
    assert!(refused(&world).await.starts_with(&branch), "{}", refused(&world).await);
    let world = World::new();
    world.replace(INTERNAL, OLD, "1a4ed92195f7");
    assert!(refused(&world).await.contains("names 1a4ed92195f7, which is a short commit id"));
    let world = World::new();
    world.replace(".env", "=1a4ed92", "=latest");
    assert!(refused(&world).await.contains(".env:10 names latest, which is no commit id"));
}
