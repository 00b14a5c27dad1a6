//! Production changed, by other hands than this run's (APPLY-16, APPLY-17).

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::vocabulary::{CommitId, Environment};

use super::{Told, lines, one};
use crate::domain::event::DriftChoice;
use crate::view::ask::{drift_options, owner};
use crate::view::phrase::{Say, capital};

impl Told<'_> {
    pub(super) fn drifted(&self, name: &Environment, expected: &CommitId, found: &CommitId) -> Card {
        let title = Text::of(format!("{} changed outside this hotfix", capital(name.as_str())));
        let what = Text::of("Expected ").commit(expected).plain(", found ").commit(found).plain(". The run is paused.");
        let risk = if self.state.live_at.is_some() {
            format!("The fix is not in what {name} runs now.")
        } else {
            "To go on as if nothing had happened would roll the work of others back.".to_owned()
        };
        let mut said =
            vec![what, Text::of(risk), owner(self.state, self.to).plain(" or a captain, please say how to go on:")];
        said.extend(drift_options());
        lines(Tone::Bad, Some(title), said)
    }

    pub(super) fn drift_settled(&self, choice: DriftChoice) -> Card {
        let who = self.who();
        let text = match (choice, &self.state.base) {
            (DriftChoice::Rebase, Some(base)) => {
                Text::of(format!("{who} decides: the fix goes on top of what production runs now, "))
                    .commit(base)
                    .plain(". Reviews, tests and votes start again.")
            }
            (DriftChoice::Rebase, None) => {
                Text::of(format!("{who} decides: the fix goes on top of what production runs now."))
            }
            (DriftChoice::Roll, _) => Text::of(format!(
                "{who} decides: the fix goes out with the regular release, as a normal change. This run deploys nothing more; what is left is to bring it to main."
            )),
            (DriftChoice::Abort, _) => Text::of(format!("{who} decides to give this hotfix up.")),
        };
        one(Tone::Neutral, text)
    }

    pub(super) fn superseded(&self, environment: &Environment, by: &CommitId) -> Card {
        let text = Text::of(format!("A newer release is on {environment}: "))
            .commit(by)
            .plain(", which contains the fix. Nothing is lost, and this run goes on to its end.");
        one(Tone::Good, text)
    }
}
