//! A scenario: a text file with the users' input and the expected output of the bot.
//!
//! ```text
//! # The whole way of a hotfix
//! serves APPLY-6 APPLY-12
//! world payments
//!
//! > ana: /hotfix start payments "Fix 500 on upload"
//! < in #payments
//!     …
//! forge: ben approves
//! look: ben: +1
//! ```
//! `serves` names sentences of the runbook. `world` names the service, optionally followed by `with embedded`, `with
//! ci` or `without chi`. The steps follow, each with its expected output. A `look:` line is sent while the bot polls.
//! `given a hotfix that is approved` performs all steps up to that state without showing them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::world::Options;

/// A parsed scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The lines before the first step.
    pub head: Vec<String>,
    /// Ids of the runbook sentences that the scenario covers, such as `APPLY-6`.
    pub serves: Vec<String>,
    /// The setup of its world.
    pub options: Options,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// A step, with the text around it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Comments and empty lines before the step.
    pub before: Vec<String>,
    /// The line of the step.
    pub line: String,
    /// The parsed line.
    pub act: Act,
    /// The expected output in the file.
    pub seen: Vec<String>,
}

/// An action in a scenario.
#[derive(Debug, Clone)]
pub enum Act {
    /// `> `: A user sends a line to the chat.
    Typed(String),
    /// `look:` A user sends a line while the bot polls.
    During(String),
    /// `> … || …`: Two users send a line at the same time.
    Both(String, String),
    /// `forge:` A user acts on the forge.
    Forge(String),
    /// `git:` A user acts with git.
    Git(String),
    /// `world:` An event in the environments or the operations.
    World(String),
    /// `clock:` Time passes.
    Clock(Duration),
    /// `given`: All steps up to a state, without showing them.
    Given(String),
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or names the line that cannot be parsed.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Self::parse(&text).with_context(|| path.file_name().unwrap_or_default().display().to_string())
    }

    /// Parses the text of a scenario.
    ///
    /// # Errors
    /// Names the line that cannot be parsed.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut scenario =
            Self { head: Vec::new(), serves: Vec::new(), options: Options::default(), steps: Vec::new() };
        let mut before: Vec<String> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let place = || format!("line {}: {line}", number + 1);
            if line.starts_with('<') || (line.starts_with(' ') && !line.trim().is_empty()) {
                scenario.steps.last_mut().with_context(place)?.seen.push(line.to_owned());
            } else if line.is_empty() || line.starts_with('#') {
                before.push(line.to_owned());
            } else if let Some(ids) = line.strip_prefix("serves ") {
                scenario.serves.extend(ids.split_whitespace().map(str::to_owned));
                before.push(line.to_owned());
            } else if let Some(words) = line.strip_prefix("world ") {
                scenario.options = options(words).with_context(place)?;
                before.push(line.to_owned());
                scenario.head = std::mem::take(&mut before);
            } else {
                let act = act(line).with_context(place)?;
                scenario.steps.push(Step {
                    before: std::mem::take(&mut before),
                    line: line.to_owned(),
                    act,
                    seen: Vec::new(),
                });
            }
        }
        if scenario.options.service.is_empty() {
            bail!("it has no `world`");
        }
        Ok(scenario)
    }

    /// Compares the actual output of each step with the expected output in the file.
    ///
    /// # Errors
    /// Shows the difference.
    pub fn compare(&self, path: &Path, seen: &[Vec<String>]) -> anyhow::Result<()> {
        let (wanted, found) = (std::fs::read_to_string(path)?, self.text(seen));
        if wanted != found {
            let diff = similar::TextDiff::from_lines(&wanted, &found);
            bail!(
                "what was seen is not what {} says (UPDATE_SCENARIOS=1 writes it anew):\n{}",
                path.file_name().unwrap_or_default().display(),
                diff.unified_diff().context_radius(3)
            );
        }
        Ok(())
    }

    /// Returns the text of the scenario file with this output after each step.
    #[must_use]
    pub fn text(&self, seen: &[Vec<String>]) -> String {
        let mut lines = self.head.clone();
        for (step, seen) in self.steps.iter().zip(seen) {
            lines.extend(step.before.iter().cloned());
            lines.push(step.line.clone());
            lines.extend(seen.iter().cloned());
        }
        lines.join("\n") + "\n"
    }
}

fn options(words: &str) -> anyhow::Result<Options> {
    let mut words = words.split_whitespace();
    let mut options = Options { service: words.next().context("no service")?.to_owned(), ..Options::default() };
    while let Some(word) = words.next() {
        match (word, words.next()) {
            ("with", Some("embedded")) => options.embedded = true,
            ("with", Some("ci")) => options.ci = true,
            ("without", Some(name)) => options.absent.push(name.to_owned()),
            _ => bail!("`with embedded`, `with ci` or `without <name>` is wanted"),
        }
    }
    Ok(options)
}

fn act(line: &str) -> anyhow::Result<Act> {
    if let Some(typed) = line.strip_prefix("> ") {
        return Ok(match typed.split_once(" || ") {
            Some((one, other)) => Act::Both(one.to_owned(), other.to_owned()),
            None => Act::Typed(typed.to_owned()),
        });
    }
    if let Some(words) = line.strip_prefix("given ") {
        return Ok(Act::Given(words.to_owned()));
    }
    let (kind, words) =
        line.split_once(": ").context("a step begins with `> `, look:, forge:, git:, world:, clock: or given")?;
    Ok(match kind {
        "look" => Act::During(words.to_owned()),
        "forge" => Act::Forge(words.to_owned()),
        "git" => Act::Git(words.to_owned()),
        "world" => Act::World(words.to_owned()),
        "clock" => Act::Clock(span(words)?),
        _ => bail!("a step begins with `> `, look:, forge:, git:, world:, clock: or given"),
    })
}

/// Parses a time span: `+15m`, `+4h` or `+2d`.
fn span(words: &str) -> anyhow::Result<Duration> {
    let unit = words.chars().next_back().context("no time")?;
    let number: u64 = words.trim_start_matches('+').trim_end_matches(unit).parse()?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => bail!("time is written +15m, +4h or +2d"),
    };
    Ok(Duration::from_secs(number * seconds))
}
