//! Damage to files of a store: it is either repaired or refused, never silently accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use common::{closed_store, content, copy, files, killed_store, options, runtime};
use hotfix_storage::Embedded;
use hotfix_storage::embedded::{Damage, OpenError, Trailer, export, import, rebuild, snapshot, verify};
use sha2::{Digest as _, Sha256};

/// Number of commits in each store.
const COMMITS: usize = 60;

#[derive(Debug, Clone, Copy)]
enum Harm {
    Flip(u64),
    Zero(u64),
    Truncate(u64),
    Delete,
}

impl Harm {
    fn to(self, path: &Path) {
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let change = |at, len, with: fn(u8) -> u8| {
            let mut bytes = vec![0; len];
            let read = file.read_at(&mut bytes, at).unwrap();
            let changed: Vec<u8> = bytes[..read].iter().map(|byte| with(*byte)).collect();
            file.write_all_at(&changed, at).unwrap();
        };
        match self {
            Self::Flip(at) => change(at, 4, |byte| byte ^ 0x11),
            Self::Zero(at) => change(at, 512, |_| 0),
            Self::Truncate(at) => file.set_len(at).unwrap(),
            Self::Delete => fs::remove_file(path).unwrap(),
        }
    }
}

/// The result of opening a damaged store.
#[derive(Debug, PartialEq)]
enum Fate {
    Whole,
    Refused,
}

fn fate(directory: &Path, before: &str) -> Fate {
    let store = match Embedded::open(options(directory)) {
        Ok(store) => store,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Fate::Refused;
        }
    };
    let after = runtime().block_on(content(&store, COMMITS)).expect("a store that opened can be read");
    assert!(after == before, "a damaged store opened and answers something else");
    Fate::Whole
}

/// Applies every kind of damage to a copy of each file, at `places` offsets. Returns how many stores were repaired and
/// how many were refused.
fn harm_everything(original: &Path, before: &str, places: u64) -> (usize, usize) {
    let (mut whole, mut refused) = (0, 0);
    for file in files(original) {
        let size = fs::metadata(&file).unwrap().len();
        let step = (size / places).max(1);
        // The offsets vary relative to the step; the start and the end of the file are always included.
        let mut harms = vec![
            Harm::Delete,
            Harm::Truncate(0),
            Harm::Truncate(size.saturating_sub(1)),
            Harm::Flip(size.saturating_sub(3)),
        ];
        for n in 0..size.min(places) {
            let at = n * step + n % step.min(7);
            harms.extend([Harm::Flip(at), if n % 2 == 0 { Harm::Truncate(at) } else { Harm::Zero(at) }]);
        }
        for harm in harms {
            let scratch = tempfile::tempdir().unwrap();
            let store = scratch.path().join("store");
            copy(original, &store);
            let relative = file.strip_prefix(original).unwrap();
            harm.to(&store.join(relative));
            let fate = std::panic::catch_unwind(|| fate(&store, before));
            match fate.unwrap_or_else(|_| panic!("{harm:?} on {}", relative.display())) {
                Fate::Whole => whole += 1,
                Fate::Refused => refused += 1,
            }
        }
    }
    (whole, refused)
}

#[test]
fn damage_after_a_clean_close() {
    let scratch = tempfile::tempdir().unwrap();
    let store = scratch.path().join("store");
    let before = closed_store(&store, COMMITS);
    assert_eq!(fate(&store, &before), Fate::Whole);
    let fresh = scratch.path().join("fresh");
    let before = closed_store(&fresh, COMMITS);
    let (whole, refused) = harm_everything(&fresh, &before, 12);
    assert!(whole > 100 && refused > 100 && whole + refused > 300, "{whole} whole, {refused} refused");
}

#[test]
fn damage_after_a_kill() {
    let scratch = tempfile::tempdir().unwrap();
    let store = scratch.path().join("store");
    let before = killed_store(scratch.path(), &store, COMMITS);
    let (whole, refused) = harm_everything(&store, &before, 12);
    assert!(whole > 100 && refused > 100 && whole + refused > 300, "{whole} whole, {refused} refused");
}

