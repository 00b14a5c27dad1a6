//! No dead ends: in every state that a random history reaches, a user can continue the run and a captain can end it;
//! and no refusal recommends a command that would be refused too.

use std::collections::BTreeSet;

use hotfix::domain::break_glass::review_due;
use hotfix::domain::command::UserCommand;
use hotfix::domain::event::{DriftChoice, Event};
use hotfix::domain::hotfix::Hotfix;
use hotfix::domain::people::Role;
use hotfix::domain::playbook::StepKind;
use hotfix::domain::refusal::Refusal;
use hotfix::domain::vote_source::VoteSource;
use hotfix_tests::model::{CROWD, Model, Throw};
use hotfix_tests::sample::{number, property};
use proptest::prelude::*;

/// Dee, the captain of the stage.
const CAPTAIN: u8 = 3;
/// Ben, the second person.
const SECOND: u8 = 1;

fn throws() -> impl Strategy<Value = Vec<Throw>> {
    prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>()), 1..250)
}

proptest! {
    // The environment variable `CASES` overrides the number of cases.
    #![proptest_config(property(number("CASES", 64)))]

    #[test]
    fn no_state_of_apply_is_without_an_exit(throws in throws()) {
        play("payments", &throws)?;
    }

    #[test]
    fn no_state_of_mainline_is_without_an_exit(throws in throws()) {
        play("website", &throws)?;
    }
}

fn play(service: &str, throws: &[Throw]) -> Result<(), TestCaseError> {
    let mut model = Model::new(service);
    for throw in throws {
        let Some(thrown) = model.throw(*throw) else { continue };
        match &thrown.decision {
            Ok(decision) => {
                let refused = decision.entries.iter().filter_map(|entry| match &entry.event {
                    Event::DeployRefused { refusals, .. } => Some(refusals),
                    _other => None,
                });
                for refusal in refused.flatten() {
                    recommends_what_works(&model, &decision.state, refusal)?;
                }
            }
            Err(refusals) => {
                for refusal in refusals {
                    recommends_what_works(&model, &thrown.before, refusal)?;
                }
            }
        }
        // Neighboring states are similar, so only one in three is checked.
        if !model.state.is_over() && throw.2.is_multiple_of(3) {
            a_captain_can_end_it(&model)?;
            what_is_stuck_can_be_tried_again(&model)?;
            somebody_has_a_way_on(&model)?;
        }
    }
    Ok(())
}

fn abandon(state: &Hotfix) -> UserCommand {
    let open = state.deploys.iter().filter(|deploy| deploy.state.is_open());
    UserCommand::Abandon {
        reason: "nobody can stop it".to_owned(),
        under_way: open.map(|d| d.intent.key.clone()).collect(),
    }
}

/// Returns the state after the command, or the reason why it is refused or has no effect.
fn after(model: &Model, state: &Hotfix, who: u8, role: Role, act: UserCommand) -> Result<Hotfix, String> {
    let name = format!("{act:?}");
    match model.would(state, who, role, act) {
        Some(Ok(decision)) if !decision.entries.is_empty() => Ok(decision.state),
        Some(Ok(_)) => Err(format!("{name} changes nothing")),
        Some(Err(refusals)) => Err(format!("{name}: {refusals:?}")),
        None => Err(format!("{name} takes the role {role:?}")),
    }
}

fn a_captain_can_end_it(model: &Model) -> Result<(), TestCaseError> {
    let mut state = model.state.clone();
    if state.abandoned.is_none() {
        let alone = state.deploys.iter().all(|deploy| !deploy.state.is_open());
        let asked = state.abandon_requested.as_ref().is_some_and(|(person, _)| person.as_str() == "dee");
        if !asked {
            state = after(model, &state, CAPTAIN, Role::Viewer, abandon(&state)).map_err(TestCaseError::fail)?;
        }
        prop_assert!(alone || asked || state.abandoned.is_none() || model.state.abandon_requested.is_some());
        if state.abandoned.is_none() && !state.is_over() {
            state = after(model, &state, SECOND, Role::Viewer, abandon(&state)).map_err(TestCaseError::fail)?;
        }
    }
    prop_assert!(!state.holds_lanes(), "it keeps its lanes: {:?}", state.phase);
    if !state.is_over() && state.owes_mainline() {
        let waive = UserCommand::WaiveMergeback("the service is switched off".to_owned());
        state = after(model, &state, CAPTAIN, Role::Captain, waive).map_err(TestCaseError::fail)?;
    }
    prop_assert!(state.is_over() || review_due(&state), "it does not end: {:?}", state.steps);
    Ok(())
}

