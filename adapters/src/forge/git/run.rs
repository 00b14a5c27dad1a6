//! One git process: its environment, time limit, output limit and the handling of its failure.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::Git;
use super::answers::Answers;
use crate::failure::Failure;
use crate::program;

/// Number of bytes of git's stderr that are kept; the rest is drained and dropped.
const COMPLAINT_LIMIT: usize = 16 << 10;
/// Number of characters of it that appear in a message.
const TOLD_LIMIT: usize = 1000;

/// Settings that make git behave the same on every machine, whatever the repository's own configuration says.
const SETTINGS: [(&str, &str); 12] = [
    // GIT_DIR names the repository and git discovers nothing, so its guards against a planted repository
    // are not needed.
    ("safe.directory", "*"),
    ("safe.bareRepository", "all"),
    // After a power cut, a surviving ref must not point at a lost object.
    ("core.fsync", "committed,reference"),
    ("core.hooksPath", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("log.showSignature", "false"),
    ("i18n.logOutputEncoding", "UTF-8"),
    // The result of a merge must not depend on the machine: the same pick has to yield the same commit.
    ("merge.renames", "true"),
    ("merge.directoryRenames", "conflict"),
    ("merge.renormalize", "false"),
];

/// A git process that is about to run.
pub(super) struct GitCommand<'a> {
    git: &'a Git,
    args: Vec<String>,
    input: Vec<u8>,
    moves_refs: bool,
    offline: bool,
    fixed: bool,
}

/// The result of a git process.
#[derive(Clone)]
pub(super) struct GitOutput {
    pub(super) code: i32,
    pub(super) stdout: Vec<u8>,
    pub(super) complaint: String,
}

impl Git {
    /// Prepares a process that reads, or writes unreferenced objects. It is harmless to repeat.
    pub(super) fn ask<S: Into<String>>(&self, args: impl IntoIterator<Item = S>) -> GitCommand<'_> {
        let args = args.into_iter().map(Into::into).collect();
        GitCommand { git: self, args, input: Vec::new(), moves_refs: false, offline: false, fixed: false }
    }

    /// Prepares a process that moves refs. If its answer is lost, the outcome is uncertain.
    pub(super) fn act<S: Into<String>>(&self, args: impl IntoIterator<Item = S>) -> GitCommand<'_> {
        GitCommand { moves_refs: true, ..self.ask(args) }
    }
}

impl Git {
    /// Redacts our authorization from a text, because a forge may echo it.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let headers = self.config.iter().filter(|(key, _)| key.ends_with(".extraHeader"));
        let secrets = headers.filter_map(|(_, value)| value.split_whitespace().next_back());
        secrets.fold(text.to_owned(), |text, secret| {
            let text = text.replace(secret, "…");
            match password(secret) {
                Some(password) => text.replace(&password, "…"),
                None => text,
            }
        })
    }
}

impl GitCommand<'_> {
    pub(super) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Restricts the call to local objects: in a mirror without all content, git would fetch whatever is missing.
    pub(super) fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// Marks the call as immutable: it names objects by full ids only, so its answer can be cached.
    pub(super) fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    /// Runs the process and returns its stdout. Fails if the exit status is not 0.
    pub(super) async fn stdout(self) -> Result<Vec<u8>, Failure> {
        let (git, name) = (self.git, self.name());
        let answer = self.run().await?;
        if answer.code == 0 { Ok(answer.stdout) } else { Err(git.failure(&name, &answer)) }
    }

    /// Runs the process and returns its output and exit status.
    pub(super) async fn run(self) -> Result<GitOutput, Failure> {
        let answers = self.git.answers.as_ref().filter(|_| self.fixed);
        let key = answers.and_then(|_| Answers::key(&self.git.directory, &self.args, &self.input));
        let (Some(answers), Some(key)) = (answers, key) else { return self.run_anew().await };
        if let Some(answer) = answers.get(&key) {
            return Ok(answer);
        }
        let answer = self.run_anew().await?;
        answers.keep(key, &answer);
        Ok(answer)
    }

    async fn run_anew(&self) -> Result<GitOutput, Failure> {
        let mut child = self.spawn()?;
        let group = Group::of(&child);
        let talk = converse(&mut child, &self.input, self.git.output_limit);
        let answer = match tokio::time::timeout(self.git.time_limit, talk).await {
            Ok(Ok(answer)) => {
                // Redact before the text is cut: half a secret is a secret, too.
                let complaint = self.git.without_secrets(&answer.complaint).chars().take(TOLD_LIMIT).collect();
                Ok(GitOutput { complaint, ..answer })
            }
            Ok(Err(error)) => Err(self.lost(&format!("ended with {error}"))),
            Err(_) => Err(self.lost(&format!("took longer than {} and was stopped", words(self.git.time_limit)))),
        };
        match answer {
            Ok(answer) => {
                group.ended();
                Ok(answer)
            }
            Err(failure) => {
                drop(group);
                let _ = child.wait().await;
                Err(failure)
            }
        }
    }

    /// Streams stdout into another process and returns the stdout of that one; fails if either fails. The data in
    /// between may exceed the output limit, because it is never held in memory.
    pub(super) async fn piped_into(self, next: GitCommand<'_>) -> Result<Vec<u8>, Failure> {
        let git = self.git;
        let (mut one, mut two) = (self.spawn()?, next.spawn()?);
        let groups = [Group::of(&one), Group::of(&two)];
        let talk = pass_on((&mut one, &self.input), &mut two, git.output_limit);
        let [first, second] = match tokio::time::timeout(git.time_limit, talk).await {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => return Err(self.lost(&format!("ended with {error}"))),
            Err(_) => return Err(self.lost(&format!("took longer than {} and was stopped", words(git.time_limit)))),
        };
        groups.into_iter().for_each(Group::ended);
        for (call, answer) in [(&self, &first), (&next, &second)] {
            if answer.code != 0 {
                let complaint = git.without_secrets(&answer.complaint).chars().take(TOLD_LIMIT).collect();
                let answer = GitOutput { code: answer.code, stdout: Vec::new(), complaint };
                return Err(git.failure(&call.name(), &answer));
            }
        }
        Ok(second.stdout)
    }

    fn spawn(&self) -> Result<Child, Failure> {
        let program = program::git().map_err(|error| not_started(error, Path::new("/")))?;
        let mut command = Command::new(program);
        // git passes files to a merge driver in its working directory, which must therefore be writable. If there is no
        // repository, git itself reports that.
        let folder = Some(self.git.directory.as_path()).filter(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
        command.args(&self.args).current_dir(folder).env_clear();
        let path = std::env::var_os("PATH").unwrap_or_else(|| program::DEFAULT_PATH.into());
        command.env("PATH", path).env("HOME", "/nonexistent").env("LC_ALL", "C").env("TZ", "UTC");
        command
            .env("GIT_DIR", &self.git.directory)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ATTR_NOSYSTEM", "1").env("GIT_OPTIONAL_LOCKS", "0");
        command.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_LITERAL_PATHSPECS", "1");
        let own = self.git.config.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let own = own.filter(|(key, _)| !(self.offline && key.starts_with("remote.")));
        let mut count = 0;
        for (key, value) in SETTINGS.into_iter().chain(own) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key).env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command.spawn().map_err(|error| not_started(error, folder))
    }

    /// The subcommand, for messages.
    fn name(&self) -> String {
        self.args.iter().find(|arg| !arg.starts_with("--attr-source")).cloned().unwrap_or_default()
    }

    /// Builds the failure for a lost answer: uncertain if refs were being moved, else a retry.
    fn lost(&self, how: &str) -> Failure {
        let reason = format!("git {} in {} {how}.", self.name(), self.git.directory.display());
        if self.moves_refs {
            Failure::uncertain(format!("{reason} Look where the branch is before it is tried again."))
        } else {
            Failure::retry(reason)
        }
    }
}

