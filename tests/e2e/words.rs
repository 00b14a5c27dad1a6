//! Messages in Slack are safe, within the length limits and polite, for any content of titles, commits, names and
//! reasons, at any rate.

use std::collections::BTreeSet;
use std::time::Duration;

use hotfix_fakes::markdown::{meaning_of_markdown, meaning_of_plain};
use hotfix_fakes::slack::{Said, Slack};
use hotfix_tests::git::git;
use hotfix_tests::play::{Play, given};
use hotfix_tests::room::CHANNEL;
use hotfix_tests::scenario::Act;
use hotfix_tests::site::Host;
use hotfix_tests::world::{Options, TYPISTS, Talk, World};
use rstest::rstest;
use serde_json::Value;

/// Text with the markup of all supported chats and forges.
const HOSTILE: &str = "<!channel> <!here> @everyone @here <@U0VICTIM> <!subteam^S0ALL> <http://evil.example|PR 12> \
                       [PR 12](http://evil.example) *bold* _it_ ~gone~ `code` ```block``` :tada: #1 Closes #1 &amp; & \"q\"";
/// Characters that commands must not contain, but commits do.
const UNSEEN: &str = "main\u{202e}nimda\u{2066}\u{200b}\u{feff}\u{1b}[31m";

async fn talking(service: &str, host: Host) -> Play {
    let options = Options { service: service.to_owned(), talk: Talk::Slack, host, ..Options::default() };
    Play::new(World::new(options).await.expect("a world")).expect("a play")
}

fn slack(play: &Play) -> &Slack {
    play.world.room.as_ref().expect("a workspace").slack()
}

async fn types(play: &mut Play, line: &str) {
    play.step(&Act::Typed(line.to_owned())).await.unwrap_or_else(|error| panic!("{line:.80}: {error:#}"));
}

/// Security case 57: checks that no message mentions anyone except members of the stage, links anywhere except to the
/// forge, or contains mrkdwn; and that Slack refused none, so that none was too long.
fn is_harmless(play: &Play) {
    let room = play.world.room.as_ref().expect("a workspace");
    room.in_order().expect("Slack refused nothing");
    let ours: BTreeSet<String> = TYPISTS.iter().map(|who| room.slack().user_id(who)).collect();
    for said in room.slack().said() {
        look(&said, &said.arguments, &ours);
    }
}

