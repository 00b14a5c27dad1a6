//! The vote request message. It shows everything that would be deployed and is never cut: if it does not fit, the votes
//! are not requested (security case 29).

use hotfix_adapters::chat::{Action, Card, Field, Text, Tone};
use hotfix_adapters::ids::{CommitId, Environment};
use jiff::Timestamp;
use thiserror::Error;

use super::Audience;
use super::attribution::{sources, unknown};
use super::card::{digest, only, pull_link};
use super::duration::{clock, minutes};
use super::group_mentions::called;
use super::status::looked_at;
use super::text::{Say, capital, contributor, count, ended, listing, outside, size, whole};
use super::waiting_on::{calls, is, missing_for, voters};
use crate::domain::break_glass::used_break_glass;
use crate::domain::event::Contribution;
use crate::domain::group::Moment;
use crate::domain::hotfix::{Attestation, Hotfix, StepState};
use crate::domain::id::{PersonId, StepId};
use crate::domain::playbook::{StepKind, StepSpec};
use crate::domain::step::{extra_commits, in_the_way};
use crate::domain::vote::{excluded, quorum};

/// Maximum number of commits in one vote request.
const COMMITS: usize = 40;
/// Maximum length of a vote request, in characters.
const CHARACTERS: usize = 6_000;

/// The reason why a vote request is not posted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TooLarge {
    /// There are too many commits, or some of them are not known one by one.
    #[error("The question for {environment} would have to name {total} commits, and {shown} can be shown whole")]
    Commits {
        /// The environment of the vote request.
        environment: Environment,
        /// Number of commits that would be deployed.
        total: usize,
        /// Number of commits that can be shown.
        shown: usize,
    },
    /// The message would be too long.
    #[error("The question for {environment} would be {length} characters long, and {CHARACTERS} can be shown whole")]
    Long {
        /// The environment of the vote request.
        environment: Environment,
        /// Length of the message, in characters.
        length: usize,
    },
    /// The commit to deploy is not known.
    #[error("What would be deployed to {environment} is not known")]
    Nothing {
        /// The environment of the vote request.
        environment: Environment,
    },
}

