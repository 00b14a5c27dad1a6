//! Runs a scenario in a world, and records the chat output that the team receives.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::future::join;
use hotfix_adapters::chat::Destination;
use hotfix_adapters::chat::Inbound;
use hotfix_adapters::chat::console::EntryKind;

use crate::ending;
use crate::git::git;
use crate::given::at_the_beginning;
use crate::scenario::{Act, Scenario};
use crate::site::Host;
use crate::world::{Talk, World};

/// Time that passes on the clock before each step.
const BREATH: Duration = Duration::from_secs(60);

/// Runs the scenario in this file and compares the output with the expected output in the file. With
/// `UPDATE_SCENARIOS=1`, rewrites the file instead.
///
/// # Errors
/// Shows the difference.
pub async fn play_file(path: &Path) -> anyhow::Result<()> {
    let scenario = Scenario::read(path)?;
    let seen = seen_in(&scenario).await?;
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        return std::fs::write(path, scenario.text(&seen)).map_err(Into::into);
    }
    scenario.compare(path, &seen)
}

/// Runs the scenario in this file on another forge. The output must be the same, apart from links and account names.
///
/// # Errors
/// Shows the difference.
pub async fn play_file_on(path: &Path, host: Host) -> anyhow::Result<()> {
    let mut scenario = Scenario::read(path)?;
    scenario.options.host = host;
    let seen = seen_in(&scenario).await?;
    let (wanted, found) = (in_common(&std::fs::read_to_string(path)?), in_common(&scenario.text(&seen)));
    if wanted != found {
        let diff = similar::TextDiff::from_lines(&wanted, &found);
        bail!("on {host:?} the team sees something else:\n{}", diff.unified_diff().context_radius(3));
    }
    Ok(())
}

/// Runs a scenario to its end, and returns the output of each step.
async fn seen_in(scenario: &Scenario) -> anyhow::Result<Vec<Vec<String>>> {
    let (mut play, steps) = at_the_beginning(scenario).await?;
    let mut seen = vec![Vec::new(); scenario.steps.len() - steps.len()];
    for step in steps {
        let so_far = || format!("{}\n{}", scenario.text(&seen), step.line);
        let lines = play.step(&step.act).await.with_context(so_far)?;
        seen.push(lines);
    }
    seen.last_mut().context("it has no steps")?.extend(play.last_words().await?);
    play.world.check().await?;
    Ok(seen)
}

/// Removes the differences between forges from the output: links to pull requests and the line breaks that they cause,
/// the forge's own reasons for refusing a merge, account names, and the second commit of a squash on GitLab.
fn in_common(text: &str) -> String {
    let joined = text.replace("\n    │ ", " ");
    let line = |line: &str| {
        let mut words: Vec<String> = Vec::new();
        for word in line.split_whitespace() {
            match (word.strip_prefix("<http://127.0.0.1:").and_then(|link| link.split_once('>')), words.last_mut()) {
                // Text after the link belongs after the number that stays.
                (Some((_, behind)), Some(number)) => number.push_str(behind),
                (Some(_), None) => {}
                (None, _) if word.contains("<main-") => words.push("<main>".to_owned()),
                (None, _) => words.push(word.to_owned()),
            }
        }
        let line = words.join(" ");
        let between = |line: &str, from: &str, to: &str| {
            let (head, rest) = line.split_once(from)?;
            let tail = rest.split_once(to).map_or("", |(_, tail)| tail);
            Some(format!("{head}{from}<why>{to}{tail}"))
        };
        let told = between(&line, "Could not merge pull request #1", "@Ana");
        let line = told.or_else(|| between(&line, "say `/hotfix retry`: ", "\n")).unwrap_or(line);
        ["GitHub", "GitLab"].iter().fold(line, |line, host| {
            let account =
                line.split_once(&format!(", `{host} ")).and_then(|(head, rest)| Some((head, rest.split_once('`')?.1)));
            account.map(|(head, rest)| format!("{head}{rest}")).unwrap_or(line)
        })
    };
    joined.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// The readable names of commits in the output of a scenario, such as `fix-upload-1`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    by_commit: BTreeMap<String, String>,
    /// Number of named commits per branch.
    counts: BTreeMap<String, usize>,
}

