//! Reconciles votes after a gap in the gateway's event stream: reads the reactions of every open vote request and
//! replays the difference to the handler.

use std::sync::Arc;

use super::context::DiscordContext;
use super::decode::Reacted;
use super::follow_up;
use crate::chat::inbound::{CountedReaction, VoteMessage};
use crate::chat::{InboundHandler, Reaction};

/// Reads the reactions of every open vote message and replays added and removed reactions. `key` identifies this
/// reconciliation in the dedupe keys.
pub(super) async fn reconcile(core: &Arc<DiscordContext>, listener: &dyn InboundHandler, key: &str) {
    for watched in listener.open_vote_messages().await {
        match core.patiently(|| core.reactions(&watched.message)).await {
            Ok(standing) => {
                for reacted in missed(&watched, standing) {
                    follow_up::reaction(core, listener, reacted, &format!("standing:{key}"), true).await;
                }
            }
            Err(failure) => {
                tracing::warn!(why = failure.reason(), "the reactions to a message in Discord could not be read");
            }
        }
    }
}

/// Returns the differences, removals first: after a user changes their vote, there is one of each.
fn missed(watched: &VoteMessage, standing: Vec<Reaction>) -> Vec<Reacted> {
    let one = |counted: &CountedReaction, reaction: &Reaction| {
        counted.emoji == reaction.emoji && counted.accounts.contains(&reaction.person)
    };
    let gone = watched.counted.iter().filter(|counted| !standing.iter().any(|reaction| one(counted, reaction)));
    let gone = gone.filter_map(|counted| Some((counted.accounts.first()?.clone(), counted.emoji.clone(), false)));
    let came = standing.iter().filter(|reaction| !watched.counted.iter().any(|counted| one(counted, reaction)));
    let came = came.map(|reaction| (reaction.person.clone(), reaction.emoji.clone(), true));
    let all = gone.chain(came);
    all.map(|(from, emoji, added)| Reacted { message: watched.message.clone(), from, emoji, added }).collect()
}
