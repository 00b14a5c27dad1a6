use super::*;
use crate::domain::command::{Command, EffectResult, Fixes, Observation, PickResult, Rebased, UserCommand};
use crate::domain::effect::Effect;
use crate::domain::event::DriftChoice;
use crate::domain::evolve::replay;
use crate::domain::react::react;
use crate::domain::vote_source::VoteSource;
use crate::view::fixture::{Play, asked, begun, closed, commit, environment, head, live, picked, same, yes};
use crate::view::plain;
use hotfix_adapters::chat::Span;

/// Renders the thread of a run from this entry on. Asserts that an event has a message exactly if `react` requests one.
fn thread(play: &Play, from: usize) -> String {
    let mut said = String::new();
    for at in from..play.entries.len() {
        let state = replay(play.state.id, &play.entries[..=at]).unwrap().unwrap();
        let entry = &play.entries[at];
        let card = line(&state, entry, &play.to());
        let wanted =
            react(&state, entry, state.version).effects.iter().any(|effect| matches!(effect, Effect::PostEvent { .. }));
        assert_eq!(card.is_some(), wanted, "{:?}", entry.event);
        if let Some(card) = card {
            said.push_str(&format!("[{:?}] {}", card.tone, plain(&card)));
        }
    }
    said
}

fn from(before: &Play, after: &Play) -> String {
    thread(after, before.entries.len())
}

#[test]
fn a_run_as_its_team_reads_it() {
    same(
        &thread(&closed(), 0),
        r#"
[Neutral] The branch `hotfix` is there, at `abc1234`, with nothing on it yet.
The bot picks 1 commit onto it now.
[Neutral] Picked `f1f1f1f` onto `hotfix` as `1111111`.
[Neutral] `hotfix` moved: `abc1234` → `1111111`, now 1 commit, +12 −3 in 2 files.
• `1111111` Accept uploads without a name — Chi
[Asking] Pull request #7 <https://forge.example/payments/7> into `main` is open.
@Ben, @Dee or @Eve: please review it, and do not merge it. It is deployed from the branch first and merged afterwards.
[Good] Review (APPLY-8): approved by Ben on 1111111, 1 check green.
@Ana: please look locally or in the review app. Does an upload work? Then say `/hotfix verify local pass` or `/hotfix verify local fail <what you saw>`.
[Good] Ben verified the fix locally or in the review app on `1111111`: “20 MB went through”.
[Neutral] Deploying to staging: `abc1234` → `1111111`.
[Good] Staging runs it: `abc1234` → `1111111`.
@Ana: please look there. Does an upload of 20 MB work? Then say `/hotfix verify staging pass` or `/hotfix verify staging fail <what you saw>`.
[Good] Ben verified staging on `1111111`: “20 MB went through”.
[Good] Ben says yes to `1111111` for production, until 12:26 UTC. Still missing: 1 vote of an approver.
[Good] Dee says yes to `1111111` for production, until 12:28 UTC. That is enough.
[Good] Approved by Ben and Dee for production: `1111111`.
@Ana: when it shall begin, say `/hotfix deploy production`.
[Neutral] Deploying to production: `abc1234` → `1111111`, approved by Ben and Dee.
To watch: errors and response times of payments. Incident: INC-77
[Good] Live in production: `abc1234` → `1111111`
Staging runs `1111111`, the same.
To watch: errors and response times of payments. Incident: INC-77
To roll back: `/hotfix rollback production <why>`.
Production is in a non-standard state until the fix is on `main`.
Please no production deploys of payments until this thread says so.
[Good] Pull request #7 <https://forge.example/payments/7> is merged into `main` as `eeeeeee`.
[Good] The fix is on main: main contains the very commits, at `eeeeeee`. The next regular release contains it.
[Good] Production deploys of payments are free again.
[Neutral] The branch `hotfix` is deleted; everything on it is on main.
[Good] Ana wrote the post-mortem: https://wiki.example/pm-12
[Good] HF-12 is closed: completed in 40 m
The fix is on main: main contains the very commits, at `eeeeeee`.
It was live after 32 m.
Post-mortem: https://wiki.example/pm-12
"#,
    );
}

