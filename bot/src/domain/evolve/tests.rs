//! What each event does to a run, and which events cannot have happened.

use hotfix_adapters::deploy::Edits;
use hotfix_adapters::forge::{Check, CheckState, PullNumber};
use hotfix_adapters::registry::Published;
use hotfix_adapters::vocabulary::{DeployKey, PersonRef, Platform};

use super::*;
use crate::domain::command::Act;
use crate::domain::event::{Answer, Closing, Contributor, Counts, DeployIntent, DriftChoice, Lapse, PullSeen, Vote};
use crate::domain::glass::{BrokenGlass, Review};
use crate::domain::hotfix::{AskedDeploy, DeployState, Drift, Stuck, Veto};
use crate::domain::question::Prompt;
use crate::domain::refusal::Refusal;
use crate::domain::way::Way;
use crate::fixture::{
    Play, asked, begun, closed, commit, contribution, environment, every_event, head, image, live, message, person,
    production, staging, survey, voted,
};

/// The places of steps in the plan of the fixture.
const TRIAGE: usize = 0;
const FIX: usize = 5;
const REVIEW: usize = 6;
const LOCAL: usize = 7;
const STAGING: usize = 8;
const LOOK: usize = 9;
const VOTES: usize = 10;
const PRODUCTION: usize = 11;
const MAIN: usize = 12;
const POSTMORTEM: usize = 13;

/// When the events happen.
fn at() -> Timestamp {
    "2026-03-02T18:00:00Z".parse().unwrap()
}

fn after(state: &Hotfix, by: Actor, event: Event) -> Result<Hotfix, String> {
    let entry = Entry { at: at(), by, event };
    evolve(state.id, Some(state.clone()), &entry).map_err(|impossible| impossible.why)
}

/// The run after an event of the bot.
fn bot(state: &Hotfix, event: Event) -> Hotfix {
    after(state, Actor::Bot, event).unwrap()
}

/// The run after an event of a person.
fn by(state: &Hotfix, who: &str, event: Event) -> Hotfix {
    after(state, Actor::Person(person(who)), event).unwrap()
}

/// Why an event of the bot cannot have happened.
fn why(state: &Hotfix, event: Event) -> String {
    after(state, Actor::Bot, event).unwrap_err()
}

fn step(id: &str) -> StepId {
    id.parse().unwrap()
}

fn noted() -> Event {
    Event::Noted { text: "x".to_owned() }
}

/// The deployment to production is under way.
fn running() -> Play {
    voted().by("ana", Act::Deploy(production())).begins("abc1234")
}

fn last_key(state: &Hotfix) -> DeployKey {
    state.deploys.last().unwrap().intent.key.clone()
}

fn done() -> StepState {
    StepState::Done { at: at(), evidence: "seen".to_owned() }
}

fn skipped() -> StepState {
    StepState::Skipped { by: Some(person("ben")), reason: "no time".to_owned() }
}

fn fix(short: &str, state: FixState) -> Fix {
    Fix { source: commit(short), state }
}

fn states(state: &Hotfix) -> Vec<FixState> {
    state.fixes.iter().map(|fix| fix.state.clone()).collect()
}

#[test]
fn a_run_begins_with_its_opening_by_a_person() {
    let opening = begun().entries[0].clone();
    let opened = evolve(HotfixId(7), None, &opening).unwrap();
    assert_eq!((opened.id, opened.version, opened.requester.as_str()), (HotfixId(7), 1, "ana"));
    assert_eq!(opened.steps, vec![StepState::Ahead; opened.plan.steps.len()]);
    assert_eq!((opened.phase, opened.plan_digest), (Phase::Surveying, opened.plan.digest()));
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
        "OverrideAsked",
        "Identified",
        "Vetoed",
        "Countersigned",
        "Acknowledged",
        "Held",
        "Attested",
        "FixConfirmed",
        "MergebackWaived",
        "Joined",
        "AbandonAsked",
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
    let surveyed = bot(&joined, Event::Surveyed(Box::new(survey())));
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
    let ask = Event::OverrideAsked { step: step("review"), reason: reason.clone(), incident: incident.clone() };
    let asked = by(&voted().state, "dee", ask);
    assert_eq!(asked.override_asked[&step("review")], (person("dee"), reason.clone(), incident.clone()));
    let agree = Event::StepOverridden { step: step("review"), asked_by: person("dee"), reason, incident };
    let alone = after(&asked, Actor::Person(person("dee")), agree.clone());
    assert_eq!(alone.unwrap_err(), "an override takes two people");
    let overridden = by(&asked, "ben", agree);
    let reason = "overridden: it burns".to_owned();
    assert_eq!(overridden.steps[REVIEW], StepState::Skipped { by: Some(person("ben")), reason });
    assert!(overridden.override_asked.is_empty());
}

