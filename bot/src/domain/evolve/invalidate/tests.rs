//! Tests of invalidation: steps and statements that an event reopens or voids, and those that it keeps.

use hotfix_adapters::registry::Published;

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::event::{DriftChoice, Event};
use crate::domain::evolve::tests::{
    FIX, LOCAL, LOOK, MAIN, POSTMORTEM, PRODUCTION, REVIEW, STAGING, VOTES, at, bot, by, done, drifted, fix, running,
    skipped, states, step,
};
use crate::domain::hotfix::{PinnedImage, Rejection};
use crate::domain::vote_source::VoteSource;
use crate::fixture::{Play, asked, commit, head, image, live, person, production, voted};

fn veto() -> Rejection {
    Rejection { reason: "no".to_owned(), source: VoteSource::Command, on: None }
}

/// Security case 25: a new head voids everything that was given for the old one.
#[test]
fn a_moved_head_makes_what_was_said_void() {
    let conflict = || FixState::Conflicted(vec!["a.rs".to_owned()]);
    let state = asked().glass_broken().by("ben", crate::fixture::yes(None)).changed(|state| {
        state.rejections.insert((production(), person("dee")), veto());
        state.included_changes = Some(Vec::new());
        state.branch_gone = true;
        state.rebase_conflict = Some(Vec::new());
        state.rebase_from = Some(commit("abc1234"));
        state.fixes = vec![fix("1a1a1a1", conflict()), fix("2a2a2a2", conflict()), fix("3a3a3a3", FixState::Waiting)];
        state.requested_deploy = voted().by("ana", UserCommand::Deploy(production())).state.requested_deploy;
    });
    let moved = |on_base| {
        let head = HeadSeen { on_base, ..head("2222222", "More") };
        let adapts = vec![commit("1a1a1a1"), commit("3a3a3a3")];
        bot(&state.state, Event::HeadMoved { from: commit("1111111"), head, adapts })
    };
    let next = moved(true);
    assert_eq!(next.head.as_ref().map(|head| head.tip.clone()), Some(commit("2222222")));
    assert_eq!(states(&next), [FixState::Adapted, conflict(), FixState::Waiting]);
    assert!(
        next.votes.is_empty()
            && next.rejections.is_empty()
            && next.vote_requests.is_empty()
            && next.break_glass[0].void
    );
    assert!(next.included_changes.is_none() && next.requested_deploy.is_none() && !next.branch_gone);
    assert!(next.rebase_conflict.is_none() && next.rebase_from.is_none());
    assert_eq!(next.past_vote_requests.len(), 1);
    assert!(matches!(next.steps[FIX - 1], StepState::Done { .. }));
    assert!(next.steps[FIX..].iter().all(|step| *step == StepState::Ahead));
    let elsewhere = moved(false);
    assert!(elsewhere.rebase_conflict.is_some() && elsewhere.rebase_from.is_some());
}

/// Reopening a step puts later current actions back. The step itself and earlier steps keep their state.
#[test]
fn acts_behind_a_step_that_opens_again_start_over() {
    let since = at();
    let current = || StepState::Current { since };
    let play = voted().changed(|state| {
        state.deploys.clear();
        state.steps[STAGING] = current();
        state.steps[VOTES] = current();
        state.steps[PRODUCTION] = current();
    });
    let over = |id: &str| {
        let mut state = play.state.clone();
        start_over_behind(&mut state, &step(id));
        [STAGING, VOTES, PRODUCTION].map(|at| state.steps[at] == StepState::Ahead)
    };
    assert_eq!(over("review"), [true, false, true], "votes are no act");
    assert_eq!(over("staging"), [false, false, true]);
    assert_eq!(over("look"), [false, false, true]);
    assert_eq!(over("production"), [false, false, false]);
    assert_eq!(over("moon"), [false, false, false]);
    let reopened = bot(&play.state, Event::StepReopened { step: step("review"), reason: "a check".to_owned() });
    assert_eq!((&reopened.steps[REVIEW], &reopened.steps[PRODUCTION]), (&StepState::Ahead, &StepState::Ahead));
    let begun = bot(&running().state, Event::StepReopened { step: step("review"), reason: "a check".to_owned() });
    assert!(matches!(begun.steps[PRODUCTION], StepState::Current { .. }), "it has begun");
}