#[test]
fn a_fix_that_does_not_apply_comes_with_what_to_type() {
    let before = begun().announced().branched();
    let result = PickResult::Conflict { files: vec!["src/upload.rs".to_owned(), "src/`form`.rs".to_owned()] };
    let conflict = before.clone().came(picked("f1f1f1f", result));
    same(
        &from(&before, &conflict),
        r#"
[Bad] The fix `f1f1f1f` does not apply to `hotfix`
@Ana: settle it on your machine and push; the bot goes on from there.
In the way: `src/upload.rs`, `src/`form`.rs`
`git fetch origin && git switch hotfix && git merge --ff-only origin/hotfix`
`git cherry-pick -x f1f1f1f000000000000000000000000000000000`
`git add <files> && git cherry-pick --continue`
`git push origin hotfix`
"#,
    );
    let settled = conflict.clone().saw(Observation::Head(Some(head("2222222", "Accept uploads, by hand"))));
    same(
        &from(&conflict, &settled),
        r#"
[Neutral] `hotfix` moved: `abc1234` → `2222222`, now 1 commit, +12 −3 in 2 files.
• `2222222` Accept uploads, by hand — Chi
Settled by hand: `f1f1f1f`.
"#,
    );
}

#[test]
fn drift_offers_three_ways() {
    let before = asked();
    let drift = before.clone().saw(Observation::Production {
        environment: environment("production"),
        running: commit("9999999"),
        has_fix: false,
        brings: Vec::new(),
        total: 0,
    });
    same(
        &from(&before, &drift),
        r#"
[Bad] Production changed outside this hotfix
Expected `abc1234`, found `9999999`. The run is paused.
To go on as if nothing had happened would roll the work of others back.
@Ana or a captain, please say how to go on:
• `/hotfix drift rebase` — put the fix on top of what runs now; reviews, tests and votes start again.
• `/hotfix drift roll` — let the fix go out with the regular release, as a normal change.
• `/hotfix drift abort` — give this hotfix up.
"#,
    );
    let rebase = drift.clone().by("ana", UserCommand::Drift(DriftChoice::Rebase));
    let conflict = rebase.came(EffectResult::Rebased(Rebased::Conflict(vec!["src/upload.rs".to_owned()])));
    same(
        &from(&drift, &conflict),
        r#"
[Neutral] Ana decides: the fix goes on top of what production runs now, `9999999`. Reviews, tests and votes start again.
[Bad] The fix does not apply to what production runs now
@Ana: settle it on your machine and push; the bot goes on from there.
In the way: `src/upload.rs`
`git fetch origin && git switch hotfix && git merge --ff-only origin/hotfix`
`git rebase --onto 9999999000000000000000000000000000000000 abc1234000000000000000000000000000000000 hotfix`
`git add <files> && git rebase --continue`
`git push --force-with-lease=hotfix:1111111000000000000000000000000000000000 origin hotfix`
"#,
    );
    let roll = drift.clone().by("ana", UserCommand::Drift(DriftChoice::Roll)).on_main();
    same(
        &from(&drift, &roll),
        r#"
[Neutral] Ana decides: the fix goes out with the regular release, as a normal change. This run deploys nothing more; what is left is to bring it to main.
[Good] Pull request #7 <https://forge.example/payments/7> is merged into `main` as `eeeeeee`.
[Good] The fix is on main: main contains the very commits, at `eeeeeee`. The next regular release contains it.
[Good] Production deploys of payments are free again.
[Neutral] The branch `hotfix` is deleted; everything on it is on main.
"#,
    );
    let abort = drift.clone().by("ana", UserCommand::Drift(DriftChoice::Abort));
    same(
        &from(&drift, &abort),
        r#"
[Neutral] Ana decides to give this hotfix up.
[Warning] HF-12 is given up
Ana gave it up: production changed under it.
The branch `hotfix` and pull request #7 are left as they are: close and delete them, or merge them as a normal change.
Production deploys of payments are free again.
"#,
    );
}

