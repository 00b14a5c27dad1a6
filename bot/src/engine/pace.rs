//! How much people may say: so many commands a minute each, and so many for a service, however many people say them. The
//! first that is too much is told so; what follows is not answered until there is room again (security case 40). Who sits
//! at the terminal is not counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotfix_adapters::vocabulary::PersonRef;
use jiff::{SignedDuration, Timestamp};

use crate::domain::id::ServiceName;
use crate::domain::refusal::Refusal;

/// A bucket is full again after this.
const SPAN: SignedDuration = SignedDuration::from_mins(1);
/// Beyond this many, what is full again is forgotten.
const KNOWN: usize = 4096;

/// Everybody's buckets, and those of the services. They are of this process: a start fills them.
#[derive(Debug, Default)]
pub(super) struct Pace {
    people: Mutex<BTreeMap<PersonRef, Bucket>>,
    services: Mutex<BTreeMap<ServiceName, Bucket>>,
}

/// When a bucket will be full, and whether somebody was told that it is empty.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Timestamp,
    told: bool,
}

/// A bucket is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch {
    /// After how many seconds there is room again, at least 1.
    pub(super) seconds: i64,
    /// Whether it is the first time since there was room.
    pub(super) first: bool,
}

impl Pace {
    /// Takes one out of somebody's bucket, which holds so many and is filled within a minute.
    pub(super) fn person(&self, person: &PersonRef, most: u32, now: Timestamp) -> Result<(), TooMuch> {
        take(&mut locked(&self.people), person, most, now)
    }

    /// Takes one out of a service's bucket.
    pub(super) fn service(&self, service: &ServiceName, most: u32, now: Timestamp) -> Result<(), TooMuch> {
        take(&mut locked(&self.services), service, most, now)
    }
}

/// What somebody is told who said too much.
pub(super) fn of_person(most: u32, too_much: TooMuch) -> Refusal {
    let reason = format!("That is more than {most} commands of yours within a minute, and this one was not read.");
    Refusal::new("pace.person", reason, format!("Say it again in {} s.", too_much.seconds))
}

/// What is told when too much is said about a service.
pub(super) fn of_service(service: &ServiceName, most: u32, too_much: TooMuch) -> Refusal {
    let reason = format!("That is more than {most} commands for {service} within a minute.");
    Refusal::new("pace.service", reason, format!("Say it again in {} s; votes are always taken.", too_much.seconds))
}

fn take<K: Ord + Clone>(
    buckets: &mut BTreeMap<K, Bucket>,
    whose: &K,
    most: u32,
    now: Timestamp,
) -> Result<(), TooMuch> {
    let one = SPAN / i32::try_from(most.max(1)).unwrap_or(i32::MAX);
    let full_at = buckets.get(whose).map_or(now, |bucket| bucket.full_at.max(now));
    let next = full_at.checked_add(one).unwrap_or(Timestamp::MAX);
    let behind = next.duration_since(now) - SPAN;
    if behind > SignedDuration::ZERO {
        let told = buckets.insert(whose.clone(), Bucket { full_at, told: true }).is_some_and(|bucket| bucket.told);
        let seconds = behind.as_secs() + i64::from(behind.subsec_nanos() > 0);
        return Err(TooMuch { seconds: seconds.max(1), first: !told });
    }
    if buckets.len() >= KNOWN {
        buckets.retain(|_, bucket| bucket.full_at > now);
    }
    buckets.insert(whose.clone(), Bucket { full_at: next, told: false });
    Ok(())
}

fn locked<T>(buckets: &Mutex<T>) -> MutexGuard<'_, T> {
    buckets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use hotfix_adapters::vocabulary::Platform;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// Security case 40.
    #[test]
    fn each_has_a_bucket_and_the_first_word_too_many_is_told() {
        let (pace, ana) = (Pace::default(), PersonRef::new(Platform::Slack, "T1/U1"));
        for _ in 0..60 {
            assert_eq!(pace.person(&ana, 60, at(0)), Ok(()));
        }
        assert_eq!(pace.person(&ana, 60, at(0)), Err(TooMuch { seconds: 1, first: true }));
        assert_eq!(pace.person(&ana, 60, at(0)), Err(TooMuch { seconds: 1, first: false }));
        assert_eq!(pace.person(&PersonRef::new(Platform::Slack, "T1/U2"), 60, at(0)), Ok(()), "others have their own");
        assert_eq!(pace.person(&ana, 60, at(1)), Ok(()));
        assert_eq!(pace.person(&ana, 60, at(1)), Err(TooMuch { seconds: 1, first: true }), "there was room meanwhile");
        let payments: ServiceName = "payments".parse().unwrap();
        assert_eq!(pace.service(&payments, 1, at(0)), Ok(()));
        assert_eq!(pace.service(&payments, 1, at(30)), Err(TooMuch { seconds: 30, first: true }));
        assert_eq!(pace.service(&payments, 1, at(60)), Ok(()));
    }

    #[test]
    fn what_is_full_again_is_forgotten() {
        let pace = Pace::default();
        for number in 0..KNOWN + 100 {
            let seconds = i64::try_from(number).unwrap();
            let _ = pace.person(&PersonRef::new(Platform::Slack, format!("T1/U{number}")), 60, at(seconds));
        }
        assert!(locked(&pace.people).len() <= KNOWN);
    }
}
