//! `deploy` and `rollback`.

use super::{Arg, ArgSyntax, ArgType, ENVIRONMENT, Group, REASON, Request, Role, Verb};

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
    details: "Back to what ran there before this run deployed, or `to` something else that ran there. The bot looks first what \
              runs: when somebody else deployed meanwhile, it says what would be lost, and goes on only when `to` is typed. Freezes \
              do not stop it, except that of everything. Migrations are not undone.",
    examples: &[
        "rollback production every upload is slow now",
        "rollback production to v1.4.2 it loses receipts HF-12",
    ],
    needs: Role::Viewer,
    needs_for_others: Some(Role::Captain),
    args: &[
        ENVIRONMENT,
        Arg {
            name: "to",
            shown: "[to REF]",
            form: ArgSyntax::Keyword,
            kind: ArgType::Reference,
            about: "a tag, commit or pull request that ran there before",
        },
        REASON,
    ],
    takes_run: true,
    build: |args| {
        Ok(Request::Rollback {
            environment: args.environment("env")?,
            to: args.reference("to")?,
            reason: args.text("reason")?,
            run: args.run,
        })
    },
};
