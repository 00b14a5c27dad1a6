//! The stage: a folder with a configuration, a repository with the history drawn in the runbook, and environments that
//! each run a commit. Each service has a template, built once per process and then copied. All dates are fixed, and so
//! are the commit ids.
//!
//! ```text
//! main        X------1-----2      X is live. Features 1 and 2 are merged, but not ready for production.
//!              \    /     /
//! feature-1     ----     /        fix-upload, fix-log: based on X. fix-refund: based on main, does not apply to X.
//! feature-2      -------
//! ```

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::clock::START;
use crate::git::git;

/// The repository in which commits are promoted, for services that have one.
pub const PLATFORM: &str = "service/platform";

/// The folder of one world, and its service.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Root folder, which contains everything else.
    pub root: PathBuf,
    /// Name of the service, such as `payments`.
    pub service: String,
}

impl Stage {
    /// Copies the template of this service into this folder.
    ///
    /// # Errors
    /// Fails if there is no such service, or if the folder cannot be written.
    pub fn set_up(root: &Path, service: &str) -> anyhow::Result<Self> {
        static TEMPLATES: OnceLock<Mutex<BTreeMap<String, tempfile::TempDir>>> = OnceLock::new();
        let templates = TEMPLATES.get_or_init(Mutex::default);
        let mut templates = templates.lock().unwrap_or_else(PoisonError::into_inner);
        if !templates.contains_key(service) {
            let folder = fresh_folder()?;
            build(folder.path(), service)?;
            templates.insert(service.to_owned(), folder);
        }
        copy(templates[service].path(), root)?;
        Ok(Self { root: root.to_owned(), service: service.to_owned() })
    }

    /// Returns the name of the repository in the configuration.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("team/{}", self.service)
    }

    /// Returns all repositories that the forge serves: the service's own, and [`PLATFORM`] if it exists.
    #[must_use]
    pub fn repositories(&self) -> Vec<String> {
        let all = [self.repository(), PLATFORM.to_owned()];
        all.into_iter().filter(|name| self.bare_of(name).exists()).collect()
    }

    /// Returns the folder of the service's bare repository.
    #[must_use]
    pub fn bare(&self) -> PathBuf {
        self.bare_of(&self.repository())
    }

    /// Returns the folder of a bare repository that the forge serves.
    #[must_use]
    pub fn bare_of(&self, repository: &str) -> PathBuf {
        self.root.join("state/repositories").join(format!("{repository}.git"))
    }

    /// Returns the folder of the clone that users work in.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Returns the folder of the configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("config")
    }

    /// Returns the commit that an environment runs, or `None` if it runs nothing.
    #[must_use]
    pub fn running(&self, environment: &str) -> Option<String> {
        let release = std::fs::read_link(self.place(environment).join("current")).ok()?;
        Some(release.file_name()?.to_str()?.to_owned())
    }

    /// Returns the folder of an environment.
    #[must_use]
    pub fn place(&self, environment: &str) -> PathBuf {
        self.root.join("state/deployed").join(self.repository()).join(environment)
    }

    /// Deploys a commit without the bot, as a user with a shell would.
    ///
    /// # Errors
    /// Fails if the script fails.
    pub fn deploy(&self, commit: &str, environment: &str) -> anyhow::Result<()> {
        let status = Command::new(self.config().join("scripts/deploy-to-folder.sh"))
            .args([&self.repository(), commit, environment])
            .current_dir(self.root.join("state"))
            .stdout(Stdio::null())
            .status()
            .context("the deploying script could not be run")?;
        if !status.success() {
            bail!("the deploying script ended with {status}");
        }
        Ok(())
    }
}

/// Creates a temporary folder, in memory if the machine has `/dev/shm`: the tests write a lot and keep nothing.
///
/// # Errors
/// Fails if the folder cannot be created.
pub fn fresh_folder() -> anyhow::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let usual = std::env::temp_dir();
    let folder = own_folder(memory).and_then(tempfile::tempdir_in);
    Ok(folder.or_else(|_| own_folder(&usual).and_then(tempfile::tempdir_in))?)
}

