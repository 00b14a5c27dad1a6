//! Authentication challenges of a registry, and the responses of token services.

use http_auth::ChallengeParser;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use secrecy::SecretString;
use serde::Deserialize;

/// The authentication scheme that a registry demands with a 401.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password with every request.
    Basic,
    /// A token issued by a token service.
    Bearer {
        /// URL of the token service.
        realm: String,
        /// Name of the registry at the token service.
        service: Option<String>,
    },
}

impl Challenge {
    /// Returns the first challenge with a supported scheme.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        texts.flat_map(|text| ChallengeParser::new(text).filter_map(Result::ok)).find_map(|challenge| {
            let value = |name: &str| {
                let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                Some(Self::Basic)
            } else if challenge.scheme.eq_ignore_ascii_case("bearer") {
                Some(Self::Bearer { realm: value("realm")?, service: value("service") })
            } else {
                None
            }
        })
    }
}

/// The response of a token service: some return `token`, some `access_token`, some both.
#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
}

/// Extracts the token from the response of a token service. The response must never be shown, because it contains
/// the secret.
pub(super) fn token(body: &[u8]) -> Option<SecretString> {
    let given: Given = serde_json::from_slice(body).ok()?;
    given.token.or(given.access_token).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let read = |text: &str| Challenge::read(&HeaderMap::from_iter([(WWW_AUTHENTICATE, text.parse().unwrap())]));
        let quay = r#"Bearer realm="https://quay.io/v2/auth",service="quay.io",scope="repository:team/payments:pull""#;
        let bearer = |realm: &str, service: &str| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: Some(service.to_owned()) })
        };
        assert_eq!(read(quay), bearer("https://quay.io/v2/auth", "quay.io"));
        assert_eq!(read(r#"Basic realm="Registry""#), Some(Challenge::Basic));
        assert_eq!(read(r#"Negotiate, Bearer realm="https://a/b",service="c""#), bearer("https://a/b", "c"));
        assert_eq!(read("Bearer service=\"c\""), None);
    }
}