/// An effect that a remote system refused for good is retried by `retry`, unless the run is blocked by another problem
/// with its own remedy.
fn what_is_stuck_can_be_tried_again(model: &Model) -> Result<(), TestCaseError> {
    if model.state.stuck.is_empty() {
        return Ok(());
    }
    let retried = model.would(&model.state, CAPTAIN, Role::Requester, UserCommand::Retry);
    match retried {
        Some(Ok(decision)) => prop_assert!(decision.state.stuck.is_empty(), "{:?}", decision.state.stuck),
        Some(Err(refusals)) => {
            let known = ["drift", "hold", "deploy.busy"];
            let others: Vec<&Refusal> = refusals.iter().filter(|r| !known.contains(&r.code.as_str())).collect();
            prop_assert!(others.is_empty(), "{:?} cannot be tried again: {others:?}", model.state.stuck);
        }
        None => prop_assert!(false, "the captain may not try again"),
    }
    Ok(())
}

/// Checks that a user can continue the run, unless the bot has work or the step waits for a change on a remote system.
fn somebody_has_a_way_on(model: &Model) -> Result<(), TestCaseError> {
    let state = &model.state;
    let elsewhere = state.current().is_some_and(|(_, spec)| {
        matches!(spec.kind, StepKind::Change { .. } | StepKind::Review { .. } | StepKind::Mainline { .. })
    });
    let deploying = state.deploys.iter().any(|deploy| deploy.state.is_open());
    let at_work = !model.due.is_empty() || model.answered.is_some();
    if at_work || elsewhere || deploying || state.abandoned.is_some() {
        return Ok(());
    }
    let mut refused = Vec::new();
    for (role, act) in ways_on(state) {
        for who in 0..CROWD {
            match after(model, state, who, role, act.clone()) {
                Ok(after) if went_on(state, &after) => return Ok(()),
                Ok(_) => {}
                Err(why) => refused.push(why),
            }
        }
    }
    prop_assert!(false, "nobody can go on at {:?}: {}", state.current().map(|(_, s)| &s.id), refused.join("\n"));
    Ok(())
}

fn went_on(before: &Hotfix, after: &Hotfix) -> bool {
    let of = |state: &Hotfix| {
        (
            state.steps.clone(),
            state.votes.len(),
            state.rejections.len(),
            state.attestations.clone(),
            state.stuck.clone(),
        )
    };
    of(before) != of(after)
        || before.requested_deploy != after.requested_deploy
        || before.drifts != after.drifts
        || before.override_requested != after.override_requested
        || before.break_glass != after.break_glass
        || before.holds != after.holds
}

fn ways_on(state: &Hotfix) -> Vec<(Role, UserCommand)> {
    let why = || "it has to go on now".to_owned();
    let mut ways = vec![
        (Role::Requester, UserCommand::Retry),
        (Role::Approver, UserCommand::Approve { on: None, way: VoteSource::Command }),
        (Role::Approver, UserCommand::Unapprove { on: None }),
        (Role::Approver, UserCommand::Countersign { ok: true, note: None }),
        (Role::Requester, UserCommand::Unhold),
        (Role::Requester, UserCommand::Postmortem(None)),
    ];
    ways.extend(
        [DriftChoice::Rebase, DriftChoice::Roll, DriftChoice::Abort].map(|c| (Role::Requester, UserCommand::Drift(c))),
    );
    for environment in &state.plan.environments {
        ways.push((Role::Requester, UserCommand::Deploy(environment.name.clone())));
        let (environment, to, reason) = (environment.name.clone(), None, why());
        ways.push((Role::Viewer, UserCommand::Rollback { environment, to, reason }));
    }
    for place in ["local", "staging", "production", "watch"] {
        ways.push((Role::Requester, UserCommand::Verify { place: place.to_owned(), pass: true, note: None }));
    }
    if let Some((_, spec)) = state.current() {
        ways.push((Role::Requester, UserCommand::Skip(spec.id.clone(), why())));
        let incident = "https://status.example".to_owned();
        ways.push((Role::Admin, UserCommand::Override { gate: spec.id.clone(), reason: why(), incident }));
    }
    ways
}

