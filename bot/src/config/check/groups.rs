//! Checks that chat groups have a valid format for the configured chat. `hotfix doctor` checks that they exist.

use std::collections::BTreeMap;

use super::super::chat::ChatKind;
use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::read::Raw;
use crate::domain::group::ChatGroup;
use crate::domain::id::ServiceName;

/// Returns the chat groups of every service.
pub(super) fn all(raw: &Raw, sink: &Diagnostics) -> BTreeMap<ServiceName, Vec<ChatGroup>> {
    let kind = raw.settings.as_ref().map(|settings| &settings.chat.kind);
    let mut groups = BTreeMap::new();
    for service in &raw.services {
        for group in &service.notify {
            let next = match kind {
                Some(ChatKind::Slack(_)) if !is_slacks(&group.value.id) => {
                    "write the id of a user group, S…: in Slack, at the group under People, Copy group ID"
                }
                Some(ChatKind::Discord(_)) if !group.value.id.bytes().all(|byte| byte.is_ascii_digit()) => {
                    "write the number of a role: in developer mode, Copy Role ID"
                }
                Some(ChatKind::Console | ChatKind::Slack(_) | ChatKind::Discord(_)) | None => continue,
            };
            let what = format!("{:?} is no group of the chat that is used", group.value.id);
            sink.add(Diagnostic::at(group.at, what, "not an id of a group", next));
        }
        let all = service.notify.iter().map(|group| group.value.clone()).collect();
        groups.insert(service.name.clone(), all);
    }
    groups
}

fn is_slacks(id: &str) -> bool {
    let plain = id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    plain && id.starts_with('S') && (2..=40).contains(&id.len())
}
