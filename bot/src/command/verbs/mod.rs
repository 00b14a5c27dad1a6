//! The entries of the table: one file per verb, or per family of verbs that belong together.

pub(super) mod advice;
pub(super) mod agree;
pub(super) mod freeze;
pub(super) mod glass;
pub(super) mod identify;
pub(super) mod locks;
pub(super) mod look;
pub(super) mod mainline;
pub(super) mod me;
pub(super) mod pick;
pub(super) mod promote;
pub(super) mod record;
pub(super) mod ship;
pub(super) mod start;
pub(super) mod steer;
pub(super) mod verify;
pub(super) mod votes;

use super::args::Args;
use super::error::{ErrorCode, ParseError};
use super::guard::shown;
use super::request::Request;
use super::suggest::nearest;
use super::table::{Arg, ArgSyntax, ArgType, Group, Verb};
use crate::domain::people::Role;

/// The required reason of most verbs that change something.
const REASON: Arg = Arg {
    name: "reason",
    shown: "<reason …>",
    form: ArgSyntax::Text,
    kind: ArgType::Text,
    about: "why, for everybody to read",
};

/// Returns the reason argument of a command that takes effect immediately. `how` is a sentence that tells the user how
/// the end is set.
const fn reason_lasting(how: &'static str) -> Arg {
    Arg { kind: ArgType::Lasting(how), ..REASON }
}

/// The incident that justifies bypassing a rule.
const INCIDENT: Arg = Arg {
    name: "incident",
    shown: "--incident URL",
    form: ArgSyntax::RequiredFlag,
    kind: ArgType::Url,
    about: "the address of the incident that justifies it",
};

/// The service that a verb is about.
const SERVICE: Arg =
    Arg { name: "service", shown: "<service>", form: ArgSyntax::Word, kind: ArgType::Service, about: "which service" };

/// The environment that a verb is about.
const ENVIRONMENT: Arg = Arg {
    name: "env",
    shown: "<env>",
    form: ArgSyntax::Word,
    kind: ArgType::Environment,
    about: "which environment; production is never implied",
};

/// The lane that a verb is about.
const LANE: Arg = Arg {
    name: "service/env",
    shown: "<service>/<env>",
    form: ArgSyntax::Word,
    kind: ArgType::Lane,
    about: "which environment of which service",
};
