//! The TLS configuration for a registry.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use super::options::OciOptionsError;

/// Returns a rustls configuration with ring that trusts the system's certificate authorities and the given ones.
pub(super) fn tls(given: Option<&str>) -> Result<rustls::ClientConfig, OciOptionsError> {
    let refuse = |why: String| OciOptionsError::Certificates { why };
    let extra: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(given.unwrap_or_default().as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| refuse(error.to_string()))?;
    if given.is_some() && extra.is_empty() {
        return Err(refuse("there is none in PEM".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|error| refuse(error.to_string()))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(error.to_string()))?;
    // rustls calls every custom verifier dangerous. This one is the system's.
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
