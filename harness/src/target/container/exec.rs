//! Commands in a container.

use std::time::Duration;

use futures_util::StreamExt;
use testcontainers::bollard::{
    container::LogOutput::StdErr,
    exec::{CreateExecOptions, StartExecResults},
};

use super::member::{MOST, Member};
use crate::error::Error;

/// What a command in a container said; of each stream the first mebibyte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit status.
    pub status: i64,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Member {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// [`Error::Target`] where the command cannot be run or does not end within two minutes. What it
    /// exits with is no error.
    pub fn exec(&self, command: &[&str]) -> Result<Output, Error> {
        let what = format!("{} in the container {}", command.join(" "), self.role);
        let docker = self.engine.docker();
        let asked = CreateExecOptions {
            cmd: Some(command.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let mut said = (Vec::new(), Vec::new());
        let answer = async {
            let exec = docker.create_exec(&self.id, asked).await?;
            if let StartExecResults::Attached { mut output, .. } =
                docker.start_exec(&exec.id, None).await?
            {
                while let Some(part) = output.next().await {
                    match part? {
                        StdErr { message } => append(&mut said.1, &message),
                        other => append(&mut said.0, other.as_ref()),
                    }
                }
            }
            // The output can end a moment before the engine has noticed that the command did.
            loop {
                let exec = docker.inspect_exec(&exec.id).await?;
                match exec.exit_code.filter(|_| exec.running != Some(true)) {
                    Some(status) => return Ok(status),
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let answer = async { tokio::time::timeout(EXEC, answer).await };
        let status = match self.engine.wait(answer) {
            Ok(status) => status.map_err(|e| self.engine.failed(&what, &e))?,
            Err(_) => {
                let waited = EXEC.as_secs();
                return Err(Error::Target(format!("{what}: no end within {waited} s")));
            }
        };
        Ok(Output {
            status,
            stdout: String::from_utf8_lossy(&said.0).into_owned(),
            stderr: String::from_utf8_lossy(&said.1).into_owned(),
        })
    }
}

/// The rest is read, so that the command can end, and forgotten.
fn append(said: &mut Vec<u8>, part: &[u8]) {
    let room = MOST - said.len();
    said.extend_from_slice(&part[..part.len().min(room)]);
}

const EXEC: Duration = Duration::from_secs(120);
