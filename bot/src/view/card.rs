//! The card of a run: the message that shows its whole state and is edited in place.

use hotfix_adapters::chat::{Card, Field, Mark, Span, Text};
use hotfix_adapters::ids::Environment;
use jiff::Timestamp;

use super::duration::clock;
use super::form;
use super::status::{branch_is_gone, mark, standing, wait};
use super::text::{Say, behind, capital, count, ended, listing, live_in, outside, stay_off};
use super::waiting_on::{asks, is};
use super::{Audience, refusal};
use crate::domain::break_glass::Review;
use crate::domain::hotfix::{Hotfix, Phase};
use crate::domain::playbook::{BranchRole, StepKind, StepSpec, VerifyPlace};
use crate::domain::service::RequiredChecks;
use crate::domain::step::{Wait, extra_commits};

/// Renders the card of a run.
#[must_use]
pub fn card(state: &Hotfix, audience: &Audience<'_>, now: Timestamp) -> Card {
    let (tone, words) = standing(state, audience.people, now);
    let mut lines = vec![Text::new().strong(capital(&ended(&words)))];
    if let Phase::Ended { refusals, .. } = &state.phase {
        lines.extend(refusals.iter().map(|refusal| refusal::line(refusal, audience)));
    }
    lines.extend(asks(state, audience, now));
    lines.extend(pushed(state));
    lines.extend(stay_off(state).map(Text::of));
    lines.extend(rollback(state));
    Card {
        tone,
        title: Some(heading(state)),
        lines,
        verbatim: None,
        fields: fields(state, audience, now),
        progress: marks(state, now),
        actions: form::buttons(state, audience, now),
        footer: Some(Text::of(format!(
            "Opened {} under the playbook {}, plan {}.",
            clock(state.opened_at, now),
            state.plan.playbook,
            digest(state)
        ))),
        whole: false,
    }
}

/// Returns the alert of HOCS-15, until the branch is back at the commit that production runs.
fn pushed(state: &Hotfix) -> Option<Text> {
    let moved = state.live_moved.as_ref().filter(|_| !state.is_over())?;
    let branch = state.plan.deployed_branch()?.as_str();
    let text = Text::of("Somebody pushed to ").code(branch).plain(", which production runs: ");
    let text = match moved {
        Some(to) => text.plain("it is at ").commit(to),
        None => text.plain("it is gone"),
    };
    Some(text.plain(". Put it back, and make another fix a hotfix of its own (HOCS-15)."))
}

/// Returns the heading: "HF-12 payments — Fix 500 on upload".
pub(super) fn heading(state: &Hotfix) -> Text {
    Text::of(format!("{} {} — ", state.id, state.plan.service)).plain(outside(&state.title))
}

/// Returns the first digits of the plan's digest.
pub(super) fn digest(state: &Hotfix) -> String {
    state.plan_digest.chars().take(12).collect()
}

/// Returns the rollback commands, while production runs the fix through this run and nobody else has deployed after it.
pub(super) fn rollback(state: &Hotfix) -> Option<Text> {
    let ours = state.is_live() && !state.is_over() && state.superseded.is_empty() && state.drifts.is_empty();
    let mut text = Text::of("To roll back: ");
    for (at, production) in live_in(state).into_iter().filter(|_| ours).enumerate() {
        text = if at == 0 { text } else { text.plain(", ") }.command(&back(state, production));
    }
    ours.then(|| text.plain("."))
}

/// Returns the rollback command. It names the base if the previous commit is unknown.
pub(super) fn back(state: &Hotfix, environment: &Environment) -> String {
    let first = state.deploys.iter().find(|deploy| &deploy.intent.environment == environment);
    let known = first.is_some_and(|deploy| deploy.intent.previous.is_some());
    match state.base.as_ref().filter(|_| !known) {
        Some(base) => format!("rollback {environment} to {} <why>", base.short()),
        None => format!("rollback {environment} <why>"),
    }
}

