//! HTTP client for the GitHub API. A call is authorized, counted, bounded in time and size, never retried automatically
//! and never redirected.
//!
//! A failed read may be retried. A write without a clear answer is [`WriteOutcome::Unknown`]: the caller must read the
//! state before it reports a result.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use octocrab::Octocrab;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::cache::{Cache, CachedResponse};
use super::model::User;
use super::options::{GitHubOptions, GitHubOptionsError, base};
use super::refusal::{Attempt, refusal};
use super::route::Route;
use super::token::Tokens;
use crate::egress::denied;
use crate::failure::Failure;
use crate::ids::Repo;
use crate::rest::{client, redact};

/// Size in bytes of the largest response that is read; a page of compared commits with their patches stays
/// well below it.
const BODY_LIMIT: usize = 32 << 20;
/// Number of entries per page; GitHub's maximum.
const PAGE: usize = 100;
/// Maximum number of pages of a list. A longer list is an error, never a partial result.
const PAGES: usize = 100;

/// Number of API calls that were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// Calls that count against the rate limit.
    pub counted: u64,
    /// Calls answered with 304, which do not count against the rate limit.
    pub unchanged: u64,
}

/// A response of GitHub.
#[derive(Debug)]
pub(crate) struct GitHubResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The token of the request, to be redacted because GitHub may echo it.
    pub(super) token: SecretString,
}

impl GitHubResponse {
    /// Parses the body as JSON.
    pub(crate) fn read<T: DeserializeOwned>(&self, act: &Attempt<'_>) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let why = redact::unreadable(&error);
            Failure::retry(format!("could not {}: GitHub's answer cannot be read ({why}).", act.what))
        })
    }
}

/// The result of a write.
#[derive(Debug)]
pub(crate) enum WriteOutcome {
    /// GitHub accepted the write.
    Done(GitHubResponse),
    /// GitHub refused the write because of the current state: 400, 405, 409 or 422.
    Rejected {
        /// HTTP status code.
        status: u16,
        /// GitHub's error message, redacted.
        message: String,
    },
    /// The outcome is unknown; the text says how the answer was lost.
    Unknown(String),
}

pub(crate) struct Client {
    transport: Octocrab,
    tokens: Tokens,
    cache: Cache,
    timeout: Duration,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    counted: AtomicU64,
    unchanged: AtomicU64,
    /// One lock per repository, because GitHub asks for one write at a time (security case 56).
    writers: Mutex<BTreeMap<Repo, Arc<tokio::sync::Mutex<()>>>>,
}

