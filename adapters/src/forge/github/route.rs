//! Paths of the API. Every variable segment is percent-encoded: otherwise a branch `hotfix/a#1` would
//! silently become `hotfix/a`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::failure::Failure;
use crate::ids::Repo;

/// Characters that need no encoding anywhere (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Path and query of a call, relative to the API's base URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route(String);

impl Route {
    /// Builds the path `/repos/{owner}/{name}`.
    pub(crate) fn repo(repo: &Repo) -> Result<Self, Failure> {
        let (owner, name) = parts(repo)?;
        Ok(Self(String::new()).then("repos").then(owner).then(name))
    }

    /// Builds the path `/app/installations/{id}/access_tokens`.
    pub(super) fn tokens(installation: u64) -> Self {
        Self(format!("/app/installations/{installation}/access_tokens"))
    }

    /// Builds the path `/user`.
    pub(super) fn own_user() -> Self {
        Self("/user".to_owned())
    }

    /// Builds the path `/app`.
    pub(super) fn own_app() -> Self {
        Self("/app".to_owned())
    }

    /// Builds the path `/users/{login}`.
    pub(super) fn user(login: &str) -> Self {
        Self(String::new()).then("users").then(login)
    }

    /// Appends a path segment, percent-encoded.
    pub(crate) fn then(mut self, segment: impl ToString) -> Self {
        self.0.push('/');
        self.0.extend(utf8_percent_encode(&segment.to_string(), UNRESERVED));
        self
    }

    /// Appends a query parameter, percent-encoded.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.extend(utf8_percent_encode(&value.to_string(), UNRESERVED));
        self
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Splits a repository into owner and name. GitHub has no deeper namespaces.
pub(super) fn parts(repo: &Repo) -> Result<(&str, &str), Failure> {
    match repo.as_str().split_once('/') {
        Some((owner, name)) if !name.contains('/') => Ok((owner, name)),
        _ => Err(Failure::rejected(format!("{repo} is no repository of GitHub: one like owner/name is wanted."))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn what_is_not_ours_stays_in_its_segment() {
        let repo = Repo::parse("team/payments").unwrap();
        let route = Route::repo(&repo).unwrap().then("labels").then("a/b?#ü .").with("head", "o:x&y=1").with("n", 2);
        assert_eq!(route.as_str(), "/repos/team/payments/labels/a%2Fb%3F%23%C3%BC%20.?head=o%3Ax%26y%3D1&n=2");
        assert!(Route::repo(&Repo::parse("a/b/c").unwrap()).is_err());
        assert!(Route::repo(&Repo::parse("a").unwrap()).is_err());
    }
}
