//! The validity of votes, in Slack: every change between the vote and the deployment, and one notification
//! for everyone concerned.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use hotfix::domain::event::{Event, VoidReason};
use hotfix::domain::hotfix::Hotfix;
use hotfix::engine::Response;
use hotfix_adapters::chat::{Inbound, Interaction as Did};
use hotfix_adapters::ids::{ChannelRef, MessageRef, PersonRef, Platform};
use hotfix_fakes::slack::{Slack, Standing, Urls};
use hotfix_tests::play::{Play, given};
use hotfix_tests::room::CHANNEL;
use hotfix_tests::scenario::Act;
use hotfix_tests::world::{Options, Talk, World};
use rstest::rstest;

/// Sets up a bot in Slack.
async fn bot() -> Play {
    let options = Options { service: "payments".to_owned(), talk: Talk::Slack, ..Options::default() };
    Play::new(World::new(options).await.expect("a world")).expect("a play")
}

async fn come(play: &mut Play, point: &str) {
    for act in given(&format!("a hotfix that is {point}")).expect("a way there") {
        does(play, act).await;
    }
}

async fn does(play: &mut Play, act: Act) {
    play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
}

async fn types(play: &mut Play, line: &str) {
    does(play, Act::Typed(line.to_owned())).await;
}

/// Sets up a bot in Slack with a run at the given point.
async fn at(point: &str) -> Play {
    let mut play = bot().await;
    come(&mut play, point).await;
    play
}

fn slack(play: &Play) -> &Slack {
    play.world.room.as_ref().expect("a workspace").slack()
}

async fn run(play: &Play) -> Hotfix {
    play.world.newest().await.expect("a run")
}

async fn votes(play: &Play) -> Vec<String> {
    run(play).await.votes.iter().map(|vote| vote.person.to_string()).collect()
}

async fn question(play: &Play) -> String {
    run(play).await.vote_requests.values().next_back().expect("a question").message.id.clone()
}

/// Returns whether production runs the head of the hotfix branch.
fn shipped(play: &Play) -> bool {
    play.world.stage.running("production") == play.world.commit_of("hotfix").ok()
}

/// Returns how often these words are posted in the service's channel.
fn told(play: &Play, words: &str) -> usize {
    slack(play).sees("chi", CHANNEL).matches(words).count()
}

/// Returns how often one user got these words there in an ephemeral message.
fn told_alone(play: &Play, who: &str, words: &str) -> usize {
    let seen = slack(play).sees(who, CHANNEL);
    seen.lines().filter(|line| line.contains("only you see this") && line.contains(words)).count()
}

/// Returns the votes that were voided, each with its reason, in order.
async fn lapsed(play: &Play) -> Vec<(String, VoidReason)> {
    let entries = play.world.engine().entries(run(play).await.id).await.expect("events");
    let lapsed = entries.into_iter().filter_map(|entry| match entry.event {
        Event::VoteWithdrawn { person, why: Some(why), .. } => Some((person.to_string(), why)),
        _ => None,
    });
    lapsed.collect()
}

fn edit(play: &Play, file: &str, change: impl Fn(&str) -> String) {
    let path = play.world.stage.config().join(file);
    let text = std::fs::read_to_string(&path).expect("a file");
    let changed = change(&text);
    assert_ne!(text, changed, "{file} changes");
    std::fs::write(path, changed).expect("it can be written");
}

/// Retargets the pull request to another branch, as a user can on the forge.
fn retarget(play: &Play, into: &str) {
    let path = play.world.stage.root.join("state/forge/team~payments.json");
    let mut book: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("a book")).expect("JSON");
    book["pulls"][0]["base"] = into.into();
    std::fs::write(path, book.to_string()).expect("it can be written");
}

const NO_MORE: &str = "the yes of Ben for production does not count any more: ";

/// Security cases 30 and 31: if a voter's account is not a member's at the start of the deployment, the vote is void,
/// even if the account was looked up a moment ago.
#[rstest]
#[case::deactivated(None, VoidReason::Gone, "their account is deactivated")]
#[case::guest(Some(Standing::Guest), VoidReason::Guest, "their account is a guest's now")]
#[case::guest_of_one_channel(Some(Standing::SingleChannelGuest), VoidReason::Guest, "their account is a guest's now")]
#[case::stranger(Some(Standing::Stranger), VoidReason::Stranger, "their account is of another company now")]
#[case::app(Some(Standing::Bot), VoidReason::App, "their account is an app's")]
#[tokio::test]
async fn case_31_who_is_no_member_any_more_when_it_ships(
    #[case] becomes: Option<Standing>,
    #[case] why: VoidReason,
    #[case] words: &str,
) {
    let mut play = at("tested").await;
    types(&mut play, "ben: /hotfix approve").await;
    match becomes {
        Some(standing) => slack(&play).becomes("ben", standing).await,
        None => slack(&play).deactivate("ben").await,
    }
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(!shipped(&play));
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), why)]);
    assert_eq!(told(&play, &format!("@ben and @ana: {NO_MORE}{words}.")), 1, "{}", slack(&play).sees("chi", CHANNEL));
    types(&mut play, "dee: /hotfix approve").await;
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(shipped(&play), "another's vote will do");
    assert_eq!(
        run(&play).await.deploys.last().expect("a deployment").intent.votes,
        ["dee".parse().expect("dee")].into()
    );
}

