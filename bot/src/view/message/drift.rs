//! Messages about drift: production changed outside this run (APPLY-16, APPLY-17).

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::ids::{CommitId, Environment};

use super::{EventMessage, lines, one};
use crate::domain::event::{Contribution, DriftChoice};
use crate::view::text::{Say, capital, count};
use crate::view::waiting_on::{drift_options, owner};

impl EventMessage<'_> {
    pub(super) fn drifted(
        &self,
        name: &Environment,
        (expected, found): (&CommitId, &CommitId),
        (brings, total): (&[Contribution], usize),
    ) -> Card {
        let title = Text::of(format!("{} changed outside this hotfix", capital(name.as_str())));
        if self.state.abandoned.is_some() {
            let what = Text::of("Expected ").commit(expected).plain(", found ").commit(found).plain(".");
            let fate = Text::of(format!("{} is abandoned, and the fix is not in what {name} runs now.", self.state.id));
            return lines(Tone::Bad, Some(title), vec![what, fate]);
        }
        let what = Text::of("Expected ").commit(expected).plain(", found ").commit(found).plain(". The run is paused.");
        let risk = if self.state.live_at.is_some() {
            format!("The fix is not in what {name} runs now.")
        } else {
            "To go on as if nothing had happened would roll the work of others back.".to_owned()
        };
        let mut said = vec![what, Text::of(risk)];
        if total > 0 {
            let many = count(total.max(brings.len()), "change", "changes");
            said.push(Text::of(format!("What runs now brings {many}:")));
            said.extend(self.commits(brings, total));
        }
        said.push(owner(self.state, self.to).plain(" or a captain, please say how to go on:"));
        said.extend(drift_options(self.state));
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
            (DriftChoice::Roll, _) => {
                let left = match (self.state.plan.expires(), self.state.is_settled_on_main()) {
                    (true, true) => ", and ends when every production runs a release that has it",
                    (true, false) => {
                        "; it brings the fix to main, and ends when every production runs a release that has it"
                    }
                    (false, true) => "",
                    (false, false) => "; what is left is to bring it to main",
                };
                Text::of(format!(
                    "{who} decides: the fix goes out with the regular release, as a normal change. This run deploys nothing more{left}."
                ))
            }
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
