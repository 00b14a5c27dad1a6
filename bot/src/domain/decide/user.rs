//! Commands that users send: checks each one against the state of the run and emits its events.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::forge::Containment;
use hotfix_adapters::ids::{CommitId, DeployKey, Environment};
use jiff::SignedDuration;

use super::break_glass::Declaration;
use super::{Decider, abandon, break_glass, deploy, identify, overrides, retry, unpick, votes};
use crate::domain::break_glass::review_due;
use crate::domain::command::{Fixes, UserCommand};
use crate::domain::event::{DriftChoice, Event, TriageAnswer};
use crate::domain::hotfix::{BranchState, DeployState, Deployment, Hotfix, Mainline, StepState};
use crate::domain::id::{PersonId, StepId};
use crate::domain::people::{Grant, Role, all_marked, marked};
use crate::domain::playbook::{StepKind, StepSpec, VerifyPlace};
use crate::domain::refusal::Refusal;
use crate::domain::step;

/// Time within which an identical attestation counts as a repetition (security case 40).
const LATELY: SignedDuration = SignedDuration::from_mins(1);

pub(super) type Decided = Result<(), Vec<Refusal>>;

pub(super) fn decide(draft: &mut Decider, grant: &Grant, act: &UserCommand) -> Decided {
    let who = &grant.person;
    if let UserCommand::Note(text) = act {
        return draft.person(who, Event::Noted { text: text.clone() });
    }
    if draft.state.is_over() {
        let next = format!("Look at `timeline {}`, or start a new run.", draft.state.id);
        return no(Refusal::new("run.over", format!("{} is over.", draft.state.id), next));
    }
    if let Some(abandoned) = draft.state.abandoned.as_ref().filter(|_| !abandon::outlives(act)) {
        return no(abandon::over(&draft.state, abandoned));
    }
    match act {
        UserCommand::Note(_) => Ok(()),
        UserCommand::Pick(fixes) => pick(draft, who, fixes),
        UserCommand::Unpick(fixes) => unpick::ask(draft, who, fixes),
        UserCommand::Join { title, fixes } => join(draft, who, title, fixes),
        UserCommand::Approve { on, way } => votes::approve(draft, grant, on.as_ref(), *way),
        UserCommand::Unapprove { on } => votes::unapprove(draft, who, on.as_ref()),
        UserCommand::Reject { reason, on, way } => votes::reject(draft, grant, reason, (on.as_ref(), *way)),
        UserCommand::Acknowledge => {
            if draft.state.acknowledged.contains(who) {
                return Ok(());
            }
            draft.person(who, Event::Acknowledged)
        }
        UserCommand::Triage(answers) => triage(draft, who, answers),
        UserCommand::Agree(step) => agree(draft, who, step.as_ref()),
        // A repeated hold must not add another line to the thread (security case 40).
        UserCommand::Hold(reason) if draft.state.holds.get(who) == Some(reason) => Ok(()),
        UserCommand::Hold(reason) => draft.person(who, Event::Held { reason: reason.clone() }),
        UserCommand::Unhold => unhold(draft, grant),
        UserCommand::Verify { place, pass, note } => verify(draft, who, place, *pass, note.as_deref()),
        UserCommand::Deploy(environment) => deploy::by_person(draft, who, environment),
        UserCommand::Rollback { environment, to, reason } => {
            deploy::rollback(draft, grant, environment, to.as_ref(), reason)
        }
        UserCommand::Skip(step, reason) => overrides::skip(draft, who, step, reason),
        UserCommand::Override { gate: step, reason, incident } => {
            overrides::override_gate(draft, grant, step, reason, incident)
        }
        UserCommand::BreakGlass { environment, commit, reason, incident, audit } => {
            break_glass::break_it(draft, grant, &Declaration { environment, commit, reason, incident, audit })
        }
        UserCommand::Countersign { ok, note } => break_glass::countersign(draft, who, *ok, note.as_deref()),
        UserCommand::Identify { unknown, person, words } => {
            identify::identify(draft, grant, unknown, (person.as_ref(), words))
        }
        UserCommand::Retry => retry::retry(draft, grant),
        UserCommand::Abort(reason) => abort(draft, grant, reason),
        UserCommand::Abandon { reason, under_way } => abandon::abandon(draft, grant, reason, under_way),
        UserCommand::Drift(choice) => drift(draft, grant, *choice),
        UserCommand::WaiveMergeback(reason) => waive(draft, who, reason),
        UserCommand::ConfirmMergeback(note) => confirm(draft, grant, note.as_deref()),
        UserCommand::Postmortem(url) => postmortem(draft, who, url.as_deref()),
        UserCommand::Close => close(draft),
    }
}

