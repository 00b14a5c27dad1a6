//! Parser of `[environment.deploy]`, the deploy mechanism of an environment.

mod promotion;
mod remote;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::super::diagnostic::{Diagnostic, Diagnostics, Located};
use super::super::field::Field;
use super::super::mechanism::{CommandMechanism, MechanismConfig};
use super::super::reader::{Reader, nearest};
use super::super::rights::{self, Wrong};
use super::Folders;
use super::settings::{path, tidy};
use super::variables::{fresh, plain_variables, secret_variables};

/// Placeholders that are allowed in deploying commands, and in read-only ones.
pub(super) const DEPLOYING: &[&str] =
    &["commit", "short", "environment", "repository", "key", "tag", "digest", "image", "previous"];
const LOOKING: &[&str] = &["environment", "repository"];
const TAGGING: &[&str] = &["commit", "short", "environment"];

type Read = fn(&Reader<'_>, &Folders<'_>) -> Option<MechanismConfig>;

pub(super) fn read(reader: Reader<'_>, folders: &Folders<'_>) -> Option<MechanismConfig> {
    let ways: [(&str, Read); 7] = [
        ("command", command),
        ("manual", manual),
        ("tag", tag),
        ("workflow", remote::workflow),
        ("pipeline", remote::pipeline),
        ("drone", remote::drone),
        ("promotion", promotion::promotion),
    ];
    let Some(way) = reader.need("by").choice(&ways) else {
        reader.abandon();
        return None;
    };
    let mechanism = (way.value)(&reader, folders);
    reader.finish();
    mechanism
}

fn manual(reader: &Reader<'_>, _: &Folders<'_>) -> Option<MechanismConfig> {
    let instructions = reader.need("instructions").text()?;
    check_placeholders(&instructions, DEPLOYING, reader.sink)?;
    Some(MechanismConfig::Manual { instructions: instructions.value })
}

