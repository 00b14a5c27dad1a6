//! Performs effects. A performer that may repeat an effect of an earlier attempt looks it up by its natural key first;
//! `first` says that no earlier attempt exists.

mod code;
mod deploy;
mod survey;
mod talk;

use hotfix_adapters::failure::Failure;

use super::Engine;
use super::outbox::{Performed, Task};
use crate::domain::command::EffectResult;
use crate::domain::effect::Effect;

impl Engine {
    pub(super) async fn perform(&self, task: &Task, key: &str, first: bool) -> Result<Performed, Failure> {
        let gone = || Failure::rejected(format!("there is no run {}", task.run));
        let state = self.state(task.run).await.ok_or_else(gone)?;
        // A run that is over or abandoned has no more external effects; its messages are still posted.
        let does_nothing = state.is_over() || state.abandoned.is_some();
        if does_nothing && !task.effect.is_talk() && !matches!(task.effect, Effect::DeleteBranch { .. }) {
            return Ok(Performed::came(EffectResult::Nothing));
        }
        // A deployment in progress is followed to its end, so it runs the preflight check itself.
        if !matches!(task.effect, Effect::Deploy { .. }) {
            self.may_begin(&state.plan.service, task.effect.reach()).await?;
        }
        match &task.effect {
            Effect::TakeSnapshot => self.survey(&state).await,
            Effect::Announce => self.announce(&state, key, first).await,
            Effect::CreateBranch { which, at } => self.create_branch(&state, *which, at).await,
            Effect::Unpick { source, at } => self.unpick(&state, source, *at).await,
            Effect::Pick { source, at } => self.pick(&state, source, *at).await,
            Effect::Rebase { from, head, onto, at } => self.rebase(&state, from, head, onto, *at).await,
            Effect::OpenPull => self.open_pull(&state).await,
            Effect::OpenReturn => self.open_return(&state).await,
            Effect::RequestVotes { environment, commit } => self.prompt(&state, environment, commit, key, first).await,
            Effect::CheckDeploy { environment, commit, key } => {
                self.check_deploy(&state, environment, commit, key).await
            }
            Effect::Deploy { key, environment, commit, resumed } => {
                self.deploy(&state, key, environment, commit, first && !resumed).await
            }
            Effect::Merge { number, head, method } => self.merge(&state, *number, head, *method).await,
            Effect::FindIncludedChanges { to } => self.find_riders(&state, to).await,
            Effect::RestoreBranch { at } => self.restore_branch(&state, at).await,
            Effect::DeleteBranch { at } => self.delete_branch(&state, at).await,
            Effect::PostEvent { version } => self.say(&state, *version, key, first).await,
            Effect::SendDirectMessage { version, person } => self.tell(&state, *version, person, key, first).await,
            Effect::AnnounceBreakGlass { version } => self.announce_glass(&state, *version, key, first).await,
            Effect::Audit { version } => self.audit(&state, *version, key, first).await,
            Effect::RemindCountersign | Effect::Remind { .. } => Ok(Performed::came(EffectResult::Nothing)),
        }
    }
}
