//! The files of the configuration: discovery, permission checks and contents.
//!
//! Security cases 69 and 97: a file that other users own or can write, and a link that leads out of the folder, are
//! refused before they are read. Case 70: a file is at most 256 KiB; the TOML parser limits the nesting depth.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::diagnostic::{At, Diagnostic, Diagnostics, FileId};
use super::rights;

/// Maximum size of a file, in bytes.
pub(super) const MAX_BYTES: u64 = 256 * 1024;

/// All files that could be read.
pub(super) struct Sources {
    /// Absolute path of the folder, without symbolic links.
    pub(super) root: PathBuf,
    pub(super) settings: Option<FileId>,
    pub(super) people: Option<FileId>,
    pub(super) policy: Option<FileId>,
    pub(super) services: Vec<Named>,
    pub(super) playbooks: Vec<Named>,
    files: Vec<Source>,
}

/// A file that is named after its subject.
pub(super) struct Named {
    /// File name without `.toml`.
    pub(super) name: String,
    /// Id of the file; `None` if it exists but could not be read.
    pub(super) file: Option<FileId>,
}

struct Source {
    /// Path relative to the configuration folder.
    shown: String,
    text: String,
}

impl Sources {
    pub(super) fn read(dir: &Path, sink: &Diagnostics) -> Self {
        let mut sources = Self {
            root: dir.to_owned(),
            settings: None,
            people: None,
            policy: None,
            services: Vec::new(),
            playbooks: Vec::new(),
            files: Vec::new(),
        };
        match std::fs::canonicalize(dir) {
            Ok(root) if root.is_dir() => sources.root = root,
            Ok(_) => {
                sink.add(Diagnostic::of(
                    dir.display().to_string(),
                    "this is not a folder",
                    "give the folder that holds hotfix.toml",
                ));
                return sources;
            }
            Err(error) => {
                let next = "give the folder of the configuration with --config";
                sink.add(Diagnostic::of(
                    dir.display().to_string(),
                    format!("the folder cannot be read: {error}"),
                    next,
                ));
                return sources;
            }
        }
        if let Err(fault) = check_rights(&sources.root, &dir.display().to_string()) {
            sink.add(*fault);
        }
        if let Err(wrong) = rights::check_parents(&sources.root) {
            sink.add(Diagnostic::of(dir.display().to_string(), wrong.what, wrong.next));
        }
        sources.settings = sources.file("hotfix.toml", sink);
        sources.policy = sources.file("policy.toml", sink);
        sources.people = sources.file("people.toml", sink);
        sources.services = sources.folder("services", sink);
        sources.playbooks = sources.folder("playbooks", sink);
        sources
    }

    /// Returns the text of a file.
    pub(super) fn text(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |source| &source.text)
    }

    /// Returns the path of a file for messages.
    pub(super) fn shown(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |source| &source.shown)
    }

    /// Redacts the text at this position. The length stays the same, so that carets keep their positions.
    pub(super) fn hide(&mut self, at: At) {
        let Some(source) = self.files.get_mut(at.file.0) else {
            return;
        };
        let (Some(before), Some(hidden), Some(after)) =
            (source.text.get(..at.start), source.text.get(at.start..at.end), source.text.get(at.end..))
        else {
            return;
        };
        let black: String = hidden.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        source.text = format!("{before}{black}{after}");
    }

    /// Returns the SHA-256 over names and texts. Each part is prefixed with its length, so that neighboring parts
    /// cannot be confused.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for source in &self.files {
            for part in [&source.shown, &source.text] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part.as_bytes());
            }
        }
        hex::encode(digest.finalize())
    }

    fn file(&mut self, shown: &str, sink: &Diagnostics) -> Option<FileId> {
        match read_file(&self.root, shown) {
            Ok(text) => {
                self.files.push(Source { shown: shown.to_owned(), text });
                Some(FileId(self.files.len() - 1))
            }
            Err(fault) => {
                sink.add(*fault);
                None
            }
        }
    }

    /// Reads the `*.toml` files of a folder, sorted by name. Other files, such as those that editors leave behind,
    /// are ignored.
    fn folder(&mut self, shown: &str, sink: &Diagnostics) -> Vec<Named> {
        let next = format!("put one .toml file for each of the {shown} in {shown}/; the file's name is its name");
        let entries = match std::fs::read_dir(self.root.join(shown)) {
            Ok(entries) => entries,
            Err(error) => {
                sink.add(Diagnostic::of(shown, format!("the folder {shown}/ cannot be read: {error}"), next));
                return Vec::new();
            }
        };
        if let Err(fault) = check_rights(&self.root.join(shown), shown) {
            sink.add(*fault);
        }
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        if names.is_empty() {
            sink.add(Diagnostic::of(shown, format!("the folder {shown}/ has no .toml file"), next));
        }
        names
            .into_iter()
            .map(|name| {
                let file = self.file(&format!("{shown}/{name}.toml"), sink);
                Named { name, file }
            })
            .collect()
    }
}

fn read_file(root: &Path, shown: &str) -> Result<String, Box<Diagnostic>> {
    let unreadable = |error: std::io::Error| {
        refusal(shown, format!("{shown} cannot be read: {error}"), "write it; README.md says what goes in it")
    };
    let path = std::fs::canonicalize(root.join(shown)).map_err(unreadable)?;
    if !path.starts_with(root) {
        let what = format!("{shown} is a link that leads out of the configuration");
        return Err(refusal(shown, what, "put the file itself there: who may write it must be plain from this folder"));
    }
    check_rights(&path, shown)?;
    let file = std::fs::File::open(&path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refusal(
            shown,
            format!("{shown} is larger than 256 KiB"),
            "split it, or take out what is not configuration",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        refusal(shown, format!("{shown} is not UTF-8: see line {line}"), "save it as UTF-8")
    })
}

/// Checks the permissions: a user who can write the configuration can deploy, so only the owner may write it.
fn check_rights(path: &Path, shown: &str) -> Result<(), Box<Diagnostic>> {
    let found = std::fs::metadata(path)
        .map_err(|error| refusal(shown, format!("{shown} cannot be looked at: {error}"), "see who owns it"))?;
    if found.is_dir() || found.is_file() {
        return rights::check(path, shown, &found).map_err(|wrong| refusal(shown, wrong.what, wrong.next));
    }
    Err(refusal(shown, format!("{shown} is not a file"), "put a plain file there"))
}

fn refusal(path: &str, what: impl Into<String>, next: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::of(path, what, next))
}