/// The versions are out of order once, and in order again: a commit of the branch may be there only to mend that.
#[test]
fn it_is_kept_that_the_versions_were_out_of_order() {
    let counts = |ships| Counts { commit: commit("1111111"), production: 5, ships, main: 9 };
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
        let made = bot(&state.state, Event::BranchCreated { which: Which::Fix, at: commit(at) });
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
    let into = bot(&begun().state, Event::BranchCreated { which: Which::Into, at: commit("abc1234") });
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
    let leaving = bot(&picked, Event::FixRemovalAsked { source: second() });
    assert_eq!(states(&leaving), [FixState::Waiting, FixState::Leaving]);
    let both = two(FixState::Leaving, FixState::Leaving);
    let kept = bot(&both, Event::FixKept { source: second(), files: files.clone() });
    assert_eq!(states(&kept), [FixState::Leaving, FixState::Picked]);
    let unasked = why(&kept, Event::FixKept { source: second(), files });
    assert_eq!(unasked, format!("{} is not being taken off", second()));
    let unknown = why(&kept, Event::FixRemovalAsked { source: commit("9999999") });
    assert_eq!(unknown, format!("nobody asked for {}", commit("9999999")));
    let gone = bot(&both, Event::FixRemoved { source: second(), by_hand: false });
    assert_eq!(gone.fixes, [fix("f1f1f1f", FixState::Leaving)]);
}

/// What was known of a fix goes with it, and the steps that it changes have to be fulfilled again.
#[test]
fn each_change_of_the_fixes_opens_the_change_again() {
    let source = commit("f1f1f1f");
    let state = live().changed(|state| {
        state.on_main = [source.clone(), commit("e5e5e5e")].into();
        state.reached = [(staging(), commit("1111111"))].into();
        state.asked_deploy = voted().by("ana", Act::Deploy(production())).state.asked_deploy;
    });
    let by = contribution("aaaaaaa", "Revert it", "ben");
    let events = [
        Event::FixReverted { source: source.clone(), by: by.clone(), why: "slow".to_owned() },
        Event::FixRequested { source: commit("9999999") },
        Event::FixRemovalAsked { source: source.clone() },
        Event::FixRemoved { source: source.clone(), by_hand: false },
    ];
    let [reverted, requested, asked, removed] = events.map(|event| bot(&state.state, event));
    for state in [&reverted, &requested, &asked, &removed] {
        assert!(matches!(state.steps[FIX - 1], StepState::Done { .. }));
        assert!(state.steps[FIX..].iter().all(|step| *step == StepState::Ahead));
    }
    assert_eq!(reverted.on_main, [commit("e5e5e5e")].into());
    assert_eq!(reverted.reverted[&source], Reverted { by, why: "slow".to_owned(), confirmed: None });
    let confirmed = self::by(&reverted, "ben", Event::FixConfirmed { source: source.clone() });
    assert_eq!(confirmed.reverted[&source].confirmed, Some(person("ben")));
    assert!(bot(&confirmed, Event::FixBack { source: source.clone() }).reverted.is_empty());
    let unreverted = after(&state.state, Actor::Person(person("ben")), Event::FixConfirmed { source: source.clone() });
    assert_eq!(unreverted.unwrap_err(), "main did not revert it");
    assert!(requested.reached.is_empty() && requested.fixes.len() == 2 && requested.asked_deploy.is_some());
    assert!(asked.asked_deploy.is_none());
    assert!(removed.on_main == [commit("e5e5e5e")].into() && removed.reached.len() == 1);
    let forgiven = bot(&reverted, Event::FixRemoved { source, by_hand: false });
    assert!(forgiven.reverted.is_empty());
}

/// Security case 92: the checks of the commit before say which checks a merge has to have.
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

/// An answer that comes after the step was passed stands in its evidence, unless the run waited for the answers.
#[test]
fn a_late_answer_stands_in_the_evidence() {
    let answer = || Event::TriageAnswered { answers: [(0, Answer::No)].into() };
    let passed = live().changed(|state| state.steps[TRIAGE] = done());
    let evidence = |state: &Hotfix, at: usize| {
        let StepState::Done { evidence, .. } = &state.steps[at] else { panic!("{:?}", state.steps[at]) };
        evidence.clone()
    };
    let answered = bot(&passed.state, answer());
    let words = "opened by <@ana> (incident INC-77); it is urgent: no";
    assert_eq!((evidence(&answered, TRIAGE).as_str(), &answered.triage), (words, &[(0, Answer::No)].into()));
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
    assert_eq!(bot(&state, found).image, Some(Pinned { commit: one(), published }));
    assert_eq!(bot(&state, Event::ReturnOpened { number: PullNumber(8), url: None }).return_pull, Some(PullNumber(8)));
    let gone = bot(&state, Event::BranchGone { at: one() });
    assert!(gone.branch_gone && !bot(&gone, Event::BranchBack { at: one() }).branch_gone);
    let deleted = bot(&gone, Event::BranchDeleted);
    assert!(!deleted.branch_gone && deleted.branch == BranchState::Deleted);
    assert!(bot(&state, Event::BranchMerged { by: contribution("5555555", "Merge", "ben") }).branch_merged);
    let riders = vec![contribution("aaaaaaa", "Redesign the form", "ben")];
    let found = bot(&state, Event::RidersFound { riders: riders.clone(), total: 3 });
    assert_eq!((found.riders, found.riders_total), (Some(riders), 3));
    let joined = by(&state, "chi", Event::Joined { title: "More".to_owned() });
    assert_eq!(joined.joined, [(person("chi"), "More".to_owned())].into());
    let url = Some("https://wiki.example/1".to_owned());
    assert_eq!(bot(&state, Event::PostmortemFiled { url: url.clone() }).postmortem, Some(url));
    let asked = by(&state, "dee", Event::AbandonAsked { reason: "it hangs".to_owned() });
    assert_eq!(asked.abandon_asked, Some((person("dee"), "it hangs".to_owned())));
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
        Event::WithheldFound { base: commit("abc1234"), without: BTreeSet::new(), changes: Vec::new(), total: 0 };
    let jo = Contributor { person: None, name: "Jo".to_owned(), unknown: None };
    let cases = [
        (Event::PullSeen(PullSeen::default()), "there is no pull request"),
        (merged.clone(), "there is no pull request"),
        (Event::StrangersPushed { people: [jo.clone()].into() }, "there is no branch"),
        (found, "nothing was surveyed"),
        (Event::MainlineConfirmed { note: None }, "nothing was rewritten"),
        (Event::DriftSettled { choice: DriftChoice::Roll }, "production did not change"),
    ];
    for (event, reason) in cases {
        assert_eq!(why(&opened, event), reason);
    }
    let state = live().state;
    assert_eq!(bot(&state, merged).pull.unwrap().merged, Some(commit("eeeeeee")));
    assert!(bot(&state, Event::StrangersPushed { people: [jo.clone()].into() }).head.unwrap().people.contains(&jo));
}

