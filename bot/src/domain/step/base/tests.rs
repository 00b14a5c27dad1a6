//! Tests of the base: its sources, and the refusals if they are missing or disagree.

use std::collections::BTreeMap;

use hotfix_adapters::ids::Environment;

use super::super::tests::{cited, refusals};
use super::*;
use crate::domain::event::VersionReport;
use crate::fixture::{begun, commit, environment};

fn survey(running: Option<char>, last: Option<char>, from: Option<char>) -> Snapshot {
    let commit = |digit: Option<char>| digit.map(|digit| CommitId::parse(&digit.to_string().repeat(40)).unwrap());
    Snapshot {
        running: commit(running),
        last_success: commit(last),
        from: commit(from),
        main: commit(Some('f')),
        ..Snapshot::default()
    }
}

/// APPLY-6: all known sources must agree, one is enough, and the requester's `--from` settles a disagreement.
#[test]
fn the_sources_of_the_base_agree_or_a_person_says() {
    let first = |survey: &Snapshot| {
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

fn of(digit: char) -> CommitId {
    CommitId::parse(&digit.to_string().repeat(40)).unwrap()
}

fn told(source: &str, version: Option<&str>, digit: Option<char>, by_tag: bool) -> VersionReport {
    VersionReport { source: source.to_owned(), version: version.map(str::to_owned), commit: digit.map(of), by_tag }
}

fn productions(all: &[(&str, char)]) -> BTreeMap<Environment, CommitId> {
    all.iter().map(|(name, digit)| (environment(name), of(*digit))).collect()
}

/// Returns the refusal of a base: its code with the cited runbook id, its reason, and the next step.
fn against(survey: &Snapshot, from: BaseSource) -> (String, String, String) {
    let refusal = find(survey, from).unwrap_err();
    (cited(std::slice::from_ref(&refusal)).remove(0), refusal.reason, refusal.next)
}

#[test]
fn the_step_is_done_when_the_base_is_found() {
    let play = begun();
    let found = Progress::Done {
        evidence: "abc1234 by what production runs and the last successful deployment".to_owned(),
        events: vec![Event::BaseFound {
            commit: commit("abc1234"),
            sources: vec!["what production runs".to_owned(), "the last successful deployment".to_owned()],
        }],
    };
    assert_eq!(progress(&play.state, BaseSource::Production), found);
    let nowhere = play.clone().changed(|state| state.snapshot.as_mut().unwrap().main = None).state;
    let refusals = refusals(progress(&nowhere, BaseSource::Main));
    assert_eq!(cited(&refusals), ["main.absent "]);
    assert_eq!(refusals[0].reason, "The repository has no main line of the configured name.");
    let unread = play.changed(|state| state.snapshot = None).state;
    let reading = Wait::Bot("reading what runs in production");
    assert_eq!(progress(&unread, BaseSource::Production), Progress::Waiting(reading));
}

#[test]
fn what_says_so_is_kept_with_the_base() {
    let by = |survey: &Snapshot, from| find(survey, from).unwrap().1;
    assert_eq!(by(&survey(None, None, Some('c')), BaseSource::Main), ["the requester's word"]);
    assert_eq!(by(&survey(None, None, None), BaseSource::Main), ["the forge's main line"]);
    let mut told_too = survey(Some('a'), None, None);
    told_too.told = vec![told("the cluster", None, Some('a'), false), told("the other", None, None, false)];
    assert_eq!(by(&told_too, BaseSource::Production), ["what production runs", "the cluster"]);
    told_too.running = None;
    assert_eq!(by(&told_too, BaseSource::Production), ["the cluster"]);
}

/// APPLY-6, HOCS-3: a refusal names each source with its commit, and how to settle the disagreement.
#[test]
fn sources_that_disagree_are_told_apart() {
    let settle = "Find out which is true, and start again with --from and that commit.";
    let two = survey(Some('a'), Some('b'), None);
    let reason = "Production runs aaaaaaa, but the last successful deployment was of bbbbbbb.";
    let expected = |code: &str, reason: &str, next: &str| (code.to_owned(), reason.to_owned(), next.to_owned());
    assert_eq!(against(&two, BaseSource::Production), expected("base.disagree APPLY-6", reason, settle));
    let mut three = survey(Some('a'), Some('a'), None);
    three.told.push(told("the cluster", None, Some('b'), false));
    let reason = "What production runs is not the same everywhere: aaaaaaa by what production runs, aaaaaaa by the last \
                  successful deployment, bbbbbbb by the cluster.";
    assert_eq!(against(&three, BaseSource::Production), expected("base.disagree HOCS-3", reason, settle));
    three.productions = productions(&[("eu", 'a'), ("us", 'a')]);
    assert_eq!(against(&three, BaseSource::Production), expected("base.disagree HOCS-3", reason, settle));
    three.productions = productions(&[("eu", 'a'), ("us", 'b')]);
    let one_of = "Bring them together first, or start a hotfix for one of them: --only eu or --only us.";
    assert_eq!(against(&three, BaseSource::Production), expected("base.disagree HOCS-3", reason, one_of));
    assert_eq!(against(&survey(None, None, None), BaseSource::Production).0, "base.unknown APPLY-6");
}

/// HOCS-3: a base is refused if a production runs another commit.
#[test]
fn a_named_base_is_what_every_production_runs() {
    let mut survey = survey(None, None, Some('c'));
    survey.productions = productions(&[("eu", 'c'), ("us", 'c')]);
    assert_eq!(find(&survey, BaseSource::Production), Ok((of('c'), vec!["the requester's word".to_owned()])));
    survey.productions = productions(&[("asia", 'e'), ("eu", 'c'), ("us", 'd')]);
    let (code, reason, next) = against(&survey, BaseSource::Production);
    assert_eq!(code, "base.disagree HOCS-3");
    assert_eq!(
        reason,
        "asia runs eeeeeee, us runs ddddddd, and the fix would go on top of ccccccc: deploying it there would take away \
         what runs."
    );
    assert_eq!(
        next,
        "Bring them together first, or start a hotfix for one of them: --only asia or --only eu or --only us."
    );
}

/// HOCS-3, HOCS-6: the base is the git tag of the release that runs.
#[test]
fn the_base_is_the_tag_of_the_release_that_runs() {
    let with = |all: &[VersionReport]| Snapshot { told: all.to_vec(), ..survey(Some('a'), None, None) };
    let tagged = with(&[told("one", Some("1.2"), Some('a'), false), told("two", Some("1.2"), Some('a'), true)]);
    let sources = ["what production runs", "one", "two"].map(str::to_owned).to_vec();
    assert_eq!(find(&tagged, BaseSource::Release), Ok((of('a'), sources)));
    let named = Snapshot { from: Some(of('c')), ..with(&[told("one", Some("1.2-hotfix.1"), None, false)]) };
    assert_eq!(find(&named, BaseSource::Release).unwrap().0, of('c'));
    let cases: [(&[VersionReport], &str, &str); 5] = [
        (
            &[told("one", Some("1.2"), None, false), told("two", Some("1.2-HotFix.1"), Some('a'), true)],
            "base.is-hotfix HOCS-3",
            "Production runs a hotfix already: 1.2-HotFix.1, says two.",
        ),
        (
            &[told("one", Some("1.2"), Some('a'), true), told("two", Some("1.3"), None, false)],
            "base.no-tag HOCS-6",
            "two runs 1.3, and the repository has no git tag of that name.",
        ),
        (
            &[told("two", None, None, false)],
            "base.no-tag HOCS-6",
            "two runs an image without a tag, which does not tell its release.",
        ),
        (
            &[told("one", Some("1.2"), Some('a'), false)],
            "base.no-release HOCS-6",
            "aaaaaaa is what production runs, but nothing says of which release it is.",
        ),
        (
            &[told("one", Some("1.2"), Some('b'), true)],
            "base.disagree HOCS-3",
            "What production runs is not the same everywhere: aaaaaaa by what production runs, bbbbbbb by one.",
        ),
    ];
    for (all, code, reason) in cases {
        let told = against(&with(all), BaseSource::Release);
        assert_eq!((told.0.as_str(), told.1.as_str()), (code, reason));
    }
}

#[test]
fn fixes_that_mean_nothing_are_named() {
    let unknown = vec![Refusal::new("fix.unknown", "Nobody knows it.", "Name another.")];
    let play = begun().changed(|state| state.snapshot.as_mut().unwrap().unknown.clone_from(&unknown));
    assert_eq!(unknown_fixes(&play.state), unknown);
    assert_eq!(unknown_fixes(&begun().state), []);
}
