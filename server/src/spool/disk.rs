//! Everything that the spool asks of the operating system, in one place, where tests make it fail.

#[cfg(test)]
pub(super) mod faults;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The folder of a spool.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    folder: PathBuf,
    #[cfg(test)]
    pub(super) faults: std::sync::Arc<faults::Faults>,
}

impl Disk {
    /// The folder, made (readable by its owner only) if it is missing.
    pub(super) fn make(folder: &Path) -> io::Result<Self> {
        if !folder.is_dir() {
            if folder.try_exists()? {
                let why = "is no folder; a spool is one";
                return Err(io::Error::new(io::ErrorKind::NotADirectory, why));
            }
            let folder = std::path::absolute(folder)?;
            let missing: Vec<_> = folder
                .ancestors()
                .take_while(|level| !level.is_dir())
                .collect();
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)?;
            // Each new name is durable with the folder that it is in.
            for parent in missing.into_iter().filter_map(Path::parent) {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(Disk::of(folder))
    }

    /// The folder as it is.
    pub(super) fn of(folder: &Path) -> Self {
        Disk {
            folder: folder.to_path_buf(),
            #[cfg(test)]
            faults: std::sync::Arc::default(),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The lock file, if nobody else holds it; the operating system gives it back if we die.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path("lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // Without a name it would lock nothing: somebody has just removed it.
            Ok(()) => Ok((file.metadata()?.nlink() > 0).then_some(file)),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of all files; folders are none of ours.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        self.step()?;
        let mut names = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            if file.file_type().is_ok_and(|kind| kind.is_file()) {
                names.extend(file.file_name().into_string());
            }
        }
        Ok(names)
    }

    /// A new, empty file; what had its name is gone.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        self.step()?;
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path(name))
    }

    pub(super) fn open(&self, name: &str) -> io::Result<File> {
        self.step()?;
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(name))
    }

    pub(super) fn open_to_read(&self, name: &str) -> io::Result<File> {
        self.step()?;
        File::open(self.path(name))
    }

    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.step()?;
        #[cfg(test)]
        self.faults.reads(0, fs::metadata(self.path(name))?.len())?;
        fs::read(self.path(name))
    }

    /// A whole file, and whether all of it could be read. Sectors that could not are all ones, so
    /// that nobody takes them for room that was never used.
    pub(super) fn read_around(&self, name: &str) -> io::Result<(Vec<u8>, bool)> {
        match self.read(name) {
            Err(error) if is_unreadable(&error) => {}
            read => return read.map(|octets| (octets, true)),
        }
        let file = self.open_to_read(name)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let (mut octets, mut whole) = (vec![0xff; length], true);
        for (number, sector) in octets.chunks_mut(SECTOR).enumerate() {
            match self.read_at(&file, (number * SECTOR) as u64, sector.len()) {
                Ok(read) => sector.copy_from_slice(&read),
                Err(error) if is_unreadable(&error) => whole = false,
                Err(error) => return Err(error),
            }
        }
        Ok((octets, whole))
    }

    pub(super) fn read_at(&self, file: &File, place: u64, length: usize) -> io::Result<Vec<u8>> {
        self.step()?;
        #[cfg(test)]
        self.faults.reads(place, place + length as u64)?;
        let mut octets = vec![0; length];
        file.read_exact_at(&mut octets, place)?;
        Ok(octets)
    }

    pub(super) fn write_at(&self, file: &File, place: u64, octets: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        self.faults
            .fits(file, place + octets.len() as u64, &self.folder)?;
        if let Err(error) = self.step() {
            // A write that fails may have been done in part.
            let _ = file.write_all_at(&octets[..octets.len() / 2], place);
            return Err(error);
        }
        file.write_all_at(octets, place)
    }

    /// Reserves room behind the end of a file, where the file system can do that.
    pub(super) fn reserve(&self, file: &File, place: u64, length: u64) -> io::Result<()> {
        self.step()?;
        #[cfg(test)]
        self.faults.fits(file, place + length, &self.folder)?;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            match fallocate(file, FallocateFlags::KEEP_SIZE, place, length) {
                Err(Errno::NOSPC) => return Err(Errno::NOSPC.into()),
                Err(Errno::DQUOT) => return Err(Errno::DQUOT.into()),
                // Whatever else is wrong is told by the write itself.
                _ => {}
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (file, place, length);
        Ok(())
    }

    pub(super) fn sync(&self, file: &File) -> io::Result<()> {
        self.step()?;
        file.sync_data()
    }

    pub(super) fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.step()?;
        file.set_len(length)
    }

    /// Whether a file that is open still has a name.
    pub(super) fn has_name(&self, file: &File) -> io::Result<bool> {
        self.step()?;
        Ok(file.metadata()?.nlink() > 0)
    }

    pub(super) fn rename(&self, name: &str, new: &str) -> io::Result<()> {
        self.step()?;
        fs::rename(self.path(name), self.path(new))
    }

    /// Removes a file, unless it is gone already.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes new names, and the want of old ones, durable.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        self.step()?;
        #[cfg(test)]
        self.faults.folder_is_synced();
        File::open(&self.folder)?.sync_all()
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "tests use it"
    )]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        self.faults.step()
    }
}

/// Whether the disk has lost what was to be read.
pub(super) fn is_unreadable(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::IO.raw_os_error())
}

/// Octets that a disk loses together.
const SECTOR: usize = 4096;
