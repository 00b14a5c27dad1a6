//! Newtypes shared by all adapters. Each one is validated when it is parsed, so all other code can rely on
//! its contents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A parse error: the rejected text, and the expected form.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} {given:?} {why}")]
pub struct Malformed {
    /// The kind of value, such as "branch name".
    pub what: &'static str,
    /// The rejected text, cut to 80 characters.
    pub given: String,
    /// The problem and the expected form.
    pub why: String,
}

impl Malformed {
    fn new(what: &'static str, given: &str, why: impl Into<String>) -> Self {
        Self { what, given: given.chars().take(80).collect(), why: why.into() }
    }
}

macro_rules! parsed_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses and validates the text.
            ///
            /// # Errors
            /// If the text is not valid; the error names the problem and the expected form.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// Returns the value as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Malformed;
            fn try_from(text: String) -> Result<Self, Malformed> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

parsed_text!(
    /// A full git commit id: 40 (or 64) lower-case hexadecimal digits. Only commit ids are passed from a decision to
    /// an effect, never refs.
    CommitId,
    check_commit
);
parsed_text!(
    /// A branch name without `refs/heads/`, restricted to a strict allow-list (security case 43): a valid git ref is
    /// not necessarily safe.
    BranchName,
    check_branch
);
parsed_text!(
    /// A tag name without `refs/tags/`, restricted to the same allow-list as branch names.
    TagName,
    check_tag
);
parsed_text!(
    /// A repository by its name on the forge, such as `team/payments`.
    Repo,
    check_repo
);
parsed_text!(
    /// The name of an environment of a service, such as `production`.
    Environment,
    check_environment
);
parsed_text!(
    /// The natural key of a deployment, by which it is found again after a crash.
    DeployKey,
    check_key
);
parsed_text!(
    /// The digest of an image manifest, such as `sha256:` and 64 hexadecimal digits. Unlike a tag, it always
    /// identifies the same image.
    Digest,
    check_digest
);
parsed_text!(
    /// A channel by its id on the chat platform. Never a display name, except on the console.
    ChannelRef,
    check_opaque
);

impl Digest {
    /// Returns the first twelve digits, for display.
    #[must_use]
    pub fn short(&self) -> &str {
        let digits = self.0.split_once(':').map_or(self.as_str(), |(_, digits)| digits);
        digits.get(..12).unwrap_or(digits)
    }
}

impl CommitId {
    /// Returns the first seven digits, for display.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

fn check_commit(text: &str) -> Result<(), Malformed> {
    let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if hex && (text.len() == 40 || text.len() == 64) {
        return Ok(());
    }
    Err(Malformed::new("commit id", text, "is not a full commit id: 40 lower-case hexadecimal digits are wanted"))
}

fn check_branch(text: &str) -> Result<(), Malformed> {
    check_ref("branch name", text)
}

fn check_tag(text: &str) -> Result<(), Malformed> {
    check_ref("tag name", text)
}

/// Checks the allow-list of security case 43. Everything that is not plainly harmless is refused, even if git
/// allows it.
fn check_ref(what: &'static str, text: &str) -> Result<(), Malformed> {
    let no = |why: &str| Err(Malformed::new(what, text, why));
    let plain = |c: char| c.is_ascii_alphanumeric();
    if !text.starts_with(plain) || !text.ends_with(plain) {
        return no("must start and end with a letter or digit");
    }
    if text.len() > 200 {
        return no("is longer than 200 characters");
    }
    if let Some(bad) = text.chars().find(|c| !plain(*c) && !matches!(c, '.' | '_' | '/' | '-')) {
        return no(&format!("has the character {bad:?}; letters, digits and . _ / - are allowed"));
    }
    if text.contains("..") || text.contains("//") || text.contains("/.") || text.contains("./") {
        return no("has an empty or dotted part");
    }
    if text.split('/').any(|part| part.ends_with(".lock")) {
        return no("has a part that ends with .lock");
    }
    if text == "HEAD" || ["refs/", "heads/", "tags/", "remotes/"].iter().any(|p| text.starts_with(p)) {
        return no("is written as a full ref; give the name alone");
    }
    if check_commit(&text.to_ascii_lowercase()).is_ok() {
        return no("looks like a commit id");
    }
    Ok(())
}

fn check_repo(text: &str) -> Result<(), Malformed> {
    let part_is_fine = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    if text.len() <= 200 && text.split('/').all(part_is_fine) {
        return Ok(());
    }
    Err(Malformed::new("repository", text, "is not a name like `payments` or `team/payments`"))
}

fn check_environment(text: &str) -> Result<(), Malformed> {
    let fine = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 63
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fine {
        return Ok(());
    }
    Err(Malformed::new("environment", text, "is not a name like `production`: lower-case letters, digits and -"))
}

fn check_key(text: &str) -> Result<(), Malformed> {
    let fine = !text.is_empty()
        && text.len() <= 200
        && !text.starts_with(['.', '-'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if fine {
        return Ok(());
    }
    Err(Malformed::new("deployment key", text, "must be letters, digits and . _ -, at most 200"))
}

fn check_digest(text: &str) -> Result<(), Malformed> {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match text.split_once(':') {
        Some(("sha256", digits)) if digits.len() == 64 && hex(digits) => Ok(()),
        Some(("sha512", digits)) if digits.len() == 128 && hex(digits) => Ok(()),
        _ => Err(Malformed::new("image digest", text, "is not one like `sha256:` and 64 hexadecimal digits")),
    }
}

fn check_opaque(text: &str) -> Result<(), Malformed> {
    if !text.is_empty() && text.len() <= 255 && !text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Ok(());
    }
    Err(Malformed::new("channel", text, "must be 1 to 255 characters without spaces"))
}

/// A system that has user accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// The terminal, where users are selected by name; for demos, drills and development.
    Console,
    /// The local forge: the id is a git e-mail address.
    Git,
    /// Slack: the id is `enterprise-or-team/user id`.
    Slack,
    /// Discord: the id is a user id.
    Discord,
    /// GitHub: the id is a numeric user id.
    Github,
    /// GitLab: the id is a numeric user id.
    Gitlab,
}

/// One account on one platform, identified by its id and never by a display name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PersonRef {
    /// The platform that the account belongs to.
    pub platform: Platform,
    /// Id of the account on that platform; its form depends on the platform.
    pub id: String,
}

impl PersonRef {
    /// Creates a reference from the id of an account.
    pub fn new(platform: Platform, id: impl Into<String>) -> Self {
        Self { platform, id: id.into() }
    }
}

/// A reference to a chat message, used to edit it and to react to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    /// Channel of the message.
    pub channel: ChannelRef,
    /// Id of the message in that channel.
    pub id: String,
}
