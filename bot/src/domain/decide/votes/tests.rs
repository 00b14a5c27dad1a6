//! Tests of votes and rejections, and of the approval steps that they reopen.

use super::*;
use crate::domain::command::{ActiveFreeze, Command, FreezeEnd, Observation, UserCommand};
use crate::domain::decide::tests::{entered, no_events, reopened, running, withdrawn};
use crate::domain::event::PullSeen;
use crate::domain::hotfix::PinnedImage;
use crate::domain::people::Role;
use crate::domain::service::{ApprovalRule, StepUp};
use crate::domain::vote_request::VoteRequest;
use crate::fixture::{
    Play, asked, begun, commit, environment, grant, live, message, person, production, staging, voted, yes,
};
use hotfix_adapters::registry::{Image, Published};

/// Indexes of steps in the plan of the fixture.
const LOOK: usize = 9;
const VOTES: usize = 10;

fn by_reaction(on: &str) -> UserCommand {
    yes(Some(message(on)))
}

fn by_button(on: &str) -> UserCommand {
    UserCommand::Approve { on: Some(message(on)), way: VoteSource::Button }
}

fn back(on: Option<&str>) -> UserCommand {
    UserCommand::Unapprove { on: on.map(message) }
}

fn reject(reason: &str, on: Option<&str>) -> UserCommand {
    let way = if on.is_some() { VoteSource::Reaction } else { VoteSource::Command };
    UserCommand::Reject { reason: reason.to_owned(), on: on.map(message), way }
}

/// Returns the same run at another time.
fn at(mut play: Play, now: Timestamp) -> Play {
    play.now = now;
    play
}

