//! Proposals and their edits, and the refusals before any change.

use std::collections::BTreeMap;

use hotfix_adapters::deploy::promotion::{Exclude, Promotion, PromotionOptions, Target, TargetKind, Value};
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus};
use hotfix_adapters::ids::{DeployKey, Environment, Repo};
use hotfix_fakes::markdown::{meaning_of_markdown, meaning_of_plain};

use super::world::{APP, INTERNAL, JENKINS, NEW, OLD, SAAS, SHARED, World, now, repo, request};

const BRANCH: &str = "promote-HF-1-production-1";

/// SRE-12, PROMO-1, PROMO-4, PROMO-5, PROMO-6, PROMO-7, PROMO-15, PROMO-16, PROMO-17, PROMO-18, PROMO-19, PROMO-20: one
/// merge request sets each target to the pinned commit in its own notation, and changes no other byte.
#[tokio::test]
async fn one_merge_request_changes_every_place_and_nothing_else() {
    let world = World::new();
    world.start(&request(NEW)).await.unwrap();
    let pull = world.pull(1).await;
    assert_eq!((pull.title.as_str(), pull.head.as_str()), ("Promote qontract-reconcile to ea6d44c", BRANCH));
    assert_eq!(
        world.diff(BRANCH),
        [
            "-export RECONCILE_IMAGE_TAG=1a4ed92   # short",
            "+export RECONCILE_IMAGE_TAG=ea6d44c   # short",
            &format!("-    ref: {OLD} # prod, see the SOP before you touch it"),
            &format!("+    ref: {NEW} # prod, see the SOP before you touch it"),
            &format!("-    ref: \"{OLD}\""),
            &format!("+    ref: \"{NEW}\""),
            &format!("-        ref: {OLD}"),
            &format!("+        ref: {NEW}"),
            "-    qontract_reconcile_image_tag: '1a4ed92'",
            "+    qontract_reconcile_image_tag: 'ea6d44c'",
            "-    qontract_reconcile_image_tag: 1a4ed92",
            "+    qontract_reconcile_image_tag: ea6d44c",
            "-    qontract_reconcile_image_tag: '1a4ed92'",
            "+    qontract_reconcile_image_tag: 'ea6d44c'",
        ]
    );
    assert_eq!(world.git(&["rev-list", "--count", &format!("main..{BRANCH}")]).trim(), "1", "one commit");
    assert_eq!(world.git(&["log", "-1", "--format=%at", BRANCH]).trim(), now().as_second().to_string());
}

/// SRE-12, PROMO-5, PROMO-20: the merge request lists every change from old to new, and everything excluded with
/// its reason.
#[tokio::test]
async fn the_merge_request_tells_what_it_does() {
    let world = World::new();
    world.start(&request(NEW)).await.unwrap();
    let body = world.body();
    for line in [
        &format!("Promotes qontract-reconcile to `{NEW}` for HF-1 Fix the /merge 500."),
        &format!("| `{SAAS}:52` | `resourceTemplates[0].targets[1].ref` | `{OLD}` | `{NEW}` |"),
        "| `.env:10` | `RECONCILE_IMAGE_TAG` | `1a4ed92` | `ea6d44c` |",
        &format!("Compare: https://git.example.com/team/qontract-reconcile/compare/{OLD}...{NEW}"),
        &format!("- `{SHARED}/pipelines-a.yml:7`: it is in a comment"),
        &format!("- `{SHARED}/pipelines-pinned.yml:7`: pinned for the old cluster"),
        &format!("- `{JENKINS}:10`: it is in an expression of a template"),
        "- #&#8203;1214 Log less (by grace) /approve",
        "Acknowledgements are welcome and do not block: what was merged is ready for production.",
    ] {
        assert!(body.lines().any(|other| other == line), "{line}\n is not in\n{body}");
    }
    assert!(body.lines().all(|line| !line.starts_with('/')), "a forge would read that as a command: {body}");
}