/// Fails closed: no deployment begins before the chat confirms the voters' accounts. A rollback needs no vote, so it
/// works while the chat is down.
#[tokio::test]
async fn a_chat_that_is_down_lets_nothing_ship_and_everything_be_put_back() {
    let mut play = at("tested").await;
    types(&mut play, "ben: /hotfix approve").await;
    slack(&play).command("ana", CHANNEL, "/hotfix deploy production").await;
    play.world.cut.set_down("chat", true);
    play.go_on().await.expect("it waits");
    assert!(
        !shipped(&play)
            && run(&play).await.deploys.iter().all(|deploy| deploy.intent.environment.as_str() == "staging")
    );
    play.world.cut.set_down("chat", false);
    play.go_on().await.expect("it goes on");
    assert!(shipped(&play) && lapsed(&play).await.is_empty());
    let before = play.world.commit_of("live").ok();
    slack(&play).command("dee", CHANNEL, "/hotfix rollback production it is slow").await;
    play.world.cut.set_down("chat", true);
    play.go_on().await.expect("it goes on");
    assert_eq!(play.world.stage.running("production"), before, "put back all the same");
}

/// Security case 24: one person with two accounts has one vote, and commits under all their addresses are theirs.
#[tokio::test]
async fn case_24_one_person_is_one_vote() {
    let mut play = bot().await;
    let (team, other) = (slack(&play).team(), slack(&play).person("ben-at-home", Standing::Member));
    slack(&play).join(CHANNEL, "ben-at-home");
    edit(&play, "people.toml", |text| {
        let line = text.lines().skip_while(|line| *line != "[people.ben]").find(|line| line.starts_with("slack"));
        let line = line.expect("an account");
        let id = line.split('"').nth(1).expect("an id");
        text.replace(line, &format!("slack   = [\"{id}\", \"{team}/{other}\"]"))
    });
    edit(&play, "policy.toml", |text| text.replace("count = 1", "count = 2"));
    play.world.restart().await.expect("a good configuration");
    come(&mut play, "tested").await;
    let message = question(&play).await;
    types(&mut play, "ben: /hotfix approve").await;
    slack(&play).command("ben-at-home", CHANNEL, "/hotfix approve").await;
    slack(&play).react("ben-at-home", CHANNEL, &message, "+1").await;
    play.go_on().await.expect("it goes on");
    assert_eq!(votes(&play).await, ["ben"]);
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(!shipped(&play), "one more is missing");
    types(&mut play, "dee: /hotfix approve").await;
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(shipped(&play));
}

/// Security case 24, with git: the author of a commit under one account does not approve under another.
#[tokio::test]
async fn case_24_a_commit_by_another_account_is_theirs() {
    let mut play = at("tested").await;
    does(
        &mut play,
        Act::Git("ben pushes \"Also log it\" to hotfix: src/log.py = def log(line):\\n    print(line)".to_owned()),
    )
    .await;
    does(&mut play, Act::Forge("unit-tests pass".to_owned())).await;
    does(&mut play, Act::Forge("dee approves".to_owned())).await;
    types(&mut play, "ana: /hotfix verify local pass").await;
    types(&mut play, "dee: /hotfix verify staging pass").await;
    types(&mut play, "ben: /hotfix approve").await;
    assert!(votes(&play).await.is_empty());
    assert_eq!(told_alone(&play, "ben", "You wrote, committed or pushed a part of what would ship"), 1);
}

/// Security case 25: a push voids the votes, and their voters are notified once.
#[tokio::test]
async fn case_25_a_push_voids_the_votes_and_the_noes() {
    let mut play = at("tested").await;
    types(&mut play, "ben: /hotfix approve").await;
    types(&mut play, "dee: /hotfix reject \"the numbers are wrong\"").await;
    does(
        &mut play,
        Act::Git("ana pushes \"Also log it\" to hotfix: src/log.py = def log(line):\\n    print(line)".to_owned()),
    )
    .await;
    play.go_on().await.expect("it goes on");
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Head)]);
    assert_eq!(told(&play, &format!("@ben and @ana: {NO_MORE}the branch moved, and it was said of the old head.")), 1);
    assert_eq!(told(&play, "@dee: your no to production was said of what would not ship any more."), 1);
    assert!(run(&play).await.rejections.is_empty());
}

