//! Reads the world that a run starts from, all of it at once, so that all refusals can come together.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::cluster::RunningImage;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Change, Containment, Forge};
use hotfix_adapters::vocabulary::{BranchName, CommitId, Environment};

use crate::domain::command::Outcome;
use crate::domain::event::{Contribution, Survey, Told};
use crate::domain::hotfix::{BranchState, Hotfix};
use crate::domain::playbook::{CapabilityKind, StepKind};
use crate::engine::Engine;
use crate::engine::facts::LISTED;
use crate::engine::outbox::Performed;

impl Engine {
    pub(super) async fn survey(&self, state: &Hotfix) -> Result<Performed, Failure> {
        let plan = &state.plan;
        let forge = self.forge(&plan.service)?.as_ref();
        let (running, last_success) = self.production(state).await?;
        let told = self.told(state).await?;
        let main = forge.tip(&plan.repo, &plan.main).await?;
        let mut unknown = Vec::new();
        let from = match &state.asked.from {
            Some(words) => self.base_words(state, words, running.as_ref(), &mut unknown).await?,
            None => None,
        };
        let mut fixes = Vec::new();
        for words in &state.asked.fixes {
            match self.fix(&plan.service, &plan.repo, words).await? {
                Some(commits) => fixes.extend(commits),
                None => unknown.push(words.clone()),
            }
        }
        let told_base = told.iter().find_map(|told| told.commit.as_ref());
        let base = from.as_ref().or(running.as_ref()).or(last_success.as_ref()).or(told_base);
        let target = self.target(state, main.as_ref(), &mut unknown).await?;
        let leaving = match (base, &target) {
            (Some(base), Some(target)) => self.leaving(state, base, target).await?,
            (Some(_) | None, Some(_) | None) => None,
        };
        let (withheld, withheld_total) = self.withheld(state, base, main.as_ref()).await?;
        let main_checks = match &main {
            Some(main) => forge.checks(&plan.repo, main).await?,
            None => Vec::new(),
        };
        let survey = Survey {
            blockers: self.blockers(state).await?,
            branches: branches(forge, state).await?,
            capabilities: self.capabilities(state).await,
            used_branches: self.used_branches(state).await,
            running,
            last_success,
            told,
            target,
            leaving,
            from,
            main,
            withheld,
            withheld_total,
            main_checks,
            fixes,
            unknown,
        };
        Ok(Performed::came(Outcome::Surveyed(Box::new(survey))))
    }

    /// What the first production runs, and the last deployment there that succeeded.
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

    /// What clusters say of each production, and what the mechanisms say of those after the first (HOCS-3, HOCS-5).
    async fn told(&self, state: &Hotfix) -> Result<Vec<Told>, Failure> {
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
                    Some(Told { source, version: None, commit: Some(commit?), by_tag: false })
                }));
            }
        }
        Ok(told)
    }

    /// A version is the git tag of that name; an image of a commit is often tagged with its id (HOCS-6).
    async fn told_by_cluster(&self, state: &Hotfix, image: &RunningImage) -> Result<Told, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let source = format!("the cluster of {}", image.place);
        let mut told = Told { source, version: image.tag.clone(), commit: None, by_tag: false };
        let Some(tag) = &image.tag else { return Ok(told) };
        told.commit = resolve(forge.as_ref(), state, tag).await?;
        told.by_tag = told.commit.as_ref().is_some_and(|commit| !commit.as_str().starts_with(tag.as_str()));
        Ok(told)
    }

    /// What is promoted: what the requester named, or main as it is now (PROMO-6).
    async fn target(
        &self,
        state: &Hotfix,
        main: Option<&CommitId>,
        unknown: &mut Vec<String>,
    ) -> Result<Option<CommitId>, Failure> {
        if !state.plan.is_promotion() {
            return Ok(None);
        }
        let Some(words) = &state.asked.target else {
            return Ok(main.cloned());
        };
        let found = resolve(self.forge(&state.plan.service)?.as_ref(), state, words).await?;
        if found.is_none() {
            unknown.push(words.clone());
        }
        Ok(found)
    }

    /// Production runs something that the target has not behind it: whether the target has it all the same (a hotfix).
    async fn leaving(
        &self,
        state: &Hotfix,
        live: &CommitId,
        target: &CommitId,
    ) -> Result<Option<Containment>, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let apart = forge.between(repo, target, live, LISTED).await?;
        let Some(fork) = apart.commits.first().and_then(|first| first.parents.first()) else {
            return Ok((apart.total > 0).then(|| Containment::Missing { commits: vec![live.clone()] }));
        };
        // As a whole it is measured from where it left main: a squash is the patch of that.
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
                Containment::Ancestor | Containment::Patch | Containment::Squash => {}
                reverted @ Containment::Reverted { .. } => return Ok(Some(reverted)),
                Containment::Missing { .. } => missing.push(commit.id.clone()),
            }
        }
        Ok(Some(if missing.is_empty() { Containment::Patch } else { Containment::Missing { commits: missing } }))
    }

    /// The names of hotfix branches that other runs of this service used (HOCS-14).
    async fn used_branches(&self, state: &Hotfix) -> Vec<BranchName> {
        if state.plan.into == state.plan.main {
            return Vec::new();
        }
        let others = self.states().await.into_iter().filter(|other| other.id != state.id);
        let same = others.filter(|other| other.plan.service == state.plan.service && other.into != BranchState::Absent);
        same.map(|other| other.plan.into).collect()
    }

    /// `--from deployed@staging` means what runs there; anything else is a commit, a branch or a tag.
    async fn base_words(
        &self,
        state: &Hotfix,
        words: &str,
        in_production: Option<&CommitId>,
        unknown: &mut Vec<String>,
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
            None => resolve(self.forge(&state.plan.service)?.as_ref(), state, words).await?,
        };
        if found.is_none() {
            unknown.push(words.to_owned());
        }
        Ok(found)
    }

    async fn withheld(
        &self,
        state: &Hotfix,
        base: Option<&CommitId>,
        main: Option<&CommitId>,
    ) -> Result<(Vec<Contribution>, usize), Failure> {
        let (Some(base), Some(main)) = (base, main) else {
            return Ok((Vec::new(), 0));
        };
        let range = self.forge(&state.plan.service)?.between(&state.plan.repo, base, main, LISTED).await?;
        // A merge of a branch is no change beside the commits that it merges.
        let changes: Vec<_> = range
            .commits
            .iter()
            .filter(|commit| commit.parents.len() < 2)
            .map(|commit| self.contribution(commit))
            .collect();
        let total = changes.len() + range.total.saturating_sub(range.commits.len());
        // A main that differs by merges alone still differs.
        Ok((changes, total.max(usize::from(range.total > 0))))
    }

    async fn blockers(&self, state: &Hotfix) -> Result<Vec<String>, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let mut blockers = Vec::new();
        for label in &state.plan.release_blockers {
            let labelled = forge.labelled(&state.plan.repo, label).await?;
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

/// What a person's words for a commit mean. Words that the forge will not even look at mean nothing.
async fn resolve(forge: &dyn Forge, state: &Hotfix, words: &str) -> Result<Option<CommitId>, Failure> {
    match forge.resolve(&state.plan.repo, words).await {
        Err(Failure::Rejected { .. }) => Ok(None),
        answer => answer,
    }
}

/// The branches that could be in the way: `hotfix` and everything below it.
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
