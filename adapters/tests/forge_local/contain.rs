//! Containment: reports whether a branch contains a fix, for every way in which fixes are merged and lost.

use hotfix_adapters::forge::{Change, Containment, History};
use hotfix_adapters::ids::CommitId;

use crate::support::{Place, git, id};

const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

/// `main`, and a branch `fix` of two commits that each change another line of one file.
struct Scene {
    place: Place,
    main: CommitId,
    fix: [CommitId; 2],
    change: Change,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        let base = place.commit("main", &[], &[("lines", TEN)], "Start");
        let one = place.commit("fix", &[&base], &[("lines", &TEN.replace("two", "2"))], "Fix two");
        let two = place.commit("fix", &[&one], &[("lines", &TEN.replace("two", "2").replace("four", "4"))], "Fix four");
        let main = place.commit("main", &[&base], &[("other", "1")], "Something else");
        let change = Change { base, head: two.clone() };
        Self { place, main, fix: [one, two], change }
    }

    /// Runs git commands in a checkout of a commit; returns the resulting commit.
    fn then(&self, at: &CommitId, commands: &[&[&str]]) -> CommitId {
        let checkout = self.place.checkout(at);
        for args in commands {
            git(&checkout, args, b"");
        }
        let tip = id(git(&checkout, &["rev-parse", "HEAD"], b""));
        self.place.git(&["worktree", "remove", "--force", checkout.to_str().unwrap()]);
        tip
    }

    fn merged(&self) -> CommitId {
        self.then(&self.main, &[&["merge", "--quiet", "--no-ff", "-m", "Merge", self.change.head.as_str()]])
    }

    fn squashed(&self) -> CommitId {
        self.then(
            &self.main,
            &[&["merge", "--squash", "--quiet", self.change.head.as_str()], &["commit", "-qm", "Squash"]],
        )
    }

    fn picked(&self) -> CommitId {
        let [one, two] = &self.fix;
        self.then(&self.main, &[&["cherry-pick", one.as_str(), two.as_str()]])
    }

    fn picked_again(&self, tip: &CommitId) -> CommitId {
        let [one, two] = &self.fix;
        self.then(tip, &[&["cherry-pick", one.as_str(), two.as_str()]])
    }

    fn reverted(&self, tip: &CommitId, commit: &CommitId) -> CommitId {
        self.then(tip, &[&["revert", "--no-edit", commit.as_str()]])
    }

    fn edited(&self, tip: &CommitId) -> CommitId {
        let text = TEN.replace("two", "rewritten").replace("four", "rewritten");
        self.place.commit("later", &[tip], &[("lines", &text)], "Rewrite")
    }

    async fn at(&self, tip: &CommitId) -> Containment {
        self.place.local.containment(&self.place.repo(), &self.change, tip).await.unwrap()
    }
}

fn by(commit: &CommitId) -> Containment {
    Containment::Reverted { by: commit.clone(), partly: false }
}

fn partly_by(commit: &CommitId) -> Containment {
    Containment::Reverted { by: commit.clone(), partly: true }
}

fn rewritten(commit: &CommitId) -> Containment {
    Containment::Rewritten { by: commit.clone() }
}

#[tokio::test]
async fn every_way_in_is_seen_even_after_a_rewrite_of_the_same_lines() {
    let scene = Scene::new();
    let rebased = scene.then(&scene.fix[1], &[&["rebase", "--quiet", scene.main.as_str()]]);
    let ways = [
        (scene.merged(), Containment::Ancestor),
        (scene.picked(), Containment::Patch),
        (rebased, Containment::Patch),
        (scene.squashed(), Containment::Squash),
    ];
    for (tip, how) in ways {
        assert_eq!(scene.at(&tip).await, how);
        let edited = scene.edited(&tip);
        assert_eq!(scene.at(&edited).await, rewritten(&edited), "after an edit");
    }
    assert_eq!(scene.at(&scene.main).await, Containment::Missing { commits: scene.fix.to_vec() });
}

#[tokio::test]
async fn a_reverted_merge_is_out_until_the_revert_is_reverted() {
    let scene = Scene::new();
    let merge = scene.merged();
    let out = scene.then(&merge, &[&["revert", "--no-edit", "-m", "1", merge.as_str()]]);
    assert_eq!(scene.at(&out).await, by(&out));
    let back = scene.reverted(&out, &out);
    assert_eq!(scene.at(&back).await, Containment::Ancestor);
    let out_again = scene.reverted(&back, &back);
    assert_eq!(scene.at(&out_again).await, by(&out_again));
}