/// Security case 26: a new base voids the votes.
#[tokio::test]
async fn case_26_another_base_voids_the_votes() {
    let mut play = at("approved").await;
    does(&mut play, Act::World("production deploys feature-1".to_owned())).await;
    types(&mut play, "ana: /hotfix drift rebase").await;
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Base)]);
    assert_eq!(told(&play, &format!("@ben and @ana: {NO_MORE}the fix goes on top of another base")), 1);
}

/// Security case 26: a retargeted pull request voids the votes, accepts no votes, and is merged only into the branch
/// that the plan names.
#[tokio::test]
async fn case_26_a_pull_request_that_goes_elsewhere() {
    let mut play = at("approved").await;
    retarget(&play, "feature-1");
    play.go_on().await.expect("it goes on");
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Retargeted)]);
    assert_eq!(told(&play, &format!("@ben and @ana: {NO_MORE}the pull request goes into another branch now.")), 1);
    types(&mut play, "dee: /hotfix approve").await;
    assert!(votes(&play).await.is_empty());
    assert_eq!(told_alone(&play, "dee", "Pull request #1 goes into feature-1 now, and not into main."), 1);
    // No vote request is sent for a pull request that cannot be merged. The bot says what must be corrected first.
    let (asked, first) = ("may this go to production?", "again; nobody is asked for votes before.");
    assert_eq!(
        (told(&play, asked), run(&play).await.vote_requests.len()),
        (1, 0),
        "{}",
        slack(&play).sees("chi", CHANNEL)
    );
    assert!(told(&play, first) > 0, "it says what first: {}", slack(&play).sees("ana", CHANNEL));
    retarget(&play, "main");
    play.go_on().await.expect("it goes on");
    play.go_on().await.expect("and once more");
    assert_eq!(told(&play, asked), 2, "now it is asked, once");
    types(&mut play, "dee: /hotfix approve").await;
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(shipped(&play));
    let there = play.world.commit_of("feature-1").expect("a commit");
    retarget(&play, "feature-1");
    types(&mut play, "dee: /hotfix verify production pass").await;
    assert_eq!(play.world.commit_of("feature-1").expect("a commit"), there, "nothing was merged there");
    assert!(
        told(&play, "It goes into feature-1 now, and not into main as approved") > 0,
        "{}",
        slack(&play).sees("chi", CHANNEL)
    );
    retarget(&play, "main");
    types(&mut play, "ana: /hotfix retry").await;
    assert!(run(&play).await.pull.expect("a pull request").merged.is_some());
}

/// Security case 27: without a webhook or poll for the push, the bot reads the head itself before it deploys.
#[tokio::test]
async fn case_27_a_push_that_nobody_told_of_is_seen_before_the_act() {
    let mut play = at("approved").await;
    play.world.polls = false;
    does(
        &mut play,
        Act::Git("ana pushes \"Also log it\" to hotfix: src/log.py = def log(line):\\n    print(line)".to_owned()),
    )
    .await;
    assert_eq!(votes(&play).await, ["ben"], "it does not know yet");
    let running = play.world.stage.running("production");
    types(&mut play, "ana: /hotfix deploy production").await;
    assert_eq!(play.world.stage.running("production"), running);
    assert_eq!(told(&play, "which was approved"), 1, "{}", slack(&play).sees("chi", CHANNEL));
    play.world.polls = true;
    play.go_on().await.expect("it goes on");
    assert!(votes(&play).await.is_empty());
}

/// Security case 33: a reaction that is removed before the deployment is no vote. After it, the removal is recorded,
/// nothing is undone, and the channel is notified.
#[tokio::test]
async fn case_33_a_reaction_that_is_taken_back() {
    let mut play = at("tested").await;
    let message = question(&play).await;
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    slack(&play).take_back("ben", CHANNEL, &message, "+1").await;
    play.go_on().await.expect("it goes on");
    assert!(votes(&play).await.is_empty());
    let message = question(&play).await;
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(shipped(&play));
    slack(&play).take_back("ben", CHANNEL, &message, "+1").await;
    play.go_on().await.expect("it goes on");
    assert!(shipped(&play), "nothing is undone");
    assert!(votes(&play).await.is_empty(), "it is written down");
    assert_eq!(told(&play, "It went to production by that word already, and nothing is undone."), 1);
}

