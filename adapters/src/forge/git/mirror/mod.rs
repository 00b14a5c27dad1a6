//! Mirrors of a remote forge: one bare repository for each repository of the forge, below one folder, created on first
//! use. They implement [`Refs`](crate::forge::Refs), [`History`](crate::forge::History) and
//! [`Files`](crate::forge::Files) for every forge that serves git over HTTP.
//!
//! The heads of branches are always read from the forge, because a mirror is outdated as soon as it is fetched. Commits
//! never change, so queries about them are answered from the mirror, after fetching what it lacks. File content is
//! fetched only when needed (`blob:none`), so a mirror is small. A mirror holds no state of its own: it can be deleted
//! at any time and is created again.
//!
//! The settings that let git fetch missing content are passed with each call and not stored in the mirror, so that a
//! query about commits cannot start a download by accident. The authorization is passed in the same way, bound to
//! the one URL.

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

/// Name of the remote in each mirror.
const REMOTE: &str = "origin";

/// Network settings of git. The forge cannot override them.
const NETWORK: [(&str, &str); 12] = [
    // Other protocols run programs or read local files.
    ("protocol.allow", "never"),
    ("protocol.https.allow", "always"),
    ("protocol.http.allow", "always"),
    // A redirect would send the authorization, or the answer, somewhere else (security case 66).
    ("http.followRedirects", "false"),
    ("credential.helper", ""),
    ("core.askPass", ""),
    // Only complete silence counts, for `silence`. A higher minimum speed is not possible: while a forge prepares an
    // answer it sends a few bytes every few seconds.
    ("http.lowSpeedLimit", "1"),
    ("transfer.fsckObjects", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
];

/// Configuration of the mirrors.
#[derive(Clone)]
pub struct MirrorOptions {
    /// Folder of the mirrors; created if missing. Only one process may use it at a time.
    pub folder: PathBuf,
    /// Base URL of the forge, such as `https://github.com`: `team/payments` is at `{base_url}/team/payments.git`.
    pub base_url: String,
    /// Egress policy: addresses besides the public internet that may be reached.
    pub reach: EgressPolicy,
    /// Source of the bot's credentials on the forge.
    pub credentials: Arc<dyn Credentials>,
    /// Committer of the commits that are made in a mirror.
    pub committer: Signature,
    /// Time limit of one git process, including the first fetch of a large repository.
    pub time_limit: Duration,
    /// Duration of silence from the forge after which git gives up, rounded down to seconds, at least one.
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
    /// Creates the folder and checks the URL. Fetches nothing.
    ///
    /// # Errors
    /// `Rejected` if the folder cannot be created, or if the URL or its address is not acceptable.
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

    /// The URL of a repository, without any secret.
    fn url(&self, repo: &Repo) -> String {
        format!("{}/{repo}.git", self.options.base_url)
    }

    /// Returns a handle for a mirror that can reach the forge. The mirror may not exist yet.
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

    /// Derives the folder of a mirror from the repository name, which cannot contain `~`.
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

/// Accepts `https://host` or `http://host`, with an optional port and path, and nothing else: no credentials, no query.
fn check_url(url: &str) -> Result<(), Failure> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/' | '[' | ']' | '~');
    let fine = rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && rest.chars().all(plain)
    });
    if fine {
        return Ok(());
    }
    // The URL is not shown, because it may contain a password.
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
