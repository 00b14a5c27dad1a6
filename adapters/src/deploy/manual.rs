//! Deploying by hand: a person does it, by the instructions, and says how it went. The bot's part is to ask.

use async_trait::async_trait;

use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running};
use crate::failure::Failure;
use crate::vocabulary::{DeployKey, Environment};

/// An environment that a person deploys to.
#[derive(Debug, Clone)]
pub struct Manual {
    environment: Environment,
    instructions: String,
}

impl Manual {
    /// The instructions are shown to the person who has to do it.
    pub fn new(environment: Environment, instructions: impl Into<String>) -> Self {
        Self { environment, instructions: instructions.into() }
    }

    /// What the person has to do.
    #[must_use]
    pub fn instructions(&self) -> &str {
        &self.instructions
    }
}

#[async_trait]
impl Deploy for Manual {
    /// Does nothing: the person is told by the caller.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        if request.environment == self.environment {
            return Ok(());
        }
        Err(Failure::rejected(format!("this mechanism is for {}, not for {}", self.environment, request.environment)))
    }

    /// Always a person's word. Nothing is remembered here, so a deployment that was never started cannot be told from
    /// one that was; since starting does nothing, nothing is lost by it.
    async fn status(&self, _key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        Ok(Some(DeployStatus::AwaitingWord))
    }

    async fn running(&self) -> Result<Option<Running>, Failure> {
        Ok(None)
    }

    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        Ok(None)
    }

    async fn probe(&self) -> Result<(), Failure> {
        Ok(())
    }
}
