//! Contributors to a change do not approve it, and a repeated command counts once.

use hotfix_fakes::slack::Slack;
use hotfix_tests::git::git;
use hotfix_tests::play::{Play, given};
use hotfix_tests::room::CHANNEL;
use hotfix_tests::scenario::Act;
use hotfix_tests::site::Host;
use hotfix_tests::world::{Options, Talk, World};
use rstest::rstest;

async fn talking() -> Play {
    let options = Options { service: "payments".to_owned(), talk: Talk::Slack, ..Options::default() };
    Play::new(World::new(options).await.expect("a world")).expect("a play")
}

fn slack(play: &Play) -> &Slack {
    play.world.room.as_ref().expect("a workspace").slack()
}

async fn does(play: &mut Play, acts: &[Act]) {
    for act in acts {
        play.step(act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
}

async fn come(play: &mut Play, point: &str) {
    does(play, &given(&format!("a hotfix that is {point}")).expect("a way there")).await;
}

fn typed(line: &str) -> Act {
    Act::Typed(line.to_owned())
}

/// Votes by command, button and reaction; returns the people with a vote afterward.
async fn votes_of(play: &mut Play, who: &str) -> Vec<String> {
    let run = play.world.newest().await.expect("a run");
    let question = run.vote_requests.values().next_back().expect("a question").message.id.clone();
    slack(play).command(who, CHANNEL, "/hotfix approve").await;
    slack(play).press(who, CHANNEL, &question, "Approve").await;
    slack(play).react(who, CHANNEL, &question, "+1").await;
    play.go_on().await.expect("it goes on");
    play.world.newest().await.expect("a run").votes.iter().map(|vote| vote.person.to_string()).collect()
}

/// Security case 23: authors, committers and co-authors of an included commit do not approve the run, under any of
/// their addresses. Another approver does.
#[rstest]
#[case::author("chi", "Ben Okafor <ben@example.org>", "Also log it")]
#[case::author_by_another_address("chi", "B. <BEN@Example.org>", "Also log it")]
#[case::committer("ben", "Chi Nwosu <chi@example.org>", "Also log it")]
#[case::co_author("chi", "Chi Nwosu <chi@example.org>", "Also log it\n\nCo-authored-by: Big Ben <ben@example.org>")]
#[tokio::test]
async fn case_23_who_made_the_change_does_not_approve_it(
    #[case] committer: &str,
    #[case] author: &str,
    #[case] message: &str,
) {
    let mut play = talking().await;
    come(&mut play, "reviewed").await;
    let (work, at) = (play.world.stage.work(), play.world.clock.moment());
    let run = |arguments: &[&str]| git(&work, committer, at, arguments).expect("git");
    run(&["fetch", "--quiet", "origin"]);
    run(&["switch", "--quiet", "--detach", "origin/hotfix"]);
    std::fs::write(work.join("also"), "logged\n").expect("it is written");
    run(&["add", "--all"]);
    run(&["commit", "--quiet", &format!("--author={author}"), "-m", message]);
    run(&["push", "--quiet", "origin", "HEAD:refs/heads/hotfix"]);
    play.world.site.pushed();
    does(
        &mut play,
        &[
            Act::Forge("unit-tests pass".to_owned()),
            Act::Forge("dee approves".to_owned()),
            typed("ana: /hotfix verify local pass"),
            typed("dee: /hotfix verify staging pass"),
        ],
    )
    .await;
    assert_eq!(votes_of(&mut play, "ben").await, Vec::<String>::new());
    let seen = slack(&play).sees("ben", CHANNEL);
    assert!(seen.contains("You wrote, committed or pushed a part of what would ship"), "{seen}");
    assert_eq!(votes_of(&mut play, "dee").await, ["dee"]);
}

/// Security case 23: the pusher does not approve either, regardless of the commit's author: the forge knows who pushed.
#[rstest]
#[case::told_with_the_head(Host::GitHub, true)]
#[case::told_with_the_head_by_gitlab(Host::GitLab, true)]
#[case::told_after_the_vote(Host::GitHub, false)]
#[tokio::test]
async fn case_23_who_pushed_it_does_not_approve_it(#[case] host: Host, #[case] at_once: bool) {
    let options = Options { service: "payments".to_owned(), talk: Talk::Slack, host, ..Options::default() };
    let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
    come(&mut play, "reviewed").await;
    let (work, at) = (play.world.stage.work(), play.world.clock.moment());
    let run = |who: &str, arguments: &[&str]| git(&work, who, at, arguments).expect("git");
    run("chi", &["fetch", "--quiet", "origin"]);
    run("chi", &["switch", "--quiet", "--detach", "origin/hotfix"]);
    std::fs::write(work.join("also"), "logged\n").expect("it is written");
    run("chi", &["add", "--all"]);
    run("chi", &["commit", "--quiet", "-m", "Also log it"]);
    run("ben", &["push", "--quiet", "origin", "HEAD:refs/heads/hotfix"]);
    let pushes = play.world.stage.bare().join("pushes");
    let told = std::fs::read_to_string(&pushes).expect("the pushes");
    if !at_once {
        std::fs::write(&pushes, "").expect("the list lags behind");
    }
    play.world.site.pushed();
    let on = ["unit-tests pass", "dee approves"].map(|words| Act::Forge(words.to_owned()));
    does(&mut play, &on).await;
    does(&mut play, &[typed("ana: /hotfix verify local pass"), typed("dee: /hotfix verify staging pass")]).await;
    if at_once {
        assert_eq!(votes_of(&mut play, "ben").await, Vec::<String>::new());
        let seen = slack(&play).sees("ben", CHANNEL);
        assert!(seen.contains("You wrote, committed or pushed a part of what would ship"), "{seen}");
    } else {
        assert_eq!(votes_of(&mut play, "ben").await, ["ben"], "nobody could know");
        std::fs::write(&pushes, told).expect("the list is there");
        does(&mut play, &[typed("ana: /hotfix deploy production")]).await;
        let seen = slack(&play).sees("chi", CHANNEL);
        assert!(seen.contains("they pushed a part of it"), "{seen}");
        assert_eq!(votes_of(&mut play, "ben").await, Vec::<String>::new(), "once it is known it stays known");
    }
    assert_eq!(votes_of(&mut play, "dee").await, ["dee"]);
    does(&mut play, &[typed("ana: /hotfix deploy production")]).await;
    assert!(
        play.world
            .stage
            .running("production")
            .is_some_and(|commit| commit == play.world.commit_of("hotfix").expect("a commit"))
    );
}

/// Security case 23: the requester does not approve, even with the approver role.
#[tokio::test]
async fn case_23_who_asked_for_it_does_not_approve_it() {
    let mut play = talking().await;
    come(&mut play, "tested").await;
    assert_eq!(votes_of(&mut play, "ana").await, Vec::<String>::new());
    let seen = slack(&play).sees("ana", CHANNEL);
    assert!(seen.contains("You asked for this hotfix, so your own vote does not count"), "{seen}");
}

/// Sends the same line by the same person twice at once.
async fn twice(play: &mut Play, who: &str, line: &str) {
    let slack = slack(play);
    let (first, second) = tokio::join!(slack.command(who, CHANNEL, line), slack.command(who, CHANNEL, line));
    assert!(first.taken() && second.taken(), "{line}: {first:?} {second:?}");
    play.go_on().await.expect("it goes on");
}

/// Returns how often these words are posted in the channel.
fn told(play: &Play, words: &str) -> usize {
    slack(play).sees("chi", CHANNEL).matches(words).count()
}

/// Security case 40: the same request by the same person within moments causes no second vote request and no
/// second message.
#[tokio::test]
async fn case_40_the_same_ask_again_is_one_ask() {
    let mut play = talking().await;
    twice(&mut play, "ana", "/hotfix start payments \"Fix 500 on upload\"").await;
    assert_eq!(play.world.newest().await.expect("a run").id.to_string(), "HF-1");
    twice(&mut play, "dee", "/hotfix start payments \"Broken log lines\"").await;
    for (words, times) in
        [("Hotfix started: HF-1", 1), ("Fix 500 on upload. It goes", 0), ("Dee brings a second fix", 1)]
    {
        assert_eq!(told(&play, words), times, "{words}:\n{}", slack(&play).sees("chi", CHANNEL));
    }
    let mut play = talking().await;
    come(&mut play, "tested").await;
    twice(&mut play, "chi", "/hotfix hold the queue is full").await;
    twice(&mut play, "chi", "/hotfix unhold").await;
    twice(&mut play, "dee", "/hotfix verify staging pass").await;
    twice(&mut play, "dee", "/hotfix reject the numbers are wrong").await;
    twice(&mut play, "dee", "/hotfix unapprove").await;
    twice(&mut play, "ben", "/hotfix approve").await;
    twice(&mut play, "ana", "/hotfix deploy production").await;
    for words in [
        "the queue is full",
        "may this go to production?",
        "the numbers are wrong",
        "Ben says yes to",
        "Deploying to production",
    ] {
        assert_eq!(told(&play, words), 1, "{words}:\n{}", slack(&play).sees("chi", CHANNEL));
    }
}
