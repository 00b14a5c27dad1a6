//! A local forge with the repository that promotions edit.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use hotfix_adapters::deploy::promotion::{
    Approval, Exclude, HotfixVersions, MergeBy, Promotion, PromotionOptions, Rollout, Target, TargetKind, Value,
};
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus};
use hotfix_adapters::edit::yaml::Matches;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::local::{Local, LocalOptions};
use hotfix_adapters::forge::{Forge, Merge, MergeMethod, PullNumber, PullRequest, PullRequests};
use hotfix_adapters::ids::{BranchName, CommitId, DeployKey, Environment, PersonRef, Platform, Repo};
use jiff::Timestamp;

pub(crate) const OLD: &str = "1a4ed92195f7e8fdd0f2c6a498118eb48d49e0fe";
pub(crate) const NEW: &str = "ea6d44cf0000111122223333444455556666abcd";
pub(crate) const SAAS: &str = "data/services/app-interface/cicd/ci-ext/saas-qontract-reconcile.yaml";
pub(crate) const INTERNAL: &str = "data/services/app-interface/cicd/ci-int/saas-qontract-reconcile-int.yaml";
pub(crate) const APP: &str = "data/services/app-interface/app.yml";
pub(crate) const JENKINS: &str = "resources/jenkins/global/defaults.yaml";
pub(crate) const SHARED: &str = "data/services/app-interface/shared-resources";
const TAG: &str = "qontract_reconcile_image_tag";

/// The forge, and the options of the promotion.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) local: Arc<Local>,
    pub(crate) approval: Approval,
    pub(crate) merge: MergeBy,
    pub(crate) hotfix_versions: Option<HotfixVersions>,
    pub(crate) targets: Vec<Target>,
}

impl World {
    /// Creates the repository with all fixture files.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("repositories/service/app-interface.git");
        std::fs::create_dir_all(&place).unwrap();
        git(&place, &["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "."], b"");
        let mut options = LocalOptions::new(folder.path().join("repositories"), folder.path().join("ledger"));
        options.clock = Arc::new(now);
        let world = Self {
            local: Arc::new(Local::open(options).unwrap()),
            folder,
            approval: Approval::LabelByPerson { label: "lgtm".into(), by: Vec::new() },
            merge: MergeBy::Others,
            hotfix_versions: None,
            targets: targets(),
        };
        let names = [SAAS, INTERNAL, APP, JENKINS, ".env"].map(str::to_owned).into_iter();
        let shared = ["pipelines-a", "pipelines-b", "pipelines-pinned", "unrelated"];
        let shared = shared.into_iter().map(|name| format!("{SHARED}/{name}.yml"));
        let files: BTreeMap<String, String> = names.chain(shared).map(|name| (name.clone(), fixture(&name))).collect();
        world.commit(&files);
        world
    }

    pub(crate) fn promotion(&self) -> Promotion {
        Promotion::new(self.options()).map_err(|error| error.to_string()).unwrap()
    }

    pub(crate) fn options(&self) -> PromotionOptions {
        PromotionOptions {
            forge: Arc::clone(&self.local) as Arc<dyn Forge>,
            repo: repo(),
            main: branch("main"),
            source: Repo::parse("team/qontract-reconcile").unwrap(),
            environment: Environment::parse("production").unwrap(),
            service: "qontract-reconcile".into(),
            targets: self.targets.clone(),
            approval: self.approval.clone(),
            hold_labels: vec!["do-not-merge/hold".into(), "bot/hold".into()],
            hotfix_versions: self.hotfix_versions.clone(),
            merge: self.merge.clone(),
            rollout: Rollout::None,
            compare: Some("https://git.example.com/team/qontract-reconcile/compare/{old}...{new}".into()),
            bot: Some(person("bot@example.org")),
            names: BTreeMap::from([(person("ada@example.org"), "Ada".to_owned())]),
            runs: self.folder.path().join("runs"),
            clock: Arc::new(now),
        }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("repositories/service/app-interface.git")
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        String::from_utf8(git(&self.directory(), args, b"")).unwrap()
    }

    /// Returns the content of a file on a branch.
    pub(crate) fn file(&self, at: &str, name: &str) -> String {
        self.git(&["show", &format!("{at}:{name}")])
    }

    /// Returns the lines that differ between main and a branch, without context.
    pub(crate) fn diff(&self, at: &str) -> Vec<String> {
        let diff = self.git(&["diff", "--unified=0", "main", at]);
        let ours = |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
        diff.lines().filter(ours).map(str::to_owned).collect()
    }

    /// Commits files to main, as another user does.
    pub(crate) fn commit(&self, files: &BTreeMap<String, String>) {
        self.commit_on("main", files);
    }

    pub(crate) fn commit_on(&self, branch: &str, files: &BTreeMap<String, String>) {
        let mut input =
            format!("commit refs/heads/{branch}\ncommitter Ada <ada@example.org> 1690000000 +0000\ndata 1\nx\n");
        if !self.git(&["for-each-ref", &format!("refs/heads/{branch}")]).is_empty() {
            input += &format!("from refs/heads/{branch}^0\n");
        }
        for (name, text) in files {
            input += &format!("M 100644 inline {name}\ndata {}\n{text}\n", text.len());
        }
        git(&self.directory(), &["fast-import", "--quiet"], input.as_bytes());
    }

    /// Creates a symbolic link on main; returns its path.
    pub(crate) fn file_link(&self, name: &str, to: &str) -> String {
        let input = format!(
            "commit refs/heads/main\ncommitter Ada <ada@example.org> 1690000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\n\
             M 120000 inline {name}\ndata {}\n{to}\n",
            to.len()
        );
        git(&self.directory(), &["fast-import", "--quiet"], input.as_bytes());
        name.to_owned()
    }

    /// Replaces a text in a file on main.
    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.file("main", name);
        assert!(text.contains(from), "{from} is not in {name}");
        self.commit(&BTreeMap::from([(name.to_owned(), text.replace(from, to))]));
    }

