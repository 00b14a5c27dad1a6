//! A randomized model of the domain alone: random users send commands, random observations arrive, and every effect
//! gets some result. It is the reference for the invariants that must hold for every order of events.

// Remainders are the clearer notation for dice.
#![allow(clippy::manual_is_multiple_of)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use hotfix::config::{self, Config};
use hotfix::domain::attribution::Attribution;
use hotfix::domain::command::{
    ActiveFreeze, Command, DeployFacts, EffectResult, Fixes, FreezeEnd, Observation, PickResult, Rebased, Removal,
    UserCommand,
};
use hotfix::domain::decide::{Decision, decide, open};
use hotfix::domain::effect::Effect;
use hotfix::domain::event::{
    CommitCounts, Contribution, Contributor, DriftChoice, HeadSeen, Opened, PullSeen, ReviewSeen, Snapshot, VoidReason,
};
use hotfix::domain::hotfix::Hotfix;
use hotfix::domain::id::{HotfixId, ServiceName};
use hotfix::domain::observation::StampedObservation;
use hotfix::domain::people::{Grant, Role};
use hotfix::domain::plan::{Plan, PlanInput};
use hotfix::domain::react::react;
use hotfix::domain::refusal::Refusal;
use hotfix::domain::vote::CurrentRoles;
use hotfix::domain::vote_source::VoteSource;
use hotfix_adapters::deploy::{DeployStatus, Edits};
use hotfix_adapters::forge::{Check, CheckState, Containment, DiffSize, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{ChannelRef, CommitId, Digest, Environment, MessageRef, PersonRef, Platform};
use hotfix_adapters::registry::{Image, Published};
use jiff::Timestamp;

use crate::stage::{Stage, fresh_folder};

/// Number of users.
pub const CROWD: u8 = 5;

/// The users, indexed by the dice.
const PEOPLE: [&str; CROWD as usize] = ["ana", "ben", "chi", "dee", "eli"];

/// A throw of the dice: the kind of event, the user, and the details.
pub type Throw = (u8, u8, u16);

/// A run in a random world.
pub struct Model {
    /// Current state of the run.
    pub state: Hotfix,
    /// Current time.
    pub now: Timestamp,
    /// The effects that the bot has yet to perform, oldest first. Chat output is left out.
    pub due: Vec<Effect>,
    /// The observations that were read but not delivered yet, each stamped with the state at the time of the read.
    pub looks: Vec<StampedObservation>,
    /// The result of an effect that was performed but not delivered yet.
    pub answered: Option<Command>,
    config: &'static Config,
    commits: u64,
    messages: u64,
    running: CommitId,
}

/// The outcome of one throw.
pub struct Thrown {
    /// State of the run before the command.
    pub before: Hotfix,
    /// The command that the throw produced.
    pub command: Command,
    /// The decision, or the refusals.
    pub decision: Result<Decision, Vec<Refusal>>,
}

/// Returns a commit id made from this number.
#[must_use]
pub fn commit(number: u64) -> CommitId {
    CommitId::parse(&format!("{number:040x}")).expect("a commit")
}

fn configured(service: &str) -> &'static Config {
    static CONFIGS: OnceLock<BTreeMap<&str, Config>> = OnceLock::new();
    let configs = CONFIGS.get_or_init(|| {
        let load = |service: &'static str| {
            let folder = fresh_folder().expect("a folder");
            let stage = Stage::set_up(folder.path(), service).expect("a stage");
            (service, config::load(&stage.config()).map_err(|faults| faults.render(false)).expect("a configuration"))
        };
        BTreeMap::from([load("payments"), load("website")])
    });
    &configs[service]
}

