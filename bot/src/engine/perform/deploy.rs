//! Performers for deployments: the final check of the facts, the start, and the progress up to the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hotfix_adapters::chat::{AccountKind, Emoji};
use hotfix_adapters::cluster::Cluster;
use hotfix_adapters::deploy::{DeployRequest, DeployStatus, Edits, NOTHING_BEGUN};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::PullState;
use hotfix_adapters::ids::{CommitId, DeployKey, Environment, MessageRef, Platform};
use hotfix_adapters::registry::Image;
use hotfix_adapters::registry::tags::{Discovery, TagFacts, discover};
use jiff::SignedDuration;

use crate::domain::command::{Command, DeployFacts, EffectResult, Observation, PullFacts, Removal};
use crate::domain::effect::Reach;
use crate::domain::event::{Contribution, Contributor, VoidReason, Vote};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, PersonId};
use crate::domain::observation::StampedObservation;
use crate::domain::service::StepUp;
use crate::domain::step;
use crate::domain::vote::{CurrentRoles, approving};
use crate::engine::Engine;
use crate::engine::branch_tips::Tips;
use crate::engine::facts::LISTED;
use crate::engine::mailbox::CommitExtras;
use crate::engine::outbox::Performed;
use crate::policy::ChatDown;

impl Engine {
    /// Reads all facts that a deployment depends on, right before it begins. Fails closed: if a fact cannot be read,
    /// the deployment does not begin.
    pub(super) async fn check_deploy(
        &self,
        state: &Hotfix,
        environment: &Environment,
        commit: &CommitId,
        key: &DeployKey,
    ) -> Result<Performed, Failure> {
        self.chat_listens(state, environment).await?;
        self.see_rules(state).await?;
        if state.requested_deploy.as_ref().is_some_and(|asked| !asked.rollback) {
            self.see_edits(state, environment).await?;
        }
        let plan = &state.plan;
        let tips = &Tips::default();
        let tip = match plan.deployed_branch() {
            Some(branch) => self.tip_in(tips, state, branch).await?,
            None => None,
        };
        let running = self.mechanism(&plan.service, environment)?.running().await?.map(|running| running.commit);
        let rollback = state.requested_deploy.as_ref().is_some_and(|asked| asked.rollback);
        let pull = if rollback { None } else { self.pull_now(state).await? };
        let main = if rollback || !step::releases(state) { None } else { self.main_seen(state, tips).await? };
        let reviewed = reviewed(state, environment, pull.as_ref());
        let (pushers, strangers) = self.pushers_now(state, environment).await?;
        let facts = DeployFacts {
            tip,
            removal: match &running {
                Some(running) if rollback => self.removal(state, environment, commit, running).await,
                Some(_) | None => None,
            },
            running,
            image: if rollback { None } else { self.digest_now(state).await? },
            earlier_image: if rollback { self.earlier_image(state, commit).await } else { None },
            freeze: self.frozen(&plan.service, rollback).await?,
            policy_version: self.config.policy.version_for(&plan.service),
            standing: self.standing(state),
            judged: state.votes.clone(),
            lapsed: self.lapsed(state, environment, &pushers).await?,
            glass: self.config.policy.breakers(&self.config.people, &plan.service),
            pull: pull.map(Box::new),
            main: main.map(Box::new),
            reviewed,
            strangers,
        };
        if self.is_outdated() {
            return Err(Failure::retry("the configuration was reloaded meanwhile"));
        }
        let (environment, commit, key) = (environment.clone(), commit.clone(), key.clone());
        Ok(Performed::came(EffectResult::DeployChecked { environment, commit, key, facts: Box::new(facts) }))
    }

