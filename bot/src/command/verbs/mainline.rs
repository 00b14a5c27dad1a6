//! `mergeback`: the merge back to mainline.

use super::super::request::MergebackAction;
use super::{Arg, ArgSyntax, ArgType, Args, Group, ParseError, Request, Role, Verb};

/// The action that the first word selects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Status,
    Confirm,
    Waive,
}

pub(crate) const MERGEBACK: Verb = Verb {
    name: "mergeback",
    aliases: &[],
    group: Group::After,
    summary: "the way back to main: its state, or that none is due",
    details: "Without a word behind it, the status. `confirm` says that main still has the fix after its lines were \
              rewritten there. `waive` says with a reason that the fix need not go back to main; that takes a captain. \
              Anybody may look.",
    examples: &[
        "mergeback",
        "mergeback status HF-12",
        "mergeback confirm uploads work on main",
        "mergeback waive main has a better fix in #140",
    ],
    needs: Role::Captain,
    needs_for_others: None,
    args: &[
        Arg {
            name: "action",
            shown: "[status|confirm|waive <reason …>]",
            form: ArgSyntax::OptionalWord,
            kind: ArgType::Choice(&["status", "confirm", "waive"]),
            about: "`status`, `confirm`, or `waive` with a reason",
        },
        // The usage of `action` already shows it.
        Arg {
            name: "reason",
            shown: "",
            form: ArgSyntax::OptionalText,
            kind: ArgType::Text,
            about: "what you saw on main, or why it need not go back",
        },
    ],
    takes_run: true,
    build,
};

fn build(args: &Args<'_>) -> Result<Request, ParseError> {
    let wish = if args.switch("action") {
        args.one_of("action", &[("status", Wish::Status), ("confirm", Wish::Confirm), ("waive", Wish::Waive)])?
    } else {
        Wish::Status
    };
    let action = match wish {
        Wish::Status => {
            args.refuse("reason", "`mergeback status` has no place for this.")?;
            MergebackAction::Status
        }
        Wish::Confirm => MergebackAction::Confirm { note: args.optional_text("reason") },
        Wish::Waive => MergebackAction::Waive { reason: args.text("reason")? },
    };
    Ok(Request::Mergeback { action, run: args.run })
}
