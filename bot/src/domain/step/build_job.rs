//! Somewhere it has to be said that images are built of the hotfix branch (SRE-7). Where it cannot be read, the image that
//! is found later proves it.

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix, file: &str) -> Progress {
    match &state.build_job {
        Some(found) => Progress::done(format!("{found} names {}", state.plan.branch)),
        None => Progress::Waiting(Wait::BuildJob { file: file.to_owned() }),
    }
}
