//! The bot in Discord, through its gateway, against a strict fake: every scenario ends as at the console.

use std::path::PathBuf;

use hotfix::domain::event::Event;
use hotfix::domain::hotfix::Hotfix;
use hotfix_fakes::discord::{Answer, DiscordFake};
use hotfix_fakes::slack::Standing;
use hotfix_tests::discord::Server;
use hotfix_tests::play::{Play, given, play_file_in};
use hotfix_tests::scenario::Act;
use hotfix_tests::world::{Options, Talk, World};
use rstest::rstest;
use serde_json::{Value, json};

use super::ways::{WHO, impatient, kept, killed, notes, until};

#[rstest]
#[tokio::test]
async fn it_ends_as_at_the_console(
    #[files("scenarios/apply-whole.txt")]
    #[files("scenarios/website-whole.txt")]
    #[files("scenarios/drift-rebase.txt")]
    #[files("scenarios/role-taken-away.txt")]
    #[files("scenarios/vote-taken-back.txt")]
    #[files("scenarios/veto.txt")]
    path: PathBuf,
) {
    if let Err(error) = play_file_in(&path, Talk::Discord).await {
        panic!("{error:#}");
    }
}

async fn in_discord(service: &str, standing: &[(&str, Standing)]) -> Play {
    let standing = standing.iter().map(|(name, standing)| ((*name).to_owned(), *standing)).collect();
    let options = Options { service: service.to_owned(), talk: Talk::Discord, standing, ..Options::default() };
    Play::new(World::new(options).await.expect("a world")).expect("a play")
}

