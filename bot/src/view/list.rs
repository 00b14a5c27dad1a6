//! Answers to looking around: which runs there are, what runs where, who holds what.

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::ids::{CommitId, Environment};
use jiff::Timestamp;

use super::duration::{between, clock, stamp};
use super::status::standing;
use super::text::{Say, capital, outside};
use super::{Audience, refusal};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, PersonId, ServiceName};
use crate::domain::refusal::Refusal;

/// The runs, one a line.
#[must_use]
pub fn list(runs: &[&Hotfix], audience: &Audience<'_>, now: Timestamp) -> Card {
    if runs.is_empty() {
        return Card::line(Tone::Neutral, Text::of("There are no such runs."));
    }
    let line = |run: &&Hotfix| {
        let (_, words) = standing(run, audience.people, now);
        let age = if run.is_over() { String::new() } else { format!(", for {}", between(run.opened_at, now)) };
        Text::new().strong(run.id.to_string()).plain(format!(
            " {} — {}: {words} ({}{age})",
            run.plan.service,
            outside(&run.title),
            audience.name(&run.requester)
        ))
    };
    Card { lines: runs.iter().map(line).collect(), ..Card::default() }
}

/// What runs where, who holds it, and whether the asker may deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The service.
    pub service: ServiceName,
    /// Its environments, with what runs there; `None` when nothing can tell.
    pub environments: Vec<(Environment, Option<CommitId>)>,
    /// Who holds its lane, if somebody does.
    pub holder: Option<Lock>,
    /// Everything that speaks against deploying it now, for whoever asks.
    pub may_deploy: Result<(), Vec<Refusal>>,
}

/// A lane that is held, or a lock that somebody took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Of which service.
    pub service: ServiceName,
    /// Of which environment; `None` for all of them.
    pub environment: Option<Environment>,
    /// Who holds it.
    pub holder: Holder,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` until it is given back.
    pub until: Option<Timestamp>,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A run, opened by this person.
    Run(HotfixId, PersonId),
    /// A person.
    Person(PersonId),
}

/// What runs where.
#[must_use]
pub fn whereabouts(where_: &Whereabouts, audience: &Audience<'_>, now: Timestamp) -> Card {
    let mut lines: Vec<Text> = where_
        .environments
        .iter()
        .map(|(environment, commit)| match commit {
            Some(commit) => Text::of(format!("{} runs ", capital(environment.as_str()))).commit(commit).plain("."),
            None => Text::of(format!("Nothing can tell what {environment} runs.")),
        })
        .collect();
    lines.push(match &where_.holder {
        Some(lock) => held(lock, audience, now),
        None => Text::of("Nobody holds it."),
    });
    let tone = match &where_.may_deploy {
        Ok(()) => {
            lines.push(Text::of("You may deploy it."));
            Tone::Good
        }
        Err(refusals) => {
            lines.push(Text::of("You may not deploy it now:"));
            lines.extend(refusals.iter().map(|refusal| refusal::line(refusal, audience)));
            Tone::Warning
        }
    };
    Card { tone, title: Some(Text::of(format!("Where {} is", where_.service))), lines, ..Card::default() }
}

/// Everything that is held.
#[must_use]
pub fn locks(locks: &[Lock], audience: &Audience<'_>, now: Timestamp) -> Card {
    if locks.is_empty() {
        return Card::line(Tone::Neutral, Text::of("Nothing is locked."));
    }
    Card { lines: locks.iter().map(|lock| held(lock, audience, now)).collect(), ..Card::default() }
}

fn held(lock: &Lock, to: &Audience<'_>, now: Timestamp) -> Text {
    let place = lock.environment.as_ref().map_or_else(|| lock.service.to_string(), |e| format!("{}/{e}", lock.service));
    let who = match &lock.holder {
        Holder::Run(id, owner) => format!("{id} of {}", to.name(owner)),
        Holder::Person(person) => to.name(person),
    };
    let until =
        lock.until.map_or_else(|| "until it is given back".to_owned(), |until| format!("until {}", stamp(until)));
    let since = clock(lock.since, now);
    Text::new().code(place).plain(format!(" is held by {who} since {since}, {until}: {}", outside(&lock.reason)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{asked, closed, commit, environment, person, same};
    use crate::view::plain;

    #[test]
    fn the_runs_are_listed_one_a_line() {
        let (open, over) = (asked(), closed());
        same(
            &plain(&list(&[&open.state, &over.state], &open.to(), open.now)),
            r#"
HF-12 payments — Fix 500 on upload: waiting for votes for production (Ana, for 22 m)
HF-12 payments — Fix 500 on upload: closed: completed in 40 m (Ana)
"#,
        );
        assert_eq!(plain(&list(&[], &open.to(), open.now)), "There are no such runs.\n");
    }

    #[test]
    fn where_a_service_is_and_who_holds_it() {
        let play = asked();
        let lock = Lock {
            service: "payments".parse().unwrap(),
            environment: Some(environment("production")),
            holder: Holder::Run(play.state.id, person("ana")),
            reason: play.state.title.clone(),
            since: play.state.opened_at,
            until: None,
        };
        let own =
            Lock { environment: None, holder: Holder::Person(person("dee")), until: Some(play.now), ..lock.clone() };
        let there = Whereabouts {
            service: "payments".parse().unwrap(),
            environments: vec![(environment("staging"), None), (environment("production"), Some(commit("abc1234")))],
            holder: Some(lock.clone()),
            may_deploy: Err(vec![Refusal::new("lane.taken", "HF-12 holds it.", "Join it: `pick <commit> HF-12`.")]),
        };
        same(
            &plain(&whereabouts(&there, &play.to(), play.now)),
            r#"
Where payments is
Nothing can tell what staging runs.
Production runs `abc1234`.
`payments/production` is held by HF-12 of Ana since 10:02 UTC, until it is given back: Fix 500 on upload
You may not deploy it now:
`lane.taken` — HF-12 holds it. Join it: `pick <commit> HF-12`.
"#,
        );
        same(
            &plain(&locks(&[lock, own], &play.to(), play.now)),
            r#"
`payments/production` is held by HF-12 of Ana since 10:02 UTC, until it is given back: Fix 500 on upload
`payments` is held by Dee since 10:02 UTC, until 2026-03-02 10:24 UTC: Fix 500 on upload
"#,
        );
        let free = Whereabouts { holder: None, may_deploy: Ok(()), ..there };
        assert!(plain(&whereabouts(&free, &play.to(), play.now)).ends_with("Nobody holds it.\nYou may deploy it.\n"));
    }
}
