//! The content of a mirror, which can be lost, damaged or shared without harm.

use std::sync::Arc;

use hotfix_adapters::forge::{Change, Containment, Files, History, Pick, Picked, Refs};
use hotfix_adapters::ids::BranchName;
use jiff::Timestamp;

use crate::repository::git;
use crate::support::Place;

const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

/// Returns the ids of the objects in the mirror, without fetching any.
fn held(place: &Place) -> String {
    let args = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"];
    String::from_utf8(git(&place.mirrored(), &args, b"")).unwrap()
}

#[tokio::test]
async fn the_content_of_files_comes_when_it_is_needed() {
    let place = Place::new().await;
    let first = place.commit("main", &[], &[("big", &"noise ".repeat(50_000)), ("small", "1\n")]);
    let second = place.commit("main", &[&first], &[("small", "2\n")]);
    assert_eq!(place.mirror.commits_between(&place.repo(), &first, &second, 5).await.unwrap().total, 1);
    assert_eq!(place.mirror.paths(&place.repo(), &second, "").await.unwrap(), ["big", "small"]);
    assert!(!held(&place).contains(" blob"), "commits and trees only");
    let small = place.mirror.read_file(&place.repo(), &second, "small").await.unwrap();
    assert_eq!(small.as_deref(), Some(&b"2\n"[..]));
    assert_eq!(held(&place).matches(" blob").count(), 1, "that one file, in that one version");
}

#[tokio::test]
async fn a_lost_mirror_is_made_again_and_answers_the_same() {
    let place = Place::new().await;
    let repo = place.repo();
    let base = place.commit("main", &[], &[("lines", TEN)]);
    let unready = place.commit("main", &[&base], &[("unready", "1")]);
    let fix = place.commit("main", &[&unready], &[("lines", &TEN.replace("two", "2"))]);
    let pick = Pick { onto: base.clone(), source: fix.clone(), at: Timestamp::UNIX_EPOCH, trace: true };
    let picked = place.mirror.pick(&repo, &pick).await.unwrap();
    let other = place.fresh();
    assert_eq!(other.pick(&repo, &pick).await.as_ref(), Ok(&picked), "nothing but its arguments makes a commit");
    let Picked::Commit(picked) = picked else { panic!("{picked:?}") };
    let hotfix = BranchName::parse("hotfix/1").unwrap();
    other.create(&repo, &hotfix, &picked).await.unwrap();
    let third = place.fresh();
    let change = Change { base: unready, head: fix };
    assert_eq!(third.containment(&repo, &change, &picked).await, Ok(Containment::Patch));
    assert_eq!(third.tip(&repo, &hotfix).await, Ok(Some(picked)));
}

/// The head of a pull request whose branch was deleted is fetched like any other commit.
#[tokio::test]
async fn a_commit_on_no_branch_is_fetched_by_its_id() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1")]);
    let head = place.commit("gone", &[&base], &[("a", "2")]);
    git(&place.directory(), &["update-ref", "refs/pull/1/head", head.as_str()], b"");
    git(&place.directory(), &["update-ref", "-d", "refs/heads/gone"], b"");
    assert_eq!(place.mirror.commits_between(&place.repo(), &base, &head, 5).await.unwrap().total, 1);
}

#[tokio::test]
async fn what_the_forge_has_no_more_resolves_no_more() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1")]);
    place.commit("topic", &[&base], &[("a", "2")]);
    assert!(place.mirror.resolve(&place.repo(), "topic").await.unwrap().is_some());
    git(&place.directory(), &["update-ref", "-d", "refs/heads/topic"], b"");
    let deep = place.commit("topic/deep", &[&base], &[("a", "3")]);
    assert_eq!(place.mirror.resolve(&place.repo(), "topic").await, Ok(None));
    assert_eq!(place.mirror.resolve(&place.repo(), "topic/deep").await, Ok(Some(deep)));
}