    /// Returns the changes of others that a rollback to `to` would remove; `None` if the running commit is `to`, or
    /// one that this run deployed or started from. If the forge cannot list the changes, the rollback still proceeds.
    async fn removal(
        &self,
        state: &Hotfix,
        environment: &Environment,
        to: &CommitId,
        running: &CommitId,
    ) -> Option<Removal> {
        if running == to || state.is_ours_in(environment, running) {
            return None;
        }
        let between =
            async { self.forge(&state.plan.service)?.commits_between(&state.plan.repo, to, running, LISTED).await };
        let range = between.await.ok();
        let machines = async { self.forge(&state.plan.service)?.machines(&state.plan.repo).await };
        let machines = machines.await.unwrap_or_default();
        let commits: Vec<Contribution> = range
            .iter()
            .flat_map(|range| &range.commits)
            .filter(|commit| commit.parents.len() < 2)
            .map(|commit| self.contribution(commit, &machines))
            .collect();
        let beyond = range.as_ref().map_or(0, |range| range.total.saturating_sub(range.commits.len()));
        let gone = |commit: &CommitId| commit == running || commits.iter().any(|change| &change.commit == commit);
        let brought = |run: &Hotfix| {
            run.id != state.id
                && run.plan.service == state.plan.service
                && run
                    .deploys
                    .iter()
                    .any(|deploy| &deploy.intent.environment == environment && gone(&deploy.intent.commit))
        };
        let runs = self.states().await.into_iter().filter(brought).map(|run| run.id).collect();
        Some(Removal { total: commits.len() + beyond, commits, runs })
    }

    /// Returns the image for a rollback to a commit: from an earlier deployment of that commit, or from the registry.
    /// `None` does not stop the rollback: a mechanism that needs an image reports that itself.
    async fn earlier_image(&self, state: &Hotfix, commit: &CommitId) -> Option<Image> {
        let service = &state.plan.service;
        let runs = self.states().await;
        let mut deploys =
            runs.iter().filter(|run| &run.plan.service == service).flat_map(|run| run.deploys.iter().rev());
        let deployed =
            deploys.find_map(|deploy| deploy.intent.image.as_ref().filter(|_| &deploy.intent.commit == commit));
        if let Some(image) = deployed {
            return Some(image.clone());
        }
        let images = self.outside.registries.get(service)?;
        let mut told = state.snapshot.iter().flat_map(|survey| &survey.told);
        let version = told.find(|told| told.commit.as_ref() == Some(commit)).and_then(|told| told.version.clone());
        let facts = TagFacts { branch: state.plan.main.clone(), commit: commit.clone(), version };
        match discover(images.registry.as_ref(), &images.tags.of_one_build(), &facts, None).await {
            Ok(Discovery::Found { published, .. }) => Some(published.image),
            Ok(Discovery::NotYet { looked, .. }) => {
                tracing::info!(run = %state.id, %commit, ?looked, "no image of the commit that is put back");
                None
            }
            Err(failure) => {
                tracing::warn!(run = %state.id, %commit, %failure, "the registry could not be asked for the image of the commit that is put back");
                None
            }
        }
    }

    /// Submits the current voting rules of the policy, so that the votes are judged by them.
    async fn see_rules(&self, state: &Hotfix) -> Result<(), Failure> {
        let seen = self
            .submit(
                state.id,
                &Command::Observed(StampedObservation::new(&Arc::new(state.clone()), self.rules(state))),
                CommitExtras::default(),
            )
            .await;
        seen.map(|_| ()).map_err(|error| Failure::retry(error.to_string()))
    }

    /// Builds the deploy request for a commit. The image and the previous commit come from the intent with this key, if
    /// there is one.
    fn request(&self, state: &Hotfix, key: &DeployKey, environment: &Environment, commit: &CommitId) -> DeployRequest {
        let intent = state.deploy(key).map(|deploy| &deploy.intent);
        DeployRequest {
            key: key.clone(),
            repo: state.plan.repo.clone(),
            commit: commit.clone(),
            environment: environment.clone(),
            image: intent.and_then(|intent| intent.image.clone()),
            previous: intent.and_then(|intent| intent.previous.clone()),
            about: format!("{} {}", state.id, state.title),
            only: state.plan.only_in(environment),
            riders: self.riders(state),
        }
    }

