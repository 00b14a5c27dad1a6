//! `identify`: maps an unknown contributor to a person.

use super::{Arg, ArgSyntax, ArgType, Group, Request, Role, Verb};

pub(crate) const IDENTIFY: Verb = Verb {
    name: "identify",
    aliases: &[],
    group: Group::Say,
    summary: "states who an unknown contributor is",
    details: "For a captain who neither asked for the change nor worked on it, and who then does not vote in this run. The \
              vote request shows the address. Name the person; with `--outside` describe somebody who is not in people.toml. \
              Without that statement one more approver is needed.",
    examples: &["identify jo@example.org ben", "identify github:583231 Jo Miller of Acme --outside"],
    needs: Role::Captain,
    needs_for_others: None,
    args: &[
        Arg {
            name: "address",
            shown: "<address>",
            form: ArgSyntax::Word,
            kind: ArgType::Text,
            about: "the address or account that the vote request shows",
        },
        Arg {
            name: "who",
            shown: "<who …>",
            form: ArgSyntax::Text,
            kind: ArgType::Text,
            about: "a person of people.toml, by name or mention",
        },
        Arg {
            name: "outside",
            shown: "[--outside]",
            form: ArgSyntax::Switch,
            kind: ArgType::Text,
            about: "it is somebody who is not in people.toml",
        },
    ],
    takes_run: true,
    build: |args| {
        Ok(Request::Identify {
            address: args.text("address")?,
            who: args.text("who")?,
            outside: args.switch("outside"),
            run: args.run,
        })
    },
};