/// Creates a store in a scratch directory. Returns the directory, the store, its last segment and its content.
fn prepared(killed: bool) -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf, String) {
    let scratch = tempfile::tempdir().unwrap();
    let store = scratch.path().join("store");
    let before = if killed { killed_store(scratch.path(), &store, COMMITS) } else { closed_store(&store, COMMITS) };
    let last = files(&store.join("journal")).pop().unwrap();
    (scratch, store, last, before)
}

#[test]
fn a_torn_last_line_is_cut_off() {
    let (_scratch, store, last, before) = prepared(true);
    let mut text = fs::read(&last).unwrap();
    text.extend_from_slice(b"{\"seq\":99,\"prev\":\"half a li");
    fs::write(&last, text).unwrap();
    assert_eq!(fate(&store, &before), Fate::Whole);
    verify(&store).unwrap();
}

#[test]
fn a_journal_that_lost_whole_lines_is_refused() {
    for killed in [false, true] {
        let (_scratch, store, last, _) = prepared(killed);
        let text = fs::read_to_string(&last).unwrap();
        let shorter = text.trim_end().rsplit_once('\n').unwrap().0;
        fs::write(&last, format!("{shorter}\n")).unwrap();
        let error = Embedded::open(options(&store)).err().unwrap();
        assert!(matches!(error, OpenError::Damaged(Damage::Short { .. })), "{error}");
        assert_eq!(fs::read_to_string(&last).unwrap(), format!("{shorter}\n"), "the journal was touched");
    }
}

#[test]
fn a_lost_segment_is_refused() {
    for which in [0, 1, 2] {
        let (_scratch, store, _, _) = prepared(true);
        let segments = files(&store.join("journal"));
        assert!(segments.len() > 3);
        fs::remove_file(&segments[[0, 1, segments.len() - 1][which]]).unwrap();
        assert!(matches!(Embedded::open(options(&store)).err().unwrap(), OpenError::Damaged(_)));
    }
}

#[test]
fn a_journal_below_the_mark_is_refused_without_an_index() {
    let (_scratch, store, last, _) = prepared(false);
    fs::remove_dir_all(store.join("index")).unwrap();
    fs::remove_file(store.join("checkpoint.json")).unwrap();
    fs::remove_file(store.join("tip.json")).unwrap();
    let text = fs::read_to_string(&last).unwrap();
    fs::write(&last, format!("{}\n", text.trim_end().rsplit_once('\n').unwrap().0)).unwrap();
    let error = Embedded::open(options(&store)).err().unwrap();
    assert!(error.to_string().contains("mark.json"), "{error}");
}

#[test]
fn a_flipped_byte_is_named() {
    let (_scratch, store, _, _) = prepared(false);
    let first = files(&store.join("journal")).remove(0);
    Harm::Flip(fs::metadata(&first).unwrap().len() / 2).to(&first);
    let error = Embedded::open(options(&store)).err().unwrap();
    let OpenError::Damaged(Damage::Record { segment, line, seq, .. }) = error else { panic!("{error}") };
    assert!(segment == first && line == seq && line > 1);
    assert!(verify(&store).is_err());
}

#[test]
fn an_index_that_is_gone_or_old_is_brought_up_to_date() {
    let scratch = tempfile::tempdir().unwrap();
    let (store, early) = (scratch.path().join("store"), scratch.path().join("early"));
    closed_store(&store, COMMITS / 2);
    copy(&store.join("index"), &early);
    runtime().block_on(async {
        let journal = Embedded::open(options(&store)).unwrap();
        common::fill(&journal, COMMITS / 2, COMMITS).await;
        journal.close().await;
    });
    let store_now = Embedded::open(options(&store)).unwrap();
    let before = runtime().block_on(content(&store_now, COMMITS)).unwrap();
    drop(store_now);
    // With the checkpoint, the checksums show that the index is old, and it is rebuilt. Without it, the index
    // is caught up.
    for with_checkpoint in [true, false] {
        fs::remove_dir_all(store.join("index")).unwrap();
        copy(&early, &store.join("index"));
        if !with_checkpoint {
            fs::remove_file(store.join("checkpoint.json")).unwrap();
        }
        assert_eq!(fate(&store, &before), Fate::Whole);
        verify(&store).unwrap();
    }
    fs::remove_dir_all(store.join("index")).unwrap();
    assert_eq!(fate(&store, &before), Fate::Whole);
    rebuild(&store).unwrap();
    verify(&store).unwrap();
    assert_eq!(fate(&store, &before), Fate::Whole);
}

