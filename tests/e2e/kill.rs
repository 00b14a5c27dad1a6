//! The real program under load, killed with SIGKILL at random moments: every acknowledged command is stored
//! exactly once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hotfix::demo::stage::Stage;
use hotfix::domain::event::{Entry, Event};
use hotfix::engine::replay_all;
use hotfix::socket::{CliRequest, call};
use hotfix_storage::{Journal as _, StreamId, SystemClock, Version, embedded};
use hotfix_tests::program::program;
use hotfix_tests::stage::fresh_folder;

/// Minimum number of kills. On a slow machine up to ten times as many are needed.
const KILLS: u32 = 40;
/// Minimum number of commands that are answered before the kills end; with fewer, the test would prove nothing.
const ANSWERS: u32 = 41;
/// Time limit for the first answer after a start.
const PATIENCE: Duration = Duration::from_secs(30);

fn serve(root: &std::path::Path) -> Child {
    let mut command = Command::new(program());
    command.arg("--config").arg(root.join("config")).arg("serve");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the bot starts")
}

/// Repeats the request under one dedupe key until it is answered, as the command line does after a lost answer.
async fn ask(socket: &std::path::Path, person: &str, text: &str, key: &str, over: &AtomicBool) -> Option<bool> {
    let question = CliRequest { person: person.to_owned(), text: text.to_owned(), key: key.to_owned() };
    while !over.load(Ordering::SeqCst) {
        let answer = tokio::time::timeout(PATIENCE, call(socket, &question)).await;
        if let Ok(Ok(Some(answer))) = answer {
            return Some(answer.ok);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_it_keeps_its_word() {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::of_the_runbook(folder.path()).expect("a stage");
    let config = hotfix::config::load(&stage.root.join("config"))
        .map_err(|faults| faults.render(false))
        .expect("a configuration");
    let socket: PathBuf = config.settings.socket.clone();
    let over = Arc::new(AtomicBool::new(false));
    let mut bot = serve(&stage.root);
    assert_eq!(ask(&socket, "ana", "start payments \"Fix 500 on upload\"", "start", &over).await, Some(true));
    let answered = Arc::new(AtomicU32::new(0));
    let mut people = Vec::new();
    for (task, person) in ["ana", "ben", "chi", "dee"].into_iter().enumerate() {
        let (socket, over, answered) = (socket.clone(), over.clone(), answered.clone());
        people.push(tokio::spawn(async move {
            let mut kept = Vec::new();
            for number in 0.. {
                let words = format!("{person} {number}");
                let text = match number % 5 {
                    0 => format!("start payments \"joined {words}\""),
                    1 => format!("hold HF-1 because {words}"),
                    2 => "unhold HF-1".to_owned(),
                    _ => format!("note noted {words}"),
                };
                match ask(&socket, person, &text, &format!("{task}-{number}"), &over).await {
                    Some(ok) => {
                        answered.fetch_add(1, Ordering::SeqCst);
                        kept.push((number, words, ok));
                    }
                    None => return kept,
                }
            }
            kept
        }));
    }
    let mut seed = std::process::id().wrapping_mul(2_654_435_761) | 1;
    println!("seed {seed}");
    let mut kills = 0;
    while kills < KILLS || answered.load(Ordering::SeqCst) < ANSWERS {
        kills += 1;
        assert!(kills < KILLS * 10, "only {answered:?} commands were answered between {kills} kills");
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        // The random time of the kill is an input, not a condition that the test waits for.
        tokio::time::sleep(Duration::from_millis(u64::from(seed % 160) + 20)).await;
        bot.kill().expect("it is killed");
        bot.wait().expect("it is gone");
        bot = serve(&stage.root);
    }
    assert_eq!(ask(&socket, "ana", "ping", "last", &over).await, Some(true));
    over.store(true, Ordering::SeqCst);
    let mut kept = BTreeMap::new();
    for (task, person) in people.into_iter().enumerate() {
        kept.insert(task, person.await.expect("a person"));
    }
    bot.kill().expect("it is killed");
    bot.wait().expect("it is gone");
    let began = Instant::now();
    let journal = embedded::snapshot(&config.settings.store, Arc::new(SystemClock)).expect("the journal can be read");
    let states = replay_all(&journal).await.expect("the journal can be replayed");
    assert_eq!(states.len(), 1, "there is one run");
    let records = journal.stream(&StreamId::new("HF-1"), Version(0), usize::MAX).await.expect("events");
    let entries: Vec<Entry> =
        records.iter().map(|record| serde_json::from_str(record.event.get()).expect("an event")).collect();
    for (number, words, ok) in kept.values().flatten() {
        let times = entries.iter().filter(|entry| match &entry.event {
            Event::Joined { title } => *title == format!("joined {words}"),
            Event::Held { reason } => *reason == format!("because {words}"),
            Event::Noted { text } => *text == format!("noted {words}"),
            _other => false,
        });
        let wanted = usize::from(*ok && number % 5 != 2);
        assert_eq!(times.count(), wanted, "command {number} of {words} was answered with {ok}");
    }
    embedded::verify(&config.settings.store)
        .or_else(|_| {
            // The last kill may have left a state that the next start repairs.
            embedded::rebuild(&config.settings.store)?;
            embedded::verify(&config.settings.store)
        })
        .expect("the chain of hashes is whole");
    let acknowledged: usize = kept.values().map(Vec::len).sum();
    println!(
        "{kills} kills, {acknowledged} commands acknowledged and there once; looked through in {:.1?}",
        began.elapsed()
    );
}
