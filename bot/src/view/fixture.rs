//! A run as the Apply runbook has it, played through the domain, so that the texts are seen in context.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::deploy::DeployStatus;
use hotfix_adapters::forge::{Check, CheckState, Containment, DiffSize, MergeMethod, PullNumber, Verdict};
use hotfix_adapters::vocabulary::{CommitId, Environment, MessageRef, PersonRef, Platform};
use jiff::{SignedDuration, Timestamp};

use super::Audience;
use crate::domain::command::{Act, Command, DeployFacts, Outcome, PickResult, Sighting};
use crate::domain::decide::{Decision, decide, open};
use crate::domain::event::{
    Contribution, Contributor, DriftChoice, Ending, Entry, Event, HeadSeen, Opened, PullSeen, ReviewSeen, Survey,
};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, PersonId, StepId};
use crate::domain::people::{Grant, People, Person, Role};
use crate::domain::plan::Plan;
use crate::domain::playbook::{BaseSource, BranchScheme, Level, Playbook, SecondStart, StepKind, StepSpec, Trigger, VerifyPlace};
use crate::domain::refusal::Refusal;
use crate::domain::service::{Approval, ApprovalRule, EnvironmentPlan, Service};

/// A commit whose short form is this.
pub(super) fn commit(short: &str) -> CommitId {
    CommitId::parse(&format!("{short:0<40}")).unwrap()
}

pub(super) fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

pub(super) fn environment(name: &str) -> Environment {
    Environment::parse(name).unwrap()
}

/// Ana asks, Chi wrote the fix, Ben and Dee approve, Eve's work is withheld and she has no account at the console.
pub(super) fn people() -> People {
    let person = |id: &str, name: &str, accounts: &[Platform]| Person {
        id: person(id),
        name: name.to_owned(),
        accounts: accounts.iter().map(|platform| PersonRef::new(*platform, id)).collect(),
        active: true,
    };
    let both = [Platform::Console, Platform::Git];
    People::new(vec![
        person("ana", "Ana", &both),
        person("ben", "Ben", &both),
        person("chi", "Chi", &both),
        person("dee", "Dee", &both),
        person("eve", "Eve", &[Platform::Git]),
    ])
}

pub(super) fn contribution(short: &str, subject: &str, who: &str) -> Contribution {
    let name = who.to_owned();
    let known = people().get(&person(who)).map(|person| person.id.clone());
    Contribution { commit: commit(short), subject: subject.to_owned(), people: vec![Contributor { person: known, name }] }
}

pub(super) fn message(id: &str) -> MessageRef {
    MessageRef { channel: "payments".parse().unwrap(), id: id.to_owned() }
}

fn steps() -> Vec<StepSpec> {
    let step = |id: &str, title: &str, level: Level, serves: &[&str], kind: StepKind| StepSpec {
        id: id.parse().unwrap(),
        title: title.to_owned(),
        level,
        serves: serves.iter().map(|id| id.parse().unwrap()).collect(),
        remind_minutes: 30,
        kind,
    };
    let (staging, production) = (environment("staging"), environment("production"));
    let look = |question: &str, place| StepKind::Verify { place, question: question.to_owned() };
    let urgent = StepKind::Triage { criteria: vec!["it is urgent".to_owned()] };
    let merge = StepKind::Mainline { method: MergeMethod::Merge, delete_branch: true };
    let to = |environment: &Environment, trigger| StepKind::Deploy { environment: environment.clone(), trigger };
    vec![
        step("triage", "Is it urgent?", Level::Must, &["APPLY-3"], urgent),
        step("base", "Find what production runs", Level::Must, &["APPLY-6", "APPLY-X6"], StepKind::Base { from: BaseSource::Production }),
        step("withheld", "See what must not ship", Level::Must, &["APPLY-4"], StepKind::Withheld),
        step("announce", "Tell the team", Level::Must, &["APPLY-15"], StepKind::Announce),
        step("branch", "Create the branch", Level::Must, &["APPLY-X2"], StepKind::Branch),
        step("fix", "Bring the fix", Level::Must, &["APPLY-7"], StepKind::Change { large_lines: 200 }),
        step("review", "Review", Level::Must, &["APPLY-8"], StepKind::Review { approvals: 1 }),
        step("local", "Test it", Level::Should, &["APPLY-9"], look("Does an upload work?", VerifyPlace::Local)),
        step("staging", "Deploy to staging", Level::Should, &["APPLY-10"], to(&staging, Trigger::Auto)),
        step("look", "Look at staging", Level::Must, &[], look("Does an upload of 20 MB work?", VerifyPlace::Environment(staging))),
        step("votes", "Votes for production", Level::Must, &[], StepKind::Approve { environment: production.clone() }),
        step("production", "Deploy to production", Level::Must, &["APPLY-10", "APPLY-11"], to(&production, Trigger::Command)),
        step("main", "Back to main", Level::Must, &["APPLY-12"], merge),
        step("postmortem", "Post-mortem", Level::Should, &["MAIN-18"], StepKind::Postmortem { due_days: 5 }),
    ]
}