/// Security case 34: the reactions on the message decide, not the events about them.
#[tokio::test]
async fn case_34_events_are_hints() {
    let mut play = at("tested").await;
    let message = question(&play).await;
    // Slack sends no event for the removal.
    slack(&play).subscribe(&["reaction_added"]);
    slack(&play).react("ben", CHANNEL, &message, "+1").await;
    slack(&play).take_back("ben", CHANNEL, &message, "+1").await;
    play.go_on().await.expect("it goes on");
    assert_eq!(votes(&play).await, ["ben"]);
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(!shipped(&play));
    assert_eq!(told(&play, &format!("{NO_MORE}the reaction is not on the question any more.")), 1);

    // The reaction is removed and added again, and the event for the first one arrives last.
    let message = question(&play).await;
    slack(&play).subscribe(&["reaction_added", "reaction_removed"]);
    slack(&play).react("dee", CHANNEL, &message, "+1").await;
    slack(&play).deliver_to(Urls::one("http://127.0.0.1:1/gone"));
    slack(&play).take_back("dee", CHANNEL, &message, "+1").await;
    play.world.restart().await.expect("a good configuration");
    slack(&play).react("dee", CHANNEL, &message, "+1").await;
    slack(&play).pass(std::time::Duration::from_secs(61)).await;
    assert_eq!(slack(&play).retries_to_come(), 0, "the late one was taken");
    assert_eq!(votes(&play).await, ["dee"]);
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(shipped(&play));
}

/// Security case 35: a button counts only on the open vote request, and once.
#[tokio::test]
async fn case_35_old_buttons_and_buttons_of_others() {
    let mut play = at("tested").await;
    let old = question(&play).await;
    slack(&play).press("ben", CHANNEL, &old, "Approve").await;
    slack(&play).press("ben", CHANNEL, &old, "Approve").await;
    play.go_on().await.expect("it goes on");
    let entries = play.world.engine().entries(run(&play).await.id).await.expect("events");
    assert_eq!(entries.iter().filter(|entry| matches!(entry.event, Event::Voted(_))).count(), 1, "one yes");
    does(
        &mut play,
        Act::Git("ana pushes \"Also log it\" to hotfix: src/log.py = def log(line):\\n    print(line)".to_owned()),
    )
    .await;
    // The old button is pressed while no vote request is open, days later, and while another one is open.
    for days in [0, 3] {
        does(&mut play, Act::Clock(std::time::Duration::from_secs(days * 86_400))).await;
        slack(&play).press("ben", CHANNEL, &old, "Approve").await;
    }
    does(&mut play, Act::Forge("unit-tests pass".to_owned())).await;
    does(&mut play, Act::Forge("ben approves".to_owned())).await;
    types(&mut play, "ana: /hotfix verify local pass").await;
    types(&mut play, "dee: /hotfix verify staging pass").await;
    assert_ne!(question(&play).await, old);
    slack(&play).press("ben", CHANNEL, &old, "Approve").await;
    let said = "what it asked about is not what is asked now";
    slack(&play).until("three words to ben", |slack| slack.sees("ben", CHANNEL).matches(said).count() == 3).await;
    assert!(votes(&play).await.is_empty());
    slack(&play).press("ben", CHANNEL, &old, "Reject").await;
    slack(&play).until("four words to ben", |slack| slack.sees("ben", CHANNEL).matches(said).count() == 4).await;
    assert!(slack(&play).modal("ben").is_none() && run(&play).await.rejections.is_empty());
    assert_eq!(told(&play, said), 0, "nobody else");

    // A button of a finished run, while another run asks for votes.
    let first = question(&play).await;
    types(&mut play, "ana: /hotfix abort \"we do it again\"").await;
    does(&mut play, Act::Git("ana deletes hotfix".to_owned())).await;
    come(&mut play, "tested").await;
    assert_eq!(run(&play).await.id.to_string(), "HF-2");
    slack(&play).press("ben", CHANNEL, &first, "Approve").await;
    assert!(votes(&play).await.is_empty());
}

/// A button press as a forger could send it who gets past the chat's checks.
fn pressed(play: &Play, who: &str, message: &MessageRef, value: &str) -> Inbound {
    static PRESSED: AtomicUsize = AtomicUsize::new(0);
    let person = play.world.engine().config().people.get(&who.parse().expect("a name")).expect("somebody");
    Inbound {
        dedupe_key: format!("test/pressed/{}", PRESSED.fetch_add(1, Ordering::Relaxed)),
        from: person.account(Platform::Slack).expect("an account").clone(),
        channel: message.channel.clone(),
        thread: None,
        can_ask: true,
        interaction: Did::ButtonClick { message: message.clone(), value: value.to_owned() },
    }
}

