//! The reports that machines read. They are opened before anything is judged, and written in every case.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use clap::Args;
use msaspec_harness::report::{Document, junit};

use super::Failure;

/// Which reports to write; `-` is the standard output.
#[derive(Debug, Default, Args)]
#[group(id = "reports")]
#[command(next_help_heading = "Reports (\"-\" is standard output)")]
pub(super) struct Arguments {
    /// Everything, as one JSON document
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Test results in JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Reports to be written.
#[derive(Default)]
pub(super) struct Reports {
    json: Option<Sink>,
    junit: Option<Sink>,
}

enum Sink {
    StandardOutput,
    File(PathBuf, File),
}

impl Arguments {
    /// Opens the files; what is in them stays until the reports are written.
    pub(super) fn open(&self) -> Result<Reports, Failure> {
        let same = "--json and --junit cannot be the same file: the second would replace the first";
        if self.json.is_some() && self.json == self.junit && !self.are_standard_output() {
            return Err(Failure::Usage(same.to_owned()));
        }
        let reports = Reports {
            json: self.json.as_deref().map(Sink::open).transpose()?,
            junit: self.junit.as_deref().map(Sink::open).transpose()?,
        };
        if self.are_standard_output() {
            let why = "--json and --junit cannot both go to the standard output: name a file for one of them";
            return Err(Failure::Usage(why.to_owned()));
        }
        match (&reports.json, &reports.junit) {
            (Some(Sink::File(_, json)), Some(Sink::File(_, junit))) if is_same(json, junit) => {
                Err(Failure::Usage(same.to_owned()))
            }
            _ => Ok(reports),
        }
    }

    fn are_standard_output(&self) -> bool {
        let is_standard_output = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
        [&self.json, &self.junit]
            .into_iter()
            .all(is_standard_output)
    }
}

impl Reports {
    /// Whether the standard output belongs to a report.
    pub(super) fn take_standard_output(&self) -> bool {
        [&self.json, &self.junit]
            .into_iter()
            .any(|sink| matches!(sink, Some(Sink::StandardOutput)))
    }

    /// Writes them all; the first that cannot be written is named.
    pub(super) fn write(self, document: &Document, strict: bool) -> Result<(), Failure> {
        let json = self.json.map(|sink| sink.write(document.to_json()));
        let junit = self
            .junit
            .map(|sink| sink.write(junit::render(document, strict)));
        json.transpose().and(junit.transpose()).map(drop)
    }
}

impl Sink {
    fn open(path: &Path) -> Result<Sink, Failure> {
        if path == Path::new("-") {
            return Ok(Sink::StandardOutput);
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|e| unwritable(path, e))?;
        Ok(Sink::File(path.to_owned(), file))
    }

    fn write<E: std::fmt::Display>(self, report: Result<String, E>) -> Result<(), Failure> {
        let report = report.map_err(|e| Failure::Usage(format!("a report cannot be made: {e}")))?;
        let written = match &self {
            Sink::StandardOutput => {
                let mut out = io::stdout();
                out.write_all(report.as_bytes()).and_then(|()| out.flush())
            }
            Sink::File(_, file) => replace(file, &report),
        };
        match (written, self) {
            (Ok(()), _) => Ok(()),
            // That a reader has seen enough says nothing about the target.
            (Err(error), _) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            (Err(error), Sink::StandardOutput) => Err(error.into()),
            (Err(error), Sink::File(path, _)) => Err(unwritable(&path, error)),
        }
    }
}

/// Devices and pipes have no length that could be set.
fn replace(mut file: &File, report: &str) -> io::Result<()> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    file.write_all(report.as_bytes())
}

/// Whether two names lead to one file; a device takes whatever comes.
fn is_same(one: &File, other: &File) -> bool {
    let identity = |file: &File| {
        let metadata = file.metadata().ok()?;
        let is_device = metadata.file_type().is_char_device();
        (!is_device).then(|| (metadata.dev(), metadata.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    Failure::Usage(format!(
        "{}: the report cannot be written: {error}",
        path.display()
    ))
}