#[test]
fn deployments_that_fail_are_tried_again_or_rolled_back() {
    let ready = asked().by("ben", yes(None)).by("dee", yes(None));
    let began = ready.by("ana", UserCommand::Deploy(environment("production"))).begins("abc1234");
    let failed = began.clone().ends(Some("exit 1\nout of <!channel> disk\u{202e}"));
    same(
        &from(&began, &failed),
        r#"
[Bad] The deployment of `1111111` to production failed
exit 1
out of <!channel> disk\u{202e}.
It may have done all, half or none of its work: look at what production runs.
@Ana: try again with `/hotfix retry`, or put back what ran before: `/hotfix rollback production <why>`.
"#,
    );
    let live = live();
    let back = live
        .clone()
        .by(
            "ana",
            UserCommand::Rollback { environment: environment("production"), to: None, reason: "it is slow".to_owned() },
        )
        .begins("1111111")
        .ends(None);
    same(
        &from(&live, &back),
        r#"
[Neutral] Rolling back production: `1111111` → `abc1234`, asked for by Ana.
Why: it is slow.
[Warning] Production is back on `abc1234`
The fix is not on production any more.
@Ana: push a better fix; nobody is asked to vote for this one again unless somebody says `/hotfix retry`. To give it up, say `/hotfix abort <why>`.
Please no production deploys of payments until this thread says so.
"#,
    );
}

/// The fix is live and not on main, so aborting the run is not among the options.
#[test]
fn drift_of_a_live_fix_offers_what_is_possible() {
    let live = live();
    let drift = live.clone().saw(Observation::Production {
        environment: environment("production"),
        running: commit("9999999"),
        has_fix: false,
        brings: Vec::new(),
        total: 0,
    });
    let said = from(&live, &drift);
    for way in ["/hotfix drift rebase", "/hotfix drift roll", "/hotfix abandon <reason>"] {
        assert!(said.contains(&format!("• `{way}`")), "{said}");
    }
    assert!(!said.contains("drift abort"), "{said}");
}

/// After the merge no push to the branch is suggested, because no other fix can go onto it.
#[test]
fn a_rollback_after_the_merge_sends_nobody_to_the_branch() {
    let merged = live().on_main();
    let back = merged
        .clone()
        .by(
            "ana",
            UserCommand::Rollback { environment: environment("production"), to: None, reason: "it is slow".to_owned() },
        )
        .begins("1111111")
        .ends(None);
    let said = from(&merged, &back);
    let next = "@Ana: `main` still has the change. Revert it there, or give this one up with `/hotfix abort <why>` and start a \
                new hotfix; nobody is asked to vote for this one again unless somebody says `/hotfix retry`.";
    assert!(said.contains(next), "{said}");
    let shown = plain(&crate::view::card(&back.state, &back.to(), back.now));
    assert!(shown.contains("\nRolled back.\n"), "{shown}");
}

/// A deleted branch is reported in the thread and on the card, with the commands to restore it and to abort.
#[test]
fn a_branch_that_is_gone_is_said_until_it_is_back() {
    let before = asked();
    let gone = before.clone().saw(Observation::Head(None));
    let next = "@Ana: to have `hotfix` back at `1111111`, say `/hotfix retry`; to give the hotfix up, say `/hotfix abort <why>`.";
    let shown = plain(&crate::view::card(&gone.state, &gone.to(), gone.now));
    for said in [from(&before, &gone), shown.clone()] {
        assert!(said.contains(next), "{said}");
    }
    assert!(shown.contains("\nStopped: the branch was deleted.\n"), "{shown}");
    assert!(!shown.contains("Answer the question"), "{shown}");
    let over = gone.clone().by("ana", UserCommand::Abort("the flag was enough".to_owned()));
    let said = from(&gone, &over);
    assert!(said.contains("Pull request #7 is left as it is; close it when nobody needs it."), "{said}");
    assert!(!said.contains("The branch `hotfix`"), "{said}");
}

