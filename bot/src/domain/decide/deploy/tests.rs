//! Tests of deployments: when they begin, and each refusal on its own.

use hotfix_adapters::ids::{PersonRef, Platform};
use hotfix_adapters::registry::{Image, Published};

use super::*;
use crate::domain::command::{Command, EffectResult, FreezeEnd, PullFacts, UserCommand};
use crate::domain::event::{PullSeen, VoidReason};
use crate::domain::hotfix::{Deployment, Drift, PinnedImage, Rejection};
use crate::domain::playbook::{Artifact, StepSpec, Trigger};
use crate::domain::service::{ApprovalRule, EnvironmentPlan, Never, StepUp, TargetPlan};
use crate::domain::vote_source::VoteSource;
use crate::fixture::{
    Play, asked, begun, commit, contribution, environment, grant, live, person, production, staging, voted,
};

/// Indexes of steps in the plan of the fixture.
const LOOK: usize = 9;
const VOTES: usize = 10;
const PRODUCTION: usize = 11;
const MAIN: usize = 12;

/// Returns a run with a requested deployment whose facts are being read.
fn ready() -> Play {
    voted().by("ana", UserCommand::Deploy(production()))
}

fn codes(refusals: &[Refusal]) -> Vec<&str> {
    refusals.iter().map(|refusal| refusal.code.as_str()).collect()
}

/// Returns the text of the only refusal of a deployment to production.
fn words(play: &Play) -> String {
    let refusals = play.answer("ana", UserCommand::Deploy(production())).unwrap_err();
    let [refusal] = refusals.as_slice() else { panic!("{refusals:?}") };
    format!("{} {}", refusal.reason, refusal.next)
}

/// Returns the events of reading changed facts for the requested deployment.
fn events(play: &Play, change: impl FnOnce(&mut DeployFacts)) -> Vec<Event> {
    let before = play.entries.len();
    let after = play.clone().begins_with("abc1234", change);
    after.entries[before..].iter().map(|entry| entry.event.clone()).collect()
}

/// Returns the refusal codes of the requested deployment; empty if it begins.
fn objected(play: &Play, change: impl FnOnce(&mut DeployFacts)) -> Vec<String> {
    let events = events(play, change);
    let refusals = events.iter().find_map(|event| {
        let Event::DeployRefused { refusals, .. } = event else { return None };
        Some(refusals.iter().map(|refusal| refusal.code.clone()).collect())
    });
    let begins = events.iter().any(|event| matches!(event, Event::DeployStarted(_)));
    assert_ne!(begins, refusals.is_some(), "it begins or is refused: {events:?}");
    refusals.unwrap_or_default()
}

fn started(events: &[Event]) -> Option<&DeployIntent> {
    events.iter().find_map(|event| if let Event::DeployStarted(intent) = event { Some(intent) } else { None })
}

fn deployed(environment: Environment, commit: &CommitId, state: DeployState) -> Deployment {
    let intent = started(&events(&ready(), |_| {})).unwrap().clone();
    Deployment {
        intent: DeployIntent { environment, commit: commit.clone(), ..intent },
        state,
        asked_by: None,
        at: live().now,
        merged_at: None,
        confirmed_by: None,
    }
}

#[test]
fn production_is_deployed_to_when_it_is_its_turn() {
    assert_eq!(voted().refused("ana", UserCommand::Deploy(production())), Vec::<String>::new());
    assert!(ready().state.requested_deploy.is_some());
    assert_eq!(voted().refused("ana", UserCommand::Deploy(environment("moon"))), ["environment.unknown"]);
    assert_eq!(begun().refused("ana", UserCommand::Deploy(production())), ["deploy.early"]);
    let early = words(&begun().announced().branched().picked());
    assert!(early.contains("review, local, staging, look, votes"), "{early}");
    assert_eq!(live().refused("ana", UserCommand::Deploy(production())), ["deploy.done"]);
    let elsewhere = voted().changed(|state| {
        let plan = EnvironmentPlan { name: environment("demo"), ..state.plan.environments[0].clone() };
        state.plan.environments.push(plan);
    });
    assert_eq!(elsewhere.refused("ana", UserCommand::Deploy(environment("demo"))), ["deploy.not-in-plan"]);
}

