//! The full plan of a run: completed steps with their evidence, the current step, and the steps ahead.

use hotfix_adapters::chat::{Card, MarkState, Text};
use hotfix_adapters::forge::MergeMethod;
use hotfix_adapters::ids::Environment;
use jiff::Timestamp;

use super::Audience;
use super::card::{digest, heading, only};
use super::duration::{clock, minutes};
use super::render::sign;
use super::status::{looked_at, mark, standing};
use super::text::{count, ended, listing, marked, outside, paragraph, serving};
use super::waiting_on::{asks, mechanism, missing};
use crate::domain::hotfix::{Hotfix, StepState};
use crate::domain::playbook::{
    Artifact, BaseSource, BranchRole, Level, MainlineBy, StepKind, StepSpec, Trigger, VerifyPlace,
};
use crate::domain::service::Approval;
use crate::domain::step::on_record;

/// Renders all steps of a run.
#[must_use]
pub fn plan(state: &Hotfix, audience: &Audience<'_>, now: Timestamp) -> Card {
    let (tone, words) = standing(state, audience.people, now);
    let mut lines = vec![Text::of(ended(&format!("It is {words}")))];
    for (at, spec) in state.plan.steps.iter().enumerate() {
        let mark = mark(state, at, now);
        lines.push(step(state, at, spec, mark, audience, now));
        if matches!(mark, MarkState::Current | MarkState::Stopped) {
            lines.extend(asks(state, audience, now).into_iter().map(|ask| Text::of("    ").then(ask)));
        }
    }
    if state.current().is_none() {
        lines.extend(asks(state, audience, now));
    }
    let exceptional = if state.plan.exceptional { ", exceptional path" } else { "" };
    let footer = format!("Playbook {}{exceptional}, policy {}, plan ", state.plan.playbook, short_version(state));
    lines.extend(only(state).map(|value| Text::of("Only ").then(value).plain(".")));
    Card {
        tone,
        title: Some(Text::of("Plan of ").then(heading(state))),
        lines,
        footer: Some(Text::of(footer).code(digest(state)).plain(". It does not change while the run goes on.")),
        ..Card::default()
    }
}

fn short_version(state: &Hotfix) -> String {
    outside(&state.plan.policy_version).chars().take(12).collect()
}

fn step(state: &Hotfix, at: usize, spec: &StepSpec, mark: MarkState, to: &Audience<'_>, now: Timestamp) -> Text {
    let head = Text::of(format!("{} ", sign(mark))).strong(outside(&spec.title)).plain(format!(
        " — {}{}{}, ",
        level(spec.level).0,
        serving(&spec.serves),
        level(spec.level).1
    ));
    let head = head.code(spec.id.as_str()).plain(": ");
    match state.steps.get(at) {
        Some(StepState::Done { at, evidence }) => {
            head.plain(format!("{} ({}).", paragraph(&to.named(evidence)), clock(*at, now)))
        }
        Some(StepState::Skipped { by: Some(by), reason }) => {
            head.plain(format!("skipped by {}: {}", to.name(by), ended(&outside(reason))))
        }
        Some(StepState::Skipped { by: None, reason }) => head.plain(format!("skipped: {}", ended(&outside(reason)))),
        Some(StepState::Offered { .. }) => {
            if let StepKind::Triage { criteria, .. } = &spec.kind {
                let so_far = on_record(state, criteria);
                head.plain(format!("not waited for; so far: {}", paragraph(&to.named(&ended(&so_far)))))
            } else {
                head.plain("optional, not waited for: ").then(marked(&ended(&describe_step(state, spec))))
            }
        }
        Some(StepState::Ahead | StepState::Current { .. }) | None => {
            head.then(marked(&ended(&describe_step(state, spec))))
        }
    }
}

fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::Must => ("must", ""),
        Level::Should => ("should", ", can be skipped with a reason"),
        Level::May => ("may", ", can be skipped"),
        Level::MustNot => ("must not", ", nothing lifts it"),
    }
}

