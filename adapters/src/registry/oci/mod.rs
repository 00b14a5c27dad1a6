//! Adapter for registries with the OCI distribution protocol: quay.io, Docker Hub, ghcr.io, Harbor, GitLab, Debian's
//! `docker-registry` and others. Read-only.
//!
//! It does not use a registry crate, because none of them limits the size of a response, refuses a redirect, or
//! distinguishes a token service that is down from one that denies access.

mod decode;
mod options;
mod tls;
mod token;
mod wire;

use async_trait::async_trait;
use reqwest::StatusCode;

use self::decode::{Built, Manifest, verified};
use self::wire::Wire;
use super::reference::no_tag;
use super::{Image, Published, Registry};
use crate::failure::Failure;
use crate::ids::Digest;

pub(crate) use self::options::is_loopback;
pub use self::options::{OciAuth, OciOptions, OciOptionsError};

/// One image repository in a registry.
#[derive(Debug)]
pub struct Oci {
    /// The repository as configured, for messages and for [`Image`].
    repository: String,
    wire: Wire,
}

impl Oci {
    /// Validates the options. Sends no request.
    ///
    /// # Errors
    /// If an option is not valid; the error names the problem and the expected form.
    pub fn new(options: OciOptions) -> Result<Self, OciOptionsError> {
        let repository = options.repository.clone();
        Ok(Self { repository, wire: Wire::new(options)? })
    }

    /// Returns the manifest for a tag or a digest, or `None` if there is none. If `digest` is given, the manifest
    /// must match it.
    async fn manifest(&self, name: &str, digest: Option<&Digest>) -> Result<Option<(Digest, Manifest)>, Failure> {
        let what = format!("{}:{name}", self.repository);
        let answer = self.wire.get(&["manifests", name], &decode::MANIFESTS.join(", "), &what).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.wire.failed(&answer, &what)),
        }
        let told = answer.headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
        let digest = verified(&answer.body, digest.map(Digest::as_str).or(told), &what)?;
        Ok(Some((digest, Manifest::read(&answer.body, &what)?)))
    }

    /// Reads the build facts from the image configuration. For a multi-platform image, the configuration of one
    /// platform is used, because all platforms come from one build.
    async fn built(&self, manifest: Manifest, tag: &str) -> Result<Built, Failure> {
        let gone = |digest: &Digest| {
            let repository = &self.repository;
            Failure::retry(format!("{repository}:{tag} is made of {digest}, which the registry does not have (yet)"))
        };
        let config = match manifest {
            Manifest::Image { config } => config,
            Manifest::List { platform: None } => return Ok(Built::default()),
            Manifest::List { platform: Some(child) } => match self.manifest(child.as_str(), Some(&child)).await? {
                None => return Err(gone(&child)),
                Some((_, Manifest::Image { config })) => config,
                Some((_, Manifest::List { .. })) => return Ok(Built::default()),
            },
        };
        let what = format!("the configuration of {}:{tag}", self.repository);
        let answer = self.wire.get_blob(&["blobs", config.as_str()], &what).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(gone(&config)),
            _ => return Err(self.wire.failed(&answer, &what)),
        }
        verified(&answer.body, Some(config.as_str()), &what)?;
        Built::read(&answer.body, &what)
    }
}

#[async_trait]
impl Registry for Oci {
    async fn find(&self, tag: &str) -> Result<Option<Published>, Failure> {
        if let Some(why) = no_tag(tag) {
            return Err(Failure::rejected(why));
        }
        let Some((digest, manifest)) = self.manifest(tag, None).await? else { return Ok(None) };
        let built = self.built(manifest, tag).await?;
        let image = Image { repository: self.repository.clone(), tag: tag.to_owned(), digest };
        Ok(Some(Published { image, created: built.created, revision: built.revision }))
    }

    async fn probe(&self) -> Result<(), Failure> {
        let what = format!("the tags of {}", self.repository);
        match self.wire.ask_for_tags(&what).await? {
            answer if answer.status == StatusCode::OK => Ok(()),
            answer if answer.status == StatusCode::NOT_FOUND => Err(Failure::rejected(format!(
                "the registry knows no repository {}. Correct the name, or push a first image.",
                self.repository
            ))),
            answer => Err(self.wire.failed(&answer, &what)),
        }
    }
}