    /// Returns the file edits that a deployment of this commit would make at this moment; `None` if the mechanism edits
    /// no files.
    pub(in crate::engine) async fn edits_for(
        &self,
        state: &Hotfix,
        environment: &Environment,
        commit: &CommitId,
    ) -> Result<Option<Edits>, Failure> {
        let key = format!("{}-{environment}-preview", state.id.to_string().to_lowercase());
        let key = DeployKey::parse(&key).map_err(|error| Failure::rejected(error.to_string()))?;
        let request = self.request(state, &key, environment, commit);
        self.mechanism(&state.plan.service, environment)?.edits(&request).await
    }

    /// Returns the file edits of the coming deployment if they differ from those that the run has recorded.
    pub(in crate::engine) async fn new_edits(
        &self,
        state: &Hotfix,
        environment: &Environment,
    ) -> Result<Option<Observation>, Failure> {
        let Some(commit) = state.deployable_to(environment) else { return Ok(None) };
        let edits = self.edits_for(state, environment, commit).await?;
        let known = state.edits.get(environment).map(|known| &known.digest);
        let new = edits.filter(|edits| known != Some(&edits.digest));
        Ok(new.map(|edits| Observation::Edits { environment: environment.clone(), edits }))
    }

    /// Records the file edits of the coming deployment, before votes are requested and before it begins.
    pub(super) async fn see_edits(&self, state: &Hotfix, environment: &Environment) -> Result<(), Failure> {
        let Some(sighting) = self.new_edits(state, environment).await? else { return Ok(()) };
        let seen = Command::Observed(StampedObservation::new(&Arc::new(state.clone()), sighting));
        let told = self.submit(state.id, &seen, CommitExtras::default()).await;
        told.map(|_| ()).map_err(|error| Failure::retry(error.to_string()))
    }

    /// Returns the current roles of the voters. A voter who left, or who no longer owns the account of the vote,
    /// has no entry.
    pub(in crate::engine) fn standing(&self, state: &Hotfix) -> CurrentRoles {
        let here = |vote: &&Vote| {
            let known = self.config.people.get(&vote.person).is_some_and(|person| person.active);
            known
                && vote.account.as_ref().is_none_or(|account| self.person(Some(account)).as_ref() == Some(&vote.person))
        };
        let voters = state.votes.iter().filter(here).map(|vote| &vote.person);
        voters.map(|id| (id.clone(), self.config.policy.roles(&state.plan.service, id))).collect()
    }

    /// Reads the pull request of a run; `None` if there is none or if it is already merged.
    pub(in crate::engine) async fn pull_now(&self, state: &Hotfix) -> Result<Option<PullFacts>, Failure> {
        let Some(pull) = state.pull.as_ref().filter(|pull| pull.merged.is_none()) else {
            return Ok(None);
        };
        let now = self.forge(&state.plan.service)?.read(&state.plan.repo, pull.number).await?;
        let merged = match &now.state {
            // A merge into a branch other than the planned one does not count (security case 26).
            PullState::Merged(commit) => Some(commit.clone()).filter(|_| now.base == state.plan.into),
            PullState::Open | PullState::Closed => None,
        };
        Ok(Some(PullFacts { seen: self.pull_seen(state, &now).await?, merged }))
    }

    /// Returns the people who have pushed to the branch and the unknown ones among them; forges may report a push late.
    /// Empty if there are no votes that this could affect.
    async fn pushers_now(
        &self,
        state: &Hotfix,
        environment: &Environment,
    ) -> Result<(BTreeSet<PersonId>, BTreeSet<Contributor>), Failure> {
        let rollback = state.requested_deploy.as_ref().is_some_and(|asked| asked.rollback);
        let voted = state.votes.iter().any(|vote| &vote.environment == environment);
        if rollback || !voted || state.head.is_none() { Ok(Default::default()) } else { self.pushers(state).await }
    }

