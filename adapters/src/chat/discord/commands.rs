//! Discord application commands: the slash command `/hotfix` with the verbs as its subcommands, and the message menu
//! entry. Converts an invocation back to the text that a user could have typed. The adapter does not know the verbs;
//! they are passed in as [`CommandSpec`]s.

use serde_json::{Value, json};

use super::markdown::is_number;
use crate::chat::Interaction;
use crate::ids::{ChannelRef, MessageRef};

/// Name of the message menu entry.
const ADD: &str = "Add to hotfix";
const MESSAGE_MENU: u8 = 3;
/// Name of the slash command.
pub(super) const COMMAND: &str = "hotfix";
/// Name of the subcommand that accepts free text.
const ANYTHING: &str = "do";
/// Name of its only option.
const TEXT: &str = "text";
/// Maximum number of subcommands of a command, and of options of a subcommand.
const MOST: usize = 25;
/// Maximum total length of all names, descriptions and values of a command.
const WHOLE: usize = 8000;
const NAME: usize = 32;
const ABOUT: usize = 100;

const SUBCOMMAND: u8 = 1;
const STRING: u8 = 3;
const BOOLEAN: u8 = 5;

/// A verb, registered as a subcommand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// The verb as typed.
    pub name: String,
    /// One-line description; Discord shows 100 characters.
    pub about: String,
    /// Arguments, in the order in which they are typed.
    pub options: Vec<OptionSpec>,
}

/// An argument of a verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpec {
    /// Name of the argument; for flags, the word after `--`.
    pub name: String,
    /// One-line description; Discord shows 100 characters.
    pub about: String,
    /// `true` if the argument is mandatory.
    pub required: bool,
    /// Allowed values; empty if any value is accepted.
    pub choices: Vec<String>,
    /// Syntax of the argument in a typed command.
    pub shape: OptionShape,
}

/// The syntax of an argument in a typed command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionShape {
    /// A single word: `payments`.
    Word,
    /// Several separate words: `#101 abc1234`.
    Words,
    /// A quoted text: `"Fix 500 on upload"`.
    Text,
    /// A flag with a value: `--incident URL`.
    Flag,
    /// A flag with several words: `--fix #101 abc1234`.
    FlagWords,
    /// A flag without a value: `--mine`.
    Switch,
    /// A keyword with a value: `to v1.4.2`.
    Keyword,
}

/// Returns the commands in the form that Discord registers: one slash command with at most 25 subcommands, and the
/// message menu entry. The last subcommand, `do`, accepts any typed command, including the verbs that do not fit.
#[must_use]
pub fn commands(verbs: &[CommandSpec]) -> Value {
    let fits = |verb: &&CommandSpec| is_name(&verb.name) && verb.name != ANYTHING;
    let anything = |left_out: &[&str]| {
        let about = match left_out.join(", ") {
            none if none.is_empty() => "Anything that can be said, as it would be typed".to_owned(),
            names => self::about(&format!("Anything else, as it would be typed: {names}")),
        };
        json!({
            "type": SUBCOMMAND, "name": ANYTHING, "description": about,
            "options": [{ "type": STRING, "name": TEXT, "description": "Such as: status HF-12", "required": true }],
        })
    };
    let about = "Takes a production hotfix from the first word to the post-mortem";
    let mut room = WHOLE - size(&anything(&[])) - ABOUT - COMMAND.len() - about.len();
    let mut subcommands: Vec<Value> = Vec::new();
    for verb in verbs.iter().filter(fits) {
        let made = subcommand(verb);
        let cost = size(&made);
        if subcommands.len() == MOST - 1 || cost > room {
            break;
        }
        room -= cost;
        subcommands.push(made);
    }
    let left_out: Vec<&str> =
        verbs.iter().filter(fits).skip(subcommands.len()).map(|verb| verb.name.as_str()).collect();
    subcommands.push(anything(&left_out));
    json!([{
        "type": 1, "name": COMMAND, "description": about, "options": subcommands,
        // Available in servers and in direct messages with the bot.
        "contexts": [0, 1], "integration_types": [0],
    }, { "type": MESSAGE_MENU, "name": ADD, "contexts": [0], "integration_types": [0] }])
}

fn subcommand(verb: &CommandSpec) -> Value {
    let mut options: Vec<&OptionSpec> = verb.options.iter().filter(|option| is_name(&option.name)).take(MOST).collect();
    // Discord requires mandatory options first; the stable sort keeps the order otherwise.
    options.sort_by_key(|option| !option.required);
    let options: Vec<Value> = options.into_iter().map(option).collect();
    json!({ "type": SUBCOMMAND, "name": verb.name, "description": about(&verb.about), "options": options })
}

