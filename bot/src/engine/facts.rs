//! What the ports say, in the words of the domain: accounts become people, ranges become contributions.

use std::collections::BTreeSet;
use std::sync::Arc;

use hotfix_adapters::deploy::Deploy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Change, CommitInfo, Containment, Forge, PullNumber, PullRequest, PullState, Signature};
use hotfix_adapters::vocabulary::{CommitId, Environment, PersonRef, Platform, Repo};
use jiff::SignedDuration;

use super::Engine;
use crate::domain::event::{Contribution, Contributor, HeadSeen, PullSeen, ReviewSeen};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::refusal::Refusal;

/// How many commits are kept by name; how many there are is kept beside.
pub(super) const LISTED: usize = 50;

/// So much older than its run a branch can be that is asked who pushed to it: a run may begin from a branch that is there.
const BRANCH_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The name under which the bot itself commits; it is nobody whose vote could count.
const BOT: &str = "hotfix";

impl Engine {
    pub(super) fn forge(&self, service: &ServiceName) -> Result<&Arc<dyn Forge>, Failure> {
        let missing = || {
            Failure::rejected(format!("The service {service} is not configured any more. Put it back and say `retry`."))
        };
        self.outside.forges.get(service).ok_or_else(missing)
    }

    pub(super) fn mechanism(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<&Arc<dyn Deploy>, Failure> {
        let missing = || {
            Failure::rejected(format!(
                "{service} has no mechanism for {environment} any more. Put it back and say `retry`."
            ))
        };
        self.outside.deploys.get(&(service.clone(), environment.clone())).ok_or_else(missing)
    }

    pub(super) fn person(&self, account: Option<&PersonRef>) -> Option<PersonId> {
        self.config.people.behind(account?).map(|person| person.id.clone())
    }

    fn contributor(&self, signature: &Signature) -> Contributor {
        let by_mail = PersonRef::new(Platform::Git, signature.email.to_ascii_lowercase());
        let person = self.person(signature.account.as_ref()).or_else(|| self.person(Some(&by_mail)));
        Contributor { person, name: signature.name.clone() }
    }

    pub(super) fn contribution(&self, commit: &CommitInfo) -> Contribution {
        let mut people: Vec<Contributor> = Vec::new();
        let all = std::iter::once(&commit.author).chain([&commit.committer]).chain(&commit.co_authors);
        for contributor in all.filter(|signature| signature.name != BOT).map(|signature| self.contributor(signature)) {
            if !people.contains(&contributor) {
                people.push(contributor);
            }
        }
        Contribution { commit: commit.id.clone(), subject: commit.subject.clone(), people }
    }

    /// What is on the branch when it is at `tip`.
    pub(super) async fn head_at(&self, state: &Hotfix, base: &CommitId, tip: &CommitId) -> Result<HeadSeen, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let range = forge.between(&state.plan.repo, base, tip, LISTED).await?;
        let size = forge.size(&state.plan.repo, base, tip).await?;
        let on_base = base == tip || {
            let change = Change { base: base.clone(), head: base.clone() };
            forge.containment(&state.plan.repo, &change, tip).await? == Containment::Ancestor
        };
        let origins = self.origins(state, &range.commits).await?;
        let commits = range.commits.iter().map(|commit| self.contribution(commit)).collect();
        let pushers = self.pushers(state).await?;
        Ok(HeadSeen { tip: tip.clone(), commits, total: range.total, size, on_base, origins, pushers })
    }

    /// Everybody who pushed to the branch so far, as the forge tells and as it told (security case 23).
    pub(super) async fn pushers(&self, state: &Hotfix) -> Result<BTreeSet<PersonId>, Failure> {
        let since = state.opened_at.checked_sub(BRANCH_AGE).unwrap_or(state.opened_at);
        let accounts = self.forge(&state.plan.service)?.pushers(&state.plan.repo, &state.plan.branch, since).await?;
        let known = state.head.iter().flat_map(|head| head.pushers.iter().cloned());
        Ok(accounts.iter().filter_map(|account| self.person(Some(account))).chain(known).collect())
    }

