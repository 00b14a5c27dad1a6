//! [`Payload`]: tolerant access to Slack's JSON. Every field is optional and unknown content is not an error, because
//! Slack adds fields and types at any time, and org-wide installations send `null` in place of some ids.

use serde_json::Value;

/// A payload in JSON form, not validated.
#[derive(Debug, Clone)]
pub(super) struct Payload(pub(super) Value);

impl Payload {
    /// Converts a form-encoded body to a JSON object of strings, the shape that Socket Mode uses for the same payload.
    pub(super) fn of_form(body: &[u8]) -> Self {
        let pairs =
            form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
        Self(Value::Object(pairs.collect()))
    }

    /// Returns the first non-empty string at these JSON pointers.
    pub(super) fn text(&self, places: &[&str]) -> Option<&str> {
        let found = |place: &&str| self.0.pointer(place).and_then(Value::as_str).filter(|text| !text.is_empty());
        places.iter().find_map(found)
    }

    /// Returns `true` if any of these JSON pointers holds `true` or, as in forms, the string `"true"`.
    pub(super) fn flag(&self, places: &[&str]) -> bool {
        let yes = |place: &&str| match self.0.pointer(place) {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        places.iter().any(yes)
    }

    /// Returns the value at a JSON pointer.
    pub(super) fn at(&self, place: &str) -> Option<&Value> {
        self.0.pointer(place)
    }
}
