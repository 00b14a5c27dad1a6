//! `start`: opens a run for a hotfix.

use super::{Arg, ArgSyntax, ArgType, Args, Group, ParseError, Request, Role, SERVICE, Verb};

pub(crate) const START: Verb = Verb {
    name: "start",
    aliases: &[],
    group: Group::Begin,
    summary: "opens a run for a service",
    details: "Tells the team, finds what production runs, and waits for the fix on a branch of its own. Nothing is deployed \
              without a command. In Slack, a start without a service opens a form with the triage questions.",
    examples: &[
        "start payments \"Fix 500 on upload\" --fix #101",
        "start payments Fix 500 on upload --incident https://status.example/i/7 --ticket PAY-12 --fix #101, abc1234",
        "start payments \"Fix 500 on upload\" --from deployed@production",
    ],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[
        SERVICE,
        Arg {
            name: "title",
            shown: "[\"title\"]",
            form: ArgSyntax::OptionalText,
            kind: ArgType::Text,
            about: "what the fix does",
        },
        Arg {
            name: "incident",
            shown: "[--incident URL]",
            form: ArgSyntax::Flag,
            kind: ArgType::Url,
            about: "the address of the incident behind it",
        },
        Arg {
            name: "ticket",
            shown: "[--ticket KEY]",
            form: ArgSyntax::Flag,
            kind: ArgType::Text,
            about: "the ticket behind it",
        },
        Arg {
            name: "fix",
            shown: "[--fix PR|sha …]",
            form: ArgSyntax::ManyFlag,
            kind: ArgType::Fix,
            about: "pull requests (#101), commits or their addresses, with spaces or commas between",
        },
        Arg {
            name: "from",
            shown: "[--from deployed@ENV|REF]",
            form: ArgSyntax::Flag,
            kind: ArgType::Reference,
            about: "where to branch from, when the playbook leaves a choice",
        },
        Arg {
            name: "branch",
            shown: "[--branch NAME]",
            form: ArgSyntax::Flag,
            kind: ArgType::Name,
            about: "what to call the branch that carries the fix, when it has one of its own",
        },
        Arg {
            name: "only",
            shown: "[--only PRODUCTION …]",
            form: ArgSyntax::ManyFlag,
            kind: ArgType::Name,
            about: "the productions it is for, when there are several and not all run the same",
        },
        Arg {
            name: "exceptional",
            shown: "[--exceptional]",
            form: ArgSyntax::Switch,
            kind: ArgType::Text,
            about: "take the playbook's exceptional path, if its capabilities are there",
        },
    ],
    takes_run: false,
    build,
};

fn build(args: &Args<'_>) -> Result<Request, ParseError> {
    Ok(Request::Start {
        service: args.service("service")?,
        title: args.optional_text("title"),
        incident: args.optional_url("incident")?,
        ticket: args.optional_text("ticket"),
        fixes: args.fixes("fix")?,
        from: args.base("from")?,
        exceptional: args.switch("exceptional"),
        branch: args.name("branch")?,
        only: args.names("only")?,
    })
}
