//! Containment by content: finds out if the lines of a change are in a commit, and which commit of its history removed
//! or rewrote them.
//!
//! History alone is not enough: a merge can drop what it merged, and a commit can remove lines without saying so. To
//! save downloads, file content is read only where a commit has another version of a file than the change made.
//! Missing content is fetched in one call, and the history is walked along first parents, through commits that touched
//! one of the files.

use std::collections::{BTreeSet, HashMap};

use super::Git;
use super::lines::{Hunk, LineState, Sides, hunks, lines};
use crate::failure::Failure;
use crate::forge::Change;
use crate::ids::CommitId;

/// Maximum number of files in a change; a larger change is judged by its history alone.
const FILES: usize = 300;
/// Maximum size of a file in bytes; a larger file is compared as a whole.
const FILE_SIZE: usize = 1 << 20;
/// Maximum number of lines of a file; a longer file is compared as a whole.
const FILE_LINES: usize = 20_000;
/// Maximum number of commits of the first-parent history that are examined.
const WALK: usize = 300;
/// Number of commits whose content is loaded at once.
const STRIDE: usize = 40;
/// Maximum number of renames that are followed for one file.
const RENAMES: usize = 4;

/// The fate of one hunk of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// The hunk is present.
    There {
        /// `true` if the lines alone prove that the change arrived.
        identified: bool,
    },
    /// The commit `by`, `steps` back in the history, restored the lines from before the change.
    Out { by: CommitId, steps: usize, identified: bool },
    /// The lines from before the change are there, and were in every examined version.
    Never,
    /// The hunk was present until the commit `by`, `steps` back in the history, rewrote it.
    Rewritten { by: CommitId, steps: usize, identified: bool },
    /// The hunk is not recognizable in any examined version.
    Unknown,
}

/// A file that a change touched, with its blob ids before and after.
#[derive(Debug, Clone)]
struct Edit {
    /// Names of the file, the newest first.
    names: Vec<String>,
    before: Option<String>,
    after: Option<String>,
}

/// The hunks of a change, and the versions of its files at a commit.
pub(super) struct Content {
    edits: Vec<Edit>,
    tip: HashMap<String, String>,
    texts: Texts,
    now: Vec<Vec<LineState>>,
}

impl Content {
    /// Returns `true` if there is at least one hunk to judge by.
    pub(super) fn is_telling(&self) -> bool {
        self.now.iter().any(|places| !places.is_empty())
    }

    /// Returns `true` if every hunk of the change is present.
    pub(super) fn is_there(&self) -> bool {
        self.is_telling() && self.now.iter().flatten().all(|standing| matches!(standing, LineState::Present { .. }))
    }

    /// Returns `true` if all hunks are present and at least one proves that the change arrived.
    pub(super) fn is_identified(&self) -> bool {
        let identified = |standing: &LineState| matches!(standing, LineState::Present { identified: true });
        self.is_there() && self.now.iter().flatten().any(identified)
    }

    fn names(&self) -> BTreeSet<&str> {
        self.edits.iter().flat_map(|edit| &edit.names).map(String::as_str).collect()
    }
}

impl Git {
    /// Reads the standing of each hunk of a change at a commit. `None` if the change is empty or too large.
    pub(super) async fn content(&self, change: &Change, tip: &CommitId) -> Result<Option<Content>, Failure> {
        let mut edits = self.edits(&change.base, &change.head).await?;
        if edits.is_empty() || edits.len() > FILES {
            return Ok(None);
        }
        let names: Vec<String> = edits.iter().flat_map(|edit| edit.names.clone()).collect();
        let mut at_tip = self.versions(tip, &names).await?;
        for edit in &mut edits {
            if edit.after.is_some() && edit.before.is_some() && !edit.names.iter().any(|name| at_tip.contains_key(name))
            {
                self.follow(edit, tip, &mut at_tip).await?;
            }
        }
        let mut texts = Texts::default();
        let open = edits.iter().filter(|edit| {
            let now = version(edit, &at_tip);
            now.is_some() && now != edit.after.as_ref() && now != edit.before.as_ref()
        });
        let mut wanted: BTreeSet<String> = open.filter_map(|edit| version(edit, &at_tip)).cloned().collect();
        wanted.extend(edits.iter().flat_map(|edit| edit.before.iter().chain(&edit.after)).cloned());
        texts.load(self, wanted).await?;
        let now = edits.iter().map(|edit| texts.standings(edit, version(edit, &at_tip))).collect();
        Ok(Some(Content { edits, tip: at_tip, texts, now }))
    }

