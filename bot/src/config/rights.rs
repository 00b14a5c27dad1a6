//! Permission checks for the files that the bot reads and runs (security cases 69 and 97). A user who can write the
//! configuration, or a script that it names, can deploy. Therefore both must belong to the user of this process or to
//! root, and no other user may write them or replace them through a parent folder. A group whose only member is the
//! process user counts as that user: Debian gives every user such a group and makes files group-writable.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;

/// A fault in the permissions of a path, and the command that fixes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) next: String,
}

/// Owner, group and mode of a file or folder.
#[derive(Debug, Clone, Copy)]
struct Rights {
    owner: u32,
    group: u32,
    mode: u32,
}

/// The user of this process.
#[derive(Debug, Clone, Copy)]
struct Us {
    user: u32,
    /// The group whose only member is this user. `None` if there is none, or if only a directory service knows it.
    own_group: Option<u32>,
}

impl Rights {
    fn of(found: &Metadata) -> Self {
        Self { owner: found.uid(), group: found.gid(), mode: found.mode() & 0o7777 }
    }

    fn is_foreign(self, us: Us) -> bool {
        self.owner != us.user && self.owner != 0
    }

    fn is_writable_by_others(self, us: Us) -> bool {
        self.mode & 0o002 != 0 || (self.mode & 0o020 != 0 && us.own_group != Some(self.group))
    }

    /// Returns `true` if any user may replace entries of the folder. In a sticky folder, such as `/tmp`, only owners
    /// can replace their entries.
    fn is_open(self) -> bool {
        self.mode & 0o002 != 0 && self.mode & 0o1000 == 0
    }
}

/// Returns the effective user id of this process.
pub(super) fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Checks a file or folder that the bot reads or runs.
pub(super) fn check(path: &Path, shown: &str, found: &Metadata) -> Result<(), Wrong> {
    judge(path, shown, Rights::of(found), ourselves())
}

fn ourselves() -> Us {
    static US: OnceLock<Us> = OnceLock::new();
    *US.get_or_init(|| {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        let user = us();
        Us { user, own_group: own_group(&read("/etc/passwd"), &read("/etc/group"), user) }
    })
}

/// Returns the group that has the user's name and no other member, according to the contents of `passwd` and `group`;
/// `None` if there is no such group or the user is unknown. The files are parsed because the library lookups return one
/// user at a time and cannot list all members of a group.
fn own_group(passwd: &str, group: &str, user: u32) -> Option<u32> {
    // name:password:number:group:…
    let users = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?, fields.nth(1)?.parse::<u32>().ok()?, fields.next()?.parse::<u32>().ok()?))
    });
    let (name, _, own) = users.clone().find(|(_, number, _)| *number == user)?;
    let alone = users.filter(|(_, _, group)| *group == own).all(|(other, ..)| other == name);
    // name:password:number:member,member
    let is_own = group.lines().any(|line| {
        let mut fields = line.split(':');
        let (called, number, members) = (fields.next(), fields.nth(1), fields.next().unwrap_or_default());
        let nobody_else = members.split(',').all(|member| member.is_empty() || member == name);
        called == Some(name) && number == Some(own.to_string().as_str()) && nobody_else
    });
    (alone && is_own).then_some(own)
}

fn judge(path: &Path, shown: &str, rights: Rights, us: Us) -> Result<(), Wrong> {
    if rights.is_foreign(us) {
        return Err(foreign(path, shown, rights.owner, us));
    }
    if rights.is_writable_by_others(us) {
        let what = format!("{shown} can be written by others (mode {:04o})", rights.mode);
        return Err(Wrong { what, next: format!("run `chmod go-w {}`", path.display()) });
    }
    Ok(())
}

/// Checks every parent folder of an absolute path.
pub(super) fn check_parents(path: &Path) -> Result<(), Wrong> {
    for folder in path.ancestors().skip(1) {
        // A folder that cannot be read here was not used to find the path.
        if let Ok(found) = std::fs::metadata(folder) {
            judge_parent(folder, Rights::of(&found), ourselves())?;
        }
    }
    Ok(())
}

fn judge_parent(folder: &Path, rights: Rights, us: Us) -> Result<(), Wrong> {
    let shown = format!("the folder {}", folder.display());
    if rights.is_foreign(us) {
        return Err(foreign(folder, &shown, rights.owner, us));
    }
    if rights.is_open() {
        let what = format!("{shown} can be written by everybody (mode {:04o})", rights.mode);
        return Err(Wrong { what, next: format!("run `chmod o-w {}`", folder.display()) });
    }
    Ok(())
}