impl Model {
    /// Opens a run of this service, requested by ana.
    ///
    /// # Panics
    /// Panics if the service is not `payments` or `website`.
    #[must_use]
    pub fn new(service: &str) -> Self {
        let config = configured(service);
        let name: ServiceName = service.parse().expect("a service");
        let playbook = config.playbook_of(&name).expect("a playbook");
        let version = config.policy.version();
        let subject = PlanInput { title: "A fix", ..PlanInput::default() };
        let plan = Plan::resolve(&config.services[&name].service, playbook, subject, version).expect("a plan");
        let opened = Opened {
            title: "A fix".to_owned(),
            incident: None,
            ticket: None,
            plan,
            fixes: Vec::new(),
            from: None,
            target: None,
            schema: None,
        };
        let now = Timestamp::from_second(1_772_442_000).expect("a time");
        let grant = grant(config, &name, 0, Role::Requester).expect("ana may");
        let decision = open(HotfixId(1), &grant, opened, now).expect("it opens");
        let mut model = Self {
            state: decision.state.clone(),
            now,
            due: Vec::new(),
            looks: Vec::new(),
            answered: None,
            config,
            commits: 100,
            messages: 0,
            running: commit(1),
        };
        model.take(&decision, 0);
        model
    }

    /// Throws the dice once. Returns `None` if the throw produces no command.
    pub fn throw(&mut self, throw: Throw) -> Option<Thrown> {
        let (kind, who, how) = throw;
        self.now += jiff::SignedDuration::from_secs(i64::from(how % 600));
        let command = match kind % 16 {
            0..=5 if self.answered.is_some() => self.answered.take()?,
            0..=5 if !self.due.is_empty() => {
                let effect = self.due.remove(0);
                let answer = self.answer(effect, how)?;
                if kind / 16 % 4 == 0 {
                    self.answered = Some(answer);
                    return None;
                }
                answer
            }
            // A read takes time: other events happen between the read and its delivery.
            6..=8 if kind / 16 % 2 == 0 && !self.looks.is_empty() => {
                Command::Observed(self.looks.remove(usize::from(how) % self.looks.len()))
            }
            6..=8 => {
                let look = StampedObservation::new(&Arc::new(self.state.clone()), self.sighting(how));
                if kind / 16 % 4 == 1 {
                    self.looks.push(look);
                    return None;
                }
                Command::Observed(look)
            }
            9 => {
                self.now += jiff::SignedDuration::from_hours(i64::from(how % 6));
                if how % 5 == 0 {
                    Command::CountersignTimer
                } else {
                    let (_, spec) = self.state.current()?;
                    Command::Timer(spec.id.clone())
                }
            }
            _ => self.asked(who, how)?,
        };
        let before = self.state.clone();
        let decision = decide(&before, &command, self.now);
        if let Ok(decision) = &decision {
            self.take(decision, before.version);
        }
        Some(Thrown { before, command, decision })
    }

    /// Returns the decision on a command that this user would send. `None` if the policy does not grant the role.
    #[must_use]
    pub fn would(
        &self,
        state: &Hotfix,
        who: u8,
        role: Role,
        act: UserCommand,
    ) -> Option<Result<Decision, Vec<Refusal>>> {
        let grant = grant(self.config, &state.plan.service, who, role)?;
        Some(decide(state, &Command::User(grant, act), self.now))
    }

    fn take(&mut self, decision: &Decision, version: u64) {
        let mut state = Some(self.state.clone()).filter(|_| version > 0);
        for (offset, entry) in decision.entries.iter().enumerate() {
            let next = hotfix::domain::evolve::evolve(HotfixId(1), state, entry).expect("what was decided can be");
            let reaction = react(&next, entry, version + offset as u64 + 1);
            self.due.extend(reaction.effects.into_iter().filter(|effect| !effect.is_talk()));
            state = Some(next);
        }
        self.state = decision.state.clone();
    }