/// Describes the action of a step, or the condition that it waits for.
fn describe_step(state: &Hotfix, spec: &StepSpec) -> String {
    let (branch, main) = (state.plan.branch.as_str(), state.plan.main.as_str());
    match &spec.kind {
        StepKind::Triage { criteria, ask: true } => format!(
            "the requester answers each: {} `/hotfix triage a=yes rest=no`",
            ended(&outside(&criteria.join("; ")))
        ),
        StepKind::Triage { criteria, .. } if criteria.is_empty() => "the requester says that it is urgent".to_owned(),
        StepKind::Triage { criteria, .. } => format!("the requester says: {}", outside(&criteria.join("; "))),
        StepKind::Base { from: BaseSource::Production } => {
            "the bot finds the commit that production runs, and asks when its sources disagree".to_owned()
        }
        StepKind::Base { from: BaseSource::Release } => {
            "the bot finds the git tag of the release that production runs, and asks when its sources disagree"
                .to_owned()
        }
        StepKind::Target => format!("the bot pins what is promoted: `{main}` as it is now, unless a commit was named"),
        StepKind::Agree { party, count: needed, question } => format!(
            "{} of the {party} {}: {} `/hotfix agree {}`",
            count(usize::try_from(*needed).unwrap_or(usize::MAX), "person", "people"),
            if *needed == 1 { "agrees" } else { "agree" },
            ended(&outside(question)),
            spec.id
        ),
        StepKind::BuildJob { file, .. } => format!("the bot looks in `{file}` whether images are built of `{branch}`"),
        StepKind::OnMain => {
            format!("the fix is merged into `{main}` first, by the usual process; the bot looks for it there")
        }
        StepKind::OnEnvironment { environment } => {
            format!("the bot waits until {environment} runs something that has it; others deploy there")
        }
        StepKind::VersionOrder { prefix } => format!(
            "the bot counts commits: the version {prefix}.… of the hotfix has to come after production and not after the next of `{main}`"
        ),
        StepKind::Image => "the bot finds the image that was built of what ships, and pins its digest".to_owned(),
        StepKind::Expire => {
            "it stays open until production is rolled back, or runs a release that has the fix".to_owned()
        }
        StepKind::Base { from: BaseSource::Main } => format!("the bot takes `{main}` as it is on the forge"),
        StepKind::HeldBack => format!(
            "the bot lists what `{main}` holds that does not ship; when that is nothing, a normal deployment does"
        ),
        StepKind::Releasable => format!("`{main}` has to be green, with no release blocker open"),
        StepKind::Capability { needs } => {
            format!(
                "each of these has to be there: {}",
                listing(&needs.iter().map(|need| need.as_str()).collect::<Vec<_>>())
            )
        }
        StepKind::Announce => format!("the bot tells the team in {}", outside(state.plan.channel.as_str())),
        StepKind::Branch { which: BranchRole::Fix } => format!("the bot creates `{branch}` before any fix is on it"),
        StepKind::Branch { which: BranchRole::Integration } => {
            format!("the bot creates `{}`, into which the pull request goes", state.plan.into)
        }
        StepKind::Change { large_lines, pull } => {
            let large = if *large_lines > 0 {
                format!("; above {large_lines} lines it is called large")
            } else {
                String::new()
            };
            format!(
                "the fix comes onto `{branch}`, {}{large}",
                if *pull {
                    "picked by the bot or pushed by a person, and the bot opens the pull request"
                } else {
                    "picked from main by the bot"
                }
            )
        }
        StepKind::Review { approvals } => {
            format!(
                "{} by people who did not work on it, and green checks",
                count(usize::try_from(*approvals).unwrap_or(usize::MAX), "approval", "approvals")
            )
        }
        StepKind::Verify { place, question, by } => verify(place, question, by),
        StepKind::Approve { environment } => approve(state, environment),
        StepKind::Deploy { environment, trigger, what } => {
            let how = mechanism(state, environment, state.deployable_to(environment));
            let how = how.map_or_else(String::new, |how| format!(" ({how})"));
            let place = state.plan.place(environment);
            if *what == Artifact::Schema {
                return format!("the schemas that it depends on go to {environment} first{how}");
            }
            match trigger {
                Trigger::Auto if state.plan.ships_main() || state.plan.merges_first() => {
                    format!("the bot deploys exactly what ships to {place}{how} by itself")
                }
                Trigger::Auto => {
                    format!("the bot deploys exactly the head of `{branch}` to {environment}{how} by itself")
                }
                Trigger::Command => format!(
                    "a person says `/hotfix deploy {environment}`, and the bot deploys exactly what was approved{how}"
                ),
            }
        }
        StepKind::Merge { method } => {
            format!("the bot merges the pull request into `{}` {}", state.plan.into, merged(*method))
        }
        StepKind::RideAlong => {
            "the bot lists what else goes out with it, and tells its authors; they are not waited for".to_owned()
        }
        StepKind::Mainline { by: MainlineBy::Proof, .. } => {
            format!("the bot proves that the fix is on `{main}`; `{branch}` is never merged into it")
        }
        StepKind::Mainline { by: MainlineBy::Pull, .. } => {
            format!(
                "the bot opens a pull request into `{main}`, and proves that the fix is there once people merged it"
            )
        }
        StepKind::Mainline { by: MainlineBy::Merge(method), delete_branch } => {
            let then = if *delete_branch { format!(", and deletes `{branch}`") } else { String::new() };
            format!(
                "the bot merges `{branch}` back into `{main}` {}, proves that the fix is there{then}",
                merged(*method)
            )
        }
        StepKind::Postmortem { due_days } => format!(
            "somebody writes the post-mortem within {} after production: `/hotfix postmortem <link>`",
            count(usize::try_from(*due_days).unwrap_or(usize::MAX), "day", "days")
        ),
    }
}

