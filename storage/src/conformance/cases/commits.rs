//! Conformance cases for commits, streams and the feed.

use super::{made, refused, with_work};
use std::time::Duration;

use crate::conformance::{Bench, acquire, append, commit, json, seen, work};
use crate::error::CommitError;
use crate::lease::{LeaseId, Requirement};
use crate::outbox::{Fence, Settlement, TimerChange, Work, WorkKey};
use crate::record::{Commit, CommitId, Cursor, Expected, StreamId, Version};

/// Repeating a commit id returns the first receipt and changes nothing.
pub async fn repeated_commit(bench: Bench) {
    let first = made(&bench, Commit { append: vec![append("s", 0, 2)], ..commit("a") }).await;
    bench.clock.advance(1000);
    let again = made(&bench, Commit { append: vec![append("s", 9, 1)], seen: seen("k"), ..commit("a") }).await;
    assert_eq!(first, again);
    assert_eq!(bench.journal().outcome(&CommitId::new("a")).await.unwrap(), Some(first));
    assert_eq!(bench.journal().outcome(&CommitId::new("b")).await.unwrap(), None);
    assert_eq!(bench.journal().feed(Cursor::default(), 10).await.unwrap().len(), 2);
    made(&bench, Commit { seen: seen("k"), ..commit("b") }).await;
}

/// A dedupe key is accepted once; every later refusal carries the first receipt.
pub async fn deduplication(bench: Bench) {
    let first = made(&bench, Commit { seen: seen("k"), append: vec![append("s", 0, 1)], ..commit("a") }).await;
    for id in ["b", "c"] {
        let again = Commit { seen: seen("k"), append: vec![append("t", 0, 1)], ..commit(id) };
        assert!(matches!(refused(&bench, again).await, CommitError::AlreadySeen(receipt) if receipt == first));
        assert_eq!(bench.journal().outcome(&CommitId::new(id)).await.unwrap(), None);
    }
    assert!(bench.journal().stream(&StreamId::new("t"), Version(0), 9).await.unwrap().is_empty());
    made(&bench, Commit { seen: seen("other"), ..commit("b") }).await;
}

/// A conflict in any stream refuses the whole commit.
pub async fn conflict_leaves_nothing(bench: Bench) {
    made(&bench, Commit { append: vec![append("s", 0, 3)], ..commit("a") }).await;
    let refusal = Commit {
        seen: seen("k"),
        append: vec![append("t", 0, 1), append("s", 2, 1)],
        enqueue: vec![work("w", "o")],
        timers: vec![TimerChange::Set(work("timer", "t"))],
        leases: vec![acquire("l", "me", None)],
        ..commit("b")
    };
    let error = refused(&bench, refusal.clone()).await;
    assert!(
        matches!(error, CommitError::Conflict { stream, actual } if stream.as_str() == "s" && actual == Version(3))
    );
    let journal = bench.journal();
    assert_eq!(journal.outcome(&CommitId::new("b")).await.unwrap(), None);
    assert_eq!(journal.feed(Cursor::default(), 10).await.unwrap().len(), 3);
    assert!(journal.unsettled().await.unwrap().is_empty() && journal.leases().await.unwrap().is_empty());
    assert!(bench.claim().await.is_empty());
    let repaired = Commit { append: vec![append("t", 0, 1), append("s", 3, 1)], ..refusal };
    assert_eq!(made(&bench, repaired).await.versions[1].1, Version(4));
}

/// Versions start at 1, `Any` appends at any version, and events are returned as the same JSON.
pub async fn versions_and_reads(bench: Bench) {
    let journal = bench.journal();
    let stream = StreamId::new("s");
    let receipt = made(&bench, Commit { append: vec![append("s", 0, 2), append("s2", 0, 1)], ..commit("a") }).await;
    assert_eq!(receipt.versions, vec![(stream.clone(), Version(2)), (StreamId::new("s2"), Version(1))]);
    bench.clock.advance(5);
    let any = crate::record::Append { expected: Expected::Any, ..append("s", 0, 1) };
    let second = made(&bench, Commit { append: vec![any], ..commit("b") }).await;
    assert!(second.seq > receipt.seq && second.at == receipt.at.after(Duration::from_millis(5)));
    let records = journal.stream(&stream, Version(0), 10).await.unwrap();
    let versions: Vec<_> = records.iter().map(|record| (record.version.0, record.at, record.cursor.seq)).collect();
    assert_eq!(versions, vec![(1, receipt.at, receipt.seq), (2, receipt.at, receipt.seq), (3, second.at, second.seq)]);
    let event: serde_json::Value = serde_json::from_str(records[1].event.get()).unwrap();
    assert_eq!(event, serde_json::json!({"stream": "s", "n": 1}));
    assert_eq!(journal.stream(&stream, Version(1), 1).await.unwrap()[0].version, Version(2));
    assert!(journal.stream(&stream, Version(3), 10).await.unwrap().is_empty());
    assert!(journal.stream(&stream, Version(0), 0).await.unwrap().is_empty());
    assert!(journal.stream(&StreamId::new(""), Version(0), 10).await.unwrap().is_empty());
}

