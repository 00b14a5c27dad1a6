//! The scenes of the demo: the actions of its users.

use anyhow::Context as _;
use hotfix_adapters::chat::{Card, Text};

use super::play::DemoRun;
use crate::view;

/// Instructions for `demo --interactive`.
const HOW_TO_TYPE: &str = "\
You are everybody. Type as one of ana, ben, chi and dee; end with Ctrl-D. For example:
  ana: /hotfix start payments \"Fix 500 on upload\" --fix FIX
  forge: ben approves              (a review on the forge, with green checks)
  ana: /hotfix verify local pass
  dee: /hotfix verify staging pass
  ben: +1                          (a reaction on the newest question)
  ana: /hotfix deploy production
  ana: /hotfix plan                (what is left, and who can do it)
  ana: /hotfix help";

/// Returns the instructions, with an existing fix filled in.
pub(super) fn how_to_type(play: &DemoRun, fix: Option<&str>) -> String {
    let there = fix.map(str::to_owned).or_else(|| sha(play, "fix-upload").ok());
    HOW_TO_TYPE.replace("FIX", &there.unwrap_or_else(|| "<commit>".to_owned()))
}

const PICTURE: &str = "
  main        X------1-----2        X is live. Features 1 and 2 are merged,
               \\    /     /         and not ready for production.
  feature-1     ----     /
  feature-2      -------            fix-upload holds the fix, made on X.
";

pub(super) fn opening(play: &mut DemoRun) -> anyhow::Result<()> {
    play.scene("A team, its repository, and a bug in production")?;
    play.tell(&format!("Everything is real and lies in {}.", play.stage.root.display()))?;
    if play.stage.git(&["rev-parse", "--verify", "--quiet", "origin/fix-upload"]).is_ok() {
        play.tell(PICTURE)?;
    }
    play.tell(&format!("Production runs {}.", play.stage.live.get(..7).unwrap_or(&play.stage.live)))
}

/// Returns the abbreviated commit id of a branch.
fn sha(play: &DemoRun, branch: &str) -> anyhow::Result<String> {
    play.stage.git(&["rev-parse", "--short=10", branch])
}

/// Plays the start of the run up to the vote request for production.
async fn until_the_vote(play: &mut DemoRun) -> anyhow::Result<()> {
    play.scene("Ana starts a hotfix")?;
    let fix = sha(play, "fix-upload")?;
    let start = format!(
        "ana: /hotfix start payments \"Fix 500 on upload\" --fix {fix} --incident https://status.example.org/118"
    );
    play.types(&start).await?;
    tested(play).await
}

/// Plays the review, the tests and the verification on staging.
async fn tested(play: &mut DemoRun) -> anyhow::Result<()> {
    play.scene("Review and tests")?;
    play.reviewed_by("ben").await?;
    play.types("ana: /hotfix verify local pass an empty receipt is refused politely").await?;
    play.types("dee: /hotfix verify staging pass uploads work, refunds are untouched").await
}

/// Plays the vote for production, up to the post-mortem.
async fn to_the_end(play: &mut DemoRun) -> anyhow::Result<()> {
    play.scene("Whose word counts")?;
    play.types("ana: +1").await?;
    play.types("ben: +1").await?;
    play.scene("Production")?;
    play.types("ana: /hotfix deploy production").await?;
    play.types("dee: /hotfix verify production pass no more 500s").await?;
    play.scene("Back on main, and the post-mortem")?;
    play.types("ana: /hotfix postmortem https://wiki.example.org/postmortems/118").await
}

pub(super) async fn plain(play: &mut DemoRun) -> anyhow::Result<()> {
    until_the_vote(play).await?;
    to_the_end(play).await
}

/// Plays drift: another person deploys mainline during the hotfix.
pub(super) async fn drift(play: &mut DemoRun) -> anyhow::Result<()> {
    until_the_vote(play).await?;
    play.scene("Somebody deploys main past the bot")?;
    let main = play.stage.forge_git(&["rev-parse", "refs/heads/main^"])?;
    play.stage.deploy(&main, "production")?;
    play.tell("\n(with a shell: production now runs feature 1)")?;
    play.settle().await?;
    play.types("ana: /hotfix deploy production").await?;
    play.types("ana: /hotfix drift rebase").await?;
    tested(play).await?;
    to_the_end(play).await
}

/// Plays a conflict: the fix touches a line that differs in production.
pub(super) async fn conflict(play: &mut DemoRun) -> anyhow::Result<()> {
    play.stage.git(&["switch", "--quiet", "--create", "fix-refund", "main"])?;
    play.stage.write("src/refund.py", "def refund(order):\n    return max(0, order.total - order.fee)\n")?;
    play.stage.commit("Ana", "ana@example.org", "Never refund less than nothing")?;
    play.stage.git(&["push", "--quiet", "origin", "fix-refund"])?;
    play.scene("Ana starts a hotfix with a fix that was made on main")?;
    let fix = sha(play, "fix-refund")?;
    play.types(&format!("ana: /hotfix start payments \"Negative refunds\" --fix {fix}")).await?;
    play.scene("Ana adapts it by hand, as the bot says")?;
    play.stage.git(&["fetch", "--quiet", "origin"])?;
    play.stage.git(&["switch", "--quiet", "--create", "hotfix", "origin/hotfix"])?;
    play.stage.write("src/refund.py", "def refund(order):\n    return max(0, order.total)\n")?;
    play.stage.commit("Ana", "ana@example.org", "Never refund less than nothing (for production)")?;
    play.stage.git(&["push", "--quiet", "origin", "hotfix"])?;
    play.tell("\n(ana pushes her version to hotfix)")?;
    play.settle().await?;
    tested(play).await?;
    to_the_end(play).await?;
    merge_by_hand(play).await
}

