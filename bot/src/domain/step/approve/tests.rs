//! Tests of the approval step: quorum and vote requests.

use hotfix_adapters::forge::PullNumber;

use super::*;
use crate::domain::hotfix::Rejection;
use crate::domain::people::Role;
use crate::domain::service::{ApprovalRule, TargetPlan};
use crate::domain::vote_source::VoteSource;
use crate::fixture::{Play, asked, commit, person, production, voted};

fn of(play: &Play) -> Progress {
    progress(&play.state, &production(), play.now)
}

fn votes(missing: u32, vetoes: usize) -> Progress {
    let rule = |count| ApprovalRule { role: Role::Approver, count };
    let missing = (missing > 0).then(|| rule(missing)).into_iter().collect();
    Progress::Waiting(Wait::Votes { environment: production(), missing, vetoes })
}

fn vetoed(state: &mut Hotfix) {
    let no = Rejection { reason: "not now".to_owned(), source: VoteSource::Command, on: None };
    state.rejections.insert((production(), person("eve")), no);
}

fn astray(state: &mut Hotfix) {
    state.pull.as_mut().unwrap().seen.astray = Some("release".parse().unwrap());
}

fn unasked(state: &mut Hotfix) {
    state.plan.environments[1].approval.rules.clear();
}

#[test]
fn the_votes_are_there_or_are_waited_for() {
    assert_eq!(of(&voted()), Progress::done("<@ben>, <@dee> on 1111111 for production"));
    assert_eq!(of(&asked()), votes(2, 0));
    assert_eq!(of(&voted().changed(vetoed)), votes(0, 1));
    let nobodys = "nobody's word is asked for on 1111111 for production";
    assert_eq!(of(&asked().changed(unasked)), Progress::done(nobodys));
    let nothing = asked().changed(unasked).changed(|state| state.head = None);
    assert_eq!(of(&nothing), Progress::done("nobody's word is asked for on nothing for production"));
    let narrowed = voted().changed(|state| {
        state.plan.environments[1].targets = vec![TargetPlan { name: "eu".to_owned(), production: true }];
        state.plan.only = vec!["eu".to_owned()];
    });
    assert_eq!(of(&narrowed), Progress::done("<@ben>, <@dee> on 1111111 for production (only eu)"));
}

/// A break-glass counts once it is announced. It replaces votes only: a rejection still blocks.
#[test]
fn a_broken_glass_counts_once_it_is_told() {
    let broken = asked().glass_broken();
    assert_eq!(of(&broken), Progress::done("<@dee> broke the glass, on 1111111 for production"));
    let untold = |state: &mut Hotfix| state.break_glass.last_mut().unwrap().announced = None;
    let telling = Wait::Bot("telling the audit channel that the glass was broken");
    assert_eq!(of(&broken.clone().changed(untold)), Progress::Waiting(telling));
    assert_eq!(of(&broken.clone().changed(untold).changed(vetoed)), votes(2, 1));
    let enough = broken.changed(untold).changed(unasked);
    assert_eq!(of(&enough), Progress::done("nobody's word is asked for on 1111111 for production"));
}

/// No votes are requested while the pull request targets another branch.
#[test]
fn nobody_votes_while_the_pull_request_goes_elsewhere() {
    let (number, into) = (PullNumber(7), "release".parse().unwrap());
    assert_eq!(of(&asked().changed(astray)), Progress::Waiting(Wait::Retargeted { number, into }));
    assert_eq!(of(&voted().changed(astray)), Progress::done("<@ben>, <@dee> on 1111111 for production"));
}

#[test]
fn people_are_asked_for_what_is_missing_and_can_be_taken() {
    let prompts = |play: Play| enter(&play.state, &production(), play.now);
    let prompt = Effect::RequestVotes { environment: production(), commit: commit("1111111") };
    assert_eq!(prompts(asked()), [prompt]);
    let silent: [(&str, Play); 6] = [
        ("all voted", voted()),
        ("only a no keeps it shut", voted().changed(vetoed)),
        ("nobody's word is asked for", asked().changed(unasked)),
        ("it was rolled back", asked().changed(|state| state.rolled_back = Some(commit("1111111")))),
        ("it goes elsewhere", asked().changed(astray)),
        ("nothing ships", asked().changed(|state| state.head = None)),
    ];
    for (what, play) in silent {
        assert_eq!(prompts(play), [], "{what}");
    }
    assert_eq!(prompts(asked().changed(|state| state.rolled_back = Some(commit("2222222")))).len(), 1);
}
