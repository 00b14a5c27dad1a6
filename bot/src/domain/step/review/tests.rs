//! Tests of the review step: approvals, checks and obstacles of the pull request.

use super::super::tests::check;
use super::*;
use crate::fixture::{Play, begun, commit, person};

fn reviewed() -> Play {
    begun().announced().branched().picked().reviewed()
}

/// Returns a reviewed run with a changed pull request.
fn seen(change: impl FnOnce(&mut PullSeen)) -> Play {
    reviewed().changed(|state| change(&mut state.pull.as_mut().unwrap().seen))
}

fn review(who: &str, short: &str, verdict: ReviewVerdict) -> ReviewSeen {
    ReviewSeen { person: Some(person(who)), name: who.to_owned(), commit: commit(short), verdict }
}

/// Returns the wait for reviews with these counts and requests for changes.
fn waits(have: u32, need: u32, against: &[&str]) -> Progress {
    let against = against.iter().map(|name| (*name).to_owned()).collect();
    Progress::Waiting(Wait::Review { have, need, checks: Vec::new(), against, pull: Vec::new() })
}

/// Returns the progress with these reviews if one approval is required.
fn with(reviews: &[ReviewSeen]) -> Progress {
    progress(&seen(|seen| seen.reviews = reviews.to_vec()).state, 1)
}

#[test]
fn enough_approvals_and_green_checks_are_told() {
    assert_eq!(progress(&reviewed().state, 1), Progress::done("approved by Ben on 1111111, 1 check green"));
    assert_eq!(progress(&reviewed().state, 2), waits(1, 2, &[]));
    let nobody = seen(|seen| seen.reviews.clear());
    let unasked = "nobody's review is asked for on 1111111, 1 check green";
    assert_eq!(progress(&nobody.state, 0), Progress::done(unasked));
    let reading = Progress::Waiting(Wait::Bot("reading the reviews"));
    assert_eq!(progress(&reviewed().changed(|state| state.pull = None).state, 1), reading);
    assert_eq!(progress(&reviewed().changed(|state| state.head = None).state, 1), reading);
}

/// Security case 25, APPLY-8: an approval counts for its commit only, and not from a contributor.
#[test]
fn an_approval_counts_for_its_commit_and_not_by_whoever_made_it() {
    let yes = ReviewVerdict::Approved;
    let both = with(&[review("dee", "1111111", yes), review("ben", "1111111", yes)]);
    assert_eq!(both, Progress::done("approved by ben, dee on 1111111, 1 check green"));
    assert_eq!(with(&[review("ben", "2222222", yes)]), waits(0, 1, &[]));
    assert_eq!(with(&[review("ben", "1111111", ReviewVerdict::Dismissed)]), waits(0, 1, &[]));
    assert_eq!(with(&[review("chi", "1111111", yes)]), waits(0, 1, &[]), "Chi wrote it");
    assert_eq!(with(&[ReviewSeen { person: None, ..review("ben", "1111111", yes) }]), waits(0, 1, &[]));
    let ana = || seen(|seen| seen.reviews = vec![review("ana", "1111111", yes)]);
    let by_the_bot = ana().changed(|state| state.pull.as_mut().unwrap().author = None);
    assert_eq!(progress(&by_the_bot.state, 1), waits(0, 1, &[]), "Ana asked for it");
    let wanted = by_the_bot.changed(|state| state.requester = person("eve"));
    assert_eq!(progress(&wanted.state, 1), Progress::done("approved by ana on 1111111, 1 check green"));
}

#[test]
fn the_last_word_of_a_reviewer_stands() {
    let (yes, no) = (ReviewVerdict::Approved, ReviewVerdict::ChangesRequested);
    let words = [review("ben", "1111111", no), review("ben", "1111111", yes)];
    assert_eq!(with(&words), Progress::done("approved by ben on 1111111, 1 check green"));
    assert_eq!(with(&[words[1].clone(), words[0].clone()]), waits(0, 1, &["ben"]));
    let old = [review("ben", "1111111", yes), review("eve", "2222222", no)];
    assert_eq!(with(&old), waits(1, 1, &["eve"]), "a no stands whatever it was said of");
}

/// Only checks of the head count (security cases 51 and 52).
#[test]
fn checks_count_for_the_head_alone() {
    let of = |change: &dyn Fn(&mut PullSeen)| {
        let progress = progress(&seen(change).state, 1);
        let Progress::Waiting(Wait::Review { have: 1, need: 1, checks, .. }) = progress else { panic!("{progress:?}") };
        checks
    };
    assert_eq!(of(&|seen| seen.checked = Some(commit("2222222"))), ["the checks were not read yet"]);
    assert_eq!(of(&|seen| seen.checked = None), ["the checks were not read yet"]);
    assert_eq!(of(&|seen| seen.checks = vec![check("build", CheckState::Failure)]), ["build failed"]);
}

#[test]
fn a_pull_request_is_held_back_by_its_marks() {
    let of = |change: &dyn Fn(&mut PullSeen)| {
        let progress = progress(&seen(change).state, 1);
        let Progress::Waiting(Wait::Review { checks, against, pull, .. }) = progress else { panic!("{progress:?}") };
        assert_eq!([checks, against].concat(), Vec::<String>::new());
        pull
    };
    let (closed, draft) = ("the pull request is closed", "the pull request is a draft");
    assert_eq!(of(&|seen| seen.closed = true), [closed]);
    assert_eq!(of(&|seen| seen.draft = true), [draft]);
    let labelled = |seen: &mut PullSeen| seen.hold_labels = vec!["wip".to_owned(), "later".to_owned()];
    let carries = ["the pull request carries wip", "the pull request carries later"];
    assert_eq!(of(&labelled), carries);
    let all = |seen: &mut PullSeen| {
        (seen.closed, seen.draft) = (true, true);
        labelled(seen);
    };
    assert_eq!(of(&all), [closed, draft, carries[0], carries[1]]);
}

/// Lenient checks that did not succeed are named in the evidence.
#[test]
fn checks_that_may_fail_are_named_when_they_did() {
    let with = |state: CheckState| {
        let play = seen(|seen| {
            seen.checks.push(check("noise", state));
            seen.checks.push(check("hum", state));
        });
        let lenient = ["noise", "hum", "unreported"].map(str::to_owned).to_vec();
        progress(&play.changed(|state| state.plan.lenient_checks = lenient).state, 1)
    };
    let leniently = "approved by Ben on 1111111, 1 check green; leniently without noise, hum";
    assert_eq!(with(CheckState::Failure), Progress::done(leniently));
    assert_eq!(with(CheckState::Pending), Progress::done(leniently));
    assert_eq!(with(CheckState::Success), Progress::done("approved by Ben on 1111111, 3 checks green"));
}
