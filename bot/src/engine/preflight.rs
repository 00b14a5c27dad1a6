//! Preflight: checks right before a decided effect begins, for freezes and an unreliable clock (security cases 86 and
//! 87). Fails closed: if a check cannot be made, the effect does not begin. Also announces the state of the clock.

use std::collections::BTreeSet;

use hotfix_adapters::chat::{Card, Destination, Post};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{ChannelRef, CommitId, Environment};

use super::Engine;
use super::locks::{freeze_lease, is_frozen};
use crate::domain::break_glass;
use crate::domain::effect::Reach;
use crate::domain::event::DeployIntent;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::ServiceName;
use crate::policy::ChatDown;
use crate::view;

/// The announcements about an unreliable clock.
#[derive(Debug, Default)]
pub(super) struct ClockAlarm {
    doubted: bool,
    told: BTreeSet<ChannelRef>,
    count: u64,
}

impl Engine {
    /// Checks that an effect of this reach may begin at this moment.
    pub(super) async fn may_begin(&self, service: &ServiceName, reach: Reach) -> Result<(), Failure> {
        if reach == Reach::Nothing {
            return Ok(());
        }
        if let Some(why) = self.journal.clock_warning() {
            return Err(Failure::retry(format!("nothing is done for now: {why}")));
        }
        let leases = self.journal.leases().await.map_err(|error| Failure::retry(error.to_string()))?;
        let frozen = match reach {
            Reach::Nothing | Reach::Judgement => None,
            Reach::Code => is_frozen(&leases, &[freeze_lease(None)]),
            Reach::Live => is_frozen(&leases, &[freeze_lease(Some(service)), freeze_lease(None)]),
        };
        frozen.map_or(Ok(()), |view| {
            Err(Failure::retry(format!("it is frozen: {} says: {}", self.holder(&view.holder), view.note)))
        })
    }

    /// Returns the reason why a decided deployment may not begin anymore: a freeze, or an expired vote or break-glass.
    pub(super) async fn too_late(&self, state: &Hotfix, intent: &DeployIntent) -> Result<Option<String>, Failure> {
        if let Some(why) = self.frozen(&state.plan.service, intent.rollback).await? {
            return Ok(Some(format!("Nothing was begun, because deployments are frozen: {}", why.reason)));
        }
        let counts = |environment: &Environment, commit: &CommitId| {
            environment == &intent.environment && commit == &intent.commit && !intent.rollback
        };
        let now = self.now();
        let mut votes = state.votes.iter().filter(|vote| counts(&vote.environment, &vote.commit));
        let expired = votes.any(|vote| intent.votes.contains(&vote.person) && vote.expires <= now);
        if expired {
            return Ok(Some("Nothing was begun, because a vote expired before its turn came".to_owned()));
        }
        let unbroken =
            intent.glass.is_some() && break_glass::applies_to(state, &intent.environment, now, None).is_none();
        Ok(unbroken.then(|| "Nothing was begun, because the broken glass expired before its turn came".to_owned()))
    }

    /// Checks that the chat answers, if the policy allows no production deployment without it. Rollbacks are exempt.
    pub(super) async fn chat_listens(&self, state: &Hotfix, environment: &Environment) -> Result<(), Failure> {
        let production = state.plan.environment(environment).is_some_and(|environment| environment.production);
        let rollback = state.requested_deploy.as_ref().is_some_and(|asked| asked.rollback);
        match self.config.policy.chat_down() {
            ChatDown::Wait if production && !rollback => {
                // A chat that rejects the request is reachable.
                match self.outside.chat.readers_among(&state.plan.channel, &[]).await {
                    Ok(_) | Err(Failure::Rejected { .. }) => Ok(()),
                    Err(Failure::Retry { reason, .. } | Failure::Uncertain { reason }) => Err(Failure::retry(format!(
                        "nothing goes to production while the chat does not answer (`chat_down` in policy.toml): {reason}"
                    ))),
                }
            }
            ChatDown::Wait | ChatDown::GoOn => Ok(()),
        }
    }

    /// Announces in the log, and in the channels of all open runs, that the clock became unreliable, or reliable again.
    pub(crate) async fn tell_of_the_clock(&self) {
        let mut alarm = self.alarm.lock().await;
        let doubt = self.journal.clock_warning();
        match &doubt {
            Some(why) if !alarm.doubted => {
                tracing::error!(clock.doubt = %why, "the clock is not believed: no acts are begun")
            }
            None if alarm.doubted => tracing::warn!("the clock is believed again"),
            Some(_) | None => {}
        }
        alarm.doubted = doubt.is_some();
        let open = async { self.open_runs(|_| true).await.into_iter().map(|run| run.plan.channel).collect() };
        let (channels, card): (BTreeSet<ChannelRef>, Card) = match &doubt {
            Some(why) => (open.await, view::clock_doubted(why)),
            None => (alarm.told.clone(), view::clock_believed()),
        };
        for channel in channels {
            if alarm.told.contains(&channel) == doubt.is_some() {
                continue;
            }
            alarm.count += 1;
            let key = format!("clock/{}/{}", self.process, alarm.count);
            let post = Post { destination: Destination::Channel(channel.clone()), key, card: card.clone() };
            match self.outside.chat.post(&post).await {
                Ok(_) if doubt.is_some() => drop(alarm.told.insert(channel)),
                Ok(_) => drop(alarm.told.remove(&channel)),
                Err(failure) => tracing::info!(%failure, "a channel could not be told of the clock; it is tried again"),
            }
        }
    }
}