/// HOCS-15, HOCS-31: a moved image reopens the steps behind it. Skipped steps stay skipped unless they judge the image.
#[test]
fn a_moved_image_is_deployed_and_looked_at_again() {
    let play = live().changed(|state| {
        state.image = Some(PinnedImage {
            commit: commit("1111111"),
            published: Published { image: image('a'), created: None, revision: None },
        });
        for at in [LOCAL, STAGING] {
            state.steps[at] = skipped();
        }
        state.steps[MAIN] = done();
    });
    let with_image = play.clone().changed(|state| state.plan.steps[REVIEW].kind = StepKind::Image);
    let moved = bot(&with_image.state, Event::ImageMoved { to: None });
    assert!(moved.image.is_none() && moved.votes.is_empty());
    assert_eq!(moved.steps[FIX], with_image.state.steps[FIX]);
    let ahead = [REVIEW, LOCAL, LOOK, VOTES, PRODUCTION, MAIN];
    assert!(ahead.iter().all(|at| moved.steps[*at] == StepState::Ahead), "{:?}", moved.steps);
    assert_eq!(moved.steps[STAGING], skipped());
    let rolled = with_image.clone().changed(|state| {
        state.rolled_in = true;
        state.mainline = Mainline::Waived { by: person("dee"), reason: "a flag".to_owned() };
    });
    let rolled = bot(&rolled.state, Event::ImageMoved { to: None });
    assert!(matches!(rolled.steps[PRODUCTION], StepState::Skipped { by: None, .. }));
    assert!(matches!(rolled.steps[MAIN], StepState::Skipped { by: Some(_), .. }));
    assert_eq!(bot(&play.state, Event::ImageMoved { to: None }).steps, play.state.steps, "the plan pins no image");
}

/// A waived mainline step is skipped unless it was done before, and stays skipped when other steps are reopened.
#[test]
fn a_waived_way_back_is_left_out() {
    let waived = |play: Play| by(&play.state, "dee", Event::MergebackWaived { reason: "a flag".to_owned() });
    let given_up = StepState::Skipped { by: Some(person("dee")), reason: "given up: a flag".to_owned() };
    let early = waived(voted());
    assert_eq!((&early.steps[MAIN], &early.steps[POSTMORTEM]), (&given_up, &StepState::Ahead));
    assert_eq!(early.mainline, Mainline::Waived { by: person("dee"), reason: "a flag".to_owned() });
    let moved = bot(&early, Event::FixRequested { source: commit("9999999") });
    assert_eq!((&moved.steps[MAIN], &moved.steps[PRODUCTION]), (&given_up, &StepState::Ahead));
    assert_eq!(waived(live().changed(|state| state.steps[MAIN] = done())).steps[MAIN], done());
}

/// APPLY-17: a run that is rolled into the regular release skips its approvals and deployments.
#[test]
fn a_run_that_is_rolled_in_deploys_nothing_more() {
    let play = drifted(asked()).changed(|state| state.steps[LOOK] = skipped());
    let rolled = bot(&play.state, Event::DriftSettled { choice: DriftChoice::Roll });
    let out = StepState::Skipped { by: None, reason: "rolled into the regular release".to_owned() };
    assert!(rolled.rolled_in && rolled.drifts.is_empty() && rolled.vote_requests.is_empty());
    assert_eq!(rolled.rebased_onto, [(production(), commit("9999999"))].into());
    assert_eq!(rolled.base, play.state.base);
    for at in [VOTES, PRODUCTION] {
        assert_eq!(rolled.steps[at], out);
    }
    for at in (0..VOTES).chain([MAIN, POSTMORTEM]) {
        assert_eq!(rolled.steps[at], play.state.steps[at], "step {at}");
    }
    let more = bot(&rolled, Event::FixRequested { source: commit("e5e5e5e") });
    assert_eq!((&more.steps[STAGING], &more.steps[LOOK], &more.steps[LOCAL]), (&out, &out, &StepState::Ahead));
}
