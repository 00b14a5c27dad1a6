//! Parser of `policy.toml`: groups, roles, quorums and freezes.

use std::collections::BTreeSet;

use hotfix_adapters::ids::{ChannelRef, Environment};
use jiff::Timestamp;

use super::super::diagnostic::{At, Diagnostic, Located};
use super::super::field::Field;
use super::super::reader::Reader;
use super::member::Member;
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::Role;
use crate::domain::service::{ApprovalRule, StepUp};
use crate::policy::{ChatDown, Quorums};

/// The policy as written, before the checks across files.
pub(in crate::config) struct RawPolicy {
    pub(in crate::config) groups: Vec<(Located<String>, Vec<Located<PersonId>>)>,
    pub(in crate::config) quorums: Quorums,
    /// Position of the default production quorum, or of `[quorum]` or the file if there is none.
    pub(in crate::config) production_at: At,
    pub(in crate::config) other_at: At,
    /// Position of the default step-up, if there is one.
    pub(in crate::config) step_up_at: Option<At>,
    pub(in crate::config) services: Vec<RawServicePolicy>,
    pub(in crate::config) freezes: Vec<RawFreeze>,
    pub(in crate::config) chat_down: ChatDown,
    pub(in crate::config) break_glass: Option<RawBreakGlass>,
}

/// The persons who may break the glass, as written.
pub(in crate::config) struct RawBreakGlass {
    pub(in crate::config) at: At,
    pub(in crate::config) people: Vec<Located<Member>>,
    pub(in crate::config) audit: Option<ChannelRef>,
}

/// The policy of one service, as written.
pub(in crate::config) struct RawServicePolicy {
    pub(in crate::config) name: Located<ServiceName>,
    pub(in crate::config) roles: Vec<(Role, Vec<Located<Member>>)>,
    pub(in crate::config) quorums: Vec<(Located<Environment>, Located<Vec<ApprovalRule>>)>,
    pub(in crate::config) step_up: Vec<(Located<Environment>, Located<Option<StepUp>>)>,
}

/// A freeze with a start and an end, as written.
pub(in crate::config) struct RawFreeze {
    /// The frozen services; `None` for all services.
    pub(in crate::config) services: Option<Vec<Located<ServiceName>>>,
    pub(in crate::config) from: Timestamp,
    pub(in crate::config) until: Timestamp,
    pub(in crate::config) reason: String,
}

const ROLES: [Role; 5] = [Role::Viewer, Role::Requester, Role::Approver, Role::Captain, Role::Admin];

/// The additional proof that a vote in the chat may need.
const STEP_UPS: [(&str, Option<StepUp>); 2] = [("none", None), ("review", Some(StepUp::Review))];

pub(super) fn read(reader: Reader<'_>) -> RawPolicy {
    let mut groups = Vec::new();
    if let Some(table) = reader.get("groups").table("`groups`") {
        groups = table.entries().into_iter().filter_map(|(key, field)| group(&key, field, &table)).collect();
    }
    let mut policy = RawPolicy {
        groups,
        quorums: Quorums::default(),
        production_at: reader.at,
        other_at: reader.at,
        step_up_at: None,
        services: Vec::new(),
        freezes: Vec::new(),
        break_glass: None,
        chat_down: ChatDown::default(),
    };
    if let Some(table) = reader.get("quorum").table("`quorum`") {
        usual_quorums(table, &mut policy);
    }
    if let Some(table) = reader.need("services").table("`services`") {
        for (key, field) in table.entries() {
            if let (Some(name), Some(reader)) = (name(&key, &table), field.table("a service's policy")) {
                policy.services.push(service(name, reader));
            }
        }
    }
    policy.break_glass = reader.get("break_glass").table("`break_glass`").map(break_glass);
    if let Some(word) = reader.get("chat_down").choice(&[("wait", ChatDown::Wait), ("go_on", ChatDown::GoOn)]) {
        policy.chat_down = word.value;
    }
    policy.freezes = reader.get("freeze").list().into_iter().filter_map(freeze).collect();
    reader.finish();
    policy
}

fn break_glass(reader: Reader<'_>) -> RawBreakGlass {
    let people = Member::list(reader.need("people"));
    let audit = reader.need("audit").parse().map(|channel| channel.value);
    let at = reader.at;
    reader.finish();
    RawBreakGlass { at, people, audit }
}

/// Parses a key that is a name.
fn name<T: std::str::FromStr<Err: std::fmt::Display>>(key: &Located<&str>, reader: &Reader<'_>) -> Option<Located<T>> {
    match key.value.parse() {
        Ok(value) => Some(Located { value, at: key.at }),
        Err(error) => {
            let what = format!("{:?} is not a name that can stand here", key.value);
            reader.sink.add(Diagnostic::at(key.at, what, "not a name", T::Err::to_string(&error)));
            None
        }
    }
}

