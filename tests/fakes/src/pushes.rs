//! Who pushed what to a bare repository. Forges know it and git does not, so a hook writes it down beside the repository.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::git::{git, git_out};

/// Writes down who pushed what, and when.
const PUSHES: &str = "#!/bin/sh
while read -r old new name; do
    echo \"$old $new $name $(date -u +%Y-%m-%dT%H:%M:%SZ) $GIT_COMMITTER_EMAIL\" >>pushes
done
";

/// From now on a bare repository keeps who pushed what, which git itself forgets.
///
/// # Panics
/// When the hook cannot be written.
pub fn keep_pushes(place: &Path) {
    let hook = place.join("hooks/post-receive");
    std::fs::create_dir_all(place.join("hooks")).expect("a folder");
    std::fs::write(&hook, PUSHES).expect("a hook");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("a program");
}

/// One push of one ref.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Where the ref was; all zeroes when it was made.
    pub old: String,
    /// Where it is; all zeroes when it was deleted.
    pub new: String,
    /// The whole name of the ref.
    pub name: String,
    /// When, in RFC 3339.
    pub at: String,
    /// The address of whoever pushed; the bot's is nobody's.
    pub by: String,
}

/// No commit: the ref was not there before, or is not there any more.
pub(crate) const NONE: &str = "0000000000000000000000000000000000000000";

/// Somebody, by the address of theirs, pushed a branch to where it is; `at` is in RFC 3339.
///
/// # Panics
/// When there is no such branch.
pub fn pushed_by(place: &Path, branch: &str, at: &str, who: &str) {
    let tip = git_out(place, &["rev-parse", "--verify", &format!("refs/heads/{branch}")]);
    keep(place, branch, &tip, (at, who));
}

/// Somebody deletes a branch by a push.
///
/// # Panics
/// When there is no such branch.
pub fn deleted_by(place: &Path, branch: &str, at: &str, who: &str) {
    git(place, &["update-ref", "-d", &format!("refs/heads/{branch}")]);
    keep(place, branch, NONE, (at, who));
}

fn keep(place: &Path, branch: &str, new: &str, (at, who): (&str, &str)) {
    let name = format!("refs/heads/{branch}");
    let before = pushes(place).into_iter().find(|push| push.name == name);
    let old = before.map_or_else(|| NONE.to_owned(), |push| push.new);
    let mut file = std::fs::File::options().append(true).create(true).open(place.join("pushes")).expect("a file");
    writeln!(file, "{old} {new} {name} {at} {who}").expect("a line");
}

/// The pushes to a repository, newest first.
#[must_use]
pub fn pushes(place: &Path) -> Vec<Pushed> {
    let text = std::fs::read_to_string(place.join("pushes")).unwrap_or_default();
    let pushed = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Pushed {
            old: words.next()?,
            new: words.next()?,
            name: words.next()?,
            at: words.next()?,
            by: words.next().unwrap_or_default(),
        })
    };
    text.lines().rev().filter_map(pushed).collect()
}
