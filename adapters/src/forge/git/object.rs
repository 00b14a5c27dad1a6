//! Commit objects, read and written byte for byte so that names and messages survive in any encoding.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Git;
use crate::failure::Failure;
use crate::forge::Signature;
use crate::ids::CommitId;

/// A parsed commit object without its signature, which would not be valid for a copy.
#[derive(Debug, Clone)]
pub(super) struct CommitObject {
    pub(super) tree: String,
    pub(super) parents: Vec<CommitId>,
    /// Name, address and time in git's one-line format.
    pub(super) author: Vec<u8>,
    pub(super) committer: Vec<u8>,
    pub(super) encoding: Option<Vec<u8>>,
    pub(super) message: Vec<u8>,
}

impl CommitObject {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let end = find(bytes, b"\n\n").unwrap_or(bytes.len());
        let message = bytes.get(end + 2..).unwrap_or_default().to_vec();
        let (mut tree, mut parents, mut author, mut committer, mut encoding) = (None, Vec::new(), None, None, None);
        for line in bytes.get(..end)?.split(|b| *b == b'\n') {
            let Some(space) = line.iter().position(|b| *b == b' ') else {
                continue;
            };
            let value = line.get(space + 1..)?;
            match line.get(..space)? {
                b"tree" => tree = Some(String::from_utf8(value.to_vec()).ok()?),
                b"parent" => parents.push(CommitId::parse(std::str::from_utf8(value).ok()?).ok()?),
                b"author" => author = Some(value.to_vec()),
                b"committer" => committer = Some(value.to_vec()),
                b"encoding" => encoding = Some(value.to_vec()),
                _ => {}
            }
        }
        Some(Self { tree: tree?, parents, author: author?, committer: committer?, encoding, message })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("tree {}\n", self.tree).into_bytes();
        for parent in &self.parents {
            bytes.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        let encoding = self.encoding.as_deref().map(|value| (&b"encoding "[..], value));
        let lines = [(&b"author "[..], self.author.as_slice()), (&b"committer "[..], self.committer.as_slice())];
        for (key, value) in lines.into_iter().chain(encoding) {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(value);
            bytes.push(b'\n');
        }
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.message);
        bytes
    }
}

impl Git {
    /// Reads the commits with these ids. Fails if one of them does not exist.
    pub(super) async fn commits<const N: usize>(&self, ids: [&CommitId; N]) -> Result<[CommitObject; N], Failure> {
        let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let mut found = self.commits_if_there(&names).await?;
        let mut commits = Vec::with_capacity(N);
        for id in ids {
            let (_, commit) = found.get(id.as_str()).cloned().ok_or_else(|| self.no_commit(id))?;
            commits.push(commit);
        }
        found.clear();
        commits.try_into().map_err(|_| Failure::rejected("git answered with fewer commits than were asked for"))
    }

    /// Reads those of the named objects that are commits, keyed by the given name (a full or short id), with
    /// their full id.
    pub(super) async fn commits_if_there(
        &self,
        names: &[&str],
    ) -> Result<HashMap<String, (CommitId, CommitObject)>, Failure> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let ask = self.ask(["cat-file", "--batch"]).offline().input(names.join("\n") + "\n");
        let full = names.iter().all(|name| CommitId::parse(name).is_ok());
        let answer = if full { ask.fixed() } else { ask }.stdout().await?;
        let mut rest = answer.as_slice();
        let mut found = HashMap::new();
        for name in names {
            let Some((header, after)) = split_once(rest, b'\n') else {
                break;
            };
            rest = after;
            let header = String::from_utf8_lossy(header).into_owned();
            let mut parts = header.split(' ');
            let (Some(id), Some(kind), Some(Ok(size))) =
                (parts.next(), parts.next(), parts.next().map(str::parse::<usize>))
            else {
                continue; // "missing" or "ambiguous": no content follows
            };
            let content = rest.get(..size).unwrap_or_default();
            rest = rest.get(size + 1..).unwrap_or_default();
            if kind != "commit" {
                continue;
            }
            if let (Ok(id), Some(commit)) = (CommitId::parse(id), CommitObject::decode(content)) {
                found.insert((*name).to_owned(), (id, commit));
            }
        }
        Ok(found)
    }

    /// Writes a commit object. The same commit always has the same id.
    pub(super) async fn write(&self, commit: &CommitObject) -> Result<CommitId, Failure> {
        let refused = |why| Failure::rejected(format!("git refuses to write the commit: {why}"));
        self.write_checked(commit).await?.map_err(refused)
    }

    /// Writes a commit object. The inner error holds git's message if the object fails git's checks.
    pub(super) async fn write_checked(&self, commit: &CommitObject) -> Result<Result<CommitId, String>, Failure> {
        let ask = self.ask(["hash-object", "-t", "commit", "-w", "--stdin"]).input(commit.encode());
        let answer = ask.run().await?;
        if answer.code != 0 {
            return match malformed(&answer.complaint) {
                Some(why) => Ok(Err(why)),
                None => Err(self.failure("hash-object", &answer)),
            };
        }
        let strange = || Failure::rejected("git hash-object answered with something that is not a commit id");
        id_in(&answer.stdout).map(Ok).ok_or_else(strange)
    }

    /// Formats the committer at this time as a line of a commit object.
    pub(super) fn committed_at(&self, at: Timestamp) -> Vec<u8> {
        let Signature { name, email, .. } = &self.committer;
        let plain =
            |text: &str| text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect::<String>();
        format!("{} <{}> {} +0000", plain(name), plain(email), at.as_second()).into_bytes()
    }

    /// Builds the failure for a commit that is not in this repository.
    pub(super) fn no_commit(&self, id: &CommitId) -> Failure {
        let place = self.directory.display();
        Failure::rejected(format!("{id} is not a commit in {place}. Push or fetch it, then try again."))
    }
}

/// Extracts git's reason for refusing an object: `error: object fails fsck: zeroPaddedDate: …`, or in older versions
/// other text before `fatal: corrupt commit`. `None` if git failed for another reason. The complaint is one line.
fn malformed(complaint: &str) -> Option<String> {
    if !["fsck", "malformed object", "corrupt commit"].iter().any(|word| complaint.contains(word)) {
        return None;
    }
    let said = complaint.split("fatal:").next().unwrap_or(complaint).trim().trim_end_matches([';', ' ']);
    let said = said.trim_start_matches("error: ").trim_start_matches("object fails fsck: ");
    Some(if said.is_empty() { complaint.trim() } else { said }.to_owned())
}

/// Parses output that is exactly one commit id.
pub(super) fn id_in(answer: &[u8]) -> Option<CommitId> {
    std::str::from_utf8(answer).ok().and_then(|text| CommitId::parse(text.trim()).ok())
}

/// Parses the commit ids in output with one id per line.
pub(super) fn ids_in(answer: &[u8]) -> Vec<CommitId> {
    String::from_utf8_lossy(answer).lines().filter_map(|line| CommitId::parse(line).ok()).collect()
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|b| *b == at)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
