//! Secrets: read at the moment of use, from a file or a systemd credential, and never written anywhere.
//!
//! Invariant: nothing here prints a value. [`Secret`] has no `Display` and no `Serialize`, and its `Debug` is blacked
//! out; [`SecretError`] names places and rights only.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The variable by which systemd says where the credentials of the service are.
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Longer than any key; what is larger is not a secret but a mistake.
const MAX_BYTES: u64 = 64 * 1024;

/// A secret value. It can be exposed on purpose, and not by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret is read from. It holds a place and never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file that only its owner can read.
    File(PathBuf),
    /// A credential that systemd handed over (`LoadCredential=`), by its name.
    Credential(String),
}

/// Why a secret is not there.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file cannot be opened or read.
    #[error("the secret file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is open to others.
    #[error("the secret file {} {why}: run `{remedy}`", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The command that mends it.
        remedy: String,
    },
    /// What was read cannot be a secret.
    #[error("the secret file {} {why}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no folder of credentials.
    #[error(
        "the credential {name:?} is not there: ${CREDENTIALS_DIRECTORY} is not set (systemd sets it for LoadCredential=)"
    )]
    NoCredentials {
        /// The credential.
        name: String,
    },
}

impl SecretSource {
    /// Reads the secret now.
    ///
    /// # Errors
    /// Says which file is missing, open to others or unfit, and never what is in it.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let credentials = std::env::var_os(CREDENTIALS_DIRECTORY).map(PathBuf::from);
        self.read_from(credentials.as_deref())
    }

    /// Reads the secret with this folder of credentials.
    pub(super) fn read_from(&self, credentials: Option<&Path>) -> Result<Secret, SecretError> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Credential(name) => {
                let folder = credentials.ok_or_else(|| SecretError::NoCredentials { name: name.clone() })?;
                folder.join(name)
            }
        };
        read_private(&path)
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

fn read_private(path: &Path) -> Result<Secret, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let unfit = |why| SecretError::Unfit { path: path.to_owned(), why };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // The rights of the open file are asked, not those of the name: the name could be another file a moment later.
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(unfit("is not a file"));
    }
    check_private(path, &found)?;
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unfit("is larger than 64 KiB"));
    }
    // Editors end a file with a newline; it is no part of the secret.
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() {
        return Err(unfit("is empty"));
    }
    if value.contains('\0') {
        return Err(unfit("holds a NUL character, which no variable can carry"));
    }
    Ok(Secret(value.to_owned()))
}

/// Only its owner may read it, and its owner is this process' user or root (security case 69).
fn check_private(path: &Path, found: &std::fs::Metadata) -> Result<(), SecretError> {
    let exposed = |why: String, remedy: String| SecretError::Exposed { path: path.to_owned(), why, remedy };
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(exposed(
            format!("can be used by others (mode {mode:04o})"),
            format!("chmod 600 {}", path.display()),
        ));
    }
    let us = super::rights::us();
    if found.uid() != us && found.uid() != 0 {
        return Err(exposed(
            format!("belongs to the user {}, and neither to us ({us}) nor to root", found.uid()),
            format!("chown {us} {}", path.display()),
        ));
    }
    Ok(())
}
