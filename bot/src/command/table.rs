//! The table of verbs: the single source for parsing, help, suggestions, completion and the command registration of
//! chats. To add a verb, add one entry in `verbs/`, one line to [`VERBS`] and one variant of `Request`; tests find
//! anything missing.

use super::args::Args;
use super::error::ParseError;
use super::request::Request;
use super::verbs::{
    advice, agree, freeze, glass, identify, locks, look, mainline, me, pick, promote, record, ship, start, steer,
    verify, votes,
};
use crate::domain::people::Role;

/// One verb: its names, help, roles and arguments.
#[derive(Debug)]
pub struct Verb {
    /// The word that the user types.
    pub name: &'static str,
    /// Names of the same command in other bots.
    pub aliases: &'static [&'static str],
    /// The section of the help that lists it.
    pub group: Group,
    /// One-line description for the overview.
    pub summary: &'static str,
    /// Longer description for the verb's own help page.
    pub details: &'static str,
    /// Example commands. Each of them parses.
    pub examples: &'static [&'static str],
    /// Role that the verb needs. Forms that only read need `Role::Viewer`.
    pub needs: Role,
    /// Role that the verb needs on another person's run or lease; `None` if the owner makes no difference.
    pub needs_for_others: Option<Role>,
    /// Arguments, in order. Flags may appear anywhere.
    pub args: &'static [Arg],
    /// `true` if the verb is about a run, so that the caller can name one as `HF-n`.
    pub takes_run: bool,
    /// Builds the request from the bound arguments.
    pub(super) build: fn(&Args<'_>) -> Result<Request, ParseError>,
}

/// A section of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Open a run and add fixes.
    Begin,
    /// Verbs that only read.
    Look,
    /// Votes, acknowledgments, holds and attestations.
    Say,
    /// Proceed with the run.
    Act,
    /// Handle failures, drift and emergencies.
    Trouble,
    /// Leases and freezes.
    Lanes,
    /// Merge back, notes, post-mortem and closing.
    After,
    /// Verbs about the bot itself.
    Bot,
}

impl Group {
    /// All groups, in the order of the help.
    pub const ALL: [Self; 8] =
        [Self::Begin, Self::Look, Self::Say, Self::Act, Self::Trouble, Self::Lanes, Self::After, Self::Bot];

    /// Returns the heading of the section.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Begin => "Begin",
            Self::Look => "Look",
            Self::Say => "Have a say",
            Self::Act => "Go on",
            Self::Trouble => "When it does not go as planned",
            Self::Lanes => "Who may deploy where",
            Self::After => "Afterwards, and for the record",
            Self::Bot => "The bot",
        }
    }
}

/// One argument of a verb.
#[derive(Debug)]
pub struct Arg {
    /// Name of the argument; for a flag, the word after `--`.
    pub name: &'static str,
    /// The part of the usage line for this argument; empty if another argument shows it.
    pub shown: &'static str,
    /// The syntax: positional or flag, required or optional.
    pub form: ArgSyntax,
    /// The type of the value.
    pub kind: ArgType,
    /// One-line description for the help.
    pub about: &'static str,
}

/// The syntax of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgSyntax {
    /// One required word.
    Word,
    /// One optional word.
    OptionalWord,
    /// One or more words, separated by spaces or commas.
    Words,
    /// The rest of the line, as required free text.
    Text,
    /// The rest of the line, as optional free text.
    OptionalText,
    /// `--name`, without a value.
    Switch,
    /// Optional `--name value`.
    Flag,
    /// Required `--name value`.
    RequiredFlag,
    /// Optional, repeatable `--name value value, value --name value`.
    ManyFlag,
    /// Optional `name value`; `--name value` is accepted too.
    Keyword,
}

impl ArgSyntax {
    /// Returns `true` if the argument is bound by name rather than by position.
    #[must_use]
    pub fn is_flag(self) -> bool {
        match self {
            Self::Switch | Self::Flag | Self::RequiredFlag | Self::ManyFlag | Self::Keyword => true,
            Self::Word | Self::OptionalWord | Self::Words | Self::Text | Self::OptionalText => false,
        }
    }

    /// Returns `true` if the command is refused without the argument.
    #[must_use]
    pub fn is_required(self) -> bool {
        match self {
            Self::Word | Self::Words | Self::Text | Self::RequiredFlag => true,
            Self::OptionalWord | Self::OptionalText | Self::Switch | Self::Flag | Self::ManyFlag | Self::Keyword => {
                false
            }
        }
    }

    /// Returns `true` if the argument is free text.
    #[must_use]
    pub fn is_text(self) -> bool {
        match self {
            Self::Text | Self::OptionalText => true,
            Self::Word
            | Self::OptionalWord
            | Self::Words
            | Self::Switch
            | Self::Flag
            | Self::RequiredFlag
            | Self::ManyFlag
            | Self::Keyword => false,
        }
    }
}