#[tokio::test]
async fn a_reverted_squash_is_out_until_the_revert_is_reverted() {
    let scene = Scene::new();
    let squash = scene.squashed();
    let out = scene.reverted(&squash, &squash);
    assert_eq!(scene.at(&out).await, by(&out));
    assert_eq!(scene.at(&scene.edited(&out)).await, by(&out));
    let back = scene.reverted(&out, &out);
    assert_eq!(scene.at(&back).await, Containment::Squash);
}

#[tokio::test]
async fn one_reverted_commit_of_two_takes_the_change_out() {
    let scene = Scene::new();
    let picked = scene.picked();
    let first = id(scene.place.git(&["rev-parse", &format!("{picked}^")]));
    for (tip, commit) in [(&picked, &first), (&picked, &picked), (&scene.merged(), &scene.fix[0])] {
        let out = scene.reverted(tip, commit);
        assert_eq!(scene.at(&out).await, partly_by(&out));
    }
}

#[tokio::test]
async fn a_revert_made_elsewhere_and_picked_here_counts() {
    let scene = Scene::new();
    let merged = scene.merged();
    let out_there = scene.reverted(&merged, &scene.fix[1]);
    let here = scene.then(&scene.picked(), &[&["cherry-pick", out_there.as_str()]]);
    assert_eq!(scene.at(&here).await, partly_by(&here));
}

#[tokio::test]
async fn what_comes_back_by_hand_is_in() {
    let scene = Scene::new();
    let merge = scene.merged();
    let out = scene.then(&merge, &[&["revert", "--no-edit", "-m", "1", merge.as_str()]]);
    let text = TEN.replace("two", "2").replace("four", "4");
    let back = scene.place.commit("main", &[&out], &[("lines", &text)], "Fix it again");
    assert_eq!(scene.at(&back).await, Containment::Ancestor);
    let more = scene.place.commit("main", &[&out], &[("lines", &text), ("note", "more")], "Fix it again, and more");
    assert_eq!(scene.at(&more).await, Containment::Ancestor, "its patch is another, but it is in");
}

#[tokio::test]
async fn a_silent_revert_takes_out_all_or_a_part_whatever_way_it_came_in() {
    let scene = Scene::new();
    let half = TEN.replace("two", "2");
    for tip in [scene.merged(), scene.picked(), scene.squashed()] {
        let between = scene.place.commit("between", &[&tip], &[("other", "2")], "Go on");
        let all = scene.place.commit("all", &[&between], &[("lines", TEN)], "Clean up");
        assert_eq!(scene.at(&all).await, by(&all), "all of it");
        let later = scene.place.commit("all", &[&all], &[("other", "3")], "Go on");
        assert_eq!(scene.at(&later).await, by(&all), "all of it, a while ago");
    }
    for tip in [scene.merged(), scene.picked()] {
        let part = scene.place.commit("part", &[&tip], &[("lines", &half)], "Clean up");
        assert_eq!(scene.at(&part).await, partly_by(&part), "one commit of it");
    }
}

/// Commits parallel to the change, before its merge, remove nothing of it.
#[tokio::test]
async fn a_switch_that_was_flipped_beside_the_change_is_no_revert() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("lines", TEN)], "Start");
    let on = TEN.replace("two", "2");
    let fix = place.commit("fix", &[&base], &[("lines", &on)], "Switch it on");
    let tried = place.commit("main", &[&base], &[("lines", &on)], "Try it");
    let given_up = place.commit("main", &[&tried], &[("lines", TEN)], "Give it up");
    let merged = place.commit("main", &[&given_up, &fix], &[("lines", &on)], "Merge");
    let edited = place.commit("main", &[&merged], &[("lines", &TEN.replace("two", "edited"))], "Go on");
    let change = Change { base, head: fix };
    let answer = place.local.containment(&place.repo(), &change, &edited).await;
    assert_eq!(answer, Ok(rewritten(&edited)));
    let answer = place.local.containment(&place.repo(), &change, &given_up).await.unwrap();
    assert_eq!(answer, by(&given_up), "there it came in by itself, and went");
}

