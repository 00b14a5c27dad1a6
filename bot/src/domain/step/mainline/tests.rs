//! Tests of the mainline step: its proof and its effects.

use hotfix_adapters::forge::{MergeMethod, PullNumber};

use super::*;
use crate::domain::hotfix::{Abandoned, Fix, FixState};
use crate::fixture::{Play, asked, commit, live, person};

fn proven() -> Mainline {
    Mainline::Merged(Containment::Squash, commit("eeeeeee"))
}

fn waived() -> Mainline {
    Mainline::Waived { by: person("dee"), reason: "main has another design".to_owned() }
}

fn with(mainline: Mainline) -> Play {
    live().changed(|state| state.mainline = mainline)
}

#[test]
fn the_fix_is_on_main_by_proof_or_given_up_by_name() {
    assert_eq!(progress(&with(proven()).state), Progress::done("main contains it as a squash at eeeeeee"));
    let adapted = with(proven()).changed(|state| {
        state.fixes.push(Fix { source: commit("f2f2f2f"), state: FixState::Adapted });
    });
    let told = "main contains it as a squash at eeeeeee, of which a person adapted 1";
    assert_eq!(progress(&adapted.state), Progress::done(told));
    assert_eq!(progress(&with(waived()).state), Progress::done("waived by <@dee>: main has another design"));
    for open in [Mainline::NotMerged, Mainline::Reverted(commit("6666666"))] {
        assert_eq!(progress(&with(open).state), Progress::Waiting(Wait::Mainline));
    }
}

#[test]
fn how_it_is_known_has_words_of_its_own() {
    let by = commit("5555555");
    let all = [
        (Containment::Ancestor, "main contains the very commits"),
        (Containment::Patch, "main contains the same patches"),
        (Containment::Squash, "main contains it as a squash"),
        (Containment::Lines, "main contains its lines"),
        (Containment::Rewritten { by: by.clone() }, "main rewrote its lines since"),
        (Containment::Reverted { by, partly: false }, "main took it out again"),
        (Containment::Missing { commits: Vec::new() }, "main does not contain it"),
    ];
    for (how, expected) in all {
        assert_eq!(words(&how), expected);
    }
}

#[test]
fn the_bot_merges_what_is_open() {
    let method = MergeMethod::Squash;
    let merges = |play: &Play| enter(&play.state, MainlineBy::Merge(method));
    let merge = Effect::Merge { number: PullNumber(7), head: commit("1111111"), method };
    assert_eq!(merges(&live()), [merge]);
    let silent: [(&str, Play); 6] = [
        ("it is merged", live().changed(|state| state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee")))),
        ("it is on main", with(proven())),
        ("main lost it", with(Mainline::Reverted(commit("6666666")))),
        ("it was given up", with(waived())),
        ("there is no pull request", live().changed(|state| state.pull = None)),
        ("there is no head", live().changed(|state| state.head = None)),
    ];
    for (what, play) in silent {
        assert_eq!(merges(&play), [], "{what}");
    }
}

/// The bot opens a pull request if people merge it and main does not have the fix yet.
#[test]
fn the_bot_opens_a_pull_request_where_people_merge() {
    let opens = |play: &Play| enter(&play.state, MainlineBy::Pull);
    assert_eq!(opens(&live()), [Effect::OpenReturn]);
    assert_eq!(opens(&live().changed(|state| state.return_pull = Some(PullNumber(9)))), []);
    assert_eq!(opens(&with(proven())), []);
    assert_eq!(opens(&with(waived())), []);
    assert_eq!(enter(&live().state, MainlineBy::Proof), []);
}

#[test]
fn an_abandoned_run_only_watches() {
    let abandoned = Abandoned { by: person("dee"), asked_by: None, reason: "lost".to_owned(), believed: [].into() };
    let play = asked().changed(|state| state.abandoned = Some(abandoned));
    for by in [MainlineBy::Merge(MergeMethod::Merge), MainlineBy::Pull, MainlineBy::Proof] {
        assert_eq!(enter(&play.state, by), [], "{by:?}");
    }
}
