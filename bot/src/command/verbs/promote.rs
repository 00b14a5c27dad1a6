//! `promote`: an ordinary promotion of mainline, by the service's own runbook.

use super::{Arg, ArgSyntax, ArgType, Args, Group, ParseError, Request, Role, SERVICE, Verb};

pub(crate) const PROMOTE: Verb = Verb {
    name: "promote",
    aliases: &["qr-promote"],
    group: Group::Begin,
    summary: "promotes what is on main to production",
    details: "What is promoted is pinned: main as it is now, or the commit that you name. Those whose changes come along are \
              told, and block nothing.",
    examples: &[
        "promote payments",
        "promote payments abc1234 --only ci",
        "promote payments --schema-first 1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e",
    ],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[
        SERVICE,
        Arg {
            name: "ref",
            shown: "[REF]",
            form: ArgSyntax::OptionalWord,
            kind: ArgType::Reference,
            about: "what to promote, when not main as it is now",
        },
        Arg {
            name: "only",
            shown: "[--only target …]",
            form: ArgSyntax::ManyFlag,
            kind: ArgType::Name,
            about: "the targets to promote, when not all; with spaces or commas between",
        },
        Arg {
            name: "schema-first",
            shown: "[--schema-first COMMIT]",
            form: ArgSyntax::Flag,
            kind: ArgType::Commit,
            about: "the commit of the schemas that it depends on, which is promoted before it",
        },
    ],
    takes_run: false,
    build,
};

fn build(args: &Args<'_>) -> Result<Request, ParseError> {
    Ok(Request::Promote {
        service: args.service("service")?,
        target: args.reference("ref")?,
        only: args.names("only")?,
        schema: args.commit("schema-first")?,
    })
}