/// With whitespace ignored, such a patch would be its own inverse.
#[tokio::test]
async fn a_change_of_spaces_alone_is_not_its_own_revert() {
    let place = Place::new();
    let text = "steps:\n- one\n- two\n";
    let moved = text.replace("- two", "  - two");
    let base = place.commit("main", &[], &[("lines", text)], "Start");
    let fix = place.commit("main", &[&base], &[("lines", &moved)], "Move it in");
    let out = place.commit("main", &[&fix], &[("lines", text)], "Move it out");
    let back = place.commit("main", &[&out], &[("lines", &moved)], "Move it in again");
    let edited = place.commit("main", &[&back], &[("lines", &moved.replace("two", "three"))], "Go on");
    let change = Change { base, head: fix };
    let at = async |tip: &CommitId| place.local.containment(&place.repo(), &change, tip).await.unwrap();
    assert_eq!(at(&out).await, by(&out));
    assert_eq!(at(&edited).await, rewritten(&edited));
}

/// A path may contain any characters that git allows.
#[tokio::test]
async fn a_silent_revert_of_strange_paths_is_seen() {
    let place = Place::new();
    for name in ["ä \"quoted\" ö", "--help", ":(glob)*", "tab\there"] {
        let base = place.commit("main", &[], &[(name, "1\n")], "Start");
        let fix = place.commit("main", &[&base], &[(name, "2\n")], "Fix");
        let out = place.commit("main", &[&fix], &[(name, "1\n")], "Clean up");
        let change = Change { base, head: fix };
        assert_eq!(place.local.containment(&place.repo(), &change, &out).await, Ok(by(&out)), "{name:?}");
    }
}

#[tokio::test]
async fn reverts_of_other_things_do_not_matter() {
    let scene = Scene::new();
    let merge = scene.merged();
    let other = scene.reverted(&merge, &scene.main);
    assert_eq!(scene.at(&other).await, Containment::Ancestor);
    let talk = "Talk\n\nThis reverts commit 1234567.\nThis reverts commit of mine.\nThis reverts commit ";
    let talk = scene.place.commit("main", &[&merge], &[("other", "2")], talk);
    assert_eq!(scene.at(&talk).await, Containment::Ancestor);
}

#[tokio::test]
async fn a_short_id_in_a_revert_is_understood() {
    let scene = Scene::new();
    let message = format!("Undo\n\nThis reverts commit {}.", &scene.fix[1].as_str()[..10]);
    let text = TEN.replace("two", "2");
    let out = scene.place.commit("main", &[&scene.merged()], &[("lines", &text)], &message);
    assert_eq!(scene.at(&out).await, partly_by(&out));
}

#[tokio::test]
async fn a_revert_that_is_part_of_the_change_is_not_against_it() {
    let mut scene = Scene::new();
    let undo = scene.reverted(&scene.fix[1], &scene.fix[1]);
    scene.change.head = undo;
    assert_eq!(scene.at(&scene.merged()).await, Containment::Ancestor);
}

/// The branch merged `main` before it was squashed, so no single patch equals the change.
#[tokio::test]
async fn a_squash_of_a_branch_that_had_merged_main_is_seen_by_its_content() {
    let mut scene = Scene::new();
    scene.change.head = scene.then(&scene.fix[1], &[&["merge", "--quiet", "-m", "Take main in", scene.main.as_str()]]);
    assert!(!scene.at(&scene.main).await.holds());
    assert_eq!(scene.at(&scene.squashed()).await, Containment::Squash);
}

/// The fix is based on unfinished work on `main`; only the fix was picked to the hotfix branch.
#[tokio::test]
async fn only_what_the_change_brought_is_asked_for() {
    let place = Place::new();
    let prod = place.commit("main", &[], &[("lines", TEN)], "Start");
    let unready = place.commit("main", &[&prod], &[("lines", &TEN.replace("ten", "10"))], "Unready");
    let fix = place.commit("main", &[&unready], &[("lines", &TEN.replace("ten", "10").replace("two", "2"))], "Fix");
    let text = TEN.replace("two", "2");
    let by_hand = place.commit("hotfix", &[&prod], &[("lines", &text), ("note", "adapted")], "Fix, adapted");
    let at = async |base: &CommitId, head: &CommitId| {
        let change = Change { base: base.clone(), head: head.clone() };
        place.local.containment(&place.repo(), &change, &by_hand).await.unwrap()
    };
    assert_eq!(at(&unready, &fix).await, Containment::Squash);
    assert!(!at(&prod, &fix).await.holds(), "the unready work is not there");
}

