//! Answers of the REST API, and Discord's error format.

use serde_json::{Map, Value, json};

/// A successful answer: JSON with its status, or 204 without a body.
pub(super) enum Reply {
    Json(u16, Value),
    Nothing,
}

impl Reply {
    pub(super) fn ok(value: Value) -> Outcome {
        Ok(Self::Json(200, value))
    }
}

pub(super) type Outcome = Result<Reply, Refusal>;

/// An error: the HTTP status and Discord's body with code and message.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: &str) -> Self {
        Self { status, body: json!({ "message": message, "code": code }) }
    }

    pub(super) fn unknown(code: u32, what: &str) -> Self {
        Self::new(404, code, &format!("Unknown {what}"))
    }

    pub(super) fn access() -> Self {
        Self::new(403, 50001, "Missing Access")
    }

    pub(super) fn permissions() -> Self {
        Self::new(403, 50013, "Missing Permissions")
    }
}

/// Validation errors of a body, as the tree that Discord reports in `errors` ("Invalid Form Body").
#[derive(Default)]
pub(super) struct Wrongs {
    tree: Map<String, Value>,
}

impl Wrongs {
    /// Adds an error. `place` is a path such as `embeds.0.title`.
    pub(super) fn add(&mut self, place: &str, code: &str, message: &str) {
        let error = json!({ "code": code, "message": message });
        let mut at = &mut self.tree;
        for step in place.split('.') {
            at = at.entry(step).or_insert_with(|| json!({})).as_object_mut().unwrap();
        }
        at.entry("_errors").or_insert_with(|| json!([])).as_array_mut().unwrap().push(error);
    }

    pub(super) fn required(&mut self, place: &str) {
        self.add(place, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// Validates a string and its length in characters, and returns it. Accepts null.
    pub(super) fn text<'a>(&mut self, value: &'a Value, place: &str, least: usize, most: usize) -> Option<&'a str> {
        if value.is_null() {
            return None;
        }
        let Some(text) = value.as_str() else {
            self.add(place, "STRING_TYPE_CONVERT", "Could not interpret value as string.");
            return None;
        };
        let length = text.chars().count();
        if length == 0 && least > 0 {
            self.required(place);
        } else if least > 0 && (length < least || length > most) {
            let words = format!("Must be between {least} and {most} in length.");
            self.add(place, "BASE_TYPE_BAD_LENGTH", &words);
        } else if length > most {
            self.add(place, "BASE_TYPE_MAX_LENGTH", &format!("Must be {most} or fewer in length."));
        }
        Some(text)
    }

    /// Validates a required string and its length; returns an empty string if it is missing.
    pub(super) fn wanted<'a>(&mut self, value: &'a Value, place: &str, least: usize, most: usize) -> &'a str {
        if value.is_null() {
            self.required(place);
        }
        self.text(value, place, least, most).unwrap_or_default()
    }

    /// Validates an integer and its range. Accepts null.
    pub(super) fn number(&mut self, value: &Value, place: &str, least: i64, most: i64) -> Option<i64> {
        if value.is_null() {
            return None;
        }
        let Some(number) = value.as_i64() else {
            self.add(place, "NUMBER_TYPE_COERCE", &format!("Value \"{value}\" is not int."));
            return None;
        };
        if number < least {
            let words = format!("int value should be greater than or equal to {least}.");
            self.add(place, "NUMBER_TYPE_MIN", &words);
        }
        if number > most {
            self.add(place, "NUMBER_TYPE_MAX", &format!("int value should be less than or equal to {most}."));
        }
        Some(number)
    }

    /// Validates a list and its length. Null counts as an empty list.
    pub(super) fn list<'a>(&mut self, value: &'a Value, place: &str, least: usize, most: usize) -> &'a [Value] {
        let list = match value {
            Value::Array(list) => list.as_slice(),
            Value::Null => &[],
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                self.add(place, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.");
                return &[];
            }
        };
        if list.len() > most || list.len() < least {
            let words = format!("Must be between {least} and {most} in length.");
            self.add(place, "BASE_TYPE_BAD_LENGTH", &words);
        }
        list
    }

    /// Returns the collected errors as one refusal, if there are any.
    pub(super) fn end(self) -> Result<(), Refusal> {
        if self.tree.is_empty() {
            return Ok(());
        }
        let body = json!({ "message": "Invalid Form Body", "code": 50035, "errors": self.tree });
        Err(Refusal { status: 400, body })
    }
}