    /// Follows the hunks of a change back through the first-parent history of `tip`, not further than `stop`.
    pub(super) async fn fates(
        &self,
        content: &mut Content,
        tip: &CommitId,
        stop: &CommitId,
    ) -> Result<Vec<Fate>, Failure> {
        let line = self.touching(content.names(), tip, stop).await?;
        let mut tracks: Vec<Vec<Track>> =
            content.now.iter().map(|places| places.iter().map(|now| Track::new(*now)).collect()).collect();
        let mut versions = content.tip.clone();
        for (stride, commits) in line.chunks(STRIDE).enumerate() {
            if tracks.iter().flatten().all(Track::is_settled) {
                break;
            }
            let earlier = commits.iter().flat_map(|commit| &commit.files).filter_map(|file| file.before.clone());
            let earlier: BTreeSet<String> = earlier.collect();
            content.texts.load(self, earlier).await?;
            for (place, commit) in commits.iter().enumerate() {
                for file in &commit.files {
                    match &file.before {
                        Some(before) => versions.insert(file.path.clone(), before.clone()),
                        None => versions.remove(&file.path),
                    };
                }
                let touched = |edit: &Edit| commit.files.iter().any(|file| edit.names.contains(&file.path));
                for (edit, tracks) in content.edits.iter().zip(&mut tracks).filter(|(edit, _)| touched(edit)) {
                    let earlier = content.texts.standings(edit, version(edit, &versions));
                    for (track, standing) in tracks.iter_mut().zip(earlier) {
                        track.back(&commit.id, stride * STRIDE + place, standing);
                    }
                }
            }
        }
        Ok(tracks.into_iter().flatten().map(Track::end).collect())
    }

    /// Reads the hunks of a merge in those files where a hunk of the change is not recognizable, that is, as the merge
    /// resolved them. `None` if the merge is empty or too large.
    pub(super) async fn resolved(
        &self,
        content: &Content,
        fates: &[Fate],
        merge: &Change,
        tip: &CommitId,
    ) -> Result<Option<Content>, Failure> {
        let mut fates = fates.iter();
        let mut lost: BTreeSet<&String> = BTreeSet::new();
        for (edit, places) in content.edits.iter().zip(&content.now) {
            let own: Vec<&Fate> = fates.by_ref().take(places.len()).collect();
            if own.iter().any(|fate| **fate == Fate::Unknown) {
                lost.extend(&edit.names);
            }
        }
        let Some(mut brought) = self.content(merge, tip).await? else { return Ok(None) };
        let kept: Vec<bool> =
            brought.edits.iter().map(|edit| edit.names.iter().any(|name| lost.contains(name))).collect();
        let mut keep = kept.iter();
        brought.edits.retain(|_| keep.next().copied().unwrap_or_default());
        let mut keep = kept.iter();
        brought.now.retain(|_| keep.next().copied().unwrap_or_default());
        Ok(Some(brought))
    }

    /// Returns the regular files in which two commits differ.
    async fn edits(&self, base: &CommitId, head: &CommitId) -> Result<Vec<Edit>, Failure> {
        let args = ["diff-tree", "-r", "-z", "-M", "--raw", "--no-abbrev", "--end-of-options"];
        let answer = self.ask(args.into_iter().chain([base.as_str(), head.as_str()])).fixed().stdout().await?;
        Ok(files(&answer)
            .into_iter()
            .map(|file| {
                let names = std::iter::once(file.path).chain(file.from).collect();
                Edit { names, before: file.before, after: file.after }
            })
            .collect())
    }