#[tokio::test]
async fn an_interrupted_start_and_a_killed_git_heal() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1")]);
    // The process died while it created the mirror, in both of its locations.
    std::fs::create_dir_all(place.mirrored().with_extension("new").join("objects")).unwrap();
    std::fs::create_dir_all(place.mirrored().join("refs")).unwrap();
    assert_eq!(place.mirror.count(&place.repo(), &base).await, Ok(1));
    // The process died during a fetch.
    let next = place.commit("main", &[&base], &[("a", "2")]);
    for lock in ["refs/heads/main.lock", "packed-refs.lock", "config.lock"] {
        std::fs::write(place.mirrored().join(lock), "").unwrap();
    }
    assert_eq!(place.reopened().resolve(&place.repo(), "main").await, Ok(Some(next)));
}

#[tokio::test]
async fn those_who_ask_at_once_share_a_fetch() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1")]);
    place.mirror.count(&place.repo(), &base).await.unwrap();
    let next = place.commit("main", &[&base], &[("a", "2")]);
    place.server.control.forget();
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let (mirror, repo) = (Arc::clone(&place.mirror), place.repo());
            tokio::spawn(async move { mirror.resolve(&repo, "main").await })
        })
        .collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap(), Ok(Some(next.clone())));
    }
    let fetches = place.server.control.calls().iter().filter(|call| call.method == "GET").count();
    assert!((1..8).contains(&fetches), "{fetches} fetches");
}

#[tokio::test]
async fn many_packs_become_few_and_nothing_is_lost() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1\n"), ("b", "1\n")]);
    let next = place.commit("main", &[&base], &[("a", "2\n")]);
    let other = place.commit("other", &[&base], &[("b", "2\n")]);
    let pick = Pick { onto: other.clone(), source: next.clone(), at: Timestamp::UNIX_EPOCH, trace: false };
    let Ok(Picked::Commit(picked)) = place.mirror.pick(&place.repo(), &pick).await else { panic!("no conflict here") };
    let packs = place.mirrored().join("objects/pack");
    let many = || {
        std::fs::read_dir(&packs)
            .unwrap()
            .filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|e| e == "pack"))
            .count()
    };
    for number in 0..60 {
        let blob = git(&place.mirrored(), &["hash-object", "-w", "--stdin"], number.to_string().as_bytes());
        git(&place.mirrored(), &["pack-objects", "-q", "objects/pack/pack"], &blob);
    }
    assert!(many() > 60);
    place.mirror.resolve(&place.repo(), "main").await.unwrap();
    assert!(many() < 10, "{} packs", many());
    place.mirror.create(&place.repo(), &BranchName::parse("hotfix").unwrap(), &picked).await.unwrap();
    let content = place.mirror.read_file(&place.repo(), &base, "a").await.unwrap();
    assert_eq!(content.as_deref(), Some(&b"1\n"[..]), "what was not here is still fetched");
}

/// A file that every commit changes, in a mirror without any of its versions.
#[tokio::test]
async fn looking_for_a_silent_revert_is_one_download() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("lines", TEN)]);
    let fixed = TEN.replace("two", "2");
    let fix = place.commit("main", &[&base], &[("lines", &fixed)]);
    let mut tip = fix.clone();
    for number in 0..12 {
        tip = place.commit("main", &[&tip], &[("lines", &fixed.replace("ten", &format!("{number}")))]);
    }
    let out = place.commit("main", &[&tip], &[("lines", &TEN.replace("ten", "11"))]);
    place.mirror.count(&place.repo(), &out).await.unwrap();
    place.server.control.forget();
    let change = Change { base, head: fix };
    assert_eq!(
        place.mirror.containment(&place.repo(), &change, &out).await,
        Ok(Containment::Reverted { by: out.clone(), partly: false })
    );
    let downloads = place.server.control.calls().iter().filter(|call| call.method == "GET").count();
    assert!(downloads <= 2, "{downloads} downloads");
}
