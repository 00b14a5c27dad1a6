//! Tests of the order of versions.

use super::*;
use hotfix_adapters::ids::CommitId;

/// SRE-11: the version comes after production and not after the next version of main.
#[test]
fn the_version_of_a_hotfix_lies_between_production_and_main() {
    let at = |production, ships, main| {
        CommitCounts { commit: CommitId::parse(&"a".repeat(40)).unwrap(), production, ships, main }.in_order()
    };
    assert!(at(100, 101, 120));
    assert!(at(100, 101, 100));
    assert!(!at(100, 100, 120), "the same version as production");
    assert!(!at(100, 102, 100), "beyond what main will make next");
}
