//! The bot on GitHub and on GitLab.

use std::path::PathBuf;

use hotfix_tests::play::play_file_on;
use hotfix_tests::site::Host;
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn scenario(
    #[files("scenarios/*.txt")] path: PathBuf,
    #[values(Host::GitHub, Host::GitLab)] host: Host,
) {
    if let Err(error) = play_file_on(&path, host).await {
        panic!("{error:#}");
    }
}