/// Security case 59: user text mentions nobody, refers to nothing, closes nothing and loads no image, in rendered and
/// unrendered text.
#[tokio::test]
async fn what_people_wrote_means_nothing_but_itself() {
    let world = World::new();
    let hostile = "Closes #1 @org/team GH-2 org/repo#3 \\#4 ![x](http://evil.example) [a](http://evil.example) <img src=x> \
                   fixes https://forge.example/o/r/issues/5";
    let request = DeployRequest { about: format!("HF-1 {hostile}"), riders: vec![hostile.to_owned()], ..request(NEW) };
    world.start(&request).await.unwrap();
    assert_eq!(meaning_of_markdown(&world.body()), Vec::<String>::new(), "{}", world.body());
    let message = world.git(&["log", "-1", "--format=%B", BRANCH]);
    assert!(message.contains("HF-1 Close"), "{message}");
    assert_eq!(meaning_of_plain(&message), Vec::<String>::new(), "{message}");
}

/// PROMO-18: a short id that would parse as a number is quoted in YAML if it was unquoted.
#[tokio::test]
async fn a_short_id_that_reads_as_a_number_is_quoted() {
    let world = World::new();
    let commit = format!("12e4567{}", "a".repeat(33));
    world.start(&request(&commit)).await.unwrap();
    let line = |name: &str| format!("{SHARED}/{name}.yml");
    assert!(world.file(BRANCH, &line("pipelines-b")).ends_with("qontract_reconcile_image_tag: '12e4567'\n"));
    assert!(world.file(BRANCH, &line("pipelines-a")).contains("qontract_reconcile_image_tag: '12e4567'\n"));
    assert!(world.file(BRANCH, ".env").contains("RECONCILE_IMAGE_TAG=12e4567   #"));
}

/// PROMO-8: a request may select some targets; an unknown one is refused with the list of targets.
#[tokio::test]
async fn some_targets_alone_are_promoted_when_asked() {
    let world = World::new();
    let unknown = DeployRequest { only: vec!["stage".into()], ..request(NEW) };
    let refused = world.start(&unknown).await.unwrap_err();
    assert_eq!(refused, "there is no target \"stage\"; there are prod, dr, internal, pr-check, jenkins, tekton.");
    let some = DeployRequest { only: vec!["internal".into(), "pr-check".into()], ..request(NEW) };
    world.start(&some).await.unwrap();
    assert_eq!(world.git(&["diff", "--name-only", "main", BRANCH]), format!(".env\n{INTERNAL}\n"));
    assert_eq!(world.pull(1).await.title, "Promote qontract-reconcile to ea6d44c (only internal, pr-check)");
    world.merge(1).await;
    assert!(matches!(world.status("HF-1-production-1").await, Some(DeployStatus::Succeeded { .. })));
    let skew = world.promotion().running().await.unwrap_err();
    assert!(skew.reason().contains(&format!("{INTERNAL}:14 names {NEW}")), "{skew}");
}

/// PROMO-2, PROMO-3: the schemas are an environment of their own, and its merge request edits only `.env`.
#[tokio::test]
async fn the_schemas_go_first_in_a_merge_request_of_their_own() {
    let world = World::new();
    let schemas = Target {
        name: "schemas".into(),
        file: ".env".into(),
        kind: TargetKind::Env { key: "SCHEMAS_IMAGE_TAG".into() },
        value: Value::FullSha,
        production: true,
    };
    let promotion = Promotion::new(PromotionOptions {
        targets: vec![schemas],
        source: Repo::parse("team/qontract-schemas").unwrap(),
        environment: Environment::parse("schemas").unwrap(),
        service: "qontract-schemas".into(),
        ..world.options()
    })
    .unwrap();
    let asked = DeployRequest {
        key: DeployKey::parse("HF-1-schemas-1").unwrap(),
        repo: Repo::parse("team/qontract-schemas").unwrap(),
        environment: Environment::parse("schemas").unwrap(),
        previous: None,
        ..request(NEW)
    };
    let old = "b0b1b2b3b4b5b6b7b8b9c0c1c2c3c4c5c6c7c8c9";
    assert_eq!(promotion.running().await.unwrap().unwrap().commit.as_str(), old);
    promotion.start(&asked).await.unwrap();
    let changed = [format!("-export SCHEMAS_IMAGE_TAG={old}"), format!("+export SCHEMAS_IMAGE_TAG={NEW}")];
    assert_eq!(world.diff("promote-HF-1-schemas-1"), changed);
    world.merge(1).await;
    assert_eq!(promotion.status(&asked.key).await.unwrap(), Some(DeployStatus::Succeeded { at: now() }));
    assert_eq!(promotion.running().await.unwrap().unwrap().commit.as_str(), NEW);
    // The service follows, on top of the schemas.
    world.start(&request(NEW)).await.unwrap();
}

