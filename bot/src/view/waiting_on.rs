//! The open asks of a run: who must act, on what, and with which command. Only people who must act are mentioned.

mod conflict;

use std::collections::BTreeSet;

use hotfix_adapters::chat::{Span, Text};
use hotfix_adapters::ids::{CommitId, Environment};
use jiff::Timestamp;

use super::Audience;
use super::card::back;
use super::duration::stamp;
use super::plan::spoken;
use super::status::{branch_is_gone, looked_at, wait};
use super::text::{Say, capital, command, ended, listing, marked, once, outside, paragraph};
use crate::domain::break_glass::{involved, review_due};
use crate::domain::decide::{drift_ways, may_abort};
use crate::domain::event::{Contribution, TriageAnswer, Vote};
use crate::domain::hotfix::{BranchState, Drift, Hotfix, Mainline};
use crate::domain::id::PersonId;
use crate::domain::people::Role;
use crate::domain::playbook::{HoldMeans, Level, StepSpec};
use crate::domain::service::ApprovalRule;
use crate::domain::step::{ExtraKind, Wait, can_be_overridden, speaks_for};
use crate::domain::vote::{excluded, is_backed};

pub(super) use conflict::conflict;

/// Maximum number of people to mention by name.
const CALLED: usize = 8;

/// Returns all open asks of a run.
pub(super) fn asks(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> Vec<Text> {
    if state.is_over() {
        return Vec::new();
    }
    let mut asks = Vec::new();
    if !state.drifts.is_empty() {
        asks.extend(changed(state));
        asks.push(owner(state, to).plain(" or a captain, please say how to go on:"));
        asks.extend(drift_options(state));
    } else if let Some(stuck) = state.stuck.last() {
        asks.push(
            owner(state, to)
                .plain(", please put this right and say ")
                .command("retry")
                .plain(": ")
                .then(marked(&ended(&paragraph(once(&stuck.reason))))),
        );
    } else if let Some(head) = state.head.as_ref().filter(|_| branch_is_gone(state)) {
        asks.extend(gone(state, to, &head.tip));
    } else if let (Some(wait), Some((_, spec))) = (wait(state, now), state.current()) {
        asks.extend(ask(state, to, spec, &wait));
    }
    if review_due(state) {
        asks.extend(countersign(state, to));
    }
    asks.extend(abandonment(state, to));
    asks.extend(overrides(state, to));
    asks.extend(objections(state, to));
    asks
}

/// Returns the asks for one wait condition of a step.
pub(super) fn ask(state: &Hotfix, to: &Audience<'_>, spec: &StepSpec, wait: &Wait) -> Vec<Text> {
    let owner = || owner(state, to);
    match wait {
        Wait::Bot(what) => vec![Text::of(format!("In progress: {what}."))],
        Wait::Fix => vec![
            owner()
                .plain(": push the fix to ")
                .code(state.plan.branch.as_str())
                .plain(", or name a commit of main: ")
                .command("pick <commit>")
                .plain("."),
        ],
        Wait::Reverted(sources) => vec![reverted(state, to, sources)],
        Wait::Strays(strays) => self::strays(state, to, strays),
        Wait::Conflict(files) => conflict(state, to, files),
        Wait::Review { have, need, checks, against, pull } => {
            let mut lines = review(state, to, (*have, *need), checks, against);
            lines.extend(held_back(state, to, pull));
            lines
        }
        Wait::MainChecks(checks) => vec![Text::of(format!("Checks of main: {}.", unreported(checks)))],
        Wait::MainBlocked(against) => vec![
            owner()
                .plain(format!(": main cannot be released: {}. Mend or revert main, or give this up with ", unreported(against)))
                .command("abort <why>")
                .plain("."),
        ],
        Wait::MergeChecks { commit, checks, failed: false } => {
            vec![Text::of("Checks of the merge ").commit(commit).plain(format!(": {}.", unreported(checks)))]
        }
        Wait::MergeChecks { commit, checks, failed: true } => {
            let failed = merge_failed(state, to, commit, checks);
            std::iter::once(failed).chain(set_aside(state, to, spec)).collect()
        }
        Wait::Word { place, question, failed, missing } => vec![word(state, to, (place, question), *failed, missing)],
        Wait::Triage { criteria, .. } => triage(state, to, criteria),
        Wait::Agreement { party, missing, question } => agreement(state, to, spec, (party, *missing, question)),
        Wait::BuildJob { file } => vec![
            owner()
                .plain(": let images be built of ")
                .code(state.plan.branch.as_str())
                .plain(" and push that to ")
                .code(file.as_str())
                .plain("; if it is arranged elsewhere, say ")
                .command(&format!("skip {} <where>", spec.id))
                .plain("."),
        ],
        Wait::FixOnMain(missing) => fix_on_main(state, to, missing),
        Wait::OnEnvironment(environment) => vec![Text::of(format!(
            "The bot looks whether {environment} runs something that has it; whatever deploys there has to succeed first."
        ))],
        Wait::VersionOrder { version, after, until } => vec![
            owner().plain(format!(
                ": the hotfix would be {}, which has to count more than {after} and at most {until}. Push a commit that \
                 mends the order to ",
                outside(version)
            ))
            .code(state.plan.branch.as_str())
            .plain(", and never to ")
            .code(state.plan.main.as_str())
            .plain("."),
        ],
        Wait::Image => {
            let text = Text::of("The bot looks for the image of what ships; the build has to publish it.");
            let found = state.passed_over.iter().map(|one| Text::of(format!("Passed over: {}.", outside(one))));
            std::iter::once(text).chain(found).collect()
        }
        Wait::Expiry(places) => expiry(state, to, places),
        Wait::Votes { environment, .. } if state.is_taken_back(environment) => {
            let text = instead(state, owner().plain(": it was rolled back; "));
            vec![text.plain(". To ask for votes for it again, say ").command("retry").plain(".")]
        }
        Wait::Release(places) => {
            let places: Vec<&str> = places.iter().map(Environment::as_str).collect();
            vec![owner().plain(format!(
                ": see the next release, which has the fix, deployed to {}. The bot looks whether it is there.",
                listing(&places)
            ))]
        }
        Wait::Votes { environment, missing, .. } => vec![votes(state, to, environment, missing)],
        Wait::Retargeted { number, into } => vec![
            owner()
                .plain(format!(": pull request #{} goes into ", number.0))
                .code(into.as_str())
                .plain(" now. Let it go into ")
                .code(state.plan.into.as_str())
                .plain(" again; nobody is asked for votes before."),
        ],
        Wait::DeployCommand(environment) => {
            vec![owner().plain(": when it shall begin, say ").command(&format!("deploy {environment}")).plain(".")]
        }
        Wait::Deploying(environment) => {
            let waits = state.last_deploy(environment).and_then(|deploy| state.notes.get(&deploy.intent.key));
            let place = state.plan.place(environment);
            vec![match waits {
                Some(note) => Text::of(format!("The deployment to {place}: {}", ended(&outside(note)))),
                None => Text::of(format!("The deployment to {place} runs; its end is said here.")),
            }]
        }
        Wait::RollingOut(environment) => {
            let place = state.plan.place(environment);
            let note = state.last_deploy(environment).and_then(|deploy| state.notes.get(&deploy.intent.key));
            let note = note.map_or_else(String::new, |note| format!(" {}", capital(&ended(&outside(note)))));
            vec![Text::of(format!("It is merged, and not known to run on {place} yet.{note}"))]
        }
        Wait::RolloutWord(environment) => rolled_out(state, to, environment),
        Wait::DeployByHand(environment) => by_hand(state, to, environment),
        Wait::DeployFailed(environment) => vec![again(state, to, environment, true)],
        Wait::Mainline => vec![mainline(state, to, spec)],
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

/// Returns the options after a failed deployment: retry, or roll back. Rollback is left out if the deployment was
/// limited to targets outside production, because the bot does not know what they ran before.
pub(super) fn again(state: &Hotfix, to: &Audience<'_>, environment: &Environment, forth: bool) -> Text {
    let known = state.plan.only_in(environment).is_empty() || state.plan.reaches_production(environment);
    let text = owner(state, to).plain(": try again with ").command("retry");
    if forth && known {
        return text.plain(", or put back what ran before: ").command(&back(state, environment)).plain(".");
    }
    text.plain(".")
}

/// Mentions the requester, who owns the run.
pub(super) fn owner(state: &Hotfix, to: &Audience<'_>) -> Text {
    Text::new().span(to.call(&state.requester))
}

/// Returns the team members whose review can count: neither the requester nor contributors.
pub(super) fn others(state: &Hotfix) -> Vec<PersonId> {
    let authors = state.contributors();
    let team: BTreeSet<&PersonId> = state.plan.team.iter().collect();
    let free = team.into_iter().filter(|person| *person != &state.requester && !authors.contains(person));
    free.cloned().collect()
}

/// Returns the people whose vote can fill one of these places: they hold the role and are not excluded by their part in
/// the run. If there are too many to mention, only those in the team.
pub(super) fn voters(state: &Hotfix, to: &Audience<'_>, rules: &[ApprovalRule]) -> Vec<PersonId> {
    let holders = rules.iter().flat_map(|rule| to.policy.active_holders(to.people, &state.plan.service, rule.role));
    let may: BTreeSet<PersonId> = holders.filter(|person| excluded(state, person).is_none()).collect();
    if may.len() <= CALLED {
        return may.into_iter().collect();
    }
    may.into_iter().filter(|person| state.plan.team.contains(person)).collect()
}

/// Mentions these people in one list; `None` if there are none or too many.
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

/// Names each production that changed, with its commits, if there are several productions (HOCS-34).
fn changed(state: &Hotfix) -> Vec<Text> {
    let several = state.plan.productions().count() > 1;
    let line = |(name, drift): (&Environment, &Drift)| {
        let text = Text::of(format!("{}: expected ", capital(name.as_str()))).commit(&drift.expected);
        text.plain(", found ").commit(&drift.found).plain(".")
    };
    state.drifts.iter().filter(|_| several).map(line).collect()
}

/// Returns the possible answers to a drift (APPLY-16, APPLY-17).
pub(super) fn drift_options(state: &Hotfix) -> Vec<Text> {
    let ways = drift_ways(state);
    let option = |words: &str, meaning: &str| {
        let possible = ways.contains(&format!("`{words}`"));
        possible.then(|| Text::of("• ").command(words).plain(meaning))
    };
    let all = [
        option("drift rebase", " — put the fix on top of what runs now; reviews, tests and votes start again."),
        option("drift roll", " — let the fix go out with the regular release, as a normal change."),
        option("drift abort", " — give this hotfix up."),
        option("abandon <reason>", " — end this run as it is; that takes a captain."),
    ];
    all.into_iter().flatten().collect()
}

/// Returns the options after the branch was deleted.
pub(super) fn gone(state: &Hotfix, to: &Audience<'_>, at: &CommitId) -> Vec<Text> {
    let branch = state.plan.branch.as_str();
    let next = owner(state, to).plain(": to have ").code(branch).plain(" back at ").commit(at);
    let mut next = next.plain(", say ").command("retry");
    if may_abort(state) {
        next = next.plain("; to give the hotfix up, say ").command("abort <why>");
    }
    let by_hand = Text::of("By hand: ")
        .code(format!("git push origin {}:refs/heads/{branch}", at.as_str()))
        .plain(". If the forge closed the pull request with the branch, reopen it.");
    vec![next.plain("."), by_hand]
}

/// Returns `true` if another fix can still go onto the branch of this run.
pub(super) fn takes_fixes(state: &Hotfix) -> bool {
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    !merged && state.branch == BranchState::Present && !state.plan.is_promotion()
}

/// Returns `true` if main is known to have the change of this run.
fn main_has_it(state: &Hotfix) -> bool {
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    match &state.mainline {
        Mainline::Merged(..) => true,
        Mainline::Reverted(_) => false,
        Mainline::NotMerged | Mainline::Waived { .. } => merged && state.plan.into == state.plan.main,
    }
}

/// Appends the alternatives to another attempt after a rollback, such as "push a better fix".
pub(super) fn instead(state: &Hotfix, text: Text) -> Text {
    let main = state.plan.main.as_str();
    let (first, link, then) = if state.plan.is_promotion() {
        (text.plain("mend or revert it on ").code(main), "then", "promote again")
    } else if takes_fixes(state) && state.plan.picks() {
        return text.plain("bring a better fix to ").code(main).plain(" and name it: ").command("pick <commit>");
    } else if takes_fixes(state) {
        return text.plain("push a better fix");
    } else if main_has_it(state) {
        (text.code(main).plain(" still has the change. Revert it there"), "or", "start a new hotfix")
    } else {
        let text = text.plain("a better fix takes a new hotfix, because nothing more goes onto ");
        let text = text.code(state.plan.branch.as_str());
        return if may_abort(state) { text.plain("; give this one up first: ").command("abort <why>") } else { text };
    };
    if may_abort(state) {
        let text = first.plain(format!(", {link} give this one up with ")).command("abort <why>");
        return text.plain(format!(" and {then}"));
    }
    first.plain(format!(", {link} {then} once this one is over"))
}

/// Returns the missing votes. If all voters wrote the same included change, adds that a person other than them
/// must vote (security case 23).
pub(super) fn missing_for(
    state: &Hotfix,
    to: &Audience<'_>,
    environment: &Environment,
    rules: &[ApprovalRule],
) -> String {
    let votes = state.votes.iter().filter(|vote| &vote.environment == environment);
    let voted: BTreeSet<&PersonId> = votes.map(|vote| &vote.person).collect();
    let own = |rider: &Contribution| voted.iter().all(|person| state.wrote(rider, person));
    let ships = state.deployable().is_some() && state.deployable_to(environment) == state.deployable();
    let judged = ships && state.plan.is_promotion() && !voted.is_empty();
    if !judged || !state.included_changes.iter().flatten().any(own) {
        return missing(rules);
    }
    let names: Vec<String> = voted.iter().map(|person| to.name(person)).collect();
    format!("{} other than {}, who wrote part of it", missing(rules), listing(&names))
}

/// Names the people who can override a mandatory step; `None` if it cannot be overridden or fewer than two people may
/// do so.
pub(super) fn set_aside(state: &Hotfix, to: &Audience<'_>, spec: &StepSpec) -> Option<Text> {
    if spec.level != Level::Must || !can_be_overridden(state, &spec.kind) {
        return None;
    }
    let may = to.policy.active_holders(to.people, &state.plan.service, Role::Admin);
    let names: Vec<String> = may.iter().map(|person| to.name(person)).collect();
    let who = match names.as_slice() {
        [] | [_] => return None,
        [_, _] => listing(&names),
        some if some.len() <= CALLED => format!("two of {}", listing(some)),
        _ => "two admins".to_owned(),
    };
    let how = format!("override {} <why> --incident <link>", spec.id);
    Some(Text::of(format!("To go on all the same, {who} say ")).command(&how).plain("."))
}

/// Formats missing votes: "1 vote of an approver".
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
    if checks.iter().any(|check| check.ends_with(" failed")) {
        let next = format!(": {}. Run the check again, or push a better commit.", unreported(checks));
        lines.push(owner(state, to).plain(next));
    } else if !checks.is_empty() {
        lines.push(Text::of(format!("Checks: {}.", unreported(checks))));
    }
    lines
}

/// Lists the marks that hold back the pull request.
fn held_back(state: &Hotfix, to: &Audience<'_>, pull: &[String]) -> Option<Text> {
    (!pull.is_empty()).then(|| owner(state, to).plain(format!(": {}. Put that right on the forge.", unreported(pull))))
}

/// Joins the checks that are not green.
pub(super) fn unreported(checks: &[String]) -> String {
    checks.iter().map(|check| outside(check)).collect::<Vec<_>>().join("; ")
}

/// Asks to repair a failed check of the merge. The bot cannot undo the merge, and does not release it.
fn merge_failed(state: &Hotfix, to: &Audience<'_>, commit: &CommitId, checks: &[String]) -> Text {
    let text = owner(state, to).plain(": the merge ").commit(commit);
    text.plain(format!(" is not released: {}. Run the check again, or mend ", unreported(checks)))
        .code(state.plan.into.as_str())
        .plain(" and start anew.")
}

fn triage(state: &Hotfix, to: &Audience<'_>, criteria: &[String]) -> Vec<Text> {
    let how = "; `?` is nobody knows, and `rest` is all without an answer yet.";
    let first = owner(state, to)
        .plain(": is a hotfix the right thing? Some or all of these should hold. Say for example ")
        .command("triage a=yes d=yes rest=no")
        .plain(how);
    let open = criteria.iter().enumerate().map(|(at, criterion)| {
        let said = state.triage.get(&at).map_or("", |answer| match answer {
            TriageAnswer::Yes => " ✓",
            TriageAnswer::No => " ✗",
            TriageAnswer::Unknown => " ?",
        });
        Text::of(format!("• {}{said}", outside(criterion)))
    });
    std::iter::once(first).chain(open).collect()
}

fn agreement(
    state: &Hotfix,
    to: &Audience<'_>,
    spec: &StepSpec,
    (party, missing, question): (&str, u32, &str),
) -> Vec<Text> {
    let agreed = state.agreed.get(&spec.id);
    let members = state.plan.parties.get(party).map(Vec::as_slice).unwrap_or_default();
    let free =
        |person: &&PersonId| **person != state.requester && agreed.is_none_or(|agreed| !agreed.contains(*person));
    let free: Vec<PersonId> = members.iter().filter(free).cloned().collect();
    let who = calls(to, &free).unwrap_or_else(|| Text::of(format!("{missing} of the {party}")));
    let first = who
        .plain(format!(": {} If you agree, say ", ended(&outside(question))))
        .command(&format!("agree {}", spec.id))
        .plain("; if not, ")
        .command("hold <why>")
        .plain(".");
    vec![first]
}

fn fix_on_main(state: &Hotfix, to: &Audience<'_>, missing: &[CommitId]) -> Vec<Text> {
    let main = state.plan.main.as_str();
    if state.fixes.is_empty() {
        let text = owner(state, to)
            .plain(": make the fix a change of ")
            .code(main)
            .plain(" by your usual process, and name it: ")
            .command("pick #<pull request>");
        return vec![text.plain(".")];
    }
    let mut text = owner(state, to).plain(": merge the fix into ").code(main).plain(" first. Not there yet: ");
    for (at, commit) in missing.iter().enumerate() {
        text = if at == 0 { text } else { text.plain(", ") }.commit(commit);
    }
    vec![text.plain(".")]
}

/// Asks to end the hotfix in production, because a hotfix that stays is a non-standard state (HOCS-37).
fn expiry(state: &Hotfix, to: &Audience<'_>, places: &[Environment]) -> Vec<Text> {
    let run = if places.len() == 1 { "runs" } else { "run" };
    let here = listing(&places.iter().map(Environment::as_str).collect::<Vec<_>>());
    let mut text = owner(state, to).plain(format!(
        ": {here} {run} a hotfix. End that state as soon as you can: release something that has the fix, or take it back with "
    ));
    for (at, environment) in places.iter().enumerate() {
        text = if at == 0 { text } else { text.plain(" and ") }.command(&back(state, environment));
    }
    vec![text.plain(".")]
}

fn word(state: &Hotfix, to: &Audience<'_>, (place, question): (&str, &str), failed: bool, missing: &[String]) -> Text {
    let who = if missing.is_empty() {
        owner(state, to)
    } else {
        let spoke = |person: &&PersonId| missing.iter().any(|party| speaks_for(state, person, party));
        let members = state.plan.parties.values().flatten().chain([&state.requester]);
        let people: BTreeSet<PersonId> = members.filter(spoke).cloned().collect();
        calls(to, &people.into_iter().collect::<Vec<_>>()).unwrap_or_else(|| Text::of(capital(&spoken(missing))))
    };
    let again =
        if failed { "the last word was that it is not good. Push a better fix, or look again" } else { "please look" };
    who.plain(format!(": {again} {}. {} Then say ", looked_at(place), ended(&outside(question))))
        .command(&format!("verify {place} pass"))
        .plain(" or ")
        .code(command(&format!("verify {place} fail <what you saw>")))
        .plain(".")
}

fn votes(state: &Hotfix, to: &Audience<'_>, environment: &Environment, missing_rules: &[ApprovalRule]) -> Text {
    if missing_rules.is_empty() {
        let who = state.rejections.keys().find(|(place, _)| place == environment).map(|(_, person)| person);
        let text = who.map_or_else(|| Text::of("Somebody"), |person| Text::new().span(to.call(person)));
        return text.plain(" said no. Talk to them; they take it back with ").command("unapprove").plain(".");
    }
    let missing = missing_for(state, to, environment, missing_rules);
    if !state.vote_requests.contains_key(environment) {
        let place = capital(&state.plan.place(environment));
        return Text::of(format!("{place} still needs {missing}; the question comes in the thread."));
    }
    let voted =
        |person: &PersonId| state.votes.iter().any(|vote| &vote.person == person && &vote.environment == environment);
    let free: Vec<PersonId> = voters(state, to, missing_rules).into_iter().filter(|person| !voted(person)).collect();
    let who = calls(to, &free).unwrap_or_else(|| Text::of("Whoever may vote and did not ask for it or write it"));
    let waits = |vote: &&Vote| &vote.environment == environment && !is_backed(state, vote, None);
    let waiting: Vec<PersonId> = state.votes.iter().filter(waits).map(|vote| vote.person.clone()).collect();
    if let (Some(called), true) = (calls(to, &waiting), free.is_empty()) {
        return called.plain(": the yes does not count yet; approve exactly this head on the pull request as well.");
    }
    who.plain(format!(
        ": {} still needs {missing}. Answer the question in the thread, or say ",
        state.plan.place(environment)
    ))
    .command("approve")
    .plain(" or ")
    .command("reject <why>")
    .plain(".")
}

/// Asks for a manual deployment, and for its outcome.
pub(super) fn by_hand(state: &Hotfix, to: &Audience<'_>, environment: &Environment) -> Vec<Text> {
    let deploy = state.last_deploy(environment).map(|deploy| &deploy.intent);
    let commit = deploy.map_or("the approved commit", |intent| intent.commit.as_str());
    let how = mechanism(state, environment, deploy.map(|intent| &intent.commit));
    let how = how.map_or_else(Text::new, |how| Text::of(" (").then(instruction(&outside(&how))).plain(")"));
    let what = owner(state, to).plain(": deploy exactly ").code(commit).plain(format!(" to {environment}"));
    let mut said = vec![what.then(how).plain(".")];
    let instructions = deploy.and_then(|intent| state.notes.get(&intent.key));
    said.extend(
        instructions.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty()).map(instruction),
    );
    said.push(
        Text::of("Then say ")
            .command(&format!("verify {environment} pass"))
            .plain(" or ")
            .command(&format!("verify {environment} fail <why>"))
            .plain("."),
    );
    said
}

/// Describes the deploy mechanism, with the placeholders filled in. The part with a placeholder that cannot be filled
/// is left out.
pub(super) fn mechanism(state: &Hotfix, environment: &Environment, commit: Option<&CommitId>) -> Option<String> {
    let plan = state.plan.environment(environment)?;
    let mut words = plan.mechanism.replace("{environment}", environment.as_str());
    if let Some(commit) = commit {
        words = words.replace("{short}", commit.short()).replace("{commit}", commit.as_str());
    }
    if words.contains(['{', '}']) {
        words = words.split(" `").next().unwrap_or_default().to_owned();
    }
    Some(words)
}

/// Renders a line of the configured instructions; text in backticks becomes code to copy.
fn instruction(line: &str) -> Text {
    let pieces = line.trim_end().split('`').enumerate();
    pieces.fold(Text::new(), |text, (at, piece)| match (at % 2, piece) {
        (_, "") => text,
        (1, code) => text.code(code),
        (_, plain) => text.plain(plain),
    })
}

/// Asks a user to check the rollout, because no system can report it to the bot. The answer is recorded in their name.
pub(super) fn rolled_out(state: &Hotfix, to: &Audience<'_>, environment: &Environment) -> Vec<Text> {
    let commit = state.last_deploy(environment).map(|deploy| &deploy.intent.commit);
    let what = commit.map_or_else(|| Text::of("it"), |commit| Text::new().commit(commit));
    let ask = owner(state, to).plain(format!(": does {environment} run ")).then(what).plain("? Look there, then say ");
    vec![
        ask.command(&format!("verify {environment} pass"))
            .plain(" or ")
            .command(&format!("verify {environment} fail <what you saw>"))
            .plain("."),
    ]
}

fn mainline(state: &Hotfix, to: &Audience<'_>, spec: &StepSpec) -> Text {
    let (branch, main) = (state.plan.branch.as_str(), state.plan.main.as_str());
    if let (Mainline::NotMerged, Some(number)) = (&state.mainline, state.return_pull) {
        return owner(state, to)
            .plain(format!(": see pull request #{} merged into ", number.0))
            .code(main)
            .plain("; the bot looks whether the fix is there. If the fix is temporary, say ")
            .command(&format!("skip {} temporary: <why>", spec.id))
            .plain(".");
    }
    if let (Mainline::NotMerged, Some((by, _))) = (&state.mainline, &state.rewritten) {
        return owner(state, to)
            .plain(": lines of the fix were rewritten on ")
            .code(main)
            .plain(" by ")
            .commit(by)
            .plain(". If it still works there, say ")
            .command("mergeback confirm <what you saw>")
            .plain("; if not, bring it back.");
    }
    match (&state.mainline, &state.pull) {
        (Mainline::NotMerged, Some(pull)) if pull.merged.is_none() && state.abandoned.is_none() => {
            Text::of(format!("The bot merges pull request #{} into ", pull.number.0))
                .code(main)
                .plain(" and looks whether the fix is there.")
        }
        (Mainline::NotMerged, Some(pull)) if pull.merged.is_some() => {
            Text::of("It is merged; the bot looks whether the fix is on ").code(main).plain(".")
        }
        (
            Mainline::NotMerged | Mainline::Reverted(_) | Mainline::Merged(..) | Mainline::Waived { .. },
            Some(_) | None,
        ) => {
            // The branch may already be deleted after main contained everything on it.
            let bring = if matches!(state.mainline, Mainline::Reverted(_)) {
                Text::of("bring the fix back to ")
            } else {
                Text::of("bring ").code(branch).plain(" to ")
            };
            owner(state, to)
                .plain(": ")
                .then(bring)
                .code(main)
                .plain(", or let a captain give that up: ")
                .command("mergeback waive <why>")
                .plain(".")
        }
    }
}

/// Asks about fixes that main reverted before they shipped.
fn reverted(state: &Hotfix, to: &Audience<'_>, sources: &[CommitId]) -> Text {
    let mut text = owner(state, to).plain(": ").code(state.plan.main.as_str()).plain(" reverted ");
    for (at, source) in sources.iter().enumerate() {
        text = if at == 0 { text } else { text.plain(", ") }.commit(source);
    }
    let again: Vec<&str> = sources.iter().map(CommitId::short).collect();
    text.plain(". To ship it all the same, say ")
        .command(&format!("pick {}", again.join(" ")))
        .plain(" once more; to give the hotfix up, ")
        .command("abort <why>")
        .plain(".")
}

/// Reports commits on the branch that nobody requested and that would ship with the fix (SRE-4).
pub(super) fn strays(state: &Hotfix, to: &Audience<'_>, strays: &[(CommitId, ExtraKind)]) -> Vec<Text> {
    let (branch, main) = (state.plan.branch.as_str(), state.plan.main.as_str());
    let first = owner(state, to).plain(": ").code(branch).plain(format!(
        " holds {} that nobody asked for, so the run stops here (SRE-4):",
        if strays.len() == 1 { "a commit" } else { "commits" }
    ));
    let mut lines = vec![first];
    lines
        .extend(strays.iter().map(|(commit, why)| Text::of("• ").commit(commit).plain(format!(" {}", is(*why, main)))));
    let next = Text::of("Take what does not belong there off the branch and push it with ")
        .code("--force-with-lease")
        .plain("; or bring it to ")
        .code(main)
        .plain(", and ask for it: ")
        .command("pick <commit>");
    lines.push(next.plain("."));
    lines
}

/// Describes why a commit is on the branch without being a requested pick.
pub(super) fn is(why: ExtraKind, main: &str) -> String {
    match why {
        ExtraKind::Adapted => format!("was adapted by a person, and is not what {main} has"),
        ExtraKind::Order => format!("mends the order of versions, and never goes to {main}"),
        ExtraKind::Withheld => format!("is a change of {main} that does not ship with this hotfix"),
        ExtraKind::Unknown => format!("is not on {main}, and settles no conflict"),
    }
}

/// Asks for a countersign of the break-glass, by an approver who was not involved.
pub(super) fn countersign(state: &Hotfix, to: &Audience<'_>) -> Vec<Text> {
    let reviewers = to.policy.active_holders(to.people, &state.plan.service, Role::Approver);
    let free: Vec<PersonId> = reviewers.into_iter().filter(|person| involved(state, person).is_none()).collect();
    let who = calls(to, &free).unwrap_or_else(|| Text::of("Whoever may approve and was not involved"));
    let look = who
        .plain(": please look at what went out by the broken glass, and say ")
        .command("countersign ok")
        .plain(" or ")
        .command("countersign objection <why>")
        .plain(". The run does not end before.");
    vec![look]
}

fn abandonment(state: &Hotfix, to: &Audience<'_>) -> Option<Text> {
    let (person, reason) = state.abandon_requested.as_ref()?;
    let text = Text::of(format!("{} wants to end the run: {}", to.name(person), ended(&outside(reason))))
        .plain(" Somebody else looks at what runs, and confirms with ")
        .command("abandon <reason>")
        .plain(".");
    Some(text)
}

fn overrides(state: &Hotfix, to: &Audience<'_>) -> Vec<Text> {
    let asked = state.override_requested.iter().map(|(step, (by, reason, incident))| {
        Text::of(format!("{} asks to override {step}: {} (incident ", to.name(by), outside(reason)))
            .plain(outside(incident))
            .plain("). A second person who agrees says ")
            .command(&format!("override {step} <why> --incident <link>"))
            .plain(".")
    });
    asked.collect()
}

fn objections(state: &Hotfix, to: &Audience<'_>) -> Vec<Text> {
    let pauses = state.plan.hold == HoldMeans::Pauses;
    let holds = state.holds.iter().filter(|_| pauses).map(|(person, reason)| {
        Text::new()
            .span(to.call(person))
            .plain(format!(" put it on hold: {} They, or a captain, lift it with ", ended(&outside(reason))))
            .command("unhold")
            .plain(".")
    });
    let vetoes = state.rejections.iter().map(|((environment, person), veto)| {
        Text::of(format!("{} said no to {environment}: {}", to.name(person), ended(&outside(&veto.reason))))
    });
    holds.chain(vetoes).collect()
}
