//! Parser of `[http]` in `hotfix.toml`.

use std::net::SocketAddr;

use super::super::diagnostic::{Diagnostic, Located};
use super::super::field::Field;
use super::super::settings::HttpSettings;

pub(super) fn read(field: Field<'_>) -> HttpSettings {
    let sink = field.sink();
    let reader = field.table("`http`");
    let address_of = |key| reader.as_ref().and_then(|reader| address(reader.get(key)));
    let (listen, metrics) = (address_of("listen"), address_of("metrics"));
    if let (Some(listen), Some(metrics)) = (&listen, &metrics)
        && listen.value == metrics.value
        && listen.value.port() != 0
    {
        let next = "give each an address of its own, so that nobody outside reaches the metrics";
        let fault = Diagnostic::at(metrics.at, "`listen` and `metrics` are one address", "the same here", next);
        sink.add(fault.see(listen.at, "webhooks come in here"));
    }
    let number = |key, range, usual| {
        let number = reader.as_ref().and_then(|reader| reader.get(key).integer(range));
        number.map_or(usual, |number: Located<u32>| number.value)
    };
    let settings = HttpSettings {
        listen: listen.map(|listen| listen.value),
        metrics: metrics.map(|metrics| metrics.value),
        body_limit_kib: number("body_limit_kib", 1..=25 * 1024, 1024),
        connections: number("connections", 1..=10_000, 128),
    };
    if let Some(reader) = reader {
        reader.finish();
    }
    settings
}

/// Parses an IP address with a port; `None` if it is missing or empty.
fn address(field: Field<'_>) -> Option<Located<SocketAddr>> {
    let (sink, name) = (field.sink(), field.name);
    let text = field.verbatim()?;
    let written = text.value.trim();
    if written.is_empty() {
        return None;
    }
    let Ok(value) = written.parse() else {
        let next =
            "write it as \"127.0.0.1:8080\", and \"0.0.0.0:8080\" for every address of this machine; \"\" is off";
        sink.add(Diagnostic::at(text.at, format!("`{name}` is not an IP address with a port"), "not an address", next));
        return None;
    };
    Some(Located { value, at: text.at })
}
