//! `freeze` and `unfreeze`: stop and resume all deployments of a service, or of every service.

use super::{Arg, ArgSyntax, ArgType, Group, Request, Role, Verb, reason_lasting};

/// The service to freeze or unfreeze, or `all`.
const SCOPE: Arg = Arg {
    name: "service",
    shown: "<service>|all",
    form: ArgSyntax::Word,
    kind: ArgType::ServiceOrAll,
    about: "which service, or `all`",
};

pub(crate) const FREEZE: Verb = Verb {
    name: "freeze",
    aliases: &[],
    group: Group::Lanes,
    summary: "no deployments until it is lifted",
    details: "At once, also for what was decided and has not begun: no deployment and no merge begins, and `freeze all` also \
              leaves branches and pull requests alone. What has begun is finished or fails.",
    examples: &["freeze payments \"the audit runs until Friday\"", "freeze all the network is down"],
    needs: Role::Admin,
    needs_for_others: None,
    args: &[
        SCOPE,
        reason_lasting(
            "A freeze begins at once and lasts until `unfreeze`; one with dates is a `[[freeze]]` in policy.toml.",
        ),
    ],
    takes_run: false,
    build: |args| Ok(Request::Freeze { service: args.service_or_all("service")?, reason: args.text("reason")? }),
};

pub(crate) const UNFREEZE: Verb = Verb {
    name: "unfreeze",
    aliases: &["thaw"],
    group: Group::Lanes,
    summary: "lifts a freeze",
    details: "`all` lifts the freeze of all; a service that was frozen by itself stays so.",
    examples: &["unfreeze payments", "unfreeze all"],
    needs: Role::Admin,
    needs_for_others: None,
    args: &[SCOPE],
    takes_run: false,
    build: |args| Ok(Request::Unfreeze { service: args.service_or_all("service")? }),
};
