//! Tests of the promoted commit and of the objections to it.

use hotfix_adapters::forge::Containment;

use super::super::tests::{cited, refusals};
use super::*;
use crate::domain::service::TargetPlan;
use crate::fixture::{Play, begun, commit};

/// Returns a promotion of this commit with a changed snapshot.
fn promoting(short: &str, change: impl FnOnce(&mut Snapshot)) -> Play {
    begun().changed(|state| {
        let survey = state.snapshot.as_mut().unwrap();
        survey.target = Some(commit(short));
        change(survey);
    })
}

fn missing() -> Containment {
    Containment::Missing { commits: Vec::new() }
}

#[test]
fn what_is_promoted_is_pinned() {
    let pinned = |evidence: &str| Progress::Done {
        evidence: evidence.to_owned(),
        events: vec![Event::Targeted { commit: commit("ddddddd") }],
    };
    let main = promoting("ddddddd", |_| {});
    assert_eq!(progress(&main.state), pinned("ddddddd, which is main as it is now"));
    let named = main.changed(|state| state.asked.target = Some("v1".to_owned()));
    assert_eq!(progress(&named.state), pinned("ddddddd"));
    assert_eq!(cited(&refusals(progress(&begun().state))), ["promotion.unknown PROMO-6"]);
    let unread = begun().changed(|state| state.snapshot = None).state;
    assert_eq!(progress(&unread), Progress::Waiting(Wait::Bot("reading what would be promoted")));
}

/// PROMO-5, PROMO-10: a promotion is refused if production runs the commit already, or would lose its hotfix.
#[test]
fn a_promotion_takes_production_forward_with_its_hotfix() {
    let of = |play: &Play| refusals(progress(&play.state));
    let nothing = of(&promoting("abc1234", |_| {}));
    assert_eq!(cited(&nothing), ["promotion.nothing PROMO-5"]);
    assert_eq!(nothing[0].reason, "Production runs abc1234 already.");
    let loses = of(&promoting("ddddddd", |survey| survey.leaving = Some(missing())));
    assert_eq!(cited(&loses), ["promotion.loses-fix PROMO-10"]);
    assert_eq!(
        loses[0].reason,
        "Production runs abc1234, which is not behind ddddddd: it is a hotfix, and what would be promoted does not \
         contain it."
    );
    let both = of(&promoting("abc1234", |survey| survey.leaving = Some(missing())));
    assert_eq!(cited(&both), ["promotion.nothing PROMO-5", "promotion.loses-fix PROMO-10"]);
    let has_it = promoting("ddddddd", |survey| survey.leaving = Some(Containment::Patch));
    assert_eq!(super::against(&has_it.state, has_it.state.snapshot.as_ref().unwrap(), &commit("ddddddd")), []);
}

/// A promotion that does not change production is not compared with it.
#[test]
fn a_promotion_that_leaves_production_alone_is_not_compared_with_it() {
    let leaving = || promoting("abc1234", |survey| survey.leaving = Some(missing()));
    let done = |play: &Play| matches!(progress(&play.state), Progress::Done { .. });
    let elsewhere = leaving().changed(|state| {
        let docs = TargetPlan { name: "docs".to_owned(), production: false };
        state.plan.environments[1].targets = vec![docs];
        state.plan.only = vec!["docs".to_owned()];
    });
    assert!(done(&elsewhere));
    assert!(!done(&elsewhere.changed(|state| state.plan.environments[1].targets[0].production = true)));
    let baseless =
        leaving().changed(|state| state.plan.steps.retain(|spec| !matches!(spec.kind, StepKind::Base { .. })));
    assert!(done(&baseless));
}
