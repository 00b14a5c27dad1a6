//! What people do beside the chat: on the forge, with git, and in the machine room.

use anyhow::{Context as _, bail};
use hotfix_adapters::forge::{CheckState, MergeMethod, PullNumber, Verdict};
use hotfix_adapters::vocabulary::CommitId;

use crate::git::git;
use crate::world::World;

impl World {
    /// Something on the forge: `ben approves`, `unit-tests fail`, `main is red`.
    ///
    /// # Errors
    /// When the words are not known, or the forge refuses.
    pub async fn on_the_forge(&self, words: &str) -> anyhow::Result<()> {
        let (who, what) = words.split_once(' ').context("who does what?")?;
        match (who, what) {
            ("main", "is green") => self.check_is("main", "build", CheckState::Success).await,
            ("main", "is red") => self.check_is("main", "build", CheckState::Failure).await,
            (name, "pass") => self.head_check(name, CheckState::Success).await,
            (name, "fail") => self.head_check(name, CheckState::Failure).await,
            (name, "run") => self.head_check(name, CheckState::Pending).await,
            (_, "approves") => self.site.review(self.pull().await?, who, Verdict::Approved).await,
            (_, "asks for changes") => self.site.review(self.pull().await?, who, Verdict::ChangesRequested).await,
            (_, "merges the pull request") => self.site.merge(self.pull().await?, who, MergeMethod::Merge).await,
            (_, "squashes the pull request") => self.site.merge(self.pull().await?, who, MergeMethod::Squash).await,
            (_, "closes the pull request") => self.site.close(self.pull().await?, who).await,
            (_, what) if what.starts_with("opens a release blocker ") => {
                let title = what.trim_start_matches("opens a release blocker ").trim_matches('"');
                self.site.open_issue(who, title, "release-blocker").await
            }
            _ => bail!("nobody can do this on the forge: {words}"),
        }
    }

    async fn pull(&self) -> anyhow::Result<PullNumber> {
        let run = self.newest().await.context("there is no run")?;
        Ok(run.pull.context("there is no pull request")?.number)
    }

    async fn head_check(&self, name: &str, state: CheckState) -> anyhow::Result<()> {
        let run = self.newest().await.context("there is no run")?;
        self.check_is(run.plan.branch.as_str(), name, state).await
    }

    async fn check_is(&self, reference: &str, name: &str, state: CheckState) -> anyhow::Result<()> {
        let commit = CommitId::parse(&self.commit_of(reference)?)?;
        self.site.check(&commit, name, state).await
    }