fn fields(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> Vec<Field> {
    let field = |name: &str, value: Text| Field { name: name.to_owned(), value };
    let mut fields = Vec::new();
    if let Some(base) = &state.base {
        let moved = state.head.as_ref().filter(|head| &head.tip != base);
        let value = moved.map_or_else(|| Text::new().commit(base), |head| Text::new().change(Some(base), &head.tip));
        fields.push(field(if moved.is_some() { "Base → head" } else { "Base" }, value));
    }
    if let Some(target) = &state.target {
        fields.push(field("Promotes", Text::new().commit(target)));
        fields.extend(only(state).map(|value| field("Only", value)));
    } else {
        let branch = Text::new().code(state.plan.branch.as_str());
        fields.push(field("Branch", if branch_is_gone(state) { branch.plain(", which was deleted") } else { branch }));
        fields.extend(only(state).map(|value| field("Only", value)));
    }
    fields.extend(not_as_asked(state).map(|value| field("Not as asked for", value)));
    if let Some(image) = state.image.as_ref().filter(|_| state.digest().is_some()).map(|pinned| &pinned.published.image)
    {
        fields.push(field("Image", Text::new().code(&image.tag).plain(" is ").code(image.digest.short())));
    }
    fields.extend(partial(state).map(|value| field("Productions", value)));
    if let Some(pull) = &state.pull {
        let mut value = Text::new().span(pull_link(pull.number.0, pull.url.as_deref()));
        if let Some(commit) = &pull.merged {
            value = value.plain(" merged as ").commit(commit);
        }
        fields.push(field("Pull request", value));
    }
    fields.extend(checks(state, now).map(|value| field("Checks", Text::of(value))));
    fields.extend(withheld(state, to).map(|value| field("Not included", Text::of(value))));
    fields.extend(goes_out_too(state, to).map(|value| field("Goes out with it", Text::of(value))));
    fields.extend(glass(state, to, now).map(|value| field("Glass", value)));
    fields.push(field("Owner", Text::of(to.name(&state.requester))));
    fields.extend(state.incident.as_ref().map(|incident| field("Incident", Text::of(outside(incident)))));
    fields.extend(state.ticket.as_ref().map(|ticket| field("Ticket", Text::of(outside(ticket)))));
    fields
}

/// Lists the commits on the branch other than the requested picks (SRE-4).
fn not_as_asked(state: &Hotfix) -> Option<Text> {
    let mut text = Text::new();
    for (at, (commit, why)) in extra_commits(state).into_iter().enumerate() {
        text = if at == 0 { text } else { text.plain("; ") }.commit(commit);
        text = text.plain(format!(" {}", is(why, state.plan.main.as_str())));
    }
    (!text.0.is_empty()).then_some(text)
}

/// Describes the last break-glass and its review.
fn glass(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> Option<Text> {
    let broken = state.break_glass.last()?;
    let what = match &broken.review {
        Review::Due { .. } => "; nobody has reviewed it yet".to_owned(),
        Review::Given { by, ok: true, .. } => format!("; {} reviewed it, and it was right", to.name(by)),
        Review::Given { by, ok: false, .. } => format!("; {} objects to it", to.name(by)),
        Review::NotNeeded if broken.void => "; it counts no more, and nothing went out by it".to_owned(),
        Review::NotNeeded => format!(", until {}", clock(broken.glass.expires, now)),
    };
    Some(Text::of(format!("broken by {} at {}{what}", to.name(&broken.glass.person), clock(broken.glass.at, now))))
}

/// Names the targets to promote if they are a subset, and says if production stays as it is (PROMO-8).
pub(super) fn only(state: &Hotfix) -> Option<Text> {
    if state.plan.only.is_empty() {
        return None;
    }
    let targets = listing(&state.plan.only);
    let stays = if state.plan.leaves_production() { "; production stays as it is" } else { "" };
    Some(Text::of(format!("{targets}{stays}")))
}

/// Lists which productions have the fix, if only some of them do (HOCS-32).
fn partial(state: &Hotfix) -> Option<Text> {
    let productions = state.plan.productions().map(|production| &production.name);
    let (live, not): (Vec<&Environment>, Vec<&Environment>) = productions.partition(|name| state.is_live_in(name));
    if live.is_empty() || not.is_empty() {
        return None;
    }
    let names = |names: Vec<&Environment>| listing(&names.into_iter().map(Environment::as_str).collect::<Vec<_>>());
    let (live, not) = (names(live), names(not));
    Some(Text::of(format!("{live} has the fix, {not} has not")))
}

/// Returns a link to the pull request, or only its number if the forge gave no valid web address.
pub(super) fn pull_link(number: u64, url: Option<&str>) -> Span {
    let label = format!("#{number}");
    let web = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    match web.filter(|url| !url.contains(|c: char| c.is_whitespace() || c.is_control() || "<>|".contains(c))) {
        Some(url) => Span::Link { url: url.to_owned(), label },
        None => Span::Plain(label),
    }
}

/// Returns the note that no checks are required, if the service has no CI and no failed check blocks the run.
fn checks(state: &Hotfix, now: Timestamp) -> Option<&'static str> {
    let reads =
        |kind: &StepKind| matches!(kind, StepKind::Review { .. } | StepKind::Merge { .. } | StepKind::Releasable);
    let none = state.plan.required_checks == RequiredChecks::None;
    let wait = wait(state, now);
    let red = matches!(&wait, Some(Wait::Review { checks, .. }) if !checks.is_empty())
        || matches!(&wait, Some(Wait::MainChecks(_) | Wait::MainBlocked(_) | Wait::MergeChecks { .. }));
    let shown = none && !red && state.plan.steps.iter().any(|spec| reads(&spec.kind));
    shown.then_some("none required; one that is reported must be green")
}

/// Returns the held-back changes: "3 changes, by Ben and Chi".
pub(super) fn withheld(state: &Hotfix, to: &Audience<'_>) -> Option<String> {
    if state.plan.ships_main() { None } else { not_in_production(state, to) }
}

/// Returns the changes of main that a release of main includes.
pub(super) fn goes_out_too(state: &Hotfix, to: &Audience<'_>) -> Option<String> {
    if state.plan.ships_main() { not_in_production(state, to) } else { None }
}

fn not_in_production(state: &Hotfix, to: &Audience<'_>) -> Option<String> {
    let survey = state.snapshot.as_ref().filter(|survey| survey.held_back_total > 0)?;
    let many = count(survey.held_back_total, "change", "changes");
    let mut who = behind(to.people, &survey.held_back);
    // No authors are known if none of the changes is listed.
    if who.is_empty() {
        return Some(many);
    }
    if survey.held_back_total > survey.held_back.len() {
        who.push("others".to_owned());
    }
    Some(format!("{many}, by {}", listing(&who)))
}

fn marks(state: &Hotfix, now: Timestamp) -> Vec<Mark> {
    let steps = state.plan.steps.iter().enumerate();
    steps.map(|(at, spec)| Mark { label: label(state, spec), state: mark(state, at, now) }).collect()
}

/// Returns the label of a step in the progress line.
pub(super) fn label(state: &Hotfix, spec: &StepSpec) -> String {
    match &spec.kind {
        StepKind::Triage { .. } => "urgent".to_owned(),
        StepKind::Base { .. } => "base".to_owned(),
        StepKind::HeldBack => "withheld".to_owned(),
        StepKind::Releasable => "main is green".to_owned(),
        StepKind::Capability { .. } => "supported".to_owned(),
        StepKind::Announce => "team told".to_owned(),
        StepKind::Target => "what".to_owned(),
        StepKind::Agree { party, .. } => format!("{party} agree"),
        StepKind::BuildJob { .. } => "built".to_owned(),
        StepKind::OnMain => "on main".to_owned(),
        StepKind::OnEnvironment { environment } => format!("on {environment}"),
        StepKind::VersionOrder { .. } => "version".to_owned(),
        StepKind::Image => "image".to_owned(),
        StepKind::Expire => "ended".to_owned(),
        StepKind::Branch { which: BranchRole::Fix } => "branch".to_owned(),
        StepKind::Branch { which: BranchRole::Integration } => state.plan.into.to_string(),
        StepKind::Change { .. } => "fix".to_owned(),
        StepKind::Review { .. } => "review".to_owned(),
        StepKind::Verify { place: VerifyPlace::Local, .. } => "tested".to_owned(),
        StepKind::Verify { place: VerifyPlace::Environment(environment), .. } => format!("{environment} checked"),
        StepKind::Approve { environment } => format!("votes for {}", state.plan.place(environment)),
        StepKind::Verify { place: VerifyPlace::Watch(environment), .. } => format!("{environment} watched"),
        StepKind::Deploy { environment, .. } => state.plan.place(environment),
        StepKind::Merge { .. } => "merged".to_owned(),
        StepKind::RideAlong => "others told".to_owned(),
        StepKind::Mainline { .. } => "back on main".to_owned(),
        StepKind::Postmortem { .. } => "post-mortem".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{Observation, UserCommand};
    use crate::view::fixture::{Play, asked, begun, closed, commit, live, same};
    use crate::view::plain;

    fn shown(play: &Play) -> String {
        plain(&card(&play.state, &play.to(), play.now))
    }

    #[test]
    fn the_card_of_a_run_on_its_way() {
        same(
            &shown(&Play::open("Fix 500 on <!channel>\u{202e}")),
            r#"
HF-12 payments — Fix 500 on <!channel>\u{202e}
Looking at what runs in production and what main holds.
Please no production deploys of payments until this thread says so.
  Branch: `hotfix`
  Owner: Ana
  Incident: INC-77
→ urgent  · base  · withheld  · team told  · branch  · fix  · review  · tested  · staging  · staging checked  · votes for production  · production  · back on main  · post-mortem
Opened 10:02 UTC under the playbook apply, plan fcb1a11a8fd5.
"#,
        );
        same(
            &shown(&begun().announced().branched().picked()),
            r#"
HF-12 payments — Fix 500 on upload
Waiting for a review.
@Ben, @Dee or @Eve: please review the pull request (0 of 1 approvals of the present head).
Checks: the checks were not read yet.
Please no production deploys of payments until this thread says so.
  Base → head: `abc1234` → `1111111`
  Branch: `hotfix`
  Pull request: #7 <https://forge.example/payments/7>
  Not included: 3 changes, by Ben and Eve
  Owner: Ana
  Incident: INC-77
· urgent  ✓ base  ✓ withheld  ✓ team told  ✓ branch  ✓ fix  → review  · tested  · staging  · staging checked  · votes for production  · production  · back on main  · post-mortem
Opened 10:02 UTC under the playbook apply, plan fcb1a11a8fd5.
"#,
        );
        same(
            &shown(&asked().by("eve", UserCommand::Hold("my migration runs".to_owned()))),
            r#"
HF-12 payments — Fix 500 on upload
On hold by Eve; waiting for votes for production.
@Ben, @Dee or @Eve: production still needs 2 votes of approvers. Answer the question in the thread, or say `/hotfix approve` or `/hotfix reject <why>`.
@Eve put it on hold: my migration runs. They, or a captain, lift it with `/hotfix unhold`.
Please no production deploys of payments until this thread says so.
  Base → head: `abc1234` → `1111111`
  Branch: `hotfix`
  Pull request: #7 <https://forge.example/payments/7>
  Not included: 3 changes, by Ben and Eve
  Owner: Ana
  Incident: INC-77
· urgent  ✓ base  ✓ withheld  ✓ team told  ✓ branch  ✓ fix  ✓ review  ✓ tested  ✓ staging  ✓ staging checked  → votes for production  · production  · back on main  · post-mortem
Opened 10:02 UTC under the playbook apply, plan fcb1a11a8fd5.
"#,
        );
    }

    #[test]
    fn the_card_of_a_run_in_production() {
        same(
            &shown(&live()),
            r#"
HF-12 payments — Fix 500 on upload
Live in production, not yet on main: production is in a non-standard state.
The bot merges pull request #7 into `main` and looks whether the fix is there.
Please no production deploys of payments until this thread says so.
To roll back: `/hotfix rollback production <why>`.
  Base → head: `abc1234` → `1111111`
  Branch: `hotfix`
  Pull request: #7 <https://forge.example/payments/7>
  Not included: 3 changes, by Ben and Eve
  Owner: Ana
  Incident: INC-77
· urgent  ✓ base  ✓ withheld  ✓ team told  ✓ branch  ✓ fix  ✓ review  ✓ tested  ✓ staging  ✓ staging checked  ✓ votes for production  ✓ production  → back on main  · post-mortem
Opened 10:02 UTC under the playbook apply, plan fcb1a11a8fd5.
"#,
        );
        same(
            &shown(&closed()),
            r#"
HF-12 payments — Fix 500 on upload
Closed: completed in 40 m.
  Base → head: `abc1234` → `1111111`
  Branch: `hotfix`
  Pull request: #7 <https://forge.example/payments/7> merged as `eeeeeee`
  Not included: 3 changes, by Ben and Eve
  Owner: Ana
  Incident: INC-77
· urgent  ✓ base  ✓ withheld  ✓ team told  ✓ branch  ✓ fix  ✓ review  ✓ tested  ✓ staging  ✓ staging checked  ✓ votes for production  ✓ production  ✓ back on main  ✓ post-mortem
Opened 10:02 UTC under the playbook apply, plan fcb1a11a8fd5.
"#,
        );
    }

    #[test]
    fn the_card_of_a_run_that_is_stopped() {
        same(
            &shown(&asked().saw(Observation::Production {
                environment: "production".parse().unwrap(),
                running: commit("9999999"),
                has_fix: false,
                brings: Vec::new(),
                total: 0,
            })),
            r#"
HF-12 payments — Fix 500 on upload
Paused: production changed.
@Ana or a captain, please say how to go on:
• `/hotfix drift rebase` — put the fix on top of what runs now; reviews, tests and votes start again.
• `/hotfix drift roll` — let the fix go out with the regular release, as a normal change.
• `/hotfix drift abort` — give this hotfix up.
Please no production deploys of payments until this thread says so.
  Base → head: `abc1234` → `1111111`
  Branch: `hotfix`
  Pull request: #7 <https://forge.example/payments/7>
  Not included: 3 changes, by Ben and Eve
  Owner: Ana
  Incident: INC-77
· urgent  ✓ base  ✓ withheld  ✓ team told  ✓ branch  ✓ fix  ✓ review  ✓ tested  ✓ staging  ✓ staging checked  ✗ votes for production  · production  · back on main  · post-mortem
Opened 10:02 UTC under the playbook apply, plan fcb1a11a8fd5.
"#,
        );
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert!(matches!(pull_link(7, Some("https://forge.example/7")), Span::Link { .. }));
        for url in [None, Some("javascript:alert(1)"), Some("file:///etc"), Some("https://a b"), Some("https://a|b>")] {
            assert_eq!(pull_link(7, url), Span::Plain("#7".to_owned()));
        }
    }
}
