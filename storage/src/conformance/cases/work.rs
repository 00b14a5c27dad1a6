//! Conformance cases for work items, claims and timers.

use super::{made, refused, with_work};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::conformance::{Bench, append, commit, json, settle, work};
use crate::error::CommitError;
use crate::outbox::{ClaimRequest, Fence, Queue, Settlement, TimerChange, Work, WorkKey, WorkState};
use crate::record::Commit;

/// Items of one queue and order key are claimed one at a time, oldest first; queues are independent.
pub async fn work_in_order(bench: Bench) {
    let other = Work { queue: Queue::new("other"), ..work("d", "o") };
    made(&bench, with_work("a", [work("a", "o"), work("b", "o"), work("c", "p"), other])).await;
    let claimed = bench.claim().await;
    assert_eq!(claimed.iter().map(|c| c.work.key.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert!(claimed[0].fence != claimed[1].fence && claimed[0].attempt == 0);
    assert!(bench.claim().await.is_empty());
    let both =
        ClaimRequest { queues: vec![Queue::new("work"), Queue::new("other")], max: 9, hold: Duration::from_secs(1) };
    assert_eq!(bench.journal().claim(both).await.unwrap().len(), 1);
    made(&bench, Commit { settle: vec![settle(&claimed[0], Settlement::Done)], ..commit("b") }).await;
    assert_eq!(bench.claim_keys().await, ["b"]);
    made(&bench, with_work("c", [work("e", "q"), work("f", "r")])).await;
    let one = ClaimRequest { queues: vec![Queue::new("work")], max: 1, hold: Duration::from_secs(1) };
    assert_eq!(bench.journal().claim(one.clone()).await.unwrap()[0].work.key.as_str(), "e");
    assert_eq!(bench.journal().claim(one).await.unwrap()[0].work.key.as_str(), "f");
}

/// A claim ends exactly at its expiry, and the next claim has a higher fence.
pub async fn claim_runs_out(bench: Bench) {
    made(&bench, with_work("a", [work("w", "o"), work("x", "o")])).await;
    let first = bench.claim().await.remove(0);
    assert_eq!(first.until, bench.journal().now().after(Duration::from_secs(10)));
    bench.clock.advance(9999);
    assert!(bench.claim().await.is_empty());
    bench.clock.advance(1);
    let second = bench.claim().await.remove(0);
    assert_eq!(second.work.key, first.work.key);
    assert!(second.fence > first.fence);
    let late =
        Commit { settle: vec![settle(&first, Settlement::Done)], append: vec![append("s", 0, 1)], ..commit("b") };
    assert!(matches!(refused(&bench, late).await, CommitError::FenceLost(_)));
    made(&bench, Commit { settle: vec![settle(&second, Settlement::Done)], ..commit("c") }).await;
    assert_eq!(bench.claim_keys().await, ["x"]);
}

/// A claim can be settled after its expiry if the item was not claimed again; older fences are refused.
pub async fn fence_lost(bench: Bench) {
    made(&bench, with_work("a", [work("w", "o")])).await;
    let unclaimed = crate::outbox::Settle { work: WorkKey::new("w"), fence: Fence(0), settlement: Settlement::Done };
    assert!(matches!(
        refused(&bench, Commit { settle: vec![unclaimed], ..commit("b") }).await,
        CommitError::FenceLost(_)
    ));
    let claimed = bench.claim().await.remove(0);
    bench.clock.advance(60_000);
    made(&bench, Commit { settle: vec![settle(&claimed, Settlement::Done)], ..commit("c") }).await;
    let again = Commit { settle: vec![settle(&claimed, Settlement::Done)], ..commit("d") };
    assert!(matches!(refused(&bench, again).await, CommitError::FenceLost(_)));
    assert!(bench.claim().await.is_empty() && bench.journal().unsettled().await.unwrap().is_empty());
}

/// A retried item waits, keeps its place in the queue and counts its attempts. A dead item does not block others.
pub async fn retry_and_dead(bench: Bench) {
    made(&bench, with_work("a", [work("w", "o"), work("x", "o")])).await;
    let first = bench.claim().await.remove(0);
    let not_before = bench.journal().now().after(Duration::from_secs(5));
    let retry = Settlement::Retry { not_before, reason: "busy".to_owned() };
    made(&bench, Commit { settle: vec![settle(&first, retry)], ..commit("b") }).await;
    assert!(bench.claim().await.is_empty(), "the younger work overtook");
    assert_eq!(bench.journal().next_due().await.unwrap(), Some(not_before));
    assert_eq!(bench.journal().renew(&first.work.key, first.fence, Duration::from_secs(1)).await.unwrap(), None);
    let view = bench.journal().unsettled().await.unwrap().remove(0);
    assert_eq!((view.state, view.attempt, view.last_failure.as_deref()), (WorkState::Waiting, 1, Some("busy")));
    bench.clock.advance(5000);
    let second = bench.claim().await.remove(0);
    assert_eq!((second.work.key.as_str(), second.attempt, second.work.not_before), ("w", 1, not_before));
    let dead = Settlement::Dead { reason: "no".to_owned() };
    made(&bench, Commit { settle: vec![settle(&second, dead)], ..commit("c") }).await;
    assert_eq!(bench.claim_keys().await, ["x"]);
    let views = bench.journal().unsettled().await.unwrap();
    assert_eq!(views[0].state, WorkState::Dead { reason: "no".to_owned() });
    assert!(matches!(views[1].state, WorkState::Claimed { .. }));
}

/// Enqueuing a known key changes nothing, whether the item is waiting, claimed or done.
pub async fn enqueue_is_idempotent(bench: Bench) {
    let other = Work { payload: json("\"other\""), ..work("w", "else") };
    made(&bench, with_work("a", [work("w", "o"), other.clone()])).await;
    made(&bench, with_work("b", [other.clone()])).await;
    let claimed = bench.claim().await.remove(0);
    assert_eq!(claimed.work.order_key, "o");
    made(&bench, with_work("c", [other.clone()])).await;
    made(&bench, Commit { settle: vec![settle(&claimed, Settlement::Done)], ..with_work("d", [other.clone()]) }).await;
    made(&bench, with_work("e", [other])).await;
    assert!(bench.claim().await.is_empty() && bench.journal().unsettled().await.unwrap().is_empty());
}

/// Setting a timer replaces the item with its key, whether waiting, claimed or done; canceling removes it.
pub async fn timers(bench: Bench) {
    let at = |seconds| bench.journal().now().after(Duration::from_secs(seconds));
    let timer = |seconds| TimerChange::Set(Work { not_before: at(seconds), ..work("t", "timer") });
    made(&bench, Commit { timers: vec![timer(5)], ..commit("a") }).await;
    assert!(bench.claim().await.is_empty());
    made(&bench, Commit { timers: vec![timer(1)], ..commit("b") }).await;
    assert_eq!(bench.journal().next_due().await.unwrap(), Some(at(1)));
    bench.clock.advance(1000);
    let claimed = bench.claim().await.remove(0);
    made(&bench, Commit { timers: vec![timer(0)], ..commit("c") }).await;
    let late = Commit { settle: vec![settle(&claimed, Settlement::Done)], ..commit("d") };
    assert!(matches!(refused(&bench, late).await, CommitError::FenceLost(_)));
    let again = bench.claim().await.remove(0);
    assert!(again.fence > claimed.fence);
    let settled = vec![settle(&again, Settlement::Done)];
    made(&bench, Commit { settle: settled, timers: vec![timer(2)], ..commit("e") }).await;
    assert_eq!(bench.journal().unsettled().await.unwrap().len(), 1);
    let cancel = TimerChange::Cancel(WorkKey::new("t"));
    made(&bench, Commit { timers: vec![cancel.clone(), cancel], ..commit("f") }).await;
    bench.clock.advance(5000);
    assert!(bench.claim().await.is_empty() && bench.journal().next_due().await.unwrap().is_none());
    made(&bench, with_work("g", [work("t", "timer")])).await;
    let claimed = bench.claim().await.remove(0);
    made(&bench, Commit { settle: vec![settle(&claimed, Settlement::Done)], ..commit("h") }).await;
    made(&bench, Commit { timers: vec![timer(0)], ..commit("i") }).await;
    assert_eq!(bench.claim_keys().await, ["t"]);
}

/// A renewal counts from now, and requires the newest fence.
pub async fn renewing(bench: Bench) {
    made(&bench, with_work("a", [work("w", "o")])).await;
    let claimed = bench.claim().await.remove(0);
    bench.clock.advance(9000);
    let renewed = bench.journal().renew(&claimed.work.key, claimed.fence, Duration::from_secs(10)).await.unwrap();
    assert_eq!(renewed, Some(bench.journal().now().after(Duration::from_secs(10))));
    bench.clock.advance(9000);
    assert!(bench.claim().await.is_empty());
    bench.clock.advance(5000);
    let hold = Duration::from_secs(1);
    assert!(bench.journal().renew(&claimed.work.key, claimed.fence, hold).await.unwrap().is_some());
    bench.clock.advance(1000);
    let next = bench.claim().await.remove(0);
    assert_eq!(bench.journal().renew(&claimed.work.key, claimed.fence, hold).await.unwrap(), None);
    assert!(bench.journal().renew(&next.work.key, next.fence, hold).await.unwrap().is_some());
    assert_eq!(bench.journal().renew(&WorkKey::new("nothing"), next.fence, hold).await.unwrap(), None);
}

/// The next due time is that of the first item in a queue, or the expiry of a claim.
pub async fn next_due(bench: Bench) {
    assert_eq!(bench.journal().next_due().await.unwrap(), None);
    let now = bench.journal().now();
    let late = Work { not_before: now.after(Duration::from_secs(60)), ..work("late", "o") };
    made(&bench, with_work("a", [late.clone(), work("behind", "o")])).await;
    assert_eq!(bench.journal().next_due().await.unwrap(), Some(late.not_before));
    made(&bench, with_work("b", [work("w", "p")])).await;
    assert_eq!(bench.journal().next_due().await.unwrap(), Some(Timestamp(0)));
    let claimed = bench.claim().await.remove(0);
    assert_eq!(bench.journal().next_due().await.unwrap(), Some(claimed.until));
    let dead = Settlement::Dead { reason: String::new() };
    made(&bench, Commit { settle: vec![settle(&claimed, dead)], ..commit("c") }).await;
    assert_eq!(bench.journal().next_due().await.unwrap(), Some(late.not_before));
}

/// Unsettled work is listed oldest first, across queues.
pub async fn unsettled_oldest_first(bench: Bench) {
    let other = Work { queue: Queue::new("other"), ..work("z", "o") };
    made(&bench, with_work("a", [other, work("m", "p")])).await;
    made(&bench, with_work("b", [work("a", "o")])).await;
    made(&bench, Commit { timers: vec![TimerChange::Set(work("z", "o"))], ..commit("c") }).await;
    let keys: Vec<_> = bench.journal().unsettled().await.unwrap().into_iter().map(|v| v.work.key.to_string()).collect();
    assert_eq!(keys, ["m", "a", "z"]);
}
