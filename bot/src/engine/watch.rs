//! The questions whose reactions matter, for a chat that lost sight of what people do.

use hotfix_adapters::chat::{Counted, Emoji, Watched};
use hotfix_adapters::vocabulary::Environment;

use super::Engine;
use super::ask::BY_REACTION;
use crate::domain::hotfix::{Hotfix, Prompt};
use crate::domain::id::PersonId;

impl Engine {
    /// The questions that are open, each with the votes and the noes that were given by a reaction to it and count now.
    pub async fn watched(&self) -> Vec<Watched> {
        let states = self.states().await;
        let open = states.iter().filter(|run| !run.is_over());
        open.flat_map(|run| run.prompts.iter().map(|(environment, prompt)| self.watch(run, environment, prompt)))
            .collect()
    }

    fn watch(&self, run: &Hotfix, environment: &Environment, prompt: &Prompt) -> Watched {
        let votes = run.votes.iter().filter(|vote| {
            &vote.environment == environment && vote.by_reaction && vote.on.as_ref() == Some(&prompt.message)
        });
        let noes = run.vetoes.iter().filter(|((place, _), why)| place == environment && why.as_str() == BY_REACTION);
        let yes = votes.map(|vote| (&vote.person, Emoji::Yes));
        let no = noes.map(|((_, person), _)| (person, Emoji::No));
        let counted = yes.chain(no).map(|(person, emoji)| self.counted(person, emoji)).collect();
        Watched { message: prompt.message.clone(), counted }
    }

    fn counted(&self, person: &PersonId, emoji: Emoji) -> Counted {
        let accounts = self.config.people.get(person).map(|person| person.accounts.iter()).into_iter().flatten();
        let here = accounts.filter(|account| account.platform == self.outside.platform).cloned();
        Counted { accounts: here.collect(), emoji }
    }
}
