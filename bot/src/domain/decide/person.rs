//! What people ask for.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::vocabulary::CommitId;
use jiff::SignedDuration;

use super::glass::Said;
use super::{Draft, ballot, deploy, gate, glass};
use crate::domain::command::Act;
use crate::domain::event::{Answer, DriftChoice, Event};
use crate::domain::glass::review_due;
use crate::domain::hotfix::{BranchState, DeployState, Hotfix, Mainline};
use crate::domain::id::{PersonId, StepId};
use crate::domain::people::{Grant, Role, all_marked, marked};
use crate::domain::playbook::{StepKind, VerifyPlace};
use crate::domain::refusal::Refusal;
use crate::domain::step;

/// What somebody says again so soon is what they said (security case 40).
const LATELY: SignedDuration = SignedDuration::from_mins(1);

pub(super) type Decided = Result<(), Vec<Refusal>>;

pub(super) fn decide(draft: &mut Draft, grant: &Grant, act: &Act) -> Decided {
    let who = &grant.person;
    if let Act::Note(text) = act {
        return draft.person(who, Event::Noted { text: text.clone() });
    }
    if draft.state.is_over() {
        let next = format!("Look at `timeline {}`, or start a new run.", draft.state.id);
        return no(Refusal::new("run.over", format!("{} is over.", draft.state.id), next));
    }
    match act {
        Act::Note(_) => Ok(()),
        Act::Pick(fixes) => pick(draft, who, fixes),
        Act::Join { title, fixes } => join(draft, who, title, fixes),
        Act::Approve { on, way } => ballot::approve(draft, grant, on.as_ref(), *way),
        Act::Unapprove { on } => ballot::unapprove(draft, who, on.as_ref()),
        Act::Reject { reason, on, way } => ballot::reject(draft, grant, reason, (on.as_ref(), *way)),
        Act::Acknowledge => {
            if draft.state.acknowledged.contains(who) {
                return Ok(());
            }
            draft.person(who, Event::Acknowledged)
        }
        Act::Triage(answers) => triage(draft, who, answers),
        Act::Agree(step) => agree(draft, who, step.as_ref()),
        // Said twice, it is one hold and one line (security case 40).
        Act::Hold(reason) if draft.state.holds.get(who) == Some(reason) => Ok(()),
        Act::Hold(reason) => draft.person(who, Event::Held { reason: reason.clone() }),
        Act::Unhold => unhold(draft, grant),
        Act::Verify { place, pass, note } => verify(draft, who, place, *pass, note.as_deref()),
        Act::Deploy(environment) => deploy::by_person(draft, who, environment),
        Act::Rollback(environment, to) => deploy::rollback(draft, who, environment, to.as_ref()),
        Act::Skip(step, reason) => gate::skip(draft, who, step, reason),
        Act::Override { gate: step, reason, incident } => gate::override_gate(draft, grant, step, reason, incident),
        Act::BreakGlass { environment, commit, reason, incident, audit } => {
            glass::break_it(draft, grant, &Said { environment, commit, reason, incident, audit })
        }
        Act::Countersign { ok, note } => glass::countersign(draft, who, *ok, note.as_deref()),
        Act::Retry => retry(draft, who),
        Act::Abort(reason) => abort(draft, grant, reason),
        Act::Drift(choice) => drift(draft, grant, *choice),
        Act::WaiveMergeback(reason) => waive(draft, who, reason),
        Act::Postmortem(url) => postmortem(draft, who, url.as_deref()),
        Act::Close => close(draft),
    }
}

pub(super) fn no(refusal: Refusal) -> Decided {
    Err(vec![refusal])
}

/// The same start again is the start that was: it brings nothing, and is not told of (security case 40).
fn join(draft: &mut Draft, who: &PersonId, title: &str, fixes: &[CommitId]) -> Decided {
    let state = &draft.state;
    let own = who == &state.requester && title == state.title;
    let again = own || state.joined.iter().any(|(person, joined)| person == who && joined == title);
    if again && fixes.iter().all(|source| state.fixes.iter().any(|fix| &fix.source == source)) {
        return Ok(());
    }
    if !again {
        draft.person(who, Event::Joined { title: title.to_owned() })?;
    }
    if fixes.is_empty() { Ok(()) } else { pick(draft, who, fixes) }
}

