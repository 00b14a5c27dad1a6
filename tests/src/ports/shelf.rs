//! A fake registry in a folder, and a fake cluster that runs the commits deployed on the stage. All state is in files,
//! so that a checkpoint of the world includes it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::cluster::{Cluster, RunningImage};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{CommitId, Digest};
use hotfix_adapters::registry::{Image, Published, Registry};
use sha2::{Digest as _, Sha256};

use super::Cut;
use crate::stage::Stage;

/// A registry in a folder. The name of a file is a tag; its content is the digest and the commit.
pub struct Shelf {
    /// The folder with one file per tag.
    pub folder: PathBuf,
    /// The fault injector.
    pub cut: Arc<Cut>,
}

impl Shelf {
    /// Returns the folder of a stage's registry.
    #[must_use]
    pub fn of(stage: &Stage) -> PathBuf {
        stage.root.join("state/images")
    }

    /// Publishes an image, as a build does. The digest depends only on the tag and on the image that it replaces, so
    /// that it is the same on every forge, although the commit ids of merges differ.
    ///
    /// # Errors
    /// Fails if the folder cannot be written.
    pub fn publish(stage: &Stage, tag: &str, commit: &str) -> anyhow::Result<()> {
        let folder = Self::of(stage);
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(tag.replace('/', "%"));
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        let replaced = before.split_once(' ').map_or("", |(digest, _)| digest);
        let digest = hex::encode(Sha256::digest(format!("{tag} {replaced}")));
        Ok(std::fs::write(file, format!("sha256:{digest} {commit}"))?)
    }
}

#[async_trait]
impl Registry for Shelf {
    async fn find(&self, tag: &str) -> Result<Option<Published>, Failure> {
        self.cut.reaches("registry")?;
        let Ok(text) = std::fs::read_to_string(self.folder.join(tag.replace('/', "%"))) else {
            return Ok(None);
        };
        let (digest, commit) = text.split_once(' ').ok_or_else(|| Failure::rejected("a broken image"))?;
        let digest = Digest::parse(digest).map_err(|error| Failure::rejected(error.to_string()))?;
        let image = Image { repository: "127.0.0.1:9/team/casework".to_owned(), tag: tag.to_owned(), digest };
        Ok(Some(Published { image, created: None, revision: CommitId::parse(commit).ok() }))
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.cut.reaches("registry")
    }
}

/// A cluster that reports the image running in one environment. The tag comes from the commit's git tag, unless the
/// file `cluster-<environment>` overrides it.
pub struct Rack {
    /// The stage with the environments.
    pub stage: Stage,
    /// Name of the environment.
    pub environment: String,
    /// The fault injector.
    pub cut: Arc<Cut>,
}

#[async_trait]
impl Cluster for Rack {
    async fn running(&self) -> Result<Vec<RunningImage>, Failure> {
        self.cut.reaches("cluster")?;
        let said = std::fs::read_to_string(self.stage.root.join("state").join(format!("cluster-{}", self.environment)));
        let tag = match said {
            Ok(tag) => Some(tag.trim().to_owned()),
            Err(_) => self.stage.running(&self.environment).and_then(|commit| self.version(&commit)),
        };
        let reference = format!("127.0.0.1:9/team/casework:{}", tag.as_deref().unwrap_or("unknown"));
        Ok(vec![RunningImage { place: self.environment.clone(), reference, tag, digest: None }])
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.cut.reaches("cluster")
    }
}

impl Rack {
    /// Returns the version of a commit: its git tag that begins with a digit, or else the tag of its image.
    fn version(&self, commit: &str) -> Option<String> {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let tags = crate::git::git(&self.stage.bare(), "dee", now, &["tag", "--points-at", commit]).ok()?;
        let release = tags.lines().find(|tag| tag.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned);
        release.or_else(|| {
            let images = std::fs::read_dir(Shelf::of(&self.stage)).ok()?;
            let of = |file: &std::fs::DirEntry| {
                std::fs::read_to_string(file.path()).is_ok_and(|text| text.ends_with(commit))
            };
            images.flatten().find(of).map(|file| file.file_name().to_string_lossy().into_owned())
        })
    }
}
