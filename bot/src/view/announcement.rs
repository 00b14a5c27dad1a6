//! The first message in the thread: tells the team that a run has started, and asks others not to deploy (APPLY-15).

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::ids::CommitId;
use jiff::Timestamp;

use super::Audience;
use super::card::{goes_out_too, heading, only, withheld};
use super::duration::clock;
use super::group_mentions::called;
use super::text::{Say, capital, destination, ended, listing, outside, productions, stay_off, tested_on};
use super::waiting_on::owner;
use crate::domain::event::Snapshot;
use crate::domain::group::Moment;
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::{BaseSource, StepKind};

/// Renders the announcement of a run, with mentions of the groups that subscribed to it.
#[must_use]
pub fn started(state: &Hotfix, audience: &Audience<'_>, now: Timestamp) -> Card {
    called(news(state, audience, now, true), state, Moment::Started, audience)
}

/// Renders the announcement for any reader. `asks` is `true` if the requester reads it, so that they can be asked for
/// the triage.
pub(super) fn news(state: &Hotfix, audience: &Audience<'_>, now: Timestamp, asks: bool) -> Card {
    let mut lines = vec![Text::of(format!(
        "{} asked for it at {}.{}",
        audience.name(&state.requester),
        clock(state.opened_at, now),
        state.incident.as_ref().map_or(String::new(), |incident| format!(" Incident: {}", outside(incident)))
    ))];
    lines.extend(base(state, audience));
    lines.extend(
        withheld(state, audience)
            .map(|what| Text::of(format!("Not included (on main, waiting for the next release): {what}."))),
    );
    lines.extend(goes_out_too(state, audience).map(|what| {
        let main = state.plan.main.as_str();
        Text::of("The release is made from ").code(main).plain(format!(", so this goes out with it: {what}."))
    }));
    lines.extend(stay_off(state).map(Text::of));
    lines.extend(unlike(state));
    lines.extend(only(state).map(|value| Text::of("Only ").then(value).plain(".")));
    lines.extend(urgent(state, audience).filter(|_| asks));
    lines.push(next(state));
    let kind = if state.plan.is_promotion() { "Promotion started: " } else { "Hotfix started: " };
    Card { tone: Tone::Asking, title: Some(Text::of(kind).then(heading(state))), lines, ..Card::default() }
}

/// Asks the requester for the triage even if no step waits for the answer (APPLY-3).
fn urgent(state: &Hotfix, to: &Audience<'_>) -> Option<Text> {
    let criteria = state.plan.steps.iter().find_map(|spec| {
        if let StepKind::Triage { criteria, ask: false } = &spec.kind { Some(criteria) } else { None }
    })?;
    let open = (0..criteria.len()).any(|place| !state.triage.contains_key(&place));
    let lettered = ('a'..='z').zip(criteria);
    let asked: Vec<String> = lettered
        .clone()
        .map(|(letter, criterion)| {
            let own = criterion.starts_with(&format!("{letter}: "));
            ended(&if own { outside(criterion) } else { format!("{letter}: {}", outside(criterion)) })
        })
        .collect();
    let answers: Vec<String> = lettered.map(|(letter, _)| format!("{letter}=yes")).collect();
    let text = owner(state, to).plain(format!(", for the record: {} Say for example ", asked.join(" ")));
    let text = text.command(&format!("triage {}", answers.join(" ")));
    (open && !criteria.is_empty()).then(|| text.plain("; nothing waits for it."))
}

/// Warns that the name of the work branch does not follow the pattern (HOCS-7).
fn unlike(state: &Hotfix) -> Option<Text> {
    let pattern = state.plan.unlike.as_ref()?;
    let text = Text::of("The work branch ").code(state.plan.branch.as_str());
    let text = text.plain(" should be named like an ordinary one, after its ticket (HOCS-7: ").code(outside(pattern));
    let text = text.plain("). To name it otherwise, give this run up with ").command("abort <why>");
    Some(text.plain(" and start again with ").code("--branch").plain(" before anything is pushed to it."))
}