/// A scenario that is being run.
pub struct Play {
    /// The world that the scenario runs in.
    pub world: World,
    shown: usize,
    /// The names of all commits that have appeared so far.
    pub(crate) names: Names,
    /// Messages that were sent but not acknowledged by the bot yet.
    unheard: Vec<Inbound>,
    /// `true` if they are delivered while the bot polls.
    during_a_look: bool,
}

impl Play {
    /// Starts a play in a fresh world.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn new(world: World) -> anyhow::Result<Self> {
        let mut play = Self { world, shown: 0, names: Names::default(), unheard: Vec::new(), during_a_look: false };
        for name in ["live", "fix-upload", "fix-log", "fix-refund", "main", "feature-1", "feature-2"] {
            let commit = play.world.commit_of(name)?;
            play.names.by_commit.insert(commit, name.to_owned());
        }
        Ok(play)
    }

    /// Performs one step, lets the bot settle, and returns the output.
    ///
    /// # Errors
    /// Fails if the step cannot be performed, or if the bot does not settle.
    pub async fn step(&mut self, act: &Act) -> anyhow::Result<Vec<String>> {
        let mut own = self.begin(act).await?;
        self.go_on().await?;
        if matches!(act, Act::Given(_)) {
            self.seen()?;
            return Ok(Vec::new());
        }
        own.extend(self.seen()?);
        Ok(own)
    }

    /// Performs the users' part of a step. It happens once, even if the bot is stopped and restarted.
    ///
    /// # Errors
    /// Fails if the step cannot be performed.
    pub async fn begin(&mut self, act: &Act) -> anyhow::Result<Vec<String>> {
        if !matches!(act, Act::Given(_)) {
            self.world.clock.advance(BREATH);
        }
        let mut own = Vec::new();
        match act {
            Act::Typed(line) => own = self.says(line).await?,
            Act::During(line) => {
                own = self.says(line).await?;
                self.during_a_look = true;
            }
            Act::Both(one, other) => own = [self.says(one).await?, self.says(other).await?].concat(),
            Act::Forge(words) => self.world.on_the_forge(words).await?,
            Act::Git(words) => self.world.with_git(words)?,
            Act::World(words) => self.world.in_the_world(words).await?,
            Act::Clock(span) => self.world.clock.advance(*span),
            Act::Given(words) => {
                for act in given(words)? {
                    Box::pin(self.step(&act)).await?;
                }
            }
        }
        Ok(own)
    }

    /// Performs the bot's part of a step: redelivers unacknowledged messages, and lets the bot settle.
    ///
    /// # Errors
    /// Fails if the bot was stopped, or if it does not settle.
    pub async fn go_on(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.during_a_look) {
            self.hear_during_a_look().await?;
        }
        self.hear().await?;
        self.world.settle().await
    }

    /// Delivers unacknowledged messages after a poll has begun and before the forge answers it.
    async fn hear_during_a_look(&mut self) -> anyhow::Result<()> {
        let (cut, engine) = (self.world.cut.clone(), self.world.engine().clone());
        let forge = format!("forge of {}", self.world.options.service);
        let over = std::sync::atomic::AtomicBool::new(false);
        let look = async {
            let looked = engine.poll().await;
            over.store(true, Relaxed);
            looked
        };
        let meanwhile = async {
            while cut.waits(&forge) == 0 && !over.load(Relaxed) {
                tokio::task::yield_now().await;
            }
            let heard = self.hear().await;
            cut.hang(&forge, false);
            heard
        };
        cut.hang(&forge, true);
        let (looked, heard) = join(look, meanwhile).await;
        looked?;
        heard
    }

    /// Delivers the unacknowledged messages. Exactly two of them are delivered concurrently.
    ///
    /// # Errors
    /// Fails if the bot was stopped.
    pub async fn hear(&mut self) -> anyhow::Result<()> {
        match self.unheard.as_slice() {
            [one, other] => {
                let (a, b) = join(self.world.deliver(one), self.world.deliver(other)).await;
                a?;
                b?;
            }
            several => {
                for inbound in several {
                    self.world.deliver(inbound).await?;
                }
            }
        }
        self.unheard.clear();
        Ok(())
    }

    /// Continues from a world that was restored to a checkpoint.
    pub(crate) fn begin_anew(&mut self, names: Names) {
        self.names = names;
        self.unheard.clear();
        self.shown = self.world.console.transcript().len();
    }

    /// Sends a line to the chat platform. At the console, the message is only queued, so that it can be redelivered; a
    /// platform redelivers it automatically.
    async fn says(&mut self, line: &str) -> anyhow::Result<Vec<String>> {
        let Some(room) = &self.world.room else { return Ok(self.types(line)) };
        let prompt = self.world.newest().await.and_then(|run| run.vote_requests.into_values().next_back());
        room.does(&self.with_commits(line), prompt.map(|prompt| prompt.message).as_ref()).await?;
        Ok(Vec::new())
    }

    fn types(&mut self, line: &str) -> Vec<String> {
        match self.world.typed(&self.with_commits(line)) {
            Ok(Some(inbound)) => {
                self.unheard.push(inbound);
                Vec::new()
            }
            Ok(None) => Vec::new(),
            Err(words) => words
                .lines()
                .enumerate()
                .map(|(at, line)| if at == 0 { format!("< console: {line}") } else { format!("    {line}") })
                .collect(),
        }
    }

    /// Returns the posts and replies since the last call. Updates of cards are left out; `status` shows them.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub(crate) fn seen(&mut self) -> anyhow::Result<Vec<String>> {
        self.name_commits()?;
        let entries = self.world.console.transcript();
        let mut lines = Vec::new();
        for entry in entries.iter().skip(self.shown).filter(|entry| entry.kind != EntryKind::Updated) {
            lines.push(match (&entry.place, entry.kind) {
                (Destination::Direct(person), EntryKind::Whispered) => format!("< to {} alone", person.id),
                (Destination::Direct(person), _) => format!("< to {}, directly", person.id),
                (Destination::Channel(channel), _) => format!("< in {channel}"),
                (Destination::Thread(_), _) => "< in the thread".to_owned(),
                (Destination::ThreadAndChannel(root), _) => format!("< in the thread and in {}", root.channel),
            });
            let text = self.named(&entry.text);
            lines.extend(
                text.lines()
                    .map(|line| format!("    {}", line.trim_end()).trim_end().to_owned())
                    .filter(|line| !line.is_empty()),
            );
        }
        self.shown = entries.len();
        Ok(lines)
    }

    /// Returns the final state of all runs, one line each.
    ///
    /// # Errors
    /// Fails if the final state cannot be read.
    pub async fn last_words(&mut self) -> anyhow::Result<Vec<String>> {
        Ok(ending::in_short(&self.world).await?.into_iter().map(|line| format!("< at the end: {line}")).collect())
    }

    /// Names new commits after the branch that they were pushed to.
    fn name_commits(&mut self) -> anyhow::Result<()> {
        if !self.world.stage.bare().exists() {
            return Ok(());
        }
        let format = "--format=%H %S";
        let arguments = ["log", "--topo-order", "--reverse", "--source", format, "--branches", "--not", "live"];
        let log = git(&self.world.stage.bare(), "dee", self.world.clock.moment(), &arguments)?;
        for line in log.lines() {
            let Some((commit, source)) = line.split_once(' ') else {
                continue;
            };
            if self.names.by_commit.contains_key(commit) || source.is_empty() {
                continue;
            }
            let branch = source.trim_start_matches("refs/heads/").rsplit('/').next().unwrap_or(source).to_owned();
            let count = self.names.counts.entry(branch.clone()).or_default();
            *count += 1;
            self.names.by_commit.insert(commit.to_owned(), format!("{branch}-{count}"));
        }
        Ok(())
    }

    /// Replaces names such as `<fix-upload>` in a typed line by short commit ids.
    fn with_commits(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (commit, name) in &self.names.by_commit {
            line = line.replace(&format!("<{name}>"), &commit[..7]);
        }
        line
    }

    fn named(&self, text: &str) -> String {
        let root = self.world.stage.root.display().to_string();
        let mut text = text.to_owned();
        // The name of the folder differs in each run, and so do the line breaks around it.
        let joined = text.replace("\n│ ", " ").replace(&root.replace('-', "- "), &root);
        if joined.contains(&root) {
            text = joined.replace(&root, "<folder>");
        }
        for (commit, name) in &self.names.by_commit {
            text = text.replace(commit.as_str(), &format!("<{name}>")).replace(&commit[..7], &format!("<{name}>"));
        }
        without_milliseconds(&text)
    }
}

