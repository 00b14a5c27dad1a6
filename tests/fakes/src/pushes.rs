//! Push log of a bare repository. Forges report who pushed and when, which git does not store, so a `post-receive` hook
//! appends each push to the file `pushes` in the repository.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::git::{git, git_out};

/// The `post-receive` hook: appends one line per pushed ref with old commit, new commit, ref, time and address.
const PUSHES: &str = "#!/bin/sh
while read -r old new name; do
    echo \"$old $new $name $(date -u +%Y-%m-%dT%H:%M:%SZ) $GIT_COMMITTER_EMAIL\" >>pushes
done
";

/// Installs the hook that logs pushes in a bare repository.
///
/// # Panics
/// Panics if the hook cannot be written.
pub fn keep_pushes(place: &Path) {
    let hook = place.join("hooks/post-receive");
    std::fs::create_dir_all(place.join("hooks")).expect("a folder");
    std::fs::write(&hook, PUSHES).expect("a hook");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("a program");
}

/// One logged push of one ref.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Commit before the push; all zeros if the push created the ref.
    pub old: String,
    /// Commit after the push; all zeros if the push deleted the ref.
    pub new: String,
    /// Full name of the ref, such as `refs/heads/main`.
    pub name: String,
    /// Time of the push, in RFC 3339.
    pub at: String,
    /// Mail address of the pusher. A push over HTTP, such as the bot's, has an address that belongs to no account.
    pub by: String,
}

/// The all-zeros commit id, which stands for a ref that does not exist.
pub(crate) const NONE: &str = "0000000000000000000000000000000000000000";

/// Logs a push of a branch to its current commit by the user with this mail address; `at` is in RFC 3339.
///
/// # Panics
/// Panics if there is no such branch.
pub fn pushed_by(place: &Path, branch: &str, at: &str, who: &str) {
    let tip = git_out(place, &["rev-parse", "--verify", &format!("refs/heads/{branch}")]);
    keep(place, branch, &tip, (at, who));
}

/// Deletes a branch and logs the deletion as a push by the user with this mail address; `at` is in RFC 3339.
///
/// # Panics
/// Panics if there is no such branch.
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

/// Returns the logged pushes to a repository, newest first.
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
