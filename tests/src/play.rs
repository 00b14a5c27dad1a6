//! Plays a scenario, and writes down what the team saw.

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

/// How long people take between two steps.
const BREATH: Duration = Duration::from_secs(60);

/// Plays the scenario in this file, and compares what was seen with what the file says. With `UPDATE_SCENARIOS=1` the file is
/// written anew instead.
///
/// # Errors
/// Shows how what was seen differs.
pub async fn play_file(path: &Path) -> anyhow::Result<()> {
    let scenario = Scenario::read(path)?;
    let seen = seen_in(&scenario).await?;
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        return std::fs::write(path, scenario.text(&seen)).map_err(Into::into);
    }
    scenario.compare(path, &seen)
}

/// Plays the scenario in this file with the code on another forge: what the team sees is the same.
///
/// # Errors
/// Shows how what was seen differs.
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

/// Plays a scenario to its end, and returns what was seen after each step.
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

/// What a forge elsewhere says in its own way: it has a link to each pull request, and lines break elsewhere because of it; it
/// has its own words for why it does not merge; people have an account there; and GitLab makes two commits of a squash.
fn in_common(text: &str) -> String {
    let joined = text.replace("\n    │ ", " ");
    let line = |line: &str| {
        let mut words: Vec<String> = Vec::new();
        for word in line.split_whitespace() {
            match (word.strip_prefix("<http://127.0.0.1:").and_then(|link| link.split_once('>')), words.last_mut()) {
                // What stands behind the link stands behind the number without it.
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

/// The names of commits in a scenario, by which it can be read aloud.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    by_commit: BTreeMap<String, String>,
    /// The number of commits that are called after each branch.
    counts: BTreeMap<String, usize>,
}

/// A play in progress.
pub struct Play {
    /// Its world.
    pub world: World,
    shown: usize,
    /// The names of the commits seen so far.
    pub(crate) names: Names,
    /// What was done and not acknowledged yet.
    unheard: Vec<Inbound>,
    /// Whether that is done while the bot reads what is new in the world.
    during_a_look: bool,
}

impl Play {
    /// A play in a fresh world.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn new(world: World) -> anyhow::Result<Self> {
        let mut play = Self { world, shown: 0, names: Names::default(), unheard: Vec::new(), during_a_look: false };
        for name in ["live", "fix-upload", "fix-log", "fix-refund", "main", "feature-1", "feature-2"] {
            let commit = play.world.commit_of(name)?;
            play.names.by_commit.insert(commit, name.to_owned());
        }
        Ok(play)
    }

    /// Does one step, lets the bot come to rest, and says what the team saw.
    ///
    /// # Errors
    /// When the step cannot be done, or the bot does not come to rest.
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

    /// What is not the bot's doing: it happens once, whatever becomes of the bot.
    ///
    /// # Errors
    /// When the step cannot be done.
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

    /// What is the bot's doing: what was not acknowledged is delivered again, and the bot comes to rest.
    ///
    /// # Errors
    /// When the bot was stopped, or does not come to rest.
    pub async fn go_on(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.during_a_look) {
            self.hear_during_a_look().await?;
        }
        self.hear().await?;
        self.world.settle().await
    }

    /// What was not acknowledged is delivered after a look has begun, and before anything it reads is answered.
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

    /// What was not acknowledged is delivered again.
    ///
    /// # Errors
    /// When the bot was stopped.
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

    /// Goes on from a world that was put back to an earlier moment.
    pub(crate) fn begin_anew(&mut self, names: Names) {
        self.names = names;
        self.unheard.clear();
        self.shown = self.world.console.transcript().len();
    }

    /// Somebody says something, wherever people talk here. At the console it is delivered later, so that it can be delivered
    /// again; a platform does that by itself.
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

    /// What appeared since the last time: posts and answers. Cards brought up to date are not told; `status` shows them.
    ///
    /// # Errors
    /// When the repository cannot be read.
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

    /// How it ended.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn last_words(&mut self) -> anyhow::Result<Vec<String>> {
        Ok(ending::in_short(&self.world).await?.into_iter().map(|line| format!("< at the end: {line}")).collect())
    }

    /// Commits are called by the branch they came onto, so that a scenario can be read aloud.
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

    /// `<fix-upload>` in what is typed is the commit that is called so.
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
        // The name of the folder is another one every time, and so is where a line with it is broken.
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

/// How long a real process took is not the same twice.
fn without_milliseconds(text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        if words[at].starts_with("ms") && words[at - 1].bytes().all(|b| b.is_ascii_digit()) {
            words[at - 1] = "<some>".to_owned();
        }
    }
    words.join(" ")
}

/// The steps up to a point, on the way that every hotfix goes.
///
/// # Errors
/// When there is no such point.
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

/// Plays the scenario in this file on a platform: what is left at the end is the same as at the console.
///
/// # Errors
/// Shows how it differs, or what went wrong on the way.
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