/// The message about a reopened step starts with the remedy and the person who must act.
#[test]
fn a_step_that_is_open_again_names_the_remedy() {
    use crate::domain::event::PullSeen;
    use hotfix_adapters::forge::{Check, CheckState};
    let before = asked();
    let mut seen: PullSeen = before.state.pull.as_ref().unwrap().seen.clone();
    seen.checks = vec![Check { name: "build".to_owned(), app: "ci".to_owned(), state: CheckState::Failure }];
    let red = before.clone().saw(Observation::Pull { seen, merged: None });
    let said = from(&before, &red);
    assert!(said.contains("is open again: build failed.\n@Ana: build failed. Run the check again, or push"), "{said}");
}

#[test]
fn noes_holds_and_overrides_say_how_they_end() {
    let before = asked();
    let no = before
        .clone()
        .by("ben", yes(None))
        .by("dee", UserCommand::Reject { reason: "the queue is full".to_owned(), on: None, way: VoteSource::Command })
        .by("eve", UserCommand::Hold("my migration runs until noon".to_owned()))
        .by("dee", UserCommand::Unapprove { on: None })
        .by("ben", UserCommand::Unapprove { on: None })
        .by("dee", UserCommand::Unhold)
        .by("chi", UserCommand::Acknowledge)
        .by("chi", UserCommand::Note("the logs look fine".to_owned()))
        .then(&Command::Timer("votes".parse().unwrap()));
    same(
        &from(&before, &no),
        r#"
[Good] Ben says yes to `1111111` for production, until 12:26 UTC. Still missing: 1 vote of an approver.
[Bad] Dee says no to production: the queue is full.
@Ana: nothing is deployed to production until they take it back (`/hotfix unapprove`) or a new head comes.
[Warning] Eve puts it on hold: my migration runs until noon.
@Ana: nothing is deployed until they, or a captain, lift it with `/hotfix unhold`.
[Neutral] Dee took their no to production back.
[Warning] Ben took their yes for production back.
[Neutral] Dee lifted the hold of Eve.
[Neutral] Chi has seen this.
[Neutral] Chi notes: the logs look fine
[Asking] Still waiting, for 20 m now: Votes for production.
@Ben, @Dee or @Eve: production still needs 2 votes of approvers. Answer the question in the thread, or say `/hotfix approve` or `/hotfix reject <why>`.
"#,
    );
    let before = begun().announced().branched().picked();
    let over = |why: &str| UserCommand::Override {
        gate: "review".parse().unwrap(),
        reason: why.to_owned(),
        incident: "INC-77".to_owned(),
    };
    let overridden =
        before.clone().by("ana", over("nobody is awake to review")).by("dee", over("I agree, payments are down"));
    let skipped = overridden.by("ana", UserCommand::Skip("local".parse().unwrap(), "staging is enough".to_owned()));
    same(
        &from(&before, &skipped),
        r#"
[Asking] Ana asks to override Review (APPLY-8): nobody is awake to review. Incident: INC-77
It is a must, so a second person has to say the same: `/hotfix override review <why> --incident <link>`. Until then it holds.
[Warning] Ana and Dee overrode Review (APPLY-8): I agree, payments are down. Incident: INC-77
It stands in the post-mortem with both names.
[Warning] Ana skipped Test it (APPLY-9): staging is enough.
"#,
    );
}

