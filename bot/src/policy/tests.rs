//! Tests of the policy: every kind of person against every role.

use hotfix_adapters::chat::{AccountKind, ChannelKind};
use hotfix_adapters::ids::{PersonRef, Platform};
use jiff::Timestamp;

use super::*;
use crate::domain::people::{People, Permission, Person};
use crate::domain::refusal::Refusal;

const ROLES: [Role; 5] = [Role::Viewer, Role::Requester, Role::Approver, Role::Captain, Role::Admin];

fn named<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn console(id: &str) -> PersonRef {
    PersonRef::new(Platform::Console, id)
}

fn people() -> People {
    let person = |id: &str, active| Person {
        id: named(id),
        name: id.to_uppercase(),
        accounts: [console(id), PersonRef::new(Platform::Git, format!("{id}@example.org"))].into(),
        active,
    };
    People::new(vec![
        person("ana", true),
        person("ben", true),
        person("dana", true),
        person("zoe", true),
        person("emil", false),
    ])
}

fn policy() -> Policy {
    let all = |ids: &[&str]| ids.iter().map(|id| named(id)).collect::<BTreeSet<PersonId>>();
    let roles = BTreeMap::from([
        (Role::Requester, all(&["ana", "ben", "emil"])),
        (Role::Approver, all(&["ben", "dana", "emil"])),
        (Role::Admin, all(&["dana"])),
        (Role::Captain, all(&[])),
    ]);
    let payments = ServicePolicy { roles, ..ServicePolicy::default() };
    Policy::new(BTreeMap::from([(named("payments"), payments)]), Quorums::default(), Vec::new())
}

#[test]
fn only_a_role_that_is_written_down_opens_anything() {
    let (policy, people, payments) = (policy(), people(), named("payments"));
    let allowed = |who: &str| -> Vec<&str> {
        let may = |role: &&Role| policy.authorise(&people, &payments, &console(who), **role).is_ok();
        ROLES.iter().filter(may).map(|role| role.as_str()).collect()
    };
    assert_eq!(allowed("ana"), ["viewer", "requester"]);
    assert_eq!(allowed("ben"), ["viewer", "requester", "approver"]);
    assert_eq!(allowed("dana"), ["viewer", "approver", "admin"]);
    for nobody in ["zoe", "emil", "mallory", "ANA", "ana ", ""] {
        assert!(allowed(nobody).is_empty(), "{nobody:?}");
    }
}

#[test]
fn every_no_says_why_and_what_next() {
    let (policy, people) = (policy(), people());
    let told = |who: &str, service: &str, role| {
        let denial = policy.authorise(&people, &named(service), &console(who), role).unwrap_err();
        let refusal = Refusal::from(denial);
        format!("{}: {} {}", refusal.code, refusal.reason, refusal.next)
    };
    assert_eq!(
        told("mallory", "payments", Role::Approver),
        "person.unmapped: The account mallory on the console belongs to nobody in people.toml: you may look, and not act. \
         Ask an operator to add your account to people.toml and reload."
    );
    assert_eq!(
        told("emil", "payments", Role::Approver),
        "person.inactive: EMIL is marked as no longer active. \
         If that is wrong, ask an operator to set `active = true` in people.toml."
    );
    assert_eq!(
        told("ana", "payments", Role::Approver),
        "role.missing: ANA is not an approver of payments. Ask BEN or DANA."
    );
    assert_eq!(
        told("ana", "payments", Role::Captain),
        "role.missing: ANA is not a captain of payments. Nobody has the role captain now: an operator gives it in policy.toml."
    );
}

#[test]
fn case_81_a_forbidden_service_and_an_unknown_one_look_alike() {
    let (policy, people) = (policy(), people());
    let told = |service: &str| policy.authorise(&people, &named(service), &console("zoe"), Role::Viewer).unwrap_err();
    let (forbidden, unknown) = (Refusal::from(told("payments")), Refusal::from(told("nothings")));
    assert_eq!(forbidden.reason.replace("payments", "nothings"), unknown.reason);
    assert_eq!((forbidden.code, forbidden.next), (unknown.code, unknown.next));
}

