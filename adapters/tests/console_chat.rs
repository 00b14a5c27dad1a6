//! The console as a team uses it: typed lines, their results, and the output. Security cases 44, 57, 63.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hotfix_adapters::chat::console::{Console, ConsoleOptions, EntryKind, OpenError};
use hotfix_adapters::chat::{Action, Card, Chat, Destination, Emoji, Inbound, Interaction, Post, Reaction, Text, Tone};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{ChannelRef, MessageRef, PersonRef, Platform};

fn person(name: &str) -> PersonRef {
    PersonRef::new(Platform::Console, name)
}

fn channel(name: &str) -> ChannelRef {
    ChannelRef::parse(name).unwrap()
}

fn options() -> ConsoleOptions {
    let members = BTreeMap::from([
        (channel("hotfixes"), vec![person("ana"), person("ben")]),
        (channel("#secret"), vec![person("ana"), person("eve")]),
    ]);
    ConsoleOptions { boot: "test".to_owned(), ..ConsoleOptions::new(channel("hotfixes"), members) }
}

fn console() -> Console {
    Console::open(options()).unwrap()
}

fn post(place: Destination, key: &str, card: Card) -> Post {
    Post { destination: place, key: key.to_owned(), card }
}

fn note(text: &str) -> Card {
    Card::line(Tone::Neutral, Text::of(text))
}

fn question() -> Card {
    let action = |label: &str, value: &str| Action { label: label.to_owned(), value: value.to_owned(), danger: false };
    Card {
        actions: vec![action("Approve", "a1"), action("Not now", "a2")],
        ..Card::line(Tone::Asking, Text::of("Ship it?"))
    }
}

/// Posts the card `m1` to the main channel, the vote request `m2` to its thread, and the message `m3` to the
/// main channel.
async fn furnished() -> (Console, MessageRef, MessageRef) {
    let console = console();
    let main = Destination::Channel(channel("hotfixes"));
    let root = console.post(&post(main.clone(), "card", note("HF-1"))).await.unwrap();
    let asked = console.post(&post(Destination::Thread(root.clone()), "ask", question())).await.unwrap();
    console.post(&post(main, "news", note("news"))).await.unwrap();
    (console, root, asked)
}

fn heard(console: &Console, line: &str) -> Inbound {
    console.parse_input(line).unwrap().unwrap_or_else(|| panic!("{line} was taken for chatter"))
}

fn refused(console: &Console, line: &str) -> String {
    console.parse_input(line).unwrap_err().to_string()
}

#[tokio::test]
async fn commands_are_heard_where_they_are_typed() {
    let (console, root, asked) = furnished().await;
    let first = heard(&console, "ana: /hotfix start payments \"Fix 500: on upload\"\n");
    assert_eq!(
        first,
        Inbound {
            dedupe_key: "console:test:1".to_owned(),
            from: person("ana"),
            channel: channel("hotfixes"),
            thread: None,
            can_ask: false,
            interaction: Interaction::Command { text: "start payments \"Fix 500: on upload\"".to_owned() },
        }
    );
    let elsewhere = heard(&console, "  eve :  #secret   /hotfix  ");
    assert_eq!(
        (elsewhere.channel.as_str(), &elsewhere.interaction),
        ("#secret", &Interaction::Command { text: String::new() })
    );
    assert_eq!(elsewhere.dedupe_key, "console:test:2");
    let under = heard(&console, "ana @m1: /hotfix status");
    assert_eq!((under.channel.as_str(), under.thread), ("hotfixes", Some(root.clone())));
    let answer = heard(&console, &format!("ana @{}: /hotfix status", asked.id));
    assert_eq!(answer.thread, Some(root), "an answer is in the thread of its root");
}

