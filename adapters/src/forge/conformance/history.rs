//! Conformance cases about commits and cherry-picks.

use std::sync::Arc;

use super::{Push, Setup, TEN, assert_rejected, branch, commit, main_branch, nowhere, pick_of, ten_with};
use crate::forge::{Change, Forge, Pick, Picked};
use crate::ids::{CommitId, Repo, TagName};

pub(super) async fn picked(forge: &Arc<dyn Forge>, repo: &Repo, pick: &Pick) -> CommitId {
    match forge.pick(repo, pick).await.unwrap() {
        Picked::Commit(commit) => commit,
        other @ (Picked::AlreadyThere | Picked::Empty | Picked::Malformed(_) | Picked::Conflict { .. }) => {
            panic!("this should have been a commit: {other:?}")
        }
    }
}

pub(super) fn change(base: &CommitId, head: &CommitId) -> Change {
    Change { base: base.clone(), head: head.clone() }
}

/// Full and short ids, branches and tags are resolved.
pub async fn words_resolve(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "main", &[&base], "a", "1").await;
    forge.tag(&repo, &TagName::parse("v1").unwrap(), &base).await.unwrap();
    for words in [base.as_str(), &base.as_str()[..12], "v1", &base.as_str().to_uppercase()] {
        assert_eq!(forge.resolve(&repo, words).await, Ok(Some(base.clone())), "{words}");
    }
    assert_eq!(forge.resolve(&repo, "main").await, Ok(Some(next)));
}

/// Invalid input is never executed, read as an option, or resolved as a range.
pub async fn words_that_are_no_commit_are_none_or_rejected(setup: &dyn Setup) {
    main_branch(setup).await;
    let words = [
        "",
        " ",
        "nothing",
        "--upload-pack=x",
        "--all",
        "-",
        "a;b",
        "$(reboot)",
        "..",
        "main..main",
        "main^",
        "main~1",
        "main@{0}",
        "@",
        ":lines",
        "main:lines",
        "^main",
        "refs/heads/main/../main",
        "ma\nin",
        "main\0",
        "../../etc",
        "0000000",
        &"0".repeat(40),
        nowhere().as_str(),
        "*",
        "refs/heads/*",
    ]
    .map(String::from);
    for words in words {
        let answer = setup.forge().resolve(&setup.repo(), &words).await;
        let harmless = matches!(answer, Ok(None) | Err(crate::failure::Failure::Rejected { .. }));
        assert!(harmless, "{words:?} became {answer:?}");
    }
}

/// A name is ambiguous if a branch and a tag have it at different commits (security case 45).
pub async fn a_word_with_two_meanings_is_rejected(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "release", &[&base], "a", "1").await;
    forge.tag(&repo, &TagName::parse("release").unwrap(), &base).await.unwrap();
    assert_rejected(forge.resolve(&repo, "release").await, "release");
    assert_eq!(forge.tip(&repo, &branch("release")).await, Ok(Some(next)));
}

/// A range lists the oldest `max` commits, oldest first, with the total number.
pub async fn commits_between_are_in_order_and_counted(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let mut ids = vec![base.clone()];
    for n in 1..=4 {
        let parent = ids.last().unwrap().clone();
        ids.push(commit(setup, "fix", &[&parent], "n", &n.to_string()).await);
    }
    let theirs = commit(setup, "main", &[&base], "b", "1").await;
    let all = forge.commits_between(&repo, &theirs, &ids[4], 10).await.unwrap();
    let found: Vec<_> = all.commits.iter().map(|info| info.id.clone()).collect();
    assert_eq!((found.as_slice(), all.total), (&ids[1..], 4));
    let some = forge.commits_between(&repo, &theirs, &ids[4], 2).await.unwrap();
    let found: Vec<_> = some.commits.iter().map(|info| info.id.clone()).collect();
    assert_eq!((found.as_slice(), some.total), (&ids[1..3], 4));
    assert_eq!(forge.commits_between(&repo, &ids[4], &ids[2], 10).await.unwrap().total, 0);
}

