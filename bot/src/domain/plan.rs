//! The plan: a playbook, a service and a policy resolved at the start of a run. It never changes afterwards, and its
//! digest is part of what people approve.

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
    /// The branch that carries the fix; main, when the run promotes what is there already.
    pub branch: BranchName,
    /// The branch that its pull request goes into.
    pub into: BranchName,
    /// What good names of work branches look like, when the branch has another: that is said aloud (HOCS-7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlike: Option<String>,
    /// Where the team reads.
    pub channel: ChannelRef,
    /// Who has to learn of it.
    pub team: Vec<PersonId>,
    /// Groups of people whom steps ask by name.
    pub parties: BTreeMap<String, Vec<PersonId>>,
    /// What a hold does.
    pub hold: HoldMeans,
    /// The steps, in order; those for environments that the service has not are left out.
    pub steps: Vec<StepSpec>,
    /// The environments, with whose word they take.
    pub environments: Vec<EnvironmentPlan>,
    /// The targets that alone are promoted; all when empty (PROMO-8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The labels that say that main must not be released.
    pub release_blockers: Vec<String>,
    /// The labels by which people hold the pull request back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold_labels: Vec<String>,
    /// The checks that must be green.
    pub required_checks: RequiredChecks,
    /// The checks that may fail (HOCS-18).
    pub lenient_checks: Vec<String>,
    /// The version of the policy it was made under.
    pub policy_version: String,
}

/// What a run is about, as far as its plan depends on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanInput<'a> {
    /// The title.
    pub title: &'a str,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// The branch that carries the fix, when the requester names it.
    pub branch: Option<&'a BranchName>,
    /// Whether the exceptional path is asked for.
    pub exceptional: bool,
    /// Whether it depends on a schema that is promoted first.
    pub schema: bool,
    /// The targets that alone are promoted; all when empty.
    pub only: &'a [String],
}

impl Plan {
    /// Resolves a playbook for a service.
    ///
    /// # Errors
    /// Every reason why there is no plan: names that make no branch, targets or an exceptional path that are not there.
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

    /// The step with this name.
    #[must_use]
    pub fn step(&self, step: &StepId) -> Option<&StepSpec> {
        self.steps.iter().find(|spec| &spec.id == step)
    }

    /// An environment of the plan.
    #[must_use]
    pub fn environment(&self, name: &Environment) -> Option<&EnvironmentPlan> {
        self.environments.iter().find(|e| &e.name == name)
    }

    /// The production environments that this plan deploys to, or all of them when it deploys to none.
    pub fn productions(&self) -> impl Iterator<Item = &EnvironmentPlan> {
        let deploys = |e: &EnvironmentPlan| self.lanes().any(|lane| lane == &e.name);
        let some = self.environments.iter().any(|e| e.production && deploys(e));
        self.environments.iter().filter(move |e| e.production && (!some || deploys(e)))
    }

    /// Whether the fix is merged before it is deployed: what ships is the merge.
    #[must_use]
    pub fn merges_first(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Merge { .. }))
    }

    /// Whether the fix has to be on main before it is picked onto the branch (SRE-8).
    #[must_use]
    pub fn main_first(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::OnMain))
    }

    /// Whether what ships is a commit of main, as in a release from main or a promotion.
    #[must_use]
    pub fn ships_main(&self) -> bool {
        self.is_promotion() || (self.merges_first() && self.into == self.main)
    }

    /// Whether its branch holds nothing but picks of main, so that all its commits have to be accounted for (SRE-4, SRE-10).
    #[must_use]
    pub fn picks(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Change { pull: false, .. }))
    }

    /// Whether it promotes what is on main, without a branch or a fix of its own.
    #[must_use]
    pub fn is_promotion(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Target))
    }

    /// Whether a hotfix in production is a state that has to end before the run does (HOCS-13).
    #[must_use]
    pub fn expires(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Expire))
    }

    /// The branch that has to stand at what ships in the moment of the deployment; `None` when main may have gone on.
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

    /// The name of one of its branches.
    #[must_use]
    pub fn branch_named(&self, which: BranchRole) -> &BranchName {
        match which {
            BranchRole::Fix => &self.branch,
            BranchRole::Integration => &self.into,
        }
    }

    /// The environments this plan deploys to: its lanes.
    pub fn lanes(&self) -> impl Iterator<Item = &Environment> {
        self.steps.iter().filter_map(|step| {
            if let StepKind::Deploy { environment, .. } = &step.kind { Some(environment) } else { None }
        })
    }
}

/// A step of the playbook as it stands in the plan of a service: left out when it is not for it, and once for every
/// environment of a group (`production` of a service with two).
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

/// A step about one environment of a group: its id and title say which.
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

/// The environment a step is about.
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
        | StepKind::Withheld
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

/// The branch that carries the fix, and the one that it goes into.
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

/// The forge would refuse the push of a work branch that looks like a hotfix branch; so does the bot, and earlier (HOCS-9).
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

/// The pattern of good names, if this is none of them. It should be one, so another is said aloud and not refused (HOCS-7).
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

#[cfg(test)]
mod tests;
