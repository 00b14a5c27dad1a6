//! A Kubernetes API server with deployments and pods. Its one account may get deployments and list pods; every other
//! call is forbidden, as RBAC does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::server::Server;

/// A running API server with one cluster.
#[derive(Debug)]
pub struct Kubernetes {
    /// The HTTP server, with the recorded calls and the fault injection.
    pub server: Server,
    state: Shared,
}

#[derive(Debug, Default)]
struct Cluster {
    token: String,
    deployments: BTreeMap<(String, String), Value>,
    pods: Vec<(String, Value)>,
    pods_are_secret: bool,
}

type Shared = Arc<Mutex<Cluster>>;

impl Kubernetes {
    /// Starts an empty cluster that is readable with this bearer token.
    pub async fn start(token: &str) -> Self {
        let state: Shared = Arc::new(Mutex::new(Cluster { token: token.to_owned(), ..Cluster::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        Self { server: Server::start(router, |_| true).await, state }
    }

    /// Adds a deployment with a finished rollout: three replicas, labeled `app: <name>`, with these containers (name
    /// and image).
    pub fn deploy(&self, namespace: &str, name: &str, containers: &[(&str, &str)]) {
        let containers: Vec<Value> = containers.iter().map(|(n, image)| json!({ "name": n, "image": image })).collect();
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": name, "namespace": namespace, "generation": 7 },
            "spec": {
                "replicas": 3,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": {
                        "initContainers": [{ "name": "migrate", "image": "quay.io/team/payments:0.0.1" }],
                        "containers": containers,
                    },
                },
            },
            "status": {
                "observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            },
        });
        self.state.lock().unwrap().deployments.insert((namespace.to_owned(), name.to_owned()), deployment);
    }

    /// Changes one value of a deployment, addressed by its JSON pointer.
    ///
    /// # Panics
    /// Panics if there is no such deployment or value.
    pub fn change(&self, namespace: &str, name: &str, pointer: &str, value: Value) {
        let mut state = self.state.lock().unwrap();
        let deployment = state.deployments.get_mut(&(namespace.to_owned(), name.to_owned())).expect("a deployment");
        *deployment.pointer_mut(pointer).expect("a value") = value;
    }

    /// Adds a running pod of an app, with this image id in its container; `leaving` marks it as being deleted.
    pub fn pod(&self, namespace: &str, app: &str, container: &str, image_id: &str, leaving: bool) {
        let mut pod = json!({
            "metadata": { "labels": { "app": app } },
            "status": {
                "phase": "Running",
                "containerStatuses": [
                    { "name": "nginx", "ready": true, "imageID": "quay.io/side/car@sha256:00" },
                    { "name": container, "ready": true, "imageID": image_id },
                ],
            },
        });
        if leaving {
            pod["metadata"]["deletionTimestamp"] = json!("2026-03-01T10:00:00Z");
        }
        self.state.lock().unwrap().pods.push((namespace.to_owned(), pod));
    }

    /// Revokes the account's permission to list pods.
    pub fn hide_pods(&self) {
        self.state.lock().unwrap().pods_are_secret = true;
    }
}

/// Builds a failure as the API server reports it: a `Status` object.
fn status(code: StatusCode, reason: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason,
        "message": "says the fake", "code": code.as_u16(),
    });
    (code, axum::Json(body)).into_response()
}

async fn answer(
    State(state): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response {
    let state = state.lock().unwrap();
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if shown != format!("Bearer {}", state.token) {
        return status(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    if request.method() != "GET" {
        return status(StatusCode::FORBIDDEN, "Forbidden");
    }
    let parts: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["apis", "apps", "v1", "namespaces", namespace, "deployments", name] if query.is_empty() => {
            match state.deployments.get(&((*namespace).to_owned(), (*name).to_owned())) {
                Some(deployment) => axum::Json(deployment).into_response(),
                None => status(StatusCode::NOT_FOUND, "NotFound"),
            }
        }
        ["api", "v1", "namespaces", _, "pods"] if state.pods_are_secret => status(StatusCode::FORBIDDEN, "Forbidden"),
        ["api", "v1", "namespaces", namespace, "pods"] => {
            // Only equality selectors are supported. A list without a selector would include the pods of other apps.
            let Some(("app", app)) = query.get("labelSelector").and_then(|selector| selector.split_once('=')) else {
                return status(StatusCode::BAD_REQUEST, "BadRequest");
            };
            let ours =
                state.pods.iter().filter(|(place, pod)| place == namespace && pod["metadata"]["labels"]["app"] == app);
            let items: Vec<&Value> = ours.map(|(_, pod)| pod).collect();
            axum::Json(json!({ "kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items })).into_response()
        }
        _ => status(StatusCode::FORBIDDEN, "Forbidden"),
    }
}
