//! The users' actions outside of the chat: on the forge, with git, and in the environments.

use anyhow::{Context as _, bail};
use hotfix_adapters::forge::{CheckState, MergeMethod, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{BranchName, CommitId};

use crate::git::git;
use crate::world::World;

impl World {
    /// Performs an action on the forge: `ben approves`, `unit-tests fail`, `main is red`.
    ///
    /// # Errors
    /// Fails if the words are unknown, or if the forge refuses the action.
    pub async fn on_the_forge(&self, words: &str) -> anyhow::Result<()> {
        let (who, what) = words.split_once(' ').context("who does what?")?;
        match (who, what) {
            ("merge", what) if what.starts_with("passes ") => self.merge_check(what, CheckState::Success).await,
            ("merge", what) if what.starts_with("fails ") => self.merge_check(what, CheckState::Failure).await,
            ("main", "is green") => self.check_is("main", "build", CheckState::Success).await,
            ("main", "is red") => self.check_is("main", "build", CheckState::Failure).await,
            (name, "pass") => self.head_check(name, CheckState::Success).await,
            (name, "fail") => self.head_check(name, CheckState::Failure).await,
            (name, "run") => self.head_check(name, CheckState::Pending).await,
            (_, "approves") => self.site.review(self.pull().await?, who, ReviewVerdict::Approved).await,
            (_, "asks for changes") => self.site.review(self.pull().await?, who, ReviewVerdict::ChangesRequested).await,
            (_, "merges the pull request") => self.site.merge(self.pull().await?, who, MergeMethod::Merge).await,
            (_, "squashes the pull request") => self.site.merge(self.pull().await?, who, MergeMethod::Squash).await,
            (_, "makes the pull request a draft") => self.site.draft(self.pull().await?, true).await,
            (_, "marks the pull request as ready") => self.site.draft(self.pull().await?, false).await,
            (_, what) if what.starts_with("labels it ") => {
                self.site.label(self.pull().await?, who, what.trim_start_matches("labels it "), true).await
            }
            (_, what) if what.starts_with("takes off the label ") => {
                self.site.label(self.pull().await?, who, what.trim_start_matches("takes off the label "), false).await
            }
            (_, "closes the pull request") => self.site.close(self.pull().await?, who).await,
            (_, what) if what.starts_with("opens a pull request from ") => {
                let words = what.trim_start_matches("opens a pull request from ");
                let (branch, title) = words.split_once(' ').unwrap_or((words, "The fix"));
                self.site.open_pull(who, &BranchName::parse(branch)?, title.trim_matches('"')).await
            }
            (_, what) if what.contains("s the pull request from ") => {
                let (how, branch) = what.split_once(" the pull request from ").context("from which branch?")?;
                let method = if how == "squashes" { MergeMethod::Squash } else { MergeMethod::Merge };
                let number = self.site.pull_from(&BranchName::parse(branch)?).await?.context("there is none")?;
                self.site.merge(number, who, method).await
            }
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

    /// Reports a check of the merge commit: `passes unit-tests`.
    async fn merge_check(&self, what: &str, state: CheckState) -> anyhow::Result<()> {
        let name = what.split_once(' ').context("which check?")?.1;
        let run = self.newest().await.context("there is no run")?;
        let merged = run.pull.and_then(|pull| pull.merged).context("it is not merged")?;
        self.site.check(&merged, name, state).await
    }

    async fn head_check(&self, name: &str, state: CheckState) -> anyhow::Result<()> {
        let run = self.newest().await.context("there is no run")?;
        self.check_is(run.plan.branch.as_str(), name, state).await
    }

    async fn check_is(&self, reference: &str, name: &str, state: CheckState) -> anyhow::Result<()> {
        let commit = CommitId::parse(&self.commit_of(reference)?)?;
        self.site.check(&commit, name, state).await
    }

    /// Resolves a name to a full commit id: any name that git resolves, or an environment such as `production`.
    ///
    /// # Errors
    /// Fails if there is no such commit.
    pub fn commit_of(&self, reference: &str) -> anyhow::Result<String> {
        if let Some(running) = self.stage.running(reference) {
            return Ok(running);
        }
        let spec = format!("{reference}^{{commit}}");
        git(&self.stage.bare(), "dee", self.clock.moment(), &["rev-parse", "--verify", "--quiet", &spec])
    }

    /// Performs an action with git. Files of a merge or a push come last, as `path = text`, with `\n` for a line break.
    ///
    /// # Errors
    /// Fails if the words are unknown, or if git fails.
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
            "rebases" => {
                let (branch, onto) = rest.split_once(" onto ").context("onto what?")?;
                run(&["switch", "--quiet", "--detach", &format!("origin/{branch}")])?;
                run(&["rebase", "--quiet", &format!("origin/{onto}")])?;
                run(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{onto}")]).map(|_| ())
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
            "tags" => {
                let (tag, at) = rest.split_once(" at ").context("at what?")?;
                let (tag, at) = (self.with_short(tag)?, self.commit_of(at)?);
                run(&["push", "--quiet", "origin", &format!("{at}:refs/tags/{tag}")]).map(|_| ())
            }
            "untags" => {
                let tag = format!("refs/tags/{}", self.with_short(rest)?);
                run(&["push", "--quiet", "origin", "--delete", &tag]).map(|_| ())
            }
            "deletes" => run(&["push", "--quiet", "origin", "--delete", rest]).map(|_| ()),
            _ => bail!("nobody can do this with git: {words}"),
        }
    }

    /// Replaces a reference in braces in the name of a tag, such as `{main}`, by the short id of its commit.
    fn with_short(&self, name: &str) -> anyhow::Result<String> {
        let Some((before, rest)) = name.split_once('{') else { return Ok(name.to_owned()) };
        let (reference, behind) = rest.split_once('}').context("`{` without `}`")?;
        Ok(format!("{before}{}{behind}", &self.commit_of(reference)?[..7]))
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

    /// Sets the list of break-glass users in the policy, and makes the bot apply it.
    async fn list_for_the_glass(&mut self, people: &[&str]) -> anyhow::Result<()> {
        let path = self.stage.config().join("policy.toml");
        let policy = std::fs::read_to_string(&path)?;
        let list = people.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let (before, _) = policy.split_once("\n[break_glass]").unwrap_or((&policy, ""));
        std::fs::write(&path, format!("{before}\n[break_glass]\npeople = [{list}]\naudit  = \"#audit\"\n"))?;
        self.take_over().await
    }

    /// Performs an action in the environments or the operations: `production deploys main`, `the bot restarts`, `the
    /// forge is down`.
    ///
    /// # Errors
    /// Fails if the words are unknown, or if the action fails.
    pub async fn in_the_world(&mut self, words: &str) -> anyhow::Result<()> {
        if let Some(words) = words.strip_suffix(", by a reload") {
            self.reloads = true;
            let done = Box::pin(self.in_the_world(words)).await;
            self.reloads = false;
            return done;
        }
        if self.over_there(words).await? {
            return Ok(());
        }
        let state = self.stage.root.join("state");
        if let Some((environment, reference)) = words.split_once(" deploys ") {
            let commit = self.commit_of(reference)?;
            return self.stage.deploy(&commit, environment);
        }
        if let Some((environment, version)) = words.split_once(" is labelled ") {
            let label = std::fs::read_to_string(state.join(format!("version-{environment}")))?;
            anyhow::ensure!(label.starts_with(&format!("VERSION={version} ")), "{environment} is labelled {label}");
            return Ok(());
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
                self.take_over().await
            }
            "dee may break the glass" => self.list_for_the_glass(&["dee"]).await,
            "ana and dee may break the glass" => self.list_for_the_glass(&["ana", "dee"]).await,
            "nobody may break the glass any more" => {
                let path = self.stage.config().join("policy.toml");
                let policy = std::fs::read_to_string(&path)?;
                let (before, _) = policy.split_once("[break_glass]").context("nobody may")?;
                std::fs::write(&path, before)?;
                self.take_over().await
            }
            "votes for production are backed by reviews" => {
                let path = self.stage.config().join("policy.toml");
                let policy = std::fs::read_to_string(&path)?;
                std::fs::write(
                    &path,
                    policy.replace("[quorum]\n", "[quorum]\nstep_up = { production = \"review\" }\n"),
                )?;
                self.take_over().await
            }
            "two votes are asked for" => {
                let path = self.stage.config().join("policy.toml");
                let policy = std::fs::read_to_string(&path)?;
                std::fs::write(&path, policy.replace("count = 1", "count = 2"))?;
                self.take_over().await
            }
            _ => bail!("this cannot happen in this world: {words}"),
        }
    }
}