/// PROMO-5: a repeated promotion, and one without changes.
#[tokio::test]
async fn a_second_merge_request_for_the_same_and_an_empty_one_are_refused() {
    let world = World::new();
    world.start(&request(NEW)).await.unwrap();
    let again = DeployRequest { key: DeployKey::parse("HF-2-production-1").unwrap(), ..request(NEW) };
    let refused = world.start(&again).await.unwrap_err();
    assert!(refused.starts_with("!1 is open with the title \"Promote qontract-reconcile to ea6d44c\""), "{refused}");
    assert_eq!(world.git(&["branch", "--list", "promote-HF-2*"]), "", "no branch is left behind");
    world.merge(1).await;
    let refused = world.start(&again).await.unwrap_err();
    assert_eq!(refused, "nothing to promote: main names ea6d44c everywhere already.");
    assert_eq!(world.status("HF-2-production-1").await, None);
    assert_eq!(
        world.local.git(&repo()).unwrap().tip(&super::world::branch("promote-HF-2-production-1")).await.unwrap(),
        None
    );
}

/// PROMO-20: a differing value may be a deliberate pin, so it is refused; so is a line that is not understood.
#[tokio::test]
async fn a_search_that_meets_a_pin_or_a_riddle_is_refused() {
    let mut world = World::new();
    let all = |exclude| TargetKind::Search { key: "qontract_reconcile_image_tag".into(), exclude };
    world.targets[5].kind = all(Vec::new());
    let refused = world.start(&request(NEW)).await.unwrap_err();
    assert!(refused.contains(&format!("{SHARED}/pipelines-pinned.yml:7 0123abc")), "{refused}");
    assert!(refused.contains("may be pinned on purpose") && refused.contains("Exclude the pinned one"), "{refused}");

    let riddle = ("resources/riddle.yaml".to_owned(), "x: {qontract_reconcile_image_tag: '1a4ed92'}\n".to_owned());
    world.commit(&BTreeMap::from([riddle]));
    let pinned = Exclude { files: "**/*-pinned.yml".into(), reason: "pinned".into() };
    world.targets[5].kind = all(vec![pinned.clone()]);
    world.targets[5].file = String::new();
    let refused = world.start(&request(NEW)).await.unwrap_err();
    assert!(refused.starts_with("resources/riddle.yaml:1: what qontract_reconcile_image_tag is there"), "{refused}");
    // A link cannot be read as a file, which does not matter if it is excluded.
    let link = world.file_link("data/link.yaml", "resources/riddle.yaml");
    let refused = world.start(&request(NEW)).await.unwrap_err();
    assert!(refused.contains(&link), "{refused}");
    let link = Exclude { files: link, reason: "a link".into() };
    let riddle = Exclude { files: "resources/*.yaml".into(), reason: "by hand".into() };
    world.targets[5].kind = all(vec![pinned, riddle, link]);
    world.start(&request(NEW)).await.unwrap();
    assert!(world.body().contains("- `resources/riddle.yaml:1`: by hand"), "{}", world.body());
}

/// PROMO-18: the planned edits can be read before the vote request, and stay equal until one of the values changes.
/// Nothing is written.
#[tokio::test]
async fn the_edits_are_known_before_they_are_made() {
    let mut world = World::new();
    world.targets.retain(|target| target.file == SAAS || target.file == ".env");
    let edits = async || world.promotion().edits(&request(NEW)).await.unwrap().unwrap();
    let first = edits().await;
    for line in [
        format!("+++ b/{SAAS}"),
        format!("-    ref: {OLD} # prod, see the SOP before you touch it"),
        format!("+    ref: {NEW} # prod, see the SOP before you touch it"),
    ] {
        assert!(first.diff.lines().any(|shown| shown == line), "{line} is not in\n{}", first.diff);
    }
    assert_eq!(world.git(&["branch", "--list", "promote*"]), "");
    assert!(!world.record("HF-1-production-1").exists());
    world.replace(SAAS, "# prod, see the SOP before you touch it", "# prod");
    let elsewhere = edits().await;
    assert_eq!(elsewhere.digest, first.digest, "the same values");
    assert_ne!(elsewhere.diff, first.diff);
    world.replace(".env", "1a4ed92", "0000000");
    assert_ne!(edits().await.digest, first.digest, "another value is replaced");
}

