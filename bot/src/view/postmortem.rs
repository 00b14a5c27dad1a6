//! The post-mortem of a run as Markdown, for management. Made from the events alone (MAIN-18).

mod trouble;

use jiff::Timestamp;

use super::Audience;
use super::branch_graph::picture;
use super::card::withheld;
use super::duration::{between, stamp};
use super::render::{code, escape};
use super::text::{behind, containment, ended, listing};
use super::timeline::{sha, table};
use crate::domain::break_glass::{BreakGlassUse, Review};
use crate::domain::event::{Contribution, Ending, Entry, Event};
use crate::domain::hotfix::{DeployState, Hotfix, Mainline, Phase, StepState};
use crate::domain::people::People;
use crate::domain::playbook::StepKind;
use crate::domain::step::on_record;
use trouble::{drifts, failures, left_out};

/// Renders the post-mortem of a run, as Markdown.
#[must_use]
pub fn postmortem(state: &Hotfix, entries: &[Entry], audience: &Audience<'_>) -> String {
    let head = format!(
        "# Post-mortem of {} {}: {}\n\n{}",
        state.id,
        state.plan.service,
        escape(&state.title),
        summary(state, audience)
    );
    let parts = [
        ("How long it took", durations(state, entries)),
        ("Impact", impact(state)),
        ("What shipped", shipped(state, audience)),
        ("Not included", held_back(state, audience)),
        ("The branches", format!("```text\n{}```\n", picture(state, audience.people).replace("```", "'''"))),
        ("Who approved", approvals(state, entries, audience)),
        ("Gates and their evidence", gates(state, audience)),
        ("Left out and overridden", left_out(state, entries, audience)),
        ("Changes of production by others", drifts(entries, audience)),
        ("What did not work", failures(state, entries)),
        ("Follow-ups", follow_ups(state, audience)),
        ("Timeline", table(state, entries, audience)),
    ];
    let sections = parts.into_iter().map(|(name, body)| format!("\n## {name}\n\n{body}"));
    head + &sections.collect::<String>()
}

fn summary(state: &Hotfix, to: &Audience<'_>) -> String {
    let owner = escape(&to.name(&state.requester));
    let began = format!("{owner} opened this hotfix of {} at {}.", state.plan.service, stamp(state.opened_at));
    let live = match state.live_at {
        Some(at) => format!(" It was live in production after {}.", between(state.opened_at, at)),
        None => " It never went to production.".to_owned(),
    };
    let main = match &state.mainline {
        Mainline::Merged(how, at) => format!(" The fix is on main: {}, at {}.", containment(how), sha(at)),
        Mainline::Waived { by, reason } => {
            format!(" {} gave up bringing it to main: {}", escape(&to.name(by)), ended(&escape(reason)))
        }
        Mainline::Reverted(by) => format!(" It was on main, and {} took it out again.", sha(by)),
        Mainline::NotMerged => " The fix is not known to be on main.".to_owned(),
    };
    let end = match &state.phase {
        Phase::Ended { ending, .. } => format!(" The run is over: {}.", super::timeline::ended(ending)),
        Phase::ReadingWorld | Phase::Underway => " The run is not over yet.".to_owned(),
    };
    format!("{began}{live}{main}{end}\n")
}

fn durations(state: &Hotfix, entries: &[Entry]) -> String {
    let proven =
        entries.iter().rev().find(|entry| matches!(entry.event, Event::MainlineMerged { .. })).map(|entry| entry.at);
    let over = match &state.phase {
        Phase::Ended { at, .. } => Some(*at),
        Phase::ReadingWorld | Phase::Underway => None,
    };
    let row = |what: &str, at: Option<Timestamp>| {
        let (when, took) =
            at.map_or(("not yet".to_owned(), "—".to_owned()), |at| (stamp(at), between(state.opened_at, at)));
        format!("| {what} | {when} | {took} |\n")
    };
    let rows = [
        row("First word", Some(state.opened_at)),
        row("Live in production", state.live_at),
        row("Proven on main", proven),
        row("Over", over),
    ];
    format!("| | When | After the first word |\n|---|---|---|\n{}", rows.concat())
}

