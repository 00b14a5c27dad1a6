//! A reference to a person, a group or everyone, as operators write it: `ana`, `@payments-team`, `@everyone`.

use std::fmt;
use std::str::FromStr;

use super::super::diagnostic::Located;
use super::super::field::Field;
use crate::domain::id::PersonId;

/// A reference to one or more persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) enum Member {
    /// One person of `people.toml`.
    Person(PersonId),
    /// A group of `policy.toml`, without the `@`.
    Group(String),
    /// Every active person of `people.toml`.
    Everyone,
}

impl Member {
    /// Parses a list of members.
    pub(super) fn list(field: Field<'_>) -> Vec<Located<Self>> {
        field.one_or_more().into_iter().filter_map(Field::parse).collect()
    }
}

impl FromStr for Member {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            Some("everyone") => Ok(Self::Everyone),
            Some(group) => Ok(Self::Group(group.to_owned())),
            None => text.parse().map(Self::Person).map_err(|error| format!("{error}; groups begin with @")),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "{person}"),
            Self::Group(group) => write!(f, "@{group}"),
            Self::Everyone => f.write_str("@everyone"),
        }
    }
}