#[test]
fn what_stops_a_run_and_what_ends_it() {
    let before = begun().announced().branched().picked();
    let stuck = EffectResult::Refused {
        effect: Effect::OpenPull,
        reason: "the branch is protected; say `retry` once it is not".to_owned(),
    };
    let stopped = before
        .clone()
        .came(stuck)
        .by("ana", UserCommand::Retry)
        .verified("local", false)
        .by(
            "dee",
            UserCommand::Join {
                title: "Fix the totals".to_owned(),
                fixes: Fixes { commits: vec![commit("f2f2f2f")], reordered: false },
            },
        )
        .by("ana", UserCommand::Abort("the flag was enough".to_owned()));
    same(
        &from(&before, &stopped),
        r#"
[Bad] Could not open the pull request
the branch is protected; say `retry` once it is not.
@Ana: put it right, then say `/hotfix retry`.
[Neutral] Ana says to try again.
[Bad] Ben found a problem locally or in the review app on `1111111`: “still a 500”.
@Ana: push a better fix, or, if that was wrong, say `/hotfix verify local pass`.
[Warning] Dee brings a second fix into this hotfix: Fix the totals. It goes onto the same branch; a new head starts reviews, tests and votes again.
[Warning] HF-12 is given up
Ana gave it up: the flag was enough.
The branch `hotfix` and pull request #7 are left as they are: close and delete them, or merge them as a normal change.
Production deploys of payments are free again.
"#,
    );
    let mut survey = crate::view::fixture::survey();
    survey.held_back.clear();
    survey.held_back_total = 0;
    let refused = Play::open("Fix 500 on upload").came(EffectResult::SnapshotTaken(Box::new(survey)));
    same(
        &thread(&refused, 0),
        r#"
[Warning] HF-12 payments — Fix 500 on upload is refused; nothing was done
`APPLY-4` — Nothing is withheld: production runs everything that is on main, so a hotfix would only be a detour. Merge the fix to main and deploy as usual.
Production deploys of payments are free again.
"#,
    );
}

#[test]
fn the_way_back_to_main_can_be_lost_waived_or_overtaken() {
    let live = live();
    let lost = live
        .clone()
        .saw(Observation::Production {
            environment: environment("production"),
            running: commit("8888888"),
            has_fix: true,
            brings: Vec::new(),
            total: 0,
        })
        .came(EffectResult::IncludedChanges { riders: Vec::new(), total: 0 })
        .by("dee", UserCommand::WaiveMergeback("main was rewritten".to_owned()));
    same(
        &from(&live, &lost),
        r#"
[Good] A newer release is on production: `8888888`, which contains the fix. Nothing is lost, and this run goes on to its end.
[Neutral] Nothing else goes to production with it.
[Warning] Dee gives up bringing the fix to main: main was rewritten. The next regular release does not contain it.
[Good] Production deploys of payments are free again.
"#,
    );
}

#[test]
fn every_kind_of_event_is_said_where_it_should_be() {
    let state = live().state;
    let play = live();
    for event in crate::view::fixture::every_event() {
        let entry = Entry { at: play.now, by: Actor::Person(crate::view::fixture::person("ana")), event };
        let card = line(&state, &entry, &play.to());
        let wanted = react(&state, &entry, 1).effects.iter().any(|effect| matches!(effect, Effect::PostEvent { .. }));
        assert_eq!(card.is_some(), wanted, "{:?}", entry.event);
        let empty =
            |card: &Card| card.lines.is_empty() || card.lines.iter().any(|text| text.to_plain().trim().is_empty());
        assert!(card.as_ref().is_none_or(|card| !empty(card)), "{:?}", entry.event);
    }
}

#[test]
fn text_from_outside_stays_plain_or_code() {
    let evil = "<!channel> `x` \u{202e}daol";
    let before = begun().announced().branched();
    let result = PickResult::Done { commit: commit("1111111"), head: head("1111111", evil) };
    let after = before.clone().came(picked("f1f1f1f", result)).by("ben", UserCommand::Note(evil.to_owned()));
    for (at, entry) in after.entries.iter().enumerate().skip(before.entries.len()) {
        let state = replay(after.state.id, &after.entries[..=at]).unwrap().unwrap();
        let Some(card) = line(&state, entry, &after.to()) else {
            continue;
        };
        for span in card.lines.iter().chain(&card.title).flat_map(|text| &text.0) {
            match span {
                Span::Plain(words) | Span::Code(words) => assert!(!words.contains('\u{202e}')),
                Span::Strong(words) => assert!(!words.contains("channel")),
                Span::Mention { name, .. } | Span::Group { name, .. } => assert!(!name.contains("channel")),
                Span::Channel(_) => {}
                Span::Link { url, label } => assert!(!url.contains("channel") && !label.contains("channel")),
            }
        }
    }
    assert!(from(&before, &after).contains("<!channel> `x` \\u{202e}daol"));
}

