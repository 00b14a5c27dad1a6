//! Parser of `people.toml`. Each account belongs to one person. Ids are checked against the format of their platform,
//! because a display name in place of an id would decide who may deploy (security case 20).

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::ids::{PersonRef, Platform};

use super::super::diagnostic::{At, Diagnostic, Located};
use super::super::field::Field;
use super::super::reader::Reader;
use crate::domain::id::PersonId;
use crate::domain::people::{People, Person};

const PLATFORMS: [(&str, Platform); 6] = [
    ("console", Platform::Console),
    ("git", Platform::Git),
    ("slack", Platform::Slack),
    ("discord", Platform::Discord),
    ("github", Platform::Github),
    ("gitlab", Platform::Gitlab),
];

pub(super) fn read(reader: Reader<'_>) -> People {
    let mut people = Vec::new();
    let mut owners = BTreeMap::new();
    if let Some(table) = reader.need("people").table("`people`") {
        for (key, field) in table.entries() {
            match key.value.parse::<PersonId>() {
                Ok(id) => people.extend(field.table("a person").map(|reader| person(id, key.at, reader, &mut owners))),
                Err(error) => {
                    let what = format!("{:?} cannot name a person", key.value);
                    table.sink.add(Diagnostic::at(key.at, what, "not a name", error.to_string()));
                }
            }
        }
        table.finish();
    }
    let bots = bots(&reader, &mut owners);
    reader.finish();
    People::new(people).with_bots(bots)
}

/// Parses `[bots.<name>]`: accounts without a person. They have no role, and their commits belong to no person.
fn bots(reader: &Reader<'_>, owners: &mut Owners) -> BTreeMap<PersonRef, String> {
    let mut bots = BTreeMap::new();
    let Some(table) = reader.get("bots").table("`bots`") else { return bots };
    for (key, field) in table.entries() {
        match key.value.parse::<PersonId>() {
            Ok(id) => {
                let bot = field.table("a bot").map(|reader| person(id, key.at, reader, owners));
                let accounts = bot.iter().flat_map(|bot| bot.accounts.iter().map(|account| (account, &bot.name)));
                bots.extend(accounts.map(|(account, name)| (account.clone(), name.clone())));
            }
            Err(error) => {
                let what = format!("{:?} cannot name a bot", key.value);
                table.sink.add(Diagnostic::at(key.at, what, "not a name", error.to_string()));
            }
        }
    }
    table.finish();
    bots
}

/// The person who owns each account, and the position of that entry.
type Owners = BTreeMap<PersonRef, (PersonId, At)>;

fn person(id: PersonId, at: At, reader: Reader<'_>, owners: &mut Owners) -> Person {
    let name = reader.need("name").string_line().map_or_else(|| id.to_string(), |name| name.value);
    let active = reader.get("active").boolean().is_none_or(|flag| flag.value);
    let mut accounts = BTreeSet::new();
    for (key, platform) in PLATFORMS {
        for account in reader.get(key).one_or_more().into_iter().filter_map(|field| account(field, platform, &reader)) {
            let Located { value: account, at } = account;
            if let Some((owner, first)) = owners.get(&account) {
                let what = format!("the {key} account {} belongs to two people", account.id);
                let next = "an account belongs to one person: take it from one of them";
                reader.sink.add(
                    Diagnostic::at(at, what, format!("given to {id} here"), next)
                        .see(*first, format!("and to {owner} here")),
                );
            } else {
                owners.insert(account.clone(), (id.clone(), at));
                accounts.insert(account);
            }
        }
    }
    if accounts.is_empty() && PLATFORMS.iter().all(|(key, _)| reader.place(key).is_none()) {
        let what = format!("{id} has no account");
        let next = format!("give one of {}", super::super::reader::listed(&PLATFORMS.map(|(key, _)| key)));
        reader.sink.add(Diagnostic::at(at, what, "nobody can be this person", next));
    }
    reader.finish();
    Person { id, name, accounts, active }
}

fn account(field: Field<'_>, platform: Platform, reader: &Reader<'_>) -> Option<Located<PersonRef>> {
    let id = field.id()?;
    if let Err(wanted) = check(platform, &id.value) {
        let what = format!("{:?} is not an account id", id.value);
        reader.sink.add(Diagnostic::at(id.at, what, "not an id", wanted));
        return None;
    }
    Some(id.map(|id| match platform {
        // Email addresses are compared case-insensitively; see `People::behind`.
        Platform::Git => PersonRef::new(platform, id.to_ascii_lowercase()),
        Platform::Console | Platform::Slack | Platform::Discord | Platform::Github | Platform::Gitlab => {
            PersonRef::new(platform, id)
        }
    }))
}

fn check(platform: Platform, id: &str) -> Result<(), &'static str> {
    let digits = || !id.is_empty() && id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit());
    let (fine, wanted) = match platform {
        Platform::Console => (!id.contains(char::is_whitespace) && id.len() <= 63, "a console name is one word"),
        Platform::Git => (is_mail(id), "write the e-mail address that git puts in commits, such as ana@example.org"),
        Platform::Slack => {
            (is_slack(id), "write the team or enterprise and the user id, such as T024BE7LD/U012A3CDE, not a name")
        }
        Platform::Discord => (digits(), "write the user's number (Copy User ID), not a name"),
        Platform::Github => {
            (digits(), "write the account's number, from https://api.github.com/users/<login>, not the login")
        }
        Platform::Gitlab => (digits(), "write the user's number, shown on the profile page, not the login"),
    };
    if fine { Ok(()) } else { Err(wanted) }
}

fn is_mail(id: &str) -> bool {
    let plain = !id.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ','));
    plain && id.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

fn is_slack(id: &str) -> bool {
    let plain = |part: &str| part.len() > 1 && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    id.split_once('/').is_some_and(|(team, user)| {
        plain(team) && plain(user) && team.starts_with(['T', 'E']) && user.starts_with(['U', 'W'])
    })
}
