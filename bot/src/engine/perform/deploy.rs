//! Deployments: the facts once more, then the act, then its end.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::chat::{AccountKind, Emoji};
use hotfix_adapters::deploy::{DeployRequest, DeployStatus};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::vocabulary::{CommitId, DeployKey, Environment, MessageRef, Platform};

use crate::domain::command::{Command, DeployFacts, Outcome};
use crate::domain::effect::Reach;
use crate::domain::event::{Contribution, Lapse, Vote};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, PersonId};
use crate::domain::service::StepUp;
use crate::domain::vote::{Standing, approving};
use crate::engine::Engine;
use crate::engine::mailbox::Beside;
use crate::engine::outbox::Performed;
use crate::policy::ChatDown;

impl Engine {
    /// Reads everything a deployment rests on, in the moment before it. What cannot be read is a no.
    pub(super) async fn check_deploy(
        &self,
        state: &Hotfix,
        environment: &Environment,
        commit: &CommitId,
        key: &DeployKey,
    ) -> Result<Performed, Failure> {
        self.chat_listens(state, environment).await?;
        let plan = &state.plan;
        let tip = match plan.deployed_branch() {
            Some(branch) => self.forge(&plan.service)?.tip(&plan.repo, branch).await?,
            None => None,
        };
        let facts = DeployFacts {
            tip,
            running: self.mechanism(&plan.service, environment)?.running().await?.map(|running| running.commit),
            image: self.digest_now(state).await?,
            freeze: self.frozen(&plan.service).await?,
            policy_version: self.config.policy.version_for(&plan.service),
            standing: self.standing(state),
            lapsed: self.lapsed(state, environment).await?,
            glass: self.config.policy.breakers(&self.config.people, &plan.service),
            reviewed: self.reviewed(state, environment).await?,
        };
        let (environment, commit, key) = (environment.clone(), commit.clone(), key.clone());
        Ok(Performed::came(Outcome::DeployChecked { environment, commit, key, facts }))
    }

    /// The roles that the voters have now. Somebody who left has none, nor has whoever lost the account they voted by.
    pub(in crate::engine) fn standing(&self, state: &Hotfix) -> Standing {
        let here = |vote: &&Vote| {
            let known = self.config.people.get(&vote.person).is_some_and(|person| person.active);
            known
                && vote.account.as_ref().is_none_or(|account| self.person(Some(account)).as_ref() == Some(&vote.person))
        };
        let voters = state.votes.iter().filter(here).map(|vote| &vote.person);
        voters.map(|id| (id.clone(), self.config.policy.roles(&state.plan.service, id))).collect()
    }

    /// Who approves exactly the head on the forge now, where votes have to be backed by that (security case 39).
    async fn reviewed(&self, state: &Hotfix, environment: &Environment) -> Result<BTreeSet<PersonId>, Failure> {
        let asked = state.plan.environment(environment).and_then(|plan| plan.approval.step_up);
        let (Some(StepUp::Review), Some(pull), Some(head)) = (asked, &state.pull, &state.head) else {
            return Ok(BTreeSet::new());
        };
        let now = self.forge(&state.plan.service)?.read(&state.plan.repo, pull.number).await?;
        Ok(approving(&self.reviews_seen(&now), &head.tip))
    }

