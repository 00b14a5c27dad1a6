//! Parser of `[chat]` in `hotfix.toml`.

use hotfix_adapters::ids::ChannelRef;

use super::super::chat::{ChatKind, ChatSettings, DiscordSettings, RateLimit, SlackSettings, SlackTransport};
use super::super::diagnostic::Diagnostic;
use super::super::field::Field;
use super::super::reader::Reader;
use super::Folders;
use super::secret::secret;

/// The selected platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Console,
    Slack,
    Discord,
}

type Way = fn(&Reader<'_>, &Folders<'_>) -> Option<SlackTransport>;

/// Parses the settings of the chat. If the selected platform is misconfigured, a fault is recorded and the returned
/// value is never used.
pub(super) fn read(field: Field<'_>, folders: &Folders<'_>) -> ChatSettings {
    let Some(reader) = field.table("`chat`") else {
        return settings(ChatKind::Console);
    };
    let kinds = [("console", Use::Console), ("slack", Use::Slack), ("discord", Use::Discord)];
    let used = reader.get("use").choice(&kinds).map_or(Use::Console, |used| used.value);
    // Unused sections are parsed too, so that their faults are reported before an operator switches to them.
    let slack = reader.get("slack").table("`chat.slack`").map(|part| self::slack(part, folders));
    let discord = reader.get("discord").table("`chat.discord`").map(|part| self::discord(part, folders));
    let kind = match used {
        Use::Console => Some(ChatKind::Console),
        Use::Slack => used_part(slack, &reader, "slack").map(ChatKind::Slack),
        Use::Discord => used_part(discord, &reader, "discord").map(ChatKind::Discord),
    };
    let mut settings = settings(kind.unwrap_or(ChatKind::Console));
    settings.also_in = channels(reader.get("also_in"));
    let flag = |key, usual| reader.get(key).boolean().map_or(usual, |flag| flag.value);
    settings.shared_channels = flag("shared_channels", settings.shared_channels);
    settings.terminal_votes = flag("terminal_votes", settings.terminal_votes);
    let number = |key, usual| reader.get(key).integer(1..=100_000).map_or(usual, |number| number.value);
    settings.pace = RateLimit {
        person: number("person_per_minute", settings.pace.person),
        service: number("service_per_minute", settings.pace.service),
    };
    reader.finish();
    settings
}

/// Returns the default settings of a platform. Votes on the command line count by default only for the console, where
/// everyone uses the same terminal.
fn settings(kind: ChatKind) -> ChatSettings {
    let terminal_votes = kind == ChatKind::Console;
    ChatSettings { kind, also_in: Vec::new(), shared_channels: false, terminal_votes, pace: RateLimit::default() }
}

fn used_part<T>(part: Option<Option<T>>, reader: &Reader<'_>, name: &str) -> Option<T> {
    if part.is_none() {
        let next = format!("add [chat.{name}], or write `use = \"console\"`");
        reader.fault(format!("the chat {name} is not set up"), "used and not set up", next);
    }
    part.flatten()
}

fn channels(field: Field<'_>) -> Vec<ChannelRef> {
    field.one_or_more().into_iter().filter_map(Field::parse).map(|channel| channel.value).collect()
}

fn slack(reader: Reader<'_>, folders: &Folders<'_>) -> Option<SlackSettings> {
    let app = id(reader.need("app_id"), &['A'], "the id of the app, A…, from its page Basic Information");
    let teams = ids(&reader, "teams", &['T', 'E'], "the id of the workspace, T…, or of the organisation, E…");
    let token = secret("token", reader.need("token"), folders);
    let ways: [(&str, Way); 2] = [("socket", socket), ("http", http)];
    let way = reader.get("mode").choice(&ways).map_or(socket as Way, |way| way.value);
    let way = way(&reader, folders);
    let burst = reader.get("burst").integer(1..=1000).map_or(4, |number| number.value);
    let api_url = url(&reader, "https://slack.com/api/");
    reader.finish();
    Some(SlackSettings { app: app?, teams: teams?, token: token?, way: way?, burst, api_url })
}

fn socket(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<SlackTransport> {
    let app_token = secret("app_token", reader.need("app_token"), folders);
    let connections = reader.get("connections").integer(1..=10).map_or(2, |number| number.value);
    Some(SlackTransport::Socket { app_token: app_token?, connections })
}

fn http(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<SlackTransport> {
    let secrets = reader.need("signing_secrets").list().into_iter();
    let signing_secrets: Vec<_> = secrets.filter_map(|field| secret("signing_secrets", field, folders)).collect();
    if signing_secrets.is_empty() {
        // Without a signing secret, anyone could forge requests of any user (security case 3).
        let next = "write the Signing Secret of the app's page Basic Information into a file, and name the file here";
        reader.fault("Slack over HTTP needs a signing secret", "none is named", next);
        return None;
    }
    Some(SlackTransport::Http { signing_secrets })
}

fn discord(reader: Reader<'_>, folders: &Folders<'_>) -> Option<DiscordSettings> {
    let digits = &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
    let application = id(reader.need("application_id"), digits, "the number of the application");
    let guilds = ids(&reader, "servers", digits, "the number of the server (Copy Server ID)");
    let token = secret("token", reader.need("token"), folders);
    let api_url = url(&reader, "https://discord.com/api/v10/");
    reader.finish();
    Some(DiscordSettings { application: application?, guilds: guilds?, token: token?, api_url })
}

fn url(reader: &Reader<'_>, usual: &str) -> String {
    reader.get("api_url").string_line().map_or_else(|| usual.to_owned(), |line| line.value)
}

/// Parses at least one id; `None` if there is none, which is reported.
fn ids(reader: &Reader<'_>, key: &'static str, begins: &[char], wanted: &str) -> Option<Vec<String>> {
    let fields = reader.need(key).one_or_more();
    if fields.is_empty() {
        if let Some(at) = reader.place(key) {
            // An empty list means that no one is accepted, never everyone.
            reader.sink.add(Diagnostic::at(
                at,
                format!("`{key}` is empty"),
                "nobody could send",
                format!("write {wanted}"),
            ));
        }
        return None;
    }
    let ids: Vec<String> = fields.into_iter().filter_map(|field| id(field, begins, wanted)).collect();
    (!ids.is_empty()).then_some(ids)
}

fn id(field: Field<'_>, begins: &[char], wanted: &str) -> Option<String> {
    let (sink, name) = (field.sink(), field.name);
    let id = field.id()?;
    let plain = id.value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if plain && id.value.starts_with(begins) && id.value.len() <= 32 {
        return Some(id.value);
    }
    sink.add(Diagnostic::at(id.at, format!("`{name}` is not an id"), "not an id", format!("write {wanted}")));
    None
}
