//! REST client for one external system with a JSON API, such as GitLab or Drone. It enforces timeouts, refuses
//! redirects (a token must not follow one, security case 66), limits the size of responses, never retries, and keeps
//! the token out of errors (security case 67). Called by the adapters of such systems.

mod cache;
mod classify;
pub(crate) mod client;
pub(crate) mod redact;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_NONE_MATCH, USER_AGENT};
use reqwest::{Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use self::cache::Cache;
use crate::egress::{Denied, EgressPolicy, denied};
use crate::failure::Failure;

/// The settings of a client.
pub(crate) struct RestOptions {
    /// Name of the system, for messages.
    pub(crate) name: &'static str,
    /// Base URL of the API.
    pub(crate) base: Url,
    /// Egress policy of the connections.
    pub(crate) reach: EgressPolicy,
    /// Token for the `Authorization` header; empty if none is sent.
    pub(crate) token: SecretString,
    /// Time limit for establishing a connection.
    pub(crate) connect_timeout: Duration,
    /// Time limit for a whole call.
    pub(crate) timeout: Duration,
    /// Maximum size of a response, in bytes.
    pub(crate) body_limit_bytes: usize,
}

/// A client for one system.
pub(crate) struct Rest {
    name: &'static str,
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    timeout: Duration,
    body_limit_bytes: usize,
    /// Authorization scheme, such as `Bearer`, and user agent.
    introduction: (&'static str, &'static str),
    calls: AtomicU64,
    cache: Mutex<Cache>,
}

/// A response with any status.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// Path of the request URL. It is removed from messages, because it may be as secret as a token.
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// The reason that there is no response.
enum SendError {
    /// The egress policy denies the address.
    Barred(Denied),
    /// The request was not sent, so it had no effect.
    NotSent(String),
    /// The request was sent, but its response was lost.
    Midway(String),
}

impl Rest {
    /// Creates the client. No request is sent yet: the bot must be able to start while a system is down.
    pub(crate) fn new(options: RestOptions) -> Result<Self, Failure> {
        let RestOptions { name, base, reach, token, connect_timeout, timeout, body_limit_bytes } = options;
        let tls = client::tls(base.scheme() == "https").map_err(|why| unbuilt(name, &why))?;
        let http = client::builder(tls, reach.guard(&base)?, connect_timeout, timeout);
        let http = http.build().map_err(|error| unbuilt(name, &describe_error(error)))?;
        let (calls, cache) = (AtomicU64::new(0), Mutex::default());
        let introduction = ("Bearer", "hotfix");
        Ok(Self { name, http, base, token, timeout, body_limit_bytes, introduction, calls, cache })
    }

    /// Replaces the authorization scheme and the user agent.
    pub(crate) fn introduced(self, scheme: &'static str, agent: &'static str) -> Self {
        Self { introduction: (scheme, agent), ..self }
    }

    /// Returns the number of requests so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Builds a URL below the base. Each segment is percent-encoded: `team/payments` becomes `team%2Fpayments`.
    pub(crate) fn at(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Reads and parses a JSON resource. `act` completes "could not …" in messages.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &Url, act: &str) -> Result<T, Failure> {
        let answer = self.get_raw(url, act).await?;
        self.parse(&answer, act)
    }

    /// Reads and parses a JSON resource; returns `None` on 404.
    pub(crate) async fn get_optional<T: DeserializeOwned>(&self, url: &Url, act: &str) -> Result<Option<T>, Failure> {
        let answer = self.ask(url, act).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.parse(&self.ensure_success(answer, act)?, act).map(Some)
    }

    /// Reads a resource without parsing it; fails unless the status is a success.
    pub(crate) async fn get_raw(&self, url: &Url, act: &str) -> Result<Response, Failure> {
        let answer = self.ask(url, act).await?;
        self.ensure_success(answer, act)
    }

    /// Sends a write request. An error status is returned as a response for the caller to interpret, except for
    /// redirects and errors of the token or the rate limit, which are failures. A lost response or a server error
    /// is [`Failure::Uncertain`].
    pub(crate) async fn write(
        &self,
        method: Method,
        url: &Url,
        body: Option<&serde_json::Value>,
        act: &str,
    ) -> Result<Response, Failure> {
        let answer = self.exchange(method, url, body, act).await?;
        if [401, 403, 429].contains(&answer.status.as_u16()) || answer.status.is_redirection() {
            return Err(self.refused(&answer, act));
        }
        Ok(answer)
    }

    /// Sends a write request, like [`Rest::write`], but returns redirects and all client errors except 408
    /// as responses.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        url: &Url,
        body: Option<&serde_json::Value>,
        act: &str,
    ) -> Result<Response, Failure> {
        let answer = self.send(method, url, body, None).await.map_err(|lost| match lost {
            SendError::Barred(barred) => barred.into(),
            SendError::NotSent(why) => Failure::retry(format!("{} could not be reached to {act}: {why}", self.name)),
            SendError::Midway(why) => Failure::uncertain(format!(
                "{} was asked to {act}, and its answer got lost ({why}): it may have happened",
                self.name
            )),
        })?;
        if answer.status.is_server_error() || answer.status == StatusCode::REQUEST_TIMEOUT {
            let (status, said) = (answer.status.as_u16(), self.said(&answer));
            let name = self.name;
            return Err(Failure::uncertain(format!(
                "{name} broke ({status}) when asked to {act}: {said}. It may have happened all the same"
            )));
        }
        Ok(answer)
    }

    /// Redacts the token in a text.
    pub(crate) fn redact(&self, text: &str) -> String {
        redact::without(text, &self.token)
    }

    /// Parses the JSON body of a response.
    pub(crate) fn parse<T: DeserializeOwned>(&self, answer: &Response, act: &str) -> Result<T, Failure> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            let (name, why) = (self.name, redact::unreadable(&error));
            Failure::retry(format!("{name}'s answer makes no sense (could not {act}): {why}. Is a proxy in between?"))
        })
    }

    /// Returns a successful response; turns any other into a failure.
    pub(crate) fn ensure_success(&self, answer: Response, act: &str) -> Result<Response, Failure> {
        if answer.status.is_success() { Ok(answer) } else { Err(self.refused(&answer, act)) }
    }

    /// Sends a GET request and returns the response with any status. Uses the `ETag` cache.
    pub(crate) async fn ask(&self, url: &Url, act: &str) -> Result<Response, Failure> {
        let known = self.cached(|cache| cache.tag(url));
        let answer = self.send(Method::GET, url, None, known).await.map_err(|lost| match lost {
            SendError::Barred(barred) => barred.into(),
            SendError::NotSent(why) => Failure::retry(format!("{} could not be reached to {act}: {why}", self.name)),
            SendError::Midway(why) => {
                Failure::retry(format!("{}'s answer got lost (could not {act}): {why}", self.name))
            }
        })?;
        if answer.status == StatusCode::NOT_MODIFIED {
            let kept = self.cached(|cache| cache.answer(url));
            return kept.ok_or_else(|| {
                Failure::retry(format!("{} says that nothing changed, and it was not asked that", self.name))
            });
        }
        self.cached(|cache| cache.keep(url, &answer));
        Ok(answer)
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Option<&serde_json::Value>,
        known: Option<HeaderValue>,
    ) -> Result<Response, SendError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut request = self.http.request(method, url.clone());
        if !self.token.expose_secret().is_empty() {
            let mut token =
                HeaderValue::from_str(&format!("{} {}", self.introduction.0, self.token.expose_secret()))
                    .map_err(|_| SendError::NotSent("the token has characters that no header can hold".to_owned()))?;
            token.set_sensitive(true);
            request = request.header(AUTHORIZATION, token);
        }
        request = request.header(ACCEPT, "application/json").header(USER_AGENT, self.introduction.1);
        if let Some(known) = known {
            request = request.header(IF_NONE_MATCH, known);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(|error| {
            if let Some(barred) = denied(&error) {
                return SendError::Barred(barred.clone());
            }
            let unsent = error.is_connect() || error.is_builder();
            if unsent { SendError::NotSent(describe_error(error)) } else { self.midway(error) }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.midway(error))? {
            if body.len() + chunk.len() > self.body_limit_bytes {
                return Err(SendError::Midway(format!("it is longer than {} bytes", self.body_limit_bytes)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { path: url.path().to_owned(), status, headers, body })
    }

    fn midway(&self, error: reqwest::Error) -> SendError {
        SendError::Midway(match client::is_silence(&error) {
            true => format!("it did not come within {} s", self.timeout.as_secs()),
            false => describe_error(error),
        })
    }

    fn cached<T>(&self, with: impl FnOnce(&mut Cache) -> T) -> T {
        with(&mut self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Parses the base URL of a system. Plain HTTP is allowed only for loopback (security case 65), because every request
/// contains the token.
pub(crate) fn base_url(name: &str, text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| Failure::rejected(format!("the address {text:?} of {name} {why}. Correct it."));
    let url = Url::parse(text).map_err(|error| wrong(&format!("does not parse: {error}")))?;
    let host = url.host_str().unwrap_or_default();
    let here = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::rejected(format!(
            "the address of {name} holds a user. Give the token as a secret instead."
        )));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds more than a place"));
    }
    match url.scheme() {
        "https" if !host.is_empty() => Ok(url),
        "http" if here => Ok(url),
        "http" => Err(wrong("would send the token in the clear: https is wanted")),
        _ => Err(wrong("is no https address")),
    }
}

fn unbuilt(name: &str, why: &str) -> Failure {
    Failure::rejected(format!(
        "the client for {name} cannot be made: {why}. Are the system's CA certificates installed?"
    ))
}

/// Formats an error with its causes, but without the URL, which may be secret.
fn describe_error(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut said = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said
}