/// Checks that every command a refusal recommends works for some user. A command that needs a correction first cannot
/// be checked here.
fn recommends_what_works(model: &Model, state: &Hotfix, refusal: &Refusal) -> Result<(), TestCaseError> {
    let parts: Vec<&str> = refusal.next.split('`').collect();
    for pair in parts.chunks_exact(2) {
        let (before, command) = (pair[0], pair[1]);
        let Some((role, act)) = meant(state, command).filter(|_| !before.ends_with(", then say ")) else { continue };
        let mut why = BTreeSet::new();
        let works = (0..CROWD).any(|who| match after(model, state, who, role, act.clone()) {
            Ok(_) => true,
            Err(refused) => {
                why.insert(refused);
                false
            }
        });
        // A history may involve everyone. An uninvolved person would not be refused.
        let all_involved = command.starts_with("countersign ")
            && why.iter().all(|why| why.contains("takes the role") || why.contains("countersign."));
        prop_assert!(
            works || all_involved,
            "{} recommends `{command}`, which is refused: {why:?}\n{refusal:?}",
            refusal.code
        );
    }
    Ok(())
}

/// Returns the command that a recommendation means; `None` if it only reads, or does not concern this run.
fn meant(state: &Hotfix, command: &str) -> Option<(Role, UserCommand)> {
    let mut words = command.split_whitespace();
    let (verb, second, third) = (words.next()?, words.next(), words.next());
    let reason = || "there is no other way".to_owned();
    Some(match verb {
        "status" | "plan" | "timeline" | "where" | "who" | "list" | "locks" | "unfreeze" | "start" | "pick" => {
            return None;
        }
        "mergeback" if second == Some("status") => return None,
        "mergeback" => (Role::Captain, UserCommand::WaiveMergeback(reason())),
        "abort" => (Role::Requester, UserCommand::Abort(reason())),
        "abandon" => (Role::Viewer, abandon(state)),
        "retry" => (Role::Requester, UserCommand::Retry),
        "unhold" => (Role::Requester, UserCommand::Unhold),
        "unapprove" => (Role::Approver, UserCommand::Unapprove { on: None }),
        "countersign" => (Role::Approver, UserCommand::Countersign { ok: second == Some("ok"), note: Some(reason()) }),
        "deploy" => (Role::Requester, UserCommand::Deploy(second?.parse().ok()?)),
        "rollback" => {
            // A recommended rollback target is a commit that the run knows.
            let named = words.next().filter(|_| third == Some("to"));
            let known = state.deploys.iter().flat_map(|d| d.intent.previous.iter().chain([&d.intent.commit]));
            let to = named.and_then(|short| known.chain(&state.base).find(|commit| commit.short() == short).cloned());
            (Role::Viewer, UserCommand::Rollback { environment: second?.parse().ok()?, to, reason: reason() })
        }
        "skip" => (Role::Requester, UserCommand::Skip(second?.parse().ok()?, reason())),
        "override" => {
            let incident = "https://status.example".to_owned();
            (Role::Admin, UserCommand::Override { gate: second?.parse().ok()?, reason: reason(), incident })
        }
        "verify" => {
            let pass = third == Some("pass");
            (Role::Requester, UserCommand::Verify { place: second?.to_owned(), pass, note: Some(reason()) })
        }
        "drift" => {
            let choices = [("rebase", DriftChoice::Rebase), ("roll", DriftChoice::Roll), ("abort", DriftChoice::Abort)];
            let choice = choices.into_iter().find(|(name, _)| second == Some(name))?.1;
            (Role::Requester, UserCommand::Drift(choice))
        }
        // The other quoted words are names of settings and files.
        other => {
            assert!(hotfix::command::Verb::named(other).is_none(), "what does `{command}` ask for?");
            return None;
        }
    })
}
