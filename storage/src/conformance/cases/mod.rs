//! The conformance cases: one for each rule of [`crate::Journal`].

mod commits;
mod leases;
mod work;

pub use commits::*;
pub use leases::*;
pub use work::*;

use super::{Bench, commit};
use crate::error::CommitError;
use crate::outbox::Work;
use crate::record::{Commit, Receipt};

async fn made(bench: &Bench, commit: Commit) -> Receipt {
    bench.journal().commit(commit).await.unwrap()
}

async fn refused(bench: &Bench, commit: Commit) -> CommitError {
    let before = bench.journal().health().await;
    let error = bench.journal().commit(commit).await.unwrap_err();
    assert_eq!(bench.journal().health().await, before, "a refusal changed something");
    error
}

fn with_work(id: &str, work: impl IntoIterator<Item = Work>) -> Commit {
    Commit { enqueue: work.into_iter().collect(), ..commit(id) }
}
