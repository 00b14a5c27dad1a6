//! The GitHub fake from the users' side. The bot reaches it over HTTP and git.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use hotfix_adapters::forge::github::app_manifest;
use hotfix_adapters::forge::{CheckState, Forge, MergeMethod, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{BranchName, CommitId, Repo};
use hotfix_fakes::github::{APP_KEY_PKCS1, GitHubFake};
use hotfix_fakes::server::Control;
use serde_json::json;

use super::{BY_TOKEN, Back, Delivery, Elsewhere, PEOPLE, Site, mac, take_places};
use crate::stage::Stage;

/// The bot's personal access token.
const TOKEN: &str = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
/// The secret that signs webhook deliveries.
pub(super) const WEBHOOK_SECRET: &str = "it rains in the world of tests";

#[derive(Clone)]
pub(super) struct OnGitHub {
    fake: Arc<GitHubFake>,
    full: String,
}

impl OnGitHub {
    /// Opens the forge with a bot that authenticates with a token without limits on its permissions.
    pub(super) async fn open(stage: &Stage) -> anyhow::Result<Self> {
        let fake = GitHubFake::start("").await;
        fake.token("hotfix-bot", TOKEN);
        Self::configured(stage, fake, |_| Ok((TOKEN, BY_TOKEN.to_owned())))
    }

    /// Opens the forge with a bot that is an App, installed at every owner with the permissions of its manifest.
    pub(super) async fn open_as_app(stage: &Stage) -> anyhow::Result<Self> {
        let manifest = app_manifest("hotfix", None, false);
        let asked = manifest["default_permissions"].as_object().cloned().unwrap_or_default();
        let rights: Vec<(&str, &str)> =
            asked.iter().map(|(name, level)| (name.as_str(), level.as_str().unwrap_or_default())).collect();
        Self::configured(stage, GitHubFake::start("").await, |fake| {
            let app = fake.app("hotfix");
            let repositories = stage.repositories();
            for full in &repositories {
                let (owner, _) = full.split_once('/').context("owner/name")?;
                let of_owner = |other: &&String| other.split_once('/').is_some_and(|(other, _)| other == owner);
                let all: Vec<&str> = repositories.iter().filter(of_owner).map(String::as_str).collect();
                let _installation = fake.install(app, owner, &all, &rights);
            }
            Ok((APP_KEY_PKCS1, format!("app = {{ id = {app}, private_key = {{ file = \"token\" }} }}")))
        })
    }

    fn configured(
        stage: &Stage,
        fake: GitHubFake,
        speaks: impl FnOnce(&GitHubFake) -> anyhow::Result<(&'static str, String)>,
    ) -> anyhow::Result<Self> {
        let full = stage.repository();
        take_places(stage, |name| fake.create(name))?;
        PEOPLE.iter().for_each(|who| fake.verify_mail(who, &format!("{who}@example.org")));
        let lines = format!("kind = \"github\"\napi_url = \"{}\"\ngit_url = \"{}\"\n", fake.api_url(), fake.git_url());
        let (secret, speaks) = speaks(&fake)?;
        let elsewhere = Elsewhere { lines, secret, speaks, webhook_secret: WEBHOOK_SECRET, platform: "github" };
        elsewhere.configure(stage, |who| fake.user(who))?;
        Ok(Self { fake: Arc::new(fake), full })
    }
}

#[async_trait]
impl Site for OnGitHub {
    async fn review(&self, number: PullNumber, who: &str, verdict: ReviewVerdict) -> anyhow::Result<()> {
        let said = match verdict {
            ReviewVerdict::Approved => "APPROVED",
            ReviewVerdict::ChangesRequested => "CHANGES_REQUESTED",
            ReviewVerdict::Dismissed => "DISMISSED",
        };
        self.fake.review(&self.full, number.0, who, said);
        Ok(())
    }

    async fn check(&self, commit: &CommitId, name: &str, state: CheckState) -> anyhow::Result<()> {
        let how = match state {
            CheckState::Success => "success",
            CheckState::Failure => "failure",
            CheckState::Neutral => "neutral",
            CheckState::Pending => "in_progress",
        };
        self.fake.check(&self.full, commit.as_str(), "ci", name, how);
        Ok(())
    }

    async fn open_pull(&self, who: &str, branch: &BranchName, title: &str) -> anyhow::Result<()> {
        let _number = self.fake.open_by_hand(&self.full, who, (branch.as_str(), "main"), title);
        Ok(())
    }

    async fn merge(&self, number: PullNumber, who: &str, method: MergeMethod) -> anyhow::Result<()> {
        let how = match method {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
        };
        self.fake.merge(&self.full, number.0, who, how, "Merge the fix");
        Ok(())
    }

    async fn close(&self, number: PullNumber, who: &str) -> anyhow::Result<()> {
        self.fake.close(&self.full, number.0, who);
        Ok(())
    }

    async fn draft(&self, number: PullNumber, on: bool) -> anyhow::Result<()> {
        self.fake.draft(&self.full, number.0, on);
        Ok(())
    }

    async fn label(&self, number: PullNumber, who: &str, label: &str, on: bool) -> anyhow::Result<()> {
        match on {
            true => self.fake.label(&self.full, number.0, who, label),
            false => self.fake.unlabel(&self.full, number.0, who, label),
        }
        Ok(())
    }

    async fn pull_from(&self, branch: &BranchName) -> anyhow::Result<Option<PullNumber>> {
        Ok(self.fake.pull_from(&self.full, branch.as_str()).map(PullNumber))
    }

    fn beside(&self, repo: &Repo) -> Arc<dyn Site> {
        Arc::new(Self { fake: self.fake.clone(), full: repo.to_string() })
    }

    async fn open_issue(&self, who: &str, title: &str, label: &str) -> anyhow::Result<()> {
        let _number = self.fake.issue(&self.full, who, title, &[label]);
        Ok(())
    }

    fn pushed(&self) {
        self.fake.pushed(&self.full);
    }

    fn port(&self) -> Option<Arc<dyn Forge>> {
        None
    }

    fn calls(&self) -> Option<Arc<Control>> {
        Some(self.fake.server.control.clone())
    }

    fn permit_reading_only(&self) {
        self.fake.permit_reading_only();
    }

    fn git_calls(&self) -> Option<Arc<Control>> {
        Some(self.fake.server.git.clone())
    }

    fn delivery(&self, id: &str, about: &str, _: jiff::Timestamp) -> Option<Delivery> {
        let (event, action) = match about {
            "push" => ("push", None),
            "review" => ("pull_request_review", Some("submitted")),
            "check" => ("check_run", Some("completed")),
            _ => ("pull_request", Some("synchronize")),
        };
        let body = json!({ "action": action, "repository": { "full_name": self.full } });
        let signature = hex::encode(mac(WEBHOOK_SECRET.as_bytes(), &[&body.to_string()]));
        let headers = [
            ("x-github-event", event.to_owned()),
            ("x-github-delivery", id.to_owned()),
            ("x-hub-signature-256", format!("sha256={signature}")),
        ];
        Some(Delivery::new(&headers, &body))
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        // Each line of the key counts as a secret. All minted tokens share this prefix.
        let key = APP_KEY_PKCS1.lines().filter(|line| line.len() > 40 && !line.starts_with('-'));
        let key = key.map(|line| ("the key of the GitHub App", line.to_owned()));
        let others =
            [("GitHub's token", TOKEN), ("a minted token", "ghs_000000"), ("GitHub's webhook secret", WEBHOOK_SECRET)];
        key.chain(others.map(|(name, secret)| (name, secret.to_owned()))).collect()
    }

    fn rights_used(&self) -> BTreeSet<&'static str> {
        self.fake.rights_used()
    }

    async fn pulls(&self) -> anyhow::Result<usize> {
        Ok(self.fake.pulls(&self.full))
    }

    fn keep(&self) -> Back {
        let (site, kept) = (self.clone(), self.fake.keep());
        Box::new(move || {
            site.fake.restore(&kept);
            Ok(Arc::new(site.clone()))
        })
    }
}
