//! Both halves of a hosted forge together: the API identifies the authors of commits.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::History;
use hotfix_adapters::forge::hosted::{Accounts, CommitAccounts, Hosted};
use hotfix_adapters::ids::{BranchName, CommitId, PersonRef, Platform, Repo};
use jiff::Timestamp;

use crate::support::Place;

struct Knows(Result<BTreeMap<CommitId, CommitAccounts>, Failure>);

#[async_trait]
impl Accounts for Knows {
    async fn accounts(
        &self,
        _: &Repo,
        _: &CommitId,
        _: &CommitId,
    ) -> Result<BTreeMap<CommitId, CommitAccounts>, Failure> {
        self.0.clone()
    }

    /// Returns every account that it knows.
    async fn pushers(&self, _: &Repo, _: &BranchName, _: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        self.0.clone().map(|all| all.into_values().filter_map(|accounts| accounts.author).collect())
    }
}

#[tokio::test]
async fn commits_name_the_accounts_that_the_forge_knows() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1")]);
    let one = place.commit("main", &[&base], &[("a", "2")]);
    let two = place.commit("main", &[&one], &[("a", "3")]);
    let [ada, web] = ["7", "19864447"].map(|id| Some(PersonRef::new(Platform::Github, id)));
    let known = BTreeMap::from([(one.clone(), CommitAccounts { author: ada.clone(), committer: web.clone() })]);
    let forge = Hosted::new(place.mirror.clone(), Knows(Ok(known)));
    let main = BranchName::parse("main").unwrap();
    assert_eq!(forge.pushers(&place.repo(), &main, Timestamp::UNIX_EPOCH).await, Ok(ada.iter().cloned().collect()));
    let range = forge.commits_between(&place.repo(), &base, &two, 10).await.unwrap();
    let found: Vec<_> =
        range.commits.iter().map(|info| (&info.id, &info.author.account, &info.committer.account)).collect();
    assert_eq!(found, [(&one, &ada, &web), (&two, &None, &None)]);
}

/// The authors of a change must be known before its approvers are judged.
#[tokio::test]
async fn a_forge_that_cannot_tell_now_is_asked_again_and_one_that_cannot_at_all_leaves_them_unknown() {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1")]);
    let one = place.commit("main", &[&base], &[("a", "2")]);
    let later = Hosted::new(place.mirror.clone(), Knows(Err(Failure::retry("busy"))));
    assert_eq!(later.commits_between(&place.repo(), &base, &one, 10).await, Err(Failure::retry("busy")));
    let main = BranchName::parse("main").unwrap();
    assert_eq!(later.pushers(&place.repo(), &main, Timestamp::UNIX_EPOCH).await, Err(Failure::retry("busy")));
    let never = Hosted::new(place.mirror.clone(), Knows(Err(Failure::rejected("no such API"))));
    let range = never.commits_between(&place.repo(), &base, &one, 10).await.unwrap();
    assert_eq!((range.total, &range.commits[0].author.account), (1, &None));
    assert_eq!(never.pushers(&place.repo(), &main, Timestamp::UNIX_EPOCH).await, Ok(vec![]));
}
