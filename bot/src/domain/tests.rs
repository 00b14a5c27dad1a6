//! Tests of the domain's data types: ids, effects, counts, approvals and refusals.

use hotfix_adapters::forge::{MergeMethod, PullNumber};
use hotfix_adapters::ids::ChannelRef;

use super::effect::{Effect, Reach};
use super::event::{CommitCounts, ExtraCommit, HeadSeen, Origins};
use super::id::{HotfixId, PersonId, RequirementId};
use super::people::Role;
use super::playbook::{BranchRole, CapabilityKind, VerifyPlace};
use super::refusal::{Refusal, channel_in, marked_channel};
use super::service::{Approval, ApprovalRule, StepUp};
use crate::fixture::{commit, head, person, production};

#[test]
fn a_run_is_called_by_its_number() {
    for (text, number) in [("HF-1", 1), ("hf-12", 12), ("Hf-007", 7), ("HF-999999999", 999_999_999)] {
        assert_eq!(text.parse(), Ok(HotfixId(number)), "{text}");
        assert_eq!(HotfixId::try_from(text.to_owned()), Ok(HotfixId(number)));
    }
    for text in ["", "HF", "HF-", "HF-0", "HF-1234567890", "HF-1a", "HF-+1", "HX-1", "HF1", "12", "HF-1 ", "ÄÖ1"] {
        assert!(text.parse::<HotfixId>().is_err(), "{text}");
    }
    assert_eq!((HotfixId(12).to_string(), String::from(HotfixId(12))), ("HF-12".to_owned(), "HF-12".to_owned()));
    let wrong = "HF-0".parse::<HotfixId>().unwrap_err();
    assert_eq!(wrong.to_string(), "\"HF-0\" is not a run: runs are called HF-1, HF-2, …");
}

#[test]
fn a_name_is_short_plain_and_in_lower_case() {
    let longest = "a".repeat(63);
    for text in ["a", "7", "a-b-", longest.as_str()] {
        let name: PersonId = text.parse().unwrap();
        assert_eq!(
            (name.as_str(), name.to_string(), String::from(name.clone())),
            (text, text.to_owned(), text.to_owned())
        );
        assert_eq!(PersonId::try_from(text.to_owned()), Ok(name));
    }
    for text in ["", "-a", "A", "aB", "a b", "a_b", "ä", &format!("{longest}a")] {
        assert!(text.parse::<PersonId>().is_err(), "{text}");
    }
}

#[test]
fn a_requirement_is_a_sentence_of_a_known_runbook() {
    for text in ["APPLY-6", "APPLY-X3", "HOCS-2a", "SRE-10", "PROMO-12", "MAIN-13b", "MAIN-X1c"] {
        let id: RequirementId = text.parse().unwrap();
        assert_eq!((id.as_str(), id.to_string(), String::from(id.clone())), (text, text.to_owned(), text.to_owned()));
        assert_eq!(RequirementId::try_from(text.to_owned()), Ok(id));
    }
    for text in
        ["", "APPLY", "APPLY-", "APPLY-X", "APPLY-a", "APPLY-6ab", "APPLY-6a7", "APPLY-6-7", "OTHER-6", "apply-6"]
    {
        let wrong = text.parse::<RequirementId>().unwrap_err();
        let words = format!("{text:?} is not a requirement id: they look like APPLY-6, APPLY-X3 or HOCS-2a");
        assert_eq!(wrong.to_string(), words);
    }
}

/// Each effect has a reach, a description, and two flags: it serves the current step; it is a message.
#[test]
fn every_effect_says_how_far_it_reaches() {
    let (at, key) = ("2026-03-02T18:00:00Z".parse().unwrap(), "k-1".parse().unwrap());
    let (one, two) = (commit("1111111"), commit("2222222"));
    let deploys = |resumed| Effect::Deploy {
        key: "k-1".parse().unwrap(),
        environment: production(),
        commit: commit("1111111"),
        resumed,
    };
    let check = Effect::CheckDeploy { environment: production(), commit: one.clone(), key };
    let rebase = Effect::Rebase { from: one.clone(), head: one.clone(), onto: two.clone(), at };
    let merge = Effect::Merge { number: PullNumber(7), head: one.clone(), method: MergeMethod::Merge };
    let create = Effect::CreateBranch { which: BranchRole::Fix, at: one.clone() };
    let prompt = Effect::RequestVotes { environment: production(), commit: one.clone() };
    let (step, talk, aside) = ((true, false), (false, true), (false, false));
    let cases = [
        (Effect::TakeSnapshot, Reach::Nothing, step, "read what runs in production and what main holds"),
        (Effect::Announce, Reach::Nothing, step, "tell the team"),
        (create, Reach::Code, step, "create the branch at 1111111"),
        (Effect::Pick { source: one.clone(), at }, Reach::Code, step, "pick 1111111"),
        (Effect::Unpick { source: one.clone(), at }, Reach::Code, aside, "take 1111111 off the branch"),
        (rebase, Reach::Code, step, "rebase the fixes onto 2222222"),
        (Effect::OpenPull, Reach::Code, step, "open the pull request"),
        (Effect::OpenReturn, Reach::Code, step, "open the pull request into main"),
        (prompt, Reach::Nothing, step, "ask for votes for production"),
        (
            Effect::AnnounceBreakGlass { version: 1 },
            Reach::Nothing,
            aside,
            "tell the audit channel that the glass was broken",
        ),
        (check, Reach::Judgement, aside, "read the facts before changing what production runs"),
        (deploys(false), Reach::Live, aside, "deploy 1111111 to production"),
        (deploys(true), Reach::Live, aside, "deploy 1111111 to production"),
        (merge, Reach::Live, step, "merge pull request #7"),
        (Effect::FindIncludedChanges { to: one.clone() }, Reach::Nothing, step, "find out what else goes out"),
        (Effect::RestoreBranch { at: two }, Reach::Code, aside, "restore the branch at 2222222"),
        (Effect::DeleteBranch { at: one }, Reach::Code, aside, "delete the branch"),
        (Effect::PostEvent { version: 1 }, Reach::Nothing, talk, "say it in the thread"),
        (Effect::SendDirectMessage { version: 1, person: person("ben") }, Reach::Nothing, talk, "tell ben"),
        (Effect::Audit { version: 1 }, Reach::Nothing, talk, "say it in the audit channel"),
        (Effect::RemindCountersign, Reach::Nothing, talk, "remind of the broken glass"),
        (Effect::Remind { step: "review".parse().unwrap() }, Reach::Nothing, talk, "remind of review"),
    ];
    for (effect, reach, kind, words) in cases {
        assert_eq!((effect.reach(), effect.describe().as_str()), (reach, words));
        assert_eq!((effect.serves_step(), effect.is_talk()), kind, "{words}");
    }
}