    /// Returns the blob ids of the files at a commit, keyed by name, for these names.
    async fn versions(&self, at: &CommitId, names: &[String]) -> Result<HashMap<String, String>, Failure> {
        let fixed = ["ls-tree", "-r", "-z", "--full-tree", at.as_str(), "--"].map(str::to_owned);
        let answer = self.ask(fixed.into_iter().chain(names.iter().cloned())).fixed().stdout().await?;
        let entry = |entry: &[u8]| {
            let (head, name) = std::str::from_utf8(entry).ok()?.split_once('\t')?;
            let mut words = head.split(' ');
            let (_, kind, id) = (words.next()?, words.next()?, words.next()?);
            (kind == "blob").then(|| (name.to_owned(), id.to_owned()))
        };
        Ok(answer.split(|byte| *byte == 0).filter_map(entry).collect())
    }

    /// Adds the new name of a file that was renamed to the edit, if there is one.
    async fn follow(
        &self,
        edit: &mut Edit,
        tip: &CommitId,
        at_tip: &mut HashMap<String, String>,
    ) -> Result<(), Failure> {
        let Some(mut name) = edit.names.first().cloned() else { return Ok(()) };
        for _ in 0..RENAMES {
            let args = ["log", "-1", "--first-parent", "--diff-merges=first-parent", "--no-renames"];
            let more = ["--diff-filter=D", "--format=%H %P", "--end-of-options", tip.as_str(), "--", &name];
            let answer = self.ask(args.into_iter().chain(more)).fixed().stdout().await?;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            let mut ids = answer.split_whitespace();
            let (Some(removal), Some(parent)) = (ids.next(), ids.next()) else { return Ok(()) };
            let args = ["diff-tree", "-r", "-z", "-M", "--raw", "--no-abbrev", "--diff-filter=R", parent, removal];
            let renames = files(&self.ask(args).fixed().stdout().await?);
            let Some(new) = renames.into_iter().find(|file| file.from.as_ref() == Some(&name)) else { return Ok(()) };
            name = new.path;
            edit.names.insert(0, name.clone());
            let there = self.versions(tip, std::slice::from_ref(&name)).await?;
            if !there.is_empty() {
                at_tip.extend(there);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Returns the commits that touched one of these files, on the first-parent history of `tip` without that of
    /// `stop`, newest first.
    async fn touching(&self, names: BTreeSet<&str>, tip: &CommitId, stop: &CommitId) -> Result<Vec<Touch>, Failure> {
        let mut args = vec!["log", "-z", "--first-parent", "--diff-merges=first-parent", "--raw", "--no-abbrev"];
        let (limit, not) = (format!("-n{WALK}"), format!("^{stop}"));
        args.extend(["--no-renames", "--format=format:%H", &limit, "--end-of-options", tip.as_str(), &not, "--"]);
        args.extend(names);
        let answer = self.ask(args).fixed().stdout().await?;
        let mut line: Vec<Touch> = Vec::new();
        // Format: `<id>\n:<meta>`, `<path>`, `:<meta>`, `<path>`, and no separator before the next id.
        let mut meta: Option<&[u8]> = None;
        for part in answer.split(|byte| *byte == 0).filter(|part| !part.is_empty()) {
            if let Some(meta) = meta.take() {
                if let (Some(commit), Some(file)) = (line.last_mut(), file(meta, part, None)) {
                    commit.files.push(file);
                }
                continue;
            }
            let (id, rest) = match part.iter().position(|byte| *byte == b'\n') {
                Some(end) if part.first() != Some(&b':') => (part.get(..end), part.get(end + 1..)),
                Some(_) | None => (None, Some(part)),
            };
            if let Some(id) = id.and_then(super::object::id_in) {
                line.push(Touch { id, files: Vec::new() });
            }
            meta = rest.filter(|rest| rest.first() == Some(&b':'));
        }
        Ok(line)
    }
}

/// A commit with the files of interest that it changed.
struct Touch {
    id: CommitId,
    files: Vec<File>,
}

/// A changed file with its blob ids before and after.
struct File {
    path: String,
    /// Former name, if the file was renamed.
    from: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// Parses the output of a raw diff with NUL separators, regular files only.
fn files(answer: &[u8]) -> Vec<File> {
    let mut parts = answer.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    let mut files = Vec::new();
    while let Some(meta) = parts.next() {
        let moved = meta.split(|byte| *byte == b' ').next_back().and_then(<[u8]>::first).copied();
        let from = if matches!(moved, Some(b'R' | b'C')) { parts.next() } else { None };
        let Some(path) = parts.next() else { break };
        files.extend(file(meta, path, from.filter(|_| moved == Some(b'R'))));
    }
    files
}

/// Parses one entry: `:100644 100644 <before> <after> M`. `None` for submodules and for names that are not UTF-8.
fn file(meta: &[u8], path: &[u8], from: Option<&[u8]>) -> Option<File> {
    let words: Vec<&str> = std::str::from_utf8(meta).ok()?.strip_prefix(':')?.split(' ').collect();
    let [before_mode, after_mode, before, after, ..] = words.as_slice() else { return None };
    if [before_mode, after_mode].contains(&&"160000") {
        return None;
    }
    let side = |mode: &str, id: &str| (mode != "000000").then(|| id.to_owned());
    let text = |name: &[u8]| std::str::from_utf8(name).ok().map(str::to_owned);
    let (before, after) = (side(before_mode, before), side(after_mode, after));
    Some(File { path: text(path)?, from: from.and_then(text), before, after })
}

/// Returns the blob id of the file of an edit among these versions, under its newest name.
fn version<'a>(edit: &Edit, versions: &'a HashMap<String, String>) -> Option<&'a String> {
    edit.names.iter().find_map(|name| versions.get(name))
}

/// Loaded file contents, keyed by blob id; `None` for content that is too large or not text.
#[derive(Default)]
struct Texts(HashMap<String, Option<Vec<u8>>>);

impl Texts {
    async fn load(&mut self, git: &Git, mut wanted: BTreeSet<String>) -> Result<(), Failure> {
        wanted.retain(|id| !self.0.contains_key(id));
        if wanted.is_empty() {
            return Ok(());
        }
        git.bring(wanted.iter().collect()).await?;
        let names: String = wanted.iter().map(|id| format!("{id}\n")).collect();
        let check = ["cat-file", "--batch-check=%(objectname) %(objectsize)"];
        let sizes = git.ask(check).offline().fixed().input(names).stdout().await?;
        let sizes = String::from_utf8_lossy(&sizes).into_owned();
        let mut room = git.output_limit / 2;
        let mut fits = Vec::new();
        for (id, size) in sizes.lines().filter_map(|line| line.split_once(' ')) {
            match size.parse::<usize>() {
                Ok(size) if size <= FILE_SIZE && size <= room => {
                    room -= size;
                    fits.push(id.to_owned());
                }
                Ok(_) | Err(_) => drop(self.0.insert(id.to_owned(), None)),
            }
        }
        let names: String = fits.iter().map(|id| format!("{id}\n")).collect();
        let answer = git.ask(["cat-file", "--batch"]).offline().fixed().input(names).stdout().await?;
        let mut rest = answer.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let header = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
            rest = rest.get(end + 1..).unwrap_or_default();
            let mut words = header.split(' ');
            let (Some(id), Some(_), Some(Ok(size))) =
                (words.next(), words.next(), words.next().map(str::parse::<usize>))
            else {
                continue;
            };
            let text = rest.get(..size).unwrap_or_default();
            let is_text = !text.contains(&0) && lines(text).len() <= FILE_LINES;
            self.0.insert(id.to_owned(), is_text.then(|| text.to_vec()));
            rest = rest.get(size + 1..).unwrap_or_default();
        }
        Ok(())
    }

    fn text(&self, id: &str) -> Option<&[u8]> {
        self.0.get(id)?.as_deref()
    }

    /// Returns the standing of each hunk of an edit in the version `now` of the file.
    fn standings(&self, edit: &Edit, now: Option<&String>) -> Vec<LineState> {
        let same = |side: &Option<String>| now == side.as_ref();
        let as_a_whole = || {
            if same(&edit.after) {
                LineState::Present { identified: edit.after.is_some() }
            } else if same(&edit.before) {
                LineState::Absent
            } else {
                LineState::Unclear
            }
        };
        let (Some(before), Some(after)) = (&edit.before, &edit.after) else {
            let new = edit.after.as_ref().and_then(|id| self.text(id));
            let kept = new.zip(now.and_then(|id| self.text(id))).is_some_and(|(new, now)| mostly(new, now));
            return vec![if kept { LineState::Present { identified: false } } else { as_a_whole() }];
        };
        let (Some(before), Some(after)) = (self.text(before), self.text(after)) else {
            return vec![as_a_whole()];
        };
        let (before, after) = (lines(before), lines(after));
        let places: Vec<Hunk> = hunks(&before, &after);
        let whole = as_a_whole();
        let text = now.and_then(|id| self.text(id)).map(lines);
        let sides = Sides { before: &before, after: &after };
        let standing = |place: &Hunk| match (&text, whole) {
            (_, LineState::Present { .. } | LineState::Absent) | (None, LineState::Unclear) => whole,
            (Some(text), LineState::Unclear) => sides.standing(place, text),
        };
        places.iter().map(standing).collect()
    }
}

/// Returns `true` if at least half of the lines of a new file are in a later version of it.
fn mostly(new: &[u8], now: &[u8]) -> bool {
    let (new, now) = (lines(new), lines(now));
    let there: BTreeSet<&[u8]> = now.into_iter().collect();
    let own: Vec<&&[u8]> = new.iter().filter(|line| line.iter().any(u8::is_ascii_alphanumeric)).collect();
    !own.is_empty() && own.iter().filter(|line| there.contains(**line)).count() * 2 >= own.len()
}

/// The state of one hunk while the history is walked backwards.
struct Track {
    /// The commit, with its distance, after which the hunk was not recognizable.
    unclear: Option<(CommitId, usize)>,
    /// Latest standing that was clear.
    stood: LineState,
    /// The commit, with its distance, that may have restored the old lines.
    out: Option<(CommitId, usize)>,
    fate: Option<Fate>,
}

impl Track {
    fn new(now: LineState) -> Self {
        let fate = match now {
            LineState::Present { identified } => Some(Fate::There { identified }),
            LineState::Absent | LineState::Unclear => None,
        };
        Self { unclear: None, stood: now, out: None, fate }
    }

