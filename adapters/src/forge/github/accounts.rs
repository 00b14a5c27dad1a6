//! Whose accounts stand behind commits: git knows addresses, which anybody can write; GitHub knows to whom they belong.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::model::{Compared, ComparedCommit, MaybeUser};
use super::refusal::Act;
use super::{GitHub, Route};
use crate::failure::Failure;
use crate::forge::hosted::{Accounts, CommitAccounts};
use crate::vocabulary::{CommitId, PersonRef, Platform, Repo};

#[async_trait]
impl Accounts for GitHub {
    /// A commit made on GitHub's pages is committed by GitHub's own account `web-flow`. Commits have to be pushed to be known.
    async fn accounts(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<BTreeMap<CommitId, CommitAccounts>, Failure> {
        let what = format!("compare {} with {} of {repo}", base.short(), head.short());
        // Unpaged it would stop at 250 commits and not say so.
        let route = Route::repo(repo)?.then("compare").then(format!("{base}...{head}"));
        let act = Act::new(&what, "the permission Contents: read");
        let found = self.client().all(repo, &route, &act, |page: Compared| page.commits).await?;
        let unread = |error| Failure::rejected(format!("could not {what}: {error}."));
        let entry = |commit: ComparedCommit| {
            let accounts = CommitAccounts { author: person(commit.author), committer: person(commit.committer) };
            CommitId::parse(&commit.sha).map(|id| (id, accounts)).map_err(unread)
        };
        found.into_iter().map(entry).collect()
    }
}

fn person(user: Option<MaybeUser>) -> Option<PersonRef> {
    user.and_then(|user| user.id).map(|id| PersonRef::new(Platform::Github, id.to_string()))
}