fn tag(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<MechanismConfig> {
    let template = reader.need("template").string_line();
    let running = running(reader, folders);
    let template = template?;
    check_placeholders(&template, TAGGING, reader.sink)?;
    if !template.value.contains("{commit}") && !template.value.contains("{short}") {
        let what = "the tag is the same for every commit";
        reader.sink.add(Diagnostic::at(template.at, what, "names no commit", "put `{commit}` or `{short}` in it"));
        return None;
    }
    Some(MechanismConfig::Tag { template: template.value, running })
}

fn command(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<MechanismConfig> {
    let deploy = command_line(reader.need("command"), folders, DEPLOYING);
    let running = running(reader, folders);
    let mut names = BTreeMap::new();
    let env = plain_variables(reader, &mut names);
    let secret_env = secret_variables(reader, folders, &mut names);
    let pass_env = reader.get("pass_env").list().into_iter().filter_map(Field::string_line);
    let pass_env = pass_env.filter(|name| fresh(name, &mut names, reader.sink)).map(|name| name.value).collect();
    let working_directory = path(reader.get("working_directory"), &folders.state, ".");
    let timeout_seconds = reader.get("timeout_seconds").integer(1..=86_400).map_or(900, |number| number.value);
    let kib = reader.get("output_limit_kib").integer(1..=4096).map_or(64, |number| number.value);
    Some(MechanismConfig::Command(CommandMechanism {
        deploy: deploy?,
        running,
        env,
        secret_env,
        pass_env,
        working_directory,
        timeout_seconds,
        output_limit_bytes: kib as usize * 1024,
    }))
}

fn running(reader: &Reader<'_>, folders: &Folders<'_>) -> Option<Vec<String>> {
    let field = reader.get("running");
    field.at()?;
    command_line(field, folders, LOOKING)
}

/// Parses a program and its arguments. A program with a slash is relative to the configuration folder and is
/// made absolute.
pub(super) fn command_line(field: Field<'_>, folders: &Folders<'_>, allowed: &[&str]) -> Option<Vec<String>> {
    let (at, sink) = (field.at()?, field.sink());
    let count = field.len();
    let parts: Vec<Located<String>> = field.list().into_iter().filter_map(Field::verbatim).collect();
    if count != Some(parts.len()) {
        return None;
    }
    let Some((program, arguments)) = parts.split_first() else {
        sink.add(Diagnostic::at(
            at,
            "a command names no program",
            "empty",
            "write the program and its arguments: [\"deploy.sh\", \"{commit}\"]",
        ));
        return None;
    };
    let fine = arguments.iter().filter(|argument| check_placeholders(argument, allowed, sink).is_none()).count() == 0;
    let program = check_program(program, folders.config, sink)?;
    fine.then(|| std::iter::once(program).chain(arguments.iter().map(|part| part.value.clone())).collect())
}

fn check_program(program: &Located<String>, config: &Path, sink: &Diagnostics) -> Option<String> {
    let refuse = |what: String, label: &str, next: &str| {
        sink.add(Diagnostic::at(program.at, what, label, next));
        None
    };
    if program.value.contains(['{', '}', '\0']) || program.value.trim().is_empty() {
        return refuse(
            "the program of a command must be fixed".to_owned(),
            "not a program",
            "placeholders can stand in arguments only",
        );
    }
    if !program.value.contains('/') {
        // The adapter looks up a bare name in PATH once, when the mechanism is built.
        return Some(program.value.clone());
    }
    let path: PathBuf = tidy(&config.join(&program.value));
    let next = "give a path from the folder of the configuration, an absolute path, or a name that is on PATH";
    match std::fs::metadata(&path) {
        Ok(found) if !found.is_file() => refuse(format!("{} is not a program", path.display()), "not a file", next),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => {
            refuse(format!("{} cannot be run", path.display()), "not executable", "run `chmod +x` on it")
        }
        Ok(found) => match check_script(&path, &found) {
            Ok(()) => Some(path.to_string_lossy().into_owned()),
            Err(wrong) => refuse(wrong.what, "somebody else could change what is run", &wrong.next),
        },
        Err(error) => refuse(format!("the program cannot be looked at: {error}"), &path.display().to_string(), next),
    }
}

/// Checks the permissions of a script and its folder: a script needs the same protection as the configuration that
/// names it.
fn check_script(path: &Path, found: &std::fs::Metadata) -> Result<(), Wrong> {
    rights::check(path, &path.display().to_string(), found)?;
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = real.parent()
        && let Ok(found) = std::fs::metadata(folder)
    {
        rights::check(folder, &format!("the folder {}", folder.display()), &found)?;
    }
    rights::check_parents(&real)
}

/// Checks that all placeholders of a text are allowed. Doubled braces are literal.
fn check_placeholders(text: &Located<String>, allowed: &[&str], sink: &Diagnostics) -> Option<()> {
    let known = allowed.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
    let known =
        if known.is_empty() { "nothing can be filled in here".to_owned() } else { format!("{known} can stand here") };
    let bare = text.value.replace("{{", "").replace("}}", "");
    let mut rest = bare.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let name = after.split_once('}').filter(|_| !before.contains('}'));
        let Some((name, behind)) = name else { break };
        if !allowed.contains(&name) {
            let next = match nearest(name, allowed.iter().copied()) {
                Some(near) => format!("did you mean {{{near}}}?"),
                None => format!("{known}; a literal brace is doubled"),
            };
            sink.add(Diagnostic::at(
                text.at,
                format!("there is no placeholder {{{name}}}"),
                "cannot be filled in",
                next,
            ));
            return None;
        }
        rest = behind;
    }
    if rest.contains(['{', '}']) {
        let next = format!("{known}; a literal brace is doubled");
        sink.add(Diagnostic::at(text.at, "a brace is not closed or not opened", "a single brace", next));
        return None;
    }
    Some(())
}