pub(super) fn no(refusal: Refusal) -> Decided {
    Err(vec![refusal])
}

/// Joins another request to this run. A repeated `start` with the same title and fixes changes nothing and is not
/// reported (security case 40).
fn join(draft: &mut Decider, who: &PersonId, title: &str, fixes: &Fixes) -> Decided {
    let state = &draft.state;
    let own = who == &state.requester && title == state.title;
    let again = own || state.joined.iter().any(|(person, joined)| person == who && joined == title);
    if again && fixes.commits.iter().all(|source| state.fixes.iter().any(|fix| &fix.source == source)) {
        return Ok(());
    }
    if !again {
        draft.person(who, Event::Joined { title: title.to_owned() })?;
    }
    if fixes.commits.is_empty() { Ok(()) } else { pick(draft, who, fixes) }
}

/// Refuses changes to the branch after it was merged.
pub(super) fn branch_merged(state: &Hotfix) -> Option<Refusal> {
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    if !merged && state.branch != BranchState::Deleted {
        return None;
    }
    let reason = format!("The branch {} is merged already.", state.plan.branch);
    Some(Refusal::new("branch.merged", reason, "Finish this run, and start a new one for another fix."))
}

fn pick(draft: &mut Decider, who: &PersonId, fixes: &Fixes) -> Decided {
    if let Some(refusal) = branch_merged(&draft.state) {
        return no(refusal);
    }
    let mut confirmed = false;
    let mut new = Vec::new();
    for source in &fixes.commits {
        if draft.state.unconfirmed().any(|(reverted, _)| reverted == source) {
            confirmed = true;
            draft.person(who, Event::FixConfirmed { source: source.clone() })?;
            continue;
        }
        if draft.state.fixes.iter().any(|fix| &fix.source == source) {
            continue;
        }
        new.push(source.clone());
        draft.person(who, Event::FixRequested { source: source.clone() })?;
    }
    if confirmed || !new.is_empty() {
        return ordered(draft, fixes.reordered, new);
    }
    no(Refusal::new(
        "fix.known",
        "These commits were asked for before.",
        "See `status`; name other commits, or push to the branch.",
    ))
}

/// Reports fixes that are picked in a different order than they were named in.
pub(super) fn ordered(draft: &mut Decider, reordered: bool, sources: Vec<CommitId>) -> Decided {
    if reordered && sources.len() > 1 { draft.bot(Event::FixesOrdered { sources }) } else { Ok(()) }
}

fn triage(draft: &mut Decider, who: &PersonId, answers: &BTreeMap<usize, TriageAnswer>) -> Decided {
    let questions =
        draft.state.plan.steps.iter().find_map(|spec| {
            if let StepKind::Triage { criteria, .. } = &spec.kind { Some(criteria.len()) } else { None }
        });
    let Some(questions) = questions.filter(|questions| *questions > 0) else {
        let reason = format!("The playbook {} asks no questions first.", draft.state.plan.playbook);
        return no(Refusal::new("triage.none", reason, "See `plan`."));
    };
    if let Some(beyond) = answers.keys().find(|place| **place >= questions) {
        let reason = format!("There is no criterion {}; the last one is {questions}.", beyond + 1);
        return no(Refusal::new("triage.unknown", reason, "See `status` for the criteria and their letters."));
    }
    let answers = answers.iter().map(|(place, answer)| (*place, *answer)).collect();
    draft.person(who, Event::TriageAnswered { answers })
}

