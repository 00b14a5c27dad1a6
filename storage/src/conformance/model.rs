//! Model test: runs random operations on a journal and on [`Memory`], and compares every result and every read.
//!
//! Commit numbers and fences may differ between implementations. Those of the subject are therefore recorded next to
//! those of the reference, and are compared by the objects that they identify.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Bench, Factory, commit, json};
use crate::clock::Timestamp;
use crate::error::CommitError;
use crate::lease::{LeaseChange, LeaseId, LeaseView, Requirement};
use crate::memory::Memory;
use crate::outbox::{ClaimRequest, Fence, Queue, Settle, Settlement, TimerChange, Work, WorkKey, WorkState, WorkView};
use crate::record::{Append, Commit, Cursor, DedupeKey, Expected, Receipt, Record, StreamId, Version};
use crate::{CommitId, Journal};

/// One random operation. Names are small numbers, so that operations often touch the same objects.
#[derive(Debug, Clone)]
enum Op {
    Commit(Shape),
    Claim { queues: u8, max: usize, hold: u64 },
    Renew { claim: usize, hold: u64 },
    Pass(i64),
    Reopen,
}

#[derive(Debug, Clone)]
struct Shape {
    id: u8,
    seen: Option<u8>,
    append: Vec<(u8, Option<i8>, usize)>,
    enqueue: Vec<Piece>,
    settle: Vec<(usize, u8)>,
    timers: Vec<(bool, Piece)>,
    leases: Vec<(u8, u8, usize, Option<i64>)>,
    require: Option<usize>,
}

#[derive(Debug, Clone)]
struct Piece {
    key: u8,
    queue: u8,
    order: u8,
    delay: i64,
}

fn piece() -> impl Strategy<Value = Piece> {
    (0..12_u8, 0..2_u8, 0..3_u8, -5_i64..2000).prop_map(|(key, queue, order, delay)| Piece { key, queue, order, delay })
}

fn shape() -> impl Strategy<Value = Shape> {
    let append = prop::collection::vec(
        (0..4_u8, prop::option::weighted(0.7, prop_oneof![9 => Just(0_i8), 1 => -1..2_i8]), 1..4_usize),
        0..3,
    );
    let lease = (0..3_u8, 0..3_u8, any::<usize>(), prop::option::of(0..3000_i64));
    (
        any::<u8>(),
        prop::option::weighted(0.3, 0..20_u8),
        append,
        prop::collection::vec(piece(), 0..3),
        prop::collection::vec((any::<usize>(), 0..3_u8), 0..2),
        prop::collection::vec((any::<bool>(), piece()), 0..2),
        prop::collection::vec(lease, 0..2),
        prop::option::weighted(0.1, any::<usize>()),
    )
        .prop_map(|(id, seen, append, enqueue, settle, timers, leases, require)| Shape {
            id,
            seen,
            append,
            enqueue,
            settle,
            timers,
            leases,
            require,
        })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => shape().prop_map(Op::Commit),
        6 => (1..4_u8, 1..4_usize, 0..1500_u64).prop_map(|(queues, max, hold)| Op::Claim { queues, max, hold }),
        2 => (any::<usize>(), 0..1500_u64).prop_map(|(claim, hold)| Op::Renew { claim, hold }),
        4 => (-300..900_i64).prop_map(Op::Pass),
        1 => Just(Op::Reopen),
    ]
}

