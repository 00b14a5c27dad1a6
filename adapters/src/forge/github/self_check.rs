//! Whether the token may do in a repository what a hotfix takes. Nothing is changed.

use serde::Deserialize;

use super::GitHub;
use super::refusal::Attempt;
use super::route::Route;
use crate::failure::Failure;
use crate::ids::Repo;

/// What a repository says of whoever asks.
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
    /// Whether the token is good, reads the repository and may write to it. Of an App a token is minted with every permission
    /// that is used, which fails when one is not granted; GitHub does not say what such a token may do beyond that.
    ///
    /// # Errors
    /// It does not answer, or the token may not.
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
