//! What the other side refuses for good is no dead end: see `hotfix_tests::rejected`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use hotfix::domain::effect::Effect;
use hotfix_tests::rejected::{Tried, at_every_call};

/// Between them they perform every effect, by every mechanism.
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

/// Talk that is refused is lost, and the run goes on without it; timers do nothing outside.
const TALK: [&str; 5] = ["post_event", "send_direct_message", "audit", "remind_countersign", "remind"];

/// Every effect there is, by the name that it has in the journal: a new one is among them by itself.
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
