//! Deploying by hand: a person does it, by the instructions, and says how it went. The bot's part is to ask.

use async_trait::async_trait;

use super::command::{OptionsError, Pattern, Placeholder};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running, template_values};
use crate::failure::Failure;
use crate::ids::{DeployKey, Environment};

/// An environment that a person deploys to.
#[derive(Debug, Clone)]
pub struct Manual {
    environment: Environment,
    instructions: Pattern,
}

impl Manual {
    /// The instructions are shown to the person who has to do it. They may hold `{commit}`, `{short}`, `{tag}`, `{digest}`,
    /// `{image}`, `{previous}`, `{environment}`, `{repository}` and `{key}`; a literal brace is doubled.
    ///
    /// # Errors
    /// Says which placeholder is unknown.
    pub fn new(environment: Environment, instructions: &str) -> Result<Self, OptionsError> {
        Ok(Self { environment, instructions: Pattern::parse(instructions, &Placeholder::ALL)? })
    }
}

#[async_trait]
impl Deploy for Manual {
    /// Does nothing: the person is told by the caller. Instructions that cannot be filled in are no instructions.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        if request.environment != self.environment {
            let (ours, theirs) = (&self.environment, &request.environment);
            return Err(Failure::rejected(format!("this mechanism is for {ours}, not for {theirs}")));
        }
        self.instructions(request).map(|_| ())
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

    fn instructions(&self, request: &DeployRequest) -> Result<Option<String>, Failure> {
        template_values::fill(&self.instructions, request).map(Some)
    }
}