fn minutes(from: Timestamp, minutes: i64) -> Timestamp {
    from.checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn just_before(when: Timestamp) -> Timestamp {
    when.checked_sub(SignedDuration::from_nanos(1)).unwrap()
}

/// Returns the time of the vote request.
fn put(play: &Play) -> Timestamp {
    play.state.vote_requests[&production()].asked
}

/// Returns a run that takes no votes, because a negative attestation on staging reopened an earlier step.
fn too_early() -> Play {
    asked().verified("staging", false)
}

/// Requires each vote to be backed by a review on the forge.
fn with_reviews(play: Play) -> Play {
    play.changed(|state| state.plan.environments[1].approval.step_up = Some(StepUp::Review))
}

fn unreviewed(play: &Play) -> Observation {
    let mut seen = play.state.pull.clone().unwrap().seen;
    seen.reviews.clear();
    Observation::Pull { seen, merged: None }
}

fn into(branch: Option<&str>) -> Observation {
    let astray = branch.map(|branch| branch.parse().unwrap());
    Observation::Pull { seen: PullSeen { astray, ..voted().state.pull.unwrap().seen }, merged: None }
}

fn edits(digest: &str) -> Observation {
    let edits = Edits { diff: "-1\n+2".to_owned(), digest: digest.to_owned() };
    Observation::Edits { environment: production(), edits }
}

/// Returns an observation of the policy with these voters and approval rules.
fn rules_with(voters: &[&str], approvals: &[(Environment, Approval)]) -> Observation {
    let standing = voters.iter().map(|who| (person(who), grant(who).roles)).collect();
    let approvals = approvals.iter().cloned().collect();
    Observation::Rules { policy_version: "policy-1".to_owned(), roles: standing, approvals }
}

fn rules(voters: &[&str]) -> Observation {
    rules_with(voters, &[])
}

fn planned() -> Approval {
    Approval { rules: vec![ApprovalRule { role: Role::Approver, count: 2 }], expires_minutes: 120, step_up: None }
}

fn changed_to(approval: Approval) -> Event {
    Event::ApprovalChanged { environment: production(), approval }
}

fn closed(why: CloseReason) -> Event {
    Event::VoteRequestClosed { environment: production(), why }
}

#[test]
fn a_vote_says_what_was_voted_on_by_whom_and_until_when() {
    let play = asked().changed(|state| {
        let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let image = Image { repository: "quay.io/team/payments".to_owned(), tag: "1".to_owned(), digest };
        let published = Published { image, created: None, revision: None };
        state.image = Some(PinnedImage { commit: commit("1111111"), published });
        state.edits.insert(production(), Edits { diff: String::new(), digest: "e1".to_owned() });
    });
    let expected = Vote {
        environment: production(),
        commit: commit("1111111"),
        base: commit("abc1234"),
        image: play.state.digest().cloned(),
        edits: Some("e1".to_owned()),
        plan_digest: play.state.plan_digest.clone(),
        policy_version: "policy-1".to_owned(),
        person: person("ben"),
        account: Some(grant("ben").account),
        roles: grant("ben").roles,
        source: VoteSource::Reaction,
        on: Some(message("m9")),
        at: play.now,
        expires: minutes(play.now, 120),
    };
    assert!(expected.image.is_some());
    assert_eq!(play.on_act("ben", by_reaction("m9"))[0], Event::Voted(expected.clone()));
    let button = Vote { source: VoteSource::Button, on: None, ..expected.clone() };
    assert_eq!(
        play.on_act("ben", by_button("m9"))[0],
        Event::Voted(button),
        "a button cannot be taken back where it is"
    );
    let word = Vote { source: VoteSource::Command, on: None, ..expected };
    assert_eq!(play.on_act("ben", yes(None))[0], Event::Voted(word));
}

#[test]
fn a_vote_needs_a_question_whose_turn_it_is() {
    let unasked = asked().changed(|state| state.vote_requests.clear());
    let about = |play: Play, short: &str| {
        let short = short.to_owned();
        play.changed(move |state| state.vote_requests.get_mut(&production()).unwrap().commit = commit(&short))
    };
    let cases = [
        ("nothing is asked yet", begun(), yes(None), "vote.nothing"),
        ("the question is being posted", unasked, yes(None), "vote.unasked"),
        ("a message that is no question", asked(), by_reaction("m8"), "vote.nothing"),
        ("a question about another commit", about(asked(), "2222222"), by_reaction("m9"), "vote.stale"),
        ("an old question, too early", about(too_early(), "2222222"), by_reaction("m9"), "vote.stale"),
        ("a step before it is open again", too_early(), by_reaction("m9"), "vote.early"),
        ("it went out already", live(), by_reaction("m9"), "vote.stale"),
    ];
    for (what, play, act, code) in cases {
        assert_eq!(play.refused("eve", act), [code], "{what}");
    }
    let early = too_early().answer("eve", yes(None)).unwrap_err();
    assert_eq!(early[0].reason, "\"Look at staging\" is open again, and comes before votes for production.");
    assert!(matches!(voted().on_act("eve", by_reaction("m9"))[..], [Event::Voted(_)]), "before the deployment begins");
}

/// Security case 35: reactions count until the vote request expires; typed votes always refer to the present commit.
#[test]
fn a_question_takes_reactions_until_its_end() {
    let end = minutes(put(&asked()), 120);
    assert!(matches!(at(asked(), just_before(end)).on_act("ben", by_reaction("m9"))[..], [Event::Voted(_)]));
    assert_eq!(at(asked(), end).refused("ben", by_reaction("m9")), ["vote.expired"]);
    assert_eq!(at(asked(), end).refused("ben", reject("no", Some("m9"))), ["vote.expired"]);
    assert!(matches!(at(asked(), end).on_act("ben", yes(None))[..], [Event::Voted(_)]));
}

#[test]
fn a_word_without_a_message_means_the_question_whose_turn_it_is() {
    let demo = environment("demo");
    let both = asked().changed(|state| {
        let prompt = VoteRequest { commit: commit("1111111"), message: message("m5"), asked: state.opened_at };
        state.vote_requests.insert(demo.clone(), prompt);
    });
    let events = both.on_act("ben", yes(None));
    assert!(matches!(&events[0], Event::Voted(vote) if vote.environment == production()), "{events:?}");
    assert_eq!(both.refused("ben", by_reaction("m5")), ["vote.stale"]);
}

#[test]
fn who_asked_or_wrote_it_does_not_vote() {
    assert_eq!(asked().refused("ana", yes(None)), ["vote.requester"]);
    assert_eq!(asked().refused("chi", yes(None)), ["vote.author"]);
}

/// Security case 40: a repeated vote changes nothing while the first one is valid.
#[test]
fn the_same_vote_counts_once_while_it_holds() {
    let once = asked().by("ben", by_reaction("m9"));
    assert_eq!(once.on_act("ben", by_reaction("m9")), no_events());
    assert!(
        matches!(once.on_act("ben", yes(None))[..], [Event::Voted(_)]),
        "a word cannot be taken back like a reaction"
    );
    let word = asked().by("ben", yes(None));
    assert_eq!(word.on_act("ben", yes(None)), no_events());
    assert_eq!(word.on_act("ben", by_button("m9")), no_events());
    assert!(matches!(word.on_act("ben", by_reaction("m9"))[..], [Event::Voted(_)]));
    let expires = word.state.votes[0].expires;
    assert_eq!(at(word.clone(), just_before(expires)).on_act("ben", yes(None)), no_events());
    assert!(
        matches!(at(word, expires).on_act("ben", yes(None))[..], [Event::Voted(_)]),
        "it is over, and is cast anew"
    );
}

#[test]
fn a_vote_that_is_taken_back_shuts_the_gate() {
    let shut = |who: &str| {
        [withdrawn(who, None), reopened("votes", &format!("<@{who}> took their vote back")), entered("votes")]
    };
    for (what, who, on) in [
        ("by word", "ben", None),
        ("a reaction on the question", "ben", Some("m9")),
        ("a reaction beside the word", "dee", Some("m9")),
    ] {
        assert_eq!(voted().on_act(who, back(on)), shut(who), "{what}");
    }
    let earlier = voted().changed(|state| state.votes[0].on = Some(message("m8")));
    assert_eq!(earlier.on_act("ben", back(Some("m8"))), shut("ben"), "on an earlier question");
    assert_eq!(voted().on_act("ben", back(Some("m8"))), no_events(), "another message");
    assert_eq!(asked().by("ben", yes(None)).on_act("ben", back(None)), [withdrawn("ben", None)], "the gate is shut");
}

#[test]
fn the_gate_stays_open_while_enough_votes_are_left() {
    let three = voted().by("eve", yes(None));
    assert_eq!(three.on_act("eve", back(None)), [withdrawn("eve", None)]);
}

#[test]
fn what_began_is_not_stopped_by_a_vote_that_is_taken_back() {
    assert_eq!(running().on_act("ben", back(None)), [withdrawn("ben", None)]);
    assert_eq!(live().on_act("ben", back(None)), [withdrawn("ben", None)]);
}

/// After a failed deployment, a withdrawn vote or a rejection reopens the approval step.
#[test]
fn the_gate_of_a_deployment_that_failed_is_shut_again() {
    let failed = || running().ends(Some("no space left"));
    let taken_back = failed().on_act("ben", back(None));
    assert_eq!(
        taken_back,
        [withdrawn("ben", None), reopened("votes", "<@ben> took their vote back"), entered("votes")]
    );
    let again = failed().by("ben", back(None)).by("eve", yes(None));
    assert_eq!(again.state.current().map(|(_, spec)| spec.id.as_str()), Some("production"));
    assert_eq!(again.refused("ana", UserCommand::Deploy(production())), Vec::<String>::new());
    let vetoed = failed().on_act("eve", reject("it broke", None));
    assert!(vetoed.contains(&reopened("votes", "<@eve> said no")), "{vetoed:?}");
}

#[test]
fn only_a_word_that_was_given_is_taken_back() {
    assert_eq!(voted().refused("ana", back(None)), ["vote.none"]);
    assert_eq!(voted().on_act("ana", back(Some("m9"))), no_events(), "a reaction that never counted");
    let no = |on| asked().by("eve", reject("not today", on));
    let lifted = [Event::RejectionWithdrawn { environment: production(), person: person("eve") }];
    assert_eq!(no(None).on_act("eve", back(None)), lifted);
    assert_eq!(no(Some("m9")).on_act("eve", back(Some("m9"))), lifted);
    assert_eq!(no(Some("m9")).on_act("eve", back(Some("m8"))), no_events());
    assert_eq!(no(None).refused("ben", back(None)), ["vote.none"], "the no of another");
}

#[test]
fn a_no_shuts_the_gate() {
    let no = |way, on: Option<&str>| Event::VoteRejected {
        environment: production(),
        reason: "not today".to_owned(),
        source: way,
        on: on.map(message),
    };
    let shut = [no(VoteSource::Command, None), reopened("votes", "<@chi> said no"), entered("votes")];
    assert_eq!(voted().on_act("chi", reject("not today", None)), shut);
    assert_eq!(asked().on_act("chi", reject("not today", None)), [no(VoteSource::Command, None)]);
    assert_eq!(asked().on_act("chi", reject("not today", Some("m9"))), [no(VoteSource::Reaction, Some("m9"))]);
    let button =
        UserCommand::Reject { reason: "not today".to_owned(), on: Some(message("m9")), way: VoteSource::Button };
    assert_eq!(asked().on_act("chi", button), [no(VoteSource::Button, None)]);
}

/// Security case 40: a repeated rejection changes nothing.
#[test]
fn the_same_no_counts_once() {
    let once = asked().by("chi", reject("not today", None));
    assert_eq!(once.on_act("chi", reject("not today", None)), no_events());
    assert_eq!(once.on_act("chi", reject("not tomorrow", None)).len(), 1);
    assert_eq!(once.on_act("chi", reject("not today", Some("m9"))).len(), 1);
}

#[test]
fn a_review_that_is_gone_takes_its_vote_along() {
    let play = with_reviews(voted());
    let why = "<@ben> does not approve it on the forge any more";
    let rest = [reopened("review", "0 of 1 approvals of the present head"), entered("review")];
    let events = play.on_sight(unreviewed(&play));
    assert_eq!(events[1..3], [withdrawn("ben", Some(VoidReason::Review)), reopened("votes", why)]);
    assert_eq!(events[3..], rest, "the vote of Dee, which nothing backed yet, still waits");
    // A vote that was cast after the reading began is not judged by it.
    let before = StampedObservation::new(&with_reviews(asked()).state.into(), unreviewed(&play));
    let events = play.events(&Command::Observed(before));
    assert_eq!(events[1..2], [reopened("votes", why)]);
    assert_eq!(events[2..], rest);
    let unbacked = voted();
    let events = unbacked.on_sight(unreviewed(&unbacked));
    assert_eq!(events[1..], rest, "no review has to back a vote");
}

fn freeze() -> Option<ActiveFreeze> {
    Some(ActiveFreeze { reason: "It is Friday.".to_owned(), end: FreezeEnd::Command("payments".to_owned()) })
}

/// The facts read right before a deployment judge each vote individually.
#[test]
fn votes_that_do_not_count_any_more_are_void_by_name() {
    let ready = voted().by("ana", UserCommand::Deploy(production()));
    let after = |play: &Play, change: fn(&mut DeployFacts)| {
        let after = play.clone().begins_with("abc1234", change);
        let events: Vec<Event> = after.entries[play.entries.len()..].iter().map(|entry| entry.event.clone()).collect();
        assert!(matches!(events[0], Event::DeployRefused { .. }), "{events:?}");
        events[1..].to_vec()
    };
    let shut = [reopened("votes", LAPSED), entered("votes")];
    assert_eq!(after(&ready, |facts| facts.freeze = freeze()), no_events(), "every vote counts");
    let left = after(&ready, |facts| drop(facts.standing.remove(&person("ben"))));
    assert_eq!(left[..1], [withdrawn("ben", Some(VoidReason::Left))]);
    assert_eq!(left[1..], shut);
    let policy = after(&ready, |facts| facts.policy_version = "policy-2".to_owned());
    let both = [withdrawn("ben", Some(VoidReason::Policy)), withdrawn("dee", Some(VoidReason::Policy))];
    assert_eq!((&policy[..2], &policy[2..]), (&both[..], &shut[..]));
    let unjudged = after(&ready, |facts| {
        facts.standing.remove(&person("ben"));
        facts.judged.clear();
    });
    assert_eq!(unjudged, no_events(), "the vote came after the facts were read");
    let unbacked = after(&with_reviews(ready.clone()), |facts| {
        facts.reviewed.insert(person("ben"));
    });
    assert_eq!(unbacked[..1], [withdrawn("dee", None)]);
    let elsewhere = ready.changed(|state| state.votes[0].environment = staging());
    let other = after(&elsewhere, |facts| drop(facts.standing.remove(&person("ben"))));
    assert_eq!(other, shut, "a vote for another place is not judged here");
}

#[test]
fn a_broken_glass_is_void_when_it_does_not_count_any_more() {
    let ready = asked().glass_broken().by("ana", UserCommand::Deploy(production()));
    let voided = |change: fn(&mut DeployFacts)| {
        let after = ready.clone().begins_with("abc1234", |facts| {
            facts.freeze = freeze();
            change(facts);
        });
        let reasons = after
            .entries
            .into_iter()
            .filter_map(|entry| if let Event::BreakGlassVoided { reason } = entry.event { Some(reason) } else { None });
        reasons.collect::<Vec<_>>()
    };
    assert_eq!(voided(|_| {}), Vec::<String>::new());
    let policy = voided(|facts| facts.policy_version = "policy-2".to_owned());
    assert_eq!(policy, ["the policy, or the way to deploy, changed since it was broken"]);
    assert_eq!(voided(|facts| facts.glass.clear()), ["whoever broke it may not do so any more"]);
}

#[test]
fn votes_of_those_who_may_not_vote_any_more_lapse() {
    assert_eq!(voted().on_sight(rules(&["ben", "dee"])), no_events());
    let events = voted().on_sight(rules(&["dee"]));
    assert_eq!(events, [withdrawn("ben", Some(VoidReason::Left)), reopened("votes", LAPSED), entered("votes")]);
    // A vote that was cast after the reading began is not judged by it.
    let before = StampedObservation::new(&asked().state.into(), rules(&[]));
    assert_eq!(voted().events(&Command::Observed(before)), no_events());
    // Votes of a deployment that is being checked are judged by its facts.
    let ready = voted().by("ana", UserCommand::Deploy(production()));
    assert_eq!(ready.on_sight(rules(&[])), no_events());
}

#[test]
fn a_vote_on_which_a_deployment_rests_is_history() {
    let lapses = |change: fn(&mut Hotfix)| {
        let events = live().changed(change).on_sight(rules(&["dee"]));
        events.contains(&withdrawn("ben", Some(VoidReason::Left)))
    };
    assert!(!lapses(|_| {}));
    assert!(!lapses(|state| state.deploys.last_mut().unwrap().at = state.votes[0].at), "it began in that moment");
    assert!(
        lapses(|state| state.deploys.last_mut().unwrap().at = just_before(state.votes[0].at)),
        "it was there before"
    );
    assert!(lapses(|state| {
        state.deploys.last_mut().unwrap().intent.votes.remove(&person("ben"));
    }));
    assert!(lapses(|state| state.deploys.last_mut().unwrap().intent.environment = staging()));
    let failed = running().ends(Some("no space left")).on_sight(rules(&["dee"]));
    assert!(failed.contains(&withdrawn("ben", Some(VoidReason::Left))) && failed.contains(&reopened("votes", LAPSED)));
}

#[test]
fn a_stricter_policy_counts_as_long_as_it_is_stricter() {
    let captain = ApprovalRule { role: Role::Captain, count: 1 };
    let asks = Approval { rules: vec![captain], expires_minutes: 240, step_up: None };
    let stricter = Approval { rules: vec![planned().rules[0], captain], ..planned() };
    let seen = |approval: &Approval| rules_with(&["ben", "dee"], &[(production(), approval.clone())]);
    let events = voted().on_sight(seen(&asks));
    assert_eq!(events, [changed_to(stricter), reopened("votes", STRICTER), entered("votes")]);
    let told = voted().saw(seen(&asks));
    assert_eq!(told.on_sight(seen(&asks)), no_events(), "it is known");
    let back = told.on_sight(seen(&planned()));
    assert_eq!(back[0], changed_to(planned()));
    assert_eq!(back.last(), Some(&entered("production")), "the plan is enough again");
    let sooner = Approval { expires_minutes: 60, ..planned() };
    assert_eq!(voted().on_sight(seen(&sooner)), [changed_to(sooner.clone())], "the votes suffice");
    let moon = rules_with(&["ben", "dee"], &[(environment("moon"), asks.clone())]);
    assert_eq!(voted().on_sight(moon), no_events());
    let ready = voted().by("ana", UserCommand::Deploy(production()));
    assert_eq!(ready.on_sight(seen(&asks)).len(), 1, "the check of the deployment judges by it");
}

#[test]
fn a_question_is_closed_at_its_end_while_a_vote_is_missing() {
    let end = minutes(put(&asked()), 120);
    let all = || rules(&["ben", "dee", "eve"]);
    assert_eq!(at(asked(), just_before(end)).on_sight(all()), no_events());
    assert_eq!(at(asked(), end).on_sight(all()), [closed(CloseReason::Expired)]);
    let no = voted().by("chi", reject("not today", None));
    assert_eq!(at(no, end).on_sight(all()), no_events(), "only a no is in the way");
    assert_eq!(at(voted(), end).on_sight(all()), no_events(), "no vote is missing");
    assert_eq!(at(too_early(), end).on_sight(all()), no_events(), "it is not the turn of votes");
    let other = asked().changed(|state| {
        let prompt = state.vote_requests.remove(&production()).unwrap();
        state.vote_requests.insert(staging(), prompt);
    });
    assert_eq!(at(other, end).on_sight(all()), no_events(), "another environment");
    let lapses = [withdrawn("ben", Some(VoidReason::Left)), reopened("votes", LAPSED), entered("votes")];
    assert_eq!(at(voted(), end).on_sight(rules(&["dee"])), lapses, "a gate that is shut again asks by itself");
}

#[test]
fn a_pull_request_that_goes_elsewhere_takes_the_votes_along() {
    let closed = closed(CloseReason::Retargeted);
    let events = voted().on_sight(into(Some("develop")));
    assert_eq!(events[1], closed);
    assert_eq!(events[2..4], ["ben", "dee"].map(|who| withdrawn(who, Some(VoidReason::Retargeted))));
    assert_eq!(events[4..], [reopened("votes", LAPSED), entered("votes")]);
    assert_eq!(asked().on_sight(into(Some("develop")))[1..], [closed, entered("votes")]);
    let astray = asked().saw(into(Some("develop")));
    assert_eq!(astray.on_sight(into(Some("develop"))), no_events());
    assert_eq!(astray.on_sight(into(Some("release")))[1..], [entered("votes")]);
    assert_eq!(astray.on_sight(into(None))[1..], [entered("votes")], "it goes where it should again");
    let before = begun().announced().branched().picked();
    let seen = PullSeen { astray: Some("develop".parse().unwrap()), ..PullSeen::default() };
    let told = [Event::PullSeen(seen.clone())];
    assert_eq!(before.on_sight(Observation::Pull { seen, merged: None }), told, "it is not the turn of votes");
}

/// Security case 26: no votes are accepted while the pull request targets another branch.
#[test]
fn nobody_votes_on_a_change_of_another_branch() {
    assert_eq!(astray(&asked().state), None);
    let play = asked().saw(into(Some("develop")));
    assert_eq!(play.refused("ben", yes(None)), ["pull.retargeted"]);
    let refusal = astray(&play.state).unwrap();
    assert_eq!(refusal.reason, "Pull request #7 goes into develop now, and not into main.");
    assert_eq!(refusal.next, "Let it go into main again, then vote.");
}

#[test]
fn other_changes_of_files_are_asked_about_anew() {
    let read = |play: Play| play.on_sight(edits("e1"));
    let first = read(begun());
    assert!(matches!(&first[..], [Event::EditsRead { environment, .. }] if environment == &production()), "{first:?}");
    assert_eq!(begun().saw(edits("e1")).on_sight(edits("e1")), no_events(), "they are known");
    assert_eq!(read(asked())[1..], [closed(CloseReason::Edits)]);
    let events = read(voted());
    assert_eq!(events[1..3], ["ben", "dee"].map(|who| withdrawn(who, Some(VoidReason::Edits))));
    let why = "its deployment would change files in another way now";
    assert_eq!(events[3..], [closed(CloseReason::Edits), reopened("votes", why), entered("votes")]);
    assert_eq!(read(running()), no_events(), "the deployment began");
}

#[test]
fn votes_wait_for_the_steps_before_them() {
    let play = asked().changed(|state| state.steps[LOOK] = StepState::Ahead);
    assert!(waits(&play.state, &production()) && !waits(&play.state, &environment("moon")));
    assert!(waits(&asked().state, &production()), "the deployment comes behind the votes");
    assert!(!waits(&voted().state, &production()), "it is the turn of the deployment");
    let over = asked().changed(|state| state.steps[VOTES..].fill(StepState::Ahead));
    assert!(!waits(&over.state, &staging()), "that is behind");
}