fn look(said: &Said, value: &Value, ours: &BTreeSet<String>) {
    let words = |key: &str| value[key].as_str().unwrap_or_default();
    match words("type") {
        "mrkdwn" | "broadcast" => panic!("{}: {value}", said.method),
        "user" => assert!(ours.contains(words("user_id")), "{}: {value}", said.method),
        "usergroup" => panic!("{}: nobody configured it: {value}", said.method),
        "link" => assert!(words("url").starts_with("http://127.0.0.1:"), "{}: {value}", said.method),
        _other => {}
    }
    match value {
        // The fallback text for notifications is mrkdwn: every `<` in it would start a command.
        Value::Object(fields) if fields.contains_key("blocks") || fields.contains_key("metadata") => {
            assert!(!words("text").contains('<'), "{}: {}", said.method, words("text"));
            fields.values().for_each(|inner| look(said, inner, ours));
        }
        Value::Object(fields) => fields.values().for_each(|inner| look(said, inner, ours)),
        Value::Array(items) => items.iter().for_each(|inner| look(said, inner, ours)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the reply to a command in another channel: the form that opens, or the ephemeral message.
async fn answer(play: &Play, who: &str, line: &str) -> String {
    let (slack, channel) = (slack(play), "elsewhere");
    let before = slack.sees(who, channel);
    slack.command(who, channel, &format!("/hotfix {line}")).await;
    slack.until(line, |slack| slack.modal(who).is_some() || slack.sees(who, channel).len() > before.len()).await;
    let Some(form) = slack.modal(who) else {
        return slack.sees(who, channel).split_off(before.len());
    };
    slack.close(who).await;
    form
}

/// Pushes `count` commits to a branch, each by another author, with the given subjects.
fn commits(play: &Play, branch: &str, count: usize, subject: impl Fn(usize) -> String) {
    let (work, at) = (play.world.stage.work(), play.world.clock.moment());
    let run = |arguments: &[&str]| git(&work, "dee", at, arguments).expect("git");
    run(&["fetch", "--quiet", "origin"]);
    run(&["switch", "--quiet", "--detach", &format!("origin/{branch}")]);
    for number in 0..count {
        let author = format!("--author=!channel *Author* {number} @here <author-{number}@example.org>");
        std::fs::write(work.join(format!("{branch}-{number}")), "new\n").expect("it is written");
        run(&["add", "--all"]);
        run(&["commit", "--quiet", &author, "-m", &subject(number)]);
    }
    run(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
    play.world.site.pushed();
}

/// A whole run with a 3,000-character title, hostile commit subjects and authors, 50 held-back changes, and reasons of
/// the maximum length of a command.
#[tokio::test]
async fn hostile_and_long_words_stay_words() {
    let mut play = talking("payments", Host::GitHub).await;
    commits(&play, "main", 50, |number| format!("{number} {UNSEEN} {HOSTILE} {}", "withheld ".repeat(300)));
    commits(&play, "fix-upload", 1, |_| format!("{UNSEEN} {HOSTILE}"));
    let fix = play.world.commit_of("fix-upload").expect("a commit");
    let title = format!("{} {}", HOSTILE.replace('"', "'"), "x".repeat(299 - HOSTILE.len()));
    let start = |title: &str| format!("ana: /hotfix start payments \"{title}\" --fix {}", &fix[..10]);
    types(&mut play, &start(&format!("{title}{}", "x".repeat(2_700)))).await;
    assert!(slack(&play).sees("ana", CHANNEL).contains("A title has 1 to 300 characters"));
    types(&mut play, &start(&title)).await;
    let run = play.world.newest().await.unwrap_or_else(|| panic!("{}", slack(&play).sees("ana", CHANNEL)));
    assert_eq!(run.snapshot.as_ref().expect("a survey").held_back_total, 52);
    for act in [
        Act::Forge("unit-tests pass".to_owned()),
        Act::Forge("ben approves".to_owned()),
        Act::Typed(format!("ana: /hotfix verify local pass {HOSTILE} {}", "seen ".repeat(300))),
        Act::Typed(format!("chi: /hotfix hold {HOSTILE} {}", "why ".repeat(700))),
        Act::Typed(format!("chi: /hotfix note {}", "n".repeat(3_900))),
        Act::Typed("chi: /hotfix unhold".to_owned()),
        Act::Typed("dee: /hotfix verify staging pass".to_owned()),
        Act::Typed(format!("dee: /hotfix reject {HOSTILE} {}", "no ".repeat(900))),
        Act::Typed("dee: /hotfix unapprove".to_owned()),
    ] {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    for line in ["status", "plan", "who", "timeline", "postmortem", "list", "where payments", "whoami", "help", "locks"]
    {
        types(&mut play, &format!("ana: /hotfix {line}")).await;
    }
    // A command that is too long is refused with a message. A form can hold more than a reason may have.
    types(&mut play, &format!("ana: /hotfix note {}", "n".repeat(5_000))).await;
    slack(&play).open_home("ana").await;
    let seen = slack(&play).sees("ana", CHANNEL);
    assert!(seen.contains("more characters)"), "what is shortened says by how much:\n{seen}");
    assert!(seen.contains("<!channel>") && seen.contains("\\u{202e}"), "nothing is hidden:\n{seen}");
    is_harmless(&play);
}

/// Security case 29: with 400 commits of others included, no vote request is sent for only a part of them; the bot says
/// why, and links to the full list.
#[tokio::test]
async fn a_question_about_more_than_can_be_shown_is_not_asked() {
    let mut play = talking("payments", Host::GitHub).await;
    for act in given("a hotfix that is reviewed").expect("a way there") {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    commits(&play, "hotfix", 400, |number| format!("{number} {HOSTILE}"));
    for act in [
        Act::Forge("unit-tests pass".to_owned()),
        Act::Forge("chi approves".to_owned()),
        Act::Typed("ben: /hotfix verify local pass".to_owned()),
        Act::Typed("ben: /hotfix verify staging pass".to_owned()),
    ] {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    let run = play.world.newest().await.expect("a run");
    let seen = slack(&play).sees("ana", CHANNEL);
    assert!(run.vote_requests.is_empty(), "it was asked:\n{seen}");
    assert!(!seen.contains("may this go to production?"), "it was asked:\n{seen}");
    assert!(seen.contains("would have to name 401 commits"), "it is not said why:\n{seen}");
    assert!(seen.contains("All of it can be read at http://127.0.0.1:"), "it is not said where:\n{seen}");
    for line in ["status", "plan", "who", "timeline"] {
        types(&mut play, &format!("ana: /hotfix {line}")).await;
    }
    is_harmless(&play);
}

/// Security case 59: the bot's text on the forge mentions nobody, refers to nothing, closes nothing and loads no image,
/// both in rendered text and in titles and commit messages, which are not rendered. The test parses it as the
/// forge does.
#[rstest]
#[tokio::test]
async fn what_the_bot_writes_on_the_forge_means_nothing_but_itself(
    #[values(Host::GitHub, Host::GitLab)] host: Host,
    #[values(
        r"@team @org/team GH-1 org/repo#2 \#3 \@dee",
        "Closes #1 fixes: #2 Resolved https://forge.example/org/repo/issues/3 `Closes #4",
        "![beacon](http://evil.example/x.png) <img src=//evil.example> <!-- x --> [a](http://evil.example)"
    )]
    title: &str,
) {
    let mut play = talking("payments", host).await;
    let incident = "--incident https://status.example.org/7";
    types(&mut play, &format!("ana: /hotfix start payments \"{title}\" --fix <fix-upload> {incident}")).await;
    for act in [
        Act::Forge("unit-tests pass".to_owned()),
        Act::Forge("ben approves".to_owned()),
        Act::Typed("ana: /hotfix verify local pass".to_owned()),
        Act::Typed("dee: /hotfix verify staging pass".to_owned()),
        Act::Typed("ben: +1".to_owned()),
        Act::Typed("ana: /hotfix deploy production".to_owned()),
        Act::Typed("dee: /hotfix verify production pass".to_owned()),
    ] {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    let calls = play.world.site.calls().expect("an API").calls();
    let mut written = BTreeSet::new();
    for call in calls.iter().filter(|call| call.method != "GET") {
        let Some(Value::Object(body)) = &call.body else { continue };
        for (name, text) in body.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))) {
            let meant = match name {
                "body" | "description" => meaning_of_markdown(text),
                "title" | "commit_title" | "commit_message" | "merge_commit_message" => meaning_of_plain(text),
                _other => continue,
            };
            assert_eq!(meant, Vec::<String>::new(), "{name}: {text}");
            written.insert(name.to_owned());
        }
    }
    assert!(written.len() >= 3, "{written:?} are all that was written:\n{}", slack(&play).sees("ana", CHANNEL));
}

/// Security case 40: a rate-limited user is notified once, votes are exempt, and the limit resets after a minute.
#[tokio::test]
async fn who_says_too_much_is_told_once() {
    let mut play = talking("payments", Host::Local).await;
    for act in given("a hotfix that is tested").expect("a way there") {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    let count = |play: &Play, words: &str| slack(play).sees("ben", CHANNEL).matches(words).count();
    for _ in 0..70 {
        slack(&play).command("ben", CHANNEL, "/hotfix ping").await;
    }
    assert_eq!(count(&play, "more than 60 commands of yours"), 1, "{}", slack(&play).sees("ben", CHANNEL));
    assert_eq!(count(&play, "(only you see this)"), 61, "{}", slack(&play).sees("ben", CHANNEL));
    types(&mut play, "ben: +1").await;
    assert_eq!(play.world.newest().await.expect("a run").votes.len(), 1, "a vote is never too much");
    play.world.clock.advance(Duration::from_secs(60));
    slack(&play).command("ben", CHANNEL, "/hotfix ping").await;
    assert_eq!(count(&play, "(only you see this)"), 62);
    is_harmless(&play);
}

/// Security case 81: for every command, the reply for a service that the user may not view equals the reply for one
/// that does not exist.
#[tokio::test]
async fn what_may_not_be_seen_is_not_there() {
    let mut play = talking("payments", Host::Local).await;
    types(&mut play, "ana: /hotfix start payments \"Fix 500 on upload\"").await;
    // Eli loses every role; Zoe is not in the configuration.
    let policy = play.world.stage.config().join("policy.toml");
    let text = std::fs::read_to_string(&policy).expect("a policy").replace("[\"@everyone\"]", "[\"ana\"]");
    std::fs::write(&policy, text).expect("it is written");
    play.world.restart().await.expect("it starts again");
    slack(&play).channel("elsewhere", &["eli", "zoe", "ana", "hotfix"]);
    for who in ["eli", "zoe"] {
        for words in [
            "start SERVICE \"Fix 500\"",
            "start SERVICE",
            "where SERVICE",
            "list --service SERVICE",
            "promote SERVICE",
            "lock SERVICE/production for a moment",
            "unlock SERVICE/production",
            "freeze SERVICE for a moment",
            "drill SERVICE",
            "status RUN",
            "approve RUN",
            "plan RUN",
            "timeline RUN",
        ] {
            let mut answers = Vec::new();
            for (service, run) in [("payments", "HF-1"), ("paymentz", "HF-2")] {
                let line = words.replace("SERVICE", service).replace("RUN", run);
                let told = answer(&play, who, &line).await;
                answers.push(told.replace(service, "SERVICE").replace(run, "RUN"));
            }
            assert_eq!(answers[0], answers[1], "{who}: {words}");
        }
        for words in ["start", "list", "status", "locks", "whoami"] {
            let told = answer(&play, who, words).await;
            assert!(!told.contains("payments"), "{who}: {words}: {told}");
        }
        slack(&play).open_home(who).await;
        assert!(!slack(&play).home(who).unwrap_or_default().contains("payments"), "{who}");
    }
}

/// A configured user group is mentioned by its id on its events, and a refusal names the channel by its display name.
#[tokio::test]
async fn groups_are_called_and_channels_have_names() {
    let mut play = talking("payments", Host::Local).await;
    let oncall = slack(&play).group("oncall", &["dee"]);
    let service = play.world.stage.config().join("services/payments.toml");
    let text = std::fs::read_to_string(&service).expect("a service");
    let notify = format!("notify = [{{ group = \"{oncall}\", name = \"oncall\", on = [\"started\", \"live\"] }}]\n");
    std::fs::write(&service, text.replacen("team ", &format!("{notify}team "), 1)).expect("it is written");
    play.world.restart().await.expect("it starts again");
    types(&mut play, "ana: /hotfix start payments \"Fix 500 on upload\" --fix <fix-upload>").await;
    let seen = slack(&play).sees("ana", CHANNEL);
    assert_eq!(seen.matches("@oncall: so that you know.").count(), 1, "{seen}");
    let said = slack(&play).said();
    let calls =
        said.iter().filter(|said| said.arguments.to_string().contains(&format!("\"usergroup_id\":\"{oncall}\"")));
    assert_eq!(calls.count(), 1);
    slack(&play).channel("elsewhere", &["ana", "hotfix"]);
    slack(&play).command("ana", "elsewhere", "/hotfix note HF-1 said elsewhere").await;
    let seen = slack(&play).sees("ana", "elsewhere");
    assert!(seen.contains(&format!("Say it in #{CHANNEL}.")), "{seen}");
}

/// Security case 62: text of operators and users is shown literally. No template in it is expanded.
#[tokio::test]
async fn nothing_is_a_template() {
    const TEMPLATE: &str = "{{7*7}} ${HOME} $(id) <%= 1 %> {commit} {0} %s #{1+1}";
    let mut play = talking("payments", Host::Local).await;
    let playbook = play.world.stage.config().join("playbooks/apply.toml");
    let text = std::fs::read_to_string(&playbook).expect("a playbook");
    let changed = text.replace("Does the fix work on", &format!("{TEMPLATE} Does the fix work on"));
    assert_ne!(changed, text);
    std::fs::write(&playbook, changed).expect("it is written");
    play.world.restart().await.expect("it starts again");
    let start = format!("ana: /hotfix start payments \"{TEMPLATE}\" --fix <fix-upload>");
    for act in [
        Act::Typed(start),
        Act::Forge("unit-tests pass".to_owned()),
        Act::Forge("ben approves".to_owned()),
        Act::Typed(format!("ana: /hotfix verify local pass {TEMPLATE}")),
    ] {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    let seen = slack(&play).sees("ana", CHANNEL);
    for place in ["Hotfix started: HF-1 payments — ", ": “", "please look there. "] {
        assert!(seen.contains(&format!("{place}{TEMPLATE}")), "{place}:\n{seen}");
    }
    is_harmless(&play);
}
