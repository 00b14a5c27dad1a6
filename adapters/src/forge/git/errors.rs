//! Classification of git's failures: retry or reject, with advice for the operator.

use super::Git;
use super::run::GitOutput;
use crate::failure::Failure;

impl Git {
    /// Converts a failed git process into a [`Failure`] with advice.
    pub(super) fn failure(&self, name: &str, answer: &GitOutput) -> Failure {
        let place = self.directory.display();
        let said = answer.complaint.as_str();
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if has(&["No space left on device", "Disk quota exceeded"]) {
            return Failure::retry(format!(
                "the disk of {place} is full, so git {name} could not write. Make room there."
            ));
        }
        if let Some(failure) = self.network_failure(name, answer) {
            return failure;
        }
        if !self.directory.exists() || has(&["not a git repository"]) {
            return Failure::rejected(format!(
                "there is no git repository at {place} (any more). Restore or clone it, or correct its path in the \
                 configuration."
            ));
        }
        if has(&[".lock': File exists", "unable to lock", "Cannot allocate memory"]) {
            return Failure::retry(format!(
                "git {name} had to wait for another git process in {place}: {said}. If none runs there, remove the lock file."
            ));
        }
        if has(&[
            "bad object",
            "bad revision",
            "not a valid",
            "Not a valid",
            "not something we can merge",
            "nonexistent object",
        ]) {
            return Failure::rejected(format!("a commit is not in {place}: {said}. Push or fetch it, then try again."));
        }
        if answer.code < 0 {
            return Failure::retry(format!("git {name} in {place} was killed from outside; is memory short?"));
        }
        Failure::rejected(format!("git {name} in {place} refused ({}): {said}", answer.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(complaint: &str) -> Failure {
        let answer = GitOutput { code: 128, stdout: Vec::new(), complaint: complaint.into() };
        Git::at("/").failure("update-ref", &answer)
    }

    #[test]
    fn what_passes_by_itself_is_tried_again_and_nothing_else() {
        let passing = [
            "error: unable to write file ./objects/ab/cd: No space left on device",
            "fatal: cannot lock ref 'refs/heads/x': Unable to create '/r/refs/heads/x.lock': File exists.",
            "fatal: Out of memory? mmap failed: Cannot allocate memory",
        ];
        for complaint in passing {
            assert!(matches!(meaning(complaint), Failure::Retry { .. }), "{complaint}");
        }
        let lasting = [
            "fatal: not a git repository: '/r'",
            "fatal: bad object 123",
            "fatal: Unable to create '/r/x.lock': Permission denied",
            "fatal: else",
        ];
        for complaint in lasting {
            assert!(matches!(meaning(complaint), Failure::Rejected { .. }), "{complaint}");
        }
        assert!(meaning(passing[0]).reason().contains("disk"));
    }
}
