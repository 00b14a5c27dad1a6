//! Tests of votes and quorum: each rule is violated on its own.

use hotfix_adapters::ids::Digest;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::attribution::Identified;
use crate::domain::event::Contributor;
use crate::domain::hotfix::{Hotfix, Rejection};
use crate::domain::playbook::{Artifact, StepKind, Trigger};
use crate::domain::vote_source::VoteSource;
use crate::fixture::{asked, commit, contribution, environment, person, production, spec, voted, yes};

fn standing(all: &[(&str, &[Role])]) -> CurrentRoles {
    all.iter().map(|(who, roles)| (person(who), roles.iter().copied().collect())).collect()
}

fn facts(standing: CurrentRoles) -> DeployFacts {
    DeployFacts { standing, ..DeployFacts::default() }
}

fn valid(state: &Hotfix, now: Timestamp) -> Vec<String> {
    quorum(state, &production(), now, None).valid.iter().map(ToString::to_string).collect()
}

fn rule(role: Role, count: u32) -> ApprovalRule {
    ApprovalRule { role, count }
}

fn rules(state: &mut Hotfix, rules: &[ApprovalRule]) {
    state.plan.environments[1].approval.rules = rules.to_vec();
}

/// A modification of a vote, with its description.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Vote));

/// Security cases 23, 24 and 26: a vote is for one commit, base, plan and environment.
#[test]
fn a_vote_counts_for_exactly_what_was_shown_and_nothing_else() {
    let play = voted();
    assert_eq!(valid(&play.state, play.now), ["ben", "dee"]);
    let digest = Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
    let changes: [Change<'_>; 6] = [
        ("another environment", &|vote| vote.environment = environment("staging")),
        ("another commit", &|vote| vote.commit = commit("2222222")),
        ("another image", &|vote| vote.image = Some(digest.clone())),
        ("other edits", &|vote| vote.edits = Some("another".to_owned())),
        ("another base", &|vote| vote.base = commit("3333333")),
        ("another plan", &|vote| vote.plan_digest.push('x')),
    ];
    for (what, change) in changes {
        let mut state = play.state.clone();
        change(&mut state.votes[0]);
        assert_eq!(valid(&state, play.now), ["dee"], "{what}");
    }
}

#[test]
fn a_vote_holds_until_the_moment_it_expires() {
    let play = voted();
    let expires = play.state.votes[0].expires;
    let just_before = expires.checked_sub(SignedDuration::from_nanos(1)).unwrap();
    assert!(valid(&play.state, just_before).contains(&"ben".to_owned()));
    assert!(!valid(&play.state, expires).contains(&"ben".to_owned()));
    assert!(
        !valid(&play.state, expires.checked_add(SignedDuration::from_secs(1)).unwrap()).contains(&"ben".to_owned())
    );
}

/// Security case 23: contributors do not vote, however and whenever their part became known.
#[test]
fn who_had_a_part_in_the_change_does_not_vote() {
    let play = voted();
    let code = |state: &Hotfix, who: &str| excluded(state, &person(who)).map(|refusal| refusal.code);
    assert_eq!(code(&play.state, "dee"), None);
    assert_eq!(code(&play.state, "ana").as_deref(), Some("vote.requester"));
    assert_eq!(code(&play.state, "chi").as_deref(), Some("vote.author"));
    let mut identified = play.state.clone();
    let account = hotfix_adapters::ids::PersonRef::new(hotfix_adapters::ids::Platform::Git, "x@example.org");
    let one = Identified { person: None, words: "a contractor".to_owned(), by: person("dee") };
    identified.identified.insert(account, one);
    assert_eq!(code(&identified, "dee").as_deref(), Some("vote.identified"));
    assert_eq!(valid(&identified, play.now), ["ben"]);
    let broken = asked().glass_broken();
    assert_eq!(code(&broken.state, "dee").as_deref(), Some("vote.break-glass"));
    assert_eq!(code(&broken.state, "ben"), None);
}

