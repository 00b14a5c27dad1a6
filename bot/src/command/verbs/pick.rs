//! `pick`: cherry-picks from main onto the hotfix branch.

use super::{Arg, Args, Form, Group, Kind, ParseError, Request, Role, Verb};

pub(crate) const PICK: Verb = Verb {
    name: "pick",
    aliases: &["cherry-pick"],
    group: Group::Begin,
    summary: "cherry-picks from main onto the hotfix branch",
    details: "A conflict stops the pick and leaves the branch as it was. Votes on what was shown before do not count any more.",
    examples: &["pick #101", "pick #101, #102 HF-12", "pick abc1234"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[Arg {
        name: "fix",
        shown: "<PR|sha …>",
        form: Form::Words,
        kind: Kind::Fix,
        about: "pull requests (#101) or commits",
    }],
    takes_run: true,
    build: |args: &Args<'_>| -> Result<Request, ParseError> {
        Ok(Request::Pick { fixes: args.fixes("fix")?, run: args.run })
    },
};
