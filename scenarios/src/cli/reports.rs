//! The reports that machines read. They are opened before anything is judged, and written in every case.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
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
        let reports = Reports {
            json: self.json.as_deref().map(Sink::open).transpose()?,
            junit: self.junit.as_deref().map(Sink::open).transpose()?,
        };
        if let (Some(Sink::StandardOutput), Some(Sink::StandardOutput)) =
            (&reports.json, &reports.junit)
        {
            let why = "--json and --junit cannot both go to the standard output: name a file for one of them";
            return Err(Failure::Usage(why.to_owned()));
        }
        Ok(reports)
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
        match self {
            Sink::StandardOutput => {
                let mut out = io::stdout();
                out.write_all(report.as_bytes())?;
                Ok(out.flush()?)
            }
            Sink::File(path, file) => replace(&file, &report).map_err(|e| unwritable(&path, e)),
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

fn unwritable(path: &Path, error: io::Error) -> Failure {
    Failure::Usage(format!(
        "{}: the report cannot be written: {error}",
        path.display()
    ))
}
