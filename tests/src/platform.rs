//! Events outside the service's forge: in the platform repository, which names the commits that production runs, in the
//! registry, and in the cluster.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use hotfix_adapters::forge::{MergeMethod, PullNumber};
use hotfix_adapters::ids::{BranchName, Repo};

use crate::git::git;
use crate::ports::Shelf;
use crate::site::Site;
use crate::stage::PLATFORM;
use crate::world::World;

impl World {
    /// Performs an event if the words describe one of these. Returns `false` if they do not.
    ///
    /// # Errors
    /// Fails if the event cannot be performed.
    pub async fn over_there(&self, words: &str) -> anyhow::Result<bool> {
        if let Some((who, rest)) = words.split_once(" puts ").filter(|(_, rest)| rest.ends_with(" on the promotion")) {
            let label = rest.trim_end_matches(" on the promotion");
            self.platform()?.label(self.promotion().await?, who, label, true).await?;
            return Ok(true);
        }
        if let Some((who, rest)) = words.split_once(" takes ").filter(|(_, rest)| rest.ends_with(" off the promotion"))
        {
            let label = rest.trim_end_matches(" off the promotion");
            self.platform()?.label(self.promotion().await?, who, label, false).await?;
            return Ok(true);
        }
        if let Some(rest) = words.strip_prefix("the image ") {
            let (tag, of) = rest.split_once(" is built ").context("an image is built of something")?;
            match of.strip_prefix("of ") {
                Some(reference) => Shelf::publish(&self.stage, tag, &self.commit_of(reference)?)?,
                None if of == "again" => {
                    let run = self.newest().await.context("no run")?;
                    Shelf::publish(&self.stage, tag, run.deployable().context("nothing ships")?.as_str())?;
                }
                None => bail!("an image is built `of <commit>` or `again`"),
            }
            return Ok(true);
        }
        if let Some((tag, reference)) =
            words.strip_prefix("the release ").and_then(|rest| rest.split_once(" is tagged at "))
        {
            let commit = self.commit_of(reference)?;
            git(&self.stage.bare(), "dee", self.clock.moment(), &["tag", tag, &commit])?;
            self.site.pushed();
            return Ok(true);
        }
        if let Some((environment, version)) = words.split_once("'s cluster says ") {
            std::fs::write(self.stage.root.join("state").join(format!("cluster-{environment}")), version)?;
            return Ok(true);
        }
        if let Some(file) = words.strip_prefix("the platform holds ") {
            let (path, text) = file.split_once(" = ").context("a file is written `path = text`")?;
            self.platform_commit(path, text)?;
            return Ok(true);
        }
        if let Some((reference, files)) = words.split_once(" is promoted in ") {
            self.promoted_in(&self.commit_of(reference)?, files)?;
            return Ok(true);
        }
        if let Some((who, reference)) =
            words.strip_suffix(" past the bot").and_then(|rest| rest.split_once(" promotes "))
        {
            self.promote_by_hand(who, &self.commit_of(reference)?)?;
            return Ok(true);
        }
        match words {
            "the promotion is merged" => {
                self.platform()?.merge(self.promotion().await?, "dee", MergeMethod::Merge).await?;
                self.roll_out()?;
                Ok(true)
            }
            "the promotion is merged, and nothing is rolled out" => {
                self.platform()?.merge(self.promotion().await?, "dee", MergeMethod::Merge).await?;
                Ok(true)
            }
            "production is rolled out" => {
                self.roll_out()?;
                Ok(true)
            }
            "the promotion is closed" => {
                self.platform()?.close(self.promotion().await?, "dee").await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Returns the forge for the platform repository, from the users' side.
    fn platform(&self) -> anyhow::Result<Arc<dyn Site>> {
        Ok(self.site.beside(&Repo::parse(PLATFORM)?))
    }

    async fn promotion(&self) -> anyhow::Result<PullNumber> {
        let run = self.newest().await.context("there is no run")?;
        let key = &run.deploys.last().context("nothing is promoted")?.intent.key;
        let branch = BranchName::parse(&format!("promote-{key}"))?;
        self.platform()?.pull_from(&branch).await?.context("there is no merge request")
    }

    /// Promotes a commit by hand: replaces the commit that production runs in all files that name it.
    fn promote_by_hand(&self, who: &str, commit: &str) -> anyhow::Result<()> {
        let work = self.stage.root.join("platform");
        let run = |arguments: &[&str]| git(&work, who, self.clock.moment(), arguments);
        run(&["fetch", "--quiet", "origin"])?;
        run(&["switch", "--quiet", "--detach", "origin/main"])?;
        let names = std::fs::read_to_string(work.join("data/services/reports/saas.yaml"))?;
        let old = names.split_whitespace().find(|word| word.len() == 40).context("production names no commit")?;
        let files = [
            "data/services/reports/saas.yaml",
            "data/services/reports/saas-int.yaml",
            ".env",
            "resources/defaults.yaml",
            "resources/tekton/shared-resources.yaml",
        ];
        for file in files {
            let text = std::fs::read_to_string(work.join(file))?;
            std::fs::write(work.join(file), text.replace(old, commit).replace(&old[..7], &commit[..7]))?;
        }
        run(&["commit", "--quiet", "--all", "-m", "Promote by hand"])?;
        run(&["push", "--quiet", "origin", "HEAD:refs/heads/main"])?;
        self.platform()?.pushed();
        self.roll_out()
    }

    /// Deploys the commit in the platform's files to production. Only `reports` has an environment that follows them.
    fn roll_out(&self) -> anyhow::Result<()> {
        if self.stage.service != "reports" {
            return Ok(());
        }
        let work = self.stage.root.join("platform");
        let run = |arguments: &[&str]| git(&work, "dee", self.clock.moment(), arguments);
        run(&["fetch", "--quiet", "origin"])?;
        let names = run(&["show", "origin/main:data/services/reports/saas.yaml"])?;
        let commit = names.split_whitespace().find(|word| word.len() == 40).context("production names no commit")?;
        self.stage.deploy(commit, "production")
    }

    /// Checks that these files on main of the platform repository name the commit, and not the live one.
    fn promoted_in(&self, commit: &str, files: &str) -> anyhow::Result<()> {
        let live = self.commit_of("live")?;
        for file in files.split(", ") {
            let spec = format!("main:{file}");
            let text = git(&self.stage.bare_of(PLATFORM), "dee", self.clock.moment(), &["show", &spec])?;
            if !text.contains(&commit[..7]) || text.contains(&live[..7]) {
                bail!("{file} does not name {commit} alone:\n{text}");
            }
        }
        Ok(())
    }

    /// Commits a change of a file in the platform repository.
    fn platform_commit(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let work = self.stage.root.join("platform");
        let run = |arguments: &[&str]| git(&work, "dee", self.clock.moment(), arguments);
        run(&["fetch", "--quiet", "origin"])?;
        run(&["switch", "--quiet", "--detach", "origin/main"])?;
        std::fs::write(work.join(path), text.replace("\\n", "\n") + "\n")?;
        run(&["add", "--all"])?;
        run(&["commit", "--quiet", "-m", "Something else"])?;
        run(&["push", "--quiet", "origin", "HEAD:refs/heads/main"])?;
        self.platform()?.pushed();
        Ok(())
    }
}
