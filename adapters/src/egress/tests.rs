#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use std::collections::BTreeMap;

use async_trait::async_trait;

use super::*;

/// A resolver with fixed entries.
struct Book(BTreeMap<&'static str, &'static [&'static str]>);

#[async_trait]
impl Resolver for Book {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = self.0.get(name).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(found.iter().map(|address| address.parse().unwrap()).collect())
    }
}

fn reach(listed: &[&str]) -> EgressPolicy {
    let book: [(&str, &[&str]); 6] = [
        ("forge.example", &["140.82.121.4", "2606:50c0:8000::154"]),
        ("git.corp.example", &["10.1.2.3"]),
        ("rebound.example", &["169.254.169.254"]),
        ("mixed.example", &["140.82.121.4", "fd00::1"]),
        ("localhost", &["127.0.0.1", "::1"]),
        ("me.example", &["127.0.0.1"]),
    ];
    EgressPolicy::new(listed.iter().map(|host| host.parse().unwrap()))
        .with_resolver(Arc::new(Book(BTreeMap::from(book))))
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// Security case 65: a name is judged by all addresses it resolves to.
#[tokio::test]
async fn a_name_leads_to_the_internet_or_is_listed() {
    let gate = reach(&["git.corp.example"]).guard(&url("https://forge.example")).unwrap();
    assert_eq!(gate.addresses("forge.example").await.unwrap().len(), 2);
    assert_eq!(gate.addresses("Git.Corp.Example.").await.unwrap().len(), 1, "listed, however it is written");
    for name in ["rebound.example", "mixed.example", "me.example", "localhost"] {
        let barred = gate.addresses(name).await.unwrap_err();
        assert!(matches!(&barred, EgressError::Denied(_)), "{name}");
        assert!(barred.to_string().contains(&format!("add \"{name}\" to private_hosts")), "{barred}");
    }
    assert!(matches!(gate.addresses("nowhere.example").await, Err(EgressError::Unknown(_))));
}

/// Security case 65: an IP address is judged in every notation.
#[test]
fn an_address_is_of_the_internet_or_listed() {
    let reach = reach(&["10.0.0.8", "fd00::8"]);
    for fine in ["https://140.82.121.4", "https://10.0.0.8:8443", "https://[fd00::8]/x"] {
        assert!(reach.guard(&url(fine)).is_ok(), "{fine}");
    }
    for bad in [
        "https://169.254.169.254/latest",
        "https://10.0.0.9",
        "https://0xa9fea9fe",
        "https://2852039166",
        "https://[::ffff:169.254.169.254]",
        "https://[fe80::1]",
        "https://0.0.0.0",
    ] {
        let barred = reach.guard(&url(bad)).unwrap_err().to_string();
        assert!(barred.contains(" is a") && barred.contains("private_hosts"), "{barred}");
    }
}

/// Security case 65: a configured loopback address allows loopback; a host configured elsewhere cannot refer to it.
#[tokio::test]
async fn this_machine_is_reached_only_by_its_own_name() {
    let far = reach(&[]).guard(&url("https://forge.example")).unwrap();
    for here in ["https://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"] {
        let near = reach(&[]).guard(&url(here)).unwrap();
        assert!(near.check(&url(here)).is_ok() && near.check(&url("https://10.0.0.1")).is_err(), "{here}");
        assert!(far.addresses(url(here).host_str().unwrap()).await.is_err(), "{here}");
    }
    let near = reach(&[]).guard(&url("http://localhost:8080")).unwrap();
    assert_eq!(near.addresses("localhost").await.unwrap().len(), 2);
    assert!(near.addresses("me.example").await.is_err() && near.check(&url("https://127.0.0.1")).is_err());
}
