//! Who is waited for, for what, and how they answer. Only people who must act are called.

mod conflict;

use std::collections::BTreeSet;

use hotfix_adapters::chat::{Span, Text};
use hotfix_adapters::vocabulary::Environment;
use jiff::Timestamp;

use super::Audience;
use super::card::back;
use super::duration::stamp;
use super::phrase::{Say, command, ended, listing, marked, outside, paragraph};
use super::standing::{looked_at, wait};
use crate::domain::hotfix::{Hotfix, Mainline};
use crate::domain::id::PersonId;
use crate::domain::service::ApprovalRule;
use crate::domain::step::Wait;

pub(super) use conflict::conflict;

/// More people than this are not called by name.
const CALLED: usize = 8;

/// Everything that is waited for now.
pub(super) fn asks(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> Vec<Text> {
    if state.is_over() {
        return Vec::new();
    }
    let mut asks = Vec::new();
    if state.drift.is_some() {
        asks.push(owner(state, to).plain(" or a captain, please say how to go on:"));
        asks.extend(drift_options());
    } else if let Some(stuck) = &state.stuck {
        asks.push(
            owner(state, to)
                .plain(", please put this right and say ")
                .command("retry")
                .plain(": ")
                .then(marked(&ended(&paragraph(&stuck.reason)))),
        );
    } else if let Some(wait) = wait(state, now) {
        asks.extend(ask(state, to, &wait));
    }
    asks.extend(overrides(state, to));
    asks.extend(objections(state, to));
    asks
}

/// What one wait asks of whom.
pub(super) fn ask(state: &Hotfix, to: &Audience<'_>, wait: &Wait) -> Vec<Text> {
    let owner = || owner(state, to);
    match wait {
        Wait::Bot(what) => vec![Text::of(format!("The bot is at it: {what}."))],
        Wait::Fix => vec![
            owner()
                .plain(": push the fix to ")
                .code(state.plan.branch.as_str())
                .plain(", or name a commit of main: ")
                .command("pick <commit>")
                .plain("."),
        ],
        Wait::Conflict(files) => conflict(state, to, files),
        Wait::Review { have, need, checks, against } => review(state, to, (*have, *need), checks, against),
        Wait::Word { place, question, failed } => vec![word(state, to, place, question, *failed)],
        Wait::Votes { environment, missing, .. } => vec![votes(state, to, environment, missing)],
        Wait::DeployCommand(environment) => {
            vec![owner().plain(": when it shall begin, say ").command(&format!("deploy {environment}")).plain(".")]
        }
        Wait::Deploying(environment) => {
            vec![Text::of(format!("The deployment to {environment} runs; its end is said here."))]
        }
        Wait::DeployByHand(environment) => by_hand(state, to, environment),
        Wait::DeployFailed(environment) => vec![
            owner()
                .plain(": try again with ")
                .command("retry")
                .plain(", or put back what ran before: ")
                .command(&back(state, environment))
                .plain("."),
        ],
        Wait::Mainline => vec![mainline(state, to)],
        Wait::Postmortem { due } => {
            let due = due.map_or(String::new(), |due| format!(" It is due by {}.", stamp(due)));
            vec![
                owner()
                    .plain(": write the post-mortem and say where it is: ")
                    .command("postmortem <link>")
                    .plain(format!(".{due}")),
            ]
        }
    }
}

/// Whoever opened the run: the one who sees it through.
pub(super) fn owner(state: &Hotfix, to: &Audience<'_>) -> Text {
    Text::new().span(to.call(&state.requester))
}

/// The team members whose word can count: they neither asked for the change nor wrote it.
pub(super) fn others(state: &Hotfix) -> Vec<PersonId> {
    let authors = state.contributors();
    let team: BTreeSet<&PersonId> = state.plan.team.iter().collect();
    let free = team.into_iter().filter(|person| *person != &state.requester && !authors.contains(person));
    free.cloned().collect()
}

/// Calls these people in one breath; a crowd is not called.
pub(super) fn calls(to: &Audience<'_>, people: &[PersonId]) -> Option<Text> {
    if people.is_empty() || people.len() > CALLED {
        return None;
    }
    let mut text = Text::new();
    for (at, person) in people.iter().enumerate() {
        let before = if at == 0 {
            ""
        } else if at + 1 == people.len() {
            " or "
        } else {
            ", "
        };
        text = text.span(Span::Plain(before.to_owned())).span(to.call(person));
    }
    text.0.retain(|span| span != &Span::Plain(String::new()));
    Some(text)
}

/// The three answers to a change of production (APPLY-16, APPLY-17).
pub(super) fn drift_options() -> Vec<Text> {
    let option = |words: &str, meaning: &str| Text::of("• ").command(words).plain(meaning);
    vec![
        option("drift rebase", " — put the fix on top of what runs now; reviews, tests and votes start again."),
        option("drift roll", " — let the fix go out with the regular release, as a normal change."),
        option("drift abort", " — give this hotfix up."),
    ]
}

/// What is missing of votes: "1 vote of an approver".
pub(super) fn missing(rules: &[ApprovalRule]) -> String {
    let rules = rules.iter().map(|rule| {
        let role = rule.role.as_str();
        match (rule.count, role.starts_with(['a', 'e', 'i', 'o', 'u'])) {
            (1, true) => format!("1 vote of an {role}"),
            (1, false) => format!("1 vote of a {role}"),
            (many, _) => format!("{many} votes of {role}s"),
        }
    });
    listing(&rules.collect::<Vec<_>>())
}

fn review(
    state: &Hotfix,
    to: &Audience<'_>,
    (have, need): (u32, u32),
    checks: &[String],
    against: &[String],
) -> Vec<Text> {
    let mut lines = Vec::new();
    if have < need {
        let who = calls(to, &others(state)).unwrap_or_else(|| Text::of("Somebody who did not work on it"));
        let what = format!(": please review the pull request ({have} of {need} approvals of the present head).");
        lines.push(who.plain(what));
    }
    if !against.is_empty() {
        let names: Vec<String> = against.iter().map(|name| outside(name)).collect();
        lines.push(
            owner(state, to)
                .plain(format!(": {} asked for changes; answer them, or have the review dismissed.", listing(&names))),
        );
    }
    if !checks.is_empty() {
        let checks: Vec<String> = checks.iter().map(|check| outside(check)).collect();
        lines.push(Text::of(format!("Checks: {}.", checks.join("; "))));
    }
    lines
}

fn word(state: &Hotfix, to: &Audience<'_>, place: &str, question: &str, failed: bool) -> Text {
    let again =
        if failed { "the last word was that it is not good. Push a better fix, or look again" } else { "please look" };
    owner(state, to)
        .plain(format!(": {again} {}. {} Then say ", looked_at(place), ended(&outside(question))))
        .command(&format!("verify {place} pass"))
        .plain(" or ")
        .code(command(&format!("verify {place} fail <what you saw>")))
        .plain(".")
}

fn votes(state: &Hotfix, to: &Audience<'_>, environment: &Environment, missing_rules: &[ApprovalRule]) -> Text {
    if missing_rules.is_empty() {
        let who = state.vetoes.keys().find(|(place, _)| place == environment).map(|(_, person)| person);
        let text = who.map_or_else(|| Text::of("Somebody"), |person| Text::new().span(to.call(person)));
        return text.plain(" said no. Talk to them; they take it back with ").command("unapprove").plain(".");
    }
    let voted =
        |person: &PersonId| state.votes.iter().any(|vote| &vote.person == person && &vote.environment == environment);
    let free: Vec<PersonId> = others(state).into_iter().filter(|person| !voted(person)).collect();
    let who = calls(to, &free).unwrap_or_else(|| Text::of("Whoever did not ask for it or write it"));
    who.plain(format!(
        ": {environment} still needs {}. Answer the question in the thread, or say ",
        missing(missing_rules)
    ))
    .command("approve")
    .plain(" or ")
    .command("reject <why>")
    .plain(".")
}

/// Somebody has to deploy with their own hands, and say how it went.
pub(super) fn by_hand(state: &Hotfix, to: &Audience<'_>, environment: &Environment) -> Vec<Text> {
    let deploy = state.last_deploy(environment).map(|deploy| &deploy.intent);
    let commit = deploy.map_or("the approved commit", |intent| intent.commit.as_str());
    let how = state.plan.environment(environment).map_or(String::new(), |e| format!(" ({})", outside(&e.mechanism)));
    vec![
        owner(state, to).plain(": deploy exactly ").code(commit).plain(format!(" to {environment}{how}.")),
        Text::of("Then say ")
            .command(&format!("verify {environment} pass"))
            .plain(" or ")
            .command(&format!("verify {environment} fail <why>"))
            .plain("."),
    ]
}

fn mainline(state: &Hotfix, to: &Audience<'_>) -> Text {
    let (branch, main) = (state.plan.branch.as_str(), state.plan.main.as_str());
    match (&state.mainline, &state.pull) {
        (Mainline::Open, Some(pull)) if pull.merged.is_none() => {
            Text::of(format!("The bot merges pull request #{} into ", pull.number.0))
                .code(main)
                .plain(" and looks whether the fix is there.")
        }
        (Mainline::Open, Some(_)) => {
            Text::of("It is merged; the bot looks whether the fix is on ").code(main).plain(".")
        }
        (Mainline::Open | Mainline::Lost(_) | Mainline::Proven(..) | Mainline::Waived { .. }, Some(_) | None) => {
            owner(state, to)
                .plain(": bring ")
                .code(branch)
                .plain(" to ")
                .code(main)
                .plain(", or let a captain give that up: ")
                .command("mergeback waive <why>")
                .plain(".")
        }
    }
}

fn overrides(state: &Hotfix, to: &Audience<'_>) -> Vec<Text> {
    let asked = state.override_asked.iter().map(|(step, (by, reason, incident))| {
        Text::of(format!("{} asks to override {step}: {} (incident ", to.name(by), outside(reason)))
            .plain(outside(incident))
            .plain("). A second person who agrees says ")
            .command(&format!("override {step} <why> --incident <link>"))
            .plain(".")
    });
    asked.collect()
}

fn objections(state: &Hotfix, to: &Audience<'_>) -> Vec<Text> {
    let holds = state.holds.iter().map(|(person, reason)| {
        Text::new()
            .span(to.call(person))
            .plain(format!(" put it on hold: {} They, or a captain, lift it with ", ended(&outside(reason))))
            .command("unhold")
            .plain(".")
    });
    let vetoes = state.vetoes.iter().map(|((environment, person), reason)| {
        Text::of(format!("{} said no to {environment}: {}", to.name(person), ended(&outside(reason))))
    });
    holds.chain(vetoes).collect()
}
