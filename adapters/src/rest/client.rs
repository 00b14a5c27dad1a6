//! Builder of the HTTP client shared by all adapters: rustls with ring, and no automatic behavior.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};

use crate::egress::EgressGuard;

/// Returns a builder with the shared settings: no redirects, no retries, and only addresses that the egress guard
/// allows. No proxy either, because the guard cannot check the names that a proxy resolves.
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

/// Returns `true` if the response timed out after the connection was established.
pub(crate) fn is_silence(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut calls = causes.filter_map(|cause| cause.downcast_ref::<reqwest::Error>());
    calls.any(|call| call.is_timeout() && !call.is_connect())
}

/// Returns a TLS configuration that trusts the system's certificate authorities. If `secure` is false (plain HTTP),
/// none are loaded, so the machine needs no certificates.
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
