//! Tests of plans: branches, steps and places that a playbook gets for a service.

use hotfix_adapters::forge::MergeMethod;

use super::*;
use crate::domain::playbook::{BaseSource, MainlineBy, ServiceKind, Trigger};
use crate::fixture::{begun, environment, playbook, production, service, spec, staging};

fn deploy(name: &str, what: Artifact) -> StepKind {
    StepKind::Deploy { environment: environment(name), trigger: Trigger::Command, what }
}

fn look(place: VerifyPlace) -> StepKind {
    StepKind::Verify { place, question: "Well?".to_owned(), by: Vec::new() }
}

/// Returns the plan of the fixture with these steps and environments; `true` marks a production.
fn plan(kinds: Vec<StepKind>, environments: &[(&str, bool)]) -> Plan {
    let mut plan = begun().state.plan;
    let numbered = kinds.into_iter().enumerate();
    plan.steps = numbered.map(|(number, kind)| spec(&format!("step-{number}"), "A step", kind)).collect();
    let like = plan.environments[0].clone();
    let place = |(name, production): &(&str, bool)| EnvironmentPlan {
        name: environment(name),
        production: *production,
        ..like.clone()
    };
    plan.environments = environments.iter().map(place).collect();
    plan
}

fn resolved(scheme: BranchScheme, work: Option<WorkBranch>, subject: PlanInput<'_>) -> Result<Plan, Vec<Refusal>> {
    let playbook = Playbook { branch: scheme, work_branch: work, ..playbook() };
    Plan::resolve(&service(), &playbook, subject, "policy-1")
}

/// Returns the fix branch and the branch that it goes into, or the refusal codes with their runbook ids.
fn names(scheme: BranchScheme, work: Option<WorkBranch>, subject: PlanInput<'_>) -> Result<[String; 2], Vec<String>> {
    let plan = resolved(scheme, work, subject).map_err(|refusals| {
        let cited = |refusal: &Refusal| refusal.requirement.as_ref().map_or_else(String::new, ToString::to_string);
        refusals.iter().map(|refusal| format!("{} {}", refusal.code, cited(refusal))).collect::<Vec<_>>()
    })?;
    Ok([plan.branch.to_string(), plan.into.to_string()])
}

fn both(branch: &str, into: &str) -> Result<[String; 2], Vec<String>> {
    Ok([branch.to_owned(), into.to_owned()])
}

fn no(refusals: &[&str]) -> Result<[String; 2], Vec<String>> {
    Err(refusals.iter().map(|refusal| (*refusal).to_owned()).collect())
}

fn fixed(name: &str) -> BranchScheme {
    BranchScheme::Fixed(name.to_owned())
}

fn after_ticket() -> BranchScheme {
    BranchScheme::Ticket { prefix: "hotfix/".to_owned() }
}

fn work(pattern: Option<&str>) -> Option<WorkBranch> {
    Some(WorkBranch { pattern: pattern.map(ToOwned::to_owned), forbid_prefix: "hotfix".to_owned() })
}

fn about<'a>(title: &'a str, ticket: Option<&'a str>) -> PlanInput<'a> {
    PlanInput { title, ticket, ..PlanInput::default() }
}

#[test]
fn a_plan_takes_over_what_service_and_playbook_say() {
    let (service, mut playbook) = (service(), playbook());
    playbook.hold = HoldMeans::Recorded;
    let plan = Plan::resolve(&service, &playbook, about("Fix", None), "policy-7").unwrap();
    assert_eq!((&plan.playbook, plan.exceptional, plan.hold), (&playbook.id, false, HoldMeans::Recorded));
    assert_eq!((&plan.service, &plan.repo, &plan.main), (&service.name, &service.repo, &service.main));
    assert_eq!(
        (&plan.channel, &plan.team, &plan.environments),
        (&service.channel, &service.team, &service.environments)
    );
    assert_eq!((plan.steps, plan.policy_version.as_str(), plan.unlike), (playbook.steps, "policy-7", None));
}

#[test]
fn the_exceptional_path_is_taken_when_it_is_asked_for_and_there() {
    let subject = PlanInput { title: "Fix", exceptional: true, ..PlanInput::default() };
    let refusals = Plan::resolve(&service(), &playbook(), subject, "policy-1").unwrap_err();
    assert_eq!(refusals.iter().map(|refusal| refusal.code.as_str()).collect::<Vec<_>>(), ["path.none"]);
    let exceptional = vec![spec("announce", "Tell the team", StepKind::Announce)];
    let with_path = Playbook { exceptional: exceptional.clone(), ..playbook() };
    let plan = Plan::resolve(&service(), &with_path, subject, "policy-1").unwrap();
    assert_eq!((plan.exceptional, plan.steps), (true, exceptional));
    let usual = Plan::resolve(&service(), &with_path, about("Fix", None), "policy-1").unwrap();
    assert_eq!((usual.exceptional, usual.steps.len()), (false, playbook().steps.len()));
}

