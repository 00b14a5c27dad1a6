//! The timeline of a run as Markdown: each event with its time and author. Only events that matter to the bot alone are
//! left out.

use super::Audience;
use super::duration::stamp;
use super::plan::whose_word;
use super::render::{code, escape};
use super::text::{containment, contributor, count, lapsed, listing, name, once, paragraph};
use crate::domain::attribution::handle;
use crate::domain::event::{
    Actor, CloseReason, DeployIntent, DriftChoice, Ending, Entry, Event, MainSeen, PullSeen, Snapshot,
};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{PersonId, StepId};
use crate::domain::playbook::StepKind;
use crate::domain::react::is_triage;
use crate::domain::refusal::Refusal;
use hotfix_adapters::forge::{Check, CheckState};
use hotfix_adapters::ids::{CommitId, DeployKey, Environment};

/// Renders the timeline of a run, as Markdown.
#[must_use]
pub fn timeline(state: &Hotfix, entries: &[Entry], audience: &Audience<'_>) -> String {
    let head = format!("# Timeline of {} {}: {}\n\n", state.id, state.plan.service, escape(&state.title));
    head + &table(state, entries, audience)
}

/// Renders the table of the timeline, without a heading.
pub(super) fn table(state: &Hotfix, entries: &[Entry], audience: &Audience<'_>) -> String {
    let mut made = "| When | Who | What |\n|---|---|---|\n".to_owned();
    for entry in entries {
        let Some(what) = describe_event(state, entry, audience) else {
            continue;
        };
        let who = match &entry.by {
            Actor::Person(person) => escape(&audience.name(person)),
            Actor::Bot => "bot".to_owned(),
        };
        made.push_str(&format!("| {} | {who} | {what} |\n", stamp(entry.at)));
    }
    made
}