    /// Returns the command of a user. `None` if the policy refuses it, or if it does not apply to the state.
    fn asked(&mut self, who: u8, how: u16) -> Option<Command> {
        let (role, act) = match how % 23 {
            0 => (
                Role::Requester,
                UserCommand::Pick(Fixes { commits: vec![commit(u64::from(how % 5) + 10)], reordered: how % 2 == 0 }),
            ),
            1 => (
                Role::Requester,
                UserCommand::Join {
                    title: "More".to_owned(),
                    fixes: Fixes { commits: vec![commit(u64::from(how % 5) + 20)], reordered: false },
                },
            ),
            22 => {
                let fixes = self.state.fixes.iter().map(|fix| fix.source.clone());
                (Role::Requester, UserCommand::Unpick(fixes.skip(usize::from(how % 2)).take(1).collect()))
            }
            2..=4 => (
                Role::Approver,
                UserCommand::Approve {
                    on: None,
                    way: if how % 2 == 0 { VoteSource::Reaction } else { VoteSource::Command },
                },
            ),
            5 => (Role::Approver, UserCommand::Unapprove { on: None }),
            6 => (Role::Approver, UserCommand::Reject { reason: "no".to_owned(), on: None, way: VoteSource::Command }),
            7 => (Role::Viewer, UserCommand::Acknowledge),
            8 => {
                (Role::Requester, if how % 3 == 0 { UserCommand::Hold("wait".to_owned()) } else { UserCommand::Unhold })
            }
            9..=11 => (Role::Requester, self.word(how)),
            12 | 13 => (Role::Requester, UserCommand::Deploy(environment(how))),
            14 => (Role::Viewer, back(environment(how))),
            15 => (Role::Requester, self.step_act(how)?),
            16 if how % 11 == 0 => (Role::Viewer, self.abandoning()),
            16 => (
                Role::Requester,
                if how % 5 == 0 { UserCommand::Abort("enough".to_owned()) } else { UserCommand::Retry },
            ),
            17 => (
                Role::Requester,
                UserCommand::Drift([DriftChoice::Rebase, DriftChoice::Roll, DriftChoice::Abort][usize::from(how) % 3]),
            ),
            19 => (Role::Viewer, self.breaking(how)?),
            20 | 21 => (
                Role::Approver,
                UserCommand::Countersign { ok: how % 3 != 0, note: (how % 2 == 0).then(|| "hm".to_owned()) },
            ),
            _ => match how % 4 {
                0 => (Role::Captain, UserCommand::WaiveMergeback("no need".to_owned())),
                1 => (Role::Requester, UserCommand::Postmortem(Some("https://example.org/1".to_owned()))),
                2 => (Role::Requester, UserCommand::Note("hm".to_owned())),
                _ => (Role::Requester, UserCommand::Close),
            },
        };
        let grant = grant(self.config, &self.state.plan.service, who, role)?;
        Some(Command::User(grant, act))
    }

    /// Returns the command that ends the run while its open deployments may still be in progress.
    fn abandoning(&self) -> UserCommand {
        let open = self.state.deploys.iter().filter(|deploy| deploy.state.is_open());
        UserCommand::Abandon {
            reason: "enough".to_owned(),
            under_way: open.map(|deploy| deploy.intent.key.clone()).collect(),
        }
    }

    /// Returns a break-glass command, mostly with the commit that would ship.
    fn breaking(&self, how: u16) -> Option<UserCommand> {
        let environment = environment(how);
        let commit = self.state.deployable_to(&environment)?;
        let typed = if how % 7 == 0 { commit.short().replace('0', "f") } else { commit.as_str().to_owned() };
        Some(UserCommand::BreakGlass {
            environment,
            commit: typed,
            reason: "every payment fails and nobody is awake".to_owned(),
            incident: "https://example.org".to_owned(),
            audit: ChannelRef::parse("#audit").ok()?,
        })
    }

    fn word(&self, how: u16) -> UserCommand {
        let place = ["local", "staging", "production"][usize::from(how / 19) % 3].to_owned();
        UserCommand::Verify { place, pass: how % 5 != 0, note: None }
    }

    fn step_act(&self, how: u16) -> Option<UserCommand> {
        let steps = &self.state.plan.steps;
        let step = steps.get(usize::from(how) % steps.len())?.id.clone();
        Some(if how % 2 == 0 {
            UserCommand::Skip(step, "it can wait".to_owned())
        } else {
            UserCommand::Override {
                gate: step,
                reason: "every payment fails".to_owned(),
                incident: "https://example.org".to_owned(),
            }
        })
    }