/// Security case 101: a merge on main that keeps the other side drops the fix, in whole or in part.
#[tokio::test]
async fn a_later_merge_that_drops_the_fix_is_named() {
    let scene = Scene::new();
    for tip in [scene.merged(), scene.squashed(), scene.picked()] {
        // A branch from before the fix, merged with its own side winning.
        let ours = scene.place.commit("old", &[&scene.main], &[("lines", TEN), ("other", "2")], "Old work");
        let half = TEN.replace("two", "2");
        let all = scene.place.commit("main", &[&tip, &ours], &[("lines", TEN), ("other", "2")], "Merge old");
        assert_eq!(scene.at(&all).await, by(&all));
        let later = scene.place.commit("main", &[&all], &[("other", "3")], "Go on");
        assert_eq!(scene.at(&later).await, by(&all), "a while ago");
        let part = scene.place.commit("part", &[&tip, &ours], &[("lines", &half), ("other", "2")], "Merge old");
        assert_eq!(scene.at(&part).await, partly_by(&part));
        let back = scene.picked_again(&all);
        assert!(scene.at(&back).await.holds(), "{:?}", scene.at(&back).await);
    }
}

/// The merge that brings the fix can drop it too.
#[tokio::test]
async fn a_merge_that_does_not_take_what_it_merges_is_named() {
    let scene = Scene::new();
    let kept = [("lines", TEN), ("other", "1")];
    let merge = scene.place.commit("main", &[&scene.main, &scene.change.head], &kept, "Merge, keeping ours");
    assert_eq!(scene.at(&merge).await, by(&merge));
    let later = scene.place.commit("main", &[&merge], &[("other", "3")], "Go on");
    assert_eq!(scene.at(&later).await, by(&merge));
}

/// A revert that arrived by a merge is itself reported, because it has the author and the reason.
#[tokio::test]
async fn a_revert_inside_a_merge_is_named_and_not_the_merge() {
    let scene = Scene::new();
    let squash = scene.squashed();
    let revert = scene.reverted(&squash, &squash);
    let beside = scene.place.commit("main", &[&squash], &[("other", "2")], "Go on");
    let merge = scene.place.commit("main", &[&beside, &revert], &[("lines", TEN), ("other", "2")], "Merge revert");
    assert_eq!(scene.at(&merge).await, by(&revert));
}

/// A conflict resolution in a merge becomes part of the fix; losing the resolution is losing the fix.
#[tokio::test]
async fn a_fix_that_was_adapted_by_its_merge_is_followed_as_adapted() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("lines", TEN)], "Start");
    let fix = place.commit("fix", &[&base], &[("lines", &TEN.replace("two", "2"))], "Fix two");
    let renamed = TEN.replace("two", "zwei");
    let theirs = place.commit("main", &[&base], &[("lines", &renamed)], "Translate");
    let settled = TEN.replace("two", "zwei, fixed");
    let merge = place.commit("main", &[&theirs, &fix], &[("lines", &settled)], "Merge");
    let later = place.commit("main", &[&merge], &[("other", "1")], "Go on");
    let dropped = place.commit("main", &[&later], &[("lines", &renamed)], "Tidy up");
    let change = Change { base, head: fix };
    let at = async |tip: &CommitId| place.local.containment(&place.repo(), &change, tip).await.unwrap();
    assert_eq!(at(&merge).await, Containment::Ancestor);
    assert_eq!(at(&later).await, Containment::Ancestor);
    assert_eq!(at(&dropped).await, by(&dropped));
}

/// 7 of 133 picks in a real history were of this kind.
#[tokio::test]
async fn a_pick_that_differs_in_its_context_is_in() {
    let place = Place::new();
    let source = "start\nread the receipt\nstore the receipt\nend\n";
    let base = place.commit("prod", &[], &[("lines", source)], "Start");
    let moved = source.replace("read the receipt", "read the whole receipt");
    let main = place.commit("main", &[&base], &[("lines", &moved)], "Rename");
    let brings = |text: &str| text.replace("store", "check that the receipt is whole\nstore");
    let on_main = place.commit("main", &[&main], &[("lines", &brings(&moved))], "Fix");
    let pick = place.commit("hotfix", &[&base], &[("lines", &brings(source))], "Fix, picked");
    let change = Change { base: base.clone(), head: pick };
    let at = async |tip: &CommitId| place.local.containment(&place.repo(), &change, tip).await.unwrap();
    assert_eq!(at(&on_main).await, Containment::Lines);
    assert!(!at(&main).await.holds());
    let out = place.commit("main", &[&on_main], &[("lines", &moved)], "Tidy up");
    assert_eq!(at(&out).await, rewritten(&out), "it was there, and what main had before is not what the pick had");
}

