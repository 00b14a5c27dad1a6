//! Tests of the lookup of people by id, name, account or mention.

use super::*;

/// Only a complete mention of a valid id is replaced; everything else is kept as written.
#[test]
fn a_mark_becomes_a_name_and_nothing_else_does() {
    let ana =
        Person { id: "ana".parse().unwrap(), name: "Ana Alvarez".to_owned(), accounts: BTreeSet::new(), active: true };
    let people = People::new(vec![ana]);
    let (ana, bob) = ("ana".parse().unwrap(), "bob".parse().unwrap());
    assert_eq!(people.named(&format!("{} says so", all_marked([&ana, &bob]))), "Ana Alvarez, bob says so");
    for text in ["ana", "<@", "a <@ b", "<@ana", "<@A na> <b>", "<ana>"] {
        assert_eq!(people.named(text), text);
    }
}

fn person(id: &str, name: &str, accounts: &[(Platform, &str)]) -> Person {
    Person {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        accounts: accounts.iter().map(|(platform, id)| PersonRef::new(*platform, *id)).collect(),
        active: true,
    }
}

/// Returns two people called Ana, and Ben, who has an account on every chat platform.
fn all() -> People {
    let ben = [(Platform::Slack, "T1/U7"), (Platform::Discord, "4711"), (Platform::Git, "ben@example.org")];
    People::new(vec![
        person("ana", "Ana", &[(Platform::Slack, "T1/U1"), (Platform::Git, "ana@example.org")]),
        person("ana2", "Ana", &[(Platform::Slack, "T1/U2"), (Platform::Git, "ana@example.org")]),
        person("ben", "Ben Berg", &ben),
    ])
}

#[test]
fn a_word_means_one_person_or_nobody() {
    let people = all();
    let meant = |word: &str| people.meant(word).map(|person| person.id.to_string());
    let ben = [" ben ", "@ben", "Ben Berg", "BEN BERG", "<@U7>", "<@!4711>", "<@U7|ben>", "@<@U7>"];
    for word in ben {
        assert_eq!(meant(word).as_deref(), Some("ben"), "{word:?}");
    }
    assert_eq!(meant("ana2").as_deref(), Some("ana2"));
    for word in ["", "Ben", "BEN", "bob", "U7", "<@T1/U7>", "<@U9>", "<@ben>", "<@U7"] {
        assert_eq!(meant(word), None, "{word:?}");
    }
    assert_eq!(meant("Ana2"), None, "an id is written as it is");
    assert_eq!(meant("Ana"), None, "two are called so");
}

#[test]
fn an_account_belongs_to_the_first_who_claims_it() {
    let people = all();
    let behind = |platform, id: &str| people.behind(&PersonRef::new(platform, id)).map(|person| person.id.to_string());
    assert_eq!(behind(Platform::Git, "ana@example.org").as_deref(), Some("ana"));
    assert_eq!(behind(Platform::Git, "Ben@Example.org").as_deref(), Some("ben"));
    assert_eq!(behind(Platform::Slack, "T1/U2").as_deref(), Some("ana2"));
    assert_eq!((behind(Platform::Slack, "t1/u2"), behind(Platform::Discord, "T1/U2")), (None, None));
}

#[test]
fn people_are_found_by_their_id() {
    let people = all();
    let (ben, bob) = ("ben".parse().unwrap(), "bob".parse().unwrap());
    assert_eq!(people.get(&ben).map(|person| person.name.as_str()), Some("Ben Berg"));
    assert_eq!(people.get(&bob), None);
    assert_eq!((people.name(&ben), people.name(&bob)), ("Ben Berg", "bob"));
    assert_eq!(people.iter().map(|person| person.id.as_str()).collect::<Vec<_>>(), ["ana", "ana2", "ben"]);
    let account = |platform| people.get(&ben).unwrap().account(platform).map(|account| account.id.as_str());
    assert_eq!((account(Platform::Discord), account(Platform::Github)), (Some("4711"), None));
}

/// A bot is found by its account only, and does not change the lookup of people.
#[test]
fn a_bot_is_known_by_its_account_alone() {
    let account = |id: &str| PersonRef::new(Platform::Github, id);
    let people = all().with_bots([(account("99"), "renovate".to_owned())].into());
    assert_eq!((people.bot(&account("99")), people.bot(&account("98"))), (Some("renovate"), None));
    assert!(people.behind(&account("99")).is_none() && people.meant("renovate").is_none());
    assert_eq!(people.iter().count(), 3);
    assert_eq!(all().bot(&account("99")), None);
}

#[test]
fn a_mark_holds_an_id() {
    let (ana, bob) = ("ana".parse().unwrap(), "bob".parse().unwrap());
    assert_eq!(marked(&ana), "<@ana>");
    assert_eq!(all_marked([&ana, &bob]), "<@ana>, <@bob>");
    assert_eq!(all_marked([]), "");
    assert_eq!(all().named("<@bob> and <@<@ben>, <@ana"), "bob and <@Ben Berg, <@ana");
}

#[test]
fn a_role_is_written_as_in_the_policy() {
    for role in [Role::Viewer, Role::Requester, Role::Approver, Role::Captain, Role::Admin] {
        assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
    }
}
