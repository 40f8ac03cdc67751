//! The reports that machines read. They are opened before anything is judged, and written in every case.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::Failure;

/// What a report is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Junit,
    Markdown,
    Sarif,
}

/// Reports to be written.
#[derive(Default)]
pub(super) struct Reports(Vec<(Format, Sink)>);

enum Sink {
    StandardOutput,
    File(PathBuf, File),
}

impl Format {
    /// The option that asks for it.
    fn option(self) -> &'static str {
        match self {
            Format::Json => "--json",
            Format::Junit => "--junit",
            Format::Markdown => "--markdown",
            Format::Sarif => "--sarif",
        }
    }
}

impl Reports {
    /// Opens the files; what is in them stays until the reports are written.
    pub(super) fn open(wanted: &[(Format, Option<&Path>)]) -> Result<Reports, Failure> {
        let wanted = wanted
            .iter()
            .filter_map(|(format, path)| Some((*format, (*path)?)));
        let wanted: Vec<_> = wanted.collect();
        let is_file = |path: &Path| path != Path::new("-");
        refuse_pair(&wanted, |one, other| one == other && is_file(one), SAME)?;
        let reports: Vec<_> = wanted
            .iter()
            .map(|(format, path)| Ok((*format, Sink::open(path)?)))
            .collect::<Result<_, Failure>>()?;
        refuse_pair(
            &wanted,
            |one, other| !is_file(one) && !is_file(other),
            OUTPUT,
        )?;
        refuse_pair(&reports, Sink::is_same, SAME)?;
        Ok(Reports(reports))
    }

    /// Whether the standard output belongs to a report.
    pub(super) fn take_standard_output(&self) -> bool {
        let mut sinks = self.0.iter();
        sinks.any(|(_, sink)| matches!(sink, Sink::StandardOutput))
    }

    /// Writes them all; the first that cannot be written is named.
    pub(super) fn write(
        self,
        render: impl Fn(Format) -> Result<String, String>,
    ) -> Result<(), Failure> {
        let reports = self.0.into_iter();
        let written: Vec<_> = reports
            .map(|(format, sink)| sink.write(render(format)))
            .collect();
        written.into_iter().collect()
    }
}

const SAME: &str = "be the same file: the second would replace the first";
const OUTPUT: &str = "both go to the standard output: name a file for one of them";

/// Two reports that are in each other's way.
fn refuse_pair<T>(
    reports: &[(Format, T)],
    collide: impl Fn(&T, &T) -> bool,
    why: &str,
) -> Result<(), Failure> {
    for (index, (one, sink)) in reports.iter().enumerate() {
        let others = &reports[index + 1..];
        if let Some((other, _)) = others.iter().find(|(_, other)| collide(sink, other)) {
            let (one, other) = (one.option(), other.option());
            return Err(Failure::Usage(format!("{one} and {other} cannot {why}")));
        }
    }
    Ok(())
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

    /// Whether both lead to one file.
    fn is_same(&self, other: &Sink) -> bool {
        match (self, other) {
            (Sink::File(_, one), Sink::File(_, other)) => is_same(one, other),
            _ => false,
        }
    }

    fn write(self, report: Result<String, String>) -> Result<(), Failure> {
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
