//! Refusals: each names its rule or runbook id, the reason, and the next step.

use hotfix_adapters::chat::{Card, Text, Tone};

use super::Audience;
use super::text::{ended, marked, paragraph};
use crate::domain::people::People;
use crate::domain::refusal::Refusal;

/// Renders the reply to a refused command, with all reasons.
#[must_use]
pub fn refusals(refusals: &[Refusal]) -> Card {
    match refusals {
        [one] => Card::line(Tone::Warning, saying(one, " Nothing was done.")),
        many => Card {
            tone: Tone::Warning,
            title: Some(Text::of("Nothing was done.")),
            lines: many.iter().map(|refusal| saying(refusal, "")).collect(),
            ..Card::default()
        },
    }
}

/// Renders one refusal on one line, with names in place of person markers.
pub(super) fn line(refusal: &Refusal, to: &Audience<'_>) -> Text {
    saying(&named(to.people, refusal), "")
}

/// Returns the refusal with names in place of person markers.
#[must_use]
pub fn named(people: &People, refusal: &Refusal) -> Refusal {
    let (reason, next) = (people.named(&refusal.reason), people.named(&refusal.next));
    Refusal { reason, next, ..refusal.clone() }
}

fn saying(refusal: &Refusal, done: &str) -> Text {
    let id = refusal.requirement.as_ref().map_or(refusal.code.as_str(), |id| id.as_str());
    Text::new()
        .code(id)
        .plain(" — ")
        .then(marked(&ended(&paragraph(&refusal.reason))))
        .plain(format!("{done} "))
        .then(marked(&ended(&paragraph(&refusal.next))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::plain;

    #[test]
    fn a_refusal_names_the_rule_the_reason_and_the_next_step() {
        let qa = Refusal::new(
            "qa.deploy",
            "hotfixes are never deployed to QA through Drone: it pollutes the release tags",
            "Ask its users: `/hotfix agree qa`.",
        )
        .because_of("HOCS-26");
        let own = Refusal::new("vote.requester", "You asked for this.", "Ask somebody else.");
        assert_eq!(
            plain(&refusals(std::slice::from_ref(&qa))),
            "`HOCS-26` — hotfixes are never deployed to QA through Drone: it pollutes the release tags. Nothing was done. \
             Ask its users: `/hotfix agree qa`.\n"
        );
        assert_eq!(
            plain(&refusals(&[qa, own])),
            "Nothing was done.\n\
             `HOCS-26` — hotfixes are never deployed to QA through Drone: it pollutes the release tags. Ask its users: `/hotfix agree qa`.\n\
             `vote.requester` — You asked for this. Ask somebody else.\n"
        );
    }
}