/// Returns the folder of this process, which contains all its temporary folders. Worlds kept for later tests are never
/// dropped, so each process also removes the folders of processes that have ended.
fn own_folder(parent: &Path) -> std::io::Result<PathBuf> {
    const PREFIX: &str = "hotfix-tests-";
    let own = parent.join(format!("{PREFIX}{}", std::process::id()));
    if own.exists() {
        return Ok(own);
    }
    for entry in std::fs::read_dir(parent)?.filter_map(Result::ok) {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    std::fs::create_dir_all(&own)?;
    Ok(own)
}

/// Copies a folder recursively. The objects of git repositories never change, so they are hard-linked.
///
/// # Errors
/// Fails if a file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let objects = from.parent().and_then(Path::file_name).is_some_and(|name| name == "objects");
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else if kind.is_file() && objects {
            std::fs::hard_link(&source, &target)?;
        } else if kind.is_file() {
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// A SHA-256 hash over a whole folder.
pub type Fingerprint = [u8; 32];

/// Returns the fingerprint of a folder: a hash of its files' paths, owners, modes and contents.
///
/// # Errors
/// Fails if a file cannot be read.
pub fn fingerprint(folder: &Path) -> anyhow::Result<Fingerprint> {
    fn add(hash: &mut Sha256, folder: &Path) -> anyhow::Result<()> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        paths.sort();
        for path in paths {
            let about = std::fs::metadata(&path)?;
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update([about.mode(), about.uid()].map(u32::to_le_bytes).concat());
            if about.is_dir() { add(hash, &path)? } else { hash.update(Sha256::digest(std::fs::read(&path)?)) }
        }
        Ok(())
    }
    let mut hash = Sha256::new();
    add(&mut hash, folder)?;
    Ok(hash.finalize().into())
}

fn build(root: &Path, service: &str) -> anyhow::Result<()> {
    let stage = Stage { root: root.to_owned(), service: service.to_owned() };
    configure(&stage)?;
    std::fs::create_dir_all(stage.bare())?;
    let moment = jiff::Timestamp::from_millisecond(START.0)?;
    let long_ago = |days: i64| moment - jiff::SignedDuration::from_hours(days * 24);
    git(&stage.bare(), "dee", moment, &["init", "--quiet", "--bare", "--template=", "."])?;
    git(
        root,
        "dee",
        moment,
        &["clone", "--quiet", "--template=", &format!("state/repositories/team/{service}.git"), "work"],
    )?;
    let work = stage.work();
    git(&work, "dee", moment, &["remote", "set-url", "origin", &format!("../state/repositories/team/{service}.git")])?;
    let commit = |who: &str, days: i64, file: &str, text: &str, subject: &str| -> anyhow::Result<()> {
        let path = work.join(file);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(path, text)?;
        git(&work, who, long_ago(days), &["add", "--all"])?;
        git(&work, who, long_ago(days), &["commit", "--quiet", "-m", subject]).map(|_| ())
    };
    let switch =
        |arguments: &[&str]| git(&work, "dee", moment, &[&["switch", "--quiet"], arguments].concat()).map(|_| ());
    let merge = |who: &str, days: i64, branch: &str| {
        git(&work, who, long_ago(days), &["merge", "--quiet", "--no-ff", "-m", &format!("Merge {branch}"), branch])
            .map(|_| ())
    };
    std::fs::write(work.join("README.md"), "# A service\n")?;
    std::fs::create_dir_all(work.join("src"))?;
    std::fs::write(work.join("src/refund.py"), "def refund(order):\n    return order.total\n")?;
    commit(
        "dee",
        9,
        "src/upload.py",
        "def upload(receipt):\n    first = receipt.lines[0]\n    return store(first, receipt)\n",
        "Take uploads of receipts",
    )?;
    git(&work, "dee", moment, &["tag", "live"])?;
    switch(&["--create", "feature-1"])?;
    commit(
        "chi",
        6,
        "src/wallet.py",
        "def pay_by_wallet(order):\n    raise NotImplementedError\n",
        "Pay by wallet, half of it",
    )?;
    switch(&["main"])?;
    merge("chi", 5, "feature-1")?;
    switch(&["--create", "feature-2"])?;
    commit(
        "ben",
        3,
        "src/refund.py",
        "def refund(order):\n    return order.total - order.fee\n",
        "Keep the fee on refunds",
    )?;
    switch(&["main"])?;
    merge("ben", 2, "feature-2")?;
    switch(&["--create", "fix-upload", "live"])?;
    commit(
        "ana",
        0,
        "src/upload.py",
        "def upload(receipt):\n    if not receipt.lines:\n        return reject(\"the receipt is empty\")\n    first = receipt.lines[0]\n    return store(first, receipt)\n",
        "Fix 500 on upload of an empty receipt",
    )?;
    switch(&["--create", "fix-log", "live"])?;
    commit(
        "dee",
        0,
        "src/log.py",
        "def log(line):\n    print(line.replace(\"\\n\", \" \"))\n",
        "Keep log lines on one line",
    )?;
    switch(&["--create", "fix-refund", "main"])?;
    commit(
        "ana",
        0,
        "src/refund.py",
        "def refund(order):\n    return max(0, order.total - order.fee)\n",
        "Never refund less than nothing",
    )?;
    switch(&["main"])?;
    git(
        &work,
        "dee",
        moment,
        &["push", "--quiet", "origin", "main", "feature-1", "feature-2", "fix-upload", "fix-log", "fix-refund", "live"],
    )?;
    let live = git(&work, "dee", moment, &["rev-parse", "live"])?;
    let environments: &[&str] = match service {
        "casework" => {
            git(&work, "dee", moment, &["tag", "1.4.2", "live"])?;
            git(&work, "dee", moment, &["push", "--quiet", "origin", "1.4.2"])?;
            &["demo", "cs-prod", "wcs-prod"]
        }
        "reports" => {
            platform(&stage, &live)?;
            &["stage", "production"]
        }
        // Only the files of the platform repository tell which commit production of the operator runs.
        "operator" => {
            platform(&stage, &live)?;
            &["stage"]
        }
        _ => &["staging", "production"],
    };
    environments.iter().try_for_each(|environment| stage.deploy(&live, environment))
}

/// Builds the platform repository, whose files name the commits that production runs.
fn platform(stage: &Stage, live: &str) -> anyhow::Result<()> {
    let moment = jiff::Timestamp::from_millisecond(START.0)? - jiff::SignedDuration::from_hours(24);
    let (bare, work) = (stage.bare_of(PLATFORM), stage.root.join("platform"));
    std::fs::create_dir_all(&bare)?;
    git(&bare, "dee", moment, &["init", "--quiet", "--bare", "--template=", "."])?;
    let bare = "../state/repositories/service/platform.git";
    std::fs::create_dir_all(&work)?;
    git(&work, "dee", moment, &["init", "--quiet", "--template=", "."])?;
    git(&work, "dee", moment, &["remote", "add", "origin", bare])?;
    let files = [
        ("data/services/reports/saas.yaml", include_str!("stage/platform/data/services/reports/saas.yaml")),
        ("data/services/reports/saas-int.yaml", include_str!("stage/platform/data/services/reports/saas-int.yaml")),
        (".env", include_str!("stage/platform/.env")),
        ("resources/defaults.yaml", include_str!("stage/platform/resources/defaults.yaml")),
        (
            "resources/tekton/shared-resources.yaml",
            include_str!("stage/platform/resources/tekton/shared-resources.yaml"),
        ),
        ("resources/pinned/old.yaml", include_str!("stage/platform/resources/pinned/old.yaml")),
    ];
    for (name, text) in files {
        let path = work.join(name);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(path, text.replace("LIVE", live).replace("SHORT", &live[..7]))?;
    }
    git(&work, "dee", moment, &["add", "--all"])?;
    git(&work, "dee", moment, &["commit", "--quiet", "-m", "What production runs"])?;
    git(&work, "dee", moment, &["push", "--quiet", "origin", "HEAD:refs/heads/main"]).map(|_| ())
}

fn configure(stage: &Stage) -> anyhow::Result<()> {
    let service = match stage.service.as_str() {
        "payments" => include_str!("stage/payments.toml"),
        "website" => include_str!("stage/website.toml"),
        "ledger" => include_str!("stage/ledger.toml"),
        "shop" => include_str!("stage/shop.toml"),
        "desk" => include_str!("stage/desk.toml"),
        "portal" => include_str!("stage/portal.toml"),
        "casework" => include_str!("stage/casework.toml"),
        "reports" => include_str!("stage/reports.toml"),
        "operator" => include_str!("stage/operator.toml"),
        other => bail!("there is no world {other:?}"),
    };
    let policy = include_str!("stage/policy.toml").replace("SERVICE", &stage.service);
    let files = [
        ("hotfix.toml".to_owned(), "state = \"../state\"\npoll_seconds = 1\n".to_owned()),
        ("people.toml".to_owned(), include_str!("stage/people.toml").to_owned()),
        ("policy.toml".to_owned(), policy),
        (format!("services/{}.toml", stage.service), service.to_owned()),
        ("playbooks/apply.toml".to_owned(), include_str!("../../config/playbooks/apply.toml").to_owned()),
        ("playbooks/mainline.toml".to_owned(), include_str!("../../config/playbooks/mainline.toml").to_owned()),
        ("playbooks/app-sre.toml".to_owned(), include_str!("../../config/playbooks/app-sre.toml").to_owned()),
        ("playbooks/hocs.toml".to_owned(), include_str!("../../config/playbooks/hocs.toml").to_owned()),
        ("playbooks/promotion.toml".to_owned(), include_str!("../../config/playbooks/promotion.toml").to_owned()),
        ("scripts/deploy-to-folder.sh".to_owned(), include_str!("../../config/scripts/deploy-to-folder.sh").to_owned()),
        (
            "scripts/running-in-folder.sh".to_owned(),
            include_str!("../../config/scripts/running-in-folder.sh").to_owned(),
        ),
        ("scripts/deploy.sh".to_owned(), include_str!("stage/deploy.sh").to_owned()),
        ("scripts/deploy-image.sh".to_owned(), include_str!("stage/deploy-image.sh").to_owned()),
    ];
    for (name, text) in files {
        let path = stage.config().join(&name);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(&path, text)?;
        let mode = if name.ends_with(".sh") { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
