//! A mechanism that deploys, cut before and after it starts; and patient: a deployment is a real process, so asking how it
//! stands waits for its end. The wait is bounded, and the only one on something real.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus, Deployment, Edits, Running};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::DeployKey;

use super::Cut;

/// How long a deployment of a handful of files may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mechanism, with a knife in between.
pub struct CutDeploy {
    /// The mechanism itself.
    pub inner: Arc<dyn Deploy>,
    /// The knife.
    pub cut: Arc<Cut>,
    /// Whose mechanism it is.
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