/// Describes an event on one line of Markdown; `None` for an event that matters to the bot alone.
fn describe_event(state: &Hotfix, entry: &Entry, to: &Audience<'_>) -> Option<String> {
    let title = |step: &StepId| title(state, step);
    let who = |person| escape(&name(to.people, person));
    let at = |environment: &Environment| state.plan.place(environment);
    let said = match &entry.event {
        Event::StepEntered { .. } => return None,
        Event::StepOffered { step } if is_triage(state, step) => {
            format!("asked **{}**; the run does not wait for the answers", title(step))
        }
        Event::StepOffered { step } => format!("offered **{}**, which is optional", title(step)),
        Event::FixAttributed(one) if one.pulls.is_empty() && !one.merge => return None,
        Event::StepDone { step, .. } if is_told_by_another(state, step) => return None,
        Event::Opened(opened) => {
            format!("opened it: {}{}", escape(&opened.title), incident(opened.incident.as_deref()))
        }
        Event::SnapshotTaken(survey) => surveyed(survey),
        Event::Refused { refusals } => format!("refused; nothing was done. {}", reasons(refusals, to)),
        Event::StepDone { step, evidence } => {
            format!("**{}** is fulfilled: {}", title(step), escape(&to.named(evidence)))
        }
        Event::StepSkipped { step, reason } => format!("skipped **{}**: {}", title(step), escape(reason)),
        Event::OverrideRequested { step, reason, incident } => {
            format!("asked to override **{}**: {} (incident {})", title(step), escape(reason), escape(incident))
        }
        Event::StepOverridden { step, asked_by, reason, incident } => {
            format!(
                "overrode **{}** together with {}: {} (incident {})",
                title(step),
                who(asked_by),
                escape(reason),
                escape(incident)
            )
        }
        Event::EvidenceChanged { step, problem: Some(problem) } => {
            format!("{} would not be done any more: {}", code(step.as_str()), escape(problem))
        }
        Event::EvidenceChanged { step, problem: None } => format!("{} holds again", code(step.as_str())),
        Event::StepReopened { step, reason } => {
            format!("**{}** is open again: {}", title(step), escape(&to.named(reason)))
        }
        Event::HeldBackFound { base, total, .. } => {
            format!(
                "on top of {}, main holds {} that do not ship with it",
                sha(base),
                count(*total, "change", "changes")
            )
        }
        Event::BaseFound { commit, sources } => {
            format!("it starts from {}, by {}", sha(commit), escape(&listing(sources)))
        }
        Event::Announced { reached, missed, .. } => {
            let direct =
                if missed.is_empty() { String::new() } else { format!("; told directly: {}", names(missed, to)) };
            format!("told the team: {} could read it{direct}", names(reached, to))
        }
        Event::BranchCreated { which, at } => {
            format!("created {} at {}", code(state.plan.branch_named(*which).as_str()), sha(at))
        }
        Event::TriageAnswered { answers } => format!("answered {}", count(answers.len(), "question", "questions")),
        Event::Agreed { step } => format!("agreed to **{}**", title(step)),
        Event::Targeted { commit } => format!("what is promoted is {}", sha(commit)),
        Event::JobFound { file } => format!("images are built of the branch, says {}", escape(file)),
        Event::FixesOnMain { sources } => {
            format!("the fix is on main: {}", sources.iter().map(sha).collect::<Vec<_>>().join(", "))
        }
        Event::Reached { environment, commit } => format!("{environment} runs {}, which has the change", sha(commit)),
        Event::Counted(counts) => format!(
            "counted the commits behind the versions: {} in production, {} of the hotfix, {} of main",
            counts.production, counts.ships, counts.main
        ),
        Event::ImageFound { published, .. } => format!(
            "found the image {}, {}",
            code(&format!("{}:{}", published.image.repository, published.image.tag)),
            code(published.image.digest.as_str())
        ),
        Event::ImagesPassedOver { why, .. } if why.is_empty() => "the images that were passed over are gone".to_owned(),
        Event::ImagesPassedOver { commit, why } => {
            format!("passed over {} that are not built from {}", count(why.len(), "image", "images"), sha(commit))
        }
        Event::EditsRead { environment, .. } => {
            format!("the changes of files for {environment} were computed")
        }
        Event::ImageMoved { to } => format!(
            "the tag of the image moved to {}",
            to.as_ref().map_or_else(|| "nothing".to_owned(), |digest| code(digest.short()))
        ),
        Event::LiveBranchMoved { from, to } if to.as_ref() == Some(from) => {
            format!("the branch that production runs is back at {}", sha(from))
        }
        Event::LiveBranchMoved { from, to } => format!(
            "somebody pushed to the branch that production runs: {} → {}",
            sha(from),
            to.as_ref().map_or_else(|| "gone".to_owned(), sha)
        ),
        Event::ReturnOpened { number, .. } => format!("opened pull request \\#{} into main", number.0),
        Event::DeployNoted { key, note } => format!("the deployment to {}: {}", place(state, key), escape(note)),
        Event::FixRequested { source } => format!("asked for {} on the branch", sha(source)),
        Event::FixAttributed(one) => {
            let people: Vec<String> = one.people.iter().map(|who| escape(&contributor(to.people, who))).collect();
            format!("{} is the work of {}", sha(&one.source), listing(&people))
        }
        Event::Identified { unknown, person, words } => {
            let is = person.as_ref().map_or_else(|| escape(words), |person| who(person).to_string());
            format!("stated that {} is {is}", code(&handle(unknown)))
        }
        Event::OthersPushed { people } => {
            let people: Vec<String> = people.iter().map(|who| escape(&who.name)).collect();
            format!("unknown people pushed to the branch: {}", people.join(", "))
        }
        Event::FixPicked { source, commit: Some(commit), .. } => format!("picked {} as {}", sha(source), sha(commit)),
        Event::FixesOrdered { sources } => {
            format!("fixes in the order of main: {}", sources.iter().map(sha).collect::<Vec<_>>().join(", "))
        }
        Event::FixRemovalRequested { source } => format!("asked to take {} off the branch", sha(source)),
        Event::FixRemoved { source, .. } => format!("{} is no longer part of it", sha(source)),
        Event::FixKept { source, files } => format!("{} stays: {} in the way", sha(source), escape(&files.join(", "))),
        Event::FixPicked { source, commit: None, empty: true } => format!("{} is an empty commit", sha(source)),
        Event::FixPicked { source, commit: None, empty: false } => format!("{} was there already", sha(source)),
        Event::FixConflicted { source, files } => {
            format!("{} does not apply: {}", sha(source), escape(&files.join(", ")))
        }
        Event::HeadMoved { from, head, .. } => {
            format!(
                "{} moved {} → {}, {}",
                code(state.plan.branch.as_str()),
                sha(from),
                sha(&head.tip),
                count(head.total, "commit", "commits")
            )
        }
        Event::PullOpened { number, .. } => format!("opened pull request \\#{}", number.0),
        Event::PullSeen(seen) => pull_seen(seen),
        Event::MainSeen(seen) => main_seen(state, seen),
        Event::VoteRequested { environment, commit, .. } => {
            format!("asked for votes for {} on {}", sha(commit), at(environment))
        }
        Event::VoteRequestClosed { environment, why } => {
            let why = match why {
                CloseReason::Expired => "its time is over",
                CloseReason::Retargeted => "the pull request goes into another branch",
                CloseReason::Edits => "the deployment would change files in another way",
            };
            format!("the question for {} is closed: {why}", at(environment))
        }
        Event::ApprovalChanged { environment, approval } => {
            format!("the policy changed; for {}: {}", at(environment), whose_word(approval))
        }
        Event::Voted(vote) => format!("approved {} for {}", sha(&vote.commit), at(&vote.environment)),
        Event::VoteWithdrawn { environment, person, why } => {
            let why = why.map_or(String::new(), |why| format!(": {}", lapsed(why)));
            format!("the yes of {} for {environment} does not count any more{why}", who(person))
        }
        Event::VoteRejected { environment, reason, .. } => format!("said no to {environment}: {}", escape(reason)),
        Event::RejectionWithdrawn { environment, person } if entry.by == Actor::Bot => {
            format!("the no of {} to {environment} was said of what would not ship any more", who(person))
        }
        Event::RejectionWithdrawn { environment, person } => {
            format!("{} took their no to {environment} back", who(person))
        }
        Event::BreakGlassUsed(glass) => format!(
            "**broke the glass** on {} for {}: {} (incident {})",
            sha(&glass.commit),
            at(&glass.environment),
            escape(&glass.reason),
            escape(&glass.incident)
        ),
        Event::BreakGlassAnnounced { .. } => "told the audit channel that the glass was broken".to_owned(),
        Event::BreakGlassVoided { reason } => {
            format!("the broken glass stands in for no votes any more: {}", escape(reason))
        }
        Event::Countersigned { ok, note } => {
            let what = if *ok { "reviewed the broken glass: it was right" } else { "objected to the broken glass" };
            format!("{what}{}", note.as_ref().map_or(String::new(), |note| format!(": {}", escape(note))))
        }
        Event::CountersignReminded { times } => {
            format!("reminded that the broken glass waits for a review, time {times}")
        }
        Event::Acknowledged => "has seen it".to_owned(),
        Event::Held { reason } => format!("put it on hold: {}", escape(reason)),
        Event::Unheld { person } => format!("lifted the hold of {}", who(person)),
        Event::Attested { place, commit, pass, note } => {
            let verified = if *pass { "verified" } else { "found a problem in" };
            format!(
                "{verified} {}, on {}{}",
                escape(place),
                sha(commit),
                note.as_ref().map_or(String::new(), |note| format!(": {}", escape(note)))
            )
        }
        Event::DeployRequested { environment, commit, rollback, reason, .. } => {
            let verb = if *rollback { "asked to roll back" } else { "asked to deploy to" };
            let why = reason.as_ref().map_or(String::new(), |reason| format!(", because: {}", escape(reason)));
            format!("{verb} {}: {}{why}", at(environment), sha(commit))
        }
        Event::DeployRefused { environment, refusals } => {
            format!("deployed nothing to {environment}. {}", reasons(refusals, to))
        }
        Event::DeployStarted(intent) => started(state, intent, to),
        Event::RolloutBegan { key } => {
            format!("the deployment to {} is merged and rolls out", place(state, key))
        }
        Event::DeployAwaitsConfirmation { key, .. }
            if state.deploy(key).is_some_and(|deploy| deploy.merged_at.is_some()) =>
        {
            let place = place(state, key);
            format!("the deployment to {place} is merged, and waits for a person to say whether it reached {place}")
        }
        Event::DeployAwaitsConfirmation { key, .. } => {
            format!("the deployment to {} waits for a person to do it", place(state, key))
        }
        Event::DeployEnded { key, failure: None } => format!("the deployment to {} succeeded", place(state, key)),
        Event::DeployEnded { key, failure: Some(why) } => {
            format!("the deployment to {} failed: {}", place(state, key), escape(why))
        }
        Event::Drifted { environment, expected, found, .. } => {
            format!("{environment} changed outside this run: expected {}, found {}", sha(expected), sha(found))
        }
        Event::DriftSettled { choice } => format!("decided to {}", drift(*choice)),
        Event::RebaseConflicted { files } => {
            format!("the fix does not apply to the new base: {}", escape(&files.join(", ")))
        }
        Event::Superseded { environment, by } => {
            format!("a newer release that contains the fix is in {environment}: {}", sha(by))
        }
        Event::Merged { number, commit, early: false } => {
            format!("merged pull request \\#{} as {}", number.0, sha(commit))
        }
        Event::Merged { number, commit, early: true } => {
            format!("saw pull request \\#{} merged as {} before it was deployed", number.0, sha(commit))
        }
        Event::BranchGone { at } => format!("saw {} deleted; it was at {}", code(state.plan.branch.as_str()), sha(at)),
        Event::BranchBack { at } => format!("saw {} back at {}", code(state.plan.branch.as_str()), sha(at)),
        Event::BranchMerged { by } => {
            let branch = code(state.plan.branch.as_str());
            format!("saw {branch} merged into main by {}, which must not be", sha(&by.commit))
        }
        Event::FixReverted { source, by, .. } => {
            format!("saw that {} reverted the fix {} on main", sha(&by.commit), sha(source))
        }
        Event::FixBack { source } => format!("saw the fix {} on main again", sha(source)),
        Event::FixConfirmed { source } => format!("wants {} shipped although main reverted it", sha(source)),
        Event::IncludedChangesFound { total, .. } => {
            format!("{} with it", count(*total, "change of others goes out", "changes of others go out"))
        }
        Event::MainlineMerged { how, main } => format!("the fix is on main: {}, at {}", containment(how), sha(main)),
        Event::MainlineReverted { by, partly } => {
            let what = if *partly { "a part of the fix" } else { "the fix" };
            format!("{} took {what} out of main again", sha(&by.commit))
        }
        Event::MainlineRewritten { by, .. } => format!("{} rewrote lines of the fix on main", sha(&by.commit)),
        Event::MainlineConfirmed { note: None } => "checked main: it has the fix, in other lines".to_owned(),
        Event::MainlineConfirmed { note: Some(note) } => {
            format!("checked main: it has the fix, in other lines: {}", escape(note))
        }
        Event::MergebackWaived { reason } => format!("gave up bringing the fix to main: {}", escape(reason)),
        Event::BranchDeleted => format!("deleted {}", code(state.plan.branch.as_str())),
        Event::PostmortemFiled { url: Some(url) } => format!("wrote the post-mortem: {}", escape(url)),
        Event::PostmortemFiled { url: None } => "said that the timeline is all that is wanted".to_owned(),
        Event::Joined { title } => format!("brought a second fix into it: {}", escape(title)),
        Event::Noted { text } => format!("noted: {}", escape(text)),
        Event::Reminded { step, times } => format!("reminded of **{}**, time {times}", title(step)),
        Event::Stuck { effect, reason } => {
            format!("could not {}: {}", escape(&effect.describe()), escape(once(reason)))
        }
        Event::Retried { .. } => "said to try again".to_owned(),
        Event::LanesReleased => "released the lanes: others may deploy again".to_owned(),
        Event::LanesTaken => "took the lanes again".to_owned(),
        Event::AbandonRequested { reason } => {
            format!("wants to end it although a deployment may still be running: {}", escape(reason))
        }
        Event::Abandoned { reason, asked_by, .. } => {
            let with = asked_by.as_ref().map_or(String::new(), |first| format!(", as {} asked", who(first)));
            format!("abandoned it{with}: {}", escape(reason))
        }
        Event::Aborted { reason } => format!("gave it up: {}", escape(reason)),
        Event::Closed { ending } => format!("closed it: {}", ended(ending)),
    };
    Some(said)
}

