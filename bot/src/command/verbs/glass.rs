//! `break-glass` and `countersign`: a deployment without votes in an emergency, and its review afterwards.

use super::{Arg, ArgSyntax, ArgType, Args, ENVIRONMENT, Group, INCIDENT, ParseError, REASON, Request, Role, Verb};

pub(crate) const BREAK_GLASS: Verb = Verb {
    name: "break-glass",
    aliases: &["breakglass"],
    group: Group::Trouble,
    summary: "sets the votes on a deployment aside, in an emergency",
    details: "Only for those who are listed for it in policy.toml, and once a day for each service. Type what would ship; it \
              counts for that commit alone. It stands in for votes, and for no check, hold, freeze, lock or no. The audit channel \
              is told, and somebody who was not involved has to `countersign` before the run ends.",
    examples: &["break-glass production every payment fails and nobody else is awake --commit 1a2b3c4 --incident \
         https://status.example/i/7"],
    needs: Role::Viewer,
    needs_for_others: None,
    args: &[
        ENVIRONMENT,
        REASON,
        Arg {
            name: "commit",
            shown: "--commit SHA",
            form: ArgSyntax::RequiredFlag,
            kind: ArgType::Commit,
            about: "what would ship, 7 digits or more, typed by hand",
        },
        INCIDENT,
    ],
    takes_run: true,
    build: break_glass,
};

fn break_glass(args: &Args<'_>) -> Result<Request, ParseError> {
    Ok(Request::BreakGlass {
        environment: args.environment("env")?,
        reason: args.text("reason")?,
        commit: args.needed_commit("commit")?,
        incident: args.url("incident")?,
        run: args.run,
    })
}

pub(crate) const COUNTERSIGN: Verb = Verb {
    name: "countersign",
    aliases: &[],
    group: Group::Trouble,
    summary: "your word on what went out by a broken glass",
    details: "From somebody who neither asked for the hotfix, nor wrote it, nor broke the glass. The run does not end without \
              it. An objection says why; both stand in the post-mortem.",
    examples: &["countersign ok", "countersign objection the votes could have been had HF-12"],
    needs: Role::Approver,
    needs_for_others: None,
    args: &[
        Arg {
            name: "verdict",
            shown: "ok|objection",
            form: ArgSyntax::Word,
            kind: ArgType::Choice(&["ok", "objection"]),
            about: "whether it was right, `ok` or `objection`",
        },
        Arg {
            name: "note",
            shown: "[note …]",
            form: ArgSyntax::OptionalText,
            kind: ArgType::Text,
            about: "what you think of it; an objection needs one",
        },
    ],
    takes_run: true,
    build: |args| {
        Ok(Request::Countersign {
            ok: args.one_of("verdict", &[("ok", true), ("objection", false)])?,
            note: args.optional_text("note"),
            run: args.run,
        })
    },
};
