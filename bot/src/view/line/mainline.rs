//! The way back to main, and what else goes out with the fix (APPLY-12, MAIN-8).

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::forge::{Containment, PullNumber};
use hotfix_adapters::vocabulary::CommitId;

use super::{Told, lines, one};
use crate::domain::event::Contribution;
use crate::view::ask::owner;
use crate::view::card::pull_link;
use crate::view::phrase::{Say, capital, containment, count, destination, ended, outside};

impl Told<'_> {
    pub(super) fn merged(&self, number: PullNumber, commit: &CommitId) -> Card {
        let url = self.state.pull.as_ref().and_then(|pull| pull.url.as_deref());
        let into = self.state.plan.into.as_str();
        let text = Text::of("Pull request ")
            .span(pull_link(number.0, url))
            .plain(" is merged into ")
            .code(into)
            .plain(" as ")
            .commit(commit)
            .plain(".");
        one(Tone::Good, text)
    }

    pub(super) fn riders_found(&self, riders: &[Contribution], total: usize) -> Card {
        let place = destination(self.state);
        if riders.is_empty() && total == 0 {
            return one(Tone::Neutral, Text::of(format!("Nothing else goes to {place} with it.")));
        }
        let many = count(total.max(riders.len()), "other change goes", "other changes go");
        let mut said = vec![Text::of(format!("{many} to {place} with it:"))];
        said.extend(self.commits(riders, total));
        said.push(
            Text::of(
                "Their authors are told directly. It does not wait for them; whoever knows why it must not go says ",
            )
            .command("hold <why>")
            .plain("."),
        );
        lines(Tone::Warning, None, said)
    }

    pub(super) fn proven(&self, how: &Containment, main: &CommitId) -> Card {
        let text = Text::of(format!("The fix is on main: {}, at ", containment(how)))
            .commit(main)
            .plain(". The next regular release contains it.");
        one(Tone::Good, text)
    }

    pub(super) fn mainline_lost(&self, by: &CommitId) -> Card {
        let title = Text::of("The fix was taken out of main again, by ").commit(by);
        let next = owner(self.state, self.to)
            .plain(": the next release would lose it. Bring it back to ")
            .code(self.state.plan.main.as_str())
            .plain(", or let a captain give that up: ")
            .command("mergeback waive <why>")
            .plain(".");
        lines(Tone::Bad, Some(title), vec![next])
    }

    pub(super) fn mergeback_waived(&self, reason: &str) -> Card {
        let text = format!(
            "{} gives up bringing the fix to main: {} The next regular release does not contain it.",
            capital(&self.who()),
            ended(&outside(reason))
        );
        one(Tone::Warning, Text::of(text))
    }

    pub(super) fn branch_deleted(&self) -> Card {
        let text = Text::of("The branch ")
            .code(self.state.plan.branch.as_str())
            .plain(" is deleted; everything on it is on main.");
        one(Tone::Neutral, text)
    }

    pub(super) fn postmortem_filed(&self, url: Option<&str>) -> Card {
        let who = self.who();
        let text = match url {
            Some(url) => Text::of(format!("{who} wrote the post-mortem: ")).plain(outside(url)),
            None => Text::of(format!("{who} says that the timeline is all that is wanted: "))
                .command(&format!("timeline {}", self.state.id))
                .plain("."),
        };
        one(Tone::Good, text)
    }
}
