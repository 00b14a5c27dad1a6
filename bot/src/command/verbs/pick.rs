//! `pick` and `unpick`: add fixes to the hotfix branch, and remove them.

use super::{Arg, ArgSyntax, ArgType, Args, Group, ParseError, Request, Role, Verb};

/// The pull requests or commits to add or remove.
const FIXES: Arg = Arg {
    name: "fix",
    shown: "<PR|sha …>",
    form: ArgSyntax::Words,
    kind: ArgType::Fix,
    about: "pull requests (#101) or commits, by number, id or address",
};

pub(crate) const PICK: Verb = Verb {
    name: "pick",
    aliases: &["cherry-pick"],
    group: Group::Begin,
    summary: "cherry-picks fixes onto the hotfix branch",
    details: "Several fixes are picked in the order in which they landed on main, each once. A conflict stops the pick and \
              leaves the branch as it was. Votes on what was shown before do not count any more.",
    examples: &["pick #101", "pick #101, #102 HF-12", "pick abc1234"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[FIXES],
    takes_run: true,
    build: |args: &Args<'_>| -> Result<Request, ParseError> {
        Ok(Request::Pick { fixes: args.fixes("fix")?, run: args.run })
    },
};

pub(crate) const UNPICK: Verb = Verb {
    name: "unpick",
    aliases: &["drop"],
    group: Group::Begin,
    summary: "takes a fix out of a run, and off its branch",
    details: "Everything else on the branch stays, without it. A conflict leaves the branch as it was. Votes on what was shown \
              before do not count any more. What is live already is taken back with `rollback`.",
    examples: &["unpick #101", "unpick abc1234 HF-12"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[FIXES],
    takes_run: true,
    build: |args: &Args<'_>| -> Result<Request, ParseError> {
        Ok(Request::Unpick { fixes: args.fixes("fix")?, run: args.run })
    },
};
