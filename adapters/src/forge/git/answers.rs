//! Cache of immutable answers: git's output about objects that are named by their full ids. The bot repeats the same
//! queries in every poll, and each would start a process.
//!
//! A cached answer belongs to one repository as it was created: a mirror that is deleted and created again may lack
//! objects of the old one.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::run::GitOutput;

/// Capacity in bytes of the cache of one forge, across all its repositories.
const CAPACITY: u64 = 4 << 20;
/// Size in bytes of the largest answer that is cached.
const LARGEST: usize = 128 << 10;
/// Estimated size in bytes of an entry without its output.
const OVERHEAD: usize = 128;
/// End of the line with which `git cat-file --batch` reports a missing object.
const MISSING: &[u8] = b" missing\n";

/// Hash of a query and of the repository that it is about.
pub(super) type Key = [u8; 32];

/// A bounded cache of git's answers that evicts the least used ones.
pub(in crate::forge) struct Answers(Cache<Key, GitOutput, Bytes>);

impl Default for Answers {
    fn default() -> Self {
        let typical = CAPACITY / 1024;
        Self(Cache::with_weighter(usize::try_from(typical).unwrap_or(usize::MAX), CAPACITY, Bytes))
    }
}

impl Answers {
    /// Returns the cache key of a query. `None` if the answer may change: there is no repository, or it is a shallow
    /// clone, which can be deepened.
    pub(super) fn key(directory: &Path, args: &[String], input: &[u8]) -> Option<Key> {
        if directory.join("shallow").exists() {
            return None;
        }
        let head = fs::metadata(directory.join("HEAD")).ok()?;
        let mut hash = Sha256::new();
        hash.update(directory.as_os_str().as_encoded_bytes());
        for number in [head.dev().cast_signed(), head.ino().cast_signed(), head.ctime(), head.ctime_nsec()] {
            hash.update(number.to_le_bytes());
        }
        for arg in args {
            hash.update([0]);
            hash.update(arg);
        }
        hash.update([0, 0]);
        hash.update(input);
        Some(hash.finalize().into())
    }

    pub(super) fn get(&self, key: &Key) -> Option<GitOutput> {
        self.0.get(key)
    }

    /// Caches an answer, unless git failed or complained, the output is too large, or an object is missing that may
    /// be fetched later.
    pub(super) fn keep(&self, key: Key, answer: &GitOutput) {
        let said = matches!(answer.code, 0 | 1) && answer.complaint.is_empty();
        let missing = answer.stdout.windows(MISSING.len()).any(|part| part == MISSING);
        if said && !missing && answer.stdout.len() <= LARGEST {
            self.0.insert(key, answer.clone());
        }
    }
}

/// Weighs an entry by its size in bytes.
#[derive(Clone)]
struct Bytes;

impl Weighter<Key, GitOutput> for Bytes {
    fn weight(&self, _key: &Key, answer: &GitOutput) -> u64 {
        (answer.stdout.len() + OVERHEAD) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(stdout: &str, code: i32) -> GitOutput {
        GitOutput { code, stdout: stdout.into(), complaint: String::new() }
    }

    #[test]
    fn an_answer_that_may_change_is_not_kept() {
        let answers = Answers::default();
        let kept = |answer: GitOutput| {
            answers.keep([1; 32], &answer);
            let kept = answers.get(&[1; 32]).is_some();
            answers.0.remove(&[1; 32]);
            kept
        };
        assert!(kept(answer("a commit\n", 0)) && kept(answer("", 1)));
        assert!(!kept(answer("", 128)) && !kept(answer("d08b465 missing\n", 0)));
        assert!(!kept(GitOutput { complaint: "warning: no".to_owned(), ..answer("", 0) }));
        assert!(!kept(answer(&"x".repeat(LARGEST + 1), 0)));
    }

    #[test]
    fn the_least_used_answers_go_first() {
        let answers = Answers::default();
        let many = CAPACITY / LARGEST as u64 * 2;
        for number in 0..many {
            answers.keep([u8::try_from(number).unwrap(); 32], &answer(&"x".repeat(LARGEST), 0));
        }
        assert!(answers.0.weight() <= CAPACITY && answers.0.len() > 1);
    }

    #[test]
    fn a_question_belongs_to_one_repository_as_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let key = |args: &[&str], input: &str| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            Answers::key(folder.path(), &args, input.as_bytes())
        };
        assert_eq!(key(&["log", "a"], ""), None, "there is no repository");
        let made = || fs::write(folder.path().join("HEAD"), "ref: refs/heads/main\n").unwrap();
        made();
        let first = key(&["log", "a"], "");
        assert_eq!(first, key(&["log", "a"], ""));
        assert!(first != key(&["log", "b"], "") && first != key(&["log"], "a") && first != key(&["loga"], ""));
        fs::remove_file(folder.path().join("HEAD")).unwrap();
        made();
        assert_ne!(first, key(&["log", "a"], ""));
        fs::write(folder.path().join("shallow"), "").unwrap();
        assert_eq!(key(&["log", "a"], ""), None);
    }
}