/// Returns the rules that refused a press; empty if it counted.
async fn refused(play: &Play, inbound: &Inbound) -> Vec<String> {
    match play.world.engine().handle_inbound(inbound).await.expect("the journal") {
        Response::Said(reply) => {
            assert!(hotfix::view::plain(&reply.card).contains("nothing was counted"), "{reply:?}");
            reply.rules
        }
        Response::Silent => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// Security case 35: a rejection whose form was open during a push applies to the commit that was shown, not to the
/// new head.
#[tokio::test]
async fn case_35_a_no_by_form_is_about_what_it_was_asked_of() {
    let mut play = at("tested").await;
    let old = question(&play).await;
    slack(&play).press("ben", CHANNEL, &old, "Reject").await;
    slack(&play).until("the form", |slack| slack.modal("ben").is_some()).await;
    slack(&play).command("dee", CHANNEL, "/hotfix reject").await;
    slack(&play).until("the form", |slack| slack.modal("dee").is_some()).await;
    does(
        &mut play,
        Act::Git("ana pushes \"Also log it\" to hotfix: src/log.py = def log(line):\\n    print(line)".to_owned()),
    )
    .await;
    for point in ["unit-tests pass", "ben approves"] {
        does(&mut play, Act::Forge(point.to_owned())).await;
    }
    types(&mut play, "ana: /hotfix verify local pass").await;
    types(&mut play, "dee: /hotfix verify staging pass").await;
    let new = question(&play).await;
    assert_ne!(new, old);
    for who in ["ben", "dee"] {
        slack(&play).submit(who, &[("reason", "the numbers are wrong")]).await;
        let told = slack(&play).modal(who).expect("an answer");
        assert!(told.contains("what it asked about is not what is asked now, so nothing was counted"), "{told}");
        slack(&play).close(who).await;
    }
    assert!(run(&play).await.rejections.is_empty());
    slack(&play).press("ben", CHANNEL, &new, "Reject").await;
    slack(&play).until("the form", |slack| slack.modal("ben").is_some()).await;
    slack(&play).submit("ben", &[("reason", "the numbers are wrong")]).await;
    assert_eq!(run(&play).await.rejections.len(), 1);
}

/// Security case 35: a vote request expires. After that its buttons and reactions do not count, each voter is told why
/// in private, and if votes are missing a new vote request is sent.
#[rstest]
#[case::in_its_last_minute(239, true)]
#[case::when_its_time_is_over(240, false)]
#[tokio::test]
async fn case_35_a_question_has_its_time(#[case] minutes: u64, #[case] counts: bool) {
    let mut play = at("tested").await;
    let old = question(&play).await;
    play.world.clock.advance(std::time::Duration::from_secs(minutes * 60));
    slack(&play).press("ben", CHANNEL, &old, "Approve").await;
    assert_eq!(votes(&play).await, if counts { vec!["ben"] } else { vec![] });
    if counts {
        return;
    }
    let over = "its time is over, so nothing was counted";
    slack(&play).until("a word to ben", |slack| slack.sees("ben", CHANNEL).contains(over)).await;
    slack(&play).press("ben", CHANNEL, &old, "Reject").await;
    slack(&play).until("another one", |slack| slack.sees("ben", CHANNEL).matches(over).count() == 2).await;
    slack(&play).react("dee", CHANNEL, &old, "+1").await;
    slack(&play).until("a word to dee", |slack| slack.sees("dee", CHANNEL).contains(over)).await;
    assert!(slack(&play).modal("ben").is_none() && run(&play).await.rejections.is_empty());
    assert_eq!((votes(&play).await.len(), told(&play, over)), (0, 0), "nothing counts, and nobody else is told");
    for _ in 0..3 {
        play.go_on().await.expect("it goes on");
    }
    assert_eq!(told(&play, "may this go to production?"), 2, "it is asked anew, once");
    let new = question(&play).await;
    assert_ne!(new, old);
    slack(&play).press("ben", CHANNEL, &old, "Approve").await;
    assert!(votes(&play).await.is_empty(), "the old one stays closed");
    slack(&play).press("ben", CHANNEL, &new, "Approve").await;
    assert_eq!(votes(&play).await, ["ben"]);
}

/// Security case 35: a button's value is compared only with the journal's record for its message, so a forged value has
/// no effect.
#[tokio::test]
async fn case_35_a_value_that_was_made_up() {
    let play = at("tested").await;
    let asked = run(&play).await.vote_requests.into_values().next_back().expect("a question");
    let (commit, message) = (asked.commit, asked.message);
    let value = |run: &str, place: &str, word: &str| format!("{run}/{place}/{commit}/{word}");
    let right = value("HF-1", "production", "approve");
    let copy = MessageRef { id: "1772442000.000001".to_owned(), ..message.clone() };
    let elsewhere = MessageRef { channel: ChannelRef::parse("C0ELSEWHERE").expect("a channel"), ..message.clone() };
    let live = play.world.commit_of("live").expect("a commit");
    let other = ["vote.button"];
    for (what, message, value, rules) in [
        ("a copied message", &copy, right.clone(), ["vote.copy"]),
        ("the same message in another channel", &elsewhere, right.clone(), ["vote.copy"]),
        ("the button of another hotfix", &message, value("HF-2", "production", "approve"), other),
        ("that of another environment", &message, value("HF-1", "staging", "approve"), other),
        ("that of another commit", &message, format!("HF-1/production/{live}/approve"), other),
        ("more than was put on it", &message, format!("x/{right}"), other),
        ("nothing but the word", &message, "approve".to_owned(), other),
        ("a no of another hotfix", &message, value("HF-2", "production", "reject"), other),
    ] {
        assert_eq!(refused(&play, &pressed(&play, "ben", message, &value)).await, rules, "{what}: {value}");
        assert!(votes(&play).await.is_empty() && run(&play).await.rejections.is_empty(), "{what} counted");
    }
    assert!(refused(&play, &pressed(&play, "ben", &message, &right)).await.is_empty());
    assert_eq!(votes(&play).await, ["ben"], "the right one does count");
}

/// Security case 81: a button grants no read access. A form shows the title of a run, so it opens only for users who
/// may view the run, in any channel.
#[tokio::test]
async fn case_81_a_button_opens_no_form_for_who_may_not_look() {
    let play = at("tested").await;
    let zara = format!("{}/{}", slack(&play).team(), slack(&play).person("zara", Standing::Member));
    let asked = run(&play).await.vote_requests.into_values().next_back().expect("a question").message;
    let elsewhere = MessageRef { channel: ChannelRef::parse("C0ELSEWHERE").expect("a channel"), ..asked };
    for topic in ["hold/HF-1", "reject/HF-1", "verify/staging/HF-1", "override/review/HF-1"] {
        let value = format!("form/{topic}");
        let ana = pressed(&play, "ana", &elsewhere, &value);
        let zara = Inbound { from: PersonRef::new(Platform::Slack, zara.clone()), ..ana.clone() };
        for (act, opens) in [(ana, true), (zara, false)] {
            let heard = play.world.engine().handle_inbound(&act).await.expect("the journal");
            assert_eq!(matches!(heard, Response::Ask(_)), opens, "{topic}: {heard:?}");
        }
    }
}

/// A reaction to a closed vote request does not count. The user is told so once in private, with the current state;
/// other emoji and removed reactions get no reply.
#[tokio::test]
async fn a_reaction_to_a_closed_question_is_answered_once() {
    let mut play = at("tested").await;
    let old = question(&play).await;
    slack(&play).person("zara", Standing::Member);
    slack(&play).join(CHANNEL, "zara");
    slack(&play).react("dee", CHANNEL, &old, "+1").await;
    does(
        &mut play,
        Act::Git("ana pushes \"Also log it\" to hotfix: src/log.py = def log(line):\\n    print(line)".to_owned()),
    )
    .await;
    let closed = "That question is closed: what it asked about is not what is asked now, so nothing was counted.";
    for (who, emoji) in [("ben", "eyes"), ("zara", "+1"), ("ben", "+1"), ("ben", "-1")] {
        slack(&play).react(who, CHANNEL, &old, emoji).await;
    }
    for (who, emoji) in [("ben", "+1"), ("dee", "+1")] {
        slack(&play).take_back(who, CHANNEL, &old, emoji).await;
    }
    slack(&play).react("ben", CHANNEL, &old, "+1").await;
    slack(&play).until("a word to ben", |slack| slack.sees("ben", CHANNEL).contains(closed)).await;
    play.go_on().await.expect("it goes on");
    let said = slack(&play).sees("ben", CHANNEL);
    assert_eq!(said.matches(closed).count(), 1, "{said}");
    assert!(said.contains("HF-1 now: waiting for"), "what stands: {said}");
    for who in ["ana", "dee", "zara"] {
        assert_eq!(slack(&play).sees(who, CHANNEL).matches(closed).count(), 0, "{who}");
    }
    assert!(votes(&play).await.is_empty() && run(&play).await.rejections.is_empty());
    assert_eq!(lapsed(&play).await, [("dee".to_owned(), VoidReason::Head)]);
}

/// Security case 33: a vote depends on the reaction on the message where it was cast, even after a newer vote request.
#[tokio::test]
async fn case_33_a_reaction_on_an_earlier_question_is_taken_back_there() {
    let mut play = bot().await;
    edit(&play, "policy.toml", |text| text.replace("count = 1", "count = 2"));
    play.world.restart().await.expect("a good configuration");
    come(&mut play, "tested").await;
    let first = question(&play).await;
    play.world.clock.advance(std::time::Duration::from_secs(3 * 3600));
    slack(&play).react("ben", CHANNEL, &first, "+1").await;
    does(&mut play, Act::Clock(std::time::Duration::from_secs(3600))).await;
    assert_ne!(question(&play).await, first, "it was asked anew");
    assert_eq!(votes(&play).await, ["ben"]);
    slack(&play).take_back("ben", CHANNEL, &first, "+1").await;
    play.go_on().await.expect("it goes on");
    assert!(votes(&play).await.is_empty());
}

/// Security case 36: a voter needs the role both when voting and at the deployment; a role that is granted later counts
/// for later votes only.
#[tokio::test]
async fn case_36_roles_count_twice() {
    let mut play = at("tested").await;
    types(&mut play, "chi: /hotfix approve").await;
    assert_eq!(told_alone(&play, "chi", "role.missing"), 1);
    types(&mut play, "ben: /hotfix approve").await;
    edit(&play, "policy.toml", |text| {
        text.replace("approver  = [\"ana\", \"ben\", \"dee\"]", "approver  = [\"ana\", \"chi\", \"dee\"]")
    });
    play.world.restart().await.expect("a good configuration");
    play.go_on().await.expect("it goes on");
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Role)]);
    assert_eq!(told(&play, &format!("@ben and @ana: {NO_MORE}they lack the role by which it counted.")), 1);
    types(&mut play, "chi: /hotfix approve").await;
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(shipped(&play));
    assert_eq!(lapsed(&play).await.len(), 1, "and nobody is told twice");
}

