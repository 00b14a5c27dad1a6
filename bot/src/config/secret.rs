//! Secrets: read from a file or a systemd credential at the moment of use, and never written.
//!
//! Invariant: this module never prints a value. [`Secret`] has no `Display` and no `Serialize`, and its `Debug` is
//! redacted; [`SecretError`] has paths and permissions only.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The environment variable in which systemd passes the credentials folder.
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Size limit. No key is this large, so a larger file is a mistake.
const MAX_BYTES: u64 = 64 * 1024;

/// A secret value, accessible only through [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the value. The caller must not log or store it.
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

/// The source of a secret; never holds the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file that only its owner can read.
    File(PathBuf),
    /// Name of a systemd credential (`LoadCredential=`).
    Credential(String),
}

/// A secret that could not be read.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file cannot be opened or read.
    #[error("the secret file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Underlying I/O error.
        #[source]
        source: std::io::Error,
    },
    /// The file is accessible to other users.
    #[error("the secret file {} {why}: run `{remedy}`", path.display())]
    Exposed {
        /// Path of the file.
        path: PathBuf,
        /// The fault in its permissions or ownership.
        why: String,
        /// The command that fixes it.
        remedy: String,
    },
    /// The content cannot be a secret.
    #[error("the secret file {} {why}", path.display())]
    Unfit {
        /// Path of the file.
        path: PathBuf,
        /// The fault in its content.
        why: &'static str,
    },
    /// The credentials folder is not set.
    #[error(
        "the credential {name:?} is not there: ${CREDENTIALS_DIRECTORY} is not set (systemd sets it for LoadCredential=)"
    )]
    NoCredentials {
        /// Name of the credential.
        name: String,
    },
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// Returns the path and the fault if the file is missing, accessible to others or malformed; never its content.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let credentials = std::env::var_os(CREDENTIALS_DIRECTORY).map(PathBuf::from);
        self.read_from(credentials.as_deref())
    }

    /// Reads the secret with an explicit credentials folder.
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
    // The permissions of the open file are checked, not those of the path: the path could point to another file a
    // moment later.
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
    // Editors end a file with a newline, which does not belong to the secret.
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() {
        return Err(unfit("is empty"));
    }
    if value.contains('\0') {
        return Err(unfit("holds a NUL character, which no variable can carry"));
    }
    Ok(Secret(value.to_owned()))
}

/// Checks that only the owner can read the file, and that the owner is the user of this process or root (security
/// case 69).
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
