//! Rate limits: a number of commands per minute for each account, and for each service over all accounts. The first
//! request over the limit gets a refusal; later ones get no reply until there is capacity again (security case 40).
//! Console callers and redeliveries are not counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotfix_adapters::ids::PersonRef;
use jiff::{SignedDuration, Timestamp};

use crate::domain::id::ServiceName;
use crate::domain::refusal::Refusal;

/// Time in which an empty bucket becomes full.
const SPAN: SignedDuration = SignedDuration::from_mins(1);
/// Number of buckets above which full ones are dropped.
const KNOWN: usize = 4096;
/// Number of dedupe keys that a bucket keeps, to recognize redeliveries.
const REMEMBERED: usize = 64;

/// The buckets of all accounts and services. Kept in memory only: a restart fills them.
#[derive(Debug, Default)]
pub(super) struct RateLimits {
    people: Mutex<BTreeMap<PersonRef, Bucket>>,
    services: Mutex<BTreeMap<ServiceName, Bucket>>,
}

/// A token bucket. It stores the time at which it is full again instead of a count.
#[derive(Debug)]
struct Bucket {
    full_at: Timestamp,
    told: bool,
    /// Dedupe keys of the last requests. A redelivery takes no token.
    taken: VecDeque<String>,
}

/// The error of an empty bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateLimited {
    /// Seconds until there is capacity again, at least 1.
    pub(super) seconds: i64,
    /// `true` for the first refused request after an accepted one.
    pub(super) first: bool,
}

impl RateLimits {
    /// Takes a token from the bucket of an account. `most` is its size, which also is the number of tokens per minute.
    pub(super) fn person(&self, person: &PersonRef, key: &str, most: u32, now: Timestamp) -> Result<(), RateLimited> {
        take(&mut locked(&self.people), (person, key), most, now)
    }

    /// Takes a token from the bucket of a service.
    pub(super) fn service(
        &self,
        service: &ServiceName,
        key: &str,
        most: u32,
        now: Timestamp,
    ) -> Result<(), RateLimited> {
        take(&mut locked(&self.services), (service, key), most, now)
    }
}

/// Returns the refusal for an account over its limit.
pub(super) fn of_person(most: u32, too_much: RateLimited) -> Refusal {
    let reason = format!("That is more than {most} commands of yours within a minute, and this one was not read.");
    Refusal::new("rate-limit.person", reason, format!("Say it again in {} s.", too_much.seconds))
}

/// Returns the refusal for a service over its limit.
pub(super) fn of_service(service: &ServiceName, most: u32, too_much: RateLimited) -> Refusal {
    let reason = format!("That is more than {most} commands for {service} within a minute.");
    Refusal::new(
        "rate-limit.service",
        reason,
        format!("Say it again in {} s; votes are always taken.", too_much.seconds),
    )
}

fn take<K: Ord + Clone>(
    buckets: &mut BTreeMap<K, Bucket>,
    (whose, key): (&K, &str),
    most: u32,
    now: Timestamp,
) -> Result<(), RateLimited> {
    if buckets.len() >= KNOWN && !buckets.contains_key(whose) {
        buckets.retain(|_, bucket| bucket.full_at > now);
    }
    let full = || Bucket { full_at: now, told: false, taken: VecDeque::new() };
    let bucket = buckets.entry(whose.clone()).or_insert_with(full);
    if bucket.taken.iter().any(|taken| taken == key) {
        return Ok(());
    }
    let one = SPAN / i32::try_from(most.max(1)).unwrap_or(i32::MAX);
    let next = bucket.full_at.max(now).checked_add(one).unwrap_or(Timestamp::MAX);
    let behind = next.duration_since(now) - SPAN;
    if behind > SignedDuration::ZERO {
        let first = !std::mem::replace(&mut bucket.told, true);
        let seconds = behind.as_secs() + i64::from(behind.subsec_nanos() > 0);
        return Err(RateLimited { seconds: seconds.max(1), first });
    }
    (bucket.full_at, bucket.told) = (next, false);
    if bucket.taken.len() >= REMEMBERED {
        bucket.taken.pop_front();
    }
    bucket.taken.push_back(key.to_owned());
    Ok(())
}

fn locked<T>(buckets: &Mutex<T>) -> MutexGuard<'_, T> {
    buckets.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use hotfix_adapters::ids::Platform;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// Security case 40: each account has a bucket of its own, and only the first refused request gets a reply.
    #[test]
    fn each_has_a_bucket_and_the_first_word_too_many_is_told() {
        let (pace, ana) = (RateLimits::default(), PersonRef::new(Platform::Slack, "T1/U1"));
        let say = |key: &str, seconds| pace.person(&ana, key, 60, at(seconds));
        for number in 0..60 {
            assert_eq!(say(&format!("k{number}"), 0), Ok(()));
        }
        assert_eq!(say("k60", 0), Err(RateLimited { seconds: 1, first: true }));
        assert_eq!(say("k60", 0), Err(RateLimited { seconds: 1, first: false }));
        assert_eq!(say("k59", 0), Ok(()), "what comes again takes nothing");
        let another = PersonRef::new(Platform::Slack, "T1/U2");
        assert_eq!(pace.person(&another, "k0", 60, at(0)), Ok(()), "others have their own");
        assert_eq!(say("k61", 1), Ok(()));
        assert_eq!(say("k62", 1), Err(RateLimited { seconds: 1, first: true }), "there was room meanwhile");
        let payments: ServiceName = "payments".parse().unwrap();
        let say = |key: &str, seconds| pace.service(&payments, key, 1, at(seconds));
        assert_eq!(say("a", 0), Ok(()));
        assert_eq!(say("b", 30), Err(RateLimited { seconds: 30, first: true }));
        assert_eq!(say("c", 60), Ok(()));
    }

    #[test]
    fn what_is_full_again_is_forgotten() {
        let pace = RateLimits::default();
        for number in 0..KNOWN + 100 {
            let seconds = i64::try_from(number).unwrap();
            let _ = pace.person(&PersonRef::new(Platform::Slack, format!("T1/U{number}")), "k", 60, at(seconds));
        }
        assert!(locked(&pace.people).len() <= KNOWN);
    }
}