fn verify(place: &VerifyPlace, question: &str, by: &[String]) -> String {
    let name = place.name();
    let who = if by.is_empty() { "somebody looks".to_owned() } else { format!("{} look", spoken(by)) };
    format!("{who} {}: {} `/hotfix verify {name} pass`", looked_at(name), ended(&outside(question)))
}

/// Joins parties with their articles: "an engineer and a stakeholder".
pub(super) fn spoken(parties: &[String]) -> String {
    let one = |party: &String| {
        let article = if party.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        format!("{article} {}", party.trim_end_matches('s'))
    };
    listing(&parties.iter().map(one).collect::<Vec<_>>())
}

const NOBODY: &str = "nobody's word is asked for";

fn approve(state: &Hotfix, environment: &Environment) -> String {
    state.approval(environment).map_or_else(|| NOBODY.to_owned(), whose_word)
}

/// Describes the votes that a deployment needs.
pub(super) fn whose_word(approval: &Approval) -> String {
    if approval.rules.is_empty() {
        return NOBODY.to_owned();
    }
    let hold = minutes(approval.expires_minutes);
    format!("{} by people who neither asked for it nor worked on it; a vote holds for {hold}", missing(&approval.rules))
}

fn merged(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "with a merge commit",
        MergeMethod::Squash => "as one squashed commit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{begun, same};
    use crate::view::plain;

    #[test]
    fn the_plan_shows_what_is_behind_and_what_is_left() {
        let play = begun().announced().branched().picked();
        same(
            &plain(&plan(&play.state, &play.to(), play.now)),
            r#"
Plan of HF-12 payments — Fix 500 on upload
It is waiting for a review.
· Is it urgent? — must (APPLY-3), `triage`: not waited for; so far: opened by Ana (incident INC-77); it is urgent: not answered.
✓ Find what production runs — must (APPLY-6, APPLY-X6), `base`: abc1234 by what production runs and the last successful deployment (10:04 UTC).
✓ See what must not ship — must (APPLY-4), `withheld`: main holds 3 commits that do not ship with it (10:04 UTC).
✓ Tell the team — must (APPLY-15), `announce`: told in payments (10:06 UTC).
✓ Create the branch — must (APPLY-X2), `branch`: hotfix created at abc1234 (10:08 UTC).
✓ Bring the fix — must (APPLY-7), `fix`: 1 commit, +12 −3 in 2 files, pull request #7 (10:12 UTC).
→ Review — must (APPLY-8), `review`: 1 approval by people who did not work on it, and green checks.
    @Ben, @Dee or @Eve: please review the pull request (0 of 1 approvals of the present head).
    Checks: the checks were not read yet.
· Test it — should (APPLY-9), can be skipped with a reason, `local`: somebody looks locally or in the review app: Does an upload work? `/hotfix verify local pass`.
· Deploy to staging — should (APPLY-10), can be skipped with a reason, `staging`: the bot deploys exactly the head of `hotfix` to staging (command `deploy.sh`) by itself.
· Look at staging — must, `look`: somebody looks on staging: Does an upload of 20 MB work? `/hotfix verify staging pass`.
· Votes for production — must, `votes`: 2 votes of approvers by people who neither asked for it nor worked on it; a vote holds for 2 h.
· Deploy to production — must (APPLY-10, APPLY-11), `production`: a person says `/hotfix deploy production`, and the bot deploys exactly what was approved (command `deploy.sh`).
· Back to main — must (APPLY-12), `main`: the bot merges `hotfix` back into `main` with a merge commit, proves that the fix is there, and deletes `hotfix`.
· Post-mortem — should (MAIN-18), can be skipped with a reason, `postmortem`: somebody writes the post-mortem within 5 days after production: `/hotfix postmortem <link>`.
Playbook apply, policy policy-1, plan `fcb1a11a8fd5`. It does not change while the run goes on.
"#,
        );
    }
}
