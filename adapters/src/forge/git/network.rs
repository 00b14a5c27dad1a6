//! Classification of git's network errors. git has no exit codes for them, only messages, which are matched in
//! the `LC_ALL=C` wording.

use super::Git;
use super::run::GitOutput;
use crate::failure::Failure;

/// Messages of permanent errors.
const CREDENTIALS: [&str; 6] = [
    "could not read Username",
    "could not read Password",
    "Authentication failed",
    "returned error: 401",
    "Invalid credentials",
    "HTTP Basic: Access denied",
];
const FORBIDDEN: [&str; 2] = ["returned error: 403", "Permission to"];
const NOT_FOUND: [&str; 4] = [
    "returned error: 404",
    "returned error: 410",
    "Repository not found",
    "could not be found or you don't have permission",
];
const REDIRECT: [&str; 5] = [
    "unable to update url base from redirection",
    "returned error: 301",
    "returned error: 302",
    "returned error: 307",
    "returned error: 308",
];
const UNTRUSTED: [&str; 4] = [
    "SSL certificate problem",
    "certificate verification failed",
    "SSL: no alternative certificate",
    "certificate subject name",
];
const BARRED: [&str; 2] = ["' not allowed", "is not a valid URL"];

/// Messages of transient errors.
const BUSY: [&str; 2] = ["returned error: 429", "returned error: 5"];
const CUT: [&str; 22] = [
    "Could not resolve host",
    "Failed to connect",
    "Couldn't connect",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Operation timed out",
    "Operation too slow",
    "Recv failure",
    "Send failure",
    "Empty reply from server",
    "early EOF",
    "hung up unexpectedly",
    "unexpected disconnect",
    "RPC failed",
    "transfer closed",
    "end of response",
    "SSL_ERROR_SYSCALL",
    "gnutls_handshake() failed",
    "TLS connection was non-properly terminated",
    "expected flush after",
    "invalid server response",
];

impl Git {
    /// Converts a network error of git into a [`Failure`]. `None` if the complaint is about something else, or if there
    /// is no remote.
    pub(super) fn network_failure(&self, name: &str, answer: &GitOutput) -> Option<Failure> {
        let said = answer.complaint.as_str();
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let url = self.remote_url()?;
        if has(&CREDENTIALS) {
            return Some(Failure::rejected(format!(
                "{url} does not accept the bot's credentials. Check that the token is right, has not expired, and may be \
                 used for this repository; for an App, that it is installed there."
            )));
        }
        if has(&NOT_FOUND) {
            return Some(Failure::rejected(format!(
                "there is no repository at {url}, or the bot may not see it. Correct the name, or give the bot access to it."
            )));
        }
        if has(&FORBIDDEN) {
            return Some(Failure::rejected(format!(
                "{url} does not let the bot do git {name}: {said}. Give its token or App the permission to read and write \
                 the repository's contents."
            )));
        }
        if has(&REDIRECT) {
            return Some(Failure::rejected(format!(
                "{url} answers with a redirect, which is not followed because the token would go with it. If the repository \
                 was renamed or the forge moved, correct the configuration."
            )));
        }
        if has(&UNTRUSTED) {
            return Some(Failure::rejected(format!(
                "the certificate of {url} is not trusted here: {said}. Install the authority that signed it."
            )));
        }
        if has(&BARRED) {
            return Some(Failure::rejected(format!("{url} cannot be reached by git over HTTP: {said}")));
        }
        if has(&BUSY) || has(&CUT) {
            return Some(Failure::retry(format!("{url} could not be asked (git {name}): {said}")));
        }
        None
    }

    /// Converts a push that ended without a report into a [`Failure`]. The outcome is uncertain unless the forge
    /// refused the request or was never reached.
    pub(super) fn push_failure(&self, answer: &GitOutput) -> Failure {
        let failure = self.failure("push", answer);
        let never_began = answer.complaint.contains("unable to access");
        let refused = answer.complaint.contains("returned error: 4");
        match failure {
            Failure::Retry { reason, .. } if !never_began && !refused => {
                Failure::uncertain(format!("{reason} Look where the branch is before it is tried again."))
            }
            Failure::Retry { .. } | Failure::Rejected { .. } | Failure::Uncertain { .. } => failure,
        }
    }

    /// The name of the remote; `None` without one.
    pub(super) fn remote_name(&self) -> Option<&str> {
        self.config.iter().find_map(|(key, _)| key.strip_prefix("remote.")?.strip_suffix(".url"))
    }

    /// The URL of the remote; `None` without one.
    fn remote_url(&self) -> Option<&str> {
        self.config
            .iter()
            .find(|(key, _)| key.starts_with("remote.") && key.ends_with(".url"))
            .map(|(_, url)| url.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git() -> Git {
        Git::at("/").config("remote.origin.url", "https://forge.example/team/payments.git")
    }

    fn answer(complaint: &str) -> GitOutput {
        GitOutput { code: 128, stdout: Vec::new(), complaint: complaint.into() }
    }

    #[test]
    fn what_passes_by_itself_is_tried_again_and_nothing_else() {
        let passing = [
            "fatal: unable to access 'https://x/': The requested URL returned error: 503",
            "fatal: unable to access 'https://x/': The requested URL returned error: 429",
            "fatal: unable to access 'https://x/': Could not resolve host: x",
            "error: RPC failed; curl 56 Recv failure: Connection reset by peer; fatal: early EOF",
            "fatal: the remote end hung up unexpectedly",
        ];
        for complaint in passing {
            let failure = git().failure("fetch", &answer(complaint));
            assert!(matches!(failure, Failure::Retry { .. }), "{complaint}");
            assert!(failure.reason().contains("forge.example"), "{failure}");
        }
        let lasting = [
            "fatal: could not read Username for 'https://x': terminal prompts disabled",
            "fatal: unable to access 'https://x/': The requested URL returned error: 403",
            "remote: Repository not found.; fatal: repository 'https://x/' not found",
            "fatal: unable to access 'https://x/': SSL certificate problem: unable to get local issuer certificate",
            "fatal: transport 'file' not allowed",
        ];
        for complaint in lasting {
            let failure = git().failure("fetch", &answer(complaint));
            assert!(matches!(failure, Failure::Rejected { .. }), "{complaint}");
            assert!(failure.reason().contains("forge.example"), "{failure}");
        }
    }

    #[test]
    fn a_push_without_a_report_may_have_happened() {
        let lost =
            "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502; fatal: the remote end hung up";
        assert!(matches!(git().push_failure(&answer(lost)), Failure::Uncertain { .. }));
        let never = "fatal: unable to access 'https://x/': The requested URL returned error: 502";
        assert!(matches!(git().push_failure(&answer(never)), Failure::Retry { .. }));
        let busy = "error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429";
        assert!(matches!(git().push_failure(&answer(busy)), Failure::Retry { .. }));
    }
}
