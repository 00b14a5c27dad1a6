//! Where to branch from. What runs in production and the last successful deployment must agree when both can be told; a
//! person's `--from` settles a disagreement and is kept as such (APPLY-6, APPLY-X6, MAIN-4).

use hotfix_adapters::vocabulary::CommitId;

use super::{Progress, Wait};
use crate::domain::event::{Event, Survey};
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::BaseSource;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix, from: BaseSource) -> Progress {
    let Some(survey) = &state.survey else {
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

/// The base that the survey leads to, with what says so.
pub(crate) fn find(survey: &Survey, from: BaseSource) -> Result<(CommitId, Vec<String>), Refusal> {
    if let Some(commit) = &survey.from {
        return Ok((commit.clone(), vec!["the requester's word".to_owned()]));
    }
    match from {
        BaseSource::Main => {
            let main = survey.main.clone().ok_or_else(no_main)?;
            Ok((main, vec!["the forge's main line".to_owned()]))
        }
        BaseSource::Production => in_production(survey),
    }
}

fn in_production(survey: &Survey) -> Result<(CommitId, Vec<String>), Refusal> {
    let (running, last) = (
        "what production runs".to_owned(),
        "the last successful deployment".to_owned(),
    );
    match (&survey.running, &survey.last_success) {
        (Some(a), Some(b)) if a == b => Ok((a.clone(), vec![running, last])),
        (Some(a), Some(b)) => Err(Refusal::new(
            "base.disagree",
            format!(
                "Production runs {}, but the last successful deployment was of {}.",
                a.short(),
                b.short()
            ),
            "Find out which is true, and start again with --from and that commit.",
        )
        .because_of("APPLY-6")),
        (Some(a), None) => Ok((a.clone(), vec![running])),
        (None, Some(b)) => Ok((b.clone(), vec![last])),
        (None, None) => Err(Refusal::new(
            "base.unknown",
            "Nothing can tell what production runs.",
            "Start again with --from and the commit that production runs.",
        )
        .because_of("APPLY-6")),
    }
}

fn no_main() -> Refusal {
    Refusal::new(
        "main.absent",
        "The repository has no main line of the configured name.",
        "Correct `main` of the service.",
    )
}

/// Asked-for fixes that mean nothing are named before anything is done.
pub(super) fn unknown_fixes(state: &Hotfix) -> Vec<Refusal> {
    let unknown = state.survey.iter().flat_map(|survey| &survey.unknown);
    unknown
        .map(|words| {
            Refusal::new(
                "commit.unknown",
                format!("The repository has nothing that {words:?} could mean."),
                "Name a commit, a branch or a tag that is pushed.",
            )
        })
        .collect()
}
