//! `msaspec serve` as a process that can be killed.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_msaspec");

pub(crate) struct Server {
    folder: TempDir,
    /// The size of the file system that only the server sees.
    disk: Option<&'static str>,
    running: Option<(Child, SocketAddr)>,
}

impl Server {
    pub(crate) fn new(next_hop: SocketAddr) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        fs::create_dir(&spool).unwrap();
        let config = format!(
            "profile = \"origin\"\nhostname = \"msa.example.org\"\nspool = \"{}\"\n\
             listeners = [\"127.0.0.1:0,M=a\"]\nnext_hop = \"{next_hop}\"\nretry_seconds = 1\n\
             users = {{ alice = \"secret\" }}\n[delivery]\nlongest_retry = 1\n",
            spool.display()
        );
        fs::write(folder.path().join("msaspec.toml"), config).unwrap();
        Server {
            folder,
            disk: None,
            running: None,
        }
    }

    /// Gives the server a file system of this size for its spool, which is gone with it.
    pub(crate) fn on_small_disk(&mut self, size: &'static str) {
        self.disk = Some(size);
    }

    pub(crate) fn start(&mut self) {
        let mut command = match self.disk {
            None => Command::new(PROGRAM),
            Some(size) => {
                let script = format!(
                    "mount -t tmpfs -o size={size} none \"$1\" && exec \"$0\" \"$2\" \"$3\" \"$4\""
                );
                let mut command = Command::new("unshare");
                command.args(["-rm", "sh", "-c", &script, PROGRAM]);
                command.arg(self.folder.path().join("spool"));
                command
            }
        };
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut child = command
            .args(["serve", "--config"])
            .arg(self.folder.path().join("msaspec.toml"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut log = String::new();
            let file = fs::File::open(self.folder.path().join("log"));
            file.unwrap().read_to_string(&mut log).unwrap();
            panic!("the server is not ready: {line}{log}")
        });
        let address = ready["listeners"][0]["address"].as_str().unwrap();
        self.running = Some((child, address.parse().unwrap()));
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.as_ref().unwrap().1
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let (mut child, _) = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn terminate(&mut self) {
        let (mut child, _) = self.running.take().unwrap();
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(child.wait().unwrap().success());
    }

    /// Waits until the server has recorded that everything was delivered.
    pub(crate) fn wait_until_empty(&self, patience: Duration) -> Result<(), Failed> {
        let deadline = Instant::now() + patience;
        loop {
            let queue = Command::new(PROGRAM)
                .args(["queue", "list", "--spool"])
                .arg(self.folder.path().join("spool"))
                .output()?;
            let listed = String::from_utf8_lossy(&queue.stdout).into_owned();
            if queue.status.success() && listed.trim() == "nothing" {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("still in the queue: {listed}").into());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