/// HOCS-26: an environment that is marked as never deployable refuses deployments with its reason.
#[test]
fn what_is_never_deployed_to_is_refused_with_its_reason() {
    let never = Never {
        requirement: "HOCS-26".parse().ok(),
        reason: "It is for releases.".to_owned(),
        instead: "Use another.".to_owned(),
    };
    let play = voted().changed(|state| state.plan.environments[1].never = Some(never));
    let refusals = play.answer("ana", UserCommand::Deploy(production())).unwrap_err();
    assert_eq!(codes(&refusals), ["deploy.never"]);
    assert_eq!(refusals[0].requirement, "HOCS-26".parse().ok());
}

/// HOCS-0: an optional deployment can still be requested while the run is at a later step.
#[test]
fn an_offered_deployment_can_still_be_asked_for() {
    let play = voted().changed(|state| {
        let since = state.opened_at;
        state.steps[PRODUCTION] = StepState::Offered { since };
        state.steps[MAIN] = StepState::Current { since };
    });
    assert_eq!(play.refused("ana", UserCommand::Deploy(production())), Vec::<String>::new());
}

#[test]
fn one_deployment_of_a_run_at_a_time() {
    assert_eq!(ready().refused("ana", UserCommand::Deploy(production())), ["deploy.busy"]);
    let running = ready().begins("abc1234");
    assert!(
        running
            .refused("ana", UserCommand::Rollback { environment: production(), to: None, reason: "no".into() })
            .contains(&"deploy.busy".to_owned())
    );
    let waits = busy(&running.state).unwrap();
    assert!(waits.next.contains("Wait for it to end") && busy(&voted().state).is_none());
    let by_hand = running.changed(|state| state.deploys.last_mut().unwrap().state = DeployState::AwaitingConfirmation);
    let told = busy(&by_hand.state).unwrap();
    assert_eq!(told.next, "Say how it went: `verify production pass`, or `verify production fail`.");
    // A deployment that started between the request and the reading of its facts.
    let both = ready().changed(|state| {
        let commit = state.deployable().unwrap().clone();
        state.deploys.push(deployed(staging(), &commit, DeployState::Running));
    });
    assert_eq!(objected(&both, |_| {}), ["deploy.busy"]);
}

/// PROMO-12: a hold pauses deployments, unless the playbook only records holds.
#[test]
fn a_hold_stops_a_deployment_where_holds_pause() {
    let held = voted().by("chi", UserCommand::Hold("the database moves".to_owned()));
    assert_eq!(held.refused("ana", UserCommand::Deploy(production())), ["hold"]);
    assert!(words(&held).contains("the database moves"), "{}", words(&held));
    let recorded = held.changed(|state| state.plan.hold = HoldMeans::Recorded);
    assert_eq!(recorded.refused("ana", UserCommand::Deploy(production())), Vec::<String>::new());
    let late = ready().by("chi", UserCommand::Hold("the database moves".to_owned()));
    assert_eq!(objected(&late, |_| {}), ["hold"]);
}