fn pick(draft: &mut Draft, who: &PersonId, fixes: &[CommitId]) -> Decided {
    let merged = draft.state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    if merged || draft.state.branch == BranchState::Deleted {
        let reason = format!("The branch {} is merged already.", draft.state.plan.branch);
        return no(Refusal::new("branch.merged", reason, "Finish this run, and start a new one for another fix."));
    }
    let mut asked = false;
    for source in fixes {
        if draft.state.fixes.iter().any(|fix| &fix.source == source) {
            continue;
        }
        asked = true;
        draft.person(who, Event::FixRequested { source: source.clone() })?;
    }
    if asked {
        return Ok(());
    }
    no(Refusal::new(
        "fix.known",
        "These commits were asked for before.",
        "See `status`; name other commits, or push to the branch.",
    ))
}

fn triage(draft: &mut Draft, who: &PersonId, answers: &BTreeMap<usize, Answer>) -> Decided {
    let questions = draft.state.plan.steps.iter().find_map(|spec| {
        if let StepKind::Triage { criteria, ask: true } = &spec.kind { Some(criteria.len()) } else { None }
    });
    let Some(questions) = questions else {
        let reason = format!("The playbook {} asks no questions first.", draft.state.plan.playbook);
        return no(Refusal::new("triage.none", reason, "See `plan`."));
    };
    if let Some(beyond) = answers.keys().find(|place| **place >= questions) {
        let reason = format!("There are {questions} criteria, and no number {}.", beyond + 1);
        return no(Refusal::new("triage.unknown", reason, "See `status` for the criteria and their letters."));
    }
    let answers = answers.iter().map(|(place, answer)| (*place, *answer)).collect();
    draft.person(who, Event::TriageAnswered { answers })
}

/// Agreement is asked of a party by name, and whoever asked for the hotfix does not agree with themselves (HOCS-17).
fn agree(draft: &mut Draft, who: &PersonId, step: Option<&StepId>) -> Decided {
    let current = draft.state.current().map(|(_, spec)| spec.id.clone());
    let mut steps = draft.state.plan.steps.iter().filter(|spec| step.or(current.as_ref()) == Some(&spec.id));
    let asked = steps.find_map(|spec| {
        if let StepKind::Agree { party, .. } = &spec.kind { Some((spec.id.clone(), party.clone())) } else { None }
    });
    let Some((step, party)) = asked else {
        return no(Refusal::new("agree.nothing", "Nobody's agreement is asked for now.", "See `plan` for what is."));
    };
    if who == &draft.state.requester {
        let next = format!("Ask somebody else of the {party}.");
        return no(Refusal::new("agree.requester", "You asked for this hotfix, so you cannot agree to it.", next));
    }
    if !step::speaks_for(&draft.state, who, &party) {
        let members = draft.state.plan.parties.get(&party).map(Vec::as_slice).unwrap_or_default();
        let next = format!("Ask one of them: {}.", all_marked(members));
        return no(Refusal::new("agree.party", format!("The agreement of the {party} is asked for."), next));
    }
    if draft.state.agreed.get(&step).is_some_and(|agreed| agreed.contains(who)) {
        return Ok(());
    }
    draft.person(who, Event::Agreed { step })
}

fn unhold(draft: &mut Draft, grant: &Grant) -> Decided {
    let captain = grant.roles.contains(&Role::Captain);
    let mine = draft.state.holds.contains_key(&grant.person).then(|| grant.person.clone());
    let holder = mine.or_else(|| draft.state.holds.keys().next().filter(|_| captain).cloned());
    match holder {
        Some(person) => draft.person(&grant.person, Event::Unheld { person }),
        None => no(Refusal::new(
            "hold.none",
            "There is no hold of yours here.",
            "Whoever put it on hold, or a captain, can lift it: `unhold`.",
        )),
    }
}

