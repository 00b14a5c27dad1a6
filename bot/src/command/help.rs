//! The help, generated from the table: plain text for a monospaced font, at most 100 columns wide.

use super::guard::shown;
use super::suggest::nearest;
use super::table::{Arg, ArgSyntax, Group, VERBS, Verb};

/// Maximum width of a line, in columns.
const COLUMNS: usize = 100;

/// Returns the help page of one verb, or the overview if `verb` is `None`.
#[must_use]
pub fn help(verb: Option<&str>) -> String {
    let Some(word) = verb else {
        return overview();
    };
    let Some(verb) = Verb::named(word) else {
        let near = nearest(word, Verb::words()).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        return format!("There is no verb {}.{near} `help` lists the verbs.\n", shown(word));
    };
    page(verb)
}

/// Returns the verb with its positional arguments; flags appear only on its own page.
fn brief(verb: &Verb) -> String {
    let is_brief = |arg: &&Arg| !arg.shown.is_empty() && (!arg.form.is_flag() || arg.form == ArgSyntax::Keyword);
    let places = verb.args.iter().filter(is_brief).map(|arg| arg.shown);
    std::iter::once(verb.name).chain(places).collect::<Vec<_>>().join(" ")
}

fn overview() -> String {
    let width = VERBS.iter().map(|verb| brief(verb).chars().count()).max().unwrap_or(0);
    let mut out = String::from("/hotfix <verb> …\n");
    for group in Group::ALL {
        out.push_str(&format!("\n{}\n", group.title()));
        for verb in VERBS.iter().filter(|verb| verb.group == group) {
            out.push_str(&format!("  {:width$}  {}\n", brief(verb), verb.summary));
        }
    }
    out.push('\n');
    out.push_str(&wrap(
        "HF-n names the run and may be left out in the run's own thread, or when you have one open run. Free text needs \
         quotes only when it holds a --flag. `help <verb>` has the flags, examples, and who may.",
        "",
    ));
    out
}

fn page(verb: &Verb) -> String {
    let mut out = format!("{} – {}\n\n", verb.name, verb.summary);
    // A part such as `[--fix PR|sha …]` must not be broken.
    let pieces: Vec<String> = verb.usage_pieces().map(|piece| piece.replace(' ', "\u{a0}")).collect();
    out.push_str(&wrap(&format!("Usage: {}", pieces.join(" ")), "         ").replace('\u{a0}', " "));
    if !verb.aliases.is_empty() {
        out.push_str(&format!("Also known as: {}\n", verb.aliases.join(", ")));
    }
    out.push('\n');
    out.push_str(&wrap(verb.details, ""));
    if !verb.args.is_empty() {
        let width = verb.args.iter().map(|arg| label(arg).chars().count()).max().unwrap_or(0);
        out.push('\n');
        for arg in verb.args {
            out.push_str(&format!("  {:width$}  {}\n", label(arg), arg.about));
        }
    }
    out.push_str("\nExamples\n");
    for example in verb.examples {
        out.push_str(&wrap(&format!("  /hotfix {example}"), "      "));
    }
    out.push_str(&format!("\n{}", wrap(&who_may(verb), "")));
    out
}

/// Returns an argument as the user types it.
fn label(arg: &Arg) -> String {
    let dashes = if arg.form.is_flag() && arg.form != ArgSyntax::Keyword { "--" } else { "" };
    format!("{dashes}{}", arg.name)
}

/// Returns a sentence that names the roles that may use the verb.
fn who_may(verb: &Verb) -> String {
    let article = if verb.needs.as_str().starts_with('a') { "an" } else { "a" };
    let mut sentence = format!("Who may: {article} {}", verb.needs.as_str());
    if let Some(role) = verb.needs_for_others {
        sentence.push_str(&format!("; for what is somebody else's, a {}", role.as_str()));
    }
    sentence.push_str(" of the service, or a higher role.");
    sentence
}

/// Wraps text at spaces. `indent` starts every line except the first. Leading white space is kept.
fn wrap(text: &str, indent: &str) -> String {
    let lead_length = text.len() - text.trim_start().len();
    let mut line = text.get(..lead_length).unwrap_or_default().to_owned();
    let mut out = String::new();
    let mut is_fresh = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !is_fresh && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            out.push_str(&line);
            out.push('\n');
            line = indent.to_owned();
            is_fresh = true;
        }
        if !is_fresh {
            line.push(' ');
        }
        line.push_str(word);
        is_fresh = false;
    }
    out.push_str(&line);
    out.push('\n');
    out
}
