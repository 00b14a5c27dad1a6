//! Accounts behind commits. GitLab's commits name addresses, not accounts, and GitLab does not report the owner of an
//! address. Only its private addresses contain the account id: `12345-ada@users.noreply.gitlab.com`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{GitLab, person, wire};
use crate::failure::Failure;
use crate::forge::hosted::{Accounts, CommitAccounts};
use crate::ids::{BranchName, CommitId, PersonRef, Repo};

#[async_trait]
impl Accounts for GitLab {
    /// Ignores addresses that are not GitLab's own, because anyone can write any address into a commit.
    async fn accounts(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<BTreeMap<CommitId, CommitAccounts>, Failure> {
        let range = format!("{base}..{head}");
        let url = self.at(repo, &["repository", "commits"], &[("ref_name", &range)]);
        let act = format!("list the commits between {} and {} of {repo}", base.short(), head.short());
        let commits: Vec<wire::Commit> = self.list(url, &act).await?;
        let host = self.url.host_str().unwrap_or_default();
        let accounts = |commit: &wire::Commit| CommitAccounts {
            author: account(&commit.author_email, host),
            committer: account(&commit.committer_email, host),
        };
        Ok(commits.into_iter().map(|commit| (commit.id.clone(), accounts(&commit))).collect())
    }

    /// Reads the project's push events, which GitLab filters by day and not by branch.
    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        let act = format!("read who pushed to {branch} of {repo}");
        // `after` excludes the day itself, so pass the day before.
        let after = since.checked_sub(SignedDuration::from_hours(24)).unwrap_or(since).strftime("%Y-%m-%d").to_string();
        let url = self.at(repo, &["events"], &[("action", "pushed"), ("after", &after), ("sort", "desc")]);
        let is_of_it =
            |push: &wire::PushData| push.ref_type == "branch" && push.name.as_deref() == Some(branch.as_str());
        let did = |event: &wire::Pushed| event.push_data.as_ref().filter(|push| is_of_it(push)).map(|push| push.action);
        let is_first = |event: &wire::Pushed| did(event) == Some(wire::Pushing::Created) || event.created_at < since;
        let mut pushers = Vec::new();
        for event in self.list_up_to(url, &act, is_first).await? {
            let who = person(event.author_id);
            if matches!(did(&event), Some(wire::Pushing::Created | wire::Pushing::Pushed))
                && event.created_at >= since
                && !pushers.contains(&who)
            {
                pushers.push(who);
            }
            if is_first(&event) {
                break;
            }
        }
        Ok(pushers)
    }

    async fn own(&self, _: &Repo) -> Result<Option<PersonRef>, Failure> {
        let own: wire::User = self.rest().get(&self.rest().at(&["user"], &[]), "ask which account the bot has").await?;
        Ok(Some(person(own.id)))
    }
}

fn account(address: &str, host: &str) -> Option<PersonRef> {
    let (local, domain) = address.rsplit_once('@')?;
    let (id, login) = local.split_once('-')?;
    let ours = domain.strip_prefix("users.noreply.").is_some_and(|domain| domain.eq_ignore_ascii_case(host));
    let plain = !login.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if ours && plain { id.parse().ok().map(person) } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn only_gitlabs_own_addresses_name_an_account() {
        assert_eq!(account("12345-ada@users.noreply.gitlab.com", "gitlab.com"), Some(person(12345)));
        assert_eq!(account("7-ada-l@users.noreply.git.Example.org", "git.example.org"), Some(person(7)));
        for address in [
            "ada@gitlab.com",
            "12345-ada@users.noreply.gitlab.com.evil.org",
            "12345-ada@users.noreply.example.org",
            "12345@users.noreply.gitlab.com",
            "x1-ada@users.noreply.gitlab.com",
            "+1-ada@users.noreply.gitlab.com",
            "",
        ] {
            assert_eq!(account(address, "gitlab.com"), None, "{address}");
        }
    }
}