/// APPLY-16: a deployment is refused until a drift is answered.
#[test]
fn a_drift_has_to_be_answered_first() {
    let drifted = |play: Play| {
        play.changed(|state| {
            let drift = Drift { expected: commit("abc1234"), found: commit("fffffff") };
            state.drifts.insert(production(), drift);
        })
    };
    assert_eq!(
        words(&drifted(voted())),
        "Production changed under this run: expected abc1234, found fffffff. Say `drift rebase`, or `drift roll`, or `drift \
         abort`."
    );
    let two = drifted(voted()).changed(|state| {
        let second = EnvironmentPlan { name: environment("dr"), ..state.plan.environments[1].clone() };
        let step = StepKind::Deploy { environment: environment("dr"), trigger: Trigger::Command, what: Artifact::Fix };
        let spec = StepSpec { kind: step, ..state.plan.steps[PRODUCTION].clone() };
        state.plan.environments.push(second);
        state.plan.steps.push(spec);
        state.steps.push(StepState::Ahead);
    });
    assert!(words(&two).starts_with("production changed under this run"), "{}", words(&two));
    let merged = drifted(voted()).changed(|state| {
        state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee"));
        state.head.as_mut().unwrap().total = 0;
    });
    assert_eq!(drift_ways(&merged.state), "`drift abort`");
    assert!(may_abort(&merged.state) && !may_abort(&live().state));
    let late = live().changed(|state| state.head.as_mut().unwrap().total = 0);
    assert_eq!(drift_ways(&late.state), "`drift rebase`, or `abandon <reason>`, which takes a captain");
}

/// HOCS-28: a deployment is refused while the agreement before it is missing.
#[test]
fn an_agreement_that_comes_first_is_asked_for() {
    let agreeing = |at: StepState, level: Level| {
        voted().changed(|state| {
            state.plan.steps[VOTES].kind =
                StepKind::Agree { party: "stakeholders".to_owned(), count: 1, question: "May it?".to_owned() };
            state.plan.steps[VOTES].serves = vec!["HOCS-28".parse().unwrap()];
            state.plan.parties.insert("stakeholders".to_owned(), vec![person("ana"), person("chi")]);
            state.plan.steps[PRODUCTION].level = level;
            state.steps[VOTES] = at;
        })
    };
    let since = voted().now;
    let skipped = || StepState::Skipped { by: None, reason: "no".to_owned() };
    let offered = StepState::Offered { since };
    let done = StepState::Done { at: since, evidence: "yes".to_owned() };
    assert_eq!(agreeing(done, Level::Must).refused("ana", UserCommand::Deploy(production())), Vec::<String>::new());
    let told = words(&agreeing(offered, Level::Must));
    assert_eq!(told, "The agreement of the stakeholders comes first. Ask one of them to say `agree votes`: <@chi>.");
    let told = words(&agreeing(skipped(), Level::May));
    assert!(told.ends_with("Leave this deployment out as well: `skip production <reason>`."), "{told}");
    let told = words(&agreeing(skipped(), Level::Must));
    assert!(told.ends_with("End the run with `abort <reason>`."), "{told}");
    let refusals = agreeing(skipped(), Level::Must).answer("ana", UserCommand::Deploy(production())).unwrap_err();
    assert_eq!(refusals[0].requirement, "HOCS-28".parse().ok());
}

fn draft(play: &Play) -> Decider {
    Decider { state: play.state.clone(), entries: Vec::new(), now: play.now }
}

/// An automatic deployment is requested only once per deployable commit.
#[test]
fn what_is_there_already_is_not_deployed_again() {
    let asks = |play: &Play| {
        let mut draft = draft(play);
        ask_unless_there(&mut draft, &staging()).unwrap();
        draft.entries.iter().map(|entry| (entry.by.clone(), entry.event.clone())).collect::<Vec<_>>()
    };
    let ships = voted().state.deployable().unwrap().clone();
    assert_eq!(asks(&voted()), []);
    let failed = voted().changed(|state| state.deploys[0].state = DeployState::Failed("no".to_owned()));
    let asked =
        Event::DeployRequested { environment: staging(), commit: ships, rollback: false, typed: false, reason: None };
    assert_eq!(asks(&failed), [(Actor::Bot, asked)]);
    let elsewhere = voted().changed(|state| state.deploys[0].intent.environment = production());
    assert_eq!(asks(&elsewhere).len(), 1);
    let older = voted().changed(|state| state.deploys[0].intent.commit = commit("2222222"));
    assert_eq!(asks(&older).len(), 1);
    let nothing = voted().changed(|state| state.head = None);
    assert_eq!(asks(&nothing), []);
}