/// Renders the vote request for a deployment.
///
/// # Errors
/// [`TooLarge`] if the message cannot show everything. Then it must not be posted.
pub fn prompt(
    state: &Hotfix,
    environment: &Environment,
    audience: &Audience<'_>,
    now: Timestamp,
) -> Result<Card, TooLarge> {
    let nothing = || TooLarge::Nothing { environment: environment.clone() };
    let (Some(commit), Some(base)) = (state.deployable_to(environment), &state.base) else {
        return Err(nothing());
    };
    let head = state.head.as_ref();
    if head.is_none() && !state.plan.is_promotion() {
        return Err(nothing());
    }
    // The included changes ship with the deployable commit, but not with the schemas that are deployed before it.
    let ships = state.deployable() == Some(commit);
    let riders = state.included_changes.as_deref().filter(|_| ships).unwrap_or_default();
    let riders_total = if ships { state.included_changes_total } else { 0 };
    let own = head.map_or(0, |head| head.commits.len());
    let (listed, total) =
        (own + riders.len(), head.map_or(0, |head| head.total.max(own)) + riders_total.max(riders.len()));
    if total > listed || total > COMMITS {
        return Err(TooLarge::Commits { environment: environment.clone(), total, shown: listed.min(COMMITS) });
    }
    let mut lines = held_back(state, environment, audience, now);
    lines.push(who(state, environment, audience, now));
    lines.push(Text::of("You say yes to exactly ").code(commit.as_str()).plain(" and to nothing else."));
    lines.extend(backed(state, environment));
    if let Some(image) = state.image.as_ref().filter(|pinned| &pinned.commit == commit).map(|p| &p.published.image) {
        let text = Text::of("Its image is ").code(format!("{}:{}", image.repository, image.tag)).plain(", ");
        lines.push(text.code(image.digest.as_str()).plain("."));
    }
    if let Some(head) = head {
        lines.push(Text::of(format!(
            "It is {} on top of the base, {}:",
            count(head.total, "commit", "commits"),
            size(&head.size)
        )));
        lines.extend(head.commits.iter().map(|one| commit_line(one, audience)));
        lines.extend(sources(state, audience));
        let main = state.plan.main.as_str();
        let extra = extra_commits(state).into_iter();
        lines.extend(
            extra.map(|(at, why)| Text::of("Not as asked for: ").commit(at).plain(format!(" {}.", is(why, main)))),
        );
        let wanted = state.reverted.iter().filter_map(|(source, it)| Some((source, it, it.confirmed.as_ref()?)));
        lines.extend(wanted.map(|(source, reverted, by)| {
            let why = if reverted.why.is_empty() { String::new() } else { format!(": {}", outside(&reverted.why)) };
            Text::of("Main reverted ").commit(source).plain(" by ").commit(&reverted.by.commit).plain(format!(
                " “{}”{why}. {} wants it shipped all the same.",
                outside(&reverted.by.subject),
                audience.name(by)
            ))
        }));
    }
    if !riders.is_empty() {
        lines.push(Text::of(format!(
            "{} out with it:",
            count(riders.len(), "commit of others goes", "commits of others go")
        )));
        lines.extend(riders.iter().map(|one| commit_line(one, audience)));
        lines.extend(not_alone(state, environment, audience, now));
    }
    lines.extend(said(state, commit, head.map_or(commit, |head| &head.tip), audience, now));
    lines.extend(not_counted(state, audience));
    lines.extend(unknown(state, audience));
    lines.push(until(state, environment));
    let edits = state.edits.get(environment);
    lines.extend(edits.map(|_| Text::of("The deployment changes these files, and a yes is to exactly this change:")));
    let card = called(
        Card {
            tone: Tone::Asking,
            title: Some(Text::of(format!(
                "{} {}: may this go to {}?",
                state.id,
                state.plan.service,
                state.plan.place(environment)
            ))),
            lines,
            verbatim: edits.map(|edits| edits.diff.clone()),
            fields: fields(state, base),
            progress: Vec::new(),
            actions: actions(state, environment, commit),
            footer: Some(
                Text::of("React with ✅ or ❌, press a button, or say ")
                    .command("approve")
                    .plain(" or ")
                    .command("reject <why>")
                    .plain("."),
            ),
            whole: true,
        },
        state,
        Moment::Vote,
        audience,
    );
    let length = length(&card);
    if length > CHARACTERS { Err(TooLarge::Long { environment: environment.clone(), length }) } else { Ok(card) }
}

/// Lists the steps before the votes that are open again. The vote request stays, but takes no votes until they are
/// settled (security case 91).
pub(crate) fn held_back(state: &Hotfix, environment: &Environment, to: &Audience<'_>, now: Timestamp) -> Vec<Text> {
    let turn = state
        .plan
        .steps
        .iter()
        .position(|spec| matches!(&spec.kind, StepKind::Approve { environment: e } if e == environment));
    let title = |step: &StepId| {
        let spec = state.plan.step(step);
        outside(spec.map_or(step.as_str(), |spec| spec.title.as_str()))
    };
    let open = in_the_way(state, turn.unwrap_or(0), now);
    let line = |(step, why): &(StepId, String)| {
        let why = ended(&outside(&to.named(why)));
        Text::new().strong("Held back").plain(format!(": {} is open again: {why}", title(step)))
    };
    open.iter().map(line).collect()
}

/// Names the review on the forge that must back each vote (security case 39).
fn backed(state: &Hotfix, environment: &Environment) -> Option<Text> {
    state.approval(environment)?.step_up?;
    let pull = state.pull.as_ref()?;
    let text =
        Text::of("Each yes counts together with the voter's approving review of exactly this head on pull request ");
    Some(text.span(pull_link(pull.number.0, pull.url.as_deref())).plain(", by their own account there."))
}

fn length(card: &Card) -> usize {
    let fields = card.fields.iter().map(|field| field.name.chars().count() + field.value.to_plain().chars().count());
    let texts = card.title.iter().chain(&card.lines).chain(&card.footer).map(|text| text.to_plain().chars().count());
    fields.chain(texts).chain(card.verbatim.iter().map(|text| text.chars().count())).sum()
}

