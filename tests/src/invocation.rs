//! Conversion of a typed line to a Discord invocation: the sub-command, and an option for each word.

use hotfix::wire;
use hotfix_adapters::chat::discord::{CommandSpec, OptionShape, OptionSpec};
use serde_json::{Value, json};

/// Returns the command and its options. `registered` are the commands that Discord knows. A line that fits none of them
/// becomes an invocation of `do`.
#[must_use]
pub fn invocation(registered: &[Value], line: &str) -> (String, Vec<(String, Value)>) {
    let spec = wire::commands().into_iter().find(|spec| line.split_whitespace().next() == Some(spec.name.as_str()));
    let known = |spec: &CommandSpec| {
        let inner = registered.iter().filter_map(|command| command["options"].as_array()).flatten();
        inner.into_iter().any(|sub| sub["name"] == spec.name.as_str())
    };
    let filled = spec.filter(known).and_then(|spec| {
        let options = filled(&spec, words(line).split_off(1))?;
        Some((format!("hotfix {}", spec.name), options))
    });
    filled.unwrap_or_else(|| ("hotfix do".to_owned(), vec![("text".to_owned(), json!(line))]))
}

/// Splits a line into words. A quoted text is one word.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("a word").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Assigns each word to an option. `None` if a word fits no option.
fn filled(spec: &CommandSpec, words: Vec<String>) -> Option<Vec<(String, Value)>> {
    let mut given: Vec<(String, Value)> = Vec::new();
    let mut words = words.into_iter().peekable();
    let flag = |name: &str| spec.options.iter().find(|option| option.name == name && is_flag(option));
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix("--") {
            let option = flag(name)?;
            let value = match option.shape {
                OptionShape::Switch => json!(true),
                OptionShape::FlagWords => {
                    let mut all = vec![words.next()?];
                    while let Some(more) = words.next_if(|word| !word.starts_with("--")) {
                        all.push(more);
                    }
                    json!(all.join(" "))
                }
                OptionShape::Word
                | OptionShape::Words
                | OptionShape::Text
                | OptionShape::Flag
                | OptionShape::Keyword => json!(words.next()?),
            };
            given.push((option.name.clone(), value));
            continue;
        }
        if word.starts_with("HF-") {
            given.push((spec.options.iter().find(|option| option.name == "run")?.name.clone(), json!(word)));
            continue;
        }
        let keyword = |option: &&OptionSpec| option.shape == OptionShape::Keyword && option.name == word;
        if let Some(option) = spec.options.iter().find(keyword) {
            given.push((option.name.clone(), json!(words.next()?)));
            continue;
        }
        place(spec, &mut given, word)?;
    }
    Some(given)
}

fn is_flag(option: &OptionSpec) -> bool {
    matches!(option.shape, OptionShape::Flag | OptionShape::FlagWords | OptionShape::Switch)
}

/// Assigns a word to the next free option, or appends it to the last option if that takes several words.
fn place(spec: &CommandSpec, given: &mut Vec<(String, Value)>, word: String) -> Option<()> {
    let placed = |option: &&OptionSpec| {
        matches!(option.shape, OptionShape::Word | OptionShape::Words | OptionShape::Text) && option.name != "run"
    };
    let free = spec.options.iter().filter(placed).find(|option| given.iter().all(|(name, _)| name != &option.name));
    if let Some(option) = free {
        given.push((option.name.clone(), json!(word)));
        return Some(());
    }
    let last = spec.options.iter().rfind(placed).filter(|option| option.shape != OptionShape::Word)?;
    let (_, value) = given.iter_mut().find(|(name, _)| name == &last.name)?;
    *value = json!(format!("{} {word}", value.as_str()?));
    Some(())
}