#[test]
fn who_may_roll_back_to_what() {
    let base = commit("abc1234");
    let other = commit("9999999");
    let may = |who: &str, to: &CommitId| {
        may_not_roll_back(&live().state, &grant(who), &production(), to)
            .map(|refusal| format!("{}: {} {}", refusal.code, refusal.reason, refusal.next))
    };
    assert_eq!((may("ana", &base), may("dee", &base), may("dee", &other)), (None, None, None));
    assert_eq!(
        may("ben", &base).unwrap(),
        "rollback.who: Only <@ana>, who opened the run, or a captain can put back what ran before it. Ask <@ana> or a captain \
         to say `rollback production <reason>`."
    );
    let told = may("ana", &other).unwrap();
    assert!(told.contains("on something else than what ran before this run") && told.contains("to 9999999"), "{told}");
    // Without a deployment of this run, the base is the commit that ran before.
    assert_eq!(may_not_roll_back(&voted().state, &grant("ana"), &production(), &base), None);
    let asked = RequestedDeploy {
        environment: production(),
        commit: other,
        rollback: true,
        typed: true,
        reason: None,
        by: None,
    };
    assert_eq!(codes(&not_again(&live().state, &grant("ana"), &asked)), ["rollback.who"]);
    assert!(not_again(&live().state, &grant("dee"), &asked).is_empty());
    assert_eq!(codes(&not_again(&ready().begins("abc1234").state, &grant("dee"), &asked)), ["deploy.busy"]);
    let forward = RequestedDeploy { rollback: false, ..asked };
    assert_eq!(codes(&not_again(&live().state, &grant("dee"), &forward)), ["deploy.done"]);
    assert!(not_again(&voted().state, &grant("ana"), &forward).is_empty());
}

fn back(to: Option<&str>) -> UserCommand {
    UserCommand::Rollback { environment: production(), to: to.map(commit), reason: "it fails".to_owned() }
}

#[test]
fn a_rollback_goes_to_what_ran_there_by_anybodys_approval() {
    let to = |play: &Play, act: UserCommand| {
        let decision = play.answer("dee", act).map_err(|refusals| refusals[0].code.clone())?;
        let asked = decision.state.requested_deploy.unwrap();
        assert!(asked.rollback && asked.reason.as_deref() == Some("it fails"));
        Ok::<_, String>((asked.commit, asked.typed))
    };
    assert_eq!(to(&live(), back(None)), Ok((commit("abc1234"), false)));
    assert_eq!(to(&live(), back(Some("abc1234"))), Ok((commit("abc1234"), true)));
    assert_eq!(to(&live(), back(Some("9999999"))), Err("rollback.unknown".to_owned()));
    assert_eq!(to(&voted(), back(None)), Err("rollback.nothing".to_owned()));
    assert_eq!(to(&voted(), back(Some("abc1234"))), Ok((commit("abc1234"), true)), "the base");
    let blank = live().changed(|state| state.deploys.last_mut().unwrap().intent.previous = None);
    assert_eq!(to(&blank, back(None)), Err("rollback.nothing".to_owned()), "nobody knows what ran before");
    // Commits that this run deployed successfully to this environment are known as rollback targets.
    let with = |environment: Environment, state: DeployState| {
        live().changed(|run| run.deploys.push(deployed(environment, &commit("5555555"), state)))
    };
    let failed = || DeployState::Failed("no".to_owned());
    assert_eq!(to(&with(production(), DeployState::Succeeded), back(Some("5555555"))), Ok((commit("5555555"), true)));
    let unknown = Err("rollback.unknown".to_owned());
    assert_eq!(to(&with(production(), failed()), back(Some("5555555"))), unknown);
    assert_eq!(to(&with(staging(), DeployState::Succeeded), back(Some("5555555"))), unknown);
    let rebased = live().changed(|state| state.base = Some(commit("7777777")));
    assert_eq!(to(&rebased, back(Some("abc1234"))), Ok((commit("abc1234"), true)), "what ran before");
    assert_eq!(to(&rebased, back(Some("7777777"))), Ok((commit("7777777"), true)), "the base");
    assert_eq!(live().refused("ben", back(None)), ["rollback.who"]);
}