/// Records an agreement. Only members of the asked party can agree, and never the requester (HOCS-17).
fn agree(draft: &mut Decider, who: &PersonId, step: Option<&StepId>) -> Decided {
    let asks = |spec: &&StepSpec| matches!(spec.kind, StepKind::Agree { .. });
    let current = draft.state.current().map(|(_, spec)| spec).filter(asks);
    let steps = draft.state.plan.steps.iter().zip(&draft.state.steps);
    let mut offered =
        steps.filter(|(spec, at)| asks(spec) && matches!(at, StepState::Offered { .. })).map(|(spec, _)| spec);
    let meant = current.or_else(|| offered.next()).map(|spec| spec.id.clone());
    let mut steps = draft.state.plan.steps.iter().filter(|spec| step.or(meant.as_ref()) == Some(&spec.id));
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

fn unhold(draft: &mut Decider, grant: &Grant) -> Decided {
    let captain = grant.roles.contains(&Role::Captain);
    let mine = draft.state.holds.contains_key(&grant.person).then(|| grant.person.clone());
    let holder = mine.or_else(|| draft.state.holds.keys().next().filter(|_| captain).cloned());
    match holder {
        Some(person) => draft.person(&grant.person, Event::Unheld { person }),
        None if draft.state.holds.is_empty() => {
            no(Refusal::new("hold.none", "Nothing is on hold here.", "See `status`."))
        }
        None => no(Refusal::new(
            "hold.none",
            "There is no hold of yours here.",
            "Whoever put it on hold, or a captain, can lift it: `unhold`.",
        )),
    }
}

/// Records an attestation. If a deployment of the environment waits for it, it ends that deployment and nothing else:
/// verification of the result has its own step.
fn verify(draft: &mut Decider, who: &PersonId, place: &str, pass: bool, note: Option<&str>) -> Decided {
    let here = |deploy: &&Deployment| deploy.intent.environment.as_str() == place;
    let waits = draft.state.deploys.iter().rev().filter(here).find(|deploy| takes_word(&deploy.state, pass));
    if let Some(key) = waits.map(|deploy| deploy.intent.key.clone()) {
        return deployed(draft, who, key, (pass, note));
    }
    let rolls_out = draft.state.deploys.iter().filter(here).find(|deploy| deploy.state == DeployState::RollingOut);
    if let Some(deploy) = rolls_out {
        return no(rolling_out(&draft.state, deploy));
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

/// Ends a deployment on a user's report. A note on a successful deployment is recorded separately.
fn deployed(draft: &mut Decider, who: &PersonId, key: DeployKey, (pass, note): (bool, Option<&str>)) -> Decided {
    let failure = (!pass).then(|| note.unwrap_or("it did not work, says the person who did it").to_owned());
    draft.person(who, Event::DeployEnded { key, failure })?;
    match note.filter(|_| pass) {
        Some(note) => draft.person(who, Event::Noted { text: note.to_owned() }),
        None => Ok(()),
    }
}

/// Returns the refusal of a success report for a rollout that the bot is still watching.
fn rolling_out(state: &Hotfix, deploy: &Deployment) -> Refusal {
    let place = &deploy.intent.environment;
    let note = state.notes.get(&deploy.intent.key).map_or_else(String::new, |note| format!(" ({note})"));
    let reason = format!("{} is merged, and not known to run on {place} yet{note}.", deploy.intent.commit.short());
    let next = format!(
        "The bot watches the rollout and says when it is through. If it failed, say `verify {place} fail <why>`, which ends \
         the deployment as failed."
    );
    Refusal::new("verify.rolling-out", reason, next)
}

/// Returns `true` if the report ends a deployment in this state. A failed rollout can be reported while it is watched.
/// Its success is observed, and taken from a user only if nothing can observe it.
fn takes_word(state: &DeployState, pass: bool) -> bool {
    match state {
        DeployState::AwaitingConfirmation => true,
        DeployState::RollingOut => !pass,
        DeployState::Running | DeployState::Succeeded | DeployState::Failed(_) => false,
    }
}

fn abort(draft: &mut Decider, grant: &Grant, reason: &str) -> Decided {
    let drifted = draft.state.drifts.keys().cloned().collect();
    give_up(draft, grant, reason, &drifted)
}

/// Aborts the run. `drifted` are the productions that others changed.
fn give_up(draft: &mut Decider, grant: &Grant, reason: &str, drifted: &BTreeSet<Environment>) -> Decided {
    let may = grant.person == draft.state.requester || grant.roles.contains(&Role::Captain);
    let mut refusals = Vec::new();
    if !may {
        let next = format!("Ask {} or a captain.", marked(&draft.state.requester));
        refusals.push(Refusal::new("abort.who", "Only whoever opened the run, or a captain, can give it up.", next));
    }
    let by_rank = refusals.len();
    if let Some(open) = draft.state.deploys.iter().find(|deploy| deploy.state.is_open()) {
        let next = match open.state {
            DeployState::AwaitingConfirmation => {
                format!("Say how it went with `verify {} pass` or `verify {0} fail`.", open.intent.environment)
            }
            DeployState::Running | DeployState::RollingOut | DeployState::Succeeded | DeployState::Failed(_) => {
                "Wait for it to end.".to_owned()
            }
        };
        let reason = "A deployment of this run is still open.";
        refusals.push(Refusal::new("abort.deploying", reason, next));
    }
    refusals.extend(lost_by_giving_up(&draft.state, drifted));
    if review_due(&draft.state) {
        let reason = "A deployment of this run went out by a broken glass, and nobody has reviewed that yet.";
        let next = "Ask somebody who was not involved to say `countersign ok` or `countersign objection <why>`.";
        refusals.push(Refusal::new("abort.break-glass", reason, next));
    }
    // Added once, after the last refusal that depends on the state of the run.
    if let Some(last) = refusals.get_mut(by_rank..).and_then(<[Refusal]>::last_mut) {
        last.next.push_str(" A captain can end the run as it is with `abandon <reason>`.");
    }
    if refusals.is_empty() {
        return draft.person(&grant.person, Event::Aborted { reason: reason.to_owned() });
    }
    Err(refusals)
}

/// Refuses to abort when the fix would be lost: it was deployed to production, and main does not have it.
fn lost_by_giving_up(state: &Hotfix, drifted: &BTreeSet<Environment>) -> Option<Refusal> {
    if !state.is_live() || on_main(state) {
        return None;
    }
    let mut live = state.plan.productions().filter(|production| state.is_live_in(&production.name));
    let (reason, next) = if live.all(|production| drifted.contains(&production.name)) {
        let reason =
            "Others replaced the fix in production, and main does not have it either: giving up now would lose it.";
        (reason, "Bring it to main, or let a captain say `mergeback waive <reason>`.")
    } else {
        let reason =
            "Production runs the fix, and main does not have it: giving up now would lose it with the next release.";
        (reason, "Bring it to main, roll production back, or let a captain say `mergeback waive <reason>`.")
    };
    Some(Refusal::new("abort.live", reason, next).because_of("APPLY-12"))
}

fn on_main(state: &Hotfix) -> bool {
    state.is_settled_on_main()
}

fn drift(draft: &mut Decider, grant: &Grant, choice: DriftChoice) -> Decided {
    if draft.state.drifts.is_empty() {
        let reason = "Production runs what it should.";
        return no(Refusal::new("drift.none", reason, "See `status`."));
    }
    match choice {
        DriftChoice::Abort => {
            let drifted = draft.state.drifts.keys().cloned().collect();
            draft.person(&grant.person, Event::DriftSettled { choice })?;
            give_up(draft, grant, "production changed under it", &drifted)
        }
        DriftChoice::Rebase => match cannot_rebase(&draft.state) {
            Some(refusal) => no(refusal),
            None => draft.person(&grant.person, Event::DriftSettled { choice }),
        },
        DriftChoice::Roll if draft.state.has_change() => draft.person(&grant.person, Event::DriftSettled { choice }),
        DriftChoice::Roll => no(Refusal::new(
            "drift.no-fix",
            "There is no fix on the branch yet that could go into the regular release.",
            format!("Say {}, and make the fix a normal change.", deploy::drift_ways(&draft.state)),
        )
        .because_of("APPLY-17")),
    }
}

/// Returns the refusal if the fix cannot be rebased onto the commit that production runs.
pub(super) fn cannot_rebase(state: &Hotfix) -> Option<Refusal> {
    disagree(state).or_else(|| merged(state))
}

/// Refuses a rebase after the pull request was merged.
fn merged(state: &Hotfix) -> Option<Refusal> {
    let pull = state.pull.as_ref().filter(|pull| pull.merged.is_some())?;
    let reason = format!("Pull request #{} is merged, so what it brought stays on the base it has.", pull.number.0);
    let roll = if state.has_change() { "`drift roll`, or " } else { "" };
    let next = format!("Choose {roll}{}, and start a hotfix on what runs now.", drift_end(state));
    Some(Refusal::new("drift.merged", reason, next).because_of("APPLY-17"))
}

/// Returns the drift answer, or the command, that ends the run.
fn drift_end(state: &Hotfix) -> &'static str {
    if abandon::may_abort(state) { "`drift abort`" } else { abandon::way_out(state) }
}

/// Refuses a rebase when the productions run different commits: the fix has only one base (HOCS-3).
fn disagree(state: &Hotfix) -> Option<Refusal> {
    let others = state.plan.productions().map(|production| &production.name);
    let others = others.filter(|name| !state.drifts.contains_key(*name) && state.last_deploy(name).is_none());
    let others = others.filter_map(|name| Some((name, state.expected_in(name)?)));
    let runs: BTreeMap<&Environment, &CommitId> =
        state.drifts.iter().map(|(name, drift)| (name, &drift.found)).chain(others).collect();
    let found: BTreeSet<&CommitId> = runs.values().copied().collect();
    let words = runs.iter().map(|(name, commit)| format!("{name} runs {}", commit.short()));
    let reason = format!("The productions do not run the same: {}.", words.collect::<Vec<_>>().join(", "));
    let roll = if state.has_change() { "`drift roll` or " } else { "" };
    let next = format!("Bring them together first, or choose {roll}{}.", drift_end(state));
    (found.len() > 1).then(|| Refusal::new("drift.disagree", reason, next).because_of("HOCS-3"))
}

fn waive(draft: &mut Decider, who: &PersonId, reason: &str) -> Decided {
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
            format!("If you mean the whole run, end it with {}.", abandon::way_out(&draft.state)),
        ));
    }
    draft.person(who, Event::MergebackWaived { reason: reason.to_owned() })
}

