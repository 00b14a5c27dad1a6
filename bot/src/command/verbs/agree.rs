//! `triage` and `agree`: the answers that a runbook requires before anything is built.

use super::{Arg, ArgSyntax, ArgType, ErrorCode, Group, ParseError, Request, Role, Verb};
use crate::command::args::Args;
use crate::command::request::TriageWord;

pub(crate) const TRIAGE: Verb = Verb {
    name: "triage",
    aliases: &[],
    group: Group::Say,
    summary: "answers whether a hotfix suits",
    details: "Each criterion by its letter, with yes, no or ?; `rest` is all that have no answer yet. The answers stand in the \
              record.",
    examples: &["triage a=yes d=yes rest=no", "triage c=? HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[Arg {
        name: "answer",
        shown: "<letter>=yes|no|? …",
        form: ArgSyntax::Words,
        kind: ArgType::Choice(&["a=yes", "b=no", "rest=no"]),
        about: "a letter, or `rest`, with yes, no or ?",
    }],
    takes_run: true,
    build: |args| Ok(Request::Triage { answers: answers(args)?, run: args.run }),
};

fn answers(args: &Args<'_>) -> Result<Vec<TriageWord>, ParseError> {
    args.each("answer", |text| text.parse()).map_err(|(span, why)| ParseError::new(ErrorCode::BadValue, span, why))
}

pub(crate) const AGREE: Verb = Verb {
    name: "agree",
    aliases: &[],
    group: Group::Say,
    summary: "a stakeholder's agreement, if the runbook asks for it",
    details: "To the step whose turn it is, or to the one you name. Whoever asked for the hotfix does not agree with \
              themselves. If you do not agree, say `hold` and why.",
    examples: &["agree", "agree HF-12"],
    needs: Role::Viewer,
    needs_for_others: None,
    args: &[Arg {
        name: "step",
        shown: "[step]",
        form: ArgSyntax::OptionalWord,
        kind: ArgType::Step,
        about: "which step asks; `plan` shows their names",
    }],
    takes_run: true,
    build: |args| Ok(Request::Agree { step: args.optional_step("step")?, run: args.run }),
};