#[test]
fn a_grant_holds_the_roles_and_the_version_of_that_moment() {
    let (policy, people) = (policy(), people());
    let git = PersonRef::new(Platform::Git, "Ben@Example.org");
    let grant = policy.authorise(&people, &named("payments"), &git, Role::Approver).unwrap();
    assert_eq!(grant.person, named("ben"));
    assert_eq!(grant.roles, [Role::Viewer, Role::Requester, Role::Approver].into());
    assert_eq!(grant.policy_version, policy.version_for(&named("payments")));
    assert_eq!(grant.policy_version.len(), 12);
}

/// A vote depends only on the rules of its own service: other services and viewers do not invalidate it.
#[test]
fn a_vote_is_cast_under_the_rules_of_its_service() {
    let (base, people) = (policy().with_people(&people()), people());
    let payments = base.services[&named::<ServiceName>("payments")].clone();
    let of = |own: ServicePolicy, other: ServicePolicy| {
        let services = BTreeMap::from([(named("payments"), own), (named("website"), other)]);
        Policy::new(services, Quorums::default(), Vec::new()).with_people(&people)
    };
    let both = of(payments.clone(), payments.clone());
    let moved = |policy: &Policy| {
        let moved = |name| policy.version_for(&named(name)) != both.version_for(&named(name));
        (moved("payments"), moved("website"))
    };
    let with = |change: fn(&mut ServicePolicy)| {
        let mut changed = payments.clone();
        change(&mut changed);
        moved(&of(payments.clone(), changed))
    };
    let captain = |own: &mut ServicePolicy| drop(own.roles.insert(Role::Captain, [named("ana")].into()));
    let looks = |own: &mut ServicePolicy| drop(own.roles.insert(Role::Viewer, [named("zoe")].into()));
    let quorum = |own: &mut ServicePolicy| drop(own.quorums.insert(named("production"), Vec::new()));
    let backed = |own: &mut ServicePolicy| {
        let _ = own.step_up.insert(named("production"), Some(StepUp::Review));
    };
    assert_eq!((with(captain), with(quorum), with(backed)), ((false, true), (false, true), (false, true)));
    assert_eq!(with(looks), (false, false));
    let usual = Quorums { expires_minutes: 60, ..Quorums::default() };
    let services = both.services.clone();
    assert_eq!(moved(&Policy::new(services, usual, Vec::new()).with_people(&people)), (true, true));
    let glass = |who: &str| Some(BreakGlassRules { people: [named(who)].into(), audit: room("C_AUDIT") });
    let ana = both.clone().with_break_glass(glass("ana"));
    assert_eq!(moved(&ana), (true, true));
    let and_zoe = BreakGlassRules { people: ["ana", "zoe"].map(named).into(), audit: room("C_AUDIT") };
    let versions = |policy: &Policy| policy.version_for(&named("payments"));
    assert_eq!(versions(&ana.clone().with_break_glass(Some(and_zoe))), versions(&ana), "zoe has no role there");
    let known = |who: &str| {
        let change = |person: &Person| {
            let mut person = person.clone();
            if person.id.as_str() == who {
                person.accounts.insert(console("another"));
            }
            person
        };
        moved(&both.clone().with_people(&People::new(people.iter().map(change).collect())))
    };
    assert_eq!((known("ben"), known("zoe")), ((true, true), (false, false)));
}

#[test]
fn the_version_follows_roles_and_quorums_and_not_the_calendar() {
    let base = policy();
    let mut services = base.services.clone();
    let freeze = Freeze { services: None, from: Timestamp::MIN, until: Timestamp::MAX, reason: "x".to_owned() };
    assert_eq!(Policy::new(services.clone(), Quorums::default(), vec![freeze]).version(), base.version());
    services.get_mut(&named::<ServiceName>("payments")).unwrap().roles.remove(&Role::Admin);
    assert_ne!(Policy::new(services, Quorums::default(), Vec::new()).version(), base.version());
}

#[test]
fn a_quorum_needs_distinct_people_besides_the_requester() {
    let (policy, people, payments) = (policy(), people(), named("payments"));
    let short = |rules: &[(Role, u32)]| {
        let rules: Vec<ApprovalRule> =
            rules.iter().map(|(role, count)| ApprovalRule { role: *role, count: *count }).collect();
        policy.shortfall(&people, &payments, &rules)
    };
    assert_eq!(short(&[]), None);
    assert_eq!(short(&[(Role::Approver, 1)]), None);
    // If Ana is the requester, Ben and Dana can vote. Emil has left.
    assert_eq!(short(&[(Role::Approver, 2)]), None);
    assert_eq!(short(&[(Role::Approver, 3)]).map(|s| (s.wanted, s.there)), Some((3, 2)));
    assert_eq!(short(&[(Role::Captain, 1)]).map(|s| (s.wanted, s.there)), Some((1, 0)));
    // Dana is both an admin and an approver, but counts once.
    assert_eq!(short(&[(Role::Approver, 1), (Role::Admin, 1)]), None);
    assert_eq!(short(&[(Role::Approver, 2), (Role::Admin, 1)]).map(|s| s.wanted), Some(3));
}

