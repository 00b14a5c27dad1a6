//! What happens where the bot promotes, builds and runs: in the repository that names what production runs, in the registry
//! and in the cluster.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use hotfix_adapters::forge::local::{Local, LocalOptions};
use hotfix_adapters::forge::{Merge, MergeMethod, PullNumber, PullRequests as _};
use hotfix_adapters::vocabulary::{BranchName, PersonRef, Platform, Repo};

use crate::git::git;
use crate::ports::Shelf;
use crate::world::World;

/// The repository in which commits are promoted.
const PLATFORM: &str = "service/platform";

impl World {
    /// Something over there, if the words are about it.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn over_there(&self, words: &str) -> anyhow::Result<bool> {
        let platform = Repo::parse(PLATFORM)?;
        if let Some((who, rest)) = words.split_once(" puts ").filter(|(_, rest)| rest.ends_with(" on the promotion")) {
            let label = rest.trim_end_matches(" on the promotion");
            let person = PersonRef::new(Platform::Git, format!("{who}@example.org"));
            self.platform()?.label_as(&platform, self.promotion().await?, &person, label).await?;
            return Ok(true);
        }
        if let Some((who, rest)) = words.split_once(" takes ").filter(|(_, rest)| rest.ends_with(" off the promotion"))
        {
            let label = rest.trim_end_matches(" off the promotion");
            let person = PersonRef::new(Platform::Git, format!("{who}@example.org"));
            self.platform()?.unlabel_as(&platform, self.promotion().await?, &person, label).await?;
            return Ok(true);
        }
        if let Some(rest) = words.strip_prefix("the image ") {
            let (tag, of) = rest.split_once(" is built ").context("an image is built of something")?;
            match of.strip_prefix("of ") {
                Some(reference) => Shelf::publish(&self.stage, tag, &self.commit_of(reference)?)?,
                None if of == "again" => {
                    let run = self.newest().await.context("no run")?;
                    Shelf::publish(&self.stage, tag, run.ships().context("nothing ships")?.as_str())?;
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
        if let Some((who, reference)) =
            words.strip_suffix(" past the bot").and_then(|rest| rest.split_once(" promotes "))
        {
            self.promote_by_hand(who, &self.commit_of(reference)?)?;
            return Ok(true);
        }
        match words {
            "the promotion is merged" => {
                let number = self.promotion().await?;
                let head = self.platform()?.read(&platform, number).await?.head_commit;
                let (title, body) = ("Merge the promotion".to_owned(), String::new());
                let merge = Merge { expected_head: head, method: MergeMethod::Merge, title, body };
                self.platform()?.merge(&platform, number, &merge).await?;
                Ok(true)
            }
            "the promotion is closed" => {
                self.platform()?.close(&platform, self.promotion().await?).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The forge over there, as people use it: it is always the local one.
    fn platform(&self) -> anyhow::Result<Local> {
        let state = self.stage.root.join("state");
        let mut options = LocalOptions::new(state.join("repositories"), state.join("forge"));
        let clock = self.clock.clone();
        options.clock = Arc::new(move || clock.moment());
        Ok(Local::open(options)?)
    }

    async fn promotion(&self) -> anyhow::Result<PullNumber> {
        let run = self.newest().await.context("there is no run")?;
        let key = &run.deploys.last().context("nothing is promoted")?.intent.key;
        let (head, main) = (BranchName::parse(&format!("promote-{key}"))?, BranchName::parse("main")?);
        let pull = self.platform()?.find(&Repo::parse(PLATFORM)?, &head, &main).await?;
        Ok(pull.context("there is no merge request")?.number)
    }

    /// Somebody writes another commit into all files in which the one that production runs stands.
    fn promote_by_hand(&self, who: &str, commit: &str) -> anyhow::Result<()> {
        let work = self.stage.root.join("platform");
        let run = |arguments: &[&str]| git(&work, who, self.clock.moment(), arguments);
        run(&["fetch", "--quiet", "origin"])?;
        run(&["switch", "--quiet", "--detach", "origin/main"])?;
        let names = std::fs::read_to_string(work.join("data/services/reports/saas.yaml"))?;
        let old = names.split_whitespace().find(|word| word.len() == 40).context("production names no commit")?;
        for file in ["data/services/reports/saas.yaml", ".env", "resources/defaults.yaml"] {
            let text = std::fs::read_to_string(work.join(file))?;
            std::fs::write(work.join(file), text.replace(old, commit).replace(&old[..7], &commit[..7]))?;
        }
        run(&["commit", "--quiet", "--all", "-m", "Promote by hand"])?;
        run(&["push", "--quiet", "origin", "HEAD:refs/heads/main"]).map(|_| ())
    }

    /// Somebody changes a file over there.
    fn platform_commit(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let work = self.stage.root.join("platform");
        let run = |arguments: &[&str]| git(&work, "dee", self.clock.moment(), arguments);
        run(&["fetch", "--quiet", "origin"])?;
        run(&["switch", "--quiet", "--detach", "origin/main"])?;
        std::fs::write(work.join(path), text.replace("\\n", "\n") + "\n")?;
        run(&["add", "--all"])?;
        run(&["commit", "--quiet", "-m", "Something else"])?;
        run(&["push", "--quiet", "origin", "HEAD:refs/heads/main"]).map(|_| ())
    }
}
