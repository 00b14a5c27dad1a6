//! The fix on an environment that others deploy to: merged does not mean deployed to stage (SRE-1, SRE-9, PROMO-5).

use hotfix_adapters::ids::Environment;

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix, environment: &Environment) -> Progress {
    match state.reached.get(environment) {
        Some(commit) => Progress::done(format!("{environment} runs {}, which has it", commit.short())),
        None => Progress::Waiting(Wait::OnEnvironment(environment.clone())),
    }
}