/// A commit reports its author, committer and co-authors, with any characters in their names.
pub async fn commits_say_who_took_part(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let message = "Fix: fees <&> \"quoted\"\n\nWhy.\n\nCo-authored-by: Grace Hopper <grace@example.org>\nco-authored-by: Żółw <z@example.org>\n";
    let files = [("a", Some("1"))];
    let push =
        Push { branch: "fix", parents: &[&base], files: &files, message, author: "Ada Lövelace <ada@example.org>" };
    let head = setup.push(push).await;
    let range = forge.commits_between(&repo, &base, &head, 1).await.unwrap();
    let info = &range.commits[0];
    assert_eq!((&info.id, info.parents.as_slice()), (&head, [base].as_slice()));
    assert_eq!(info.subject, "Fix: fees <&> \"quoted\"");
    assert_eq!((info.author.name.as_str(), info.author.email.as_str()), ("Ada Lövelace", "ada@example.org"));
    assert!(!info.committer.email.is_empty());
    let helped: Vec<_> = info.co_authors.iter().map(|who| (who.name.as_str(), who.email.as_str())).collect();
    assert_eq!(helped, [("Grace Hopper", "grace@example.org"), ("Żółw", "z@example.org")]);
}

/// Security case 93: a merge introduces the commits of its other parent, and itself only if its tree differs from git's
/// automatic merge. A pick names its source.
pub async fn a_commit_introduces_itself_and_a_merge_what_it_merged(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let one = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2")).await;
    let two = commit(setup, "fix", &[&one], "new", "a\n").await;
    let theirs = commit(setup, "main", &[&base], "b", "1").await;
    let merged = [("lines", Some(ten_with("two", "2"))), ("new", Some("a\n".to_owned()))];
    let evil = [merged.as_slice(), &[("more", Some("!\n".to_owned()))]].concat();
    for (files, expected) in [(merged.to_vec(), vec![&one, &two]), (evil, vec![&one, &two])] {
        let clean = files.len() == 2;
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_deref())).collect();
        let message = "Merge the fix\n";
        let author = "Ada Lovelace <ada@example.org>";
        let merge =
            setup.push(Push { branch: "main", parents: &[&theirs, &two], files: &files, message, author }).await;
        let introduced = forge.introduced(&repo, &merge).await.unwrap();
        let ids: Vec<&CommitId> = introduced.commits.iter().map(|info| &info.id).collect();
        let expected: Vec<&CommitId> = expected.into_iter().chain((!clean).then_some(&merge)).collect();
        assert_eq!((introduced.from.as_ref(), ids), (Some(&theirs), expected), "clean: {clean}");
    }
    let alone = forge.introduced(&repo, &two).await.unwrap();
    assert_eq!((alone.from.as_ref(), alone.commits.len(), &alone.commits[0].id), (Some(&one), 1, &two));
    let pick = picked(&forge, &repo, &pick_of(&two, &base)).await;
    assert_eq!(forge.introduced(&repo, &pick).await.unwrap().commits[0].picked_from, [two]);
}

/// The size of a diff counts files, insertions and deletions.
pub async fn sizes_are_counted(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let one = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2\n2b")).await;
    let two = commit(setup, "fix", &[&one], "new", "a\nb\n").await;
    let size = forge.size(&repo, &base, &two).await.unwrap();
    assert_eq!((size.files, size.insertions, size.deletions), (2, 4, 1));
    assert_eq!(forge.size(&repo, &base, &base).await, Ok(Default::default()));
}

/// A pick moves no branch, keeps the author, and contains only the picked change.
pub async fn a_pick_moves_nothing_and_keeps_its_author(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let unready = commit(setup, "main", &[&base], "unready", "1").await;
    let fix = commit(setup, "main", &[&unready], "lines", &ten_with("two", "2")).await;
    let pick = picked(&forge, &repo, &pick_of(&fix, &base)).await;
    assert_eq!(forge.tip(&repo, &branch("main")).await, Ok(Some(fix)));
    let range = forge.commits_between(&repo, &base, &pick, 10).await.unwrap();
    let info = &range.commits[0];
    assert_eq!(
        (range.total, info.parents.as_slice(), info.subject.as_str()),
        (1, [base.clone()].as_slice(), "Set lines")
    );
    assert_eq!((info.author.name.as_str(), info.author.email.as_str()), ("Ada", "ada@example.org"));
    assert_eq!(info.at.as_second(), 1_700_000_000);
    let size = forge.size(&repo, &base, &pick).await.unwrap();
    assert_eq!((size.files, size.insertions, size.deletions), (1, 1, 1), "the unready change stays out");
    forge.create(&repo, &branch("hotfix"), &pick).await.unwrap();
}

