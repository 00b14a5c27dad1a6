//! The plan of a run: playbook, service and policy, resolved at the start. It never changes afterwards, and its digest
//! is part of what voters approve.

use std::collections::BTreeMap;

use hotfix_adapters::ids::{BranchName, ChannelRef, Environment, Repo};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::id::{PersonId, PlaybookId, ServiceName, StepId};
use super::only;
use super::playbook::{
    Artifact, BranchRole, BranchScheme, HoldMeans, Playbook, StepKind, StepSpec, VerifyPlace, WorkBranch,
};
use super::refusal::Refusal;
use super::service::{EnvironmentPlan, RequiredChecks, Service};

/// The resolved plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The playbook that the plan was resolved from.
    pub playbook: PlaybookId,
    /// `true` if the steps are those of the playbook's exceptional path.
    pub exceptional: bool,
    /// The service to fix.
    pub service: ServiceName,
    /// Repository of the service on the forge.
    pub repo: Repo,
    /// Main branch of the repository.
    pub main: BranchName,
    /// The branch that carries the fix; the main branch if the plan promotes what is already on main.
    pub branch: BranchName,
    /// The target branch of the fix's pull request: the main branch, or the integration branch.
    pub into: BranchName,
    /// The pattern for names of work branches, if `branch` does not match it. The announcement warns about it (HOCS-7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlike: Option<String>,
    /// Channel of the service, where the run is announced.
    pub channel: ChannelRef,
    /// The people who must learn of the run.
    pub team: Vec<PersonId>,
    /// Groups of people that steps refer to, keyed by name.
    pub parties: BTreeMap<String, Vec<PersonId>>,
    /// Effect of a hold on deployments.
    pub hold: HoldMeans,
    /// The steps in order. Steps that do not apply to the service are left out, and steps for a group are
    /// repeated per environment.
    pub steps: Vec<StepSpec>,
    /// All environments of the service, each with its approval rules.
    pub environments: Vec<EnvironmentPlan>,
    /// The targets named in `--only`; empty for all (PROMO-8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Labels of issues and pull requests that block a release of main.
    pub release_blockers: Vec<String>,
    /// Labels that hold the pull request back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold_labels: Vec<String>,
    /// The checks that must be green.
    pub required_checks: RequiredChecks,
    /// Names of the checks that may fail (HOCS-18).
    pub lenient_checks: Vec<String>,
    /// Version of the policy that the plan was resolved with.
    pub policy_version: String,
}

/// The parameters of a start that the plan depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanInput<'a> {
    /// Title of the run.
    pub title: &'a str,
    /// Ticket, if given.
    pub ticket: Option<&'a str>,
    /// Name of the work branch, if the requester gave one (`--branch`).
    pub branch: Option<&'a BranchName>,
    /// `true` if the requester asked for the exceptional path.
    pub exceptional: bool,
    /// `true` if a schema commit is promoted first.
    pub schema: bool,
    /// The targets named in `--only`; empty for all.
    pub only: &'a [String],
}

impl Plan {
    /// Resolves a playbook for a service.
    ///
    /// # Errors
    /// Returns all refusals at once: an invalid or missing branch name, unknown targets, or a playbook without an
    /// exceptional path.
    pub fn resolve(
        service: &Service,
        playbook: &Playbook,
        subject: PlanInput<'_>,
        policy_version: &str,
    ) -> Result<Self, Vec<Refusal>> {
        let steps = if subject.exceptional { &playbook.exceptional } else { &playbook.steps };
        if steps.is_empty() {
            return Err(vec![Refusal::new(
                "path.none",
                format!("The playbook {} has no exceptional path.", playbook.id),
                "Start without --exceptional.",
            )]);
        }
        let (branch, into) = branches(service, playbook, subject)?;
        let placed = steps.iter().flat_map(|step| placed(step, service, subject.schema)).collect();
        let steps = only::narrowed(placed, subject.only, service).map_err(|refusal| vec![refusal])?;
        Ok(Self {
            playbook: playbook.id.clone(),
            exceptional: subject.exceptional,
            service: service.name.clone(),
            repo: service.repo.clone(),
            main: service.main.clone(),
            unlike: playbook.work_branch.as_ref().and_then(|work| unlike(&branch, work)),
            branch,
            into,
            channel: service.channel.clone(),
            team: service.team.clone(),
            parties: service.parties.clone(),
            hold: playbook.hold,
            steps,
            environments: service.environments.clone(),
            only: subject.only.to_vec(),
            release_blockers: service.release_blockers.clone(),
            hold_labels: service.hold_labels.clone(),
            required_checks: service.required_checks.clone(),
            lenient_checks: service.lenient_checks.clone(),
            policy_version: policy_version.to_owned(),
        })
    }

    /// Returns the hex SHA-256 digest of all fields; votes are bound to it.
    #[must_use]
    pub fn digest(&self) -> String {
        // A struct serializes its fields in order, and its only map is sorted by key: equal plans yield equal bytes.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(bytes))
    }

