//! Invariants of the domain that hold for any order of events.

use std::collections::BTreeSet;

use hotfix::domain::break_glass::review_due;
use hotfix::domain::command::{Command, EffectResult};
use hotfix::domain::decide::{Decision, decide};
use hotfix::domain::event::{DeployIntent, Ending, Entry, Event, VoidReason, Vote};
use hotfix::domain::evolve::evolve;
use hotfix::domain::hotfix::{Hotfix, Mainline};
use hotfix::domain::people::Role;
use hotfix_tests::model::{Model, Throw, Thrown};
use hotfix_tests::sample::{number, property};
use proptest::prelude::*;

fn throws() -> impl Strategy<Value = Vec<Throw>> {
    prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>()), 1..400)
}

proptest! {
    // The environment variable `CASES` overrides the number of cases.
    #![proptest_config(property(number("CASES", 150)))]

    #[test]
    fn no_order_of_events_breaks_a_rule_of_apply(throws in throws()) {
        play("payments", &throws)?;
    }

    #[test]
    fn no_order_of_events_breaks_a_rule_of_mainline(throws in throws()) {
        play("website", &throws)?;
    }
}

fn play(service: &str, throws: &[Throw]) -> Result<(), TestCaseError> {
    let mut model = Model::new(service);
    for throw in throws {
        let Some(thrown) = model.throw(*throw) else { continue };
        judge(&thrown, &model)?;
    }
    Ok(())
}

