//! Attribution: finds the people behind commits. These are authors, committers and co-authors, and the people behind
//! the source of a fix, its pull requests and the pushes to them. An account that maps to no person is kept as an
//! unknown contributor (security cases 23, 93 and 94).

use std::collections::BTreeSet;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Bringing, CommitInfo, Forge, Introduced, Machines, Pick, Picked, Signature};
use hotfix_adapters::ids::{CommitId, PersonRef, Platform};
use jiff::{SignedDuration, Timestamp};

use super::Engine;
use super::branch_tips::Tips;
use super::facts::LISTED;
use crate::domain::attribution::{Attribution, handle};
use crate::domain::event::{Contribution, Contributor, HeadSeen};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;

/// Age limit of pushes: how long before the run, or before its oldest commit, pushes to a branch are considered.
const BRANCH_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Engine {
    /// Returns the contributor behind accounts or addresses; `None` if they are the bot's own.
    fn behind(&self, accounts: &[PersonRef], name: &str, machines: &Machines) -> Option<Contributor> {
        let known = accounts.iter().find_map(|account| self.person(Some(account)));
        if known.is_none() && accounts.iter().any(|account| machines.bot.contains(account)) {
            return None;
        }
        let bot = accounts.iter().find_map(|account| self.config.people.bot(account)).filter(|_| known.is_none());
        let unknown = accounts.first().filter(|_| known.is_none() && bot.is_none()).cloned();
        Some(Contributor { person: known, name: bot.unwrap_or(name).to_owned(), unknown })
    }

    fn signed(&self, signature: &Signature, machines: &Machines) -> Option<Contributor> {
        let accounts: Vec<PersonRef> = signature.account.iter().cloned().chain([address(signature)]).collect();
        self.behind(&accounts, &signature.name, machines)
    }

    /// Returns the contributor behind an account of the forge; `None` if it is the bot's own.
    pub(super) fn by_account(&self, account: &PersonRef, machines: &Machines) -> Option<Contributor> {
        self.behind(std::slice::from_ref(account), &handle(account), machines)
    }

    /// Returns the contributors that a commit names. The forge itself is left out as a committer: for an edit in its
    /// web pages it commits for the author.
    fn named(&self, commit: &CommitInfo, machines: &Machines) -> BTreeSet<Contributor> {
        let committer = Some(&commit.committer).filter(|committer| !machines.forge.contains(&address(committer)));
        let all = std::iter::once(&commit.author).chain(committer).chain(&commit.co_authors);
        all.filter_map(|signature| self.signed(signature, machines)).collect()
    }

    /// Returns a commit with the contributors behind it. A commit that names only the bot, and is no merge, gets an
    /// unknown contributor, because anybody can write the bot's address.
    pub(super) fn contribution(&self, commit: &CommitInfo, machines: &Machines) -> Contribution {
        let mut people = self.named(commit, machines);
        if people.is_empty() && commit.parents.len() < 2 {
            people.insert(nobody(commit));
        }
        let first = self.signed(&commit.author, machines);
        let rank = |who: &Contributor| Some(who) != first.as_ref();
        let mut people: Vec<Contributor> = people.into_iter().collect();
        people.sort_by_key(rank);
        let people = each_once(people);
        Contribution { commit: commit.id.clone(), subject: commit.subject.clone(), people }
    }

    /// Returns the contributors behind a fix, from its source (security case 93).
    pub(super) async fn attribution(&self, state: &Hotfix, source: &CommitId) -> Result<Attribution, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let machines = forge.machines(repo).await?;
        let Introduced { from, mut commits } = forge.introduced(repo, source).await?;
        let introduced = commits.len();
        let single = matches!(commits.as_slice(), [one] if &one.id == source && one.parents.len() < 2);
        let (mut people, mut pulls) = (BTreeSet::new(), Vec::new());
        for pull in bringing(forge.as_ref(), state, source).await? {
            pulls.push((pull.number, pull.title.clone()));
            people.extend(pull.author.as_ref().and_then(|author| self.by_account(author, &machines)));
            // The commits of a squash differ from those of its pull request, also below a merge, which is
            // how GitLab squashes.
            let is_there = commits.iter().any(|commit| commit.id == pull.head_commit);
            if let Some(from) = from.as_ref().filter(|_| pull.merged && !is_there) {
                let missing = commits_of(forge.as_ref(), state, (from, source), &pull, &mut commits).await?;
                people.extend(missing);
            }
            people.extend(self.pushers_of(state, &pull, &commits, &machines).await?);
        }
        people.extend(commits.iter().flat_map(|commit| self.named(commit, &machines)));
        if people.is_empty() {
            people.extend(commits.last().map(nobody));
        }
        // A squash commit repeats the commits of its pull request, so it is not counted.
        let squashed = commits.get(introduced..).filter(|added| !added.is_empty());
        let ids = squashed.unwrap_or(&commits).iter().map(|commit| &commit.id);
        let commits = ids.collect::<BTreeSet<_>>().len();
        Ok(Attribution { source: source.clone(), merge: !single, commits, pulls, people })
    }

    async fn pushers_of(
        &self,
        state: &Hotfix,
        pull: &Bringing,
        commits: &[CommitInfo],
        machines: &Machines,
    ) -> Result<Vec<Contributor>, Failure> {
        let Some(branch) = &pull.branch else { return Ok(Vec::new()) };
        let oldest = commits.iter().map(|commit| commit.at).chain([state.opened_at]).min().unwrap_or(state.opened_at);
        let forge = self.forge(&state.plan.service)?;
        let accounts = forge.pushers(&state.plan.repo, branch, before(oldest)).await?;
        Ok(accounts.iter().filter_map(|account| self.by_account(account, machines)).collect())
    }

    /// Reads the contents of the branch at `tip`.
    pub(super) async fn head_at(
        &self,
        state: &Hotfix,
        base: &CommitId,
        tip: &CommitId,
        tips: &Tips,
    ) -> Result<HeadSeen, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let range = forge.commits_between(repo, base, tip, usize::MAX).await?;
        let size = forge.size(repo, base, tip).await?;
        let on_base = self.is_on(state, base, tip).await?;
        let machines = forge.machines(repo).await?;
        let listed = range.commits.len().min(LISTED);
        let origins = self.origins(state, range.commits.get(..listed).unwrap_or_default(), tips).await?;
        let (mut commits, mut people) = (Vec::new(), BTreeSet::new());
        for commit in &range.commits {
            let mut contribution = self.contribution(commit, &machines);
            // A branch with more commits is not voted on.
            if range.commits.len() <= LISTED {
                match self.merge_picked(state, commit).await? {
                    Some(source) => contribution.people = self.of_pick(commit, source, &machines),
                    None => {
                        let several = |source| state.attributions.get(source).filter(|one| one.commits > 1);
                        let squashed = commit.picked_from.iter().filter_map(several).flat_map(|one| one.people.clone());
                        contribution.people = each_once(contribution.people.into_iter().chain(squashed));
                        people.extend(self.of_traces(state, commit).await?);
                    }
                }
            }
            people.extend(contribution.people.iter().cloned());
            commits.extend((commits.len() < LISTED).then_some(contribution));
        }
        let (pushers, strangers) = self.pushers(state).await?;
        people.extend(strangers);
        Ok(HeadSeen {
            tip: tip.clone(),
            commits,
            total: range.total,
            size,
            base: base.clone(),
            on_base,
            origins,
            people,
            pushers,
        })
    }

    /// Returns the merge among the fixes that a commit is exactly the pick of. The author of such a pick is the person
    /// who merged.
    async fn merge_picked<'a>(
        &self,
        state: &'a Hotfix,
        commit: &CommitInfo,
    ) -> Result<Option<&'a Attribution>, Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let [onto] = commit.parents.as_slice() else { return Ok(None) };
        let claimed = commit.picked_from.iter().filter_map(|source| state.attributions.get(source));
        for attribution in claimed.filter(|attribution| attribution.merge) {
            let source = attribution.source.clone();
            let pick = Pick { onto: onto.clone(), source, at: state.opened_at, trace: false };
            if let Picked::Commit(made) = forge.pick(repo, &pick).await?
                && forge.size(repo, &made, &commit.id).await?.files == 0
            {
                return Ok(Some(attribution));
            }
        }
        Ok(None)
    }

    /// Returns the contributors behind the pick of a merge: those behind the merge, and the committer of a pick
    /// made by hand.
    fn of_pick(&self, commit: &CommitInfo, source: &Attribution, machines: &Machines) -> Vec<Contributor> {
        let by_hand = self.signed(&commit.committer, machines);
        each_once(source.people.iter().cloned().chain(by_hand).collect::<BTreeSet<_>>())
    }

    /// Returns the contributors behind the commits that a commit names as its source, if those are no fixes
    /// of this run.
    async fn of_traces(&self, state: &Hotfix, commit: &CommitInfo) -> Result<BTreeSet<Contributor>, Failure> {
        let mut people = BTreeSet::new();
        for source in commit.picked_from.iter().filter(|source| !state.attributions.contains_key(*source)) {
            match self.attribution(state, source).await {
                Ok(attribution) => people.extend(attribution.people),
                // The trace may name a commit of another repository.
                Err(Failure::Rejected { reason }) => {
                    tracing::debug!(run = %state.id, %source, reason, "a traced commit cannot be read");
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(people)
    }

    /// Returns everybody who pushed to the branch, by the forge's current and earlier answers, and the unknown ones
    /// among them (security cases 23 and 94).
    pub(super) async fn pushers(&self, state: &Hotfix) -> Result<(BTreeSet<PersonId>, BTreeSet<Contributor>), Failure> {
        let (forge, repo) = (self.forge(&state.plan.service)?, &state.plan.repo);
        let accounts = forge.pushers(repo, &state.plan.branch, before(state.opened_at)).await?;
        let machines = forge.machines(repo).await?;
        let all = accounts.iter().filter_map(|account| self.by_account(account, &machines));
        let (strangers, known): (Vec<_>, Vec<_>) = all.partition(|who| who.unknown.is_some());
        let before = state.head.iter().flat_map(|head| head.pushers.iter().cloned());
        Ok((known.into_iter().filter_map(|who| who.person).chain(before).collect(), strangers.into_iter().collect()))
    }
}

/// Returns the pull requests of a commit; empty if the forge cannot tell them.
async fn bringing(forge: &dyn Forge, state: &Hotfix, source: &CommitId) -> Result<Vec<Bringing>, Failure> {
    match forge.bringing(&state.plan.repo, source).await {
        Err(Failure::Rejected { reason }) => {
            tracing::warn!(run = %state.id, %source, reason, "the forge does not tell the pull requests of a commit");
            Ok(Vec::new())
        }
        answer => answer,
    }
}

/// Adds the commits of the pull request behind a squash or a rebase. If they can no longer be read, returns an unknown
/// contributor for their authors.
async fn commits_of(
    forge: &dyn Forge,
    state: &Hotfix,
    (from, source): (&CommitId, &CommitId),
    pull: &Bringing,
    commits: &mut Vec<CommitInfo>,
) -> Result<Option<Contributor>, Failure> {
    match forge.commits_between(&state.plan.repo, from, &pull.head_commit, usize::MAX).await {
        Ok(range) if range.commits.iter().any(|commit| &commit.id == source) => Ok(None),
        Ok(range) => {
            commits.extend(range.commits);
            Ok(None)
        }
        Err(Failure::Rejected { reason }) => {
            let number = pull.number.0;
            tracing::warn!(run = %state.id, number, reason, "the commits of a merged pull request cannot be read");
            let unknown = Some(PersonRef::new(Platform::Git, format!("#{number}")));
            Ok(Some(Contributor { person: None, name: format!("the authors of pull request #{number}"), unknown }))
        }
        Err(failure) => Err(failure),
    }
}

/// Removes contributors that are the same person as an earlier one under another name.
fn each_once(people: impl IntoIterator<Item = Contributor>) -> Vec<Contributor> {
    let mut once: Vec<Contributor> = Vec::new();
    for who in people {
        let is_known = who.person.is_some() || who.unknown.is_some();
        let same = |other: &Contributor| {
            (&other.person, &other.unknown) == (&who.person, &who.unknown) && (is_known || other.name == who.name)
        };
        if !once.iter().any(same) {
            once.push(who);
        }
    }
    once
}

fn address(signature: &Signature) -> PersonRef {
    PersonRef::new(Platform::Git, signature.email.to_ascii_lowercase())
}

/// Returns the unknown contributor for a commit that names only the bot.
fn nobody(commit: &CommitInfo) -> Contributor {
    Contributor { person: None, name: commit.author.name.clone(), unknown: Some(address(&commit.author)) }
}

fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(BRANCH_AGE).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_of_two_names_is_one() {
        let ben =
            |name: &str| Contributor { person: Some("ben".parse().unwrap()), name: name.to_owned(), unknown: None };
        let stranger = |address: &str| Contributor {
            person: None,
            name: "Jo".to_owned(),
            unknown: Some(PersonRef::new(Platform::Git, address)),
        };
        let bot = |name: &str| Contributor { person: None, name: name.to_owned(), unknown: None };
        let all = [ben("Ben"), ben("ben@laptop"), stranger("a@x"), stranger("b@x"), bot("renovate"), bot("release")];
        let once = [ben("Ben"), stranger("a@x"), stranger("b@x"), bot("renovate"), bot("release")];
        assert_eq!(each_once(all), once);
    }
}