/// Names the base and its evidence (APPLY-6, MAIN-4).
fn base(state: &Hotfix, to: &Audience<'_>) -> Option<Text> {
    let base = state.base.as_ref()?;
    let survey = state.snapshot.as_ref()?;
    if survey.from.is_some() {
        let by = to.name(&state.requester);
        return Some(Text::of("It starts from ").commit(base).plain(format!(", by {by}'s word (--from).")));
    }
    let from_main = state.plan.steps.iter().any(|step| matches!(step.kind, StepKind::Base { from: BaseSource::Main }));
    if from_main {
        let main = state.plan.main.as_str();
        return Some(Text::of("It starts from ").code(main).plain(", at ").commit(base).plain(" on the forge."));
    }
    let mut names = state.plan.productions().map(|production| production.name.as_str());
    let first = names.next().unwrap_or("production");
    let run = if names.next().is_some() { "run" } else { "runs" };
    let sources = listing(&sources(survey, base, first));
    let text = Text::of(format!("{} {run} ", capital(&productions(state)))).commit(base);
    Some(text.plain(format!(", according to {sources}.")))
}

/// Lists the sources that confirm the running commit: the mechanism, the last deployment, the clusters and
/// the other productions.
fn sources(survey: &Snapshot, base: &CommitId, production: &str) -> Vec<String> {
    let says = |commit: &Option<CommitId>| commit.as_ref() == Some(base);
    let running = says(&survey.running).then(|| format!("{production} itself"));
    let last = says(&survey.last_success).then(|| "the last successful deployment".to_owned());
    let told = survey.told.iter().filter(|told| says(&told.commit)).map(|told| outside(&told.source));
    running.into_iter().chain(last).chain(told).collect()
}

/// Describes the next steps.
fn next(state: &Hotfix) -> Text {
    if state.plan.is_promotion() {
        let to = state.target.as_ref().map_or_else(|| "what was named".to_owned(), |target| target.short().to_owned());
        let text = Text::of("Next: those whose changes come along are told, then ").code(to);
        let where_to =
            if state.plan.only.is_empty() { String::new() } else { format!(" to {} alone", destination(state)) };
        return text.plain(format!(
            " is promoted{where_to}, and nothing that is merged after it. Every step is said in this thread."
        ));
    }
    let text = Text::of("Next: the branch ").code(state.plan.branch.as_str());
    let text = match state.fixes.len() {
        _any if state.plan.main_first() => text.plain(main_first(state)),
        0 => text.plain(", then the fix, its review and its tests"),
        1 => text.plain(", onto which the bot picks the fix, then its review and its tests"),
        many => text.plain(format!(", onto which the bot picks {many} fixes, then their review and their tests")),
    };
    let withheld = state.snapshot.as_ref().is_some_and(|survey| survey.held_back_total > 0);
    let held = if withheld && !state.plan.ships_main() {
        " What is not included stays on main and ships with the next release."
    } else {
        ""
    };
    text.plain(format!(". Every step is said in this thread.{held}"))
}

/// Describes the path of a fix that goes to main and is tested before it is picked onto the branch (SRE-8 to SRE-10).
fn main_first(state: &Hotfix) -> String {
    let tested = tested_on(state).map_or(String::new(), |place| format!(" and is tested on {place}"));
    format!(
        ", with nothing on it yet. The fix goes into {} first{tested}; only then the bot picks it onto the branch",
        state.plan.main
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{begun, same};
    use crate::view::plain;

    #[test]
    fn the_team_learns_what_is_on() {
        let play = begun();
        same(
            &plain(&started(&play.state, &play.to(), play.now)),
            r#"
Hotfix started: HF-12 payments — Fix 500 on upload
Ana asked for it at 10:02 UTC. Incident: INC-77
Production runs `abc1234`, according to production itself and the last successful deployment.
Not included (on main, waiting for the next release): 3 changes, by Ben and Eve.
Please no production deploys of payments until this thread says so.
@Ana, for the record: a: it is urgent. Say for example `/hotfix triage a=yes`; nothing waits for it.
Next: the branch `hotfix`, onto which the bot picks the fix, then its review and its tests. Every step is said in this thread. What is not included stays on main and ships with the next release.
"#,
        );
    }
}