#[tokio::test]
async fn reactions_go_to_the_question_or_to_the_message_named() {
    let (console, root, asked) = furnished().await;
    let yes = heard(&console, "ben: +1");
    assert_eq!(yes.interaction, Interaction::Reaction { message: asked.clone(), emoji: Emoji::Yes, added: true });
    assert_eq!(yes.thread, Some(root.clone()));
    assert_eq!(console.reactions(&asked).await.unwrap(), [Reaction { person: person("ben"), emoji: Emoji::Yes }]);
    assert!(refused(&console, "ben: ✅").contains("ben's +1 already stands on m2"));
    let back = heard(&console, "ben: take back +1 m2");
    assert_eq!(back.interaction, Interaction::Reaction { message: asked.clone(), emoji: Emoji::Yes, added: false });
    assert_eq!(console.reactions(&asked).await.unwrap(), []);
    assert!(refused(&console, "ben: take back -1").contains("ben's -1 does not stand on m2"));
    assert_eq!(
        heard(&console, "ana: -1 m1").interaction,
        Interaction::Reaction { message: root, emoji: Emoji::No, added: true }
    );
    assert!(refused(&console, "ana: +1 7").contains("no message \"7\"; a message is written m7"));

    console.update(&asked, &note("Shipped.")).await.unwrap();
    assert!(refused(&console, "ben: +1").contains("nothing is being asked; name a message"));
}

#[tokio::test]
async fn buttons_are_pressed_by_their_label() {
    let (console, _, asked) = furnished().await;
    let pressed = |value: &str| Interaction::ButtonClick { message: asked.clone(), value: value.to_owned() };
    assert_eq!(heard(&console, "ben: press Approve").interaction, pressed("a1"));
    assert_eq!(heard(&console, "ben: press not now").interaction, pressed("a2"));
    assert_eq!(heard(&console, "ben: press Approve m2").interaction, pressed("a1"));
    assert_eq!(
        refused(&console, "ben: press Aprove"),
        "ben: press Aprove\n           ^ there is no button \"Aprove\" on any message that they see; there is \"Approve\" on m2, \"Not now\" on m2"
    );
    assert!(refused(&console, "ben: press Approve m1").contains("no button \"Approve\" on m1"));

    console.post(&post(Destination::Direct(person("ana")), "dm", question())).await.unwrap();
    assert_eq!(
        heard(&console, "ben: press Approve").interaction,
        pressed("a1"),
        "what is asked of ana alone is not ben's to press"
    );
    assert_eq!(heard(&console, "ana: press Approve").channel.as_str(), "@ana");
}

#[tokio::test]
async fn what_is_not_for_the_bot_is_chatter() {
    let (console, root, _) = furnished().await;
    for line in [
        "ana: shall we?",
        "ben: +1 to that idea",
        "ben: take it easy",
        "ana: #secret psst",
        "ana: press",
        "ana @m1: hm",
        "",
        "  ",
    ] {
        assert_eq!(console.parse_input(line).unwrap(), None, "{line}");
    }
    let said = console.chatter();
    assert_eq!(said.len(), 6);
    assert_eq!((said[3].channel.as_str(), said[3].text.as_str()), ("#secret", "psst"));
    assert_eq!(said[5].thread, Some(root));
    assert_eq!(heard(&console, "ana: /hotfix").dedupe_key, "console:test:1", "chatter is not counted");
}

#[tokio::test]
async fn a_line_that_is_wrong_is_answered_with_a_caret() {
    let (console, ..) = furnished().await;
    assert_eq!(
        refused(&console, "zoe: /hotfix status"),
        "zoe: /hotfix status\n^ nobody is called \"zoe\" here; there are ana, ben, eve"
    );
    assert_eq!(
        refused(&console, "ana: /hotfx status"),
        "ana: /hotfx status\n     ^ /hotfx is no command; there is one, /hotfix"
    );
    assert_eq!(
        refused(&console, "ana: #nope /hotfix"),
        "ana: #nope /hotfix\n     ^ there is no channel #nope; there are #secret, #hotfixes"
    );
    assert!(refused(&console, "ben: #secret /hotfix").contains("ben is not in #secret"));
    assert!(refused(&console, "eve: /hotfix status").contains("eve is not in #hotfixes"));
    assert!(refused(&console, "eve @m1: /hotfix status").contains("eve sees no message \"m1\""));
    assert!(refused(&console, "ana @m99: hm").contains("ana sees no message \"m99\""));
    let lost = refused(&console, "hello");
    assert!(lost.starts_with("hello\n^ who says this?") && lost.contains("ben: press Approve"), "{lost}");
    assert!(refused(&console, ": hello").contains("no name before the colon"));
    assert!(refused(&console, "ana in m3: hello").contains("a name and at most `@m3`"));
    assert!(refused(&console, "ana:").contains("nothing is said"));
    assert!(console.chatter().is_empty());
}

