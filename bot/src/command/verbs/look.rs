//! Read-only verbs. Only the caller sees the answer.

use super::{Arg, ArgSyntax, ArgType, Group, Request, Role, SERVICE, Verb};

/// Defaults for read-only verbs about a run.
const LOOK: Verb = Verb {
    name: "",
    aliases: &[],
    group: Group::Look,
    summary: "",
    details: "",
    examples: &[],
    needs: Role::Viewer,
    needs_for_others: None,
    args: &[],
    takes_run: true,
    build: |args| Ok(Request::Status { run: args.run }),
};

pub(crate) const STATUS: Verb = Verb {
    name: "status",
    summary: "the run's card: where it stands, who is waited for",
    details: "Without HF-n: the run of this thread, or the only one you have open.",
    examples: &["status", "status HF-12"],
    ..LOOK
};

pub(crate) const PLAN: Verb = Verb {
    name: "plan",
    aliases: &["noop"],
    summary: "every step that is left, who must act, what blocks",
    details: "Shows what each step will do and the digest of the plan. Nothing is done.",
    examples: &["plan", "plan HF-12"],
    build: |args| Ok(Request::Plan { run: args.run }),
    ..LOOK
};

pub(crate) const WHO: Verb = Verb {
    name: "who",
    summary: "whose commits ride along, and what they said",
    details: "The riders' words do not block unless the playbook says so; `hold` asks for a pause.",
    examples: &["who", "who HF-12"],
    build: |args| Ok(Request::Who { run: args.run }),
    ..LOOK
};

pub(crate) const TIMELINE: Verb = Verb {
    name: "timeline",
    summary: "what happened in the run, in order",
    details: "From the journal: who did what and when, ready for the post-mortem.",
    examples: &["timeline", "timeline HF-12"],
    build: |args| Ok(Request::Timeline { run: args.run }),
    ..LOOK
};

pub(crate) const LIST: Verb = Verb {
    name: "list",
    summary: "the runs",
    details: "The newest first.",
    examples: &["list", "list --mine --open", "list --service payments"],
    args: &[
        Arg {
            name: "mine",
            shown: "[--mine]",
            form: ArgSyntax::Switch,
            kind: ArgType::Text,
            about: "what waits for you, and only the runs that you opened",
        },
        Arg {
            name: "open",
            shown: "[--open]",
            form: ArgSyntax::Switch,
            kind: ArgType::Text,
            about: "only those that are not over",
        },
        Arg {
            name: "service",
            shown: "[--service NAME]",
            form: ArgSyntax::Flag,
            kind: ArgType::Service,
            about: "only those of one service",
        },
    ],
    takes_run: false,
    build: |args| {
        Ok(Request::List {
            mine: args.switch("mine"),
            open: args.switch("open"),
            service: args.optional_service("service")?,
        })
    },
    ..LOOK
};

pub(crate) const WHERE: Verb = Verb {
    name: "where",
    aliases: &["wcid"],
    summary: "what runs where, who holds it, may I deploy",
    details: "For each environment: the version, where that is known from, and the lease on it.",
    examples: &["where payments"],
    args: &[SERVICE],
    takes_run: false,
    build: |args| Ok(Request::Where { service: args.service("service")? }),
    ..LOOK
};
