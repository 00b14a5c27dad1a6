//! Tag discovery: patterns yield candidates, and the registry decides which exists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;

use async_trait::async_trait;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{BranchName, CommitId, Digest};
use hotfix_adapters::registry::tags::{Discovery, TagFacts, TagStrategies, discover};
use hotfix_adapters::registry::{Image, Published, Registry};
use jiff::Timestamp;

/// A fake registry: per tag the commit it was built from and the build time, if known.
#[derive(Default)]
struct Shelf(BTreeMap<&'static str, (Option<&'static str>, Option<&'static str>)>);

#[async_trait]
impl Registry for Shelf {
    async fn find(&self, tag: &str) -> Result<Option<Published>, Failure> {
        if tag == "down" {
            return Err(Failure::retry("the registry is down"));
        }
        Ok(self.0.get(tag).map(|(revision, created)| Published {
            image: Image {
                repository: "quay.io/team/payments".to_owned(),
                tag: tag.to_owned(),
                digest: Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap(),
            },
            created: created.map(at),
            revision: revision.map(|digit| CommitId::parse(&digit.repeat(40)).unwrap()),
        }))
    }
    async fn probe(&self) -> Result<(), Failure> {
        Ok(())
    }
}

fn at(text: &str) -> Timestamp {
    format!("2026-03-01T{text}:00Z").parse().unwrap()
}

fn facts(branch: &str, version: Option<&str>) -> TagFacts {
    TagFacts {
        branch: BranchName::parse(branch).unwrap(),
        commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        version: version.map(str::to_owned),
    }
}

fn strategies(patterns: &[&str]) -> TagStrategies {
    TagStrategies::new(patterns).unwrap()
}

/// Returns the result of a discovery in one line.
async fn search(shelf: &Shelf, patterns: &[&str], made: Option<&str>) -> String {
    match discover(shelf, &strategies(patterns), &facts("hotfix/HOCS-1234", None), made.map(at)).await {
        Ok(Discovery::Found { published, by }) => format!("{} by {by}", published.image.tag),
        Ok(Discovery::NotYet { looked, .. }) => looked.join("\n"),
        Err(failure) => format!("failed: {failure}"),
    }
}

/// HOCS-23: only the first `/` is replaced, so a branch with two yields no tag.
#[test]
fn patterns_make_tags_or_say_why_not() {
    let all = strategies(&["branch-{branch}", "{sha}", "g{short}", "v{semver}"]);
    let told = |facts: &TagFacts| {
        let tags =
            all.candidates(facts).into_iter().map(|c| format!("{} → {}", c.pattern, c.tag.unwrap_or_else(|e| e)));
        tags.collect::<Vec<_>>().join("\n")
    };
    let sha = "a".repeat(40);
    assert_eq!(
        told(&facts("hotfix/HOCS-1234", Some("1.4.3"))),
        format!(
            "branch-{{branch}} → branch-hotfix_HOCS-1234\n{{sha}} → {sha}\ng{{short}} → gaaaaaaa\nv{{semver}} → v1.4.3"
        )
    );
    let odd = told(&facts("hotfix/a/b", None));
    assert!(
        odd.starts_with("branch-{branch} → \"branch-hotfix_a/b\" is no tag of an image: '/' cannot stand in one"),
        "{odd}"
    );
    assert!(odd.ends_with("v{semver} → no version is known"), "{odd}");
    let hostile = told(&facts("hotfix/x", Some("1.0{sha}")));
    assert!(hostile.ends_with("'{' cannot stand in one"), "{hostile}");
}

/// The tag of a branch names its latest build, whichever commit that was built from.
#[test]
fn the_tag_of_a_branch_alone_is_not_of_one_build() {
    let all = strategies(&["branch-{branch}", "{sha}", "{branch}-{short}", "v{semver}"]);
    assert_eq!(all.of_one_build(), strategies(&["{sha}", "{branch}-{short}", "v{semver}"]));
    let none = strategies(&["branch-{branch}"]).of_one_build();
    assert!(none.candidates(&facts("main", None)).is_empty());
}

#[test]
fn a_pattern_that_cannot_work_is_refused_at_once() {
    let told = |pattern: &str| TagStrategies::new(&[pattern]).unwrap_err().to_string();
    assert!(told("latest").contains("names the same tag for every build"));
    assert!(told("{brunch}").contains("unknown or not closed; {branch}, {sha}, {short}, {semver} can stand in it"));
    assert!(told("{sha").contains("not closed"));
    assert!(told("build/{sha}").contains("makes no tag of an image"));
    assert!(TagStrategies::new::<&str>(&[]).unwrap_err().to_string().contains("`branch-{branch}`"));
}

/// HOCS-22, HOCS-23: the first pattern that the registry has wins; until then the error lists the tags that
/// were searched.
#[tokio::test]
async fn the_tag_is_discovered_in_order() {
    let mut shelf = Shelf::default();
    let patterns = ["v{semver}", "branch-{branch}", "{short}"];
    assert_eq!(
        search(&shelf, &patterns, None).await,
        "v{semver}: no version is known\nbranch-hotfix_HOCS-1234: not in the registry\naaaaaaa: not in the registry"
    );
    shelf.0.insert("aaaaaaa", (None, None));
    assert_eq!(search(&shelf, &patterns, Some("10:00")).await, "aaaaaaa by {short}");
    shelf.0.insert("branch-hotfix_HOCS-1234", (Some("a"), Some("10:05")));
    assert_eq!(search(&shelf, &patterns, Some("10:00")).await, "branch-hotfix_HOCS-1234 by branch-{branch}");
}

/// HOCS-23: an image that an earlier branch of the same name left behind is not accepted.
#[tokio::test]
async fn a_stale_image_is_passed_over() {
    let tag = "branch-hotfix_HOCS-1234";
    for (theirs, told) in [
        ((Some("b"), Some("10:05")), "built from bbbbbbb and not from aaaaaaa"),
        ((None, Some("09:59")), "built at 2026-03-01T09:59:00Z, before the commit was made at 2026-03-01T10:00:00Z"),
    ] {
        let mut shelf = Shelf(BTreeMap::from([(tag, theirs)]));
        let looked = search(&shelf, &["branch-{branch}", "{short}"], Some("10:00")).await;
        assert_eq!(looked, format!("{tag}: {told}\naaaaaaa: not in the registry"));
        shelf.0.insert("aaaaaaa", (Some("a"), Some("10:00")));
        assert_eq!(search(&shelf, &["branch-{branch}", "{short}"], Some("10:00")).await, "aaaaaaa by {short}");
    }
}

/// Reproducible builds have an arbitrary time, and a promotion ships an old build, so the build time says nothing about
/// an image that names its commit.
#[tokio::test]
async fn the_time_of_a_build_speaks_only_against_a_tag_that_moves() {
    let tag = "branch-hotfix_HOCS-1234";
    let found = [
        (tag, (Some("a"), Some("09:59")), "branch-{branch}"),
        ("aaaaaaa", (None, Some("09:59")), "{short}"),
        (tag, (None, Some("10:00")), "branch-{branch}"),
        (tag, (None, None), "branch-{branch}"),
    ];
    for (tag, image, pattern) in found {
        let shelf = Shelf(BTreeMap::from([(tag, image)]));
        assert_eq!(search(&shelf, &[pattern], Some("10:00")).await, format!("{tag} by {pattern}"), "{image:?}");
    }
}

#[tokio::test]
async fn a_registry_that_fails_is_not_one_without_the_image() {
    let facts = facts("down", None);
    let failure = discover(&Shelf::default(), &strategies(&["{branch}", "{sha}"]), &facts, None).await.unwrap_err();
    assert_eq!(failure, Failure::retry("the registry is down"));
}
