//! A forge elsewhere, seen with git alone: one bare mirror for each repository, below one folder, made when it is first
//! asked for. Every forge that speaks git over HTTP has [`Refs`](crate::forge::Refs), [`History`](crate::forge::History)
//! and [`Files`](crate::forge::Files) by it.
//!
//! Where branches are is asked of the forge itself, each time: a mirror is behind as soon as it is made. Commits never
//! change, so questions about them are answered from the mirror, and what it lacks is fetched first. The content of files
//! comes only when it is needed (`blob:none`), so a mirror is small. It holds nothing of its own: it can be deleted at any
//! time, and is made again.
//!
//! The settings that let git fetch missing content travel with each call and are not written into the mirror, so that a
//! question about commits cannot start a download by accident. The authorization travels with them, bound to the one URL.

mod change;
mod fetch;
mod pin;
mod ports;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::Git;
use super::answers::Answers;
use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::forge::Signature;
use crate::forge::credentials::Credentials;
use crate::ids::Repo;
use fetch::Slot;
use pin::Pin;

/// The name by which the forge is known in each mirror.
const REMOTE: &str = "origin";

/// How git behaves towards the forge, whatever it is told by it.
const NETWORK: [(&str, &str); 12] = [
    // Whatever else git could speak runs programs or reads files of ours.
    ("protocol.allow", "never"),
    ("protocol.https.allow", "always"),
    ("protocol.http.allow", "always"),
    // A redirect would take the authorization, or the answer, somewhere else (security case 66).
    ("http.followRedirects", "false"),
    ("credential.helper", ""),
    ("core.askPass", ""),
    // Complete silence, for `silence`. Any more speed than that cannot be asked for: while a forge prepares an answer it
    // sends a few bytes every few seconds.
    ("http.lowSpeedLimit", "1"),
    ("transfer.fsckObjects", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
];

/// How to set up the mirrors.
#[derive(Clone)]
pub struct MirrorOptions {
    /// The folder for the mirrors; created when it is not there. One process uses it at a time.
    pub folder: PathBuf,
    /// Where the repositories are, such as `https://github.com`: `team/payments` is at `{base_url}/team/payments.git`.
    pub base_url: String,
    /// What may be reached besides the internet.
    pub reach: EgressPolicy,
    /// What may speak for the bot there.
    pub credentials: Arc<dyn Credentials>,
    /// Who commits what is made here.
    pub committer: Signature,
    /// How long one git process may take, the first fetch of a large repository included.
    pub time_limit: Duration,
    /// How long git may hear nothing from the forge before it gives up, in whole seconds.
    pub silence: Duration,
}

/// Mirrors of a forge's repositories.
pub struct Mirror {
    options: MirrorOptions,
    pin: Pin,
    slots: Mutex<HashMap<Repo, Arc<Slot>>>,
    answers: Arc<Answers>,
}

impl Mirror {
    /// Sets the mirrors up. Nothing is fetched yet.
    ///
    /// # Errors
    /// The folder cannot be made, or the URL is not one of a forge.
    pub fn open(mut options: MirrorOptions) -> Result<Self, Failure> {
        options.base_url.truncate(options.base_url.trim_end_matches('/').len());
        check_url(&options.base_url)?;
        let pin = Pin::new(&options.reach, &options.base_url)?;
        std::fs::create_dir_all(&options.folder).map_err(|error| {
            let place = options.folder.display();
            Failure::rejected(format!("cannot create {place}: {error}. The bot needs to own that folder."))
        })?;
        Ok(Self { options, pin, slots: Mutex::default(), answers: Arc::default() })
    }

    /// The URL of a repository, without any secret in it.
    fn url(&self, repo: &Repo) -> String {
        format!("{}/{repo}.git", self.options.base_url)
    }

    /// git on a mirror, able to reach the forge. The mirror need not be there yet.
    async fn git(&self, repo: &Repo) -> Result<Git, Failure> {
        let url = self.url(repo);
        let mut git = Git::at(self.place(repo))
            .committer(self.options.committer.clone())
            .time_limit(self.options.time_limit)
            .remembering(self.answers.clone())
            .config(format!("remote.{REMOTE}.url"), &url)
            .config("http.lowSpeedTime", self.options.silence.as_secs().max(1).to_string())
            .config(format!("remote.{REMOTE}.promisor"), "true")
            .config(format!("remote.{REMOTE}.partialCloneFilter"), "blob:none");
        for (key, value) in NETWORK {
            git = git.config(key, value);
        }
        if let Some(place) = self.pin.place().await? {
            git = git.config("http.curloptResolve", place);
        }
        let Some(secret) = self.options.credentials.authorization(repo).await? else {
            return Ok(git);
        };
        if secret.expose_secret().chars().any(char::is_control) {
            return Err(Failure::rejected(format!(
                "the credentials for {url} contain a line break or another control character. Write the token again, \
                 without one at its end."
            )));
        }
        Ok(git.config(format!("http.{url}.extraHeader"), format!("Authorization: {}", secret.expose_secret())))
    }

    /// A folder name from a repository's: `~` cannot be in one.
    fn place(&self, repo: &Repo) -> PathBuf {
        self.options.folder.join(format!("{}.git", repo.as_str().replace('/', "~")))
    }

    fn slot(&self, repo: &Repo) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(repo.clone()).or_default().clone()
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MirrorOptions { folder, base_url, .. } = &self.options;
        f.debug_struct("Mirror").field("folder", folder).field("base_url", base_url).finish_non_exhaustive()
    }
}

/// `https://host` or `http://host`, perhaps with a port and a path, and nothing that would mean more than a place.
fn check_url(url: &str) -> Result<(), Failure> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/' | '[' | ']' | '~');
    let fine = rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && rest.chars().all(plain)
    });
    if fine {
        return Ok(());
    }
    // Not shown: a password may be in it.
    Err(Failure::rejected(
        "the forge's base URL is not one like https://github.com. Give scheme, host and perhaps port and path; user names \
         and tokens belong to the credentials.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_secret_or_an_option_in_it_is_refused_and_not_shown() {
        for url in ["https://github.com", "http://127.0.0.1:8080", "https://[::1]:443", "https://host/sub/path"] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        let bad = [
            "https://user:sesame@host",
            "file:///sesame",
            "ext::sesame",
            "--sesame",
            "https://",
            "https://-sesame",
            "https://host/?t=sesame",
            "ssh://git@sesame",
        ];
        for url in bad {
            let failure = check_url(url).unwrap_err();
            assert!(!failure.reason().contains("sesame"), "{url}");
        }
    }
}