fn impact(state: &Hotfix) -> String {
    let mut lines = vec![match &state.incident {
        Some(incident) => format!("- Incident: {}", escape(incident)),
        None => "- No incident was named.".to_owned(),
    }];
    lines.extend(state.ticket.as_ref().map(|ticket| format!("- Ticket: {}", escape(ticket))));
    lines.push("- Who was affected, and how much: to be written by a person.".to_owned());
    lines.join("\n") + "\n"
}

fn shipped(state: &Hotfix, to: &Audience<'_>) -> String {
    let Some(head) = state.head.as_ref().filter(|head| head.total > 0) else {
        return "Nothing.\n".to_owned();
    };
    let mut made = commits(&head.commits, head.total, to.people);
    if let Some(riders) = state.included_changes.as_ref().filter(|riders| !riders.is_empty()) {
        made.push_str("\nIt took these changes of others along:\n\n");
        made.push_str(&commits(riders, riders.len(), to.people));
    }
    let runs = state.deploys.iter().filter(|deploy| deploy.state == DeployState::Succeeded).map(|deploy| {
        let from = deploy.intent.previous.as_ref().map_or(String::new(), |old| format!("{} → ", sha(old)));
        let back = if deploy.intent.rollback { " (rolled back)" } else { "" };
        format!("- {}: {from}{}{back}\n", state.plan.place(&deploy.intent.environment), sha(&deploy.intent.commit))
    });
    let runs: String = runs.collect();
    if runs.is_empty() { made } else { format!("{made}\nDeployments:\n\n{runs}") }
}

fn commits(commits: &[Contribution], total: usize, people: &People) -> String {
    let line = |commit: &Contribution| {
        format!(
            "- {} {} — {}\n",
            sha(&commit.commit),
            escape(&commit.subject),
            escape(&listing(&behind(people, [commit])))
        )
    };
    let mut made: String = commits.iter().map(line).collect();
    let more = total.saturating_sub(commits.len());
    if more > 0 {
        made.push_str(&format!("- … and {more} more\n"));
    }
    made
}

fn held_back(state: &Hotfix, to: &Audience<'_>) -> String {
    let Some(what) = withheld(state, to) else {
        return "Nothing was.\n".to_owned();
    };
    let listed = state.snapshot.as_ref().map(|survey| commits(&survey.held_back, survey.held_back_total, to.people));
    format!("{}:\n\n{}", escape(&what), listed.unwrap_or_default())
}

fn approvals(state: &Hotfix, entries: &[Entry], to: &Audience<'_>) -> String {
    let rested = entries.iter().filter_map(|entry| {
        let Event::DeployStarted(intent) = &entry.event else {
            return None;
        };
        (!intent.votes.is_empty() && intent.glass.is_none()).then_some((intent, entry.at))
    });
    let lines = rested.map(|(intent, at)| {
        let names: Vec<String> = intent.votes.iter().map(|person| to.name(person)).collect();
        format!(
            "- {} on {}: {} approved {} before {}\n",
            state.plan.service,
            state.plan.place(&intent.environment),
            escape(&listing(&names)),
            code(intent.commit.as_str()),
            stamp(at)
        )
    });
    let lines: String = lines.chain(state.break_glass.iter().map(|broken| glass(state, broken, to))).collect();
    if lines.is_empty() { "No deployment rested on a vote.\n".to_owned() } else { lines }
}

/// Describes a break-glass and its review by a person who was not involved.
fn glass(state: &Hotfix, broken: &BreakGlassUse, to: &Audience<'_>) -> String {
    let glass = &broken.glass;
    let review = match &broken.review {
        Review::NotNeeded => "Nothing went out by it.".to_owned(),
        Review::Due { .. } => "Nobody who was not involved has reviewed it.".to_owned(),
        Review::Given { by, ok, note } => {
            let what = if *ok { "reviewed it: it was right" } else { "objects to it" };
            let note = note.as_ref().map_or(String::new(), |note| format!(": {}", escape(note)));
            ended(&format!("{} {what}{note}", escape(&to.name(by))))
        }
    };
    format!(
        "- {} on {}: {} **broke the glass** for {} at {}, without the votes: {} (incident {}). {review}\n",
        state.plan.service,
        state.plan.place(&glass.environment),
        escape(&to.name(&glass.person)),
        code(glass.commit.as_str()),
        stamp(glass.at),
        escape(&glass.reason),
        escape(&glass.incident)
    )
}