/// Equal arguments yield the same commit id.
pub async fn the_same_pick_is_the_same_commit(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let other = commit(setup, "main", &[&base], "b", "1").await;
    let fix = commit(setup, "main", &[&other], "a", "1").await;
    let pick = pick_of(&fix, &base);
    let first = picked(&forge, &repo, &pick).await;
    assert_eq!(picked(&forge, &repo, &pick).await, first);
    let later = Pick { at: pick.at + std::time::Duration::from_secs(1), ..pick };
    assert_ne!(picked(&forge, &repo, &later).await, first);
}

/// A pick without `trace` does not name its source.
pub async fn a_pick_may_leave_no_trace(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let other = commit(setup, "main", &[&base], "b", "1").await;
    let fix = commit(setup, "main", &[&other], "a", "1").await;
    let with = picked(&forge, &repo, &pick_of(&fix, &base)).await;
    let without = picked(&forge, &repo, &Pick { trace: false, ..pick_of(&fix, &base) }).await;
    assert_ne!(with, without);
    assert_eq!(forge.size(&repo, &with, &without).await.unwrap().files, 0);
}

/// A conflicting pick reports the files in conflict.
pub async fn a_pick_that_conflicts_names_its_files(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let files = [("lines", Some("changed\n")), ("fine", Some("1"))];
    let fix =
        setup.push(Push { branch: "main", parents: &[&base], files: &files, message: "x", author: "A <a@b>" }).await;
    let theirs = commit(setup, "hotfix", &[&base], "lines", &ten_with("two", "zwei")).await;
    let answer = forge.pick(&repo, &pick_of(&fix, &theirs)).await;
    assert_eq!(answer, Ok(Picked::Conflict { files: vec!["lines".into()] }));
}

/// A pick of a change that is already contained yields no commit.
pub async fn a_pick_that_is_there_changes_nothing(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let fix = commit(setup, "main", &[&base], "a", "1").await;
    let there = commit(setup, "hotfix", &[&base], "a", "1").await;
    let more = commit(setup, "hotfix", &[&there], "b", "1").await;
    assert_eq!(forge.pick(&repo, &pick_of(&fix, &more)).await, Ok(Picked::AlreadyThere));
}

/// A merge commit is picked as its diff against its first parent.
pub async fn a_merge_is_picked_against_its_first_parent(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let unready = commit(setup, "main", &[&base], "unready", "1").await;
    let fix = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2")).await;
    let merge = commit(setup, "main", &[&unready, &fix], "lines", &ten_with("two", "2")).await;
    let pick = picked(&forge, &repo, &pick_of(&merge, &base)).await;
    assert_eq!(forge.size(&repo, &fix, &pick).await.unwrap().files, 0, "the fix, and nothing unready");
}

/// A root commit is picked with all its files.
pub async fn a_first_commit_is_picked_whole(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let first = commit(setup, "apart", &[], "other", TEN).await;
    let pick = picked(&forge, &repo, &pick_of(&first, &base)).await;
    let size = forge.size(&repo, &base, &pick).await.unwrap();
    assert_eq!((size.files, size.insertions, size.deletions), (1, 10, 0));
}

/// Every query about an unknown commit is rejected.
pub async fn an_unknown_commit_is_rejected(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    assert_rejected(forge.pick(&repo, &pick_of(&nowhere(), &base)).await, "");
    assert_rejected(forge.pick(&repo, &pick_of(&base, &nowhere())).await, "");
    assert_rejected(forge.commits_between(&repo, &nowhere(), &base, 1).await, "");
    assert_rejected(forge.size(&repo, &base, &nowhere()).await, "");
    assert_rejected(forge.containment(&repo, &change(&base, &nowhere()), &base).await, "");
}

/// The count includes the commit itself and its ancestors along all parents.
pub async fn commits_are_counted(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let left = commit(setup, "main", &[&base], "a", "1").await;
    let right = commit(setup, "fix", &[&base], "b", "1").await;
    let merge = commit(setup, "main", &[&left, &right], "b", "1").await;
    assert_eq!(forge.count(&repo, &base).await, Ok(1));
    assert_eq!(forge.count(&repo, &merge).await, Ok(4));
    assert_rejected(forge.count(&repo, &nowhere()).await, "");
}
