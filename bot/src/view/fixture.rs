//! The test run of the view tests, with its readers.

use hotfix_adapters::ids::Platform;

use super::Audience;
pub(super) use crate::fixture::*;

impl Play {
    pub(super) fn to(&self) -> Audience<'_> {
        Audience { people: &self.people, policy: &self.policy, groups: &self.groups, platform: Platform::Console }
    }
}