/// Masks the durations of real processes, which differ in each run.
fn without_milliseconds(text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        if words[at].starts_with("ms") && words[at - 1].bytes().all(|b| b.is_ascii_digit()) {
            words[at - 1] = "<some>".to_owned();
        }
    }
    words.join(" ")
}

/// Returns the steps that lead to a state, on the common path of every hotfix.
///
/// # Errors
/// Fails if there is no such state.
pub fn given(words: &str) -> anyhow::Result<Vec<Act>> {
    let rest = words.strip_prefix("a hotfix that is ").context("`given a hotfix that is …` is wanted")?;
    let (point, service) = rest.split_once(" of ").unwrap_or((rest, "payments"));
    let typed = |line: &str| Act::Typed(line.to_owned());
    let forge = |words: &str| Act::Forge(words.to_owned());
    let start = typed(&format!("ana: /hotfix start {service} \"Fix 500 on upload\" --fix <fix-upload>"));
    let staging = matches!(service, "payments");
    let mut acts = vec![start];
    let all: [(&str, Vec<Act>); 6] = [
        ("started", vec![]),
        ("reviewed", vec![forge("unit-tests pass"), forge("ben approves")]),
        ("tested", {
            let mut tested = vec![typed("ana: /hotfix verify local pass")];
            if staging {
                tested.push(typed("dee: /hotfix verify staging pass"));
            }
            tested
        }),
        ("approved", vec![typed("ben: +1")]),
        ("deployed", vec![typed("ana: /hotfix deploy production")]),
        ("seen", vec![typed("dee: /hotfix verify production pass")]),
    ];
    for (name, more) in all {
        acts.extend(more);
        if name == point {
            return Ok(acts);
        }
    }
    bail!("a hotfix can be started, reviewed, tested, approved, deployed or seen")
}

/// Runs the scenario in this file on a chat platform. The final state must be the same as at the console.
///
/// # Errors
/// Shows the difference, or the error that stopped the run.
pub async fn play_file_in(path: &Path, there: Talk) -> anyhow::Result<()> {
    let mut ends = Vec::new();
    for talk in [Talk::Console, there] {
        let mut scenario = Scenario::read(path)?;
        scenario.options.talk = talk;
        let mut play = Play::new(World::new(scenario.options.clone()).await?)?;
        for step in &scenario.steps {
            play.step(&step.act).await.with_context(|| format!("{talk:?}: {}", step.line))?;
        }
        play.world.check().await?;
        ends.push(ending::ending(&play.world).await?.join("\n"));
        if let Some(room) = &play.world.room {
            room.in_order()?;
        }
    }
    let [wanted, found] = ends.as_slice() else { bail!("two plays make two ends") };
    if wanted != found {
        let diff = similar::TextDiff::from_lines(wanted, found);
        bail!("in {there:?} it ends otherwise:\n{}", diff.unified_diff().context_radius(3));
    }
    Ok(())
}