/// Confirms, by the requester or a captain, that main has the fix although its lines were rewritten there.
fn confirm(draft: &mut Decider, grant: &Grant, note: Option<&str>) -> Decided {
    let Some((by, _)) = &draft.state.rewritten else {
        let reason = "Nobody is asked whether main has the fix: the bot can tell.";
        return no(Refusal::new("mainline.known", reason, "See `mergeback status`."));
    };
    let (by, owner) = (by.short().to_owned(), marked(&draft.state.requester));
    if grant.person != draft.state.requester && !grant.roles.contains(&Role::Captain) {
        let reason = "Only whoever opened the run, or a captain, can say that main has the fix.";
        return no(Refusal::new("mainline.who", reason, format!("Ask {owner} or a captain.")).because_of("APPLY-12"));
    }
    match &draft.state.mainline {
        Mainline::Reverted(lost) => {
            let reason = format!("{} took the fix out of main.", lost.short());
            let next = "Bring it back, or let a captain say `mergeback waive <reason>`.";
            no(Refusal::new("mainline.lost", reason, next).because_of("APPLY-12"))
        }
        // A repeated confirmation changes nothing.
        Mainline::Merged(Containment::Rewritten { by: known }, _) if known.short() == by => Ok(()),
        Mainline::NotMerged | Mainline::Merged(..) => {
            draft.person(&grant.person, Event::MainlineConfirmed { note: note.map(str::to_owned) })
        }
        Mainline::Waived { .. } => {
            no(Refusal::new("mainline.done", "Bringing the fix to main was given up.", "See `mergeback status`."))
        }
    }
}

fn postmortem(draft: &mut Decider, who: &PersonId, url: Option<&str>) -> Decided {
    if draft.state.live_at.is_none() && !draft.state.is_current(|kind| matches!(kind, StepKind::Postmortem { .. })) {
        let reason = "The fix is not in production yet.";
        return no(Refusal::new("postmortem.early", reason, "Look at `timeline` meanwhile.").because_of("MAIN-18"));
    }
    draft.person(who, Event::PostmortemFiled { url: url.map(str::to_owned) })
}

fn close(draft: &Decider) -> Decided {
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
        return no(Refusal::new("close.break-glass", reason, next));
    }
    let reason = format!("It closes by itself when every step is behind it; these are left: {}.", left.join(", "));
    let next = format!("See `plan` for who can do what, or end it with {}.", abandon::way_out(&draft.state));
    no(Refusal::new("close.steps", reason, next).because_of("APPLY-12"))
}

#[cfg(test)]
mod tests;
