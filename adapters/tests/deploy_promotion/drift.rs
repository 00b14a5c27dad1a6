//! Main moves while a proposal waits (PROMO-14).

use std::collections::BTreeMap;

use hotfix_adapters::deploy::DeployStatus;
use hotfix_adapters::deploy::promotion::MergeBy;
use hotfix_adapters::forge::{MergeMethod, PullState};

use super::world::{APP, INTERNAL, NEW, OLD, SAAS, SHARED, World, request};

const KEY: &str = "HF-1-production-1";
const BRANCH: &str = "promote-HF-1-production-1";

async fn started() -> World {
    let mut world = World::new();
    world.merge = MergeBy::Us { method: MergeMethod::Merge, checks: Vec::new() };
    world.start(&request(NEW)).await.unwrap();
    world
}

#[tokio::test]
async fn what_does_not_conflict_is_told_and_left_alone() {
    let world = started().await;
    let head = world.pull(1).await.head_commit;
    world.replace(APP, "app-interface", "interface");
    assert!(world.note(KEY).await.starts_with("waits for the label"), "another file does not matter");
    world.replace(SAAS, "displayName: qontract reconcile", "displayName: Reconcile");
    let note = world.note(KEY).await;
    assert!(note.starts_with(&format!("main moved in {SAAS}, which does not conflict; waits")), "{note}");
    assert_eq!(world.pull(1).await.head_commit, head);
    world.label("grace@example.org", "lgtm").await;
    assert!(matches!(world.status(KEY).await, Some(DeployStatus::Succeeded { .. })));
    assert!(world.file("main", SAAS).contains("displayName: Reconcile"));
}

#[tokio::test]
async fn a_conflict_around_the_values_is_settled_by_proposing_them_anew() {
    let world = started().await;
    let head = world.pull(1).await.head_commit;
    world.replace(SAAS, "# prod, see the SOP before you touch it", "# production");
    let note = world.note(KEY).await;
    assert!(note.contains("which conflicted; the same was proposed anew on top of it"), "{note}");
    assert_ne!(world.pull(1).await.head_commit, head);
    assert!(world.file(BRANCH, SAAS).contains(&format!("ref: {NEW} # production\n")));
    assert_eq!(world.git(&["rev-list", "--count", &format!("main..{BRANCH}")]).trim(), "1");
    assert!(world.note(KEY).await.starts_with("waits for the label"), "settled");
    world.label("grace@example.org", "lgtm").await;
    assert!(matches!(world.status(KEY).await, Some(DeployStatus::Succeeded { .. })));
}

/// A crash between the record and the move of the branch.
#[tokio::test]
async fn a_proposal_anew_that_was_cut_off_is_finished() {
    let world = started().await;
    let head = world.pull(1).await.head_commit;
    world.replace(SAAS, "# prod, see the SOP before you touch it", "# production");
    world.note(KEY).await;
    let anew = world.pull(1).await.head_commit;
    world.git(&["update-ref", &format!("refs/heads/{BRANCH}"), head.as_str()]);
    assert!(world.note(KEY).await.starts_with("waits for the label"));
    assert_eq!(world.pull(1).await.head_commit, anew);
}

/// If someone promoted or rolled back by hand meanwhile, the bot does not override them, with or without the label.
#[tokio::test]
async fn values_that_others_changed_are_left_to_people() {
    let world = started().await;
    world.label("grace@example.org", "lgtm").await;
    let other = "c".repeat(40);
    world.replace(INTERNAL, OLD, &other);
    let note = world.note(KEY).await;
    assert!(note.contains(&format!("{INTERNAL}:14 names {other} by now; a person has to decide")), "{note}");
    assert_eq!(world.pull(1).await.state, PullState::Open);
    assert!(world.file(BRANCH, INTERNAL).contains(NEW));

    // A change that merges cleanly but would not be promoted: a new file with the old commit.
    let world = started().await;
    world.label("grace@example.org", "lgtm").await;
    let (name, text) = (format!("{SHARED}/pipelines-c.yml"), "qontract_reconcile_image_tag: '1a4ed92'\n".to_owned());
    world.commit(&BTreeMap::from([(name.clone(), text)]));
    let note = world.note(KEY).await;
    assert!(note.contains(&format!("{name}:1 names 1a4ed92 by now; a person has to decide")), "{note}");
    assert_eq!(world.pull(1).await.state, PullState::Open);
}

#[tokio::test]
async fn a_branch_that_others_pushed_to_is_not_merged_by_the_bot() {
    let world = started().await;
    world.label("grace@example.org", "lgtm").await;
    world.commit_on(BRANCH, &BTreeMap::from([("evil".to_owned(), "x".to_owned())]));
    let note = world.note(KEY).await;
    assert!(note.starts_with(&format!("the branch {BRANCH} was changed by others: it is at")), "{note}");
    assert_eq!(world.pull(1).await.state, PullState::Open);
}
