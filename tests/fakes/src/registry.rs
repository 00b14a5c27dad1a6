//! An image registry with the architecture of the large ones: a token service on its own host issues short-lived tokens
//! for one scope, and a blob store on a third host rejects calls that carry credentials, as S3 does.
//!
//! Modeled on the OCI distribution specification 1.1 and the Docker registry token specification.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::server::Server;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A running registry with one repository.
#[derive(Debug)]
pub struct Registry {
    /// The registry API: manifests and blobs.
    pub server: Server,
    /// The token service that exchanges the account's password for a token.
    pub tokens: Server,
    /// The blob store that the registry redirects to.
    pub store: Server,
    repository: String,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    repository: String,
    /// User and password of the one account that may pull.
    account: (String, String),
    /// Media type and bytes of each manifest, keyed by tag and by digest.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
    /// The one valid token; a new one replaces it. `None` before the first and after [`Registry::expire_tokens`].
    token: Option<String>,
    given: usize,
    manifests_elsewhere: bool,
    tokens_url: String,
    store_url: String,
}

type Shared = Arc<Mutex<Shelf>>;

impl Registry {
    /// Starts a registry with an empty repository that only this account may pull from.
    pub async fn start(repository: &str, user: &str, password: &str) -> Self {
        let account = (user.to_owned(), password.to_owned());
        let shelf = Shelf { repository: repository.to_owned(), account, ..Shelf::default() };
        let shelf: Shared = Arc::new(Mutex::new(shelf));
        let serve = |router: Router<Shared>| Server::start(router.with_state(Arc::clone(&shelf)), |_| true);
        let store = serve(Router::new().fallback(keep)).await;
        let tokens = serve(Router::new().fallback(give)).await;
        let server = serve(Router::new().fallback(answer)).await;
        {
            let mut shelf = shelf.lock().unwrap();
            shelf.tokens_url = tokens.url();
            shelf.store_url = store.url();
        }
        Self { server, tokens, store, repository: repository.to_owned(), shelf }
    }

    /// Returns the repository as image references name it: `host:port/repository`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.server.address, self.repository)
    }

    /// Pushes an image with this configuration and no layers under a tag, and returns its digest.
    pub fn push(&self, tag: &str, config: &Value) -> String {
        let config = config.to_string().into_bytes();
        let digest = digest(&config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "layers": [],
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "size": config.len(), "digest": digest },
        });
        self.shelf.lock().unwrap().blobs.insert(digest, config);
        self.push_raw(tag, IMAGE, manifest.to_string().into_bytes())
    }

    /// Pushes arbitrary manifest bytes under a tag, and returns their digest.
    pub fn push_raw(&self, tag: &str, media_type: &str, manifest: Vec<u8>) -> String {
        let digest = digest(&manifest);
        let mut shelf = self.shelf.lock().unwrap();
        for name in [tag, digest.as_str()] {
            shelf.manifests.insert(name.to_owned(), (media_type.to_owned(), manifest.clone()));
        }
        digest
    }

    /// Corrupts the content of every blob and keeps the digests.
    pub fn tamper(&self) {
        self.shelf.lock().unwrap().blobs.values_mut().for_each(|blob| blob.push(b' '));
    }

    /// Deletes every blob; the manifests stay.
    pub fn lose_blobs(&self) {
        self.shelf.lock().unwrap().blobs.clear();
    }

    /// Redirects manifest requests to the blob store as well, which no real registry does.
    pub fn send_away(&self) {
        self.shelf.lock().unwrap().manifests_elsewhere = true;
    }

    /// Invalidates the current token.
    pub fn expire_tokens(&self) {
        self.shelf.lock().unwrap().token = None;
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, axum::Json(json!({ "errors": [{ "code": code, "message": "says the fake" }] }))).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Answers a call to the registry API. Every call needs the current token.
async fn answer(State(shelf): State<Shared>, request: Request) -> Response {
    let shelf = shelf.lock().unwrap();
    let shown = header(request.headers(), "authorization").strip_prefix("Bearer ");
    if shown.is_none() || shown != shelf.token.as_deref() {
        let challenge = format!(
            "Bearer realm=\"{}/token\",service=\"the fake\",scope=\"repository:{}:pull\"",
            shelf.tokens_url, shelf.repository
        );
        let mut refused = error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
        refused.headers_mut().insert("www-authenticate", challenge.parse().unwrap());
        return refused;
    }
    if request.method() != "GET" {
        return error(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED");
    }
    let path = request.uri().path();
    let Some(rest) = path.strip_prefix(&format!("/v2/{}/", shelf.repository)) else {
        return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
    };
    let rest = if shelf.manifests_elsewhere { rest.replace("manifests/", "elsewhere/") } else { rest.to_owned() };
    match rest.split_once('/') {
        Some(("tags", "list")) => axum::Json(json!({ "name": shelf.repository, "tags": [] })).into_response(),
        Some(("manifests", name)) => match shelf.manifests.get(name) {
            None => error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            // A registry converts a manifest to an accepted media type or reports it as missing. This one never
            // converts.
            Some((kind, _)) if !header(request.headers(), "accept").contains(kind.as_str()) => {
                error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN")
            }
            Some((kind, bytes)) => Response::builder()
                .header("content-type", kind)
                .header("docker-content-digest", digest(bytes))
                .body(Body::from(bytes.clone()))
                .unwrap(),
        },
        Some(("blobs" | "elsewhere", name)) => Response::builder()
            .status(StatusCode::TEMPORARY_REDIRECT)
            .header("location", format!("{}/{name}?signature=hush", shelf.store_url))
            .body(Body::empty())
            .unwrap(),
        _ => error(StatusCode::NOT_FOUND, "UNSUPPORTED"),
    }
}

/// Answers a call to the token service: checks the account's password and issues a token for the one scope.
async fn give(State(shelf): State<Shared>, request: Request) -> Response {
    let mut shelf = shelf.lock().unwrap();
    let (user, password) = &shelf.account;
    let right = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let query = request.uri().query().unwrap_or_default();
    let scope = format!("repository:{}:pull", shelf.repository).replace(':', "%3A").replace('/', "%2F");
    if header(request.headers(), "authorization") != format!("Basic {right}") {
        return (StatusCode::UNAUTHORIZED, "who are you?").into_response();
    }
    if !query.contains(&format!("scope={scope}")) || !query.contains("service=the+fake") {
        return (StatusCode::BAD_REQUEST, "for what?").into_response();
    }
    shelf.given += 1;
    let token = format!("token-of-the-registry-{}", shelf.given);
    shelf.token = Some(token.clone());
    axum::Json(json!({ "access_token": token, "expires_in": 300 })).into_response()
}

/// Answers a call to the blob store. Its URLs are signed, and a second kind of credentials is an error.
async fn keep(State(shelf): State<Shared>, request: Request) -> Response {
    if request.headers().contains_key("authorization") {
        return (StatusCode::BAD_REQUEST, "only one auth mechanism allowed").into_response();
    }
    if request.uri().query() != Some("signature=hush") {
        return (StatusCode::FORBIDDEN, "not signed").into_response();
    }
    match shelf.lock().unwrap().blobs.get(request.uri().path().trim_start_matches('/')) {
        Some(blob) => blob.clone().into_response(),
        None => (StatusCode::NOT_FOUND, "no such key").into_response(),
    }
}
