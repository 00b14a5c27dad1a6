//! Files of a commit, read and written as objects, without a checkout.

use crate::failure::Failure;
use crate::forge::NewCommit;
use crate::ids::CommitId;

use super::Git;
use super::object::CommitObject;

/// Mode of a regular file in a tree.
const ORDINARY: &str = "100644";
/// Mode of a folder in a tree.
const FOLDER: &str = "040000";

/// The reason for which a file cannot be added to a tree.
enum Unfit {
    /// Another kind of entry already exists at this path.
    Place(String),
    Git(Failure),
}

impl From<Failure> for Unfit {
    fn from(failure: Failure) -> Self {
        Self::Git(failure)
    }
}

/// One entry of a tree object.
struct Entry {
    mode: String,
    object: String,
    name: String,
}

impl Git {
    /// Returns the content of a file, or `None` if the file does not exist at that commit.
    ///
    /// # Errors
    /// `Rejected` if the commit does not exist, or if the path is not a regular file.
    pub async fn read_file(&self, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let Some(entry) = self.entry(at, path).await? else {
            return Ok(None);
        };
        ordinary(&entry, at)?;
        self.ask(["cat-file", "blob", &entry.object]).fixed().stdout().await.map(Some)
    }

    /// Returns the paths of all files that equal this path or lie below it, sorted.
    ///
    /// # Errors
    /// `Rejected` if the commit does not exist.
    pub async fn paths(&self, at: &CommitId, below: &str) -> Result<Vec<String>, Failure> {
        let mut args = vec!["ls-tree", "-r", "-z", "--name-only", "--full-tree", at.as_str(), "--"];
        args.extend((!below.is_empty()).then_some(below));
        self.commits([at]).await?;
        let answer = self.ask(args).fixed().stdout().await?;
        let names = answer.split(|b| *b == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Makes one commit that changes several files, without moving any branch. Equal arguments yield the same commit.
    ///
    /// # Errors
    /// `Rejected` if the parent does not exist, if a path is not valid for a file, or if it belongs to something else
    /// than a regular file.
    pub async fn commit_files(&self, new: &NewCommit) -> Result<CommitId, Failure> {
        let [parent] = self.commits([&new.parent]).await?;
        let mut root = parent.tree;
        for (path, content) in &new.files {
            let parts = parts(path)?;
            let object = self.object("blob", content.clone()).await?;
            root = self.with_file(&root, &parts, &object).await.map_err(|bad| match bad {
                Unfit::Place(name) => no_ordinary_file(&name, &new.parent),
                Unfit::Git(failure) => failure,
            })?;
        }
        let who = self.committed_at(new.at);
        self.write(&CommitObject {
            tree: root,
            parents: vec![new.parent.clone()],
            author: who.clone(),
            committer: who,
            encoding: None,
            message: new.message.clone().into_bytes(),
        })
        .await
    }

    async fn entry(&self, at: &CommitId, path: &str) -> Result<Option<Entry>, Failure> {
        self.commits([at]).await?;
        let answer = self.ask(["ls-tree", "-z", "--full-tree", at.as_str(), "--", path]).fixed().stdout().await?;
        Ok(entries(&answer).into_iter().find(|entry| entry.name == path))
    }

    /// Returns the id of a tree with one file replaced or added. An existing file keeps its mode.
    async fn with_file(&self, root: &str, parts: &[&str], object: &str) -> Result<String, Unfit> {
        // First collect the trees on the way down, then build new ones on the way up.
        let mut trees = Vec::new();
        let mut tree = Some(root.to_owned());
        let mut mode = ORDINARY.to_owned();
        for (depth, part) in parts.iter().enumerate() {
            let level = match &tree {
                Some(tree) => entries(&self.ask(["ls-tree", "-z", tree]).fixed().stdout().await?),
                None => Vec::new(),
            };
            let is_last = depth + 1 == parts.len();
            tree = match level.iter().find(|entry| entry.name == *part) {
                None => None,
                Some(entry) if is_last && is_ordinary(entry) => {
                    mode.clone_from(&entry.mode);
                    None
                }
                Some(entry) if !is_last && entry.mode == FOLDER => Some(entry.object.clone()),
                Some(_) => {
                    return Err(Unfit::Place(parts.iter().take(depth + 1).copied().collect::<Vec<_>>().join("/")));
                }
            };
            trees.push(level);
        }
        let mut object = object.to_owned();
        for (part, mut level) in parts.iter().zip(trees).rev() {
            level.retain(|entry| entry.name != *part);
            level.push(Entry { mode, object, name: (*part).to_owned() });
            let listing: String =
                level.iter().map(|e| format!("{} {} {}\t{}\0", e.mode, kind(&e.mode), e.object, e.name)).collect();
            let answer = self.ask(["mktree", "-z", "--missing"]).input(listing).stdout().await?;
            (mode, object) = (FOLDER.to_owned(), String::from_utf8_lossy(&answer).trim().to_owned());
        }
        Ok(object)
    }

    async fn object(&self, kind: &str, content: Vec<u8>) -> Result<String, Failure> {
        let answer = self.ask(["hash-object", "-t", kind, "-w", "--stdin"]).input(content).stdout().await?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }
}

fn entries(answer: &[u8]) -> Vec<Entry> {
    let text = String::from_utf8_lossy(answer);
    let entry = |line: &str| {
        let (head, name) = line.split_once('\t')?;
        let mut words = head.split(' ');
        let (mode, _, object) = (words.next()?, words.next()?, words.next()?);
        Some(Entry { mode: mode.to_owned(), object: object.to_owned(), name: name.to_owned() })
    };
    text.split('\0').filter_map(entry).collect()
}

fn kind(mode: &str) -> &'static str {
    match mode {
        FOLDER => "tree",
        "160000" => "commit",
        _ => "blob",
    }
}

/// Splits the path of a file. Refuses absolute paths, `.`, `..`, and `.git` in any spelling that some file system
/// treats as `.git`, because the commit may be checked out on any of them.
fn parts(path: &str) -> Result<Vec<&str>, Failure> {
    let parts: Vec<&str> = path.split('/').collect();
    let fine = |part: &&str| {
        !part.is_empty() && !matches!(*part, "." | "..") && !part.contains(|c: char| c.is_control() || c == '\\')
    };
    if parts.iter().all(|part| fine(part) && !is_git(part)) {
        return Ok(parts);
    }
    Err(Failure::rejected(format!("{path:?} cannot be the path of a file in a repository.")))
}

/// Returns `true` if Windows or macOS would treat a name as `.git`: Windows drops trailing dots and spaces and has
/// short names, macOS ignores some characters.
fn is_git(name: &str) -> bool {
    let unseen =
        |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = name.chars().filter(|c| !unseen(*c)).collect::<String>().to_ascii_lowercase();
    let stem = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem == ".git" || stem.strip_prefix("git~").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

fn is_ordinary(entry: &Entry) -> bool {
    entry.mode.starts_with("100")
}

fn ordinary(entry: &Entry, at: &CommitId) -> Result<(), Failure> {
    if is_ordinary(entry) { Ok(()) } else { Err(no_ordinary_file(&entry.name, at)) }
}

fn no_ordinary_file(name: &str, at: &CommitId) -> Failure {
    let at = at.short();
    Failure::rejected(format!(
        "{name} at {at} is not what that path needs there: no link, submodule, or file as a folder."
    ))
}
