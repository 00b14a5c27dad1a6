//! The URL fields that GitHub adds to every object.

use serde_json::Value;

/// Percent-encodes a text as one path segment of a URL.
pub(super) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, UNRESERVED).to_string()
}

const UNRESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Adds one URL field per name below a base URL: `events` becomes `events_url`.
pub(super) fn add_addresses(value: &mut Value, base: &str, names: &[&str]) {
    for name in names {
        value[format!("{name}_url")] = format!("{base}/{}", name.replace('_', "/")).into();
    }
}

/// Names of the URL fields of users and Apps, without `_url`.
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

/// Names of the URL fields of repositories, without `_url`.
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
