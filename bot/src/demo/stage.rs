//! The stage of the demo: a folder with a configuration, a repository as the runbook draws it, and environments.
//! Everything is real except the team.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use hotfix_adapters::program;

/// The repository of the service, as named in the configuration.
pub const REPOSITORY: &str = "team/payments";

/// The folder of the demo and its repository.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The parent folder of everything.
    pub root: PathBuf,
    /// Full id of the commit that production runs at first.
    pub live: String,
    /// The clone that the users work in.
    pub work: PathBuf,
}

/// Creates a new folder under the system's temporary folder.
///
/// # Errors
/// Fails if the folder cannot be created.
pub fn fresh_folder() -> anyhow::Result<PathBuf> {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let folder = std::env::temp_dir().join(format!("hotfix-demo-{}-{}", since_epoch.as_secs(), std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

impl Stage {
    /// Builds the repository of the runbook: X is live, features 1 and 2 are merged but not ready, the fix is on
    /// a branch.
    ///
    /// # Errors
    /// Fails if git is missing or the folder is not writable.
    pub fn of_the_runbook(root: &Path) -> anyhow::Result<Self> {
        let stage = Self::empty(root, "main")?;
        stage.write("README.md", "# Payments\n\nTakes card payments.\n")?;
        stage.write("src/upload.py", UPLOAD_BEFORE)?;
        stage.write("src/refund.py", "def refund(order):\n    return order.total\n")?;
        stage.commit("Dee Osei", "dee@example.org", "Take uploads of receipts")?;
        let live = stage.git(&["rev-parse", "HEAD"])?;
        stage.git(&["tag", "live"])?;
        stage.feature(
            "feature-1",
            "Chi Nwosu",
            "chi@example.org",
            "src/wallet.py",
            "def pay_by_wallet(order):\n    raise NotImplementedError\n",
            "Pay by wallet, half of it",
        )?;
        stage.feature(
            "feature-2",
            "Ben Okafor",
            "ben@example.org",
            "src/refund.py",
            "def refund(order):\n    return order.total - order.fee\n",
            "Keep the fee on refunds",
        )?;
        stage.git(&["switch", "--quiet", "--create", "fix-upload", &live])?;
        stage.write("src/upload.py", UPLOAD_AFTER)?;
        stage.commit("Ana Alvarez", "ana@example.org", "Fix 500 on upload of an empty receipt")?;
        stage.git(&["switch", "--quiet", "main"])?;
        stage.git(&["push", "--quiet", "origin", "main", "feature-1", "feature-2", "fix-upload", "live"])?;
        stage.finish(live)
    }

    /// Builds a stage from a copy of the user's repository. The original is only read.
    ///
    /// # Errors
    /// Fails if the original is no repository or lacks a commit.
    pub fn copy_of(root: &Path, original: &Path, live: &str, fixes: &[String]) -> anyhow::Result<Self> {
        let original = std::path::absolute(original)?;
        if !original.is_dir() {
            bail!("there is no folder {}", original.display());
        }
        let read = |words: &str| -> anyhow::Result<String> {
            let spec = format!("{words}^{{commit}}");
            git_in(&original, &["rev-parse", "--verify", "--quiet", "--end-of-options", &spec])
                .with_context(|| format!("{} has no commit {words:?}", original.display()))
        };
        let live = read(live)?;
        for fix in fixes {
            read(fix)?;
        }
        if let Ok(version) = git_in(&original, &["rev-parse", "--is-shallow-repository"])
            && version == "true"
        {
            bail!(
                "{} is a shallow clone, whose history is cut off: fetch it whole first (git fetch --unshallow)",
                original.display()
            );
        }
        if let Ok(promisors) = git_in(&original, &["config", "--get-regexp", r"^remote\..*\.promisor$"])
            && promisors.lines().any(|line| line.ends_with(" true"))
        {
            bail!(
                "{} is a partial clone, which lacks objects that a copy needs: fetch them first (git fetch --refetch \
                 --no-filter, after git config --unset remote.origin.partialclonefilter), or clone it anew without --filter",
                original.display()
            );
        }
        let branch = git_in(&original, &["symbolic-ref", "--quiet", "--short", "HEAD"]).map_err(|_| {
            let place = original.display();
            anyhow::anyhow!(
                "{place} is on no branch (a detached HEAD), so what its main line is cannot be told: switch to the branch \
                 that is to be main (git -C {place} switch <branch>)"
            )
        })?;
        let stage = Self::folders(root)?;
        let bare = stage.bare();
        // Objects are copied, not linked, so that nothing here can affect the original.
        let from = original.display().to_string();
        git_in(
            root,
            &["clone", "--quiet", "--bare", "--no-hardlinks", "--no-local", &from, &bare.display().to_string()],
        )?;
        // The mainline is called main in the copy. git cannot store main next to main/x, so such branches are removed.
        let tip = git_in(&bare, &["rev-parse", "--verify", &format!("refs/heads/{branch}")])?;
        for branch in git_in(&bare, &["for-each-ref", "--format=%(refname)", "refs/heads/main/"])?.lines() {
            git_in(&bare, &["update-ref", "-d", branch])?;
        }
        git_in(&bare, &["update-ref", "refs/heads/main", &tip])?;
        git_in(&bare, &["symbolic-ref", "HEAD", "refs/heads/main"])?;
        // A branch left over from an earlier hotfix would be refused, so it is removed from the copy.
        for branch in git_in(&bare, &["for-each-ref", "--format=%(refname)", "refs/heads/hotfix"])?.lines() {
            git_in(&bare, &["update-ref", "-d", branch])?;
        }
        stage.clone_for_people()?;
        stage.finish(live)
    }

    /// Creates an empty repository with a clone for the users.
    fn empty(root: &Path, main: &str) -> anyhow::Result<Self> {
        let stage = Self::folders(root)?;
        git_in(
            root,
            &["init", "--quiet", "--bare", &format!("--initial-branch={main}"), &stage.bare().display().to_string()],
        )?;
        stage.clone_for_people()?;
        Ok(stage)
    }

    fn folders(root: &Path) -> anyhow::Result<Self> {
        let state = root.join("state");
        if state.exists() {
            bail!("{} holds a demo already: name another folder, or remove it", root.display());
        }
        std::fs::create_dir_all(state.join("repositories").join("team"))?;
        write_configuration(&root.join("config"))?;
        Ok(Self { root: root.to_owned(), live: String::new(), work: root.join("work") })
    }

    fn clone_for_people(&self) -> anyhow::Result<()> {
        let (bare, work) = (self.bare().display().to_string(), self.work.display().to_string());
        git_in(&self.root, &["clone", "--quiet", &bare, &work])?;
        // Merges need a committer identity; commits set their own.
        self.git(&["config", "user.name", "Ana"])?;
        self.git(&["config", "user.email", "ana@example.org"]).map(|_| ())
    }

    fn finish(mut self, live: String) -> anyhow::Result<Self> {
        for environment in ["staging", "production"] {
            self.deploy(&live, environment)?;
        }
        self.live = live;
        Ok(self)
    }

    /// Deploys without the bot, as a user with a shell would.
    ///
    /// # Errors
    /// Fails if the deploy script fails.
    pub fn deploy(&self, commit: &str, environment: &str) -> anyhow::Result<()> {
        let script = self.root.join("config/scripts/deploy-to-folder.sh");
        let status = Command::new(script)
            .args([REPOSITORY, commit, environment])
            .current_dir(self.root.join("state"))
            .stdout(Stdio::null())
            .status()
            .context("the deploying script could not be run")?;
        if !status.success() {
            bail!("the deploying script ended with {status}");
        }
        Ok(())
    }

    /// Returns the commit that an environment runs; `None` if it runs none.
    #[must_use]
    pub fn running(&self, environment: &str) -> Option<String> {
        let current = self.root.join("state/deployed").join(REPOSITORY).join(environment).join("current");
        let release = std::fs::read_link(current).ok()?;
        Some(release.file_name()?.to_str()?.to_owned())
    }

    /// Returns the path of the bare repository that the forge serves.
    #[must_use]
    pub fn bare(&self) -> PathBuf {
        self.root.join("state/repositories").join(format!("{REPOSITORY}.git"))
    }

    /// Runs git in the users' clone and returns its output.
    ///
    /// # Errors
    /// Fails if git fails, with its error output.
    pub fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        git_in(&self.work, arguments)
    }

    /// Runs git in the bare repository and returns its output.
    ///
    /// # Errors
    /// Fails if git fails, with its error output.
    pub fn forge_git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        git_in(&self.bare(), arguments)
    }

    /// Writes a file in the clone.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn write(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let path = self.work.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text).map_err(Into::into)
    }

    /// Commits everything in the clone as the given author. Returns the commit id.
    ///
    /// # Errors
    /// Fails if there is nothing to commit.
    pub fn commit(&self, name: &str, email: &str, subject: &str) -> anyhow::Result<String> {
        self.git(&["add", "--all"])?;
        let (name, email) = (format!("user.name={name}"), format!("user.email={email}"));
        self.git(&["-c", &name, "-c", &email, "commit", "--quiet", "-m", subject])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// Creates a branch with one commit and merges it into main with a merge commit.
    #[expect(clippy::too_many_arguments, reason = "one commit has as many parts")]
    fn feature(
        &self,
        branch: &str,
        name: &str,
        email: &str,
        file: &str,
        text: &str,
        subject: &str,
    ) -> anyhow::Result<()> {
        self.git(&["switch", "--quiet", "--create", branch, "main"])?;
        self.write(file, text)?;
        self.commit(name, email, subject)?;
        self.git(&["switch", "--quiet", "main"])?;
        let message = format!("Merge {branch}");
        let (name, email) = (format!("user.name={name}"), format!("user.email={email}"));
        self.git(&["-c", &name, "-c", &email, "merge", "--quiet", "--no-ff", "-m", &message, branch]).map(|_| ())
    }
}

/// Runs git in a folder, without the user's own configuration, and returns its output.
///
/// # Errors
/// Fails if git is missing or fails, with its error output.
pub fn git_in(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let git = program::git().context("git could not be run: install git 2.41 or newer")?;
    let output = Command::new(git)
        .args(["-c", "init.defaultBranch=main", "-c", "safe.directory=*", "-c", "commit.gpgSign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .context("git could not be run: install git 2.41 or newer")?;
    if !output.status.success() {
        bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes the configuration and sets its permissions regardless of the umask, because a configuration that others can
/// write is refused.
fn write_configuration(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .with_context(|| format!("cannot set the rights of {}", path.display()))
    };
    for name in ["", "services", "playbooks", "scripts"] {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        allow(&path, 0o755)?;
    }
    let files = [
        ("hotfix.toml", "state = \"../state\"\npoll_seconds = 1\n"),
        ("people.toml", include_str!("config/people.toml")),
        ("policy.toml", include_str!("config/policy.toml")),
        ("services/payments.toml", include_str!("config/payments.toml")),
        ("playbooks/apply.toml", include_str!("../../../config/playbooks/apply.toml")),
        ("playbooks/mainline.toml", include_str!("../../../config/playbooks/mainline.toml")),
        ("scripts/deploy-to-folder.sh", include_str!("../../../config/scripts/deploy-to-folder.sh")),
        ("scripts/running-in-folder.sh", include_str!("../../../config/scripts/running-in-folder.sh")),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        allow(&path, if name.ends_with(".sh") { 0o755 } else { 0o644 })?;
    }
    Ok(())
}

const UPLOAD_BEFORE: &str = "def upload(receipt):\n    first = receipt.lines[0]\n    return store(first, receipt)\n";
const UPLOAD_AFTER: &str = "def upload(receipt):\n    if not receipt.lines:\n        return reject(\"the receipt is empty\")\n    first = receipt.lines[0]\n    return store(first, receipt)\n";