fn plan(title: &str) -> Plan {
    let place = |name: &str, production, rules| EnvironmentPlan {
        name: environment(name),
        production,
        mechanism: "command `deploy.sh`".to_owned(),
        approval: Approval { rules, expires_minutes: 120 },
    };
    let service = Service {
        name: "payments".parse().unwrap(),
        about: "Takes money.".to_owned(),
        repo: "team/payments".parse().unwrap(),
        main: "main".parse().unwrap(),
        playbook: "apply".parse().unwrap(),
        channel: "payments".parse().unwrap(),
        environments: vec![
            place("staging", false, Vec::new()),
            place("production", true, vec![ApprovalRule { role: Role::Approver, count: 2 }]),
        ],
        team: ["ana", "ben", "chi", "dee", "eve"].map(person).into(),
        release_blockers: Vec::new(),
        required_checks: vec!["build".to_owned()],
    };
    let playbook = Playbook {
        id: "apply".parse().unwrap(),
        title: "Apply".to_owned(),
        branch: BranchScheme::Fixed("hotfix".to_owned()),
        second_start: SecondStart::Join,
        steps: steps(),
        exceptional: Vec::new(),
    };
    Plan::resolve(&service, &playbook, title, false, "policy-1").unwrap()
}

pub(super) fn grant(who: &str) -> Grant {
    let roles = match who {
        "ana" => vec![Role::Requester],
        "dee" => vec![Role::Requester, Role::Approver, Role::Captain],
        _ => vec![Role::Requester, Role::Approver],
    };
    Grant { person: person(who), roles: roles.into_iter().collect(), policy_version: "policy-1".to_owned() }
}

/// The head of the branch, with these commits of Chi.
pub(super) fn head(tip: &str, subject: &str) -> HeadSeen {
    HeadSeen {
        tip: commit(tip),
        commits: vec![contribution(tip, subject, "chi")],
        total: 1,
        size: DiffSize { files: 2, insertions: 12, deletions: 3 },
        on_base: true,
    }
}

/// A run being played.
#[derive(Clone)]
pub(super) struct Play {
    pub(super) state: Hotfix,
    pub(super) entries: Vec<Entry>,
    pub(super) now: Timestamp,
    pub(super) people: People,
}

impl Play {
    pub(super) fn open(title: &str) -> Self {
        let now: Timestamp = "2026-03-02T10:02:00Z".parse().unwrap();
        let opened = Opened {
            title: title.to_owned(),
            incident: Some("INC-77".to_owned()),
            ticket: None,
            plan: plan(title),
            fixes: vec!["f1f1f1f".to_owned()],
            from: None,
        };
        let Decision { entries, state } = open(HotfixId(12), &grant("ana"), opened, now).unwrap();
        Self { state, entries, now, people: people() }
    }