fn verify(draft: &mut Draft, who: &PersonId, place: &str, pass: bool, note: Option<&str>) -> Decided {
    let by_hand = draft
        .state
        .deploys
        .iter()
        .rev()
        .find(|deploy| deploy.intent.environment.as_str() == place && deploy.state == DeployState::AwaitingWord);
    if let Some(key) = by_hand.map(|deploy| deploy.intent.key.clone()) {
        let failure = (!pass).then(|| note.unwrap_or("it did not work, says the person who did it").to_owned());
        draft.person(who, Event::DeployEnded { key, failure })?;
    }
    let places = draft
        .state
        .plan
        .steps
        .iter()
        .filter_map(|spec| if let StepKind::Verify { place, .. } = &spec.kind { Some(place) } else { None });
    let wanted: Vec<&VerifyPlace> = places.collect();
    let name = |place: &VerifyPlace| place.name().to_owned();
    let environment = draft.state.plan.environments.iter().find(|e| e.name.as_str() == place);
    let known = wanted.iter().find(|p| name(p) == place).map(|p| (*p).clone());
    let Some(target) = known.or_else(|| environment.map(|e| VerifyPlace::Environment(e.name.clone()))) else {
        let names: BTreeSet<String> = wanted.into_iter().map(name).collect();
        let next = format!("Say where: {}.", names.into_iter().collect::<Vec<_>>().join(", "));
        return no(Refusal::new("verify.place", format!("Nobody is asked about {place:?}."), next));
    };
    let Some(commit) = step::commit_at(&draft.state, &target).cloned() else {
        let reason = format!("This run has put nothing on {place} yet, so there is nothing to say about it.");
        return no(Refusal::new("verify.nothing", reason, "See `plan` for what comes before."));
    };
    let said = draft.state.attestations.get(&(place.to_owned(), who.clone()));
    let lately = |at| draft.now.duration_since(at) < LATELY;
    if note.is_none() && said.is_some_and(|word| (&word.commit, word.pass) == (&commit, pass) && lately(word.at)) {
        return Ok(());
    }
    draft.person(who, Event::Attested { place: place.to_owned(), commit, pass, note: note.map(str::to_owned) })
}

fn retry(draft: &mut Draft, who: &PersonId) -> Decided {
    let failed = draft.state.current().and_then(|(_, spec)| {
        let StepKind::Deploy { environment, .. } = &spec.kind else {
            return None;
        };
        let last = draft.state.last_deploy(environment)?;
        matches!(last.state, DeployState::Failed(_)).then(|| environment.clone())
    });
    if let Some(environment) = failed {
        draft.person(who, Event::Retried)?;
        return deploy::ask(draft, who, &environment);
    }
    if draft.state.stuck.is_some() {
        return draft.person(who, Event::Retried);
    }
    no(Refusal::new(
        "retry.nothing",
        "Nothing failed that could be tried again.",
        "See `status` for what is waited for.",
    ))
}

fn abort(draft: &mut Draft, grant: &Grant, reason: &str) -> Decided {
    let may = grant.person == draft.state.requester || grant.roles.contains(&Role::Captain);
    let mut refusals = Vec::new();
    if !may {
        let next = format!("Ask {} or a captain.", marked(&draft.state.requester));
        refusals.push(Refusal::new("abort.who", "Only whoever opened the run, or a captain, can give it up.", next));
    }
    if draft.state.deploys.iter().any(|deploy| deploy.state.is_open()) {
        let reason = "A deployment of this run is still open.";
        refusals.push(Refusal::new("abort.deploying", reason, "Wait for it to end, or say how it went with `verify`."));
    }
    if draft.state.is_live() && !on_main(&draft.state) {
        let reason =
            "Production runs the fix, and main does not have it: giving up now would lose it with the next release.";
        let next = "Bring it to main, roll production back, or let a captain say `mergeback waive <reason>`.";
        refusals.push(Refusal::new("abort.live", reason, next).because_of("APPLY-12"));
    }
    if review_due(&draft.state) {
        let reason = "A deployment of this run went out by a broken glass, and nobody has reviewed that yet.";
        let next = "Ask somebody who was not involved to say `countersign ok` or `countersign objection <why>`.";
        refusals.push(Refusal::new("abort.glass", reason, next));
    }
    if refusals.is_empty() {
        return draft.person(&grant.person, Event::Aborted { reason: reason.to_owned() });
    }
    Err(refusals)
}

fn on_main(state: &Hotfix) -> bool {
    matches!(state.mainline, Mainline::Proven(..) | Mainline::Waived { .. })
}

