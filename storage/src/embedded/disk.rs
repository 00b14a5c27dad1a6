//! Durable writes behind a trait, so that tests can inject a disk that fails at a chosen call.

use std::fs::File;
use std::io::{self, Write};

/// The disk operations that the store needs for durability.
pub trait Disk: Send + Sync {
    /// Writes some of the bytes at the file's position and returns their number.
    ///
    /// # Errors
    /// The error of the operating system.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize>;

    /// Syncs the file: returns once everything written to it is on stable storage.
    ///
    /// # Errors
    /// The error of the operating system. The caller must not retry: after a failed sync the pages may be lost
    /// although a second call succeeds.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The real disk: plain system calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineDisk;

impl Disk for MachineDisk {
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// Writes all bytes, and retries after an interrupted or partial write.
pub(crate) fn write_all(disk: &dyn Disk, file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
