//! Addresses, of which GitHub links many from everything.

use serde_json::Value;

/// What stands in an address as one segment.
pub(super) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, UNRESERVED).to_string()
}

const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What GitHub links from everything, whether somebody follows it or not: `events_url` and so on.
pub(super) fn add_addresses(value: &mut Value, base: &str, names: &[&str]) {
    for name in names {
        value[format!("{name}_url")] = format!("{base}/{}", name.replace('_', "/")).into();
    }
}

/// Of people and Apps.
pub(super) const USER: [&str; 9] = [
    "events",
    "followers",
    "following",
    "gists",
    "organizations",
    "received_events",
    "repos",
    "starred",
    "subscriptions",
];

/// Of repositories.
pub(super) const REPOSITORY: [&str; 36] = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
];
