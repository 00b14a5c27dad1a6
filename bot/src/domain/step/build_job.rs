//! The build job that builds images of the hotfix branch: a file must name the branch (SRE-7). If the file cannot be
//! read, the image that is found later proves it.

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix, file: &str) -> Progress {
    match &state.build_job {
        Some(found) => Progress::done(format!("{found} names {}", state.plan.branch)),
        None => Progress::Waiting(Wait::BuildJob { file: file.to_owned() }),
    }
}
