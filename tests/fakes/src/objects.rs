//! Reads of git objects and refs for the forge fakes. Refs are read from their files and answers about immutable
//! objects are cached, because spawning git for each read would dominate the run time of the tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::git::program;

/// Standard output of git, or its standard error if it failed; a plain negative answer is an empty error.
pub(crate) type Answer = Result<String, String>;

/// Cache of answers about objects, keyed by the arguments of git.
static KNOWN: Mutex<BTreeMap<Vec<String>, Answer>> = Mutex::new(BTreeMap::new());

/// Runs git in a repository with additional environment variables.
pub(crate) fn try_git(place: &Path, args: &[&str], variables: &[(&str, &str)]) -> Answer {
    let mut command = Command::new(program());
    command.args(args).current_dir(place).env("LC_ALL", "C").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.envs(variables.iter().copied()).output().expect("git can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Runs a git command with a result that depends only on objects that its arguments name by full id, and caches the
/// answer for all repositories. A failure with an error message, such as a missing object, is not cached.
pub(crate) fn of_objects(place: &Path, args: &[&str]) -> Answer {
    let key: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = known().get(&key) {
        return answer.clone();
    }
    let answer = try_git(place, args, &[]);
    if answer.as_ref().err().is_none_or(String::is_empty) {
        known().insert(key, answer.clone());
    }
    answer
}

/// Returns the head commit of a branch; `None` if the branch does not exist.
pub(crate) fn tip(place: &Path, branch: &str) -> Option<String> {
    read_ref(place, &format!("refs/heads/{branch}"))
}

/// Returns the commit that a tag points to, peeled; `None` if the tag does not exist.
pub(crate) fn tag(place: &Path, tag: &str) -> Option<String> {
    read_ref(place, &format!("refs/tags/{tag}")).and_then(|id| commit_named(place, &id))
}

/// Resolves a revision to a commit with `git rev-parse`. Branches and tags are not tried first.
pub(crate) fn commit_named(place: &Path, words: &str) -> Option<String> {
    let object = format!("{words}^{{commit}}");
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &object];
    let is_there = is_id(words) && place.join("objects").join(&words[..2]).join(&words[2..]).is_file();
    if is_there { of_objects(place, &args) } else { try_git(place, &args, &[]) }.ok()
}

/// Returns `true` if `old` is `new` or an ancestor of it.
pub(crate) fn is_ancestor(place: &Path, old: &str, new: &str) -> bool {
    let args = ["merge-base", "--is-ancestor", old, new];
    if is_id(old) && is_id(new) { of_objects(place, &args) } else { try_git(place, &args, &[]) }.is_ok()
}

/// Returns `true` if two commits merge without a conflict.
pub(crate) fn merges(place: &Path, base: &str, head: &str) -> bool {
    of_objects(place, &["merge-tree", "--write-tree", base, head]).is_ok()
}

/// Reads a ref from its loose file, or else from `packed-refs`.
fn read_ref(place: &Path, name: &str) -> Option<String> {
    let loose = std::fs::read_to_string(place.join(name)).ok().map(|text| text.trim_end().to_owned());
    let packed = || {
        let packed = std::fs::read_to_string(place.join("packed-refs")).ok()?;
        packed.lines().find_map(|line| Some(line.strip_suffix(name)?.strip_suffix(' ')?.to_owned()))
    };
    loose.or_else(packed).filter(|id| is_id(id))
}

fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
