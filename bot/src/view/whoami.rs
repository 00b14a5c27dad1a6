//! The reply to `whoami`: the caller's identity, their rights, and how to get missing ones.

use std::collections::BTreeSet;

use hotfix_adapters::chat::{AccountKind, Card, Text, Tone};
use hotfix_adapters::ids::{ChannelRef, Environment, PersonRef, Platform};

use super::text::{ended, listing, outside};
use crate::domain::id::{HotfixId, ServiceName};
use crate::domain::people::{Person, Role};
use crate::domain::refusal::Refusal;

/// The caller, as the bot knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me<'a> {
    /// The account that sent the command.
    pub account: &'a PersonRef,
    /// The person behind the account; `None` if it maps to no person.
    pub person: Option<&'a Person>,
    /// The kind of the account, which may limit its rights.
    pub worth: Worth,
    /// The services for which the person has a role.
    pub services: Vec<Rights>,
    /// The open runs that the person has a vote for by role, with the refusal if their vote does not count.
    pub runs: Vec<(HotfixId, ServiceName, Option<Refusal>)>,
}

/// The kind of an account, which may limit its rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// The command line.
    Terminal {
        /// `true` if votes are accepted from the command line.
        votes: bool,
    },
    /// The kind that the chat reports.
    Chat(AccountKind),
    /// The chat could not be asked.
    Unsure,
}

/// The rights of a person for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The service that the rights apply to.
    pub service: ServiceName,
    /// The roles that the policy gives to the person.
    pub roles: BTreeSet<Role>,
    /// The channel in which the service accepts commands.
    pub channel: ChannelRef,
    /// The environments for which the person's vote counts.
    pub votes: Vec<Environment>,
}

/// Renders the reply to `whoami`.
#[must_use]
pub fn whoami(me: &Me<'_>) -> Card {
    let here = account(me.account);
    let Some(person) = me.person else {
        let who = Text::of("You are ").then(here);
        let mut lines = vec![who.plain(
            ", and the bot does not know whose account that is: you may look where a team talks, and nothing else.",
        )];
        let line = format!("{} = \"{}\"", key(me.account.platform), outside(&me.account.id));
        let next = Text::of("To do more, ask an operator to write ").code(line);
        lines.push(next.plain(" under your name in people.toml, and to reload."));
        lines.extend(worth(me.worth).map(Text::of));
        return Card { tone: Tone::Warning, lines, ..Card::default() };
    };
    let name = Text::of(format!("You are {} (", outside(&person.name))).code(person.id.as_str());
    let mut lines = vec![name.plain("), by ").then(here).plain(".")];
    lines.extend(also(person, me.account));
    let barred = if person.active {
        worth(me.worth).map(str::to_owned)
    } else {
        let next = "If that is wrong, ask an operator to set `active = true` in people.toml.";
        Some(format!("You are marked as having left, so you may look and nothing else. {next}"))
    };
    lines.extend(barred.iter().map(Text::of));
    lines.extend(me.services.iter().map(rights));
    if me.services.is_empty() {
        lines.push(Text::of("You have no role for any service. Ask an operator for one in policy.toml."));
    }
    lines.extend(me.runs.iter().map(|(id, service, refusal)| {
        let word = match refusal {
            None => "your vote counts.".to_owned(),
            Some(refusal) => ended(&outside(&refusal.reason)),
        };
        Text::new().strong(id.to_string()).plain(format!(" {service}: {word}"))
    }));
    let tone = if barred.is_some() { Tone::Warning } else { Tone::Neutral };
    Card { tone, lines, ..Card::default() }
}

fn account(account: &PersonRef) -> Text {
    Text::new().code(format!("{} {}", platform(account.platform), outside(&account.id)))
}

/// Lists the person's other accounts. All of them share one vote.
fn also(person: &Person, here: &PersonRef) -> Option<Text> {
    let others: Vec<&PersonRef> = person.accounts.iter().filter(|other| *other != here).collect();
    let (last, first) = others.split_last()?;
    let mut text = Text::of("Also you: ");
    for other in first {
        text = text.then(account(other)).plain(", ");
    }
    Some(text.then(account(last)).plain(". However you come, you are one person with one vote."))
}

fn rights(rights: &Rights) -> Text {
    let roles: Vec<&str> = rights.roles.iter().map(|role| role.as_str()).collect();
    let text = Text::of(format!("{}: {}; what you do is taken in ", rights.service, listing(&roles)));
    let text = text.channel(rights.channel.clone());
    let places: Vec<&str> = rights.votes.iter().map(Environment::as_str).collect();
    if places.is_empty() {
        return text.plain(".");
    }
    text.plain(format!(". Your vote counts for {}, unless you asked for the hotfix or worked on it.", listing(&places)))
}