/// Security case 37: a user group, whose members can change it, grants no role, and the configuration rejects one in
/// a role.
#[tokio::test]
async fn case_37_a_user_group_gives_no_role() {
    let play = at("tested").await;
    let group = slack(&play).group("approvers", &["ben"]);
    slack(&play).regroup("approvers", &["ben", "chi"]).await;
    slack(&play).command("chi", CHANNEL, "/hotfix approve").await;
    assert!(votes(&play).await.is_empty());
    assert_eq!(told_alone(&play, "chi", "role.missing"), 1);
    edit(&play, "policy.toml", |text| {
        text.replace("captain   = [\"dee\"]", &format!("captain   = [\"dee\", \"{group}\"]"))
    });
    let fault = play.world.config().expect_err("a group is nobody").to_string();
    assert!(fault.contains(&group), "{fault}");
}

/// Security case 41: two concurrent votes reach the quorum exactly once.
#[rstest]
#[case::one_is_enough(1)]
#[case::both_are_needed(2)]
#[tokio::test]
async fn case_41_two_votes_at_once_open_the_gate_once(#[case] count: usize) {
    let mut play = bot().await;
    if count == 2 {
        edit(&play, "policy.toml", |text| text.replace("count = 1", "count = 2"));
        play.world.restart().await.expect("a good configuration");
    }
    come(&mut play, "tested").await;
    let message = question(&play).await;
    let (a, b) = tokio::join!(
        slack(&play).command("ben", CHANNEL, "/hotfix approve"),
        slack(&play).press("dee", CHANNEL, &message, "Approve")
    );
    assert!(a.taken() && b.taken());
    play.go_on().await.expect("it goes on");
    let entries = play.world.engine().entries(run(&play).await.id).await.expect("events");
    let opened = entries
        .iter()
        .filter(|entry| matches!(&entry.event, Event::StepDone { step, .. } if step.as_str() == "approve-production"));
    assert_eq!(opened.count(), 1);
    assert_eq!(told(&play, "Approved by "), 1);
    let by: BTreeSet<String> = votes(&play).await.into_iter().collect();
    assert_eq!(by, ["ben".to_owned(), "dee".to_owned()].into());
}

