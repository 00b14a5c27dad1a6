//! The two deploy mechanisms that end with a user's confirmation: a tag that another system watches, and a
//! manual deployment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hotfix_adapters::deploy::manual::Manual;
use hotfix_adapters::deploy::tag::{TagOptions, TagRelease};
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::Refs;
use hotfix_adapters::ids::{BranchName, CommitId, DeployKey, Environment, Repo, TagName};

/// A forge that has only tags.
#[derive(Default)]
struct Tags {
    set: Mutex<BTreeMap<String, String>>,
    down: Mutex<bool>,
}

#[async_trait]
impl Refs for Tags {
    async fn tips(&self, _: &Repo, _: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure> {
        panic!("not asked for")
    }
    async fn create(&self, _: &Repo, _: &BranchName, _: &CommitId) -> Result<(), Failure> {
        panic!("not asked for")
    }
    async fn advance(&self, _: &Repo, _: &BranchName, _: &CommitId, _: &CommitId) -> Result<(), Failure> {
        panic!("not asked for")
    }
    async fn delete(&self, _: &Repo, _: &BranchName, _: &CommitId) -> Result<(), Failure> {
        panic!("not asked for")
    }
    async fn branches(&self, _: &Repo, _: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure> {
        panic!("not asked for")
    }
    async fn tag(&self, _: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure> {
        if *self.down.lock().unwrap() {
            return Err(Failure::retry("the forge is down"));
        }
        let mut set = self.set.lock().unwrap();
        match set.insert(tag.to_string(), at.to_string()) {
            Some(other) if other != at.as_str() => Err(Failure::rejected("the tag is elsewhere")),
            _ => Ok(()),
        }
    }
}

fn request(commit: &str) -> DeployRequest {
    DeployRequest {
        key: DeployKey::parse("HF-1-production-1").unwrap(),
        repo: Repo::parse("team/payments").unwrap(),
        commit: CommitId::parse(&commit.repeat(40)).unwrap(),
        environment: Environment::parse("production").unwrap(),
        image: None,
        previous: None,
        about: String::new(),
        only: Vec::new(),
        riders: Vec::new(),
    }
}

fn release(forge: &Arc<Tags>, runs: &Path, tag: &str) -> Result<TagRelease, String> {
    TagRelease::new(TagOptions {
        forge: Arc::clone(forge) as Arc<dyn Refs>,
        repo: Repo::parse("team/payments").unwrap(),
        environment: Environment::parse("production").unwrap(),
        tag: tag.to_owned(),
        running: None,
        runs: runs.to_owned(),
    })
    .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_tag_is_set_once_and_then_a_person_says_how_it_went() {
    let (forge, folder) = (Arc::new(Tags::default()), tempfile::tempdir().unwrap());
    let deploy = release(&forge, folder.path(), "release-{short}").unwrap();
    let asked = request("a");
    *forge.down.lock().unwrap() = true;
    assert!(matches!(deploy.start(&asked).await, Err(Failure::Retry { .. })));
    assert_eq!(deploy.status(&asked.key).await.unwrap(), None, "no tag, no start");
    *forge.down.lock().unwrap() = false;
    deploy.start(&asked).await.unwrap();
    deploy.start(&asked).await.unwrap();
    assert_eq!(*forge.set.lock().unwrap(), BTreeMap::from([("release-aaaaaaa".to_owned(), "a".repeat(40))]));

    let again = release(&forge, folder.path(), "release-{short}").unwrap();
    assert_eq!(again.status(&asked.key).await.unwrap(), Some(DeployStatus::AwaitingWord), "it survives a restart");
    let other = again.start(&request("b")).await.unwrap_err();
    assert!(other.reason().contains("the tag release-aaaaaaa at aaaaaaa"), "{other}");
    assert_eq!((again.running().await.unwrap(), again.last_success().await.unwrap()), (None, None));
    again.probe().await.unwrap();
}

#[tokio::test]
async fn a_tag_that_could_not_be_is_refused_when_it_is_built() {
    let (forge, folder) = (Arc::new(Tags::default()), tempfile::tempdir().unwrap());
    let told = |tag: &str| release(&forge, folder.path(), tag).err().unwrap();
    assert!(told("release {short}").contains("makes no good tag"));
    assert!(told("{commit}").contains("looks like a commit id"));
    assert!(told("v{version}").contains("{version}, which is unknown"));
    let elsewhere = DeployRequest { environment: Environment::parse("stage").unwrap(), ..request("a") };
    assert!(release(&forge, folder.path(), "r-{key}").unwrap().start(&elsewhere).await.is_err());
}

#[tokio::test]
async fn a_person_deploys_and_says_so() {
    let deploy = Manual::new(Environment::parse("production").unwrap(), "Set `{commit}` in {environment}.").unwrap();
    let asked = request("a");
    deploy.start(&asked).await.unwrap();
    deploy.start(&asked).await.unwrap();
    assert_eq!(deploy.status(&asked.key).await.unwrap(), Some(DeployStatus::AwaitingWord));
    let filled = format!("Set `{}` in production.", asked.commit);
    assert_eq!(deploy.instructions(&asked).unwrap(), Some(filled));
    let of_an_image = Manual::new(Environment::parse("production").unwrap(), "Set {image}.").unwrap();
    assert!(of_an_image.start(&asked).await.is_err(), "HOCS-25: there is no image to be set");
    assert!(Manual::new(Environment::parse("production").unwrap(), "Set {images}.").is_err());
    assert_eq!((deploy.running().await.unwrap(), deploy.last_success().await.unwrap()), (None, None));
    deploy.probe().await.unwrap();
    let elsewhere = DeployRequest { environment: Environment::parse("stage").unwrap(), ..asked };
    assert!(deploy.start(&elsewhere).await.is_err());
}