#[tokio::test]
async fn a_line_that_is_hostile_is_answered_harmlessly() {
    let console = console();
    let long = refused(&console, &format!("ana: {}", "x".repeat(1 << 20)));
    assert!(long.contains("1048581 bytes long; 8192 are the most") && long.len() < 400, "{}", long.len());
    let steering = refused(&console, "ana: a\u{1b}[2Jb");
    assert_eq!(steering, "ana: a␛[2Jb\n      ^ the control character U+001B cannot be typed");
    let name = refused(&console, &format!("{}\u{202e}: x", "n".repeat(5000)));
    assert!(name.len() < 2000 && !name.contains('\u{202e}'), "{name}");
    for line in [
        "@: x",
        "ana @: x",
        "ana @m: x",
        "ana: +1 m",
        "ana: +1 m99999999999999999999999",
        "ana: press  m1",
        ":",
        "::",
        "ana: #",
        "ana: # /hotfix",
    ] {
        let _ = console.parse_input(line);
    }
}

#[tokio::test]
async fn the_port_is_strict_about_places() {
    let (console, root, asked) = furnished().await;
    let rejected = async |place: Destination| match console.post(&post(place, "k", note("x"))).await {
        Err(Failure::Rejected { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        rejected(Destination::Channel(channel("nope"))).await,
        "there is no channel nope at this console; there are #secret, hotfixes"
    );
    assert_eq!(rejected(Destination::Thread(asked.clone())).await, "m2 is an answer itself; its thread hangs on m1");
    assert_eq!(rejected(Destination::Direct(person("zoe"))).await, "nobody is called \"zoe\" at this console");
    let gone = MessageRef { id: "m77".to_owned(), ..root.clone() };
    assert!(rejected(Destination::ThreadAndChannel(gone.clone())).await.contains("no message \"m77\""));
    assert!(console.update(&gone, &note("x")).await.is_err() && console.reactions(&gone).await.is_err());
    assert!(console.whisper(&channel("hotfixes"), &person("eve"), &note("x")).await.is_err());
    assert_eq!(
        console.readers_among(&channel("#secret"), &[person("eve"), person("ben")]).await.unwrap(),
        [person("eve")]
    );
    assert_eq!(
        console.readers_among(&channel("@eve"), &[person("ana"), person("eve")]).await.unwrap(),
        [person("eve")]
    );
    assert!(console.readers_among(&channel("@zoe"), &[person("ana")]).await.is_err());
    let place = Destination::Thread(root);
    assert_eq!(console.find(&place, "ask").await.unwrap(), Some(asked));
    assert_eq!(console.find(&place, "card").await.unwrap(), None);
}

#[tokio::test]
async fn the_transcript_is_what_the_team_saw() {
    let (console, root, asked) = furnished().await;
    console.update(&asked, &question()).await.unwrap();
    let settled =
        Card { tone: Tone::Good, lines: vec![Text::of("Approved by ").mention(None, "ben")], ..Card::default() };
    console.update(&asked, &settled).await.unwrap();
    console
        .whisper(&channel("hotfixes"), &person("ben"), &Card::line(Tone::Warning, Text::of("Not yours.")))
        .await
        .unwrap();
    console
        .post(&post(Destination::ThreadAndChannel(root), "end", Card::line(Tone::Bad, Text::of("Failed."))))
        .await
        .unwrap();
    let kinds: Vec<EntryKind> = console.transcript().iter().map(|entry| entry.kind).collect();
    use EntryKind::{Posted, Updated, Whispered};
    assert_eq!(kinds, [Posted, Posted, Posted, Updated, Whispered, Posted], "the same content again changes nothing");
    assert_eq!(console.transcript()[3].text, "✔ Approved by @ben\n│ (no buttons any more)\n");
    assert_eq!(console.messages()[1].card, settled);
    assert_eq!(
        console.plain_transcript(60, true),
        "\
hotfix in #hotfixes · m1
│ HF-1

    hotfix in the thread of m1 · m2
    ? Ship it?
    │ [ Approve ]  [ Not now ]

hotfix in #hotfixes · m3
│ news

    hotfix ✎ changes a message in the thread of m1 · m2
    ✔ Approved by @ben
    │ (no buttons any more)

hotfix to @ben in #hotfixes, seen by nobody else
! Not yours.

    hotfix in the thread of m1, and in #hotfixes · m4
    ✖ Failed.

"
    );
    assert!(console.plain_transcript(60, false).contains("    hotfix in the thread\n    ? Ship it?"));
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_screen_shows_it_as_it_happens_and_may_go_away() {
    let screen = Screen::default();
    let console =
        Console::open(ConsoleOptions { screen: Some(Box::new(screen.clone())), width: 60, ..options() }).unwrap();
    console.post(&post(Destination::Channel(channel("hotfixes")), "k", note("evil \u{1b}[2J"))).await.unwrap();
    let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    assert_eq!(shown, "hotfix in #hotfixes · m1\n│ evil ␛[2J\n\n");
    assert_eq!(shown, console.plain_transcript(60, true));

    let blind = Console::open(ConsoleOptions { screen: Some(Box::new(Gone)), ..options() }).unwrap();
    blind.post(&post(Destination::Channel(channel("hotfixes")), "k", note("x"))).await.unwrap();
    assert_eq!(blind.messages().len(), 1);
}

fn kept(file: &Path) -> ConsoleOptions {
    ConsoleOptions { persist: Some(file.to_owned()), ..options() }
}

#[tokio::test]
async fn what_was_said_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("console.jsonl");
    let place = Destination::Channel(channel("hotfixes"));
    let before = Console::open(kept(&file)).unwrap();
    let asked = before.post(&post(place.clone(), "ask", question())).await.unwrap();
    heard(&before, "ben: +1");
    before.parse_input("ana: nice").unwrap();
    before.update(&asked, &Card { tone: Tone::Good, ..question() }).await.unwrap();
    assert!(matches!(Console::open(kept(&file)), Err(OpenError::Busy(_))));
    let (messages, transcript) = (before.messages(), before.transcript());
    drop(before);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // A crash in the middle of a write leaves half a line.
    let mut torn = fs::OpenOptions::new().append(true).open(&file).unwrap();
    torn.write_all(b"{\"posted\":{\"mess").unwrap();
    let after = Console::open(kept(&file)).unwrap();
    assert_eq!((after.messages(), after.transcript()), (messages, transcript));
    assert_eq!(after.find(&place, "ask").await.unwrap(), Some(asked.clone()));
    assert_eq!(after.reactions(&asked).await.unwrap().len(), 1);
    assert_eq!(after.chatter().len(), 1);
    assert_eq!(heard(&after, "ana: /hotfix").dedupe_key, "console:test:2", "the count goes on");
    assert_eq!(after.post(&post(place, "next", note("x"))).await.unwrap().id, "m2");
    drop(after);
    assert_eq!(Console::open(kept(&file)).unwrap().messages().len(), 2);
}

#[tokio::test]
async fn a_file_that_does_not_read_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("console.jsonl");
    for bad in ["nonsense\n", "{\"updated\":{\"message\":{\"channel\":\"hotfixes\",\"id\":\"m9\"},\"card\":{}}}\n"] {
        fs::write(&file, format!("\"heard\"\n{bad}")).unwrap();
        let error = Console::open(kept(&file)).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { line: 2, .. }), "{error}");
        assert!(fs::read_to_string(&file).unwrap().ends_with(bad));
    }
    let nowhere = ConsoleOptions { main: channel("nowhere"), ..options() };
    assert!(matches!(Console::open(nowhere), Err(OpenError::NoMainChannel(_))));
    let mut spaced = options();
    spaced.members.get_mut(&channel("hotfixes")).unwrap().push(person("a b"));
    assert!(matches!(Console::open(spaced), Err(OpenError::BadName(_))));
}
