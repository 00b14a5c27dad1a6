//! Conformance cases for leases, and for a restart of a journal with all kinds of data.

use super::{made, refused, with_work};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::conformance::{Bench, acquire, append, commit, seen, settle, work};
use crate::error::CommitError;
use crate::lease::{LeaseChange, Requirement};
use crate::outbox::{Fence, Settlement, TimerChange};
use crate::record::{Commit, CommitId, Cursor};

/// A lease has one holder at a time. Each acquisition has a higher fence, and releasing requires that fence.
pub async fn lease_life(bench: Bench) {
    let take = |id, holder| Commit { leases: vec![acquire("l", holder, None)], ..commit(id) };
    let first = made(&bench, take("a", "ann")).await;
    let (lease, fence) = first.fences[0].clone();
    for (id, holder) in [("b", "bob"), ("c", "ann")] {
        let error = refused(&bench, take(id, holder)).await;
        assert!(matches!(error, CommitError::LeaseBusy(view) if view.holder == "ann" && view.fence == fence));
    }
    let release = |fence| LeaseChange::Release { lease: lease.clone(), fence };
    let wrong = Fence(fence.0 + 1);
    let error = refused(&bench, Commit { leases: vec![release(wrong)], ..commit("d") }).await;
    assert!(matches!(error, CommitError::LeaseLost(_)));
    let view = bench.journal().leases().await.unwrap().remove(0);
    assert_eq!((view.holder.as_str(), view.note.as_str(), view.since, view.until), ("ann", "for ann", first.at, None));
    let hand_over = vec![release(fence), acquire("l", "bob", None)];
    let second = made(&bench, Commit { leases: hand_over, ..commit("e") }).await;
    assert!(second.fences[0].1 > fence);
    let error = refused(&bench, Commit { leases: vec![release(fence)], ..commit("f") }).await;
    assert!(matches!(error, CommitError::LeaseLost(_)));
    made(&bench, Commit { leases: vec![release(second.fences[0].1)], ..commit("g") }).await;
    assert!(bench.journal().leases().await.unwrap().is_empty());
}

/// A lease expires unless it is extended before; then it can be acquired by another holder.
pub async fn lease_ends(bench: Bench) {
    let in_seconds = |seconds| Some(bench.journal().now().after(Duration::from_secs(seconds)));
    let first = made(&bench, Commit { leases: vec![acquire("l", "ann", in_seconds(10))], ..commit("a") }).await;
    let (lease, fence) = first.fences[0].clone();
    bench.clock.advance(9999);
    let until = in_seconds(10);
    let extend = |until| LeaseChange::Extend { lease: lease.clone(), fence, until };
    made(&bench, Commit { leases: vec![extend(until)], ..commit("b") }).await;
    assert_eq!(bench.journal().leases().await.unwrap()[0].until, until);
    bench.clock.advance(10_000);
    assert!(bench.journal().leases().await.unwrap().is_empty());
    let error = refused(&bench, Commit { leases: vec![extend(None)], ..commit("c") }).await;
    assert!(matches!(error, CommitError::LeaseLost(_)));
    let second = made(&bench, Commit { leases: vec![acquire("l", "bob", None)], ..commit("d") }).await;
    assert!(second.fences[0].1 > fence);
    let release = LeaseChange::Release { lease, fence };
    assert!(matches!(
        refused(&bench, Commit { leases: vec![release], ..commit("e") }).await,
        CommitError::LeaseLost(_)
    ));
}

/// A commit that requires a lease succeeds only while the lease is held under the given fence.
pub async fn lease_required(bench: Bench) {
    let until = Some(bench.journal().now().after(Duration::from_secs(10)));
    let (lease, fence) =
        made(&bench, Commit { leases: vec![acquire("l", "ann", until)], ..commit("a") }).await.fences[0].clone();
    let needs =
        |id, fence| Commit { require: vec![Requirement::LeaseHeld { lease: lease.clone(), fence }], ..commit(id) };
    made(&bench, needs("b", fence)).await;
    assert!(matches!(refused(&bench, needs("c", Fence(fence.0 + 1))).await, CommitError::LeaseLost(_)));
    // A requirement is checked against the state before the commit, not after it.
    let release = Commit { leases: vec![LeaseChange::Release { lease: lease.clone(), fence }], ..needs("d", fence) };
    bench.clock.advance(10_000);
    assert!(matches!(refused(&bench, release).await, CommitError::LeaseLost(_)));
}

/// A restart keeps everything except claims, and fences continue to increase.
pub async fn restart(mut bench: Bench) {
    let everything = Commit {
        seen: seen("k"),
        append: vec![append("s", 0, 3)],
        enqueue: vec![work("w", "o"), work("x", "o"), work("done", "p")],
        timers: vec![TimerChange::Set(work("t", "timer"))],
        leases: vec![acquire("l", "ann", None)],
        ..commit("a")
    };
    let first = made(&bench, everything.clone()).await;
    let claimed = bench.claim().await;
    let done = claimed.iter().find(|c| c.work.key.as_str() == "done").unwrap();
    let retried = claimed.iter().find(|c| c.work.key.as_str() == "w").unwrap();
    let retry = Settlement::Retry { not_before: Timestamp(7), reason: "r".repeat(10_000) };
    let settled = vec![settle(done, Settlement::Done), settle(retried, retry)];
    made(&bench, Commit { settle: settled, ..commit("b") }).await;
    let before = format!("{:?}", bench.journal().feed(Cursor::default(), 99).await.unwrap());
    if !bench.subject.reopen().await {
        return;
    }
    let journal = bench.journal();
    assert_eq!(format!("{:?}", journal.feed(Cursor::default(), 99).await.unwrap()), before);
    assert_eq!(journal.outcome(&CommitId::new("a")).await.unwrap(), Some(first.clone()));
    assert_eq!(made(&bench, everything).await, first);
    assert!(matches!(refused(&bench, Commit { seen: seen("k"), ..commit("c") }).await, CommitError::AlreadySeen(_)));
    made(&bench, with_work("d", [work("done", "p")])).await;
    let views = journal.unsettled().await.unwrap();
    assert_eq!(views.iter().map(|view| view.work.key.as_str()).collect::<Vec<_>>(), ["w", "x", "t"]);
    assert_eq!((views[0].attempt, views[0].last_failure.as_ref().unwrap().len()), (1, 10_000));
    let lease = journal.leases().await.unwrap().remove(0);
    assert_eq!((lease.fence, lease.note.as_str(), lease.since), (first.fences[0].1, "for ann", first.at));
    let timer = claimed.iter().find(|c| c.work.key.as_str() == "t").unwrap();
    let late = Commit { settle: vec![settle(timer, Settlement::Done)], ..commit("e") };
    assert!(matches!(refused(&bench, late).await, CommitError::FenceLost(_)));
    let again = bench.claim().await;
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|new| claimed.iter().all(|old| new.fence > old.fence)));
}
