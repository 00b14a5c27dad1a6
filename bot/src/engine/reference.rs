//! Resolves references that users write. The forge is asked for everything that the text can mean; if it is ambiguous,
//! the command is refused.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Forge, PullNumber, PullRequest, PullState};
use hotfix_adapters::ids::{CommitId, Repo};

use super::Engine;
use super::facts::LISTED;
use crate::command::{Address, Reference};
use crate::config::{ForgeConfig, HostKind};
use crate::domain::command::Fixes;
use crate::domain::id::ServiceName;
use crate::domain::refusal::Refusal;

/// The commit or the pull request that a reference resolves to.
enum Resolved {
    Commit(CommitId),
    Pull(Box<PullRequest>),
}

/// No limit: the order of commits on main needs the whole range.
const WHOLE: usize = usize::MAX;

impl Engine {
    /// Resolves a fix to its commits: one commit, or those of a pull request.
    pub(super) async fn fix(
        &self,
        service: &ServiceName,
        repo: &Repo,
        text: &str,
    ) -> Result<Result<Vec<CommitId>, Refusal>, Failure> {
        let pull = match self.meant(service, repo, text).await? {
            Ok(Resolved::Commit(_)) if matches!(Reference::parse(text), Ok(Reference::Number(_))) => {
                return Ok(Err(unknown(text, repo)));
            }
            Ok(Resolved::Commit(commit)) => return Ok(Ok(vec![commit])),
            Ok(Resolved::Pull(pull)) => pull,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok(self.commits_of(service, repo, &pull).await?.ok_or_else(|| {
            let reason = format!("Pull request #{} has no commits that could be picked.", pull.number.0);
            Refusal::new("commit.unknown", reason, "Name its commits, or push them to its branch.")
        }))
    }

    /// Resolves a reference to one commit. A merged pull request resolves to its merge, an open or closed one
    /// to its head.
    pub(super) async fn one_commit(
        &self,
        service: &ServiceName,
        repo: &Repo,
        text: &str,
    ) -> Result<Result<CommitId, Refusal>, Failure> {
        Ok(self.meant(service, repo, text).await?.map(|meant| match meant {
            Resolved::Commit(commit) => commit,
            Resolved::Pull(pull) => match pull.state {
                PullState::Merged(commit) => commit,
                PullState::Open | PullState::Closed => pull.head_commit,
            },
        }))
    }

    async fn meant(
        &self,
        service: &ServiceName,
        repo: &Repo,
        text: &str,
    ) -> Result<Result<Resolved, Refusal>, Failure> {
        let Ok(reference) = Reference::parse(text) else {
            return Ok(Err(unknown(text, repo)));
        };
        if let Some(address) = reference.address()
            && !self.is_of(service, repo, address)
        {
            let reason = format!("{} is not in {repo}, where the code of {service} is.", address.url);
            return Ok(Err(Refusal::new("reference.elsewhere", reason, "Name a pull request or a commit of it.")));
        }
        let forge = self.forge(service)?.as_ref();
        let pull = match reference.pull() {
            Some(number) => self.there(service, repo, forge.read(repo, PullNumber(number)).await).await?.ok(),
            None => None,
        };
        let commit = match reference.words() {
            Some(words) => match self.there(service, repo, forge.resolve(repo, words).await).await? {
                Ok(commit) => commit,
                // The name is ambiguous on the forge, and the error lists the candidates.
                Err(reason) => return Ok(Err(ambiguous(reason, "Write the full id of the commit."))),
            },
            None => None,
        };
        Ok(match (pull, commit) {
            (Some(pull), Some(commit)) => Err(either(text, &pull, &commit)),
            (Some(pull), None) => Ok(Resolved::Pull(Box::new(pull))),
            (None, Some(commit)) => Ok(Resolved::Commit(commit)),
            (None, None) => Err(unknown(text, repo)),
        })
    }

    /// Converts a rejection of the forge into a refusal, unless the whole repository is unavailable.
    async fn there<T>(
        &self,
        service: &ServiceName,
        repo: &Repo,
        answer: Result<T, Failure>,
    ) -> Result<Result<T, String>, Failure> {
        match answer {
            Ok(found) => Ok(Ok(found)),
            Err(Failure::Rejected { reason }) if self.answers(service, repo).await => Ok(Err(reason)),
            Err(failure) => Err(failure),
        }
    }

    async fn answers(&self, service: &ServiceName, repo: &Repo) -> bool {
        let main = self.config.services.get(service).map(|configured| &configured.service.main);
        match (self.forge(service), main) {
            (Ok(forge), Some(main)) => forge.tip(repo, main).await.is_ok(),
            (Ok(_) | Err(_), _) => false,
        }
    }

    /// Returns `true` if a URL belongs to this repository on the forge of the service. The local forge has no URL, so
    /// its host is not checked.
    fn is_of(&self, service: &ServiceName, repo: &Repo, address: &Address) -> bool {
        let forge = self.config.services.get(service).map(|configured| &configured.forge);
        let web = match forge {
            Some(ForgeConfig::Named(name)) => self.config.forges.get(name).map(|host| match &host.kind {
                HostKind::GitHub { git_url, .. } => git_url,
                HostKind::GitLab { url, .. } => url,
            }),
            Some(ForgeConfig::Local) | None => None,
        };
        belongs(address, web.map(String::as_str), repo)
    }

    /// Returns the commits of a pull request: its merge, or the commits that an open one would bring. `None` if there
    /// are none or too many.
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
        let range = forge.commits_between(repo, &base, &pull.head_commit, LISTED).await?;
        let whole = range.total == range.commits.len() && range.total > 0;
        Ok(whole.then(|| range.commits.into_iter().map(|commit| commit.id).collect()))
    }