fn who(state: &Hotfix, environment: &Environment, to: &Audience<'_>, now: Timestamp) -> Text {
    let quorum = quorum(state, environment, now, None);
    let place = state.plan.place(environment);
    if quorum.missing.is_empty() {
        let said: Vec<String> = quorum.valid.iter().map(|person| to.name(person)).collect();
        return Text::of(format!("“{}” has its votes for {place}: {}.", whole(&state.title), listing(&said)));
    }
    let missing = missing_for(state, to, environment, &quorum.missing);
    // People whose vote already counts are not asked again.
    let free = voters(state, to, &quorum.missing).into_iter().filter(|person| !quorum.valid.contains(person));
    let free: Vec<PersonId> = free.collect();
    let who = calls(to, &free).unwrap_or_else(|| Text::of("To whoever may vote and did not work on it"));
    who.plain(format!(": before “{}” can go to {place} it needs {missing}.", whole(&state.title)))
}

fn fields(state: &Hotfix, base: &CommitId) -> Vec<Field> {
    let field = |name: &str, value: Text| Field { name: name.to_owned(), value };
    let mut fields = vec![
        field("Base", Text::new().code(base.as_str())),
        if state.plan.is_promotion() {
            field("Promotes", Text::new().code(state.plan.main.as_str()))
        } else {
            field("Branch", Text::new().code(state.plan.branch.as_str()))
        },
        field("Plan", Text::new().code(digest(state))),
    ];
    fields.extend(only(state).map(|value| field("Only", value)));
    let pull = state.pull.as_ref();
    fields.extend(
        pull.map(|pull| field("Pull request", Text::new().span(pull_link(pull.number.0, pull.url.as_deref())))),
    );
    fields
}

/// Renders a commit with its contributors. The subject is not cut.
fn commit_line(commit: &Contribution, to: &Audience<'_>) -> Text {
    let people: Vec<String> = commit.people.iter().map(|who| contributor(to.people, who)).collect();
    Text::of("• ").commit(&commit.commit).plain(format!(" {} — {}", whole(&commit.subject), listing(&people)))
}

/// Lists the result of the review and the test results for this commit.
fn said(state: &Hotfix, commit: &CommitId, head: &CommitId, to: &Audience<'_>, now: Timestamp) -> Vec<Text> {
    let review = |(spec, at): (&StepSpec, &StepState)| {
        let StepKind::Review { .. } = &spec.kind else {
            return None;
        };
        match at {
            StepState::Done { evidence, .. } => Some(Text::of(format!("Review: {}.", outside(&to.named(evidence))))),
            StepState::Skipped { reason, .. } => Some(Text::of(format!("Review: skipped, {}.", outside(reason)))),
            StepState::Ahead | StepState::Current { .. } | StepState::Offered { .. } => {
                Some(Text::of("Review: not there."))
            }
        }
    };
    let mut said: Vec<Text> = state.plan.steps.iter().zip(&state.steps).filter_map(review).collect();
    said.extend(state.reached.iter().map(|(environment, runs)| {
        Text::of(format!("{} runs ", capital(environment.as_str()))).commit(runs).plain(", which has it.")
    }));
    // An environment that others deployed to may run a commit other than the one that ships, if it
    // contains the fix.
    let there = |place: &str| state.reached.iter().find(|(environment, _)| environment.as_str() == place);
    let same_image = |word: &Attestation| word.image.is_none() || word.image.as_ref() == state.digest();
    let counts = |place: &str, word: &Attestation| {
        let reached = there(place).is_some_and(|(_, runs)| runs == &word.commit);
        ((&word.commit == commit || &word.commit == head) && same_image(word)) || reached
    };
    let words = state.attestations.iter().filter(|((place, _), word)| counts(place, word));
    said.extend(words.map(|((place, _), word)| tested(place, word, to, now)));
    if said.is_empty() {
        said.push(Text::of("Nobody has reviewed or tested it yet."));
    }
    said
}

fn tested(place: &str, word: &Attestation, to: &Audience<'_>, now: Timestamp) -> Text {
    let good = if word.pass { "good" } else { "NOT good" };
    let text = format!("Tested: {good} {}, on ", looked_at(place));
    Text::of(text).commit(&word.commit).plain(format!(", says {} at {}.", to.name(&word.person), clock(word.at, now)))
}

