//! Slack ids of users, groups and channels. An account is `T…/U…`: the workspace or organization, then the user. A
//! display name is never an identity (security case 20).

use crate::ids::{PersonRef, Platform};

/// Builds an account from a workspace or organization id and a user id; `None` if either is malformed.
pub(super) fn person(scope: &str, user: &str) -> Option<PersonRef> {
    let fine = is_id(scope, &['T', 'E']) && is_id(user, &['U', 'W']);
    fine.then(|| PersonRef::new(Platform::Slack, format!("{scope}/{user}")))
}

/// Returns the workspace or organization id of a Slack account.
pub(super) fn scope(person: &PersonRef) -> Option<&str> {
    parts(person).map(|(scope, _)| scope)
}

/// Returns the user id of a Slack account.
pub(super) fn user(person: &PersonRef) -> Option<&str> {
    parts(person).map(|(_, user)| user)
}

/// Returns `true` for the id of a channel or direct message.
pub(super) fn is_channel(id: &str) -> bool {
    is_id(id, &['C', 'G', 'D'])
}

/// Returns `true` for the id of a user group.
pub(super) fn is_group(id: &str) -> bool {
    is_id(id, &['S'])
}

/// Selects the id that scopes a user. Organizations have users of their own (`W…`), and an org-wide app installation
/// gets no workspace id.
pub(super) fn home<'a>(
    team: Option<&'a str>,
    enterprise: Option<&'a str>,
    user: &str,
    org_wide: bool,
) -> Option<&'a str> {
    if org_wide || user.starts_with('W') { enterprise.or(team) } else { team.or(enterprise) }
}

fn parts(person: &PersonRef) -> Option<(&str, &str)> {
    let (scope, user) = person.id.split_once('/')?;
    let fine = person.platform == Platform::Slack && is_id(scope, &['T', 'E']) && is_id(user, &['U', 'W']);
    fine.then_some((scope, user))
}

fn is_id(text: &str, first: &[char]) -> bool {
    let shape = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    text.starts_with(first) && (2..=40).contains(&text.len()) && text.chars().all(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An identity is a pair of ids and nothing else (security case 20).
    #[test]
    fn people_are_ids() {
        let ana = person("T0ACME", "U0ANA").map(|ana| ana.id);
        assert_eq!(ana.as_deref(), Some("T0ACME/U0ANA"));
        for (scope, user) in
            [("T0ACME", "ana"), ("acme", "U0ANA"), ("T0ACME", "U0ANA/x"), ("T0ACME", "U"), ("", "U0ANA")]
        {
            assert_eq!(person(scope, user), None, "{scope}/{user}");
        }
        assert_eq!(user(&PersonRef::new(Platform::Discord, "T0ACME/U0ANA")), None);
    }

    #[test]
    fn organisations_are_the_home_of_their_own_users() {
        assert_eq!(home(Some("T1"), Some("E1"), "U1", false), Some("T1"));
        assert_eq!(home(Some("T1"), Some("E1"), "W1", false), Some("E1"));
        assert_eq!(home(None, Some("E1"), "U1", true), Some("E1"));
        assert_eq!(home(Some("T1"), None, "W1", true), Some("T1"));
    }
}