fn option(option: &OptionSpec) -> Value {
    let kind = if option.shape == OptionShape::Switch { BOOLEAN } else { STRING };
    let mut made = json!({
        "type": kind, "name": option.name, "description": about(&option.about), "required": option.required,
    });
    let short = |choice: &String| (1..=100).contains(&choice.chars().count());
    let offered = kind == STRING && (1..=MOST).contains(&option.choices.len()) && option.choices.iter().all(short);
    if let Some(made) = made.as_object_mut().filter(|_| offered) {
        let choices: Vec<Value> = option.choices.iter().map(|it| json!({ "name": it, "value": it })).collect();
        made.insert("choices".to_owned(), choices.into());
    }
    made
}

fn about(text: &str) -> String {
    super::render::label(text, ABOUT)
}

/// Returns `true` for a name that Discord accepts.
fn is_name(name: &str) -> bool {
    let fine = |c: char| (c.is_alphanumeric() && c.to_lowercase().eq([c])) || matches!(c, '-' | '_');
    (1..=NAME).contains(&name.chars().count()) && name.chars().all(fine)
}

fn size(value: &Value) -> usize {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map_or(0, |text| text.chars().count());
    let list = |name: &str| value.get(name).and_then(Value::as_array).into_iter().flatten();
    text("name") + text("description") + text("value") + list("options").chain(list("choices")).map(size).sum::<usize>()
}

/// Returns `true` if both definitions are equivalent, regardless of order and of fields that Discord adds.
pub(super) fn are_the_same(ours: &Value, theirs: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut all: Vec<String> = essence(value).as_array().into_iter().flatten().map(Value::to_string).collect();
        all.sort_unstable();
        all
    };
    sorted(ours) == sorted(theirs)
}

fn essence(value: &Value) -> Value {
    let one = |value: &Value| {
        let list = |name: &str| essence(value.get(name).unwrap_or(&Value::Null));
        json!([
            value.get("type").cloned().unwrap_or(json!(1)),
            value.get("name"),
            value.get("description").and_then(Value::as_str).unwrap_or_default(),
            value.get("value"),
            value.get("required").and_then(Value::as_bool).unwrap_or_default(),
            value.get("contexts").filter(|contexts| contexts.is_array()),
            list("options"),
            list("choices"),
        ])
    };
    value.as_array().into_iter().flatten().map(one).collect()
}

/// Decodes an invocation of the message menu entry; `None` for any other entry.
pub(super) fn added(data: &Value, channel: ChannelRef) -> Option<Interaction> {
    let menu = data.get("type").and_then(Value::as_u64) == Some(u64::from(MESSAGE_MENU));
    let named = data.get("name").and_then(Value::as_str) == Some(ADD);
    let id = data.get("target_id").and_then(Value::as_str).filter(|id| menu && named && is_number(id))?;
    let message = data.get("resolved")?.get("messages")?.get(id)?;
    let words = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut text = words(message, "content");
    if text.trim().is_empty() {
        // Messages of other bots often have their text in embeds.
        let embeds = message.get("embeds").and_then(Value::as_array).into_iter().flatten();
        let shown: Vec<String> =
            embeds.flat_map(|embed| [words(embed, "title"), words(embed, "description")]).collect();
        text = shown.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n");
    }
    Some(Interaction::MessageShortcut { message: MessageRef { channel, id: id.to_owned() }, text })
}

/// Converts an invocation to the text that the user could have typed; `None` for another command.
pub(super) fn typed(verbs: &[CommandSpec], data: &Value) -> Option<String> {
    if data.get("name").and_then(Value::as_str) != Some(COMMAND) {
        return None;
    }
    let Some(said) = data.pointer("/options/0") else { return Some(String::new()) };
    let name = said.get("name").and_then(Value::as_str)?;
    let given: Vec<(&str, &Value)> = said
        .get("options")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|option| Some((option.get("name")?.as_str()?, option.get("value")?)))
        .collect();
    let value = |name: &str| given.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    if name == ANYTHING {
        return Some(value(TEXT).and_then(Value::as_str).unwrap_or_default().trim().to_owned());
    }
    let verb = verbs.iter().find(|verb| verb.name == name);
    let mut words = vec![name.to_owned()];
    for option in verb.iter().flat_map(|verb| &verb.options) {
        words.extend(value(&option.name).and_then(|value| option.typed(value)));
    }
    // Keep options of an outdated registration, so that the command parser can reject them with a message.
    let known = |name: &str| verb.is_some_and(|verb| verb.options.iter().any(|option| option.name == name));
    let unknown = given.iter().filter(|(name, _)| !known(name));
    words.extend(unknown.filter_map(|(_, value)| value.as_str()).map(quoted));
    Some(words.join(" "))
}

