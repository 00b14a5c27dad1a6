//! What a repository holds. Refs are read from their files, and what git says of commits is kept, because it never changes: asked
//! each time, git would be most of what the tests run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::git::program;

/// What git printed, or what it complained about; a plain "no" is an empty complaint.
pub(crate) type Answer = Result<String, String>;

/// What git said of objects, by its arguments.
static KNOWN: Mutex<BTreeMap<Vec<String>, Answer>> = Mutex::new(BTreeMap::new());

/// Runs git with these environment variables.
pub(crate) fn try_git(place: &Path, args: &[&str], variables: &[(&str, &str)]) -> Answer {
    let mut command = Command::new(program());
    command.args(args).current_dir(place).env("LC_ALL", "C").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.envs(variables.iter().copied()).output().expect("git can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Asks git for something that depends on nothing but the objects that its arguments name by their whole ids. Every repository
/// that has them answers alike; of one that lacks them git complains, which is not kept.
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

/// Returns the commit at the head of a branch.
pub(crate) fn tip(place: &Path, branch: &str) -> Option<String> {
    read_ref(place, &format!("refs/heads/{branch}"))
}

/// Returns the commit that a tag names.
pub(crate) fn tag(place: &Path, tag: &str) -> Option<String> {
    read_ref(place, &format!("refs/tags/{tag}")).and_then(|id| commit_named(place, &id))
}

/// Returns the commit that these words name, without looking for a branch or a tag of that name first.
pub(crate) fn commit_named(place: &Path, words: &str) -> Option<String> {
    let object = format!("{words}^{{commit}}");
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &object];
    let is_there = is_id(words) && place.join("objects").join(&words[..2]).join(&words[2..]).is_file();
    if is_there { of_objects(place, &args) } else { try_git(place, &args, &[]) }.ok()
}

/// Returns whether a commit is another, or behind it.
pub(crate) fn is_ancestor(place: &Path, old: &str, new: &str) -> bool {
    let args = ["merge-base", "--is-ancestor", old, new];
    if is_id(old) && is_id(new) { of_objects(place, &args) } else { try_git(place, &args, &[]) }.is_ok()
}

/// Returns whether two commits merge without a conflict.
pub(crate) fn merges(place: &Path, base: &str, head: &str) -> bool {
    of_objects(place, &["merge-tree", "--write-tree", base, head]).is_ok()
}

/// Reads a ref from its own file, or from the one into which git packs refs.
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