/// Security case 91 and others: the facts read right before a deployment decide on it.
#[test]
fn a_deployment_begins_with_what_was_read_last() {
    let play = ready();
    let events = events(&play, |_| {});
    let intent = started(&events).unwrap();
    assert_eq!((&intent.environment, &intent.commit), (&production(), play.state.deployable().unwrap()));
    assert_eq!((intent.rollback, &intent.previous), (false, &Some(commit("abc1234"))));
    assert_eq!(intent.votes, ["ben", "dee"].map(person).into());
    assert_eq!((&intent.glass, &intent.reason, &intent.image), (&None, &None, &None));
    assert!(intent.removes.is_empty());
    // Facts for another environment or commit change nothing.
    let facts = || Box::new(DeployFacts::default());
    let key = || "hf-12-production-1".parse().unwrap();
    let ships = play.state.deployable().unwrap().clone();
    for (environment, commit) in [(staging(), ships), (production(), commit("2222222"))] {
        let late = EffectResult::DeployChecked { environment, commit, key: key(), facts: facts() };
        assert_eq!(play.events(&Command::Finished(late)), []);
    }
}

#[test]
fn each_fact_that_speaks_against_a_deployment_is_named() {
    let play = ready();
    let none: [&str; 0] = [];
    assert_eq!(objected(&play, |_| {}), none);
    let frozen = || Some(ActiveFreeze { reason: "Christmas".to_owned(), end: FreezeEnd::Command("all".to_owned()) });
    assert_eq!(objected(&play, |facts| facts.freeze = frozen()), ["freeze"]);
    assert_eq!(objected(&play, |facts| facts.tip = Some(commit("2222222"))), ["head.moved"]);
    assert_eq!(objected(&play, |facts| facts.tip = None), ["branch.gone"]);
    let other = play.clone().changed(|state| state.requested_deploy.as_mut().unwrap().commit = commit("2222222"));
    assert_eq!(objected(&other, |_| {}), ["head.moved"]);
    // Schemas promoted to the same environment do not depend on the branch.
    let schema = play.clone().changed(|state| {
        let StepKind::Deploy { what, .. } = &mut state.plan.steps[PRODUCTION].kind else { panic!() };
        *what = Artifact::Schema;
        state.asked.schema = Some(commit("2222222"));
        state.requested_deploy.as_mut().unwrap().commit = commit("2222222");
    });
    for tip in [None, Some(commit("9999999"))] {
        let said = objected(&schema, |facts| facts.tip = tip);
        assert!(!said.iter().any(|code| ["head.moved", "branch.gone"].contains(&code.as_str())), "{said:?}");
    }
    assert_eq!(objected(&play, |facts| facts.running = Some(commit("9999999"))), ["drift"]);
    let there = play.state.deployable().cloned();
    assert_eq!(objected(&play, |facts| facts.running = there), none, "somebody did it by hand");
    assert_eq!(objected(&play, |facts| facts.running = None), none, "nobody can tell");
    let off = play.clone().changed(|state| state.head.as_mut().unwrap().on_base = false);
    assert!(objected(&off, |_| {}).contains(&"base.behind".to_owned()));
    assert_eq!(objected(&play, |facts| facts.policy_version = "policy-2".to_owned()), ["vote.policy"]);
    let gone = |facts: &mut DeployFacts| drop(facts.standing.remove(&person("dee")));
    assert_eq!(objected(&play, gone), ["vote.missing"]);
    let vetoed = play.clone().changed(|state| {
        let no = Rejection { reason: "not now".to_owned(), source: VoteSource::Command, on: None };
        state.rejections.insert((production(), person("eve")), no);
    });
    assert_eq!(objected(&vetoed, |_| {}), ["vote.rejected"]);
    // A vote for another environment may have another policy version.
    let elsewhere = play.changed(|state| {
        let mut vote = state.votes[0].clone();
        (vote.environment, vote.policy_version) = (staging(), "policy-0".to_owned());
        state.votes.push(vote);
    });
    assert_eq!(objected(&elsewhere, |_| {}), none);
}

