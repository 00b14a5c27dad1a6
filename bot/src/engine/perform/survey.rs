//! Takes the snapshot of a run: everything that the run reads at its start, in one pass, so that all refusals are
//! reported together.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::cluster::RunningImage;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Change, Containment, Forge};
use hotfix_adapters::ids::{BranchName, CommitId, Environment};

use crate::domain::command::EffectResult;
use crate::domain::event::{Contribution, LeftBranch, Snapshot, VersionReport};
use crate::domain::hotfix::{BranchState, Hotfix};
use crate::domain::playbook::{CapabilityKind, StepKind};
use crate::domain::refusal::Refusal;
use crate::domain::service::RequiredChecks;
use crate::engine::Engine;
use crate::engine::facts::LISTED;
use crate::engine::outbox::Performed;
use crate::engine::reference::in_order_of_main;

impl Engine {
    /// Returns the refusals for deployments whose file edits cannot be made, so that nobody votes on a promotion that
    /// must fail (PROMO-18). While the commit to deploy is unknown, all zeros stand for it.
    async fn edits_refused(&self, state: &Hotfix, target: Option<&CommitId>) -> Result<Vec<Refusal>, Failure> {
        let stand_in = CommitId::parse(&"0".repeat(40)).map_err(|error| Failure::rejected(error.to_string()))?;
        if state.plan.is_promotion() && target.is_none() {
            return Ok(Vec::new());
        }
        let mut refused = Vec::new();
        for spec in &state.plan.steps {
            let StepKind::Deploy { environment, .. } = &spec.kind else { continue };
            match self.edits_for(state, environment, target.unwrap_or(&stand_in)).await {
                Ok(_) => {}
                Err(Failure::Rejected { reason }) => {
                    let next = "Put the file or the settings of the promotion right, then start again.";
                    refused.push(Refusal::new("promotion.edits", reason, next).because_of("PROMO-18"));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(refused)
    }

    pub(super) async fn survey(&self, state: &Hotfix) -> Result<Performed, Failure> {
        let plan = &state.plan;
        let forge = self.forge(&plan.service)?.as_ref();
        let (running, last_success) = self.production(state).await?;
        let told = self.told(state).await?;
        let productions = self.productions(state).await?;
        let main = forge.tip(&plan.repo, &plan.main).await?;
        let mut unknown = Vec::new();
        let from = match &state.asked.from {
            Some(words) => self.base_words(state, words, running.as_ref(), &mut unknown).await?,
            None => None,
        };
        let mut named = Vec::new();
        for words in &state.asked.fixes {
            match self.fix(&plan.service, &plan.repo, words).await? {
                Ok(commits) => named.extend(commits),
                Err(refusal) => unknown.push(refusal),
            }
        }
        let told_base = told.iter().find_map(|told| told.commit.as_ref());
        let base = from.as_ref().or(running.as_ref()).or(last_success.as_ref()).or(told_base);
        let fixes = in_order_of_main(forge, &plan.repo, base.zip(main.as_ref()), named).await?;
        let target = self.target(state, main.as_ref(), &mut unknown).await?;
        unknown.extend(self.edits_refused(state, target.as_ref().filter(|target| Some(*target) != base)).await?);
        let leaving = match (base, &target) {
            (Some(base), Some(target)) => self.leaving(state, base, target).await?,
            (Some(_) | None, Some(_) | None) => None,
        };
        let without: BTreeSet<CommitId> =
            if plan.ships_main() { BTreeSet::new() } else { fixes.commits.iter().cloned().collect() };
        let (mut withheld, mut withheld_total) = self.withheld(state, base, main.as_ref(), &without).await?;
        // If production runs a commit that is not on main, some changes of main may be in production in another form.
        if let Some(base) = base.filter(|_| leaving.is_some()) {
            let listed = withheld.len();
            withheld = self.not_in(state, base, withheld).await?;
            withheld_total = withheld_total.saturating_sub(listed.saturating_sub(withheld.len()));
        }
        let main_checks = match &main {
            Some(main) => self.checks_of(state, main).await?,
            None => Vec::new(),
        };
        // A hotfix branch does not exist yet, so no checks are required of it.
        let required_contexts = match &main {
            Some(_) if plan.into == plan.main && plan.required_checks == RequiredChecks::Expected => {
                forge.required_checks(&plan.repo, &plan.main).await?
            }
            Some(_) | None => Vec::new(),
        };
        let branches = branches(forge, state).await?;
        let withheld_since = base.cloned();
        let survey = Snapshot {
            blockers: self.blockers(state).await?,
            left: self.left_branch(state, &branches).await,
            branches,
            capabilities: self.capabilities(state).await,
            used_branches: self.used_branches(state).await,
            running,
            last_success,
            told,
            productions,
            target,
            leaving,
            from,
            main,
            held_back_since: withheld_since,
            held_back_without: without,
            held_back: withheld,
            held_back_total: withheld_total,
            main_checks,
            required_contexts,
            fixes: fixes.commits,
            reordered: fixes.reordered,
            unknown,
        };
        Ok(Performed::came(EffectResult::SnapshotTaken(Box::new(survey))))
    }

    /// Reads the running commit of the first production, and the commit of its last successful deployment.
    async fn production(&self, state: &Hotfix) -> Result<(Option<CommitId>, Option<CommitId>), Failure> {
        match state.plan.productions().next() {
            Some(production) => self.by_mechanism(state, &production.name).await,
            None => Ok((None, None)),
        }
    }

    async fn by_mechanism(
        &self,
        state: &Hotfix,
        environment: &Environment,
    ) -> Result<(Option<CommitId>, Option<CommitId>), Failure> {
        let mechanism = self.mechanism(&state.plan.service, environment)?;
        let running = mechanism.running().await?.map(|running| running.commit);
        let last = mechanism.last_success().await?.map(|deployment| deployment.commit);
        Ok((running, last))
    }

    /// Reads the running commit of each production; empty if there is only one production (HOCS-3).
    async fn productions(&self, state: &Hotfix) -> Result<BTreeMap<Environment, CommitId>, Failure> {
        let mut runs = BTreeMap::new();
        if state.plan.productions().count() < 2 {
            return Ok(runs);
        }
        for production in state.plan.productions() {
            let mechanism = self.mechanism(&state.plan.service, &production.name)?;
            runs.extend(mechanism.running().await?.map(|running| (production.name.clone(), running.commit)));
        }
        Ok(runs)
    }

    /// Reads the evidence of the running commit: from the clusters of all productions, and from the mechanisms of all
    /// productions but the first (HOCS-3, HOCS-5).
    async fn told(&self, state: &Hotfix) -> Result<Vec<VersionReport>, Failure> {
        let mut told = Vec::new();
        for (place, production) in state.plan.productions().enumerate() {
            let name = &production.name;
            for cluster in self.outside.clusters.get(&(state.plan.service.clone(), name.clone())).into_iter().flatten()
            {
                for image in cluster.running().await? {
                    told.push(self.told_by_cluster(state, &image).await?);
                }
            }
            if place > 0 {
                let (running, last) = self.by_mechanism(state, name).await?;
                let said = [(running, format!("what {name} runs")), (last, format!("the last deployment to {name}"))];
                told.extend(said.into_iter().filter_map(|(commit, source)| {
                    Some(VersionReport { source, version: None, commit: Some(commit?), by_tag: false })
                }));
            }
        }
        Ok(told)
    }

    /// Resolves an image tag of a cluster to a commit. The tag may be a version, which is also a git tag, or a commit
    /// id (HOCS-6).
    pub(super) async fn told_by_cluster(&self, state: &Hotfix, image: &RunningImage) -> Result<VersionReport, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let source = format!("the cluster of {}", image.place);
        let mut told = VersionReport { source, version: image.tag.clone(), commit: None, by_tag: false };
        let Some(tag) = &image.tag else { return Ok(told) };
        told.commit = resolve(forge.as_ref(), state, tag).await?;
        told.by_tag = told.commit.as_ref().is_some_and(|commit| !commit.as_str().starts_with(tag.as_str()));
        Ok(told)
    }

    /// Resolves the commit to promote: the one that the requester named, or the tip of main (PROMO-6).
    async fn target(
        &self,
        state: &Hotfix,
        main: Option<&CommitId>,
        unknown: &mut Vec<Refusal>,
    ) -> Result<Option<CommitId>, Failure> {
        if !state.plan.is_promotion() {
            return Ok(None);
        }
        let Some(words) = &state.asked.target else {
            return Ok(main.cloned());
        };
        Ok(told(self.one_commit(&state.plan.service, &state.plan.repo, words).await?, unknown))
    }

    /// Compares the running commit with the promotion target, if the target does not descend from it. The result says
    /// if the target contains the running changes in another form, as it does for a hotfix that was picked.
    async fn leaving(
        &self,
        state: &Hotfix,
        live: &CommitId,
        target: &CommitId,
    ) -> Result<Option<Containment>, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let apart = forge.commits_between(repo, target, live, LISTED).await?;
        let Some(fork) = apart.commits.first().and_then(|first| first.parents.first()) else {
            return Ok((apart.total > 0).then(|| Containment::Missing { commits: vec![live.clone()] }));
        };
        // The running branch as a whole is compared from the point where it left main, because a squash equals that
        // whole patch.
        let change = Change { base: fork.clone(), head: live.clone() };
        let how = forge.containment(repo, &change, target).await?;
        if how.holds() || apart.total > apart.commits.len() {
            return Ok(Some(how));
        }
        let mut missing = Vec::new();
        for commit in apart.commits.iter().filter(|commit| commit.parents.len() < 2) {
            let base = commit.parents.first().unwrap_or(fork).clone();
            let one = Change { base, head: commit.id.clone() };
            match forge.containment(repo, &one, target).await? {
                Containment::Ancestor
                | Containment::Patch
                | Containment::Squash
                | Containment::Lines
                | Containment::Rewritten { .. } => {}
                reverted @ Containment::Reverted { .. } => return Ok(Some(reverted)),
                Containment::Missing { .. } => missing.push(commit.id.clone()),
            }
        }
        Ok(Some(if missing.is_empty() { Containment::Patch } else { Containment::Missing { commits: missing } }))
    }

    /// Finds the hotfix branch that an earlier run left under the same name; `None` if it was moved after that run.
    async fn left_branch(&self, state: &Hotfix, branches: &[(BranchName, CommitId)]) -> Option<LeftBranch> {
        let plan = &state.plan;
        let (_, at) = branches.iter().find(|(name, _)| *name == plan.branch && plan.branch != plan.main)?;
        let same = |other: &Hotfix| other.plan.repo == plan.repo && other.plan.branch == plan.branch;
        let left = |other: &Hotfix| {
            let ours = other.branch == BranchState::Present && other.head.as_ref().is_some_and(|head| &head.tip == at);
            other.is_over() && other.id != state.id && same(other) && ours
        };
        let run = self.states().await.into_iter().filter(left).max_by_key(|other| other.id)?;
        let aside = BranchName::parse(&format!("former-hotfix/{}", run.id.to_string().to_lowercase())).ok()?;
        let pull = run.pull.as_ref().filter(|pull| pull.merged.is_none()).map(|pull| pull.number);
        Some(LeftBranch { run: run.id, at: at.clone(), aside, pull })
    }

    /// Returns the hotfix branch names that other runs of this service used (HOCS-14).
    async fn used_branches(&self, state: &Hotfix) -> Vec<BranchName> {
        if state.plan.into == state.plan.main {
            return Vec::new();
        }
        let others = self.states().await.into_iter().filter(|other| other.id != state.id);
        let same = others.filter(|other| other.plan.service == state.plan.service && other.into != BranchState::Absent);
        same.map(|other| other.plan.into).collect()
    }

    /// Resolves the argument of `--from`: `deployed@staging` is the running commit of that environment, and anything
    /// else is a commit, branch or tag.
    async fn base_words(
        &self,
        state: &Hotfix,
        words: &str,
        in_production: Option<&CommitId>,
        unknown: &mut Vec<Refusal>,
    ) -> Result<Option<CommitId>, Failure> {
        let found = match words.strip_prefix("deployed@") {
            Some(name) => {
                let environment = state.plan.environments.iter().find(|e| e.name.as_str() == name);
                match environment {
                    Some(environment) if environment.production => in_production.cloned(),
                    Some(environment) => {
                        let mechanism = self.mechanism(&state.plan.service, &environment.name)?;
                        mechanism.running().await?.map(|running| running.commit)
                    }
                    None => None,
                }
            }
            None => return Ok(told(self.one_commit(&state.plan.service, &state.plan.repo, words).await?, unknown)),
        };
        if found.is_none() {
            let reason = format!("What {words} runs is not known.");
            unknown.push(Refusal::new("commit.unknown", reason, "Name a commit, a tag or a branch instead."));
        }
        Ok(found)
    }

    /// Returns the held-back changes: commits on main after the base, without the fixes and the commits that a merged
    /// fix contains. Also returns the total, because the list is limited.
    pub(in crate::engine) async fn withheld(
        &self,
        state: &Hotfix,
        base: Option<&CommitId>,
        main: Option<&CommitId>,
        without: &BTreeSet<CommitId>,
    ) -> Result<(Vec<Contribution>, usize), Failure> {
        let (Some(base), Some(main)) = (base, main) else {
            return Ok((Vec::new(), 0));
        };
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let range = forge.commits_between(repo, base, main, LISTED).await?;
        let machines = forge.machines(repo).await?;
        let mut ships: BTreeSet<CommitId> = without.clone();
        for merge in range.commits.iter().filter(|commit| without.contains(&commit.id) && commit.parents.len() > 1) {
            if let Some(first) = merge.parents.first() {
                let merged = forge.commits_between(repo, first, &merge.id, LISTED).await?;
                ships.extend(merged.commits.into_iter().map(|commit| commit.id));
            }
        }
        // A merge is not counted beside the commits that it merges: if all of them ship, it holds back nothing.
        let others = range.commits.iter().filter(|commit| commit.parents.len() < 2 && !ships.contains(&commit.id));
        let changes: Vec<_> = others.map(|commit| self.contribution(commit, &machines)).collect();
        let total = changes.len() + range.total.saturating_sub(range.commits.len());
        Ok((changes, total))
    }

    pub(in crate::engine) async fn blockers(&self, state: &Hotfix) -> Result<Vec<String>, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let mut blockers = Vec::new();
        for label in &state.plan.release_blockers {
            let labelled = forge.list_by_label(&state.plan.repo, label).await?;
            blockers.extend(labelled.iter().map(|item| format!("#{} carries {label}: {}", item.number.0, item.title)));
        }
        Ok(blockers)
    }

