//! Images in registries: Debian's real one, and a strict fake for the features it lacks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod daemon;
mod fake;
mod real;

use hotfix_adapters::registry::oci::{Oci, OciAuth, OciOptions, OciOptionsError};
use secrecy::SecretString;

fn basic(password: &str) -> OciAuth {
    OciAuth::Basic { user: "robot".to_owned(), password: SecretString::from(password) }
}

fn oci(repository: &str, auth: OciAuth) -> Oci {
    Oci::new(OciOptions::new(repository, auth)).unwrap()
}

#[test]
fn options_that_cannot_work_are_refused_at_once() {
    let told = |options: OciOptions| Oci::new(options).err().unwrap();
    for (repository, why) in [
        ("quay.io/team/payments:1.0", "it has a tag or a digest"),
        ("https://quay.io/team/payments", "invalid reference format"),
        ("", "must have at least one component"),
    ] {
        let error = told(OciOptions::new(repository, OciAuth::Anonymous));
        assert!(error.to_string().contains(why), "{error}");
    }
    let wrong = OciOptions { extra_ca: Some("no PEM".to_owned()), ..OciOptions::new("quay.io/x", OciAuth::Anonymous) };
    assert!(matches!(told(wrong), OciOptionsError::Certificates { .. }));
}

/// Without TLS only loopback is allowed, unless the configuration says otherwise (security case 55); no output shows
/// a password.
#[test]
fn tls_is_for_everybody_but_loopback() {
    let shown = |repository: &str, plain_http: bool| {
        let options = OciOptions { plain_http, ..OciOptions::new(repository, basic("hush")) };
        let shown =
            format!("{:?} {:?}", options.auth, Oci::new(OciOptions { auth: basic("hush"), ..options }).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
        shown
    };
    assert!(shown("quay.io/team/payments", false).contains("https://quay.io/v2/"));
    assert!(shown("nginx", false).contains("https://index.docker.io/v2/"));
    assert!(shown("registry:5000/payments", false).contains("https://registry:5000/v2/"));
    assert!(shown("registry:5000/payments", true).contains("http://registry:5000/v2/"));
    assert!(shown("localhost:5000/payments", false).contains("http://localhost:5000/v2/"));
    assert!(shown("127.0.0.1:5000/payments", false).contains("http://127.0.0.1:5000/v2/"));
    assert!(shown("localhost.example:5000/payments", false).contains("https://localhost.example:5000/v2/"));
}
