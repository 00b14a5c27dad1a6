//! Files of a commit, read and written as objects, without a checkout.

use crate::failure::Failure;
use crate::forge::NewCommit;
use crate::vocabulary::CommitId;

use super::Git;
use super::object::Commit;

/// The mode of an ordinary file, as trees have it.
const ORDINARY: &str = "100644";

/// One entry of a tree.
struct Entry {
    mode: String,
    object: String,
    name: String,
}

impl Git {
    /// The content of a file; `None` when there is no such file at that commit.
    ///
    /// # Errors
    /// The commit is not here, or what has that name is no ordinary file.
    pub async fn read_file(&self, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let Some(entry) = self.entry(at, path).await? else {
            return Ok(None);
        };
        ordinary(&entry, at)?;
        self.ask(["cat-file", "blob", &entry.object]).stdout().await.map(Some)
    }

    /// The paths of all files that are this path or lie below it, sorted.
    ///
    /// # Errors
    /// The commit is not here.
    pub async fn paths(&self, at: &CommitId, below: &str) -> Result<Vec<String>, Failure> {
        let mut args = vec!["ls-tree", "-r", "-z", "--name-only", "--full-tree", at.as_str(), "--"];
        args.extend((!below.is_empty()).then_some(below));
        self.commits([at]).await?;
        let answer = self.ask(args).stdout().await?;
        let names = answer.split(|b| *b == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Makes one commit of changed files; no branch moves. The same arguments make the same commit.
    ///
    /// # Errors
    /// The parent is not here, a path cannot be that of a file, or what has that name is no ordinary file.
    pub async fn commit_files(&self, new: &NewCommit) -> Result<CommitId, Failure> {
        let [parent] = self.commits([&new.parent]).await?;
        let mut root = parent.tree;
        for (path, content) in &new.files {
            let parts = parts(path)?;
            let object = self.object("blob", content.clone()).await?;
            let mode = match self.entry(&new.parent, path).await? {
                Some(entry) => {
                    ordinary(&entry, &new.parent)?;
                    entry.mode
                }
                None => ORDINARY.to_owned(),
            };
            root = self.with_file(&root, &parts, &mode, &object).await?;
        }
        let who = self.committed_at(new.at);
        self.write(&Commit {
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
        let answer = self.ask(["ls-tree", "-z", "--full-tree", at.as_str(), "--", path]).stdout().await?;
        Ok(entries(&answer).into_iter().find(|entry| entry.name == path))
    }

    /// A tree with one file replaced or added, as a tree.
    async fn with_file(&self, root: &str, parts: &[&str], mode: &str, object: &str) -> Result<String, Failure> {
        // The trees on the way down, and then new ones on the way up.
        let mut trees = Vec::new();
        let mut tree = Some(root.to_owned());
        for part in parts {
            let level = match &tree {
                Some(tree) => entries(&self.ask(["ls-tree", "-z", tree]).stdout().await?),
                None => Vec::new(),
            };
            tree = level.iter().find(|entry| entry.name == *part && entry.mode == "040000").map(|e| e.object.clone());
            trees.push(level);
        }
        let (mut mode, mut object) = (mode.to_owned(), object.to_owned());
        for (part, mut level) in parts.iter().zip(trees).rev() {
            level.retain(|entry| entry.name != *part);
            level.push(Entry { mode, object, name: (*part).to_owned() });
            let listing: String =
                level.iter().map(|e| format!("{} {} {}\t{}\0", e.mode, kind(&e.mode), e.object, e.name)).collect();
            let answer = self.ask(["mktree", "-z", "--missing"]).input(listing).stdout().await?;
            (mode, object) = ("040000".to_owned(), String::from_utf8_lossy(&answer).trim().to_owned());
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
        "040000" => "tree",
        "160000" => "commit",
        _ => "blob",
    }
}

/// The parts of a path that can be a file's: relative, and without `.`, `..` or `.git` in it.
fn parts(path: &str) -> Result<Vec<&str>, Failure> {
    let parts: Vec<&str> = path.split('/').collect();
    let fine = |part: &&str| {
        !part.is_empty() && !matches!(*part, "." | "..") && !part.eq_ignore_ascii_case(".git") && !part.contains('\0')
    };
    if parts.iter().all(fine) {
        return Ok(parts);
    }
    Err(Failure::rejected(format!("{path:?} cannot be the path of a file in a repository.")))
}

fn ordinary(entry: &Entry, at: &CommitId) -> Result<(), Failure> {
    if entry.mode.starts_with("100") {
        return Ok(());
    }
    Err(Failure::rejected(format!(
        "{} at {} is no ordinary file but a folder, a link or a submodule.",
        entry.name,
        at.short()
    )))
}
