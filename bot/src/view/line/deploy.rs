//! Deployments: why not, what begins, how it ended, what to watch and how to go back.

use hotfix_adapters::chat::{Card, Text, Tone};
use hotfix_adapters::vocabulary::{CommitId, DeployKey, Environment};

use super::{Told, lines, one};
use crate::domain::event::DeployIntent;
use crate::domain::hotfix::Mainline;
use crate::domain::playbook::{StepKind, VerifyPlace};
use crate::domain::refusal::Refusal;
use crate::view::ask::{again, by_hand, owner};
use crate::view::card::rollback;
use crate::view::phrase::{Say, capital, ended, listing, outside, paragraph, stay_off};
use crate::view::refusal;

impl Told<'_> {
    pub(super) fn deploy_refused(&self, environment: &Environment, refusals: &[Refusal]) -> Card {
        let title = Text::of(format!("Nothing was deployed to {}", self.place(environment)));
        let mut said: Vec<Text> = refusals.iter().map(|refusal| refusal::line(refusal, self.to)).collect();
        said.push(owner(self.state, self.to).plain(": what is left to do is in ").command("plan").plain("."));
        lines(Tone::Warning, Some(title), said)
    }

    pub(super) fn deploy_started(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let names: Vec<String> = intent.votes.iter().map(|person| self.to.name(person)).collect();
        let by = if names.is_empty() { String::new() } else { format!(", by the word of {}", listing(&names)) };
        let verb = if intent.rollback { "Rolling back" } else { "Deploying to" };
        let what = Text::of(format!("{verb} {}: ", self.place(environment)))
            .change(intent.previous.as_ref(), &intent.commit)
            .plain(format!("{by}."));
        let mut said = vec![what];
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

    pub(super) fn deploy_awaits_word(&self, key: &DeployKey) -> Card {
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
            (None, false, false) if !self.state.plan.only_in(&intent.environment).is_empty() => self.promoted(intent),
            (None, false, false) => self.deployed(intent),
        }
    }

    /// Targets that say nothing of production: it is neither claimed nor looked at.
    fn promoted(&self, intent: &DeployIntent) -> Card {
        let place = self.place(&intent.environment);
        let title = Text::of(format!("Promoted {place}: ")).commit(&intent.commit);
        let mut said = vec![Text::of("Nothing else was changed; production runs what it ran.")];
        said.extend(stay_off(self.state).map(Text::of));
        lines(Tone::Good, Some(title), said)
    }

    fn failed(&self, intent: &DeployIntent, failure: &str) -> Card {
        let environment = &intent.environment;
        let place = self.place(environment);
        let title = Text::of("The deployment of ").commit(&intent.commit).plain(format!(" to {place} failed"));
        let next = again(self.state, self.to, environment, !intent.rollback);
        let look = if self.state.plan.only_in(environment).is_empty() || self.reaches(environment) {
            format!("look at what {environment} runs.")
        } else {
            format!("look at what {place} says.")
        };
        lines(
            Tone::Bad,
            Some(title),
            vec![
                Text::of(ended(&paragraph(failure))),
                Text::of(format!("It may have done all, half or none of its work: {look}")),
                next,
            ],
        )
    }

    fn rolled_back(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let title = Text::of(format!("{} is back on ", capital(&self.place(environment)))).commit(&intent.commit);
        let gone = if self.state.plan.is_promotion() { "What was promoted" } else { "The fix" };
        let mut said = vec![Text::of(format!("{gone} is not on {} any more.", self.place(environment)))];
        if self.reaches(environment) {
            said.push(
                owner(self.state, self.to)
                    .plain(": before it goes there again the votes start again. To give it up instead, say ")
                    .command("abort <why>")
                    .plain("."),
            );
            said.extend(stay_off(self.state).map(Text::of));
        }
        lines(Tone::Warning, Some(title), said)
    }

    fn deployed(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let what = Text::of(format!("{} runs it: ", capital(environment.as_str())))
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

    /// Production runs the fix: what changed, what to watch, how to go back, what others must not do.
    fn live(&self, intent: &DeployIntent) -> Card {
        let environment = &intent.environment;
        let title =
            Text::of(format!("Live in {}: ", self.place(environment))).change(intent.previous.as_ref(), &intent.commit);
        let mut said: Vec<Text> = self.elsewhere(environment, &intent.commit);
        said.push(Text::of("To watch: ").then(self.watch(environment)));
        said.extend(rollback(self.state));
        match &self.state.mainline {
            // What is promoted came from main.
            _any if self.state.plan.is_promotion() => {}
            Mainline::Open | Mainline::Lost(_) => {
                said.push(
                    Text::of(format!(
                        "{} is in a non-standard state until the fix is on ",
                        capital(environment.as_str())
                    ))
                    .code(self.state.plan.main.as_str())
                    .plain("."),
                );
            }
            Mainline::Proven(..) | Mainline::Waived { .. } => {}
        }
        said.extend(stay_off(self.state).map(Text::of));
        lines(Tone::Good, Some(title), said)
    }

    /// What this run left on the other environments.
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

    /// What to look at after a deployment: the question of the playbook, and the incident.
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
