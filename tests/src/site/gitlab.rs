//! The GitLab fake from the users' side. The bot reaches it over HTTP and git.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::bail;
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hotfix_adapters::forge::{CheckState, Forge, MergeMethod, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{BranchName, CommitId, Repo};
use hotfix_fakes::gitlab::{GitLab, TOKEN};
use hotfix_fakes::server::Control;
use serde_json::json;

use super::{BY_TOKEN, Back, Delivery, Elsewhere, Site, mac, take_places};
use crate::stage::Stage;

/// The secret that signs webhook deliveries.
pub(super) const WEBHOOK_SECRET: &str = "whsec_aXQgcmFpbnMgaW4gdGhlIHdvcmxkIG9mIHRlc3Rz";

#[derive(Clone)]
pub(super) struct OnGitLab {
    fake: Arc<GitLab>,
    project: String,
}

impl OnGitLab {
    pub(super) async fn open(stage: &Stage) -> anyhow::Result<Self> {
        let fake = GitLab::start().await;
        let project = stage.repository();
        take_places(stage, |name| fake.project(name))?;
        let lines = format!("kind = \"gitlab\"\nurl = \"{}\"\naccount = \"1\"\n", fake.url());
        let (secret, speaks) = (TOKEN, BY_TOKEN.to_owned());
        let elsewhere = Elsewhere { lines, secret, speaks, webhook_secret: WEBHOOK_SECRET, platform: "gitlab" };
        elsewhere.configure(stage, |who| fake.user(who))?;
        Ok(Self { fake: Arc::new(fake), project })
    }
}

#[async_trait]
impl Site for OnGitLab {
    async fn review(&self, number: PullNumber, who: &str, verdict: ReviewVerdict) -> anyhow::Result<()> {
        match verdict {
            ReviewVerdict::Approved => self.fake.approve(&self.project, number.0, who),
            ReviewVerdict::ChangesRequested => self.fake.request_changes(&self.project, number.0, who),
            ReviewVerdict::Dismissed => bail!("nobody dismisses a review on GitLab"),
        }
        Ok(())
    }

    async fn check(&self, commit: &CommitId, name: &str, state: CheckState) -> anyhow::Result<()> {
        let state = match state {
            CheckState::Success => "success",
            CheckState::Failure => "failed",
            CheckState::Neutral => "skipped",
            CheckState::Pending => "running",
        };
        self.fake.report(&self.project, commit.as_str(), "ci", name, state);
        Ok(())
    }

    async fn open_pull(&self, who: &str, branch: &BranchName, title: &str) -> anyhow::Result<()> {
        let number = self.fake.open_by_hand(&self.project, who, branch.as_str(), "main", false);
        self.fake.retitle(&self.project, number, title);
        Ok(())
    }

    async fn merge(&self, number: PullNumber, who: &str, method: MergeMethod) -> anyhow::Result<()> {
        self.fake.merge(&self.project, number.0, who, method == MergeMethod::Squash, "Merge the fix");
        Ok(())
    }

    async fn close(&self, number: PullNumber, _: &str) -> anyhow::Result<()> {
        self.fake.close(&self.project, number.0);
        Ok(())
    }

    async fn draft(&self, number: PullNumber, on: bool) -> anyhow::Result<()> {
        self.fake.draft(&self.project, number.0, on);
        Ok(())
    }

    async fn label(&self, number: PullNumber, who: &str, label: &str, on: bool) -> anyhow::Result<()> {
        self.fake.label(&self.project, number.0, who, label, on);
        Ok(())
    }

    async fn pull_from(&self, branch: &BranchName) -> anyhow::Result<Option<PullNumber>> {
        Ok(self.fake.merge_request_from(&self.project, branch.as_str()).map(PullNumber))
    }

    fn beside(&self, repo: &Repo) -> Arc<dyn Site> {
        Arc::new(Self { fake: self.fake.clone(), project: repo.to_string() })
    }

    async fn open_issue(&self, _: &str, title: &str, label: &str) -> anyhow::Result<()> {
        self.fake.issue(&self.project, title, &[label]);
        Ok(())
    }

    fn pushed(&self) {
        self.fake.pushed(&self.project);
    }

    fn port(&self) -> Option<Arc<dyn Forge>> {
        None
    }

    fn calls(&self) -> Option<Arc<Control>> {
        Some(self.fake.control().clone())
    }

    fn permit_reading_only(&self) {
        self.fake.permit_reading_only();
    }

    fn git_calls(&self) -> Option<Arc<Control>> {
        Some(self.fake.git_control().clone())
    }

    fn delivery(&self, id: &str, about: &str, at: jiff::Timestamp) -> Option<Delivery> {
        let (event, kind) = match about {
            "push" => ("Push Hook", "push"),
            "check" => ("Job Hook", "build"),
            _ => ("Merge Request Hook", "merge_request"),
        };
        let body = json!({ "object_kind": kind, "project": { "path_with_namespace": self.project } });
        let key = BASE64_STANDARD.decode(WEBHOOK_SECRET.trim_start_matches("whsec_")).expect("base64");
        let stamp = at.as_second().to_string();
        let signature = BASE64_STANDARD.encode(mac(&key, &[id, ".", &stamp, ".", &body.to_string()]));
        let headers = [
            ("x-gitlab-event", event.to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", stamp),
            ("webhook-signature", format!("v1,{signature}")),
        ];
        Some(Delivery::new(&headers, &body))
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![("GitLab's token", TOKEN.to_owned()), ("GitLab's webhook secret", WEBHOOK_SECRET.to_owned())]
    }

    fn rights_used(&self) -> BTreeSet<&'static str> {
        BTreeSet::new()
    }

    async fn pulls(&self) -> anyhow::Result<usize> {
        Ok(self.fake.merge_requests(&self.project).0)
    }

    fn keep(&self) -> Back {
        let (site, kept) = (self.clone(), self.fake.keep());
        Box::new(move || {
            site.fake.restore(&kept);
            Ok(Arc::new(site.clone()))
        })
    }
}
