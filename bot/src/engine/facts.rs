//! What the ports say, in the words of the domain: accounts become people, ranges become contributions.

use std::collections::BTreeSet;
use std::sync::Arc;

use hotfix_adapters::deploy::Deploy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Change, CommitInfo, Containment, Forge, PullRequest, Signature};
use hotfix_adapters::vocabulary::{CommitId, Environment, PersonRef, Platform};
use jiff::SignedDuration;

use super::Engine;
use crate::domain::event::{Contribution, Contributor, HeadSeen, PullSeen, ReviewSeen};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{PersonId, ServiceName};

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
}
