//! Interactions of users, and the replies to them.

use hotfix_adapters::chat::discord::Discord;
use hotfix_adapters::chat::{
    Answers, Chat as _, Choice, Destination, Emoji, Form, HandlerReply, Inbound, Input, InputKind, Interaction,
};
use hotfix_adapters::ids::MessageRef;
use hotfix_fakes::discord::Answer;
use serde_json::json;
use tokio::sync::oneshot;

use super::{World, channel, note, number, options, person, post, question};

fn form() -> Form {
    let input = |id: &str, label: &str, kind: InputKind| Input {
        id: id.to_owned(),
        label: label.to_owned(),
        hint: String::new(),
        kind,
        required: true,
        given: String::new(),
    };
    let choice = |id: &str| Choice { id: id.to_owned(), label: id.to_uppercase() };
    Form {
        key: "verify/HF-1".to_owned(),
        title: "Verify".to_owned(),
        submit: "Hand in".to_owned(),
        lead: "What did you see?".to_owned(),
        instead: "/hotfix verify staging pass HF-1".to_owned(),
        inputs: vec![
            input("outcome", "Outcome", InputKind::One(vec![choice("pass"), choice("fail")])),
            input("note", "Note", InputKind::Paragraph(500)),
        ],
    }
}

fn text(inbound: &Inbound) -> &str {
    let Interaction::Command { text } = &inbound.interaction else { panic!("{inbound:?} is no command") };
    text
}