fn breaks(commit: &str, reason: &str) -> UserCommand {
    UserCommand::BreakGlass {
        environment: environment("production"),
        commit: commit.to_owned(),
        reason: reason.to_owned(),
        incident: "https://status.example/i/7".to_owned(),
        audit: "audit".parse().unwrap(),
    }
}

fn broken() -> Play {
    asked().by("dee", breaks("1111111", "every payment fails and nobody is awake"))
}

fn announced(play: Play) -> Play {
    let version = play.state.break_glass.last().unwrap().version;
    play.came(EffectResult::BreakGlassAnnounced { version, message: crate::view::fixture::message("a1") })
}

fn refused(play: &Play, who: &str, act: UserCommand) -> String {
    let command = Command::User(crate::view::fixture::grant(who), act);
    let refusals = crate::domain::decide::decide(&play.state, &command, play.now).unwrap_err();
    refusals.iter().map(|refusal| refusal.code.as_str()).collect::<Vec<_>>().join(" ")
}

/// A break-glass counts after its announcement in the audit channel, replaces only votes, and is reviewed by a person
/// who was not involved before the run ends (security case 90).
#[test]
fn case_90_a_broken_glass_is_told_used_and_reviewed() {
    let silent = broken();
    assert!(silent.state.is_current(|kind| matches!(kind, crate::domain::playbook::StepKind::Approve { .. })));
    assert_eq!(
        refused(&silent, "ben", breaks("1111111", "every payment fails and nobody is awake")),
        "break-glass.broken"
    );
    let open = announced(silent.clone());
    assert_eq!(refused(&open, "dee", yes(None)), "vote.break-glass");
    let begun = open.clone().by("ana", UserCommand::Deploy(environment("production"))).begins("abc1234");
    let intent = &begun.state.deploys.last().unwrap().intent;
    assert_eq!((intent.glass.as_ref().map(|who| who.as_str()), intent.votes.len()), (Some("dee"), 0));
    let wanted = |ok, note: Option<&str>| UserCommand::Countersign { ok, note: note.map(str::to_owned) };
    let live = begun.ends(None).on_main().by("ana", UserCommand::Postmortem(None));
    assert!(live.state.current().is_none() && !live.state.is_over(), "it waits for the review");
    assert_eq!(refused(&live, "dee", wanted(true, None)), "countersign.breaker");
    assert_eq!(refused(&live, "ana", wanted(true, None)), "countersign.requester");
    assert_eq!(refused(&live, "chi", wanted(true, None)), "countersign.author");
    assert_eq!(refused(&live, "ben", wanted(false, None)), "countersign.note");
    assert_eq!(refused(&live, "ana", UserCommand::Close), "close.break-glass");
    let left = live.clone().then(&Command::CountersignTimer);
    same(
        &from(&live, &left),
        r#"
[Asking] Still waiting, for 12 m now: nobody has reviewed the broken glass.
@Ben or @Eve: please look at what went out by the broken glass, and say `/hotfix countersign ok` or `/hotfix countersign objection <why>`. The run does not end before.
"#,
    );
    let over = live.by("ben", wanted(false, Some("I was awake")));
    assert!(over.state.is_over());
}

/// If the quorum is reached, the deployment does not use the break-glass, and no review is requested.
#[test]
fn a_glass_that_was_not_needed_after_all_asks_nobody() {
    let voted = announced(broken()).by("ben", yes(None)).by("eve", yes(None));
    let begun = voted.by("ana", UserCommand::Deploy(environment("production")));
    let key = "hf-12-production-99".parse().unwrap();
    let roles = |who: &str| (who.parse().unwrap(), crate::view::fixture::grant(who).roles);
    let facts = crate::domain::command::DeployFacts {
        tip: Some(commit("1111111")),
        running: Some(commit("abc1234")),
        policy_version: "policy-1".to_owned(),
        standing: [roles("ben"), roles("eve")].into(),
        ..Default::default()
    };
    let asked = begun.state.requested_deploy.clone().unwrap();
    let begun = begun.came(EffectResult::DeployChecked {
        environment: asked.environment,
        commit: asked.commit,
        key,
        facts: Box::new(facts),
    });
    let intent = &begun.state.deploys.last().unwrap().intent;
    assert_eq!((intent.glass.as_ref(), intent.votes.len()), (None, 2));
    assert!(!crate::domain::break_glass::review_due(&begun.state));
}

