//! What a registry asks for with a 401, and the token service that it sends us to.

use http_auth::ChallengeParser;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use secrecy::SecretString;
use serde::Deserialize;

/// How a registry wants to be spoken to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With name and password on every call.
    Basic,
    /// With a token, which this service gives out.
    Bearer {
        /// The service's URL.
        realm: String,
        /// The name under which it knows the registry.
        service: Option<String>,
    },
}

impl Challenge {
    /// The first challenge that we can meet.
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

/// A token service's answer: some say `token`, some `access_token`, some both.
#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
}

/// The token in a token service's answer. The answer itself is never shown: it is the secret.
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
