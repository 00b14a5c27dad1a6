//! A pick equals the result of `git cherry-pick -x` in a checkout, byte for byte where bytes matter.

use hotfix_adapters::forge::git::Git;
use hotfix_adapters::forge::{Pick, Picked};
use hotfix_adapters::ids::CommitId;
use jiff::Timestamp;

use crate::support::{Place, git, id};

async fn picked(place: &Place, source: &CommitId, onto: &CommitId) -> CommitId {
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    let pick = Pick { onto: onto.clone(), source: source.clone(), at, trace: true };
    match Git::at(place.directory()).pick(&pick).await.unwrap() {
        Picked::Commit(commit) => commit,
        other @ (Picked::AlreadyThere | Picked::Empty | Picked::Malformed(_) | Picked::Conflict { .. }) => {
            panic!("{other:?}")
        }
    }
}

/// Returns a commit object without its committer line.
fn lasting(place: &Place, commit: &CommitId) -> String {
    let text = place.git(&["cat-file", "commit", commit.as_str()]);
    text.lines().filter(|line| !line.starts_with("committer ")).collect::<Vec<_>>().join("\n") + "|"
}

#[tokio::test]
async fn messages_come_out_as_git_writes_them() {
    let messages = [
        "Title only",
        "Title: like a trailer",
        "Title\n\nA body.\nIn two lines.\n",
        "Title\n\nA body.\n\nSigned-off-by: A <a@b>\nReviewed-by: C <c@d>\n",
        "Title\n\nA body.\n\n(cherry picked from commit 1111111111111111111111111111111111111111)\n",
        "Title\n\nA body.\n\nFolded: one\n two\n",
        "Title\n\nhttp://not-a-trailer.example\nReally.\n",
        "Title\n\nA body without an end",
    ];
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let onto = place.commit("hotfix", &[&base], &[("b", "1")], "Production");
    let checkout = place.checkout(&onto);
    for message in messages {
        let source = place.commit("main", &[&base], &[("a", message)], message);
        git(&checkout, &["reset", "--quiet", "--hard", onto.as_str()], b"");
        git(&checkout, &["cherry-pick", "-x", source.as_str()], b"");
        let theirs = id(git(&checkout, &["rev-parse", "HEAD"], b""));
        let ours = picked(&place, &source, &onto).await;
        assert_eq!(lasting(&place, &ours), lasting(&place, &theirs), "{message:?}");
    }
}

#[tokio::test]
async fn an_old_encoding_survives_byte_for_byte() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let plain = place.commit("main", &[&base], &[("a", "2")], "Plain");
    let onto = place.commit("hotfix", &[&base], &[("b", "1")], "Production");
    let tree = place.git(&["rev-parse", &format!("{plain}^{{tree}}")]);
    let mut raw = format!("tree {tree}\nparent {base}\nauthor J").into_bytes();
    raw.extend(b"\xf6rg <j@example.org> 1600000000 -0730\ncommitter J\xf6rg <j@example.org> 1600000000 -0730\n");
    raw.extend(b"encoding ISO-8859-1\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nGr\xfc\xdfe\n");
    let source = id(git(&place.directory(), &["hash-object", "-t", "commit", "-w", "--stdin"], &raw));
    let made = picked(&place, &source, &onto).await;
    let text = git(&place.directory(), &["cat-file", "commit", made.as_str()], b"");
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    assert!(has(b"author J\xf6rg <j@example.org> 1600000000 -0730\n"));
    assert!(has(b"committer hotfix <hotfix@localhost> 1700000000 +0000\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n\n(cherry picked from"));
    assert!(!has(b"gpgsig"), "a signature would not be true of the copy");
}

/// Without `--attr-source`, git in a bare repository merges this silently.
#[tokio::test]
async fn a_file_that_must_not_be_merged_conflicts_in_a_bare_repository() {
    let place = Place::new();
    let lines = |first: &str, last: &str| format!("{first}\n2\n3\n4\n5\n6\n{last}\n");
    let base = place.commit("main", &[], &[(".gitattributes", "lines -merge\n"), ("lines", &lines("1", "7"))], "Start");
    let source = place.commit("main", &[&base], &[("lines", &lines("one", "7"))], "Source");
    let onto = place.commit("hotfix", &[&base], &[("lines", &lines("1", "seven"))], "Production");
    let pick = Pick { onto, source, at: Timestamp::UNIX_EPOCH, trace: false };
    let answer = Git::at(place.directory()).pick(&pick).await;
    assert_eq!(answer, Ok(Picked::Conflict { files: vec!["lines".into()] }));
}

/// An empty pick is distinct from one that is already there, and a commit that fails git's own checks from a failure
/// of git.
#[tokio::test]
async fn an_empty_and_a_malformed_commit_are_called_so() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let onto = place.commit("hotfix", &[&base], &[("a", "2")], "Production");
    let picked = async |source: CommitId| {
        let pick = Pick { onto: onto.clone(), source, at: Timestamp::UNIX_EPOCH, trace: true };
        Git::at(place.directory()).pick(&pick).await
    };
    let tree = place.git(&["rev-parse", &format!("{base}^{{tree}}")]);
    let raw = |author: &str, tree: &str| {
        format!("tree {tree}\nparent {base}\nauthor {author}\ncommitter A <a@b> 1600000000 +0000\n\nIt\n").into_bytes()
    };
    let written =
        |raw: &[u8]| id(git(&place.directory(), &["hash-object", "--literally", "-t", "commit", "-w", "--stdin"], raw));
    let empty = written(&raw("A <a@b> 1600000000 +0000", &tree));
    assert_eq!(picked(empty).await, Ok(Picked::Empty));
    let same = place.commit("main", &[&base], &[("a", "2")], "The same");
    assert_eq!(picked(same).await, Ok(Picked::AlreadyThere));
    let other = place.commit("main", &[&base], &[("a", "1"), ("b", "1")], "Another");
    let tree = place.git(&["rev-parse", &format!("{other}^{{tree}}")]);
    let malformed = written(&raw("A <a@b> 01600000000 +0000", &tree));
    let Ok(Picked::Malformed(why)) = picked(malformed).await else { panic!("git takes it") };
    assert!(why.contains("Date") && !why.contains('\n'), "{why}");
    let place = place.directory().display().to_string();
    assert!(!why.contains(&place), "{why}");
}

/// If a file conflicts with a folder, git moves the file to a generated name; the report has the original name.
#[tokio::test]
async fn a_conflict_names_files_as_they_are_called() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let source = place.commit("main", &[&base], &[("a", "1"), ("thing", "a file\n")], "A file");
    let onto = place.commit("hotfix", &[&base], &[("a", "1"), ("thing/inside", "a folder\n")], "A folder");
    let pick = Pick { onto, source, at: Timestamp::UNIX_EPOCH, trace: false };
    let answer = Git::at(place.directory()).pick(&pick).await;
    assert_eq!(answer, Ok(Picked::Conflict { files: vec!["thing".into()] }));
}