    /// Returns a random observation, made from the current state of the run.
    fn sighting(&mut self, how: u16) -> Observation {
        let dice = how / 16;
        let pick = |number: u16| commit(u64::from(dice % number) + 1);
        let environment = environment(dice);
        match how % 16 {
            4 => Observation::Rules {
                policy_version: self.policy_version(dice),
                roles: self.standing(dice),
                approvals: Default::default(),
            },
            5 => Observation::Tag(digest(dice % 3)),
            6 => Observation::LiveBranch((dice % 3 != 0).then(|| pick(120))),
            7 => Observation::OnMain(self.state.fixes.iter().map(|fix| fix.source.clone()).collect()),
            8 => Observation::Reached { environment, commit: pick(9) },
            9 => Observation::Job { file: "build.yml".to_owned() },
            10 => self.counted(dice).map_or(Observation::Head(None), Observation::Counts),
            12 if self.state.base.is_some() => Observation::HeldBack {
                base: self.state.base.clone().unwrap_or_else(|| commit(1)),
                without: self.state.fixes.iter().map(|fix| fix.source.clone()).collect(),
                changes: Vec::new(),
                total: usize::from(dice % 3),
            },
            13 => {
                Observation::Edits { environment, edits: Edits { diff: String::new(), digest: (dice % 3).to_string() } }
            }
            11 => self.image(dice).unwrap_or(Observation::Head(None)),
            0 => Observation::Head(Some(self.head(how))),
            1 => Observation::Head(None),
            2 => {
                self.running = commit(u64::from(how % 7) + 1);
                Observation::Production {
                    environment: Environment::parse("production").expect("an environment"),
                    running: self.running.clone(),
                    has_fix: how % 3 == 0,
                    brings: Vec::new(),
                    total: 0,
                }
            }
            3 => Observation::Mainline { how: containment(how), main: commit(u64::from(how % 9) + 50), by: None },
            _ => Observation::Pull { seen: self.reviews(how), merged: (how % 97 == 0).then(|| commit(60)) },
        }
    }

    fn head(&mut self, how: u16) -> HeadSeen {
        self.commits += 1;
        let tip = commit(self.commits);
        let who = PEOPLE[usize::from(how / 8) % PEOPLE.len()];
        let people = vec![Contributor { person: who.parse().ok(), name: who.to_owned(), unknown: None }];
        let commits =
            vec![Contribution { commit: tip.clone(), subject: "A change".to_owned(), people: people.clone() }];
        HeadSeen {
            tip,
            commits,
            total: 1,
            size: DiffSize { files: 1, insertions: 2, deletions: 1 },
            base: self.state.base.clone().unwrap_or_else(|| commit(1)),
            on_base: how % 11 != 0,
            origins: Default::default(),
            people: people.into_iter().collect(),
            pushers: Default::default(),
        }
    }

    fn attribution(&self, source: &CommitId, how: u16) -> Attribution {
        let strangers = (how % 7 == 0).then(|| stranger(how));
        let people = std::iter::once(contributor(how / 3)).chain(strangers).collect();
        Attribution { source: source.clone(), merge: how % 2 == 0, commits: 2, pulls: Vec::new(), people }
    }

    fn counted(&self, dice: u16) -> Option<CommitCounts> {
        let count = |by: u16| usize::from(dice / by % 5);
        let commit = self.state.deployable()?.clone();
        Some(CommitCounts { commit, production: count(1), ships: count(5), main: count(25) })
    }

    fn image(&self, dice: u16) -> Option<Observation> {
        let commit = self.state.deployable()?.clone();
        let Some(digest) = digest(dice % 3) else {
            let why = (dice % 2 == 0).then(|| "hotfix: built from 1234567".to_owned()).into_iter().collect();
            return Some(Observation::ImagesPassedOver { commit, why });
        };
        let image = Image { repository: "registry/payments".to_owned(), tag: "hotfix".to_owned(), digest };
        let published = Published { image, created: None, revision: None };
        Some(Observation::Image { commit, published, by: "the tag".to_owned() })
    }

    /// Returns the version of the policy, which occasionally differs.
    fn policy_version(&self, dice: u16) -> String {
        if dice % 29 == 0 { "another".to_owned() } else { self.config.policy.version_for(&self.state.plan.service) }
    }

    /// Returns the current roles of the voters. Occasionally ben has lost his.
    fn standing(&self, dice: u16) -> CurrentRoles {
        let voters = self.state.votes.iter().map(|vote| &vote.person);
        let here = voters.filter(|id| dice % 11 != 0 || id.as_str() != "ben");
        here.map(|id| (id.clone(), self.config.policy.roles(&self.state.plan.service, id))).collect()
    }

