//! The metrics of a scrape. Every label value comes from a closed list: phases, results, and the configured names of
//! webhooks (security case 61). No metric names a repository or a person.

use std::fmt;
use std::sync::atomic::AtomicU64;

use hotfix_adapters::chat::dropped::Dropped;
use hotfix_storage::WorkState;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use super::webhooks::Received;
use crate::domain::break_glass::review_due;
use crate::domain::event::Ending;
use crate::domain::hotfix::{Hotfix, Phase};
use crate::engine::{Engine, EngineError};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    source: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabel {
    phase: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabel {
    rule: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadLabel {
    read: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// Counters of webhook deliveries since the start of the process.
#[derive(Debug, Clone, Default)]
pub(super) struct Deliveries(Family<DeliveryLabels, Counter>);

impl Deliveries {
    /// Creates counters at 0 for every source and result, so that the first delivery of a kind shows as an increase.
    pub(super) fn of<'a>(sources: impl Iterator<Item = &'a String>) -> Self {
        let deliveries = Self::default();
        for source in sources {
            for result in Received::ALL {
                drop(deliveries.counter(source, result));
            }
        }
        deliveries
    }

    pub(super) fn count(&self, source: &str, result: Received) {
        self.counter(source, result).inc();
    }

    fn counter(&self, source: &str, result: Received) -> impl std::ops::Deref<Target = Counter> {
        self.0.get_or_create(&DeliveryLabels { source: source.to_owned(), result: result.word() })
    }
}

/// The registry of one scrape.
#[derive(Debug, Default)]
pub(super) struct Scrape(Registry);

impl Scrape {
    pub(super) fn process(&mut self, started_at: f64) {
        let start = Gauge::<f64, AtomicU64>::default();
        start.set(started_at);
        self.0.register("process_start_time_seconds", "When the process started, in seconds since 1970", start);
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        self.0.register("hotfix_build_info", "Build information; always 1", build);
    }

    pub(super) fn deliveries(&mut self, deliveries: &Deliveries) {
        let help = "Deliveries of webhooks, by what became of them";
        self.0.register("hotfix_webhook_deliveries", help, deliveries.0.clone());
    }

    pub(super) fn dropped(&mut self) {
        let dropped = Family::<ReasonLabel, Counter>::default();
        for reason in Dropped::ALL {
            dropped.get_or_create(&ReasonLabel { reason: reason.word() }).inc_by(reason.count());
        }
        self.0.register("hotfix_chat_dropped", "Inbound chat messages dropped, by reason", dropped);
    }

    pub(super) async fn engine(&mut self, engine: &Engine) -> Result<(), EngineError> {
        self.runs(&engine.states().await);
        self.outbox(engine).await?;
        let pulse = engine.pulse();
        let commands = Family::<ResultLabel, Counter>::default();
        commands.get_or_create(&ResultLabel { result: "done" }).inc_by(pulse.done());
        commands.get_or_create(&ResultLabel { result: "refused" }).inc_by(pulse.refused());
        self.0.register("hotfix_commands", "Commands, button clicks and reactions handled", commands);
        let denials = Family::<RuleLabel, Counter>::default();
        for (rule, count) in pulse.denials() {
            denials.get_or_create(&RuleLabel { rule }).inc_by(count);
        }
        self.0.register("hotfix_denials", "Requests denied by the policy, by rule", denials);
        self.count("hotfix_journal_commits", "Durable commits of this process", pulse.commits());
        self.count("hotfix_outbox_batches", "Batches claimed from the outbox", pulse.passes());
        self.count("hotfix_polls", "Polls of forge and environments, each for one run", pulse.looks());
        self.troubles(engine);
        let journal = engine.journal().health().await;
        self.level("hotfix_journal_sequence", "Sequence number of the last durable commit", journal.seq.0);
        let writable = u64::from(journal.poisoned.is_none());
        self.level("hotfix_journal_writable", "1 if the journal accepts commits", writable);
        let believed = u64::from(engine.journal().clock_warning().is_none());
        self.level(
            "hotfix_clock_trusted",
            "Whether the clock is believed; no acts are begun while it is not",
            believed,
        );
        Ok(())
    }

    /// Every kind of read starts at 0, so that the first failure of a kind shows as an increase.
    fn troubles(&mut self, engine: &Engine) {
        let failing = Family::<ReadLabel, Gauge>::default();
        for read in crate::engine::READS {
            failing.get_or_create(&ReadLabel { read }).set(0);
        }
        for trouble in engine.troubles() {
            if let Some(read) = crate::engine::READS.into_iter().find(|read| *read == trouble.read) {
                failing.get_or_create(&ReadLabel { read }).inc();
            }
        }
        let help = "Reads of the world that failed three times in a row or more, each for one run";
        self.0.register("hotfix_failing_reads", help, failing);
    }

    fn runs(&mut self, states: &[Hotfix]) {
        let runs = Family::<PhaseLabel, Gauge>::default();
        for phase in ["surveying", "underway", "completed", "rolled_in", "superseded", "reverted", "refused", "aborted"]
        {
            runs.get_or_create(&PhaseLabel { phase }).set(0);
        }
        for state in states {
            runs.get_or_create(&PhaseLabel { phase: phase_word(&state.phase) }).inc();
        }
        self.0.register("hotfix_runs", "Runs by phase", runs);
        let broken = states.iter().map(|state| state.break_glass.len()).sum();
        self.count("hotfix_break_glass_uses", "Uses of break-glass", whole(broken));
        let open = states.iter().filter(|state| review_due(state)).count();
        self.level(
            "hotfix_break_glass_unreviewed",
            "Runs with a break-glass use that is not reviewed yet",
            whole(open),
        );
    }

    async fn outbox(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let now = engine.journal().now();
        let unsettled = engine.journal().unsettled().await?;
        let given_up = unsettled.iter().filter(|view| matches!(view.state, WorkState::Dead { .. })).count();
        let due = unsettled.iter().filter(|view| !matches!(view.state, WorkState::Dead { .. }));
        let oldest = due.map(|view| now.since(view.work.not_before)).max().unwrap_or_default();
        let backlog = engine.backlog().await?;
        self.level("hotfix_outbox_backlog", "Due work items in the outbox", whole(backlog));
        self.level("hotfix_outbox_dead", "Work items that are not retried until someone says `retry`", whole(given_up));
        let help = "For how long the oldest work has been due, in seconds";
        self.level("hotfix_outbox_oldest_due_seconds", help, oldest.as_secs());
        Ok(())
    }

    /// Returns the metrics in the OpenMetrics text format.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0)?;
        Ok(text)
    }

    fn count(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.register(name, help, counter);
    }

    fn level(&mut self, name: &str, help: &str, value: u64) {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.register(name, help, gauge);
    }

    fn register(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.0.register(name, help, metric);
    }
}

const fn phase_word(phase: &Phase) -> &'static str {
    match phase {
        Phase::ReadingWorld => "surveying",
        Phase::Underway => "underway",
        Phase::Ended { ending: Ending::Completed, .. } => "completed",
        Phase::Ended { ending: Ending::RolledIn, .. } => "rolled_in",
        Phase::Ended { ending: Ending::Superseded, .. } => "superseded",
        Phase::Ended { ending: Ending::Reverted, .. } => "reverted",
        Phase::Ended { ending: Ending::Refused, .. } => "refused",
        Phase::Ended { ending: Ending::Aborted, .. } => "aborted",
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
