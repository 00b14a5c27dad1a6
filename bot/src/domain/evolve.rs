//! What an event does to a run. It refuses pairs that cannot be, so that a replay is a validation.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::vocabulary::{CommitId, DeployKey};
use jiff::Timestamp;
use thiserror::Error;

use super::event::{Actor, DriftChoice, Ending, Entry, Event, HeadSeen, Opened};
use super::hotfix::{
    Asked, AskedDeploy, Attestation, BranchState, DeployState, Deployment, Drift, Fix, FixState, Hotfix, Mainline,
    Phase, Prompt, Pull, StepState, Stuck,
};
use super::id::{HotfixId, PersonId, StepId};
use super::playbook::{StepKind, StepSpec, VerifyPlace};

/// An event that cannot have happened to this run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("event {version} of {id} cannot have happened: {why}")]
pub struct Impossible {
    /// The run.
    pub id: HotfixId,
    /// The event's version.
    pub version: u64,
    /// Why.
    pub why: String,
}

/// The run after one more event. `None` is the run before its first.
///
/// # Errors
/// [`Impossible`] when the event cannot follow.
pub fn evolve(id: HotfixId, state: Option<Hotfix>, entry: &Entry) -> Result<Hotfix, Impossible> {
    let version = state.as_ref().map_or(0, |state| state.version) + 1;
    let impossible = |why: &str| Impossible {
        id,
        version,
        why: why.to_owned(),
    };
    let Some(mut state) = state else {
        let (Event::Opened(opened), Actor::Person(requester)) = (&entry.event, &entry.by) else {
            return Err(impossible("a run begins with its opening, by a person"));
        };
        return Ok(open(id, opened, requester.clone(), entry.at));
    };
    if state.is_over() && !matches!(entry.event, Event::Noted { .. }) {
        return Err(impossible("the run is over"));
    }
    state.version = version;
    apply(&mut state, entry).map_err(|why| impossible(&why))?;
    Ok(state)
}

/// Replays a whole run.
///
/// # Errors
/// [`Impossible`] at the first event that cannot follow.
pub fn replay<'a>(id: HotfixId, entries: impl IntoIterator<Item = &'a Entry>) -> Result<Option<Hotfix>, Impossible> {
    entries
        .into_iter()
        .try_fold(None, |state, entry| evolve(id, state, entry).map(Some))
}

fn open(id: HotfixId, opened: &Opened, requester: PersonId, at: Timestamp) -> Hotfix {
    Hotfix {
        id,
        version: 1,
        title: opened.title.clone(),
        requester,
        opened_at: at,
        incident: opened.incident.clone(),
        ticket: opened.ticket.clone(),
        asked: Asked {
            fixes: opened.fixes.clone(),
            from: opened.from.clone(),
        },
        steps: vec![StepState::Ahead; opened.plan.steps.len()],
        plan_digest: opened.plan.digest(),
        plan: opened.plan.clone(),
        phase: Phase::Surveying,
        survey: None,
        base: None,
        card: None,
        branch: BranchState::Absent,
        head: None,
        fixes: Vec::new(),
        pull: None,
        prompts: BTreeMap::new(),
        votes: Vec::new(),
        vetoes: BTreeMap::new(),
        holds: BTreeMap::new(),
        attestations: BTreeMap::new(),
        asked_deploy: None,
        deploys: Vec::new(),
        override_asked: BTreeMap::new(),
        rolled_in: false,
        superseded: None,
        rebase_from: None,
        drift: None,
        rebase_conflict: None,
        mainline: Mainline::Open,
        reminders: BTreeMap::new(),
        live_at: None,
        stuck: None,
        postmortem: None,
        riders: None,
        riders_total: 0,
        acknowledged: BTreeSet::new(),
    }
}