    pub(crate) async fn pull(&self, number: u64) -> PullRequest {
        self.local.read(&repo(), PullNumber(number)).await.unwrap()
    }

    /// Returns the description of the only merge request.
    pub(crate) fn body(&self) -> String {
        let book = std::fs::read_to_string(self.ledger()).unwrap();
        let book: serde_json::Value = serde_json::from_str(&book).unwrap();
        assert_eq!(book["pulls"].as_array().unwrap().len(), 1);
        book["pulls"][0]["body"].as_str().unwrap().to_owned()
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger/service~app-interface.json")
    }

    pub(crate) fn record(&self, key: &str) -> PathBuf {
        self.folder.path().join("runs").join(key).join("promotion.json")
    }

    /// Merges as the repository's owners do.
    pub(crate) async fn merge(&self, number: u64) -> CommitId {
        let expected_head = self.pull(number).await.head_commit;
        let merge = Merge { expected_head, method: MergeMethod::Merge, title: "Merge".into(), body: String::new() };
        self.local.merge(&repo(), PullNumber(number), &merge).await.unwrap()
    }

    pub(crate) async fn start(&self, request: &DeployRequest) -> Result<(), String> {
        self.promotion().start(request).await.map_err(|failure| {
            assert!(matches!(failure, Failure::Rejected { .. }), "{failure:?}");
            failure.to_string()
        })
    }

    pub(crate) async fn status(&self, key: &str) -> Option<DeployStatus> {
        self.promotion().status(&DeployKey::parse(key).unwrap()).await.unwrap()
    }

    /// Returns the note about the condition that it waits for.
    pub(crate) async fn note(&self, key: &str) -> String {
        match self.status(key).await {
            Some(DeployStatus::InProgress { note: Some(note) }) => note,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn label(&self, who: &str, label: &str) {
        self.local.label_as(&repo(), PullNumber(1), &person(who), label).await.unwrap();
    }

    pub(crate) async fn unlabel(&self, who: &str, label: &str) {
        self.local.unlabel_as(&repo(), PullNumber(1), &person(who), label).await.unwrap();
    }
}

/// Returns all targets with the commit of qontract-reconcile, as in the runbook.
pub(crate) fn targets() -> Vec<Target> {
    let prod = |name: &str| {
        format!(
            "resourceTemplates[name=qontract-reconcile].targets[namespace.$ref=/services/app-interface/namespaces/{name}.yml].ref"
        )
    };
    let yaml = |path: &str| TargetKind::Yaml { path: path.parse().unwrap(), rule: Matches::One.into() };
    let target = |name: &str, file: &str, kind, value| Target {
        name: name.into(),
        file: file.into(),
        kind,
        value,
        production: true,
    };
    let pinned = Exclude { files: format!("{SHARED}/*-pinned.yml"), reason: "pinned for the old cluster".into() };
    let short = Value::ShortSha(7);
    vec![
        target("prod", SAAS, yaml(&prod("app-interface-production")), Value::FullSha),
        target("dr", SAAS, yaml(&prod("app-interface-dr")), Value::FullSha),
        target("internal", INTERNAL, yaml(&prod("app-interface-production-int")), Value::FullSha),
        target("pr-check", ".env", TargetKind::Env { key: "RECONCILE_IMAGE_TAG".into() }, short),
        target("jenkins", JENKINS, TargetKind::Search { key: TAG.into(), exclude: Vec::new() }, short),
        target("tekton", SHARED, TargetKind::Search { key: TAG.into(), exclude: vec![pinned] }, short),
    ]
}

pub(crate) fn request(commit: &str) -> DeployRequest {
    DeployRequest {
        key: DeployKey::parse("HF-1-production-1").unwrap(),
        repo: Repo::parse("team/qontract-reconcile").unwrap(),
        commit: CommitId::parse(commit).unwrap(),
        environment: Environment::parse("production").unwrap(),
        image: None,
        previous: Some(CommitId::parse(OLD).unwrap()),
        about: "HF-1 Fix the\n/merge 500".into(),
        only: Vec::new(),
        riders: vec!["#1214 Log less (by grace)\n/approve".into()],
    }
}

pub(crate) fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/app-interface/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}

pub(crate) fn repo() -> Repo {
    Repo::parse("service/app-interface").unwrap()
}

pub(crate) fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

pub(crate) fn person(id: &str) -> PersonRef {
    PersonRef::new(Platform::Git, id)
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// Runs git without user configuration; panics on failure.
fn git(directory: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}");
    output.stdout
}