/// A break-glass is void after a new head, after its person loses the right to break-glass, and after a policy change.
#[test]
fn case_90_a_glass_is_void_with_what_it_was_for() {
    let open = announced(broken());
    let moved = open.clone().saw(Observation::Head(Some(head("2222222", "More"))));
    assert!(moved.state.break_glass[0].void);
    let back = moved.saw(Observation::Head(Some(head("1111111", "Accept uploads without a name"))));
    assert!(crate::domain::break_glass::applies_to(&back.state, &environment("production"), back.now, None).is_none());

    let asked = open.by("ana", UserCommand::Deploy(environment("production")));
    let begin = |glass: &[&str], policy: &str| {
        let facts = crate::domain::command::DeployFacts {
            tip: Some(commit("1111111")),
            running: Some(commit("abc1234")),
            policy_version: policy.to_owned(),
            glass: glass.iter().map(|who| who.parse().unwrap()).collect(),
            ..Default::default()
        };
        let asked_for = asked.state.requested_deploy.clone().unwrap();
        let key = "hf-12-production-99".parse().unwrap();
        asked.clone().came(EffectResult::DeployChecked {
            environment: asked_for.environment,
            commit: asked_for.commit,
            key,
            facts: Box::new(facts),
        })
    };
    for (glass, policy, wanted) in
        [(&["dee"][..], "policy-2", true), (&[], "policy-1", true), (&["dee"], "policy-1", false)]
    {
        let after = begin(glass, policy);
        assert_eq!(after.state.break_glass[0].void, wanted, "{glass:?} {policy}");
        assert_eq!(after.state.deploys.last().unwrap().intent.glass.is_none(), wanted, "{glass:?} {policy}");
    }
}

/// Invalid arguments are all refused at once, and a break-glass replaces nothing but votes.
#[test]
fn case_90_what_the_glass_does_not_stand_in_for() {
    let play = asked();
    assert_eq!(refused(&play, "dee", breaks("2222222", "it is urgent")), "break-glass.commit break-glass.reason");
    assert_eq!(
        refused(&play, "dee", breaks("111111", "every payment fails and nobody is awake")),
        "break-glass.commit"
    );
    let no =
        play.by("ben", UserCommand::Reject { reason: "not like this".to_owned(), on: None, way: VoteSource::Command });
    assert_eq!(refused(&no, "dee", breaks("1111111", "every payment fails and nobody is awake")), "vote.rejected");
    let early = begun().announced().branched().picked();
    assert_eq!(
        refused(&early, "dee", breaks("1111111", "every payment fails and nobody is awake")),
        "break-glass.early"
    );
    let late = live();
    assert_eq!(
        refused(&late, "ben", breaks("1111111", "every payment fails and nobody is awake")),
        "break-glass.not-needed"
    );
}

