//! Replies to `list`, `where` and `locks`.

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

/// Renders the runs, one per line.
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

/// The reply to `where`: the running commits, the lock holder, and the caller's permission to deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The service that was asked about.
    pub service: ServiceName,
    /// The environments with their running commits; `None` if the commit is unknown.
    pub environments: Vec<(Environment, Option<CommitId>)>,
    /// The lock on the lane of the first production; `None` if it is free.
    pub holder: Option<Lock>,
    /// `Ok` if the caller may deploy the service at the moment, otherwise all reasons against it.
    pub may_deploy: Result<(), Vec<Refusal>>,
}

/// A lock or a freeze, held by a run or by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The service that is locked or frozen.
    pub service: ServiceName,
    /// The locked environment; `None` for a freeze.
    pub environment: Option<Environment>,
    /// The run or the person that holds it.
    pub holder: Holder,
    /// The title of the run, or the reason that the person gave.
    pub reason: String,
    /// Time at which it was acquired.
    pub since: Timestamp,
    /// Time at which it expires; `None` if it lasts until it is released.
    pub until: Option<Timestamp>,
}

/// The holder of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A run, with its requester.
    Run(HotfixId, PersonId),
    /// A person who took the lock by command.
    Person(PersonId),
}

/// Renders the reply to `where`.
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

/// Renders all locks and freezes.
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