impl OptionSpec {
    fn typed(&self, value: &Value) -> Option<String> {
        let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
        let name = &self.name;
        match self.shape {
            OptionShape::Word => text.map(word),
            OptionShape::Words => text.map(str::to_owned),
            OptionShape::Text => text.map(quoted),
            OptionShape::Flag => text.map(|text| format!("--{name} {}", word(text))),
            OptionShape::FlagWords => text.map(|text| format!("--{name} {text}")),
            OptionShape::Switch => value.as_bool().filter(|on| *on).map(|_| format!("--{name}")),
            OptionShape::Keyword => text.map(|text| format!("{name} {}", word(text))),
        }
    }
}

/// Quotes a word if it could be parsed as something else.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "#@/._:+,=?%~-".contains(c);
    if !text.starts_with('-') && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

/// Quotes a text as one word. Escapes entities too, because the command parser decodes `&amp;`, `&lt;` and `&gt;`.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn option(name: &str, shape: OptionShape, required: bool) -> OptionSpec {
        OptionSpec { name: name.to_owned(), about: format!("the {name}"), required, choices: Vec::new(), shape }
    }

    fn start() -> CommandSpec {
        let options = vec![
            option("service", OptionShape::Word, true),
            option("title", OptionShape::Text, false),
            option("incident", OptionShape::Flag, true),
            option("fix", OptionShape::FlagWords, false),
            option("exceptional", OptionShape::Switch, false),
            option("to", OptionShape::Keyword, false),
        ];
        CommandSpec { name: "start".to_owned(), about: "opens a run".to_owned(), options }
    }

    fn said(name: &str, given: &[(&str, Value)]) -> String {
        let options: Vec<Value> = given.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        typed(&[start()], &json!({ "name": "hotfix", "options": [{ "name": name, "options": options }] })).unwrap()
    }

    #[test]
    fn an_invocation_is_what_could_have_been_typed() {
        let given = [
            ("incident", json!("https://status.example/i/7?a=1")),
            ("title", json!("Fix \"500\" on <upload> & \\")),
            ("service", json!("payments")),
            ("fix", json!("#101, abc1234")),
            ("exceptional", json!(true)),
            ("to", json!("v1.4.2")),
        ];
        assert_eq!(
            said("start", &given),
            r#"start payments "Fix \"500\" on &lt;upload&gt; &amp; \\" --incident https://status.example/i/7?a=1 --fix #101, abc1234 --exceptional to v1.4.2"#
        );
        assert_eq!(
            said("start", &[("service", json!("--exceptional x")), ("exceptional", json!(false))]),
            r#"start "--exceptional x""#
        );
        assert_eq!(said("do", &[("text", json!(" status HF-1 "))]), "status HF-1");
        assert_eq!(said("old", &[("what", json!("a b"))]), r#"old "a b""#);
        assert_eq!(typed(&[], &json!({ "name": "other" })), None);
    }

    #[test]
    fn what_does_not_fit_is_said_with_the_last() {
        let many: Vec<CommandSpec> = (0..60).map(|n| CommandSpec { name: format!("verb-{n}"), ..start() }).collect();
        let made = commands(&many);
        let options = made[0]["options"].as_array().unwrap();
        assert_eq!((options.len(), options[24]["name"].as_str()), (25, Some("do")));
        let about = options[24]["description"].as_str().unwrap();
        assert!(about.contains("typed: verb-24, verb-25") && about.chars().count() <= ABOUT, "{about}");
        let first: Vec<&Value> = options[0]["options"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(first[..3], ["service", "incident", "title"], "what is required comes first");
        let long = CommandSpec {
            about: "long ".repeat(40),
            options: (0..25)
                .map(|n| OptionSpec { about: "x".repeat(99), ..option(&format!("o{n}"), OptionShape::Word, false) })
                .collect(),
            name: "long".to_owned(),
        };
        let made = commands(&vec![long; 9]);
        assert!(size(&made[0]) <= WHOLE, "{}", size(&made[0]));
        assert_eq!(made[0]["options"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn what_discord_adds_is_no_difference() {
        let ours = commands(&[start()]);
        let mut theirs = ours.clone();
        theirs[0]["id"] = json!("1");
        theirs[0]["options"][0]["options"][1].as_object_mut().unwrap().remove("required");
        assert!(!are_the_same(&ours, &theirs), "the incident is required");
        theirs = ours.clone();
        theirs[0]["options"][0]["options"][2].as_object_mut().unwrap().remove("required");
        theirs[1]["description"] = json!("");
        theirs.as_array_mut().unwrap().reverse();
        assert!(are_the_same(&ours, &theirs));
        assert!(!are_the_same(&ours, &json!([])));
    }
}
