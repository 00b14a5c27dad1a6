//! The shipped example scripts, run on a hostile repository.

use std::path::Path;

use hotfix_tests::git::git;
use hotfix_tests::stage::{Stage, fresh_folder};

/// All git attributes that make a checkout or an archive differ from the committed content.
const ATTRIBUTES: &str = "\
*.secret   export-ignore
/build     export-ignore
stamp.txt  export-subst
ident.txt  ident
lines.txt  text eol=crlf
legacy.txt crlf
wide.txt   working-tree-encoding=UTF-16LE
run.txt    filter=evil
";

/// Security case 104: the deployed tree is byte for byte the approved one, despite the attributes, filters and hooks of
/// the repository.
#[test]
fn case_104_what_is_deployed_is_what_was_approved() {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
    let (work, at) = (stage.work(), jiff::Timestamp::from_second(1_750_000_000).expect("a moment"));
    let run = |arguments: &[&str]| git(&work, "dee", at, arguments).expect("git");
    run(&["switch", "--quiet", "--detach", "origin/main"]);
    let files: [(&str, &str); 10] = [
        (".gitattributes", ATTRIBUTES),
        ("src/.gitattributes", "*.py export-ignore ident\n"),
        ("token.secret", "left out by export-ignore\n"),
        ("build/app.js", "left out as a folder\n"),
        ("stamp.txt", "$Format:%H%n%an$\n"),
        ("ident.txt", "$Id$\n"),
        ("lines.txt", "one\ntwo\n"),
        ("legacy.txt", "one\ntwo\n"),
        ("wide.txt", "wide\n"),
        ("run.txt", "plain\n"),
    ];
    for (name, text) in files {
        let path = work.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }
    // Disables attributes during the commit, so that it has exactly the bytes above.
    let keep = "* -text -eol -ident -filter -working-tree-encoding\n";
    std::fs::create_dir_all(work.join(".git/info")).expect("it is made");
    std::fs::write(work.join(".git/info/attributes"), keep).expect("it is written");
    run(&["add", "--all"]);
    run(&["commit", "--quiet", "-m", "Attributes"]);
    run(&["push", "--quiet", "origin", "HEAD:refs/heads/hostile"]);
    let commit = run(&["rev-parse", "HEAD"]);
    let proof = stage.root.join("proof");
    let evil = format!("touch {} && tr a-z A-Z", proof.display());
    for (key, value) in
        [("filter.evil.smudge", evil.as_str()), ("filter.evil.required", "true"), ("core.autocrlf", "true")]
    {
        git(&stage.bare(), "dee", at, &["config", key, value]).expect("it is configured");
    }
    let hook = stage.bare().join("hooks/post-checkout");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("it is made");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", proof.display())).expect("it is written");
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is allowed");

    stage.deploy(&commit, "staging").expect("it is deployed");

    let place = stage.place("staging").join("current");
    let listed = git(&stage.bare(), "dee", at, &["ls-tree", "-r", "--name-only", &commit]).expect("git");
    for name in listed.lines() {
        let spec = format!("{commit}:{name}");
        let approved = git(&stage.bare(), "dee", at, &["rev-parse", &spec]).expect("git");
        let there = place.join(name);
        assert!(there.exists(), "{name} is left out");
        let there = there.display().to_string();
        let deployed = git(&stage.bare(), "dee", at, &["hash-object", "--no-filters", &there]).expect("git");
        assert_eq!(deployed, approved, "{name} is another one: {:?}", std::fs::read_to_string(&there));
    }
    assert_eq!(count(&place), listed.lines().count(), "nothing else is there");
    assert!(!proof.exists(), "nothing of the repository was run");
}

fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}
