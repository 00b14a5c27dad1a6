//! Messages about deployments: refusals, starts, outcomes, what to watch, and how to roll back.

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::deploy::NOTHING_BEGUN;
use hotfix_adapters::ids::{CommitId, DeployKey, Environment};

use super::{EventMessage, lines, one};
use crate::domain::decide::may_abort;
use crate::domain::event::DeployIntent;
use crate::domain::hotfix::{Mainline, StepState};
use crate::domain::playbook::{StepKind, VerifyPlace};
use crate::domain::refusal::Refusal;
use crate::view::card::{back, rollback};
use crate::view::refusal;
use crate::view::status::{all_on_main, still_on};
use crate::view::text::{Say, capital, ended, listing, outside, paragraph, stay_off};
use crate::view::waiting_on::{again, by_hand, instead, owner, rolled_out, takes_fixes};

impl EventMessage<'_> {
    pub(super) fn deploy_refused(&self, environment: &Environment, refusals: &[Refusal]) -> Card {
        let mut said: Vec<Text> = refusals.iter().map(|refusal| refusal::line(refusal, self.to)).collect();
        if self.refuses_rollback(environment, refusals) {
            // Each refusal names the caller's next step. `plan` only helps with deployments.
            let title = Text::of(format!("Nothing was rolled back on {}", self.place(environment)));
            return lines(Tone::Warning, Some(title), said);
        }
        let title = Text::of(format!("Nothing was deployed to {}", self.place(environment)));
        said.push(owner(self.state, self.to).plain(": what is left to do is in ").command("plan").plain("."));
        lines(Tone::Warning, Some(title), said)
    }

    /// Returns `true` if the refused command was a rollback: the refusal is specific to rollbacks, or it applies to
    /// both commands and the deploy step is not current.
    fn refuses_rollback(&self, environment: &Environment, refusals: &[Refusal]) -> bool {
        let foreign = refusals.iter().any(|refusal| refusal.code == "rollback.foreign");
        let of_both = refusals.iter().all(|refusal| refusal.code == "freeze" || refusal.code == "deploy.busy");
        let mut steps = self.state.plan.steps.iter().zip(&self.state.steps);
        let turn = steps.any(|(spec, at)| {
            let here = matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment);
            here && matches!(at, StepState::Current { .. } | StepState::Offered { .. })
        });
        foreign || (of_both && !turn)
    }

    pub(super) fn deploy_started(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let names: Vec<String> = intent.votes.iter().map(|person| self.to.name(person)).collect();
        let asked_by = self.state.deploy(&intent.key).and_then(|deploy| deploy.asked_by.as_ref());
        let by = match asked_by.filter(|_| intent.rollback) {
            Some(person) => format!(", asked for by {}", self.to.name(person)),
            None if names.is_empty() => String::new(),
            None => format!(", approved by {}", listing(&names)),
        };
        let verb = if intent.rollback { "Rolling back" } else { "Deploying to" };
        let what = Text::of(format!("{verb} {}: ", self.place(environment)))
            .change(intent.previous.as_ref(), &intent.commit)
            .plain(format!("{by}."));
        let mut said = vec![what];
        said.extend(intent.reason.as_ref().map(|why| Text::of(format!("Why: {}", ended(&outside(why))))));
        if !intent.removes.is_empty() {
            let whose: Vec<String> = intent.removes.iter().map(|person| self.to.name(person)).collect();
            said.push(Text::of(format!("It takes away changes of {}.", listing(&whose))));
        }
        said.extend(intent.glass.as_ref().map(|person| {
            let who = self.to.name(person);
            Text::of(format!(
                "The votes are not there: {who} broke the glass. Somebody who was not involved reviews it."
            ))
        }));
        if self.reaches(environment) && !intent.rollback {
            said.push(Text::of("To watch: ").then(self.watch(environment)));
        }
        lines(if intent.glass.is_some() { Tone::Warning } else { Tone::Neutral }, None, said)
    }

    /// Announces the rollout. A merge does not prove that the commit runs, so the success is reported later.
    pub(super) fn rollout_began(&self, key: &DeployKey) -> Card {
        let Some(intent) = self.state.deploy(key).map(|deploy| &deploy.intent) else {
            return one(Tone::Neutral, Text::of("Merged, rolling out."));
        };
        let place = self.place(&intent.environment);
        let text =
            Text::of(format!("Merged, rolling out to {place}: ")).change(intent.previous.as_ref(), &intent.commit);
        one(Tone::Neutral, text.plain(". It is said here when it runs."))
    }

    pub(super) fn deploy_awaits_word(&self, key: &DeployKey) -> Card {
        if let Some(deploy) = self.state.deploy(key).filter(|deploy| deploy.merged_at.is_some()) {
            let environment = &deploy.intent.environment;
            let title = Text::of(format!("Nothing tells whether the rollout reached {}", self.place(environment)));
            return lines(Tone::Asking, Some(title), rolled_out(self.state, self.to, environment));
        }
        match self.state.deploy(key).map(|deploy| deploy.intent.environment.clone()) {
            Some(environment) => {
                let title = Text::of(format!("The deployment to {environment} is done by hand"));
                lines(Tone::Asking, Some(title), by_hand(self.state, self.to, &environment))
            }
            None => one(Tone::Asking, Text::of("A deployment waits for somebody to do it by hand.")),
        }
    }

    pub(super) fn deploy_ended(&self, key: &DeployKey, failure: Option<&str>) -> Card {
        let Some(intent) = self.state.deploy(key).map(|deploy| &deploy.intent) else {
            return one(Tone::Neutral, Text::of("A deployment ended."));
        };
        match (failure, intent.rollback, self.reaches(&intent.environment)) {
            (Some(failure), _, _) => self.failed(intent, failure),
            (None, true, _) => self.rolled_back(intent),
            (None, false, true) => self.live(intent),
            (None, false, false) if self.is_promoted(&intent.environment) => self.promoted(intent),
            (None, false, false) => self.deployed(intent),
        }
    }

    /// Returns `true` if a deployment to this environment edits files in another repository. The bot cannot read what
    /// is built from them.
    fn is_promoted(&self, environment: &Environment) -> bool {
        self.state.plan.environment(environment).is_some_and(|plan| !plan.targets.is_empty())
    }

    /// Announces a promotion limited to targets outside production. Nothing is claimed about production.
    fn promoted(&self, intent: &DeployIntent) -> Card {
        let place = self.place(&intent.environment);
        let title = Text::of(format!("Promoted {place}{}: ", self.said_by(intent))).commit(&intent.commit);
        let mut said = vec![Text::of("Nothing else was changed; production runs what it ran.")];
        said.extend(stay_off(self.state).map(Text::of));
        lines(Tone::Good, Some(title), said)
    }

    fn failed(&self, intent: &DeployIntent, failure: &str) -> Card {
        let environment = &intent.environment;
        let place = self.place(environment);
        let said_by = self.said_by(intent);
        let title = Text::of("The deployment of ").commit(&intent.commit).plain(format!(" to {place} failed{said_by}"));
        let begun = !failure.starts_with(NOTHING_BEGUN);
        let next = again(self.state, self.to, environment, begun && !intent.rollback);
        let look = if self.state.plan.only_in(environment).is_empty() || self.reaches(environment) {
            format!("look at what {environment} runs.")
        } else {
            format!("look at what {place} says.")
        };
        let doubt = begun.then(|| Text::of(format!("It may have done all, half or none of its work: {look}")));
        let said = [Text::of(ended(&paragraph(failure)))].into_iter().chain(doubt).chain([next]);
        lines(Tone::Bad, Some(title), said.collect())
    }

    fn rolled_back(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let title = Text::of(format!("{} is back on ", capital(&self.place(environment)))).commit(&intent.commit);
        let title = title.plain(self.said_by(intent));
        let gone = if self.state.plan.is_promotion() { "What was promoted" } else { "The fix" };
        let mut said = vec![Text::of(format!("{gone} is not on {} any more.", self.place(environment)))];
        if self.reaches(environment) {
            said.extend(self.still_runs_it());
            said.extend(self.after_rollback());
            said.extend(stay_off(self.state).map(Text::of));
        }
        lines(Tone::Warning, Some(title), said)
    }

    /// Names the productions that still run the fix after a rollback, with the rollback commands.
    fn still_runs_it(&self) -> Option<Text> {
        let places = still_on(self.state);
        if places.is_empty() {
            return None;
        }
        let names = listing(&places.iter().map(|place| place.as_str()).collect::<Vec<_>>());
        let runs = if places.len() == 1 { "runs" } else { "run" };
        let text = format!(": {names} still {runs} the fix. To take it back there as well, say ");
        let mut text = owner(self.state, self.to).plain(text);
        for (at, place) in places.into_iter().enumerate() {
            text = if at == 0 { text } else { text.plain(" and ") }.command(&back(self.state, place));
        }
        if self.only_waits_for_its_end() {
            text = text.plain("; or release something that has the fix");
        }
        Some(text.plain("."))
    }

    /// Lists the options after a rollback. `None` for a run that only waits for its end, or whose fix ships with the
    /// regular release.
    fn after_rollback(&self) -> Option<Text> {
        let state = self.state;
        if state.rolled_in || self.only_waits_for_its_end() {
            return None;
        }
        let mut text = instead(state, owner(state, self.to).plain(": "));
        let again =
            |kind: &StepKind| matches!(kind, StepKind::Approve { environment } if state.is_taken_back(environment));
        if state.is_current(again) {
            text = text.plain("; nobody is asked to vote for this one again unless somebody says ").command("retry");
        }
        if takes_fixes(state) && may_abort(state) {
            text = text.plain(". To give it up, say ").command("abort <why>");
        }
        Some(text.plain("."))
    }

    /// Returns `true` if the only step left is the end of the hotfix in production (HOCS-13).
    fn only_waits_for_its_end(&self) -> bool {
        let end = self.state.plan.steps.iter().position(|spec| matches!(spec.kind, StepKind::Expire));
        end.is_some_and(|end| self.state.steps.iter().take(end).all(StepState::is_behind))
    }

    /// Names the user who reported the outcome, if the bot could not read it: ", says Ana".
    fn said_by(&self, intent: &DeployIntent) -> String {
        let person = self.state.deploy(&intent.key).and_then(|deploy| deploy.confirmed_by.as_ref());
        person.map_or_else(String::new, |person| format!(", says {}", self.to.name(person)))
    }

    fn deployed(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let what = Text::of(format!("{} runs it{}: ", capital(environment.as_str()), self.said_by(intent)))
            .change(intent.previous.as_ref(), &intent.commit)
            .plain(".");
        let mut said = vec![what];
        if let Some(question) = self.question(environment) {
            said.push(
                owner(self.state, self.to)
                    .plain(format!(": please look there. {} Then say ", ended(&outside(question))))
                    .command(&format!("verify {environment} pass"))
                    .plain(" or ")
                    .command(&format!("verify {environment} fail <what you saw>"))
                    .plain("."),
            );
        }
        lines(Tone::Good, None, said)
    }

    /// Announces that production runs the fix: the change, what to watch, how to roll back, and the request
    /// not to deploy.
    fn live(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let title = Text::of(format!("Live in {}{}: ", self.place(environment), self.said_by(intent)))
            .change(intent.previous.as_ref(), &intent.commit);
        let mut said: Vec<Text> = self.elsewhere(environment, &intent.commit);
        said.push(Text::of("To watch: ").then(self.watch(environment)));
        said.extend(rollback(self.state));
        match &self.state.mainline {
            // A promoted commit comes from main.
            _any if self.state.plan.is_promotion() => {}
            Mainline::NotMerged if all_on_main(self.state) => {}
            Mainline::NotMerged | Mainline::Reverted(_) => {
                said.push(
                    Text::of(format!(
                        "{} is in a non-standard state until the fix is on ",
                        capital(environment.as_str())
                    ))
                    .code(self.state.plan.main.as_str())
                    .plain("."),
                );
            }
            Mainline::Merged(..) | Mainline::Waived { .. } => {}
        }
        said.extend(stay_off(self.state).map(Text::of));
        lines(Tone::Good, Some(title), said)
    }

    /// Lists the commits of this run on the other environments.
    fn elsewhere(&self, environment: &Environment, commit: &CommitId) -> Vec<Text> {
        let others = self.state.plan.environments.iter().filter(|e| &e.name != environment);
        let there = others.filter_map(|e| self.state.deployed(&e.name).map(|runs| (&e.name, runs)));
        there
            .map(|(name, runs)| {
                let text = Text::of(format!("{} runs ", capital(name.as_str()))).commit(runs);
                text.plain(if runs == commit { ", the same." } else { "." })
            })
            .collect()
    }

    /// Returns what to watch after a deployment: the question of the playbook, and the incident.
    fn watch(&self, environment: &Environment) -> Text {
        let question = self.question(environment).map(|question| ended(&outside(question)));
        let text = question.unwrap_or_else(|| format!("errors and response times of {}.", self.state.plan.service));
        match &self.state.incident {
            Some(incident) => Text::of(format!("{text} Incident: ")).plain(outside(incident)),
            None => Text::of(text),
        }
    }

    fn question(&self, environment: &Environment) -> Option<&str> {
        self.state.plan.steps.iter().find_map(|spec| {
            let StepKind::Verify { place: VerifyPlace::Environment(place), question, .. } = &spec.kind else {
                return None;
            };
            (place == environment).then_some(question.as_str())
        })
    }

    fn reaches(&self, environment: &Environment) -> bool {
        self.state.plan.reaches_production(environment)
    }

    fn place(&self, environment: &Environment) -> String {
        self.state.plan.place(environment)
    }
}
