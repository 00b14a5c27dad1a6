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
    let (running, last) = ("what production runs".to_owned(), "the last successful deployment".to_owned());
    match (&survey.running, &survey.last_success) {
        (Some(a), Some(b)) if a == b => Ok((a.clone(), vec![running, last])),
        (Some(a), Some(b)) => Err(Refusal::new(
            "base.disagree",
            format!("Production runs {}, but the last successful deployment was of {}.", a.short(), b.short()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(running: Option<char>, last: Option<char>, from: Option<char>) -> Survey {
        let commit = |digit: Option<char>| digit.map(|digit| CommitId::parse(&digit.to_string().repeat(40)).unwrap());
        Survey {
            running: commit(running),
            last_success: commit(last),
            from: commit(from),
            main: commit(Some('f')),
            withheld: Vec::new(),
            withheld_total: 0,
            main_checks: Vec::new(),
            blockers: Vec::new(),
            branches: Vec::new(),
            capabilities: Default::default(),
            fixes: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// APPLY-6: the sources must agree, one is enough, none is not, and a person's word settles it.
    #[test]
    fn the_sources_of_the_base_agree_or_a_person_says() {
        let first = |survey: &Survey| {
            find(survey, BaseSource::Production).map(|(commit, by)| (commit.as_str().chars().next(), by.len()))
        };
        assert_eq!(first(&survey(Some('a'), Some('a'), None)), Ok((Some('a'), 2)));
        assert_eq!(first(&survey(Some('a'), None, None)), Ok((Some('a'), 1)));
        assert_eq!(first(&survey(None, Some('b'), None)), Ok((Some('b'), 1)));
        assert_eq!(first(&survey(Some('a'), Some('b'), Some('c'))), Ok((Some('c'), 1)));
        assert_eq!(first(&survey(Some('a'), Some('b'), None)).unwrap_err().code, "base.disagree");
        assert_eq!(first(&survey(None, None, None)).unwrap_err().code, "base.unknown");
        assert_eq!(find(&survey(None, None, None), BaseSource::Main).unwrap().0.as_str(), "f".repeat(40));
    }
}
