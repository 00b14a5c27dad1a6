//! Reads of remote systems that keep failing. A single failure only costs time. A persistent one means that the bot
//! misses changes, so it is reported on the card, in the thread, in the log, in the metrics and by `doctor`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotfix_adapters::chat::{Card, Destination, Post};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{Environment, MessageRef};
use jiff::Timestamp;

use super::Engine;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;
use crate::view::{self, Trouble};

/// Number of consecutive failures after which a read is reported.
const PERSISTENT: u32 = 3;

/// Declares the reads with their metric labels, so that the list of labels is complete.
macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident $(($of:ty))? = $label:literal,)+) => {
        /// A read that polling does for a run.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Read {
            $($(#[$doc])* $name $(($of))?,)+
        }

        /// The metric labels of all reads.
        pub const READS: [&str; [$($label),+].len()] = [$($label),+];

        impl Read {
            /// Returns the metric label of this read.
            pub(super) const fn label(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $label,)+
                }
            }
        }
    };
}

reads! {
    /// The head of the hotfix branch.
    Branch = "branch",
    /// The pull request of the run.
    Pull = "pull_request",
    /// The containment of the fix in main.
    Main = "main",
    /// The checks and blockers of main.
    MainChecks = "main_checks",
    /// The reverts of requested fixes on main.
    Reverts = "reverts",
    /// The merges of the hotfix branch into main.
    BranchMerged = "branch_merged",
    /// The tag of the pinned image.
    Image = "image",
    /// The files that the deployment edits.
    Edits = "edits",
    /// The branch that production runs.
    LiveBranch = "live_branch",
    /// The external state that the current step waits for.
    Awaited = "awaited",
    /// The held-back changes of main.
    Withheld = "withheld",
    /// The running commit of a production.
    Production(Environment) = "production",
}

impl Read {
    /// Returns the name of the read, for messages.
    fn words(&self, run: &Hotfix) -> String {
        match self {
            Self::Branch => format!("the branch {}", run.plan.branch),
            Self::Pull => run
                .pull
                .as_ref()
                .map_or_else(|| "the pull request".to_owned(), |pull| format!("pull request #{}", pull.number.0)),
            Self::MainChecks => format!("the checks of {}", run.plan.main),
            Self::Main | Self::Withheld | Self::Reverts | Self::BranchMerged => format!("the branch {}", run.plan.main),
            Self::Image => "the tag of the image".to_owned(),
            Self::Edits => "the files that the deployment changes".to_owned(),
            Self::LiveBranch => "the branch that production runs".to_owned(),
            Self::Awaited => run.current().map_or_else(
                || "what is waited for".to_owned(),
                |(_, spec)| format!("what the step {} waits for", spec.id),
            ),
            Self::Production(environment) => format!("what {environment} runs"),
        }
    }
}

/// A read that has failed and has not succeeded after that.
#[derive(Debug)]
struct Failing {
    times: u32,
    /// The time of the last failure that was counted. Several failures at the same time count once.
    counted: Option<Timestamp>,
    trouble: Trouble,
    /// The reason in the warning that was posted to the thread; `None` before a warning.
    told: Option<String>,
}

impl Failing {
    const fn is_persistent(&self) -> bool {
        self.times >= PERSISTENT
    }
}

/// A warning in the thread of a run. Several reads that fail for the same reason share one.
#[derive(Debug, Clone)]
struct Warning {
    /// The first read of the warning and the time of its first failure; part of the message keys.
    key: String,
    /// The reads that fail for this reason, including those that joined later.
    things: Vec<String>,
}

/// The failing reads, and the posted warnings by run and reason.
#[derive(Debug, Default)]
struct Kept {
    failing: BTreeMap<(HotfixId, Read), Failing>,
    warnings: BTreeMap<(HotfixId, String), Warning>,
}

/// All failing reads of this process. Lost on restart.
#[derive(Debug, Default)]
pub(super) struct ReadFailures(Mutex<Kept>);

impl ReadFailures {
    /// Records a successful read. Returns `true` if it was failing persistently before.
    fn done(&self, run: HotfixId, read: &Read) -> bool {
        let failing = self.lock().failing.remove(&(run, read.clone()));
        failing.is_some_and(|failing| failing.is_persistent())
    }

    /// Records a failed read. Returns `true` if this failure makes it persistent.
    fn failed(&self, read: &Read, trouble: Trouble) -> bool {
        let (now, mut kept) = (trouble.since, self.lock());
        let failing = kept.failing.entry((trouble.run, read.clone())).or_insert_with(|| Failing {
            times: 0,
            counted: None,
            trouble: trouble.clone(),
            told: None,
        });
        failing.trouble = Trouble { since: failing.trouble.since, ..trouble };
        if failing.counted == Some(now) {
            return false;
        }
        failing.counted = Some(now);
        failing.times = failing.times.saturating_add(1);
        failing.times == PERSISTENT
    }

