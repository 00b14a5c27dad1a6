//! Runs the conformance suite against the journals of this crate.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use async_trait::async_trait;
use hotfix_storage::conformance::{Factory, ManualClock, Subject};
use hotfix_storage::embedded::Options;
use hotfix_storage::{Embedded, Journal, Memory};

struct InMemory(Arc<Memory>);

#[async_trait]
impl Subject for InMemory {
    fn journal(&self) -> Arc<dyn Journal> {
        self.0.clone()
    }

    async fn reopen(&mut self) -> bool {
        self.0.restart();
        true
    }
}

struct MemoryFactory;

#[async_trait]
impl Factory for MemoryFactory {
    async fn fresh(&self, clock: Arc<ManualClock>) -> Box<dyn Subject> {
        Box::new(InMemory(Arc::new(Memory::new(clock))))
    }
}

struct OnDisk {
    options: Options,
    journal: Option<Arc<Embedded>>,
    _directory: tempfile::TempDir,
}

#[async_trait]
impl Subject for OnDisk {
    fn journal(&self) -> Arc<dyn Journal> {
        self.journal.clone().unwrap()
    }

    async fn reopen(&mut self) -> bool {
        self.journal.take().unwrap().close().await;
        self.journal = Some(Arc::new(Embedded::open(self.options.clone()).unwrap()));
        true
    }
}

struct EmbeddedFactory;

#[async_trait]
impl Factory for EmbeddedFactory {
    async fn fresh(&self, clock: Arc<ManualClock>) -> Box<dyn Subject> {
        let directory = tempfile::tempdir().unwrap();
        let small = Options::new(directory.path().join("store"), clock);
        let options = Options { segment_bytes: 2000, reserve_bytes: 4096, checkpoint_every: 7, ..small };
        let journal = Some(Arc::new(Embedded::open(options.clone()).unwrap()));
        Box::new(OnDisk { options, journal, _directory: directory })
    }
}

mod memory {
    hotfix_storage::conformance_tests!(super::MemoryFactory, cases: 200);
}

mod embedded {
    hotfix_storage::conformance_tests!(super::EmbeddedFactory, cases: 40);
}
