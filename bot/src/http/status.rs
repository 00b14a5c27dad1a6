//! `/healthz`, `/readyz` and `/metrics`, for monitoring. Read-only; only the metrics reveal the version.

use std::time::Duration;

use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::metrics::{Deliveries, Scrape};
use super::server::Handler;
use super::{Answer, Stage, plain, said, wrong_method};
use crate::engine::Engine;

/// The content type that Prometheus requests.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The handler of the status paths.
pub(super) struct Status {
    stage: watch::Receiver<Stage>,
    deliveries: Deliveries,
    stall: Duration,
    /// Start of the process, in seconds since 1970.
    started_at: f64,
}

impl Status {
    pub(super) fn new(stage: watch::Receiver<Stage>, deliveries: Deliveries, stall: Duration) -> Self {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { stage, deliveries, stall, started_at: since_epoch.as_secs_f64() }
    }

    fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    /// Liveness: fails if the engine has stalled and the process should be restarted.
    fn health(&self) -> Answer {
        match self.stage() {
            Stage::Up(current) if current.engine().pulse().since_last_pass() > self.stall => {
                said(StatusCode::SERVICE_UNAVAILABLE, "the engine has stalled\n")
            }
            Stage::Starting | Stage::Up(_) | Stage::Draining(_) => said(StatusCode::OK, "alive\n"),
        }
    }

    /// Readiness: fails while the bot starts or stops, or if the journal accepts no commits.
    async fn readiness(&self) -> Answer {
        let reason = match self.stage() {
            Stage::Starting => "starting\n",
            Stage::Draining(_) => "stopping\n",
            Stage::Up(current) => {
                let engine = current.engine();
                if engine.journal().health().await.poisoned.is_none() {
                    return said(StatusCode::OK, format!("ready\nconfiguration {}\n", engine.config().digest));
                }
                "the journal takes no commits; see the log\n"
            }
        };
        said(StatusCode::SERVICE_UNAVAILABLE, reason)
    }

    async fn metrics(&self) -> Answer {
        let engine = match self.stage() {
            Stage::Starting => None,
            Stage::Up(current) | Stage::Draining(current) => Some(current.engine()),
        };
        match self.scrape(engine.as_deref()).await {
            Ok(text) => {
                let mut answer = said(StatusCode::OK, text);
                answer.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
                answer
            }
            Err(error) => {
                tracing::error!(%error, "the metrics could not be gathered");
                plain(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    async fn scrape(&self, engine: Option<&Engine>) -> anyhow::Result<String> {
        let mut scrape = Scrape::default();
        scrape.process(self.started_at);
        scrape.deliveries(&self.deliveries);
        scrape.dropped();
        if let Some(engine) = engine {
            scrape.engine(engine).await?;
        }
        Ok(scrape.text()?)
    }
}

#[async_trait]
impl Handler for Status {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path();
        if !["/healthz", "/readyz", "/metrics"].contains(&path) {
            return plain(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return wrong_method("GET, HEAD");
        }
        match path {
            "/healthz" => self.health(),
            "/readyz" => self.readiness().await,
            _ => self.metrics().await,
        }
    }
}