    /// Forgets the runs that are not polled anymore.
    fn keep(&self, open: &dyn Fn(HotfixId) -> bool) {
        let mut kept = self.lock();
        kept.failing.retain(|(run, _), _| open(*run));
        kept.warnings.retain(|(run, _), _| open(*run));
    }

    /// Returns the persistently failing reads of all runs.
    fn persistent(&self) -> Vec<Trouble> {
        let kept = self.lock();
        kept.failing.values().filter(|failing| failing.is_persistent()).map(|failing| failing.trouble.clone()).collect()
    }

    /// Returns `true` if a warning, or its end, is to be posted in the thread of a run.
    fn has_news(&self, run: HotfixId) -> bool {
        !self.untold(run).is_empty() || !self.readable(run).is_empty()
    }

    /// Returns the failing reads that the thread was not warned about, grouped by reason. A read that fails for an
    /// already posted reason joins that warning instead.
    fn untold(&self, run: HotfixId) -> Vec<Vec<(Read, Trouble)>> {
        let mut kept = self.lock();
        let Kept { failing, warnings } = &mut *kept;
        let mut groups: BTreeMap<String, Vec<(Read, Trouble)>> = BTreeMap::new();
        for ((of, read), failing) in failing.iter_mut() {
            if *of != run || !failing.is_persistent() || failing.told.is_some() {
                continue;
            }
            let reason = failing.trouble.reason.clone();
            match warnings.get_mut(&(run, reason.clone())) {
                Some(warning) => {
                    if !warning.things.contains(&failing.trouble.what) {
                        warning.things.push(failing.trouble.what.clone());
                    }
                    failing.told = Some(reason);
                }
                None => groups.entry(reason).or_default().push((read.clone(), failing.trouble.clone())),
            }
        }
        groups.into_values().collect()
    }

    /// Records that a warning about these reads, which share a reason, was posted.
    fn warned(&self, run: HotfixId, reason: &str, key: String, group: &[(Read, Trouble)]) {
        let mut kept = self.lock();
        let mut things: Vec<String> = Vec::new();
        for (read, trouble) in group {
            if !things.contains(&trouble.what) {
                things.push(trouble.what.clone());
            }
            if let Some(failing) = kept.failing.get_mut(&(run, read.clone())) {
                failing.told = Some(reason.to_owned());
            }
        }
        kept.warnings.insert((run, reason.to_owned()), Warning { key, things });
    }

    /// Returns the warnings of a run that are over because all their reads succeed again, with their reasons.
    fn readable(&self, run: HotfixId) -> Vec<(String, Warning)> {
        let kept = self.lock();
        let fails = |reason: &String| {
            kept.failing.iter().any(|((of, _), failing)| *of == run && failing.told.as_ref() == Some(reason))
        };
        let over = kept.warnings.iter().filter(|((of, reason), _)| *of == run && !fails(reason));
        over.map(|((_, reason), warning)| (reason.clone(), warning.clone())).collect()
    }

    /// Forgets a warning after its end was posted.
    fn forget(&self, run: HotfixId, reason: String) {
        self.lock().warnings.remove(&(run, reason));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Returns the persistently failing reads of all open runs.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        self.troubles.persistent()
    }

    /// Returns the persistently failing reads of one run.
    pub(super) fn troubles_of(&self, run: HotfixId) -> Vec<Trouble> {
        self.troubles().into_iter().filter(|trouble| trouble.run == run).collect()
    }

    /// Records the result of a read.
    pub(super) fn count_read<T>(&self, state: &Hotfix, read: &Read, result: &Result<T, Failure>) {
        let Err(failure) = result else {
            if self.troubles.done(state.id, read) {
                tracing::info!(run = %state.id, read = read.label(), "it can be read again");
            }
            return;
        };
        let trouble = Trouble {
            run: state.id,
            what: read.words(state),
            read: read.label().to_owned(),
            reason: failure.to_string(),
            since: self.now(),
            passes: !matches!(failure, Failure::Rejected { .. }),
        };
        if self.troubles.failed(read, trouble) {
            tracing::warn!(run = %state.id, read = read.label(), reason = %failure, "it could not be read three times in a row; it is read again and again");
        } else {
            tracing::debug!(run = %state.id, read = read.label(), reason = %failure, "could not look");
        }
    }

    /// Forgets the failures of runs that are not open.
    pub(super) fn forget_troubles(&self, open: &[HotfixId]) {
        self.troubles.keep(&|run| open.contains(&run));
    }

