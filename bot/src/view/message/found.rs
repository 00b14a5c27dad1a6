//! Messages about external changes that a step waits for, such as the fix on main, on an environment, or its image, and
//! about unexpected moves of tags and branches.

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::forge::PullNumber;
use hotfix_adapters::ids::{CommitId, DeployKey, Digest, Environment};
use hotfix_adapters::registry::Published;

use super::{EventMessage, lines, one};
use crate::domain::event::TriageAnswer;
use crate::domain::id::StepId;
use crate::domain::playbook::StepKind;
use crate::domain::step::{asks_at_once, letter};
use crate::view::card::pull_link;
use crate::view::status::wait;
use crate::view::text::{Say, count, ended, listing, outside};
use crate::view::waiting_on::{ask, owner};

impl EventMessage<'_> {
    /// Renders the asks of a step when it becomes current.
    pub(super) fn step_entered(&self, step: &StepId) -> Option<Card> {
        let spec = self.state.plan.step(step)?;
        let asks = asks_at_once(self.state, &spec.kind);
        // A step that is satisfied at once has no asks.
        let wait = wait(self.state, self.at).filter(|_| asks && self.state.is_current(|kind| kind == &spec.kind))?;
        Some(lines(Tone::Asking, Some(Text::of(outside(&spec.title))), ask(self.state, self.to, spec, &wait)))
    }

    pub(super) fn triage_done(&self) -> Option<Card> {
        let criteria = self.state.plan.steps.iter().find_map(|spec| {
            if let StepKind::Triage { criteria, ask: true } = &spec.kind { Some(criteria) } else { None }
        })?;
        let answered = |wanted: TriageAnswer| -> Vec<&str> {
            let these = criteria.iter().enumerate().filter(|(at, _)| self.state.triage.get(at) == Some(&wanted));
            these.map(|(_, criterion)| letter(criterion)).collect()
        };
        let (yes, no) = (answered(TriageAnswer::Yes), answered(TriageAnswer::No));
        let mut said = format!("{} of {} criteria of a good hotfix are met", yes.len(), criteria.len());
        if !yes.is_empty() {
            said.push_str(&format!(": {}", listing(&yes)));
        }
        if !no.is_empty() {
            said.push_str(&format!("; not {}", no.join(", ")));
        }
        let tone = if yes.is_empty() { Tone::Warning } else { Tone::Neutral };
        let warning = if yes.is_empty() { " That speaks for the standard release." } else { "" };
        Some(one(tone, Text::of(format!("{}{warning}", ended(&said)))))
    }

    pub(super) fn agreed(&self, step: &StepId) -> Card {
        let title = self.state.plan.step(step).map_or(step.as_str(), |spec| &spec.title);
        one(Tone::Good, Text::of(format!("{} agrees: {}", self.who(), ended(&outside(title)))))
    }

    pub(super) fn fixes_on_main(&self, sources: usize) -> Card {
        let main = self.state.plan.main.as_str();
        let what = count(sources, "commit of the fix is", "commits of the fix are");
        one(Tone::Good, Text::of(format!("{what} on ")).code(main).plain("."))
    }

    pub(super) fn reached(&self, environment: &Environment, commit: &CommitId) -> Card {
        let text = Text::of(format!("{environment} runs ")).commit(commit).plain(", which has the change.");
        one(Tone::Good, text)
    }

    pub(super) fn image_found(&self, published: &Published, by: &str) -> Card {
        let image = &published.image;
        let text = Text::of("The image of what ships is ")
            .code(format!("{}:{}", image.repository, image.tag))
            .plain(", pinned as ")
            .code(image.digest.short())
            .plain(format!(" (found by {}).", outside(by)));
        one(Tone::Neutral, text)
    }

    /// Reports images with a matching tag that were not built from the commit that ships (HOCS-23).
    pub(super) fn images_passed_over(&self, commit: &CommitId, why: &[String]) -> Option<Card> {
        if why.is_empty() {
            return None;
        }
        let title = Text::of("The registry has no image of ").commit(commit).plain(" yet");
        let found = why.iter().map(|one| Text::of(format!("• {}", outside(one))));
        let next = Text::of("Start the build again if it is over; the run waits for its image.");
        Some(lines(Tone::Warning, Some(title), found.chain([next]).collect()))
    }

    /// Reports that the tag points to another image than the tested one (HOCS-15).
    pub(super) fn image_moved(&self, to: Option<&Digest>) -> Card {
        let what = match to {
            Some(digest) => Text::of("It names ").code(digest.short()).plain(" now."),
            None => Text::of("It is gone."),
        };
        let next =
            "What was said of the old image does not count any more; the bot looks for the image of what ships again.";
        let title = Text::of("The tag of the image names another image than the one that was tested");
        lines(Tone::Bad, Some(title), vec![what, Text::of(next)])
    }

    /// Reports a push to the branch that production runs, or its return (HOCS-15).
    pub(super) fn live_branch_moved(&self, from: &CommitId, to: Option<&CommitId>) -> Card {
        let branch = self.state.plan.deployed_branch().unwrap_or(&self.state.plan.branch).as_str();
        let title = Text::of("Somebody pushed to ").code(branch).plain(", which production runs (HOCS-15)");
        if to == Some(from) {
            let text = Text::new().code(branch).plain(" is back at ").commit(from).plain(", which production runs.");
            return one(Tone::Good, text);
        }
        let what = match to {
            Some(to) => Text::of("It was at ").commit(from).plain(" and is at ").commit(to).plain(" now."),
            None => Text::of("It was at ").commit(from).plain(" and is gone."),
        };
        let risk = Text::of(
            "A build of it may move the tag of the image, and a restart would then ship what nobody approved.",
        );
        let next = owner(self.state, self.to).plain(": put the branch back, and make another fix a hotfix of its own.");
        lines(Tone::Bad, Some(title), vec![what, risk, next])
    }

    pub(super) fn return_opened(&self, number: PullNumber, url: Option<&str>) -> Card {
        let main = self.state.plan.main.as_str();
        let text = Text::of("The fix also goes to ").code(main).plain(": pull request ").span(pull_link(number.0, url));
        let next = owner(self.state, self.to)
            .plain(": see it merged before the next release. If the fix is temporary, say ")
            .command(&format!("skip {} temporary: <why>", self.mainline_step()))
            .plain(".");
        lines(Tone::Asking, None, vec![text.plain("."), next])
    }

    fn mainline_step(&self) -> &str {
        let is_mainline = |kind: &StepKind| matches!(kind, StepKind::Mainline { .. });
        self.state.plan.steps.iter().find(|spec| is_mainline(&spec.kind)).map_or("mainline", |spec| spec.id.as_str())
    }

    pub(super) fn deploy_noted(&self, key: &DeployKey, note: &str) -> Card {
        let place = self
            .state
            .deploy(key)
            .map_or(String::new(), |deploy| format!(" to {}", self.state.plan.place(&deploy.intent.environment)));
        one(Tone::Neutral, Text::of(format!("The deployment{place}: {}", ended(&outside(note)))))
    }
}