#[test]
fn a_quorum_says_who_voted_what_is_missing_and_who_said_no() {
    let play = asked().by("ben", yes(None));
    let of = |state: &Hotfix| quorum(state, &production(), play.now, None);
    let one = of(&play.state);
    assert_eq!((one.valid, one.missing), ([person("ben")].into(), vec![rule(Role::Approver, 1)]));
    assert!(!of(&play.state).holds());
    let both = voted();
    assert!(of(&both.state).holds());
    let mut vetoed = both.state.clone();
    let no = |reason: &str| Rejection { reason: reason.to_owned(), source: VoteSource::Command, on: None };
    vetoed.rejections.insert((environment("staging"), person("eve")), no("not there"));
    assert!(of(&vetoed).rejections.is_empty() && of(&vetoed).holds());
    vetoed.rejections.insert((production(), person("eve")), no("not here"));
    assert_eq!(of(&vetoed).rejections, [(person("eve"), "not here".to_owned())]);
    assert!(!of(&vetoed).holds());
    vetoed.votes.clear();
    assert!(!of(&vetoed).holds());
}

/// Security case 90: a break-glass replaces missing votes and nothing else.
#[test]
fn broken_glass_stands_in_only_for_what_is_missing() {
    let play = asked().by("ben", yes(None)).glass_broken();
    let stands = quorum(&play.state, &production(), play.now, None);
    assert_eq!((stands.break_glass, stands.missing), (Some(person("dee")), Vec::new()));
    let mut enough = play.state.clone();
    rules(&mut enough, &[rule(Role::Approver, 1)]);
    assert_eq!(quorum(&enough, &production(), play.now, None).break_glass, None);
}

/// Each voter fills one seat whatever their roles, and the assignment fills as many seats as possible.
#[test]
fn every_voter_counts_once_and_for_the_best_seat() {
    let play = voted();
    let missing = |wanted: &[ApprovalRule], roles: &[(&str, &[Role])]| {
        let mut state = play.state.clone();
        rules(&mut state, wanted);
        state.votes.retain(|vote| roles.iter().any(|(who, _)| person(who) == vote.person));
        for vote in &mut state.votes {
            let own = roles.iter().find(|(who, _)| person(who) == vote.person).unwrap();
            vote.roles = own.1.iter().copied().collect();
        }
        quorum(&state, &production(), play.now, None).missing
    };
    let (approver, captain) = (Role::Approver, Role::Captain);
    let both: [(&str, &[Role]); 2] = [("ben", &[approver]), ("dee", &[approver, captain])];
    assert_eq!(missing(&[rule(approver, 2)], &both), []);
    assert_eq!(missing(&[rule(approver, 3)], &both), [rule(approver, 1)]);
    assert_eq!(missing(&[rule(approver, 4)], &both), [rule(approver, 2)]);
    assert_eq!(missing(&[rule(captain, 1), rule(approver, 1)], &both), []);
    assert_eq!(missing(&[rule(approver, 1), rule(captain, 1)], &both), []);
    assert_eq!(missing(&[rule(approver, 2), rule(captain, 1)], &both).len(), 1);
    let swapped: [(&str, &[Role]); 2] = [("ben", &[approver, captain]), ("dee", &[approver])];
    // Ben fills the first seat unless only he can fill the second.
    assert_eq!(missing(&[rule(approver, 1), rule(captain, 1)], &swapped), []);
    assert_eq!(missing(&[rule(captain, 2)], &both), [rule(captain, 1)]);
    assert_eq!(missing(&[rule(captain, 1)], &[("ben", &[approver])]), [rule(captain, 1)]);
    assert_eq!(missing(&[rule(approver, 1)], &[]), [rule(approver, 1)]);
    assert_eq!(missing(&[], &[]), []);
}

/// Security case 36: roles are checked when the vote is cast, and again when it counts.
#[test]
fn a_role_that_was_taken_away_since_does_not_count() {
    let play = voted();
    let counted = |now: &[(&str, &[Role])]| {
        let facts = facts(standing(now));
        let quorum = quorum(&play.state, &production(), play.now, Some(&facts));
        (quorum.valid.iter().map(ToString::to_string).collect::<Vec<_>>(), quorum.missing)
    };
    let approver: &[Role] = &[Role::Approver];
    assert_eq!(counted(&[("ben", approver), ("dee", approver)]), (vec!["ben".to_owned(), "dee".to_owned()], vec![]));
    let one_left = (vec!["ben".to_owned()], vec![rule(Role::Approver, 1)]);
    assert_eq!(counted(&[("ben", approver)]), one_left);
    assert_eq!(counted(&[("ben", approver), ("dee", &[Role::Captain])]), one_left);
    assert_eq!(counted(&[]), (vec![], vec![rule(Role::Approver, 2)]));
}

