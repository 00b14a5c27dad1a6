//! Observations for the current step: reads the external state that it waits for, such as a build, a merge into main or
//! a deployment to stage. Read only.

use std::collections::BTreeSet;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Change, CommitInfo, Containment, Pick, Picked};
use hotfix_adapters::ids::{CommitId, Digest, Environment};
use hotfix_adapters::registry::tags::{Discovery, TagFacts, discover};

use super::Engine;
use super::branch_tips::Tips;
use crate::domain::command::Observation;
use crate::domain::event::{CommitCounts, ExtraCommit, Origins};
use crate::domain::hotfix::{BranchState, Hotfix, Mainline};
use crate::domain::playbook::StepKind;

impl Engine {
    /// Reads the state that the current step waits for; `None` if it is not there yet, or if the step waits for no
    /// remote system.
    pub(super) async fn observe_step(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let Some((_, spec)) = state.current() else { return Ok(None) };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "every other step waits for people, or for an act of the bot"
        )]
        match &spec.kind {
            StepKind::BuildJob { file, names } => self.build_job(state, file, names, tips).await,
            StepKind::OnMain => self.fixes_on_main(state, tips).await,
            StepKind::OnEnvironment { environment } => self.reached(state, environment).await,
            StepKind::VersionOrder { .. } => self.counts(state, tips).await,
            StepKind::Image => self.image(state).await,
            _other => Ok(None),
        }
    }

    /// Checks that the tag of the pinned image still points to its digest, while a deployment is still to come.
    pub(super) async fn pinned_tag(&self, state: &Hotfix) -> Result<Option<Observation>, Failure> {
        let to_come = state.plan.steps.iter().zip(&state.steps).any(|(spec, at)| {
            matches!(spec.kind, StepKind::Deploy { .. } | StepKind::Approve { .. }) && !at.is_behind()
        });
        if !to_come || state.digest().is_none() {
            return Ok(None);
        }
        let now = self.digest_now(state).await?;
        Ok((now.as_ref() != state.digest()).then_some(Observation::Tag(now)))
    }

    /// Returns the file edits of a deployment that is voted on, if they changed since the last read.
    pub(super) async fn edits_asked_about(&self, state: &Hotfix) -> Result<Option<Observation>, Failure> {
        for environment in state.edits.keys().filter(|environment| state.awaits_deploy(environment)) {
            if let Some(sighting) = self.new_edits(state, environment).await? {
                return Ok(Some(sighting));
            }
        }
        Ok(None)
    }

    /// Returns the digest that the tag of the pinned image points to; `None` if no image is pinned or the tag is gone.
    pub(super) async fn digest_now(&self, state: &Hotfix) -> Result<Option<Digest>, Failure> {
        let (Some(pinned), Some(images)) = (&state.image, self.outside.registries.get(&state.plan.service)) else {
            return Ok(None);
        };
        let found = images.registry.find(&pinned.published.image.tag).await?;
        Ok(found.map(|published| published.image.digest))
    }

    /// Reads the hotfix branch that production runs (HOCS-15).
    pub(super) async fn live_branch(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let Some(branch) = state.plan.deployed_branch().filter(|_| state.is_live()) else {
            return Ok(None);
        };
        // Another run may reuse the name of a branch that this run deleted.
        if state.branch == BranchState::Deleted && branch == &state.plan.branch {
            return Ok(None);
        }
        let waits =
            matches!(state.mainline, Mainline::NotMerged | Mainline::Reverted(_)) && branch == &state.plan.branch;
        if waits && state.pull.is_some() {
            // The branch is still in use: a move of it is a new head, and is reported as one.
            return Ok(None);
        }
        let tip = self.tip_in(tips, state, branch).await?;
        // Deleting a branch after its merge is normal.
        Ok(tip
            .filter(|tip| Some(tip) != state.deployable() || state.live_moved.is_some())
            .map(|tip| Observation::LiveBranch(Some(tip))))
    }

    async fn build_job(
        &self,
        state: &Hotfix,
        file: &str,
        names: &str,
        tips: &Tips,
    ) -> Result<Option<Observation>, Failure> {
        let plan = &state.plan;
        let forge = self.forge(&plan.service)?;
        let wanted = names.replace("{branch}", plan.branch.as_str());
        // Some pipelines read the build job from the hotfix branch, others from main.
        for branch in [&plan.branch, &plan.main] {
            let Some(tip) = self.tip_in(tips, state, branch).await? else { continue };
            let content = forge.read_file(&plan.repo, &tip, file).await?;
            if content.is_some_and(|bytes| String::from_utf8_lossy(&bytes).contains(&wanted)) {
                return Ok(Some(Observation::Job { file: format!("{file} of {branch}") }));
            }
        }
        Ok(None)
    }

    async fn fixes_on_main(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let Some(main) = self.tip_in(tips, state, &state.plan.main).await? else {
            return Ok(None);
        };
        let how = self.fixes_in(state, &main).await?;
        let there: BTreeSet<CommitId> =
            how.into_iter().filter(|(_, how)| how.holds()).map(|(source, _)| source).collect();
        Ok((!there.is_empty()).then_some(Observation::OnMain(there)))
    }

    async fn reached(&self, state: &Hotfix, environment: &Environment) -> Result<Option<Observation>, Failure> {
        let plan = &state.plan;
        let Some(running) = self.mechanism(&plan.service, environment)?.running().await? else {
            return Ok(None);
        };
        let there = match state.target.as_ref().filter(|_| plan.is_promotion()) {
            // The environment must contain everything up to the promoted commit.
            Some(target) => {
                let itself = Change { base: target.clone(), head: target.clone() };
                self.contained(&plan.service, &plan.repo, &itself, &running.commit).await?.holds()
            }
            None => {
                let how = self.fixes_in(state, &running.commit).await?;
                !how.is_empty() && how.values().all(Containment::holds)
            }
        };
        Ok(there.then(|| Observation::Reached { environment: environment.clone(), commit: running.commit }))
    }

    async fn counts(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let plan = &state.plan;
        let forge = self.forge(&plan.service)?;
        let (Some(base), Some(ships)) = (&state.base, state.deployable()) else {
            return Ok(None);
        };
        let Some(main) = self.tip_in(tips, state, &plan.main).await? else {
            return Ok(None);
        };
        Ok(Some(Observation::Counts(CommitCounts {
            commit: ships.clone(),
            production: forge.count(&plan.repo, base).await?,
            ships: forge.count(&plan.repo, ships).await?,
            main: forge.count(&plan.repo, &main).await?,
        })))
    }

    async fn image(&self, state: &Hotfix) -> Result<Option<Observation>, Failure> {
        let plan = &state.plan;
        let (Some(images), Some(commit)) = (self.outside.registries.get(&plan.service), state.deployable()) else {
            return Ok(None);
        };
        let version = state.snapshot.as_ref().and_then(|s| s.told.iter().find_map(|told| told.version.clone()));
        let facts =
            TagFacts { branch: plan.deployed_branch().unwrap_or(&plan.main).clone(), commit: commit.clone(), version };
        let made_at = self.forge(&plan.service)?.commit(&plan.repo, commit).await?.info.at;
        match discover(images.registry.as_ref(), &images.tags, &facts, Some(made_at)).await? {
            Discovery::Found { published, by } => {
                Ok(Some(Observation::Image { commit: commit.clone(), published, by }))
            }
            Discovery::NotYet { looked, passed_over } => {
                tracing::debug!(run = %state.id, ?looked, "no image yet");
                Ok(Some(Observation::ImagesPassedOver { commit: commit.clone(), why: passed_over }))
            }
        }
    }

    /// Finds the origin of each commit of the branch. A commit is checked even if main has its change, because main may
    /// contain changes that must not ship (SRE-4). Only for runs that pick from main.
    pub(super) async fn origins(
        &self,
        state: &Hotfix,
        commits: &[CommitInfo],
        tips: &Tips,
    ) -> Result<Origins, Failure> {
        let mut origins = Origins::default();
        let fixes: Vec<&CommitId> = state.fixes.iter().map(|fix| &fix.source).collect();
        for commit in commits.iter().filter(|_| state.plan.picks()) {
            match self.pick_of(state, &fixes, commit).await? {
                Some(source) => drop(origins.asked.insert(source.clone())),
                None => {
                    let withheld = self.is_on_main(state, commit, tips).await?;
                    origins.extra.push(ExtraCommit { commit: commit.id.clone(), withheld });
                }
            }
        }
        Ok(origins)
    }

    /// Returns the fix that a commit is a pick of: picking that fix onto the commit's parent gives the same tree.
    pub(super) async fn pick_of<'a>(
        &self,
        state: &Hotfix,
        fixes: &[&'a CommitId],
        commit: &CommitInfo,
    ) -> Result<Option<&'a CommitId>, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let [parent] = commit.parents.as_slice() else { return Ok(None) };
        for source in fixes.iter().copied() {
            if source == &commit.id {
                return Ok(Some(source));
            }
            let pick = Pick { onto: parent.clone(), source: source.clone(), at: state.opened_at, trace: false };
            if let Picked::Commit(made) = forge.pick(repo, &pick).await?
                && forge.size(repo, &made, &commit.id).await?.files == 0
            {
                return Ok(Some(source));
            }
        }
        Ok(None)
    }

    /// Returns `true` if main has, or had before a revert, the same change, as this commit or as an equal patch.
    async fn is_on_main(&self, state: &Hotfix, commit: &CommitInfo, tips: &Tips) -> Result<bool, Failure> {
        let plan = &state.plan;
        let Some(parent) = commit.parents.first() else { return Ok(false) };
        let Some(main) = self.tip_in(tips, state, &plan.main).await? else { return Ok(false) };
        let change = Change { base: parent.clone(), head: commit.id.clone() };
        Ok(match self.contained(&plan.service, &plan.repo, &change, &main).await? {
            Containment::Ancestor
            | Containment::Patch
            | Containment::Rewritten { .. }
            | Containment::Reverted { .. } => true,
            // Equal lines on main do not prove that this commit came from there: a fix that was adapted by hand can
            // look the same.
            Containment::Squash | Containment::Lines | Containment::Missing { .. } => false,
        })
    }
}