fn apply(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    let at = entry.at;
    match &entry.event {
        Event::Opened(_) => return Err("it was opened before".to_owned()),
        Event::Surveyed(survey) => {
            state.survey = Some((**survey).clone());
            state.fixes = survey
                .fixes
                .iter()
                .map(|source| Fix {
                    source: source.clone(),
                    state: FixState::Waiting,
                })
                .collect();
            state.phase = Phase::Underway;
        }
        Event::Refused { refusals } => {
            state.phase = Phase::Ended {
                ending: Ending::Refused,
                at,
                refusals: refusals.clone(),
            };
        }
        Event::StepEntered { step } => set_step(state, step, StepState::Current { since: at })?,
        Event::StepDone { step, evidence } => {
            set_step(
                state,
                step,
                StepState::Done {
                    at,
                    evidence: evidence.clone(),
                },
            )?;
            state.reminders.remove(step);
            state.stuck = None;
        }
        Event::StepSkipped { step, reason } => {
            set_step(
                state,
                step,
                StepState::Skipped {
                    by: person(entry),
                    reason: reason.clone(),
                },
            )?;
        }
        Event::OverrideAsked { step, reason, incident } => {
            let by = require_person(entry)?;
            state
                .override_asked
                .insert(step.clone(), (by, reason.clone(), incident.clone()));
        }
        Event::StepOverridden {
            step, asked_by, reason, ..
        } => {
            if person(entry).as_ref() == Some(asked_by) {
                return Err("an override takes two people".to_owned());
            }
            set_step(
                state,
                step,
                StepState::Skipped {
                    by: person(entry),
                    reason: format!("overridden: {reason}"),
                },
            )?;
            state.override_asked.remove(step);
        }
        Event::StepReopened { step, .. } => {
            set_step(state, step, StepState::Ahead)?;
        }
        Event::BaseFound { commit, .. } => state.base = Some(commit.clone()),
        Event::Announced { message, .. } => state.card = Some(message.clone()),
        Event::BranchCreated { at } => {
            state.branch = BranchState::Present;
            let on_base = state.base.as_ref() == Some(at);
            state.head = Some(HeadSeen {
                tip: at.clone(),
                commits: Vec::new(),
                total: 0,
                size: Default::default(),
                on_base,
            });
        }
        Event::BranchDeleted => state.branch = BranchState::Deleted,
        Event::FixRequested { source } => {
            state.fixes.push(Fix {
                source: source.clone(),
                state: FixState::Waiting,
            });
            reopen_from(state, |kind| matches!(kind, StepKind::Change { .. }));
        }
        Event::FixPicked { source, .. } => set_fix(state, source, FixState::Picked)?,
        Event::FixConflicted { source, files } => set_fix(state, source, FixState::Conflicted(files.clone()))?,
        Event::HeadMoved { head, adapts, .. } => move_head(state, head, adapts),
        Event::PullOpened { number, author, url } => {
            state.pull = Some(Pull {
                number: *number,
                author: author.clone(),
                url: url.clone(),
                seen: Default::default(),
                merged: None,
            });
        }
        Event::PullSeen(seen) => state.pull.as_mut().ok_or("there is no pull request")?.seen = seen.clone(),
        Event::Merged { commit, .. } => {
            state.pull.as_mut().ok_or("there is no pull request")?.merged = Some(commit.clone());
        }
        Event::Prompted { .. }
        | Event::Voted(_)
        | Event::VoteWithdrawn { .. }
        | Event::Vetoed { .. }
        | Event::VetoWithdrawn { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. } => apply_word(state, entry)?,
        Event::DeployAsked { .. }
        | Event::DeployRefused { .. }
        | Event::DeployStarted(_)
        | Event::DeployAwaitsWord { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::DriftSettled { .. }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. } => apply_deploy(state, entry)?,
        Event::RidersFound { riders, total } => {
            state.riders = Some(riders.clone());
            state.riders_total = *total;
        }
        Event::Proven { how, main } => state.mainline = Mainline::Proven(how.clone(), main.clone()),
        Event::MainlineLost { by } => {
            state.mainline = Mainline::Lost(by.clone());
            // The step is not fulfilled any more, so the run cannot close; what came after it stays as it is.
            let is_mainline = |spec: &StepSpec| matches!(spec.kind, StepKind::Mainline { .. });
            for (_, step) in state.plan.steps.iter().zip(&mut state.steps).filter(|(spec, _)| is_mainline(spec)) {
                if matches!(step, StepState::Done { .. }) {
                    *step = StepState::Ahead;
                }
            }
        }
        Event::MergebackWaived { reason } => {
            state.mainline = Mainline::Waived {
                by: require_person(entry)?,
                reason: reason.clone(),
            };
        }
        Event::PostmortemFiled { url } => state.postmortem = Some(url.clone()),
        Event::Joined { .. } | Event::Noted { .. } => {}
        Event::Reminded { step, times } => {
            state.reminders.insert(step.clone(), *times);
        }
        Event::Stuck { what, reason } => {
            state.stuck = Some(Stuck {
                what: what.clone(),
                reason: reason.clone(),
            })
        }
        Event::Retried => state.stuck = None,
        Event::Aborted { .. } => {
            state.phase = Phase::Ended {
                ending: Ending::Aborted,
                at,
                refusals: Vec::new(),
            }
        }
        Event::Closed { ending } => {
            state.phase = Phase::Ended {
                ending: ending.clone(),
                at,
                refusals: Vec::new(),
            }
        }
    }
    Ok(())
}

