//! `ack`, `hold`, `unhold`: answers of the authors of included changes, and of stakeholders.

use super::{Group, Request, Role, Verb, reason_lasting};

pub(crate) const ACK: Verb = Verb {
    name: "ack",
    aliases: &[],
    group: Group::Say,
    summary: "you know that your change goes out with this",
    details: "A rider's word: it is kept, and you are not asked again.",
    examples: &["ack", "ack HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[],
    takes_run: true,
    build: |args| Ok(Request::Ack { run: args.run }),
};

pub(crate) const HOLD: Verb = Verb {
    name: "hold",
    aliases: &[],
    group: Group::Say,
    summary: "a rider's or stakeholder's word that it must wait",
    details: "Say why: whoever runs the hotfix decides with you. `unhold` takes it back.",
    examples: &["hold my change needs the new queue first", "hold \"needs the new queue first\" HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[reason_lasting("A hold begins at once and lasts until `unhold`.")],
    takes_run: true,
    build: |args| Ok(Request::Hold { reason: args.text("reason")?, run: args.run }),
};

pub(crate) const UNHOLD: Verb = Verb {
    name: "unhold",
    aliases: &[],
    group: Group::Say,
    summary: "takes a hold back",
    details: "Your own; a captain may take back anybody's.",
    examples: &["unhold", "unhold HF-12"],
    needs: Role::Requester,
    needs_for_others: Some(Role::Captain),
    args: &[],
    takes_run: true,
    build: |args| Ok(Request::Unhold { run: args.run }),
};
