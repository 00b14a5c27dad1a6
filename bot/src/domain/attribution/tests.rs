//! Tests of the contributors of a run, known and unknown.

use super::*;
use crate::domain::playbook::StepKind;
use crate::fixture::{asked, begun, commit, contribution, person, production, staging};

fn account(id: &str) -> PersonRef {
    PersonRef::new(Platform::Git, id)
}

/// Returns a contributor who is not in `people.toml`.
fn stranger(id: &str) -> Contributor {
    Contributor { person: None, name: id.to_uppercase(), unknown: Some(account(id)) }
}

fn known(id: &str) -> Contributor {
    Contributor { person: Some(person(id)), name: id.to_owned(), unknown: None }
}

fn by(source: &str, people: &[Contributor]) -> Attribution {
    let people = people.iter().cloned().collect();
    Attribution { source: commit(source), merge: false, commits: 1, pulls: Vec::new(), people }
}

fn named(by: &str, who: Option<&str>) -> Identified {
    Identified { by: person(by), person: who.map(person), words: "a contractor".to_owned() }
}

/// Returns a run without contributors, then changed.
fn of(change: impl FnOnce(&mut Hotfix)) -> Hotfix {
    let nobody = |state: &mut Hotfix| {
        state.head.as_mut().unwrap().commits.clear();
        state.attributions.clear();
        state.pull.as_mut().unwrap().author = None;
    };
    asked().changed(nobody).changed(change).state
}

fn contributors(state: &Hotfix) -> Vec<&str> {
    state.contributors().into_iter().map(PersonId::as_str).collect()
}

fn unknown(state: &Hotfix) -> Vec<(&str, &str)> {
    state.unknown().into_iter().map(|(account, name)| (account.id.as_str(), name)).collect()
}

/// A modification of the run, with its description.
type Change = (&'static str, fn(&mut Hotfix));

/// Security cases 23 and 93: every kind of part in the change makes a person a contributor.
#[test]
fn everybody_behind_the_change_is_a_contributor() {
    assert_eq!(contributors(&of(|_| {})), Vec::<&str>::new());
    let ways: [Change; 6] = [
        ("a commit of the head", |state| {
            state.head.as_mut().unwrap().commits = vec![contribution("1111111", "Fix", "ben")];
        }),
        ("a commit that is not listed", |state| state.head.as_mut().unwrap().people = [known("ben")].into()),
        ("a push", |state| state.head.as_mut().unwrap().pushers = [person("ben")].into()),
        ("the source of a fix", |state| {
            drop(state.attributions.insert(commit("f1f1f1f"), by("f1f1f1f", &[known("ben")])))
        }),
        ("the pull request", |state| state.pull.as_mut().unwrap().author = Some(known("ben"))),
        ("a captain's word", |state| drop(state.identified.insert(account("jo@x.org"), named("dee", Some("ben"))))),
    ];
    for (what, change) in ways {
        assert_eq!(contributors(&of(change)), ["ben"], "{what}");
    }
    let not_asked = of(|state| drop(state.attributions.insert(commit("9999999"), by("9999999", &[known("ben")]))));
    assert_eq!(contributors(&not_asked), Vec::<&str>::new(), "the source of a fix that nobody asks for");
    assert_eq!(contributors(&asked().state), ["ana", "chi"]);
}

/// Security case 94: an unknown contributor stays unknown until a captain identifies them.
#[test]
fn an_unknown_contributor_is_unknown_until_identified() {
    let behind = |state: &mut Hotfix| {
        state.head.as_mut().unwrap().people = [stranger("jo@x.org"), stranger("kim@x.org"), known("ben")].into();
    };
    assert_eq!(unknown(&of(|_| {})), []);
    assert_eq!(unknown(&of(behind)), [("jo@x.org", "JO@X.ORG"), ("kim@x.org", "KIM@X.ORG")]);
    let identified = of(|state| {
        behind(state);
        state.identified.insert(account("jo@x.org"), named("dee", None));
    });
    assert_eq!(unknown(&identified), [("kim@x.org", "KIM@X.ORG")]);
    assert!(identified.has_identified(&person("dee")) && !identified.has_identified(&person("ben")));
    assert!(!of(behind).has_identified(&person("dee")));
}

#[test]
fn those_who_ride_along_stand_behind_a_promotion_alone() {
    let riders = |state: &mut Hotfix| {
        let people = vec![stranger("jo@x.org")];
        state.included_changes = Some(vec![Contribution { people, ..contribution("aaaaaaa", "Redesign", "ben") }]);
    };
    assert_eq!(unknown(&of(riders)), []);
    let promotion = of(|state| {
        riders(state);
        state.plan.steps[0].kind = StepKind::Target;
    });
    assert_eq!(unknown(&promotion), [("jo@x.org", "JO@X.ORG")]);
}

/// Security case 94: an unknown contributor could be any voter, so one more vote is required.
#[test]
fn an_unknown_contributor_takes_one_more_vote() {
    let rule = |role, count| ApprovalRule { role, count };
    let rules = |rules: &[ApprovalRule], unknown: bool| {
        let state = of(|state| {
            state.plan.environments[1].approval.rules = rules.to_vec();
            if unknown {
                state.head.as_mut().unwrap().people = [stranger("jo@x.org")].into();
            }
        });
        state.approval_rules(&production())
    };
    let (captain, approver) = (rule(Role::Captain, 1), rule(Role::Approver, 2));
    assert_eq!(rules(&[approver, captain], false), [approver, captain]);
    assert_eq!(rules(&[approver, captain], true), [rule(Role::Approver, 3), captain]);
    assert_eq!(rules(&[captain, approver], true), [captain, rule(Role::Approver, 3)]);
    assert_eq!(rules(&[captain], true), [rule(Role::Captain, 2)]);
    assert_eq!(rules(&[], true), []);
    assert_eq!(rules(&[rule(Role::Approver, u32::MAX)], true), [rule(Role::Approver, u32::MAX)]);
    assert_eq!(begun().state.approval_rules(&staging()), []);
}

#[test]
fn a_person_wrote_what_stands_in_their_name_or_was_found_to_be_theirs() {
    let own = contribution("1111111", "Fix", "ben");
    let foreign = Contribution { people: vec![stranger("jo@x.org")], ..own.clone() };
    let state = of(|state| drop(state.identified.insert(account("jo@x.org"), named("dee", Some("ben")))));
    let wrote = |state: &Hotfix, commit: &Contribution| ["ben", "chi"].map(|who| state.wrote(commit, &person(who)));
    assert_eq!(wrote(&state, &own), [true, false]);
    assert_eq!(wrote(&state, &foreign), [true, false]);
    assert_eq!(wrote(&of(|_| {}), &foreign), [false, false]);
    let in_words = of(|state| drop(state.identified.insert(account("jo@x.org"), named("dee", None))));
    assert_eq!(wrote(&in_words, &foreign), [false, false]);
    let nobody = Contribution { people: Vec::new(), ..own };
    assert_eq!(wrote(&state, &nobody), [false, false]);
}

#[test]
fn an_account_is_written_with_its_platform_and_an_address_alone() {
    let cases = [
        (Platform::Git, "583231"),
        (Platform::Console, "console:583231"),
        (Platform::Slack, "slack:583231"),
        (Platform::Discord, "discord:583231"),
        (Platform::Github, "github:583231"),
        (Platform::Gitlab, "gitlab:583231"),
    ];
    for (platform, written) in cases {
        assert_eq!(handle(&PersonRef::new(platform, "583231")), written);
    }
}
