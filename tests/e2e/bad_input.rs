//! Hostile and malformed input: the bot answers clearly, changes nothing and loses nothing.

use std::path::Path;
use std::process::Command;

use hotfix::config;
use hotfix::domain::event::Event;
use hotfix::engine::Response;
use hotfix_adapters::chat::{Inbound, Interaction, console};
use hotfix_adapters::ids::{ChannelRef, PersonRef, Platform};
use hotfix_tests::git::git;
use hotfix_tests::world::{Options, World};

fn payments() -> Options {
    Options { service: "payments".to_owned(), ..Options::default() }
}

/// A command that reaches the engine without the console's own input checks.
fn sent(number: usize, text: String) -> Inbound {
    Inbound {
        dedupe_key: format!("raw/{number}"),
        from: PersonRef::new(Platform::Console, "ana"),
        channel: ChannelRef::parse("#payments").expect("a channel"),
        thread: None,
        can_ask: false,
        interaction: Interaction::Command { text },
    }
}

fn refs(world: &World) -> String {
    git(&world.stage.bare(), "dee", world.clock.moment(), &["for-each-ref"]).expect("refs")
}

#[tokio::test]
async fn names_that_are_weapons_are_only_words() {
    let mut world = World::new(payments()).await.expect("a world");
    let before = refs(&world);
    let weapons = [
        "--upload-pack=touch${IFS}x",
        "--output=/tmp/x",
        "-x",
        "a;b",
        "$(id)",
        "`id`",
        "a|b",
        "..",
        "../../etc/passwd",
        "a..b",
        "@{-1}",
        "HEAD",
        "refs/heads/main",
        "main^{/x}",
        "0123456789abcdef0123456789abcdef01234567",
        "0123456",
        "main:src",
        "a\u{0}b",
        "a\u{1b}[31mb",
        "a\u{202e}b",
        "a\u{200b}b",
        "\u{feff}",
        "a b",
        "\n",
        "%s%n",
        "\u{1f600}",
        "'; drop table runs; --",
    ];
    let mut number = 0;
    for weapon in weapons {
        for line in [
            format!("start payments \"t\" --fix {weapon}"),
            format!("start payments \"t\" --from {weapon}"),
            format!("start {weapon}"),
            format!("deploy {weapon}"),
            format!("verify {weapon} pass"),
            format!("skip {weapon} because"),
            format!("status {weapon}"),
            format!("lock payments/{weapon} why"),
            weapon.to_owned(),
        ] {
            number += 1;
            let reply = world
                .engine()
                .handle_inbound(&sent(number, line.clone()))
                .await
                .expect("the bot stands")
                .reply()
                .expect("an answer");
            let text = console::render(&reply.card, false, 100);
            assert!(!text.trim().is_empty(), "no answer to {line:?}");
            let odd = |c: char| {
                (c.is_control() && c != '\n')
                    || ('\u{202a}'..='\u{202e}').contains(&c)
                    || ('\u{2066}'..='\u{2069}').contains(&c)
            };
            assert!(!text.contains(odd), "{line:?} is answered with characters that steer a terminal: {text:?}");
            world.settle().await.expect("it comes to rest");
        }
    }
    let open: Vec<String> =
        world.engine().states().await.iter().filter(|run| !run.is_over()).map(|run| run.id.to_string()).collect();
    assert!(open.is_empty(), "a weapon opened {open:?}");
    assert_eq!(refs(&world), before, "a weapon moved a branch");
    world.check().await.expect("all is well");
}

#[tokio::test]
async fn a_megabyte_is_answered_shortly() {
    let mut world = World::new(payments()).await.expect("a world");
    for (number, text) in [
        "x".repeat(1 << 20),
        format!("start payments \"{}\"", "ü".repeat(1 << 19)),
        "<".repeat(1 << 20),
        "\"".repeat(1 << 20),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = world
            .engine()
            .handle_inbound(&sent(number, text))
            .await
            .expect("the bot stands")
            .reply()
            .expect("an answer");
        assert!(!reply.ok);
        let shown = console::render(&reply.card, false, 100);
        assert!(shown.len() < 4_000, "an answer of {} bytes", shown.len());
    }
    assert!(world.engine().states().await.is_empty());
    world.check().await.expect("all is well");
}