    /// Resolves the fixes that a user names to commits, in the order of main.
    pub(super) async fn commits(
        &self,
        service: &ServiceName,
        base: Option<&CommitId>,
        words: &[String],
    ) -> Result<Fixes, Vec<Refusal>> {
        let Some(configured) = self.config.services.get(service) else {
            let reason = format!("There is no service {service}.");
            return Err(vec![Refusal::new("service.unknown", reason, "See `help`.")]);
        };
        let (repo, main) = (&configured.service.repo, &configured.service.main);
        let mut commits = Vec::new();
        let mut refusals = Vec::new();
        for word in words {
            match self.fix(service, repo, word).await {
                Ok(Ok(found)) => commits.extend(found),
                Ok(Err(refusal)) => refusals.push(refusal),
                Err(failure) => refusals.push(failed(&failure)),
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let ordered = async {
            let forge = self.forge(service)?.as_ref();
            let main = forge.tip(repo, main).await?;
            in_order_of_main(forge, repo, base.zip(main.as_ref()), commits).await
        };
        ordered.await.map_err(|failure| vec![failed(&failure)])
    }

    /// Resolves a commit that a user names, such as the target of a rollback.
    pub(super) async fn commit_named(&self, service: &ServiceName, words: &str) -> Result<CommitId, Vec<Refusal>> {
        let Some(configured) = self.config.services.get(service) else {
            let reason = format!("There is no service {service}.");
            return Err(vec![Refusal::new("service.unknown", reason, "See `help`.")]);
        };
        match self.one_commit(service, &configured.service.repo, words).await {
            Ok(Ok(commit)) => Ok(commit),
            Ok(Err(refusal)) => Err(vec![refusal]),
            Err(failure) => Err(vec![failed(&failure)]),
        }
    }
}

/// Removes duplicates, and sorts the commits that main has after the base into the order of main. Commits that are not
/// on main follow in the given order.
pub(super) async fn in_order_of_main(
    forge: &dyn Forge,
    repo: &Repo,
    since: Option<(&CommitId, &CommitId)>,
    named: Vec<CommitId>,
) -> Result<Fixes, Failure> {
    let mut commits: Vec<CommitId> = Vec::new();
    for commit in named {
        if !commits.contains(&commit) {
            commits.push(commit);
        }
    }
    let Some((base, main)) = since.filter(|_| commits.len() > 1) else {
        return Ok(Fixes { commits, reordered: false });
    };
    let range = forge.commits_between(repo, base, main, WHOLE).await?;
    let place = |commit: &CommitId| range.commits.iter().position(|there| &there.id == commit).unwrap_or(WHOLE);
    let mut ordered = commits.clone();
    ordered.sort_by_key(place);
    let reordered = ordered != commits;
    Ok(Fixes { commits: ordered, reordered })
}

/// Returns `true` if a URL belongs to a repository on the forge whose base URL is `web`.
fn belongs(address: &Address, web: Option<&str>, repo: &Repo) -> bool {
    let (host, prefix) = web.and_then(|web| web.split_once("://")).map_or((None, ""), |(_, rest)| {
        rest.split_once('/').map_or((Some(rest), ""), |(host, path)| (Some(host), path))
    });
    let prefix = prefix.trim_matches('/');
    let wanted = if prefix.is_empty() { repo.as_str().to_owned() } else { format!("{prefix}/{repo}") };
    host.is_none_or(|host| host.eq_ignore_ascii_case(&address.host)) && wanted.eq_ignore_ascii_case(&address.repo)
}

fn unknown(text: &str, repo: &Repo) -> Refusal {
    let what = match Reference::parse(text) {
        Ok(Reference::Pull { number, .. }) => format!("There is no pull request #{number} in {repo}."),
        Ok(Reference::Number(number)) => format!("There is no pull request #{number} in {repo}."),
        Ok(Reference::Commit { id, .. }) => format!("There is no commit {id} in {repo}."),
        Ok(Reference::Name(name)) => format!("There is no branch or tag {name} in {repo}."),
        Err(_) => format!("{text:?} means nothing in {repo}."),
    };
    let next = "Name a pull request (#101) or a commit that is pushed, by 7 digits of its id or more.";
    Refusal::new("commit.unknown", what, next)
}

fn either(text: &str, pull: &PullRequest, commit: &CommitId) -> Refusal {
    let number = pull.number.0;
    let reason = format!("{text} can mean pull request #{number} ({}) or commit {}.", pull.title, commit.short());
    ambiguous(reason, &format!("Write #{number} for the pull request, or {commit} for the commit."))
}

fn ambiguous(reason: String, next: &str) -> Refusal {
    Refusal::new("reference.ambiguous", reason, next)
}

fn failed(failure: &Failure) -> Refusal {
    let reason = format!("The forge could not be asked: {failure}");
    Refusal::new("forge.failed", reason, "Try again in a moment.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_repository_or_forge_is_not_ours() {
        let repo = Repo::parse("team/payments").unwrap();
        let of = |url: &str| Reference::parse(url).unwrap().address().cloned().unwrap();
        let ours = of("https://github.com/Team/payments/pull/1");
        assert!(belongs(&ours, Some("https://github.com"), &repo));
        assert!(belongs(&ours, Some("https://github.com/"), &repo));
        assert!(belongs(&ours, None, &repo));
        assert!(!belongs(&ours, Some("https://ghe.example"), &repo));
        assert!(!belongs(&of("https://github.com/team/other/pull/1"), Some("https://github.com"), &repo));
        assert!(!belongs(&of("https://evil.example/team/other/commit/abc1234"), None, &repo));
        let below = of("https://example.org/gitlab/team/payments/-/merge_requests/3");
        assert!(belongs(&below, Some("https://example.org/gitlab"), &repo));
        assert!(!belongs(&below, Some("https://example.org"), &repo));
    }
}
