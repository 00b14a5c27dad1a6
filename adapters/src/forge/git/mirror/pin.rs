//! DNS pinning (security case 65): the bot resolves the forge's name and checks the addresses against the egress
//! policy, then passes them to git, so that git does not resolve the name again to other addresses.

use std::sync::{Mutex, PoisonError};

use reqwest::Url;

use crate::egress::{EgressError, EgressGuard, EgressPolicy};
use crate::failure::Failure;

/// The forge's address on the network.
#[derive(Debug)]
pub(super) struct Pin {
    gate: EgressGuard,
    url: Url,
    /// Last resolution, used when DNS fails so that queries which the mirror can answer still work.
    last: Mutex<Option<String>>,
}

impl Pin {
    /// Checks the URL, and its address if it has a literal one, against the egress policy.
    pub(super) fn new(reach: &EgressPolicy, base_url: &str) -> Result<Self, Failure> {
        let wrong = |error| Failure::rejected(format!("the forge's base URL is none: {error}. Correct it."));
        let url = Url::parse(base_url).map_err(wrong)?;
        Ok(Self { gate: reach.guard(&url)?, url, last: Mutex::default() })
    }

    /// Returns the value for `http.curloptResolve`: `host:port:address,address`. `None` if the host is
    /// a literal address.
    pub(super) async fn place(&self) -> Result<Option<String>, Failure> {
        let host = self.url.host_str().unwrap_or_default();
        if self.gate.is_address(&self.url) {
            return Ok(None);
        }
        match self.gate.addresses(host).await {
            Ok(found) if !found.is_empty() => {
                let addresses: Vec<String> = found.iter().map(ToString::to_string).collect();
                let port = self.url.port_or_known_default().unwrap_or_default();
                let place = format!("{host}:{port}:{}", addresses.join(","));
                *self.last() = Some(place.clone());
                Ok(Some(place))
            }
            Err(EgressError::Denied(barred)) => Err(barred.into()),
            Ok(_) => self.last_or("it has no address"),
            Err(EgressError::Unknown(error)) => self.last_or(&error.to_string()),
        }
    }

    fn last_or(&self, why: &str) -> Result<Option<String>, Failure> {
        match self.last().clone() {
            Some(place) => Ok(Some(place)),
            None => Err(Failure::retry(format!("{} could not be asked: Could not resolve host: {why}", self.url))),
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