/// The type of an argument: selects its completions and the words that a typo is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgType {
    /// A configured service.
    Service,
    /// A configured service, or `all`.
    ServiceOrAll,
    /// A configured environment.
    Environment,
    /// A configured environment, `local` or `watch`.
    Place,
    /// A lane: `service/environment`.
    Lane,
    /// A step of a playbook.
    Step,
    /// A pull request or a commit.
    Fix,
    /// A branch, tag, commit or pull request; as a base also `deployed@ENV`.
    Reference,
    /// A commit, by id or by address.
    Commit,
    /// A name that is not checked against the configuration: of something new, or known only to the service.
    Name,
    /// An HTTP or HTTPS address.
    Url,
    /// A duration such as `2h`.
    Duration,
    /// One of a fixed set of words.
    Choice(&'static [&'static str]),
    /// A verb of this table.
    Verb,
    /// Free text, not checked.
    Text,
    /// Free text of a command that takes effect immediately. A time span in it is refused; the payload tells the user
    /// how the end is set.
    Lasting(&'static str),
}

/// Every verb, in the order of the help.
pub static VERBS: &[&Verb] = &[
    &start::START,
    &promote::PROMOTE,
    &pick::PICK,
    &pick::UNPICK,
    &look::STATUS,
    &look::PLAN,
    &look::LIST,
    &look::WHERE,
    &look::WHO,
    &look::TIMELINE,
    &agree::TRIAGE,
    &agree::AGREE,
    &votes::APPROVE,
    &votes::UNAPPROVE,
    &votes::REJECT,
    &identify::IDENTIFY,
    &advice::ACK,
    &advice::HOLD,
    &advice::UNHOLD,
    &verify::VERIFY,
    &ship::DEPLOY,
    &steer::RETRY,
    &ship::ROLLBACK,
    &steer::DRIFT,
    &steer::SKIP,
    &steer::OVERRIDE,
    &glass::BREAK_GLASS,
    &glass::COUNTERSIGN,
    &steer::ABORT,
    &steer::ABANDON,
    &locks::LOCKS,
    &locks::LOCK,
    &locks::RENEW,
    &locks::UNLOCK,
    &locks::STEAL,
    &freeze::FREEZE,
    &freeze::UNFREEZE,
    &mainline::MERGEBACK,
    &record::NOTE,
    &record::POSTMORTEM,
    &record::CLOSE,
    &me::WHOAMI,
    &me::HELP,
    &me::PING,
];

impl Verb {
    /// Returns the verb with this name or alias, case-insensitively. Accepts a leading `/` or `.`, as in `/lgtm` and
    /// `.deploy` of other bots.
    #[must_use]
    pub fn named(word: &str) -> Option<&'static Self> {
        let word = word.strip_prefix(['/', '.']).unwrap_or(word).to_lowercase();
        VERBS.iter().copied().find(|verb| verb.name == word || verb.aliases.contains(&word.as_str()))
    }

    /// Returns every name and alias.
    pub fn words() -> impl Iterator<Item = &'static str> {
        VERBS.iter().flat_map(|verb| std::iter::once(verb.name).chain(verb.aliases.iter().copied()))
    }

    /// Returns the usage line: `verify <env>|local pass|fail [note …] [HF-n]`.
    #[must_use]
    pub fn usage(&self) -> String {
        self.usage_pieces().collect::<Vec<_>>().join(" ")
    }

    /// Returns the parts of the usage line: the verb, each argument, the run.
    pub(super) fn usage_pieces(&self) -> impl Iterator<Item = &'static str> {
        let pieces = self.args.iter().map(|arg| arg.shown).filter(|shown| !shown.is_empty());
        let run = self.takes_run.then_some("[HF-n]");
        std::iter::once(self.name).chain(pieces).chain(run)
    }

    /// Returns the flag with this name; `None` if there is none.
    pub(super) fn flag(&self, name: &str) -> Option<&'static Arg> {
        self.flags().find(|arg| arg.name == name)
    }

    /// Returns the arguments that are bound by name.
    pub fn flags(&self) -> impl Iterator<Item = &'static Arg> {
        self.args.iter().filter(|arg| arg.form.is_flag())
    }

    /// Returns the arguments that are bound by position, in order.
    pub fn places(&self) -> impl Iterator<Item = &'static Arg> {
        self.args.iter().filter(|arg| !arg.form.is_flag())
    }

    /// Returns `true` if the verb takes free text.
    pub(super) fn takes_text(&self) -> bool {
        self.args.iter().any(|arg| arg.form.is_text())
    }
}
