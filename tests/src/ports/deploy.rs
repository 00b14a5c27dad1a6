//! The fault-injecting wrapper of a deploy mechanism: a stop is possible before and after the start of a deployment.
//! Deployments are real processes, so `status` waits until the process ends, for at most a minute. No other wrapper
//! waits for a real process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus, Deployment, Edits, Running};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::DeployKey;

use super::Cut;

/// Maximum time that `status` waits for a deployment to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A deploy mechanism that fails when the fault injector says so.
pub struct CutDeploy {
    /// The wrapped mechanism.
    pub inner: Arc<dyn Deploy>,
    /// The fault injector.
    pub cut: Arc<Cut>,
    /// Name of the service that the mechanism deploys.
    pub service: String,
}

#[async_trait]
impl Deploy for CutDeploy {
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        self.cut.enter("deployment", &self.service).await?;
        self.cut.here(&format!("before the deployment {}", request.key))?;
        let answer = self.inner.start(request).await;
        self.cut.here(&format!("after the deployment {} began", request.key))?;
        answer
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        self.cut.reaches("deployment")?;
        let began = Instant::now();
        loop {
            let status = self.inner.status(key).await?;
            if status != Some(DeployStatus::InProgress { note: None }) || began.elapsed() > PATIENCE {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn running(&self) -> Result<Option<Running>, Failure> {
        self.cut.reaches("deployment")?;
        self.inner.running().await
    }

    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        self.cut.reaches("deployment")?;
        self.inner.last_success().await
    }

    async fn edits(&self, request: &DeployRequest) -> Result<Option<Edits>, Failure> {
        self.cut.reaches("deployment")?;
        self.inner.edits(request).await
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.cut.reaches("deployment")?;
        self.inner.probe().await
    }

    fn instructions(&self, request: &DeployRequest) -> Result<Option<String>, Failure> {
        self.inner.instructions(request)
    }
}