#[tokio::test]
async fn a_message_in_a_title_stays_text() {
    let mut world = World::new(payments()).await.expect("a world");
    let text = "start payments \"<!channel> *bold* @everyone [x](javascript:1) \\u202e\"".to_owned();
    world.engine().handle_inbound(&sent(1, text)).await.expect("the bot stands");
    world.settle().await.expect("it comes to rest");
    world.check().await.expect("all is well");
    assert_eq!(world.engine().states().await.len(), 1);
}

#[tokio::test]
async fn broken_configuration_is_refused_whole_with_its_place() {
    let world = World::new(payments()).await.expect("a world");
    let path = world.stage.config().join("services/payments.toml");
    let good = std::fs::read_to_string(&path).expect("a service");
    let cases = [
        ("not TOML", good.replace("about", "about = = ")),
        ("a wrong word", good.replace("playbook", "plaibook")),
        ("no such playbook", good.replace("\"apply\"", "\"aply\"")),
        ("no production", good.replace("production = true", "production = false")),
        ("nothing", String::new()),
        ("not text", "\u{0}\u{1}".to_owned()),
    ];
    for (what, text) in cases {
        std::fs::write(&path, text).expect("written");
        let faults = config::load(&world.stage.config()).expect_err(what).render(false);
        assert!(faults.contains("payments.toml"), "{what}: {faults}");
        assert!(faults.lines().count() < 120, "{what}: {faults}");
    }
    std::fs::write(&path, good).expect("written");
    config::load(&world.stage.config()).map_err(|faults| faults.render(false)).expect("it is good again");
}

/// A small tmpfs, unmounted on drop.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).ok()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs"])
            .arg(at)
            .stderr(std::process::Stdio::null())
            .status();
        mounted.ok().filter(std::process::ExitStatus::success).map(|_| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Needs the right to mount. Without it, the store's own tests cover the same with an injected disk.
#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let mut world = World::new(payments()).await.expect("a world");
    let store = world.config().expect("a configuration").settings.store;
    let Some(_disk) = SmallDisk::mount(&store) else {
        println!("this user may not mount: see storage/tests/damage.rs for the same with an injected disk");
        return;
    };
    world.options.embedded = true;
    world.store = hotfix_tests::world::Store::Embedded(None);
    world.restart().await.expect("an empty store");
    world
        .engine()
        .handle_inbound(&sent(0, "start payments \"Fix 500 on upload\"".to_owned()))
        .await
        .expect("acknowledged");
    world.settle().await.expect("it comes to rest");
    // A filler file takes most of the disk, so that the notes soon fill the rest.
    let filler = store.join("filler");
    std::fs::write(&filler, vec![0_u8; 1_600 << 10]).expect("room for it");
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 1..6_000 {
        let text = format!("note {number} {}", "words ".repeat(150));
        match world.engine().handle_inbound(&sent(number, text)).await.map(Response::reply) {
            Ok(Some(reply)) if reply.ok => acknowledged.push(number),
            Ok(_) | Err(_) => refused += 1,
        }
        if refused > 3 {
            break;
        }
    }
    assert!(refused > 3, "the disk was not full");
    assert!(!acknowledged.is_empty(), "nothing was acknowledged before");
    std::fs::remove_file(&filler).expect("it goes");
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&store).status().expect("mount");
    assert!(grown.success());
    world.restart().await.expect("it starts again when there is room");
    let entries = world.engine().entries("HF-1".parse().expect("a run")).await.expect("the events");
    for number in acknowledged {
        let prefix = format!("{number} ");
        let times = entries
            .iter()
            .filter(|entry| matches!(&entry.event, Event::Noted { text } if text.starts_with(&prefix)))
            .count();
        assert_eq!(times, 1, "note {number} was acknowledged and is there {times} times");
    }
    world.settle().await.expect("it comes to rest");
    world.check().await.expect("all is well");
    world.stop();
}