/// The step is open again when main lost the fix; what came after it stays as it is.
#[test]
fn main_can_lose_the_fix_again() {
    let by = contribution("9999999", "Revert it", "eve");
    let lost = || Event::MainlineLost { by: by.clone(), partly: false };
    let state = live().on_main().changed(|state| state.steps[POSTMORTEM] = done()).state;
    let after = bot(&state, lost());
    assert_eq!(after.mainline, Mainline::Lost(commit("9999999")));
    assert_eq!((&after.steps[MAIN], &after.steps[POSTMORTEM]), (&StepState::Ahead, &done()));
    let left_out = Hotfix { steps: [&state.steps[..MAIN], &[skipped(), done()]].concat(), ..state.clone() };
    assert_eq!(bot(&left_out, lost()).steps[MAIN], skipped());
    let rewritten = bot(&state, Event::MainlineRewritten { by: by.clone(), main: commit("8888888") });
    let confirmed = bot(&rewritten, Event::MainlineConfirmed { note: None });
    let how = Containment::Rewritten { by: commit("9999999") };
    assert_eq!(confirmed.mainline, Mainline::Proven(how, commit("8888888")));
}

/// What a captain gave up is left out, unless it was done or left out before, and stays so when other steps open again.
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

/// A deployment by a broken glass that nobody was told of yet, with a fix that leaves, and something refused of every kind.
fn refused_all() -> Hotfix {
    let one = || commit("1111111");
    let play = asked().glass_broken().by("ana", Act::Deploy(production())).begins("abc1234");
    let key = last_key(&play.state);
    let other: DeployKey = "hf-12-staging-1".parse().unwrap();
    let deploy = |key: &DeployKey, environment| Effect::Deploy {
        key: key.clone(),
        environment,
        commit: commit("1111111"),
        resumed: false,
    };
    let effects = vec![
        Effect::OpenPull,
        Effect::Pick { source: commit("f1f1f1f"), at: at() },
        Effect::Unpick { source: commit("f1f1f1f"), at: at() },
        Effect::Pick { source: commit("e5e5e5e"), at: at() },
        Effect::DeleteBranch { at: one() },
        Effect::RestoreBranch { at: one() },
        Effect::AnnounceGlass { version: 1 },
        Effect::CheckDeploy { environment: production(), commit: one(), key: key.clone() },
        deploy(&key, production()),
        deploy(&other, staging()),
    ];
    let stuck = |effect| Stuck { effect, reason: "no".to_owned(), asked: None };
    let change = |state: &mut Hotfix| {
        state.glasses[0].told = None;
        state.fixes[0].state = FixState::Leaving;
        state.stuck = effects.into_iter().map(stuck).collect();
    };
    play.changed(change).state
}

#[test]
fn what_was_refused_is_forgotten_once_it_is_done_or_has_no_point() {
    let state = refused_all();
    let key = last_key(&state);
    let serving = ["open the pull request", "pick f1f1f1f", "pick e5e5e5e"];
    let about = ["pick f1f1f1f", "take f1f1f1f off the branch"];
    let audit = "tell the audit channel that the glass was broken";
    let source = || commit("f1f1f1f");
    let reason = || "x".to_owned();
    let done = Event::StepDone { step: step("review"), evidence: reason() };
    let moved = Event::HeadMoved { from: commit("1111111"), head: head("2222222", "More"), adapts: Vec::new() };
    let asked = Event::DeployAsked {
        environment: staging(),
        commit: commit("1111111"),
        rollback: false,
        typed: false,
        reason: None,
    };
    let cases = [
        (noted(), vec![]),
        (done, serving.to_vec()),
        (Event::StepSkipped { step: step("production"), reason: reason() }, serving.to_vec()),
        (Event::StepSkipped { step: step("postmortem"), reason: reason() }, vec![]),
        (moved, [&serving[..], &[audit]].concat()),
        (Event::FixRemoved { source: source(), by_hand: false }, about.to_vec()),
        (Event::FixKept { source: source(), files: Vec::new() }, about.to_vec()),
        (Event::BranchDeleted, vec!["delete the branch"]),
        (Event::BranchBack { at: commit("1111111") }, vec!["restore the branch at 1111111"]),
        (Event::GlassAnnounced { message: message("a1") }, vec![audit]),
        (Event::GlassVoided { reason: reason() }, vec![audit]),
        (asked, vec!["read the facts before changing what production runs"]),
        (Event::RolloutBegan { key: key.clone() }, vec!["deploy 1111111 to production"]),
        (Event::DeployAwaitsWord { key: key.clone(), instructions: None }, vec!["deploy 1111111 to production"]),
        (Event::DeployEnded { key, failure: Some(reason()) }, vec!["deploy 1111111 to production"]),
    ];
    for (event, gone) in cases {
        let next = bot(&state, event.clone());
        let lost = |stuck: &&Stuck| !next.stuck.contains(stuck);
        let lost: Vec<String> = state.stuck.iter().filter(lost).map(|stuck| stuck.effect.describe()).collect();
        let mut gone = gone;
        gone.sort_by_key(|words| state.stuck.iter().position(|stuck| stuck.effect.describe() == *words));
        assert_eq!(lost, gone, "{event:?}");
    }
    let retried = bot(&Hotfix { rolled_back: Some(source()), ..state }, Event::Retried { effects: Vec::new() });
    assert!(retried.stuck.is_empty() && retried.rolled_back.is_none());
}

