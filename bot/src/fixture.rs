//! Test fixture: a run of the Apply playbook, driven through the domain, so that tests see each state and text in
//! context.

mod every;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hotfix_adapters::deploy::DeployStatus;
use hotfix_adapters::forge::{Check, CheckState, Containment, DiffSize, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{CommitId, Environment, MessageRef, PersonRef, Platform};
use hotfix_adapters::registry::Image;
use jiff::{SignedDuration, Timestamp};

use crate::domain::attribution::Attribution;
use crate::domain::command::{Command, DeployFacts, EffectResult, Observation, PickResult, UserCommand};
use crate::domain::decide::{Decision, decide, open};
use crate::domain::event::{Contribution, Contributor, Entry, Event, HeadSeen, Opened, PullSeen, ReviewSeen, Snapshot};
use crate::domain::group::ChatGroup;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, PersonId, ServiceName};
use crate::domain::observation::StampedObservation;
use crate::domain::people::{Grant, People, Person, Role};
use crate::domain::playbook::BranchRole;
use crate::domain::refusal::Refusal;
use crate::domain::vote_source::VoteSource;
use crate::policy::{Policy, Quorums, ServicePolicy};

pub(crate) use every::every_event;
pub(crate) use world::{playbook, service, spec};

/// Returns a full commit id that starts with `short`, padded with zeros.
pub(crate) fn commit(short: &str) -> CommitId {
    CommitId::parse(&format!("{short:0<40}")).unwrap()
}

pub(crate) fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

pub(crate) fn environment(name: &str) -> Environment {
    Environment::parse(name).unwrap()
}

pub(crate) fn production() -> Environment {
    environment("production")
}

pub(crate) fn staging() -> Environment {
    environment("staging")
}

