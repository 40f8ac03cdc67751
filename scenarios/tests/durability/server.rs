//! `msaspec serve` as a process that can be killed.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_msaspec");
/// Sessions at a time with the next hop.
pub(crate) const SESSIONS: usize = 8;

pub(crate) struct Server {
    folder: TempDir,
    /// The size of the file system that only the server sees.
    disk: Option<&'static str>,
    next_hop: SocketAddr,
    /// Starts so far. Its name in a life is told to the next hop.
    lives: u32,
    running: Option<(Child, SocketAddr)>,
}

impl Server {
    pub(crate) fn new(next_hop: SocketAddr) -> Server {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("spool")).unwrap();
        Server {
            folder,
            disk: None,
            next_hop,
            lives: 0,
            running: None,
        }
    }

    /// Gives the server a file system of this size for its spool, which is gone with it.
    pub(crate) fn on_small_disk(&mut self, size: &'static str) {
        self.disk = Some(size);
    }

    /// Where it keeps mail.
    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(&mut self) {
        let mut child = self.begin();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the server is not ready: {line}{}", self.log()));
        let address = ready["listeners"][0]["address"].as_str().unwrap();
        self.running = Some((child, address.parse().unwrap()));
    }

    /// Starts it and kills it after a while, ready or not.
    pub(crate) fn start_in_vain(
        &mut self,
        wait: impl FnOnce() -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        let mut child = self.begin();
        let waited = wait();
        child.kill().unwrap();
        let status = child.wait().unwrap();
        // Whoever was killed has no status of his own.
        match status.code() {
            None => waited,
            Some(_) => Err(format!("the server does not start: {}", self.log()).into()),
        }
    }

    fn begin(&mut self) -> Child {
        self.lives += 1;
        let config = format!(
            "profile = \"origin\"\nhostname = \"life-{}.example.org\"\nspool = \"{}\"\n\
             listeners = [\"127.0.0.1:0,M=a\"]\nnext_hop = \"{}\"\nretry_seconds = 1\n\
             users = {{ alice = \"secret\" }}\n[delivery]\nlongest_retry = 1\n\
             connections_per_destination = {SESSIONS}\n",
            self.lives,
            self.spool().display(),
            self.next_hop,
        );
        fs::write(self.folder.path().join("msaspec.toml"), config).unwrap();
        let mut command = match self.disk {
            None => Command::new(PROGRAM),
            Some(size) => {
                let script = format!(
                    "mount -t tmpfs -o size={size} none \"$1\" && exec \"$0\" \"$2\" \"$3\" \"$4\""
                );
                let mut command = Command::new("unshare");
                command.args(["-rm", "sh", "-c", &script, PROGRAM]);
                command.arg(self.spool());
                command
            }
        };
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        command
            .args(["serve", "--config"])
            .arg(self.folder.path().join("msaspec.toml"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// What it has logged in this life.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
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
                .arg(self.spool())
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