    /// Returns `true` if a warning, or its end, is to be posted in the thread of a run.
    pub(super) fn has_news_of_troubles(&self, run: HotfixId) -> bool {
        self.troubles.has_news(run)
    }

    /// Posts warnings about failing reads in the thread, one per reason, and their ends. If the chat is down, this is
    /// retried by the next refresh of the cards.
    pub(super) async fn tell_of_troubles(&self, state: &Hotfix) {
        let Some(root) = state.card.as_ref().filter(|_| !state.is_over()) else { return };
        for group in self.troubles.untold(state.id) {
            let troubles: Vec<Trouble> = group.iter().map(|(_, trouble)| trouble.clone()).collect();
            let Some(first) = troubles.first() else { continue };
            let key = format!("{}/{}", first.what, first.since);
            let card = view::unread(state, &troubles, &self.audience(), self.now());
            if self.posted(state.id, root, format!("{}/unread/{key}", state.id), card).await {
                self.troubles.warned(state.id, &first.reason, key, &group);
            }
        }
        for (reason, Warning { key, things }) in self.troubles.readable(state.id) {
            let card = Trouble::over(&things);
            if self.posted(state.id, root, format!("{}/readable/{key}", state.id), card).await {
                self.troubles.forget(state.id, reason);
            }
        }
    }

    /// Posts a message in a thread. Returns `true` if the message was posted.
    async fn posted(&self, run: HotfixId, root: &MessageRef, key: String, card: Card) -> bool {
        match self.outside.chat.post(&Post { destination: Destination::Thread(root.clone()), key, card }).await {
            Ok(_) => true,
            Err(failure) => {
                tracing::info!(%run, %failure, "the thread could not be told; it is tried again");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: HotfixId = HotfixId(1);

    fn trouble(what: &str, reason: &str, minute: i64) -> Trouble {
        Trouble {
            run: RUN,
            what: what.to_owned(),
            read: "branch".to_owned(),
            reason: reason.to_owned(),
            since: Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap(),
            passes: true,
        }
    }

    fn fails(troubles: &ReadFailures, read: &Read, what: &str, minutes: std::ops::Range<i64>) {
        for minute in minutes {
            troubles.failed(read, trouble(what, "it is down", minute));
        }
    }

    fn warn(troubles: &ReadFailures) -> Vec<Vec<String>> {
        let mut told = Vec::new();
        for group in troubles.untold(RUN) {
            troubles.warned(RUN, "it is down", "key".to_owned(), &group);
            told.push(group.into_iter().map(|(_, trouble)| trouble.what).collect());
        }
        told
    }

    #[test]
    fn several_failures_within_one_moment_are_one() {
        let troubles = ReadFailures::default();
        for _look in 0..5 {
            assert!(!troubles.failed(&Read::Branch, trouble("the branch", "it is down", 0)));
        }
        assert!(!troubles.failed(&Read::Branch, trouble("the branch", "it is down", 1)));
        assert!(troubles.persistent().is_empty());
        assert!(troubles.failed(&Read::Branch, trouble("the branch", "it is down", 2)), "the third time");
        assert!(!troubles.failed(&Read::Branch, trouble("the branch", "it is down", 2)), "that was told");
        let found = troubles.persistent();
        assert_eq!(found, [trouble("the branch", "it is down", 0)], "since the first time");
    }

    #[test]
    fn one_reason_is_told_once_and_once_when_it_is_over() {
        let troubles = ReadFailures::default();
        fails(&troubles, &Read::Branch, "the branch", 0..3);
        fails(&troubles, &Read::Pull, "the pull request", 0..3);
        assert_eq!(warn(&troubles), [["the branch", "the pull request"]], "one post");
        fails(&troubles, &Read::Main, "main", 1..4);
        assert_eq!(warn(&troubles), Vec::<Vec<String>>::new(), "it joins");
        assert!(!troubles.has_news(RUN));
        assert!(troubles.done(RUN, &Read::Branch) && troubles.done(RUN, &Read::Pull));
        assert!(!troubles.has_news(RUN), "main cannot be read yet");
        assert!(troubles.done(RUN, &Read::Main));
        let over = troubles.readable(RUN);
        assert_eq!(over.len(), 1);
        for (reason, warning) in over {
            assert_eq!(warning.things, ["the branch", "the pull request", "main"]);
            troubles.forget(RUN, reason);
        }
        assert!(!troubles.has_news(RUN));
    }

    #[test]
    fn the_words_of_a_metric_are_those_of_the_reads() {
        assert!(READS.contains(&Read::BranchMerged.label()) && READS.contains(&Read::MainChecks.label()));
        assert!(READS.contains(&Read::Production(Environment::parse("production").unwrap()).label()));
    }
}
