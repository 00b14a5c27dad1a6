//! Messages about a break-glass and its countersign.

use hotfix_adapters::chat::{Card, Text, Tone};

use super::{EventMessage, lines, one};
use crate::domain::break_glass::{BreakGlass, due_since};
use crate::view::duration::{between, clock};
use crate::view::text::{ended, outside};
use crate::view::waiting_on::{countersign, owner};

impl EventMessage<'_> {
    pub(super) fn glass_broken(&self, glass: &BreakGlass) -> Card {
        let place = self.state.plan.place(&glass.environment);
        let what = Text::of(format!(
            "{} broke the glass: the votes for {place} are set aside. {} Incident: {}",
            self.who(),
            ended(&outside(&glass.reason)),
            outside(&glass.incident)
        ));
        let bound = Text::of("It holds for exactly ").code(glass.commit.as_str()).plain(format!(
            " until {}. Checks, holds, freezes, locks and every no still stop it.",
            clock(glass.expires, self.at)
        ));
        let after = "It stands in the post-mortem; whoever was not involved has to review it afterwards.";
        lines(Tone::Warning, None, vec![what, bound, Text::of(after)])
    }

    pub(super) fn glass_voided(&self, reason: &str) -> Card {
        let what = Text::of(format!("The broken glass stands in for no votes any more: {}", ended(&outside(reason))));
        one(Tone::Warning, what)
    }

    pub(super) fn countersigned(&self, ok: bool, note: Option<&str>) -> Card {
        let words = note.map_or(String::new(), |note| format!(" In their words: {}", ended(&outside(note))));
        if ok {
            let what = format!("{} reviewed the deployment by the broken glass: it was right.{words}", self.who());
            return one(Tone::Good, Text::of(what));
        }
        let what = Text::of(format!("{} objects to the deployment by the broken glass.{words}", self.who()));
        let next =
            owner(self.state, self.to).plain(": talk to them; it stands among the follow-ups of the post-mortem.");
        lines(Tone::Bad, None, vec![what, next])
    }

    pub(super) fn countersign_reminded(&self, times: u32) -> Card {
        let since =
            due_since(self.state).map_or(String::new(), |since| format!(", for {} now", between(since, self.at)));
        let again = if times > 1 { format!(" This is reminder {times}.") } else { String::new() };
        let first = Text::of(format!("Still waiting{since}: nobody has reviewed the broken glass.{again}"));
        lines(Tone::Asking, None, [vec![first], countersign(self.state, self.to)].concat())
    }
}