#[test]
fn an_environment_may_ask_for_something_else_than_the_usual() {
    let rule = ApprovalRule { role: Role::Captain, count: 2 };
    let own = ServicePolicy { quorums: BTreeMap::from([(named("staging"), vec![rule])]), ..ServicePolicy::default() };
    let policy = Policy::new(BTreeMap::from([(named("payments"), own)]), Quorums::default(), Vec::new());
    let rules = |service: &str, environment: &str, production| {
        policy.approval(&named(service), &named(environment), production).rules
    };
    assert_eq!(rules("payments", "staging", false), [rule]);
    assert_eq!(rules("payments", "production", true), Quorums::default().production);
    assert!(rules("website", "staging", false).is_empty());
    assert_eq!(rules("website", "production", true), Quorums::default().production);
}

#[test]
fn a_freeze_holds_from_its_first_moment_to_its_last() {
    let at = |text: &str| -> Timestamp { named(text) };
    let freeze = |services: Option<&[&str]>, until, reason: &str| Freeze {
        services: services.map(|names| names.iter().map(|name| named(name)).collect()),
        from: at("2026-12-20T18:00:00+01:00"),
        until: at(until),
        reason: reason.to_owned(),
    };
    let freezes = vec![
        freeze(None, "2026-12-27T00:00:00Z", "everybody"),
        freeze(Some(&["payments"]), "2027-01-04T00:00:00Z", "payments"),
        freeze(Some(&[]), "2030-01-01T00:00:00Z", "nobody"),
    ];
    let policy = Policy::new(BTreeMap::new(), Quorums::default(), freezes.clone());
    assert_eq!(policy.freezes(), freezes);
    let why = |service: &str, now: &str| policy.freeze(&named(service), at(now)).map(|freeze| freeze.reason.as_str());
    assert_eq!(why("website", "2026-12-20T16:59:59Z"), None);
    assert_eq!(why("website", "2026-12-20T17:00:00Z"), Some("everybody"));
    assert_eq!(why("payments", "2026-12-20T17:00:00Z"), Some("payments"));
    assert_eq!(why("website", "2026-12-27T00:00:00Z"), None);
    assert_eq!(why("payments", "2027-01-04T00:00:00Z"), None);
}

fn room(id: &str) -> hotfix_adapters::ids::ChannelRef {
    named(id)
}