/// Lists the people whose vote does not count, with the reason (security case 23).
fn not_counted(state: &Hotfix, to: &Audience<'_>) -> Option<Text> {
    let mut people = state.contributors();
    people.insert(&state.requester);
    people.extend(state.break_glass.iter().map(|broken| &broken.glass.person));
    people.extend(state.identified.values().map(|identified| &identified.by));
    let why = |person| {
        if person == &state.requester {
            "asked for it"
        } else if used_break_glass(state, person) {
            "broke the glass"
        } else if state.has_identified(person) {
            "stated who an unknown contributor is"
        } else {
            "worked on it"
        }
    };
    let named = people.into_iter().filter(|person| excluded(state, person).is_some());
    let named: Vec<String> = named.map(|person| format!("{} ({})", to.name(person), why(person))).collect();
    (!named.is_empty()).then(|| Text::of(format!("Does not count: {}.", listing(&named))))
}

/// Names the authors of included changes, whose vote for a promotion needs another person's vote.
fn not_alone(state: &Hotfix, environment: &Environment, to: &Audience<'_>, now: Timestamp) -> Option<Text> {
    let rules = quorum(state, environment, now, None).missing;
    let wrote = |person: &PersonId| state.included_changes.iter().flatten().any(|rider| state.wrote(rider, person));
    let authors: Vec<PersonId> = voters(state, to, &rules).into_iter().filter(wrote).collect();
    let names: Vec<String> = authors.iter().map(|person| to.name(person)).collect();
    (state.plan.is_promotion() && !names.is_empty()).then(|| {
        let whose = names.first().filter(|_| names.len() == 1).map_or("one of them", String::as_str);
        let who = listing(&names);
        Text::of(format!("{who} wrote part of this: a yes from {whose} also needs one from somebody else."))
    })
}

fn until(state: &Hotfix, environment: &Environment) -> Text {
    let expires = state.approval(environment).map_or(0, |approval| approval.expires_minutes);
    Text::of(format!(
        "A yes holds for {}, and only while commit, base and plan stay as they are. One no stops it. Silence is not a yes: \
         nothing is deployed to {} until the votes are there.",
        minutes(expires),
        state.plan.place(environment)
    ))
}

