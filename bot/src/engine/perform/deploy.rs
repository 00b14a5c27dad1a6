//! Deployments: the facts once more, then the act, then its end.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::chat::Emoji;
use hotfix_adapters::deploy::{DeployRequest, DeployStatus};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::vocabulary::{CommitId, DeployKey, Environment};

use crate::domain::command::{DeployFacts, Outcome};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;
use crate::engine::Engine;
use crate::engine::outbox::Performed;

impl Engine {
    /// Reads everything a deployment rests on, in the moment before it. What cannot be read is a no.
    pub(super) async fn check_deploy(
        &self,
        state: &Hotfix,
        environment: &Environment,
        commit: &CommitId,
        key: &DeployKey,
    ) -> Result<Performed, Failure> {
        let plan = &state.plan;
        let running = self.mechanism(&plan.service, environment)?.running().await?.map(|running| running.commit);
        let production = match plan.production() {
            Some(production) if &production.name == environment => running.clone(),
            Some(production) => {
                self.mechanism(&plan.service, &production.name)?.running().await?.map(|running| running.commit)
            }
            None => None,
        };
        let facts = DeployFacts {
            tip: self.forge(&plan.service)?.tip(&plan.repo, &plan.branch).await?,
            running,
            production,
            freeze: self.frozen(&plan.service).await?,
            policy_version: self.config.policy.version().to_owned(),
            standing: self.standing(state),
            withdrawn: self.withdrawn(state, environment).await?,
        };
        let (environment, commit, key) = (environment.clone(), commit.clone(), key.clone());
        Ok(Performed::came(Outcome::DeployChecked { environment, commit, key, facts }))
    }

    /// The roles that the voters have now. Somebody who left has none.
    fn standing(&self, state: &Hotfix) -> BTreeMap<PersonId, BTreeSet<crate::domain::people::Role>> {
        let voters = state.votes.iter().map(|vote| &vote.person);
        let here = voters.filter(|id| self.config.people.get(id).is_some_and(|person| person.active));
        here.map(|id| (id.clone(), self.config.policy.roles(&state.plan.service, id))).collect()
    }

    /// Who voted by a reaction that is not on its message any more (security cases 33 and 34).
    async fn withdrawn(&self, state: &Hotfix, environment: &Environment) -> Result<BTreeSet<PersonId>, Failure> {
        let prompt = state.prompts.get(environment).map(|prompt| &prompt.message);
        let mut withdrawn = BTreeSet::new();
        for vote in state.votes.iter().filter(|vote| &vote.environment == environment && vote.by_reaction) {
            let Some(message) = vote.on.as_ref().or(prompt) else {
                continue;
            };
            let reactions = self.outside.chat.reactions(message).await?;
            let stands = |person: &PersonId| {
                let yes = reactions.iter().filter(|reaction| reaction.emoji == Emoji::Yes);
                yes.filter_map(|reaction| self.person(Some(&reaction.person))).any(|who| &who == person)
            };
            if !stands(&vote.person) {
                withdrawn.insert(vote.person.clone());
            }
        }
        Ok(withdrawn)
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
        let status = match mechanism.status(key).await? {
            Some(status) => status,
            None => {
                let request = DeployRequest {
                    key: key.clone(),
                    repo: state.plan.repo.clone(),
                    commit: commit.clone(),
                    environment: environment.clone(),
                    image: None,
                    previous: state
                        .deploys
                        .iter()
                        .find(|d| &d.intent.key == key)
                        .and_then(|d| d.intent.previous.clone()),
                    about: format!("{} {}", state.id, state.title),
                    only: Vec::new(),
                    riders: Vec::new(),
                };
                mechanism.start(&request).await?;
                mechanism.status(key).await?.unwrap_or(DeployStatus::InProgress { note: None })
            }
        };
        match status {
            DeployStatus::InProgress { .. } => Ok(Performed::Again(mechanism.pace())),
            ended @ (DeployStatus::Succeeded { .. } | DeployStatus::Failed { .. } | DeployStatus::AwaitingWord) => {
                Ok(Performed::came(Outcome::DeployStatus { key: key.clone(), status: ended }))
            }
        }
    }
}
