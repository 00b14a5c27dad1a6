//! The plan: a playbook, a service and a policy resolved at the start of a run. It never changes afterwards, and its
//! digest is part of what people approve.

use hotfix_adapters::vocabulary::{BranchName, ChannelRef, Environment, Repo};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::id::{PersonId, PlaybookId, ServiceName, StepId};
use super::playbook::{BranchScheme, Playbook, StepKind, StepSpec, VerifyPlace};
use super::refusal::Refusal;
use super::service::{EnvironmentPlan, Service};

/// What will be done, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The playbook it came from.
    pub playbook: PlaybookId,
    /// Whether it is the playbook's exceptional path.
    pub exceptional: bool,
    /// The service.
    pub service: ServiceName,
    /// Its repository.
    pub repo: Repo,
    /// Its main line.
    pub main: BranchName,
    /// The branch that carries the fix.
    pub branch: BranchName,
    /// Where the team reads.
    pub channel: ChannelRef,
    /// Who has to learn of it.
    pub team: Vec<PersonId>,
    /// The steps, in order; those for environments that the service has not are left out.
    pub steps: Vec<StepSpec>,
    /// The environments, with whose word they take.
    pub environments: Vec<EnvironmentPlan>,
    /// The labels that say that main must not be released.
    pub release_blockers: Vec<String>,
    /// The checks that must be green.
    pub required_checks: Vec<String>,
    /// The version of the policy it was made under.
    pub policy_version: String,
}

impl Plan {
    /// Resolves a playbook for a service.
    ///
    /// # Errors
    /// Refuses when the title makes no branch name, or the exceptional path is asked for and there is none.
    pub fn resolve(
        service: &Service,
        playbook: &Playbook,
        title: &str,
        exceptional: bool,
        policy_version: &str,
    ) -> Result<Self, Refusal> {
        let steps = if exceptional { &playbook.exceptional } else { &playbook.steps };
        if steps.is_empty() {
            return Err(Refusal::new(
                "path.none",
                format!("The playbook {} has no exceptional path.", playbook.id),
                "Start without --exceptional.",
            ));
        }
        let known = |environment: &Environment| service.environments.iter().any(|e| &e.name == environment);
        let steps = steps.iter().filter(|step| environment_of(&step.kind).is_none_or(known)).cloned().collect();
        Ok(Self {
            playbook: playbook.id.clone(),
            exceptional,
            service: service.name.clone(),
            repo: service.repo.clone(),
            main: service.main.clone(),
            branch: branch_name(&playbook.branch, title)?,
            channel: service.channel.clone(),
            team: service.team.clone(),
            steps,
            environments: service.environments.clone(),
            release_blockers: service.release_blockers.clone(),
            required_checks: service.required_checks.clone(),
            policy_version: policy_version.to_owned(),
        })
    }

    /// The digest of everything above: what people approve when they approve "this plan".
    #[must_use]
    pub fn digest(&self) -> String {
        // A struct serialises its fields in order, and the plan holds no map: equal plans make equal bytes.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(bytes))
    }

    /// The place of a step in the plan.
    #[must_use]
    pub fn position(&self, step: &StepId) -> Option<usize> {
        self.steps.iter().position(|s| &s.id == step)
    }

    /// An environment of the plan.
    #[must_use]
    pub fn environment(&self, name: &Environment) -> Option<&EnvironmentPlan> {
        self.environments.iter().find(|e| &e.name == name)
    }

    /// The production environment.
    #[must_use]
    pub fn production(&self) -> Option<&EnvironmentPlan> {
        self.environments.iter().find(|e| e.production)
    }

    /// Whether the fix is on main before it is deployed, as in a release from main.
    #[must_use]
    pub fn merges_first(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Merge { .. }))
    }

    /// The environments this plan deploys to: its lanes.
    pub fn lanes(&self) -> impl Iterator<Item = &Environment> {
        self.steps.iter().filter_map(|step| {
            if let StepKind::Deploy { environment, .. } = &step.kind { Some(environment) } else { None }
        })
    }
}

/// The environment a step is about.
#[must_use]
pub fn environment_of(kind: &StepKind) -> Option<&Environment> {
    match kind {
        StepKind::Approve { environment }
        | StepKind::Deploy { environment, .. }
        | StepKind::Verify { place: VerifyPlace::Environment(environment), .. } => Some(environment),
        StepKind::Triage { .. }
        | StepKind::Base { .. }
        | StepKind::Withheld
        | StepKind::Releasable
        | StepKind::Capability { .. }
        | StepKind::Announce
        | StepKind::Branch
        | StepKind::Change { .. }
        | StepKind::Review { .. }
        | StepKind::Verify { place: VerifyPlace::Local, .. }
        | StepKind::Merge { .. }
        | StepKind::RideAlong
        | StepKind::Mainline { .. }
        | StepKind::Postmortem { .. } => None,
    }
}

fn branch_name(scheme: &BranchScheme, title: &str) -> Result<BranchName, Refusal> {
    let name = match scheme {
        BranchScheme::Fixed(name) => name.clone(),
        BranchScheme::Slug { prefix } => format!("{prefix}{}", slug(title)),
    };
    BranchName::parse(&name).map_err(|malformed| {
        Refusal::new(
            "branch.name",
            format!("The title makes no branch name: {malformed}."),
            "Give a title with some letters: start <service> \"title\".",
        )
        .because_of("MAIN-4")
    })
}

/// A title as a branch name: lower-case words joined by dashes, cut at a word near 50 characters.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if slug.len() + word.len() > 50 && !slug.is_empty() {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.extend(word.chars().take(50).map(|c| c.to_ascii_lowercase()));
    }
    slug
}
