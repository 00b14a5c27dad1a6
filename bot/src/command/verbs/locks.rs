//! `lock`, `renew`, `unlock`, `steal`, `locks`: leases on lanes, each with an owner, a reason and an expiry.

use super::{Arg, ArgSyntax, ArgType, Group, LANE, REASON, Request, Role, Verb, reason_lasting};

/// The requested length of a lease.
const TTL: Arg = Arg {
    name: "ttl",
    shown: "[--ttl 2h]",
    form: ArgSyntax::Flag,
    kind: ArgType::Duration,
    about: "for how long from now: 90m, 2h, 1d",
};

pub(crate) const LOCK: Verb = Verb {
    name: "lock",
    aliases: &[],
    group: Group::Lanes,
    summary: "takes a lease: nobody else deploys there meanwhile",
    details: "It ends by itself; you are told before it does.",
    examples: &["lock payments/production --ttl 2h migrating the database", "lock payments/staging testing an upgrade"],
    needs: Role::Requester,
    needs_for_others: None,
    args: &[LANE, TTL, reason_lasting("A lock begins at once and lasts for `--ttl`, such as `--ttl 2h`.")],
    takes_run: false,
    build: |args| {
        let (service, environment) = args.lane(LANE.name)?;
        Ok(Request::Lock { service, environment, ttl_minutes: args.minutes("ttl")?, reason: args.text("reason")? })
    },
};

pub(crate) const RENEW: Verb = Verb {
    name: "renew",
    aliases: &[],
    group: Group::Lanes,
    summary: "prolongs your lease",
    details: "Only while it lasts: an ended lease is taken anew with `lock`.",
    examples: &["renew payments/production", "renew payments/production --ttl 90m"],
    needs: Role::Requester,
    needs_for_others: Some(Role::Captain),
    args: &[LANE, TTL],
    takes_run: false,
    build: |args| {
        let (service, environment) = args.lane(LANE.name)?;
        Ok(Request::Renew { service, environment, ttl_minutes: args.minutes("ttl")? })
    },
};

pub(crate) const UNLOCK: Verb = Verb {
    name: "unlock",
    aliases: &[],
    group: Group::Lanes,
    summary: "gives your lease back",
    details: "Somebody else's lease is taken from them with `steal`.",
    examples: &["unlock payments/production"],
    needs: Role::Requester,
    needs_for_others: Some(Role::Captain),
    args: &[LANE],
    takes_run: false,
    build: |args| {
        let (service, environment) = args.lane(LANE.name)?;
        Ok(Request::Unlock { service, environment })
    },
};

pub(crate) const STEAL: Verb = Verb {
    name: "steal",
    aliases: &[],
    group: Group::Lanes,
    summary: "takes somebody's lease from them",
    details: "They are told, and so is the channel. What they had begun with the old lease is refused from then on.",
    examples: &["steal payments/production Ben is on a plane and production is down"],
    needs: Role::Captain,
    needs_for_others: None,
    args: &[LANE, REASON],
    takes_run: false,
    build: |args| {
        let (service, environment) = args.lane(LANE.name)?;
        Ok(Request::Steal { service, environment, reason: args.text("reason")? })
    },
};

pub(crate) const LOCKS: Verb = Verb {
    name: "locks",
    aliases: &[],
    group: Group::Lanes,
    summary: "who holds what, why and until when",
    details: "All services and environments.",
    examples: &["locks"],
    needs: Role::Viewer,
    needs_for_others: None,
    args: &[],
    takes_run: false,
    build: |_| Ok(Request::Locks),
};
