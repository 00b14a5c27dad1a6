//! Gates of the target repository: subscriptions to stage, automatic promotion, and blocked commits.

use hotfix_adapters::deploy::DeployRequest;
use hotfix_adapters::deploy::promotion::HotfixVersions;

use super::world::{APP, NEW, World, request};

const BRANCH: &str = "promote-HF-1-production-1";

fn declared() -> World {
    let mut world = World::new();
    let component = "codeComponents[name=qontract-reconcile]".parse().unwrap();
    world.hotfix_versions = Some(HotfixVersions { file: APP.into(), component });
    world
}

/// SRE-12: a commit that never was on stage passes the gate of a subscribed target only as a declared hotfix.
#[tokio::test]
async fn a_hotfix_is_declared_where_a_target_subscribes_to_stage() {
    let world = declared();
    world.start(&request(NEW)).await.unwrap();
    assert_eq!(world.pull(1).await.title, "Promote qontract-reconcile to ea6d44c (hotfix)");
    let diff = world.git(&["diff", "--unified=0", "main", BRANCH, "--", APP]);
    assert!(diff.ends_with(&format!("+  hotfixVersions:\n+  - {NEW}\n")), "{diff}");
    assert!(world.body().contains(&format!("| `{APP}:10` |")), "{}", world.body());
    assert_eq!(world.git(&["rev-list", "--count", &format!("main..{BRANCH}")]).trim(), "1", "in the same commit");

    let world = declared();
    let others = DeployRequest { only: vec!["internal".into()], ..request(NEW) };
    world.start(&others).await.unwrap();
    assert_eq!(world.git(&["diff", "main", BRANCH, "--", APP]), "", "nothing subscribes there");
}

/// SRE-12: `auto: true` would soon replace the hotfix by main; the merge request and the waiting note say so.
#[tokio::test]
async fn people_are_told_where_a_hotfix_would_be_replaced_automatically() {
    let world = declared();
    world.start(&request(NEW)).await.unwrap();
    let warning = "prod is promoted automatically (`auto: true` beside `resourceTemplates[0].targets[1].ref`)";
    assert!(world.body().contains(&format!("- {warning}: the next good deployment on stage replaces")));
    assert!(world.note("HF-1-production-1").await.contains(warning));
}

#[tokio::test]
async fn a_target_that_subscribes_is_told_when_hotfixes_are_not_declared() {
    let world = World::new();
    world.start(&request(NEW)).await.unwrap();
    assert!(
        world.body().contains("- prod subscribes to what passed on stage, and refuses a commit that was never there")
    );
    assert_eq!(world.git(&["diff", "main", BRANCH, "--", APP]), "");
}

/// SRE-12: a blocked commit stays blocked, even as a hotfix.
#[tokio::test]
async fn a_blocked_commit_is_refused() {
    let world = declared();
    let refused = world.start(&request(&"d".repeat(40))).await.unwrap_err();
    assert!(refused.starts_with(&format!("{APP}:10: ddddddd is blocked there")), "{refused}");
    assert_eq!(world.git(&["branch", "--list", "promote*"]), "");
}