impl Client {
    pub(super) fn new(options: GitHubOptions) -> Result<Self, GitHubOptionsError> {
        let address = base("api_url", &options.api_url)?;
        let broken = |error: &(dyn std::error::Error + 'static)| GitHubOptionsError::Transport(root(error));
        let url = Url::parse(&address).map_err(|error| broken(&error))?;
        let gate = options.reach.guard(&url);
        let gate =
            gate.map_err(|barred| GitHubOptionsError::Barred { option: "api_url", why: format!("{barred}.") })?;
        let tls = client::tls(url.scheme() == "https").map_err(GitHubOptionsError::Transport)?;
        let http = client::builder(tls, gate, options.connect_timeout, options.timeout);
        let http = http.build().map_err(|error| broken(&error))?;
        let builder = Octocrab::builder().base_uri(address).map_err(|error| broken(&error))?;
        let transport = builder.build_with_reqwest(http).map_err(|error| broken(&error))?;
        Ok(Self {
            transport,
            tokens: Tokens::new(options.auth, options.deploys)?,
            cache: Cache::default(),
            timeout: options.timeout,
            clock: options.clock,
            counted: AtomicU64::new(0),
            unchanged: AtomicU64::new(0),
            writers: Mutex::default(),
        })
    }

    pub(super) fn calls(&self) -> Calls {
        Calls { counted: self.counted.load(Ordering::Relaxed), unchanged: self.unchanged.load(Ordering::Relaxed) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) async fn token(&self, repo: &Repo) -> Result<SecretString, Failure> {
        self.tokens.of(self, repo).await
    }

    /// Reads the account that the bot acts as.
    pub(super) async fn own(&self, repo: &Repo) -> Result<User, Failure> {
        let act = Attempt::new("ask which account the bot has", "a valid token");
        let route = match self.tokens.login(self).await? {
            Some(login) => Route::user(&login),
            None => Route::own_user(),
        };
        self.get(repo, &route, &act).await
    }

    /// Returns `true` if the bot acts as an App, with minted tokens.
    pub(super) fn is_app(&self) -> bool {
        matches!(self.tokens, Tokens::App(_))
    }

    /// Reads a single resource.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        repo: &Repo,
        route: &Route,
        act: &Attempt<'_>,
    ) -> Result<T, Failure> {
        let page = self.page(repo, route, act).await?;
        self.keep(repo, route, page.fresh);
        Ok(page.value)
    }

    /// Reads a list to its last page. `take` extracts the entries of one page.
    pub(crate) async fn all<P: DeserializeOwned, T>(
        &self,
        repo: &Repo,
        route: &Route,
        act: &Attempt<'_>,
        take: fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, Failure> {
        let mut found = Vec::new();
        let route = route.clone().with("per_page", PAGE);
        for number in 1..=PAGES {
            let route = route.clone().with("page", number);
            let page = self.page(repo, &route, act).await?;
            let entries = take(page.value);
            // When a list grows beyond a full last page, that page stays the same. Only its `Link` header changes, and
            // a 304 hides that.
            if page.more || entries.len() < PAGE {
                self.keep(repo, &route, page.fresh);
            }
            found.extend(entries);
            if !page.more {
                return Ok(found);
            }
        }
        Err(Failure::rejected(format!("could not {}: there are more than {} entries.", act.what, PAGES * PAGE)))
    }

    /// Reads one page. The address of the next page is never taken from the response, because a token goes only to
    /// the configured address.
    async fn page<T: DeserializeOwned>(
        &self,
        repo: &Repo,
        route: &Route,
        act: &Attempt<'_>,
    ) -> Result<Page<T>, Failure> {
        let kept = self.cache.get(repo, route);
        let tag = kept.as_ref().map(|kept| kept.tag.clone());
        let call = GitHubCall { method: Method::GET, route, body: None, tag };
        let answer = self.authorised(repo, &call, act).await?;
        let answer = answer
            .map_err(|lost| Failure::retry(format!("could not {}: GitHub {lost}. It is asked again.", act.what)))?;
        if answer.status == StatusCode::NOT_MODIFIED
            && let Some(kept) = kept
        {
            return Ok(Page {
                value: GitHubResponse { body: kept.body, ..answer }.read(act)?,
                more: kept.more,
                fresh: None,
            });
        }
        if !answer.status.is_success() {
            return Err(refusal(act, &answer, self.now()).unwrap_or_else(|status| {
                Failure::retry(format!("could not {}: GitHub answered {status}. It is asked again.", act.what))
            }));
        }
        let value = answer.read(act)?;
        let more =
            answer.headers.get_all(LINK).iter().any(|link| link.to_str().is_ok_and(|l| l.contains("rel=\"next\"")));
        let tag = answer.headers.get(ETAG).cloned();
        Ok(Page { value, more, fresh: tag.map(|tag| CachedResponse { tag, body: answer.body, more }) })
    }

    fn keep(&self, repo: &Repo, route: &Route, fresh: Option<CachedResponse>) {
        if let Some(kept) = fresh {
            self.cache.put(repo, route, kept);
        }
    }

    /// Sends a write once.
    pub(crate) async fn write(
        &self,
        repo: &Repo,
        method: Method,
        route: &Route,
        body: Option<serde_json::Value>,
        act: &Attempt<'_>,
    ) -> Result<WriteOutcome, Failure> {
        let turn = self.writer(repo);
        let _turn = turn.lock().await;
        let call = GitHubCall { method, route, body, tag: None };
        let answer = match self.authorised(repo, &call, act).await? {
            Ok(answer) => answer,
            Err(lost) => return Ok(WriteOutcome::Unknown(format!("GitHub {lost}"))),
        };
        match answer.status.as_u16() {
            200..=299 => Ok(WriteOutcome::Done(answer)),
            status @ (400 | 405 | 409 | 422) => {
                Ok(WriteOutcome::Rejected { status, message: super::refusal::message(&answer) })
            }
            _ => match refusal(act, &answer, self.now()) {
                Ok(failure) => Err(failure),
                Err(status) => Ok(WriteOutcome::Unknown(format!("GitHub answered {status}"))),
            },
        }
    }

    fn writer(&self, repo: &Repo) -> Arc<tokio::sync::Mutex<()>> {
        match self.writers.lock() {
            Ok(mut writers) => writers.entry(repo.clone()).or_default().clone(),
            Err(_) => Arc::default(),
        }
    }

    /// Sends a call with the repository's token. If GitHub rejects a minted token, mints a new one and tries once more:
    /// 401 means that nothing was done.
    async fn authorised(
        &self,
        repo: &Repo,
        call: &GitHubCall<'_>,
        act: &Attempt<'_>,
    ) -> Result<Result<GitHubResponse, String>, Failure> {
        let token = self.token(repo).await?;
        let answer = self.exchange(call, &token, act).await?;
        let unknown = answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED);
        if !unknown || !self.tokens.forget(repo).await {
            return Ok(answer);
        }
        let token = self.token(repo).await?;
        self.exchange(call, &token, act).await
    }

    /// Sends a call as it is. The inner error says how the answer was lost.
    pub(super) async fn exchange(
        &self,
        call: &GitHubCall<'_>,
        token: &SecretString,
        act: &Attempt<'_>,
    ) -> Result<Result<GitHubResponse, String>, Failure> {
        let request =
            call.request(token).map_err(|error| Failure::rejected(format!("could not {}: {error}.", act.what)))?;
        let answer = match self.transport.execute(request).await {
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                let body = Limited::new(body, BODY_LIMIT).collect().await;
                let body = body.map_err(|error| self.lost("broke off in its answer", error.as_ref()));
                let (status, headers) = (parts.status, parts.headers);
                body.map(|body| GitHubResponse { status, headers, body: body.to_bytes(), token: token.clone() })
            }
            Err(error) => match denied(&error) {
                Some(barred) => return Err(Failure::from(barred.clone())),
                None => Err(self.lost("cannot be reached", &error)),
            },
        };
        let unchanged = answer.as_ref().is_ok_and(|answer: &GitHubResponse| answer.status == StatusCode::NOT_MODIFIED);
        let counter = if unchanged { &self.unchanged } else { &self.counted };
        counter.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(
            http.method = %call.method,
            http.path = call.route.as_str(),
            http.status = answer.as_ref().map(|answer| answer.status.as_u16()).unwrap_or_default(),
            "asked GitHub"
        );
        Ok(answer)
    }

    fn lost(&self, how: &str, error: &(dyn std::error::Error + 'static)) -> String {
        match client::is_silence(error) {
            true => format!("did not answer within {} s", self.timeout.as_secs()),
            false => format!("{how} ({})", root(error)),
        }
    }
}

/// One page of a list, or a single resource.
struct Page<T> {
    value: T,
    /// `true` if there is a next page.
    more: bool,
    /// The response to cache; `None` if it came from the cache or has no ETag.
    fresh: Option<CachedResponse>,
}

/// A request before it is authorized.
pub(super) struct GitHubCall<'a> {
    pub(super) method: Method,
    pub(super) route: &'a Route,
    pub(super) body: Option<serde_json::Value>,
    pub(super) tag: Option<HeaderValue>,
}

impl GitHubCall<'_> {
    fn request(&self, token: &SecretString) -> Result<Request<String>, http::Error> {
        let mut speaker = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))?;
        speaker.set_sensitive(true);
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.route.as_str())
            .header(AUTHORIZATION, speaker)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        if let Some(tag) = &self.tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        match &self.body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            None => request.body(String::new()),
        }
    }
}

/// Returns the message of the innermost cause; the outer ones only say that something failed.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().filter(|c| !c.is_control()).take(200).collect()
}
