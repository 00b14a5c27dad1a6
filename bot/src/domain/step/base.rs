//! The base of the branch. If production and the last successful deployment are both known, they must agree. A user's
//! `--from` settles a disagreement and is recorded as the source (APPLY-6, APPLY-X6, MAIN-4).

use hotfix_adapters::ids::CommitId;

use super::{Progress, Wait};
use crate::domain::event::{Event, Snapshot};
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::BaseSource;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix, from: BaseSource) -> Progress {
    let Some(survey) = &state.snapshot else {
        return Progress::Waiting(Wait::Bot("reading what runs in production"));
    };
    match find(survey, from) {
        Ok((commit, sources)) => Progress::Done {
            evidence: format!("{} by {}", commit.short(), sources.join(" and ")),
            events: vec![Event::BaseFound { commit, sources }],
        },
        Err(refusal) => Progress::Impossible(vec![refusal]),
    }
}

/// Returns the base commit and the names of its sources, or a refusal.
pub(crate) fn find(survey: &Snapshot, from: BaseSource) -> Result<(CommitId, Vec<String>), Refusal> {
    if let Some(commit) = &survey.from {
        apart(survey, commit)?;
        return Ok((commit.clone(), vec!["the requester's word".to_owned()]));
    }
    match from {
        BaseSource::Main => {
            let main = survey.main.clone().ok_or_else(no_main)?;
            Ok((main, vec!["the forge's main line".to_owned()]))
        }
        BaseSource::Production => in_production(survey),
        BaseSource::Release => release(survey),
    }
}

fn in_production(survey: &Snapshot) -> Result<(CommitId, Vec<String>), Refusal> {
    let mut told: Vec<(&CommitId, String)> = Vec::new();
    told.extend(survey.running.iter().map(|commit| (commit, "what production runs".to_owned())));
    told.extend(survey.last_success.iter().map(|commit| (commit, "the last successful deployment".to_owned())));
    let others = survey.told.iter().filter_map(|told| Some((told.commit.as_ref()?, told.source.clone())));
    told.extend(others);
    let Some((first, _)) = told.first() else {
        return Err(Refusal::new(
            "base.unknown",
            "Nothing can tell what production runs.",
            "Start again with --from and the commit that production runs.",
        )
        .because_of("APPLY-6"));
    };
    if told.iter().all(|(commit, _)| commit == first) {
        return Ok(((*first).clone(), told.iter().map(|(_, source)| source.clone()).collect()));
    }
    let next = "Find out which is true, and start again with --from and that commit.";
    if let (Some(running), Some(last), true) = (&survey.running, &survey.last_success, survey.told.is_empty()) {
        let reason =
            format!("Production runs {}, but the last successful deployment was of {}.", running.short(), last.short());
        return Err(Refusal::new("base.disagree", reason, next).because_of("APPLY-6"));
    }
    let words: Vec<String> = told.iter().map(|(commit, source)| format!("{} by {source}", commit.short())).collect();
    let reason = format!("What production runs is not the same everywhere: {}.", words.join(", "));
    if survey.productions.values().any(|commit| Some(commit) != survey.productions.values().next()) {
        return Err(Refusal::new("base.disagree", reason, one_of(survey)).because_of("HOCS-3"));
    }
    Err(Refusal::new("base.disagree", reason, next).because_of("HOCS-3"))
}

/// Refuses a base if a production runs another commit: the fix has one base, and deploying it would take away what that
/// production runs (HOCS-3).
fn apart(survey: &Snapshot, base: &CommitId) -> Result<(), Refusal> {
    let others = survey.productions.iter().filter(|(_, commit)| *commit != base);
    let words: Vec<String> = others.map(|(name, commit)| format!("{name} runs {}", commit.short())).collect();
    if words.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "{}, and the fix would go on top of {}: deploying it there would take away what runs.",
        words.join(", "),
        base.short()
    );
    Err(Refusal::new("base.disagree", reason, one_of(survey)).because_of("HOCS-3"))
}

fn one_of(survey: &Snapshot) -> String {
    let names: Vec<String> = survey.productions.keys().map(|name| format!("--only {name}")).collect();
    format!("Bring them together first, or start a hotfix for one of them: {}.", names.join(" or "))
}

/// Returns the git tag of the running release as the base (HOCS-6). Refuses a version without a tag, and one that is
/// itself a hotfix, which people must decide on (HOCS-3).
fn release(survey: &Snapshot) -> Result<(CommitId, Vec<String>), Refusal> {
    let hotfix = survey
        .told
        .iter()
        .find(|told| told.version.as_ref().is_some_and(|v| v.to_ascii_lowercase().contains("hotfix")));
    if let Some(told) = hotfix {
        let version = told.version.as_deref().unwrap_or_default();
        let reason = format!("Production runs a hotfix already: {version}, says {}.", told.source);
        let next = "Decide with its owner, and start again with --from and the commit to build on.";
        return Err(Refusal::new("base.is-hotfix", reason, next).because_of("HOCS-3"));
    }
    let lost = survey.told.iter().find(|told| told.commit.is_none());
    if let Some(told) = lost {
        let (reason, next) = match &told.version {
            Some(version) => (
                format!("{} runs {version}, and the repository has no git tag of that name.", told.source),
                "Push the tag of that release, or start again with --from and its commit.",
            ),
            None => (
                format!("{} runs an image without a tag, which does not tell its release.", told.source),
                "Deploy the release by its tag, or start again with --from and the commit of the release.",
            ),
        };
        return Err(Refusal::new("base.no-tag", reason, next).because_of("HOCS-6"));
    }
    let (commit, sources) = in_production(survey)?;
    if survey.told.iter().any(|told| told.by_tag) {
        return Ok((commit, sources));
    }
    let reason = format!("{} is what production runs, but nothing says of which release it is.", commit.short());
    let next = "Let the bot read the cluster, or start again with --from and the tag of the release.";
    Err(Refusal::new("base.no-release", reason, next).because_of("HOCS-6"))
}

fn no_main() -> Refusal {
    Refusal::new(
        "main.absent",
        "The repository has no main line of the configured name.",
        "Correct `main` of the service.",
    )
}

/// Returns the refusals of requested fixes that could not be resolved, before anything is done.
pub(super) fn unknown_fixes(state: &Hotfix) -> Vec<Refusal> {
    state.snapshot.iter().flat_map(|survey| &survey.unknown).cloned().collect()
}

#[cfg(test)]
mod tests;