/// What served the way back is forgotten with it only when it is its turn.
#[test]
fn a_refusal_that_serves_another_step_outlives_a_waiver() {
    let refused = Stuck { effect: Effect::OpenPull, reason: "no".to_owned(), asked: None };
    let waive = |play: Play| {
        let play = play.changed(|state| state.stuck.push(refused.clone()));
        by(&play.state, "dee", Event::MergebackWaived { reason: "a flag".to_owned() }).stuck
    };
    assert_eq!(waive(live()), []);
    assert_eq!(waive(voted()), [refused.clone()]);
}

/// A refusal is kept once, however often it comes; with a deployment that could not be judged goes its question.
#[test]
fn a_refusal_is_kept_with_the_question_that_it_answers() {
    let play = voted().by("ana", Act::Deploy(production()));
    let asked = play.state.asked_deploy.clone().unwrap();
    let stuck = |effect: &Effect, reason: &str| Event::Stuck { effect: effect.clone(), reason: reason.to_owned() };
    let first = bot(&play.state, stuck(&Effect::OpenPull, "no"));
    let other = bot(&first, stuck(&Effect::Announce, "no"));
    let again = bot(&other, stuck(&Effect::OpenPull, "still no"));
    let kept = |effect, reason: &str| Stuck { effect, reason: reason.to_owned(), asked: None };
    assert_eq!(again.stuck, [kept(Effect::Announce, "no"), kept(Effect::OpenPull, "still no")]);
    assert_eq!(again.asked_deploy.as_ref(), Some(&asked));
    let check = Effect::CheckDeploy { environment: production(), commit: commit("1111111"), key: "k".parse().unwrap() };
    let unread = bot(&play.state, stuck(&check, "no answer"));
    let reason = "no answer".to_owned();
    assert_eq!((unread.stuck, unread.asked_deploy), (vec![Stuck { effect: check, reason, asked: Some(asked) }], None));
}

/// What ran before can still be put back although its facts could not be read; what would not ship any more is forgotten.
#[test]
fn a_void_question_is_forgotten_unless_it_puts_back() {
    let asked = voted().by("ana", Act::Deploy(production())).state.asked_deploy.unwrap();
    let stuck = |reason: &str, asked| Stuck { effect: Effect::Survey, reason: reason.to_owned(), asked };
    let rollback = AskedDeploy { rollback: true, ..asked.clone() };
    let state = live().changed(|state| {
        state.stuck = vec![stuck("nothing", None), stuck("forward", Some(asked)), stuck("back", Some(rollback))];
    });
    let void = bot(&state.state, Event::ImageMoved { to: None });
    let left: Vec<&str> = void.stuck.iter().map(|stuck| stuck.reason.as_str()).collect();
    assert_eq!(left, ["nothing", "back"]);
}

fn veto() -> Veto {
    Veto { reason: "no".to_owned(), way: Way::Word, on: None }
}

/// Security case 25: what was said of the old head is void.
#[test]
fn a_moved_head_makes_what_was_said_void() {
    let conflict = || FixState::Conflicted(vec!["a.rs".to_owned()]);
    let state = asked().glass_broken().by("ben", crate::fixture::yes(None)).changed(|state| {
        state.vetoes.insert((production(), person("dee")), veto());
        state.riders = Some(Vec::new());
        state.branch_gone = true;
        state.rebase_conflict = Some(Vec::new());
        state.rebase_from = Some(commit("abc1234"));
        state.fixes = vec![fix("1a1a1a1", conflict()), fix("2a2a2a2", conflict()), fix("3a3a3a3", FixState::Waiting)];
        state.asked_deploy = voted().by("ana", Act::Deploy(production())).state.asked_deploy;
    });
    let moved = |on_base| {
        let head = HeadSeen { on_base, ..head("2222222", "More") };
        let adapts = vec![commit("1a1a1a1"), commit("3a3a3a3")];
        bot(&state.state, Event::HeadMoved { from: commit("1111111"), head, adapts })
    };
    let next = moved(true);
    assert_eq!(next.head.as_ref().map(|head| head.tip.clone()), Some(commit("2222222")));
    assert_eq!(states(&next), [FixState::Adapted, conflict(), FixState::Waiting]);
    assert!(next.votes.is_empty() && next.vetoes.is_empty() && next.prompts.is_empty() && next.glasses[0].void);
    assert!(next.riders.is_none() && next.asked_deploy.is_none() && !next.branch_gone);
    assert!(next.rebase_conflict.is_none() && next.rebase_from.is_none());
    assert_eq!(next.past_prompts.len(), 1);
    assert!(matches!(next.steps[FIX - 1], StepState::Done { .. }));
    assert!(next.steps[FIX..].iter().all(|step| *step == StepState::Ahead));
    let elsewhere = moved(false);
    assert!(elsewhere.rebase_conflict.is_some() && elsewhere.rebase_from.is_some());
}