fn not_started(error: io::Error, folder: &Path) -> Failure {
    if error.kind() == io::ErrorKind::NotFound && folder.is_dir() {
        return Failure::rejected("git is not on PATH. Install git 2.41 or newer.");
    }
    Failure::retry(format!("git could not be started: {error}"))
}

/// A guard that kills the process group on drop, unless the process has ended.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

async fn converse(child: &mut Child, input: &[u8], limit: usize) -> io::Result<GitOutput> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::Error::other("no pipes"));
    };
    let write = async move {
        match stdin.write_all(input).await {
            // The process stopped reading early. Its exit status tells if that is an error.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    };
    let ((), stdout, complaint) = tokio::try_join!(write, read_all(stdout, limit), read_start(stderr))?;
    let status = child.wait().await?;
    Ok(GitOutput { code: status.code().unwrap_or(-1), stdout, complaint: one_line(&complaint) })
}

/// Runs two processes, piping the stdout of the first into the second.
async fn pass_on((one, input): (&mut Child, &[u8]), two: &mut Child, limit: usize) -> io::Result<[GitOutput; 2]> {
    let first = (one.stdin.take(), one.stdout.take(), one.stderr.take());
    let second = (two.stdin.take(), two.stdout.take(), two.stderr.take());
    let (Some(mut stdin), Some(mut from), Some(stderr)) = first else { return Err(io::Error::other("no pipes")) };
    let (Some(mut to), Some(stdout), Some(complaints)) = second else { return Err(io::Error::other("no pipes")) };
    let enough = |ended: io::Result<()>| match ended {
        // The process stopped reading early. Its exit status tells if that is an error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    };
    let write = async move { enough(stdin.write_all(input).await) };
    let carry = async move { enough(tokio::io::copy(&mut from, &mut to).await.map(|_| ())) };
    let told = read_all(stdout, limit);
    let ((), (), stdout, first, second) =
        tokio::try_join!(write, carry, told, read_start(stderr), read_start(complaints))?;
    let (one, two) = (one.wait().await?, two.wait().await?);
    let answer = |code: Option<i32>, stdout, complaint: &[u8]| GitOutput {
        code: code.unwrap_or(-1),
        stdout,
        complaint: one_line(complaint),
    };
    Ok([answer(one.code(), Vec::new(), &first), answer(two.code(), stdout, &second)])
}

async fn read_all(from: impl AsyncRead + Unpin, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes).await?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!("an answer of more than {limit} bytes")));
    }
    Ok(bytes)
}

async fn read_start(mut from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    (&mut from).take(COMPLAINT_LIMIT as u64).read_to_end(&mut bytes).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(bytes)
}

/// Returns the password of HTTP basic credentials in base64.
fn password(basic: &str) -> Option<String> {
    let plain = String::from_utf8(BASE64_STANDARD.decode(basic).ok()?).ok()?;
    plain.split_once(':').map(|(_, password)| password.to_owned()).filter(|password| !password.is_empty())
}

/// Joins the complaint into one line without control characters, safe for terminals and logs.
fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:")).collect();
    lines.join("; ").chars().filter(|c| !c.is_control()).collect()
}

fn words(time: Duration) -> String {
    if time.as_secs() > 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_one_harmless_line() {
        assert_eq!(one_line(b"fatal: \x1b[31mno\n\nhint: do\nerror: \xff"), "fatal: [31mno; error: \u{fffd}");
    }
}