    /// What people call a commit here: what git knows, and `production`, `staging`.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn commit_of(&self, reference: &str) -> anyhow::Result<String> {
        if let Some(running) = self.stage.running(reference) {
            return Ok(running);
        }
        let spec = format!("{reference}^{{commit}}");
        git(&self.stage.bare(), "dee", self.clock.moment(), &["rev-parse", "--verify", "--quiet", &spec])
    }

    /// Something with git. Of a merge or a push the files come last, as `path = text`, with `\n` for a new line.
    ///
    /// # Errors
    /// When the words are not known, or git fails.
    pub fn with_git(&self, words: &str) -> anyhow::Result<()> {
        self.git_done(words)?;
        self.site.pushed();
        Ok(())
    }

    fn git_done(&self, words: &str) -> anyhow::Result<()> {
        let (words, files) = match words.split_once(": ") {
            Some((words, files)) => (words, Some(files)),
            None => (words, None),
        };
        let (who, what) = words.split_once(' ').context("who does what?")?;
        let work = self.stage.work();
        let run = |arguments: &[&str]| git(&work, who, self.clock.moment(), arguments);
        run(&["fetch", "--quiet", "--prune", "--tags", "--force", "origin"])?;
        run(&["switch", "--quiet", "--detach"])?;
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        match verb {
            "pushes" | "force-pushes" => {
                let subject = rest.trim_start_matches('"').split('"').next().context("no subject")?;
                let rest = rest.trim_start_matches('"').trim_start_matches(subject).trim_start_matches('"').trim();
                let (branch, from) = match rest.trim_start_matches("to ").split_once(" from ") {
                    Some((branch, from)) => (branch, self.commit_of(from)?),
                    None => {
                        let branch = rest.trim_start_matches("to ");
                        (branch, format!("origin/{branch}"))
                    }
                };
                run(&["switch", "--quiet", "--detach", &from])?;
                self.write(files.context("no files")?)?;
                run(&["add", "--all"])?;
                run(&["commit", "--quiet", "-m", &subject.replace("\\n", "\n")])?;
                let to = format!("HEAD:refs/heads/{branch}");
                let force = if verb == "pushes" { "--no-force" } else { "--force" };
                run(&["push", "--quiet", force, "origin", &to]).map(|_| ())
            }
            "merges" | "squashes" => {
                let (branch, into) = rest.split_once(" into ").context("into what?")?;
                run(&["switch", "--quiet", "--detach", &format!("origin/{into}")])?;
                let how = if verb == "merges" { "--no-ff" } else { "--squash" };
                let _conflict = run(&["merge", "--quiet", how, "--no-commit", &format!("origin/{branch}")]);
                if let Some(files) = files {
                    self.write(files)?;
                }
                run(&["add", "--all"])?;
                run(&["commit", "--quiet", "-m", &format!("Merge {branch} into {into}")])?;
                run(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{into}")]).map(|_| ())
            }
            "reverts" => {
                run(&["switch", "--quiet", "--detach", &format!("origin/{rest}")])?;
                let parents = run(&["rev-list", "--parents", "-n", "1", "HEAD"])?;
                let mainline: &[&str] = if parents.split_whitespace().count() > 2 { &["-m", "1"] } else { &[] };
                run(&[&["revert", "--no-edit"], mainline, &["HEAD"]].concat())?;
                run(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{rest}")]).map(|_| ())
            }
            "branches" => {
                let (branch, at) = rest.split_once(" at ").context("at what?")?;
                let at = self.commit_of(at)?;
                run(&["push", "--quiet", "origin", &format!("{at}:refs/heads/{branch}")]).map(|_| ())
            }
            "deletes" => run(&["push", "--quiet", "origin", "--delete", rest]).map(|_| ()),
            _ => bail!("nobody can do this with git: {words}"),
        }
    }

    fn write(&self, files: &str) -> anyhow::Result<()> {
        for file in files.split(" & ") {
            let (path, text) = file.split_once(" = ").context("a file is written `path = text`")?;
            let path = self.stage.work().join(path);
            std::fs::create_dir_all(path.parent().context("no folder")?)?;
            std::fs::write(path, text.replace("\\n", "\n") + "\n")?;
        }
        Ok(())
    }

    /// The operators list who may break the glass, and tell the bot.
    async fn list_for_the_glass(&mut self, people: &[&str]) -> anyhow::Result<()> {
        let path = self.stage.config().join("policy.toml");
        let policy = std::fs::read_to_string(&path)?;
        let list = people.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let (before, _) = policy.split_once("\n[break_glass]").unwrap_or((&policy, ""));
        std::fs::write(&path, format!("{before}\n[break_glass]\npeople = [{list}]\naudit  = \"#audit\"\n"))?;
        self.restart().await
    }

    /// Something in the machine room: `production deploys main`, `the bot restarts`, `the forge is down`.
    ///
    /// # Errors
    /// When the words are not known, or something fails.
    pub async fn in_the_world(&mut self, words: &str) -> anyhow::Result<()> {
        if self.over_there(words).await? {
            return Ok(());
        }
        let state = self.stage.root.join("state");
        if let Some((environment, reference)) = words.split_once(" deploys ") {
            let commit = self.commit_of(reference)?;
            return self.stage.deploy(&commit, environment);
        }
        if let Some(environment) = words.strip_prefix("nothing runs in ") {
            return Ok(std::fs::remove_file(self.stage.place(environment).join("current"))?);
        }
        if let Some(environment) = words.strip_prefix("deployments fail in ") {
            return Ok(std::fs::write(state.join(format!("broken-{environment}")), "")?);
        }
        if let Some(environment) = words.strip_prefix("deployments work again in ") {
            return Ok(std::fs::remove_file(state.join(format!("broken-{environment}")))?);
        }
        match words {
            "the repository vanishes" => Ok(std::fs::rename(self.stage.bare(), self.stage.root.join("away.git"))?),
            "the repository is back" => Ok(std::fs::rename(self.stage.root.join("away.git"), self.stage.bare())?),
            "the bot restarts" => self.restart().await,
            "the forge is down" => {
                self.cut.set_down("forge", true);
                Ok(())
            }
            "the forge is up" => {
                self.cut.set_down("forge", false);
                Ok(())
            }
            "the chat is down" => {
                self.cut.set_down("chat", true);
                Ok(())
            }
            "the chat is up" => {
                self.cut.set_down("chat", false);
                Ok(())
            }
            "ben may not approve any more" => {
                let path = self.stage.config().join("policy.toml");
                let policy = std::fs::read_to_string(&path)?;
                std::fs::write(
                    &path,
                    policy.replace("approver  = [\"ana\", \"ben\", \"dee\"]", "approver  = [\"ana\", \"dee\"]"),
                )?;
                self.restart().await
            }
            "dee may break the glass" => self.list_for_the_glass(&["dee"]).await,
            "ana and dee may break the glass" => self.list_for_the_glass(&["ana", "dee"]).await,
            "nobody may break the glass any more" => {
                let path = self.stage.config().join("policy.toml");
                let policy = std::fs::read_to_string(&path)?;
                let (before, _) = policy.split_once("[break_glass]").context("nobody may")?;
                std::fs::write(&path, before)?;
                self.restart().await
            }
            "votes for production are backed by reviews" => {
                let path = self.stage.config().join("policy.toml");
                let policy = std::fs::read_to_string(&path)?;
                std::fs::write(
                    &path,
                    policy.replace("[quorum]\n", "[quorum]\nstep_up = { production = \"review\" }\n"),
                )?;
                self.restart().await
            }
            "two votes are asked for" => {
                let path = self.stage.config().join("policy.toml");
                let policy = std::fs::read_to_string(&path)?;
                std::fs::write(&path, policy.replace("count = 1", "count = 2"))?;
                self.restart().await
            }
            _ => bail!("this cannot happen in this world: {words}"),
        }
    }
}
