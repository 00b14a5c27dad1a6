//! The bot in Slack, through its real ways in, against a strict workspace: it ends as at the console.

use std::path::PathBuf;

use hotfix_tests::play::play_file_in_slack;
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn it_ends_as_at_the_console(
    #[files("scenarios/apply-whole.txt")]
    #[files("scenarios/website-whole.txt")]
    #[files("scenarios/drift-rebase.txt")]
    #[files("scenarios/vote-taken-back.txt")]
    #[files("scenarios/veto.txt")]
    path: PathBuf,
) {
    if let Err(error) = play_file_in_slack(&path).await {
        panic!("{error:#}");
    }
}