    /// Returns the index of a step; `None` if the plan has no such step.
    #[must_use]
    pub fn position(&self, step: &StepId) -> Option<usize> {
        self.steps.iter().position(|s| &s.id == step)
    }

    /// Returns the step with this id.
    #[must_use]
    pub fn step(&self, step: &StepId) -> Option<&StepSpec> {
        self.steps.iter().find(|spec| &spec.id == step)
    }

    /// Returns the environment with this name.
    #[must_use]
    pub fn environment(&self, name: &Environment) -> Option<&EnvironmentPlan> {
        self.environments.iter().find(|e| &e.name == name)
    }

    /// Returns the production environments that the plan deploys to, or all of them if it deploys to none.
    pub fn productions(&self) -> impl Iterator<Item = &EnvironmentPlan> {
        let deploys = |e: &EnvironmentPlan| self.lanes().any(|lane| lane == &e.name);
        let some = self.environments.iter().any(|e| e.production && deploys(e));
        self.environments.iter().filter(move |e| e.production && (!some || deploys(e)))
    }

    /// Returns `true` if the fix is merged before it is deployed. The merge commit is deployed then.
    #[must_use]
    pub fn merges_first(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Merge { .. }))
    }

    /// Returns `true` if the fix must be on main before it is picked onto the branch (SRE-8).
    #[must_use]
    pub fn main_first(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::OnMain))
    }

    /// Returns `true` if a commit of main is deployed: in a release from main or a promotion.
    #[must_use]
    pub fn ships_main(&self) -> bool {
        self.is_promotion() || (self.merges_first() && self.into == self.main)
    }

    /// Returns `true` if the branch may only hold picks of main, so that each commit must be accounted
    /// for (SRE-4, SRE-10).
    #[must_use]
    pub fn picks(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Change { pull: false, .. }))
    }

    /// Returns `true` if the plan promotes a commit of main and has no branch or fix of its own.
    #[must_use]
    pub fn is_promotion(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Target))
    }

    /// Returns `true` if the run stays open until the hotfix is no longer in production (HOCS-13).
    #[must_use]
    pub fn expires(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Expire))
    }

    /// Returns the branch whose tip must be the deployed commit when the deployment starts; `None` if main may have
    /// moved on.
    #[must_use]
    pub fn deployed_branch(&self) -> Option<&BranchName> {
        if self.ships_main() {
            None
        } else if self.merges_first() {
            Some(&self.into)
        } else {
            Some(&self.branch)
        }
    }

    /// Returns the name of one of the two branches.
    #[must_use]
    pub fn branch_named(&self, which: BranchRole) -> &BranchName {
        match which {
            BranchRole::Fix => &self.branch,
            BranchRole::Integration => &self.into,
        }
    }

    /// Returns the environments that the plan deploys to: its lanes.
    pub fn lanes(&self) -> impl Iterator<Item = &Environment> {
        self.steps.iter().filter_map(|step| {
            if let StepKind::Deploy { environment, .. } = &step.kind { Some(environment) } else { None }
        })
    }
}

/// Places a playbook step into the plan of a service. Returns no step if it does not apply, and one step per
/// environment if it names a group (`production` of a service with two).
#[must_use]
pub fn placed(step: &StepSpec, service: &Service, schema: bool) -> Vec<StepSpec> {
    let for_another_kind = step.only_for.is_some_and(|kind| kind != service.kind);
    let no_registry = matches!(step.kind, StepKind::Image) && !service.has_registry;
    let no_schema = !schema && matches!(step.kind, StepKind::Deploy { what: Artifact::Schema, .. });
    if for_another_kind || no_registry || no_schema {
        return Vec::new();
    }
    let Some(named) = environment_of(&step.kind) else {
        return vec![step.clone()];
    };
    if service.environments.iter().any(|e| &e.name == named) {
        return vec![step.clone()];
    }
    let group: Vec<&EnvironmentPlan> =
        service.environments.iter().filter(|e| e.group.as_ref() == Some(named)).collect();
    group.iter().filter_map(|environment| in_environment(step, named, &environment.name)).collect()
}

/// Returns the step for one environment of a group, with the environment in its id and title.
fn in_environment(step: &StepSpec, group: &Environment, environment: &Environment) -> Option<StepSpec> {
    let mut kind = step.kind.clone();
    *environment_mut(&mut kind)? = environment.clone();
    let stem = step.id.as_str().strip_suffix(&format!("-{group}")).unwrap_or(step.id.as_str());
    let id = format!("{stem}-{environment}").parse().ok()?;
    let title = if step.title.contains(group.as_str()) {
        step.title.replace(group.as_str(), environment.as_str())
    } else {
        format!("{} ({environment})", step.title)
    };
    Some(StepSpec { id, title, kind, ..step.clone() })
}

