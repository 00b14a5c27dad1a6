//! The store under the real program: when the bot reports that it is up, and how a store is moved.

use std::path::Path;

use hotfix::socket::{CliRequest, call};
use hotfix_tests::running::{Running, run};
use hotfix_tests::stage::{Stage, fresh_folder};

/// The log line after which an operator can send commands.
const UP: &str = "the bot is up";

/// Returns the settings of the stage, with the paths of store and socket.
fn settings(stage: &Stage) -> hotfix::config::Settings {
    hotfix::config::load(&stage.config()).map_err(|faults| faults.render(false)).expect("a configuration").settings
}

/// The command line reaches a bot that reports it is up at the first try; a bot without its socket never reports that.
#[tokio::test]
async fn a_bot_that_is_up_can_be_reached() {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
    let socket = settings(&stage).socket;
    let bot = Running::start(&stage.config(), &[]);
    bot.said(UP).await;
    let question = CliRequest { person: "ana".to_owned(), text: "ping".to_owned(), key: "1".to_owned() };
    assert!(call(&socket, &question).await.expect("it answers").expect("it listens").ok);
    assert!(bot.stop().await.well);
    std::fs::remove_file(&socket).expect("a stop leaves the socket");
    std::fs::create_dir_all(socket.join("in the way")).expect("a folder");
    let refused = run(&stage.config(), &["serve"], &[]).await;
    assert!(!refused.well && refused.said.contains("cannot listen on"), "{}", refused.said);
    assert!(!refused.said.contains(UP), "{}", refused.said);
}

/// A store is moved by an export. A truncated export is imported only on explicit request, and the error for a store
/// without an index names the command that creates it.
#[tokio::test]
async fn an_export_is_imported_whole_or_knowingly_not() {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
    let bot = Running::start(&stage.config(), &[]);
    bot.said(UP).await;
    assert!(bot.stop().await.well);
    let (store, file) = (settings(&stage).store, folder.path().join("export.jsonl"));
    let path = file.to_str().expect("a path");
    let does = async |words: &[&str]| run(&stage.config(), words, &[]).await;
    assert!(does(&["store", "export", path]).await.well);
    let text = std::fs::read_to_string(&file).expect("an export");
    let trailer = text.lines().last().expect("a line");
    assert!(trailer.starts_with("{\"trailer\":{\"entries\":"), "{trailer}");
    remove(&store);
    let taken = does(&["store", "import", path]).await;
    assert!(taken.well && taken.said.contains("The last entry has the hash "), "{}", taken.said);
    let whole = does(&["store", "verify"]).await;
    assert!(whole.well, "{}", whole.said);
    remove(&store.join("index"));
    let bare = does(&["store", "verify"]).await;
    assert!(!bare.well && bare.said.contains("run `hotfix store rebuild`"), "{}", bare.said);
    assert!(does(&["store", "rebuild"]).await.well);
    assert!(does(&["store", "verify"]).await.well);
    remove(&store);
    std::fs::write(&file, text.strip_suffix(&format!("{trailer}\n")).expect("a last line")).expect("it is written");
    let refused = does(&["store", "import", path]).await;
    assert!(!refused.well && refused.said.contains("--without-trailer"), "{}", refused.said);
    assert!(does(&["store", "import", path, "--without-trailer"]).await.well);
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).expect("it is removed");
}