    fn reviews(&self, how: u16) -> PullSeen {
        let head = self.state.head.as_ref().map_or_else(|| commit(9), |head| head.tip.clone());
        let who = PEOPLE[usize::from(how / 8) % PEOPLE.len()];
        let verdict = if how % 5 == 0 { ReviewVerdict::ChangesRequested } else { ReviewVerdict::Approved };
        let review = ReviewSeen { person: who.parse().ok(), name: who.to_owned(), commit: head.clone(), verdict };
        let state = if how % 7 == 0 { CheckState::Failure } else { CheckState::Success };
        let check = Check { name: "unit-tests".to_owned(), app: "ci".to_owned(), state };
        PullSeen { reviews: vec![review], checked: Some(head), checks: vec![check], ..PullSeen::default() }
    }

    /// Returns a random result of an effect, mostly a success.
    fn answer(&mut self, effect: Effect, how: u16) -> Option<Command> {
        if how % 13 == 0 {
            return Some(Command::Finished(EffectResult::Refused {
                effect,
                reason: "the other side said no".to_owned(),
            }));
        }
        let outcome = match effect {
            Effect::TakeSnapshot => EffectResult::SnapshotTaken(Box::new(self.survey(how))),
            Effect::Announce => {
                EffectResult::Announced { message: self.message(), reached: BTreeSet::new(), missed: BTreeSet::new() }
            }
            Effect::CreateBranch { which, at } => EffectResult::BranchCreated { which, at },
            Effect::Pick { source, .. } => {
                let head = self.head(how);
                let result = match how % 5 {
                    0 => PickResult::Conflict { files: vec!["src/a.py".to_owned()] },
                    1 => PickResult::AlreadyThere,
                    _ => PickResult::Done { commit: head.tip.clone(), head },
                };
                let by = Box::new(self.attribution(&source, how));
                EffectResult::Picked { source, by, result }
            }
            Effect::Unpick { source, .. } => {
                let result = if how % 4 == 0 { Err(vec!["src/a.py".to_owned()]) } else { Ok(self.head(how)) };
                EffectResult::Unpicked { source, result }
            }
            Effect::Rebase { .. } if how % 3 == 0 => {
                EffectResult::Rebased(Rebased::Conflict(vec!["src/a.py".to_owned()]))
            }
            Effect::Rebase { onto, .. } => {
                EffectResult::Rebased(Rebased::Done(HeadSeen { base: onto, on_base: true, ..self.head(how) }))
            }
            Effect::OpenPull => EffectResult::PullOpened {
                number: PullNumber(1),
                author: (how % 4 != 0).then(|| contributor(how)),
                url: None,
            },
            Effect::OpenReturn => EffectResult::ReturnOpened { number: PullNumber(2), url: None },
            Effect::RequestVotes { environment, commit } => {
                EffectResult::VoteRequested { environment, commit, message: self.message() }
            }
            Effect::CheckDeploy { environment, commit, key } => {
                EffectResult::DeployChecked { facts: Box::new(self.facts(how, &commit)), environment, commit, key }
            }
            Effect::Deploy { key, commit, .. } => {
                let status = match how % 6 {
                    0 => DeployStatus::Failed { reason: "no room".to_owned() },
                    1 => DeployStatus::AwaitingWord,
                    2 => DeployStatus::RollingOut { note: None, confirmed_here: false },
                    _ => DeployStatus::Succeeded { at: self.now },
                };
                if matches!(status, DeployStatus::Succeeded { .. }) {
                    self.running = commit;
                }
                EffectResult::DeployStatus { key, status }
            }
            Effect::Merge { number, .. } => EffectResult::Merged { number, commit: commit(70) },
            Effect::FindIncludedChanges { .. } => EffectResult::IncludedChanges { riders: Vec::new(), total: 0 },
            Effect::RestoreBranch { at } => EffectResult::BranchRestored { at },
            Effect::DeleteBranch { .. } => EffectResult::BranchDeleted,
            Effect::AnnounceBreakGlass { version } => {
                EffectResult::BreakGlassAnnounced { version, message: self.message() }
            }
            Effect::PostEvent { .. }
            | Effect::SendDirectMessage { .. }
            | Effect::Audit { .. }
            | Effect::RemindCountersign
            | Effect::Remind { .. } => return None,
        };
        Some(Command::Finished(outcome))
    }