/// Returns the environment that a step is about; `None` if it is not tied to one.
#[must_use]
pub fn environment_of(kind: &StepKind) -> Option<&Environment> {
    match kind {
        StepKind::Approve { environment }
        | StepKind::Deploy { environment, .. }
        | StepKind::OnEnvironment { environment }
        | StepKind::Verify { place: VerifyPlace::Environment(environment) | VerifyPlace::Watch(environment), .. } => {
            Some(environment)
        }
        StepKind::Triage { .. }
        | StepKind::Target
        | StepKind::Agree { .. }
        | StepKind::Base { .. }
        | StepKind::HeldBack
        | StepKind::Releasable
        | StepKind::Capability { .. }
        | StepKind::Announce
        | StepKind::Branch { .. }
        | StepKind::BuildJob { .. }
        | StepKind::OnMain
        | StepKind::Change { .. }
        | StepKind::VersionOrder { .. }
        | StepKind::Review { .. }
        | StepKind::Verify { place: VerifyPlace::Local, .. }
        | StepKind::Merge { .. }
        | StepKind::Image
        | StepKind::RideAlong
        | StepKind::Mainline { .. }
        | StepKind::Expire
        | StepKind::Postmortem { .. } => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`environment_of` is exhaustive, and this is its twin")]
fn environment_mut(kind: &mut StepKind) -> Option<&mut Environment> {
    match kind {
        StepKind::Approve { environment }
        | StepKind::Deploy { environment, .. }
        | StepKind::OnEnvironment { environment }
        | StepKind::Verify { place: VerifyPlace::Environment(environment) | VerifyPlace::Watch(environment), .. } => {
            Some(environment)
        }
        _other => None,
    }
}

/// Returns the branch that carries the fix, and the target branch of its pull request.
fn branches(
    service: &Service,
    playbook: &Playbook,
    subject: PlanInput<'_>,
) -> Result<(BranchName, BranchName), Vec<Refusal>> {
    let main = service.main.clone();
    let named = subject.branch.cloned();
    let scheme = match &playbook.branch {
        BranchScheme::None => return Ok((main.clone(), main)),
        BranchScheme::Fixed(name) => parsed(name.clone()),
        BranchScheme::Slug { prefix } => parsed(format!("{prefix}{}", slug(subject.title))),
        BranchScheme::Ticket { prefix } => {
            let named = |ticket| parsed(format!("{prefix}{ticket}")).map_err(|refusal| refusal.because_of("HOCS-14"));
            ticket(subject).and_then(named)
        }
    };
    let Some(work) = &playbook.work_branch else {
        return scheme.map(|branch| (branch, main)).map_err(|refusal| vec![refusal]);
    };
    let own = match named {
        Some(name) => Ok(name),
        None => {
            ticket(subject).and_then(|ticket| parsed(ticket.to_owned()).map_err(|refusal| refusal.because_of("HOCS-7")))
        }
    };
    match (scheme, own.and_then(|own| fit(own, work, subject))) {
        (Ok(into), Ok(own)) => Ok((own, into)),
        (Err(one), Err(other)) if one.reason == other.reason => Err(vec![one]),
        (into, own) => Err(into.err().into_iter().chain(own.err()).collect()),
    }
}

fn ticket<'a>(subject: PlanInput<'a>) -> Result<&'a str, Refusal> {
    subject.ticket.ok_or_else(|| {
        Refusal::new(
            "ticket.missing",
            "The branches of this playbook are called after the ticket, and there is none.",
            "Start again with --ticket and its key.",
        )
        .because_of("HOCS-7")
    })
}

/// Refuses a work branch whose name looks like a hotfix branch. The forge would refuse the push later (HOCS-9).
fn fit(own: BranchName, work: &WorkBranch, subject: PlanInput<'_>) -> Result<BranchName, Refusal> {
    if !own.as_str().to_ascii_lowercase().starts_with(&work.forbid_prefix.to_ascii_lowercase()) {
        return Ok(own);
    }
    let rest = own.as_str().get(work.forbid_prefix.len()..).unwrap_or_default();
    let rest = rest.trim_start_matches(['/', '-', '_']);
    let better = subject.ticket.unwrap_or(if rest.is_empty() { "<ticket>" } else { rest });
    let reason = format!(
        "The work branch {own} begins with {}, and the forge would refuse the push: that is what hotfix branches are called.",
        work.forbid_prefix
    );
    Err(Refusal::new("branch.work", reason, format!("Name it otherwise, such as --branch {better}."))
        .because_of("HOCS-9"))
}

/// Returns the pattern for work branch names if this name does not match it. A mismatch is a warning, not
/// a refusal (HOCS-7).
fn unlike(own: &BranchName, work: &WorkBranch) -> Option<String> {
    let pattern = work.pattern.as_ref()?;
    let fits = regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(own.as_str()));
    (!fits).then(|| pattern.clone())
}

fn parsed(name: String) -> Result<BranchName, Refusal> {
    BranchName::parse(&name).map_err(|malformed| {
        Refusal::new(
            "branch.name",
            format!("This makes no branch name: {malformed}."),
            "Give a title with some letters, or a ticket as the tracker writes it.",
        )
        .because_of("MAIN-4")
    })
}

/// Converts a title into a branch name: lower-case words joined by dashes, cut at a word boundary near 50 characters.
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

#[cfg(test)]
mod tests;