/// Security case 39: a refusal names each voter whose vote is not backed by a review.
#[test]
fn a_vote_without_the_review_that_backs_it_is_named() {
    let backed = ready().changed(|state| state.plan.environments[1].approval.step_up = Some(StepUp::Review));
    let reviewed = |who: &'static [&str]| {
        move |facts: &mut DeployFacts| facts.reviewed = who.iter().map(|who| person(who)).collect()
    };
    assert_eq!(objected(&backed, reviewed(&["ben", "dee"])), [""; 0]);
    assert_eq!(objected(&backed, reviewed(&["ben"])), ["vote.missing", "vote.review"]);
    assert_eq!(objected(&backed, reviewed(&[])), ["vote.missing", "vote.review", "vote.review"]);
    let elsewhere = backed.clone().changed(|state| {
        let vote = crate::domain::event::Vote { environment: staging(), ..state.votes[0].clone() };
        state.votes.push(vote);
    });
    assert_eq!(objected(&elsewhere, reviewed(&["ben"])), ["vote.missing", "vote.review"]);
    let one = backed.changed(|state| {
        state.plan.environments[1].approval.rules = vec![ApprovalRule { role: Role::Approver, count: 1 }];
    });
    assert_eq!(objected(&one, reviewed(&["ben"])), [""; 0], "there are enough without");
}

fn pinned(state: &mut Hotfix) {
    let digest = Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
    state.votes.iter_mut().for_each(|vote| vote.image = Some(digest.clone()));
    let image = Image { repository: "quay.io/team/payments".to_owned(), tag: "1.4.2".to_owned(), digest };
    let published = Published { image, created: None, revision: None };
    state.image = Some(PinnedImage { commit: state.deployable().unwrap().clone(), published });
}

/// HOCS-15, HOCS-23: only the tested image is deployed.
#[test]
fn the_image_that_was_tested_is_the_one_that_is_deployed() {
    let play = ready().changed(pinned);
    let digest = play.state.digest().cloned();
    let events = events(&play, |facts| facts.image = digest.clone());
    assert_eq!(started(&events).unwrap().image.as_ref().map(|image| &image.digest), digest.as_ref());
    let other = Digest::parse(&format!("sha256:{}", "b".repeat(64))).ok();
    assert!(objected(&play, |facts| facts.image = other).contains(&"image.moved".to_owned()));
    assert!(objected(&play, |facts| facts.image = None).contains(&"image.moved".to_owned()));
    // An image that is pinned for another commit is not deployed.
    let stale = ready().changed(|state| {
        pinned(state);
        state.image.as_mut().unwrap().commit = commit("2222222");
        state.votes.iter_mut().for_each(|vote| vote.image = None);
    });
    let events = self::events(&stale, |_| {});
    assert_eq!(started(&events).unwrap().image, None);
}

