//! The JWT with which a GitHub App authenticates, signed RS256 by `ring` (security case 76).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::options::GitHubOptionsError;
use crate::failure::Failure;

/// Backdating of the token in seconds, because GitHub refuses tokens from the future.
const SKEW: i64 = 60;
/// Lifetime of the token in seconds; GitHub allows ten minutes.
const LIFE: i64 = 540;

/// The private key of an App.
pub(super) struct Signer {
    app_id: u64,
    key: RsaKeyPair,
}

impl Signer {
    pub(super) fn new(app_id: u64, pem: &SecretString) -> Result<Self, GitHubOptionsError> {
        let der = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes());
        let der = der.map_err(|_| GitHubOptionsError::Key("is no PEM text"))?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Sec1(_) | _ => return Err(GitHubOptionsError::Key("is no RSA key")),
        };
        Ok(Self { app_id, key: key.map_err(|_| GitHubOptionsError::Key("is no RSA key of 2048 bits or more"))? })
    }

    /// Signs a JWT that is valid for [`LIFE`] seconds from `now`.
    pub(super) fn sign(&self, now: Timestamp) -> Result<SecretString, Failure> {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        let (issued, expires) = (now.as_second().saturating_sub(SKEW), now.as_second().saturating_add(LIFE));
        let claims = serde_json::json!({ "iat": issued, "exp": expires, "iss": self.app_id.to_string() });
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
        signed.map_err(|_| Failure::retry("the GitHub App's key could not sign."))?;
        Ok(SecretString::from(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}