/// Another format has other keys, so a missing key proves nothing: the index is rebuilt, not caught up.
#[test]
fn an_index_of_another_format_is_built_anew() {
    let (_kept, store, _, before) = prepared(false);
    // With the checkpoint, the checksums alone would reveal the changed index.
    fs::remove_file(store.join("checkpoint.json")).unwrap();
    let applied = || {
        let index = sled::open(store.join("index")).unwrap();
        (index.get(b"m").unwrap().unwrap().to_vec(), index)
    };
    let (newest, index) = applied();
    index.insert(b"m", [&[newest[0] - 1], &newest[1..]].concat()).unwrap();
    index.insert(b"z", b"of old").unwrap();
    drop(index);
    assert_eq!(fate(&store, &before), Fate::Whole);
    let (rebuilt, index) = applied();
    assert_eq!(rebuilt[0], newest[0]);
    assert_eq!(index.get(b"z").unwrap(), None);
}

#[test]
fn export_and_import_make_the_same_store() {
    let (scratch, store, _, before) = prepared(false);
    let mut text = Vec::new();
    let entries = export(&store, &mut text).unwrap();
    let copy = scratch.path().join("imported");
    let imported = import(&copy, &mut text.as_slice(), Trailer::Required).unwrap();
    assert_eq!(imported.entries, entries);
    // The import built the index and added nothing to the journal.
    let report = verify(&copy).unwrap();
    assert_eq!((report.entries, &report.head), (entries, &imported.head));
    for file in files(&copy) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
    }
    assert_eq!(fate(&copy, &before), Fate::Whole);
    let again = import(&copy, &mut text.as_slice(), Trailer::Required);
    assert!(matches!(again, Err(OpenError::NotEmpty { .. })));
}

/// A damaged export is refused. With [`Trailer::Optional`], one without a trailer is accepted, even if its last entries
/// are missing: only the trailer would reveal that.
#[test]
fn an_export_that_is_not_whole_is_refused() {
    let (scratch, store, _, _) = prepared(false);
    let mut text = Vec::new();
    let entries = export(&store, &mut text).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let (trailer, body) = lines.split_last().unwrap();
    let cut = body.split_last().unwrap().1.concat();
    let cases = [
        ("another word in an entry", text.replace(b"stream 1", b"stream 2"), false),
        ("half a line", text[..text.len() - trailer.len() - 20].to_vec(), false),
        ("no trailer", body.concat(), true),
        ("no trailer and no last entry", cut.clone(), true),
        ("no last entry before the trailer", [cut.as_slice(), trailer].concat(), false),
        ("another count", text.replace(format!(":{entries},").as_bytes(), b":1,"), false),
        ("another hash", [&text[..text.len() - 70], &text[text.len() - 69..]].concat(), false),
        ("an entry behind the trailer", [text.as_slice(), lines[0]].concat(), false),
        ("a trailer alone", trailer.to_vec(), false),
        ("nothing", Vec::new(), false),
    ];
    for (number, (case, text, taken)) in cases.into_iter().enumerate() {
        let target = scratch.path().join(format!("target {number}"));
        let refused = import(&target, &mut text.as_slice(), Trailer::Required);
        assert!(matches!(refused, Err(OpenError::Import { .. } | OpenError::NoTrailer { .. })), "{case}: {refused:?}");
        assert!(files(&target).is_empty(), "{case}");
        let without = import(&target, &mut text.as_slice(), Trailer::Optional);
        assert_eq!(without.is_ok(), taken, "{case}: {without:?}");
    }
}

