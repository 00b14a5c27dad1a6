//! Tests of the fold: the effect of each event on the state, and impossible events.

use hotfix_adapters::deploy::Edits;
use hotfix_adapters::forge::{Check, CheckState, PullNumber};
use hotfix_adapters::ids::{DeployKey, PersonRef, Platform};
use hotfix_adapters::registry::Published;

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::event::{CommitCounts, Contributor, DriftChoice, PullSeen, TriageAnswer, Vote};
use crate::domain::hotfix::Drift;
use crate::domain::refusal::Refusal;
use crate::fixture::{
    Play, begun, closed, commit, contribution, every_event, image, live, person, production, staging, survey, voted,
};

/// Indexes of steps in the plan of the fixture.
pub(super) const TRIAGE: usize = 0;
pub(super) const FIX: usize = 5;
pub(super) const REVIEW: usize = 6;
pub(super) const LOCAL: usize = 7;
pub(super) const STAGING: usize = 8;
pub(super) const LOOK: usize = 9;
pub(super) const VOTES: usize = 10;
pub(super) const PRODUCTION: usize = 11;
pub(super) const MAIN: usize = 12;
pub(super) const POSTMORTEM: usize = 13;

/// Returns the time of the events.
pub(super) fn at() -> Timestamp {
    "2026-03-02T18:00:00Z".parse().unwrap()
}

pub(super) fn after(state: &Hotfix, by: Actor, event: Event) -> Result<Hotfix, String> {
    let entry = Entry { at: at(), by, event };
    evolve(state.id, Some(state.clone()), &entry).map_err(|impossible| impossible.why)
}

/// Applies an event of the bot.
pub(super) fn bot(state: &Hotfix, event: Event) -> Hotfix {
    after(state, Actor::Bot, event).unwrap()
}

/// Applies an event of a person.
pub(super) fn by(state: &Hotfix, who: &str, event: Event) -> Hotfix {
    after(state, Actor::Person(person(who)), event).unwrap()
}

/// Returns the reason why an event of the bot is impossible.
pub(super) fn why(state: &Hotfix, event: Event) -> String {
    after(state, Actor::Bot, event).unwrap_err()
}

pub(super) fn step(id: &str) -> StepId {
    id.parse().unwrap()
}

pub(super) fn noted() -> Event {
    Event::Noted { text: "x".to_owned() }
}

/// Returns a run with a running deployment to production.
pub(super) fn running() -> Play {
    voted().by("ana", UserCommand::Deploy(production())).begins("abc1234")
}

pub(super) fn last_key(state: &Hotfix) -> DeployKey {
    state.deploys.last().unwrap().intent.key.clone()
}

pub(super) fn done() -> StepState {
    StepState::Done { at: at(), evidence: "seen".to_owned() }
}

pub(super) fn skipped() -> StepState {
    StepState::Skipped { by: Some(person("ben")), reason: "no time".to_owned() }
}

pub(super) fn fix(short: &str, state: FixState) -> Fix {
    Fix { source: commit(short), state }
}

pub(super) fn states(state: &Hotfix) -> Vec<FixState> {
    state.fixes.iter().map(|fix| fix.state.clone()).collect()
}

pub(super) fn drifted(play: Play) -> Play {
    play.changed(|state| {
        let drift = Drift { expected: commit("1111111"), found: commit("9999999") };
        state.drifts.insert(production(), drift);
    })
}

pub(super) fn abandon(asked_by: Option<&str>) -> Event {
    let believed = [last_key(&live().state)].into();
    Event::Abandoned { reason: "it hangs".to_owned(), asked_by: asked_by.map(person), believed }
}

#[test]
fn a_run_begins_with_its_opening_by_a_person() {
    let opening = begun().entries[0].clone();
    let opened = evolve(HotfixId(7), None, &opening).unwrap();
    assert_eq!((opened.id, opened.version, opened.requester.as_str()), (HotfixId(7), 1, "ana"));
    assert_eq!(opened.steps, vec![StepState::Ahead; opened.plan.steps.len()]);
    assert_eq!((opened.phase, opened.plan_digest), (Phase::ReadingWorld, opened.plan.digest()));
    let by_the_bot = Entry { by: Actor::Bot, ..opening.clone() };
    for entry in [by_the_bot, Entry { event: Event::Acknowledged, ..opening }] {
        let impossible = evolve(HotfixId(7), None, &entry).unwrap_err();
        let words = "event 1 of HF-7 cannot have happened: a run begins with its opening, by a person";
        assert_eq!(impossible.to_string(), words);
    }
}

