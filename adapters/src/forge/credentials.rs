//! Credentials of the bot on a remote forge.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::failure::Failure;
use crate::ids::Repo;

/// A source of credentials for calls about one repository. A GitHub App mints a token for that repository alone; a
/// plain token is the same for all repositories (security case 80).
#[async_trait]
pub trait Credentials: Send + Sync {
    /// Returns the whole value of the `Authorization` header for git over HTTP, or `None` if the forge needs none.
    async fn authorization(&self, repo: &Repo) -> Result<Option<SecretString>, Failure>;
}
