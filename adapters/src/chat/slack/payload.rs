//! What Slack sends, read with tolerance: nothing is expected to be there, and what is not understood is no error. Slack adds
//! fields and kinds as it likes, and org-wide installations send `null` where others send an id.

use serde_json::Value;

/// A payload as it came.
#[derive(Debug, Clone)]
pub(super) struct Payload(pub(super) Value);

impl Payload {
    /// A form as an object of texts, the shape in which Socket Mode brings the same.
    pub(super) fn of_form(body: &[u8]) -> Self {
        let pairs =
            form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
        Self(Value::Object(pairs.collect()))
    }

    /// The text at the first of these places that holds one.
    pub(super) fn text(&self, places: &[&str]) -> Option<&str> {
        let found = |place: &&str| self.0.pointer(place).and_then(Value::as_str).filter(|text| !text.is_empty());
        places.iter().find_map(found)
    }

    /// Whether any of these places says yes; forms say it as text.
    pub(super) fn flag(&self, places: &[&str]) -> bool {
        let yes = |place: &&str| match self.0.pointer(place) {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        places.iter().any(yes)
    }

    /// What is at a place.
    pub(super) fn at(&self, place: &str) -> Option<&Value> {
        self.0.pointer(place)
    }
}
