//! Writing and syncing, as an argument, so that tests can have a disk that fails at the call they choose.

use std::fs::File;
use std::io::{self, Write};

/// What the store asks of a disk when something has to be durable.
pub trait Disk: Send + Sync {
    /// Writes some of the bytes at the file's position, and says how many.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize>;

    /// Returns when everything written to the file is on stable storage.
    ///
    /// # Errors
    /// Whatever the disk says. It is not asked again: after a failure the pages may be gone although a second call succeeds.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The machine's disk.
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

/// Writes all of the bytes.
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