    pub(super) async fn pull_seen(&self, state: &Hotfix, pull: &PullRequest) -> Result<PullSeen, Failure> {
        let forge = self.forge(&state.plan.service)?;
        let mut checks = forge.checks(&state.plan.repo, &pull.head_commit).await?;
        checks.sort_by(|a, b| (&a.name, &a.app).cmp(&(&b.name, &b.app)));
        let astray = Some(&pull.base).filter(|base| **base != state.plan.into).cloned();
        Ok(PullSeen { reviews: self.reviews_seen(pull), checked: Some(pull.head_commit.clone()), checks, astray })
    }

    /// The reviews of a pull request, oldest first, with the people behind the accounts.
    pub(super) fn reviews_seen(&self, pull: &PullRequest) -> Vec<ReviewSeen> {
        let reviews = pull.reviews.iter().map(|review| {
            let person = self.person(Some(&review.person));
            let name = person.as_ref().map_or(review.person.id.as_str(), |id| self.config.people.name(id)).to_owned();
            ReviewSeen { person, name, commit: review.commit.clone(), verdict: review.verdict }
        });
        reviews.collect()
    }

    /// What people call a fix: a commit, or the commits of a pull request. `None` when nothing answers to it.
    pub(super) async fn fix(
        &self,
        service: &ServiceName,
        repo: &Repo,
        word: &str,
    ) -> Result<Option<Vec<CommitId>>, Failure> {
        let forge = self.forge(service)?;
        let number = word.strip_prefix('#').and_then(|number| number.parse().ok()).map(PullNumber);
        let found = match number {
            None => forge.resolve(repo, word).await.map(|commit| commit.map(|commit| vec![commit])),
            Some(number) => match forge.read(repo, number).await {
                Ok(pull) => self.commits_of(service, repo, &pull).await,
                Err(failure) => Err(failure),
            },
        };
        match found {
            // Words that the forge will not even look at mean nothing; a repository that is gone is another matter.
            Err(Failure::Rejected { .. }) if self.answers(service, repo).await => Ok(None),
            answer => answer,
        }
    }

    async fn answers(&self, service: &ServiceName, repo: &Repo) -> bool {
        let main = self.config.services.get(service).map(|configured| &configured.service.main);
        match (self.forge(service), main) {
            (Ok(forge), Some(main)) => forge.tip(repo, main).await.is_ok(),
            (Ok(_) | Err(_), _) => false,
        }
    }

    /// A merged pull request is its merge; an open one is what it would bring.
    async fn commits_of(
        &self,
        service: &ServiceName,
        repo: &Repo,
        pull: &PullRequest,
    ) -> Result<Option<Vec<CommitId>>, Failure> {
        let forge = self.forge(service)?;
        if let PullState::Merged(commit) = &pull.state {
            return Ok(Some(vec![commit.clone()]));
        }
        let Some(base) = forge.tip(repo, &pull.base).await? else {
            return Ok(None);
        };
        let range = forge.between(repo, &base, &pull.head_commit, LISTED).await?;
        let whole = range.total == range.commits.len() && range.total > 0;
        Ok(whole.then(|| range.commits.into_iter().map(|commit| commit.id).collect()))
    }

    /// What people call commits, as commits.
    pub(super) async fn commits(&self, service: &ServiceName, words: &[String]) -> Result<Vec<CommitId>, Vec<Refusal>> {
        let Some(configured) = self.config.services.get(service) else {
            return Err(vec![Refusal::new(
                "service.unknown",
                format!("There is no service {service}."),
                "See `help`.",
            )]);
        };
        let mut commits = Vec::new();
        let mut refusals = Vec::new();
        for word in words {
            match self.fix(service, &configured.service.repo, word).await {
                Ok(Some(found)) => commits.extend(found),
                Ok(None) => refusals.push(Refusal::new(
                    "commit.unknown",
                    format!("The repository has nothing that {word:?} could mean."),
                    "Name a commit or a pull request that is pushed.",
                )),
                Err(failure) => {
                    let reason = format!("The forge could not be asked: {failure}");
                    refusals.push(Refusal::new("forge.failed", reason, "Try again in a moment."));
                }
            }
        }
        if refusals.is_empty() { Ok(commits) } else { Err(refusals) }
    }
}
