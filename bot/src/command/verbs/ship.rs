//! `deploy` and `rollback`: do, and undo beside it.

use super::{Arg, ENVIRONMENT, Form, Group, Kind, Request, Role, Verb};

pub(crate) const DEPLOY: Verb = Verb {
    name: "deploy",
    aliases: &[],
    group: Group::Act,
    summary: "deploys exactly what was approved",
    details: "Only the approved commit, only when every step before it is done, and only where you say.",
    examples: &["deploy staging", "deploy production HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[ENVIRONMENT],
    takes_run: true,
    build: |args| Ok(Request::Deploy { environment: args.environment("env")?, run: args.run }),
};

pub(crate) const ROLLBACK: Verb = Verb {
    name: "rollback",
    aliases: &[],
    group: Group::Trouble,
    summary: "puts an environment back to what ran before",
    details: "Without `to`, back to what ran there before this run deployed. Migrations are not undone.",
    examples: &["rollback production", "rollback production to v1.4.2 HF-12"],
    needs: Role::Captain,
    needs_for_others: None,
    args: &[
        ENVIRONMENT,
        Arg {
            name: "to",
            shown: "[to REF]",
            form: Form::Keyword,
            kind: Kind::Reference,
            about: "a tag or commit that ran there before",
        },
    ],
    takes_run: true,
    build: |args| {
        Ok(Request::Rollback { environment: args.environment("env")?, to: args.reference("to")?, run: args.run })
    },
};