#[tokio::test]
async fn a_squash_of_several_commits_with_other_work_is_in_and_can_be_lost_in_part() {
    let scene = Scene::new();
    let both = TEN.replace("two", "2").replace("four", "4");
    let squash = scene.place.commit("main", &[&scene.main], &[("lines", &both), ("more", "1")], "Release 12");
    assert_eq!(scene.at(&squash).await, Containment::Squash);
    let part = scene.place.commit("main", &[&squash], &[("lines", &TEN.replace("two", "2"))], "Tidy up");
    assert!(!scene.at(&part).await.holds());
}

/// A renamed file keeps its fix, and can lose it under the new name.
#[tokio::test]
async fn a_fix_is_followed_into_a_renamed_file() {
    let scene = Scene::new();
    let both = TEN.replace("two", "2").replace("four", "4");
    for tip in [scene.merged(), scene.squashed()] {
        let moved = scene.then(&tip, &[&["mv", "lines", "src-lines"], &["commit", "-qm", "Move"]]);
        assert!(matches!(scene.at(&moved).await, Containment::Ancestor | Containment::Squash));
        let text = both.replace("ten", "10");
        let edited = scene.place.commit("main", &[&moved], &[("src-lines", &text)], "Edit");
        assert!(scene.at(&edited).await.holds());
        let out = scene.place.commit("main", &[&edited], &[("src-lines", TEN)], "Tidy up");
        assert_eq!(scene.at(&out).await, by(&out));
        let gone = scene.then(&moved, &[&["rm", "-q", "src-lines"], &["commit", "-qm", "Drop the module"]]);
        assert_eq!(scene.at(&gone).await, rewritten(&gone));
    }
}

/// A file that the fix added may grow later and still counts; a deleted one is lost.
#[tokio::test]
async fn a_file_that_the_fix_added_is_looked_for_by_most_of_its_lines() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("lines", TEN)], "Start");
    let fix = place.commit("main", &[&base], &[("check", "first\nsecond\nthird\n")], "Add a check");
    let grown = place.commit("main", &[&fix], &[("check", "zero\nfirst\nsecond\nthird, edited\n")], "Grow");
    let checkout = place.checkout(&grown);
    git(&checkout, &["rm", "-q", "check"], b"");
    git(&checkout, &["commit", "-qm", "Remove the check"], b"");
    let gone = id(git(&checkout, &["rev-parse", "HEAD"], b""));
    let change = Change { base, head: fix };
    let at = async |tip: &CommitId| place.local.containment(&place.repo(), &change, tip).await.unwrap();
    assert_eq!(at(&grown).await, Containment::Ancestor);
    assert_eq!(at(&gone).await, by(&gone));
}

/// The branch merged `main` before its own merge: changes from main are not part of the fix, and may change later.
#[tokio::test]
async fn what_a_branch_took_from_main_is_not_part_of_the_fix() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("lines", TEN)], "Start");
    let fix = place.commit("fix", &[&base], &[("lines", &TEN.replace("two", "2"))], "Fix two");
    let theirs = place.commit("main", &[&base], &[("other", "the old way\n")], "Something else");
    let files = [("lines", TEN.replace("two", "2")), ("other", "the old way\n".to_owned())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let taken = place.commit("fix", &[&fix, &theirs], &files, "Take main in");
    let merge = place.commit("main", &[&theirs, &taken], &files, "Merge");
    let changed = place.commit("main", &[&merge], &[("other", "the new way\n")], "Change it");
    let change = Change { base, head: taken };
    let at = async |tip: &CommitId| place.local.containment(&place.repo(), &change, tip).await.unwrap();
    assert_eq!(at(&changed).await, Containment::Ancestor);
    let out = place.commit("main", &[&changed], &[("lines", TEN)], "Tidy up");
    assert_eq!(at(&out).await, by(&out));
}
