//! Cache of responses with an ETag. GitHub confirms an unchanged response with 304, which does not count against the
//! rate limit. The bot polls the same few routes, so a small cache suffices; it evicts the oldest entry first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use bytes::Bytes;
use http::HeaderValue;

use super::route::Route;
use crate::ids::Repo;

/// Number of responses that are cached.
const ANSWERS: usize = 256;
/// Size in bytes of the largest response that is cached.
const LARGEST: usize = 512 << 10;

type Key = (Repo, Route);

/// A response with its ETag.
#[derive(Debug, Clone)]
pub(super) struct CachedResponse {
    pub(super) tag: HeaderValue,
    pub(super) body: Bytes,
    pub(super) more: bool,
}

#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    answers: BTreeMap<Key, CachedResponse>,
    order: VecDeque<Key>,
}

impl Cache {
    pub(super) fn get(&self, repo: &Repo, route: &Route) -> Option<CachedResponse> {
        self.0.lock().ok()?.answers.get(&(repo.clone(), route.clone())).cloned()
    }

    pub(super) fn put(&self, repo: &Repo, route: &Route, kept: CachedResponse) {
        let Ok(mut inner) = self.0.lock() else { return };
        if kept.body.len() > LARGEST {
            return;
        }
        let key = (repo.clone(), route.clone());
        if inner.answers.insert(key.clone(), kept).is_none() {
            inner.order.push_back(key);
        }
        if inner.order.len() > ANSWERS
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.answers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_large_ones_never_come() {
        let (cache, repo) = (Cache::default(), Repo::parse("a/b").unwrap());
        let route = |n: usize| Route::repo(&repo).unwrap().then(n);
        let kept =
            |length| CachedResponse { tag: HeaderValue::from_static("x"), body: vec![0; length].into(), more: false };
        (0..=ANSWERS).for_each(|n| cache.put(&repo, &route(n), kept(1)));
        cache.put(&repo, &route(ANSWERS + 1), kept(LARGEST + 1));
        assert!(cache.get(&repo, &route(0)).is_none());
        assert!(cache.get(&repo, &route(1)).is_some() && cache.get(&repo, &route(ANSWERS)).is_some());
        assert!(cache.get(&repo, &route(ANSWERS + 1)).is_none());
    }
}
