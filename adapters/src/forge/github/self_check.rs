//! Self-check of the credentials for a repository. Changes nothing.

use serde::Deserialize;

use super::GitHub;
use super::refusal::Attempt;
use super::route::Route;
use crate::failure::Failure;
use crate::ids::Repo;

/// The repository as seen by the authenticated account.
#[derive(Deserialize)]
struct Standing {
    #[serde(default)]
    archived: bool,
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

impl GitHub {
    /// Checks that the credentials are valid and can read and write the repository. For an App, this mints a token
    /// with every permission that the bot uses, which fails if one is not granted; GitHub reveals no more about
    /// such a token.
    ///
    /// # Errors
    /// `Retry` if GitHub cannot be reached; `Rejected` if it refuses, if the repository is archived, or if the
    /// token cannot write.
    pub async fn examine(&self, repo: &Repo) -> Result<(), Failure> {
        let what = format!("look at {repo}");
        let act = Attempt::new(&what, "the permission Metadata: read");
        let standing: Standing = self.client.get(repo, &Route::repo(repo)?, &act).await?;
        if standing.archived {
            return Err(Failure::rejected(format!("{repo} is archived. Unarchive it, or take the service away.")));
        }
        let pushes = standing.permissions.is_none_or(|permissions| permissions.push);
        if pushes || self.client.is_app() {
            return Ok(());
        }
        Err(Failure::rejected(format!(
            "the token reads {repo} and may not write to it. Give it Contents and Pull requests: read and write."
        )))
    }
}
