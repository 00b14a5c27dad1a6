//! The HTTP client that every adapter gets: by rustls and ring, towards one configured address, and nothing by itself.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};

use crate::egress::EgressGuard;

/// What is the same for all: no redirects, no repetitions, no address that the gate bars. No proxy either: behind one, nobody
/// here sees where a name leads.
pub(crate) fn builder(
    tls: rustls::ClientConfig,
    gate: EgressGuard,
    connect_timeout: Duration,
    timeout: Duration,
) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(gate))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(connect_timeout)
        .timeout(timeout)
}

/// Whether a call failed because no answer came in time, over a connection that was there.
pub(crate) fn is_silence(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut calls = causes.filter_map(|cause| cause.downcast_ref::<reqwest::Error>());
    calls.any(|call| call.is_timeout() && !call.is_connect())
}

/// TLS that trusts whom the system trusts. Plain HTTP needs no trust, and no list of it on the machine.
pub(crate) fn tls(secure: bool) -> Result<rustls::ClientConfig, String> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let builder = if secure {
        builder.with_platform_verifier().map_err(|error| error.to_string())?
    } else {
        builder.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}