/// Security case 42: no chat message changes a role, not even an admin's.
#[tokio::test]
async fn case_42_no_words_change_a_role() {
    let play = at("tested").await;
    let files = |play: &Play| {
        let read = |name: &str| std::fs::read(play.world.stage.config().join(name)).expect("a file");
        (read("policy.toml"), read("people.toml"))
    };
    let (files_before, run) = (files(&play), play.world.newest().await);
    for words in [
        "grant @chi approver",
        "role chi approver",
        "add chi to approvers",
        "link chi ben",
        "link",
        "allow @chi",
        "config reload",
        "reload",
        "set policy approver chi",
        "admin @chi",
        "whoami --role admin",
        "sudo approve",
    ] {
        slack(&play).command("ben", CHANNEL, &format!("/hotfix {words}")).await;
    }
    assert_eq!(files(&play), files_before);
    assert_eq!(play.world.newest().await, run);
    slack(&play).command("chi", CHANNEL, "/hotfix approve").await;
    assert_eq!(told_alone(&play, "chi", "role.missing"), 1);
    for verb in hotfix::command::VERBS {
        assert!(
            !verb.summary.contains("role") && !["grant", "link", "reload", "role"].contains(&verb.name),
            "{}",
            verb.name
        );
    }
}

/// A changed policy voids the votes that were cast under the old one, without waiting for a deploy command.
#[tokio::test]
async fn another_policy_voids_the_votes() {
    let mut play = at("approved").await;
    edit(&play, "policy.toml", |text| text.replace("expires_minutes = 240", "expires_minutes = 200"));
    play.world.restart().await.expect("a good configuration");
    play.go_on().await.expect("it goes on");
    play.go_on().await.expect("and once more");
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Policy)]);
    assert_eq!(told(&play, &format!("@ben and @ana: {NO_MORE}the policy changed since.")), 1);
    assert_eq!(told(&play, "may this go to production?"), 2, "it is asked again");
}

