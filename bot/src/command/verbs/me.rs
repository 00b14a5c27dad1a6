//! `whoami`, `help`, `ping`: verbs about the bot itself.

use super::{Arg, ArgSyntax, ArgType, Args, ErrorCode, Group, ParseError, Request, Role, Verb, nearest, shown};

pub(crate) const WHOAMI: Verb = Verb {
    name: "whoami",
    aliases: &[],
    group: Group::Bot,
    summary: "who the bot takes you for, and what you may do",
    details: "Your accounts, your role for each service, what your vote counts for, and what to do about what you may not.",
    examples: &["whoami"],
    needs: Role::Viewer,
    needs_for_others: None,
    args: &[],
    takes_run: false,
    build: |_| Ok(Request::Whoami),
};

pub(crate) const HELP: Verb = Verb {
    name: "help",
    aliases: &["?"],
    group: Group::Bot,
    summary: "this page, or the page of one verb",
    details: "`--help` behind a verb is the same.",
    examples: &["help", "help start"],
    needs: Role::Viewer,
    needs_for_others: None,
    args: &[Arg {
        name: "verb",
        shown: "[verb]",
        form: ArgSyntax::OptionalWord,
        kind: ArgType::Verb,
        about: "which verb",
    }],
    takes_run: false,
    build,
};

fn build(args: &Args<'_>) -> Result<Request, ParseError> {
    let Some(word) = args.optional_text("verb") else {
        return Ok(Request::Help { verb: None });
    };
    if let Some(verb) = Verb::named(&word) {
        return Ok(Request::Help { verb: Some(verb.name.to_owned()) });
    }
    let message = format!("There is no verb {}.", shown(&word));
    let error = ParseError::new(ErrorCode::UnknownVerb, args.place_of("verb"), message);
    Err(error.suggesting(nearest(&word, Verb::words())))
}

pub(crate) const PING: Verb = Verb {
    name: "ping",
    aliases: &[],
    group: Group::Bot,
    summary: "whether the bot is there",
    details: "Answers with its version and how long it has been up.",
    examples: &["ping"],
    needs: Role::Viewer,
    needs_for_others: None,
    args: &[],
    takes_run: false,
    build: |_| Ok(Request::Ping),
};
