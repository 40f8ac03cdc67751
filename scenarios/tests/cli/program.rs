//! The program as a process of its own.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use tempfile::TempDir;

/// No run in these tests takes longer; a test that hangs names itself.
const PATIENCE: Duration = Duration::from_secs(90);

/// What is left of a process.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Everything that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Status and words, or a panic that shows everything.
    #[track_caller]
    pub(crate) fn expect(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, status, "{}", self.said());
        // A sentence is broken where the line ends, and words are where they are.
        let said = self.said().split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(
                said.contains(word),
                "{word:?} is missing in: {}",
                self.said()
            );
        }
    }
}

/// `msaspec` with arguments, in a folder of its own.
pub(crate) fn msaspec(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msaspec"));
    command
        .args(arguments)
        .current_dir(folder.path())
        .env_remove("MSASPEC_PASSWORD")
        .env_remove("RUST_LOG")
        .env("XDG_STATE_HOME", folder.path())
        // What a killed process leaves behind goes with the folder.
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end with something to read.
pub(crate) fn run_reading(folder: &TempDir, arguments: &[&str], input: &[u8]) -> Ended {
    let mut program = msaspec(folder, arguments);
    let mut child = program.stdin(Stdio::piped()).spawn().unwrap();
    // What refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    end(child)
}

/// Runs it to its end.
pub(crate) fn run(folder: &TempDir, arguments: &[&str]) -> Ended {
    end(msaspec(folder, arguments).spawn().unwrap())
}

/// A run with an account, which trusts only the authority of one server.
pub(crate) fn run_as_alice(
    folder: &TempDir,
    server: &Serving,
    password: &str,
    trusted: &Serving,
) -> Ended {
    let (target, ca) = (format!("smtp://{}", server.address(0)), trusted.ca());
    let ca = ca.to_str().unwrap();
    let arguments = ["run", &target, "--user", "alice", "--ca", ca];
    let mut program = msaspec(folder, &arguments);
    end(program.env("MSASPEC_PASSWORD", password).spawn().unwrap())
}

/// Waits for a process with bounded patience.
pub(crate) fn end(mut child: Child) -> Ended {
    let stdout = read(child.stdout.take().unwrap());
    let stderr = read(child.stderr.take().unwrap());
    let (ended, end) = mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || ended.send(child.wait()));
    let status = end.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        signal(id, "KILL");
        panic!("msaspec does not end");
    });
    Ended {
        status: status.unwrap().code().unwrap_or(-1),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(process: u32, name: &str) {
    let kill = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Under `nohup` it is, and the program leaves it so.
pub(crate) fn hang_up_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| {
        mask.trim()
            .ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f'])
    })
}

fn read(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut octets = Vec::new();
        stream.read_to_end(&mut octets).unwrap();
        String::from_utf8(octets).unwrap()
    })
}

/// A running `msaspec serve`.
pub(crate) struct Serving {
    child: Child,
    pub(crate) ready: serde_json::Value,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Serving {
    /// Starts it and waits until it says that it is ready.
    pub(crate) fn start(folder: &TempDir, arguments: &[&str]) -> Serving {
        let mut child = msaspec(folder, &["serve"]).args(arguments).spawn().unwrap();
        let log = read(child.stderr.take().unwrap());
        Serving::ready(child, Some(log))
    }

    /// The same, with a log whose reader is gone.
    pub(crate) fn start_unread(folder: &TempDir, arguments: &[&str]) -> Serving {
        let mut child = msaspec(folder, &["serve"]).args(arguments).spawn().unwrap();
        drop(child.stderr.take());
        Serving::ready(child, None)
    }

    fn ready(mut child: Child, log: Option<std::thread::JoinHandle<String>>) -> Serving {
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Serving {
            child,
            ready: serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")),
            log,
        }
    }

    /// The nth listener.
    pub(crate) fn address(&self, nth: usize) -> SocketAddr {
        self.ready["listeners"][nth]["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The certificate of its authority.
    pub(crate) fn ca(&self) -> PathBuf {
        self.ready["ca"].as_str().unwrap().into()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for its end, and returns the status and what it logged.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap().code();
        let log = self.log.take().unwrap().join().unwrap();
        (status, log)
    }

    /// Ends it as an administrator would.
    pub(crate) fn stop(mut self, name: &str) -> Option<i32> {
        self.signal(name);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
