//! `note`, `postmortem`, `close`: records, and the end of a run.

use super::{Arg, ArgSyntax, ArgType, Group, Request, Role, Verb};

pub(crate) const NOTE: Verb = Verb {
    name: "note",
    aliases: &[],
    group: Group::After,
    summary: "a line for the timeline",
    details: "It is kept in the journal as you typed it and cannot be taken back: no passwords, no customers' data.",
    examples: &["note error rate is back to normal", "note HF-12 error rate is back to normal"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[Arg { name: "text", shown: "<text …>", form: ArgSyntax::Text, kind: ArgType::Text, about: "the line" }],
    takes_run: true,
    build: |args| Ok(Request::Note { text: args.text("text")?, run: args.run }),
};

pub(crate) const POSTMORTEM: Verb = Verb {
    name: "postmortem",
    aliases: &["post-mortem"],
    group: Group::After,
    summary: "shows the post-mortem, or says where the team's is",
    details: "With an address, it is kept with the run and the reminders end. Without, a draft from the timeline, \
              for anybody who may look.",
    examples: &["postmortem", "postmortem https://wiki.example/pm/7 HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[Arg {
        name: "url",
        shown: "[URL]",
        form: ArgSyntax::OptionalWord,
        kind: ArgType::Url,
        about: "the address of the post-mortem",
    }],
    takes_run: true,
    build: |args| Ok(Request::Postmortem { url: args.optional_url("url")?, run: args.run }),
};

pub(crate) const CLOSE: Verb = Verb {
    name: "close",
    aliases: &[],
    group: Group::After,
    summary: "closes a run that is done",
    details: "Refused while a must is open; the refusal says which.",
    examples: &["close", "close HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[],
    takes_run: true,
    build: |args| Ok(Request::Close { run: args.run }),
};
