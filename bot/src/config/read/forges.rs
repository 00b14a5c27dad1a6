//! Parser of `[forges.<name>]` in `hotfix.toml`: GitHub and GitLab.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::field::Field;
use super::super::integrations::{GitHubAuth, HostConfig, HostKind};
use super::super::reader::Reader;
use super::Folders;
use super::secret::secret;

type Read = fn(&Reader<'_>, &Folders<'_>) -> Option<HostKind>;

pub(super) fn read(field: Field<'_>, folders: &Folders<'_>) -> BTreeMap<String, HostConfig> {
    let Some(reader) = field.table("`forges`") else {
        return BTreeMap::new();
    };
    let hosts = reader.entries().into_iter().filter_map(|(name, field)| {
        let host = field.table("a forge").and_then(|reader| host(reader, folders));
        Some((name.value.to_owned(), host?))
    });
    hosts.collect()
}

fn host(reader: Reader<'_>, folders: &Folders<'_>) -> Option<HostConfig> {
    let kinds: [(&str, Read); 2] = [("github", github), ("gitlab", gitlab)];
    let Some(kind) = reader.need("kind").choice(&kinds) else {
        reader.abandon();
        return None;
    };
    let kind = (kind.value)(&reader, folders);
    let secrets = reader.get("webhook_secrets").list().into_iter();
    let webhook_secrets = secrets.filter_map(|field| secret("webhook_secrets", field, folders)).collect();
    let timeout = reader.get("timeout_seconds").integer(1..=600);
    reader.finish();
    let timeout = timeout.map(|seconds| Duration::from_secs(u64::from(seconds.value)));
    Some(HostConfig { kind: kind?, webhook_secrets, timeout })
}

fn github(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<HostKind> {
    let or = |key, usual: &str| reader.get(key).string_line().map_or_else(|| usual.to_owned(), |line| line.value);
    let (api_url, git_url) = (or("api_url", "https://api.github.com"), or("git_url", "https://github.com"));
    let auth = match (reader.place("token"), reader.place("app")) {
        (Some(_), None) => secret("token", reader.get("token"), folders).map(GitHubAuth::Token),
        (None, Some(_)) => reader.get("app").table("`app`").and_then(|app| self::app(app, folders)),
        (Some(_), Some(_)) | (None, None) => {
            let (_, _) = (reader.get("token"), reader.get("app"));
            let next = "write `token = { file = \"…\" }`, or `app = { id = 1, private_key = { file = \"…\" } }`";
            reader.fault("GitHub is spoken to in one way", "says none or two", next);
            None
        }
    };
    Some(HostKind::GitHub { api_url, git_url, auth: auth? })
}

fn app(reader: Reader<'_>, folders: &Folders<'_>) -> Option<GitHubAuth> {
    let number = |field: Field<'_>| field.id().and_then(|id| id.value.parse().ok());
    let id = number(reader.need("id"));
    let installation = number(reader.get("installation"));
    let private_key = secret("private_key", reader.need("private_key"), folders);
    reader.finish();
    Some(GitHubAuth::App { id: id?, installation, private_key: private_key? })
}

fn gitlab(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<HostKind> {
    let url = reader.get("url").string_line().map_or_else(|| "https://gitlab.com".to_owned(), |line| line.value);
    let token = secret("token", reader.need("token"), folders);
    let account = reader.get("account").id().map(|id| id.value);
    Some(HostKind::GitLab { url, token: token?, account })
}
