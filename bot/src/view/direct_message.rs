//! Direct messages to one person: a team member who cannot read the channel (APPLY-15), the author of an included
//! change (MAIN-8, PROMO-11), a voter whose vote does not count yet or is held back, a person whose change a rollback
//! removes, and the author of a revert. The run waits for neither of the first two.

use hotfix_adapters::chat::{Card, Text, Tone};

use super::Audience;
use super::announcement::news;
use super::card::{heading, pull_link};
use super::form::riders_buttons;
use super::text::{Say, command, destination, ended, outside};
use crate::domain::event::{Contribution, DeployIntent, Entry, Event, Vote};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{PersonId, StepId};
use crate::domain::vote::is_backed;
use hotfix_adapters::ids::CommitId;

/// Renders an event as a direct message to this person; `None` if it concerns them in no such way.
#[must_use]
pub fn tell(state: &Hotfix, entry: &Entry, audience: &Audience<'_>, to: &PersonId) -> Option<Card> {
    match &entry.event {
        Event::Voted(vote) => unbacked(state, vote),
        Event::Announced { missed, .. } if missed.contains(to) => Some(missed_it(state, entry, audience, to)),
        Event::DeployStarted(intent) if intent.rollback => Some(taken_back(state, intent, audience, to)),
        Event::IncludedChangesFound { riders, .. } => rider(state, riders, to, audience),
        Event::StepReopened { step, reason } => reopened(state, step, reason, (to, audience)),
        Event::FixReverted { source, by, .. } => Some(reverter(state, source, by, audience)),
        Event::Announced { .. }
        | Event::Opened(_)
        | Event::SnapshotTaken(_)
        | Event::TriageAnswered { .. }
        | Event::Agreed { .. }
        | Event::Targeted { .. }
        | Event::JobFound { .. }
        | Event::FixesOnMain { .. }
        | Event::Reached { .. }
        | Event::Counted(_)
        | Event::ImageFound { .. }
        | Event::ImagesPassedOver { .. }
        | Event::EditsRead { .. }
        | Event::ImageMoved { .. }
        | Event::LiveBranchMoved { .. }
        | Event::ReturnOpened { .. }
        | Event::DeployNoted { .. }
        | Event::Refused { .. }
        | Event::StepEntered { .. }
        | Event::StepOffered { .. }
        | Event::StepDone { .. }
        | Event::StepSkipped { .. }
        | Event::OverrideRequested { .. }
        | Event::StepOverridden { .. }
        | Event::EvidenceChanged { .. }
        | Event::BaseFound { .. }
        | Event::BranchCreated { .. }
        | Event::FixRequested { .. }
        | Event::FixAttributed(_)
        | Event::Identified { .. }
        | Event::OthersPushed { .. }
        | Event::FixesOrdered { .. }
        | Event::FixRemovalRequested { .. }
        | Event::FixRemoved { .. }
        | Event::FixKept { .. }
        | Event::FixPicked { .. }
        | Event::FixConflicted { .. }
        | Event::HeadMoved { .. }
        | Event::PullOpened { .. }
        | Event::PullSeen(_)
        | Event::MainSeen(_)
        | Event::VoteRequested { .. }
        | Event::VoteRequestClosed { .. }
        | Event::ApprovalChanged { .. }
        | Event::VoteWithdrawn { .. }
        | Event::VoteRejected { .. }
        | Event::RejectionWithdrawn { .. }
        | Event::BreakGlassUsed(_)
        | Event::BreakGlassAnnounced { .. }
        | Event::BreakGlassVoided { .. }
        | Event::Countersigned { .. }
        | Event::CountersignReminded { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. }
        | Event::DeployRequested { .. }
        | Event::DeployRefused { .. }
        | Event::DeployStarted(_)
        | Event::RolloutBegan { .. }
        | Event::DeployAwaitsConfirmation { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::HeldBackFound { .. }
        | Event::DriftSettled { .. }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. }
        | Event::Merged { .. }
        | Event::MainlineMerged { .. }
        | Event::MainlineReverted { .. }
        | Event::MainlineRewritten { .. }
        | Event::MainlineConfirmed { .. }
        | Event::MergebackWaived { .. }
        | Event::BranchDeleted
        | Event::BranchGone { .. }
        | Event::BranchBack { .. }
        | Event::BranchMerged { .. }
        | Event::FixBack { .. }
        | Event::FixConfirmed { .. }
        | Event::PostmortemFiled { .. }
        | Event::Joined { .. }
        | Event::Noted { .. }
        | Event::Reminded { .. }
        | Event::Stuck { .. }
        | Event::Retried { .. }
        | Event::LanesReleased
        | Event::LanesTaken
        | Event::AbandonRequested { .. }
        | Event::Abandoned { .. }
        | Event::Aborted { .. }
        | Event::Closed { .. } => None,
    }
}