    /// Returns the votes that are void, with the reason: the chat no longer confirms the vote, or the voter has pushed
    /// to the branch, which forges may report late. A rollback depends on no vote, so the chat is not asked: it may be
    /// down when a rollback is needed most.
    async fn lapsed(
        &self,
        state: &Hotfix,
        environment: &Environment,
        pushers: &BTreeSet<PersonId>,
    ) -> Result<BTreeMap<PersonId, VoidReason>, Failure> {
        let mut lapsed = BTreeMap::new();
        if state.requested_deploy.as_ref().is_some_and(|asked| asked.rollback) {
            return Ok(lapsed);
        }
        let votes: Vec<&Vote> = state.votes.iter().filter(|vote| &vote.environment == environment).collect();
        let theirs = votes.iter().filter(|vote| pushers.contains(&vote.person));
        lapsed.extend(theirs.map(|vote| (vote.person.clone(), VoidReason::Pushed)));
        let prompt = state.vote_requests.get(environment).map(|prompt| &prompt.message);
        for vote in votes {
            match self.borne_out(vote, prompt).await {
                Ok(why) => lapsed.extend(why.map(|why| (vote.person.clone(), why))),
                // The policy is to continue without the chat, so votes count as they were last read.
                Err(Failure::Retry { reason, .. } | Failure::Uncertain { reason })
                    if self.config.policy.chat_down() == ChatDown::GoOn =>
                {
                    tracing::warn!(run = %state.id, person = %vote.person, %reason, "a vote counts as it was last seen");
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(lapsed)
    }

    /// Returns the reason why the chat no longer confirms a vote; `None` if it does.
    async fn borne_out(&self, vote: &Vote, prompt: Option<&MessageRef>) -> Result<Option<VoidReason>, Failure> {
        if let Some(why) = self.account_lapsed(vote).await? {
            return Ok(Some(why));
        }
        match vote.on.as_ref().or(prompt).filter(|_| vote.source.is_reaction()) {
            Some(message) => Ok((!self.stands(message, &vote.person).await?).then_some(VoidReason::Reaction)),
            None => Ok(None),
        }
    }

    /// Returns `true` if the voter's approving reaction is still on the message (security cases 33 and 34).
    async fn stands(&self, message: &MessageRef, person: &PersonId) -> Result<bool, Failure> {
        let reactions = self.outside.chat.reactions(message).await?;
        let yes = reactions.iter().filter(|reaction| reaction.emoji == Emoji::Yes);
        Ok(yes.filter_map(|reaction| self.person(Some(&reaction.person))).any(|who| &who == person))
    }

    /// Returns the reason why the account behind a vote does not count anymore; `None` if it is still a member's
    /// (security cases 30 and 31).
    async fn account_lapsed(&self, vote: &Vote) -> Result<Option<VoidReason>, Failure> {
        let own = || self.config.people.get(&vote.person)?.account(self.outside.platform);
        let Some(account) = vote.account.as_ref().or_else(own) else { return Ok(Some(VoidReason::Left)) };
        // Console accounts cannot be revoked.
        if account.platform == Platform::Console {
            return Ok(None);
        }
        if account.platform != self.outside.platform {
            return Ok(Some(VoidReason::Left));
        }
        Ok(match self.outside.chat.account_uncached(account).await? {
            AccountKind::Member => None,
            AccountKind::Guest => Some(VoidReason::Guest),
            AccountKind::Stranger => Some(VoidReason::Stranger),
            AccountKind::Bot => Some(VoidReason::App),
            AccountKind::Gone => Some(VoidReason::Gone),
        })
    }

    /// Returns the included changes, one line each, for the text of the promotion. An unknown author appears under the
    /// name in git (PROMO-10, PROMO-11).
    fn riders(&self, state: &Hotfix) -> Vec<String> {
        let line = |rider: &Contribution| {
            let who: Vec<&str> = rider
                .people
                .iter()
                .map(|who| who.person.as_ref().map_or(who.name.as_str(), |id| self.config.people.name(id)))
                .collect();
            format!("{} {} ({})", rider.commit.short(), rider.subject, who.join(", "))
        };
        state.included_changes.iter().flatten().map(line).collect()
    }

    /// Submits an interim result of a deployment in progress.
    async fn note(&self, run: HotfixId, outcome: EffectResult) -> Result<(), Failure> {
        let told = self.submit(run, &Command::Finished(outcome), CommitExtras::default()).await;
        told.map(|_| ()).map_err(|error| Failure::retry(error.to_string()))
    }

    /// Returns the reason why a decided deployment must not begin; `None` if it may. It is not retried: a new deploy
    /// command reads the facts again.
    async fn begins(&self, state: &Hotfix, key: &DeployKey) -> Result<Option<String>, Failure> {
        let too_late = match state.deploy(key) {
            Some(deploy) => self.too_late(state, &deploy.intent).await?,
            None => None,
        };
        if too_late.is_none() {
            // Only the freeze of all services stops a rollback.
            let rollback = state.deploy(key).is_some_and(|deploy| deploy.intent.rollback);
            let reach = if rollback { Reach::Code } else { Reach::Live };
            self.may_begin(&state.plan.service, reach).await?;
        }
        Ok(too_late)
    }

    /// Returns the open deployments of a run that may not have ended: the mechanism reports them in progress, or cannot
    /// be asked.
    pub(in crate::engine) async fn under_way(&self, state: &Hotfix) -> BTreeSet<DeployKey> {
        let mut under_way = BTreeSet::new();
        for intent in state.deploys.iter().filter(|deploy| deploy.state.is_open()).map(|deploy| &deploy.intent) {
            let status = match self.mechanism(&state.plan.service, &intent.environment) {
                Ok(mechanism) => mechanism.status(&intent.key).await,
                Err(failure) => Err(failure),
            };
            // The mechanism has no record of the deployment, and no performer is about to start it.
            let unknown = matches!(status, Ok(None)) && self.acting.quiet(state.id).is_some();
            if !unknown && !matches!(status, Ok(Some(DeployStatus::Succeeded { .. } | DeployStatus::Failed { .. }))) {
                under_way.insert(intent.key.clone());
            }
        }
        under_way
    }

    /// Determines the state of a rollout: from the clusters if there are any, else from the mechanism. If neither can
    /// confirm it, a user is asked after a configured time.
    async fn rolling_out(
        &self,
        state: &Hotfix,
        key: &DeployKey,
        commit: &CommitId,
        (note, confirmed_here): (Option<String>, bool),
    ) -> Result<DeployStatus, Failure> {
        let Some(deploy) = state.deploy(key) else { return Ok(DeployStatus::RollingOut { note, confirmed_here }) };
        let place = (state.plan.service.clone(), deploy.intent.environment.clone());
        let clusters = self.outside.clusters.get(&place).map(Vec::as_slice).unwrap_or_default();
        if !clusters.is_empty() && note.is_none() {
            let Some(note) = self.not_in_cluster(state, clusters, commit).await? else {
                return Ok(DeployStatus::Succeeded { at: self.now() });
            };
            return Ok(DeployStatus::RollingOut { note: Some(note), confirmed_here: true });
        }
        let ask = SignedDuration::from_mins(i64::from(self.config.ask_after_minutes(&place.0, &place.1)));
        let due = deploy.merged_at.is_some_and(|merged| self.now().duration_since(merged) >= ask);
        if due && !confirmed_here {
            return Ok(DeployStatus::AwaitingWord);
        }
        Ok(DeployStatus::RollingOut { note, confirmed_here })
    }

    /// Returns a note about the first workload that does not run the commit; `None` if all of them do.
    async fn not_in_cluster(
        &self,
        state: &Hotfix,
        clusters: &[Arc<dyn Cluster>],
        commit: &CommitId,
    ) -> Result<Option<String>, Failure> {
        for cluster in clusters {
            let images = match cluster.running().await {
                Ok(images) => images,
                Err(Failure::Retry { reason, .. } | Failure::Uncertain { reason }) => return Ok(Some(reason)),
                Err(failure @ Failure::Rejected { .. }) => return Err(failure),
            };
            for image in &images {
                let pinned = state.digest().is_some() && image.digest.as_ref() == state.digest();
                if !pinned && self.told_by_cluster(state, image).await?.commit.as_ref() != Some(commit) {
                    return Ok(Some(format!("{} still runs {}", image.place, image.reference)));
                }
            }
        }
        Ok(None)
    }

    /// Starts a deployment, unless it was already started under its key, and polls it. If the mechanism refuses to
    /// start it, the deployment has failed without effect. `first` says that no earlier attempt can have started it.
    pub(super) async fn deploy(
        &self,
        state: &Hotfix,
        key: &DeployKey,
        environment: &Environment,
        commit: &CommitId,
        first: bool,
    ) -> Result<Performed, Failure> {
        // A user reported the outcome while the deployment was being polled.
        if state.deploy(key).is_some_and(|deploy| !deploy.state.is_open()) {
            return Ok(Performed::came(EffectResult::Nothing));
        }
        let looked = async {
            let mechanism = self.mechanism(&state.plan.service, environment)?;
            let status = mechanism.status(key).await?;
            Ok((mechanism, status))
        };
        let (mechanism, status) = match looked.await {
            Err(Failure::Rejected { reason }) if first => return Ok(not_begun(key, &reason)),
            looked => looked?,
        };
        let request = self.request(state, key, environment, commit);
        let status = match status {
            Some(status) => status,
            None => {
                if let Some(reason) = self.begins(state, key).await? {
                    let status = DeployStatus::Failed { reason };
                    return Ok(Performed::came(EffectResult::DeployStatus { key: key.clone(), status }));
                }
                match mechanism.start(&request).await {
                    Err(Failure::Rejected { reason }) => return Ok(not_begun(key, &reason)),
                    started => started?,
                }
                mechanism.status(key).await?.unwrap_or(DeployStatus::InProgress { note: None })
            }
        };
        let status = if let DeployStatus::RollingOut { note, confirmed_here } = status {
            self.rolling_out(state, key, commit, (note, confirmed_here)).await?
        } else {
            status
        };
        match status {
            rolling @ DeployStatus::RollingOut { .. } => {
                let merged = state.deploy(key).is_some_and(|deploy| deploy.merged_at.is_some());
                let noted = matches!(&rolling, DeployStatus::RollingOut { note, .. } if note.is_none() || note.as_ref() == state.notes.get(key));
                if !merged || !noted {
                    self.note(state.id, EffectResult::DeployStatus { key: key.clone(), status: rolling }).await?;
                }
                Ok(Performed::Pending(mechanism.pace()))
            }
            DeployStatus::InProgress { note } => {
                if note.is_some() && note.as_ref() != state.notes.get(key) {
                    let noted =
                        EffectResult::DeployStatus { key: key.clone(), status: DeployStatus::InProgress { note } };
                    self.note(state.id, noted).await?;
                }
                Ok(Performed::Pending(mechanism.pace()))
            }
            DeployStatus::AwaitingWord => {
                let instructions = match mechanism.instructions(&request) {
                    Err(Failure::Rejected { reason }) => return Ok(not_begun(key, &reason)),
                    filled => filled?,
                };
                Ok(Performed::came(EffectResult::DeployByHand { key: key.clone(), instructions }))
            }
            ended @ (DeployStatus::Succeeded { .. } | DeployStatus::Failed { .. }) => {
                Ok(Performed::came(EffectResult::DeployStatus { key: key.clone(), status: ended }))
            }
        }
    }
}

/// Returns the result of a deployment that was refused before it began.
fn not_begun(key: &DeployKey, reason: &str) -> Performed {
    let status = DeployStatus::Failed { reason: format!("{NOTHING_BEGUN}: {reason}") };
    Performed::came(EffectResult::DeployStatus { key: key.clone(), status })
}

/// Returns the people whose review on the forge approves exactly the head, if votes must be backed by a review
/// (security case 39).
fn reviewed(state: &Hotfix, environment: &Environment, pull: Option<&PullFacts>) -> BTreeSet<PersonId> {
    let asked = state.approval(environment).and_then(|approval| approval.step_up);
    let known = state.pull.as_ref().map(|pull| &pull.seen);
    match (asked, pull.map(|pull| &pull.seen).or(known), &state.head) {
        (Some(StepUp::Review), Some(seen), Some(head)) => approving(&seen.reviews, &head.tip),
        (Some(StepUp::Review) | None, _, _) => BTreeSet::new(),
    }
}