    pub(super) fn to(&self) -> Audience<'_> {
        Audience { people: &self.people, platform: Platform::Console }
    }

    /// Two minutes later, this.
    pub(super) fn then(mut self, command: &Command) -> Self {
        self.now = self.now.checked_add(SignedDuration::from_mins(2)).unwrap();
        let decision = decide(&self.state, command, self.now).unwrap();
        self.state = decision.state;
        self.entries.extend(decision.entries);
        self
    }

    pub(super) fn by(self, who: &str, act: Act) -> Self {
        self.then(&Command::Person(grant(who), act))
    }

    pub(super) fn came(self, outcome: Outcome) -> Self {
        self.then(&Command::Came(outcome))
    }

    pub(super) fn saw(self, sighting: Sighting) -> Self {
        self.then(&Command::Saw(sighting))
    }

    pub(super) fn surveyed(self) -> Self {
        self.came(Outcome::Surveyed(Box::new(survey())))
    }

    pub(super) fn announced(self) -> Self {
        let reached = ["ana", "ben", "chi", "dee"].map(person).into();
        self.came(Outcome::Announced { message: message("m1"), reached, missed: [person("eve")].into() })
    }

    pub(super) fn branched(self) -> Self {
        self.came(Outcome::BranchCreated { at: commit("abc1234") })
    }

    pub(super) fn picked(self) -> Self {
        let result = PickResult::Done { commit: commit("1111111"), head: head("1111111", "Accept uploads without a name") };
        let url = Some("https://forge.example/payments/7".to_owned());
        self.came(Outcome::Picked { source: commit("f1f1f1f"), result })
            .came(Outcome::PullOpened { number: PullNumber(7), author: Some(person("ana")), url })
    }

    pub(super) fn reviewed(self) -> Self {
        let tip = self.state.head.as_ref().unwrap().tip.clone();
        let review = ReviewSeen { person: Some(person("ben")), name: "Ben".to_owned(), commit: tip.clone(), verdict: Verdict::Approved };
        let check = Check { name: "build".to_owned(), app: "ci".to_owned(), state: CheckState::Success };
        self.saw(Sighting::Pull { seen: PullSeen { reviews: vec![review], checked: Some(tip), checks: vec![check] }, merged: None })
    }

    pub(super) fn verified(self, place: &str, pass: bool) -> Self {
        let note = Some(if pass { "20 MB went through" } else { "still a 500" }.to_owned());
        self.by("ben", Act::Verify { place: place.to_owned(), pass, note })
    }

    /// The asked-for deployment begins.
    pub(super) fn begins(self, previous: &str) -> Self {
        let asked = self.state.asked_deploy.clone().unwrap();
        let key = format!("hf-12-{}-{}", asked.environment, self.state.version).parse().unwrap();
        let roles = |who: &str| (person(who), grant(who).roles.into_iter().collect::<BTreeSet<_>>());
        let facts = DeployFacts {
            tip: self.state.head.as_ref().map(|head| head.tip.clone()),
            running: Some(commit(previous)),
            production: Some(commit("abc1234")),
            freeze: None,
            policy_version: "policy-1".to_owned(),
            standing: [roles("ben"), roles("dee")].into(),
            withdrawn: BTreeSet::new(),
        };
        self.came(Outcome::DeployChecked { environment: asked.environment, commit: asked.commit, key, facts })
    }

    pub(super) fn ends(self, failure: Option<&str>) -> Self {
        let key = self.state.deploys.last().unwrap().intent.key.clone();
        let status = match failure {
            None => DeployStatus::Succeeded { at: self.now },
            Some(reason) => DeployStatus::Failed { reason: reason.to_owned() },
        };
        self.came(Outcome::DeployStatus { key, status })
    }

    pub(super) fn prompted(self) -> Self {
        let commit = self.state.ships().unwrap().clone();
        self.came(Outcome::Prompted { environment: environment("production"), commit, message: message("m9") })
    }

    pub(super) fn on_main(self) -> Self {
        self.came(Outcome::Merged { number: PullNumber(7), commit: commit("eeeeeee") })
            .saw(Sighting::Mainline { how: Containment::Ancestor, main: commit("eeeeeee") })
            .came(Outcome::BranchDeleted)
    }
}

pub(super) fn survey() -> Survey {
    Survey {
        running: Some(commit("abc1234")),
        last_success: Some(commit("abc1234")),
        from: None,
        main: Some(commit("ddddddd")),
        withheld: vec![
            contribution("aaaaaaa", "Redesign the form", "ben"),
            contribution("bbbbbbb", "New currency", "eve"),
            contribution("ccccccc", "Round half even", "eve"),
        ],
        withheld_total: 3,
        main_checks: Vec::new(),
        blockers: Vec::new(),
        branches: Vec::new(),
        capabilities: BTreeMap::new(),
        fixes: vec![commit("f1f1f1f")],
        unknown: Vec::new(),
    }
}

/// Up to the announcement.
pub(super) fn begun() -> Play {
    Play::open("Fix 500 on upload").surveyed()
}

/// Up to the open question to the voters.
pub(super) fn asked() -> Play {
    let reviewed = begun().announced().branched().picked().reviewed().verified("local", true);
    reviewed.begins("abc1234").ends(None).verified("staging", true).prompted()
}

/// Up to the fix in production.
pub(super) fn live() -> Play {
    let voted = asked().by("ben", yes(Some(message("m9")))).by("dee", yes(None));
    voted.by("ana", Act::Deploy(environment("production"))).begins("abc1234").ends(None)
}

/// Up to the end.
pub(super) fn closed() -> Play {
    live().on_main().by("ana", Act::Postmortem(Some("https://wiki.example/pm-12".to_owned())))
}

