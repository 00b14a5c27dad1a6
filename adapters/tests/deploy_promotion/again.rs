//! A crash at any point of a start: the next start completes it, once.

use std::path::Path;

use hotfix_adapters::deploy::DeployStatus;

use super::world::{APP, NEW, World, request};

const KEY: &str = "HF-1-production-1";
const BRANCH: &str = "promote-HF-1-production-1";

/// Restores the record to its state before the merge request's number was recorded.
fn forget_number(record: &Path) {
    let mut value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(record).unwrap()).unwrap();
    value["number"] = serde_json::Value::Null;
    value["announced"] = false.into();
    std::fs::write(record, value.to_string()).unwrap();
}

fn pulls(world: &World) -> usize {
    let book: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(world.ledger()).unwrap()).unwrap();
    book["pulls"].as_array().unwrap().len()
}

async fn started() -> (World, String) {
    let world = World::new();
    world.start(&request(NEW)).await.unwrap();
    let head = world.git(&["rev-parse", BRANCH]);
    (world, head)
}

async fn finishes(world: &World, head: &str) {
    world.start(&request(NEW)).await.unwrap();
    world.start(&request(NEW)).await.unwrap();
    assert_eq!(world.git(&["rev-parse", BRANCH]), head, "the same commit again");
    assert_eq!(pulls(world), 1);
    assert!(world.note(KEY).await.starts_with("waits for the label"));
}

#[tokio::test]
async fn cut_off_before_the_branch() {
    let (world, head) = started().await;
    std::fs::remove_file(world.ledger()).unwrap();
    world.git(&["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    forget_number(&world.record(KEY));
    assert_eq!(world.status(KEY).await, None);
    finishes(&world, &head).await;
}

#[tokio::test]
async fn cut_off_before_the_branch_while_main_moves() {
    let (world, head) = started().await;
    std::fs::remove_file(world.ledger()).unwrap();
    world.git(&["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    forget_number(&world.record(KEY));
    world.replace(APP, "app-interface", "interface");
    world.start(&request(NEW)).await.unwrap();
    assert_ne!(world.git(&["rev-parse", BRANCH]), head);
    assert_eq!(world.git(&["rev-parse", &format!("{BRANCH}^")]), world.git(&["rev-parse", "main"]));
}

#[tokio::test]
async fn cut_off_before_the_merge_request() {
    let (world, head) = started().await;
    std::fs::remove_file(world.ledger()).unwrap();
    forget_number(&world.record(KEY));
    assert_eq!(world.status(KEY).await, None);
    // The edits are not computed again: the pushed commit is proposed.
    world.replace(APP, "app-interface", "interface");
    finishes(&world, &head).await;
}

#[tokio::test]
async fn cut_off_before_its_number_was_written_down() {
    let (world, head) = started().await;
    forget_number(&world.record(KEY));
    assert!(world.note(KEY).await.starts_with("waits"), "it is found by its branch");
    forget_number(&world.record(KEY));
    finishes(&world, &head).await;
}

#[tokio::test]
async fn a_record_that_was_lost_is_made_again_from_the_merge_request() {
    let (world, head) = started().await;
    std::fs::remove_file(world.record(KEY)).unwrap();
    assert_eq!(world.status(KEY).await, None);
    finishes(&world, &head).await;
    world.merge(1).await;
    std::fs::remove_file(world.record(KEY)).unwrap();
    world.start(&request(NEW)).await.unwrap();
    assert!(matches!(world.status(KEY).await, Some(DeployStatus::Succeeded { .. })), "merged meanwhile");
}

#[tokio::test]
async fn a_branch_or_a_merge_request_of_somebody_else_is_not_taken_over() {
    let (world, _) = started().await;
    std::fs::remove_file(world.record(KEY)).unwrap();
    let refused = world.start(&request(&"b".repeat(40))).await.unwrap_err();
    assert!(refused.starts_with(&format!("!1 comes from the branch of the deployment {KEY}")), "{refused}");
    std::fs::remove_file(world.ledger()).unwrap();
    let refused = world.start(&request(&"b".repeat(40))).await.unwrap_err();
    assert!(refused.contains(BRANCH), "{refused}");
}
