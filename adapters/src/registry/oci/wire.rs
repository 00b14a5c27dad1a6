//! HTTP access to one registry: limited in time and size, and with credentials for that registry only.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::super::reference::ImageName;
use super::options::{OciAuth, OciOptions, OciOptionsError, is_loopback};
use super::tls::tls;
use super::token::{Challenge, token};
use crate::egress::{EgressGuard, denied};
use crate::failure::Failure;
use crate::rest::client::builder;

/// Maximum size of a response. Registries limit manifests to 4 MB; configurations are much smaller.
const BODY_LIMIT: usize = 4 << 20;
/// Maximum number of redirects of a blob request: registries redirect to a store, which may redirect to a mirror.
const REDIRECTS: usize = 3;

/// A complete response.
pub(super) struct OciResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// The authentication that the registry demanded last.
#[derive(Clone)]
enum Pass {
    /// Basic authentication with name and password.
    Basic,
    /// A token issued by the token service.
    Token(SecretString),
}

/// Client for one repository.
pub(super) struct Wire {
    client: Client,
    gate: EgressGuard,
    base: Url,
    repository: String,
    auth: OciAuth,
    /// The authentication that worked last; `None` before the first challenge.
    pass: Mutex<Option<Pass>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Wire {
    pub(super) fn new(options: OciOptions) -> Result<Self, OciOptionsError> {
        let refuse = |why: String| OciOptionsError::Repository { given: options.repository.clone(), why };
        let name = ImageName::parse(&options.repository).map_err(refuse)?;
        if name.tag.is_some() || name.digest.is_some() {
            return Err(refuse("it has a tag or a digest".to_owned()));
        }
        let refuse_host = |_| refuse(format!("{} is no host", name.host));
        let https = Url::parse(&format!("https://{}/v2/", name.host)).map_err(|error| refuse(error.to_string()))?;
        let plain = options.plain_http || is_loopback(https.host_str().unwrap_or_default());
        let base = if plain { Url::parse(&format!("http://{}/v2/", name.host)).map_err(refuse_host)? } else { https };
        let gate = options.reach.guard(&base).map_err(|barred| refuse(barred.to_string()))?;
        let (tls, connect_timeout) =
            (tls(options.extra_ca.as_deref())?, options.time_limit.min(Duration::from_secs(5)));
        let client = builder(tls, gate.clone(), connect_timeout, options.time_limit)
            .https_only(!plain)
            .user_agent(concat!("hotfix/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| OciOptionsError::Certificates { why: root_cause(&error) })?;
        Ok(Self { client, gate, base, repository: name.repository, auth: options.auth, pass: Mutex::new(None) })
    }

    /// Reads a resource of the repository.
    pub(super) async fn get(&self, path: &[&str], accept: &str, what: &str) -> Result<OciResponse, Failure> {
        self.whole(self.ask(self.url(path)?, accept, what).await?, what).await
    }

    /// Reads a blob and follows redirects, because registries often store blobs elsewhere. Other origins get
    /// no credentials.
    pub(super) async fn get_blob(&self, path: &[&str], what: &str) -> Result<OciResponse, Failure> {
        let mut url = self.url(path)?;
        let mut response = self.ask(url.clone(), "*/*", what).await?;
        for _ in 0..REDIRECTS {
            let Some(next) = self.elsewhere(&url, response.status(), response.headers(), what)? else { break };
            let request = self.client.get(next.clone());
            let request = if next.origin() == self.base.origin() { self.signed(request) } else { request };
            response = request.send().await.map_err(|error| self.unreachable(next.host_str(), &error, what))?;
            url = next;
        }
        self.whole(response, what).await
    }

    /// Requests the list of tags without reading the body, which may contain thousands.
    pub(super) async fn ask_for_tags(&self, what: &str) -> Result<OciResponse, Failure> {
        let mut url = self.url(&["tags", "list"])?;
        url.set_query(Some("n=1"));
        let response = self.ask(url, "application/json", what).await?;
        Ok(OciResponse { status: response.status(), headers: response.headers().clone(), body: Vec::new() })
    }

    /// Sends a GET request with the last known authentication. On a 401, obtains the demanded one and retries once.
    async fn ask(&self, url: Url, accept: &str, what: &str) -> Result<Response, Failure> {
        let send = async || {
            let request = self.signed(self.client.get(url.clone()).header(ACCEPT, accept));
            request.send().await.map_err(|error| self.unreachable(None, &error, what))
        };
        let response = send().await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match self.pass_for(response.headers()).await? {
            Some(pass) => *self.pass.lock().unwrap_or_else(PoisonError::into_inner) = Some(pass),
            None => return Ok(response),
        }
        send().await
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        let pass = self.pass.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (&self.auth, pass) {
            (OciAuth::Bearer(token), _) => request.bearer_auth(token.expose_secret()),
            (_, Some(Pass::Token(token))) => request.bearer_auth(token.expose_secret()),
            (OciAuth::Basic { user, password }, Some(Pass::Basic)) => {
                request.basic_auth(user, Some(password.expose_secret()))
            }
            (OciAuth::Basic { .. } | OciAuth::Anonymous, _) => request,
        }
    }

    /// Obtains the authentication for a challenge; returns `None` if there are no suitable credentials.
    async fn pass_for(&self, headers: &HeaderMap) -> Result<Option<Pass>, Failure> {
        match (Challenge::read(headers), &self.auth) {
            (None, _) | (_, OciAuth::Bearer(_)) | (Some(Challenge::Basic), OciAuth::Anonymous) => Ok(None),
            (Some(Challenge::Basic), OciAuth::Basic { .. }) => Ok(Some(Pass::Basic)),
            (Some(Challenge::Bearer { realm, service }), _) => {
                Ok(Some(Pass::Token(self.fetch_token(&realm, service).await?)))
            }
        }
    }

    async fn fetch_token(&self, realm: &str, service: Option<String>) -> Result<SecretString, Failure> {
        let host = self.host();
        let what = format!("a token for {}", self.repository);
        let url = Url::parse(realm).ok().filter(|url| url.scheme() == "https" || url.scheme() == self.base.scheme());
        let Some(mut url) = url else {
            return Err(Failure::rejected(format!(
                "the registry {host} names a token service without TLS, which gets no password from us. Correct the \
                 registry's configuration."
            )));
        };
        self.gate.check(&url)?;
        url.query_pairs_mut().append_pair("scope", &format!("repository:{}:pull", self.repository));
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", &service);
        }
        let place = url.host_str().unwrap_or_default().to_owned();
        let request = match &self.auth {
            OciAuth::Basic { user, password } => self.client.get(url).basic_auth(user, Some(password.expose_secret())),
            OciAuth::Anonymous | OciAuth::Bearer(_) => self.client.get(url),
        };
        let response = request.send().await.map_err(|error| self.unreachable(Some(&place), &error, &what))?;
        let answer = self.whole(response, &what).await?;
        if answer.status != StatusCode::OK {
            return Err(self.failed(&answer, &what));
        }
        token(&answer.body).ok_or_else(|| {
            Failure::rejected(format!("the token service of {host}, {place}, gave an answer without a token in it"))
        })
    }

    async fn whole(&self, mut response: Response, what: &str) -> Result<OciResponse, Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(None, &error, what))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(Failure::rejected(format!(
                    "the answer of the registry {} about {what} is larger than {BODY_LIMIT} bytes, which no image needs",
                    self.host()
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(OciResponse { status, headers, body })
    }

    /// Turns an error response into a failure, with advice for the operator.
    pub(super) fn failed(&self, answer: &OciResponse, what: &str) -> Failure {
        let (host, status) = (self.host(), answer.status.as_u16());
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let advice = match self.auth {
                    OciAuth::Anonymous => {
                        "Give the bot an account that may pull there, or correct the repository's name"
                    }
                    OciAuth::Basic { .. } | OciAuth::Bearer(_) => {
                        "Check that the account's password or token is right and not expired, and that it may pull there"
                    }
                };
                Failure::rejected(format!("the registry {host} does not let us read {what} ({status}). {advice}."))
            }
            StatusCode::TOO_MANY_REQUESTS => Failure::Retry {
                reason: format!("the registry {host} asks us to wait before we ask for {what} ({status})"),
                after: retry_after(&answer.headers),
            },
            other if other.is_server_error() || other == StatusCode::REQUEST_TIMEOUT => Failure::Retry {
                reason: format!("the registry {host} could not answer about {what} ({status})"),
                after: retry_after(&answer.headers),
            },
            other if other.is_redirection() => Failure::rejected(format!(
                "the registry {host} sends us elsewhere for {what} ({status}), which is not followed. Name the registry as it \
                 names itself."
            )),
            _ => Failure::rejected(format!(
                "the registry {host} gave {status} for {what}, which a registry does not do. Check that it is one."
            )),
        }
    }

    /// Returns the target of a redirect, or `None` if the response is none. A redirect from TLS must lead to TLS,
    /// which also keeps it away from plain HTTP services in the internal network.
    fn elsewhere(
        &self,
        from: &Url,
        status: StatusCode,
        headers: &HeaderMap,
        what: &str,
    ) -> Result<Option<Url>, Failure> {
        let location = headers.get(LOCATION).filter(|_| status.is_redirection()).and_then(|value| value.to_str().ok());
        let Some(next) = location.and_then(|location| from.join(location).ok()) else { return Ok(None) };
        if next.scheme() == "https" || next.scheme() == self.base.scheme() {
            self.gate.check(&next)?;
            return Ok(Some(next));
        }
        Err(Failure::rejected(format!(
            "the registry {} sends us for {what} to {}, without TLS. That is not followed; correct the registry's \
             configuration.",
            self.host(),
            next.host_str().unwrap_or_default()
        )))
    }

    /// Turns a missing or incomplete response into a failure. Omits the URL, because URLs of a blob store are signed.
    fn unreachable(&self, host: Option<&str>, error: &reqwest::Error, what: &str) -> Failure {
        if let Some(barred) = denied(error) {
            return barred.clone().into();
        }
        let host = host.unwrap_or_else(|| self.host());
        Failure::retry(format!("{host} could not be asked about {what}: {}", root_cause(error)))
    }

    fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Builds the URL of a resource. Its path consists of digests, tags and constants, so nothing needs escaping.
    fn url(&self, path: &[&str]) -> Result<Url, Failure> {
        let path = format!("{}/{}", self.repository, path.join("/"));
        self.base.join(&path).map_err(|error| Failure::rejected(format!("{path} is no path: {error}")))
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Returns the innermost cause, which is the most informative: "connection refused".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn behind_tls() -> Wire {
        let auth = OciAuth::Basic { user: "robot".to_owned(), password: SecretString::from("hush") };
        Wire::new(OciOptions::new("quay.io/team/payments", auth)).unwrap()
    }

    /// Security case 55: a registry with TLS cannot make the bot send the password without TLS.
    #[tokio::test]
    async fn a_token_service_without_tls_gets_no_password() {
        for realm in ["http://quay.io/token", "ftp://quay.io/token", "quay.io/token", ""] {
            let failure = behind_tls().fetch_token(realm, None).await.unwrap_err();
            assert!(failure.reason().contains("without TLS"), "{realm}: {failure}");
        }
        let inside = behind_tls().fetch_token("https://169.254.169.254/token", None).await.unwrap_err();
        assert!(inside.reason().contains("private_hosts"), "{inside}");
    }

    /// Security case 65: a redirect from TLS is followed only to TLS.
    #[test]
    fn a_redirect_stays_behind_tls() {
        let (wire, from) = (behind_tls(), Url::parse("https://quay.io/v2/team/payments/blobs/x").unwrap());
        let led = |status: u16, location: &str| {
            let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
            let led = wire.elsewhere(&from, StatusCode::from_u16(status).unwrap(), &headers, "it");
            led.map(|url| url.map(String::from))
        };
        assert_eq!(led(307, "https://store.example/x?s=1"), Ok(Some("https://store.example/x?s=1".to_owned())));
        assert_eq!(led(302, "../y"), Ok(Some("https://quay.io/v2/team/payments/y".to_owned())));
        assert_eq!(led(200, "https://store.example/x"), Ok(None));
        for inside in ["http://169.254.169.254/latest", "http://store.example/x", "file:///etc/passwd"] {
            assert!(led(307, inside).unwrap_err().reason().contains("without TLS"), "{inside}");
        }
        for inside in ["https://169.254.169.254/latest", "https://127.0.0.1/x", "https://[fd00::1]/x"] {
            assert!(led(307, inside).unwrap_err().reason().contains("private_hosts"), "{inside}");
        }
    }
}
