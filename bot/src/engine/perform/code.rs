//! Acts on the code: branches, picks, pull requests, merges. The port makes each harmless to repeat.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{
    Change, Containment, Merge, MergeMethod, NewPullRequest, Pick, Picked, PullNumber, PullRequest,
};
use hotfix_adapters::vocabulary::{BranchName, CommitId, Platform};
use jiff::Timestamp;

use crate::domain::command::{Outcome, PickResult, Rebased};
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::Which;
use crate::engine::Engine;
use crate::engine::facts::LISTED;
use crate::engine::outbox::Performed;

/// A rebase of more commits than this is a person's work.
const REBASED_AT_MOST: usize = 100;

/// A fix is looked for among so many commits of main since the base.
const SOURCES_BEHIND: usize = 1_000;

impl Engine {
    pub(super) async fn create_branch(
        &self,
        state: &Hotfix,
        which: Which,
        at: &CommitId,
    ) -> Result<Performed, Failure> {
        let branch = state.plan.branch_named(which);
        self.forge(&state.plan.service)?.create(&state.plan.repo, branch, at).await?;
        Ok(Performed::came(Outcome::BranchCreated { which, at: at.clone() }))
    }

    pub(super) async fn pick(&self, state: &Hotfix, source: &CommitId, at: Timestamp) -> Result<Performed, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let plan = &state.plan;
        let tip = self.tip(state).await?;
        let picked =
            forge.pick(&plan.repo, &Pick { onto: tip.clone(), source: source.clone(), at, trace: true }).await?;
        let result = match picked {
            Picked::Commit(commit) => {
                self.move_branch(state, &tip, &commit).await?;
                let base = state.base.as_ref().unwrap_or(&tip);
                PickResult::Done { head: self.head_at(state, base, &commit).await?, commit }
            }
            // It may be there because this very pick was done before the bot was stopped: then the head tells it.
            Picked::AlreadyThere if state.head.as_ref().is_some_and(|head| head.tip != tip) => {
                let base = state.base.as_ref().unwrap_or(&tip);
                PickResult::Done { head: self.head_at(state, base, &tip).await?, commit: tip }
            }
            Picked::AlreadyThere => PickResult::AlreadyThere,
            Picked::Conflict { files } => PickResult::Conflict { files },
        };
        Ok(Performed::came(Outcome::Picked { source: source.clone(), result }))
    }

    /// Moves the branch. Somebody who pushed at the same moment is no reason to give up: it is done again on top.
    async fn move_branch(&self, state: &Hotfix, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        let forge = self.forge(&state.plan.service)?;
        match forge.advance(&state.plan.repo, &state.plan.branch, from, to).await {
            Err(Failure::Rejected { reason }) if self.tip(state).await? != *from => Err(Failure::retry(reason)),
            answer => answer,
        }
    }

    async fn tip(&self, state: &Hotfix) -> Result<CommitId, Failure> {
        let tip = self.forge(&state.plan.service)?.tip(&state.plan.repo, &state.plan.branch).await?;
        let gone =
            || Failure::rejected(format!("The branch {} is gone. Push it again and say `retry`.", state.plan.branch));
        tip.ok_or_else(gone)
    }

    /// Puts the commits since the old base on top of the new one. The same commits come out however often it is done.
    pub(super) async fn rebase(
        &self,
        state: &Hotfix,
        from: &CommitId,
        head: &CommitId,
        onto: &CommitId,
        at: Timestamp,
    ) -> Result<Performed, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let plan = &state.plan;
        let range = forge.between(&plan.repo, from, head, REBASED_AT_MOST).await?;
        if range.total > range.commits.len() {
            return Err(Failure::rejected(format!(
                "There are {} commits to rebase, which is a person's work. Rebase and push.",
                range.total
            )));
        }
        let mut tip = onto.clone();
        for commit in range.commits.iter().filter(|commit| commit.parents.len() < 2) {
            let pick = Pick { onto: tip.clone(), source: commit.id.clone(), at, trace: false };
            match forge.pick(&plan.repo, &pick).await? {
                Picked::Commit(made) => tip = made,
                Picked::AlreadyThere => {}
                Picked::Conflict { files } => return Ok(Performed::came(Outcome::Rebased(Rebased::Conflict(files)))),
            }
        }
        self.move_branch(state, head, &tip).await?;
        let seen = self.head_at(state, onto, &tip).await?;
        Ok(Performed::came(Outcome::Rebased(Rebased::Done(seen))))
    }

    pub(super) async fn open_pull(&self, state: &Hotfix) -> Result<Performed, Failure> {
        let pull = self.open_into(state, &state.plan.into).await?;
        let author = self.person(pull.author.as_ref());
        Ok(Performed::came(Outcome::PullOpened { number: pull.number, author, url: pull.url }))
    }

    /// The fix goes to main in a pull request of its own (HOCS-12).
    pub(super) async fn open_return(&self, state: &Hotfix) -> Result<Performed, Failure> {
        let pull = self.open_into(state, &state.plan.main).await?;
        Ok(Performed::came(Outcome::ReturnOpened { number: pull.number, url: pull.url }))
    }

    async fn open_into(&self, state: &Hotfix, base: &BranchName) -> Result<PullRequest, Failure> {
        let author = self.config.people.get(&state.requester).and_then(|person| person.account(Platform::Git)).cloned();
        let new = NewPullRequest {
            repo: state.plan.repo.clone(),
            head: state.plan.branch.clone(),
            base: base.clone(),
            title: crate::view::pull_title(state),
            body: crate::view::pull_body(state, &self.audience()),
            author,
        };
        self.forge(&state.plan.service)?.open(&new).await
    }

    pub(super) async fn merge(
        &self,
        state: &Hotfix,
        number: PullNumber,
        head: &CommitId,
        method: MergeMethod,
    ) -> Result<Performed, Failure> {
        let merge = Merge {
            expected_head: head.clone(),
            method,
            title: crate::view::merge_title(state),
            body: format!("Hotfix-Id: {}", state.id),
        };
        let forge = self.forge(&state.plan.service)?;
        let goes_into = forge.read(&state.plan.repo, number).await?.base;
        if goes_into != state.plan.into {
            return Err(Failure::rejected(format!(
                "It goes into {goes_into} now, and not into {} as approved. Let it go there again and say `retry`.",
                state.plan.into
            )));
        }
        let commit = forge.merge(&state.plan.repo, number, &merge).await?;
        Ok(Performed::came(Outcome::Merged { number, commit }))
    }

    /// Everything between what production runs and what will be released, less the fix itself.
    pub(super) async fn find_riders(&self, state: &Hotfix, to: &CommitId) -> Result<Performed, Failure> {
        let from = state.survey.as_ref().and_then(|survey| survey.running.as_ref().or(survey.last_success.as_ref()));
        let Some(from) = from else {
            return Ok(Performed::came(Outcome::Riders { riders: Vec::new(), total: 0 }));
        };
        let range = self.forge(&state.plan.service)?.between(&state.plan.repo, from, to, LISTED).await?;
        let own: Vec<&CommitId> =
            state.head.iter().flat_map(|head| &head.commits).map(|commit| &commit.commit).collect();
        let rides = |commit: &&hotfix_adapters::forge::CommitInfo| {
            !own.contains(&&commit.id) && &commit.id != to && commit.parents.len() < 2
        };
        let riders: Vec<_> = range.commits.iter().filter(rides).map(|commit| self.contribution(commit)).collect();
        let total = riders.len() + range.total.saturating_sub(range.commits.len());
        Ok(Performed::came(Outcome::Riders { riders, total }))
    }

    pub(super) async fn delete_branch(&self, state: &Hotfix, at: &CommitId) -> Result<Performed, Failure> {
        self.forge(&state.plan.service)?.delete(&state.plan.repo, &state.plan.branch, at).await?;
        Ok(Performed::came(Outcome::BranchDeleted))
    }

    /// Whether `tip` has the fix of this run.
    pub(in crate::engine) async fn has_fix(
        &self,
        state: &Hotfix,
        tip: &CommitId,
    ) -> Result<Option<Containment>, Failure> {
        let change = match (&state.base, &state.head, &state.target) {
            // What was promoted is what has to be there.
            (Some(base), _, Some(target)) => Change { base: base.clone(), head: target.clone() },
            (Some(base), Some(head), None) if head.total > 0 => Change { base: base.clone(), head: head.tip.clone() },
            (Some(_) | None, Some(_) | None, None) | (None, _, Some(_)) => return Ok(None),
        };
        let how = self.forge(&state.plan.service)?.containment(&state.plan.repo, &change, tip).await?;
        let apart = state.head.as_ref().is_some_and(|head| !head.origins.beyond.is_empty());
        let missing = matches!(how, Containment::Missing { .. });
        let how = if missing && state.plan.picks() && apart { self.has_sources(state, tip).await? } else { how };
        Ok(Some(how))
    }

    /// What a person adapted for production is no patch of main, and what mends the order of versions never goes there: the
    /// changes of main that were asked for stand for them (SRE-8, SRE-10, SRE-11).
    async fn has_sources(&self, state: &Hotfix, tip: &CommitId) -> Result<Containment, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let mut how = Containment::Missing { commits: Vec::new() };
        for fix in state.fixes.iter().filter(|fix| state.on_main.contains(&fix.source)) {
            let missing = || Containment::Missing { commits: vec![fix.source.clone()] };
            let base = match &state.base {
                Some(base) => forge.between(repo, base, &fix.source, SOURCES_BEHIND).await?,
                None => return Ok(missing()),
            };
            let source = base.commits.into_iter().find(|commit| commit.id == fix.source);
            let Some(parent) = source.and_then(|source| source.parents.into_iter().next()) else {
                return Ok(missing());
            };
            how = forge.containment(repo, &Change { base: parent, head: fix.source.clone() }, tip).await?;
            if !how.holds() {
                return Ok(how);
            }
        }
        let all = state.fixes.iter().all(|fix| state.on_main.contains(&fix.source));
        Ok(if all { how } else { Containment::Missing { commits: Vec::new() } })
    }
}
