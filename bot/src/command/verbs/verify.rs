//! `verify`: records an attestation of a manual check.

use super::{Arg, ArgSyntax, ArgType, Args, Group, ParseError, Request, Role, Verb};

pub(crate) const VERIFY: Verb = Verb {
    name: "verify",
    aliases: &[],
    group: Group::Act,
    summary: "your word on whether the fix works there",
    details: "Bound to what was deployed there at that moment; a later deployment asks again. `local` is your own machine.",
    examples: &["verify staging pass", "verify staging fail upload still gives 500 HF-12", "verify local pass"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[
        Arg {
            name: "place",
            shown: "<env>|local",
            form: ArgSyntax::Word,
            kind: ArgType::Place,
            about: "where you looked: an environment, or `local`",
        },
        Arg {
            name: "verdict",
            shown: "pass|fail",
            form: ArgSyntax::Word,
            kind: ArgType::Choice(&["pass", "fail"]),
            about: "whether it works there, `pass` or `fail`",
        },
        Arg {
            name: "note",
            shown: "[note …]",
            form: ArgSyntax::OptionalText,
            kind: ArgType::Text,
            about: "what you saw",
        },
    ],
    takes_run: true,
    build,
};

fn build(args: &Args<'_>) -> Result<Request, ParseError> {
    Ok(Request::Verify {
        place: args.place("place")?,
        pass: args.one_of("verdict", &[("pass", true), ("fail", false)])?,
        note: args.optional_text("note"),
        run: args.run,
    })
}
