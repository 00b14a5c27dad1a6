//! Whose accounts stand behind commits: git knows addresses, which anybody can write; GitHub knows to whom they belong.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use super::model::{Activity, Compared, ComparedCommit, MaybeUser};
use super::refusal::Attempt;
use super::{GitHub, Route};
use crate::failure::Failure;
use crate::forge::hosted::{Accounts, CommitAccounts};
use crate::ids::{BranchName, CommitId, PersonRef, Platform, Repo};

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
        let act = Attempt::new(&what, "the permission Contents: read");
        let found = self.client().all(repo, &route, &act, |page: Compared| page.commits).await?;
        let unread = |error| Failure::rejected(format!("could not {what}: {error}."));
        let entry = |commit: ComparedCommit| {
            let accounts = CommitAccounts { author: person(commit.author), committer: person(commit.committer) };
            CommitId::parse(&commit.sha).map(|id| (id, accounts)).map_err(unread)
        };
        found.into_iter().map(entry).collect()
    }

    /// GitHub keeps a list of what moved each branch. The newest hundred of a branch are looked at: a hotfix has fewer. GitHub
    /// Enterprise Server has the list since 3.9.
    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        let what = format!("read who pushed to {branch} of {repo}");
        let route = Route::repo(repo)?.then("activity").with("ref", format!("refs/heads/{branch}"));
        let act = Attempt::new(&what, "the permission Contents: read");
        let newest: Vec<Activity> = self.client().get(repo, &route.with("per_page", 100), &act).await?;
        let of_this_branch = newest.into_iter().take_while(|activity| activity.timestamp >= since);
        let mut pushers = Vec::new();
        for Activity { activity_type, actor, .. } in of_this_branch {
            let pushed = ["push", "force_push", "branch_creation"].contains(&activity_type.as_str());
            if let Some(who) = actor.filter(|_| pushed).map(|user| user.person())
                && !pushers.contains(&who)
            {
                pushers.push(who);
            }
            if activity_type == "branch_creation" {
                break;
            }
        }
        Ok(pushers)
    }

    /// A token speaks as its owner, an App as the account `<slug>[bot]`.
    async fn own(&self, repo: &Repo) -> Result<Option<PersonRef>, Failure> {
        self.client().own(repo).await.map(|user| Some(user.person()))
    }

    /// GitHub's pages commit as `web-flow`, at github.com under this address and elsewhere under one of that host.
    fn pages(&self) -> BTreeSet<PersonRef> {
        let host = self.git_url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase));
        let hosts = ["github.com".to_owned()].into_iter().chain(host);
        hosts.map(|host| PersonRef::new(Platform::Git, format!("noreply@{host}"))).collect()
    }
}

fn person(user: Option<MaybeUser>) -> Option<PersonRef> {
    user.and_then(|user| user.id).map(|id| PersonRef::new(Platform::Github, id.to_string()))
}