/// The people of the fixture: Ana is the requester, Chi wrote the fix, Ben and Dee approve. Eve's work is held back,
/// and she has no account at the console.
pub(crate) fn people() -> People {
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

/// Returns the policy that matches [`grant`]: everyone except Ana may vote.
fn policy() -> Policy {
    let everybody = ["ana", "ben", "chi", "dee", "eve"];
    let holders =
        |role: Role| everybody.into_iter().filter(|who| grant(who).roles.contains(&role)).map(person).collect();
    let roles = [Role::Requester, Role::Approver, Role::Captain].map(|role| (role, holders(role)));
    let payments = ServicePolicy { roles: roles.into(), ..ServicePolicy::default() };
    Policy::new([("payments".parse().unwrap(), payments)].into(), Quorums::default(), Vec::new())
}

pub(crate) fn contribution(short: &str, subject: &str, who: &str) -> Contribution {
    let name = who.to_owned();
    let known = people().get(&person(who)).map(|person| person.id.clone());
    Contribution {
        commit: commit(short),
        subject: subject.to_owned(),
        people: vec![Contributor { person: known, name, unknown: None }],
    }
}

pub(crate) fn message(id: &str) -> MessageRef {
    MessageRef { channel: "payments".parse().unwrap(), id: id.to_owned() }
}

pub(crate) fn grant(who: &str) -> Grant {
    let roles = match who {
        "ana" => vec![Role::Requester],
        "dee" => vec![Role::Requester, Role::Approver, Role::Captain],
        _ => vec![Role::Requester, Role::Approver],
    };
    let account = PersonRef::new(Platform::Console, who);
    Grant { person: person(who), account, roles: roles.into_iter().collect(), policy_version: "policy-1".to_owned() }
}

/// Returns the effect result of picking a fix that Chi wrote.
pub(crate) fn picked(short: &str, result: PickResult) -> EffectResult {
    let people = contribution(short, "Fix", "chi").people.into_iter().collect();
    let source = commit(short);
    let by = Attribution { source: source.clone(), merge: false, commits: 1, pulls: Default::default(), people };
    EffectResult::Picked { source, by: Box::new(by), result }
}

/// Returns a head with one commit by Chi on top of the base.
pub(crate) fn head(tip: &str, subject: &str) -> HeadSeen {
    HeadSeen {
        tip: commit(tip),
        commits: vec![contribution(tip, subject, "chi")],
        total: 1,
        size: DiffSize { files: 2, insertions: 12, deletions: 3 },
        base: commit("abc1234"),
        on_base: true,
        origins: Default::default(),
        people: Default::default(),
        pushers: Default::default(),
    }
}

/// Returns an image whose digest repeats this hexadecimal digit.
pub(crate) fn image(digit: char) -> Image {
    let digest = format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap();
    Image { repository: "registry.example/team/payments".to_owned(), tag: "hotfix".to_owned(), digest }
}

/// A run with its journal and clock. Each method advances it by a command.
#[derive(Clone)]
pub(crate) struct Play {
    pub(crate) state: Hotfix,
    pub(crate) entries: Vec<Entry>,
    pub(crate) now: Timestamp,
    pub(crate) people: People,
    pub(crate) policy: Policy,
    pub(crate) groups: BTreeMap<ServiceName, Vec<ChatGroup>>,
}

impl Play {
    pub(crate) fn open(title: &str) -> Self {
        let now: Timestamp = "2026-03-02T10:02:00Z".parse().unwrap();
        let opened = Opened {
            title: title.to_owned(),
            incident: Some("INC-77".to_owned()),
            ticket: None,
            plan: world::plan(title),
            fixes: vec!["f1f1f1f".to_owned()],
            from: None,
            target: None,
            schema: None,
        };
        let Decision { entries, state } = open(HotfixId(12), &grant("ana"), opened, now).unwrap();
        Self { state, entries, now, people: people(), policy: policy(), groups: BTreeMap::new() }
    }

    /// Applies a command two minutes later. Panics if it is refused.
    pub(crate) fn then(mut self, command: &Command) -> Self {
        self.now = self.now.checked_add(SignedDuration::from_mins(2)).unwrap();
        let decision = decide(&self.state, command, self.now).unwrap();
        self.state = decision.state;
        self.entries.extend(decision.entries);
        self
    }

    pub(crate) fn by(self, who: &str, act: UserCommand) -> Self {
        self.then(&Command::User(grant(who), act))
    }

    /// Decides a user command without applying it.
    pub(crate) fn answer(&self, who: &str, act: UserCommand) -> Result<Decision, Vec<Refusal>> {
        decide(&self.state, &Command::User(grant(who), act), self.now)
    }

    /// Returns the refusal codes of a user command; empty if it is accepted.
    pub(crate) fn refused(&self, who: &str, act: UserCommand) -> Vec<String> {
        self.answer(who, act).err().unwrap_or_default().into_iter().map(|refusal| refusal.code).collect()
    }

    /// Returns the events of a command without applying them. Panics if it is refused.
    pub(crate) fn events(&self, command: &Command) -> Vec<Event> {
        let decision = decide(&self.state, command, self.now).unwrap();
        decision.entries.into_iter().map(|entry| entry.event).collect()
    }

    /// Returns the events of a user command without applying them.
    pub(crate) fn on_act(&self, who: &str, act: UserCommand) -> Vec<Event> {
        self.events(&Command::User(grant(who), act))
    }

    /// Returns the events of an observation of the current state, without applying them.
    pub(crate) fn on_sight(&self, sighting: Observation) -> Vec<Event> {
        self.events(&Command::Observed(StampedObservation::new(&Arc::new(self.state.clone()), sighting)))
    }

    /// Returns the events of an effect result without applying them.
    pub(crate) fn on_outcome(&self, outcome: EffectResult) -> Vec<Event> {
        self.events(&Command::Finished(outcome))
    }

    /// Changes the state directly, for states that no command produces.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Hotfix)) -> Self {
        change(&mut self.state);
        self
    }

    pub(crate) fn came(self, outcome: EffectResult) -> Self {
        self.then(&Command::Finished(outcome))
    }

    pub(crate) fn saw(self, sighting: Observation) -> Self {
        let of = Arc::new(self.state.clone());
        self.then(&Command::Observed(StampedObservation::new(&of, sighting)))
    }

    pub(crate) fn surveyed(self) -> Self {
        self.came(EffectResult::SnapshotTaken(Box::new(survey())))
    }

    pub(crate) fn announced(self) -> Self {
        let reached = ["ana", "ben", "chi", "dee"].map(person).into();
        self.came(EffectResult::Announced { message: message("m1"), reached, missed: [person("eve")].into() })
    }

    pub(crate) fn branched(self) -> Self {
        self.came(EffectResult::BranchCreated { which: BranchRole::Fix, at: commit("abc1234") })
    }

    pub(crate) fn picked(self) -> Self {
        let result =
            PickResult::Done { commit: commit("1111111"), head: head("1111111", "Accept uploads without a name") };
        let url = Some("https://forge.example/payments/7".to_owned());
        let author = contribution("f1f1f1f", "Fix", "ana").people.into_iter().next();
        self.came(picked("f1f1f1f", result)).came(EffectResult::PullOpened { number: PullNumber(7), author, url })
    }

    pub(crate) fn reviewed(self) -> Self {
        let tip = self.state.head.as_ref().unwrap().tip.clone();
        let review = ReviewSeen {
            person: Some(person("ben")),
            name: "Ben".to_owned(),
            commit: tip.clone(),
            verdict: ReviewVerdict::Approved,
        };
        let check = Check { name: "build".to_owned(), app: "ci".to_owned(), state: CheckState::Success };
        self.saw(Observation::Pull {
            seen: PullSeen { reviews: vec![review], checked: Some(tip), checks: vec![check], ..PullSeen::default() },
            merged: None,
        })
    }

    pub(crate) fn verified(self, place: &str, pass: bool) -> Self {
        let note = Some(if pass { "20 MB went through" } else { "still a 500" }.to_owned());
        self.by("ben", UserCommand::Verify { place: place.to_owned(), pass, note })
    }

    /// Starts the requested deployment with unremarkable facts. `previous` is the commit that production runs.
    pub(crate) fn begins(self, previous: &str) -> Self {
        self.begins_with(previous, |_| {})
    }

    /// Starts the requested deployment with changed facts.
    pub(crate) fn begins_with(self, previous: &str, change: impl FnOnce(&mut DeployFacts)) -> Self {
        let asked = self.state.requested_deploy.clone().unwrap();
        let key = format!("hf-12-{}-{}", asked.environment, self.state.version).parse().unwrap();
        let roles = |who: &str| (person(who), grant(who).roles.into_iter().collect::<BTreeSet<_>>());
        let mut facts = DeployFacts {
            tip: self.state.head.as_ref().map(|head| head.tip.clone()),
            running: Some(commit(previous)),
            image: None,
            earlier_image: None,
            freeze: None,
            removal: None,
            policy_version: "policy-1".to_owned(),
            standing: [roles("ben"), roles("dee")].into(),
            judged: self.state.votes.clone(),
            lapsed: Default::default(),
            glass: [person("dee")].into(),
            reviewed: BTreeSet::new(),
            pull: None,
            main: None,
            strangers: BTreeSet::new(),
        };
        change(&mut facts);
        self.came(EffectResult::DeployChecked {
            environment: asked.environment,
            commit: asked.commit,
            key,
            facts: Box::new(facts),
        })
    }

    pub(crate) fn ends(self, failure: Option<&str>) -> Self {
        let key = self.state.deploys.last().unwrap().intent.key.clone();
        let status = match failure {
            None => DeployStatus::Succeeded { at: self.now },
            Some(reason) => DeployStatus::Failed { reason: reason.to_owned() },
        };
        self.came(EffectResult::DeployStatus { key, status })
    }

    pub(crate) fn prompted(self) -> Self {
        let commit = self.state.deployable().unwrap().clone();
        self.came(EffectResult::VoteRequested { environment: production(), commit, message: message("m9") })
    }

    /// Lets Dee use break-glass for production and announces it.
    pub(crate) fn glass_broken(self) -> Self {
        let commit = self.state.deployable().unwrap().as_str().to_owned();
        let broken = self.by(
            "dee",
            UserCommand::BreakGlass {
                environment: production(),
                commit,
                reason: "every payment fails and nobody is awake".to_owned(),
                incident: "https://example.org".to_owned(),
                audit: "audit".parse().unwrap(),
            },
        );
        let version = broken.state.break_glass.last().unwrap().version;
        broken.came(EffectResult::BreakGlassAnnounced { version, message: message("a1") })
    }

    pub(crate) fn on_main(self) -> Self {
        self.came(EffectResult::Merged { number: PullNumber(7), commit: commit("eeeeeee") })
            .saw(Observation::Mainline { how: Containment::Ancestor, main: commit("eeeeeee"), by: None })
            .came(EffectResult::BranchDeleted)
    }
}

