//! Accounts behind commits: git records addresses that anyone can write, and GitHub knows the accounts that own them.

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
    /// The committer of a commit made in GitHub's web UI is GitHub's own account `web-flow`. Only pushed
    /// commits are known.
    async fn accounts(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<BTreeMap<CommitId, CommitAccounts>, Failure> {
        let what = format!("compare {} with {} of {repo}", base.short(), head.short());
        // Without paging, GitHub would silently stop at 250 commits.
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

    /// Reads GitHub's activity list of the branch. Only the newest 100 entries are read, because a hotfix branch has
    /// fewer. GitHub Enterprise Server has the list since version 3.9.
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

    /// Returns the owner of a token, or for an App the account `<slug>[bot]`.
    async fn own(&self, repo: &Repo) -> Result<Option<PersonRef>, Failure> {
        self.client().own(repo).await.map(|user| Some(user.person()))
    }

    /// Returns the addresses of `web-flow`, the committer of the web UI: that of github.com, and that of
    /// the configured host.
    fn pages(&self) -> BTreeSet<PersonRef> {
        let host = self.git_url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase));
        let hosts = ["github.com".to_owned()].into_iter().chain(host);
        hosts.map(|host| PersonRef::new(Platform::Git, format!("noreply@{host}"))).collect()
    }
}

fn person(user: Option<MaybeUser>) -> Option<PersonRef> {
    user.and_then(|user| user.id).map(|id| PersonRef::new(Platform::Github, id.to_string()))
}