fn drift(draft: &mut Draft, grant: &Grant, choice: DriftChoice) -> Decided {
    if draft.state.drifts.is_empty() {
        let reason = "Production runs what it should.";
        return no(Refusal::new("drift.none", reason, "See `status`."));
    }
    match choice {
        DriftChoice::Abort => {
            draft.person(&grant.person, Event::DriftSettled { choice })?;
            abort(draft, grant, "production changed under it")
        }
        DriftChoice::Rebase => match disagree(&draft.state).or_else(|| merged(&draft.state)) {
            Some(refusal) => no(refusal),
            None => draft.person(&grant.person, Event::DriftSettled { choice }),
        },
        DriftChoice::Roll if draft.state.has_change() => draft.person(&grant.person, Event::DriftSettled { choice }),
        DriftChoice::Roll => no(Refusal::new(
            "drift.no-fix",
            "There is no fix on the branch yet that could go into the regular release.",
            "Give the run up with `drift abort`, and make the fix a normal change.",
        )
        .because_of("APPLY-17")),
    }
}

/// What is merged is not put on another base any more.
fn merged(state: &Hotfix) -> Option<Refusal> {
    let pull = state.pull.as_ref().filter(|pull| pull.merged.is_some())?;
    let reason = format!("Pull request #{} is merged, so what it brought stays on the base it has.", pull.number.0);
    let next = "Choose `drift roll`, or `drift abort` and start a hotfix on what runs now.";
    Some(Refusal::new("drift.merged", reason, next).because_of("APPLY-17"))
}

/// The fix goes on top of one thing: productions that run several have to be brought together first (HOCS-3).
fn disagree(state: &Hotfix) -> Option<Refusal> {
    let found: BTreeSet<&CommitId> = state.drifts.values().map(|drift| &drift.found).collect();
    let words = state.drifts.iter().map(|(name, drift)| format!("{name} runs {}", drift.found.short()));
    let reason = format!("The productions do not run the same: {}.", words.collect::<Vec<_>>().join(", "));
    let next = "Bring them together first, or choose `drift roll` or `drift abort`.";
    (found.len() > 1).then(|| Refusal::new("drift.disagree", reason, next).because_of("HOCS-3"))
}

fn waive(draft: &mut Draft, who: &PersonId, reason: &str) -> Decided {
    if on_main(&draft.state) {
        return no(Refusal::new(
            "mainline.done",
            "The fix is on main already, or was given up.",
            "See `mergeback status`.",
        ));
    }
    let merge_back = |kind: &StepKind| matches!(kind, StepKind::Mainline { .. });
    if !draft.state.is_live() && !draft.state.is_current(merge_back) {
        let reason = "The fix is not in production yet, so it is too early to give up bringing it to main.";
        return no(Refusal::new(
            "mainline.early",
            reason,
            "Give up the whole run with `abort`, if that is what you mean.",
        ));
    }
    draft.person(who, Event::MergebackWaived { reason: reason.to_owned() })
}

fn postmortem(draft: &mut Draft, who: &PersonId, url: Option<&str>) -> Decided {
    if draft.state.live_at.is_none() && !draft.state.is_current(|kind| matches!(kind, StepKind::Postmortem { .. })) {
        let reason = "The fix is not in production yet.";
        return no(Refusal::new("postmortem.early", reason, "Look at `timeline` meanwhile.").because_of("MAIN-18"));
    }
    draft.person(who, Event::PostmortemFiled { url: url.map(str::to_owned) })
}

fn close(draft: &Draft) -> Decided {
    let left: Vec<&str> = draft
        .state
        .plan
        .steps
        .iter()
        .zip(&draft.state.steps)
        .filter(|(_, state)| !state.is_behind())
        .map(|(spec, _)| spec.id.as_str())
        .collect();
    if left.is_empty() && review_due(&draft.state) {
        let reason = "A deployment of this run went out by a broken glass, and nobody has reviewed that yet.";
        let next = "Ask somebody who was not involved to say `countersign ok` or `countersign objection <why>`.";
        return no(Refusal::new("close.glass", reason, next));
    }
    let reason = format!("It closes by itself when every step is behind it; these are left: {}.", left.join(", "));
    no(Refusal::new("close.steps", reason, "See `plan` for who can do what, or give it up with `abort <reason>`.")
        .because_of("APPLY-12"))
}
