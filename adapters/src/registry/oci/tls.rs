//! Whom to trust.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use super::options::OptionsError;

/// TLS by rustls with ring, which trusts the system's certificate authorities and those that are given.
pub(super) fn tls(given: Option<&str>) -> Result<rustls::ClientConfig, OptionsError> {
    let refuse = |why: String| OptionsError::Certificates { why };
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
    // "Dangerous" is any verifier of one's own; this one is the system's.
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