/// A seat needs a role that the voter had when voting and still has.
#[test]
fn a_seat_is_taken_by_a_role_that_was_there_then_and_is_there_now() {
    let mut state = voted().state;
    rules(&mut state, &[rule(Role::Approver, 1), rule(Role::Captain, 1)]);
    let now = state.votes[0].at;
    let counted = |dee: &[Role]| {
        let facts = facts(standing(&[("ben", &[Role::Approver]), ("dee", dee)]));
        quorum(&state, &production(), now, Some(&facts)).missing
    };
    assert_eq!(counted(&[Role::Approver, Role::Captain]), []);
    assert_eq!(counted(&[Role::Approver]), [rule(Role::Captain, 1)]);
    let mut fresh = state.clone();
    fresh.votes[1].roles = [Role::Approver].into();
    let facts = facts(standing(&[("ben", &[Role::Approver]), ("dee", &[Role::Approver, Role::Captain])]));
    assert_eq!(quorum(&fresh, &production(), now, Some(&facts)).missing, [rule(Role::Captain, 1)]);
}

#[test]
fn why_a_vote_lapses_by_the_rules_as_they_are_now() {
    let play = voted();
    let vote = &play.state.votes[0];
    let told = |roles: Option<&[Role]>, now: Timestamp, version: &str| {
        let standing = roles.map_or_else(CurrentRoles::new, |roles| standing(&[("ben", roles)]));
        void_reason(&play.state, vote, now, (version, &standing))
    };
    let (approver, now) = (Some(&[Role::Approver][..]), play.now);
    assert_eq!(told(approver, now, "policy-1"), None);
    assert_eq!(told(None, now, "policy-1"), Some(VoidReason::Left));
    assert_eq!(told(Some(&[Role::Captain]), now, "policy-1"), Some(VoidReason::Role));
    assert_eq!(told(approver, vote.expires, "policy-1"), Some(VoidReason::Expired));
    assert_eq!(told(approver, vote.expires.checked_sub(SignedDuration::from_secs(1)).unwrap(), "policy-1"), None);
    assert_eq!(told(approver, now, "policy-2"), Some(VoidReason::Policy));
    // No rule asks for a role that the voter had, so no lost role can matter.
    let mut unasked = play.state.clone();
    rules(&mut unasked, &[rule(Role::Captain, 1)]);
    let now_captain = standing(&[("ben", &[Role::Approver])]);
    assert_eq!(void_reason(&unasked, vote, now, ("policy-1", &now_captain)), None);
}

/// Security case 39: the policy can require that a review on the forge backs each vote.
#[test]
fn a_vote_is_backed_by_an_approving_review_of_exactly_the_head() {
    let play = voted();
    let vote = play.state.votes.iter().find(|vote| vote.person == person("ben")).unwrap().clone();
    assert!(is_backed(&play.state, &vote, None), "nothing has to back it");
    let mut state = play.state.clone();
    state.plan.environments[1].approval.step_up = Some(StepUp::Review);
    assert!(is_backed(&state, &vote, None), "Ben approved the head");
    let dee = state.votes.iter().find(|vote| vote.person == person("dee")).unwrap().clone();
    assert!(!is_backed(&state, &dee, None));
    assert_eq!(valid(&state, play.now), ["ben"]);
    let reviewed = |who: &[&str]| DeployFacts {
        reviewed: who.iter().map(|who| person(who)).collect(),
        ..facts(standing(&[("ben", &[Role::Approver]), ("dee", &[Role::Approver])]))
    };
    assert!(!is_backed(&state, &vote, Some(&reviewed(&["dee"]))) && is_backed(&state, &dee, Some(&reviewed(&["dee"]))));
    assert_eq!(quorum(&state, &production(), play.now, Some(&reviewed(&["dee"]))).valid, [person("dee")].into());
    let mut moved = state.clone();
    moved.head.as_mut().unwrap().tip = commit("4444444");
    assert!(!is_backed(&moved, &vote, None), "the review is of another commit");
    state.pull = None;
    assert!(!is_backed(&state, &vote, None), "there is nothing to review");
}