    fn is_settled(&self) -> bool {
        self.fate.is_some()
    }

    /// Moves one commit back, to the standing `before` that commit.
    fn back(&mut self, commit: &CommitId, steps: usize, before: LineState) {
        if self.fate.is_some() {
            return;
        }
        let here = || (commit.clone(), steps);
        match (self.stood, before) {
            (LineState::Unclear, LineState::Present { identified }) => {
                let (by, steps) = here();
                self.fate = Some(Fate::Rewritten { by, steps, identified });
            }
            (LineState::Unclear, LineState::Absent) => {
                self.unclear = Some(here());
                self.stood = LineState::Absent;
            }
            (LineState::Absent, LineState::Present { identified }) => {
                let (by, steps) = self.out.clone().unwrap_or_else(here);
                self.fate = Some(Fate::Out { by, steps, identified });
            }
            (LineState::Absent, LineState::Unclear) if self.out.is_none() => self.out = Some(here()),
            (LineState::Absent, LineState::Absent) => self.out = None,
            (LineState::Absent | LineState::Unclear, LineState::Unclear) | (LineState::Present { .. }, _) => {}
        }
    }

    fn end(self) -> Fate {
        let rest = match self.stood {
            // The hunk was rewritten after it was reverted, or before it arrived. There is no telling which.
            LineState::Absent if self.unclear.is_some() => Fate::Unknown,
            LineState::Absent => Fate::Never,
            LineState::Unclear | LineState::Present { .. } => Fate::Unknown,
        };
        self.fate.unwrap_or(rest)
    }
}