/// If a vote needs a review on the forge, a vote in the chat alone does not count. A dismissed review voids the vote.
/// The reviews are read again right before the deployment (security case 39).
#[test]
fn case_39_a_vote_counts_together_with_a_review() {
    use crate::domain::event::{PullSeen, ReviewSeen};
    use hotfix_adapters::forge::{Check, CheckState, ReviewVerdict};
    let mut before = asked();
    // A plan takes its rules from the policy at the start of the run; this sets the rule in the plan directly.
    for environment in before.state.plan.environments.iter_mut().filter(|e| e.production) {
        environment.approval.step_up = Some(crate::domain::service::StepUp::Review);
    }
    let production = environment("production");
    let seen = |who: &[(&str, &str, ReviewVerdict)]| {
        let review = |(name, at, verdict): &(&str, &str, ReviewVerdict)| ReviewSeen {
            person: name.parse().ok(),
            name: (*name).to_owned(),
            commit: commit(at),
            verdict: *verdict,
        };
        let check = Check { name: "build".to_owned(), app: "ci".to_owned(), state: CheckState::Success };
        let reviews = who.iter().map(review).collect();
        Observation::Pull {
            seen: PullSeen { reviews, checked: Some(commit("1111111")), checks: vec![check], ..PullSeen::default() },
            merged: None,
        }
    };
    let card = crate::view::prompt(&before.state, &production, &before.to(), before.now).unwrap();
    assert!(plain(&card).contains("approving review of exactly this head on pull request #7"), "{}", plain(&card));

    let voted = before.clone().by("ben", yes(None)).by("dee", yes(None));
    let entry = voted.entries.last().unwrap();
    let react = react(&voted.state, entry, voted.state.version);
    assert!(
        react
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::SendDirectMessage { person, .. } if person.as_str() == "dee"))
    );
    same(
        &plain(&crate::view::tell(&voted.state, entry, &voted.to(), &"dee".parse().unwrap()).unwrap()),
        r#"
HF-12 payments — Fix 500 on upload
Your yes to `1111111` for production does not count yet: it takes your approving review on the forge as well, by your own account there.
Approve exactly this head on pull request #7 <https://forge.example/payments/7>; the bot sees it, and nothing has to be said again. It is read once more before the deployment begins.
"#,
    );
    let open = |play: &Play| crate::domain::vote::quorum(&play.state, &production, play.now, None).holds();
    // Ben's review approves the current head, Dee's an older one.
    assert!(!open(&voted));
    let old = voted
        .clone()
        .saw(seen(&[("ben", "1111111", ReviewVerdict::Approved), ("dee", "2222222", ReviewVerdict::Approved)]));
    assert!(!open(&old));
    let both =
        voted.saw(seen(&[("ben", "1111111", ReviewVerdict::Approved), ("dee", "1111111", ReviewVerdict::Approved)]));
    assert!(
        open(&both) && both.state.is_current(|kind| matches!(kind, crate::domain::playbook::StepKind::Deploy { .. }))
    );

    let back = both.clone().saw(seen(&[
        ("ben", "1111111", ReviewVerdict::Approved),
        ("dee", "1111111", ReviewVerdict::Approved),
        ("dee", "1111111", ReviewVerdict::Dismissed),
    ]));
    assert!(back.state.votes.iter().all(|vote| vote.person.as_str() != "dee"), "the vote is void");
    assert!(back.state.is_current(|kind| matches!(kind, crate::domain::playbook::StepKind::Approve { .. })));

    let asked = both.by("ana", UserCommand::Deploy(environment("production")));
    let begin = |reviewed: &[&str]| {
        let roles = |who: &str| (who.parse().unwrap(), crate::view::fixture::grant(who).roles);
        let facts = crate::domain::command::DeployFacts {
            tip: Some(commit("1111111")),
            running: Some(commit("abc1234")),
            policy_version: "policy-1".to_owned(),
            standing: [roles("ben"), roles("dee")].into(),
            judged: asked.state.votes.clone(),
            reviewed: reviewed.iter().map(|who| who.parse().unwrap()).collect(),
            ..Default::default()
        };
        let asked_for = asked.state.requested_deploy.clone().unwrap();
        let key = "hf-12-production-99".parse().unwrap();
        asked.clone().came(EffectResult::DeployChecked {
            environment: asked_for.environment,
            commit: asked_for.commit,
            key,
            facts: Box::new(facts),
        })
    };
    let begun = |play: &Play| play.state.deploys.last().is_some_and(|deploy| deploy.intent.environment == production);
    assert!(begun(&begin(&["ben", "dee"])));
    let refused = begin(&["ben"]);
    assert!(!begun(&refused) && refused.state.votes.len() == 1, "the vote without a review is void");
    assert!(thread(&refused, asked.entries.len()).contains("The yes of Dee is not backed"));
}