/// Security case 95: votes cast after the facts were read, and votes for other environments, are not withdrawn.
#[test]
fn a_vote_that_the_chat_does_not_bear_out_is_withdrawn() {
    let withdrawn = |play: &Play, change: &dyn Fn(&mut DeployFacts)| {
        let events = events(play, |facts| {
            facts.lapsed.insert(person("ben"), VoidReason::Left);
            change(facts);
        });
        let gone = |event: &Event| matches!(event, Event::VoteWithdrawn { person: who, why: Some(VoidReason::Left), .. } if *who == person("ben"));
        events.iter().any(gone)
    };
    let play = ready();
    assert!(withdrawn(&play, &|_| {}));
    assert!(!withdrawn(&play, &|facts| facts.judged.retain(|vote| vote.person != person("ben"))));
    assert!(!withdrawn(&play, &|facts| facts.judged.iter_mut().for_each(|vote| vote.environment = staging())));
    assert!(!withdrawn(&play, &|facts| facts
        .judged
        .iter_mut()
        .for_each(|vote| vote.at += jiff::SignedDuration::from_secs(1))));
    let back = live().by("ana", back(None));
    let judged = live().state.votes.clone();
    assert!(!withdrawn(&back, &move |facts| facts.judged.clone_from(&judged)), "a rollback needs no votes");
}

/// Security case 94: unknown people who pushed are reported once.
#[test]
fn unknown_people_who_pushed_are_told_of() {
    let account = PersonRef::new(Platform::Git, "jo@example.org");
    let jo = Contributor { person: None, name: "Jo".to_owned(), unknown: Some(account) };
    let told = |play: &Play| {
        let events = events(play, |facts| facts.strangers.extend([jo.clone()]));
        events.iter().any(|event| matches!(event, Event::OthersPushed { .. }))
    };
    assert!(told(&ready()));
    assert!(!told(&ready().changed(|state| state.head.as_mut().unwrap().people.extend([jo.clone()]))));
    assert!(!told(&live().by("ana", back(None))), "a rollback ships nothing of theirs");
    assert!(!events(&ready(), |_| {}).iter().any(|event| matches!(event, Event::OthersPushed { .. })));
}

/// Security case 91: a check that failed in the meantime stops the deployment.
#[test]
fn the_pull_request_is_judged_as_it_is_now() {
    let red = || {
        let check = hotfix_adapters::forge::Check {
            name: "build".to_owned(),
            app: "ci".to_owned(),
            state: hotfix_adapters::forge::CheckState::Failure,
        };
        let seen = PullSeen { checks: vec![check], ..ready().state.pull.unwrap().seen };
        Some(Box::new(PullFacts { seen, merged: None }))
    };
    assert!(objected(&ready(), |facts| facts.pull = red()).contains(&"evidence.changed".to_owned()));
    let back = live().by("ana", back(None));
    let events = events(&back, |facts| facts.pull = red());
    assert!(started(&events).is_some() && !events.iter().any(|event| matches!(event, Event::PullSeen(_))));
}

/// HOCS-25: a rollback deploys the image of its target commit.
#[test]
fn a_rollback_takes_the_image_of_what_it_puts_back() {
    let digest = Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
    let image = Image { repository: "registry/payments".to_owned(), tag: "1.4.2".to_owned(), digest };
    let back = live().by("ana", back(None));
    let events = events(&back, |facts| facts.earlier_image = Some(image.clone()));
    assert_eq!(started(&events).unwrap().image, Some(image));
}