/// Returns `true` if the completion of a step is already in the timeline, as the event that satisfied the step.
fn is_told_by_another(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.step(step);
    spec.is_some_and(|spec| match &spec.kind {
        StepKind::Base { .. }
        | StepKind::Announce
        | StepKind::Branch { .. }
        | StepKind::Agree { .. }
        | StepKind::BuildJob { .. }
        | StepKind::OnMain
        | StepKind::OnEnvironment { .. }
        | StepKind::Image
        | StepKind::Target
        | StepKind::Deploy { .. }
        | StepKind::Merge { .. }
        | StepKind::RideAlong
        | StepKind::Mainline { .. }
        | StepKind::Postmortem { .. } => true,
        StepKind::Triage { .. }
        | StepKind::VersionOrder { .. }
        | StepKind::Expire
        | StepKind::HeldBack
        | StepKind::Releasable
        | StepKind::Capability { .. }
        | StepKind::Change { .. }
        | StepKind::Review { .. }
        | StepKind::Verify { .. }
        | StepKind::Approve { .. } => false,
    })
}

/// Returns the title of a step, as Markdown.
pub(super) fn title(state: &Hotfix, step: &StepId) -> String {
    let spec = state.plan.step(step);
    escape(spec.map_or(step.as_str(), |spec| &spec.title))
}