fn foreign(path: &Path, shown: &str, owner: u32, us: Us) -> Wrong {
    let us = us.user;
    let what = format!("{shown} belongs to the user {owner}, and neither to us ({us}) nor to root");
    Wrong { what, next: format!("run `chown {us} {}`, or run the bot as the user who owns it", path.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Us = Us { user: 1000, own_group: Some(1000) };
    const USER: u32 = US.user;
    const SOMEBODY: u32 = 1001;
    const USERS: u32 = 100;

    fn rights(owner: u32, mode: u32) -> Rights {
        Rights { owner, group: USERS, mode }
    }

    fn refused(result: Result<(), Wrong>) -> Option<String> {
        result.err().map(|wrong| wrong.next)
    }

    #[test]
    fn case_97_what_is_read_or_run_is_ours_alone() {
        let judge = |owner, mode| refused(judge(Path::new("/etc/x"), "x", rights(owner, mode), US));
        for (owner, mode) in [(USER, 0o644), (USER, 0o755), (USER, 0o600), (0, 0o644), (0, 0o755)] {
            assert_eq!(judge(owner, mode), None, "{owner} {mode:o}");
        }
        for (owner, mode) in [(USER, 0o664), (USER, 0o646), (USER, 0o777), (0, 0o775), (USER, 0o1777)] {
            assert_eq!(judge(owner, mode).as_deref(), Some("run `chmod go-w /etc/x`"), "{owner} {mode:o}");
        }
        for mode in [0o644, 0o600, 0o777] {
            let next = judge(SOMEBODY, mode).unwrap();
            assert!(next.starts_with("run `chown 1000 /etc/x`"), "{next}");
        }
    }

    /// Files that are writable by the user's own group are accepted: Debian creates files that way.
    #[test]
    fn case_97_our_own_group_is_ourselves() {
        let judge = |group, mode, us| judge(Path::new("/etc/x"), "x", Rights { owner: USER, group, mode }, us);
        assert_eq!(judge(1000, 0o664, US), Ok(()));
        assert!(judge(1000, 0o666, US).is_err() && judge(USERS, 0o664, US).is_err());
        assert!(judge(1000, 0o664, Us { own_group: None, ..US }).is_err());
    }

    #[test]
    fn a_group_is_our_own_when_nobody_else_is_in_it() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:,,,:/srv/ana:/bin/bash\nben:x:1001:100::/:/bin/sh\n";
        let group = "root:x:0:\nusers:x:100:\nana:x:1000:\n";
        assert_eq!(own_group(passwd, group, 1000), Some(1000));
        assert_eq!(own_group(passwd, group, 0), Some(0));
        assert_eq!(own_group(passwd, &group.replace("1000:", "1000:ana"), 1000), Some(1000));
        for (passwd, group, why) in [
            (passwd.to_owned(), group.replace("1000:", "1000:ana,ben"), "somebody was added to it"),
            (passwd.replace("1001:100:", "1001:1000:"), group.to_owned(), "it is also another user's"),
            (passwd.to_owned(), group.replace("ana:x", "staff:x"), "it has another name"),
            (passwd.to_owned(), String::new(), "it is not known"),
        ] {
            assert_eq!(own_group(&passwd, &group, 1000), None, "{why}");
        }
        assert_eq!(own_group(passwd, group, 1001), None, "a group of many");
        assert_eq!(own_group("a line of something else\n", "::\n", 1000), None);
    }

    #[test]
    fn case_97_nobody_can_swap_a_folder_above() {
        let judge = |owner, mode| refused(judge_parent(Path::new("/etc"), rights(owner, mode), US));
        for (owner, mode) in [(USER, 0o755), (0, 0o755), (0, 0o1777), (USER, 0o775)] {
            assert_eq!(judge(owner, mode), None, "{owner} {mode:o}");
        }
        for (owner, mode) in [(USER, 0o757), (0, 0o777), (USER, 0o2777)] {
            assert_eq!(judge(owner, mode).as_deref(), Some("run `chmod o-w /etc`"), "{owner} {mode:o}");
        }
        for mode in [0o755, 0o700, 0o1777] {
            assert!(judge(SOMEBODY, mode).is_some(), "{mode:o}");
        }
    }
}