/// Compares a text with what it should be, and shows the whole of it when they differ.
#[track_caller]
pub(super) fn same(actual: &str, expected: &str) {
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    let at = std::panic::Location::caller();
    assert!(actual.trim_end() == expected.trim_end(), "<<<{}:{}\n{}\n>>>", at.file(), at.line(), actual.trim_end());
}

/// One event of every kind, as it might stand after [`live`].
pub(super) fn every_event() -> Vec<Event> {
    let (production, step) = (environment("production"), "review".parse::<StepId>().unwrap());
    let (why, key) = ("why".to_owned(), live().state.deploys.last().unwrap().intent.key.clone());
    let intent = live().state.deploys.last().unwrap().intent.clone();
    let refusals = vec![Refusal::new("freeze", "It is Friday.", "Wait.")];
    let vote = live().state.votes.first().cloned().unwrap();
    let one = commit("1111111");
    let all = vec![
        begun().entries.first().unwrap().event.clone(),
        Event::Surveyed(Box::new(survey())),
        Event::Refused { refusals: refusals.clone() },
        Event::StepEntered { step: step.clone() },
        Event::StepDone { step: step.clone(), evidence: why.clone() },
        Event::StepSkipped { step: step.clone(), reason: why.clone() },
        Event::OverrideAsked { step: step.clone(), reason: why.clone(), incident: why.clone() },
        Event::StepOverridden { step: step.clone(), asked_by: person("dee"), reason: why.clone(), incident: why.clone() },
        Event::StepReopened { step: step.clone(), reason: why.clone() },
        Event::BaseFound { commit: one.clone(), sources: vec![why.clone()] },
        Event::Announced { message: message("m1"), reached: BTreeSet::new(), missed: BTreeSet::new() },
        Event::BranchCreated { at: one.clone() },
        Event::FixRequested { source: one.clone() },
        Event::FixPicked { source: one.clone(), commit: None },
        Event::FixConflicted { source: one.clone(), files: vec![why.clone()] },
        Event::HeadMoved { from: one.clone(), head: head("2222222", "More"), adapts: vec![one.clone()] },
        Event::PullOpened { number: PullNumber(7), author: None, url: None },
        Event::PullSeen(PullSeen::default()),
        Event::Prompted { environment: production.clone(), commit: one.clone(), message: message("m9") },
        Event::Voted(vote),
        Event::VoteWithdrawn { environment: production.clone(), person: person("ben") },
        Event::Vetoed { environment: production.clone(), reason: why.clone() },
        Event::VetoWithdrawn { environment: production.clone(), person: person("ben") },
        Event::Acknowledged,
        Event::Held { reason: why.clone() },
        Event::Unheld { person: person("ben") },
        Event::Attested { place: "staging".to_owned(), commit: one.clone(), pass: true, note: None },
        Event::DeployAsked { environment: production.clone(), commit: one.clone(), rollback: false },
        Event::DeployRefused { environment: production, refusals },
        Event::DeployStarted(intent),
        Event::DeployAwaitsWord { key: key.clone() },
        Event::DeployEnded { key, failure: None },
        Event::Drifted { expected: one.clone(), found: commit("9999999") },
        Event::DriftSettled { choice: DriftChoice::Rebase },
        Event::RebaseConflicted { files: vec![why.clone()] },
        Event::Superseded { by: one.clone() },
        Event::Merged { number: PullNumber(7), commit: one.clone() },
        Event::RidersFound { riders: vec![contribution("aaaaaaa", "Redesign the form", "ben")], total: 3 },
        Event::Proven { how: Containment::Squash, main: one.clone() },
        Event::MainlineLost { by: one },
        Event::MergebackWaived { reason: why.clone() },
        Event::BranchDeleted,
        Event::PostmortemFiled { url: None },
        Event::Joined { title: why.clone() },
        Event::Noted { text: why.clone() },
        Event::Reminded { step, times: 2 },
        Event::Stuck { what: why.clone(), reason: why.clone() },
        Event::Retried,
        Event::Aborted { reason: why },
        Event::Closed { ending: Ending::Completed },
    ];
    let kind = |event: &Event| format!("{event:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
    let tags: BTreeSet<String> = all.iter().map(|event| kind(event)).collect();
    assert_eq!(tags.len(), all.len(), "one of every kind");
    all
}

/// A vote, by a reaction on this message or by the verb.
pub(super) fn yes(on: Option<MessageRef>) -> Act {
    Act::Approve { by_reaction: on.is_some(), on }
}
