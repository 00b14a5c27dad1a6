//! `retry`, `drift`, `skip`, `override`, `abort`, `abandon`: handle failures, drift and exceptions.

use super::super::request::DriftChoice;
use super::{Arg, ArgSyntax, ArgType, Args, Group, INCIDENT, ParseError, REASON, Request, Role, Verb};

pub(crate) const RETRY: Verb = Verb {
    name: "retry",
    aliases: &[],
    group: Group::Act,
    summary: "tries the failed step again",
    details: "What is uncertain is looked up first, so that nothing is done twice.",
    examples: &["retry", "retry HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[],
    takes_run: true,
    build: |args| Ok(Request::Retry { run: args.run }),
};

pub(crate) const DRIFT: Verb = Verb {
    name: "drift",
    aliases: &[],
    group: Group::Trouble,
    summary: "what to do when production changed under the run",
    details: "`rebase` puts the fix on what runs now, and everything is asked again; `roll` lets it go out with the regular \
              release; `abort` gives up.",
    examples: &["drift rebase", "drift roll HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[Arg {
        name: "choice",
        shown: "rebase|roll|abort",
        form: ArgSyntax::Word,
        kind: ArgType::Choice(&["rebase", "roll", "abort"]),
        about: "`rebase`, `roll` or `abort`",
    }],
    takes_run: true,
    build: |args| {
        let choices = [DriftChoice::Rebase, DriftChoice::Roll, DriftChoice::Abort].map(|c| (c.as_str(), c));
        Ok(Request::Drift { choice: args.one_of("choice", &choices)?, run: args.run })
    },
};

pub(crate) const SKIP: Verb = Verb {
    name: "skip",
    aliases: &[],
    group: Group::Trouble,
    summary: "leaves out a step that the runbook only recommends",
    details: "A should or a may is skipped with a reason, which is kept. For a must there is `override`; a must not is \
              never lifted.",
    examples: &["skip postmortem nothing was broken for users", "skip verify-local HF-12 no test data here"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[
        Arg {
            name: "step",
            shown: "<step>",
            form: ArgSyntax::Word,
            kind: ArgType::Step,
            about: "which step; `plan` shows their names",
        },
        REASON,
    ],
    takes_run: true,
    build: |args| Ok(Request::Skip { step: args.step("step")?, reason: args.text("reason")?, run: args.run }),
};

pub(crate) const OVERRIDE: Verb = Verb {
    name: "override",
    aliases: &[],
    group: Group::Trouble,
    summary: "lifts a must of the runbook, with a second person",
    details: "Takes a reason, an incident and a second person's approval. It is announced and kept for the post-mortem. A must \
              not is never lifted.",
    examples: &["override review nobody else is awake --incident https://status.example/i/7"],
    needs: Role::Admin,
    needs_for_others: None,
    args: &[
        Arg {
            name: "gate",
            shown: "<gate>",
            form: ArgSyntax::Word,
            kind: ArgType::Step,
            about: "which step blocks; `plan` shows their names",
        },
        REASON,
        INCIDENT,
    ],
    takes_run: true,
    build: build_override,
};

fn build_override(args: &Args<'_>) -> Result<Request, ParseError> {
    Ok(Request::Override {
        gate: args.step("gate")?,
        reason: args.text("reason")?,
        incident: args.url("incident")?,
        run: args.run,
    })
}

pub(crate) const ABORT: Verb = Verb {
    name: "abort",
    aliases: &[],
    group: Group::Trouble,
    summary: "gives up the run",
    details: "What is deployed stays deployed: `rollback` first if it must go. The branch and the record are kept.",
    examples: &["abort the release goes out today anyway", "abort \"not needed any more\" HF-12"],
    needs: Role::Requester,
    needs_for_others: Some(Role::Captain),
    args: &[REASON],
    takes_run: true,
    build: |args| Ok(Request::Abort { reason: args.text("reason")?, run: args.run }),
};

pub(crate) const ABANDON: Verb = Verb {
    name: "abandon",
    aliases: &[],
    group: Group::Trouble,
    summary: "ends the run, whatever state it is in; for captains",
    details: "For a run that `abort` refuses to give up. The lane is free at once. While a deployment may still be running, a \
              second person confirms by saying the same. The way back to main and the review of a broken glass stay open.",
    examples: &["abandon the pipeline hangs and nobody can stop it", "abandon \"the cluster is gone\" HF-12"],
    needs: Role::Viewer,
    needs_for_others: Some(Role::Captain),
    args: &[REASON],
    takes_run: true,
    build: |args| Ok(Request::Abandon { reason: args.text("reason")?, run: args.run }),
};
