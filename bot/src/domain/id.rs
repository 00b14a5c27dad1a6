//! Ids of the domain. Each is validated when it is parsed, at the boundary.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The error for a text that is not a valid id: the given text and the expected form.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{given:?} is not a {what}: {wanted}")]
pub struct NotAName {
    what: &'static str,
    given: String,
    wanted: &'static str,
}

impl NotAName {
    fn new(what: &'static str, given: &str, wanted: &'static str) -> Self {
        Self { what, given: given.chars().take(60).collect(), wanted }
    }
}

/// Number of a run, such as `HF-12`. Numbers increase and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HotfixId(pub u64);

impl fmt::Display for HotfixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HF-{}", self.0)
    }
}

impl FromStr for HotfixId {
    type Err = NotAName;
    fn from_str(text: &str) -> Result<Self, NotAName> {
        let number = text.get(..3).filter(|p| p.eq_ignore_ascii_case("HF-")).and_then(|_| text.get(3..));
        number
            .filter(|n| n.len() <= 9 && n.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|n| n.parse().ok())
            .filter(|n| *n > 0)
            .map(Self)
            .ok_or_else(|| NotAName::new("run", text, "runs are called HF-1, HF-2, …"))
    }
}

impl TryFrom<String> for HotfixId {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        text.parse()
    }
}

impl From<HotfixId> for String {
    fn from(id: HotfixId) -> Self {
        id.to_string()
    }
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAName;
            fn from_str(text: &str) -> Result<Self, NotAName> {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                if text.len() <= 63 && text.starts_with(plain) && text.chars().all(|c| plain(c) || c == '-') {
                    return Ok(Self(text.to_owned()));
                }
                Err(NotAName::new($what, text, "lower-case letters, digits and -, at most 63, starting with a letter or digit"))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAName;
            fn try_from(text: String) -> Result<Self, NotAName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug!(
    /// Id of a service: a deployable unit, such as `payments`.
    ServiceName,
    "service name"
);
slug!(
    /// Id of a person, independent of their accounts.
    PersonId,
    "person"
);
slug!(
    /// Id of a step, unique in its playbook. Users name it in `skip` and `override`.
    StepId,
    "step"
);
slug!(
    /// Id of a playbook.
    PlaybookId,
    "playbook"
);

/// Id of a runbook requirement, such as `APPLY-6` or `MAIN-12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequirementId(String);

impl RequirementId {
    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequirementId {
    type Err = NotAName;
    fn from_str(text: &str) -> Result<Self, NotAName> {
        let wanted = "they look like APPLY-6, APPLY-X3 or HOCS-2a";
        let fail = || NotAName::new("requirement id", text, wanted);
        let (family, number) = text.split_once('-').ok_or_else(fail)?;
        let number = number.strip_prefix('X').unwrap_or(number);
        let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let known = ["SRE", "HOCS", "APPLY", "PROMO", "MAIN"].contains(&family);
        if known && !digits.is_empty() && number.len() - digits.len() <= 1 && digits.bytes().all(|b| b.is_ascii_digit())
        {
            return Ok(Self(text.to_owned()));
        }
        Err(fail())
    }
}

impl TryFrom<String> for RequirementId {
    type Error = NotAName;
    fn try_from(text: String) -> Result<Self, NotAName> {
        text.parse()
    }
}

impl From<RequirementId> for String {
    fn from(id: RequirementId) -> Self {
        id.0
    }
}

impl fmt::Display for RequirementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
