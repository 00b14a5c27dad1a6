//! A merge happens once, at any crash point: the tests restore the ledger as a crash at each point would leave it.

use std::fs;
use std::sync::Arc;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::local::Local;
use hotfix_adapters::forge::{Merge, MergeMethod, NewPullRequest, PullRequest, PullRequests, PullState};
use hotfix_adapters::ids::{BranchName, CommitId};

use crate::support::{Place, open};

struct Scene {
    place: Place,
    base: CommitId,
    pull: PullRequest,
    merge: Merge,
}

impl Scene {
    async fn new(method: MergeMethod) -> Self {
        let place = Place::new();
        let base = place.commit("main", &[], &[("a", "1")], "Start");
        let head = place.commit("fix", &[&base], &[("a", "2")], "Fix");
        let [head_branch, main] = ["fix", "main"].map(|name| BranchName::parse(name).unwrap());
        let (title, body) = ("Fix".to_owned(), String::new());
        let new = NewPullRequest { repo: place.repo(), head: head_branch, base: main, title, body, author: None };
        let pull = place.local.open(&new).await.unwrap();
        let merge = Merge { expected_head: head, method, title: "Merge".into(), body: String::new() };
        Self { place, base, pull, merge }
    }

    /// Returns the forge as another process opens it, from the disk alone.
    fn restarted(&self) -> Arc<Local> {
        open(self.place.folder.path())
    }

    async fn merged_by(&self, local: &Local) -> Result<CommitId, Failure> {
        local.merge(&self.place.repo(), self.pull.number, &self.merge).await
    }

    fn main(&self) -> String {
        self.place.git(&["rev-parse", "refs/heads/main"])
    }

    fn first_parent_line(&self) -> String {
        self.place.git(&["rev-list", "--first-parent", "--count", "main"])
    }
}

#[tokio::test]
async fn a_crash_before_the_branch_moves_merges_later() {
    for method in [MergeMethod::Merge, MergeMethod::Squash] {
        let scene = Scene::new(method).await;
        let lock = scene.place.directory().join("refs/heads/main.lock");
        fs::write(&lock, "").unwrap();
        assert!(matches!(scene.merged_by(&scene.place.local).await, Err(Failure::Retry { .. })));
        assert!(fs::read_to_string(scene.place.ledger()).unwrap().contains("\"intent\": {"));
        assert_eq!(scene.main(), scene.base.as_str());
        fs::remove_file(&lock).unwrap();
        let local = scene.restarted();
        assert_eq!(local.read(&scene.place.repo(), scene.pull.number).await.unwrap().state, PullState::Open);
        let merged = scene.merged_by(&local).await.unwrap();
        assert_eq!((scene.main().as_str(), scene.first_parent_line().as_str()), (merged.as_str(), "2"));
    }
}

#[tokio::test]
async fn a_crash_after_the_branch_moved_merges_nothing_again() {
    for method in [MergeMethod::Merge, MergeMethod::Squash] {
        let scene = Scene::new(method).await;
        let lock = scene.place.directory().join("refs/heads/main.lock");
        fs::write(&lock, "").unwrap();
        scene.merged_by(&scene.place.local).await.unwrap_err();
        let begun = fs::read(scene.place.ledger()).unwrap();
        fs::remove_file(&lock).unwrap();
        let merged = scene.merged_by(&scene.place.local).await.unwrap();
        let later = scene.place.commit("main", &[&merged], &[("later", "1")], "Later");
        // The intent was recorded and the branch moved, but the result was not recorded.
        for read_first in [true, false] {
            fs::write(scene.place.ledger(), &begun).unwrap();
            let local = scene.restarted();
            if read_first {
                let state = local.read(&scene.place.repo(), scene.pull.number).await.unwrap().state;
                assert_eq!(state, PullState::Merged(merged.clone()));
            }
            assert_eq!(scene.merged_by(&local).await, Ok(merged.clone()));
            assert_eq!((scene.main().as_str(), scene.first_parent_line().as_str()), (later.as_str(), "3"));
        }
    }
}

#[tokio::test]
async fn two_processes_that_merge_at_once_make_one_merge() {
    for method in [MergeMethod::Merge, MergeMethod::Squash] {
        let scene = Scene::new(method).await;
        let (a, b, c) = (scene.restarted(), scene.restarted(), scene.restarted());
        let (a, b, c) = tokio::join!(scene.merged_by(&a), scene.merged_by(&b), scene.merged_by(&c));
        assert_eq!((&a, &b), (&b, &c));
        assert_eq!((scene.main(), scene.first_parent_line().as_str()), (a.unwrap().to_string(), "2"));
    }
}

#[tokio::test]
async fn an_intent_for_another_head_is_forgotten() {
    let mut scene = Scene::new(MergeMethod::Merge).await;
    let lock = scene.place.directory().join("refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    scene.merged_by(&scene.place.local).await.unwrap_err();
    fs::remove_file(&lock).unwrap();
    let head = scene.place.commit("fix", &[&scene.merge.expected_head], &[("b", "1")], "More");
    assert!(matches!(scene.merged_by(&scene.place.local).await, Err(Failure::Rejected { .. })));
    scene.merge.expected_head = head.clone();
    let merged = scene.merged_by(&scene.restarted()).await.unwrap();
    assert_eq!(scene.place.git(&["rev-parse", &format!("{merged}^2")]), head.as_str());
}
