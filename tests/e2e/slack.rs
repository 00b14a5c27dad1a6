//! The bot in Slack, through its real transports, against a strict fake: every scenario ends as at the console.

use std::path::PathBuf;

use hotfix::domain::event::Event;
use hotfix_fakes::slack::{Slack, Standing};
use hotfix_tests::play::{Play, given, play_file_in};
use hotfix_tests::room::CHANNEL;
use hotfix_tests::world::{Options, Talk, World};
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
    if let Err(error) = play_file_in(&path, Talk::Slack).await {
        panic!("{error:#}");
    }
}

/// Sets up a bot in Slack with a run that waits for production votes.
pub(crate) async fn asking(standing: &[(&str, Standing)]) -> Play {
    let standing = standing.iter().map(|(name, standing)| ((*name).to_owned(), *standing)).collect();
    asked(Options { talk: Talk::Slack, standing, ..Options::default() }).await
}

/// The same over another transport.
pub(crate) async fn asking_over(talk: Talk) -> Play {
    asked(Options { talk, ..Options::default() }).await
}

async fn asked(options: Options) -> Play {
    let options = Options { service: "payments".to_owned(), ..options };
    let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
    for act in given("a hotfix that is tested").expect("a way there") {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    play
}

pub(crate) fn slack(play: &Play) -> &Slack {
    play.world.room.as_ref().expect("a workspace").slack()
}

pub(crate) async fn votes(play: &Play) -> Vec<String> {
    let run = play.world.newest().await.expect("a run");
    run.votes.iter().map(|vote| vote.person.to_string()).collect()
}

pub(crate) async fn prompt(play: &Play) -> String {
    let run = play.world.newest().await.expect("a run");
    run.vote_requests.values().next_back().expect("a question").message.id.clone()
}

/// Returns how often a user got these words in an ephemeral message.
pub(crate) fn told(slack: &Slack, who: &str, channel: &str, words: &str) -> usize {
    slack.sees(who, channel).lines().filter(|line| line.contains("only you see") && line.contains(words)).count()
}

/// Security cases 22, 30 and 31: guests, bots, strangers and former members may view but not vote, by any input path,
/// and are told why in private.
#[rstest]
#[case::guest(Standing::Guest, "a guest's account")]
#[case::guest_of_one_channel(Standing::SingleChannelGuest, "a guest's account")]
#[case::stranger(Standing::Stranger, "another company")]
#[case::bot(Standing::Bot, "an app's account")]
#[tokio::test]
async fn only_members_vote_by_whatever_way(#[case] standing: Standing, #[case] why: &str) {
    let play = asking(&[("ben", standing)]).await;
    let (slack, message) = (slack(&play), prompt(&play).await);
    slack.command("ben", CHANNEL, "/hotfix approve").await;
    slack.press("ben", CHANNEL, &message, "Approve").await;
    slack.react("ben", CHANNEL, &message, "+1").await;
    assert!(votes(&play).await.is_empty(), "{standing:?}");
    assert!(told(slack, "ben", CHANNEL, why) >= 2, "{standing:?} was not told:\n{}", slack.sees("ben", CHANNEL));
    assert_eq!(told(slack, "ana", CHANNEL, why), 0, "others need not know");
    slack.command("ben", CHANNEL, "/hotfix status").await;
    assert!(told(slack, "ben", CHANNEL, "HF-1 payments") > 0, "who looks is answered");
    slack.react("dee", CHANNEL, &message, "white_check_mark").await;
    assert_eq!(votes(&play).await, ["dee"], "a member's reaction counts");
}

/// Security case 31: an account that was deactivated after the vote request does not vote.
#[tokio::test]
async fn who_left_does_not_vote() {
    let play = asking(&[]).await;
    let (slack, message) = (slack(&play), prompt(&play).await);
    slack.deactivate("ben").await;
    slack.react("ben", CHANNEL, &message, "+1").await;
    assert!(votes(&play).await.is_empty());
}

/// Security cases 21 and 38: commands are accepted in the service's own channel, identified by its id.
#[tokio::test]
async fn acts_are_taken_in_the_channel_of_the_service_only() {
    let play = asking(&[]).await;
    let slack = slack(&play);
    slack.channel("elsewhere", &["ben", "hotfix"]);
    slack.channel("with-others", &["ben", "hotfix"]);
    slack.share("with-others");
    for (channel, why) in [("elsewhere", "not the channel for it"), ("with-others", "shared with others")] {
        slack.command("ben", channel, "/hotfix approve HF-1").await;
        assert_eq!(told(slack, "ben", channel, why), 1, "{}", slack.sees("ben", channel));
    }
    assert!(votes(&play).await.is_empty());
}

/// Security case 32: a copy of the vote request by another account is not a vote request.
#[tokio::test]
async fn a_look_alike_of_the_question_is_nothing() {
    let play = asking(&[]).await;
    let slack = slack(&play);
    let copy = slack.say("chi", CHANNEL, "HF-1 payments: may this go to production?").await;
    slack.react("ben", CHANNEL, &copy, "+1").await;
    assert!(votes(&play).await.is_empty());
}

/// Security case 5: a redelivery of the same bytes has one effect.
#[tokio::test]
async fn what_slack_sends_again_has_one_effect() {
    let play = asking(&[]).await;
    let slack = slack(&play);
    slack.command("ben", CHANNEL, "/hotfix note once").await;
    let events = play.world.newest().await.expect("a run").version;
    for _ in 0..3 {
        assert!(slack.deliver_again().await.taken());
    }
    assert_eq!(play.world.newest().await.expect("a run").version, events);
}

/// A mention in the thread, a message shortcut, the home tab and a rejection form each have the same effect as
/// the verb.
#[tokio::test]
async fn every_way_in_is_the_same_act() {
    let play = asking(&[]).await;
    let (slack, message) = (slack(&play), prompt(&play).await);
    let card = play.world.newest().await.and_then(|run| run.card).expect("a card").id;
    slack.reply("ben", CHANNEL, &card, "@hotfix note seen in the thread").await;
    let said = slack.say("chi", CHANNEL, "The queue is at 40,000").await;
    slack.message_shortcut("ana", CHANNEL, &said, "add_to_hotfix").await;
    let entries = play.world.engine().entries(play.world.newest().await.expect("a run").id).await.expect("events");
    let noted: Vec<String> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Noted { text } => Some(text.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert!(noted[0].contains("seen in the thread") && noted[1].contains("The queue is at 40,000"), "{noted:?}");
    slack.open_home("dee").await;
    slack.until("her page", |slack| slack.home("dee").is_some_and(|page| page.contains("Waits for you"))).await;
    assert!(slack.home("dee").expect("a page").contains("HF-1"), "{:?}", slack.home("dee"));

    slack.press("dee", CHANNEL, &message, "Reject").await;
    slack.until("the form", |slack| slack.modal("dee").is_some_and(|form| form.contains("Why not?"))).await;
    slack.submit("dee", &[("Why not?", "the numbers are wrong")]).await;
    let run = play.world.newest().await.expect("a run");
    assert_eq!(run.rejections.values().map(|no| no.reason.as_str()).collect::<Vec<_>>(), ["the numbers are wrong"]);
}

/// The triage form has all eleven criteria of HOCS-2.
#[tokio::test]
async fn the_triage_is_one_form() {
    let options = Options { service: "casework".to_owned(), talk: Talk::Slack, ..Options::default() };
    let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
    let answered = slack(&play).command("ana", CHANNEL, "/hotfix start casework").await;
    assert!(answered.taken(), "{answered:?}");
    slack(&play).until("the form", |slack| slack.modal("ana").is_some()).await;
    let form = slack(&play).modal("ana").expect("a form");
    assert_eq!(form.matches("It ").count() + form.matches("Nobody objects").count(), 11, "{form}");
    let answers = [("What is broken?", "Fix 500 on upload"), ("Ticket", "CASE-12")];
    slack(&play).submit("ana", &answers).await;
    play.go_on().await.expect("it goes on");
    let run = play.world.newest().await.expect("a run");
    assert_eq!(run.title, "Fix 500 on upload");
}