fn actions(state: &Hotfix, environment: &Environment, commit: &CommitId) -> Vec<Action> {
    let action = |label: &str, word: &str, danger| Action {
        label: label.to_owned(),
        value: format!("{}/{environment}/{commit}/{word}", state.id),
        danger,
    };
    vec![action("Approve", "approve", false), action("Reject", "reject", true)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Role;
    use crate::policy::{Policy, Quorums, ServicePolicy};
    use crate::view::fixture::{asked, commit, contribution, environment, same, yes};
    use crate::view::plain;

    #[test]
    fn the_question_shows_all_of_what_would_be_deployed() {
        let play = asked();
        let card = prompt(&play.state, &environment("production"), &play.to(), play.now).unwrap();
        same(
            &plain(&card),
            r#"
HF-12 payments: may this go to production?
@Ben, @Dee or @Eve: before “Fix 500 on upload” can go to production it needs 2 votes of approvers.
You say yes to exactly `1111111000000000000000000000000000000000` and to nothing else.
It is 1 commit on top of the base, +12 −3 in 2 files:
• `1111111` Accept uploads without a name — Chi
Review: approved by Ben on 1111111, 1 check green.
Tested: good locally or in the review app, on `1111111`, says Ben at 10:16 UTC.
Tested: good on staging, on `1111111`, says Ben at 10:22 UTC.
Does not count: Ana (asked for it) and Chi (worked on it).
A yes holds for 2 h, and only while commit, base and plan stay as they are. One no stops it. Silence is not a yes: nothing is deployed to production until the votes are there.
  Base: `abc1234000000000000000000000000000000000`
  Branch: `hotfix`
  Plan: `fcb1a11a8fd5`
  Pull request: #7 <https://forge.example/payments/7>
React with ✅ or ❌, press a button, or say `/hotfix approve` or `/hotfix reject <why>`.
"#,
        );
        let value = |word: &str| format!("HF-12/production/{}/{word}", commit("1111111"));
        let values: Vec<&str> = card.actions.iter().map(|action| action.value.as_str()).collect();
        assert_eq!(values, [value("approve"), value("reject")]);
    }

    /// Viewers are not mentioned, and neither are people whose vote cannot fill an open place.
    #[test]
    fn those_are_called_who_may_vote() {
        let mut play = asked();
        let roles = |who: &[&str]| who.iter().map(|id| id.parse().unwrap()).collect();
        let holders =
            [(Role::Viewer, roles(&["ana", "ben", "chi", "dee", "eve"])), (Role::Approver, roles(&["ana", "dee"]))];
        let service = ServicePolicy { roles: holders.into(), ..ServicePolicy::default() };
        play.policy = Policy::new([("payments".parse().unwrap(), service)].into(), Quorums::default(), Vec::new());
        let card = prompt(&play.state, &environment("production"), &play.to(), play.now).unwrap();
        assert!(plain(&card).contains("\n@Dee: before “Fix 500 on upload” can go to production"), "{}", plain(&card));
        let shown = plain(&crate::view::card(&play.state, &play.to(), play.now));
        assert!(shown.contains("\n@Dee: production still needs 2 votes"), "{shown}");
    }

    /// A vote request that is rendered again after its quorum is reached mentions no voters.
    #[test]
    fn a_question_that_has_its_votes_says_whose() {
        let play = asked().by("ben", yes(None)).by("dee", yes(None));
        let card = prompt(&play.state, &environment("production"), &play.to(), play.now).unwrap();
        assert!(
            plain(&card).contains("\n“Fix 500 on upload” has its votes for production: Ben and Dee.\n"),
            "{}",
            plain(&card)
        );
    }

    #[test]
    fn what_cannot_be_shown_whole_is_not_asked() {
        let play = asked();
        let ask = |state: &Hotfix| {
            prompt(state, &environment("production"), &play.to(), play.now).map_err(|too_much| too_much.to_string())
        };
        let with = |count: usize, subject: &str, total: usize| {
            let mut state = play.state.clone();
            let head = state.head.as_mut().unwrap();
            head.commits = vec![contribution("1111111", subject, "chi"); count];
            head.total = total;
            state
        };
        assert!(ask(&with(40, "short", 40)).is_ok());
        let told = ask(&with(41, "short", 41)).unwrap_err();
        assert_eq!(told, "The question for production would have to name 41 commits, and 40 can be shown whole");
        assert!(matches!(ask(&with(3, "short", 4)), Err(why) if why.contains("4 commits, and 3")));
        assert!(matches!(ask(&with(1, &"x".repeat(6_000), 1)), Err(why) if why.contains("characters long")));
        let mut nothing = play.state.clone();
        nothing.head = None;
        assert_eq!(ask(&nothing).unwrap_err(), "What would be deployed to production is not known");
    }

    #[test]
    fn a_subject_is_shown_whole_and_visible() {
        let mut play = asked();
        let subject = format!("{}\u{202e}daol end", "a ".repeat(150));
        play.state.head.as_mut().unwrap().commits = vec![contribution("1111111", &subject, "chi")];
        let card = prompt(&play.state, &environment("production"), &play.to(), play.now).unwrap();
        assert!(plain(&card).contains("a \\u{202e}daol end — Chi"));
    }

    #[test]
    fn nobody_is_called_whose_word_does_not_count() {
        let play = asked();
        let card = prompt(&play.state, &environment("production"), &play.to(), play.now).unwrap();
        let called = card.lines.iter().flat_map(|text| &text.0).filter_map(|span| {
            let hotfix_adapters::chat::Span::Mention { name, .. } = span else {
                return None;
            };
            Some(name.as_str())
        });
        assert_eq!(called.collect::<Vec<_>>(), ["Ben", "Dee", "Eve"]);
        assert_eq!(
            super::super::waiting_on::others(&play.state),
            ["ben", "dee", "eve"].map(|id| id.parse::<PersonId>().unwrap())
        );
    }
}