fn gates(state: &Hotfix, to: &Audience<'_>) -> String {
    let mut made = "| Step | From the runbook | How it went |\n|---|---|---|\n".to_owned();
    for (spec, at) in state.plan.steps.iter().zip(&state.steps) {
        let ids: Vec<&str> = spec.serves.iter().map(|id| id.as_str()).collect();
        let how = match at {
            StepState::Done { at, evidence } => format!("{}, {}", escape(&to.named(evidence)), stamp(*at)),
            StepState::Skipped { reason, .. } => format!("skipped: {}", escape(reason)),
            StepState::Current { .. } => "waited for".to_owned(),
            StepState::Offered { .. } => {
                if let StepKind::Triage { criteria, .. } = &spec.kind {
                    escape(&to.named(&on_record(state, criteria)))
                } else {
                    "optional, and not taken".to_owned()
                }
            }
            StepState::Ahead => "not reached".to_owned(),
        };
        made.push_str(&format!("| {} | {} | {how} |\n", escape(&spec.title), ids.join(", ")));
    }
    made
}

fn follow_ups(state: &Hotfix, to: &Audience<'_>) -> String {
    let mut lines = vec!["Why was it not found before production? (to be written by a person)".to_owned()];
    match &state.mainline {
        Mainline::NotMerged | Mainline::Reverted(_) if state.live_at.is_some() => {
            lines.push("Bring the fix to main before the next release.".to_owned())
        }
        Mainline::Waived { .. } => lines.push(
            "Make sure that the next release does not bring the fault back: main does not have the fix.".to_owned(),
        ),
        Mainline::NotMerged | Mainline::Reverted(_) | Mainline::Merged(..) => {}
    }
    lines.extend(state.break_glass.iter().filter_map(|broken| match &broken.review {
        Review::Given { by, ok: false, note } => {
            let why = note.as_deref().unwrap_or_default();
            Some(format!(
                "Settle the objection of {} to the broken glass: {}",
                escape(&to.name(by)),
                ended(&escape(why))
            ))
        }
        Review::Due { .. } => Some("Let somebody who was not involved review the broken glass.".to_owned()),
        Review::Given { ok: true, .. } | Review::NotNeeded => None,
    }));
    lines.extend(withheld(state, to).map(|what| format!("Release what was not included: {}.", escape(&what))));
    if matches!(&state.phase, Phase::Ended { ending: Ending::Aborted, .. }) {
        lines.push(format!("Look whether {} is still needed.", code(state.plan.branch.as_str())));
    }
    lines.extend(
        state.postmortem.iter().flatten().map(|url| format!("Read the team's own post-mortem: {}", escape(url))),
    );
    lines.iter().map(|line| format!("- [ ] {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{Observation, UserCommand};
    use crate::domain::event::DriftChoice;
    use crate::view::fixture::{Play, asked, closed, commit, same};

    #[test]
    fn the_account_of_a_run() {
        let play = closed();
        let whole = postmortem(&play.state, &play.entries, &play.to());
        let (account, _) = whole.split_once("## Timeline").unwrap();
        same(
            account,
            r#"
# Post-mortem of HF-12 payments: Fix 500 on upload

Ana opened this hotfix of payments at 2026-03-02 10:02 UTC. It was live in production after 32 m. The fix is on main: main contains the very commits, at `eeeeeee`. The run is over: every step is behind it.

## How long it took

| | When | After the first word |
|---|---|---|
| First word | 2026-03-02 10:02 UTC | 0 s |
| Live in production | 2026-03-02 10:34 UTC | 32 m |
| Proven on main | 2026-03-02 10:38 UTC | 36 m |
| Over | 2026-03-02 10:42 UTC | 40 m |

## Impact

- Incident: INC-77
- Who was affected, and how much: to be written by a person.

## What shipped

- `1111111` Accept uploads without a name — Chi

Deployments:

- staging: `abc1234` → `1111111`
- production: `abc1234` → `1111111`

## Not included

3 changes, by Ben and Eve:

- `aaaaaaa` Redesign the form — Ben
- `bbbbbbb` New currency — Eve
- `ccccccc` Round half even — Eve

## The branches

```text
main    X-----1-----2-----3-----M
         \                     /
hotfix    F1------------------/

X   abc1234  where it started
1   aaaaaaa  Redesign the form (Ben)
2   bbbbbbb  New currency (Eve)
3   ccccccc  Round half even (Eve)
F1  1111111  Accept uploads without a name (Chi)
M   eeeeeee  hotfix on main
```

## Who approved

- payments on production: Ben and Dee approved `1111111000000000000000000000000000000000` before 2026-03-02 10:32 UTC

## Gates and their evidence

| Step | From the runbook | How it went |
|---|---|---|
| Is it urgent? | APPLY-3 | opened by Ana (incident INC-77); it is urgent: not answered |
| Find what production runs | APPLY-6, APPLY-X6 | abc1234 by what production runs and the last successful deployment, 2026-03-02 10:04 UTC |
| See what must not ship | APPLY-4 | main holds 3 commits that do not ship with it, 2026-03-02 10:04 UTC |
| Tell the team | APPLY-15 | told in payments, 2026-03-02 10:06 UTC |
| Create the branch | APPLY-X2 | hotfix created at abc1234, 2026-03-02 10:08 UTC |
| Bring the fix | APPLY-7 | 1 commit, +12 −3 in 2 files, pull request \#7, 2026-03-02 10:12 UTC |
| Review | APPLY-8 | approved by Ben on 1111111, 1 check green, 2026-03-02 10:14 UTC |
| Test it | APPLY-9 | Ben says so, on 1111111, 2026-03-02 10:16 UTC |
| Deploy to staging | APPLY-10 | 1111111 runs on staging, 2026-03-02 10:20 UTC |
| Look at staging |  | Ben says so, on 1111111, 2026-03-02 10:22 UTC |
| Votes for production |  | Ben, Dee on 1111111 for production, 2026-03-02 10:28 UTC |
| Deploy to production | APPLY-10, APPLY-11 | 1111111 runs on production, 2026-03-02 10:34 UTC |
| Back to main | APPLY-12 | main contains the very commits at eeeeeee, 2026-03-02 10:38 UTC |
| Post-mortem | MAIN-18 | written: https://wiki.example/pm-12, 2026-03-02 10:42 UTC |

## Left out and overridden

Nothing.

## Changes of production by others

Nothing.

## What did not work

Nothing.

## Follow-ups

- [ ] Why was it not found before production? (to be written by a person)
- [ ] Release what was not included: 3 changes, by Ben and Eve.
- [ ] Read the team's own post-mortem: https://wiki.example/pm-12
"#,
        );
    }

    #[test]
    fn what_went_wrong_is_in_it() {
        let skip = UserCommand::Skip("local".parse().unwrap(), "staging | is <enough>".to_owned());
        let play = Play::open("Fix 500").surveyed().announced().branched().picked().by("ana", skip);
        let whole = postmortem(&play.state, &play.entries, &play.to());
        assert!(whole.contains("- Ana skipped **Test it**: staging \\| is &lt;enough&gt;\n"));
        assert!(whole.contains("It never went to production."));
        let drift = asked().saw(Observation::Production {
            environment: "production".parse().unwrap(),
            running: commit("9999999"),
            has_fix: false,
            brings: Vec::new(),
            total: 0,
        });
        let play = drift.by("ana", UserCommand::Drift(DriftChoice::Abort));
        let whole = postmortem(&play.state, &play.entries, &play.to());
        assert!(whole.contains("- 2026-03-02 10:26 UTC: expected `abc1234`, found `9999999`\n"));
        assert!(whole.contains("Ana decided to give the run up"));
        assert!(whole.contains("Look whether `hotfix` is still needed."));
    }
}