fn judge(thrown: &Thrown, model: &Model) -> Result<(), TestCaseError> {
    let decision = match &thrown.decision {
        Ok(decision) => decision,
        Err(refusals) => {
            prop_assert!(!refusals.is_empty(), "a no without a reason");
            for refusal in refusals {
                prop_assert!(refusal.code != "bug", "{refusal:?} after {:?}", thrown.command);
                prop_assert!(!refusal.next.is_empty(), "a no without a next step: {refusal:?}");
            }
            return Ok(());
        }
    };
    says_only_what_was_seen(thrown, decision, model)?;
    let mut state = thrown.before.clone();
    for entry in &decision.entries {
        let text = serde_json::to_string(entry).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let again: Entry = serde_json::from_str(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&again, entry);
        if let Event::DeployStarted(intent) = &entry.event {
            deploys_with_good_reason(&state, intent, thrown, model)?;
        }
        if let Event::Countersigned { .. } = &entry.event {
            let Command::User(grant, _) = &thrown.command else {
                return Err(TestCaseError::fail("nobody reviewed the broken glass"));
            };
            let broke = state.break_glass.iter().any(|broken| broken.glass.person == grant.person);
            prop_assert!(!broke && grant.person != state.requester, "{} reviews themselves", grant.person);
        }
        if let Event::Closed { .. } | Event::Aborted { .. } = &entry.event {
            prop_assert!(!review_due(&state), "it ends, and nobody has reviewed the broken glass");
        }
        if let Event::Closed { ending: Ending::Completed } = &entry.event {
            let there = matches!(state.mainline, Mainline::Merged(..) | Mainline::Waived { .. });
            prop_assert!(there, "it closes, and main is {:?}", state.mainline);
        }
        state = evolve(state.id, Some(state), &again).map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
    prop_assert_eq!(&state, &decision.state);
    if let Some(head) = state.head.as_ref().filter(|head| head.on_base) {
        prop_assert_eq!(Some(&head.base), state.base.as_ref(), "the head is on another base");
    }
    Ok(())
}

/// Security case 95: an observation that is processed late yields only events that it would have yielded at once for
/// the run it was made from, and voids no vote cast in between.
fn says_only_what_was_seen(thrown: &Thrown, decision: &Decision, model: &Model) -> Result<(), TestCaseError> {
    match &thrown.command {
        Command::Observed(observation) => {
            let at_once = decide(&observation.of, &thrown.command, model.now);
            let at_once = at_once.map_err(|refusals| TestCaseError::fail(format!("{refusals:?}")))?;
            for entry in decision.entries.iter().filter(|entry| says_what_was_seen(&entry.event)) {
                let said = at_once.entries.iter().any(|early| early.event == entry.event);
                let (of, now) = (observation.of.version, thrown.before.version);
                prop_assert!(said, "version {of} never held it, version {now} says so: {entry:?}");
            }
        }
        Command::Finished(EffectResult::DeployChecked { facts, .. }) => {
            for entry in &decision.entries {
                let Event::VoteWithdrawn { environment, person, why: Some(why) } = &entry.event else { continue };
                if is_consequence(*why) {
                    continue;
                }
                let gone = |vote: &&Vote| &vote.environment == environment && &vote.person == person;
                let vote = thrown.before.votes.iter().find(gone);
                prop_assert!(vote.is_some_and(|vote| facts.judged.contains(vote)), "{entry:?} was not looked at");
            }
        }
        Command::User(..) | Command::Finished(_) | Command::Timer(_) | Command::CountersignTimer => {}
    }
    Ok(())
}

/// Returns whether an event records an observation. Its consequences depend on the run's state at processing.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event says nothing of the world unless it is listed")]
fn says_what_was_seen(event: &Event) -> bool {
    match event {
        Event::HeadMoved { .. }
        | Event::PullSeen(_)
        | Event::Merged { .. }
        | Event::Drifted { .. }
        | Event::HeldBackFound { .. }
        | Event::Superseded { .. }
        | Event::JobFound { .. }
        | Event::Reached { .. }
        | Event::Counted(_)
        | Event::ImageFound { .. }
        | Event::EditsRead { .. }
        | Event::ImageMoved { .. }
        | Event::LiveBranchMoved { .. }
        | Event::MainlineMerged { .. }
        | Event::MainlineReverted { .. } => true,
        Event::VoteWithdrawn { why: Some(why), .. } => !is_consequence(*why),
        _other => false,
    }
}

/// Returns whether the vote is void because its subject is not what would ship, regardless of when it was cast.
fn is_consequence(why: VoidReason) -> bool {
    matches!(why, VoidReason::Head | VoidReason::Image | VoidReason::Edits | VoidReason::Base | VoidReason::Retargeted)
}

/// Checks that a deployment has the votes that the policy requires, with an independent implementation.
fn deploys_with_good_reason(
    state: &Hotfix,
    intent: &DeployIntent,
    thrown: &Thrown,
    model: &Model,
) -> Result<(), TestCaseError> {
    let Command::Finished(EffectResult::DeployChecked { facts, .. }) = &thrown.command else {
        return Err(TestCaseError::fail("a deployment began without a look at the facts"));
    };
    prop_assert!(facts.freeze.is_none(), "a deployment in a freeze");
    if intent.rollback {
        return Ok(());
    }
    prop_assert!(state.holds.is_empty(), "a deployment on hold");
    prop_assert_eq!(Some(&intent.commit), state.deployable());
    let needed = state
        .plan
        .environment(&intent.environment)
        .map_or(0, |e| e.approval.rules.iter().map(|rule| rule.count).sum::<u32>());
    let mut good = BTreeSet::new();
    for vote in &state.votes {
        let author = state
            .head
            .iter()
            .flat_map(|head| &head.commits)
            .flat_map(|c| &c.people)
            .any(|p| p.person.as_ref() == Some(&vote.person));
        let counts = vote.environment == intent.environment
            && vote.commit == intent.commit
            && Some(&vote.base) == state.base.as_ref()
            && vote.plan_digest == state.plan_digest
            && vote.expires > model.now
            && vote.person != state.requester
            && !author
            && vote.roles.contains(&Role::Approver)
            && facts.standing.get(&vote.person).is_some_and(|roles| roles.contains(&Role::Approver))
            && !facts.lapsed.contains_key(&vote.person);
        if counts {
            good.insert(vote.person.clone());
        }
    }
    if let Some(breaker) = &intent.glass {
        let by_glass = state.break_glass.iter().map(|broken| (&broken.glass, broken)).any(|(glass, broken)| {
            &glass.person == breaker
                && glass.environment == intent.environment
                && glass.commit == intent.commit
                && Some(&glass.base) == state.base.as_ref()
                && glass.plan_digest == state.plan_digest
                && glass.policy_version == facts.policy_version
                && glass.expires > model.now
                && broken.announced.is_some()
                && facts.glass.contains(breaker)
        });
        prop_assert!(by_glass, "no glass of {breaker} is for this: {:?}", state.break_glass);
        prop_assert!(!good.contains(breaker), "whoever broke the glass votes as well");
    }
    prop_assert!(
        intent.glass.is_some() || u32::try_from(good.len()).unwrap_or(0) >= needed,
        "{needed} votes are needed; good are {good:?} of {:?}",
        state.votes
    );
    prop_assert!(!state.rejections.keys().any(|(place, _)| place == &intent.environment), "a deployment against a no");
    Ok(())
}
