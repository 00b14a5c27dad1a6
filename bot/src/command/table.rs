//! The one table of verbs. It parses, writes the help, suggests and completes; chats take their command registration
//! from it. To add a verb: one entry in `verbs/`, one line here, one variant of `Request`; tests find what is missing.

use super::args::Args;
use super::error::ParseError;
use super::request::Request;
use super::verbs::{
    advice, agree, freeze, glass, identify, locks, look, mainline, me, pick, promote, record, ship, start, steer,
    verify, votes,
};
use crate::domain::people::Role;

/// A verb: everything the bot knows about one word.
#[derive(Debug)]
pub struct Verb {
    /// The word.
    pub name: &'static str,
    /// Words by which other bots know it.
    pub aliases: &'static [&'static str],
    /// Where it stands in the help.
    pub group: Group,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What else there is to know.
    pub details: &'static str,
    /// Commands that can be typed like this.
    pub examples: &'static [&'static str],
    /// Who may change something with it; a form that only looks needs `Role::Viewer`.
    pub needs: Role,
    /// Who may, when the run or lease is somebody else's; absent when that makes no difference.
    pub needs_for_others: Option<Role>,
    /// What stands behind it, in this order; flags may stand anywhere.
    pub args: &'static [Arg],
    /// Whether it is about a run, so that `HF-n` may be named.
    pub takes_run: bool,
    /// Makes the request out of checked arguments.
    pub(super) build: fn(&Args<'_>) -> Result<Request, ParseError>,
}

/// Where a verb stands in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Opening a run and putting fixes into it.
    Begin,
    /// Looking.
    Look,
    /// Saying yes, no or wait.
    Say,
    /// Going on.
    Act,
    /// When it does not go as planned.
    Trouble,
    /// Who may deploy where.
    Lanes,
    /// What remains afterwards.
    After,
    /// The bot itself.
    Bot,
}

impl Group {
    /// All groups, in the order of the help.
    pub const ALL: [Self; 8] =
        [Self::Begin, Self::Look, Self::Say, Self::Act, Self::Trouble, Self::Lanes, Self::After, Self::Bot];

    /// Its heading.
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

/// One thing that stands behind a verb.
#[derive(Debug)]
pub struct Arg {
    /// Its name; for a flag, the word behind `--`.
    pub name: &'static str,
    /// Its piece of the usage line.
    pub shown: &'static str,
    /// How it is written.
    pub form: ArgSyntax,
    /// What it means.
    pub kind: ArgType,
    /// What it is, in one line.
    pub about: &'static str,
}

/// How an argument is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgSyntax {
    /// One word.
    Word,
    /// One word, or none.
    OptionalWord,
    /// One word or more, with spaces or commas between.
    Words,
    /// All that is left, as free text.
    Text,
    /// All that is left, which may be nothing.
    OptionalText,
    /// `--name`.
    Switch,
    /// `--name value`, or nothing.
    Flag,
    /// `--name value`.
    RequiredFlag,
    /// `--name value value, value --name value`, or nothing.
    ManyFlag,
    /// `name value`, or nothing. `--name value` is understood too.
    Keyword,
}

impl ArgSyntax {
    /// Whether it is found by its name instead of its place.
    #[must_use]
    pub fn is_flag(self) -> bool {
        match self {
            Self::Switch | Self::Flag | Self::RequiredFlag | Self::ManyFlag | Self::Keyword => true,
            Self::Word | Self::OptionalWord | Self::Words | Self::Text | Self::OptionalText => false,
        }
    }

    /// Whether a command without it is refused.
    #[must_use]
    pub fn is_required(self) -> bool {
        match self {
            Self::Word | Self::Words | Self::Text | Self::RequiredFlag => true,
            Self::OptionalWord | Self::OptionalText | Self::Switch | Self::Flag | Self::ManyFlag | Self::Keyword => {
                false
            }
        }
    }

    /// Whether it is free text.
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

/// What an argument means: it says what is offered for completion and what a mistyped word is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgType {
    /// A service.
    Service,
    /// A service, or `all`.
    ServiceOrAll,
    /// An environment.
    Environment,
    /// An environment, or `local`.
    Place,
    /// `service/environment`.
    Lane,
    /// A step of the playbook.
    Step,
    /// A pull request or a commit.
    Fix,
    /// A branch, tag, commit or pull request; for a base also `deployed@ENV`.
    Reference,
    /// A commit, by its id or its address.
    Commit,
    /// A name for something that is to be made, or that only the service knows.
    Name,
    /// An address.
    Url,
    /// A length of time.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A verb of this table.
    Verb,
    /// Free text, or nothing to check.
    Text,
    /// Free text of something that takes effect at once: a span of time in it is refused, and this says how its end is set.
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
    /// The verb with this name or alias, in any case. Other bots' `/lgtm` and `.deploy` are understood.
    #[must_use]
    pub fn named(word: &str) -> Option<&'static Self> {
        let word = word.strip_prefix(['/', '.']).unwrap_or(word).to_lowercase();
        VERBS.iter().copied().find(|verb| verb.name == word || verb.aliases.contains(&word.as_str()))
    }

    /// Every name and alias.
    pub fn words() -> impl Iterator<Item = &'static str> {
        VERBS.iter().flat_map(|verb| std::iter::once(verb.name).chain(verb.aliases.iter().copied()))
    }

    /// How it is written: `verify <env>|local pass|fail [note …] [HF-n]`.
    #[must_use]
    pub fn usage(&self) -> String {
        self.usage_pieces().collect::<Vec<_>>().join(" ")
    }

    /// The pieces of the usage line: the verb, each argument, the run.
    pub(super) fn usage_pieces(&self) -> impl Iterator<Item = &'static str> {
        let pieces = self.args.iter().map(|arg| arg.shown).filter(|shown| !shown.is_empty());
        let run = self.takes_run.then_some("[HF-n]");
        std::iter::once(self.name).chain(pieces).chain(run)
    }

    /// The argument with this name, if it is a flag.
    pub(super) fn flag(&self, name: &str) -> Option<&'static Arg> {
        self.flags().find(|arg| arg.name == name)
    }

    /// What is found by name.
    pub fn flags(&self) -> impl Iterator<Item = &'static Arg> {
        self.args.iter().filter(|arg| arg.form.is_flag())
    }

    /// What is found by place.
    pub fn places(&self) -> impl Iterator<Item = &'static Arg> {
        self.args.iter().filter(|arg| !arg.form.is_flag())
    }

    /// Whether free text stands behind it.
    pub(super) fn takes_text(&self) -> bool {
        self.args.iter().any(|arg| arg.form.is_text())
    }
}