async fn does(play: &mut Play, acts: &[Act]) {
    for act in acts {
        play.step(act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
}

/// Returns a run of `payments` at the given point.
async fn came_to(point: &str, standing: &[(&str, Standing)]) -> Play {
    let mut play = in_discord("payments", standing).await;
    does(&mut play, &given(&format!("a hotfix that is {point}")).expect("a way there")).await;
    play
}

/// Sets up a bot in Discord with a run that waits for production votes.
async fn asking(standing: &[(&str, Standing)]) -> Play {
    came_to("tested", standing).await
}

fn server(play: &Play) -> &Server {
    play.world.room.as_ref().expect("a server").server()
}

async fn run(play: &Play) -> Hotfix {
    play.world.newest().await.expect("a run")
}

async fn votes(play: &Play) -> Vec<String> {
    run(play).await.votes.iter().map(|vote| vote.person.to_string()).collect()
}

async fn prompt(play: &Play) -> u64 {
    run(play).await.vote_requests.values().next_back().expect("a question").message.id.parse().expect("a number")
}

async fn card(play: &Play) -> u64 {
    run(play).await.card.expect("a card").id.parse().expect("a number")
}

async fn events(play: &Play, wanted: impl Fn(&Event) -> bool) -> usize {
    let entries = play.world.engine().entries(run(play).await.id).await.expect("events");
    entries.iter().filter(|entry| wanted(&entry.event)).count()
}

/// Security cases 22 and 30: guests and bots cannot vote by any input path, and are told why in private.
#[rstest]
#[case::guest(Standing::Guest, "a guest's account")]
#[case::bot(Standing::Bot, "an app's account")]
#[tokio::test]
async fn only_members_vote_by_whatever_way(#[case] standing: Standing, #[case] why: &str) {
    let play = asking(&[("ben", standing)]).await;
    let (server, message) = (server(&play), prompt(&play).await);
    server.types("ben", "/hotfix approve").await.expect("it is taken");
    server.press("ben", message, "Approve").await;
    server.discord.react(server.number("ben"), message, "✅");
    server.at_rest("ana").await;
    assert!(votes(&play).await.is_empty(), "{standing:?}");
    assert!(server.told("ben").matches(why).count() >= 2, "{standing:?} was not told:\n{}", server.told("ben"));
    assert!(!server.told("ana").contains(why), "others need not know");
    server.types("ben", "/hotfix status").await.expect("it is taken");
    assert!(server.told("ben").contains("HF-1 payments"), "who looks is answered");
    server.discord.react(server.number("dee"), message, "👍");
    server.at_rest("ana").await;
    assert_eq!(votes(&play).await, ["dee"], "a member's reaction counts");
}

/// An interaction that outlasts Discord's time limit is durable before it is acknowledged. The reply replaces "is
/// thinking…". After a crash the next process executes it once and sends a direct message, because only the dead one
/// could have edited the reply.
#[rstest]
#[tokio::test]
async fn what_takes_long_is_kept_and_answered_late(#[values(false, true)] crash: bool) {
    let mut play = impatient(asking(&[]).await).await;
    play.world.cut.hang(WHO, true);
    let (ben, channel) = (server(&play).number("ben"), server(&play).channel);
    let said = [("text", json!("note the graphs look calm"))];
    let act = server(&play).discord.run(ben, channel, "hotfix do", &said);
    server(&play).discord.answered(act).await;
    until("it is kept", async || kept(&play.world).await.len() == 1).await;
    assert!(notes(&play.world).await.is_empty(), "it was done too early");
    if crash {
        killed(&mut play.world).await;
        play.world.settle().await.expect("the bot comes to rest");
    } else {
        play.world.cut.hang(WHO, false);
    }
    let told = || if crash { server(&play).directly("ben") } else { server(&play).told("ben") };
    until("the answer", async || told().contains(": Waiting for votes")).await;
    until("it is kept no more", async || kept(&play.world).await.is_empty()).await;
    assert_eq!(notes(&play.world).await, ["the graphs look calm"]);
    assert_eq!(told().matches(": Waiting for votes").count(), 1, "{}", told());
}

/// Security case 31: a user who left the server cannot vote by a direct message to the bot.
#[tokio::test]
async fn who_left_does_not_vote() {
    let play = asking(&[("ben", Standing::Stranger)]).await;
    let server = server(&play);
    let direct = server.discord.direct(server.number("ben"));
    let said = [("text", json!("approve HF-1"))];
    let act = server.discord.run(server.number("ben"), direct, "hotfix do", &said);
    server.discord.answered(act).await;
    assert!(votes(&play).await.is_empty());
    assert!(server.directly("ben").contains("deactivated or has left"), "{}", server.directly("ben"));
}

/// Security cases 21 and 38: commands are accepted in the service's own channel, identified by its id; binding ones are
/// refused in direct messages.
#[tokio::test]
async fn acts_are_taken_in_the_channel_of_the_service_only() {
    let play = asking(&[]).await;
    let server = server(&play);
    let (ben, options) = (server.number("ben"), [("run", json!("HF-1"))]);
    for channel in [server.discord.channel("elsewhere"), server.discord.direct(ben)] {
        let act = server.discord.run(ben, channel, "hotfix approve", &options);
        server.discord.answered(act).await;
        let seen = server.discord.seen(ben, channel);
        assert_eq!(seen.matches("not the channel for it").count(), 1, "{seen}");
    }
    assert!(votes(&play).await.is_empty());
}

/// Security cases 30 and 32: the bot's own reaction does not count, nor a reaction to a copy of the vote request.
#[tokio::test]
async fn only_peoples_reactions_to_the_question_itself_count() {
    let play = asking(&[]).await;
    let server = server(&play);
    server.discord.react(server.discord.app(), prompt(&play).await, "✅");
    let copy = server.discord.say(server.number("chi"), server.channel, "HF-1 payments: may this go to production?");
    server.discord.react(server.number("ben"), copy, "✅");
    server.at_rest("ana").await;
    assert!(votes(&play).await.is_empty());
}

/// Security case 33: removing the reaction withdraws its vote, and a vote by button is withdrawn by the command.
#[tokio::test]
async fn a_vote_is_taken_back_as_it_was_given() {
    let play = asking(&[]).await;
    let (server, message) = (server(&play), prompt(&play).await);
    server.discord.react(server.number("ben"), message, "✅");
    server.at_rest("ana").await;
    assert_eq!(votes(&play).await, ["ben"]);
    server.discord.unreact(server.number("ben"), message, "✅");
    server.at_rest("ana").await;
    assert!(votes(&play).await.is_empty());
    server.press("ben", message, "Approve").await;
    assert_eq!(votes(&play).await, ["ben"]);
    server.types("ben", "/hotfix unapprove").await.expect("it is taken");
    assert!(votes(&play).await.is_empty());
}

/// Reliability W4 and security case 34: after a gap in gateway events, the current reactions are read again. Missed
/// votes count, removed ones stop counting, and known ones are not repeated.
#[tokio::test]
async fn what_a_gap_swallowed_is_found_again() {
    let play = asking(&[]).await;
    let (server, message) = (server(&play), prompt(&play).await);
    let (ben, dee) = (server.number("ben"), server.number("dee"));
    server.in_a_gap(1, |discord| discord.react(ben, message, "✅")).await;
    assert_eq!(votes(&play).await, ["ben"]);
    server
        .in_a_gap(2, |discord| {
            discord.unreact(ben, message, "✅");
            discord.react(dee, message, "❌");
        })
        .await;
    assert!(votes(&play).await.is_empty());
    assert_eq!(run(&play).await.rejections.len(), 1);
    server.in_a_gap(1, |discord| discord.react(ben, message, "✅")).await;
    server.at_rest("ana").await;
    assert_eq!(votes(&play).await, ["ben"]);
    assert_eq!(events(&play, |event| matches!(event, Event::VoteRejected { .. })).await, 1, "a no is said once");
    server.in_a_gap(1, |discord| discord.unreact(dee, message, "❌")).await;
    assert!(run(&play).await.rejections.is_empty());
}

/// Security case 5: a redelivered interaction has one effect.
#[tokio::test]
async fn what_discord_tells_again_has_one_effect() {
    let play = asking(&[]).await;
    let server = server(&play);
    let said = [("text", json!("note once"))];
    let act = server.discord.run(server.number("ben"), server.channel, "hotfix do", &said);
    server.discord.answered(act).await;
    for _ in 0..3 {
        server.heard(1, |discord| discord.tell_again(act)).await;
    }
    assert_eq!(events(&play, |event| matches!(event, Event::Noted { .. })).await, 1);
}

/// The triage form has all eleven criteria of HOCS-2, each with a checkbox.
#[tokio::test]
async fn the_triage_is_one_form() {
    let mut play = in_discord("casework", &[]).await;
    server(&play).types("ana", "/hotfix start casework").await.expect("it is taken");
    let form = server(&play).discord.modal(server(&play).number("ana")).expect("a form");
    let boxes = &form.inputs.last().expect("the criteria").value;
    assert_eq!(boxes.matches("[ ] ").count(), 11, "{boxes}");
    let marked = boxes.replacen("[ ] ", "[x] ", 1);
    let answers =
        [("What is broken?", "Fix 500 on upload"), ("Ticket", "CASE-12"), ("Which of these are met?", marked.as_str())];
    server(&play).fill("ana", &answers).await;
    play.go_on().await.expect("it goes on");
    let run = run(&play).await;
    assert_eq!((run.title.as_str(), run.triage.len()), ("Fix 500 on upload", 11));
}

/// Forms for text input: the result of a check, which is asked for again if it is invalid, and a hold with its reason.
#[tokio::test]
async fn words_are_given_by_forms() {
    let mut play = came_to("reviewed", &[]).await;
    let before = card(&play).await;
    server(&play).press("ana", before, "Say what you saw").await;
    let wrong = server(&play).fill("ana", &[("Does the fix work there?", "perhaps")]).await;
    let Some(Answer::Message(corrected)) = server(&play).discord.answer(wrong) else { panic!("a message") };
    server(&play).press("ana", corrected, "Correct it").await;
    let seen = [("Does the fix work there?", "pass"), ("What did you see?", "200 on upload")];
    server(&play).fill("ana", &seen).await;
    server(&play).press("dee", before, "Hold…").await;
    server(&play).fill("dee", &[("Why must it wait?", "the queue is full")]).await;
    play.go_on().await.expect("it goes on");
    let now = run(&play).await;
    assert!(now.attestations.iter().any(|((place, _), word)| place == "local" && word.pass), "{:?}", now.attestations);
    assert_eq!(now.holds.values().collect::<Vec<_>>(), ["the queue is full"]);
}

/// Forms for a rejection and for an override.
#[tokio::test]
async fn a_no_and_an_override_are_given_by_forms() {
    let play = asking(&[]).await;
    let message = prompt(&play).await;
    server(&play).press("dee", message, "Reject").await;
    server(&play).fill("dee", &[("Why not?", "the numbers are wrong")]).await;
    assert_eq!(
        run(&play).await.rejections.values().map(|no| no.reason.as_str()).collect::<Vec<_>>(),
        ["the numbers are wrong"]
    );
    let gate = run(&play).await.current().map(|(_, spec)| spec.id.to_string()).expect("a step");
    let said = [("text", json!(format!("override {gate}")))];
    let act = server(&play).discord.run(server(&play).number("ana"), server(&play).channel, "hotfix do", &said);
    assert!(
        matches!(server(&play).discord.answered(act).await, Answer::Modal(form) if form.title == "Override a must")
    );
}

/// Authors of included changes get a direct message, and answer there by button or by a form with the
/// reason (PROMO-11).
#[tokio::test]
async fn whose_commits_ride_along_answer_in_their_conversation() {
    let mut play = in_discord("reports", &[]).await;
    let start = "ana: /hotfix promote reports --schema-first 1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e";
    does(&mut play, &[Act::World("stage deploys main".to_owned()), Act::Typed(start.to_owned())]).await;
    let told = |play: &Play, who: &str| {
        let server = server(play);
        let direct = server.discord.direct(server.number(who));
        let posted = server.discord.posted(direct);
        posted.into_iter().find(|message| server.discord.message(*message).contains("Your change goes")).expect("told")
    };
    let (ben, chi) = (told(&play, "ben"), told(&play, "chi"));
    assert!(!server(&play).directly("ben").contains("cannot read its channel"), "everybody reads it");
    server(&play).press("ben", ben, "Acknowledge").await;
    server(&play).press("chi", chi, "Hold…").await;
    server(&play).fill("chi", &[("Why must it wait?", "half of a feature")]).await;
    play.go_on().await.expect("it goes on");
    let run = run(&play).await;
    assert!(run.acknowledged.iter().any(|person| person.as_str() == "ben"), "{:?}", run.acknowledged);
    assert_eq!(run.holds.values().collect::<Vec<_>>(), ["half of a feature"]);
    let told = server(&play).directly("ben");
    assert!(told.contains("**HF-1**: Deploying to schemas"), "{told}");
}

/// A team member who cannot view the channel gets direct messages, and no one else does (APPLY-15).
#[tokio::test]
async fn who_cannot_see_the_channel_is_told_directly() {
    let options = Options {
        service: "payments".to_owned(),
        talk: Talk::Discord,
        absent: vec!["chi".to_owned()],
        ..Options::default()
    };
    let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
    does(&mut play, &given("a hotfix that is started").expect("a way there")).await;
    assert!(server(&play).directly("chi").contains("cannot read its channel"), "{}", server(&play).directly("chi"));
    assert_eq!(server(&play).directly("ben"), "");
}

/// The message menu adds a user's message to the run. Pending tasks are listed by a verb, because Discord has no home
/// page for apps.
#[tokio::test]
async fn a_message_is_kept_and_what_waits_is_listed() {
    let play = asking(&[]).await;
    let server = server(&play);
    let said = server.discord.say(server.number("chi"), server.channel, "The queue is at 40,000");
    let act = server.discord.choose(server.number("ana"), said, "Add to hotfix");
    server.discord.answered(act).await;
    let kept = |event: &Event| matches!(event, Event::Noted { text } if text.contains("The queue is at 40,000"));
    assert_eq!(events(&play, kept).await, 1);
    server.types("dee", "/hotfix list --mine").await.expect("it is taken");
    let listed = server.told("dee");
    assert!(listed.contains("Waits for you") && listed.contains("HF-1 payments"), "{listed}");
}

/// Collects the texts of a message in which Discord interprets markup.
fn read_by_discord(message: &Value, found: &mut Vec<String>) {
    let embeds = message["embeds"].as_array().into_iter().flatten();
    found.extend(message["content"].as_str().map(str::to_owned));
    for embed in embeds {
        found.extend(["title", "description"].iter().filter_map(|name| embed[name].as_str()).map(str::to_owned));
        for field in embed["fields"].as_array().into_iter().flatten() {
            found.extend(["name", "value"].iter().filter_map(|name| field[name].as_str()).map(str::to_owned));
        }
    }
}

/// Security case 58: user text mentions no one, links nowhere and is never rendered as Markdown, wherever the bot
/// repeats it.
#[tokio::test]
async fn hostile_text_stays_text_wherever_it_is_repeated() {
    let mut play = in_discord("payments", &[]).await;
    let role = server(&play).discord.role("everything");
    let evil = format!("@everyone @here <@&{role}> [PR 12](https://evil.example) <https://evil.example> ||x|| **now**");
    let says = |play: &Play, verb: &str, options: &[(&str, Value)]| {
        let server = server(play);
        server.discord.run(server.number("ana"), server.channel, verb, options)
    };
    let title = [("service", json!("payments")), ("title", json!(evil))];
    let act = says(&play, "hotfix start", &title);
    server(&play).discord.answered(act).await;
    play.go_on().await.expect("it goes on");
    assert_eq!(run(&play).await.title, evil, "it is kept as it was written");
    let typed = |verb: &str| [("text", json!(format!("{verb} {evil}")))];
    for (verb, options) in
        [("hotfix hold", [("reason", json!(evil))]), ("hotfix do", typed("note")), ("hotfix do", typed("nonsense"))]
    {
        let act = says(&play, verb, &options);
        server(&play).discord.answered(act).await;
        play.go_on().await.expect("it goes on");
    }
    let act = says(&play, "hotfix timeline", &[]);
    server(&play).discord.answered(act).await;

    let discord: &DiscordFake = &server(&play).discord;
    assert!(discord.unguarded().is_empty());
    assert!(
        discord.pings().iter().all(|(_, who)| who.starts_with("<@") && !who.starts_with("<@&")),
        "{:?}",
        discord.pings()
    );
    let mut texts = Vec::new();
    for call in discord.server.control.calls() {
        let body = call.body.unwrap_or_default();
        read_by_discord(&body, &mut texts);
        read_by_discord(&body["data"], &mut texts);
    }
    assert!(texts.iter().filter(|text| text.contains("everyone")).count() >= 4, "it is repeated: {texts:#?}");
    for text in texts {
        // Discord interprets nothing in a code block.
        let read: String = text.split("```").step_by(2).collect();
        for wrong in ["[PR 12](", "](https://evil", "<https://evil", "||x", "**now"] {
            assert!(!read.contains(wrong), "{wrong} in {read}");
        }
        for word in ["@everyone", "@here", "<@&"] {
            let bare = read.match_indices(word).any(|(at, _)| !read[..at].ends_with('\\'));
            assert!(!bare, "{word} in {read}");
        }
    }
}