    async fn capabilities(&self, state: &Hotfix) -> BTreeMap<CapabilityKind, Option<String>> {
        let mut answers = BTreeMap::new();
        let asked = state.plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::Capability { .. }));
        for kind in CapabilityKind::ALL.into_iter().filter(|_| asked) {
            if let Some(probe) = self.outside.probes.get(&(state.plan.service.clone(), kind)) {
                answers.insert(kind, probe.missing().await);
            }
        }
        answers
    }
}

/// Takes the commit out of a lookup, and collects the refusal if the lookup failed.
fn told(found: Result<CommitId, Refusal>, unknown: &mut Vec<Refusal>) -> Option<CommitId> {
    found.map_err(|refusal| unknown.push(refusal)).ok()
}

/// Resolves a revision to a commit. A revision that the forge rejects resolves to nothing.
async fn resolve(forge: &dyn Forge, state: &Hotfix, words: &str) -> Result<Option<CommitId>, Failure> {
    match forge.resolve(&state.plan.repo, words).await {
        Err(Failure::Rejected { .. }) => Ok(None),
        answer => answer,
    }
}

/// Lists the branches that may conflict with the names of the run's branches: those below the same first path segment,
/// such as `hotfix`.
async fn branches(forge: &dyn Forge, state: &Hotfix) -> Result<Vec<(BranchName, CommitId)>, Failure> {
    let mut branches = Vec::new();
    let own = [&state.plan.branch, &state.plan.into].into_iter().filter(|branch| **branch != state.plan.main);
    let roots: BTreeSet<&str> = own.filter_map(|branch| branch.as_str().split('/').next()).collect();
    for root in roots {
        if let Ok(root) = BranchName::parse(root) {
            branches.extend(forge.branches(&state.plan.repo, &root).await?);
        }
    }
    Ok(branches)
}