/// What people said.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`apply` sorts the events, and is exhaustive"
)]
fn apply_word(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    match &entry.event {
        Event::Prompted {
            environment,
            commit,
            message,
        } => {
            state.prompts.insert(
                environment.clone(),
                Prompt {
                    commit: commit.clone(),
                    message: message.clone(),
                },
            );
        }
        Event::Voted(vote) => {
            if person(entry).as_ref() != Some(&vote.person) {
                return Err("nobody votes for somebody else".to_owned());
            }
            state
                .votes
                .retain(|old| (&old.environment, &old.person) != (&vote.environment, &vote.person));
            state.votes.push(vote.clone());
        }
        Event::VoteWithdrawn { environment, person } => {
            state
                .votes
                .retain(|vote| (&vote.environment, &vote.person) != (environment, person));
        }
        Event::Vetoed { environment, reason } => {
            let by = require_person(entry)?;
            state
                .votes
                .retain(|vote| (&vote.environment, &vote.person) != (environment, &by));
            state.vetoes.insert((environment.clone(), by), reason.clone());
        }
        Event::VetoWithdrawn { environment, person } => {
            state.vetoes.remove(&(environment.clone(), person.clone()));
        }
        Event::Acknowledged => {
            state.acknowledged.insert(require_person(entry)?);
        }
        Event::Held { reason } => {
            state.holds.insert(require_person(entry)?, reason.clone());
        }
        Event::Unheld { person } => {
            state.holds.remove(person).ok_or("there is no such hold")?;
        }
        Event::Attested {
            place, commit, pass, ..
        } => {
            let word = Attestation {
                person: require_person(entry)?,
                commit: commit.clone(),
                pass: *pass,
                at: entry.at,
            };
            state.attestations.insert(place.clone(), word);
        }
        other => return Err(format!("{other:?} is not a word")),
    }
    Ok(())
}

/// What was deployed, by us and by others.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`apply` sorts the events, and is exhaustive"
)]
fn apply_deploy(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    match &entry.event {
        Event::DeployAsked {
            environment,
            commit,
            rollback,
        } => {
            state.asked_deploy = Some(AskedDeploy {
                environment: environment.clone(),
                commit: commit.clone(),
                rollback: *rollback,
            });
        }
        Event::DeployRefused { .. } => state.asked_deploy = None,
        Event::DeployStarted(intent) => {
            if state.deploys.iter().any(|deploy| deploy.state.is_open()) {
                return Err("another deployment of this run is still open".to_owned());
            }
            state.asked_deploy = None;
            let deploy = Deployment {
                intent: intent.clone(),
                state: DeployState::Running,
                at: entry.at,
            };
            state.deploys.push(deploy);
        }
        Event::DeployAwaitsWord { key } => set_deploy(state, key, DeployState::AwaitingWord)?,
        Event::DeployEnded { key, failure } => {
            let ended = failure
                .as_ref()
                .map_or(DeployState::Succeeded, |why| DeployState::Failed(why.clone()));
            set_deploy(state, key, ended)?;
            state.superseded = None;
            deployment_ended(state, key, entry.at);
        }
        Event::Drifted { expected, found } => {
            state.drift = Some(Drift {
                expected: expected.clone(),
                found: found.clone(),
            });
        }
        Event::DriftSettled { choice } => settle_drift(state, *choice)?,
        Event::RebaseConflicted { files } => state.rebase_conflict = Some(files.clone()),
        Event::Superseded { by } => {
            state.drift = None;
            state.superseded = Some(by.clone());
        }
        other => return Err(format!("{other:?} is not about deployments")),
    }
    Ok(())
}

fn deployment_ended(state: &mut Hotfix, key: &DeployKey, at: Timestamp) {
    let Some(deploy) = state.deploy(key).cloned() else {
        return;
    };
    let production = state.plan.production().map(|e| &e.name) == Some(&deploy.intent.environment);
    if deploy.state != DeployState::Succeeded || !production {
        return;
    }
    if deploy.intent.rollback {
        // Production runs the old version again: what was said of the new one there has to be said again.
        reopen_from(
            state,
            |kind| matches!(kind, StepKind::Approve { environment } if *environment == deploy.intent.environment),
        );
        state.votes.clear();
        state.prompts.clear();
    } else if state.live_at.is_none() {
        state.live_at = Some(at);
    }
}

