//! Who could have written what the bot reads and runs (security cases 69 and 97). Whoever can write the configuration, or a
//! script that it names, can deploy; so both belong to this process' user or to root, and nobody else may write them. Whoever
//! may write a folder above them can put others in their place.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What is wrong with the rights of a path, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) next: String,
}

/// The owner and the mode of a file or folder.
#[derive(Debug, Clone, Copy)]
struct Rights {
    owner: u32,
    mode: u32,
}

impl Rights {
    fn of(found: &Metadata) -> Self {
        Self { owner: found.uid(), mode: found.mode() & 0o7777 }
    }

    fn is_foreign(self, us: u32) -> bool {
        self.owner != us && self.owner != 0
    }

    fn is_writable_by_others(self) -> bool {
        self.mode & 0o022 != 0
    }

    /// Whether anybody may put something else in the place of what is in the folder. A sticky one, such as `/tmp`, keeps what
    /// it holds to its owners.
    fn is_open(self) -> bool {
        self.mode & 0o002 != 0 && self.mode & 0o1000 == 0
    }
}

/// The user of this process.
pub(super) fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Checks a file or a folder that is read or run.
pub(super) fn check(path: &Path, shown: &str, found: &Metadata) -> Result<(), Wrong> {
    judge(path, shown, Rights::of(found), us())
}

fn judge(path: &Path, shown: &str, rights: Rights, us: u32) -> Result<(), Wrong> {
    if rights.is_foreign(us) {
        return Err(foreign(path, shown, rights.owner, us));
    }
    if rights.is_writable_by_others() {
        let what = format!("{shown} can be written by others (mode {:04o})", rights.mode);
        return Err(Wrong { what, next: format!("run `chmod go-w {}`", path.display()) });
    }
    Ok(())
}

/// Checks every folder above an absolute path.
pub(super) fn check_parents(path: &Path) -> Result<(), Wrong> {
    for folder in path.ancestors().skip(1) {
        // What cannot be looked at from here was not what the path was found by.
        if let Ok(found) = std::fs::metadata(folder) {
            judge_parent(folder, Rights::of(&found), us())?;
        }
    }
    Ok(())
}

fn judge_parent(folder: &Path, rights: Rights, us: u32) -> Result<(), Wrong> {
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

fn foreign(path: &Path, shown: &str, owner: u32, us: u32) -> Wrong {
    let what = format!("{shown} belongs to the user {owner}, and neither to us ({us}) nor to root");
    Wrong { what, next: format!("run `chown {us} {}`, or run the bot as the user who owns it", path.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u32 = 1000;
    const SOMEBODY: u32 = 1001;

    fn refused(result: Result<(), Wrong>) -> Option<String> {
        result.err().map(|wrong| wrong.next)
    }

    #[test]
    fn case_97_what_is_read_or_run_is_ours_alone() {
        let judge = |owner, mode| refused(judge(Path::new("/etc/x"), "x", Rights { owner, mode }, US));
        for (owner, mode) in [(US, 0o644), (US, 0o755), (US, 0o600), (0, 0o644), (0, 0o755)] {
            assert_eq!(judge(owner, mode), None, "{owner} {mode:o}");
        }
        for (owner, mode) in [(US, 0o664), (US, 0o646), (US, 0o777), (0, 0o775), (US, 0o1777)] {
            assert_eq!(judge(owner, mode).as_deref(), Some("run `chmod go-w /etc/x`"), "{owner} {mode:o}");
        }
        for mode in [0o644, 0o600, 0o777] {
            let next = judge(SOMEBODY, mode).unwrap();
            assert!(next.starts_with("run `chown 1000 /etc/x`"), "{next}");
        }
    }

    #[test]
    fn case_97_nobody_can_swap_a_folder_above() {
        let judge = |owner, mode| refused(judge_parent(Path::new("/etc"), Rights { owner, mode }, US));
        for (owner, mode) in [(US, 0o755), (0, 0o755), (0, 0o1777), (US, 0o775)] {
            assert_eq!(judge(owner, mode), None, "{owner} {mode:o}");
        }
        for (owner, mode) in [(US, 0o757), (0, 0o777), (US, 0o2777)] {
            assert_eq!(judge(owner, mode).as_deref(), Some("run `chmod o-w /etc`"), "{owner} {mode:o}");
        }
        for mode in [0o755, 0o700, 0o1777] {
            assert!(judge(SOMEBODY, mode).is_some(), "{mode:o}");
        }
    }
}
