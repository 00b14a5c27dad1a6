//! The image of the deployable commit: looked up in the registry, never derived from a naming scheme, and pinned by its
//! digest (HOCS-22, HOCS-23, SRE-12).

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix) -> Progress {
    let pinned = state.image.as_ref().filter(|pinned| Some(&pinned.commit) == state.deployable());
    match pinned.map(|pinned| &pinned.published.image) {
        Some(image) => Progress::done(format!("{}:{} is {}", image.repository, image.tag, image.digest.short())),
        None => Progress::Waiting(Wait::Image),
    }
}