    /// Whose vote does not stand any more: the chat does not bear it out, or they turn out to have pushed what they voted for,
    /// which forges tell late. Putting back what ran before rests on no vote, so nobody is asked then: the chat may be down
    /// just when that is needed most.
    async fn lapsed(&self, state: &Hotfix, environment: &Environment) -> Result<BTreeMap<PersonId, Lapse>, Failure> {
        let mut lapsed = BTreeMap::new();
        if state.asked_deploy.as_ref().is_some_and(|asked| asked.rollback) {
            return Ok(lapsed);
        }
        let votes: Vec<&Vote> = state.votes.iter().filter(|vote| &vote.environment == environment).collect();
        if !votes.is_empty() && state.head.is_some() {
            let pushers = self.pushers(state).await?;
            let theirs = votes.iter().filter(|vote| pushers.contains(&vote.person));
            lapsed.extend(theirs.map(|vote| (vote.person.clone(), Lapse::Pushed)));
        }
        let prompt = state.prompts.get(environment).map(|prompt| &prompt.message);
        for vote in votes {
            match self.borne_out(vote, prompt).await {
                Ok(why) => lapsed.extend(why.map(|why| (vote.person.clone(), why))),
                // The operators chose that the work goes on without the chat: votes count as they were last seen.
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

    /// Why the chat does not bear a vote out any more, if that is so.
    async fn borne_out(&self, vote: &Vote, prompt: Option<&MessageRef>) -> Result<Option<Lapse>, Failure> {
        if let Some(why) = self.account_lapsed(vote).await? {
            return Ok(Some(why));
        }
        match vote.on.as_ref().or(prompt).filter(|_| vote.way.is_reaction()) {
            Some(message) => Ok((!self.stands(message, &vote.person).await?).then_some(Lapse::Reaction)),
            None => Ok(None),
        }
    }

    /// Whether the reaction is still there (security cases 33 and 34).
    async fn stands(&self, message: &MessageRef, person: &PersonId) -> Result<bool, Failure> {
        let reactions = self.outside.chat.reactions(message).await?;
        let yes = reactions.iter().filter(|reaction| reaction.emoji == Emoji::Yes);
        Ok(yes.filter_map(|reaction| self.person(Some(&reaction.person))).any(|who| &who == person))
    }

    /// What became of the account that somebody voted by, when it is no member's any more (security cases 30 and 31).
    async fn account_lapsed(&self, vote: &Vote) -> Result<Option<Lapse>, Failure> {
        let own = || self.config.people.get(&vote.person)?.account(self.outside.platform);
        let Some(account) = vote.account.as_ref().or_else(own) else { return Ok(Some(Lapse::Left)) };
        // The command line has no accounts that anybody could take away.
        if account.platform == Platform::Console {
            return Ok(None);
        }
        if account.platform != self.outside.platform {
            return Ok(Some(Lapse::Left));
        }
        Ok(match self.outside.chat.account_now(account).await? {
            AccountKind::Member => None,
            AccountKind::Guest => Some(Lapse::Guest),
            AccountKind::Stranger => Some(Lapse::Stranger),
            AccountKind::Bot => Some(Lapse::App),
            AccountKind::Gone => Some(Lapse::Gone),
        })
    }

    /// What others brought, a line each, for people who meet it over there; whoever nobody knows is named as git has it
    /// (PROMO-10, PROMO-11).
    fn riders(&self, state: &Hotfix) -> Vec<String> {
        let line = |rider: &Contribution| {
            let who: Vec<&str> = rider
                .people
                .iter()
                .map(|who| who.person.as_ref().map_or(who.name.as_str(), |id| self.config.people.name(id)))
                .collect();
            format!("{} {} ({})", rider.commit.short(), rider.subject, who.join(", "))
        };
        state.riders.iter().flatten().map(line).collect()
    }

    /// What a deployment waits for is told while it goes on.
    async fn note(&self, run: HotfixId, outcome: Outcome) -> Result<(), Failure> {
        let told = self.submit(run, &Command::Came(outcome), Beside::default()).await;
        told.map(|_| ()).map_err(|error| Failure::retry(error.to_string()))
    }

    /// Why a deployment is not begun, though it was decided: whoever wants it still asks for it again, so that the facts are
    /// read again.
    async fn begins(&self, state: &Hotfix, key: &DeployKey) -> Result<Option<String>, Failure> {
        let too_late = match state.deploy(key) {
            Some(deploy) => self.too_late(state, &deploy.intent).await?,
            None => None,
        };
        if too_late.is_none() {
            self.may_begin(&state.plan.service, Reach::Live).await?;
        }
        Ok(too_late)
    }

    /// Starts a deployment, unless it was started before under its key, and follows it.
    pub(super) async fn deploy(
        &self,
        state: &Hotfix,
        key: &DeployKey,
        environment: &Environment,
        commit: &CommitId,
    ) -> Result<Performed, Failure> {
        let mechanism = self.mechanism(&state.plan.service, environment)?;
        let intent = state.deploy(key).map(|deploy| &deploy.intent);
        let status = match mechanism.status(key).await? {
            Some(status) => status,
            None => {
                if let Some(reason) = self.begins(state, key).await? {
                    let status = DeployStatus::Failed { reason };
                    return Ok(Performed::came(Outcome::DeployStatus { key: key.clone(), status }));
                }
                let request = DeployRequest {
                    key: key.clone(),
                    repo: state.plan.repo.clone(),
                    commit: commit.clone(),
                    environment: environment.clone(),
                    image: intent.and_then(|intent| intent.image.clone()),
                    previous: intent.and_then(|intent| intent.previous.clone()),
                    about: format!("{} {}", state.id, state.title),
                    only: state.plan.only_in(environment),
                    riders: self.riders(state),
                };
                mechanism.start(&request).await?;
                mechanism.status(key).await?.unwrap_or(DeployStatus::InProgress { note: None })
            }
        };
        match status {
            DeployStatus::InProgress { note } => {
                if note.is_some() && note.as_ref() != state.notes.get(key) {
                    let noted = Outcome::DeployStatus { key: key.clone(), status: DeployStatus::InProgress { note } };
                    self.note(state.id, noted).await?;
                }
                Ok(Performed::Again(mechanism.pace()))
            }
            ended @ (DeployStatus::Succeeded { .. } | DeployStatus::Failed { .. } | DeployStatus::AwaitingWord) => {
                Ok(Performed::came(Outcome::DeployStatus { key: key.clone(), status: ended }))
            }
        }
    }
}