/// Checks every role, permission, account kind, channel kind and origin against an independent statement of the rules
/// (security cases 22, 30, 31, 38).
#[test]
fn case_22_one_door_decides_every_cell() {
    let (policy, people, payments) = (policy(), people(), named::<ServiceName>("payments"));
    let also = [room("C_INCIDENT")];
    let home = room("C_HOME");
    let kinds = [AccountKind::Member, AccountKind::Guest, AccountKind::Stranger, AccountKind::Bot, AccountKind::Gone];
    let mut doorways = vec![Origin::Terminal { votes: true }, Origin::Terminal { votes: false }];
    for account in kinds {
        for kind in [ChannelKind::Own, ChannelKind::Shared, ChannelKind::Direct] {
            for channel in ["C_HOME", "C_INCIDENT", "C_OTHER"] {
                doorways.push(Origin::Chat { account, kind, channel: room(channel) });
            }
        }
    }
    let mut cells = 0;
    for who in ["ana", "ben", "dana", "zoe", "emil", "mallory"] {
        for needed in ROLES {
            let holds = policy.authorise(&people, &payments, &console(who), needed).is_ok();
            for deed in [Permission::View, Permission::Comment, Permission::Change, Permission::Vote] {
                for (doorway, shared) in doorways.iter().flat_map(|doorway| [(doorway, false), (doorway, true)]) {
                    let from_here = match doorway {
                        _ if deed == Permission::View => true,
                        Origin::Terminal { votes } => deed != Permission::Vote || *votes,
                        Origin::Chat { account, kind, channel } => {
                            let whole = *account == AccountKind::Member;
                            let good = channel.as_str() != "C_OTHER";
                            whole
                                && match kind {
                                    ChannelKind::Own => good,
                                    ChannelKind::Shared => good && shared,
                                    ChannelKind::Direct => deed == Permission::Comment,
                                }
                        }
                    };
                    let rooms = AllowedChannels { home: &home, also: &also, shared };
                    let admitted = policy.admit(&people, &payments, &console(who), (needed, deed), (doorway, rooms));
                    assert_eq!(admitted.is_ok(), holds && from_here, "{who} {needed:?} {deed:?} {doorway:?} {shared}");
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 6 * 5 * 4 * 47 * 2);
}

/// A person whom a step names may answer without a role, unless they have left.
#[test]
fn who_is_asked_by_name_is_recognised_while_they_are_here() {
    let (policy, people, payments) = (policy(), people(), named::<ServiceName>("payments"));
    let home = room("C_HOME");
    let doorway = Origin::Chat { account: AccountKind::Member, kind: ChannelKind::Own, channel: home.clone() };
    let answers = |who: &str| {
        let rooms = AllowedChannels { home: &home, also: &[], shared: false };
        policy
            .admit_asked(&people, &payments, &console(who), Permission::Comment, (&doorway, rooms))
            .map_err(|denial| denial.code())
    };
    let grant = answers("zoe").unwrap();
    assert!(grant.roles.is_empty() && grant.person.as_str() == "zoe");
    assert_eq!(answers("ben").unwrap().roles, policy.roles(&payments, &named("ben")));
    assert_eq!(answers("emil").unwrap_err(), "person.inactive");
    assert_eq!(answers("mallory").unwrap_err(), "person.unmapped");
}

/// The refusal for a person without a role does not reveal the service's channel (security case 81).
#[test]
fn case_81_the_channel_of_a_service_is_told_to_nobody_who_may_not_see_it() {
    let (policy, people) = (policy(), people());
    let (home, elsewhere) = (room("C_HOME"), room("C_OTHER"));
    let doorway = Origin::Chat { account: AccountKind::Member, kind: ChannelKind::Own, channel: elsewhere };
    let rooms = AllowedChannels { home: &home, also: &[], shared: false };
    let refused = |who: &str| {
        let asked = (Role::Requester, Permission::Change);
        policy.admit(&people, &named("payments"), &console(who), asked, (&doorway, rooms)).unwrap_err()
    };
    assert_eq!(refused("zoe").code(), "service.unseen");
    assert_eq!(refused("ana"), Denial::Channel { home: home.clone() });
}

/// Only listed people may break the glass, only in an allowed channel, and no role grants it (security case 90).
#[test]
fn case_90_only_the_listed_break_the_glass() {
    let (people, home) = (people(), room("C_HOME"));
    let chat =
        |channel: &str| Origin::Chat { account: AccountKind::Member, kind: ChannelKind::Own, channel: room(channel) };
    let told = |policy: &Policy, who: &str, doorway: &Origin| {
        let rooms = AllowedChannels { home: &home, also: &[], shared: false };
        let asked = (Role::Viewer, Permission::BreakGlass);
        match policy.admit(&people, &named("payments"), &console(who), asked, (doorway, rooms)) {
            Ok(grant) => grant.person.to_string(),
            Err(denial) => format!("{}: {}", denial.code(), denial.next()),
        }
    };
    let off = "break-glass.off: Get the votes that are asked for; an operator can allow it in policy.toml.";
    assert_eq!(told(&policy(), "dana", &chat("C_HOME")), off);
    let listed = ["ana", "dana", "emil", "zoe"].map(named).into();
    let glass = BreakGlassRules { people: listed, audit: room("C_AUDIT") };
    let policy = policy().with_break_glass(Some(glass.clone()));
    assert_eq!(told(&policy, "dana", &chat("C_HOME")), "dana");
    assert_eq!(told(&policy, "ana", &Origin::Terminal { votes: true }), "ana");
    assert!(told(&policy, "ana", &Origin::Terminal { votes: false }).starts_with("terminal.votes"));
    assert!(told(&policy, "dana", &chat("C_OTHER")).starts_with("channel.wrong"));
    assert_eq!(
        told(&policy, "ben", &chat("C_HOME")),
        "break-glass.unlisted: Ask ANA or DANA, or get the votes that are asked for."
    );
    assert!(told(&policy, "emil", &chat("C_HOME")).starts_with("person.inactive"));
    assert!(told(&policy, "zoe", &chat("C_HOME")).starts_with("service.unseen"));
    assert_eq!(policy.breakers(&people, &named("payments")), ["ana", "dana"].map(named).into());
    let fewer = BreakGlassRules { people: BTreeSet::new(), ..glass };
    assert_ne!(policy.version(), policy.clone().with_break_glass(Some(fewer)).version());
}

#[test]
fn what_a_chat_that_is_down_means_is_kept_beside_the_rules() {
    let policy = policy();
    assert_eq!(policy.chat_down(), ChatDown::Wait);
    let going_on = policy.clone().with_chat_down(ChatDown::GoOn);
    assert_eq!((going_on.chat_down(), going_on.version()), (ChatDown::GoOn, policy.version()));
    let glass = BreakGlassRules { people: [named("ana")].into(), audit: room("C_AUDIT") };
    let both = going_on.with_break_glass(Some(glass.clone())).with_chat_down(ChatDown::Wait);
    assert_eq!((both.chat_down(), both.break_glass()), (ChatDown::Wait, Some(&glass)));
}

/// Security case 28: a vote counts only for the deploy configuration that it was cast under.
#[test]
fn the_way_to_deploy_is_a_part_of_what_is_voted_under() {
    let version = |way: &str| {
        let ways = BTreeMap::from([(named("payments"), way.to_owned())]);
        policy().with_deploy_fingerprints(ways).version_for(&named("payments"))
    };
    assert_eq!(version("command `deploy.sh`"), version("command `deploy.sh`"));
    assert_ne!(version("command `deploy.sh`"), version("command `other.sh`"));
    assert!(version("command `deploy.sh`").starts_with(&policy().version_for(&named("payments"))));
}

/// Viewers do not affect the policy version, unless a default or own rule requires the role.
#[test]
fn viewers_count_only_where_a_rule_asks_for_them() {
    let people = people();
    let with = |viewers: &[&str], own: Option<Role>, usual: Role| {
        let roles = BTreeMap::from([(Role::Viewer, viewers.iter().map(|id| named(id)).collect())]);
        let rule = |role| vec![ApprovalRule { role, count: 1 }];
        let quorums = own.map(|role| (named("production"), rule(role))).into_iter().collect();
        let services = BTreeMap::from([(named("payments"), ServicePolicy { roles, quorums, ..Default::default() })]);
        let usual = Quorums { production: rule(usual), ..Quorums::default() };
        Policy::new(services, usual, Vec::new()).with_people(&people).version_for(&named("payments"))
    };
    let moves = |own, usual| with(&["ana"], own, usual) != with(&["ana", "ben"], own, usual);
    assert!(!moves(None, Role::Approver) && !moves(Some(Role::Approver), Role::Approver));
    assert!(moves(None, Role::Viewer) && moves(Some(Role::Viewer), Role::Approver));
}

#[test]
fn who_broke_the_glass_cannot_be_the_only_one_who_could_review_it() {
    let alone = |listed: &[&str], approvers: &[&str]| {
        let all = |ids: &[&str]| ids.iter().map(|id| named(id)).collect::<BTreeSet<PersonId>>();
        let roles = BTreeMap::from([(Role::Approver, all(approvers)), (Role::Requester, all(listed))]);
        let services = BTreeMap::from([(named("payments"), ServicePolicy { roles, ..Default::default() })]);
        let glass = BreakGlassRules { people: all(listed), audit: room("C_AUDIT") };
        let policy = Policy::new(services, Quorums::default(), Vec::new()).with_break_glass(Some(glass));
        policy.unreviewable(&people(), &named("payments")).map(|person| person.to_string())
    };
    assert_eq!(alone(&["dana"], &["dana", "ben"]), None);
    assert_eq!(alone(&["dana"], &["ben"]), None);
    assert_eq!(alone(&["dana"], &["dana"]).as_deref(), Some("dana"));
    assert_eq!(alone(&["ana", "dana"], &["dana"]).as_deref(), Some("dana"));
    assert_eq!(alone(&["dana"], &["dana", "emil"]).as_deref(), Some("dana"), "Emil left");
}

#[test]
fn every_denial_has_a_reason_and_a_next_step_of_its_own() {
    let told = |denial: Denial| {
        let refusal = Refusal::from(denial);
        format!("{}: {} {}", refusal.code, refusal.reason, refusal.next)
    };
    let role = |holders: &[&str], votes| Denial::Role {
        name: "ANA".to_owned(),
        needed: Role::Approver,
        service: named("payments"),
        holders: holders.iter().map(|name| (*name).to_owned()).collect(),
        votes,
    };
    let glass = |holders: &[&str]| Denial::Glass {
        name: "BEN".to_owned(),
        holders: holders.iter().map(|name| (*name).to_owned()).collect(),
    };
    assert!(told(role(&[], false)).ends_with("Nobody has the role approver now: an operator gives it in policy.toml."));
    assert!(told(role(&[], true)).contains("Nobody whose vote could count has the role approver now"));
    assert!(told(role(&["BEN"], true)).ends_with("Ask BEN."));
    assert!(told(role(&["BEN", "DANA"], false)).ends_with("Ask BEN or DANA."));
    assert!(told(role(&["BEN", "CHI", "DANA"], false)).ends_with("Ask BEN, CHI or DANA."));
    assert!(told(glass(&[])).ends_with("nobody who is listed may do it for this service."));
    assert!(told(glass(&["ANA"])).ends_with("Ask ANA, or get the votes that are asked for."));
    let account = |kind| told(Denial::Account { kind });
    assert!(account(AccountKind::Guest).contains("This is a guest's account"));
    assert!(account(AccountKind::Stranger).contains("This account is of another company"));
    assert!(account(AccountKind::Bot).contains("This is an app's account"));
    assert!(account(AccountKind::Gone).contains("This account is deactivated or has left"));
    let unmapped = |platform| told(Denial::Unmapped { account: PersonRef::new(platform, "x") });
    let names = [
        (Platform::Console, "the console"),
        (Platform::Git, "git"),
        (Platform::Slack, "Slack"),
        (Platform::Discord, "Discord"),
        (Platform::Github, "GitHub"),
        (Platform::Gitlab, "GitLab"),
    ];
    for (platform, name) in names {
        assert!(unmapped(platform).contains(&format!("on {name} belongs to nobody")), "{}", unmapped(platform));
    }
    for (needed, words) in [(Role::Viewer, "a viewer"), (Role::Admin, "an admin"), (Role::Requester, "a requester")] {
        let denial =
            Denial::Role { name: "ANA".to_owned(), needed, service: named("payments"), holders: vec![], votes: false };
        assert!(told(denial).contains(&format!("is not {words} of payments")));
    }
}

/// The smallest shortfall of all requesters is reported, and a quorum of one more than the available voters is short by
/// one.
#[test]
fn a_shortfall_is_the_smallest_there_is() {
    let people = people();
    let roles = |approvers: &[&str], requesters: &[&str]| {
        let all = |ids: &[&str]| ids.iter().map(|id| named(id)).collect::<BTreeSet<PersonId>>();
        let roles = BTreeMap::from([(Role::Approver, all(approvers)), (Role::Requester, all(requesters))]);
        let services = BTreeMap::from([(named("payments"), ServicePolicy { roles, ..Default::default() })]);
        Policy::new(services, Quorums::default(), Vec::new())
    };
    let rule = |role, count| ApprovalRule { role, count };
    let short = |policy: &Policy, rules: &[ApprovalRule]| {
        policy.shortfall(&people, &named("payments"), rules).map(|short| (short.roles, short.wanted, short.there))
    };
    let mixed = roles(&["ben", "dana"], &["ana", "ben"]);
    assert_eq!(short(&mixed, &[rule(Role::Approver, 2)]), None, "Ana asks, and both vote");
    assert_eq!(short(&mixed, &[rule(Role::Approver, 3)]), Some((vec![Role::Approver], 3, 2)));
    let own = roles(&["ben", "dana"], &["ben"]);
    assert_eq!(short(&own, &[rule(Role::Approver, 2)]), Some((vec![Role::Approver], 2, 1)), "Ben's own does not count");
    let nobody = roles(&["ben"], &[]);
    assert_eq!(short(&nobody, &[rule(Role::Approver, 1)]), None);
    assert_eq!(short(&nobody, &[rule(Role::Approver, 2)]), Some((vec![Role::Approver], 2, 1)));
    let two = [rule(Role::Approver, 1), rule(Role::Captain, 2)];
    assert_eq!(short(&mixed, &two), Some((vec![Role::Captain], 2, 0)));
}