fn settle_drift(state: &mut Hotfix, choice: DriftChoice) -> Result<(), String> {
    let drift = state.drift.take().ok_or("production did not change")?;
    match choice {
        DriftChoice::Rebase => {
            state.rebase_from = state.rebase_from.take().or_else(|| state.base.clone());
            state.base = Some(drift.found);
            if let Some(head) = &mut state.head {
                head.on_base = false;
            }
            void(state);
            reopen_from(state, |kind| matches!(kind, StepKind::Change { .. }));
        }
        DriftChoice::Roll => {
            void(state);
            state.rolled_in = true;
            skip_deployments(state);
        }
        DriftChoice::Abort => {}
    }
    Ok(())
}

/// The branch moved: what was said of the old head is void (APPLY-14, security case 25).
fn move_head(state: &mut Hotfix, head: &HeadSeen, adapts: &[CommitId]) {
    state.head = Some(head.clone());
    state.stuck = None;
    if head.on_base {
        state.rebase_conflict = None;
        state.rebase_from = None;
    }
    for fix in &mut state.fixes {
        if adapts.contains(&fix.source) && matches!(fix.state, FixState::Conflicted(_)) {
            fix.state = FixState::Adapted;
        }
    }
    void(state);
    reopen_from(state, |kind| matches!(kind, StepKind::Change { .. }));
}

/// Votes and words are bound to what they were said of; of anything else they say nothing.
fn void(state: &mut Hotfix) {
    state.votes.clear();
    state.vetoes.clear();
    state.prompts.clear();
    state.asked_deploy = None;
    state.riders = None;
}

/// Sets the first step that matches and every one behind it back, so that each has to be fulfilled again.
fn reopen_from(state: &mut Hotfix, matches: impl Fn(&StepKind) -> bool) {
    let Some(first) = state.plan.steps.iter().position(|spec| matches(&spec.kind)) else {
        return;
    };
    for step in state.steps.iter_mut().skip(first) {
        *step = StepState::Ahead;
    }
    if state.rolled_in {
        skip_deployments(state);
    }
}

/// The regular release deploys the fix: this run does not, and asks nobody about it (APPLY-17).
fn skip_deployments(state: &mut Hotfix) {
    for (spec, step) in state.plan.steps.iter().zip(&mut state.steps) {
        let deploys = match &spec.kind {
            StepKind::Approve { .. } | StepKind::Deploy { .. } => true,
            StepKind::Verify { place, .. } => matches!(place, VerifyPlace::Environment(_)),
            StepKind::Triage { .. }
            | StepKind::Base { .. }
            | StepKind::Withheld
            | StepKind::Releasable
            | StepKind::Capability { .. }
            | StepKind::Announce
            | StepKind::Branch
            | StepKind::Change { .. }
            | StepKind::Review { .. }
            | StepKind::Merge { .. }
            | StepKind::RideAlong
            | StepKind::Mainline { .. }
            | StepKind::Postmortem { .. } => false,
        };
        if deploys && !matches!(step, StepState::Done { .. }) {
            *step = StepState::Skipped {
                by: None,
                reason: "rolled into the regular release".to_owned(),
            };
        }
    }
}

fn set_step(state: &mut Hotfix, step: &StepId, to: StepState) -> Result<(), String> {
    let at = state
        .plan
        .position(step)
        .ok_or_else(|| format!("the plan has no step {step}"))?;
    let slot = state
        .steps
        .get_mut(at)
        .ok_or_else(|| format!("step {step} has no state"))?;
    *slot = to;
    Ok(())
}

fn set_fix(state: &mut Hotfix, source: &CommitId, to: FixState) -> Result<(), String> {
    let fix = state
        .fixes
        .iter_mut()
        .find(|fix| &fix.source == source && fix.state == FixState::Waiting);
    fix.ok_or_else(|| format!("nobody asked for {source}"))?.state = to;
    Ok(())
}

fn set_deploy(state: &mut Hotfix, key: &DeployKey, to: DeployState) -> Result<(), String> {
    let deploy = state.deploys.iter_mut().find(|deploy| &deploy.intent.key == key);
    let deploy = deploy.ok_or_else(|| format!("there is no deployment {key}"))?;
    if !deploy.state.is_open() {
        return Err(format!("deployment {key} ended before"));
    }
    deploy.state = to;
    Ok(())
}

fn person(entry: &Entry) -> Option<PersonId> {
    match &entry.by {
        Actor::Person(person) => Some(person.clone()),
        Actor::Bot => None,
    }
}

fn require_person(entry: &Entry) -> Result<PersonId, String> {
    person(entry).ok_or_else(|| "it takes a person".to_owned())
}