#[test]
fn a_store_without_an_index_is_told_how_to_get_one() {
    let (_scratch, store, _, _) = prepared(false);
    fs::remove_dir_all(store.join("index")).unwrap();
    let error = verify(&store).unwrap_err();
    assert!(error.is_of_the_index(), "{error}");
    assert!(error.to_string().contains("`hotfix store rebuild`"), "{error}");
    rebuild(&store).unwrap();
    verify(&store).unwrap();
}

trait Replace {
    fn replace(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl Replace for Vec<u8> {
    fn replace(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = self.windows(from.len()).position(|window| window == from).unwrap();
        [&self[..at], to, &self[at + from.len()..]].concat()
    }
}

#[test]
fn a_snapshot_is_read_beside_a_running_store() {
    let scratch = tempfile::tempdir().unwrap();
    let store = scratch.path().join("store");
    runtime().block_on(async {
        let journal = Embedded::open(options(&store)).unwrap();
        common::fill(&journal, 0, COMMITS).await;
        let view = snapshot(&store, common::clock()).unwrap();
        let (live, seen) = (content(&journal, 0).await.unwrap(), content(&view, 0).await.unwrap());
        assert_eq!(plain(&live), plain(&seen));
        use hotfix_storage::Journal;
        let refusal = view.commit(hotfix_storage::conformance::commit("x")).await;
        assert!(matches!(refusal, Err(hotfix_storage::CommitError::Fatal(_))));
    });
}

/// Removes the difference in white space: one journal keeps it in raw JSON, the other replaces newlines with spaces.
fn plain(text: &str) -> String {
    text.replace("\\n ", "  ")
}

#[test]
fn what_others_can_read_is_refused() {
    let (_scratch, store, last, before) = prepared(false);
    for (path, mode, good) in [(&store, 0o750, 0o700), (&last, 0o640, 0o600)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Embedded::open(options(&store)).err().unwrap();
        assert!(matches!(error, OpenError::Exposed { .. }));
        assert!(error.to_string().contains(&format!("chmod {good:o}")), "{error}");
        fs::set_permissions(path, fs::Permissions::from_mode(good)).unwrap();
    }
    assert_eq!(fate(&store, &before), Fate::Whole);
    for file in files(&store) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn a_second_process_is_told_who_to_stop() {
    let (_scratch, store, _, _) = prepared(false);
    let _open = Embedded::open(options(&store)).unwrap();
    let impatient = hotfix_storage::embedded::Options { lock_wait: std::time::Duration::ZERO, ..options(&store) };
    let error = Embedded::open(impatient).err().unwrap();
    assert!(matches!(&error, OpenError::Locked { path } if path.ends_with("lock")), "{error}");
}

/// Security case 88: a journal of another format is refused with a one-line error that names both formats, even
/// without an index.
#[test]
fn a_journal_of_another_format_is_refused() {
    for other in [1, 3] {
        let (_scratch, store, _, _) = prepared(false);
        fs::remove_file(store.join("checkpoint.json")).unwrap();
        fs::remove_dir_all(store.join("index")).unwrap();
        let first = files(&store.join("journal")).remove(0);
        let text = fs::read_to_string(&first).unwrap();
        let (line, rest) = text.split_once('\n').unwrap();
        let body = line.rsplit_once(",\"hash\":").unwrap().0.replace("\"format\":2", &format!("\"format\":{other}"));
        let hash = hex::encode(Sha256::digest(&body));
        fs::write(&first, format!("{body},\"hash\":\"{hash}\"}}\n{rest}")).unwrap();
        let error = Embedded::open(options(&store)).err().unwrap();
        assert!(
            matches!(error, OpenError::Damaged(Damage::Format { found, known: 2, .. }) if found == other),
            "{error}"
        );
        let said = error.to_string();
        assert!(said.contains(&format!("written in format {other}")) && said.contains("format 2 only"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