fn group(
    key: &Located<&str>,
    field: Field<'_>,
    reader: &Reader<'_>,
) -> Option<(Located<String>, Vec<Located<PersonId>>)> {
    if key.value == "everyone" || key.value.contains('@') {
        let what = format!("a group cannot be called {:?}", key.value);
        reader.sink.add(Diagnostic::at(
            key.at,
            what,
            "taken",
            "@everyone is everybody in people.toml; choose a name without @",
        ));
        return None;
    }
    let name = Located { value: key.value.to_owned(), at: key.at };
    Some((name, field.list().into_iter().filter_map(Field::parse).collect()))
}

fn usual_quorums(reader: Reader<'_>, policy: &mut RawPolicy) {
    policy.production_at = reader.place("production").unwrap_or(reader.at);
    policy.other_at = reader.place("other").unwrap_or(reader.at);
    if reader.place("production").is_some() {
        policy.quorums.production = rules(reader.get("production"));
    }
    policy.quorums.other = rules(reader.get("other"));
    if let Some(minutes) = reader.get("expires_minutes").integer(1..=10_080) {
        policy.quorums.expires_minutes = minutes.value;
    }
    policy.step_up_at = reader.place("step_up");
    if let Some(table) = reader.get("step_up").table("`step_up`") {
        let backed = |name| table.get(name).choice(&STEP_UPS).and_then(|asked| asked.value);
        (policy.quorums.production_step_up, policy.quorums.other_step_up) = (backed("production"), backed("other"));
        table.finish();
    }
    let _ = reader.get("production");
    reader.finish();
}

/// Parses the rules of a quorum. Only approvers and captains vote: requesters never vote on their own run, and the
/// admin role alone gives no vote.
fn rules(field: Field<'_>) -> Vec<ApprovalRule> {
    let (mut rules, mut seen) = (Vec::new(), BTreeSet::new());
    for reader in field.list().into_iter().filter_map(|item| item.table("a rule of a quorum")) {
        let voters = [("approver", Role::Approver), ("captain", Role::Captain)];
        let role = reader.need("role").choice(&voters);
        let count = reader.need("count").integer(1..=20);
        if let (Some(role), Some(count)) = (role, count) {
            if seen.insert(role.value) {
                rules.push(ApprovalRule { role: role.value, count: count.value });
            } else {
                let what = format!("the quorum names the role {} twice", role.value.as_str());
                reader.sink.add(Diagnostic::at(role.at, what, "named before", "add the counts up in one rule"));
            }
        }
        reader.finish();
    }
    rules
}

fn service(name: Located<ServiceName>, reader: Reader<'_>) -> RawServicePolicy {
    let mut policy = RawServicePolicy { name, roles: Vec::new(), quorums: Vec::new(), step_up: Vec::new() };
    if let Some(table) = reader.need("roles").table("`roles`") {
        policy.roles = ROLES.iter().map(|role| (*role, Member::list(table.get(role.as_str())))).collect();
        table.finish();
    }
    if let Some(table) = reader.get("quorum").table("`quorum`") {
        for (key, field) in table.entries() {
            let (environment, at) = (self::name(&key, &table), field.at().unwrap_or(key.at));
            let rules = rules(field);
            policy.quorums.extend(environment.map(|environment| (environment, Located { value: rules, at })));
        }
    }
    if let Some(table) = reader.get("step_up").table("`step_up`") {
        for (key, field) in table.entries() {
            policy.step_up.extend(self::name(&key, &table).zip(field.choice(&STEP_UPS)));
        }
    }
    reader.finish();
    policy
}

fn freeze(field: Field<'_>) -> Option<RawFreeze> {
    let reader = field.table("a freeze")?;
    let services = reader
        .place("services")
        .map(|_| reader.get("services").list().into_iter().filter_map(Field::parse).collect::<Vec<_>>());
    let all = reader.get("all").boolean();
    if all.is_some_and(|all| all.value) == services.is_some() {
        reader.fault(
            "a freeze is of `all` or of some `services`",
            "says neither or both",
            "write `all = true` or `services = [\"…\"]`",
        );
    }
    let (from, until) = (reader.need("from").timestamp(), reader.need("until").timestamp());
    let reason = reader.need("reason").string_line();
    let sink = reader.sink;
    reader.finish();
    let (from, until) = (from?, until?);
    if until.value <= from.value {
        let what = "a freeze ends before it begins";
        sink.add(Diagnostic::at(until.at, what, "the end", "swap them").see(from.at, "the beginning"));
    }
    Some(RawFreeze { services, from: from.value, until: until.value, reason: reason?.value })
}
