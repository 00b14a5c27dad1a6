//! Manual deployment: a user deploys by the configured instructions and reports the outcome to the bot.

use async_trait::async_trait;

use super::command::{CommandOptionsError, Pattern, Placeholder};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running, template_values};
use crate::failure::Failure;
use crate::ids::{DeployKey, Environment};

/// The deploy mechanism of an environment that a user deploys to by hand.
#[derive(Debug, Clone)]
pub struct Manual {
    environment: Environment,
    instructions: Pattern,
}

impl Manual {
    /// Creates the mechanism. The instructions are shown to the user who deploys. They may use `{commit}`, `{short}`,
    /// `{tag}`, `{digest}`, `{image}`, `{previous}`, `{environment}`, `{repository}` and `{key}`; a literal brace is
    /// doubled.
    ///
    /// # Errors
    /// An [`CommandOptionsError`] if the instructions are not a valid pattern, for example because of an unknown placeholder.
    pub fn new(environment: Environment, instructions: &str) -> Result<Self, CommandOptionsError> {
        Ok(Self { environment, instructions: Pattern::parse(instructions, &Placeholder::ALL)? })
    }
}

#[async_trait]
impl Deploy for Manual {
    /// Only validates: the caller shows the instructions. Fails if they cannot be filled in for this request.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        if request.environment != self.environment {
            let (ours, theirs) = (&self.environment, &request.environment);
            return Err(Failure::rejected(format!("this mechanism is for {ours}, not for {theirs}")));
        }
        self.instructions(request).map(|_| ())
    }

    /// Always [`DeployStatus::AwaitingWord`]. No state is kept, so a deployment that never started is not distinguished
    /// from one that did; this is harmless because starting does nothing.
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

    fn instructions(&self, request: &DeployRequest) -> Result<Option<String>, Failure> {
        template_values::fill(&self.instructions, request).map(Some)
    }
}