/// Runs this many random histories.
///
/// # Panics
/// If the journals disagree. The message contains the shortest failing history.
pub fn run(factory: &dyn Factory, cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&prop::collection::vec(op(), 1..60), |ops| {
        runtime.block_on(Model::check(factory, ops));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// A fence of the reference, and the corresponding one of the subject.
type Fences = (Fence, Fence);

struct Model {
    bench: Bench,
    memory: Arc<Memory>,
    claims: Vec<(WorkKey, Fences)>,
    leases: Vec<(LeaseId, Fences)>,
}

impl Model {
    async fn check(factory: &dyn Factory, ops: Vec<Op>) {
        let bench = Bench::new(factory).await;
        let memory = Arc::new(Memory::new(bench.clock.clone()));
        // An implementation may record the time when a journal is created. After this commit both have recorded it.
        memory.commit(commit("first")).await.unwrap();
        bench.journal().commit(commit("first")).await.unwrap();
        let mut model = Self { bench, memory, claims: Vec::new(), leases: Vec::new() };
        for op in ops {
            model.step(op).await;
            model.compare().await;
        }
        if model.bench.subject.reopen().await {
            model.memory.restart();
            model.compare().await;
        }
    }

    async fn step(&mut self, op: Op) {
        match op {
            Op::Commit(shape) => {
                let [reference, subject] = self.commits(&shape).await;
                let answers = (self.memory.commit(reference).await, self.bench.journal().commit(subject).await);
                self.agree(answers);
            }
            Op::Claim { queues, max, hold } => {
                let queues = (0..2).filter(|queue| queues & (1 << queue) != 0).map(queue).collect();
                let request = ClaimRequest { queues, max, hold: Duration::from_millis(hold) };
                let reference = self.memory.claim(request.clone()).await.unwrap();
                let subject = self.bench.journal().claim(request).await.unwrap();
                assert_eq!(reference.len(), subject.len());
                for (reference, subject) in reference.into_iter().zip(subject) {
                    assert_eq!(work(&reference.work), work(&subject.work));
                    assert_eq!((reference.attempt, reference.until), (subject.attempt, subject.until));
                    self.claims.push((subject.work.key, (reference.fence, subject.fence)));
                }
                let rising = |pair: &[(WorkKey, Fences)]| pair[0].0 != pair[1].0 || pair[0].1.1 < pair[1].1.1;
                let mut by_key = self.claims.clone();
                by_key.sort_by(|left, right| left.0.cmp(&right.0));
                assert!(by_key.windows(2).all(rising), "fences do not rise");
            }
            Op::Renew { claim, hold } => {
                let Some((key, fences)) = pick(&self.claims, claim) else {
                    return;
                };
                let hold = Duration::from_millis(hold);
                let reference = self.memory.renew(&key, fences.0, hold).await.unwrap();
                assert_eq!(reference, self.bench.journal().renew(&key, fences.1, hold).await.unwrap());
            }
            Op::Pass(millis) => self.bench.clock.advance(millis),
            Op::Reopen => {
                if self.bench.subject.reopen().await {
                    self.memory.restart();
                }
            }
        }
    }

    /// Builds the commit for this shape twice: with the fences of the reference, and with those of the subject.
    async fn commits(&self, shape: &Shape) -> [Commit; 2] {
        let now = self.memory.now();
        let mut both = [commit(&format!("commit {}", shape.id)), commit(&format!("commit {}", shape.id))];
        for (side, commit) in both.iter_mut().enumerate() {
            let fence = |fences: Fences| if side == 0 { fences.0 } else { fences.1 };
            commit.seen = shape.seen.map(|key| DedupeKey::new(format!("input {key}")));
            for (stream, off, events) in &shape.append {
                let stream = StreamId::new(format!("stream {stream}"));
                let records = self.memory.stream(&stream, Version(0), usize::MAX).await.unwrap();
                let actual = Version((records.len() as u64).saturating_add_signed(off.unwrap_or(0).into()));
                let expected = if off.is_some() { Expected::Exactly(actual) } else { Expected::Any };
                let events = (0..*events).map(|n| json(&format!("{{\"n\":{n}, \"of\": {}}}", shape.id))).collect();
                commit.append.push(Append { stream, expected, events });
            }
            commit.enqueue = shape.enqueue.iter().map(|piece| piece.work(now, shape.id)).collect();
            for (claim, settlement) in &shape.settle {
                let Some((work, fences)) = pick(&self.claims, *claim) else {
                    continue;
                };
                let reason = format!("reason {}", shape.id);
                let settlement = match settlement {
                    0 => Settlement::Done,
                    1 => Settlement::Retry { not_before: now.after(Duration::from_millis(shape.id.into())), reason },
                    _ => Settlement::Dead { reason },
                };
                commit.settle.push(Settle { work, fence: fence(fences), settlement });
            }
            commit.timers = shape.timers.iter().map(|(set, piece)| piece.timer(*set, now, shape.id)).collect();
            for (lease, change, held, until) in &shape.leases {
                let until = until.map(|millis| Timestamp(now.0 + millis));
                let known = pick(&self.leases, *held);
                commit.leases.push(match (change, known) {
                    (1, Some((lease, fences))) => LeaseChange::Extend { lease, fence: fence(fences), until },
                    (2, Some((lease, fences))) => LeaseChange::Release { lease, fence: fence(fences) },
                    _ => super::acquire(&format!("lease {lease}"), &format!("holder {}", shape.id), until),
                });
            }
            if let Some((lease, fences)) = shape.require.and_then(|held| pick(&self.leases, held)) {
                commit.require.push(Requirement::LeaseHeld { lease, fence: fence(fences) });
            }
        }
        both
    }

    fn agree(&mut self, answers: (Result<Receipt, CommitError>, Result<Receipt, CommitError>)) {
        match answers {
            (Ok(reference), Ok(subject)) => {
                assert_eq!(receipt(&reference), receipt(&subject));
                for ((lease, left), (_, right)) in reference.fences.into_iter().zip(subject.fences) {
                    if !self.leases.contains(&(lease.clone(), (left, right))) {
                        self.leases.push((lease, (left, right)));
                    }
                }
            }
            (Err(CommitError::AlreadySeen(reference)), Err(CommitError::AlreadySeen(subject))) => {
                assert_eq!(receipt(&reference), receipt(&subject));
            }
            (Err(CommitError::LeaseBusy(reference)), Err(CommitError::LeaseBusy(subject))) => {
                assert_eq!(lease(&reference), lease(&subject));
            }
            (Err(reference), Err(subject)) => assert_eq!(format!("{reference:?}"), format!("{subject:?}")),
            (reference, subject) => panic!("the reference says {reference:?}, the subject {subject:?}"),
        }
    }

    async fn compare(&self) {
        let (memory, journal) = (&self.memory, self.bench.journal());
        assert_eq!(memory.now(), journal.now());
        assert_eq!(memory.next_due().await.unwrap(), journal.next_due().await.unwrap());
        let feeds = [memory.feed(Cursor::default(), 999).await, journal.feed(Cursor::default(), 999).await];
        let [reference, subject] = feeds.map(|feed| feed.unwrap().iter().map(record).collect::<Vec<_>>());
        assert_eq!(reference, subject);
        for n in 0..4 {
            let stream = StreamId::new(format!("stream {n}"));
            let reads = [memory.stream(&stream, Version(1), 3).await, journal.stream(&stream, Version(1), 3).await];
            let [reference, subject] = reads.map(|read| read.unwrap().iter().map(record).collect::<Vec<_>>());
            assert_eq!(reference, subject);
        }
        let views = [memory.unsettled().await, journal.unsettled().await];
        let [reference, subject] = views.map(|views| views.unwrap().iter().map(view).collect::<Vec<_>>());
        assert_eq!(reference, subject);
        let leases = [memory.leases().await, journal.leases().await];
        let [reference, subject] = leases.map(|leases| leases.unwrap().iter().map(lease).collect::<Vec<_>>());
        assert_eq!(reference, subject);
        for id in (0..=u8::MAX).step_by(17) {
            let id = CommitId::new(format!("commit {id}"));
            let outcomes = [memory.outcome(&id).await, journal.outcome(&id).await];
            let [reference, subject] = outcomes.map(|outcome| outcome.unwrap().as_ref().map(receipt));
            assert_eq!(reference, subject);
        }
    }
}

impl Piece {
    fn work(&self, now: Timestamp, tag: u8) -> Work {
        Work {
            key: WorkKey::new(format!("work {}", self.key)),
            queue: queue(self.queue),
            order_key: format!("order {}", self.order),
            not_before: Timestamp(now.0 + self.delay),
            payload: json(&format!("{{\"tag\": {tag}}}")),
        }
    }

    fn timer(&self, set: bool, now: Timestamp, tag: u8) -> TimerChange {
        let work = self.work(now, tag);
        if set { TimerChange::Set(work) } else { TimerChange::Cancel(work.key) }
    }
}

fn queue(number: u8) -> Queue {
    Queue::new(format!("queue {number}"))
}

fn pick<T: Clone>(from: &[T], number: usize) -> Option<T> {
    from.get(number.checked_rem(from.len())?).cloned()
}

fn value(json: &serde_json::value::RawValue) -> serde_json::Value {
    serde_json::from_str(json.get()).unwrap()
}

fn receipt(receipt: &Receipt) -> impl PartialEq + std::fmt::Debug + use<> {
    let leases: Vec<LeaseId> = receipt.fences.iter().map(|(lease, _)| lease.clone()).collect();
    (receipt.at, receipt.versions.clone(), leases)
}

fn record(record: &Record) -> impl PartialEq + std::fmt::Debug + use<> {
    (record.stream.clone(), record.version, record.cursor.index, record.at, value(&record.event))
}

fn work(work: &Work) -> impl PartialEq + std::fmt::Debug + use<> {
    (work.key.clone(), work.queue.clone(), work.order_key.clone(), work.not_before, value(&work.payload))
}

fn view(view: &WorkView) -> impl PartialEq + std::fmt::Debug + use<> {
    let state = match &view.state {
        WorkState::Claimed { until, .. } => format!("claimed until {until}"),
        WorkState::Waiting => "waiting".to_owned(),
        WorkState::Dead { reason } => format!("dead: {reason}"),
    };
    (work(&view.work), state, view.attempt, view.last_failure.clone())
}

fn lease(lease: &LeaseView) -> impl PartialEq + std::fmt::Debug + use<> {
    (lease.lease.clone(), lease.holder.clone(), lease.note.clone(), lease.since, lease.until)
}
