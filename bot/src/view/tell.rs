//! What is said to one person directly: to a member of the team who cannot read the channel (APPLY-15), to whoever's
//! commits go out with the fix (MAIN-8, PROMO-11), neither of whom is waited for, and to whoever's vote does not count yet.

use hotfix_adapters::chat::{Card, Text, Tone};

use super::Audience;
use super::announcement::news;
use super::card::{heading, pull_link};
use super::form::riders_buttons;
use super::phrase::{Say, command, destination, outside};
use crate::domain::event::{Contribution, Entry, Event, Vote};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;
use crate::domain::vote::is_backed;

/// What an event says to this person directly, if anything.
#[must_use]
pub fn tell(state: &Hotfix, entry: &Entry, audience: &Audience<'_>, to: &PersonId) -> Option<Card> {
    match &entry.event {
        Event::Voted(vote) => unbacked(state, vote),
        Event::Announced { missed, .. } if missed.contains(to) => Some(missed_it(state, entry, audience)),
        Event::RidersFound { riders, .. } => rider(state, riders, to, audience),
        Event::Announced { .. }
        | Event::Opened(_)
        | Event::Surveyed(_)
        | Event::TriageAnswered { .. }
        | Event::Agreed { .. }
        | Event::Targeted { .. }
        | Event::JobFound { .. }
        | Event::FixesOnMain { .. }
        | Event::Reached { .. }
        | Event::Counted(_)
        | Event::ImageFound { .. }
        | Event::ImageMoved { .. }
        | Event::LiveBranchMoved { .. }
        | Event::ReturnOpened { .. }
        | Event::DeployNoted { .. }
        | Event::Refused { .. }
        | Event::StepEntered { .. }
        | Event::StepDone { .. }
        | Event::StepSkipped { .. }
        | Event::OverrideAsked { .. }
        | Event::StepOverridden { .. }
        | Event::StepReopened { .. }
        | Event::BaseFound { .. }
        | Event::BranchCreated { .. }
        | Event::FixRequested { .. }
        | Event::FixPicked { .. }
        | Event::FixConflicted { .. }
        | Event::HeadMoved { .. }
        | Event::PullOpened { .. }
        | Event::PullSeen(_)
        | Event::Prompted { .. }
        | Event::QuestionClosed { .. }
        | Event::VoteWithdrawn { .. }
        | Event::Vetoed { .. }
        | Event::VetoWithdrawn { .. }
        | Event::GlassBroken(_)
        | Event::GlassAnnounced { .. }
        | Event::GlassVoided { .. }
        | Event::Countersigned { .. }
        | Event::CountersignReminded { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. }
        | Event::DeployAsked { .. }
        | Event::DeployRefused { .. }
        | Event::DeployStarted(_)
        | Event::DeployAwaitsWord { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::DriftSettled { .. }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. }
        | Event::Merged { .. }
        | Event::Proven { .. }
        | Event::MainlineLost { .. }
        | Event::MergebackWaived { .. }
        | Event::BranchDeleted
        | Event::PostmortemFiled { .. }
        | Event::Joined { .. }
        | Event::Noted { .. }
        | Event::Reminded { .. }
        | Event::Stuck { .. }
        | Event::Retried
        | Event::Aborted { .. }
        | Event::Closed { .. } => None,
    }
}

/// A yes in the chat that does not count yet, and what is missing (security case 39).
fn unbacked(state: &Hotfix, vote: &Vote) -> Option<Card> {
    let pull = state.pull.as_ref().filter(|_| !is_backed(state, vote, None))?;
    let what = Text::of("Your yes to ").commit(&vote.commit).plain(format!(
        " for {} does not count yet: it takes your approving review on the forge as well, by your own account there.",
        state.plan.place(&vote.environment)
    ));
    let next = Text::of("Approve exactly this head on pull request ")
        .span(pull_link(pull.number.0, pull.url.as_deref()))
        .plain(
            "; the bot sees it, and nothing has to be said again. It is read once more before the deployment begins.",
        );
    Some(Card { tone: Tone::Asking, title: Some(heading(state)), lines: vec![what, next], ..Card::default() })
}

fn missed_it(state: &Hotfix, entry: &Entry, audience: &Audience<'_>) -> Card {
    let mut card = news(state, audience, entry.at);
    let why = format!(
        "You get this directly because you are in the team of {} and cannot read its channel.",
        state.plan.service
    );
    card.lines.push(Text::of(why));
    card
}

fn rider(state: &Hotfix, riders: &[Contribution], to: &PersonId, audience: &Audience<'_>) -> Option<Card> {
    let own: Vec<&Contribution> =
        riders.iter().filter(|rider| rider.people.iter().any(|who| who.person.as_ref() == Some(to))).collect();
    let hold = command(&format!("hold {} <why>", state.id));
    let (subject, verb, waits) = match own.len() {
        0 => return None,
        1 => ("Your change", "goes", "If it must not,"),
        _many => ("Your changes", "go", "If they must not,"),
    };
    let what = if state.plan.is_promotion() { "promotion" } else { "hotfix" };
    let mut lines = vec![Text::of(format!("{subject} {verb} to {} with this {what}:", destination(state)))];
    lines.extend(
        own.into_iter()
            .map(|rider| Text::of("• ").commit(&rider.commit).plain(format!(" {}", outside(&rider.subject)))),
    );
    lines.push(
        Text::of(format!("It does not wait for you. {waits} reply "))
            .code("hold")
            .plain(" with a reason: ")
            .code(hold)
            .plain("."),
    );
    let actions = riders_buttons(state, audience);
    Some(Card { tone: Tone::Asking, title: Some(heading(state)), lines, actions, ..Card::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{begun, contribution, live, person, same};
    use crate::view::plain;

    #[test]
    fn who_cannot_read_the_channel_is_told_directly() {
        let play = begun().announced();
        let announced = |entry: &&Entry| matches!(entry.event, Event::Announced { .. });
        let entry = play.entries.iter().find(announced).unwrap();
        assert_eq!(tell(&play.state, entry, &play.to(), &person("ben")), None);
        let card = tell(&play.state, entry, &play.to(), &person("eve")).unwrap();
        assert!(
            plain(&card).ends_with(
                "You get this directly because you are in the team of payments and cannot read its channel.\n"
            )
        );
    }

    #[test]
    fn whose_changes_ride_along_is_told_and_not_waited_for() {
        let play = live();
        let riders =
            vec![contribution("aaaaaaa", "Redesign the form", "ben"), contribution("bbbbbbb", "New currency", "eve")];
        let event = Event::RidersFound { riders, total: 2 };
        let entry = Entry { at: play.now, by: crate::domain::event::Actor::Bot, event };
        assert_eq!(tell(&play.state, &entry, &play.to(), &person("dee")), None);
        same(
            &plain(&tell(&play.state, &entry, &play.to(), &person("ben")).unwrap()),
            r#"
HF-12 payments — Fix 500 on upload
Your change goes to production with this hotfix:
• `aaaaaaa` Redesign the form
It does not wait for you. If it must not, reply `hold` with a reason: `/hotfix hold HF-12 <why>`.
"#,
        );
    }
}