/// Merges the branch back by hand, because mainline changed the same line.
async fn merge_by_hand(play: &mut DemoRun) -> anyhow::Result<()> {
    if play.run().await?.is_over() {
        return Ok(());
    }
    play.scene("Main has changed the same line: Ana merges by hand")?;
    play.stage.git(&["switch", "--quiet", "main"])?;
    play.stage.git(&["pull", "--quiet", "--ff-only", "origin", "main"])?;
    // The merge conflicts as the bot predicted; the resolution is written and the merge is committed.
    let _conflict = play.stage.git(&["merge", "--quiet", "--no-ff", "--no-commit", "origin/hotfix"]);
    play.stage.write("src/refund.py", "def refund(order):\n    return max(0, order.total - order.fee)\n")?;
    play.stage.commit("Ana", "ana@example.org", "Merge hotfix into main")?;
    play.stage.git(&["push", "--quiet", "origin", "main"])?;
    play.tell("\n(ana pushes the merge to main)")?;
    play.settle().await
}

/// Plays a second fix that arrives during the vote.
pub(super) async fn second_hotfix(play: &mut DemoRun) -> anyhow::Result<()> {
    until_the_vote(play).await?;
    play.types("ben: +1").await?;
    play.scene("Dee has another fix, and joins")?;
    play.stage.git(&["switch", "--quiet", "--create", "fix-log", &play.stage.live.clone()])?;
    play.stage.write("src/log.py", "def log(line):\n    print(line.replace(\"\\n\", \" \"))\n")?;
    play.stage.commit("Dee", "dee@example.org", "Keep log lines on one line")?;
    play.stage.git(&["push", "--quiet", "origin", "fix-log"])?;
    let fix = sha(play, "fix-log")?;
    play.types(&format!("dee: /hotfix start payments \"Broken log lines\" --fix {fix}")).await?;
    play.types("ana: /hotfix deploy production").await?;
    tested(play).await?;
    to_the_end(play).await
}

/// Plays a hotfix on a copy of the user's own repository.
pub(super) async fn on_a_copy(play: &mut DemoRun, fixes: &[String]) -> anyhow::Result<()> {
    play.scene("Ana starts a hotfix")?;
    let fixes = fixes.join(" ");
    play.types(&format!("ana: /hotfix start payments \"A hotfix on your repository\" --fix {fixes}")).await?;
    let run = play.run().await?;
    if run.is_over() || !run.has_change() {
        return Ok(());
    }
    tested(play).await?;
    to_the_end(play).await
}

/// Shows the result: the git history, the timeline and the store.
pub(super) async fn closing(play: &mut DemoRun) -> anyhow::Result<()> {
    let run = play.run().await?;
    play.scene("The history, as git has it")?;
    let graph = play.stage.forge_git(&["log", "--graph", "--oneline", "--decorate", "--all", "-n", "25"])?;
    play.tell(&graph)?;
    let entries = play.entries(run.id).await?;
    let config = play.engine.config();
    let platform = hotfix_adapters::ids::Platform::Console;
    let audience = view::Audience { people: &config.people, policy: &config.policy, groups: &config.groups, platform };
    let post_mortem = view::postmortem(&run, &entries, &audience);
    let path = play.stage.root.join("post-mortem.md");
    std::fs::write(&path, &post_mortem).context("the post-mortem cannot be written")?;
    play.scene("The timeline")?;
    play.show(&in_lines(&view::timeline(&run, &entries, &audience)))?;
    play.scene("Where everything lies")?;
    play.tell(&format!("post-mortem  {}", path.display()))?;
    play.tell(&format!("store        {}", play.store_folder().display()))?;
    play.tell(&format!(
        "production   {}",
        play.stage.root.join("state/deployed/team/payments/production/current").display()
    ))?;
    play.tell(&format!("repository   {}", play.stage.bare().display()))?;
    play.tell(&format!("look around  hotfix --config {} timeline {}", play.stage.root.join("config").display(), run.id))
}

/// Formats the rows of the timeline as lines that a terminal can wrap. The post-mortem has the Markdown form.
fn in_lines(markdown: &str) -> Card {
    let line = |row: &str| {
        let mut cells = row.trim_matches('|').splitn(3, " | ").map(str::trim);
        let (when, who, what) = (cells.next()?, cells.next()?, cells.next()?);
        let clock = when.split(' ').nth(1)?;
        Some(Text::of(format!("{clock} {who}: {}", what.replace("**", "").replace('\\', ""))))
    };
    let rows = markdown.lines().filter(|row| row.starts_with("| 2"));
    Card { lines: rows.filter_map(line).collect(), ..Card::default() }
}