/// Describes the ending of a run.
pub(super) fn ended(ending: &Ending) -> &'static str {
    match ending {
        Ending::Completed => "every step is behind it",
        Ending::RolledIn => "the fix goes out with the regular release",
        Ending::Superseded => "a release that has the fix took its place",
        Ending::Reverted => "production is back at what it ran before",
        Ending::Refused => "it was refused",
        Ending::Aborted => "it was given up",
    }
}

/// Describes the answer to a drift.
pub(super) fn drift(choice: DriftChoice) -> &'static str {
    match choice {
        DriftChoice::Rebase => "put the fix on top of what production runs now",
        DriftChoice::Roll => "let the fix go out with the regular release",
        DriftChoice::Abort => "give the run up",
    }
}

/// Returns a short commit id, as Markdown.
pub(super) fn sha(commit: &CommitId) -> String {
    code(commit.short())
}

fn surveyed(survey: &Snapshot) -> String {
    let running = survey.running.as_ref().or(survey.last_success.as_ref());
    let runs = running.map_or_else(
        || "nothing can tell what production runs".to_owned(),
        |commit| format!("production runs {}", sha(commit)),
    );
    format!(
        "read the state: {runs}, main holds {} that are not there",
        count(survey.held_back_total, "change", "changes")
    )
}