#[test]
fn a_replay_makes_the_same_run_again() {
    let play = closed();
    assert_eq!(play.state.version, u64::try_from(play.entries.len()).unwrap());
    assert_eq!(replay(play.state.id, &play.entries).unwrap(), Some(play.state));
    assert_eq!(replay(HotfixId(1), std::iter::empty::<&Entry>()).unwrap(), None);
    let impossible = replay(HotfixId(12), [&play.entries[0], &play.entries[0]]).unwrap_err();
    assert_eq!((impossible.version, impossible.why.as_str()), (2, "it was opened before"));
}

#[test]
fn a_run_that_is_over_takes_nothing_but_notes() {
    let over = closed().state;
    assert_eq!(why(&over, Event::LanesTaken), "the run is over");
    let version = over.version + 1;
    assert_eq!(by(&over, "ben", noted()), Hotfix { version, ..over });
    assert!(!bot(&closed().changed(|state| state.phase = Phase::Underway).state, Event::LanesTaken).lane_released);
}

#[test]
fn what_people_alone_can_say_is_not_said_by_the_bot() {
    let state = live().state;
    let takes_a_person = |event: &Event| after(&state, Actor::Bot, event.clone()) == Err("it takes a person".into());
    let kind = |event: &Event| format!("{event:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
    let kinds: Vec<String> = every_event().iter().filter(|event| takes_a_person(event)).map(kind).collect();
    let expected = [
        "OverrideRequested",
        "Identified",
        "VoteRejected",
        "Countersigned",
        "Acknowledged",
        "Held",
        "Attested",
        "FixConfirmed",
        "MergebackWaived",
        "Joined",
        "AbandonRequested",
        "Abandoned",
        "Agreed",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn what_others_asked_for_while_the_world_was_read_comes_behind() {
    let opened = Play::open("Fix 500 on upload").state;
    let more = ["e5e5e5e", "f1f1f1f"].map(|short| Event::FixRequested { source: commit(short) });
    let joined = more.into_iter().fold(opened, |state, event| bot(&state, event));
    let surveyed = bot(&joined, Event::SnapshotTaken(Box::new(survey())));
    assert_eq!(surveyed.fixes, [fix("f1f1f1f", FixState::Waiting), fix("e5e5e5e", FixState::Waiting)]);
    assert_eq!((surveyed.phase, surveyed.main_seen.unwrap().commit), (Phase::Underway, commit("ddddddd")));
}

#[test]
fn a_run_ends_as_its_last_event_says() {
    let state = live().state;
    let refusals = vec![Refusal::new("freeze", "It is Friday.", "Wait.")];
    let ended = |event: Event| bot(&state, event).phase;
    let over = |ending| Phase::Ended { ending, at: at(), refusals: Vec::new() };
    let refused = Phase::Ended { ending: Ending::Refused, at: at(), refusals: refusals.clone() };
    assert_eq!(ended(Event::Refused { refusals }), refused);
    assert_eq!(ended(Event::Aborted { reason: "no".to_owned() }), over(Ending::Aborted));
    assert_eq!(ended(Event::Closed { ending: Ending::Reverted }), over(Ending::Reverted));
}

#[test]
fn a_step_stands_where_its_last_event_put_it() {
    let state = voted().state;
    let (local, reason) = (step("local"), "no time".to_owned());
    let skip = Event::StepSkipped { step: local.clone(), reason: reason.clone() };
    let stands = |state: Hotfix| state.steps[LOCAL].clone();
    let entered = bot(&state, Event::StepEntered { step: local.clone() });
    assert_eq!(stands(entered), StepState::Current { since: at() });
    let offered = bot(&state, Event::StepOffered { step: local.clone() });
    assert_eq!(stands(offered), StepState::Offered { since: at() });
    assert_eq!(stands(by(&state, "ben", skip.clone())), skipped());
    assert_eq!(stands(bot(&state, skip)), StepState::Skipped { by: None, reason });
    assert_eq!(stands(bot(&state, Event::StepReopened { step: local, reason: "x".to_owned() })), StepState::Ahead);
    let reminded = bot(&state, Event::Reminded { step: step("local"), times: 2 });
    assert_eq!(reminded.reminders[&step("local")], 2);
    let fulfilled = bot(&reminded, Event::StepDone { step: step("local"), evidence: "seen".to_owned() });
    assert!(fulfilled.reminders.is_empty() && stands(fulfilled) == done());
    assert_eq!(why(&state, Event::StepEntered { step: step("moon") }), "the plan has no step moon");
}

#[test]
fn an_override_takes_two_people() {
    let (reason, incident) = ("it burns".to_owned(), "INC-1".to_owned());
    let ask = Event::OverrideRequested { step: step("review"), reason: reason.clone(), incident: incident.clone() };
    let asked = by(&voted().state, "dee", ask);
    assert_eq!(asked.override_requested[&step("review")], (person("dee"), reason.clone(), incident.clone()));
    let agree = Event::StepOverridden { step: step("review"), asked_by: person("dee"), reason, incident };
    let alone = after(&asked, Actor::Person(person("dee")), agree.clone());
    assert_eq!(alone.unwrap_err(), "an override takes two people");
    let overridden = by(&asked, "ben", agree);
    let reason = "overridden: it burns".to_owned();
    assert_eq!(overridden.steps[REVIEW], StepState::Skipped { by: Some(person("ben")), reason });
    assert!(overridden.override_requested.is_empty());
}

/// A broken order of versions stays recorded, so that the branch may keep the commit that restores it.
#[test]
fn it_is_kept_that_the_versions_were_out_of_order() {
    let counts = |ships| CommitCounts { commit: commit("1111111"), production: 5, ships, main: 9 };
    let good = bot(&live().state, Event::Counted(counts(6)));
    assert!(!good.order_broken && good.counts == Some(counts(6)));
    let broken = bot(&good, Event::Counted(counts(5)));
    assert!(broken.order_broken);
    let mended = bot(&broken, Event::Counted(counts(7)));
    assert!(mended.order_broken && mended.counts == Some(counts(7)));
}

#[test]
fn votes_on_other_changes_of_files_are_void() {
    let edits = Edits { diff: "+1".to_owned(), digest: "new".to_owned() };
    let state = voted().changed(|state| {
        let vote = state.votes[0].clone();
        state.votes[0].edits = Some("old".to_owned());
        state.votes[1].edits = Some("new".to_owned());
        state.votes.push(Vote { environment: staging(), ..vote });
    });
    let read = bot(&state.state, Event::EditsRead { environment: production(), edits: edits.clone() });
    assert_eq!(read.votes, state.state.votes[1..]);
    assert_eq!(read.edits, [(production(), edits)].into());
}

#[test]
fn a_live_branch_that_is_back_where_it_was_did_not_move() {
    let moved = |state: &Hotfix, to: Option<&str>| {
        bot(state, Event::LiveBranchMoved { from: commit("1111111"), to: to.map(commit) })
    };
    let away = moved(&live().state, Some("2222222"));
    assert_eq!(away.live_moved, Some(Some(commit("2222222"))));
    assert_eq!(moved(&away, None).live_moved, Some(None));
    assert_eq!(moved(&away, Some("1111111")).live_moved, None);
}

#[test]
fn a_new_branch_is_empty_and_may_begin_elsewhere_than_at_the_base() {
    let made = |base: Option<&str>, at: &str| {
        let state = begun().announced().changed(|state| state.base = base.map(commit));
        let made = bot(&state.state, Event::BranchCreated { which: BranchRole::Fix, at: commit(at) });
        let head = made.head.unwrap();
        assert_eq!(
            (made.branch, made.into, head.tip, head.total),
            (BranchState::Present, BranchState::Absent, commit(at), 0)
        );
        (head.base.short().to_owned(), head.on_base)
    };
    assert_eq!(made(Some("abc1234"), "abc1234"), ("abc1234".to_owned(), true));
    assert_eq!(made(Some("abc1234"), "1111111"), ("abc1234".to_owned(), false));
    assert_eq!(made(None, "1111111"), ("1111111".to_owned(), true));
    let into = bot(&begun().state, Event::BranchCreated { which: BranchRole::Integration, at: commit("abc1234") });
    assert!(into.into == BranchState::Present && into.branch == BranchState::Absent && into.head.is_none());
}

#[test]
fn a_fix_is_settled_once_and_by_its_name() {
    let two = |first, second| {
        let fixes = vec![fix("f1f1f1f", first), fix("e5e5e5e", second)];
        begun().changed(|state| state.fixes = fixes).state
    };
    let second = || commit("e5e5e5e");
    let waiting = two(FixState::Waiting, FixState::Waiting);
    let picked = bot(&waiting, Event::FixPicked { source: second(), commit: None, empty: false });
    assert_eq!(states(&picked), [FixState::Waiting, FixState::Picked]);
    let files = vec!["a.rs".to_owned()];
    let conflicted = bot(&waiting, Event::FixConflicted { source: second(), files: files.clone() });
    assert_eq!(states(&conflicted), [FixState::Waiting, FixState::Conflicted(files.clone())]);
    let again = Event::FixPicked { source: second(), commit: None, empty: false };
    assert_eq!(why(&picked, again), format!("nobody asked for {}", second()));
    let leaving = bot(&picked, Event::FixRemovalRequested { source: second() });
    assert_eq!(states(&leaving), [FixState::Waiting, FixState::Leaving]);
    let both = two(FixState::Leaving, FixState::Leaving);
    let kept = bot(&both, Event::FixKept { source: second(), files: files.clone() });
    assert_eq!(states(&kept), [FixState::Leaving, FixState::Picked]);
    let unasked = why(&kept, Event::FixKept { source: second(), files });
    assert_eq!(unasked, format!("{} is not being taken off", second()));
    let unknown = why(&kept, Event::FixRemovalRequested { source: commit("9999999") });
    assert_eq!(unknown, format!("nobody asked for {}", commit("9999999")));
    let gone = bot(&both, Event::FixRemoved { source: second(), by_hand: false });
    assert_eq!(gone.fixes, [fix("f1f1f1f", FixState::Leaving)]);
}

/// A removed fix takes its facts along, and each change of the fixes reopens the change step.
#[test]
fn each_change_of_the_fixes_opens_the_change_again() {
    let source = commit("f1f1f1f");
    let state = live().changed(|state| {
        state.on_main = [source.clone(), commit("e5e5e5e")].into();
        state.reached = [(staging(), commit("1111111"))].into();
        state.requested_deploy = voted().by("ana", UserCommand::Deploy(production())).state.requested_deploy;
    });
    let by = contribution("aaaaaaa", "Revert it", "ben");
    let events = [
        Event::FixReverted { source: source.clone(), by: by.clone(), why: "slow".to_owned() },
        Event::FixRequested { source: commit("9999999") },
        Event::FixRemovalRequested { source: source.clone() },
        Event::FixRemoved { source: source.clone(), by_hand: false },
    ];
    let [reverted, requested, asked, removed] = events.map(|event| bot(&state.state, event));
    for state in [&reverted, &requested, &asked, &removed] {
        assert!(matches!(state.steps[FIX - 1], StepState::Done { .. }));
        assert!(state.steps[FIX..].iter().all(|step| *step == StepState::Ahead));
        assert!(state.requested_deploy.is_none());
    }
    assert_eq!(reverted.on_main, [commit("e5e5e5e")].into());
    assert_eq!(reverted.reverted[&source], Reverted { by, why: "slow".to_owned(), confirmed: None });
    let confirmed = self::by(&reverted, "ben", Event::FixConfirmed { source: source.clone() });
    assert_eq!(confirmed.reverted[&source].confirmed, Some(person("ben")));
    assert!(bot(&confirmed, Event::FixBack { source: source.clone() }).reverted.is_empty());
    let unreverted = after(&state.state, Actor::Person(person("ben")), Event::FixConfirmed { source: source.clone() });
    assert_eq!(unreverted.unwrap_err(), "main did not revert it");
    assert!(requested.reached.is_empty() && requested.fixes.len() == 2);
    assert!(removed.on_main == [commit("e5e5e5e")].into() && removed.reached.len() == 1);
    let forgiven = bot(&reverted, Event::FixRemoved { source, by_hand: false });
    assert!(forgiven.reverted.is_empty());
}

/// Security case 92: the last commit of main with checks is kept; its checks are expected of the merge.
#[test]
fn the_last_commit_of_main_with_checks_is_kept() {
    let check = Check { name: "build".to_owned(), app: "ci".to_owned(), state: CheckState::Success };
    let seen = |short: &str, checks: &[Check]| MainSeen {
        commit: commit(short),
        checks: checks.to_vec(),
        blockers: Vec::new(),
    };
    let all = [check];
    let cases = [
        ("another commit", seen("aaaaaaa", &all), Some(seen("aaaaaaa", &all))),
        ("the same commit", seen("bbbbbbb", &all), None),
        ("nothing was reported", seen("aaaaaaa", &[]), None),
    ];
    for (what, before, kept) in cases {
        let state = live().changed(|state| state.main_seen = Some(before)).state;
        let now = seen("bbbbbbb", &[]);
        let next = bot(&state, Event::MainSeen(now.clone()));
        assert_eq!((next.main_before, next.main_seen), (kept, Some(now)), "{what}");
    }
}

#[test]
fn what_is_told_of_a_step_is_forgotten_once_nothing_is_out_by_it() {
    let told = |play: Play, id: &str, change: &dyn Fn(&mut Hotfix)| {
        let play = play.changed(|state| {
            state.outdated.insert(step(id), "the checks failed".to_owned());
            change(state);
        });
        bot(&play.state, noted()).outdated.contains_key(&step(id))
    };
    assert!(told(live(), "review", &|_| {}));
    assert!(told(live(), "look", &|_| {}));
    assert!(!told(live(), "review", &|state| state.steps[REVIEW] = StepState::Ahead), "it is open again");
    assert!(!told(voted(), "review", &|_| {}), "nothing is out");
    let elsewhere = |state: &mut Hotfix| drop(state.superseded.insert(staging(), commit("2222222")));
    assert!(!told(live(), "look", &elsewhere), "something else is on staging");
    let changed = |problem: Option<&str>| Event::EvidenceChanged {
        step: step("review"),
        problem: problem.map(ToOwned::to_owned),
    };
    let problem = bot(&live().state, changed(Some("a check failed")));
    assert_eq!(problem.outdated[&step("review")], "a check failed");
    assert!(bot(&problem, changed(None)).outdated.is_empty());
}

/// A late triage answer is added to the evidence, unless the triage blocked the run.
#[test]
fn a_late_answer_stands_in_the_evidence() {
    let answer = || Event::TriageAnswered { answers: [(0, TriageAnswer::No)].into() };
    let passed = live().changed(|state| state.steps[TRIAGE] = done());
    let evidence = |state: &Hotfix, at: usize| {
        let StepState::Done { evidence, .. } = &state.steps[at] else { panic!("{:?}", state.steps[at]) };
        evidence.clone()
    };
    let answered = bot(&passed.state, answer());
    let words = "opened by <@ana> (incident INC-77); it is urgent: no";
    assert_eq!((evidence(&answered, TRIAGE).as_str(), &answered.triage), (words, &[(0, TriageAnswer::No)].into()));
    assert_eq!(answered.steps[REVIEW], passed.state.steps[REVIEW]);
    let waited = passed.changed(|state| {
        state.plan.steps[TRIAGE].kind = StepKind::Triage { criteria: vec!["it is urgent".to_owned()], ask: true };
    });
    assert_eq!(bot(&waited.state, answer()).steps[TRIAGE], done());
    assert_eq!(bot(&live().state, answer()).steps, live().state.steps, "an offer stays one");
}

#[test]
fn what_was_seen_and_done_is_kept() {
    let state = live().state;
    let one = || commit("5555555");
    let published = Published { image: image('a'), created: None, revision: None };
    assert_eq!(bot(&state, Event::BaseFound { commit: one(), sources: Vec::new() }).base, Some(one()));
    assert_eq!(bot(&state, Event::Targeted { commit: one() }).target, Some(one()));
    assert_eq!(bot(&state, Event::JobFound { file: "ci.yml".to_owned() }).build_job.as_deref(), Some("ci.yml"));
    let on_main = bot(&state, Event::FixesOnMain { sources: [one()].into() });
    assert_eq!(bot(&on_main, Event::FixesOnMain { sources: [commit("6666666")].into() }).on_main.len(), 2);
    let found = Event::ImageFound { commit: one(), published: published.clone(), by: "x".to_owned() };
    assert_eq!(bot(&state, found).image, Some(PinnedImage { commit: one(), published }));
    assert_eq!(bot(&state, Event::ReturnOpened { number: PullNumber(8), url: None }).return_pull, Some(PullNumber(8)));
    let gone = bot(&state, Event::BranchGone { at: one() });
    assert!(gone.branch_gone && !bot(&gone, Event::BranchBack { at: one() }).branch_gone);
    let deleted = bot(&gone, Event::BranchDeleted);
    assert!(!deleted.branch_gone && deleted.branch == BranchState::Deleted);
    assert!(bot(&state, Event::BranchMerged { by: contribution("5555555", "Merge", "ben") }).branch_merged);
    let riders = vec![contribution("aaaaaaa", "Redesign the form", "ben")];
    let found = bot(&state, Event::IncludedChangesFound { riders: riders.clone(), total: 3 });
    assert_eq!((found.included_changes, found.included_changes_total), (Some(riders), 3));
    let joined = by(&state, "chi", Event::Joined { title: "More".to_owned() });
    assert_eq!(joined.joined, [(person("chi"), "More".to_owned())].into());
    let url = Some("https://wiki.example/1".to_owned());
    assert_eq!(bot(&state, Event::PostmortemFiled { url: url.clone() }).postmortem, Some(url));
    let asked = by(&state, "dee", Event::AbandonRequested { reason: "it hangs".to_owned() });
    assert_eq!(asked.abandon_requested, Some((person("dee"), "it hangs".to_owned())));
    let unknown = PersonRef::new(Platform::Git, "jo@example.org");
    let says = Event::Identified { unknown: unknown.clone(), person: None, words: "a contractor".to_owned() };
    let identified = Identified { by: person("dee"), person: None, words: "a contractor".to_owned() };
    assert_eq!(by(&state, "dee", says).identified, [(unknown, identified)].into());
}

#[test]
fn what_there_is_no_trace_of_cannot_have_changed() {
    let opened = Play::open("Fix 500 on upload").state;
    let merged = Event::Merged { number: PullNumber(7), commit: commit("eeeeeee"), early: false };
    let found =
        Event::HeldBackFound { base: commit("abc1234"), without: BTreeSet::new(), changes: Vec::new(), total: 0 };
    let jo = Contributor { person: None, name: "Jo".to_owned(), unknown: None };
    let cases = [
        (Event::PullSeen(PullSeen::default()), "there is no pull request"),
        (merged.clone(), "there is no pull request"),
        (Event::OthersPushed { people: [jo.clone()].into() }, "there is no branch"),
        (found, "nothing was surveyed"),
        (Event::MainlineConfirmed { note: None }, "nothing was rewritten"),
        (Event::DriftSettled { choice: DriftChoice::Roll }, "production did not change"),
    ];
    for (event, reason) in cases {
        assert_eq!(why(&opened, event), reason);
    }
    let state = live().state;
    assert_eq!(bot(&state, merged).pull.unwrap().merged, Some(commit("eeeeeee")));
    assert!(bot(&state, Event::OthersPushed { people: [jo.clone()].into() }).head.unwrap().people.contains(&jo));
}

/// The mainline step is reopened when main loses the fix. The steps behind it keep their state.
#[test]
fn main_can_lose_the_fix_again() {
    let by = contribution("9999999", "Revert it", "eve");
    let lost = || Event::MainlineReverted { by: by.clone(), partly: false };
    let state = live().on_main().changed(|state| state.steps[POSTMORTEM] = done()).state;
    let after = bot(&state, lost());
    assert_eq!(after.mainline, Mainline::Reverted(commit("9999999")));
    assert_eq!((&after.steps[MAIN], &after.steps[POSTMORTEM]), (&StepState::Ahead, &done()));
    let left_out = Hotfix { steps: [&state.steps[..MAIN], &[skipped(), done()]].concat(), ..state.clone() };
    assert_eq!(bot(&left_out, lost()).steps[MAIN], skipped());
    let rewritten = bot(&state, Event::MainlineRewritten { by: by.clone(), main: commit("8888888") });
    let confirmed = bot(&rewritten, Event::MainlineConfirmed { note: None });
    let how = Containment::Rewritten { by: commit("9999999") };
    assert_eq!(confirmed.mainline, Mainline::Merged(how, commit("8888888")));
}
