//! `mergeback`: the way back to main.

use super::super::request::MergebackAction;
use super::{Arg, Args, Form, Group, Kind, ParseError, Request, Role, Verb};

/// What the first word can say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Status,
    Waive,
}

pub(crate) const MERGEBACK: Verb = Verb {
    name: "mergeback",
    aliases: &[],
    group: Group::After,
    summary: "how far the way back to main is, or that it is not needed",
    details: "Without a word behind it, the status. `waive` says with a reason that the fix need not go back to main. \
              Anybody may look.",
    examples: &["mergeback", "mergeback status HF-12", "mergeback waive main has a better fix in #140"],
    needs: Role::Captain,
    needs_for_others: None,
    args: &[
        Arg {
            name: "action",
            shown: "[status|waive <reason …>]",
            form: Form::OptionalWord,
            kind: Kind::Choice(&["status", "waive"]),
            about: "`status`, or `waive` with a reason",
        },
        // Shown with the word it belongs to.
        Arg { name: "reason", shown: "", form: Form::OptionalText, kind: Kind::Text, about: "why it need not go back" },
    ],
    takes_run: true,
    build,
};

fn build(args: &Args<'_>) -> Result<Request, ParseError> {
    let wish = if args.switch("action") {
        args.one_of("action", &[("status", Wish::Status), ("waive", Wish::Waive)])?
    } else {
        Wish::Status
    };
    let action = match wish {
        Wish::Status => {
            args.refuse("reason", "`mergeback status` has no place for this.")?;
            MergebackAction::Status
        }
        Wish::Waive => MergebackAction::Waive { reason: args.text("reason")? },
    };
    Ok(Request::Mergeback { action, run: args.run })
}
