//! Messages about the merge back to main, and about the included changes (APPLY-12, MAIN-8).

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::forge::{Containment, PullNumber};
use hotfix_adapters::ids::CommitId;

use super::{EventMessage, lines, one};
use crate::domain::event::Contribution;
use crate::domain::hotfix::{Hotfix, Mainline};
use crate::domain::playbook::StepSpec;
use crate::view::card::pull_link;
use crate::view::text::{Say, capital, containment, contributor, count, destination, ended, listing, outside};
use crate::view::waiting_on::{gone, owner};

/// Names the first held-back changes by title.
fn withheld(state: &Hotfix) -> Option<String> {
    const NAMED: usize = 3;
    let survey = state.snapshot.as_ref()?;
    let mut titles: Vec<String> =
        survey.held_back.iter().take(NAMED).map(|one| format!("“{}”", outside(&one.subject))).collect();
    let more = survey.held_back_total.saturating_sub(titles.len());
    if more > 0 {
        titles.push(count(more, "other change", "other changes"));
    }
    let names: Vec<&str> = titles.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| listing(&names))
}

impl EventMessage<'_> {
    pub(super) fn merged(&self, number: PullNumber, commit: &CommitId, early: bool) -> Card {
        let url = self.state.pull.as_ref().and_then(|pull| pull.url.as_deref());
        let into = self.state.plan.into.as_str();
        if early {
            return self.merged_early(number, commit);
        }
        let text = Text::of("Pull request ")
            .span(pull_link(number.0, url))
            .plain(" is merged into ")
            .code(into)
            .plain(" as ")
            .commit(commit)
            .plain(".");
        one(Tone::Good, text)
    }

    /// Reports a merge before the deployment, which the runbook forbids (APPLY-X3, security case 100).
    fn merged_early(&self, number: PullNumber, commit: &CommitId) -> Card {
        let (url, main) =
            (self.state.pull.as_ref().and_then(|pull| pull.url.as_deref()), self.state.plan.into.as_str());
        let title = Text::of("Pull request ")
            .span(pull_link(number.0, url))
            .plain(" was merged into ")
            .code(main)
            .plain(" as ")
            .commit(commit)
            .plain(format!(" before {} has the fix{}", destination(self.state), self.rule("APPLY-X3")));
        let next = owner(self.state, self.to)
            .plain(": go on with ")
            .code(self.state.plan.branch.as_str())
            .plain(", which stays as it is and is still what gets deployed; or revert the merge on ")
            .code(main)
            .plain(".");
        let waiting = withheld(self.state).map_or_else(String::new, |these| format!(" together with {these}"));
        let risk = Text::of("Do not deploy ")
            .code(main)
            .plain(format!(" to {} until ", destination(self.state)))
            .code(self.state.plan.branch.as_str())
            .plain(format!(" is live there or the merge is reverted: the fix would go out unapproved{waiting}."));
        lines(Tone::Bad, Some(title), vec![next, risk])
    }

    /// Reports a merge of the branch into main, although fixes must only be picked from main (SRE-X1,
    /// security case 100).
    pub(super) fn branch_merged(&self, by: &Contribution) -> Card {
        let (branch, main) = (self.state.plan.branch.as_str(), self.state.plan.main.as_str());
        let title = Text::new().code(branch).plain(" was merged into ").code(main).plain(", by ");
        let title = self.commit_by(title, by).plain(self.rule("SRE-X1"));
        let next = owner(self.state, self.to)
            .plain(": look whether the merge changed anything on ")
            .code(main)
            .plain(" that the fix had not. If it did, revert it: ")
            .code(format!("git revert -m 1 {}", by.commit.short()))
            .plain(".");
        let risk = Text::of("Fixes only go from ").code(main).plain(" to ").code(branch).plain(
            ". After a merge the other way, what was adapted for production is on main as well, and the next promotion \
             ships it.",
        );
        lines(Tone::Bad, Some(title), vec![next, risk, Text::of("I leave both branches as they are.")])
    }

    /// Returns the runbook id, such as " (APPLY-X3)", if the plan serves it.
    fn rule(&self, id: &str) -> String {
        let serves = |spec: &StepSpec| spec.serves.iter().any(|serves| serves.as_str() == id);
        if self.state.plan.steps.iter().any(serves) { format!(" ({id})") } else { String::new() }
    }

    /// Warns that main reverted a fix that is about to ship.
    pub(super) fn fix_reverted(&self, source: &CommitId, by: &Contribution, why: &str) -> Card {
        let main = self.state.plan.main.as_str();
        let title = Text::of("The fix ").commit(source).plain(" was reverted on ").code(main).plain(", by ");
        let mut said = Vec::new();
        let next = owner(self.state, self.to)
            .plain(format!(
                ": ask {} before it goes to {}. To ship it all the same, say ",
                self.behind(by),
                destination(self.state)
            ))
            .command(&format!("pick {}", source.short()))
            .plain(" once more; to give the hotfix up, ")
            .command("abort <why>")
            .plain(".");
        said.push(next);
        if !why.is_empty() {
            said.push(Text::of(format!("The revert says: {}", ended(&outside(why)))));
        }
        said.push(Text::of("Nothing more is picked, voted on or deployed until then."));
        lines(Tone::Bad, Some(self.commit_by(title, by)), said)
    }

    fn behind(&self, by: &Contribution) -> String {
        let people: Vec<String> = by.people.iter().map(|who| contributor(self.to.people, who)).collect();
        if people.is_empty() { "whoever reverted it".to_owned() } else { listing(&people) }
    }

    pub(super) fn fix_back(&self, source: &CommitId) -> Card {
        let main = self.state.plan.main.as_str();
        one(Tone::Good, Text::of("The fix ").commit(source).plain(" is on ").code(main).plain(" again."))
    }

    pub(super) fn fix_confirmed(&self, source: &CommitId) -> Card {
        let text = Text::of(format!("{} wants ", self.who())).commit(source).plain(
            " shipped although main reverted it. The next release does not contain it unless it is brought back.",
        );
        one(Tone::Warning, text)
    }

    pub(super) fn branch_gone(&self, at: &CommitId) -> Card {
        let title = Text::of("The branch ").code(self.state.plan.branch.as_str()).plain(" was deleted");
        lines(Tone::Bad, Some(title), gone(self.state, self.to, at))
    }

    pub(super) fn branch_back(&self, at: &CommitId) -> Card {
        let branch = self.state.plan.branch.as_str();
        let text = Text::of("The branch ").code(branch).plain(" is back at ").commit(at).plain("; the run goes on.");
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

    pub(super) fn mainline_lost(&self, by: &Contribution, partly: bool) -> Card {
        let what = if partly { "A part of the fix" } else { "The fix" };
        let title = self.commit_by(Text::of(format!("{what} was taken out of main again, by ")), by);
        let next = owner(self.state, self.to)
            .plain(": the next release would lose it. Bring it back to ")
            .code(self.state.plan.main.as_str())
            .plain(", or let a captain give that up: ")
            .command("mergeback waive <why>")
            .plain(".");
        lines(Tone::Bad, Some(title), vec![next])
    }

    /// Asks if a rewritten fix still works. Asked once per run; until an answer, the last known state holds.
    pub(super) fn mainline_rewritten(&self, by: &Contribution) -> Card {
        let main = self.state.plan.main.as_str();
        let title = self.commit_by(Text::of("Lines of the fix were rewritten on main, by "), by);
        let ask = owner(self.state, self.to)
            .plain(": does ")
            .code(main)
            .plain(" still fix it? I cannot tell from the code. If it does, say ")
            .command("mergeback confirm <what you saw>")
            .plain(".");
        let known = matches!(self.state.mainline, Mainline::Merged(..));
        let until = Text::of("If it does not, bring the fix back to ").code(main).plain(if known {
            ". Until then it counts as on main, because it was there before."
        } else {
            ". The run is not closed before one of the two."
        });
        lines(Tone::Asking, Some(title), vec![ask, until])
    }

    pub(super) fn mainline_confirmed(&self, note: Option<&str>) -> Card {
        let said = note.map_or_else(|| ".".to_owned(), |note| format!(": “{}”", outside(note)));
        one(Tone::Good, Text::of(format!("{} checked main: it has the fix, in other lines{said}", self.who())))
    }

    /// Appends a commit with its id, subject and contributors.
    pub(super) fn commit_by(&self, text: Text, by: &Contribution) -> Text {
        let people: Vec<String> = by.people.iter().map(|who| contributor(self.to.people, who)).collect();
        let subject = if by.subject.is_empty() { String::new() } else { format!(" “{}”", outside(&by.subject)) };
        let who = if people.is_empty() { String::new() } else { format!(" ({})", listing(&people)) };
        text.commit(&by.commit).plain(format!("{subject}{who}"))
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