/// The feed returns all records in commit order, for any page size.
pub async fn feed_pages(bench: Bench) {
    for n in 0..5 {
        let id = format!("c{n}");
        let streams = vec![append(&format!("x{n}"), 0, 2), append(&format!("y{n}"), 0, n + 1)];
        made(&bench, Commit { append: streams, ..commit(&id) }).await;
        made(&bench, with_work(&format!("w{n}"), [work(&id, &id)])).await;
    }
    let all = bench.journal().feed(Cursor::default(), 1000).await.unwrap();
    assert_eq!(all.len(), 25);
    assert!(all.windows(2).all(|pair| pair[0].cursor < pair[1].cursor && pair[0].at <= pair[1].at));
    for size in [1, 2, 3, 7, 25] {
        let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
        loop {
            let page = bench.journal().feed(cursor, size).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= size);
            cursor = last.cursor;
            seen.extend(page.into_iter().map(|record| (record.stream, record.version)));
        }
        assert_eq!(seen, all.iter().map(|record| (record.stream.clone(), record.version)).collect::<Vec<_>>());
    }
    assert!(bench.journal().feed(Cursor::default(), 0).await.unwrap().is_empty());
}

/// A commit that cannot be stored is refused as malformed, and its id remains unused.
pub async fn malformed(bench: Bench) {
    let long = "x".repeat(256);
    let done =
        |name: &str| crate::outbox::Settle { work: WorkKey::new(name), fence: Fence(1), settlement: Settlement::Done };
    let bad = [
        Commit { append: vec![append("s", 0, 0)], ..commit("a") },
        Commit { append: vec![append("s", 0, 1), append("s", 1, 1)], ..commit("a") },
        Commit { append: vec![append(&long, 0, 1)], ..commit("a") },
        Commit { settle: vec![done("w"), done("w")], ..commit("a") },
        with_work("a", [Work { payload: json(&format!("\"{}\"", "y".repeat(9 << 20))), ..work("w", "o") }]),
        with_work("a", [work(&long, "o")]),
        commit(&long),
    ];
    for commit in bad {
        assert!(matches!(refused(&bench, commit).await, CommitError::Malformed(_)));
    }
    made(&bench, Commit { append: vec![append(&long[..255], 0, 1)], ..commit("a") }).await;
}

/// If several checks fail, the first is reported: dedupe key, versions, settled work, requirements, leases.
pub async fn order_of_checks(bench: Bench) {
    made(&bench, Commit { seen: seen("k"), leases: vec![acquire("l", "a", None)], ..commit("a") }).await;
    let lost = LeaseId::new("other");
    let mut bad = Commit {
        seen: seen("k"),
        append: vec![append("s", 7, 1)],
        settle: vec![crate::outbox::Settle { work: WorkKey::new("w"), fence: Fence(1), settlement: Settlement::Done }],
        require: vec![Requirement::LeaseHeld { lease: lost.clone(), fence: Fence(1) }],
        leases: vec![acquire("l", "b", None)],
        ..commit("b")
    };
    assert!(matches!(refused(&bench, bad.clone()).await, CommitError::AlreadySeen(_)));
    bad.seen = None;
    assert!(matches!(refused(&bench, bad.clone()).await, CommitError::Conflict { .. }));
    bad.append.clear();
    assert!(matches!(refused(&bench, bad.clone()).await, CommitError::FenceLost(key) if key.as_str() == "w"));
    bad.settle.clear();
    assert!(matches!(refused(&bench, bad.clone()).await, CommitError::LeaseLost(lease) if lease == lost));
    bad.require.clear();
    assert!(matches!(refused(&bench, bad).await, CommitError::LeaseBusy(view) if view.holder == "a"));
}

/// A commit wakes the subscribers.
pub async fn wake_fires(bench: Bench) {
    let mut wake = bench.journal().wake();
    wake.borrow_and_update();
    made(&bench, with_work("a", [work("w", "o")])).await;
    tokio::time::timeout(Duration::from_secs(30), wake.changed()).await.unwrap().unwrap();
}

/// The journal's time never goes back before a recorded time, even if the clock does.
pub async fn time_never_goes_back(mut bench: Bench) {
    bench.clock.advance(3_600_000);
    let first = made(&bench, commit("a")).await;
    bench.clock.advance(-7_200_000);
    assert_eq!(bench.journal().now(), first.at);
    let second = made(&bench, commit("b")).await;
    assert!(second.at >= first.at);
    bench.subject.reopen().await;
    assert!(bench.journal().now() >= first.at);
    assert!(made(&bench, commit("c")).await.at >= first.at);
}