/// PROMO-8: unknown targets are refused.
#[test]
fn targets_that_are_not_there_make_no_plan() {
    let only = ["moon".to_owned()];
    let subject = PlanInput { title: "Fix", only: &only, ..PlanInput::default() };
    let refusals = Plan::resolve(&service(), &playbook(), subject, "policy-1").unwrap_err();
    assert_eq!(refusals.iter().map(|refusal| refusal.code.as_str()).collect::<Vec<_>>(), ["only.unknown"]);
    let only = ["production".to_owned()];
    let plan =
        Plan::resolve(&service(), &playbook(), PlanInput { title: "Fix", only: &only, ..PlanInput::default() }, "p");
    assert_eq!(plan.unwrap().only, only);
}

/// The digest covers the whole plan, because people approve the whole plan.
#[test]
fn the_digest_says_which_plan_it_is() {
    let plan = begun().state.plan;
    let other = Plan { policy_version: "policy-2".to_owned(), ..plan.clone() };
    assert_eq!(plan.digest(), plan.clone().digest());
    assert_ne!(plan.digest(), other.digest());
    assert!(plan.digest().len() == 64 && plan.digest().bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn steps_and_environments_are_found_by_name() {
    let plan = begun().state.plan;
    let position = |id: &str| plan.position(&id.parse().unwrap());
    assert_eq!((position("triage"), position("fix"), position("moon")), (Some(0), Some(5), None));
    let found = |name: &str| plan.environment(&environment(name)).map(|place| place.name.to_string());
    assert_eq!((found("production").as_deref(), found("moon")), (Some("production"), None));
}

#[test]
fn the_productions_of_a_plan_are_those_it_deploys_to_or_all() {
    let places = [("test", false), ("east", true), ("west", true)];
    let productions = |lanes: &[&str]| {
        let plan = plan(lanes.iter().map(|lane| deploy(lane, Artifact::Fix)).collect(), &places);
        plan.productions().map(|place| place.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(productions(&[]), ["east", "west"]);
    assert_eq!(productions(&["test"]), ["east", "west"]);
    assert_eq!(productions(&["test", "west"]), ["west"]);
    assert_eq!(productions(&["west", "east"]), ["east", "west"]);
}

#[test]
fn the_lanes_of_a_plan_are_the_environments_it_deploys_to() {
    let approve = StepKind::Approve { environment: production() };
    let plan = plan(vec![deploy("staging", Artifact::Fix), approve, deploy("moon", Artifact::Schema)], &[]);
    assert_eq!(plan.lanes().map(Environment::as_str).collect::<Vec<_>>(), ["staging", "moon"]);
}

/// Returns the traits of a plan: merges first, main first, ships main, picks, is a promotion, expires.
fn traits(plan: &Plan) -> [bool; 6] {
    [plan.merges_first(), plan.main_first(), plan.ships_main(), plan.picks(), plan.is_promotion(), plan.expires()]
}

#[test]
fn the_steps_say_what_kind_of_plan_it_is() {
    let merge = StepKind::Merge { method: MergeMethod::Merge };
    let change = |pull| StepKind::Change { large_lines: 0, pull };
    let mainline = StepKind::Mainline { by: MainlineBy::Proof, delete_branch: true };
    let cases = [
        (StepKind::Announce, [false; 6]),
        (merge, [true, false, true, false, false, false]),
        (StepKind::OnMain, [false, true, false, false, false, false]),
        (change(false), [false, false, false, true, false, false]),
        (change(true), [false; 6]),
        (StepKind::Target, [false, false, true, false, true, false]),
        (StepKind::Expire, [false, false, false, false, false, true]),
        (mainline, [false; 6]),
    ];
    for (kind, expected) in cases {
        assert_eq!(traits(&plan(vec![kind.clone()], &[])), expected, "{kind:?}");
    }
}

/// A merge into an integration branch is no release of main.
#[test]
fn the_branch_that_is_deployed_depends_on_where_the_fix_goes() {
    let merge = || StepKind::Merge { method: MergeMethod::Merge };
    let into = |kind, into: &str| Plan { into: into.parse().unwrap(), ..plan(vec![kind], &[]) };
    let deployed = |plan: &Plan| plan.deployed_branch().map(ToString::to_string);
    assert_eq!(deployed(&into(merge(), "main")), None);
    assert_eq!(deployed(&into(StepKind::Target, "main")), None);
    assert_eq!(deployed(&into(merge(), "hotfix/1")).as_deref(), Some("hotfix/1"));
    assert!(!into(merge(), "hotfix/1").ships_main());
    assert_eq!(deployed(&into(StepKind::Announce, "main")).as_deref(), Some("hotfix"));
    let plan = into(merge(), "hotfix/1");
    assert_eq!(
        [BranchRole::Fix, BranchRole::Integration].map(|which| plan.branch_named(which).as_str()),
        ["hotfix", "hotfix/1"]
    );
}

/// Returns ids and titles of the steps that a step expands to for the service.
fn becomes(step: &StepSpec, service: &Service, schema: bool) -> Vec<(String, String)> {
    placed(step, service, schema).into_iter().map(|step| (step.id.to_string(), step.title)).collect()
}

#[test]
fn a_step_that_is_not_for_the_service_is_left_out() {
    let kept = |step: &StepSpec, registry: bool, schema: bool| {
        let service = Service { has_registry: registry, ..service() };
        placed(step, &service, schema) == [step.clone()]
    };
    let plain = spec("announce", "Tell the team", StepKind::Announce);
    assert!(kept(&plain, false, false) && kept(&plain, true, true));
    let only_for = |kind| StepSpec { only_for: Some(kind), ..plain.clone() };
    assert!(kept(&only_for(ServiceKind::App), false, false));
    assert!(!kept(&only_for(ServiceKind::Operator), true, true));
    let image = spec("image", "Find the image", StepKind::Image);
    assert!(kept(&image, true, false) && !kept(&image, false, true));
    let schema = spec("schema", "Schemas", deploy("staging", Artifact::Schema));
    assert!(kept(&schema, false, true) && !kept(&schema, true, false));
    let ships = spec("staging", "Staging", deploy("staging", Artifact::Fix));
    assert!(kept(&ships, false, false));
}

#[test]
fn a_step_about_a_group_stands_once_for_each_of_its_environments() {
    let mut service = service();
    let like = service.environments[1].clone();
    let in_group = |name: &str| EnvironmentPlan { name: environment(name), group: Some(production()), ..like.clone() };
    service.environments = vec![service.environments[0].clone(), in_group("east"), in_group("west")];
    let two = |ids: [&str; 2], titles: [&str; 2]| {
        ids.iter().zip(titles).map(|(id, title)| ((*id).to_owned(), title.to_owned())).collect::<Vec<_>>()
    };
    let step = spec("to-production", "Deploy to production", deploy("production", Artifact::Fix));
    let titles = ["Deploy to east", "Deploy to west"];
    assert_eq!(becomes(&step, &service, false), two(["to-east", "to-west"], titles));
    let votes = spec("votes", "Votes", StepKind::Approve { environment: production() });
    assert_eq!(becomes(&votes, &service, false), two(["votes-east", "votes-west"], ["Votes (east)", "Votes (west)"]));
    let kinds = [
        deploy("production", Artifact::Fix),
        StepKind::Approve { environment: production() },
        StepKind::OnEnvironment { environment: production() },
        look(VerifyPlace::Environment(production())),
        look(VerifyPlace::Watch(production())),
    ];
    for kind in kinds {
        let about = |step: &StepSpec| environment_of(&step.kind).map(ToString::to_string);
        let places: Vec<_> = placed(&spec("x", "X", kind.clone()), &service, false).iter().filter_map(about).collect();
        assert_eq!(places, ["east", "west"], "{kind:?}");
    }
    let nowhere = spec("to-moon", "Deploy to moon", deploy("moon", Artifact::Fix));
    assert_eq!(becomes(&nowhere, &service, false), []);
    let one = spec("staging", "Deploy to staging", deploy("staging", Artifact::Fix));
    assert_eq!(placed(&one, &service, false), [one]);
}

#[test]
fn some_steps_are_about_an_environment() {
    let cases = [
        (StepKind::Approve { environment: production() }, Some(production())),
        (deploy("staging", Artifact::Fix), Some(staging())),
        (StepKind::OnEnvironment { environment: staging() }, Some(staging())),
        (look(VerifyPlace::Watch(production())), Some(production())),
        (look(VerifyPlace::Environment(staging())), Some(staging())),
        (look(VerifyPlace::Local), None),
        (StepKind::Base { from: BaseSource::Main }, None),
        (StepKind::Postmortem { due_days: 1 }, None),
    ];
    for (kind, place) in cases {
        assert_eq!(environment_of(&kind), place.as_ref(), "{kind:?}");
        assert_eq!(environment_mut(&mut kind.clone()).cloned(), place, "{kind:?}");
    }
}

#[test]
fn the_branch_is_called_as_the_playbook_says() {
    let slug = || BranchScheme::Slug { prefix: "hotfix/".to_owned() };
    assert_eq!(names(BranchScheme::None, None, about("Fix", None)), both("main", "main"));
    assert_eq!(names(fixed("hotfix"), None, about("Fix", None)), both("hotfix", "main"));
    assert_eq!(names(slug(), None, about("Fix 500 on upload", None)), both("hotfix/fix-500-on-upload", "main"));
    assert_eq!(names(slug(), None, about("???", None)), no(&["branch.name MAIN-4"]));
    assert_eq!(names(after_ticket(), None, about("Fix", Some("PAY-1"))), both("hotfix/PAY-1", "main"));
    assert_eq!(names(after_ticket(), None, about("Fix", None)), no(&["ticket.missing HOCS-7"]));
    assert_eq!(names(after_ticket(), None, about("Fix", Some("PAY 1"))), no(&["branch.name HOCS-14"]));
}

/// HOCS-7, HOCS-9: the work branch is named after the ticket or by the requester, and not like a hotfix branch.
#[test]
fn the_work_branch_is_called_after_the_ticket() {
    let named = |name: &str, ticket: Option<&str>| {
        let branch: BranchName = name.parse().unwrap();
        names(after_ticket(), work(None), PlanInput { branch: Some(&branch), ..about("Fix", ticket) })
    };
    assert_eq!(names(after_ticket(), work(None), about("Fix", Some("PAY-1"))), both("PAY-1", "hotfix/PAY-1"));
    assert_eq!(named("mine", Some("PAY-1")), both("mine", "hotfix/PAY-1"));
    // The same refusal is returned once.
    assert_eq!(names(after_ticket(), work(None), about("Fix", None)), no(&["ticket.missing HOCS-7"]));
    assert_eq!(names(fixed("release"), work(None), about("Fix", None)), no(&["ticket.missing HOCS-7"]));
    assert_eq!(names(fixed("release"), work(None), about("Fix", Some("PAY 1"))), no(&["branch.name HOCS-7"]));
    assert_eq!(named("mine", None), no(&["ticket.missing HOCS-7"]));
    let two = no(&["ticket.missing HOCS-7", "branch.work HOCS-9"]);
    assert_eq!(named("hotfix-mine", None), two);
    assert_eq!(named("HotFix/mine", Some("PAY-1")), no(&["branch.work HOCS-9"]));
    assert_eq!(named("my-hotfix", Some("PAY-1")), both("my-hotfix", "hotfix/PAY-1"));
}

/// HOCS-9: a refusal proposes another name, after the ticket if there is one.
#[test]
fn a_better_name_is_proposed_for_a_work_branch() {
    let proposed = |name: &str, ticket: Option<&str>| {
        let branch: BranchName = name.parse().unwrap();
        let subject = PlanInput { branch: Some(&branch), ..about("Fix", ticket) };
        resolved(fixed("release"), work(None), subject).unwrap_err().remove(0).next
    };
    assert_eq!(proposed("hotfix/_-mine", None), "Name it otherwise, such as --branch mine.");
    assert_eq!(proposed("hotfix", None), "Name it otherwise, such as --branch <ticket>.");
    assert_eq!(proposed("hotfix/mine", Some("PAY-1")), "Name it otherwise, such as --branch PAY-1.");
}

/// HOCS-7: an unusual name is reported, not refused.
#[test]
fn an_unusual_work_branch_is_said_aloud() {
    let unlike =
        |pattern: Option<&str>| resolved(fixed("release"), work(pattern), about("Fix", Some("PAY-1"))).unwrap().unlike;
    assert_eq!(unlike(Some("^PAY-[0-9]+$")), None);
    assert_eq!(unlike(Some("^HOCS-[0-9]+$")).as_deref(), Some("^HOCS-[0-9]+$"));
    assert_eq!(unlike(None), None);
}

#[test]
fn a_slug_is_cut_at_a_word_near_fifty_characters() {
    let word = |length: usize| "a".repeat(length);
    let cases = [
        ("Fix 500 on upload!".to_owned(), "fix-500-on-upload".to_owned()),
        ("  --Ünïcode__x ".to_owned(), "n-code-x".to_owned()),
        ("???".to_owned(), String::new()),
        (word(60), word(50)),
        (format!("{} {}", word(24), word(26)), format!("{}-{}", word(24), word(26))),
        (format!("{} {}", word(24), word(27)), word(24)),
        (format!("{} {} b", word(40), word(20)), word(40)),
        (format!("{} {}", word(10), word(6)), format!("{}-{}", word(10), word(6))),
        (format!("{} b", word(60)), word(50)),
    ];
    for (title, expected) in cases {
        assert_eq!(slug(&title), expected, "{title}");
    }
}
