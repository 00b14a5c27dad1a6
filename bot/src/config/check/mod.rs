//! Checks across files. Each check adds its faults and continues; a check is skipped if a file that it needs could not
//! be read.

mod branches;
mod groups;
mod members;
mod playbook;
mod policy;
mod service;
mod step_up;
mod steps;

use super::Config;
use super::diagnostic::Diagnostics;
use super::read::Raw;
use super::source::Sources;
use members::Members;

/// Runs all checks and assembles the valid configuration; `None` if a part is missing, which is reported.
pub(super) fn assemble(raw: Raw, sources: &Sources, sink: &Diagnostics) -> Option<Config> {
    let members = Members::new(raw.people.as_ref(), raw.policy.as_ref(), sink);
    let policy = raw.policy.as_ref().map(|policy| policy::policy(policy, &raw, &members, sink));
    branches::check(&raw, sink);
    let playbooks = playbook::all(&raw, sink);
    let groups = groups::all(&raw, sink);
    let services = service::all(&raw, policy.as_ref(), &members, sink);
    let services = services?;
    let people = raw.people?;
    let config = Config {
        settings: raw.settings?,
        forges: raw.forges,
        services,
        groups,
        policy: policy?.with_people(&people),
        people,
        playbooks: playbooks?,
        digest: sources.digest(),
    };
    Some(config.with_own_ways())
}
