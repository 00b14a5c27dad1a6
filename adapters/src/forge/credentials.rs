//! What may speak for the bot to a forge elsewhere.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::failure::Failure;
use crate::ids::Repo;

/// Hands out what authorises one repository's calls. A GitHub App mints a token for that repository alone; a plain token
/// is the same for all (security case 80).
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The whole value of the `Authorization` header for git over HTTP; `None` when none is needed.
    async fn authorization(&self, repo: &Repo) -> Result<Option<SecretString>, Failure>;
}
