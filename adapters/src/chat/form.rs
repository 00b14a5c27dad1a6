//! A form: what the bot asks a person all at once. Platforms differ in what they can show, and each adapter shows what it
//! can: where there are no lists to choose from, the choices are typed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Which form it is, and about what: `verify/HF-1/staging`. It comes back with the answers.
    pub key: String,
    /// Its heading; 24 characters are shown everywhere.
    pub title: String,
    /// What the button says that hands it in; 24 characters are shown everywhere.
    pub submit: String,
    /// What there is to know before answering; it may be empty.
    pub lead: String,
    /// What is asked, in this order; five are shown everywhere.
    pub inputs: Vec<Input>,
    /// The command that says the same, for where the form cannot be shown whole.
    pub instead: String,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// By which the answer is found again.
    pub id: String,
    /// The question.
    pub label: String,
    /// Help with it; it may be empty.
    pub hint: String,
    /// What kind of answer it takes.
    pub kind: InputKind,
    /// Whether it must be answered.
    pub required: bool,
    /// The answer that stands there already; for choices, their ids with commas between.
    pub given: String,
}

/// What kind of answer a question takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// One line, at most so many characters.
    Line(u16),
    /// Several lines, at most so many characters.
    Paragraph(u16),
    /// One of these.
    One(Vec<Choice>),
    /// Any of these.
    Many(Vec<Choice>),
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What comes back; where choices are typed, this is what people type, so it is short.
    pub id: String,
    /// What it says.
    pub label: String,
}

/// What was answered, by the id of the question: the text, or the ids of what was chosen with commas between. A question
/// that was left open is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(pub BTreeMap<String, String>);

impl Answers {
    /// The answer to a question, trimmed; `None` when there is none.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(|answer| answer.trim()).filter(|answer| !answer.is_empty())
    }

    /// What was chosen.
    pub fn chosen(&self, id: &str) -> impl Iterator<Item = &str> {
        let chosen = self.get(id).unwrap_or_default().split(',');
        chosen.map(str::trim).filter(|choice| !choice.is_empty())
    }
}
