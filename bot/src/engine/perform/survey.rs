//! Reads the world that a run starts from, all of it at once, so that all refusals can come together.

use std::collections::BTreeMap;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::Forge;
use hotfix_adapters::vocabulary::{BranchName, CommitId};

use crate::domain::command::Outcome;
use crate::domain::event::{Contribution, Survey};
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::{CapabilityKind, StepKind};
use crate::engine::Engine;
use crate::engine::facts::LISTED;
use crate::engine::outbox::Performed;

impl Engine {
    pub(super) async fn survey(&self, state: &Hotfix) -> Result<Performed, Failure> {
        let plan = &state.plan;
        let forge = self.forge(&plan.service)?.as_ref();
        let (running, last_success) = self.production(state).await?;
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
        let base = from.as_ref().or(running.as_ref()).or(last_success.as_ref());
        let (withheld, withheld_total) = self.withheld(state, base, main.as_ref()).await?;
        let main_checks = match &main {
            Some(main) => forge.checks(&plan.repo, main).await?,
            None => Vec::new(),
        };
        let survey = Survey {
            blockers: self.blockers(state).await?,
            branches: branches(forge, state).await?,
            capabilities: self.capabilities(state).await,
            running,
            last_success,
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

    /// What production runs, and the last deployment there that succeeded.
    async fn production(&self, state: &Hotfix) -> Result<(Option<CommitId>, Option<CommitId>), Failure> {
        let Some(production) = state.plan.production() else {
            return Ok((None, None));
        };
        let mechanism = self.mechanism(&state.plan.service, &production.name)?;
        let running = mechanism.running().await?.map(|running| running.commit);
        let last = mechanism.last_success().await?.map(|deployment| deployment.commit);
        Ok((running, last))
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
    let first = state.plan.branch.as_str().split('/').next().unwrap_or_default();
    match BranchName::parse(first) {
        Ok(first) => forge.branches(&state.plan.repo, &first).await,
        Err(_) => Ok(Vec::new()),
    }
}
