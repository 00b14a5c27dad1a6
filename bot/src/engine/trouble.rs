//! Reads of the world that keep failing. One that fails now and then costs only time; one that fails again and again leaves
//! people waiting for something that the bot would never see, so it is shown: on the card, in the thread, in the log, in the
//! metrics and by `doctor`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotfix_adapters::chat::{Place, Post};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::vocabulary::Environment;

use super::Engine;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;
use crate::view::{self, Trouble};

/// So many failures in a row are told.
const PERSISTENT: u32 = 3;

/// The words for what is read, in a metric.
pub const READS: [&str; 8] =
    ["branch", "pull_request", "main", "image", "live_branch", "awaited", "withheld", "production"];

/// Something that is read for a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Read {
    /// Its branch.
    Branch,
    /// Its pull request.
    Pull,
    /// Main.
    Main,
    /// The checks and blockers of main.
    MainChecks,
    /// The reverts of its fixes on main.
    Reverts,
    /// The merges of its branch into main.
    BranchMerged,
    /// The tag of its image.
    Image,
    /// The branch that production runs.
    LiveBranch,
    /// The thing that its step waits for.
    Awaited,
    /// The changes of main that do not ship.
    Withheld,
    /// A production.
    Production(Environment),
}

impl Read {
    /// The word for it in a metric.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Pull => "pull_request",
            Self::Main => "main",
            Self::MainChecks => "main_checks",
            Self::Reverts => "reverts",
            Self::BranchMerged => "branch_merged",
            Self::Image => "image",
            Self::LiveBranch => "live_branch",
            Self::Awaited => "awaited",
            Self::Withheld => "withheld",
            Self::Production(_) => "production",
        }
    }

    /// The thing, for people.
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
            Self::LiveBranch => "the branch that production runs".to_owned(),
            Self::Awaited => run.current().map_or_else(
                || "what is waited for".to_owned(),
                |(_, spec)| format!("what the step {} waits for", spec.id),
            ),
            Self::Production(environment) => format!("what {environment} runs"),
        }
    }
}

/// A read that failed, and was not done since.
#[derive(Debug)]
struct Failing {
    times: u32,
    trouble: Trouble,
    told: bool,
}

/// The reads that failed, and were not done since.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<BTreeMap<(HotfixId, Read), Failing>>);

impl Troubles {
    /// A read was done. Returns whether it had failed again and again before.
    fn done(&self, run: HotfixId, read: &Read) -> bool {
        let failing = self.lock().remove(&(run, read.clone()));
        failing.is_some_and(|failing| failing.times >= PERSISTENT)
    }

    /// A read failed. Returns whether it did for the third time in a row.
    fn failed(&self, read: &Read, trouble: Trouble) -> bool {
        let mut all = self.lock();
        let failing = all.entry((trouble.run, read.clone())).or_insert_with(|| Failing {
            times: 0,
            trouble: trouble.clone(),
            told: false,
        });
        failing.times = failing.times.saturating_add(1);
        failing.trouble = Trouble { since: failing.trouble.since, ..trouble };
        failing.times == PERSISTENT
    }

    /// Forgets the runs that are not read any more.
    fn keep(&self, open: &dyn Fn(HotfixId) -> bool) {
        self.lock().retain(|(run, _), _| open(*run));
    }

    fn persistent(&self) -> Vec<Trouble> {
        let all = self.lock();
        all.values().filter(|failing| failing.times >= PERSISTENT).map(|failing| failing.trouble.clone()).collect()
    }

    /// The ones that nobody was told of in the thread.
    fn untold(&self, run: HotfixId) -> Vec<(Read, Trouble)> {
        let all = self.lock();
        let new = all.iter().filter(|((of, _), failing)| *of == run && failing.times >= PERSISTENT && !failing.told);
        new.map(|((_, read), failing)| (read.clone(), failing.trouble.clone())).collect()
    }

    fn tell(&self, run: HotfixId, read: &Read) {
        if let Some(failing) = self.lock().get_mut(&(run, read.clone())) {
            failing.told = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(HotfixId, Read), Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The reads that failed three times in a row or more, of all open runs.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        self.troubles.persistent()
    }

    /// The same, of one run.
    pub(super) fn troubles_of(&self, run: HotfixId) -> Vec<Trouble> {
        self.troubles().into_iter().filter(|trouble| trouble.run == run).collect()
    }

    /// Keeps count of a read that was done or failed.
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

    /// Forgets what failed for runs that are over.
    pub(super) fn forget_troubles(&self, open: &[HotfixId]) {
        self.troubles.keep(&|run| open.contains(&run));
    }

    /// Says in the thread, once, what cannot be read. A chat that is down is told later.
    pub(super) async fn tell_of_troubles(&self, state: &Hotfix) {
        let Some(root) = state.card.as_ref().filter(|_| !state.is_over()) else { return };
        for (read, trouble) in self.troubles.untold(state.id) {
            let (place, key) =
                (Place::Thread(root.clone()), format!("{}/unread/{}/{}", state.id, trouble.what, trouble.since));
            let post = Post { place, key, card: view::unread(state, &trouble, &self.audience(), self.now()) };
            match self.outside.chat.post(&post).await {
                Ok(_) => self.troubles.tell(state.id, &read),
                Err(failure) => {
                    tracing::info!(run = %state.id, %failure, "the thread could not be told; it is tried again")
                }
            }
        }
    }
}
