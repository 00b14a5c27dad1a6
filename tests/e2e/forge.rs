//! `hotfix forge …`: the command line of the local forge, which replaces the web pages of a real one.

use hotfix_adapters::forge::{PullRequest, PullState};
use hotfix_adapters::ids::BranchName;
use hotfix_tests::git::git;
use hotfix_tests::running::run;
use hotfix_tests::world::{Options, World};

const REPO: &str = "team/payments";

/// A promotion waits for a label, a run for a merge: a user of local repositories can do both.
#[tokio::test]
async fn a_pull_request_is_labelled_merged_and_closed_at_the_command_line() {
    let options = Options { service: "payments".to_owned(), ..Options::default() };
    let world = World::new(options).await.expect("a world");
    let stage = &world.stage;
    let does = async |words: &str| {
        let words: Vec<&str> = ["forge"].into_iter().chain(words.split(' ')).collect();
        let ended = run(&stage.config(), &words, &[]).await;
        assert!(ended.well, "{words:?}: {}", ended.said);
        ended.said
    };
    let shown = async |number: u8| -> PullRequest {
        serde_json::from_str(&does(&format!("show {REPO} {number}")).await).expect("a pull request")
    };
    let moment = jiff::Timestamp::UNIX_EPOCH;
    for branch in ["one", "two"] {
        let commands: [&[&str]; 3] = [
            &["checkout", "--quiet", "-b", branch, "origin/main"],
            &["commit", "--quiet", "--allow-empty", "-m", branch],
            &["push", "--quiet", "origin", branch],
        ];
        for words in commands {
            git(&stage.work(), "chi", moment, words).expect("it is done");
        }
        world.site.open_pull("chi", &BranchName::parse(branch).expect("a name"), branch).await.expect("it is opened");
    }
    does(&format!("label {REPO} 1 lgtm ben@example.org")).await;
    does(&format!("draft {REPO} 1")).await;
    let pull = shown(1).await;
    assert_eq!((pull.labels.as_slice(), pull.draft), (["lgtm".to_owned()].as_slice(), true));
    does(&format!("unlabel {REPO} 1 lgtm ben@example.org")).await;
    does(&format!("ready {REPO} 1")).await;
    let pull = shown(1).await;
    assert_eq!((pull.labels.as_slice(), pull.draft), ([].as_slice(), false));
    let merged = does(&format!("merge {REPO} 1")).await;
    assert_eq!(git(&stage.bare(), "chi", moment, &["rev-parse", "main"]).expect("main"), merged.trim());
    assert!(matches!(shown(1).await.state, PullState::Merged { .. }));
    does(&format!("close {REPO} 2")).await;
    assert_eq!(shown(2).await.state, PullState::Closed);
}
