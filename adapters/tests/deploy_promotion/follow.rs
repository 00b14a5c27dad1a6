//! An open proposal: its conditions, and its possible ends.

use std::collections::BTreeMap;
use std::time::Duration;

use hotfix_adapters::deploy::promotion::{Approval, MergeBy, Promotion, PromotionOptions, Rollout};
use hotfix_adapters::deploy::{Deploy, DeployStatus};
use hotfix_adapters::forge::{Check, CheckState, MergeMethod, PullNumber, PullRequests, PullState};

use super::world::{INTERNAL, NEW, OLD, World, now, person, repo, request};

const KEY: &str = "HF-1-production-1";

async fn started(world: World) -> World {
    assert_eq!(world.status(KEY).await, None, "nothing was started");
    world.start(&request(NEW)).await.unwrap();
    world
}

fn failed(status: Option<DeployStatus>) -> String {
    match status {
        Some(DeployStatus::Failed { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// PROMO-13: only a listed user may set the label; one by the bot or a stranger, or one that was removed, does
/// not count.
#[tokio::test]
async fn the_label_counts_when_a_listed_person_put_it_on() {
    let mut world = World::new();
    world.approval = Approval::LabelByPerson { label: "lgtm".into(), by: vec![person("grace@example.org")] };
    let world = started(world).await;
    let waits = |note: &str| note.starts_with("waits for the label lgtm by a person on !1");
    assert!(waits(&world.note(KEY).await));
    world.local.set_labels(&repo(), PullNumber(1), &["lgtm".into()], &[]).await.unwrap();
    assert!(world.note(KEY).await.starts_with("nobody knows who put the label lgtm on"));
    world.unlabel("ada@example.org", "lgtm").await;
    assert!(world.note(KEY).await.starts_with("the label lgtm was taken off !1 again by Ada"));
    world.label("bot@example.org", "lgtm").await;
    assert!(world.note(KEY).await.starts_with("the label lgtm was put on by the bot itself, which does not count"));
    world.unlabel("bot@example.org", "lgtm").await;
    world.label("mallory@example.org", "lgtm").await;
    let note = world.note(KEY).await;
    assert!(
        note.starts_with("the label lgtm was put on by mallory@example.org, who is not among those who may"),
        "{note}"
    );
    world.unlabel("mallory@example.org", "lgtm").await;
    world.label("grace@example.org", "lgtm").await;
    let note = world.note(KEY).await;
    assert!(note.starts_with("!1 has the label lgtm by grace@example.org and waits to be merged"), "{note}");
}

/// PROMO-14: hold labels are reported; the owners merge, and the state of main afterward decides the result.
#[tokio::test]
async fn a_promotion_waits_for_the_usual_process_and_then_for_main() {
    let world = started(World::new()).await;
    world.label("grace@example.org", "lgtm").await;
    world.label("ada@example.org", "do-not-merge/hold").await;
    assert!(world.note(KEY).await.starts_with("the hold label do-not-merge/hold is on !1; !1 has the label lgtm"));
    assert_eq!(world.pull(1).await.state, PullState::Open, "the bot does not merge");
    world.merge(1).await;
    let done = Some(DeployStatus::Succeeded { at: now() });
    assert_eq!(world.status(KEY).await, done);
    assert_eq!(world.promotion().running().await.unwrap().unwrap().commit.as_str(), NEW);
    assert_eq!(world.git(&["branch", "--list", "promote-*"]).trim(), "", "its branch is not left behind");
    // Later changes do not affect the result.
    world.replace(INTERNAL, NEW, OLD);
    assert_eq!(world.status(KEY).await, done);
    assert_eq!(world.promotion().pace(), Duration::from_secs(15));
    assert_eq!(world.promotion().last_success().await.unwrap(), None);
}

/// SRE-12, PROMO-14: merged is not yet live. The checks of the merge commit report the rollout; without such a check
/// the rollout stays unconfirmed, and a promotion outside production has none.
#[tokio::test]
async fn a_merge_is_followed_by_a_rollout() {
    let world = started(World::new()).await;
    let awaited = |checks: &[&str]| {
        let checks = checks.iter().map(|name| (*name).to_owned()).collect();
        let rollout = Rollout::Awaited { checks, running: None };
        Promotion::new(PromotionOptions { rollout, ..world.options() }).unwrap()
    };
    let (watched, unwatched) = (awaited(&["deploy"]), awaited(&[]));
    let commit = world.merge(1).await;
    let key = request(NEW).key;
    let unconfirmed = Some(DeployStatus::RollingOut { note: None, confirmed_here: false });
    assert_eq!(unwatched.status(&key).await.unwrap(), unconfirmed);
    let note = Some(format!("waits for the check deploy of the merge {}", commit.short()));
    let waiting = Some(DeployStatus::RollingOut { note, confirmed_here: true });
    assert_eq!(watched.status(&key).await.unwrap(), waiting);
    let report = |state| Check { name: "deploy".into(), app: "ci".into(), state };
    world.local.set_check(&repo(), &commit, report(CheckState::Pending)).await.unwrap();
    assert_eq!(watched.status(&key).await.unwrap(), waiting);
    world.local.set_check(&repo(), &commit, report(CheckState::Failure)).await.unwrap();
    assert!(failed(watched.status(&key).await.unwrap()).starts_with("the rollout failed: the check deploy"));
}

/// SRE-12: a rollout that its check confirms is a success, and so is a merge outside production.
#[tokio::test]
async fn a_rollout_is_confirmed_by_its_checks() {
    let world = started(World::new()).await;
    let rollout = Rollout::Awaited { checks: vec!["deploy".into()], running: None };
    let watched = Promotion::new(PromotionOptions { rollout, ..world.options() }).unwrap();
    let commit = world.merge(1).await;
    let passed = Check { name: "deploy".into(), app: "ci".into(), state: CheckState::Success };
    world.local.set_check(&repo(), &commit, passed).await.unwrap();
    let done = Some(DeployStatus::Succeeded { at: now() });
    assert_eq!(watched.status(&request(NEW).key).await.unwrap(), done);
}

/// PROMO-14: a merge whose values are not on main is a failure.
#[tokio::test]
async fn a_merge_that_main_does_not_show_has_failed() {
    let world = started(World::new()).await;
    let commit = world.merge(1).await;
    world.replace(INTERNAL, NEW, OLD);
    let reason = failed(world.status(KEY).await);
    let what = format!(
        "!1 was merged as {}, but {INTERNAL}:14 names {OLD}: somebody changed it after the merge",
        commit.short()
    );
    assert!(reason.starts_with(&what), "{reason}");

    let world = started(World::new()).await;
    world
        .commit_on("promote-HF-1-production-1", &BTreeMap::from([(INTERNAL.to_owned(), world.file("main", INTERNAL))]));
    world.merge(1).await;
    let reason = failed(world.status(KEY).await);
    assert!(reason.contains("the merge did not bring it"), "{reason}");
}

#[tokio::test]
async fn a_merge_request_that_was_closed_has_failed_unless_main_has_it_all() {
    let world = started(World::new()).await;
    world.local.close(&repo(), PullNumber(1)).await.unwrap();
    let reason = failed(world.status(KEY).await);
    assert!(reason.starts_with("!1 was closed without being merged, and"), "{reason}");
    assert!(world.git(&["branch", "--list", "promote-*"]).contains("promote-"), "it is not the bot's to delete");
    assert!(world.start(&request(NEW)).await.is_ok(), "started is started");
    assert_eq!(failed(world.status(KEY).await), reason);

    let world = started(World::new()).await;
    world.local.close(&repo(), PullNumber(1)).await.unwrap();
    let tip = world.git(&["rev-parse", "promote-HF-1-production-1"]);
    world.git(&["update-ref", "refs/heads/main", tip.trim()]);
    assert_eq!(world.status(KEY).await, Some(DeployStatus::Succeeded { at: now() }));
}

/// PROMO-13: if the policy allows it, the bot sets the label once, and does not set it again after its removal.
#[tokio::test]
async fn the_bots_own_label_is_put_on_once() {
    let mut world = World::new();
    world.approval = Approval::LabelByBot { label: "lgtm".into() };
    let world = started(world).await;
    assert_eq!(world.pull(1).await.labels, ["lgtm"]);
    assert!(world.note(KEY).await.starts_with("!1 has the label lgtm and waits to be merged"));
    world.unlabel("housekeeping@example.org", "lgtm").await;
    for _ in 0..2 {
        let note = world.note(KEY).await;
        assert!(note.starts_with("the label lgtm was taken off !1 again by housekeeping@example.org"), "{note}");
        assert!(world.pull(1).await.labels.is_empty());
    }
}

#[tokio::test]
async fn an_approval_by_comment_is_written_once() {
    let mut world = World::new();
    world.approval = Approval::CommentByBot { text: "/lgtm".into() };
    let world = started(world).await;
    assert!(world.note(KEY).await.starts_with("!1 has the comment \"/lgtm\" and waits"));
    let book = std::fs::read_to_string(world.ledger()).unwrap();
    assert_eq!(book.matches("\"/lgtm\"").count(), 1);
}

/// If the bot merges, it needs the label, no hold, and passed checks.
#[tokio::test]
async fn the_bot_merges_when_everything_is_there() {
    let mut world = World::new();
    world.merge = MergeBy::Us { method: MergeMethod::Merge, checks: vec!["pr-check".into()] };
    let world = started(world).await;
    let head = world.pull(1).await.head_commit;
    let report = |name: &str, state| Check { name: name.into(), app: "ci".into(), state };
    world.local.set_check(&repo(), &head, report("lint", CheckState::Success)).await.unwrap();
    assert!(world.note(KEY).await.starts_with("waits for the label lgtm"));
    world.label("grace@example.org", "lgtm").await;
    assert!(world.note(KEY).await.starts_with("waits for the check pr-check of !1 to pass"));
    world.local.set_check(&repo(), &head, report("pr-check", CheckState::Success)).await.unwrap();
    world.local.set_check(&repo(), &head, report("lint", CheckState::Failure)).await.unwrap();
    assert!(world.note(KEY).await.starts_with("waits for the check lint of !1 to pass"));
    world.local.set_check(&repo(), &head, report("lint", CheckState::Neutral)).await.unwrap();
    world.label("ada@example.org", "bot/hold").await;
    assert!(world.note(KEY).await.starts_with("the hold label bot/hold is on !1"));
    assert_eq!(world.pull(1).await.state, PullState::Open);
    world.unlabel("ada@example.org", "bot/hold").await;
    assert_eq!(world.status(KEY).await, Some(DeployStatus::Succeeded { at: now() }));
    assert!(matches!(world.pull(1).await.state, PullState::Merged(_)));
    assert_eq!(world.diff(head.as_str()), [""; 0]);
    assert_eq!(world.git(&["for-each-ref", "refs/heads/promote-HF-1-production-1"]), "", "its branch was deleted");
}