/// Describes the limits of an account, and how to get around them.
fn worth(worth: Worth) -> Option<&'static str> {
    match worth {
        Worth::Terminal { votes: true } | Worth::Chat(AccountKind::Member) => None,
        Worth::Terminal { votes: false } => Some("Votes are not taken from the command line: vote in the chat."),
        Worth::Chat(AccountKind::Guest) => Some(
            "This is a guest's account, so you may look and nothing else, whatever your roles are. Ask for a full \
             account of the workspace, or a member of the team to do it.",
        ),
        Worth::Chat(AccountKind::Stranger) => Some(
            "This account is of another company, so you may look and nothing else, whatever your roles are. Ask a \
             member of the team to do it.",
        ),
        Worth::Chat(AccountKind::Bot) => Some("This is an app's account, so it may look and nothing else."),
        Worth::Chat(AccountKind::Gone) => Some("This account is deactivated, so it may look and nothing else."),
        Worth::Unsure => {
            Some("The chat could not be asked what this account is; until it answers, you may look and nothing else.")
        }
    }
}

fn platform(platform: Platform) -> &'static str {
    match platform {
        Platform::Console => "console",
        Platform::Git => "git",
        Platform::Slack => "Slack",
        Platform::Discord => "Discord",
        Platform::Github => "GitHub",
        Platform::Gitlab => "GitLab",
    }
}

/// Returns the key of a platform's accounts in `people.toml`.
fn key(platform: Platform) -> &'static str {
    match platform {
        Platform::Console => "console",
        Platform::Git => "git",
        Platform::Slack => "slack",
        Platform::Discord => "discord",
        Platform::Github => "github",
        Platform::Gitlab => "gitlab",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vote::excluded;
    use crate::view::fixture::{asked, environment, grant, people, person, same};
    use crate::view::plain;

    #[test]
    fn people_learn_who_they_are_and_what_their_vote_counts_for() {
        let (people, account, play) = (people(), PersonRef::new(Platform::Slack, "T1/U2"), asked());
        let rights = Rights {
            service: "payments".parse().unwrap(),
            roles: grant("ben").roles,
            channel: "#payments".parse().unwrap(),
            votes: vec![environment("production")],
        };
        let run = |who: &str| (play.state.id, play.state.plan.service.clone(), excluded(&play.state, &person(who)));
        let me = Me {
            account: &account,
            person: people.get(&person("ben")),
            worth: Worth::Chat(AccountKind::Member),
            services: vec![rights],
            runs: vec![run("ben")],
        };
        same(
            &plain(&whoami(&me)),
            r#"
You are Ben (`ben`), by `Slack T1/U2`.
Also you: `console ben`, `git ben`. However you come, you are one person with one vote.
payments: requester and approver; what you do is taken in #payments. Your vote counts for production, unless you asked for the hotfix or worked on it.
HF-12 payments: your vote counts.
"#,
        );
        let ana = plain(&whoami(&Me { runs: vec![run("ana")], ..me.clone() }));
        assert!(ana.contains("HF-12 payments: You asked for this hotfix, so your own vote does not count.\n"), "{ana}");
        for (worth, why) in [
            (Worth::Chat(AccountKind::Guest), "This is a guest's account"),
            (Worth::Chat(AccountKind::Stranger), "of another company"),
            (Worth::Chat(AccountKind::Bot), "an app's account"),
            (Worth::Chat(AccountKind::Gone), "is deactivated"),
            (Worth::Unsure, "could not be asked"),
            (Worth::Terminal { votes: false }, "vote in the chat"),
        ] {
            let told = plain(&whoami(&Me { worth, ..me.clone() }));
            assert!(told.contains(why), "{worth:?}: {told}");
        }
        let told = plain(&whoami(&Me { services: Vec::new(), ..me.clone() }));
        assert!(told.contains("Ask an operator for one in policy.toml"), "{told}");
        let mut left = people.get(&person("ben")).unwrap().clone();
        left.active = false;
        let told = plain(&whoami(&Me { person: Some(&left), ..me }));
        assert!(told.contains("marked as having left"), "{told}");
    }

    #[test]
    fn who_is_not_known_is_told_what_to_ask_for() {
        let account = PersonRef::new(Platform::Slack, "T1/U9");
        let worth = Worth::Chat(AccountKind::Member);
        let me = Me { account: &account, person: None, worth, services: Vec::new(), runs: Vec::new() };
        same(
            &plain(&whoami(&me)),
            r#"
You are `Slack T1/U9`, and the bot does not know whose account that is: you may look where a team talks, and nothing else.
To do more, ask an operator to write `slack = "T1/U9"` under your name in people.toml, and to reload.
"#,
        );
    }
}
