//! Performers for code: branches, picks, rebases, pull requests and merges. The forge port makes each call idempotent.

use std::sync::Arc;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{
    Change, Containment, Merge, MergeMethod, NewPullRequest, Pick, Picked, PullNumber, PullRequest, PullState,
};
use hotfix_adapters::ids::{BranchName, CommitId, Platform};
use jiff::Timestamp;

use crate::domain::command::{Command, EffectResult, Observation, PickResult, Rebased};
use crate::domain::event::{Contribution, PullSeen};
use crate::domain::hotfix::Hotfix;
use crate::domain::observation::StampedObservation;
use crate::domain::playbook::{BranchRole, HoldMeans, StepKind, StepSpec};
use crate::domain::step;
use crate::engine::Engine;
use crate::engine::branch_tips::Tips;
use crate::engine::facts::LISTED;
use crate::engine::mailbox::CommitExtras;
use crate::engine::outbox::Performed;

/// Maximum number of commits that the bot rebases; more are left to an engineer.
const REBASED_AT_MOST: usize = 100;

impl Engine {
    pub(super) async fn create_branch(
        &self,
        state: &Hotfix,
        which: BranchRole,
        at: &CommitId,
    ) -> Result<Performed, Failure> {
        let branch = state.plan.branch_named(which);
        if which == BranchRole::Fix {
            self.put_aside(state, at).await?;
        }
        self.forge(&state.plan.service)?.create(&state.plan.repo, branch, at).await?;
        Ok(Performed::came(EffectResult::BranchCreated { which, at: at.clone() }))
    }

    /// Moves the branch that an earlier run left to another name. Safe to repeat after a partial attempt.
    async fn put_aside(&self, state: &Hotfix, base: &CommitId) -> Result<(), Failure> {
        let (forge, repo, branch) = (self.forge(&state.plan.service)?, &state.plan.repo, &state.plan.branch);
        let Some(left) = state.snapshot.as_ref().and_then(|survey| survey.left.as_ref()) else { return Ok(()) };
        if &left.at == base || forge.tip(repo, branch).await?.as_ref() != Some(&left.at) {
            return Ok(());
        }
        if let Some(number) = left.pull
            && forge.read(repo, number).await?.state == PullState::Open
        {
            forge.close(repo, number).await?;
        }
        forge.create(repo, &left.aside, &left.at).await?;
        forge.delete(repo, branch, &left.at).await
    }

    /// Restores a deleted branch at its last known commit.
    pub(super) async fn restore_branch(&self, state: &Hotfix, at: &CommitId) -> Result<Performed, Failure> {
        self.forge(&state.plan.service)?.create(&state.plan.repo, &state.plan.branch, at).await?;
        Ok(Performed::came(EffectResult::BranchRestored { at: at.clone() }))
    }

