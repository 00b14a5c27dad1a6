//! Messages about the branch and its contents: fixes, conflicts, new heads, and the pull request.

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::forge::PullNumber;
use hotfix_adapters::ids::CommitId;

use super::{EventMessage, lines, one};
use crate::domain::break_glass::Review;
use crate::domain::event::{Contribution, HeadSeen};
use crate::domain::playbook::{BranchRole, StepKind};
use crate::domain::step::unexpected_commits;
use crate::view::card::pull_link;
use crate::view::text::{Say, contributor, count, ended, listing, outside, short, size, tested_on};
use crate::view::waiting_on::{self, calls, conflict, others, owner};

/// Maximum number of commits in one list; the rest are counted.
const LISTED: usize = 10;

impl EventMessage<'_> {
    pub(super) fn branch_created(&self, which: BranchRole, at: &CommitId) -> Card {
        let branch = self.state.plan.branch_named(which).as_str();
        let mut there =
            Text::of("The branch ").code(branch).plain(" is there, at ").commit(at).plain(", with nothing on it yet.");
        let left = self.state.snapshot.as_ref().and_then(|survey| survey.left.as_ref());
        if let Some(left) = left.filter(|left| which == BranchRole::Fix && &left.at != at) {
            there = there.plain(format!(" What {} left on it is kept as ", left.run)).code(left.aside.as_str());
            there = there.plain(match left.pull {
                Some(number) => format!("; its pull request #{} is closed.", number.0),
                None => ".".to_owned(),
            });
        }
        if which == BranchRole::Integration {
            let next = Text::of("The pull request of the fix goes into it; nobody pushes to it directly.");
            return lines(Tone::Neutral, None, vec![there, next]);
        }
        if self.state.plan.main_first() {
            let main = self.state.plan.main.as_str();
            let tested = tested_on(self.state).map_or(String::new(), |place| format!(", and was tested on {place}"));
            let next = Text::of("Nothing goes onto it before the fix is on ").code(main).plain(format!("{tested}."));
            return lines(Tone::Neutral, None, vec![there, next]);
        }
        let next = match self.state.fixes.len() {
            0 => owner(self.state, self.to)
                .plain(": push the fix to it (")
                .code(format!("git fetch origin && git switch {branch}"))
                .plain("), or name a commit of main: ")
                .command("pick <commit>")
                .plain("."),
            many => Text::of(format!("The bot picks {} onto it now.", count(many, "commit", "commits"))),
        };
        lines(Tone::Neutral, None, vec![there, next])
    }

    pub(super) fn fix_picked(&self, source: &CommitId, commit: Option<&CommitId>, empty: bool) -> Card {
        let branch = self.state.plan.branch.as_str();
        let text = match commit {
            Some(commit) => {
                Text::of("Picked ").commit(source).plain(" onto ").code(branch).plain(" as ").commit(commit).plain(".")
            }
            None if empty => Text::of("")
                .commit(source)
                .plain(" is an empty commit: it changes nothing, so there is nothing to pick."),
            None => Text::of("The branch ")
                .code(branch)
                .plain(" has what ")
                .commit(source)
                .plain(" brings already; nothing was picked."),
        };
        one(Tone::Neutral, text)
    }

    /// Names a fix by its subject, if it is known, and its commit.
    fn fix(&self, source: &CommitId) -> Text {
        let withheld = self.state.snapshot.iter().flat_map(|survey| &survey.held_back);
        let on_branch = self.state.head.iter().flat_map(|head| &head.commits);
        let known = withheld.chain(on_branch).find(|known| &known.commit == source);
        let title = known.map_or(String::new(), |known| format!("{} ", outside(&known.subject)));
        Text::of(title).commit(source)
    }

    pub(super) fn fixes_ordered(&self, sources: &[CommitId]) -> Card {
        let mut text = Text::of("The fixes are picked in the order in which they landed on ")
            .code(self.state.plan.main.as_str())
            .plain(": ");
        for (at, source) in sources.iter().enumerate() {
            text = if at == 0 { text } else { text.plain(", ") }.then(self.fix(source));
        }
        one(Tone::Neutral, text.plain("."))
    }

    pub(super) fn fix_removal_asked(&self, source: &CommitId) -> Card {
        let branch = self.state.plan.branch.as_str();
        let text = Text::of(format!("{} wants ", self.who()))
            .then(self.fix(source))
            .plain(" out of this hotfix. Taking it off ");
        one(Tone::Neutral, text.code(branch).plain("."))
    }

    pub(super) fn fix_removed(&self, source: &CommitId, by_hand: bool) -> Card {
        let text = self.fix(source).plain(" is no longer part of this hotfix.");
        if !by_hand {
            return one(Tone::Neutral, text);
        }
        let branch = self.state.plan.branch.as_str();
        let next = owner(self.state, self.to)
            .plain(": a person put it on ")
            .code(branch)
            .plain(", so take it off there as well and push.");
        lines(Tone::Warning, None, vec![text, next])
    }

    pub(super) fn fix_kept(&self, source: &CommitId, files: &[String]) -> Card {
        let branch = self.state.plan.branch.as_str();
        let title = self.fix(source).plain(" stays on ").code(branch);
        let names: Vec<String> = files.iter().map(|file| outside(file)).collect();
        let why = Text::of(format!("What is on top of it does not apply without it: {}.", listing(&names)));
        let next = owner(self.state, self.to)
            .plain(": take it off by hand and push, then say ")
            .command(&format!("unpick {}", source.short()))
            .plain(" again.");
        lines(Tone::Bad, Some(title), vec![why, next])
    }

    pub(super) fn fix_conflicted(&self, source: &CommitId, files: &[String]) -> Card {
        let branch = self.state.plan.branch.as_str();
        let title = Text::of("The fix ").commit(source).plain(" does not apply to ").code(branch);
        lines(Tone::Bad, Some(title), conflict(self.state, self.to, files))
    }

    pub(super) fn rebase_conflicted(&self, files: &[String]) -> Card {
        let title = Text::of("The fix does not apply to what production runs now");
        lines(Tone::Bad, Some(title), conflict(self.state, self.to, files))
    }

    pub(super) fn head_moved(&self, from: &CommitId, head: &HeadSeen, adapts: &[CommitId]) -> Card {
        let branch = self.state.plan.branch.as_str();
        let first = self.state.base.as_ref() == Some(from);
        let unexpected =
            unexpected_commits(self.state).into_iter().map(|(at, why)| (at.clone(), why)).collect::<Vec<_>>();
        if from == &head.tip && unexpected.is_empty() && head.on_base {
            let text = Text::of("Everything on ").code(branch).plain(" was asked for now; the run goes on.");
            return one(Tone::Good, text);
        }
        let mut said = vec![Text::new().code(branch).plain(" moved: ").change(Some(from), &head.tip).plain(format!(
            ", now {}, {}.",
            count(head.total, "commit", "commits"),
            size(&head.size)
        ))];
        said.extend(self.commits(&head.commits, head.total));
        if !adapts.is_empty() {
            let mut text = Text::of("Settled by hand: ");
            for (at, commit) in adapts.iter().enumerate() {
                text = if at == 0 { text } else { text.plain(", ") }.span(short(commit));
            }
            said.push(text.plain("."));
        }
        if let Some(limit) = self.large(head) {
            said.push(Text::of(format!("That is large for a hotfix (more than {limit} lines). Smaller is safer.")));
        }
        if !head.on_base {
            said.push(Text::of("It is not on top of what production runs; it has to be before it is deployed."));
        }
        if !first {
            said.push(Text::of("Reviews, tests and votes of the old head do not count any more."));
            let broken = self.state.break_glass.last().filter(|broken| &broken.glass.commit == from);
            if broken.is_some_and(|broken| broken.review == Review::NotNeeded) {
                said.push(Text::of("Nor does the broken glass: it was for the old head alone."));
            }
        }
        if !unexpected.is_empty() {
            said.extend(waiting_on::strays(self.state, self.to, &unexpected));
            return lines(Tone::Bad, None, said);
        }
        lines(if first { Tone::Neutral } else { Tone::Warning }, None, said)
    }

    /// Lists the commits, one per line, up to a limit; the rest are counted.
    pub(super) fn commits(&self, commits: &[Contribution], total: usize) -> Vec<Text> {
        let mut all: Vec<Text> = commits
            .iter()
            .take(LISTED)
            .map(|commit| {
                let people: Vec<String> = commit.people.iter().map(|who| contributor(self.to.people, who)).collect();
                Text::of("• ").commit(&commit.commit).plain(format!(
                    " {} — {}",
                    outside(&commit.subject),
                    listing(&people)
                ))
            })
            .collect();
        let more = total.max(commits.len()).saturating_sub(all.len());
        if more > 0 {
            all.push(Text::of(format!("… and {more} more.")));
        }
        all
    }

    fn large(&self, head: &HeadSeen) -> Option<u32> {
        let limit = self.state.plan.steps.iter().find_map(|spec| {
            let StepKind::Change { large_lines, .. } = &spec.kind else {
                return None;
            };
            Some(*large_lines)
        })?;
        let lines = u32::try_from(head.size.insertions.saturating_add(head.size.deletions)).unwrap_or(u32::MAX);
        (limit > 0 && lines > limit).then_some(limit)
    }

    pub(super) fn pull_opened(&self, number: PullNumber, url: Option<&str>) -> Card {
        let into = self.state.plan.into.as_str();
        let opened =
            Text::of("Pull request ").span(pull_link(number.0, url)).plain(" into ").code(into).plain(" is open.");
        let who = calls(self.to, &others(self.state)).unwrap_or_else(|| Text::of("Whoever did not work on it"));
        let ask = if self.state.plan.merges_first() {
            who.plain(": please review it. The bot merges it when its turn comes.")
        } else {
            who.plain(
                ": please review it, and do not merge it. It is deployed from the branch first and merged afterwards.",
            )
        };
        lines(Tone::Asking, None, vec![opened, ask])
    }

    pub(super) fn joined(&self, title: &str) -> Card {
        let text = format!(
            "{} brings a second fix into this hotfix: {} It goes onto the same branch; a new head starts reviews, tests and votes again.",
            self.who(),
            ended(&outside(title))
        );
        one(Tone::Warning, Text::of(text))
    }
}