/// PROMO-18: for many targets the full list is shown.
#[tokio::test]
async fn many_edits_are_a_list_of_places() {
    let world = World::new();
    let files = (0..40).map(|number| {
        (format!("{SHARED}/more-{number}.yml"), "spec:\n  qontract_reconcile_image_tag: 1a4ed92\n".to_owned())
    });
    world.commit(&files.collect());
    let shown = world.promotion().edits(&request(NEW)).await.unwrap().unwrap().diff;
    assert!(shown.starts_with("1a4ed92 → ea6d44c:\n  ") && !shown.contains("@@"), "{shown}");
    assert!((0..40).all(|number| shown.contains(&format!("{SHARED}/more-{number}.yml:2\n"))), "{shown}");
}

/// PROMO-1: targets move over the years; a missing one is refused before any change.
#[tokio::test]
async fn a_target_that_is_missing_is_refused_before_anything_is_done() {
    for (target, file, why) in [
        (0, "gone.yaml", "service/app-interface has no file gone.yaml at"),
        (0, APP, "is not there: at the top of the file is no `resourceTemplates`"),
        (3, APP, "no line sets RECONCILE_IMAGE_TAG"),
        (5, "resources/none", "no file below resources/none has qontract_reconcile_image_tag with a value"),
    ] {
        let mut world = World::new();
        world.targets[target].file = file.into();
        let refused = world.start(&request(NEW)).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
        assert!(world.promotion().probe().await.is_err(), "{file}: the probe finds it too");
        assert_eq!(world.git(&["branch", "--list", "promote*"]), "");
        assert!(!world.record("HF-1-production-1").exists());
    }
    World::new().promotion().probe().await.unwrap();
}

#[tokio::test]
async fn what_is_for_another_mechanism_or_another_deployment_is_refused() {
    let world = World::new();
    let stage = DeployRequest { environment: Environment::parse("stage").unwrap(), ..request(NEW) };
    assert!(world.start(&stage).await.unwrap_err().contains("promotes team/qontract-reconcile to production, not"));
    let other = DeployRequest { repo: Repo::parse("team/other").unwrap(), ..request(NEW) };
    assert!(world.start(&other).await.is_err());
    world.start(&request(NEW)).await.unwrap();
    let refused = world.start(&request(&"b".repeat(40))).await.unwrap_err();
    assert!(
        refused.contains("HF-1-production-1 is known, and of something else: `Promote qontract-reconcile"),
        "{refused}"
    );
    let two = Target { name: "tag".into(), value: Value::FullSha, ..world.targets[3].clone() };
    let mut world = World::new();
    world.targets.push(two);
    let refused = world.start(&request(NEW)).await.unwrap_err();
    assert!(refused.contains(".env:10: two targets mean this value, and want it different"), "{refused}");
}

#[tokio::test]
async fn options_that_cannot_work_are_refused() {
    let world = World::new();
    let refused = |change: &dyn Fn(&mut Vec<Target>)| {
        let mut options = world.options();
        change(&mut options.targets);
        Promotion::new(options).err().unwrap().to_string()
    };
    assert!(refused(&|targets| targets.clear()).contains("no target"));
    assert!(refused(&|targets| targets[1].name = "prod".into()).contains("two targets are named \"prod\""));
    assert!(
        refused(&|targets| targets[3].value = Value::ShortSha(6)).contains("pr-check: a short id has 7 to 39 digits")
    );
    for file in ["/etc/passwd", "../x", "a//b", ""] {
        assert!(refused(&|targets| targets[0].file = file.into()).contains("is no path inside a repository"), "{file}");
    }
    let kind = TargetKind::Env { key: String::new() };
    assert!(refused(&|targets| targets[3].kind = kind.clone()).contains("pr-check: the key is empty"));
    let bad = Exclude { files: "a/***/b".into(), reason: String::new() };
    let kind = TargetKind::Search { key: "k".into(), exclude: vec![bad] };
    assert!(refused(&|targets| targets[4].kind = kind.clone()).contains("is no glob"));
}