fn incident(incident: Option<&str>) -> String {
    incident.map_or(String::new(), |incident| format!(" (incident {})", escape(incident)))
}

fn reasons(refusals: &[Refusal], to: &Audience<'_>) -> String {
    let ids = |refusal: &Refusal| {
        refusal.requirement.as_ref().map_or_else(|| refusal.code.clone(), |id| id.as_str().to_owned())
    };
    let each: Vec<String> = refusals
        .iter()
        .map(|refusal| format!("{}: {}", code(&ids(refusal)), escape(&to.named(&refusal.reason))))
        .collect();
    each.join(" ")
}

fn names<'a>(people: impl IntoIterator<Item = &'a PersonId>, to: &Audience<'_>) -> String {
    escape(&listing(&people.into_iter().map(|person| to.name(person)).collect::<Vec<_>>()))
}

fn pull_seen(seen: &PullSeen) -> String {
    let marks =
        [(seen.closed, ", closed"), (seen.draft, ", a draft"), (!seen.hold_labels.is_empty(), ", held by a label")];
    let marks: String = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
    format!("saw {}, {}{marks}", count(seen.reviews.len(), "review", "reviews"), green(&seen.checks))
}

fn main_seen(state: &Hotfix, seen: &MainSeen) -> String {
    let merged = state.pull.as_ref().and_then(|pull| pull.merged.as_ref()) == Some(&seen.commit);
    let what = if merged { "the merge" } else { "main" };
    let blockers = if seen.blockers.is_empty() {
        String::new()
    } else {
        format!(", {}", count(seen.blockers.len(), "release blocker", "release blockers"))
    };
    format!("saw {what} at {}, {}{blockers}", sha(&seen.commit), green(&seen.checks))
}

fn green(checks: &[Check]) -> String {
    let green = checks.iter().filter(|check| check.state == CheckState::Success).count();
    format!("{green} of {} green", count(checks.len(), "check", "checks"))
}

fn started(state: &Hotfix, intent: &DeployIntent, to: &Audience<'_>) -> String {
    let verb = if intent.rollback { "began to roll back" } else { "began to deploy to" };
    let from = intent.previous.as_ref().map_or(String::new(), |old| format!("{} → ", sha(old)));
    let by =
        if intent.votes.is_empty() { String::new() } else { format!(", approved by {}", names(&intent.votes, to)) };
    let glass =
        intent.glass.as_ref().map_or(String::new(), |who| format!(", by the glass that {} broke", names([who], to)));
    format!("{verb} {}: {from}{}{by}{glass}", state.plan.place(&intent.environment), sha(&intent.commit))
}