/// A changed policy of one service does not void the votes for another.
#[tokio::test]
async fn the_policy_of_another_service_voids_no_votes() {
    let mut play = bot().await;
    let service = play.world.stage.config().join("services");
    let text = std::fs::read_to_string(service.join("payments.toml")).expect("a service");
    let text = text.replace("team/payments", "team/billing");
    std::fs::write(service.join("billing.toml"), text).expect("another service");
    edit(&play, "policy.toml", |text| {
        let (head, own) = text.split_once("[services.payments.roles]").expect("roles");
        format!("{head}[services.payments.roles]{own}\n[services.billing.roles]{own}")
    });
    play.world.restart().await.expect("a good configuration");
    come(&mut play, "approved").await;
    let captains = |text: &str, service: &str| {
        let (before, own) = text.split_once(&format!("[services.{service}.roles]")).expect("roles");
        format!(
            "{before}[services.{service}.roles]{}",
            own.replacen("captain   = [\"dee\"]", "captain   = [\"chi\"]", 1)
        )
    };
    edit(&play, "policy.toml", |text| captains(text, "billing"));
    play.world.restart().await.expect("a good configuration");
    play.go_on().await.expect("it goes on");
    assert_eq!((votes(&play).await, lapsed(&play).await), (vec!["ben".to_owned()], Vec::new()));
    edit(&play, "policy.toml", |text| captains(text, "payments"));
    play.world.restart().await.expect("a good configuration");
    play.go_on().await.expect("it goes on");
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Policy)]);
}

/// An expired vote is announced when it expires, not only in the reply to the next deploy command.
#[tokio::test]
async fn a_vote_that_has_had_its_time_is_told_of() {
    let mut play = at("approved").await;
    does(&mut play, Act::Clock(std::time::Duration::from_secs(5 * 3600))).await;
    play.go_on().await.expect("it goes on");
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Expired)]);
    assert_eq!(told(&play, &format!("@ben and @ana: {NO_MORE}its time is over.")), 1);
}

/// The vote of a user who is set inactive is void after the configuration is reloaded.
#[tokio::test]
async fn who_left_took_the_vote_along() {
    let mut play = at("approved").await;
    edit(&play, "people.toml", |text| text.replace("name    = \"Ben\"", "name    = \"Ben\"\nactive  = false"));
    play.world.restart().await.expect("a good configuration");
    play.go_on().await.expect("it goes on");
    assert_eq!(lapsed(&play).await, [("ben".to_owned(), VoidReason::Left)]);
}

/// Security case 28: a run follows the plan that was approved. An edited playbook applies to the next run; the plan and
/// votes of this one stay.
#[tokio::test]
async fn case_28_the_plan_of_a_run_does_not_change_under_its_votes() {
    let mut play = at("approved").await;
    let plan = run(&play).await.plan_digest;
    edit(&play, "playbooks/apply.toml", |text| text.replacen("remind", "# remind", 1));
    play.world.restart().await.expect("a good configuration");
    play.go_on().await.expect("it goes on");
    assert_eq!(run(&play).await.plan_digest, plan);
    assert_eq!((votes(&play).await, lapsed(&play).await), (vec!["ben".to_owned()], Vec::new()));
    types(&mut play, "ana: /hotfix deploy production").await;
    assert!(shipped(&play));
}

/// `whoami` tells each kind of account its identity and the next step.
#[tokio::test]
async fn people_are_told_who_they_are_and_what_to_do() {
    let play = at("tested").await;
    let asks = async |who: &str| {
        slack(&play).command(who, CHANNEL, "/hotfix whoami").await;
        let seen = slack(&play).sees(who, CHANNEL);
        seen[seen.rfind("only you see this").expect("an answer")..].to_owned()
    };
    let ana = asks("ana").await;
    assert!(ana.contains("You asked for this hotfix, so your own vote does not count"), "{ana}");
    let ben = asks("ben").await;
    assert!(ben.contains("HF-1 payments: your vote counts.") && ben.contains("#payments"), "{ben}");
    assert!(ben.contains("Your vote counts for production"), "{ben}");
    let zoe = slack(&play).person("zara", Standing::Member);
    slack(&play).join(CHANNEL, "zara");
    let zara = asks("zara").await;
    assert!(zara.contains(&format!("slack = \"{}/{zoe}\"", slack(&play).team())), "{zara}");
    assert!(!zara.contains("requester"), "who is nobody learns of no roles: {zara}");
    slack(&play).becomes("eli", Standing::Guest).await;
    let eli = asks("eli").await;
    assert!(eli.contains("guest's account"), "{eli}");
}
