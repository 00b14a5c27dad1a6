//! Conformance cases about containment, for each way in which a change arrives or is taken out.

use super::history::{change, picked};
use super::{Push, Setup, TEN, branch, commit, main_branch, pick_of, ten_with};
use crate::forge::Containment;
use crate::ids::CommitId;

/// A merge contains the merged change, by ancestry.
pub async fn a_merge_contains(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let theirs = commit(setup, "main", &[&base], "b", "1").await;
    let fix = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2")).await;
    let merge = commit(setup, "main", &[&theirs, &fix], "lines", &ten_with("two", "2")).await;
    assert_eq!(forge.containment(&repo, &change(&base, &fix), &merge).await, Ok(Containment::Ancestor));
}

/// A cherry-pick contains the change by patch. A later edit of its lines is reported as a rewrite.
pub async fn a_cherry_pick_contains(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let unready = commit(setup, "main", &[&base], "b", "1").await;
    let fix = commit(setup, "main", &[&unready], "lines", &ten_with("two", "2")).await;
    let pick = picked(&forge, &repo, &pick_of(&fix, &base)).await;
    assert_eq!(forge.containment(&repo, &change(&unready, &fix), &pick).await, Ok(Containment::Patch));
    forge.create(&repo, &branch("hotfix"), &pick).await.unwrap();
    let edited = commit(setup, "hotfix", &[&pick], "lines", &ten_with("two", "edited")).await;
    let rewritten = Containment::Rewritten { by: edited.clone() };
    assert_eq!(forge.containment(&repo, &change(&unready, &fix), &edited).await, Ok(rewritten));
}

/// A squash contains the change.
pub async fn a_squash_contains(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let one = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2")).await;
    let two = commit(setup, "fix", &[&one], "more", "1").await;
    let files = [("lines", Some(ten_with("two", "2"))), ("more", Some("1".to_owned()))];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_deref())).collect();
    let push = Push { branch: "main", parents: &[&base], files: &files, message: "Squashed", author: "A <a@b>" };
    let squash = setup.push(push).await;
    let tip = commit(setup, "main", &[&squash], "b", "1").await;
    assert_eq!(forge.containment(&repo, &change(&base, &two), &tip).await, Ok(Containment::Squash));
}

/// A change that is not contained is reported with its missing commits.
pub async fn a_missing_change_is_named(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let tip = commit(setup, "main", &[&base], "b", "1").await;
    let one = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2")).await;
    let two = commit(setup, "fix", &[&one], "more", "1").await;
    let there = picked(&forge, &repo, &pick_of(&one, &tip)).await;
    let missing =
        |commits: &[&CommitId]| Ok(Containment::Missing { commits: commits.iter().map(|id| (*id).clone()).collect() });
    assert_eq!(forge.containment(&repo, &change(&base, &two), &tip).await, missing(&[&one, &two]));
    assert_eq!(forge.containment(&repo, &change(&base, &two), &there).await, missing(&[&two]));
}

/// A revert takes the change out and is named. A revert of the revert brings it back.
pub async fn a_revert_takes_out_and_its_revert_brings_back(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let fixed = ten_with("two", "2");
    let fix = commit(setup, "main", &[&base], "lines", &fixed).await;
    let revert_of = |commit: &CommitId| format!("Revert \"x\"\n\nThis reverts commit {commit}.\n");
    let undo = async |parent: &CommitId, of: &CommitId, text: &str| {
        let (message, files) = (revert_of(of), [("lines", Some(text))]);
        let push = Push { branch: "main", parents: &[parent], files: &files, message: &message, author: "A <a@b>" };
        setup.push(push).await
    };
    let out = undo(&fix, &fix, TEN).await;
    let change = change(&base, &fix);
    assert_eq!(forge.containment(&repo, &change, &fix).await, Ok(Containment::Ancestor));
    assert_eq!(
        forge.containment(&repo, &change, &out).await,
        Ok(Containment::Reverted { by: out.clone(), partly: false })
    );
    let back = undo(&out, &out, &fixed).await;
    assert_eq!(forge.containment(&repo, &change, &back).await, Ok(Containment::Ancestor));
}

/// A revert is recognized without naming a commit, as GitHub and GitLab word the reverts of pull requests, and so is a
/// later reapplication. Other commits lie in between.
pub async fn a_revert_is_seen_however_it_is_worded(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let fix = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2")).await;
    let change = change(&base, &fix);
    let set = async |parent: &CommitId, text: &str, message: &str| {
        let files = [("lines", Some(text))];
        setup.push(Push { branch: "main", parents: &[parent], files: &files, message, author: "A <a@b>" }).await
    };
    let words = [
        "Revert \"Fix the fees\" (#13)\n\nReverts team/payments#12\n",
        "Revert \"Merge branch 'fix' into 'main'\"\n\nThis reverts merge request !12\n",
        "Undo\n\nThis reverts commit 1234567890123456789012345678901234567890.\n",
    ];
    let squash = set(&base, &ten_with("two", "2"), "Fix the fees (#12)\n").await;
    let merge = commit(setup, "main", &[&base, &fix], "lines", &ten_with("two", "2")).await;
    for arrived in [&squash, &merge] {
        let other = commit(setup, "main", &[arrived], "other", "1").await;
        for words in words {
            let out = set(&other, TEN, words).await;
            let later = commit(setup, "main", &[&out], "later", "1").await;
            let reverted = Containment::Reverted { by: out.clone(), partly: false };
            assert_eq!(forge.containment(&repo, &change, &later).await, Ok(reverted), "{words}");
            let back = set(&later, &ten_with("two", "2"), "Fix the fees, second try (#14)\n").await;
            let edited = set(&back, &ten_with("two", "edited"), "Go on\n").await;
            let rewritten = Containment::Rewritten { by: edited.clone() };
            assert_eq!(forge.containment(&repo, &change, &edited).await, Ok(rewritten), "back after {words}");
            let out_again = set(&back, TEN, "Not yet\n").await;
            let reverted = Containment::Reverted { by: out_again.clone(), partly: false };
            assert_eq!(forge.containment(&repo, &change, &out_again).await, Ok(reverted), "out again after {words}");
        }
    }
}
