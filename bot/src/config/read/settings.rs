//! Parser of `hotfix.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hotfix_adapters::egress::Host;

use super::super::chat::{ChatKind, SlackTransport};
use super::super::diagnostic::Diagnostic;
use super::super::field::Field;
use super::super::integrations::HostConfig;
use super::super::reader::Reader;
use super::super::settings::{Log, LogFormat, Settings, StoreSettings};
use super::Folders;

/// Maximum length of a Unix socket path: `sun_path` holds 108 bytes, including the terminating NUL.
const SOCKET_PATH_MAX: usize = 107;

pub(super) fn read(
    reader: Reader<'_>,
    root: &Path,
    credentials: Option<&Path>,
) -> (Option<Settings>, BTreeMap<String, HostConfig>) {
    let state = path(reader.get("state"), root, "../.hotfix");
    let below = |key, usual| path(reader.get(key), &state, usual);
    let folders = Folders { config: root, state: state.clone(), credentials };
    let chat = super::chat::read(reader.get("chat"), &folders);
    let forges = super::forges::read(reader.get("forges"), &folders);
    let settings = Settings {
        config: root.to_owned(),
        store: below("store", "store"),
        repositories: below("repositories", "repositories"),
        forge_ledger: below("forge_ledger", "forge"),
        mirrors: below("mirrors", "mirrors"),
        runs: below("runs", "runs"),
        socket: socket(&reader, &state),
        poll_seconds: reader.get("poll_seconds").integer(1..=3600).map_or(15, |number| number.value),
        remind_minutes: reader.get("remind_minutes").integer(0..=10_080).map_or(30, |number| number.value),
        chat,
        private_hosts: reader.get("private_hosts").list().into_iter().filter_map(host).collect(),
        http: super::http::read(reader.get("http")),
        log: log(reader.get("log")),
        embedded: embedded(reader.get("embedded")),
        state,
    };
    nobody_listens(&reader, &settings);
    reader.finish();
    (Some(settings), forges)
}

/// Reports Slack over HTTP without a listener.
fn nobody_listens(reader: &Reader<'_>, settings: &Settings) {
    let ChatKind::Slack(slack) = &settings.chat.kind else { return };
    if matches!(slack.way, SlackTransport::Http { .. }) && settings.http.listen.is_none() {
        let at = reader.place("chat").unwrap_or(reader.at);
        let next = "set `listen` under [http], behind a proxy that speaks TLS, or use mode = \"socket\"";
        reader.sink.add(Diagnostic::at(at, "Slack calls, and nobody listens", "mode = \"http\" here", next));
    }
}

/// Parses a path and makes it absolute: relative paths are relative to `base`. The path need not exist.
pub(super) fn path(field: Field<'_>, base: &Path, usual: &str) -> PathBuf {
    let path = field.string_line().map_or_else(|| base.join(usual), |text| base.join(text.value));
    tidy(&path)
}

/// Returns the path without `.` and `..`, by name only: symbolic links are not resolved.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                tidy.pop();
            }
            std::path::Component::Prefix(_) | std::path::Component::RootDir | std::path::Component::Normal(_) => {
                tidy.push(part)
            }
        }
    }
    tidy
}

fn host(field: Field<'_>) -> Option<Host> {
    field.parse().map(|host| host.value)
}

fn socket(reader: &Reader<'_>, state: &Path) -> PathBuf {
    let socket = path(reader.get("socket"), state, "hotfix.sock");
    if socket.as_os_str().len() > SOCKET_PATH_MAX {
        let at = reader.place("socket").or_else(|| reader.place("state")).unwrap_or(reader.at);
        reader.sink.add(Diagnostic::at(
            at,
            format!("the path of the socket is longer than {SOCKET_PATH_MAX} bytes"),
            format!("leads to {}", socket.display()),
            "give `socket` a short absolute path, such as /run/hotfix/hotfix.sock",
        ));
    }
    socket
}

fn log(field: Field<'_>) -> Log {
    let mut log = Log { format: LogFormat::Text, filter: "info".to_owned() };
    let Some(reader) = field.table("`log`") else { return log };
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    log.format = reader.get("format").choice(&formats).map_or(log.format, |format| format.value);
    log.filter = reader.get("filter").string_line().map_or(log.filter, |filter| filter.value);
    reader.finish();
    log
}

fn embedded(field: Field<'_>) -> StoreSettings {
    let reader = field.table("`embedded`");
    let mib = |key, range, usual: u32| {
        let number = reader.as_ref().and_then(|reader| reader.get(key).integer(range));
        u64::from(number.map_or(usual, |number| number.value)) << 20
    };
    let settings = StoreSettings {
        segment_bytes: mib("segment_mib", 1..=1024, 64),
        reserve_bytes: mib("reserve_mib", 0..=1024, 32),
        cache_bytes: mib("cache_mib", 1..=4096, 64),
    };
    if let Some(reader) = reader {
        reader.finish();
    }
    settings
}
