//! Permanent refusals by a remote system are no dead ends: see `hotfix_tests::rejected`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use hotfix::domain::effect::Effect;
use hotfix_tests::rejected::{Tried, at_every_call};

/// Scenarios that together perform every effect through every deploy mechanism.
const SCENARIOS: [&str; 11] = [
    "apply-whole",
    "rollback",
    "drift-rebase",
    "break-glass",
    "website-whole",
    "release-by-tag",
    "sre-whole",
    "hocs-whole",
    "promotion-whole",
    "branch-deleted",
    "references",
];

/// Effects that need no retry: refused messages are dropped and the run goes on; timers have no outside effect.
const TALK: [&str; 5] = ["post_event", "send_direct_message", "audit", "remind_countersign", "remind"];

/// Returns every effect by its name in the journal. New effects are included automatically.
fn effects() -> BTreeSet<String> {
    let unknown = serde_json::from_str::<Effect>(r#"{"effect":"?"}"#).expect_err("there is no such effect").to_string();
    let (_, names) = unknown.split_once("expected one of ").expect("the names of all effects");
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_effect_is_refused_once_and_done_after_a_retry() {
    let mut tried = Tried::default();
    for name in SCENARIOS {
        let before = tried.calls.len();
        let path = PathBuf::from(format!("scenarios/{name}.txt"));
        at_every_call(&path, &mut tried).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        println!("{name}: {} calls refused", tried.calls.len() - before);
    }
    let talk = TALK.map(str::to_owned);
    let missing: Vec<String> = effects().into_iter().filter(|name| !tried.effects.contains(name)).collect();
    let missing: Vec<&String> = missing.iter().filter(|name| !talk.contains(name)).collect();
    assert!(missing.is_empty(), "no call of these effects was refused: {missing:?}");
}