pub(crate) fn survey() -> Snapshot {
    Snapshot {
        running: Some(commit("abc1234")),
        last_success: Some(commit("abc1234")),
        from: None,
        main: Some(commit("ddddddd")),
        held_back: vec![
            contribution("aaaaaaa", "Redesign the form", "ben"),
            contribution("bbbbbbb", "New currency", "eve"),
            contribution("ccccccc", "Round half even", "eve"),
        ],
        held_back_total: 3,
        main_checks: Vec::new(),
        blockers: Vec::new(),
        branches: Vec::new(),
        capabilities: BTreeMap::new(),
        fixes: vec![commit("f1f1f1f")],
        ..Snapshot::default()
    }
}

/// Returns a run that has its snapshot and is ready to be announced.
pub(crate) fn begun() -> Play {
    Play::open("Fix 500 on upload").surveyed()
}

/// Returns a run with an open vote request for production.
pub(crate) fn asked() -> Play {
    let reviewed = begun().announced().branched().picked().reviewed().verified("local", true);
    reviewed.begins("abc1234").ends(None).verified("staging", true).prompted()
}

/// Returns a run with two votes: Ben's by a reaction, Dee's by a command.
pub(crate) fn voted() -> Play {
    asked().by("ben", yes(Some(message("m9")))).by("dee", yes(None))
}

/// Returns a run whose fix is deployed to production.
pub(crate) fn live() -> Play {
    voted().by("ana", UserCommand::Deploy(production())).begins("abc1234").ends(None)
}

/// Returns a closed run.
pub(crate) fn closed() -> Play {
    live().on_main().by("ana", UserCommand::Postmortem(Some("https://wiki.example/pm-12".to_owned())))
}

/// Asserts that two texts are equal, and prints the whole text otherwise.
#[track_caller]
pub(crate) fn same(actual: &str, expected: &str) {
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    let at = std::panic::Location::caller();
    assert!(actual.trim_end() == expected.trim_end(), "<<<{}:{}\n{}\n>>>", at.file(), at.line(), actual.trim_end());
}

/// Returns an approval: by a reaction on this message, or by a command if it is `None`.
pub(crate) fn yes(on: Option<MessageRef>) -> UserCommand {
    UserCommand::Approve { way: if on.is_some() { VoteSource::Reaction } else { VoteSource::Command }, on }
}
