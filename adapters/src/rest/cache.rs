//! A cache of responses with an `ETag`, for conditional requests.

use std::collections::HashMap;

use http::header::{ETAG, HeaderValue};
use reqwest::{StatusCode, Url};

use super::Response;

const ANSWERS: usize = 256;
const LARGEST_BYTES: usize = 256 << 10;

/// Responses by URL. Bounded: cleared when it is full.
#[derive(Debug, Default)]
pub(super) struct Cache {
    kept: HashMap<Url, (HeaderValue, Response)>,
}

impl Cache {
    pub(super) fn tag(&self, url: &Url) -> Option<HeaderValue> {
        self.kept.get(url).map(|(tag, _)| tag.clone())
    }

    pub(super) fn answer(&self, url: &Url) -> Option<Response> {
        self.kept.get(url).map(|(_, answer)| answer.clone())
    }

    pub(super) fn keep(&mut self, url: &Url, answer: &Response) {
        self.kept.remove(url);
        let Some(tag) = answer.headers.get(ETAG) else { return };
        if answer.status != StatusCode::OK || answer.body.len() > LARGEST_BYTES {
            return;
        }
        if self.kept.len() >= ANSWERS {
            self.kept.clear();
        }
        self.kept.insert(url.clone(), (tag.clone(), answer.clone()));
    }
}
