//! A [`Form`]: a dialog in which the bot asks for several inputs at once. Adapters render it with the controls that
//! their platform has; where there are no selection lists, the user types the choice ids.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A form to be shown to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Identifies the form and its subject, such as `verify/HF-1/staging`. Returned with the answers.
    pub key: String,
    /// Title; every platform shows at least 24 characters.
    pub title: String,
    /// Label of the submit button; every platform shows at least 24 characters.
    pub submit: String,
    /// Introductory text above the inputs; may be empty.
    pub lead: String,
    /// The inputs, in order; every platform shows at least five.
    pub inputs: Vec<Input>,
    /// The equivalent command, offered if the platform cannot show the whole form.
    pub instead: String,
}

/// One input of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Key of the answer in [`Answers`].
    pub id: String,
    /// Label of the input.
    pub label: String,
    /// Help text; may be empty.
    pub hint: String,
    /// Type of the input.
    pub kind: InputKind,
    /// `true` if an answer is mandatory.
    pub required: bool,
    /// Initial value; for choices, their ids separated by commas.
    pub given: String,
}

/// The type of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// A single line of at most this many characters.
    Line(u16),
    /// Multiple lines of at most this many characters in total.
    Paragraph(u16),
    /// A selection of one choice.
    One(Vec<Choice>),
    /// A selection of any number of choices.
    Many(Vec<Choice>),
}

/// A choice of a selection input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Id returned as the answer. Users type it where the platform has no selection lists, so it is short.
    pub id: String,
    /// Label of the choice.
    pub label: String,
}

/// Submitted answers, keyed by [`Input::id`]. A value is the text, or the chosen ids separated by commas. An input that
/// was left empty has no entry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(pub BTreeMap<String, String>);

impl Answers {
    /// Returns the answer to an input, trimmed; `None` if it is missing or blank.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(|answer| answer.trim()).filter(|answer| !answer.is_empty())
    }

    /// Returns the chosen ids of a selection input.
    pub fn chosen(&self, id: &str) -> impl Iterator<Item = &str> {
        let chosen = self.get(id).unwrap_or_default().split(',');
        chosen.map(str::trim).filter(|choice| !choice.is_empty())
    }
}
