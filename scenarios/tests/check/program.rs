//! The program as an administrator runs it, and what it leaves in the engine.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use libtest_mimic::Failed;
use msaspec_harness::report::Document;

/// The workspace.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// `msaspec check` with these arguments, not started yet.
pub(crate) fn command<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msaspec"));
    command
        .arg("check")
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end: its process and what came of it.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Result<(u32, Output), Failed> {
    let child: Child = command(arguments).spawn()?;
    let pid = child.id();
    Ok((pid, child.wait_with_output()?))
}

/// What it said to a person.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// That it ended with this status.
pub(crate) fn ended_with(output: &Output, status: i32) -> Result<(), Failed> {
    match output.status.code() == Some(status) {
        true => Ok(()),
        false => Err(format!(
            "{} instead of exit status {status}:\n{}",
            output.status,
            said(output)
        )
        .into()),
    }
}

/// A JSON report in the format that was promised.
pub(crate) fn report(path: &Path) -> Result<serde_json::Value, Failed> {
    let text = std::fs::read_to_string(path)?;
    let document: Document = serde_json::from_str(&text)?;
    match document.format {
        1 => Ok(serde_json::from_str(&text)?),
        other => Err(format!("format {other} of the report").into()),
    }
}

/// That no container, network or volume of a process is left.
pub(crate) fn nothing_is_left(pid: u32) -> Result<(), Failed> {
    for kind in ["container", "network", "volume"] {
        let left = labelled(kind, pid)?;
        if !left.is_empty() {
            return Err(format!("left behind: {kind} {}", left.join(" ")).into());
        }
    }
    Ok(())
}

/// What a process has in the engine.
pub(crate) fn labelled(kind: &str, pid: u32) -> Result<Vec<String>, Failed> {
    let filter = format!("label=msaspec.pid={pid}");
    let all: &[&str] = if kind == "container" { &["--all"] } else { &[] };
    let said = docker(&[&[kind, "ls", "--quiet", "--filter", &filter], all].concat())?;
    Ok(said.lines().map(str::to_owned).collect())
}

/// What the engine's program says on both of its streams; a container that has just gone is no failure.
pub(crate) fn docker(arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new("docker").args(arguments).output()?;
    Ok(said(&output))
}