async fn said(world: &World, interaction: u64) -> String {
    let Answer::Message(answer) = world.fake.answered(interaction).await else { panic!("a message") };
    world.fake.message(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_heard_as_they_could_be_typed() {
    let (world, running) = World::connected().await;
    world.recorder.answer(HandlerReply::Message(Some(note("Only you: @everyone"))));
    let given = [("title", json!("Fix \"500\"")), ("service", json!("payments"))];
    let asked = world.fake.run(world.ada, world.releases, "hotfix start", &given);
    assert_eq!(said(&world, asked).await, "hotfix (only you):\n  | Only you: \\@everyone\n");
    assert_eq!(world.seen(), "", "nobody else sees it");
    let heard = world.recorder.after(1).await;
    assert_eq!(text(&heard), r#"start payments "Fix \"500\"""#);
    assert_eq!((&heard.from, &heard.channel, &heard.thread), (&person(world.ada), &world.channel(), &None));
    assert!(heard.can_ask && heard.dedupe_key == format!("discord:{asked}"));
    let anything = world.fake.run(world.ben, world.releases, "hotfix do", &[("text", json!("whoami"))]);
    assert_eq!(said(&world, anything).await, "hotfix (only you):\n  | Done.\n");
    assert_eq!(text(&world.recorder.after(2).await), "whoami");
    running.end().await;
    world.all_is_well();
}

/// In a thread, commands refer to the card of the thread; the channel is the thread's parent.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_thread_the_card_is_meant() {
    let (world, running) = World::connected().await;
    let card = world.discord.post(&post(world.place(), "card", note("HF-1"))).await.unwrap();
    let ask = world.discord.post(&post(Destination::Thread(card.clone()), "ask", question())).await.unwrap();
    world.fake.run(world.ada, number(&card), "hotfix status", &[]);
    let heard = world.recorder.after(1).await;
    assert_eq!((heard.channel, heard.thread.as_ref()), (world.channel(), Some(&card)));
    let pressed = world.fake.press(world.ben, number(&ask), "Approve");
    assert_eq!(world.fake.answered(pressed).await, Answer::DeferredUpdate, "what it did shows elsewhere");
    let heard = world.recorder.after(2).await;
    assert_eq!(heard.interaction, Interaction::ButtonClick { message: ask.clone(), value: "approve".to_owned() });
    assert_eq!((heard.channel, heard.thread.as_ref()), (world.channel(), Some(&card)));
    world.fake.react(world.ben, number(&ask), "👍🏿");
    let heard = world.recorder.after(3).await;
    assert_eq!(heard.interaction, Interaction::Reaction { message: ask.clone(), emoji: Emoji::Yes, added: true });
    assert_eq!((heard.channel, heard.thread, heard.can_ask), (world.channel(), Some(card), false));
    world.fake.unreact(world.ben, number(&ask), "👍🏿");
    let heard = world.recorder.after(4).await;
    assert_eq!(heard.interaction, Interaction::Reaction { message: ask, emoji: Emoji::Yes, added: false });
    running.end().await;
    world.all_is_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_does_not_do_comes_back_as_it_was_filled() {
    let (world, running) = World::connected().await;
    world.recorder.answer(HandlerReply::OpenForm(form()));
    let asked = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    let Answer::Modal(modal) = world.fake.answered(asked).await else { panic!("a modal") };
    assert_eq!((modal.title.as_str(), modal.inputs.len()), ("Verify", 2));
    let wrong = vec![("outcome".to_owned(), "Say pass or fail.".to_owned())];
    world.recorder.answer(HandlerReply::FieldErrors(wrong));
    let sent = world.fake.submit(world.ada, &[("=outcome", "maybe"), ("=note", "It is slow")]);
    let answer = said(&world, sent).await;
    assert!(answer.contains("**Outcome** Say pass or fail.") && answer.contains("[Correct it]"), "{answer}");
    let Answer::Message(message) = world.fake.answered(sent).await else { panic!("a message") };
    let pressed = world.fake.press(world.ada, message, "Correct it");
    let Answer::Modal(modal) = world.fake.answered(pressed).await else { panic!("a modal") };
    let filled: Vec<&str> = modal.inputs.iter().map(|input| input.value.as_str()).collect();
    assert_eq!(filled, ["maybe", "It is slow"]);
    let sent = world.fake.submit(world.ada, &[("=outcome", "pass")]);
    world.fake.answered(sent).await;
    let heard = world.recorder.after(3).await;
    let answers = [("outcome", "pass"), ("note", "It is slow")].map(|(id, text)| (id.to_owned(), text.to_owned()));
    let act =
        Interaction::FormSubmit { key: "verify/HF-1".to_owned(), answers: Answers(answers.into_iter().collect()) };
    assert_eq!((heard.interaction, heard.channel, heard.can_ask), (act, world.channel(), false));
    running.end().await;
    world.all_is_well();
}

/// A form that does not fit a modal is not truncated: the user is told the command to type instead.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_modal_holds_is_said_as_a_command() {
    let (world, running) = World::connected().await;
    let mut long = form();
    let note = long.inputs[1].clone();
    long.inputs.extend((0..4).map(|n| Input { id: format!("more{n}"), required: false, ..note.clone() }));
    world.recorder.answer(HandlerReply::OpenForm(long));
    let asked = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    let told = said(&world, asked).await;
    assert!(told.contains("this form has 6. Say it as a command: `/hotfix verify staging pass HF-1`"), "{told}");
    running.end().await;
    world.all_is_well();
}

/// The message menu adds a user's text, and for another bot the text of its embeds.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_added_by_its_menu() {
    let (world, running) = World::connected().await;
    let words = world.fake.say(world.ben, world.releases, "The queue is at 40,000");
    let chosen = world.fake.choose(world.ada, words, "Add to hotfix");
    assert_eq!(said(&world, chosen).await, "hotfix (only you):\n  | Done.\n");
    let heard = world.recorder.after(1).await;
    let message = MessageRef { channel: world.channel(), id: words.to_string() };
    assert_eq!(heard.interaction, Interaction::MessageShortcut { message, text: "The queue is at 40,000".to_owned() });
    assert!(heard.can_ask);
    let card = world.discord.post(&post(world.place(), "card", question())).await.unwrap();
    world.fake.choose(world.ada, number(&card), "Add to hotfix");
    let heard = world.recorder.after(2).await;
    assert!(
        matches!(&heard.interaction, Interaction::MessageShortcut { text, .. } if text.contains("Ship it?")),
        "{heard:?}"
    );
    running.end().await;
    world.all_is_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_longer_follows() {
    let (world, running) = World::connected().await;
    let (say, later) = oneshot::channel();
    world.recorder.answer(HandlerReply::Deferred(later));
    let slow = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    let Answer::Deferred(message) = world.fake.answered(slow).await else { panic!("it is thinking") };
    say.send(Some(note("Found it."))).unwrap();
    let shown = |fake: &hotfix_fakes::discord::DiscordFake| fake.message(message).contains("Found it.").then_some(());
    world.fake.until("what came of it", shown).await;
    let (say, later) = oneshot::channel();
    world.recorder.answer(HandlerReply::Deferred(later));
    let lost = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    let Answer::Deferred(message) = world.fake.answered(lost).await else { panic!("it is thinking") };
    drop(say);
    let shown = |fake: &hotfix_fakes::discord::DiscordFake| fake.message(message).contains("is kept").then_some(());
    world.fake.until("that it is kept", shown).await;
    world.recorder.answer(HandlerReply::Unavailable);
    let failed = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    assert!(said(&world, failed).await.contains("could not be kept"));
    world
        .recorder
        .answer(HandlerReply::HomePage((0..40).map(|n| note(&format!("HF-{n} {}", "x".repeat(300)))).collect()));
    let home = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    let home = said(&world, home).await;
    assert!(home.contains("HF-0 ") && home.contains("more do not fit here"), "{home}");
    running.end().await;
    world.all_is_well();
}

/// A private message is an ephemeral follow-up to the user's interaction, or otherwise a direct message.
#[tokio::test(flavor = "multi_thread")]
async fn a_whisper_reaches_one_person() {
    let (world, running) = World::connected().await;
    world.discord.whisper(&world.channel(), &person(world.ada), &note("Psst.")).await.unwrap();
    assert!(world.fake.seen(world.ada, world.fake.direct(world.ada)).contains("Psst."));
    let asked = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    said(&world, asked).await;
    // The user sees the reply a moment before the bot knows that it was delivered.
    running.end().await;
    world.discord.whisper(&world.channel(), &person(world.ada), &note("And this.")).await.unwrap();
    assert!(world.fake.seen(world.ada, world.releases).contains("(only you):\n  | And this."));
    assert!(!world.seen().contains("And this."));
    world.all_is_well();
}

/// A refused reaction is answered by a direct message.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_reaction_is_told_to_whom_it_was() {
    let (world, running) = World::connected().await;
    let ask = world.discord.post(&post(world.place(), "ask", question())).await.unwrap();
    world.recorder.answer(HandlerReply::Message(Some(note("You may not."))));
    world.fake.react(world.ben, number(&ask), "✅");
    let direct = world.fake.direct(world.ben);
    world.fake.until("a word", |fake| fake.seen(world.ben, direct).contains("You may not.").then_some(())).await;
    // Security case 30: bots do not vote.
    world.fake.react(world.fake.other_bot("other"), number(&ask), "✅");
    world.fake.react(world.ada, number(&ask), "❌");
    let heard = world.recorder.after(2).await;
    assert_eq!(heard.from, person(world.ada));
    running.end().await;
    world.all_is_well();
}

/// Security cases 9 and 22: interactions from another server are refused here; those from direct messages pass and are
/// judged by the policy.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_turned_away() {
    let (mut world, running) = World::connected().await;
    let direct = world.fake.direct(world.ada);
    let asked = world.fake.run(world.ada, direct, "hotfix status", &[]);
    said(&world, asked).await;
    assert_eq!(world.recorder.after(1).await.channel, channel(direct));
    running.end().await;
    let mut elsewhere = options(&world.fake);
    elsewhere.guilds = vec!["1".to_owned()];
    world.discord = Discord::new(elsewhere).unwrap();
    let running = world.run();
    world
        .fake
        .until("a second session", |fake| {
            (fake.frames().iter().filter(|frame| frame.op == 2).count() == 2).then_some(())
        })
        .await;
    let asked = world.fake.run(world.ada, world.releases, "hotfix status", &[]);
    assert!(said(&world, asked).await.contains("does not take anything from here"));
    assert_eq!(world.recorder.heard().len(), 1, "nothing of it is handed on");
    running.end().await;
}

/// An update of a deleted message is a permanent refusal.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_gone_is_a_refusal() {
    let (world, running) = World::connected().await;
    let ask = world.discord.post(&post(world.place(), "ask", question())).await.unwrap();
    world.fake.delete(number(&ask));
    let gone = world.discord.update(&ask, &note("x")).await.unwrap_err();
    assert!(gone.reason().contains("The message is gone"), "{gone}");
    let nothing = MessageRef { channel: world.channel(), id: "1".to_owned() };
    assert!(world.discord.reactions(&nothing).await.is_err());
    running.end().await;
}