/// Security case 99: a rollback that removes foreign commits is refused unless its target was typed.
#[test]
fn a_rollback_is_stopped_by_what_it_would_take_away_and_by_a_freeze_of_everything() {
    let back = |to: Option<&str>| live().by("dee", super::tests::back(to));
    let plain = back(None);
    let events = events(&plain, |_| {});
    let intent = started(&events).unwrap();
    assert!(intent.rollback && intent.votes.is_empty() && intent.glass.is_none());
    assert_eq!(intent.reason.as_deref(), Some("it fails"));
    let removal = |total: usize| Removal {
        commits: vec![contribution("5555555", "Another fix", "eve")],
        total,
        runs: vec![crate::domain::id::HotfixId(9)],
    };
    let foreign = |facts: &mut DeployFacts| {
        facts.running = Some(commit("5555555"));
        facts.removal = Some(removal(3));
    };
    assert_eq!(objected(&plain, foreign), ["rollback.foreign"]);
    let typed = back(Some("abc1234"));
    assert_eq!(objected(&typed, foreign), [""; 0]);
    let events = self::events(&typed, foreign);
    assert_eq!(started(&events).unwrap().removes, [person("eve")].into());
    assert_eq!(objected(&plain, |facts| facts.removal = Some(removal(1))), ["rollback.foreign"]);
    assert_eq!(objected(&plain, |facts| facts.running = Some(commit("5555555"))), [""; 0]);
    let frozen = || Some(ActiveFreeze { reason: "all".to_owned(), end: FreezeEnd::Command("all".to_owned()) });
    assert_eq!(objected(&typed, |facts| facts.freeze = frozen()), ["freeze"]);
    assert_eq!(taken_away(&removal(1)), "5555555 “Another fix” (<@eve>); HF-9 brought it there");
    assert_eq!(taken_away(&removal(3)), "5555555 “Another fix” (<@eve>); 2 more; HF-9 brought it there");
    let unknown = Removal { commits: Vec::new(), total: 0, runs: Vec::new() };
    assert_eq!(taken_away(&unknown), "changes that the forge cannot name");
}

/// PROMO-8: no previous commit is recorded for targets beside production.
#[test]
fn what_ran_before_is_kept_where_it_is_what_production_ran() {
    let with = |only: &[&str], production: bool| {
        let play = ready().changed(|state| {
            state.plan.only = only.iter().map(|name| (*name).to_owned()).collect();
            state.plan.environments[1].targets = vec![TargetPlan { name: "beside".to_owned(), production }];
        });
        started(&events(&play, |_| {})).unwrap().previous.clone()
    };
    assert_eq!(with(&[], false), Some(commit("abc1234")));
    assert_eq!(with(&["beside"], true), Some(commit("abc1234")));
    assert_eq!(with(&["beside"], false), None);
}

/// After the merge into main, the branch may be deleted or have another tip.
#[test]
fn a_branch_that_was_merged_into_main_may_be_gone() {
    let merged = ready().changed(|state| state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee")));
    assert!(is_gone_with_its_merge(&merged.state) && !is_gone_with_its_merge(&ready().state));
    assert!(!objected(&merged, |facts| facts.tip = None).contains(&"branch.gone".to_owned()));
    let elsewhere = merged.changed(|state| state.plan.into = "release".parse().unwrap());
    assert!(!is_gone_with_its_merge(&elsewhere.state));
}

/// Steps before the deployment are judged again; each refusal cites the runbook id of its step.
#[test]
fn what_does_not_hold_any_more_is_named_with_its_sentence() {
    let play = ready().changed(|state| state.pull.as_mut().unwrap().seen.reviews.clear());
    let refusals = unsound(&play.state, &production(), play.now);
    assert_eq!(codes(&refusals), ["evidence.changed"]);
    assert!(refusals[0].reason.starts_with("Review: "), "{}", refusals[0].reason);
    assert_eq!(refusals[0].requirement, "APPLY-8".parse().ok());
    assert!(unsound(&ready().state, &production(), ready().now).is_empty());
    let unvoted = ready().changed(|state| state.steps[VOTES] = StepState::Current { since: state.opened_at });
    assert!(unsound(&unvoted.state, &production(), unvoted.now).is_empty());
    let unseen = ready().changed(|state| state.steps[LOOK] = StepState::Current { since: state.opened_at });
    assert!(unsound(&unseen.state, &production(), unseen.now)[0].reason.starts_with("Look at staging: "));
}

/// A break-glass is bound to its policy version, like a vote.
#[test]
fn broken_glass_is_bound_to_the_policy_as_votes_are() {
    let play = asked().glass_broken();
    let ready = play.by("ana", UserCommand::Deploy(production()));
    let events = events(&ready, |_| {});
    assert_eq!(started(&events).unwrap().glass, Some(person("dee")));
    assert_eq!(objected(&ready, |facts| facts.policy_version = "policy-2".to_owned()), ["vote.policy"]);
}
