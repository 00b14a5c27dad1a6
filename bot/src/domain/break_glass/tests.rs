//! Tests of break-glass: when it replaces votes, and who can countersign it (security case 90).

use jiff::SignedDuration;

use super::*;
use crate::fixture::{Play, asked, commit, image, message, person, production, staging, voted};

/// Returns a run with an announced break-glass, then changed.
fn broken(change: impl FnOnce(&mut Hotfix)) -> Play {
    asked().glass_broken().changed(change)
}

fn stands(play: &Play) -> bool {
    applies_to(&play.state, &production(), play.now, None).is_some()
}

fn due(minutes: i64) -> Review {
    let since = asked().now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    Review::Due { since, authors: [person("ben")].into() }
}

fn given() -> Review {
    Review::Given { by: person("ben"), ok: true, note: None }
}

/// A modification of the run, with its description.
type Change = (&'static str, fn(&mut Hotfix));

#[test]
fn a_glass_stands_in_for_exactly_what_it_was_broken_for() {
    let play = broken(|_| {});
    let glass = applies_to(&play.state, &production(), play.now, None);
    assert_eq!(glass, Some(&play.state.break_glass[0].glass));
    assert_eq!(unannounced(&play.state, &production(), play.now), None);
    assert!(applies_to(&play.state, &staging(), play.now, None).is_none());
    let changes: [Change; 8] = [
        ("it is void", |state| state.break_glass[0].void = true),
        ("another environment", |state| state.break_glass[0].glass.environment = staging()),
        ("another commit", |state| state.break_glass[0].glass.commit = commit("2222222")),
        ("another image", |state| state.break_glass[0].glass.image = Some(image('a').digest)),
        ("another base", |state| state.break_glass[0].glass.base = commit("2222222")),
        ("the base of the run moved", |state| state.base = None),
        ("another plan", |state| state.plan_digest.push('x')),
        ("nobody was told", |state| state.break_glass[0].announced = None),
    ];
    for (what, change) in changes {
        assert!(!stands(&broken(change)), "{what}");
    }
}

#[test]
fn a_glass_waits_for_the_audit_channel_to_be_told() {
    let waits = |change: fn(&mut Hotfix)| {
        let play = broken(|state| state.break_glass[0].announced = None).changed(change);
        unannounced(&play.state, &production(), play.now).is_some()
    };
    assert!(waits(|_| {}));
    assert!(!waits(|state| state.break_glass[0].announced = Some(message("a1"))));
    assert!(!waits(|state| state.break_glass[0].void = true));
    assert!(!waits(|state| state.break_glass.clear()));
}

#[test]
fn a_glass_holds_until_the_moment_it_expires() {
    let state = broken(|_| {}).state;
    let expires = state.break_glass[0].glass.expires;
    let at = |now| applies_to(&state, &production(), now, None).is_some();
    assert!(at(expires.checked_sub(SignedDuration::from_nanos(1)).unwrap()));
    assert!(!at(expires) && !at(expires.checked_add(SignedDuration::from_secs(1)).unwrap()));
}

/// Right before a deployment, a break-glass counts only if its user may still use it.
#[test]
fn a_glass_counts_while_whoever_broke_it_is_listed() {
    let play = broken(|_| {});
    let listed = |who: &[&str]| {
        let facts = DeployFacts { glass: who.iter().copied().map(person).collect(), ..DeployFacts::default() };
        applies_to(&play.state, &production(), play.now, Some(&facts)).is_some()
    };
    assert!(listed(&["ben", "dee"]) && !listed(&["ben"]) && !listed(&[]));
}

#[test]
fn the_newest_glass_that_counts_stands_in() {
    let play = broken(|state| {
        let mut newer = state.break_glass[0].clone();
        newer.glass.person = person("ben");
        state.break_glass.push(newer);
    });
    let who = |play: &Play| applies_to(&play.state, &production(), play.now, None).map(|glass| glass.person.clone());
    assert_eq!(who(&play), Some(person("ben")));
    assert_eq!(who(&play.changed(|state| state.break_glass[1].void = true)), Some(person("dee")));
}

#[test]
fn a_review_is_due_from_the_oldest_deployment_that_nobody_looked_at() {
    let of = |reviews: Vec<Review>| {
        broken(|state| {
            let glass = state.break_glass[0].clone();
            let all = reviews.into_iter().map(|review| BreakGlassUse { review, ..glass.clone() });
            state.break_glass = all.collect();
        })
        .state
    };
    let at = |minutes| asked().now.checked_add(SignedDuration::from_mins(minutes)).ok();
    let cases = [
        (vec![], None),
        (vec![Review::NotNeeded, given()], None),
        (vec![given(), due(9), due(3)], at(3)),
        (vec![due(5), Review::NotNeeded], at(5)),
    ];
    for (reviews, since) in cases {
        let state = of(reviews);
        assert_eq!((due_since(&state), review_due(&state)), (since, since.is_some()));
    }
}

#[test]
fn who_had_a_part_in_it_does_not_review_it() {
    let code = |state: &Hotfix, who: &str| involved(state, &person(who)).map(|refusal| refusal.code);
    let state = broken(|_| {}).state;
    assert_eq!(code(&state, "dee").as_deref(), Some("countersign.breaker"));
    assert_eq!(code(&state, "ana").as_deref(), Some("countersign.requester"));
    assert_eq!(code(&state, "chi").as_deref(), Some("countersign.author"), "of the head");
    assert_eq!((code(&state, "ben"), code(&state, "eve")), (None, None));
    let author = |review| code(&broken(|state| state.break_glass[0].review = review).state, "ben");
    assert_eq!(author(due(1)).as_deref(), Some("countersign.author"), "of what went out then");
    assert_eq!((author(given()), author(Review::NotNeeded)), (None, None));
    assert!(used_break_glass(&state, &person("dee")) && !used_break_glass(&state, &person("ben")));
    assert!(!used_break_glass(&voted().state, &person("dee")));
}
