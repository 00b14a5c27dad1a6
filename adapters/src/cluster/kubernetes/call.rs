//! A GET request to the API server: limited in time and size, with errors mapped to [`Failure`].

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::client::Body;
use serde::de::DeserializeOwned;

use super::connect::{cause, root_cause};
use crate::failure::Failure;
use crate::rest::redact::unreadable;

/// Maximum size of a response. A Deployment takes kilobytes, and a hundred of its pods a few megabytes.
const BODY_LIMIT: usize = 16 << 20;

/// Reads one object or list. `what` names it in messages; `verb` is the required permission, such as
/// `get deployments`.
pub(super) async fn get<T: DeserializeOwned>(
    client: &Client,
    request: Request<Vec<u8>>,
    time_limit: Duration,
    what: &str,
    verb: &str,
) -> Result<T, Failure> {
    let silent = || Failure::retry(format!("the cluster did not answer about {what} within {time_limit:?}"));
    let call = async {
        let broken = |why: String| Failure::retry(format!("the cluster could not be asked about {what}: {why}"));
        let answer = client.send(request.map(Body::from)).await.map_err(|error| broken(cause(&error)))?;
        let (head, body) = answer.into_parts();
        let body =
            Limited::new(body, BODY_LIMIT).collect().await.map_err(|error| broken(root_cause(error.as_ref())))?;
        Ok::<_, Failure>((head, body.to_bytes()))
    };
    let (head, body) = tokio::time::timeout(time_limit, call).await.map_err(|_| silent())??;
    if head.status != StatusCode::OK {
        let wait = head.headers.get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Err(refused(head.status, wait.map(Duration::from_secs), what, verb));
    }
    serde_json::from_slice(&body).map_err(|error| {
        let why = unreadable(&error);
        Failure::rejected(format!("what the cluster says about {what} cannot be read: {why}. Is it an API server?"))
    })
}

fn refused(status: StatusCode, after: Option<Duration>, what: &str, verb: &str) -> Failure {
    let code = status.as_u16();
    match status {
        StatusCode::UNAUTHORIZED => Failure::rejected(format!(
            "the cluster does not know us ({code}). The token or certificate is wrong or expired: renew it."
        )),
        StatusCode::FORBIDDEN => Failure::rejected(format!(
            "the cluster does not let us read {what} ({code}). Give the bot's account a role with `{verb}` there; it needs no \
             other."
        )),
        StatusCode::NOT_FOUND => Failure::rejected(format!(
            "the cluster has no {what} ({code}). Correct the namespace or the name, or the cluster."
        )),
        StatusCode::TOO_MANY_REQUESTS => {
            Failure::Retry { reason: format!("the cluster asks us to wait ({code})"), after }
        }
        other if other.is_server_error() || other == StatusCode::REQUEST_TIMEOUT => {
            Failure::Retry { reason: format!("the cluster could not answer about {what} ({code})"), after }
        }
        _ => Failure::rejected(format!(
            "the cluster gave {code} for {what}, which an API server does not do. Check its address."
        )),
    }
}