#[test]
fn the_last_word_of_each_reviewer_counts() {
    let review = |who: &str, short: &str, verdict| ReviewSeen {
        person: (who != "nobody").then(|| person(who)),
        name: who.to_owned(),
        commit: commit(short),
        verdict,
    };
    let (yes, no) = (ReviewVerdict::Approved, ReviewVerdict::ChangesRequested);
    let head = commit("1111111");
    assert_eq!(approving(&[review("ben", "1111111", yes)], &head), [person("ben")].into());
    assert_eq!(approving(&[review("ben", "2222222", yes)], &head), [].into());
    assert_eq!(approving(&[review("ben", "1111111", no)], &head), [].into());
    assert_eq!(approving(&[review("nobody", "1111111", yes)], &head), [].into());
    assert_eq!(approving(&[review("ben", "1111111", yes), review("ben", "1111111", no)], &head), [].into());
    assert_eq!(
        approving(&[review("ben", "1111111", no), review("ben", "1111111", yes)], &head),
        [person("ben")].into()
    );
    assert_eq!(approving(&[review("ben", "1111111", yes), review("ben", "2222222", yes)], &head), [].into());
}

/// Security case 23: a promotion needs one voter who did not work on its commits.
#[test]
fn a_promotion_takes_one_voter_who_did_not_write_it() {
    let one_vote = || {
        let mut state = asked().by("ben", yes(None)).state;
        rules(&mut state, &[rule(Role::Approver, 1)]);
        state
    };
    let now = asked().now;
    let missing = |state: &Hotfix| quorum(state, &production(), now, None).missing;
    let by = |who: &str| Some(vec![contribution("5555555", "A change", who)]);
    let step = |kind| spec("extra", "", kind);
    let mut promotion = one_vote();
    promotion.target = promotion.deployable().cloned();
    promotion.plan.steps.push(step(StepKind::Target));
    assert_eq!(missing(&promotion), []);
    promotion.included_changes = by("ben");
    assert_eq!(missing(&promotion), [rule(Role::Approver, 1)]);
    promotion.included_changes = by("eve");
    assert_eq!(missing(&promotion), []);
    promotion.included_changes = Some(vec![contribution("5555555", "A", "eve"), contribution("6666666", "B", "ben")]);
    assert_eq!(missing(&promotion), [rule(Role::Approver, 1)]);

    let mut hotfix = one_vote();
    hotfix.included_changes = by("ben");
    assert_eq!(missing(&hotfix), [], "what rides along with a hotfix is not what is approved");

    let mut schema = promotion.clone();
    schema.asked.schema = schema.deployable().cloned();
    schema.target = Some(commit("7777777"));
    let deploys = StepKind::Deploy { environment: production(), trigger: Trigger::Command, what: Artifact::Schema };
    schema.plan.steps.push(step(deploys));
    assert_eq!(missing(&schema), [], "the riders are not in the schema");

    let mut nobody = promotion;
    nobody.votes.clear();
    rules(&mut nobody, &[]);
    assert_eq!(missing(&nobody), [], "nobody has to vote");
}

/// An identified contributor counts as the named person.
#[test]
fn an_identified_contributor_is_the_person() {
    let mut state = asked().by("ben", yes(None)).state;
    rules(&mut state, &[rule(Role::Approver, 1)]);
    let account = hotfix_adapters::ids::PersonRef::new(hotfix_adapters::ids::Platform::Git, "b@example.org");
    let who = Contributor { person: None, name: "B".to_owned(), unknown: Some(account.clone()) };
    state.head.as_mut().unwrap().people.insert(who);
    assert_eq!(excluded(&state, &person("ben")), None);
    let ben = Identified { person: Some(person("ben")), words: String::new(), by: person("dee") };
    state.identified.insert(account, ben);
    assert_eq!(excluded(&state, &person("ben")).unwrap().code, "vote.author");
}