/// An act whose turn had come waits for it anew when a step before it opens again; the step itself and what is before it do not.
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
        reset::start_over_behind(&mut state, &step(id));
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

/// HOCS-15, HOCS-31: what was done with the old image is done again; what was left out stays so, unless that judged the image.
#[test]
fn a_moved_image_is_deployed_and_looked_at_again() {
    let play = live().changed(|state| {
        state.image = Some(Pinned {
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

fn drifted(play: Play) -> Play {
    play.changed(|state| {
        let drift = Drift { expected: commit("1111111"), found: commit("9999999") };
        state.drifts.insert(production(), drift);
    })
}

/// APPLY-17: the regular release deploys the fix, and this run asks nobody about it.
#[test]
fn a_run_that_is_rolled_in_deploys_nothing_more() {
    let play = drifted(asked()).changed(|state| state.steps[LOOK] = skipped());
    let rolled = bot(&play.state, Event::DriftSettled { choice: DriftChoice::Roll });
    let out = StepState::Skipped { by: None, reason: "rolled into the regular release".to_owned() };
    assert!(rolled.rolled_in && rolled.drifts.is_empty() && rolled.prompts.is_empty());
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

/// APPLY-16: the fixes go on top of what runs now, and everything about them is said again.
#[test]
fn a_rebase_starts_from_what_was_found() {
    let play = drifted(voted()).changed(|state| state.rolled_in = true);
    let rebased = bot(&play.state, Event::DriftSettled { choice: DriftChoice::Rebase });
    assert_eq!((rebased.base.clone(), rebased.rebase_from.clone()), (Some(commit("9999999")), Some(commit("abc1234"))));
    assert_eq!(rebased.rebased_onto, [(production(), commit("9999999"))].into());
    assert!(!rebased.rolled_in && rebased.drifts.is_empty() && rebased.votes.is_empty());
    assert!(!rebased.head.as_ref().unwrap().on_base);
    assert!(rebased.steps[FIX..].iter().all(|step| *step == StepState::Ahead));
    assert!(matches!(rebased.steps[FIX - 1], StepState::Done { .. }));
    // Once more, before the first rebase is done: the commits are still those on the first base.
    let twice = drifted(Play { state: rebased, ..play.clone() });
    let twice = bot(&twice.state, Event::DriftSettled { choice: DriftChoice::Rebase });
    assert_eq!(twice.rebase_from, Some(commit("abc1234")));
    let aborted = bot(&play.state, Event::DriftSettled { choice: DriftChoice::Abort });
    assert!(aborted.drifts.is_empty() && aborted.base == play.state.base && aborted.votes == play.state.votes);
}

#[test]
fn production_can_change_under_the_run() {
    let drift = || Event::Drifted {
        environment: production(),
        expected: commit("1111111"),
        found: commit("9999999"),
        brings: Vec::new(),
        total: 0,
    };
    let found = bot(&live().state, drift());
    assert_eq!(found.drifts, drifted(live()).state.drifts);
    assert!(found.rebased_onto.is_empty());
    let superseded = bot(&found, Event::Superseded { environment: production(), by: commit("8888888") });
    assert!(superseded.drifts.is_empty());
    assert_eq!(superseded.superseded, [(production(), commit("8888888"))].into());
    let abandoned = by(&live().state, "dee", abandon(None));
    let found = bot(&abandoned, drift());
    assert!(found.drifts.is_empty() && found.rebased_onto == [(production(), commit("9999999"))].into());
    let files = vec!["a.rs".to_owned()];
    assert_eq!(bot(&found, Event::RebaseConflicted { files: files.clone() }).rebase_conflict, Some(files));
}

fn abandon(asked_by: Option<&str>) -> Event {
    let believed = [last_key(&live().state)].into();
    Event::Abandoned { reason: "it hangs".to_owned(), asked_by: asked_by.map(person), believed }
}

#[test]
fn an_abandoned_run_keeps_only_what_it_owes() {
    let busy = |play: Play| {
        drifted(play)
            .changed(|state| {
                state.holds.insert(person("ben"), "wait".to_owned());
                state.stuck.push(Stuck { effect: Effect::OpenPull, reason: "no".to_owned(), asked: None });
                state.rebase_conflict = Some(Vec::new());
                state.abandon_asked = Some((person("dee"), "it hangs".to_owned()));
                state.override_asked.insert(step("review"), (person("dee"), "x".to_owned(), "y".to_owned()));
                state.steps[LOCAL] = skipped();
            })
            .state
    };
    let over = |who: &str| StepState::Skipped { by: Some(person(who)), reason: "the run was abandoned".to_owned() };
    let owing = by(&busy(live()), "ben", abandon(Some("dee")));
    assert_eq!(owing.steps[MAIN], StepState::Ahead, "production has the fix");
    assert_eq!((&owing.steps[TRIAGE], &owing.steps[POSTMORTEM]), (&over("dee"), &over("dee")));
    assert!(matches!(owing.steps[PRODUCTION], StepState::Done { .. }) && owing.steps[LOCAL] == skipped());
    assert!(owing.lane_released && owing.holds.is_empty() && owing.stuck.is_empty() && owing.votes.is_empty());
    assert!(owing.rebase_conflict.is_none() && owing.abandon_asked.is_none() && owing.override_asked.is_empty());
    assert!(owing.drifts.is_empty() && owing.rebased_onto == [(production(), commit("9999999"))].into());
    let abandoned = owing.abandoned.unwrap();
    assert_eq!((abandoned.by, abandoned.asked_by), (person("ben"), Some(person("dee"))));
    assert_eq!(abandoned.believed, [last_key(&live().state)].into());
    let free = by(&busy(voted()), "dee", abandon(None));
    assert_eq!((&free.steps[PRODUCTION], &free.steps[MAIN]), (&over("dee"), &over("dee")));
    assert_eq!(free.phase, Phase::Underway);
    let alone = after(&live().state, Actor::Person(person("dee")), abandon(Some("dee")));
    assert_eq!(alone.unwrap_err(), "it takes a second person");
}

#[test]
fn an_abandoned_deployment_counts_as_failed() {
    let state = by(&running().state, "dee", abandon(None));
    let failed = DeployState::Failed("the run was abandoned while it was open".to_owned());
    assert_eq!(
        state.deploys.iter().map(|deploy| &deploy.state).collect::<Vec<_>>(),
        [&DeployState::Succeeded, &failed]
    );
}

#[test]
fn a_deployment_is_asked_for_and_begins() {
    let event = Event::DeployAsked {
        environment: production(),
        commit: commit("1111111"),
        rollback: true,
        typed: true,
        reason: Some("slow".to_owned()),
    };
    let asked = by(&voted().state, "ben", event.clone());
    let expected = AskedDeploy {
        environment: production(),
        commit: commit("1111111"),
        rollback: true,
        typed: true,
        reason: Some("slow".to_owned()),
        by: Some(person("ben")),
    };
    assert_eq!(asked.asked_deploy, Some(expected));
    assert_eq!(bot(&voted().state, event).asked_deploy.unwrap().by, None);
    let refused = Event::DeployRefused { environment: production(), refusals: Vec::new() };
    assert!(bot(&asked, refused).asked_deploy.is_none());
    let intent = running().state.deploys[1].intent.clone();
    let elsewhere = asked.clone();
    let before = Hotfix {
        superseded: [(production(), commit("8888888")), (staging(), commit("8888888"))].into(),
        rebased_onto: [(production(), commit("7777777"))].into(),
        ..elsewhere
    };
    let begun = bot(&before, Event::DeployStarted(intent.clone()));
    let last = begun.deploys.last().unwrap();
    assert_eq!((&last.intent, &last.state, last.at), (&intent, &DeployState::Running, at()));
    assert_eq!((&last.asked_by, &begun.asked_deploy), (&Some(person("ben")), &None));
    assert_eq!(begun.superseded, [(staging(), commit("8888888"))].into());
    assert!(begun.rebased_onto.is_empty());
    assert_eq!(why(&begun, Event::DeployStarted(intent)), "another deployment of this run is still open");
}

#[test]
fn a_deployment_is_followed_by_its_key() {
    let state = running().state;
    let key = last_key(&state);
    let rolling = bot(&state, Event::RolloutBegan { key: key.clone() });
    let [before, ours] = rolling.deploys.as_slice() else { panic!("{:?}", rolling.deploys) };
    assert_eq!((before.merged_at, ours.merged_at), (None, Some(at())));
    assert_eq!((&before.state, &ours.state), (&DeployState::Succeeded, &DeployState::RollingOut));
    let noted = bot(&rolling, Event::DeployNoted { key: key.clone(), note: "waits".to_owned() });
    assert_eq!(noted.notes, [(key.clone(), "waits".to_owned())].into());
    let by_hand = |instructions: Option<&str>| {
        let instructions = instructions.map(ToOwned::to_owned);
        bot(&noted, Event::DeployAwaitsWord { key: key.clone(), instructions })
    };
    assert_eq!(by_hand(Some("press it")).notes[&key], "press it");
    assert_eq!(by_hand(None).notes[&key], "waits");
    assert_eq!(by_hand(None).deploys[1].state, DeployState::AwaitingWord);
    assert!(bot(&noted, Event::RolloutBegan { key: key.clone() }).notes.is_empty());
    let end = |failure: Option<&str>| Event::DeployEnded { key: key.clone(), failure: failure.map(ToOwned::to_owned) };
    let waits = Hotfix { abandon_asked: Some((person("dee"), "it hangs".to_owned())), ..noted };
    let failed = by(&waits, "ben", end(Some("no")));
    assert_eq!(failed.deploys[1].state, DeployState::Failed("no".to_owned()));
    assert_eq!((&failed.deploys[0].said_by, &failed.deploys[1].said_by), (&None, &Some(person("ben"))));
    assert!(failed.notes.is_empty() && failed.abandon_asked.is_none());
    assert_eq!(why(&failed, end(None)), format!("deployment {key} ended before"));
    let unknown: DeployKey = "hf-12-moon-1".parse().unwrap();
    assert_eq!(why(&state, Event::RolloutBegan { key: unknown }), "there is no deployment hf-12-moon-1");
}

#[test]
fn production_is_live_since_its_first_deployment_that_succeeded() {
    let ended = |play: Play, failure: Option<&str>| {
        let key = last_key(&play.state);
        bot(&play.state, Event::DeployEnded { key, failure: failure.map(ToOwned::to_owned) })
    };
    assert_eq!(ended(running(), None).live_at, Some(at()));
    assert_eq!(ended(running(), Some("no")).live_at, None);
    let earlier = running().now;
    assert_eq!(ended(running().changed(|state| state.live_at = Some(earlier)), None).live_at, Some(earlier));
    let to_staging = running().changed(|state| state.deploys[1].intent.environment = staging());
    assert_eq!(ended(to_staging, None).live_at, None);
}

/// HOCS-37: what was said of the new version has to be said again, unless the run only waited for its end.
#[test]
fn a_rollback_sets_the_votes_back() {
    let play = drifted(running()).changed(|state| state.deploys[1].intent.rollback = true);
    let ended = |play: &Play| bot(&play.state, Event::DeployEnded { key: last_key(&play.state), failure: None });
    let back = ended(&play);
    assert!(back.drifts.is_empty() && back.votes.is_empty() && back.prompts.is_empty() && back.live_at.is_none());
    assert_eq!(back.rolled_back, Some(commit("1111111")));
    assert!(back.steps[VOTES..].iter().all(|step| *step == StepState::Ahead));
    assert!(matches!(back.steps[LOOK], StepState::Done { .. }));
    let expires = |change: fn(&mut Hotfix)| {
        ended(&play.clone().changed(|state| {
            state.plan.steps[POSTMORTEM].kind = StepKind::Expire;
            state.steps = vec![done(); state.steps.len()];
            change(state);
        }))
    };
    let over = expires(|_| {});
    assert!(over.drifts.is_empty() && over.rolled_back.is_none() && over.votes == play.state.votes);
    let waits = expires(|state| state.steps[MAIN] = StepState::Ahead);
    assert!(waits.rolled_back.is_some() && waits.votes.is_empty());
}

#[test]
fn a_deployment_by_a_broken_glass_is_looked_at_afterwards() {
    let broken = asked().glass_broken().by("ana", Act::Deploy(production()));
    let intent = broken.clone().begins("abc1234").state.deploys[1].intent.clone();
    assert_eq!(intent.glass, Some(person("dee")));
    let reviews = |change: &dyn Fn(&mut Vec<BrokenGlass>), glass: Option<&str>| {
        let mut state = broken.state.clone();
        change(&mut state.glasses);
        let intent = DeployIntent { glass: glass.map(person), ..intent.clone() };
        let next = bot(&state, Event::DeployStarted(intent));
        next.glasses.into_iter().map(|broken| broken.review).collect::<Vec<_>>()
    };
    let due = Review::Due { since: at(), authors: [person("ana"), person("chi")].into() };
    let given = Review::Given { by: person("ben"), ok: true, note: None };
    let another = |void: bool| {
        move |all: &mut Vec<BrokenGlass>| {
            let last = BrokenGlass { void, ..all[0].clone() };
            all.push(last);
        }
    };
    assert_eq!(reviews(&|_| {}, Some("dee")), [due.clone()]);
    assert_eq!(reviews(&|_| {}, None), [Review::NotNeeded]);
    assert_eq!(reviews(&|_| {}, Some("ben")), [Review::NotNeeded]);
    assert_eq!(reviews(&another(false), Some("dee")), [Review::NotNeeded, due.clone()], "the newest");
    assert_eq!(reviews(&another(true), Some("dee")), [due, Review::NotNeeded], "a void one stands for nothing");
    assert_eq!(reviews(&|all| all[0].review = given.clone(), Some("dee")), [given.clone()]);
}

#[test]
fn a_glass_is_broken_by_oneself_and_told_once() {
    let broken = asked().glass_broken();
    let glass = broken.state.glasses[0].glass.clone();
    let event = Event::GlassBroken(glass.clone());
    for by in [Actor::Bot, Actor::Person(person("ben"))] {
        assert_eq!(after(&asked().state, by, event.clone()).unwrap_err(), "nobody breaks the glass for somebody else");
    }
    let own = by(&asked().state, "dee", event);
    let version = asked().state.version + 1;
    let expected = BrokenGlass { glass, version, told: None, void: false, review: Review::NotNeeded };
    assert_eq!(own.glasses, [expected]);
    let told = bot(&own, Event::GlassAnnounced { message: message("a2") });
    assert_eq!(told.glasses[0].told, Some(message("a2")));
    for state in [&told, &voted().state] {
        assert_eq!(why(state, Event::GlassAnnounced { message: message("a2") }), "there is no glass to tell of");
    }
    let void = bot(&told, Event::GlassVoided { reason: "x".to_owned() });
    assert!(!told.glasses[0].void && void.glasses[0].void);
    assert_eq!(bot(&told, Event::CountersignReminded { times: 3 }).countersign_reminders, 3);
}

#[test]
fn only_who_was_not_involved_reviews_a_broken_glass() {
    let due = asked().glass_broken().by("ana", Act::Deploy(production())).begins("abc1234").state;
    let review = || Event::Countersigned { ok: false, note: Some("too soon".to_owned()) };
    let said = |state: &Hotfix, who: &str| after(state, Actor::Person(person(who)), review());
    let given = said(&due, "ben").unwrap();
    let expected = Review::Given { by: person("ben"), ok: false, note: Some("too soon".to_owned()) };
    assert_eq!(given.glasses[0].review, expected);
    for who in ["ana", "chi", "dee"] {
        assert_eq!(said(&due, who).unwrap_err(), "nobody reviews what they were involved in", "{who}");
    }
    for state in [&given, &asked().glass_broken().state] {
        assert_eq!(said(state, "eve").unwrap_err(), "no broken glass waits for a review");
    }
}

#[test]
fn a_question_closes_the_one_before_it() {
    let state = asked().state;
    let one = state.prompts[&production()].clone();
    let asks = Event::Prompted { environment: production(), commit: commit("2222222"), message: message("m10") };
    let next = bot(&state, asks);
    let two = Prompt { commit: commit("2222222"), message: message("m10"), asked: at() };
    assert_eq!(next.prompts, [(production(), two.clone())].into());
    assert_eq!(next.past_prompts, [(production(), one.clone())]);
    let closing = |environment| Event::QuestionClosed { environment, why: Closing::Expired };
    let closed = bot(&next, closing(production()));
    assert!(closed.prompts.is_empty());
    assert_eq!(closed.past_prompts, [(production(), one), (production(), two)]);
    assert_eq!(bot(&next, closing(staging())).prompts, next.prompts);
}

#[test]
fn only_a_word_that_differs_from_the_plan_is_kept() {
    let state = asked().state;
    let planned = state.plan.environments[1].approval.clone();
    let mut stricter = planned.clone();
    stricter.expires_minutes = 1;
    let change = |environment, approval: &crate::domain::service::Approval| Event::ApprovalChanged {
        environment,
        approval: approval.clone(),
    };
    let changed = bot(&state, change(production(), &stricter));
    assert_eq!(changed.approvals, [(production(), stricter)].into());
    assert!(bot(&changed, change(production(), &planned)).approvals.is_empty());
    let unknown = why(&state, change(environment("moon"), &planned));
    assert_eq!(unknown, "the plan has no such environment");
}

/// Who voted where, in order.
fn voters(state: &Hotfix) -> Vec<(String, String)> {
    state.votes.iter().map(|vote| (vote.environment.to_string(), vote.person.to_string())).collect()
}

fn at_place(place: &str, who: &str) -> (String, String) {
    (place.to_owned(), who.to_owned())
}

#[test]
fn each_person_has_one_vote_in_each_place() {
    let play = voted().changed(|state| {
        let vote = Vote { environment: staging(), ..state.votes[0].clone() };
        state.votes.push(vote);
    });
    let vote = play.state.votes[0].clone();
    for by in [Actor::Bot, Actor::Person(person("dee"))] {
        let said = after(&play.state, by, Event::Voted(vote.clone()));
        assert_eq!(said.unwrap_err(), "nobody votes for somebody else");
    }
    let again = by(&play.state, "ben", Event::Voted(vote));
    let [dee, other, ben] =
        [("production", "dee"), ("staging", "ben"), ("production", "ben")].map(|(a, b)| at_place(a, b));
    assert_eq!(voters(&again), [dee.clone(), other.clone(), ben]);
    let withdrawn = |why| Event::VoteWithdrawn { environment: production(), person: person("ben"), why };
    let left = bot(&play.state, withdrawn(Some(Lapse::Role)));
    assert_eq!(voters(&left), [dee.clone(), other.clone()]);
    assert!(left.head.unwrap().pushers.is_empty());
    let pushed = bot(&play.state, withdrawn(Some(Lapse::Pushed)));
    assert_eq!(pushed.head.unwrap().pushers, [person("ben")].into());
    let reason = "slow".to_owned();
    let no = Event::Vetoed { environment: production(), reason, way: Way::Reaction, on: Some(message("m9")) };
    let vetoed = by(&play.state, "ben", no);
    assert_eq!(voters(&vetoed), [dee, other]);
    let veto = Veto { reason: "slow".to_owned(), way: Way::Reaction, on: Some(message("m9")) };
    assert_eq!(vetoed.vetoes, [((production(), person("ben")), veto)].into());
    let back = |environment, who: &str| Event::VetoWithdrawn { environment, person: person(who) };
    assert!(bot(&vetoed, back(production(), "ben")).vetoes.is_empty());
    assert_eq!(bot(&vetoed, back(staging(), "ben")).vetoes, vetoed.vetoes);
}

#[test]
fn words_are_kept_with_who_said_them() {
    let state = voted().state;
    let held = by(&state, "chi", Event::Held { reason: "wait".to_owned() });
    assert_eq!(held.holds, [(person("chi"), "wait".to_owned())].into());
    assert!(bot(&held, Event::Unheld { person: person("chi") }).holds.is_empty());
    assert_eq!(why(&held, Event::Unheld { person: person("ben") }), "there is no such hold");
    assert_eq!(by(&state, "eve", Event::Acknowledged).acknowledged, [person("eve")].into());
    let agreed = by(&state, "ben", Event::Agreed { step: step("review") });
    let both = by(&agreed, "dee", Event::Agreed { step: step("review") });
    assert_eq!(both.agreed, [(step("review"), [person("ben"), person("dee")].into())].into());
}

/// HOCS-31: a word is on the image that runs where somebody looked.
#[test]
fn a_word_is_on_the_image_that_runs_there() {
    let play = live().changed(|state| state.deploys[0].intent.image = Some(image('a')));
    let seen = |place: &str| {
        let said = Event::Attested { place: place.to_owned(), commit: commit("1111111"), pass: false, note: None };
        by(&play.state, "ben", said).attestations[&at_person(place, "ben")].clone()
    };
    assert_eq!(seen("staging").image, Some(image('a').digest));
    assert_eq!(seen("production").image, None);
    let local = seen("local");
    assert_eq!((local.image, local.pass, local.at, local.commit), (None, false, at(), commit("1111111")));
}

fn at_person(place: &str, who: &str) -> (String, PersonId) {
    (place.to_owned(), person(who))
}