/// Tells a voter that their vote does not count yet, and which review is missing (security case 39).
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

/// Tells the author of a change that a rollback removes it.
fn taken_back(state: &Hotfix, intent: &DeployIntent, audience: &Audience<'_>, to: &PersonId) -> Card {
    let place = state.plan.place(&intent.environment);
    let whose = if intent.removes.contains(to) {
        format!("Your change is taken away from {place}: {} rolls it back to ", state.id)
    } else {
        format!("A deployment with your change is rolled back: {place} goes back to ")
    };
    let what = Text::of(whose).commit(&intent.commit).plain(".");
    let why = intent.reason.as_ref().map(|why| Text::of(format!("Why: {}", ended(&outside(why)))));
    let asked_by = state.deploy(&intent.key).and_then(|deploy| deploy.asked_by.as_ref());
    let owner = Text::of(format!("Ask {} about it.", audience.name(asked_by.unwrap_or(&state.requester))));
    let lines = [what].into_iter().chain(why).chain([owner]).collect();
    Card { tone: Tone::Warning, title: Some(heading(state)), lines, ..Card::default() }
}

/// Tells a voter that their vote is held back, because a step before it is open again (security case 91).
fn reopened(state: &Hotfix, step: &StepId, reason: &str, (to, audience): (&PersonId, &Audience<'_>)) -> Option<Card> {
    let vote = state.votes.iter().find(|vote| &vote.person == to)?;
    let title = state.plan.step(step).map_or(step.as_str(), |spec| spec.title.as_str());
    let what = Text::of("Your approval of ").commit(&vote.commit).plain(format!(
        " for {} is on hold. {} is open again: {}",
        state.plan.place(&vote.environment),
        outside(title),
        ended(&outside(&audience.named(reason)))
    ));
    let next = Text::of("Your vote stays and counts once that is put right. To take it back: ")
        .command(&format!("unapprove {}", state.id))
        .plain(".");
    Some(Card { tone: Tone::Warning, title: Some(heading(state)), lines: vec![what, next], ..Card::default() })
}

fn missed_it(state: &Hotfix, entry: &Entry, audience: &Audience<'_>, to: &PersonId) -> Card {
    let mut card = news(state, audience, entry.at, to == &state.requester);
    let why = format!(
        "You get this directly because you are in the team of {} and cannot read its channel.",
        state.plan.service
    );
    card.lines.push(Text::of(why));
    card
}

/// Tells the author of a revert that the reverted fix is about to ship.
fn reverter(state: &Hotfix, source: &CommitId, by: &Contribution, audience: &Audience<'_>) -> Card {
    let what = Text::of("You reverted ")
        .commit(source)
        .plain(" on ")
        .code(state.plan.main.as_str())
        .plain(" by ")
        .commit(&by.commit)
        .plain(format!(" “{}”.", outside(&by.subject)));
    let next = Text::of(format!(
        "{} asked for it as a hotfix for {}. Tell them why it was reverted. If it must not go out, say ",
        audience.name(&state.requester),
        destination(state)
    ))
    .plain(command(&format!("hold {} <why>", state.id)))
    .plain(".");
    Card { tone: Tone::Warning, title: Some(heading(state)), lines: vec![what, next], ..Card::default() }
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
        assert!(!plain(&card).contains("for the record"), "that is asked of the requester");
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
        let event = Event::IncludedChangesFound { riders, total: 2 };
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
