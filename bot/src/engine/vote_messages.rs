//! The messages whose reactions count as votes. A chat adapter that missed events uses them to catch up.

use std::collections::BTreeSet;

use hotfix_adapters::chat::{CountedReaction, Emoji, VoteMessage};
use hotfix_adapters::ids::MessageRef;

use super::Engine;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;

impl Engine {
    /// Returns the messages whose reactions matter: the open vote requests, and earlier ones that a counted vote rests
    /// on. Each comes with the approvals and rejections that count at the moment and were given by a reaction to it.
    pub async fn watched(&self) -> Vec<VoteMessage> {
        let states = self.states().await;
        let open = states.iter().filter(|run| !run.is_over());
        open.flat_map(|run| watched_of(run).into_iter().map(|message| self.watch(run, message))).collect()
    }

    fn watch(&self, run: &Hotfix, message: &MessageRef) -> VoteMessage {
        let here = |on: &Option<MessageRef>| on.as_ref() == Some(message);
        let votes = run.votes.iter().filter(|vote| vote.source.is_reaction() && here(&vote.on));
        let noes = run.rejections.iter().filter(|(_, no)| no.source.is_reaction() && here(&no.on));
        let yes = votes.map(|vote| (&vote.person, Emoji::Yes));
        let no = noes.map(|((_, person), _)| (person, Emoji::No));
        let counted = yes.chain(no).map(|(person, emoji)| self.counted(person, emoji)).collect();
        VoteMessage { message: message.clone(), counted }
    }

    fn counted(&self, person: &PersonId, emoji: Emoji) -> CountedReaction {
        let accounts = self.config.people.get(person).map(|person| person.accounts.iter()).into_iter().flatten();
        let here = accounts.filter(|account| account.platform == self.outside.platform).cloned();
        CountedReaction { accounts: here.collect(), emoji }
    }
}

fn watched_of(run: &Hotfix) -> BTreeSet<&MessageRef> {
    let given = run.votes.iter().filter_map(|vote| vote.on.as_ref());
    let refused = run.rejections.values().filter_map(|no| no.on.as_ref());
    run.vote_requests.values().map(|prompt| &prompt.message).chain(given).chain(refused).collect()
}
