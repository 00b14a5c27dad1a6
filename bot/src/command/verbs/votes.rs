//! `approve`, `unapprove`, `reject`: votes on exactly the shown deployment.

use super::{Group, REASON, Request, Role, Verb};

pub(crate) const APPROVE: Verb = Verb {
    name: "approve",
    aliases: &["lgtm", "r+"],
    group: Group::Say,
    summary: "a vote for exactly what is shown",
    details: "The vote is bound to the commit and plan that the prompt shows; when either changes, it does not count any more. \
              The buttons and ✅ on the prompt are the same act. Authors of the change cannot vote for it.",
    examples: &["approve", "approve HF-12"],
    needs: Role::Approver,
    needs_for_others: None,
    args: &[],
    takes_run: true,
    build: |args| Ok(Request::Approve { run: args.run }),
};

pub(crate) const UNAPPROVE: Verb = Verb {
    name: "unapprove",
    aliases: &[],
    group: Group::Say,
    summary: "takes your vote back",
    details: "As long as nothing was deployed because of it.",
    examples: &["unapprove", "unapprove HF-12"],
    needs: Role::Approver,
    needs_for_others: None,
    args: &[],
    takes_run: true,
    build: |args| Ok(Request::Unapprove { run: args.run }),
};

pub(crate) const REJECT: Verb = Verb {
    name: "reject",
    aliases: &["r-"],
    group: Group::Say,
    summary: "a vote against what is shown",
    details: "It blocks until you take it back with `unapprove`, or what is shown changes.",
    examples: &["reject the migration locks the table", "reject HF-12 the migration locks the table"],
    needs: Role::Approver,
    needs_for_others: None,
    args: &[REASON],
    takes_run: true,
    build: |args| Ok(Request::Reject { reason: args.text("reason")?, run: args.run }),
};