    pub(super) async fn pick(&self, state: &Hotfix, source: &CommitId, at: Timestamp) -> Result<Performed, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let plan = &state.plan;
        let tips = &Tips::default();
        if let Some((by, why)) = self.reverted_on_main(state, source, tips).await? {
            let result = PickResult::Reverted { by, why };
            let by = self.attribution(state, source).await?;
            return Ok(Performed::came(EffectResult::Picked { source: source.clone(), result, by: Box::new(by) }));
        }
        let tip = self.tip(state, tips).await?;
        let by = self.attribution(state, source).await?;
        let mut state = state.clone();
        state.attributions.insert(source.clone(), by.clone());
        let state = &state;
        let picked =
            forge.pick(&plan.repo, &Pick { onto: tip.clone(), source: source.clone(), at, trace: true }).await?;
        let result = match picked {
            Picked::Commit(commit) => {
                self.move_branch(state, &tip, &commit).await?;
                let base = state.base.as_ref().unwrap_or(&tip);
                PickResult::Done { head: self.head_at(state, base, &commit, tips).await?, commit }
            }
            // An earlier attempt of this pick may have succeeded before a restart. The moved head shows that.
            Picked::AlreadyThere if state.head.as_ref().is_some_and(|head| head.tip != tip) => {
                let base = state.base.as_ref().unwrap_or(&tip);
                PickResult::Done { head: self.head_at(state, base, &tip, tips).await?, commit: tip }
            }
            Picked::AlreadyThere => PickResult::AlreadyThere,
            Picked::Empty => PickResult::Empty,
            Picked::Conflict { files } => PickResult::Conflict { files },
            Picked::Malformed(why) => return Err(by_hand(state, source, &why)),
        };
        Ok(Performed::came(EffectResult::Picked { source: source.clone(), by: Box::new(by), result }))
    }

    /// Rebuilds the branch without this fix. Commits below the fix stay as they are; later ones are picked again.
    pub(super) async fn unpick(&self, state: &Hotfix, source: &CommitId, at: Timestamp) -> Result<Performed, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let tips = &Tips::default();
        let head = self.tip(state, tips).await?;
        let base = state.base.as_ref().unwrap_or(&head);
        let range = forge.commits_between(repo, base, &head, REBASED_AT_MOST).await?;
        if range.total > range.commits.len() || range.commits.iter().any(|commit| commit.parents.len() > 1) {
            return Err(Failure::rejected(format!(
                "The branch {} has merges or more than {REBASED_AT_MOST} commits, so a person has to take the fix off it.",
                state.plan.branch
            )));
        }
        let mut tip = base.clone();
        for commit in &range.commits {
            if self.pick_of(state, &[source], commit).await?.is_some() {
                continue;
            }
            if commit.parents.contains(&tip) {
                tip = commit.id.clone();
                continue;
            }
            let pick = Pick { onto: tip.clone(), source: commit.id.clone(), at, trace: false };
            match forge.pick(repo, &pick).await? {
                Picked::Commit(made) => tip = made,
                Picked::AlreadyThere | Picked::Empty => {}
                Picked::Malformed(why) => return Err(by_hand(state, &commit.id, &why)),
                Picked::Conflict { files } => {
                    return Ok(Performed::came(EffectResult::Unpicked { source: source.clone(), result: Err(files) }));
                }
            }
        }
        if tip != head {
            self.move_branch(state, &head, &tip).await?;
        }
        let seen = self.head_at(state, base, &tip, tips).await?;
        Ok(Performed::came(EffectResult::Unpicked { source: source.clone(), result: Ok(seen) }))
    }

    /// Moves the branch. After a concurrent push, the effect is retried on top of that push.
    async fn move_branch(&self, state: &Hotfix, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        let forge = self.forge(&state.plan.service)?;
        match forge.advance(&state.plan.repo, &state.plan.branch, from, to).await {
            Err(Failure::Rejected { reason }) if self.tip(state, &Tips::default()).await? != *from => {
                Err(Failure::retry(reason))
            }
            answer => answer,
        }
    }

    async fn tip(&self, state: &Hotfix, tips: &Tips) -> Result<CommitId, Failure> {
        let tip = self.tip_in(tips, state, &state.plan.branch).await?;
        let gone =
            || Failure::rejected(format!("The branch {} is gone. Push it again and say `retry`.", state.plan.branch));
        tip.ok_or_else(gone)
    }

    /// Rebases the commits after the old base onto the new one. Deterministic: a repeated attempt produces
    /// the same commits.
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
        let range = forge.commits_between(&plan.repo, from, head, REBASED_AT_MOST).await?;
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
                Picked::AlreadyThere | Picked::Empty => {}
                Picked::Conflict { files } => {
                    return Ok(Performed::came(EffectResult::Rebased(Rebased::Conflict(files))));
                }
                Picked::Malformed(why) => return Err(by_hand(state, &commit.id, &why)),
            }
        }
        self.move_branch(state, head, &tip).await?;
        let seen = self.head_at(state, onto, &tip, &Tips::default()).await?;
        Ok(Performed::came(EffectResult::Rebased(Rebased::Done(seen))))
    }

    pub(super) async fn open_pull(&self, state: &Hotfix) -> Result<Performed, Failure> {
        let pull = self.open_into(state, &state.plan.into).await?;
        let machines = self.forge(&state.plan.service)?.machines(&state.plan.repo).await?;
        let author = pull.author.as_ref().and_then(|author| self.by_account(author, &machines));
        Ok(Performed::came(EffectResult::PullOpened { number: pull.number, author, url: pull.url }))
    }

    /// Opens the pull request that merges the fix back to main (HOCS-12).
    pub(super) async fn open_return(&self, state: &Hotfix) -> Result<Performed, Failure> {
        let pull = self.open_into(state, &state.plan.main).await?;
        Ok(Performed::came(EffectResult::ReturnOpened { number: pull.number, url: pull.url }))
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
        let now = forge.read(&state.plan.repo, number).await?;
        if !matches!(now.state, PullState::Merged(_))
            && let Some(performed) = self.may_merge(state, &now).await?
        {
            return Ok(performed);
        }
        let goes_into = now.base;
        if goes_into != state.plan.into {
            return Err(Failure::rejected(format!(
                "It goes into {goes_into} now, and not into {} as approved. Let it go there again and say `retry`.",
                state.plan.into
            )));
        }
        let commit = forge.merge(&state.plan.repo, number, &merge).await?;
        Ok(Performed::came(EffectResult::Merged { number, commit }))
    }

    /// Checks the facts that a merge depends on, right before it (security case 91). Returns a result if the merge must
    /// not happen in this turn: the step that became open again reports why, and the merge follows it.
    async fn may_merge(&self, state: &Hotfix, pull: &PullRequest) -> Result<Option<Performed>, Failure> {
        if !state.holds.is_empty() && state.plan.hold == HoldMeans::Pauses && state.live_at.is_none() {
            let who: Vec<&str> = state.holds.keys().map(|person| self.config.people.name(person)).collect();
            return Err(Failure::retry(format!("it is on hold by {}", who.join(" and "))));
        }
        let seen = self.pull_seen(state, pull).await?;
        if let Some(why) = held_back(&seen).filter(|_| state.live_at.is_some()) {
            return Err(Failure::rejected(format!("The pull request {why}. Put that right and say `retry`.")));
        }
        let main = if step::releases(state) { self.main_seen(state, &Tips::default()).await? } else { None };
        let of = Arc::new(state.clone());
        let sightings = [Some(Observation::Pull { seen, merged: None }), main.map(Observation::Main)];
        for sighting in sightings.into_iter().flatten() {
            let observation = StampedObservation::new(&of, sighting);
            let told = self.submit(state.id, &Command::Observed(observation), CommitExtras::default()).await;
            told.map_err(|error| Failure::retry(error.to_string()))?;
        }
        let gone = || Failure::rejected(format!("there is no run {}", state.id));
        let state = self.state(state.id).await.ok_or_else(gone)?;
        let merges = |spec: &StepSpec| matches!(spec.kind, StepKind::Merge { .. } | StepKind::Mainline { .. });
        let Some(turn) = state.plan.steps.iter().position(merges).filter(|_| state.live_at.is_none()) else {
            return Ok(None);
        };
        let against = step::in_the_way(&state, turn, self.now());
        if against.is_empty() {
            return Ok(None);
        }
        if state.is_current(|kind| matches!(kind, StepKind::Merge { .. } | StepKind::Mainline { .. })) {
            let why: Vec<String> = against.into_iter().map(|(step, why)| format!("{step}: {why}")).collect();
            return Err(Failure::retry(why.join("; ")));
        }
        Ok(Some(Performed::came(EffectResult::Nothing)))
    }

    /// Finds the included changes of a release: all changes between the running commit and `to`, without the fix. If
    /// production runs a commit that is not on main, changes that it has in another form are left out too. The tip of
    /// the range counts, unless it is the merge of the fix.
    pub(super) async fn find_riders(&self, state: &Hotfix, to: &CommitId) -> Result<Performed, Failure> {
        let from = state.snapshot.as_ref().and_then(|survey| survey.running.as_ref().or(survey.last_success.as_ref()));
        let Some(from) = from else {
            return Ok(Performed::came(EffectResult::IncludedChanges { riders: Vec::new(), total: 0 }));
        };
        let forge = self.forge(&state.plan.service)?;
        let range = forge.commits_between(&state.plan.repo, from, to, usize::MAX).await?;
        let machines = forge.machines(&state.plan.repo).await?;
        let own: Vec<&CommitId> =
            state.head.iter().flat_map(|head| &head.commits).map(|commit| &commit.commit).collect();
        let merged = state.pull.as_ref().and_then(|pull| pull.merged.as_ref());
        let rides = |commit: &&hotfix_adapters::forge::CommitInfo| {
            !own.contains(&&commit.id) && Some(&commit.id) != merged && commit.parents.len() < 2
        };
        let riders: Vec<_> =
            range.commits.iter().filter(rides).map(|commit| self.contribution(commit, &machines)).collect();
        let left_main = state.snapshot.as_ref().is_some_and(|survey| survey.leaving.is_some());
        let riders = if left_main && riders.len() <= LISTED { self.not_in(state, from, riders).await? } else { riders };
        let total = riders.len();
        Ok(Performed::came(EffectResult::IncludedChanges { riders, total }))
    }

    /// Returns the commits whose change `tip` does not have in any form. A change that was rewritten there
    /// counts as missing.
    pub(super) async fn not_in(
        &self,
        state: &Hotfix,
        tip: &CommitId,
        commits: Vec<Contribution>,
    ) -> Result<Vec<Contribution>, Failure> {
        let (service, repo) = (&state.plan.service, &state.plan.repo);
        let mut left = Vec::new();
        for one in commits {
            let parent = self.detail(service, repo, &one.commit).await?.info.parents.into_iter().next();
            let is_there = match parent {
                Some(base) => {
                    let change = Change { base, head: one.commit.clone() };
                    match self.contained(service, repo, &change, tip).await? {
                        Containment::Ancestor | Containment::Patch | Containment::Squash | Containment::Lines => true,
                        Containment::Rewritten { .. } | Containment::Reverted { .. } | Containment::Missing { .. } => {
                            false
                        }
                    }
                }
                None => false,
            };
            left.extend((!is_there).then_some(one));
        }
        Ok(left)
    }

    pub(super) async fn delete_branch(&self, state: &Hotfix, at: &CommitId) -> Result<Performed, Failure> {
        self.forge(&state.plan.service)?.delete(&state.plan.repo, &state.plan.branch, at).await?;
        Ok(Performed::came(EffectResult::BranchDeleted))
    }

    /// Checks if `tip` contains the fix of this run, or the promoted commit.
    pub(in crate::engine) async fn has_fix(
        &self,
        state: &Hotfix,
        tip: &CommitId,
    ) -> Result<Option<Containment>, Failure> {
        let change = match (&state.base, &state.head, &state.target) {
            // For a promotion, the promoted commit is what `tip` must contain.
            (Some(base), _, Some(target)) => Change { base: base.clone(), head: target.clone() },
            (Some(base), Some(head), None) if head.total > 0 => Change { base: base.clone(), head: head.tip.clone() },
            (Some(_) | None, Some(_) | None, None) | (None, _, Some(_)) => return Ok(None),
        };
        if state.target.is_some() {
            // A release that descends from the promoted commit contains it, even if some of its lines
            // were changed later.
            let itself = Change { base: change.head.clone(), head: change.head.clone() };
            let how = self.contained(&state.plan.service, &state.plan.repo, &itself, tip).await?;
            if how == Containment::Ancestor {
                return Ok(Some(how));
            }
        }
        let how = self.contained(&state.plan.service, &state.plan.repo, &change, tip).await?;
        let missing = matches!(how, Containment::Missing { .. });
        let how = if missing && state.plan.picks() { self.has_sources(state, tip).await? } else { how };
        Ok(Some(how))
    }

    /// Checks if `tip` contains the changes of main that were requested as fixes. They stand for the branch, because a
    /// commit adapted for production is no patch of main, a pick can differ from its source, and a commit that corrects
    /// the version order never goes to main (SRE-8, SRE-10, SRE-11).
    async fn has_sources(&self, state: &Hotfix, tip: &CommitId) -> Result<Containment, Failure> {
        let found = self.fixes_in(state, tip).await?;
        let asked = found.into_iter().filter(|(source, _)| state.on_main.contains(source));
        let mut how = Containment::Missing { commits: Vec::new() };
        for (_, found) in asked {
            if !found.holds() {
                return Ok(found);
            }
            how = found;
        }
        let all = state.fixes.iter().all(|fix| state.on_main.contains(&fix.source));
        Ok(if all { how } else { Containment::Missing { commits: Vec::new() } })
    }
}

/// Returns the mark on the pull request that blocks its merge: closed, draft or a hold label.
fn held_back(seen: &PullSeen) -> Option<String> {
    if seen.closed {
        return Some("is closed".to_owned());
    }
    if seen.draft {
        return Some("is a draft".to_owned());
    }
    (!seen.hold_labels.is_empty()).then(|| format!("carries {}", seen.hold_labels.join(" and ")))
}

/// Returns the refusal of a pick that git cannot commit. It tells the user how to make the commit under their own name.
fn by_hand(state: &Hotfix, source: &CommitId, why: &str) -> Failure {
    let branch = &state.plan.branch;
    Failure::rejected(format!(
        "git refuses to copy {} because it is malformed ({why}). Pick it by hand: `git fetch origin && git switch {branch}`, \
         `git cherry-pick --no-commit {source}`, `git commit --message \"Pick {}\"` and `git push origin {branch}`.",
        source.short(),
        source.short()
    ))
}
