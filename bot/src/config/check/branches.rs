//! Checks the branch schemes of each repository (requirements 3.1): git stores branches as files, so `hotfix` and
//! `hotfix/x` cannot exist together.

use super::super::diagnostic::{Diagnostic, Diagnostics, Located};
use super::super::read::{Raw, RawPlaybook, RawService};
use crate::domain::playbook::BranchScheme;

/// Checks each service, and each pair of services that share a repository.
pub(super) fn check(raw: &Raw, sink: &Diagnostics) {
    for (index, service) in raw.services.iter().enumerate() {
        let Some((playbook, scheme)) = scheme_of(service, raw) else {
            continue;
        };
        against_main(service, playbook, scheme, sink);
        for other in raw.services.iter().take(index) {
            if let Some((_, theirs)) = scheme_of(other, raw) {
                against_each_other((other, theirs), (service, scheme), sink);
            }
        }
    }
}

fn scheme_of<'a>(service: &RawService, raw: &'a Raw) -> Option<(&'a RawPlaybook, &'a Located<BranchScheme>)> {
    let wanted = &service.playbook.as_ref()?.value;
    let playbook = raw.playbooks.iter().find(|playbook| &playbook.id == wanted)?;
    Some((playbook, playbook.branch.as_ref()?))
}

fn against_main(service: &RawService, playbook: &RawPlaybook, scheme: &Located<BranchScheme>, sink: &Diagnostics) {
    let Some(main) = &service.main else { return };
    let same = matches!(&scheme.value, BranchScheme::Fixed(name) if name == main.value.as_str());
    if same || collide(&scheme.value, &BranchScheme::Fixed(main.value.to_string())) {
        let what = format!("the main line of {} and the branch for its fix cannot both be there", service.name);
        let next = "git holds a name either as a branch or as a folder of branches: rename one of the two";
        let label = format!("the main line is {}", main.value);
        let theirs = format!("the playbook {} makes {}", playbook.id, in_words(&scheme.value));
        sink.add(Diagnostic::at(main.at, what, label, next).see(scheme.at, theirs));
    }
}

fn against_each_other(
    (first, theirs): (&RawService, &Located<BranchScheme>),
    (second, ours): (&RawService, &Located<BranchScheme>),
    sink: &Diagnostics,
) {
    let (Some(repo), Some(other_repo)) = (&second.repo, &first.repo) else {
        return;
    };
    let (Some(playbook), Some(other_playbook)) = (&second.playbook, &first.playbook) else {
        return;
    };
    if repo.value != other_repo.value || !collide(&ours.value, &theirs.value) {
        return;
    }
    let what = format!(
        "{} and {} share the repository {}, and git cannot hold {} beside {}",
        first.name,
        second.name,
        repo.value,
        in_words(&theirs.value),
        in_words(&ours.value)
    );
    let next = "give both services playbooks with the same scheme for branches";
    let fault = Diagnostic::at(playbook.at, what, format!("{} makes {}", second.name, in_words(&ours.value)), next);
    sink.add(fault.see(other_playbook.at, format!("{} makes {}", first.name, in_words(&theirs.value))));
}

/// Returns `true` if a branch of one scheme can be a folder of the other's branches.
fn collide(one: &BranchScheme, other: &BranchScheme) -> bool {
    let inside = |folder: &str, name: &str| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    match (one, other) {
        (BranchScheme::Fixed(a), BranchScheme::Fixed(b)) => inside(a, b) || inside(b, a),
        (BranchScheme::Fixed(name), BranchScheme::Slug { prefix } | BranchScheme::Ticket { prefix })
        | (BranchScheme::Slug { prefix } | BranchScheme::Ticket { prefix }, BranchScheme::Fixed(name)) => {
            inside(name, prefix)
        }
        // Two prefixes collide only if a title turns one into the folder of the other; the forge refuses that branch.
        (
            BranchScheme::Slug { .. } | BranchScheme::Ticket { .. },
            BranchScheme::Slug { .. } | BranchScheme::Ticket { .. },
        )
        | (BranchScheme::None, _)
        | (_, BranchScheme::None) => false,
    }
}

fn in_words(scheme: &BranchScheme) -> String {
    match scheme {
        BranchScheme::Fixed(name) => format!("`{name}`"),
        BranchScheme::Slug { prefix } | BranchScheme::Ticket { prefix } => format!("`{prefix}…`"),
        BranchScheme::None => "no branch".to_owned(),
    }
}
