//! What main holds that must not ship yet. When it holds nothing a normal deployment does the job (APPLY-4).

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix) -> Progress {
    let Some(survey) = &state.survey else {
        return Progress::Waiting(Wait::Bot("reading what main holds"));
    };
    if survey.withheld_total > 0 {
        return Progress::done(format!("main holds {} commits that do not ship with it", survey.withheld_total));
    }
    let base_is_known = survey.running.is_some() || survey.last_success.is_some() || survey.from.is_some();
    if !base_is_known {
        // The base step says so; it would be wrong to say that nothing is withheld.
        return Progress::Waiting(Wait::Bot("reading what main holds"));
    }
    let reason = "Nothing is withheld: production runs everything that is on main, so a hotfix would only be a detour.";
    let next = "Merge the fix to main and deploy as usual.";
    Progress::Impossible(vec![Refusal::new("withheld.nothing", reason, next).because_of("APPLY-4")])
}