fn place(state: &Hotfix, key: &DeployKey) -> String {
    state.deploy(key).map_or_else(|| paragraph(key.as_str()), |deploy| state.plan.place(&deploy.intent.environment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{closed, every_event, live, person, same};

    #[test]
    fn every_event_is_read_back_as_it_was_written() {
        for event in every_event() {
            let entry = crate::domain::event::Entry { at: live().now, by: Actor::Bot, event };
            let text = serde_json::to_string(&entry).unwrap();
            let back: crate::domain::event::Entry =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            assert_eq!(back, entry);
        }
    }

    #[test]
    fn the_timeline_of_a_run() {
        let play = closed();
        same(
            &timeline(&play.state, &play.entries, &play.to()),
            r#"
# Timeline of HF-12 payments: Fix 500 on upload

| When | Who | What |
|---|---|---|
| 2026-03-02 10:02 UTC | Ana | opened it: Fix 500 on upload (incident INC-77) |
| 2026-03-02 10:04 UTC | bot | read the state: production runs `abc1234`, main holds 3 changes that are not there |
| 2026-03-02 10:04 UTC | bot | asked **Is it urgent?**; the run does not wait for the answers |
| 2026-03-02 10:04 UTC | bot | it starts from `abc1234`, by what production runs and the last successful deployment |
| 2026-03-02 10:04 UTC | bot | **See what must not ship** is fulfilled: main holds 3 commits that do not ship with it |
| 2026-03-02 10:06 UTC | bot | told the team: Ana, Ben, Chi and Dee could read it; told directly: Eve |
| 2026-03-02 10:08 UTC | bot | created `hotfix` at `abc1234` |
| 2026-03-02 10:10 UTC | bot | picked `f1f1f1f` as `1111111` |
| 2026-03-02 10:10 UTC | bot | `hotfix` moved `abc1234` → `1111111`, 1 commit |
| 2026-03-02 10:12 UTC | bot | opened pull request \#7 |
| 2026-03-02 10:12 UTC | bot | **Bring the fix** is fulfilled: 1 commit, +12 −3 in 2 files, pull request \#7 |
| 2026-03-02 10:14 UTC | bot | saw 1 review, 1 of 1 check green |
| 2026-03-02 10:14 UTC | bot | **Review** is fulfilled: approved by Ben on 1111111, 1 check green |
| 2026-03-02 10:16 UTC | Ben | verified local, on `1111111`: 20 MB went through |
| 2026-03-02 10:16 UTC | bot | **Test it** is fulfilled: Ben says so, on 1111111 |
| 2026-03-02 10:16 UTC | bot | asked to deploy to staging: `1111111` |
| 2026-03-02 10:18 UTC | bot | began to deploy to staging: `abc1234` → `1111111` |
| 2026-03-02 10:20 UTC | bot | the deployment to staging succeeded |
| 2026-03-02 10:22 UTC | Ben | verified staging, on `1111111`: 20 MB went through |
| 2026-03-02 10:22 UTC | bot | **Look at staging** is fulfilled: Ben says so, on 1111111 |
| 2026-03-02 10:24 UTC | bot | asked for votes for `1111111` on production |
| 2026-03-02 10:26 UTC | Ben | approved `1111111` for production |
| 2026-03-02 10:28 UTC | Dee | approved `1111111` for production |
| 2026-03-02 10:28 UTC | bot | **Votes for production** is fulfilled: Ben, Dee on 1111111 for production |
| 2026-03-02 10:30 UTC | Ana | asked to deploy to production: `1111111` |
| 2026-03-02 10:32 UTC | bot | began to deploy to production: `abc1234` → `1111111`, approved by Ben and Dee |
| 2026-03-02 10:34 UTC | bot | the deployment to production succeeded |
| 2026-03-02 10:36 UTC | bot | merged pull request \#7 as `eeeeeee` |
| 2026-03-02 10:38 UTC | bot | the fix is on main: main contains the very commits, at `eeeeeee` |
| 2026-03-02 10:38 UTC | bot | released the lanes: others may deploy again |
| 2026-03-02 10:40 UTC | bot | deleted `hotfix` |
| 2026-03-02 10:42 UTC | Ana | wrote the post-mortem: https://wiki.example/pm-12 |
| 2026-03-02 10:42 UTC | bot | closed it: every step is behind it |
"#,
        );
    }

    #[test]
    fn every_kind_of_event_but_the_turn_of_a_step_is_in_it() {
        let play = live();
        for event in every_event() {
            let turn = matches!(event, Event::StepEntered { .. });
            let entry = Entry { at: play.now, by: Actor::Person(person("ana")), event };
            let what = describe_event(&play.state, &entry, &play.to());
            assert_eq!(what.is_none(), turn, "{:?}", entry.event);
            assert!(what.is_none_or(|what| !what.trim().is_empty() && !what.contains('\n')), "{:?}", entry.event);
        }
    }
}
