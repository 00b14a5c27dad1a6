//! Warnings about reads that keep failing. While a read fails, the bot misses the changes that people wait for.

use hotfix_adapters::chat::{Card, Text, Tone};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Audience;
use super::duration::clock;
use super::text::{ended, listing, marked, paragraph};
use super::waiting_on::owner;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;

/// A read of a remote system that keeps failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The run that needs the read.
    pub run: HotfixId,
    /// The object that cannot be read, for users: "pull request #1".
    pub what: String,
    /// Metric label of the read.
    pub read: String,
    /// The last failure, for users.
    pub reason: String,
    /// Time of the first failure.
    pub since: Timestamp,
    /// `true` if the failure may be temporary; `false` if an operator must fix it.
    pub passes: bool,
}

impl Trouble {
    /// Renders the message that all reads of a warning succeed again.
    pub(crate) fn over(things: &[String]) -> Card {
        Card::line(Tone::Good, Text::of(format!("It can be read again: {}.", listing(things))))
    }
}

/// Renders the warning about reads that fail for the same reason.
pub(crate) fn unread(state: &Hotfix, troubles: &[Trouble], to: &Audience<'_>, now: Timestamp) -> Card {
    let all: Vec<&Trouble> = troubles.iter().collect();
    let reasons = all.first().map(|first| reason(first));
    let next = format!(": until it can be read, what changes there is not seen. {}", remedies(&all));
    Card {
        tone: Tone::Warning,
        title: Some(Text::of(could_not_read(&all, now))),
        lines: reasons.into_iter().chain([owner(state, to).plain(next)]).collect(),
        ..Card::default()
    }
}

/// Adds the failing reads to a card, one line per reason.
#[must_use]
pub(crate) fn unreadable_things(mut card: Card, troubles: &[Trouble], now: Timestamp) -> Card {
    let mut reasons: Vec<&str> = Vec::new();
    for trouble in troubles {
        if reasons.contains(&trouble.reason.as_str()) {
            continue;
        }
        reasons.push(&trouble.reason);
        let all: Vec<&Trouble> = troubles.iter().filter(|other| other.reason == trouble.reason).collect();
        let line = Text::of(format!("{}: ", could_not_read(&all, now)));
        card.lines.push(line.then(reason(trouble)).plain(format!(" {}", remedies(&all))));
    }
    card
}

/// Formats the failing reads: "Could not read the branch hotfix and pull request #1 since 09:06 UTC".
fn could_not_read(troubles: &[&Trouble], now: Timestamp) -> String {
    let mut things: Vec<&str> = Vec::new();
    for trouble in troubles {
        if !things.contains(&trouble.what.as_str()) {
            things.push(&trouble.what);
        }
    }
    let since = troubles.iter().map(|trouble| trouble.since).min().unwrap_or(now);
    format!("Could not read {} since {}", listing(&things), clock(since, now))
}

fn reason(trouble: &Trouble) -> Text {
    marked(&ended(&paragraph(&trouble.reason)))
}

/// Returns the advice for reads with the same reason. A permanent failure takes precedence.
fn remedies(troubles: &[&Trouble]) -> &'static str {
    let lasting = troubles.iter().copied().find(|trouble| !trouble.passes);
    lasting.or(troubles.first().copied()).map_or("", remedy)
}

/// Returns the advice for one failing read.
pub(crate) fn remedy(trouble: &Trouble) -> &'static str {
    if trouble.passes {
        "The bot keeps trying; look whether the other side answers."
    } else {
        "It does not pass by itself: put it right there (`hotfix doctor` looks at access and names); the bot reads it again by itself."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{begun, same};
    use crate::view::plain;

    fn trouble(what: &str, reason: &str, passes: bool, since: Timestamp) -> Trouble {
        Trouble {
            run: HotfixId(12),
            what: what.to_owned(),
            read: "branch".to_owned(),
            reason: reason.to_owned(),
            since,
            passes,
        }
    }

    #[test]
    fn what_fails_for_one_reason_is_said_together() {
        let play = begun();
        let since = play.now;
        let down = |what: &str| trouble(what, "the forge is down", true, since);
        let all = [down("the branch hotfix"), down("pull request #1"), down("the branch hotfix")];
        let card = plain(&unread(&play.state, &all, &play.to(), play.now));
        let title = format!("Could not read the branch hotfix and pull request #1 since {}", clock(since, play.now));
        let said = "until it can be read, what changes there is not seen. The bot keeps trying; look whether the other side \
                    answers.";
        same(&card, &format!("\n{title}\nthe forge is down.\n@Ana: {said}\n"));
        let gone = trouble("what production runs", "there is no repository team/payments", false, since);
        let card = unreadable_things(Card::default(), &[down("pull request #1"), gone, down("the branch main")], since);
        let lines: Vec<String> = card.lines.iter().map(Text::to_plain).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("Could not read pull request #1 and the branch main since "), "{lines:?}");
        assert!(lines[1].contains(": there is no repository team/payments. It does not pass by itself"), "{lines:?}");
    }

    #[test]
    fn what_can_be_read_again_is_one_line() {
        let card = Trouble::over(&["the branch hotfix".to_owned(), "pull request #1".to_owned()]);
        assert_eq!(plain(&card), "It can be read again: the branch hotfix and pull request #1.\n");
    }
}