    fn survey(&self, how: u16) -> Snapshot {
        let wallet = Contribution { commit: commit(3), subject: "Wallet".to_owned(), people: Vec::new() };
        Snapshot {
            running: (how % 17 != 0).then(|| commit(1)),
            last_success: (how % 3 == 0).then(|| commit(if how % 19 == 0 { 2 } else { 1 })),
            from: None,
            main: Some(commit(5)),
            held_back: vec![wallet],
            held_back_total: 1,
            main_checks: Vec::new(),
            blockers: Vec::new(),
            branches: Vec::new(),
            capabilities: BTreeMap::new(),
            fixes: Vec::new(),
            unknown: Vec::new(),
            ..Snapshot::default()
        }
    }

    fn facts(&self, how: u16, wanted: &CommitId) -> DeployFacts {
        DeployFacts {
            tip: if how % 9 == 0 { Some(commit(8)) } else { Some(wanted.clone()) },
            running: (how % 4 != 0).then(|| self.running.clone()),
            image: self.state.digest().filter(|_| how % 17 != 0).cloned(),
            removal: (how % 19 == 0).then(Removal::default),
            earlier_image: None,
            freeze: (how % 23 == 0).then(|| ActiveFreeze {
                reason: "the year ends".to_owned(),
                end: if how % 2 == 0 { FreezeEnd::Calendar(self.now) } else { FreezeEnd::Command("all".to_owned()) },
            }),
            policy_version: self.policy_version(how),
            standing: self.standing(how / 7),
            judged: self.state.votes.clone(),
            lapsed: if how % 31 == 0 {
                BTreeMap::from([("ben".parse().expect("a person"), VoidReason::Gone)])
            } else {
                BTreeMap::new()
            },
            glass: PEOPLE.iter().filter(|id| how % 6 != 0 || **id != "dee").filter_map(|id| id.parse().ok()).collect(),
            reviewed: BTreeSet::new(),
            pull: None,
            main: None,
            strangers: (how % 37 == 0).then(|| stranger(how)).into_iter().collect(),
        }
    }

    fn message(&mut self) -> MessageRef {
        self.messages += 1;
        MessageRef { channel: ChannelRef::parse("#payments").expect("a channel"), id: format!("m{}", self.messages) }
    }
}

fn back(environment: Environment) -> UserCommand {
    UserCommand::Rollback { environment, to: None, reason: "it is worse".to_owned() }
}

fn contributor(how: u16) -> Contributor {
    let who = PEOPLE[usize::from(how) % PEOPLE.len()];
    Contributor { person: who.parse().ok(), name: who.to_owned(), unknown: None }
}

/// Returns a contributor without an entry in `people.toml`.
fn stranger(how: u16) -> Contributor {
    let unknown = Some(PersonRef::new(Platform::Git, format!("stranger-{}@example.org", how % 2)));
    Contributor { person: None, name: "A stranger".to_owned(), unknown }
}

/// Returns a digest made from this number, or `None` for 0.
fn digest(number: u16) -> Option<Digest> {
    (number > 0).then(|| Digest::parse(&format!("sha256:{number:064x}")).expect("a digest"))
}

fn environment(how: u16) -> Environment {
    Environment::parse(["staging", "production", "production"][usize::from(how / 19) % 3]).expect("an environment")
}

fn containment(how: u16) -> Containment {
    match how % 7 {
        0 => Containment::Missing { commits: Vec::new() },
        1 => Containment::Reverted { by: commit(80), partly: how % 2 == 0 },
        2 => Containment::Squash,
        3 => Containment::Patch,
        4 => Containment::Lines,
        5 => Containment::Rewritten { by: commit(81) },
        _ => Containment::Ancestor,
    }
}

fn grant(config: &Config, service: &ServiceName, who: u8, role: Role) -> Option<Grant> {
    let account = PersonRef::new(Platform::Console, PEOPLE[usize::from(who) % PEOPLE.len()]);
    config.policy.authorise(&config.people, service, &account, role).ok()
}
