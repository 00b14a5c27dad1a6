//! The announcement of the run to the whole team (APPLY-15, APPLY-X1). The event keeps the list of people who were
//! reached.

use super::{Progress, Wait};
use crate::domain::effect::Effect;
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix) -> Progress {
    if state.card.is_some() {
        return Progress::done(format!("told in {}", state.plan.channel));
    }
    Progress::Waiting(Wait::Bot("telling the team"))
}

pub(super) fn enter(state: &Hotfix) -> Vec<Effect> {
    if state.card.is_some() { Vec::new() } else { vec![Effect::Announce] }
}