/// SRE-11: the version of a hotfix is above production's and not above the next version of main.
#[test]
fn versions_are_in_order_between_production_and_the_next_of_main() {
    let cases = [
        ((5, 6, 9), true),
        ((5, 10, 9), true),
        ((5, 11, 9), false),
        ((5, 5, 9), false),
        ((6, 5, 9), false),
        ((0, 1, 0), true),
        ((0, 2, 0), false),
        ((7, 9, 3), false),
    ];
    for ((production, ships, main), expected) in cases {
        let counts = CommitCounts { commit: commit("1111111"), production, ships, main };
        assert_eq!(counts.in_order(), expected, "{counts:?}");
    }
}

/// The origins of a branch are serialized only if they are not empty.
#[test]
fn unknown_origins_are_not_written_down() {
    let asked = Origins { asked: [commit("1111111")].into(), extra: Vec::new() };
    let beyond =
        Origins { asked: Default::default(), extra: vec![ExtraCommit { commit: commit("1111111"), withheld: true }] };
    for (origins, written) in [(Origins::default(), false), (asked, true), (beyond, true)] {
        let head = HeadSeen { origins, ..head("1111111", "Fix") };
        let json = serde_json::to_value(&head).unwrap();
        assert_eq!(json.get("origins").is_some(), written, "{head:?}");
        assert_eq!(serde_json::from_value::<HeadSeen>(json).unwrap(), head);
    }
}

#[test]
fn the_stricter_of_two_approvals_asks_for_all_of_both() {
    let rule = |role, count| ApprovalRule { role, count };
    let approval =
        |rules: &[ApprovalRule], expires_minutes, step_up| Approval { rules: rules.to_vec(), expires_minutes, step_up };
    let one = approval(&[rule(Role::Approver, 2), rule(Role::Captain, 1)], 60, None);
    let other =
        approval(&[rule(Role::Admin, 1), rule(Role::Captain, 3), rule(Role::Approver, 1)], 90, Some(StepUp::Review));
    let all = [rule(Role::Approver, 2), rule(Role::Captain, 3), rule(Role::Admin, 1)];
    assert_eq!(one.stricter(&other), approval(&all, 60, Some(StepUp::Review)));
    let turned = [rule(Role::Admin, 1), rule(Role::Captain, 3), rule(Role::Approver, 2)];
    assert_eq!(other.stricter(&one), approval(&turned, 60, Some(StepUp::Review)));
    assert_eq!(one.stricter(&one), one);
}

#[test]
fn places_and_capabilities_are_written_as_people_write_them() {
    let places = [VerifyPlace::Local, VerifyPlace::Environment(production()), VerifyPlace::Watch(production())];
    assert_eq!(places.each_ref().map(VerifyPlace::name), ["local", "production", "watch"]);
    for capability in CapabilityKind::ALL {
        assert_eq!(serde_json::to_value(capability).unwrap(), capability.as_str());
    }
}

#[test]
fn a_refusal_names_the_sentence_that_it_comes_from() {
    let plain = Refusal::new("freeze", "It is Friday.", "Wait.");
    assert_eq!((plain.code.as_str(), plain.reason.as_str(), plain.next.as_str()), ("freeze", "It is Friday.", "Wait."));
    assert_eq!(plain.requirement, None);
    let cited = plain.clone().because_of("MAIN-3");
    assert_eq!(cited, Refusal { requirement: "MAIN-3".parse().ok(), ..plain.clone() });
    assert_eq!(plain.clone().because_of("nothing"), plain);
}

#[test]
fn a_channel_is_marked_in_a_text_and_found_there() {
    let channel: ChannelRef = "C1".parse().unwrap();
    assert_eq!(marked_channel(&channel), "<#C1>");
    assert_eq!(channel_in("C1> and <#C2>"), Some((channel, " and <#C2>")));
    for text in ["", "C1", ">", "C 1> x"] {
        assert_eq!(channel_in(text), None, "{text:?}");
    }
}
