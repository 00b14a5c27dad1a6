//! The bot in Discord, through its gateway, against a strict server: it ends as at the console.

use std::path::PathBuf;

use hotfix_tests::play::play_file_in;
use hotfix_tests::world::Talk;
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
    if let Err(error) = play_file_in(&path, Talk::Discord).await {
        panic!("{error:#}");
    }
}
